// SPDX-License-Identifier: GPL-2.0-or-later
/* A random choice of k of any number of things. */
#include "common/sample.h"

/* The n-th output of splitmix64 (Steele, Lea, Flood 2014); no two of them are equal. */
uint64_t sample_key(uint64_t seed, uint64_t n)
{
	uint64_t z = seed + (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void swap(struct sample_entry *a, struct sample_entry *b)
{
	struct sample_entry old = *a;

	*a = *b;
	*b = old;
}

static void sift_up(struct sample_entry *heap, size_t i)
{
	for (; i && heap[i].key > heap[(i - 1) / 2].key; i = (i - 1) / 2)
		swap(&heap[i], &heap[(i - 1) / 2]);
}

static void sift_down(struct sample_entry *heap, size_t n, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < n && heap[child + 1].key > heap[child].key)
			child++;
		if (child >= n || heap[child].key <= heap[i].key)
			return;
		swap(&heap[i], &heap[child]);
		i = child;
	}
}

size_t sample_offer(struct sample *s)
{
	uint64_t key = sample_key(s->seed, s->seen++);
	size_t slot;

	if (s->n < s->k) {
		s->heap = xgrow(s->heap, s->n, sizeof(*s->heap));
		s->heap[s->n] = (struct sample_entry){ key, s->n };
		sift_up(s->heap, s->n++);
		return s->n - 1;
	}
	if (!s->n || key >= s->heap[0].key)
		return SAMPLE_NOT_CHOSEN;
	s->heap[0].key = key;
	slot = s->heap[0].slot;
	sift_down(s->heap, s->n, 0);
	return slot;
}

static int by_key(const void *a, const void *b)
{
	const struct sample_entry *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

void sample_order(struct sample *s)
{
	if (s->n)
		qsort(s->heap, s->n, sizeof(*s->heap), by_key);
}

void sample_release(struct sample *s)
{
	free(s->heap);
	*s = (struct sample){ 0 };
}
