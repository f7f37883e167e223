// SPDX-License-Identifier: GPL-2.0-or-later
/* The owners: which processes have a page in their page tables, and where. */
#include "common/owners.h"

#include <errno.h>

#include "common/pace.h"
#include "common/page-set.h"
#include "common/processes.h"
#include "common/progress.h"
#include "common/signals.h"
#include "common/walk.h"

/* What all threads share. */
struct search {
	const struct kpage_file *flags;
	struct page_set wanted;
	bool scan;			/* the kernel says what is populated */
	struct process_list pids;
	struct pace pace;

	pthread_mutex_t lock;		/* for all below */
	size_t next;			/* of pids */
	struct progress progress;
};

/* A thread, and what it has found. */
struct worker {
	struct search *s;
	struct kpage_ctx *ctx;
	pthread_t thread;
	uint64_t *entries;
	struct owner_list found;
};

/* One process's page tables. */
struct look {
	struct worker *w;
	pid_t pid;
	struct kpage_file *pagemap;
	bool present, has_pfn;		/* some entry is … */
	struct kpage_range span;	/* pages that are still to be scanned, with the gaps … */
	uint64_t mapped;		/* … and so many of them mapped */
};

/* The PFN that an entry is of; 0: of none that is looked for. */
static uint64_t wanted_pfn(const struct search *s, uint64_t entry)
{
	uint64_t pfn = kpage_pagemap_pfn(entry), kflags;
	bool present = entry & KPAGE_PM_PRESENT;

	if (!present)
		pfn = kpage_pagemap_poison_candidate(entry);
	if (!pfn || !page_set_has(&s->wanted, pfn))
		return 0;
	/* A page on its way elsewhere has an entry of the same form. */
	if (!present && (kpage_file_read(s->flags, pfn, &kflags, 1) != 1 ||
			 !(kflags & KPAGE_BIT(HWPOISON))))
		return 0;
	return pfn;
}

static void add_owner(struct owner_list *out, const struct owner *owner)
{
	out->v = xgrow(out->v, out->n, sizeof(*out->v));
	out->v[out->n++] = *owner;
}

static void take_entry(struct look *l, uint64_t page, uint64_t entry)
{
	uint64_t pfn = entry ? wanted_pfn(l->w->s, entry) : 0;
	bool present = entry & KPAGE_PM_PRESENT;

	l->present |= present;
	l->has_pfn |= kpage_pagemap_pfn(entry) != 0;
	if (pfn)
		add_owner(&l->w->found,
			  &(struct owner){ pfn, l->pid, page * kpage_page_size(), !present });
}

static int look_through(struct look *l, uint64_t start, uint64_t end)
{
	while (start < end && !signals_pending()) {
		ssize_t n = kpage_file_read(l->pagemap, start, l->w->entries,
					    (size_t)MIN(end - start, (uint64_t)KPAGE_BATCH));

		/* 0: past the end of the user's addresses, or the process has ended. */
		if (n <= 0)
			return (int)n;
		for (ssize_t i = 0; i < n; i++)
			take_entry(l, start + (uint64_t)i, l->w->entries[i]);
		start += (uint64_t)n;
		pace_keep(&l->w->s->pace);
	}
	return 0;
}

/* ------------------------------------------------------------ what is populated */

/* While the kernel scans, the process can't change its mappings: not for long at a time. */
#define SPAN_PAGES (UINT64_C(1) << 18)
/* Ranges that one scan gives at most. */
#define RANGES 256
/* So many empty entries cost less than another system call. */
#define GAP 64

static int look_through_ranges(struct look *l, const struct kpage_range *ranges, size_t n)
{
	int err = 0;
	size_t i = 0;

	while (!err && i < n) {
		struct kpage_range r = ranges[i++];

		for (; i < n && ranges[i].start - r.end <= GAP; i++)
			r.end = ranges[i].end;
		err = look_through(l, r.start, r.end);
	}
	return err;
}

static int scan_span(struct look *l)
{
	struct kpage_range ranges[RANGES];
	ssize_t n = 0;
	int err = 0;

	while (!err && l->span.start < l->span.end && !signals_pending()) {
		n = kpage_pagemap_scan(l->pagemap, &l->span, ranges, RANGES);
		err = n < 0 ? (int)n : look_through_ranges(l, ranges, (size_t)n);
		pace_keep(&l->w->s->pace);
	}
	l->span = (struct kpage_range){ 0 };
	l->mapped = 0;
	return err;
}

