// SPDX-License-Identifier: GPL-2.0-or-later
/* --get and --list: each thread's policy, what comes of it, and whom the kernel would choose. */
#include "mcekill.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <string.h>

#define EARLY_KILL "memory_failure_early_kill"

struct thread {
	struct kpage_task task;
	enum kpage_policy policy;
	bool chosen;		/* gets BUS_MCEERR_AO of its process */
};

struct view {
	struct kpage_ctx *ctx;
	const struct options *opt;
	struct record_output out;
	bool has_default;	/* this kernel handles memory failures */
	bool default_early;	/* vm.memory_failure_early_kill */
	struct thread *threads;	/* of the process that is looked at */
	size_t n;
	size_t hidden;		/* processes that can't be looked at */
};

struct row {
	const struct view *view;
	const struct thread *thread;
};

/* -------------------------------------------------------------- what comes of it */

static bool is_early(const struct view *view, const struct thread *t)
{
	if (t->policy == KPAGE_POLICY_DEFAULT)
		return view->default_early;
	return t->policy == KPAGE_POLICY_EARLY;
}

/* The kernel drops a signal with the default action for the init of a PID namespace, unless
 * it is forced. */
static bool is_dropped(const struct kpage_task *task)
{
	return task->sigbus_ignored || (task->is_init && !task->sigbus_caught);
}

static const char *on_ao(const struct kpage_task *task)
{
	/* A stopped one takes it when it goes on. */
	if (task->sigbus_blocked || task->state == 'T')
		return "pending";
	if (is_dropped(task))
		return "ignored";
	return task->sigbus_caught ? "handler" : "killed";
}

/* Forced: where SIGBUS is blocked or ignored, the kernel restores the default action. */
static const char *on_ar(const struct kpage_task *task)
{
	return task->sigbus_caught && !task->sigbus_blocked ? "handler" : "killed";
}

static bool has_ended(const struct kpage_task *task)
{
	return task->state == 'Z' || task->state == 'X' || !task->has_memory;
}

/*
 * The kernel (find_early_kill_thread() of mm/memory-failure.c) takes the first thread in
 * the order of their creation, which is the order of /proc/PID/task. A process whose first
 * thread has ended is passed over as a whole.
 */
static void choose(struct view *view)
{
	if (!view->has_default || (view->n && has_ended(&view->threads[0].task)))
		return;
	for (size_t i = 0; i < view->n; i++) {
		if (!is_early(view, &view->threads[i]))
			continue;
		view->threads[i].chosen = true;
		return;
	}
}

/* ------------------------------------------------------------------------ the rows */

static const struct row *row_of(const void *row)
{
	return row;
}

static const struct kpage_task *task_of(const void *row)
{
	return &row_of(row)->thread->task;
}

static void get_pid(const void *row, struct cell *c)
{
	cell_number(c, (uint64_t)task_of(row)->pid);
}

static void get_tid(const void *row, struct cell *c)
{
	cell_number(c, (uint64_t)task_of(row)->tid);
}

static void get_comm(const void *row, struct cell *c)
{
	cell_text(c, task_of(row)->comm);
}

static void get_policy(const void *row, struct cell *c)
{
	cell_text(c, policy_name(row_of(row)->thread->policy));
}

static void get_system(const void *row, struct cell *c)
{
	const struct view *view = row_of(row)->view;

	if (view->has_default)
		cell_text(c, view->default_early ? "early" : "late");
}

static void get_effective(const void *row, struct cell *c)
{
	const struct row *r = row;

	if (r->view->has_default)
		cell_text(c, is_early(r->view, r->thread) ? "early" : "late");
}

static void get_reason(const void *row, struct cell *c)
{
	const struct row *r = row;

	if (r->view->has_default)
		cell_text(c, r->thread->policy == KPAGE_POLICY_DEFAULT ? "system" : "own");
}

static void get_sigbus(const void *row, struct cell *c)
{
	const struct kpage_task *task = task_of(row);

	cell_text(c, task->sigbus_caught ? "caught" : task->sigbus_ignored ? "ignored" : "default");
}

static void get_blocked(const void *row, struct cell *c)
{
	cell_bool(c, task_of(row)->sigbus_blocked);
}

static void get_pending(const void *row, struct cell *c)
{
	cell_bool(c, task_of(row)->sigbus_pending);
}

static void get_on_ao(const void *row, struct cell *c)
{
	if (row_of(row)->thread->chosen)
		cell_text(c, on_ao(task_of(row)));
}

static void get_on_ar(const void *row, struct cell *c)
{
	if (row_of(row)->view->has_default && !has_ended(task_of(row)))
		cell_text(c, on_ar(task_of(row)));
}

static const struct column thread_columns[] = {
	{ "pid", "PID", 7, get_pid },
	{ "tid", "TID", 7, get_tid },
	{ "comm", "COMM", -16, get_comm },
	{ "policy", "POLICY", -7, get_policy },
	{ "system", "SYSTEM", -6, get_system },
	{ "effective", "EFFECTIVE", -9, get_effective },
	{ "reason", "WHY", -6, get_reason },
	{ "sigbus", "SIGBUS", -7, get_sigbus },
	{ "blocked", "BLOCKED", -7, get_blocked },
	{ "pending", "PENDING", -7, get_pending },
	{ "on_ao", "ON-AO", -7, get_on_ao },
	{ "on_ar", "ON-AR", -7, get_on_ar },
};

static const struct record_type thread_record = {
	.name = "thread",
	.version = 1,
	.columns = thread_columns,
	.nr_columns = ARRAY_SIZE(thread_columns),
};

