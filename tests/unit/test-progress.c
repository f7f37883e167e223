// SPDX-License-Identifier: GPL-2.0-or-later
/* The line that says how far something is: on a terminal, after a second, and gone at the end. */
#include "common/progress.h"

#include "fixture.h"

#include <pty.h>
#include <string.h>
#include <time.h>

/* The clock of the code under test, in ms: a busy machine has no part in it. */
static long clock_ms;

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	assert_int_equal(clock, CLOCK_MONOTONIC);
	*out = (struct timespec){ clock_ms / 1000, clock_ms % 1000 * 1000000 };
	return 0;
}

/* Runs it with standard error going to fd; so much time passes before the second update. */
static void run_on(int fd, long wait_ms)
{
	int saved = dup(STDERR_FILENO);
	struct progress p;

	assert_true(saved >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	progress_start(&p, "processes", 20);
	progress_update(&p, 1);
	clock_ms += wait_ms;
	progress_update(&p, 7);
	clock_ms += 100;
	progress_update(&p, 8);	/* too soon after the other */
	progress_end(&p);
	/* All that was before is there when this is. */
	assert_int_equal(write(fd, ".", 1), 1);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

/* A terminal hands it over in pieces, a moment later. */
static const char *output(int fd)
{
	static char text[512];
	size_t length = 0;
	ssize_t n;

	do {
		n = read(fd, text + length, sizeof(text) - 1 - length);
		assert_true(n > 0);
		length += (size_t)n;
	} while (text[length - 1] != '.');
	text[length] = '\0';
	return text;
}

static const char *run_on_terminal(long wait_ms)
{
	const char *text;
	int main_fd, fd;

	assert_int_equal(openpty(&main_fd, &fd, NULL, NULL, NULL), 0);
	run_on(fd, wait_ms);
	text = output(main_fd);
	close(fd);
	close(main_fd);
	return text;
}

static void test_terminal(void **state)
{
	const char *text = run_on_terminal(1100), *line = strstr(text, ": 7 of 20 processes");

	(void)state;
	assert_non_null(line);
	assert_int_equal(text[0], '\r');
	assert_null(strstr(text, "1 of 20"));
	assert_null(strstr(text, "8 of 20"));
	assert_non_null(strstr(line, ", 35%, 6/s, 2 s left"));
	/* Erased, with the cursor at the start of the line. */
	line = strstr(line, "\r");
	assert_non_null(line);
	assert_string_equal(line, "\r\033[K.");
}

static void test_in_time(void **state)
{
	(void)state;
	assert_string_equal(run_on_terminal(800), ".");
}

static void test_no_terminal(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	run_on(fds[1], 1100);
	assert_string_equal(output(fds[0]), ".");
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_in_time),
		cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
