// SPDX-License-Identifier: GPL-2.0-or-later
/* A set of PFNs: a bit each, of those parts of memory that have one in it. */
#include "common/page-set.h"

#define WORDS 16
#define PART_BITS (UINT64_C(64) * WORDS)

struct page_set_part {
	uint64_t number;
	uint64_t *bits;		/* NULL: the slot is empty */
};

/* The part's slot, or the empty one where it would go. nr_slots is a power of two. */
static struct page_set_part *find(const struct page_set *set, uint64_t number)
{
	size_t mask = set->nr_slots - 1;
	size_t i = (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;

	while (set->slots[i].bits && set->slots[i].number != number)
		i = (i + 1) & mask;
	return &set->slots[i];
}

static void grow(struct page_set *set)
{
	struct page_set old = *set;

	set->nr_slots = old.nr_slots ? 2 * old.nr_slots : 64;
	set->slots = xcalloc(set->nr_slots, sizeof(*set->slots));
	for (size_t i = 0; i < old.nr_slots; i++)
		if (old.slots[i].bits)
			*find(set, old.slots[i].number) = old.slots[i];
	free(old.slots);
}

bool page_set_add(struct page_set *set, uint64_t pfn)
{
	uint64_t bit = UINT64_C(1) << pfn % 64, *word;
	struct page_set_part *part;

	if (2 * set->used >= set->nr_slots)
		grow(set);
	part = find(set, pfn / PART_BITS);
	if (!part->bits) {
		part->number = pfn / PART_BITS;
		part->bits = xcalloc(WORDS, sizeof(*part->bits));
		set->used++;
	}
	word = &part->bits[pfn % PART_BITS / 64];
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

bool page_set_has(const struct page_set *set, uint64_t pfn)
{
	const struct page_set_part *part = set->used ? find(set, pfn / PART_BITS) : NULL;

	return part && part->bits && (part->bits[pfn % PART_BITS / 64] >> pfn % 64 & 1);
}

void page_set_release(struct page_set *set)
{
	for (size_t i = 0; i < set->nr_slots; i++)
		free(set->slots[i].bits);
	free(set->slots);
	*set = (struct page_set){ 0 };
}
