// SPDX-License-Identifier: GPL-2.0-or-later
/* The estimator of a stratified sample of clusters (Cochran, Sampling Techniques, 5 and 9). */
#include "estimate.h"

#include <math.h>
#include <string.h>

/* The row of those flags in a sorted array, or where it belongs; *found says which. Both
 * kinds of rows begin with their flags. */
static size_t find(const void *rows, size_t n, size_t size, uint64_t flags, bool *found)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		uint64_t here;

		memcpy(&here, (const char *)rows + middle * size, sizeof(here));
		if (here < flags)
			from = middle + 1;
		else
			to = middle;
	}
	*found = from < n && !memcmp((const char *)rows + from * size, &flags, sizeof(flags));
	return from;
}

_Static_assert(offsetof(struct kpage_tally_row, flags) == 0, "find() looks there");
_Static_assert(offsetof(struct estimate_row, flags) == 0, "find() looks there");

/* ------------------------------------------------------------------- a cluster */

void counts_add(struct counts *c, uint64_t flags, uint64_t pages)
{
	bool found;
	size_t i = find(c->rows, c->n, sizeof(*c->rows), flags, &found);

	if (!found) {
		c->rows = xgrow(c->rows, c->n, sizeof(*c->rows));
		memmove(c->rows + i + 1, c->rows + i, (c->n++ - i) * sizeof(*c->rows));
		c->rows[i] = (struct kpage_tally_row){ .flags = flags };
	}
	c->rows[i].pages += pages;
}

void counts_clear(struct counts *c)
{
	c->n = 0;
}

void counts_release(struct counts *c)
{
	free(c->rows);
	*c = (struct counts){ 0 };
}

/* ---------------------------------------------------------------- the estimate */

static struct estimate_row *row_of(struct estimate *e, uint64_t flags)
{
	bool found;
	size_t i = find(e->rows, e->n, sizeof(*e->rows), flags, &found);

	if (!found) {
		e->rows = xgrow(e->rows, e->n, sizeof(*e->rows));
		memmove(e->rows + i + 1, e->rows + i, (e->n++ - i) * sizeof(*e->rows));
		e->rows[i] = (struct estimate_row){ .flags = flags };
	}
	return &e->rows[i];
}

static void add_known(struct estimate_row *row, uint64_t pages)
{
	row->seen += pages;
	row->pages += (double)pages;
}

void estimate_add_known(struct estimate *e, uint64_t flags, uint64_t pages)
{
	if (!pages)
		return;
	add_known(row_of(e, flags), pages);
	add_known(&e->sum, pages);
}

/*
 * Two of `clusters` without replacement: the total is their mean times clusters; its
 * variance is clusters² (1 - 2/clusters) s²/2, and s² = (a - b)²/2.
 */
static void add_pair(struct estimate_row *row, uint64_t clusters, uint64_t a, uint64_t b)
{
	double m = (double)clusters, difference = (double)a - (double)b;
	double variance = m * (m - 2) * difference * difference / 4;

	row->seen += a + b;
	row->pages += m * (double)(a + b) / 2;
	row->variance += variance;
	row->squares += variance * variance;
}

void estimate_add_stratum(struct estimate *e, uint64_t clusters, const struct counts *a,
			  const struct counts *b)
{
	uint64_t sum_a = 0, sum_b = 0;
	size_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		bool from_a = i < a->n && (j == b->n || a->rows[i].flags <= b->rows[j].flags);
		bool from_b = j < b->n && (i == a->n || b->rows[j].flags <= a->rows[i].flags);
		uint64_t flags = from_a ? a->rows[i].flags : b->rows[j].flags;
		uint64_t in_a = from_a ? a->rows[i++].pages : 0;
		uint64_t in_b = from_b ? b->rows[j++].pages : 0;

		add_pair(row_of(e, flags), clusters, in_a, in_b);
		sum_a += in_a;
		sum_b += in_b;
	}
	add_pair(&e->sum, clusters, sum_a, sum_b);
}

void estimate_release(struct estimate *e)
{
	free(e->rows);
	*e = (struct estimate){ 0 };
}

/* The 97.5% quantile of Student's t; from 10 degrees of freedom on by the first terms of
 * its expansion around the normal one, which are right to 0.003 there. */
static double t_quantile(double freedom)
{
	static const double small[] = { 12.706, 12.706, 4.303, 3.182, 2.776, 2.571,
					2.447,	2.365,	2.306, 2.262, 2.228 };
	size_t i = (size_t)freedom;

	if (freedom < 1)
		return small[1];
	if (i + 1 < ARRAY_SIZE(small))
		return small[i] + (freedom - (double)i) * (small[i + 1] - small[i]);
	return 1.960 + 2.372 / freedom + 2.823 / (freedom * freedom);
}

/* With fewer degrees of freedom the variance is not to be believed: what was read is alike,
 * or nearly, which says little of what was not. */
#define MIN_FREEDOM 5

/* Each stratum has one degree of freedom; where few of them make the variance, there are
 * as few (Satterthwaite). */
double estimate_half_width(const struct estimate_row *row, uint64_t may_miss)
{
	double freedom, half;

	if (row->exact)
		return 0;
	if (row->variance <= 0)
		return (double)may_miss;
	freedom = row->variance * row->variance / row->squares;
	half = t_quantile(freedom) * sqrt(row->variance);
	return freedom < MIN_FREEDOM ? fmax(half, (double)may_miss) : half;
}