/* Small mappings are scanned together, a large one in parts. */
static int add_to_span(struct look *l, uint64_t start, uint64_t end)
{
	int err = 0;

	while (!err && start < end) {
		uint64_t n = MIN(end - start, SPAN_PAGES - l->mapped);

		if (!l->mapped)
			l->span.start = start;
		start += n;
		l->span.end = start;
		l->mapped += n;
		if (l->mapped == SPAN_PAGES)
			err = scan_span(l);
	}
	return err;
}

/* Whether the kernel has the scan: this process is asked about its first page. */
static bool can_scan(struct kpage_ctx *ctx)
{
	struct kpage_file *pagemap = NULL;
	struct kpage_range todo = { 0, 1 }, out;
	bool can;

	if (kpage_file_open_pagemap(ctx, getpid(), &pagemap))
		return false;
	can = kpage_pagemap_scan(pagemap, &todo, &out, 1) >= 0;
	kpage_file_free(pagemap);
	return can;
}

/* ------------------------------------------------------------------ one process */

/* Of [vsyscall]: above all page tables of the user's. */
static bool is_above_user(const struct kpage_vma *vma)
{
	return vma->start >> 63;
}

static int look_at_vma(struct look *l, const struct kpage_vma *vma)
{
	uint64_t start = vma->start / kpage_page_size(), end = vma->end / kpage_page_size();

	if (!l->w->s->scan)
		return look_through(l, start, end);
	return is_above_user(vma) ? 0 : add_to_span(l, start, end);
}

static int look_at_vmas(struct look *l)
{
	struct kpage_maps *maps = NULL;
	struct kpage_vma vma;
	int more = 0, err;

	err = kpage_maps_open(l->w->ctx, l->pid, &maps);
	if (err)
		return err;
	while (!err && (more = kpage_maps_next(maps, &vma)) > 0)
		err = look_at_vma(l, &vma);
	kpage_maps_free(maps);
	if (!err)
		err = scan_span(l);
	return err ? err : more;
}

/* Counts a process that could not be looked at to its end. */
static void count_unreadable(struct owner_list *found, bool hidden, int err)
{
	found->unreadable++;
	found->hidden += hidden;
	found->denied += !hidden && (err == -EACCES || err == -EPERM);
	found->ended += !hidden && err == -ESRCH;
}

static void look_at_process(struct worker *w, pid_t pid)
{
	struct look l = { .w = w, .pid = pid };
	bool hidden;
	int err;

	/* Kernel threads and zombies have no page tables. */
	if (kpage_task_read_memory(w->ctx, pid, NULL))
		return;
	err = kpage_file_open_pagemap(w->ctx, pid, &l.pagemap);
	if (!err)
		err = look_at_vmas(&l);
	kpage_file_free(l.pagemap);
	/* Present, and nowhere a PFN: they are hidden from us. */
	hidden = !err && l.present && !l.has_pfn;
	if (!err && !hidden)
		err = kpage_task_read_memory(w->ctx, pid, NULL);
	if (err || hidden)
		count_unreadable(&w->found, hidden, err);
}

/* ---------------------------------------------------------------- all processes */

