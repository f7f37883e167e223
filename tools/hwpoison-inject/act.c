// SPDX-License-Identifier: GPL-2.0-or-later
/* The injection: page by page, with the ledger before it and the look at the owner around it. */
#include "hwpoison-inject.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "common/processes.h"
#include "common/signals.h"
#include "common/walk.h"

/* ----------------------------------------------------------------------- hooks */

struct page *page_find(const struct run *run, uint64_t pfn)
{
	size_t low = 0, high = run->targets.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (run->by_pfn[middle]->target->pfn < pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low < run->targets.n && run->by_pfn[low]->target->pfn == pfn ? run->by_pfn[low] : NULL;
}

static bool is_page(const struct run *run, const struct page *page, uint64_t pfn)
{
	return page && page < run->pages + run->targets.n && page->target->pfn == pfn;
}

/* What the kernel says of a page mostly follows what it said of the one before it. */
static struct page *find_failed(const struct run *run, uint64_t pfn)
{
	struct page *next = run->failed ? run->failed + 1 : run->pages;

	return is_page(run, next, pfn) ? next : page_find(run, pfn);
}

/* A machine check has nobody to give the kernel's error to: only its event has it. */
static void correct_outcome(struct run *run, struct page *page)
{
	bool failed = !strcmp(page->result, "Failed") || !strcmp(page->result, "Ignored");

	if (!failed || !page->done || page->report.outcome != OUTCOME_POISONED)
		return;
	run->inj.counts[OUTCOME_POISONED]--;
	run->inj.counts[OUTCOME_NOT_CONTAINED]++;
	page->report.outcome = OUTCOME_NOT_CONTAINED;
}

static void note_failure(const struct kpage_event *event, void *arg)
{
	struct run *run = arg;
	struct page *page = find_failed(run, event->pfn);

	if (!page)
		return;
	run->failed = page;
	memcpy(page->type, event->type, sizeof(page->type));
	memcpy(page->result, event->result, sizeof(page->result));
	/* Its users are told of all of it. */
	if (!strcmp(event->type, "unsplit thp"))
		page->lsb = injection_folio_bits(&run->inj, page->target->head);
	if (run->method->real)
		correct_outcome(run, page);
}

/* The hooks are mostly asked of the page at hand. */
static const struct page *find_acting(const struct run *run, uint64_t pfn)
{
	return is_page(run, run->acting, pfn) ? run->acting : page_find(run, pfn);
}

/* The line is there before the page is poisoned: a crash in between loses nothing. */
static int note_in_ledger(uint64_t pfn, const struct page_owner *owner, void *arg)
{
	struct run *run = arg;
	const struct page *page = find_acting(run, pfn);
	const struct process *process = page && page->pid ? process_find(run, page->pid) : NULL;
	const struct ledger_entry entry = {
		.pfn = pfn,
		.method = run->method->inject.name,
		.pid = page ? page->pid : 0,
		.comm = process ? process->comm : NULL,
		.has_address = page && page->pid && page->has_address,
		.address = page ? page->address : 0,
		.kind = page ? page_kind_name(page->target->kind) : NULL,
	};
	int err = ledger_add(run->ledger, &entry);

	(void)owner;
	if (err)
		warn("%s/ledger: %s: what can't be recorded is not poisoned", rundir_path(run->dir),
		     strerror(-err));
	return err ? -ECANCELED : 0;
}

/* A page of a process is known by its entry there; one that was chosen by its flags, its
 * cgroup or its file may have been freed since, and be anybody's. */
static bool is_still_chosen(uint64_t pfn, uint64_t kflags, void *arg)
{
	const struct run *run = arg;
	const struct page *page = find_acting(run, pfn);
	const struct target *t = page ? page->target : NULL;
	uint64_t now;

	(void)kflags;
	if (!t || t->pid)
		return true;
	return target_is_still_chosen(&run->opt.selection, &run->src, t, &now) &&
	       (!run->opt.selection.file ||
		file_has_page(run->ctx, run->src.flags, t->name, t->address / kpage_page_size(), pfn));
}

/* How far before the page the address lies that early killers are told. Before 6.10 the
 * kernel looks for the head of a hugetlb page, whichever part of it was hit; it is the
 * same kernels whose tails show none of the page's flags. */
static uint64_t bytes_ahead(const struct page *page)
{
	const struct target *t = page->target;

	if (t->kind != PAGE_HUGETLB || (t->kflags & KPAGE_BIT(UPTODATE)))
		return 0;
	return (t->pfn - t->head) * kpage_page_size();
}

static uint64_t address_in(uint64_t pfn, pid_t tid, void *arg)
{
	const struct run *run = arg;
	const struct page *page = page_find(run, pfn);
	const struct owner *owners;
	uint64_t address = 0;
	size_t n;
	pid_t pid = process_find(run, tid) ? tid : process_of_thread(run, tid);

	owners = owners_of(&run->owners, pfn, &n);
	for (size_t i = 0; i < n; i++) {
		if (owners[i].pid != pid)
			continue;
		/* A merged page is there many times, and which one is told is not said. */
		if (address)
			return 0;
		address = owners[i].address;
	}
	return address && page ? address - bytes_ahead(page) : address;
}

static void note_siginfo(pid_t tid, const struct kpage_siginfo *info, void *arg)
{
	struct run *run = arg;
	struct process *p = process_find(run, process_of_thread(run, tid));

	if (p && info->code == BUS_MCEERR_AR)
		p->forced = true;
	run->seen = xreallocarray(run->seen, run->nr_seen + 1, sizeof(*run->seen));
	run->seen[run->nr_seen++] = (struct seen_signal){
		.tid = tid,
		.code = info->code,
		.address = info->address,
		.lsb = info->lsb,
	};
}

/* ----------------------------------------------------------------- in the target */

/* A handler that takes longer has left its signal blocked for good. */
#define SETTLE_S 2

static bool is_settled(const struct process *p, const struct kpage_task *task)
{
	if (task->state == 'T')
		return true;
	if (!task->sigbus_caught)
		return !p->forced;
	return p->blocks_sigbus || (!task->sigbus_blocked && !task->sigbus_pending);
}

/* Until the process has done with the page before. While its handler runs, SIGBUS is
 * blocked: one that is forced on it then kills, and the handler would not get to show
 * what it can. And the pages of a process that is dying are nobody's, or somebody else's. */
static void wait_until_settled(struct run *run, pid_t pid)
{
	const struct timespec tick = { .tv_nsec = 1000 * 1000 };
	const struct process *p = process_find(run, pid);
	struct kpage_task task;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (p && !kpage_task_read_memory(run->ctx, pid, &task) && !is_settled(p, &task) &&
	       !signals_pending() && seconds_since(&start) < SETTLE_S)
		nanosleep(&tick, NULL);
}

/* Between taking a signal and blocking it for its handler a task does neither show it as
 * pending nor as blocked: it is looked at once more when it can't go on. */
static int hold_settled(pid_t pid, pid_t *tid, struct kpage_remote **out, void *arg)
{
	struct run *run = arg;
	const struct process *p = process_find(run, pid);
	const struct timespec tick = { .tv_nsec = 1000 * 1000 };
	struct timespec start;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		wait_until_settled(run, pid);
		err = process_hold(run->ctx, pid, tid, out);
		if (err || !p || p->blocks_sigbus || !kpage_remote_blocks(*out, SIGBUS) ||
		    signals_pending() || seconds_since(&start) >= SETTLE_S)
			return err;
		err = kpage_remote_detach(*out);
		if (err)
			return err;
		nanosleep(&tick, NULL);
	}
}

