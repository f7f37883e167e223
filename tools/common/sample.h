/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A random choice of k of any number of things, in random order, in one pass and with
 * memory for k. The n-th thing gets the n-th number of splitmix64 from a seed on; those
 * with the k smallest numbers are chosen. So it depends on the seed and on the order of
 * the things, and on nothing else.
 */
#pragma once

#include "common/util.h"

struct sample_entry {
	uint64_t key;
	size_t slot;
};

struct sample {
	uint64_t seed, seen;
	size_t k, n;
	struct sample_entry *heap;	/* the largest key first, until sample_order() */
};

/* The n-th of these numbers. */
uint64_t sample_key(uint64_t seed, uint64_t n);

#define SAMPLE_NOT_CHOSEN SIZE_MAX

/* One more thing: the slot (below k) that it takes, maybe from an earlier one; slots are
 * taken into use one after the other. SAMPLE_NOT_CHOSEN: none. */
size_t sample_offer(struct sample *s);

/* The end: heap[0 … n) are the chosen ones, in their random order. */
void sample_order(struct sample *s);

void sample_release(struct sample *s);
