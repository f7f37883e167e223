// SPDX-License-Identifier: GPL-2.0-or-later
/* Capabilities: each case in a child, since what is dropped does not come back. */
#include "common/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fixture.h"

static const cap_value_t needed[] = { CAP_SYS_ADMIN, CAP_KILL };

static bool has(cap_flag_t flag, cap_value_t cap)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();
	bool set = caps && !cap_get_flag(caps, cap, flag, &value) && value == CAP_SET;

	cap_free(caps);
	return set;
}

/* How many capabilities a set has. */
static int count(cap_flag_t flag)
{
	int n = 0;

	for (cap_value_t cap = 0; cap < cap_max_bits(); cap++)
		n += has(flag, cap);
	return n;
}

/* A condition that does not hold is the child's end. */
#define CHECK(condition)                                  \
	do {                                              \
		if (!(condition)) {                       \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#condition);              \
			_exit(1);                         \
		}                                         \
	} while (0)

static void in_child(void (*run)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool can_test(void)
{
	return has(CAP_PERMITTED, CAP_SYS_ADMIN) && has(CAP_PERMITTED, CAP_KILL) &&
	       has(CAP_PERMITTED, CAP_SETPCAP);
}

static void raise_and_lower(void)
{
	const cap_value_t other = CAP_SETPCAP;
	cap_t caps = cap_get_proc();

	CHECK(!cap_set_flag(caps, CAP_INHERITABLE, 1, &other, CAP_SET) && !cap_set_proc(caps));
	cap_free(caps);
	CHECK(count(CAP_INHERITABLE) >= 1);

	CHECK(caps_begin(needed, ARRAY_SIZE(needed)) == EXIT_OK);
	CHECK(count(CAP_PERMITTED) == 2 && count(CAP_EFFECTIVE) == 0);
	CHECK(count(CAP_INHERITABLE) == 0);
	CHECK(has(CAP_PERMITTED, CAP_SYS_ADMIN) && has(CAP_PERMITTED, CAP_KILL));
	for (int i = 0; i < 2; i++) {
		caps_raise();
		CHECK(count(CAP_EFFECTIVE) == 2 && count(CAP_PERMITTED) == 2);
		CHECK(has(CAP_EFFECTIVE, CAP_SYS_ADMIN) && has(CAP_EFFECTIVE, CAP_KILL));
		caps_lower();
		CHECK(count(CAP_EFFECTIVE) == 0 && count(CAP_PERMITTED) == 2);
	}
	CHECK(count(CAP_INHERITABLE) == 0);
}

static void test_raise_and_lower(void **state)
{
	(void)state;
	if (!can_test())
		skip();
	in_child(raise_and_lower);
}

/* A process that is traced, or whose /proc files are read, must stay so. */
static void stay_dumpable(void)
{
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK(caps_begin(needed, ARRAY_SIZE(needed)) == EXIT_OK);
	caps_raise();
	caps_lower();
	CHECK(prctl(PR_GET_DUMPABLE) == 1);
}

static void test_dumpable(void **state)
{
	(void)state;
	in_child(stay_dumpable);
}

/* What is missing is not missed here, and what is there is dropped again. */
static void begin_with_less(void)
{
	const cap_value_t only[] = { CAP_KILL, CAP_SETPCAP };

	CHECK(caps_begin(only, 2) == EXIT_OK);
	CHECK(count(CAP_PERMITTED) == 2);
	CHECK(caps_begin(needed, ARRAY_SIZE(needed)) == EXIT_OK);
	CHECK(count(CAP_PERMITTED) == 1 && has(CAP_PERMITTED, CAP_KILL));
	caps_raise();
	CHECK(count(CAP_EFFECTIVE) == 1 && has(CAP_EFFECTIVE, CAP_KILL));
	CHECK(caps_begin(NULL, 0) == EXIT_OK);
	CHECK(count(CAP_PERMITTED) == 0 && count(CAP_EFFECTIVE) == 0);
}

static void test_begin_with_less(void **state)
{
	(void)state;
	if (!can_test())
		skip();
	in_child(begin_with_less);
}

static void without_any(void)
{
	CHECK(geteuid() || !setresuid(65534, 65534, 65534));
	CHECK(count(CAP_PERMITTED) == 0);
	caps_raise();
	caps_lower();
	CHECK(caps_begin(needed, ARRAY_SIZE(needed)) == EXIT_OK);
	caps_raise();
	CHECK(count(CAP_EFFECTIVE) == 0);
	caps_lower();
	CHECK(count(CAP_PERMITTED) == 0);
}

static void test_without_any(void **state)
{
	(void)state;
	in_child(without_any);
}

static void never_begun(void)
{
	int before = count(CAP_EFFECTIVE);

	caps_raise();
	caps_lower();
	CHECK(count(CAP_EFFECTIVE) == before);
}

static void test_never_begun(void **state)
{
	(void)state;
	in_child(never_begun);
}

/* --------------------------------------------------------------- what is started */

static void read_bounding(char out[32])
{
	char text[4096], *line;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	CHECK(n > 0);
	text[n] = '\0';
	line = strstr(text, "CapBnd:");
	CHECK(line && sscanf(line, "CapBnd: %31s", out) == 1);
}

/* The command that root starts has what it would have without this tool. */
static void start_command(void)
{
	char condition[64], bounding[32];

	read_bounding(bounding);
	CHECK(caps_begin(needed, ARRAY_SIZE(needed)) == EXIT_OK);
	snprintf(condition, sizeof(condition), "^CapEff:[[:space:]]*%s$", bounding);
	execlp("grep", "grep", "-q", condition, "/proc/self/status", NULL);
	CHECK(!"grep can be started");
}

static void test_start_command(void **state)
{
	(void)state;
	if (geteuid() != 0 || !can_test())
		skip();
	in_child(start_command);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raise_and_lower),
		cmocka_unit_test(test_dumpable),
		cmocka_unit_test(test_begin_with_less),
		cmocka_unit_test(test_without_any),
		cmocka_unit_test(test_never_begun),
		cmocka_unit_test(test_start_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
