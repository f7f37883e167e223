// SPDX-License-Identifier: LGPL-2.1-or-later
/* The walk over a process's page tables. */
#include "batch.h"

/* Holes up to this many pages are read over: they cost less than another call. */
#define SMALL_HOLE 128

struct task_walk {
	const struct kpage_walk *walk;
	const struct kpage_file *pagemap;
	uint64_t *entries;
	struct batch batch;
};

static int walk_span(struct task_walk *w, uint64_t start, uint64_t end)
{
	while (start < end) {
		size_t want = (size_t)MIN(end - start, (uint64_t)KPAGE_BATCH);
		ssize_t got = kpage_file_read(w->pagemap, start, w->entries, want);

		if (got < 0)
			return (int)got;
		for (ssize_t i = 0; i < got; i++) {
			if (!(w->entries[i] & (KPAGE_PM_PRESENT | KPAGE_PM_SWAP)))
				continue;
			batch_add(&w->batch, start + (uint64_t)i, w->entries[i]);
			if (w->batch.b.n == KPAGE_BATCH) {
				int err = batch_flush(&w->batch, w->walk);

				if (err)
					return err;
			}
		}
		/* Past the end of the user's part of the address space (vsyscall), or
		 * the process has ended: see is_gone(). */
		if ((size_t)got < want)
			return 0;
		start += want;
	}
	return 0;
}

/* The VMAs one after the other, close ones together. */
static int walk_range(struct kpage_ctx *ctx, struct task_walk *w, pid_t pid,
		      const struct kpage_range *range)
{
	uint64_t start = range->start, end = start;
	struct kpage_maps *maps = NULL;
	struct kpage_vma vma;
	int more, err;

	err = kpage_maps_open(ctx, pid, &maps);
	if (err)
		return err;
	while ((more = kpage_maps_next(maps, &vma)) > 0 && !err) {
		uint64_t vma_start = MAX(vma.start / kpage_page_size(), range->start);
		uint64_t vma_end = MIN(vma.end / kpage_page_size(), range->end);

		if (vma_start >= vma_end)
			continue;
		if (vma_start - end > SMALL_HOLE || vma_start < end) {
			err = walk_span(w, start, end);
			start = vma_start;
		}
		end = vma_end;
	}
	kpage_maps_free(maps);
	if (!err)
		err = more < 0 ? more : walk_span(w, start, end);
	return err;
}

static int walk_ranges(struct kpage_ctx *ctx, struct task_walk *w, pid_t pid,
		       const struct kpage_range *ranges, size_t n)
{
	static const struct kpage_range all = { 0, UINT64_MAX };
	int err = 0;

	if (!n)
		return walk_range(ctx, w, pid, &all);
	for (size_t i = 0; !err && i < n; i++)
		err = walk_range(ctx, w, pid, &ranges[i]);
	return err;
}

/* The files of a process that ended just read as empty. */
static int is_gone(struct kpage_ctx *ctx, pid_t pid)
{
	struct kpage_task task;
	int err = kpage_task_read(ctx, pid, &task);

	if (err)
		return err;
	return task.has_memory ? 0 : -ESRCH;
}

KPAGE_EXPORT int kpage_walk_task(struct kpage_ctx *ctx, const struct kpage_walk *walk, pid_t pid,
				 const struct kpage_range *ranges, size_t n)
{
	struct task_walk w = { .walk = walk };
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
		err = is_gone(ctx, pid);
	batch_release(&w.batch);
	free(w.entries);
	kpage_file_free(pagemap);
	return err;
}