static int by_page(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	if (x->pfn != y->pfn)
		return x->pfn < y->pfn ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static bool take_process(struct search *s, pid_t *out)
{
	bool taken = false;

	pthread_mutex_lock(&s->lock);
	if (s->next < s->pids.n && !signals_pending()) {
		progress_update(&s->progress, s->next);
		*out = s->pids.v[s->next++];
		taken = true;
	}
	pthread_mutex_unlock(&s->lock);
	return taken;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	pid_t pid;

	w->entries = xcalloc(KPAGE_BATCH, sizeof(*w->entries));
	while (take_process(w->s, &pid)) {
		look_at_process(w, pid);
		pace_keep(&w->s->pace);
	}
	free(w->entries);
	return NULL;
}

static int list_processes(struct kpage_ctx *ctx, struct process_list *out)
{
	struct kpage_tasks *tasks = NULL;
	int err = kpage_tasks_open(ctx, 0, &tasks);
	pid_t pid;

	if (err)
		return fail_errno(err, "%s", kpage_ctx_error_path(ctx));
	/* /proc names each once: nothing need be searched. */
	while (kpage_tasks_next(tasks, &pid) > 0) {
		out->v = xgrow(out->v, out->n, sizeof(*out->v));
		out->v[out->n++] = pid;
	}
	kpage_tasks_free(tasks);
	return EXIT_OK;
}

static void merge(struct owner_list *out, struct owner_list *found)
{
	for (size_t i = 0; i < found->n; i++)
		add_owner(out, &found->v[i]);
	out->unreadable += found->unreadable;
	out->denied += found->denied;
	out->hidden += found->hidden;
	out->ended += found->ended;
	owner_list_release(found);
}

/* The first worker is the caller; where no further thread can be had, it does it all. */
static void look_at_all(struct search *s, struct kpage_ctx *ctx, size_t threads,
			struct owner_list *out)
{
	struct worker *workers = xcalloc(threads, sizeof(*workers));
	size_t n = 1;

	workers[0] = (struct worker){ .s = s, .ctx = ctx };
	while (n < threads) {
		struct worker *w = &workers[n];

		w->s = s;
		if (kpage_ctx_clone(ctx, &w->ctx))
			break;
		if (!signals_start_thread(&w->thread, work, w)) {
			kpage_ctx_free(w->ctx);
			break;
		}
		n++;
	}
	work(&workers[0]);
	merge(out, &workers[0].found);
	for (size_t i = 1; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		kpage_ctx_free(workers[i].ctx);
		merge(out, &workers[i].found);
	}
	free(workers);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_page);
}

int owners_find_by(struct kpage_ctx *ctx, const struct kpage_file *flags, const uint64_t *pfns,
		   size_t n, const struct owner_search *how, struct owner_list *out)
{
	static const struct owner_search usual;
	struct search s = { .flags = flags, .lock = PTHREAD_MUTEX_INITIALIZER };
	size_t threads;
	int status;

	how = how ? how : &usual;
	threads = how->threads ? how->threads : walk_threads();
	*out = (struct owner_list){ 0 };
	if (!n)
		return EXIT_OK;
	status = list_processes(ctx, &s.pids);
	if (!status) {
		s.scan = !how->read_all && can_scan(ctx);
		for (size_t i = 0; i < n; i++)
			page_set_add(&s.wanted, pfns[i]);
		progress_start(&s.progress, "processes", s.pids.n);
		pace_start(&s.pace, how->max_cpu);
		look_at_all(&s, ctx, MAX(MIN(threads, s.pids.n), (size_t)1), out);
		progress_end(&s.progress);
	}
	page_set_release(&s.wanted);
	process_list_release(&s.pids);
	return status;
}

int owners_find(struct kpage_ctx *ctx, const struct kpage_file *flags, const uint64_t *pfns,
		size_t n, struct owner_list *out)
{
	return owners_find_by(ctx, flags, pfns, n, NULL, out);
}

void owners_from_targets(const struct target_list *list, struct owner_list *out)
{
	*out = (struct owner_list){ .v = xcalloc(list->n + 1, sizeof(*out->v)) };
	for (size_t i = 0; i < list->n; i++) {
		const struct target *t = &list->v[i];

		if (t->pid)
			out->v[out->n++] = (struct owner){ t->pfn, t->pid, t->address,
							   !(t->entry & KPAGE_PM_PRESENT) };
	}
	qsort(out->v, out->n, sizeof(*out->v), by_page);
}

void owner_list_release(struct owner_list *list)
{
	free(list->v);
	*list = (struct owner_list){ 0 };
}

const struct owner *owners_of(const struct owner_list *list, uint64_t pfn, size_t *n)
{
	size_t from = 0, to = list->n, end;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (list->v[middle].pfn < pfn)
			from = middle + 1;
		else
			to = middle;
	}
	for (end = from; end < list->n && list->v[end].pfn == pfn; end++)
		;
	*n = end - from;
	return *n ? &list->v[from] : NULL;
}

size_t owners_count(const struct owner_list *list, uint64_t pfn)
{
	size_t n, count = 0;
	const struct owner *v = owners_of(list, pfn, &n);

	for (size_t i = 0; i < n; i++)
		count += !i || v[i].pid != v[i - 1].pid;
	return count;
}

bool targets_have_more_owners(const struct target_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].mapcount > (list->v[i].pid ? 1 : 0))
			return true;
	return false;
}
