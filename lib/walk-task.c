// SPDX-License-Identifier: LGPL-2.1-or-later
/* The walk over a process's page tables. */
#include "batch.h"

/* Holes up to this many pages are read over: they cost less than another call. */
#define SMALL_HOLE 128

/* While the kernel scans, the process can't change its mappings: not for long at a time. */
#define SCAN_PAGES (UINT64_C(1) << 18)

struct task_walk {
	const struct kpage_walk *walk;
	const struct kpage_file *pagemap;
	bool can_scan;		/* until the kernel says otherwise */
	uint64_t *entries;
	struct batch batch;
};

/* Adds the populated ones of n entries. *some: whether there are any. */
static int add_entries(struct task_walk *w, uint64_t start, size_t n, bool *some)
{
	int err = 0;

	*some = false;
	for (size_t i = 0; !err && i < n; i++) {
		if (!(w->entries[i] & (KPAGE_PM_PRESENT | KPAGE_PM_SWAP)))
			continue;
		*some = true;
		batch_add(&w->batch, start + i, w->entries[i]);
		if (w->batch.b.n == KPAGE_BATCH)
			err = batch_flush(&w->batch, w->walk);
	}
	return err;
}

/* Moves *start to the next page that is populated. What is reserved and never used can be
 * terabytes, of which reading gives an entry a page; the kernel passes over it by the page
 * table, if it has the scan. */
static int skip_empty(struct task_walk *w, uint64_t *start, uint64_t end)
{
	while (w->can_scan && *start < end) {
		struct kpage_range todo = { *start, MIN(end, *start + SCAN_PAGES) }, found;
		ssize_t n = kpage_pagemap_scan(w->pagemap, &todo, &found, 1);

		if (n < 0) {
			w->can_scan = false;
			return n == -ENOTTY ? 0 : (int)n;
		}
		*start = n ? found.start : MAX(todo.start, *start + 1);
		if (n)
			break;
	}
	return 0;
}

static int walk_span(struct task_walk *w, uint64_t start, uint64_t end)
{
	bool some = true;
	int err = 0;

	while (!err && start < end) {
		size_t want = (size_t)MIN(end - start, (uint64_t)KPAGE_BATCH);
		ssize_t got = kpage_file_read(w->pagemap, start, w->entries, want);

		if (got < 0)
			return (int)got;
		err = add_entries(w, start, (size_t)got, &some);
		/* Past the end of the user's part of the address space (vsyscall), or
		 * the process has ended: it is asked for in the end. */
		if ((size_t)got < want)
			break;
		start += want;
		if (!err && !some)
			err = skip_empty(w, &start, end);
	}
	return err;
}

/* What is to be read next, a part of one of the ranges. */
struct span {
	size_t range;
	uint64_t start, end;
};

/* Close pieces of a range are read together: between them nothing is mapped. Between
 * two ranges something may be, that was not asked for. */
static int add_piece(struct task_walk *w, struct span *span, const struct span *piece)
{
	int err;

	if (piece->range == span->range && piece->start >= span->end &&
	    piece->start - span->end <= SMALL_HOLE) {
		span->end = piece->end;
		return 0;
	}
	err = walk_span(w, span->start, span->end);
	*span = *piece;
	return err;
}

/* *next: the first range that reaches beyond the VMAs so far. */
static int walk_vma(struct task_walk *w, const struct kpage_vma *vma, struct span *span,
		    const struct kpage_range *ranges, size_t n, size_t *next)
{
	uint64_t start = vma->start / kpage_page_size(), end = vma->end / kpage_page_size();
	int err = 0;

	while (*next < n && ranges[*next].end <= start)
		++*next;
	for (size_t i = *next; !err && i < n && ranges[i].start < end; i++) {
		const struct span piece = { i, MAX(start, ranges[i].start), MIN(end, ranges[i].end) };

		if (piece.start < piece.end)
			err = add_piece(w, span, &piece);
	}
	return err;
}

/* Ranges that ascend: one pass over the VMAs, however many there are of both. */
static int walk_ascending(struct kpage_ctx *ctx, struct task_walk *w, pid_t pid,
			  const struct kpage_range *ranges, size_t n)
{
	struct kpage_maps *maps = NULL;
	struct kpage_vma vma;
	struct span span = { .range = n };	/* nothing yet */
	size_t next = 0;
	int more, err;

	err = kpage_maps_open(ctx, pid, &maps);
	if (err)
		return err;
	while ((more = kpage_maps_next(maps, &vma)) > 0 && !err)
		err = walk_vma(w, &vma, &span, ranges, n, &next);
	kpage_maps_free(maps);
	if (!err)
		err = more < 0 ? more : walk_span(w, span.start, span.end);
	return err;
}

static int walk_ranges(struct kpage_ctx *ctx, struct task_walk *w, pid_t pid,
		       const struct kpage_range *ranges, size_t n)
{
	static const struct kpage_range all = { 0, UINT64_MAX };
	size_t from = 0, to;
	int err = 0;

	if (!n)
		return walk_ascending(ctx, w, pid, &all, 1);
	for (; !err && from < n; from = to) {
		for (to = from + 1; to < n && ranges[to].start >= ranges[to - 1].end; to++)
			;
		err = walk_ascending(ctx, w, pid, ranges + from, to - from);
	}
	return err;
}

KPAGE_EXPORT int kpage_walk_task(struct kpage_ctx *ctx, const struct kpage_walk *walk, pid_t pid,
				 const struct kpage_range *ranges, size_t n)
{
	struct task_walk w = { .walk = walk, .can_scan = true };
	struct kpage_file *pagemap = NULL;
	int err;

	err = kpage_file_open_pagemap(ctx, pid, &pagemap);
	if (err)
		return err;
	w.pagemap = pagemap;
	w.entries = malloc(KPAGE_BATCH * sizeof(*w.entries));
	err = w.entries ? batch_init(&w.batch, walk, true) : -ENOMEM;
	if (!err)
		err = walk_ranges(ctx, &w, pid, ranges, n);
	if (!err)
		err = batch_flush(&w.batch, walk);
	if (!err)
		/* The files of a process that ended just read as empty. */
		err = kpage_task_read_memory(ctx, pid, NULL);
	batch_release(&w.batch);
	free(w.entries);
	kpage_file_free(pagemap);
	return err;
}
