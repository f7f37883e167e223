/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes: those that were named, and their descendants. */
#pragma once

#include "kpage.h"
#include "common/util.h"

struct process_list {
	pid_t *v;
	size_t n;
};

/* Adds one, if it is not in it. */
void process_list_add(struct process_list *list, pid_t pid);

/*
 * Adds all descendants of those in the list, as the processes are now; not this process
 * itself, which may be the child of a shell that was named. 0, or a negative errno.
 */
int process_list_add_descendants(struct process_list *list, struct kpage_ctx *ctx);

void process_list_release(struct process_list *list);

/*
 * Holds a process by its first thread, or by another one once that has ended: *tid. The
 * caller detaches. Errors: those of kpage_remote_attach().
 */
int process_hold(struct kpage_ctx *ctx, pid_t pid, pid_t *tid, struct kpage_remote **out);

/* Why a task can't be held: an error of kpage_remote_attach() and what follows it. */
const char *hold_error_text(int err);
