// SPDX-License-Identifier: LGPL-2.1-or-later
/* Page counts by flags: a hash table that grows with the number of different flags. */
#include "private.h"

#include <string.h>

struct kpage_tally {
	struct kpage_tally_row *slots;	/* pages == 0: free */
	size_t nr_slots;		/* a power of two */
	size_t used;
	uint64_t total;
};

#define FIRST_SLOTS 256

KPAGE_EXPORT int kpage_tally_new(struct kpage_tally **out)
{
	struct kpage_tally *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->nr_slots = FIRST_SLOTS;
	t->slots = calloc(t->nr_slots, sizeof(*t->slots));
	if (!t->slots) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

KPAGE_EXPORT void kpage_tally_free(struct kpage_tally *t)
{
	if (!t)
		return;
	free(t->slots);
	free(t);
}

static struct kpage_tally_row *find_slot(struct kpage_tally_row *slots, size_t nr, uint64_t flags)
{
	/* Multiplying mixes the low bits upwards: take the high half. */
	size_t i = (size_t)((flags * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (nr - 1);

	while (slots[i].pages && slots[i].flags != flags)
		i = (i + 1) & (nr - 1);
	return &slots[i];
}

static int grow(struct kpage_tally *t)
{
	size_t nr = t->nr_slots * 2;
	struct kpage_tally_row *slots = calloc(nr, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->nr_slots; i++)
		if (t->slots[i].pages)
			*find_slot(slots, nr, t->slots[i].flags) = t->slots[i];
	free(t->slots);
	t->slots = slots;
	t->nr_slots = nr;
	return 0;
}

KPAGE_EXPORT int kpage_tally_add(struct kpage_tally *t, uint64_t flags, uint64_t pages)
{
	struct kpage_tally_row *slot;
	int err;

	if (!pages)
		return 0;
	slot = find_slot(t->slots, t->nr_slots, flags);
	if (!slot->pages) {
		if (t->used >= t->nr_slots / 2) {
			err = grow(t);
			if (err)
				return err;
			slot = find_slot(t->slots, t->nr_slots, flags);
		}
		slot->flags = flags;
		t->used++;
	}
	slot->pages += pages;
	t->total += pages;
	return 0;
}

KPAGE_EXPORT int kpage_tally_merge(struct kpage_tally *dst, const struct kpage_tally *src)
{
	int err = 0;

	for (size_t i = 0; !err && i < src->nr_slots; i++)
		err = kpage_tally_add(dst, src->slots[i].flags, src->slots[i].pages);
	return err;
}

KPAGE_EXPORT uint64_t kpage_tally_total(const struct kpage_tally *t)
{
	return t->total;
}

static int by_flags(const void *a, const void *b)
{
	uint64_t x = ((const struct kpage_tally_row *)a)->flags;
	uint64_t y = ((const struct kpage_tally_row *)b)->flags;

	return (x > y) - (x < y);
}

KPAGE_EXPORT int kpage_tally_rows(const struct kpage_tally *t, struct kpage_tally_row **out,
				  size_t *n)
{
	struct kpage_tally_row *rows = calloc(t->used + 1, sizeof(*rows));
	size_t k = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < t->nr_slots; i++)
		if (t->slots[i].pages)
			rows[k++] = t->slots[i];
	qsort(rows, k, sizeof(*rows), by_flags);
	*out = rows;
	*n = k;
	return 0;
}
