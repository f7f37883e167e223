// SPDX-License-Identifier: GPL-2.0-or-later
/* The processes that had a page, or were signalled: as they were, and what became of them. */
#include "hwpoison-inject.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "common/caps.h"
#include "common/signals.h"

#define TICK_MS 10

/* ------------------------------------------------------------ as they were before */

struct process *process_find(const struct run *run, pid_t pid)
{
	for (size_t i = 0; i < run->nr_processes; i++)
		if (run->processes[i].pid == pid)
			return &run->processes[i];
	return NULL;
}

static bool is_selected(const struct run *run, pid_t pid)
{
	const struct selection *s = &run->opt.selection;

	if (pid == run->child)
		return true;
	for (size_t i = 0; i < s->nr_pids; i++)
		if (s->pids[i] == pid)
			return true;
	/* With --tree the targets are of descendants, too. */
	for (size_t i = 0; s->tree && i < run->targets.n; i++)
		if (run->targets.v[i].pid == pid)
			return true;
	return false;
}

/* A thread that dies takes the way to its process with it. */
static void note_threads(struct run *run, pid_t pid)
{
	struct kpage_tasks *tasks = NULL;
	pid_t tid;

	if (kpage_tasks_open(run->ctx, pid, &tasks))
		return;
	while (kpage_tasks_next(tasks, &tid) > 0) {
		run->threads = xgrow(run->threads, run->nr_threads, sizeof(*run->threads));
		run->threads[run->nr_threads++] = (struct thread){ tid, pid };
	}
	kpage_tasks_free(tasks);
}

static int by_tid(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

pid_t process_of_thread(const struct run *run, pid_t tid)
{
	const struct thread wanted = { .tid = tid }, *found = NULL;
	struct kpage_task task;

	if (!kpage_task_read(run->ctx, tid, &task))
		return task.pid;
	if (run->nr_threads)
		found = bsearch(&wanted, run->threads, run->nr_threads, sizeof(wanted), by_tid);
	return found ? found->pid : 0;
}

static pid_t process_of(pid_t tid, void *arg)
{
	return process_of_thread(arg, tid);
}

static void note(struct run *run, pid_t pid)
{
	struct kpage_task task;
	struct process *p;

	if (!pid || process_find(run, pid))
		return;
	run->processes = xreallocarray(run->processes, run->nr_processes + 1,
				       sizeof(*run->processes));
	p = &run->processes[run->nr_processes++];
	*p = (struct process){ .pid = pid, .pidfd = -1, .selected = is_selected(run, pid) };
	/* Only of this machine: a tree of copies has other processes by that number. */
	if (kpage_ctx_is_live(run->ctx))
		p->pidfd = pidfd_open(pid, 0);
	if (!kpage_task_read(run->ctx, pid, &task))
		snprintf(p->comm, sizeof(p->comm), "%.15s", task.comm);
	if (!kpage_task_read_memory(run->ctx, pid, &task))
		p->blocks_sigbus = task.sigbus_blocked;
	if (kpage_cgroup_of_task(run->ctx, pid, &p->cgroup))
		p->cgroup = NULL;
	note_threads(run, pid);
}

void processes_note(struct run *run)
{
	for (size_t i = 0; i < run->opt.selection.nr_pids; i++)
		note(run, run->opt.selection.pids[i]);
	note(run, run->child);
	for (size_t i = 0; i < run->targets.n; i++)
		note(run, run->targets.v[i].pid);
	for (size_t i = 0; i < run->owners.n; i++)
		note(run, run->owners.v[i].pid);
	if (run->nr_threads)
		qsort(run->threads, run->nr_threads, sizeof(*run->threads), by_tid);
	run->inj.victims.process_of = process_of;
	run->inj.victims.arg = run;
}

/* ------------------------------------------------------------------- the waiting */

static bool has_ended(const struct run *run, const struct process *p)
{
	struct pollfd poll_fd = { .fd = p->pidfd, .events = POLLIN };

	if (p->pid == run->child)
		return run->child_ended;
	if (p->pidfd >= 0)
		return poll(&poll_fd, 1, 0) > 0;
	return kpage_task_read_memory(run->ctx, p->pid, NULL);
}

static void look(struct run *run)
{
	injection_read_events(&run->inj);
	command_poll(run);
	for (size_t i = 0; i < run->nr_processes; i++) {
		struct process *p = &run->processes[i];

		p->ended = p->ended || has_ended(run, p);
	}
}

static bool was_signalled(const struct run *run, pid_t pid)
{
	for (size_t i = 0; i < run->inj.victims.n; i++)
		if (run->inj.victims.list[i].pid == pid || run->inj.victims.list[i].tid == pid)
			return true;
	return false;
}

/* A clean page of a file was dropped, and is read again from the disk; so is one
 * from the swap. (tmpfs has no disk behind it.) */
static bool was_dropped(const struct page *page)
{
	return !strncmp(page->type, "clean ", strlen("clean ")) &&
	       (page->target->kind == PAGE_FILE || page->target->kind == PAGE_SWAPCACHE);
}

/* Also a page that the kernel could not get out of use may have left its places. */
bool page_kills(const struct page *page)
{
	enum owner_entry entry = page->report.entry;

	if (page->report.outcome == OUTCOME_NOT_CONTAINED)
		return entry == ENTRY_POISONED || entry == ENTRY_UNMAPPED;
	return page->report.outcome == OUTCOME_POISONED && !was_dropped(page);
}

/* Whether the process has a page that it dies of when it touches it. */
static bool is_harmed(const struct run *run, pid_t pid)
{
	for (size_t i = 0; i < run->owners.n; i++) {
		const struct page *page;

		if (run->owners.v[i].pid != pid)
			continue;
		page = page_find(run, run->owners.v[i].pfn);
		if (page && page->done && page_kills(page))
			return true;
	}
	return false;
}

static bool is_accounted_for(const struct run *run, const struct process *p)
{
	if (p->ended)
		return true;
	if (p->pid == run->child)
		return false;
	return was_signalled(run, p->pid) || !p->poisoned || !is_harmed(run, p->pid);
}

static bool are_accounted_for(struct run *run)
{
	if (injection_has_open(&run->inj))
		return false;
	for (size_t i = 0; i < run->nr_processes; i++)
		if (!is_accounted_for(run, &run->processes[i]))
			return false;
	return true;
}

/* Seconds; negative: as long as it takes. */
static double time_to_wait(const struct run *run)
{
	if (run->opt.has_wait)
		return run->opt.wait;
	return run->child ? -1 : 1;
}

static void note_status(struct run *run)
{
	struct process *p = run->child ? process_find(run, run->child) : NULL;

	if (!p || !run->child_ended)
		return;
	p->has_status = true;
	p->status = run->child_status;
}

void processes_wait(struct run *run)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000 * 1000 };
	double limit = time_to_wait(run);
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	look(run);
	while (!are_accounted_for(run) && !signals_pending() &&
	       injection_waits(limit, seconds_since(&start), injection_has_coming(&run->inj))) {
		nanosleep(&tick, NULL);
		look(run);
	}
	note_status(run);
	run->interrupted |= signals_pending() != 0;
	/* What was sent at the very end is still read, and its fate looked up. */
	injection_settle(&run->inj, 0);
}

