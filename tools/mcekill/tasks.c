// SPDX-License-Identifier: GPL-2.0-or-later
/* Which tasks were named: processes, their descendants, and single threads. */
#include "mcekill.h"

#include <errno.h>

bool is_listed(const struct process_list *list, pid_t id)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i] == id)
			return true;
	return false;
}

int threads_each(struct kpage_ctx *ctx, pid_t pid, int (*each)(pid_t tid, void *arg), void *arg)
{
	struct kpage_tasks *threads = NULL;
	int err = kpage_tasks_open(ctx, pid, &threads), more = 0;
	pid_t tid;

	while (!err && (more = kpage_tasks_next(threads, &tid)) > 0)
		err = each(tid, arg);
	kpage_tasks_free(threads);
	return err ? err : more;
}

struct memory_search {
	struct kpage_ctx *ctx;
	bool found;
};

static int look_for_memory(pid_t tid, void *arg)
{
	struct memory_search *search = arg;
	struct kpage_task task;
	int err = kpage_task_read(search->ctx, tid, &task);

	search->found |= !err && task.has_memory;
	return err == -ESRCH ? 0 : err;
}

/* A thread of the kernel has no memory of its own; a process whose first thread has ended
 * shows it with the others. */
static int check_process(struct kpage_ctx *ctx, pid_t pid)
{
	struct memory_search search = { .ctx = ctx };
	struct kpage_task task;
	int err = kpage_task_read(ctx, pid, &task);

	if (!err && task.pid != pid)
		return fail(EXIT_FAILED, "%d: a thread of process %d (try: --tid %d)", (int)pid,
			    (int)task.pid, (int)pid);
	if (!err)
		err = threads_each(ctx, pid, look_for_memory, &search);
	if (err)
		return fail_errno(err, "process %d", (int)pid);
	if (!search.found)
		return fail(EXIT_FAILED, "process %d: has no memory: it has ended, or is a thread of "
			    "the kernel", (int)pid);
	return EXIT_OK;
}

static int add_process_of(struct kpage_ctx *ctx, const struct options *opt, pid_t tid,
			  struct process_list *processes)
{
	struct kpage_task task;
	int err = kpage_task_read(ctx, tid, &task);

	if (err)
		return fail_errno(err, "thread %d", (int)tid);
	if (!task.has_memory)
		return fail(EXIT_FAILED, "thread %d: has no memory: it has ended, or is a thread of "
			    "the kernel", (int)tid);
	if (opt->pids.n && !is_listed(processes, task.pid))
		return fail(EXIT_FAILED, "thread %d: is one of process %d, which was not named",
			    (int)tid, (int)task.pid);
	process_list_add(processes, task.pid);
	return EXIT_OK;
}

int tasks_resolve(struct kpage_ctx *ctx, const struct options *opt, struct process_list *processes)
{
	int status = EXIT_OK, err;

	for (size_t i = 0; i < opt->pids.n && !status; i++) {
		status = check_process(ctx, opt->pids.v[i]);
		process_list_add(processes, opt->pids.v[i]);
	}
	if (!status && opt->tree) {
		err = process_list_add_descendants(processes, ctx);
		status = err ? fail_errno(err, "--tree: %s", kpage_ctx_error_path(ctx)) : EXIT_OK;
	}
	for (size_t i = 0; i < opt->tids.n && !status; i++)
		status = add_process_of(ctx, opt, opt->tids.v[i], processes);
	return status;
}
