/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every tool needs: exit statuses, messages, cleanups, allocation, stdout. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* What the exit status of every tool means (doc/design of the exit status is in
 * each man page). */
enum exit_status {
	EXIT_OK = 0,
	EXIT_FAILED = 1,	/* something went wrong */
	EXIT_USAGE = 2,		/* bad command line */
	EXIT_NOPERM = 3,	/* a right is missing */
	EXIT_CANNOT = 4,	/* this kernel or machine has no such thing */
	EXIT_OUTCOME = 5,	/* done, but the outcome is not what was asked for */
	EXIT_REFUSED = 6,	/* a safety rule forbids it */
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _noreturn_ __attribute__((noreturn))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_	 __attribute__((cleanup(cleanup_free)))
#define _cleanup_close_	 __attribute__((cleanup(cleanup_close)))
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclose)))
/* For an object of the library: _cleanup_(kpage_maps) struct kpage_maps *m = NULL; */
#define _cleanup_(type) __attribute__((cleanup(cleanup_##type)))
#define DEFINE_CLEANUP(type)                               \
	static inline void cleanup_##type(struct type **p) \
	{                                                  \
		type##_free(*p);                           \
	}

/* A name that somebody else has chosen, of a task, file or cgroup, sends nothing to the
 * terminal: its control characters become '?'. */
void clean_name(char *name);
/* Prints it so. */
void put_name(FILE *f, const char *name);

/*
 * Messages go to stderr as "tool: what: object: reason", with names printed as by
 * put_name(). The tool's name is
 * program_invocation_short_name. warn: a message. fail: a message, and returns
 * the status, so that it can be returned.
 */
void warn(const char *fmt, ...) _printf_(1, 2);
int fail(enum exit_status status, const char *fmt, ...) _printf_(2, 3);

/* The exit status that fits a negative errno. */
enum exit_status status_of(int err);

/* fail(status_of(err), "<text>: <strerror>"), with a word on what to try where
 * the reason is a missing right. */
int fail_errno(int err, const char *fmt, ...) _printf_(2, 3);

/* Allocation that ends the program when memory is out. */
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);

/* An array that grows one by one: makes room for another element, where there was room
 * for the next power of two above n. */
void *xgrow(void *p, size_t n, size_t size);

/* Whether writing to stdout has failed; remembers why, if asked right after. */
bool stdout_has_failed(void);

/* Flushes and closes stdout at the end of main. A full disk is an error
 * (EXIT_FAILED), a closed pipe is quiet. Returns status, or EXIT_FAILED. */
int close_stdout(int status);

/* Splits "a,b,c" in place; calls each(part, arg), stops at its first nonzero
 * return, which is the result. An empty part is given as "". */
int for_each_part(char *list, int (*each)(char *part, void *arg), void *arg);

/* Keeps a copy of an option's argument; EXIT_USAGE, after a message, if it has one. */
int set_once(char **where, const char *option, const char *arg);

/* A positive process number, whole string. 0, or -EINVAL. */
int parse_pid(const char *text, pid_t *out);

/* How long ago clock_gettime(CLOCK_MONOTONIC) gave that. */
double seconds_since(const struct timespec *start);

/* "N" or "N.FRACTION" seconds, in nanoseconds. 0, -EINVAL, or -ERANGE: too large. */
int parse_seconds(const char *text, uint64_t *ns);
