// SPDX-License-Identifier: GPL-2.0-or-later
/* --early and --late: the kill policy of processes that run already, and back again. */
#include "hwpoison-inject.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NOTE "policy"

/* One thread, as it was. */
struct policy_change {
	pid_t pid, tid;
	uint64_t started;	/* ticks since boot: a TID may be another's by then */
	enum kpage_policy before;
};

/* Written before anything is changed: what is not changed yet is put back for nothing. */
static int write_note(struct run *run)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int err;

	if (!f)
		return -ENOMEM;
	fprintf(f, "boot=%s\n", rundir_boot(run->dir));
	for (size_t i = 0; i < run->nr_policies; i++)
		fprintf(f, "%d %d %" PRIu64 " %d\n", (int)run->policies[i].pid,
			(int)run->policies[i].tid, run->policies[i].started,
			(int)run->policies[i].before);
	if (fclose(f))
		return -ENOMEM;
	err = rundir_note_write(run->dir, NOTE, text);
	return err;
}

static int add_thread(struct run *run, pid_t pid, pid_t tid)
{
	struct policy_change change = { .pid = pid, .tid = tid };
	int err = kpage_policy_get(run->ctx, tid, &change.before);

	if (!err)
		err = kpage_task_started(run->ctx, tid, &change.started);
	if (err)
		return err == -ESRCH ? 0 : err;
	run->policies = xreallocarray(run->policies, run->nr_policies + 1, sizeof(*run->policies));
	run->policies[run->nr_policies++] = change;
	return 0;
}

static int add_process(struct run *run, pid_t pid)
{
	struct kpage_tasks *threads = NULL;
	pid_t tid;
	int err = kpage_tasks_open(run->ctx, pid, &threads), more = 0;

	while (!err && (more = kpage_tasks_next(threads, &tid)) > 0)
		err = add_thread(run, pid, tid);
	if (!err)
		err = more;
	kpage_tasks_free(threads);
	return err == -ESRCH ? 0 : err;
}

/* The kernel looks for one to tell early from the first thread on, and goes by that one. */
static void warn_of_zombie(struct run *run, const struct process *p)
{
	struct kpage_task task;

	if (run->opt.policy == KPAGE_POLICY_EARLY && !kpage_task_read(run->ctx, p->pid, &task) &&
	    task.state == 'Z')
		warn("--early: %s[%d]: its first thread has ended: the kernel tells none of the others early",
		     p->comm, (int)p->pid);
}

int policy_apply(struct run *run)
{
	int err = 0;

	/* The COMMAND has had it since its start. */
	if (!run->opt.has_policy || run->child)
		return EXIT_OK;
	for (size_t i = 0; i < run->nr_processes && !err; i++)
		if (run->processes[i].selected) {
			warn_of_zombie(run, &run->processes[i]);
			err = add_process(run, run->processes[i].pid);
		}
	/* They may all have ended: nothing is changed then, and nothing noted. */
	if (!err && run->nr_policies)
		err = write_note(run);
	if (err)
		return fail_errno(err, "%s: the threads' kill policies", run->opt.policy ? "--early" : "--late");
	for (size_t i = 0; i < run->nr_policies; i++) {
		err = kpage_policy_set(run->ctx, run->policies[i].tid, run->opt.policy);
		if (err && err != -ESRCH)
			return fail_errno(err, "%s: thread %d", run->opt.policy ? "--early" : "--late",
					  (int)run->policies[i].tid);
	}
	return EXIT_OK;
}

/* A thread that has ended needs nothing, nor does one that could not be changed. */
static int put_back(struct run *run, const struct policy_change *change)
{
	enum kpage_policy policy = change->before;
	uint64_t now;
	int err = kpage_task_started(run->ctx, change->tid, &now);

	if (!err && now == change->started)
		err = kpage_policy_get(run->ctx, change->tid, &policy);
	if (!err && policy != change->before)
		err = kpage_policy_set(run->ctx, change->tid, change->before);
	if (!err || err == -ESRCH)
		return EXIT_OK;
	return fail_errno(err, "thread %d: its kill policy could not be put back", (int)change->tid);
}

int policy_restore(struct run *run)
{
	int status = EXIT_OK;

	if (!run->nr_policies)
		return EXIT_OK;
	for (size_t i = 0; i < run->nr_policies; i++) {
		int one = put_back(run, &run->policies[i]);

		status = status ? status : one;
	}
	free(run->policies);
	run->policies = NULL;
	run->nr_policies = 0;
	if (!status)
		rundir_note_remove(run->dir, NOTE);
	return status;
}

static bool is_of_this_boot(const struct run *run, const char *text)
{
	size_t n = strlen("boot=");

	return !strncmp(text, "boot=", n) &&
	       !strncmp(text + n, rundir_boot(run->dir), strlen(rundir_boot(run->dir)));
}

int policy_recover(struct run *run)
{
	_cleanup_free_ char *text = NULL;
	int err = rundir_note_read(run->dir, NOTE, &text), status = EXIT_OK;
	char *rest = text, *line;

	if (err)
		return err == -ENOENT ? EXIT_OK : fail_errno(err, "%s/%s", rundir_path(run->dir), NOTE);
	if (is_of_this_boot(run, text)) {
		warn("a run that was killed had changed kill policies: putting them back");
		while ((line = strsep(&rest, "\n"))) {
			struct policy_change change;
			int pid, tid, before;

			if (sscanf(line, "%d %d %" SCNu64 " %d", &pid, &tid, &change.started, &before) != 4)
				continue;
			change.pid = pid;
			change.tid = tid;
			change.before = (enum kpage_policy)before;
			err = put_back(run, &change);
			status = status ? status : err;
		}
	}
	if (!status)
		rundir_note_remove(run->dir, NOTE);
	return status;
}
