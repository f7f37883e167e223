// SPDX-License-Identifier: GPL-2.0-or-later
/* A policy for tasks that run already: each is made to set its own. */
#include "mcekill.h"

#include <errno.h>

#include "common/caps.h"
#include "common/page-set.h"
#include "common/signals.h"

/* Threads that are started meanwhile inherit the policy of the one that starts them, which
 * may be the old one: so it is looked again until nobody is left. A process that starts
 * threads faster than they can be changed is left to itself after that many rounds. */
#define ROUNDS_MAX 100

/* What it takes to trace another's process, and one with a seccomp filter. */
static const cap_value_t needed_caps[] = {
	CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
};

struct change {
	struct kpage_ctx *ctx;
	const struct options *opt;
	struct record_output out;
	struct page_set done;	/* TIDs */
	size_t found;		/* in this round */
	int status;
};

struct row {
	struct kpage_task task;
	enum kpage_policy before, now;
};

/* ------------------------------------------------------------------------ the rows */

static const struct row *row_of(const void *row)
{
	return row;
}

static void get_pid(const void *row, struct cell *c)
{
	cell_number(c, (uint64_t)row_of(row)->task.pid);
}

static void get_tid(const void *row, struct cell *c)
{
	cell_number(c, (uint64_t)row_of(row)->task.tid);
}

static void get_comm(const void *row, struct cell *c)
{
	cell_text(c, row_of(row)->task.comm);
}

static void get_before(const void *row, struct cell *c)
{
	cell_text(c, policy_name(row_of(row)->before));
}

static void get_now(const void *row, struct cell *c)
{
	cell_text(c, policy_name(row_of(row)->now));
}

static const struct column policy_columns[] = {
	{ "pid", "PID", 7, get_pid },
	{ "tid", "TID", 7, get_tid },
	{ "comm", "COMM", -16, get_comm },
	{ "before", "BEFORE", -7, get_before },
	{ "now", "NOW", -7, get_now },
};

static const struct record_type policy_record = {
	.name = "policy",
	.version = 1,
	.columns = policy_columns,
	.nr_columns = ARRAY_SIZE(policy_columns),
};

/* ------------------------------------------------------------------------ a thread */

/* A thread that has the policy already is not held for it. */
static int change_one(struct change *change, pid_t tid, struct row *row)
{
	enum kpage_policy wanted = change->opt->clear ? KPAGE_POLICY_DEFAULT : change->opt->policy;
	int err = kpage_task_read(change->ctx, tid, &row->task);

	if (!err && !row->task.has_memory)
		err = -ESRCH;
	if (!err)
		err = kpage_policy_get(change->ctx, tid, &row->before);
	if (!err && row->before != wanted)
		err = change->opt->clear ?
			      kpage_policy_clear(change->ctx, tid) :
			      kpage_policy_set(change->ctx, tid, change->opt->policy);
	if (!err)
		err = kpage_policy_get(change->ctx, tid, &row->now);
	return err;
}

/* One thread's failure is no reason to leave the others. */
static void change_thread(struct change *change, pid_t tid, bool named)
{
	struct row row = { 0 };
	int err;

	if (signals_pending() || !page_set_add(&change->done, (uint64_t)tid))
		return;
	err = change_one(change, tid, &row);
	/* One that had it already has it from who created it, and hands it on. */
	change->found += err || row.before != row.now;
	if (!err) {
		record_print(&change->out, &policy_record, &row);
	} else if (err != -ESRCH || named) {
		int status = fail(status_of(err), "%s: thread %d: %s", change->opt->policy_option,
				  (int)tid, err == -ESRCH ? "it has ended" : hold_error_text(err));

		change->status = change->status ? change->status : status;
	}
}

static int take_thread(pid_t tid, void *arg)
{
	change_thread(arg, tid, false);
	return 0;
}

/* ------------------------------------------------------------------------ several */

static void change_process(struct change *change, pid_t pid)
{
	int err;

	if (!change->opt->all_threads) {
		change_thread(change, pid, is_listed(&change->opt->pids, pid));
		return;
	}
	err = threads_each(change->ctx, pid, take_thread, change);
	if (err && err != -ESRCH && !change->status)
		change->status = fail_errno(err, "process %d", (int)pid);
}

/* Once more, and nobody has to be there any more. */
static int find_again(struct change *change, struct process_list *processes)
{
	int err;

	for (size_t i = 0; i < change->opt->pids.n; i++)
		process_list_add(processes, change->opt->pids.v[i]);
	err = change->opt->tree ? process_list_add_descendants(processes, change->ctx) : 0;
	return err ? fail_errno(err, "--tree: %s", kpage_ctx_error_path(change->ctx)) : EXIT_OK;
}

static int change_round(struct change *change, bool first)
{
	struct process_list processes = { 0 };
	const struct options *opt = change->opt;
	int status = first ? tasks_resolve(change->ctx, opt, &processes) :
			     find_again(change, &processes);

	change->found = 0;
	for (size_t i = 0; i < opt->tids.n && !status; i++)
		change_thread(change, opt->tids.v[i], true);
	for (size_t i = 0; i < processes.n && !status && !opt->tids.n; i++)
		change_process(change, processes.v[i]);
	process_list_release(&processes);
	return status;
}

/* Until nobody new is found, twice: the kernel's list of threads ends too early if the one
 * that it has just named ends. */
static int change_all(struct change *change)
{
	bool again = change->opt->tree || change->opt->all_threads;
	int status = change_round(change, true), in_vain = 0;

	for (int i = 1; again && !status && in_vain < 2 && !signals_pending(); i++) {
		if (i == ROUNDS_MAX)
			return fail(EXIT_OUTCOME, "new threads appear faster than they can be changed");
		status = change_round(change, false);
		in_vain = change->found ? 0 : in_vain + 1;
	}
	return status ? status : change->status;
}

int policy_change(struct kpage_ctx *ctx, const struct options *opt)
{
	struct change change = { .ctx = ctx, .opt = opt, .out.json = opt->json };
	uint64_t early;
	int status = caps_begin(needed_caps, ARRAY_SIZE(needed_caps));

	if (status)
		return status;
	/* Killed in the midst, it would take the task along that it holds. */
	signals_hold();
	caps_raise();
	status = change_all(&change);
	caps_lower();
	page_set_release(&change.done);
	if (!status && kpage_failure_setting(ctx, "memory_failure_early_kill", &early) == -ENOENT)
		warn_no_failures();
	if (!status && signals_pending())
		status = EXIT_FAILED;
	return status;
}
