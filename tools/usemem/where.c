// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the memory is: the PFNs of its pages, and whether their flags are right. */
#include "where.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util.h"
#include "kinds.h"

DEFINE_CLEANUP(kpage_file)

static void add(struct where *w, uint64_t pfn)
{
	struct run *last = w->n ? &w->runs[w->n - 1] : NULL;

	if (last && (pfn ? last->pfn && pfn == last->pfn + last->pages : !last->pfn)) {
		last->pages++;
		return;
	}
	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 64;
		w->runs = xreallocarray(w->runs, w->room, sizeof(*w->runs));
	}
	w->runs[w->n++] = (struct run){ pfn, 1 };
}

/* Adds n entries; false: they are of present pages without a PFN. */
static bool add_entries(struct where *w, const uint64_t *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t pfn = kpage_pagemap_pfn(entries[i]);

		if ((entries[i] & KPAGE_PM_PRESENT) && !pfn)
			return false;
		add(w, pfn);
	}
	return true;
}

int where_read(struct kpage_ctx *ctx, const struct memory *m, struct where *w)
{
	_cleanup_(kpage_file) struct kpage_file *f = NULL;
	_cleanup_free_ uint64_t *entries = xcalloc(KPAGE_BATCH, sizeof(*entries));
	uint64_t first = memory_start(m) / m->page_size;
	int err = kpage_file_open_pagemap(ctx, getpid(), &f);

	w->n = 0;
	for (size_t done = 0; !err && done < m->pages;) {
		ssize_t got = kpage_file_read(f, first + done, entries,
					      MIN(m->pages - done, (size_t)KPAGE_BATCH));

		if (got <= 0)
			return got ? (int)got : -ENODATA;
		if (!add_entries(w, entries, (size_t)got))
			err = -EPERM;
		done += (size_t)got;
	}
	return err;
}

void where_free(struct where *w)
{
	free(w->runs);
	*w = (struct where){ 0 };
}

bool where_equal(const struct where *a, const struct where *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->runs[i].pfn != b->runs[i].pfn || a->runs[i].pages != b->runs[i].pages)
			return false;
	return true;
}

int where_check(struct kpage_ctx *ctx, const struct memory *m, const struct where *w,
		uint64_t *count, uint64_t *odd)
{
	const uint64_t set = m->kind->flags_set, clear = m->kind->flags_clear;
	_cleanup_(kpage_file) struct kpage_file *f = NULL;
	_cleanup_free_ uint64_t *flags = xcalloc(KPAGE_BATCH, sizeof(*flags));
	int err = kpage_file_open(ctx, KPAGE_SOURCE_FLAGS, &f);

	*count = *odd = 0;
	for (size_t i = 0; !err && i < w->n; i++) {
		struct run run = w->runs[i];

		while (run.pfn && run.pages) {
			ssize_t got = kpage_file_read(f, run.pfn, flags,
						      MIN(run.pages, (uint64_t)KPAGE_BATCH));

			if (got <= 0)
				return got ? (int)got : -ENODATA;
			for (ssize_t k = 0; k < got; k++) {
				uint64_t wrong = (~flags[k] & set) | (flags[k] & clear);

				*odd = *count ? *odd : wrong;
				*count += wrong != 0;
			}
			run.pfn += (uint64_t)got;
			run.pages -= (uint64_t)got;
		}
	}
	return err;
}
