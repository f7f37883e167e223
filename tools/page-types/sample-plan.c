// SPDX-License-Identifier: GPL-2.0-or-later
/* Which pages a sample of the machine reads. */
#include "sample-plan.h"

#include <math.h>

#include "common/sample.h"

/* Read at 150 to 300 ns each these take 0.2 to 0.3 s; 16384 clusters are good to 0.8% of
 * all pages even if each cluster is of one kind, and memory in no order at all. */
#define DEFAULT_PAGES (UINT64_C(1) << 20)

double sample_fraction(uint64_t pages)
{
	return pages <= DEFAULT_PAGES ? 1 : (double)DEFAULT_PAGES / (double)pages;
}

void sample_plan_make(struct sample_plan *plan, const struct kpage_range *ranges, size_t n,
		      double fraction, uint64_t seed)
{
	*plan = (struct sample_plan){
		.ranges = ranges,
		.nr_ranges = n,
		.before = xcalloc(n + 1, sizeof(*plan->before)),
		.seed = seed,
	};
	for (size_t i = 0; i < n; i++) {
		uint64_t pages = ranges[i].end - ranges[i].start;

		plan->pages += pages;
		plan->clusters += (pages + CLUSTER_PAGES - 1) / CLUSTER_PAGES;
		plan->before[i + 1] = plan->clusters;
	}
	/* Two clusters of each stratum; it must have two. */
	if (fraction < 1 && plan->clusters >= 4)
		plan->strata = MIN(MAX((uint64_t)llround(fraction * (double)plan->clusters / 2),
				       UINT64_C(1)), plan->clusters / 2);
}

void sample_plan_release(struct sample_plan *plan)
{
	free(plan->before);
	*plan = (struct sample_plan){ 0 };
}

static struct kpage_range cluster(const struct sample_plan *plan, uint64_t number)
{
	size_t from = 0, to = plan->nr_ranges;
	uint64_t start;

	/* The last range with no more clusters before it. */
	while (to - from > 1) {
		size_t middle = from + (to - from) / 2;

		if (plan->before[middle] <= number)
			from = middle;
		else
			to = middle;
	}
	start = plan->ranges[from].start + (number - plan->before[from]) * CLUSTER_PAGES;
	return (struct kpage_range){ start, MIN(start + CLUSTER_PAGES, plan->ranges[from].end) };
}

/* Where the n-th of the strata begins; their sizes differ by one cluster at most. */
static uint64_t begin(const struct sample_plan *plan, uint64_t n)
{
	uint64_t size = plan->clusters / plan->strata, rest = plan->clusters % plan->strata;

	return n * size + MIN(n, rest);
}

uint64_t sample_plan_stratum(const struct sample_plan *plan, uint64_t stratum,
			     struct kpage_range out[2])
{
	uint64_t first = begin(plan, stratum), n = begin(plan, stratum + 1) - first;
	uint64_t a = sample_key(plan->seed, 2 * stratum) % n;
	uint64_t b = sample_key(plan->seed, 2 * stratum + 1) % (n - 1);

	/* One of the others. */
	b += b >= a;
	out[0] = cluster(plan, first + MIN(a, b));
	out[1] = cluster(plan, first + MAX(a, b));
	return n;
}

uint64_t sample_plan_may_miss(const struct sample_plan *plan)
{
	uint64_t clusters;

	/* All is read, in pairs too. */
	if (!plan->strata || 2 * plan->strata == plan->clusters)
		return 0;
	clusters = (uint64_t)ceil(1.5 * (double)plan->clusters / (double)plan->strata);
	return MIN(clusters * CLUSTER_PAGES, plan->pages);
}