/* The process executes a load of its own. What it meets is delivered to it as if it
 * had come to the page by itself. */
static void consume(struct run *run, const struct page *page)
{
	pid_t pid = page->target->pid;
	struct kpage_remote *remote;
	struct kpage_siginfo info;
	pid_t tid;
	int err;

	err = hold_settled(pid, &tid, &remote, run);
	if (!err) {
		err = kpage_remote_load(remote, page->target->address, &info);
		if (err > 0 && info.signo == SIGBUS)
			note_siginfo(tid, &info, run);
		kpage_remote_detach(remote);
	}
	if (err < 0 && err != -ESRCH)
		warn("--consume: %d: %s", (int)pid, strerror(-err));
}

/* ------------------------------------------------------------------------ pages */

/* The pagemap of the process whose pages come one after the other. */
struct pagemap {
	pid_t pid;
	struct kpage_file *file;
};

static int owner_of(struct run *run, const struct target *t, struct pagemap *pm,
		    struct page_owner *out)
{
	int err = 0;

	*out = (struct page_owner){ 0 };
	if (!t->pid)
		return 0;
	if (pm->pid != t->pid) {
		kpage_file_free(pm->file);
		pm->file = NULL;
		pm->pid = 0;
		err = kpage_file_open_pagemap(run->ctx, t->pid, &pm->file);
		if (err)
			return err;
		pm->pid = t->pid;
	}
	*out = (struct page_owner){
		.pid = t->pid,
		.offset = t->address / kpage_page_size(),
		.pagemap = pm->file,
	};
	return 0;
}

