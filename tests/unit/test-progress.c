// SPDX-License-Identifier: GPL-2.0-or-later
/* The line that says how far something is: on a terminal, after a second, and gone at the end. */
#include "common/progress.h"

#include "fixture.h"

#include <fcntl.h>
#include <pty.h>
#include <string.h>
#include <time.h>

/* Runs it with standard error going to fd; `wait` seconds pass before the first update. */
static void run_on(int fd, double wait)
{
	const struct timespec pause = { (time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9) };
	int saved = dup(STDERR_FILENO);
	struct progress p;

	assert_true(saved >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	progress_start(&p, "processes", 20);
	progress_update(&p, 1);
	nanosleep(&pause, NULL);
	progress_update(&p, 7);
	progress_update(&p, 8);	/* too soon after the other */
	progress_end(&p);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static const char *output(int fd)
{
	static char text[512];
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static const char *run_on_terminal(double wait)
{
	const char *text;
	int main_fd, fd;

	assert_int_equal(openpty(&main_fd, &fd, NULL, NULL, NULL), 0);
	run_on(fd, wait);
	text = output(main_fd);
	close(fd);
	close(main_fd);
	return text;
}

static void test_terminal(void **state)
{
	const char *text = run_on_terminal(1.1), *line = strstr(text, ": 7 of 20 processes");

	(void)state;
	assert_non_null(line);
	assert_int_equal(text[0], '\r');
	assert_null(strstr(text, "1 of 20"));
	assert_null(strstr(text, "8 of 20"));
	assert_non_null(strstr(line, ", 35%, "));
	/* Erased, with the cursor at the start of the line. */
	line = strstr(line, "\r");
	assert_non_null(line);
	assert_string_equal(line, "\r\033[K");
}

static void test_in_time(void **state)
{
	(void)state;
	assert_string_equal(run_on_terminal(0), "");
}

static void test_no_terminal(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	run_on(fds[1], 1.1);
	assert_string_equal(output(fds[0]), "");
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
