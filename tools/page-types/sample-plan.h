/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages a sample of the machine reads: by the seed, and nothing else. */
#pragma once

#include "kpage.h"
#include "common/util.h"

/* Neighbours cost next to nothing, and say little: small clusters, many of them. */
#define CLUSTER_PAGES 64

struct sample_plan {
	const struct kpage_range *ranges;	/* ascending; borrowed */
	size_t nr_ranges;
	uint64_t *before;	/* how many clusters lie before each range; one more: of all */
	uint64_t pages, clusters, strata, seed;	/* strata 0: everything is to be read */
};

/* The share of that many pages that is read in a fraction of a second. */
double sample_fraction(uint64_t pages);

/* fraction: above 0; 1: all. */
void sample_plan_make(struct sample_plan *plan, const struct kpage_range *ranges, size_t n,
		      double fraction, uint64_t seed);
void sample_plan_release(struct sample_plan *plan);

/* The two clusters of a stratum that are read, ascending; returns how many it has. */
uint64_t sample_plan_stratum(const struct sample_plan *plan, uint64_t stratum,
			     struct kpage_range out[2]);

/* A set of fewer pages than this can have been missed, even if they lie together so badly
 * that they fill their clusters: 3/fraction clusters, none of which is seen with a
 * probability of 5%. */
uint64_t sample_plan_may_miss(const struct sample_plan *plan);
