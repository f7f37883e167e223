// SPDX-License-Identifier: LGPL-2.1-or-later
/* A batch on its way through a walk: what is read for each page, and which stay. */
#include "batch.h"

#include <string.h>

_Static_assert(KPAGE_BATCH <= UINT16_MAX + 1, "an entry's number fits its type");

int batch_init(struct batch *batch, const struct kpage_walk *walk, bool sparse)
{
	const struct {
		uint64_t **array;
		bool wanted;
	} arrays[] = {
		{ &batch->b.pfn, true },
		{ &batch->b.kflags, true },
		{ &batch->b.flags, true },
		{ &batch->b.mapcount, walk->mapcount != NULL },
		{ &batch->b.cgroup, walk->cgroup != NULL },
		{ &batch->b.offset, sparse },
		{ &batch->b.pme, sparse },
		{ &batch->scratch, sparse },
		{ &batch->index, sparse },
		{ &batch->value, sparse },
		{ &batch->index2, sparse },
	};
	uint64_t *next;
	size_t n = 0;

	*batch = (struct batch){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++)
		n += arrays[i].wanted;
	batch->storage = malloc(n * KPAGE_BATCH * sizeof(uint64_t));
	batch->position = sparse ? malloc(2 * KPAGE_BATCH * sizeof(*batch->position)) : NULL;
	if (!batch->storage || (sparse && !batch->position)) {
		batch_release(batch);
		return -ENOMEM;
	}
	next = batch->storage;
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
		if (!arrays[i].wanted)
			continue;
		*arrays[i].array = next;
		next += KPAGE_BATCH;
	}
	return 0;
}

void batch_release(struct batch *batch)
{
	free(batch->storage);
	free(batch->position);
	*batch = (struct batch){ 0 };
}

void batch_add(struct batch *batch, uint64_t offset, uint64_t entry)
{
	struct kpage_batch *b = &batch->b;

	b->offset[b->n] = offset;
	b->pme[b->n] = entry;
	b->n++;
}

/* A hwpoison entry stands for the page that it names, which is poisoned; other
 * entries of that form are migrations. */
static uint64_t poisoned_page(const struct kpage_walk *walk, uint64_t entry, uint64_t *kflags)
{
	uint64_t pfn = kpage_pagemap_poison_candidate(entry);

	if (!pfn || kpage_file_read(walk->flags, pfn, kflags, 1) != 1)
		return 0;
	return *kflags & KPAGE_BIT(HWPOISON) ? pfn : 0;
}

#define DIGIT_BITS 11

/* One pass of a radix sort, by the digit at `shift`. */
static void sort_digit(const uint64_t *from, const uint16_t *from_position, uint64_t *to,
		       uint16_t *to_position, size_t n, unsigned int shift)
{
	size_t start[1 << DIGIT_BITS] = { 0 };
	const uint64_t mask = (1 << DIGIT_BITS) - 1;
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		start[(from[i] >> shift) & mask]++;
	for (size_t d = 0; d <= mask; d++) {
		size_t count = start[d];

		start[d] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++) {
		size_t k = start[(from[i] >> shift) & mask]++;

		to[k] = from[i];
		to_position[k] = from_position[i];
	}
}

/* Sorts the pages to look up: what a process got from the allocator one after
 * the other lies close together, but in no order, and neighbours share a read. */
static void sort_lookups(struct batch *batch, size_t n)
{
	uint64_t *from = batch->index, *to = batch->index2, differ = 0;
	uint16_t *from_position = batch->position, *to_position = batch->position + KPAGE_BATCH;

	for (size_t i = 1; i < n; i++)
		differ |= from[i] ^ from[0];
	for (unsigned int shift = 0; shift < 64; shift += DIGIT_BITS) {
		if (!((differ >> shift) & ((1 << DIGIT_BITS) - 1)))
			continue;
		sort_digit(from, from_position, to, to_position, n, shift);
		batch->index2 = from;
		batch->index = to;
		from = batch->index;
		to = batch->index2;
		uint16_t *swap = from_position;

		from_position = to_position;
		to_position = swap;
	}
	if (from_position != batch->position)
		memcpy(batch->position, from_position, n * sizeof(*from_position));
}

/* Present entries without a PFN: all of them, and PFNs are hidden from this
 * caller; some, and the process has mapped the machine's first page. */
static bool are_hidden(const struct kpage_batch *b)
{
	bool zero = false;

	for (size_t i = 0; i < b->n; i++) {
		if (kpage_pagemap_pfn(b->pme[i]))
			return false;
		zero |= (b->pme[i] & KPAGE_PM_PRESENT) != 0;
	}
	return zero;
}

/* Finds the PFN of each entry; collects those that are to be looked up. */
static int resolve(struct batch *batch, const struct kpage_walk *walk, size_t *lookups)
{
	struct kpage_batch *b = &batch->b;
	size_t k = 0;

	if (are_hidden(b))
		return -EPERM;
	for (size_t i = 0; i < b->n; i++) {
		uint64_t pfn = kpage_pagemap_pfn(b->pme[i]), kflags = 0;

		if (!pfn && !(b->pme[i] & KPAGE_PM_PRESENT)) {
			pfn = poisoned_page(walk, b->pme[i], &kflags);
			if (!pfn) {
				b->pfn[i] = kpage_pagemap_swap_offset(b->pme[i]);
				b->kflags[i] = 0;
				continue;
			}
		}
		b->pfn[i] = pfn;
		batch->index[k] = pfn;
		batch->position[k++] = (uint16_t)i;
	}
	sort_lookups(batch, k);
	*lookups = k;
	return 0;
}