static bool is_wanted(const struct view *view, const struct thread *t)
{
	const struct options *opt = view->opt;

	if (opt->mode == MODE_GET)
		return !opt->tids.n || is_listed(&opt->tids, t->task.tid);
	return opt->all || t->policy != KPAGE_POLICY_DEFAULT || is_early(view, t);
}

/* ------------------------------------------------------------------- a process */

/* Threads that end meanwhile are not shown. */
static int add_thread(pid_t tid, void *arg)
{
	struct view *view = arg;
	struct thread t = { 0 };
	int err = kpage_task_read(view->ctx, tid, &t.task);

	if (!err)
		err = kpage_policy_get(view->ctx, tid, &t.policy);
	if (err)
		return err == -ESRCH ? 0 : err;
	view->threads = xgrow(view->threads, view->n, sizeof(*view->threads));
	view->threads[view->n++] = t;
	return 0;
}

static int compare_threads(const void *a, const void *b)
{
	const struct kpage_task *x = &((const struct thread *)a)->task;
	const struct kpage_task *y = &((const struct thread *)b)->task;

	if ((x->tid == x->pid) != (y->tid == y->pid))
		return x->tid == x->pid ? -1 : 1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

/* A tree of copies lists them in any order. Their numbers grow, but for the turns of the
 * counter, which are lost there. */
static void sort_copies(struct view *view)
{
	if (view->opt->sysroot && view->n)
		qsort(view->threads, view->n, sizeof(*view->threads), compare_threads);
}

static bool has_memory(const struct view *view)
{
	for (size_t i = 0; i < view->n; i++)
		if (view->threads[i].task.has_memory)
			return true;
	return false;
}

static void show_threads(struct view *view)
{
	sort_copies(view);
	choose(view);
	for (size_t i = 0; i < view->n; i++) {
		const struct row row = { .view = view, .thread = &view->threads[i] };

		if (is_wanted(view, row.thread))
			record_print(&view->out, &thread_record, &row);
	}
	if (view->opt->mode == MODE_GET && has_ended(&view->threads[0].task))
		warn("process %d: its first thread has ended: the kernel tells none of the others early",
		     (int)view->threads[0].task.pid);
}

/* 0 or a negative errno. Threads of the kernel have no memory that could be lost. */
static int show_process(struct view *view, pid_t pid)
{
	int err = threads_each(view->ctx, pid, add_thread, view);

	if (!err && has_memory(view))
		show_threads(view);
	free(view->threads);
	view->threads = NULL;
	view->n = 0;
	return err;
}

/* ------------------------------------------------------------------- several */

static int show_named(struct view *view)
{
	struct process_list processes = { 0 };
	int status = tasks_resolve(view->ctx, view->opt, &processes);

	for (size_t i = 0; i < processes.n && !status; i++) {
		int err = show_process(view, processes.v[i]);

		/* One that was not named by itself may end meanwhile. */
		if (err && (err != -ESRCH || is_listed(&view->opt->pids, processes.v[i])))
			status = fail_errno(err, "process %d", (int)processes.v[i]);
	}
	process_list_release(&processes);
	return status;
}

/* With hidepid=2 other users' processes are not even listed. */
static bool hides_processes(struct kpage_ctx *ctx)
{
	int fd = kpage_ctx_open(ctx, "/proc/mounts", O_RDONLY);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	struct mntent *entry;
	bool hides = false;

	if (!f && fd >= 0)
		close(fd);
	while (f && (entry = getmntent(f)))
		if (!strcmp(entry->mnt_type, "proc") && !strcmp(entry->mnt_dir, "/proc")) {
			const char *option = hasmntopt(entry, "hidepid");

			hides = option && strncmp(option, "hidepid=0", 9) != 0 &&
				strncmp(option, "hidepid=off", 11) != 0;
		}
	if (f)
		fclose(f);
	return hides;
}

static void say_hidden(const struct view *view)
{
	if (view->hidden)
		warn("%zu process%s can't be looked at (try as root)", view->hidden,
		     view->hidden == 1 ? "" : "es");
	else if (geteuid() != 0 && hides_processes(view->ctx))
		warn("/proc is mounted with hidepid: other users' processes are not seen (try as root)");
}

static int show_all(struct view *view)
{
	struct kpage_tasks *tasks = NULL;
	int err = kpage_tasks_open(view->ctx, 0, &tasks), more = 0;
	pid_t pid;

	while (!err && !stdout_has_failed() && (more = kpage_tasks_next(tasks, &pid)) > 0) {
		err = show_process(view, pid);
		view->hidden += err == -EACCES || err == -EPERM;
		if (err == -ESRCH || err == -EACCES || err == -EPERM)
			err = 0;
	}
	kpage_tasks_free(tasks);
	if (!err && more < 0)
		err = more;
	if (err)
		return fail_errno(err, "%s", kpage_ctx_error_path(view->ctx));
	say_hidden(view);
	return EXIT_OK;
}

int policy_show(struct kpage_ctx *ctx, const struct options *opt)
{
	struct view view = { .ctx = ctx, .opt = opt, .out.json = opt->json };
	uint64_t early = 0;
	int err = kpage_failure_setting(ctx, EARLY_KILL, &early);

	view.has_default = !err;
	view.default_early = early != 0;
	if (err == -ENOENT)
		warn_no_failures();
	else if (err)
		return fail_errno(err, "%s", kpage_ctx_error_path(ctx));
	return opt->mode == MODE_LIST ? show_all(&view) : show_named(&view);
}