/* ---------------------------------------------------------------------- the rows */

static enum task_state state_of_ended(const struct process *p, const struct victim *v)
{
	if (p->has_status)
		return v && WIFSIGNALED(p->status) && WTERMSIG(p->status) == SIGBUS ? STATE_KILLED :
										      STATE_EXITED;
	return v && victim_died_of_it(v) ? STATE_KILLED : STATE_EXITED;
}

static const struct seen_signal *find_seen(const struct run *run, const struct victim *v)
{
	for (size_t i = 0; i < run->nr_seen; i++)
		if (run->seen[i].tid == v->tid && run->seen[i].code == v->code)
			return &run->seen[i];
	return NULL;
}

static void fill_address(const struct run *run, const struct victim *v, struct task_row *row)
{
	const struct seen_signal *seen = find_seen(run, v);
	const struct page *page;

	if (seen) {
		row->has_address = true;
		row->address = seen->address;
		row->lsb = seen->lsb;
		row->lsb_seen = true;
		return;
	}
	page = v->has_address ? page_at(run, row->pid, v->address) : NULL;
	row->lsb = page ? page->lsb : 0;
}

static void fill_process(const struct process *p, const struct victim *v, struct task_row *row)
{
	row->cgroup = p->cgroup;
	row->selected = p->selected;
	if (p->comm[0])
		row->comm = p->comm;
	if (p->ended)
		row->state = state_of_ended(p, v);
	if (!p->has_status)
		return;
	if (WIFEXITED(p->status))
		row->exit_status = WEXITSTATUS(p->status);
	if (WIFSIGNALED(p->status))
		row->signal = WTERMSIG(p->status);
}

static void fill_victim(const struct run *run, const struct victim *v, struct task_row *row)
{
	const struct process *p;

	task_row_of_victim(v, row);
	row->signal = 0;
	p = process_find(run, row->pid);
	if (p)
		fill_process(p, v, row);
	if (row->state == STATE_KILLED && !row->signal)
		row->signal = SIGBUS;
	fill_address(run, v, row);
	/* It had been taken from the task, and was sent once more to give it back. */
	if (row->sent)
		row->sent -= MIN(kpage_remote_resent(run->ctx, v->tid, v->code), row->sent - 1);
}

static void fill_silent(const struct run *run, const struct process *p, struct task_row *row)
{
	*row = (struct task_row){
		.pid = p->pid,
		.tid = p->pid,
		.comm = p->comm,
		.state = is_harmed(run, p->pid) ? STATE_UNTOUCHED : STATE_UNHARMED,
		.has_address = p->poisoned > 0,
		.address = p->first_address,
		.exit_status = -1,
	};
	fill_process(p, NULL, row);
}

/* Those that were chosen, those that were signalled, those that lost a page. */
size_t tasks_rows(const struct run *run, struct task_row **rows)
{
	const struct victims *v = &run->inj.victims;
	size_t n = 0;

	*rows = xcalloc(v->n + run->nr_processes + 1, sizeof(**rows));
	for (size_t i = 0; i < v->n; i++)
		fill_victim(run, &v->list[i], &(*rows)[n++]);
	for (size_t i = 0; i < run->nr_processes; i++) {
		const struct process *p = &run->processes[i];

		if (!was_signalled(run, p->pid) && (p->selected || p->poisoned))
			fill_silent(run, p, &(*rows)[n++]);
	}
	return n;
}
