// SPDX-License-Identifier: GPL-2.0-or-later
/* Poisoning and unpoisoning pages, and finding out what became of each. */
#include "common/inject.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "common/safety.h"

static void warn_of_idle_filter(const struct injection *inj)
{
	if (!inj->filter.enable && kpage_hwpoison_filter_is_set(&inj->filter))
		warn("%s: a filter is set, but corrupt-filter-enable is 0: the kernel does not look at "
		     "it (enable it: echo 1 > %s/corrupt-filter-enable)",
		     kpage_hwpoison_dir(inj->hp), kpage_hwpoison_dir(inj->hp));
}

int injection_open(struct injection *inj, struct kpage_ctx *ctx, const struct kpage_file *flags)
{
	int err;

	*inj = (struct injection){ .ctx = ctx, .flags = flags };
	err = kpage_hwpoison_open(ctx, &inj->hp);
	if (err == -ENODEV)
		return fail(EXIT_CANNOT, "debugfs: not mounted (try: mount -t debugfs none /sys/kernel/debug)");
	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "%s/hwpoison: not there (try: modprobe hwpoison_inject)",
			    kpage_ctx_error_path(ctx));
	if (err)
		return fail_errno(err, "%s", kpage_ctx_error_path(ctx));
	inj->has_corrupted = !kpage_hardware_corrupted(ctx, &inj->corrupted_before);
	inj->corrupted_after = inj->corrupted_before;
	return EXIT_OK;
}

int injection_start(struct injection *inj)
{
	const char *path = kpage_ctx_error_path(inj->ctx);
	int err = kpage_hwpoison_filter_read(inj->hp, &inj->filter);

	if (err == -EPERM && geteuid() == 0)
		return fail(EXIT_NOPERM, "%s: %s (kernel lockdown forbids it: see /sys/kernel/security/lockdown)",
			    path, strerror(EPERM));
	if (err)
		return fail_errno(err, "%s", path);
	warn_of_idle_filter(inj);
	inj->watch_error = kpage_watch_new(inj->ctx, &inj->watch);
	return EXIT_OK;
}

/* ------------------------------------------------------------------- events */

static void count_result(struct injection *inj, const struct kpage_event *e)
{
	struct kernel_result *r = inj->results;

	for (size_t i = 0; i < inj->nr_results; i++, r++)
		if (!strcmp(r->type, e->type) && !strcmp(r->result, e->result)) {
			r->pages++;
			return;
		}
	inj->results = xreallocarray(inj->results, inj->nr_results + 1, sizeof(*inj->results));
	r = &inj->results[inj->nr_results++];
	*r = (struct kernel_result){ .pages = 1 };
	memcpy(r->type, e->type, sizeof(r->type));
	memcpy(r->result, e->result, sizeof(r->result));
}

/* Where the page lies in the receiver, as far as we came by it there. */
static uint64_t address_of(const struct injection *inj, uint64_t pfn, pid_t tid)
{
	struct kpage_task task;

	for (size_t i = 0; i < inj->nr_recent; i++) {
		if (inj->recent[i].pfn != pfn || !inj->recent[i].pid)
			continue;
		if (inj->recent[i].pid == tid || (!kpage_task_read(inj->ctx, tid, &task) &&
						  task.pid == inj->recent[i].pid))
			return inj->recent[i].address;
	}
	return 0;
}

static bool is_ours(const struct injection *inj, uint64_t pfn)
{
	for (size_t i = 0; i < inj->nr_recent; i++)
		if (inj->recent[i].pfn == pfn)
			return true;
	return false;
}

static void release_waiting(struct injection *inj, uint64_t pfn)
{
	for (size_t i = 0; i < inj->nr_waiting; i++) {
		const struct kpage_event *e = &inj->waiting[i];

		victims_add(&inj->victims, inj->ctx, e, address_of(inj, pfn, e->tid));
	}
	inj->nr_waiting = 0;
}

/* A signal does not name its page; the memory_failure_event of the same
 * injection follows it, and does. */
static int take_event(const struct kpage_event *e, void *arg)
{
	struct injection *inj = arg;

	if (e->kind == KPAGE_EVENT_FAILURE && !is_ours(inj, e->pfn)) {
		/* Somebody else's page, and his victims. */
		inj->nr_waiting = 0;
	} else if (e->kind == KPAGE_EVENT_FAILURE) {
		release_waiting(inj, e->pfn);
		count_result(inj, e);
	} else if (e->kind == KPAGE_EVENT_SIGNAL && !e->pfn && e->code != BUS_MCEERR_AR) {
		inj->waiting = xreallocarray(inj->waiting, inj->nr_waiting + 1,
					     sizeof(*inj->waiting));
		inj->waiting[inj->nr_waiting++] = *e;
	} else {
		victims_add(&inj->victims, inj->ctx, e,
			    e->kind == KPAGE_EVENT_SIGNAL ? address_of(inj, e->pfn, e->tid) : 0);
	}
	return 0;
}

