/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the modules of libkpage share and no user of it sees. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kpage.h"

/* Exported from the shared library; also listed in libkpage.map. */
#define KPAGE_EXPORT __attribute__((visibility("default")))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* The closed set of cleanups: a variable that has one is initialised where it
 * is declared. */
static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _cleanup_free_	   __attribute__((cleanup(cleanup_free)))
#define _cleanup_close_	   __attribute__((cleanup(cleanup_close)))
#define _cleanup_fclose_   __attribute__((cleanup(cleanup_fclose)))
#define _cleanup_closedir_ __attribute__((cleanup(cleanup_closedir)))

/* Hands a variable with a cleanup out of its scope. */
#define TAKE_PTR(p)                    \
	({                             \
		typeof(p) _taken = (p);\
		(p) = NULL;            \
		_taken;                \
	})
#define TAKE_FD(fd)                    \
	({                             \
		int _taken = (fd);     \
		(fd) = -1;             \
		_taken;                \
	})

#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))

/* Longest path that is put together here: /proc, /sys and debugfs are short. */
#define KPAGE_PATH_MAX 512

/* See kpage_remote_resent(). */
struct resent {
	pid_t tid;
	int code;
	uint64_t times;
};

struct kpage_ctx {
	int root_fd;		/* O_PATH; AT_FDCWD is never used */
	bool live;
	char error_path[KPAGE_PATH_MAX];
	struct resent *resent;
	size_t nr_resent;
};

/* Remembers the file of a failure; returns err, so that it can be returned. */
int ctx_error(struct kpage_ctx *ctx, int err, const char *path);

/* open(2) of an absolute path below the root. Returns an fd or a negative errno,
 * and remembers the path on failure. */
int ctx_open(struct kpage_ctx *ctx, const char *path, int flags);
int ctx_openf(struct kpage_ctx *ctx, int flags, const char *fmt, ...) _printf_(3, 4);
int ctx_fopenf(struct kpage_ctx *ctx, FILE **out, const char *fmt, ...) _printf_(3, 4);
int ctx_opendirf(struct kpage_ctx *ctx, DIR **out, const char *fmt, ...) _printf_(3, 4);
bool ctx_exists(struct kpage_ctx *ctx, const char *path);

/* Where a file system of a type is mounted: the first such line of /proc/mounts
 * whose mount point has the file or directory `has` ("" for any). -ENODEV. */
int ctx_find_mount(struct kpage_ctx *ctx, const char *type, const char *has,
		   char out[static KPAGE_PATH_MAX]);

/* Whether a file of a tree of copies is one of this machine's own, on a file system
 * with that magic number: nothing may be written there. */
bool ctx_is_foreign(const struct kpage_ctx *ctx, int fd, long magic);

/* The descriptor of a file of entries: the file's. */
int file_fd(const struct kpage_file *f);

/* kpage_number_parse() of the first len characters. */
int number_parse(const char *text, size_t len, uint64_t *out);

/* Writes a number to a file of the kernel that takes one a write. */
int number_write(int fd, uint64_t number);
/* Makes room for one more element of *array (a pointer to a pointer): it has room for
 * the next power of two above n already. -ENOMEM. */
int array_grow(void *array, size_t n, size_t size);

/* The number in the name of a directory entry, behind a prefix: 12 of "node12".
 * false: it is another name. */
bool entry_number(const char *name, const char *prefix, uint64_t *out);
/* The kernel's flags (PF_*) of a task. -ESRCH; -EUCLEAN: the file holds none. */
int task_flags(struct kpage_ctx *ctx, pid_t tid, uint64_t *out);

/* Whether the files of another of its threads show the memory of a process: see
 * kpage_task_read_memory(). */
bool task_has_other(struct kpage_ctx *ctx, pid_t pid, pid_t *tid);

/* ESRCH for a process that is gone, whatever errno /proc gave for it. */
int task_errno(int err);

/* The memory blocks of the kernel: each has a directory memoryN. */
#define MEMORY_DIR "/sys/devices/system/memory"

/* How large each of them is, in bytes. -ENOENT: no memory hotplug; -EUCLEAN. */
int block_size_read(struct kpage_ctx *ctx, uint64_t *out);
