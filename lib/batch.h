/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A batch on its way through a walk: room for it, and what happens to each page. */
#pragma once

#include "private.h"

struct batch {
	struct kpage_batch b;
	uint64_t *storage;
	uint64_t *scratch;	/* for kpage_file_gather() */
	uint64_t *index, *value;/* the pages to look up, and what was found */
	uint64_t *index2;	/* room to sort */
	uint16_t *position;	/* which entries they belong to; behind it room to sort */
};

/* sparse: pages with offsets and pagemap entries, which lie anywhere. */
int batch_init(struct batch *batch, const struct kpage_walk *walk, bool sparse);
void batch_release(struct batch *batch);

/* Adds a pagemap entry that is present or swapped. The batch must have room. */
void batch_add(struct batch *batch, uint64_t offset, uint64_t entry);

/* Reads what belongs to the entries of a sparse batch, filters, tallies, emits
 * and empties it. */
int batch_flush(struct batch *batch, const struct kpage_walk *walk);

/* Keeps the entries that match, in place, with their flags in the wanted view;
 * counts them. Without an emit function only the count is made. */
int batch_filter(struct batch *batch, const struct kpage_walk *walk, struct kpage_tally *tally);

/* Whether flags, in the wanted view, meet the conditions on flags. */
bool batch_matches(const struct kpage_walk *walk, uint64_t flags);
