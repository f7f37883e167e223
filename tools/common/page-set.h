/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of PFNs: a bit each, of those parts of memory that have one in it. */
#pragma once

#include "common/util.h"

struct page_set_part;

struct page_set {
	struct page_set_part *slots;	/* a hash table */
	size_t nr_slots, used;
};

/* Whether it was not in it before. */
bool page_set_add(struct page_set *set, uint64_t pfn);
bool page_set_has(const struct page_set *set, uint64_t pfn);
void page_set_release(struct page_set *set);