static int look_up(struct batch *batch, const struct kpage_file *file, size_t n, uint64_t *out)
{
	int err;

	if (!file)
		return 0;
	err = kpage_file_gather(file, batch->index, n, batch->value, batch->scratch);
	if (err)
		return err;
	memset(out, 0, batch->b.n * sizeof(*out));
	for (size_t k = 0; k < n; k++)
		out[batch->position[k]] = batch->value[k];
	return 0;
}

/* Device memory that a process has mapped has PFNs behind the end of memory, and no
 * page there. A dump that ends early is another matter. */
static void drop_device_memory(struct batch *batch, const struct kpage_walk *walk, size_t *lookups)
{
	uint64_t kflags;
	size_t n = *lookups;

	if (kpage_file_pages(walk->flags))
		return;
	/* They are sorted: the last ones are the largest. */
	while (n && kpage_file_read(walk->flags, batch->index[n - 1], &kflags, 1) == 0)
		batch->b.pme[batch->position[--n]] = 0;
	*lookups = n;
}

int batch_flush(struct batch *batch, const struct kpage_walk *walk)
{
	size_t n;
	int err;

	if (!batch->b.n)
		return 0;
	err = resolve(batch, walk, &n);
	if (!err)
		drop_device_memory(batch, walk, &n);
	if (!err)
		err = look_up(batch, walk->flags, n, batch->b.kflags);
	if (!err)
		err = look_up(batch, walk->mapcount, n, batch->b.mapcount);
	if (!err)
		err = look_up(batch, walk->cgroup, n, batch->b.cgroup);
	if (!err)
		err = batch_filter(batch, walk, walk->tally);
	if (!err && walk->emit && batch->b.n)
		err = walk->emit(&batch->b, walk->arg);
	batch->b.n = 0;
	return err;
}

bool batch_matches(const struct kpage_walk *walk, uint64_t flags)
{
	for (size_t i = 0; i < walk->nr_exprs; i++)
		if (!kpage_expr_matches(&walk->exprs[i], flags))
			return false;
	return true;
}

/* Where it goes by flags alone, and none has to make room for the next one. */
static bool are_runs_enough(const struct kpage_batch *b, const struct kpage_walk *walk)
{
	return !walk->cgroup_ino && !b->pme && (!walk->emit || !walk->nr_exprs);
}

static int filter_runs(const struct kpage_batch *b, const struct kpage_walk *walk,
		       struct kpage_tally *tally)
{
	const uint64_t *kflags = b->kflags;
	size_t i = 0, next;
	int err = 0;

	for (; !err && i < b->n; i = next) {
		uint64_t flags = walk->raw ? kpage_flags_expand(kflags[i], 0) :
					     kpage_flags_well_known(kflags[i]);

		for (next = i + 1; next < b->n && kflags[next] == kflags[i]; next++)
			;
		if (tally && batch_matches(walk, flags))
			err = kpage_tally_add(tally, flags, next - i);
		for (size_t k = i; walk->emit && k < next; k++)
			b->flags[k] = flags;
	}
	return err;
}

/* Neighbours mostly have the same flags: what was found out for one holds for
 * the next, and they are counted together. */
int batch_filter(struct batch *batch, const struct kpage_walk *walk, struct kpage_tally *tally)
{
	struct kpage_batch *b = &batch->b;
	uint64_t kflags = ~b->kflags[0], pme = 0, flags = 0, run = 0;
	bool match = false;
	size_t kept = 0;
	int err = 0;

	if (are_runs_enough(b, walk))
		return filter_runs(b, walk, tally);
	for (size_t i = 0; !err && i < b->n; i++) {
		uint64_t entry = b->pme ? b->pme[i] & ~KPAGE_PM_PFN_MASK : 0;

		/* A hwpoison entry is a swap entry by its form only. */
		if (b->kflags[i] & KPAGE_BIT(HWPOISON))
			entry &= ~KPAGE_PM_SWAP;
		if (b->kflags[i] != kflags || entry != pme) {
			if (tally)
				err = kpage_tally_add(tally, flags, run);
			run = 0;
			kflags = b->kflags[i];
			pme = entry;
			flags = walk->raw ? kpage_flags_expand(kflags, pme) :
					    kpage_flags_well_known(kflags);
			match = batch_matches(walk, flags);
		}
		if (b->pme && !b->pme[i])
			continue;
		if (!match || (walk->cgroup_ino && b->cgroup[i] != walk->cgroup_ino))
			continue;
		run++;
		if (walk->emit) {
			kpage_batch_move(b, kept, i);
			b->flags[kept++] = flags;
		}
	}
	if (tally && !err)
		err = kpage_tally_add(tally, flags, run);
	b->n = kept;
	return err;
}