void injection_read_events(struct injection *inj)
{
	int err = inj->watch ? kpage_watch_read(inj->watch, take_event, inj) : 0;

	release_waiting(inj, 0);
	inj->nr_recent = 0;
	if (!err)
		return;
	/* The pages are still to be seen to; who was signalled is not known any more. */
	warn("%s: %s: the tasks and the kernel's results are not seen from here on",
	     kpage_ctx_error_path(inj->ctx), strerror(-err));
	kpage_watch_free(inj->watch);
	inj->watch = NULL;
	inj->watch_error = err;
}

void injection_settle(struct injection *inj)
{
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };

	injection_read_events(inj);
	for (int ticks = 0; victims_are_open(&inj->victims, inj->ctx) && ticks < 200; ticks++) {
		nanosleep(&tick, NULL);
		injection_read_events(inj);
	}
	victims_close(&inj->victims, inj->ctx);
	if (inj->has_corrupted)
		inj->has_corrupted = !kpage_hardware_corrupted(inj->ctx, &inj->corrupted_after);
}

/* -------------------------------------------------------------------- pages */

static void count_error(struct injection *inj, int err, uint64_t pfn)
{
	for (size_t i = 0; i < inj->nr_errors; i++)
		if (inj->errors[i].err == err) {
			inj->errors[i].pages++;
			return;
		}
	inj->errors = xreallocarray(inj->errors, inj->nr_errors + 1, sizeof(*inj->errors));
	inj->errors[inj->nr_errors++] =
		(struct failed_errno){ .err = err, .pages = 1, .first_pfn = pfn };
}

/* Errors that the next page would meet too. */
static bool is_fatal(int err)
{
	return err == -EPERM || err == -EACCES || err == -ENOENT || err == -EMFILE || err == -ENFILE;
}

/* Tails follow their head, and a hugetlb page is poisoned and unpoisoned as one. */
static bool is_same_huge(struct injection *inj, uint64_t pfn, uint64_t kflags)
{
	bool tail = (kflags & KPAGE_BIT(HUGE)) && (kflags & KPAGE_BIT(COMPOUND_TAIL));
	bool same = tail && pfn == inj->huge_next;

	inj->huge_next = kflags & KPAGE_BIT(HUGE) ? pfn + 1 : 0;
	return same;
}

/* The page that the process has there now: the walk was a moment ago, and after
 * the first kill nothing of its memory is where it was. */
static int check_owner(const struct page_owner *owner, uint64_t pfn, enum outcome *outcome)
{
	uint64_t entry;
	ssize_t n;

	if (!owner->pagemap)
		return 0;
	n = kpage_file_read(owner->pagemap, owner->offset, &entry, 1);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return -ESRCH;
	if (kpage_pagemap_pfn(entry) != pfn)
		*outcome = kpage_pagemap_poison_candidate(entry) == pfn ? OUTCOME_ALREADY :
									  OUTCOME_CHANGED;
	return 0;
}

static int read_flags(const struct injection *inj, uint64_t pfn, uint64_t *kflags)
{
	ssize_t n = kpage_file_read(inj->flags, pfn, kflags, 1);

	return n == 1 ? 0 : n < 0 ? (int)n : -ENXIO;
}

/* The first page of a hugetlb page, by one of its others. */
static int find_head(const struct injection *inj, uint64_t *pfn)
{
	uint64_t kflags;
	int err;

	do {
		err = *pfn ? read_flags(inj, --*pfn, &kflags) : -ENXIO;
		if (err || !(kflags & KPAGE_BIT(HUGE)))
			return -ENXIO;
	} while (!(kflags & KPAGE_BIT(COMPOUND_HEAD)));
	return 0;
}

/* Before 6.12 a poisoned hugetlb page shows it at its head alone. */
static bool is_poisoned(const struct injection *inj, uint64_t pfn, uint64_t kflags)
{
	uint64_t head_flags;

	if (kflags & KPAGE_BIT(HWPOISON))
		return true;
	if (!(kflags & KPAGE_BIT(HUGE)) || !(kflags & KPAGE_BIT(COMPOUND_TAIL)))
		return false;
	return !find_head(inj, &pfn) && !read_flags(inj, pfn, &head_flags) &&
	       (head_flags & KPAGE_BIT(HWPOISON));
}

static int write_and_look(struct injection *inj, uint64_t pfn, enum outcome *outcome)
{
	int err = kpage_hwpoison_inject(inj->hp, pfn);
	uint64_t now = 0;

	if (is_fatal(err))
		return err;
	if (err)
		count_error(inj, err, pfn);
	/* The result of the write says little; the page's flag is the truth. */
	if (!read_flags(inj, pfn, &now) && is_poisoned(inj, pfn, now))
		*outcome = err ? OUTCOME_NOT_CONTAINED : OUTCOME_POISONED;
	else
		*outcome = err ? OUTCOME_FAILED : OUTCOME_FILTERED;
	return 0;
}

