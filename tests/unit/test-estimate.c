// SPDX-License-Identifier: GPL-2.0-or-later
/* The statistics of page-types --sample: do the intervals hold what they promise? */
#include "page-types/estimate.h"
#include "page-types/sample-plan.h"

#include "common/sample.h"
#include "fixture.h"

#include <math.h>
#include <string.h>

#define SEEDS 400
#define PAGES (UINT64_C(1) << 20)

/* ----------------------------------------------------------- a machine's memory */

/* Kinds of pages: runs of very different lengths, which lie together, as memory does. */
enum kind { FREE, CACHE, ANON, HUGE, SLAB, KINDS };

static uint8_t memory[PAGES];
static uint64_t truth[KINDS];

static uint64_t next_random(uint64_t *n)
{
	return sample_key(42, (*n)++);
}

static uint64_t run_length(enum kind kind, uint64_t random)
{
	switch (kind) {
	case FREE:
		return 1 + random % 4096;
	case CACHE:
		return 1 + random % 300;
	case HUGE:
		return 512;
	case ANON:
		return 1 + random % 30;
	default:
		return 1 + random % 8;
	}
}

/* Every few thousand pages the mixture changes. */
static void make_memory(void)
{
	uint64_t n = 0, i = 0;

	while (i < PAGES) {
		enum kind favourite = next_random(&n) % KINDS;
		uint64_t end = MIN(PAGES, i + 2000 + next_random(&n) % 60000);

		while (i < end) {
			enum kind kind = next_random(&n) % 3 ? favourite : next_random(&n) % KINDS;
			uint64_t left = run_length(kind, next_random(&n));

			if (kind != favourite)
				left = MIN(left, UINT64_C(12));

			for (; left && i < end; left--, i++) {
				memory[i] = (uint8_t)kind;
				truth[kind]++;
			}
		}
	}
}

static void count(const struct kpage_range *r, struct counts *c)
{
	for (uint64_t i = r->start; i < r->end; i++)
		counts_add(c, memory[i], 1);
}

/* Returns how many pages of a set may be missing. */
static uint64_t estimate_make(struct estimate *e, const struct kpage_range *ranges, size_t n,
			      double fraction, uint64_t seed)
{
	struct counts counts[2] = { 0 };
	struct sample_plan plan;
	uint64_t may_miss;

	*e = (struct estimate){ 0 };
	sample_plan_make(&plan, ranges, n, fraction, seed);
	assert_true(plan.strata > 0);
	for (uint64_t h = 0; h < plan.strata; h++) {
		struct kpage_range pair[2];
		uint64_t clusters = sample_plan_stratum(&plan, h, pair);

		count(&pair[0], &counts[0]);
		count(&pair[1], &counts[1]);
		estimate_add_stratum(e, clusters, &counts[0], &counts[1]);
		counts_clear(&counts[0]);
		counts_clear(&counts[1]);
	}
	counts_release(&counts[0]);
	counts_release(&counts[1]);
	may_miss = sample_plan_may_miss(&plan);
	sample_plan_release(&plan);
	return may_miss;
}

static const struct kpage_range whole = { 0, PAGES };

/* ------------------------------------------------------------------ the promise */

/* Of each kind: how often the truth lies in the interval, and where the mean lies. */
static void check_coverage(double fraction)
{
	unsigned int covered[KINDS] = { 0 };
	double sum[KINDS] = { 0 }, squares[KINDS] = { 0 };

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct estimate e;
		uint64_t may_miss = estimate_make(&e, &whole, 1, fraction, seed);

		assert_int_equal(e.n, KINDS);
		for (size_t k = 0; k < KINDS; k++) {
			double error = e.rows[k].pages - (double)truth[k];

			assert_int_equal(e.rows[k].flags, k);
			covered[k] += fabs(error) <= estimate_half_width(&e.rows[k], may_miss);
			sum[k] += error;
			squares[k] += error * error;
		}
		estimate_release(&e);
	}
	for (size_t k = 0; k < KINDS; k++) {
		double rate = (double)covered[k] / SEEDS;

		print_message("fraction %g, kind %zu of %.1f%%: %.1f%% in the interval\n", fraction, k,
			      100.0 * (double)truth[k] / PAGES, 100 * rate);
		assert_true(rate >= 0.92 && rate <= 0.99);
		/* The error has no direction: its mean is within 3.5 of its own deviations. */
		assert_true(fabs(sum[k]) <= 3.5 * sqrt(squares[k]));
	}
}

static void test_coverage(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		assert_true(truth[k] > PAGES / 20);
	check_coverage(1.0 / 128);
	check_coverage(1.0 / 32);
	check_coverage(0.25);
	/* Strata of two clusters and of three. */
	check_coverage(0.8);
}

