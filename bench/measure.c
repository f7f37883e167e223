// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * measure N COMMAND-A… ::: COMMAND-B…: runs both commands N times by turns, with
 * stdout to /dev/null, and prints the median of the N ratios of their wall times
 * (A to B), both medians in milliseconds, and A's largest resident set in KiB.
 * By turns, since on a shared machine only neighbours can be compared.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RUNS 101

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static _Noreturn void run_child(char **argv)
{
	int null = open("/dev/null", O_WRONLY);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(127);
	execvp(argv[0], argv);
	_exit(127);
}

static double run(char **argv, long *rss)
{
	double start = now_ms();
	struct rusage usage;
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0)
		run_child(argv);
	if (wait4(pid, &status, 0, &usage) < 0)
		die("wait");
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "measure: %s: failed\n", argv[0]);
		exit(1);
	}
	if (usage.ru_maxrss > *rss)
		*rss = usage.ru_maxrss;
	return now_ms() - start;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

int main(int argc, char **argv)
{
	double a[MAX_RUNS], b[MAX_RUNS], ratio[MAX_RUNS];
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	long rss_a = 0, rss_b = 0;
	char **second = NULL;

	for (int i = 2; i < argc; i++)
		if (!strcmp(argv[i], ":::")) {
			argv[i] = NULL;
			second = argv + i + 1;
			break;
		}
	if (!n || n > MAX_RUNS || !second || !*second || !argv[2]) {
		fprintf(stderr, "usage: measure N COMMAND... ::: COMMAND...\n");
		return 2;
	}
	for (size_t i = 0; i < n; i++) {
		a[i] = run(argv + 2, &rss_a);
		b[i] = run(second, &rss_b);
		ratio[i] = a[i] / b[i];
	}
	printf("%.2f %.1f %.1f %ld\n", median(ratio, n), median(a, n), median(b, n), rss_a);
	return 0;
}
