// SPDX-License-Identifier: GPL-2.0-or-later
/* Which processes: those that were named, and their descendants. */
#include "common/processes.h"

#include <errno.h>
#include <string.h>

#include "common/page-set.h"

void process_list_add(struct process_list *list, pid_t pid)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i] == pid)
			return;
	list->v = xgrow(list->v, list->n, sizeof(*list->v));
	list->v[list->n++] = pid;
}

struct parents {
	struct {
		pid_t pid, ppid;
	} *v;
	size_t n;
};

static int read_parents(struct kpage_ctx *ctx, struct parents *out)
{
	struct kpage_tasks *tasks = NULL;
	struct kpage_task task;
	pid_t pid;
	int err;

	err = kpage_tasks_open(ctx, 0, &tasks);
	if (err)
		return err;
	while (kpage_tasks_next(tasks, &pid) > 0) {
		/* Ended meanwhile: its children are init's now. */
		if (pid == getpid() || kpage_task_read(ctx, pid, &task))
			continue;
		out->v = xgrow(out->v, out->n, sizeof(*out->v));
		out->v[out->n].pid = pid;
		out->v[out->n++].ppid = task.ppid;
	}
	kpage_tasks_free(tasks);
	return 0;
}

/* A generation after the other. */
int process_list_add_descendants(struct process_list *list, struct kpage_ctx *ctx)
{
	struct parents parents = { 0 };
	struct page_set known = { 0 };	/* of PIDs */
	int err = read_parents(ctx, &parents);
	bool more = !err;

	for (size_t i = 0; i < list->n; i++)
		page_set_add(&known, (uint64_t)list->v[i]);
	while (more) {
		more = false;
		for (size_t i = 0; i < parents.n; i++) {
			if (!page_set_has(&known, (uint64_t)parents.v[i].ppid) ||
			    !page_set_add(&known, (uint64_t)parents.v[i].pid))
				continue;
			process_list_add(list, parents.v[i].pid);
			more = true;
		}
	}
	page_set_release(&known);
	free(parents.v);
	return err;
}

void process_list_release(struct process_list *list)
{
	free(list->v);
	*list = (struct process_list){ 0 };
}

int process_hold(struct kpage_ctx *ctx, pid_t pid, pid_t *tid, struct kpage_remote **out)
{
	struct kpage_task task;
	int err = kpage_task_read_memory(ctx, pid, &task);

	if (err)
		return err;
	*tid = task.tid;
	return kpage_remote_attach(ctx, task.tid, out);
}

const char *hold_error_text(int err)
{
	switch (-err) {
	case EPERM:
		return "it may not be traced by this user (try as root; see also kernel.yama.ptrace_scope)";
	case EBUSY:
		return "another program traces it";
	case EOPNOTSUPP:
		return "it is a 32-bit process, or has no code that could be run";
	case EACCES:
		return "it filters its own system calls";
	case ETIMEDOUT:
		return "it does not stop: it waits for something that can't be interrupted";
	default:
		return strerror(-err);
	}
}