static void remember(struct injection *inj, uint64_t pfn, const struct page_owner *owner)
{
	inj->recent[inj->nr_recent].pfn = pfn;
	inj->recent[inj->nr_recent].pid = owner->pid;
	inj->recent[inj->nr_recent].address = owner->offset * kpage_page_size();
	inj->nr_recent++;
}

/* Flags that a page keeps for as long as it is the same page of the same owner. It
 * is not when it was freed meanwhile, and maybe taken by the kernel. */
#define IDENTITY_FLAGS                                                                    \
	(KPAGE_BIT(ANON) | KPAGE_BIT(SLAB) | KPAGE_BIT(BUDDY) | KPAGE_BIT(HUGE) |          \
	 KPAGE_BIT(PGTABLE) | KPAGE_BIT(RESERVED) | KPAGE_BIT(OFFLINE) | KPAGE_BIT(NOPAGE) | \
	 KPAGE_BIT(ZERO_PAGE))

/* Whether a page that was chosen by its number, flags or cgroup would be chosen
 * again: others may have got it since the walk read it. */
static bool is_still_chosen(const struct injection *inj, uint64_t pfn, uint64_t now)
{
	const struct kpage_walk *w = inj->walk;
	uint64_t flags, cgroup;

	if (!w)
		return true;
	flags = w->raw ? kpage_flags_expand(now, 0) : kpage_flags_well_known(now);
	for (size_t i = 0; i < w->nr_exprs; i++)
		if (!kpage_expr_matches(&w->exprs[i], flags))
			return false;
	return !w->cgroup_ino ||
	       (kpage_file_read(w->cgroup, pfn, &cgroup, 1) == 1 && cgroup == w->cgroup_ino);
}

/* What the walk and a fresh look say against it; NR_OUTCOMES: nothing. */
static enum outcome objection(struct injection *inj, uint64_t pfn, uint64_t kflags)
{
	uint64_t now;

	if (is_same_huge(inj, pfn, kflags))
		return OUTCOME_SAME_HUGE;
	if (read_flags(inj, pfn, &now))
		return OUTCOME_CHANGED;
	if (is_poisoned(inj, pfn, now))
		return OUTCOME_ALREADY;
	if (((now ^ kflags) & IDENTITY_FLAGS) || is_kernel_page(now) != is_kernel_page(kflags) ||
	    !is_still_chosen(inj, pfn, now))
		return OUTCOME_CHANGED;
	return is_kernel_page(now) && !inj->force ? OUTCOME_KERNEL : NR_OUTCOMES;
}

int injection_poison(struct injection *inj, uint64_t pfn, uint64_t kflags,
		     const struct page_owner *owner)
{
	enum outcome outcome = objection(inj, pfn, kflags);
	int err = 0;

	if (outcome == NR_OUTCOMES)
		err = check_owner(owner, pfn, &outcome);
	if (!err && outcome == NR_OUTCOMES) {
		remember(inj, pfn, owner);
		err = write_and_look(inj, pfn, &outcome);
		if (err)
			inj->nr_recent--;
	}
	if (err)
		return err;
	inj->counts[outcome]++;
	if (inj->nr_recent == INJECT_RECENT)
		injection_read_events(inj);
	return 0;
}

int injection_unpoison(struct injection *inj, uint64_t pfn, uint64_t kflags)
{
	uint64_t now, head = pfn;
	int err;

	if (is_same_huge(inj, pfn, kflags)) {
		if (kflags & KPAGE_BIT(HWPOISON))
			inj->counts[OUTCOME_SAME_HUGE]++;
		return 0;
	}
	if (read_flags(inj, pfn, &now) || !is_poisoned(inj, pfn, now))
		return 0;
	if ((now & KPAGE_BIT(HUGE)) && (now & KPAGE_BIT(COMPOUND_TAIL)) && find_head(inj, &head))
		head = pfn;
	err = kpage_hwpoison_unpoison(inj->hp, head);
	if (is_fatal(err))
		return err;
	if (err)
		count_error(inj, err, pfn);
	/* The kernel unpoisons a hugetlb page by its head only. */
	if (read_flags(inj, pfn, &now) || is_poisoned(inj, pfn, now))
		inj->counts[OUTCOME_STILL_POISONED]++;
	else
		inj->counts[OUTCOME_UNPOISONED]++;
	return 0;
}

void injection_close(struct injection *inj)
{
	kpage_watch_free(inj->watch);
	kpage_hwpoison_free(inj->hp);
	victims_release(&inj->victims);
	free(inj->errors);
	free(inj->results);
	free(inj->waiting);
	*inj = (struct injection){ 0 };
}
