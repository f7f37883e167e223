// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages: whole, whoever else writes there, and without what a terminal would obey. */
#include "common/util.h"

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int saved, fds[2];

/* A pipe of packets keeps each write(2) apart. */
static void begin(void)
{
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	assert_int_equal(pipe2(fds, O_DIRECT | O_NONBLOCK), 0);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
}

static void end(const char *message)
{
	char all[512], text[512];
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(fds[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	snprintf(all, sizeof(all), "%s: %s\n", program_invocation_short_name, message);
	assert_string_equal(text, all);
	assert_int_equal(read(fds[0], text, sizeof(text)), -1);
	assert_int_equal(errno, EAGAIN);
	close(fds[0]);
	close(fds[1]);
}

static void test_one_write(void **state)
{
	(void)state;
	begin();
	warn("%s[%d]: killed by a memory error", "usemem", 217);
	end("usemem[217]: killed by a memory error");
	begin();
	assert_int_equal((fail)(EXIT_USAGE, "%s: given twice", "--count"), EXIT_USAGE);
	end("--count: given twice");
	begin();
	assert_int_equal(fail_errno(-ENOENT, "/proc/%d/maps", 12), EXIT_FAILED);
	end("/proc/12/maps: No such file or directory");
}

static void test_control_characters(void **state)
{
	(void)state;
	begin();
	warn("%s: ended", "a\033[2Jb\r\nc");
	end("a?[2Jb??c: ended");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_write),
		cmocka_unit_test(test_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
