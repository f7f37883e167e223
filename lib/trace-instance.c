// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An instance of our own in tracefs. libtracefs finds tracefs by itself, and mounts it if it
 * is not, wherever it is not told the directory: so it is told.
 */
#include "trace-instance.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Instances of one process. */
#define INSTANCE_MAX 1000
#define INSTANCE_NAME 64

/* Why there is no tracefs that can be used. */
static int no_tracing(struct kpage_ctx *ctx)
{
	char mount[KPAGE_PATH_MAX];
	int err;

	if (ctx_find_mount(ctx, "tracefs", "", mount))
		return ctx_error(ctx, -ENODEV, "tracefs");
	/* Mode 0700: without the right to look into it nothing is found there. In a
	 * locked-down kernel it is empty. */
	err = faccessat(ctx->root_fd, mount + strspn(mount, "/"), X_OK, AT_EACCESS) ? -errno :
										      -ENODEV;
	return ctx_error(ctx, err, mount);
}

int trace_instance_init(struct trace_instance *i, struct kpage_ctx *ctx)
{
	static const char below_debugfs[] = "/tracing";
	size_t len;

	*i = (struct trace_instance){ .ctx = ctx, .parent_fd = -1, .fd = -1 };
	if (!ctx_find_mount(ctx, "tracefs", "events/signal", i->tracing))
		return 0;
	if (ctx_find_mount(ctx, "debugfs", "tracing/events/signal", i->tracing))
		return no_tracing(ctx);
	len = strlen(i->tracing);
	if (len + sizeof(below_debugfs) > sizeof(i->tracing))
		return ctx_error(ctx, -ENAMETOOLONG, i->tracing);
	strcpy(i->tracing + len, below_debugfs);
	return 0;
}

/* Whether it is the name of an instance of a process that ended. */
static bool is_leftover(struct kpage_ctx *ctx, const char *name)
{
	char path[64], rest;
	unsigned int n;
	int pid;

	if (sscanf(name, "kpage-%d-%u%c", &pid, &n, &rest) != 2 || pid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	return !ctx_exists(ctx, path);
}

/* Best effort. One that is in use after all, by a process of another PID
 * namespace, can't be removed while its buffers are open. */
static void remove_leftovers(struct trace_instance *i)
{
	_cleanup_closedir_ DIR *instances = NULL;
	char path[KPAGE_PATH_MAX];
	struct dirent *d;

	if (snprintf(path, sizeof(path), "%s/instances", i->tracing) >= (int)sizeof(path))
		return;
	instances = opendir(path);
	while (instances && (d = readdir(instances))) {
		if (is_leftover(i->ctx, d->d_name))
			unlinkat(dirfd(instances), d->d_name, AT_REMOVEDIR);
	}
}

/* Its name goes to `name`. */
static int make_directory(struct trace_instance *i, char name[static INSTANCE_NAME])
{
	char path[KPAGE_PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/instances", i->tracing) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	i->parent_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (i->parent_fd < 0)
		return ctx_error(i->ctx, -errno, path);
	for (unsigned int n = 0; n < INSTANCE_MAX; n++) {
		snprintf(name, INSTANCE_NAME, "kpage-%d-%u", getpid(), n);
		if (!mkdirat(i->parent_fd, name, 0700))
			return 0;
		if (errno != EEXIST)
			return ctx_error(i->ctx, -errno, path);
	}
	return ctx_error(i->ctx, -EEXIST, path);
}

int trace_instance_make(struct trace_instance *i)
{
	char name[INSTANCE_NAME];
	int err;

	remove_leftovers(i);
	err = make_directory(i, name);
	if (err)
		return err;
	i->fd = openat(i->parent_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = i->fd < 0 ? -errno : 0;
	i->handle = err ? NULL : tracefs_instance_alloc(i->tracing, name);
	if (i->handle)
		return 0;
	unlinkat(i->parent_fd, name, AT_REMOVEDIR);
	return err ? ctx_error(i->ctx, err, i->tracing) : -ENOMEM;
}

int trace_instance_error(struct trace_instance *i, int err, const char *file)
{
	snprintf(i->ctx->error_path, sizeof(i->ctx->error_path), "%.320s/instances/%s/%.128s", i->tracing,
		 tracefs_instance_get_name(i->handle), file);
	return err;
}

int trace_instance_write(struct trace_instance *i, const char *file, const char *text)
{
	errno = 0;
	if (tracefs_instance_file_write(i->handle, file, text) < 0)
		return trace_instance_error(i, errno ? -errno : -EIO, file);
	return 0;
}

int trace_instance_enable(struct trace_instance *i, const char *system, const char *event,
			  const char *filter)
{
	char file[128];
	int err = 0;

	if (filter) {
		snprintf(file, sizeof(file), "events/%s/%s/filter", system, event);
		err = trace_instance_write(i, file, filter);
	}
	if (err)
		return err;
	snprintf(file, sizeof(file), "events/%s/%s/enable", system, event);
	return trace_instance_write(i, file, "1");
}

/* To make a buffer of the size that it has costs the kernel as much as another one. */
int trace_instance_set_size(struct trace_instance *i, long kb)
{
	long long now;
	char text[16];

	if (!tracefs_instance_file_read_number(i->handle, "buffer_size_kb", &now) && now == kb)
		return 0;
	snprintf(text, sizeof(text), "%ld", kb);
	return trace_instance_write(i, "buffer_size_kb", text);
}

int trace_events_read(struct trace_instance *i, const char *name, char **text, size_t *size)
{
	_cleanup_fclose_ FILE *f = NULL;
	size_t room = 0;
	ssize_t n;
	int err;

	err = ctx_fopenf(i->ctx, &f, "%s/events/%s", i->tracing, name);
	if (err)
		return err;
	n = getdelim(text, &room, '\0', f);
	if (n < 0)
		return ctx_error(i->ctx, -EIO, i->tracing);
	*size = (size_t)n;
	return 0;
}

static void remove_directory(struct trace_instance *i)
{
	_cleanup_close_ int fd = -1;

	if (!unlinkat(i->parent_fd, tracefs_instance_get_name(i->handle), AT_REMOVEDIR))
		return;
	/* Busy: a child has our descriptors. It is a leftover when we are gone. */
	fd = openat(i->fd, "tracing_on", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "0", 1) != 1)
		return;
}

void trace_instance_release(struct trace_instance *i)
{
	if (i->handle)
		remove_directory(i);
	cleanup_close(&i->fd);
	cleanup_close(&i->parent_fd);
	tracefs_instance_free(i->handle);
}
