// SPDX-License-Identifier: GPL-2.0-or-later
/* What every tool needs: messages, exit statuses, allocation, stdout. */
#include "common/util.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio_ext.h>
#include <string.h>

#include "kpage.h"

void clean_name(char *name)
{
	for (; *name; name++)
		if (iscntrl((unsigned char)*name))
			*name = '?';
}

void put_name(FILE *f, const char *name)
{
	_cleanup_free_ char *clean = xstrdup(name);

	clean_name(clean);
	fputs(clean, f);
}

static void say(const char *fmt, va_list ap, const char *tail)
{
	char *text = NULL;

	/* What was printed already comes first on a terminal that shows both. */
	if (fflush(stdout))
		stdout_has_failed();
	/* Names of tasks and files are in it. */
	if (vasprintf(&text, fmt, ap) >= 0)
		clean_name(text);
	else
		text = NULL;
	/* In one write(2), which only printf(3) makes of it: others write there, too. */
	fprintf(stderr, "%s: %s%s\n", program_invocation_short_name, text ?: fmt, tail);
	free(text);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, "");
	va_end(ap);
}

int fail(enum exit_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap, "");
	va_end(ap);
	return status;
}

enum exit_status status_of(int err)
{
	static const struct {
		int err;
		enum exit_status status;
	} table[] = {
		{ EPERM, EXIT_NOPERM },	     { EACCES, EXIT_NOPERM },
		{ ENODEV, EXIT_CANNOT },     { ENOSYS, EXIT_CANNOT },
		{ EOPNOTSUPP, EXIT_CANNOT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].err == -err)
			return table[i].status;
	return EXIT_FAILED;
}

int fail_errno(int err, const char *fmt, ...)
{
	enum exit_status status = status_of(err);
	char tail[160];
	va_list ap;

	snprintf(tail, sizeof(tail), ": %s%s", strerror(-err),
		 status == EXIT_NOPERM && geteuid() != 0 ? " (try as root)" : "");
	va_start(ap, fmt);
	say(fmt, ap, tail);
	va_end(ap);
	return status;
}

static _noreturn_ void out_of_memory(void)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, strerror(ENOMEM));
	exit(EXIT_FAILED);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p && n && size)
		out_of_memory();
	return p;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (!p && n && size)
		out_of_memory();
	return p;
}

void *xgrow(void *p, size_t n, size_t size)
{
	return n & (n - 1) ? p : xreallocarray(p, n ? 2 * n : 1, size);
}

char *xstrdup(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		out_of_memory();
	return copy;
}

static int stdout_errno;

bool stdout_has_failed(void)
{
	if (ferror(stdout) && !stdout_errno)
		stdout_errno = errno ? errno : EIO;
	return ferror(stdout);
}

int close_stdout(int status)
{
	bool pending = __fpending(stdout) > 0, failed = ferror(stdout);

	if (fclose(stdout)) {
		/* Closed from the start, and nothing to say: no matter. */
		failed |= errno != EBADF || pending;
		if (!stdout_errno)
			stdout_errno = errno;
	}
	if (!failed)
		return status;
	if (stdout_errno != EPIPE)
		warn("standard output: %s", stdout_errno ? strerror(stdout_errno) : "write error");
	return status == EXIT_OK ? EXIT_FAILED : status;
}

int for_each_part(char *list, int (*each)(char *part, void *arg), void *arg)
{
	char *part;
	int result;

	while ((part = strsep(&list, ","))) {
		result = each(part, arg);
		if (result)
			return result;
	}
	return 0;
}

int set_once(char **where, const char *option, const char *arg)
{
	if (*where)
		return fail(EXIT_USAGE, "%s: given twice", option);
	*where = xstrdup(arg);
	return EXIT_OK;
}

int parse_pid(const char *text, pid_t *out)
{
	uint64_t n;

	if (text[0] < '0' || text[0] > '9' || kpage_number_parse(text, &n) || n == 0 ||
	    n > INT_MAX)
		return -EINVAL;
	*out = (pid_t)n;
	return 0;
}

double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

#define SECOND_NS UINT64_C(1000000000)
#define SECONDS_MAX (UINT64_C(1) << 32)

/* The digits after the point, as billionths. */
static int parse_fraction(const char *digits, uint64_t *ns)
{
	uint64_t unit = SECOND_NS;

	if (!*digits)
		return -EINVAL;
	for (*ns = 0; *digits; digits++) {
		if (!isdigit((unsigned char)*digits))
			return -EINVAL;
		unit /= 10;
		*ns += unit * (uint64_t)(*digits - '0');
	}
	return 0;
}

int parse_seconds(const char *text, uint64_t *ns)
{
	_cleanup_free_ char *whole = xstrdup(text);
	char *point = strchr(whole, '.');
	uint64_t seconds, fraction = 0;

	if (point)
		*point = '\0';
	if (kpage_number_parse(whole, &seconds) || (point && parse_fraction(point + 1, &fraction)))
		return -EINVAL;
	if (seconds > SECONDS_MAX)
		return -ERANGE;
	*ns = seconds * SECOND_NS + fraction;
	return 0;
}
