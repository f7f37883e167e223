/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An instance of our own in tracefs: its directory, its files, and its end. */
#pragma once

#include <tracefs.h>

#include "private.h"

struct trace_instance {
	struct kpage_ctx *ctx;
	char tracing[KPAGE_PATH_MAX];	/* the directory of tracefs */
	struct tracefs_instance *handle;
	int parent_fd, fd;		/* the directories: paths are no good any more when
					   tracefs was unmounted lazily, or over it */
};

/* Finds tracefs. -ENODEV: none, or an empty one (lockdown); -EACCES. */
int trace_instance_init(struct trace_instance *i, struct kpage_ctx *ctx);

/* Makes the directory; what processes that ended have left behind is removed. Errors: those of
 * mkdir(2). */
int trace_instance_make(struct trace_instance *i);

/* Removes it, unless a child of ours has it open: then it stops recording, and the next
 * process that makes one removes it. */
void trace_instance_release(struct trace_instance *i);

/* Remembers in the context which of its files failed; returns err. */
int trace_instance_error(struct trace_instance *i, int err, const char *file);

int trace_instance_write(struct trace_instance *i, const char *file, const char *text);

/* filter: NULL: all of that event. */
int trace_instance_enable(struct trace_instance *i, const char *system, const char *event,
			  const char *filter);

/* The buffer's size, for each CPU. */
int trace_instance_set_size(struct trace_instance *i, long kb);

/* A file of the events directory, whole; *text is the caller's to free. */
int trace_events_read(struct trace_instance *i, const char *name, char **text, size_t *size);
