/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many pages have which flags, from a stratified sample of clusters: memory is cut
 * into strata, each of them into clusters of neighbouring pages, of which two are read.
 * Neighbours are alike, so it is the clusters that differ by chance, not the pages: the
 * variance is that between the two clusters of each stratum.
 */
#pragma once

#include "kpage.h"
#include "common/util.h"

/* Pages by flags, of one cluster. */
struct counts {
	struct kpage_tally_row *rows;	/* ascending by flags */
	size_t n;
};

void counts_add(struct counts *c, uint64_t flags, uint64_t pages);
void counts_clear(struct counts *c);
void counts_release(struct counts *c);

struct estimate_row {
	uint64_t flags;
	uint64_t seen;		/* pages that were looked at or are known */
	double pages;		/* the estimate */
	double variance;	/* of it: the sum of those of the strata, */
	double squares;		/* and the sum of their squares */
	bool exact;		/* it is no estimate */
};

struct estimate {
	struct estimate_row *rows;	/* ascending by flags */
	size_t n;
	struct estimate_row sum;	/* of all; flags 0 */
};

/* Pages that are known and no sample. */
void estimate_add_known(struct estimate *e, uint64_t flags, uint64_t pages);

/* A stratum of that many clusters, two of which were read. */
void estimate_add_stratum(struct estimate *e, uint64_t clusters, const struct counts *a,
			  const struct counts *b);

void estimate_release(struct estimate *e);

/* Half the width of the 95% interval, in pages. may_miss: how many pages a set can have of
 * which none was read, see sample_plan_may_miss(). */
double estimate_half_width(const struct estimate_row *row, uint64_t may_miss);