/* Two kinds of memory, each cluster of one: `other` of the clusters are not like the rest. */
static void make_two_kinds(uint64_t other)
{
	uint64_t n = 0;

	memset(memory, FREE, sizeof(memory));
	for (uint64_t left = other; left;) {
		uint8_t *cluster = memory + next_random(&n) % (PAGES / CLUSTER_PAGES) * CLUSTER_PAGES;

		if (*cluster == SLAB)
			continue;
		memset(cluster, SLAB, CLUSTER_PAGES);
		left--;
	}
}

/* However few clusters are read, and all alike: what is claimed of the rest holds. */
static void test_few_strata(void **state)
{
	static const uint64_t strata[] = { 1, 2, 3, 5, 20 };
	const uint64_t clusters = PAGES / CLUSTER_PAGES;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strata); i++)
		for (uint64_t other = clusters / 64; other < clusters; other *= 2) {
			double fraction = 2.0 * (double)strata[i] / (double)clusters, error;
			unsigned int covered = 0;

			make_two_kinds(other);
			for (uint64_t seed = 1; seed <= SEEDS; seed++) {
				struct estimate e;
				uint64_t may_miss = estimate_make(&e, &whole, 1, fraction, seed);
				const struct estimate_row *row = &e.rows[0];

				/* A set that was seen nowhere: the last line speaks of those. */
				error = row->pages - (double)((row->flags == FREE ? clusters - other :
									    other) * CLUSTER_PAGES);
				covered += fabs(error) <= estimate_half_width(row, may_miss);
				estimate_release(&e);
			}
			print_message("%ju strata, %ju of %ju clusters: %u of %u in the interval\n",
				      (uintmax_t)strata[i], (uintmax_t)other, (uintmax_t)clusters,
				      covered, SEEDS);
			assert_true(covered >= 0.92 * SEEDS);
		}
}

/* Were single pages taken for independent, the intervals would be far too narrow: this
 * is what the memory above is made for. */
static void test_pages_are_no_clusters(void **state)
{
	unsigned int covered = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		double n = PAGES / 32.0, p;
		struct estimate e;

		estimate_make(&e, &whole, 1, 1.0 / 32, seed);
		p = e.rows[CACHE].pages / PAGES;
		covered += fabs(e.rows[CACHE].pages - (double)truth[CACHE]) <=
			   1.96 * PAGES * sqrt(p * (1 - p) / n);
		estimate_release(&e);
	}
	assert_true(covered < 0.7 * SEEDS);
}

/* A set as large as is said may be missing, in the worst of all places: one cluster here
 * and one there, each full. It is missed in about 5% of the samples; one four times as
 * large never. */
static void test_may_miss(void **state)
{
	const double fraction = 1.0 / 64;
	unsigned int missed[2] = { 0 };
	struct sample_plan plan;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint64_t every;
		bool hit[2] = { false };

		sample_plan_make(&plan, &whole, 1, fraction, seed);
		every = PAGES / sample_plan_may_miss(&plan);
		for (uint64_t h = 0; h < plan.strata; h++) {
			struct kpage_range pair[2];

			sample_plan_stratum(&plan, h, pair);
			for (size_t i = 0; i < 2; i++) {
				hit[0] |= pair[i].start / CLUSTER_PAGES % every == 7;
				hit[1] |= pair[i].start / CLUSTER_PAGES % (every / 4) == 7;
			}
		}
		missed[0] += !hit[0];
		missed[1] += !hit[1];
		sample_plan_release(&plan);
	}
	print_message("missed: %u and %u of %u\n", missed[0], missed[1], SEEDS);
	assert_true(missed[0] > 0);
	assert_true(missed[0] <= 0.08 * SEEDS);
	assert_int_equal(missed[1], 0);
}

/* ---------------------------------------------------------------------- the plan */

static void test_plan_covers(void **state)
{
	const struct kpage_range ranges[] = { { 10, 1000 }, { 1024, 1025 }, { 5000, 9999 } };
	const uint64_t clusters = 16 + 1 + 79;
	struct sample_plan plan;

	(void)state;
	for (uint64_t strata = 1; strata <= clusters / 2; strata++) {
		uint64_t last = 0, sum = 0;

		sample_plan_make(&plan, ranges, ARRAY_SIZE(ranges), 2.0 * (double)strata / clusters,
				 strata);
		assert_int_equal(plan.pages, 990 + 1 + 4999);
		assert_int_equal(plan.clusters, clusters);
		if (strata * 2 == clusters) {
			/* All of it. */
			assert_int_equal(plan.strata, 0);
			assert_int_equal(sample_plan_may_miss(&plan), 0);
			sample_plan_release(&plan);
			break;
		}
		assert_int_equal(plan.strata, strata);
		for (uint64_t h = 0; h < strata; h++) {
			struct kpage_range pair[2];

			sum += sample_plan_stratum(&plan, h, pair);
			for (size_t i = 0; i < 2; i++) {
				bool inside = false;

				assert_true(pair[i].start >= last && pair[i].end > pair[i].start);
				assert_true(pair[i].end - pair[i].start <= CLUSTER_PAGES);
				for (size_t k = 0; k < ARRAY_SIZE(ranges); k++)
					inside |= pair[i].start >= ranges[k].start &&
						  pair[i].end <= ranges[k].end;
				assert_true(inside);
				last = pair[i].end;
			}
		}
		assert_int_equal(sum, clusters);
		sample_plan_release(&plan);
	}
}

