// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The walk over a file's page cache. PFNs are only to be had from page tables,
 * so the file is mapped here, its cached pages are put into our page tables, and
 * our own pagemap is read.
 */
#include "batch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* So many pages are mapped at a time: they count as our own memory meanwhile. */
#define WINDOW 1024

struct cache_walk {
	const struct kpage_walk *walk;
	const struct kpage_file *pagemap;
	int fd;
	uint64_t *entries;
	unsigned char *cached;
	struct batch batch;
	struct kpage_cache_report report;
};

/*
 * mincore() answers "all cached" to a caller who may not write the file and does
 * not own it; believing that would read the whole file in.
 */
static bool may_ask_mincore(int fd, const struct stat *st)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return st->st_uid == geteuid() || geteuid() == 0 ||
	       faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static bool is_past_end(const struct cache_walk *w, uint64_t page)
{
	struct stat st;

	return !fstat(w->fd, &st) && page * kpage_page_size() >= (uint64_t)st.st_size;
}

/* A page that can't be mapped: beyond the file's new end, or poisoned. */
static int refused(struct cache_walk *w, uint64_t page, int err)
{
	if (err != EFAULT && err != EHWPOISON)
		return err == EINVAL ? -EOPNOTSUPP : -err;
	if (err == EFAULT && is_past_end(w, page)) {
		w->report.shrunk = true;
	} else if (!w->report.poisoned++) {
		w->report.first_poisoned = page;
	}
	return 0;
}

/*
 * MADV_POPULATE_READ fills page tables as a read would, and where a read would
 * raise SIGBUS it returns an error. It does not say at which page: then page by
 * page.
 */
static int populate(struct cache_walk *w, char *base, uint64_t first, size_t from, size_t to)
{
	size_t size = kpage_page_size();

	if (!madvise(base + from * size, (to - from) * size, MADV_POPULATE_READ))
		return 0;
	for (size_t i = from; i < to; i++) {
		int err;

		if (!madvise(base + i * size, size, MADV_POPULATE_READ))
			continue;
		err = refused(w, first + i, errno);
		if (err)
			return err;
	}
	return 0;
}

static int populate_cached(struct cache_walk *w, char *base, uint64_t first, size_t n)
{
	size_t from = 0;
	int err = 0;

	while (!err && from < n) {
		size_t to;

		while (from < n && !(w->cached[from] & 1))
			from++;
		for (to = from; to < n && (w->cached[to] & 1); to++)
			;
		if (from < to)
			err = populate(w, base, first, from, to);
		from = to;
	}
	return err;
}

static int read_mapping(struct cache_walk *w, char *base, uint64_t first, size_t n)
{
	size_t size = kpage_page_size();
	ssize_t got;
	int err;

	if (mincore(base, n * size, w->cached))
		return -errno;
	/* No readahead around a page that was dropped since mincore(). */
	madvise(base, n * size, MADV_RANDOM);
	err = populate_cached(w, base, first, n);
	if (err)
		return err;
	/* Unmapping tells the LRU that a page was used, except in a sequential mapping. */
	madvise(base, n * size, MADV_SEQUENTIAL);
	got = kpage_file_read(w->pagemap, (uint64_t)(uintptr_t)base / size, w->entries, n);
	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : -ENODATA;
}

static int walk_piece(struct cache_walk *w, uint64_t first, size_t n)
{
	size_t size = kpage_page_size();
	char *base;
	int err = 0;

	if (w->batch.b.n + n > KPAGE_BATCH)
		err = batch_flush(&w->batch, w->walk);
	if (err)
		return err;
	base = mmap(NULL, n * size, PROT_READ, MAP_SHARED, w->fd, (off_t)(first * size));
	if (base == MAP_FAILED)
		return -errno;
	err = read_mapping(w, base, first, n);
	/* Before the flags are read: our own mapping must not show in them. */
	munmap(base, n * size);
	for (size_t i = 0; !err && i < n; i++)
		if (w->entries[i] & KPAGE_PM_PRESENT)
			batch_add(&w->batch, first + i, w->entries[i]);
	return err;
}

static int walk_range(struct cache_walk *w, struct kpage_range range, uint64_t pages)
{
	int err = 0;

	range.end = MIN(range.end, pages);
	while (!err && range.start < range.end && !w->report.shrunk) {
		size_t n = (size_t)MIN(range.end - range.start, (uint64_t)WINDOW);

		err = walk_piece(w, range.start, n);
		range.start += n;
		/* mincore() has nothing to say of pages that are gone. */
		w->report.shrunk |= is_past_end(w, range.start - 1);
	}
	return err;
}

static int walk_ranges(struct cache_walk *w, const struct kpage_range *ranges, size_t n,
		       uint64_t pages)
{
	int err = 0;

	if (!n)
		err = walk_range(w, (struct kpage_range){ 0, UINT64_MAX }, pages);
	for (size_t i = 0; !err && i < n; i++)
		err = walk_range(w, ranges[i], pages);
	return err ? err : batch_flush(&w->batch, w->walk);
}

KPAGE_EXPORT int kpage_walk_cache(struct kpage_ctx *ctx, const struct kpage_walk *walk, int fd,
				  const struct kpage_range *ranges, size_t n,
				  struct kpage_cache_report *report)
{
	struct cache_walk w = { .walk = walk, .fd = fd };
	struct kpage_file *pagemap = NULL;
	struct stat st;
	int err;

	if (!ctx->live)
		return -EOPNOTSUPP;
	if (fstat(fd, &st))
		return -errno;
	if (!may_ask_mincore(fd, &st))
		return -EACCES;
	err = kpage_file_open_pagemap(ctx, getpid(), &pagemap);
	if (err)
		return err;
	w.pagemap = pagemap;
	w.entries = malloc(WINDOW * sizeof(*w.entries));
	w.cached = malloc(WINDOW);
	err = w.entries && w.cached ? batch_init(&w.batch, walk, true) : -ENOMEM;
	if (!err)
		err = walk_ranges(&w, ranges, n,
				  ((uint64_t)st.st_size + kpage_page_size() - 1) / kpage_page_size());
	batch_release(&w.batch);
	free(w.cached);
	free(w.entries);
	kpage_file_free(pagemap);
	if (!err && report)
		*report = w.report;
	return err;
}