static void count_owners(struct run *run, const struct page *page)
{
	for (size_t i = 0; i < page->nr_mappings; i++) {
		struct process *p = process_find(run, page->mappings[i].pid);

		if (p && !p->poisoned++)
			p->first_address = page->mappings[i].address;
	}
}

bool page_is_hit(const struct page *page)
{
	enum outcome o = page->report.outcome;

	return o == OUTCOME_POISONED || o == OUTCOME_NOT_CONTAINED;
}

static void count_as(struct run *run, struct page *page, enum outcome outcome)
{
	page->report.outcome = outcome;
	page->report.kflags_before = page->report.kflags_after = page->target->kflags;
	page->report.poisoned_before = page->report.poisoned_after = page->target->poisoned;
	page->done = true;
	run->inj.counts[outcome]++;
}

/* A line for a page that was not poisoned after all must not blame us for another's. */
static void settle_ledger(struct run *run, const struct page *page)
{
	enum outcome outcome = page->report.outcome;

	if (page->report.noted &&
	    (outcome == OUTCOME_FILTERED || outcome == OUTCOME_FAILED || outcome == OUTCOME_CHANGED))
		ledger_add_unpoison(run->ledger, page->target->pfn);
}

/* Where something else is done between two pages, each is looked at by itself. */
static void tell_next(struct run *run, const struct page *page, const struct page_owner *owner)
{
	const struct page *next = page + 1;
	struct page_owner other = { 0 };

	if (next == run->pages + run->targets.n || run->method->in_target || run->opt.consume)
		return;
	if (next->target->pid && next->target->pid == page->target->pid)
		other = (struct page_owner){
			.pid = next->target->pid,
			.offset = next->target->address / kpage_page_size(),
			.pagemap = owner->pagemap,
		};
	injection_next(&run->inj, next->target->pfn, &other);
}

static int act_on(struct run *run, struct page *page, struct pagemap *pm)
{
	struct page_owner owner;
	int err;

	if (page->objection && !run->opt.force) {
		count_as(run, page, OUTCOME_KERNEL);
		return 0;
	}
	if (run->method->in_target || run->opt.consume)
		wait_until_settled(run, page->target->pid);
	run->acting = page;
	err = owner_of(run, page->target, pm, &owner);
	if (!err)
		tell_next(run, page, &owner);
	if (!err)
		err = injection_poison(&run->inj, page->target->pfn, page->target->kflags, &owner,
				       &page->report);
	if (err == -ESRCH) {
		count_as(run, page, OUTCOME_NOT_TRIED);
		return 0;
	}
	if (err)
		return err;
	page->done = true;
	settle_ledger(run, page);
	if (!page_is_hit(page))
		return 0;
	count_owners(run, page);
	if (run->opt.consume && page->target->pid)
		consume(run, page);
	return 0;
}

/* A line on a terminal, four times a second at most. */
static void progress(const struct run *run, size_t done, struct timespec *last)
{
	if (run->opt.json || !isatty(STDERR_FILENO) || seconds_since(last) < 0.25)
		return;
	fprintf(stderr, "\r%zu of %zu pages ", done, run->targets.n);
	clock_gettime(CLOCK_MONOTONIC, last);
}

static void progress_end(const struct run *run, const struct timespec *last, const struct timespec *first)
{
	if (!run->opt.json && isatty(STDERR_FILENO) &&
	    (last->tv_sec != first->tv_sec || last->tv_nsec != first->tv_nsec))
		fprintf(stderr, "\r\033[K");
}

static int act_on_all(struct run *run)
{
	struct timespec first, last;
	struct pagemap pm = { 0 };
	int err = 0;
	size_t i;

	clock_gettime(CLOCK_MONOTONIC, &first);
	last = first;
	for (i = 0; i < run->targets.n && !err && !signals_pending(); i++) {
		err = act_on(run, &run->pages[i], &pm);
		progress(run, i + 1, &last);
	}
	progress_end(run, &last, &first);
	kpage_file_free(pm.file);
	run->interrupted = signals_pending() != 0;
	if (!err || err == -ECANCELED)
		return err ? EXIT_FAILED : EXIT_OK;
	return fail(status_of(err), "--method %s: PFN 0x%llx: %s", run->method->inject.name,
		    (unsigned long long)run->pages[i - 1].target->pfn, run->method->explain(err));
}

int act(struct run *run)
{
	run->inj.hooks = (struct inject_hooks){
		.failure = note_failure,
		.chosen = is_still_chosen,
		.before = note_in_ledger,
		.hold = hold_settled,
		.siginfo = note_siginfo,
		.address = address_in,
		.touched = touch_is_ours,
		.arg = run,
	};
	run->inj.force = run->opt.force;
	return act_on_all(run);
}