/* Every cluster is drawn equally often: over the seeds, each has its share. */
static void test_plan_is_fair(void **state)
{
	const struct kpage_range range = { 0, 70 * CLUSTER_PAGES };
	const unsigned int seeds = 14000;
	unsigned int drawn[70] = { 0 };

	(void)state;
	for (uint64_t seed = 0; seed < seeds; seed++) {
		struct sample_plan plan;

		sample_plan_make(&plan, &range, 1, 0.2, seed);
		assert_int_equal(plan.strata, 7);
		for (uint64_t h = 0; h < plan.strata; h++) {
			struct kpage_range pair[2];

			sample_plan_stratum(&plan, h, pair);
			drawn[pair[0].start / CLUSTER_PAGES]++;
			drawn[pair[1].start / CLUSTER_PAGES]++;
		}
		sample_plan_release(&plan);
	}
	/* 2800 of 14000, with a deviation of 47. */
	for (size_t i = 0; i < ARRAY_SIZE(drawn); i++)
		assert_in_range(drawn[i], 2800 - 4 * 47, 2800 + 4 * 47);
}

static void test_plan_small(void **state)
{
	const struct kpage_range few = { 0, 3 * CLUSTER_PAGES };
	struct sample_plan plan;

	(void)state;
	sample_plan_make(&plan, &few, 1, 0.01, 1);
	assert_int_equal(plan.strata, 0);
	sample_plan_release(&plan);
	sample_plan_make(&plan, NULL, 0, 0.01, 1);
	assert_int_equal(plan.strata, 0);
	sample_plan_release(&plan);
	/* Any share is at least one stratum. */
	sample_plan_make(&plan, &whole, 1, 1e-12, 1);
	assert_int_equal(plan.strata, 1);
	sample_plan_release(&plan);
	assert_true(sample_fraction(1000) == 1);
	assert_true(sample_fraction(UINT64_C(1) << 28) == 1.0 / 256);
}

/* ----------------------------------------------------------------- the estimator */

static void test_by_hand(void **state)
{
	struct counts a = { 0 }, b = { 0 };
	struct estimate e = { 0 };

	(void)state;
	counts_add(&a, 7, 10);
	counts_add(&a, 5, 3);
	counts_add(&a, 7, 20);
	counts_add(&b, 6, 64);
	counts_add(&b, 7, 20);
	estimate_add_known(&e, 9, 1000);
	estimate_add_known(&e, 7, 0);
	estimate_add_stratum(&e, 10, &a, &b);
	assert_int_equal(e.n, 4);
	assert_int_equal(e.rows[0].flags, 5);
	assert_int_equal(e.rows[2].flags, 7);
	assert_int_equal(e.rows[3].flags, 9);
	assert_true(e.rows[2].pages == 250);
	assert_int_equal(e.rows[2].seen, 50);
	/* 10² (1 - 2/10) 50/2 */
	assert_true(e.rows[2].variance == 2000);
	assert_true(fabs(estimate_half_width(&e.rows[2], 0) - 12.706 * sqrt(2000)) < 1e-6);
	assert_true(e.rows[3].pages == 1000);
	assert_true(estimate_half_width(&e.rows[3], 0) == 0);
	/* Of what was known, more may be in what was not read. */
	assert_true(estimate_half_width(&e.rows[3], 192) == 192);
	assert_true(estimate_half_width(&e.rows[2], 1000) == 1000);
	e.rows[3].exact = true;
	assert_true(estimate_half_width(&e.rows[3], 192) == 0);
	assert_true(e.sum.pages == 1000 + 10 * (33 + 84) / 2.0);
	assert_int_equal(e.sum.seen, 1000 + 33 + 84);
	/* Many strata that vary alike: nearly the normal distribution. */
	for (int i = 0; i < 999; i++)
		estimate_add_stratum(&e, 10, &a, &b);
	assert_true(fabs(estimate_half_width(&e.rows[2], 0) / sqrt(2000.0 * 1000) - 1.9624) < 1e-3);
	estimate_release(&e);
	counts_release(&a);
	counts_release(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_plan_covers),
		cmocka_unit_test(test_plan_is_fair),
		cmocka_unit_test(test_plan_small),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_pages_are_no_clusters),
		cmocka_unit_test(test_may_miss),
		/* The last: it makes another memory. */
		cmocka_unit_test(test_few_strata),
	};

	make_memory();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
