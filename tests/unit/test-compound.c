// SPDX-License-Identifier: GPL-2.0-or-later
/* From any page of a compound page to its first one, and how large it is. */
#include "common/compound.h"

#include "fixture.h"

#define HEAD (KPAGE_BIT(COMPOUND_HEAD) | KPAGE_BIT(THP))
#define TAIL (KPAGE_BIT(COMPOUND_TAIL) | KPAGE_BIT(THP))
#define PAGES 8192

/* Compound pages of 4 from 8 on, of 1024 from 1024 on, of 512 from 2048 on. */
static uint64_t kflags_of(uint64_t pfn)
{
	static const struct {
		uint64_t start, n;
	} compounds[] = { { 8, 4 }, { 12, 4 }, { 1024, 1024 }, { 2048, 512 } };

	for (size_t i = 0; i < ARRAY_SIZE(compounds); i++)
		if (pfn - compounds[i].start < compounds[i].n)
			return pfn == compounds[i].start ? HEAD | pfn << 48 : TAIL;
	return KPAGE_BIT(LRU);
}

struct machine {
	struct kpage_file *flags, *cgroups;
};

static struct machine open_machine(struct fixture *fx)
{
	uint64_t kflags[PAGES], cgroups[PAGES];
	struct machine m = { 0 };

	for (uint64_t i = 0; i < PAGES; i++) {
		kflags[i] = kflags_of(i);
		cgroups[i] = kflags[i] & KPAGE_BIT(COMPOUND_TAIL) ? 0 : 10000 + i;
	}
	/* A tail of nothing, as one that changes meanwhile would seem to be. */
	kflags[5000] = TAIL;
	fixture_put(fx, "/proc/kpageflags", 0, kflags, PAGES);
	fixture_put(fx, "/proc/kpagecgroup", 0, cgroups, PAGES);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &m.flags), 0);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_CGROUP, &m.cgroups), 0);
	return m;
}

static void close_machine(struct machine *m)
{
	kpage_file_free(m->flags);
	kpage_file_free(m->cgroups);
}

static void check(struct compound *c, const struct machine *m, uint64_t pfn, uint64_t head)
{
	bool tail = kflags_of(pfn) & KPAGE_BIT(COMPOUND_TAIL);

	compound_find(c, m->flags, m->cgroups, pfn, kflags_of(pfn), tail ? 0 : 10000 + pfn);
	assert_int_equal(c->head, head);
	assert_int_equal(c->kflags, kflags_of(head));
	assert_int_equal(c->cgroup, 10000 + head);
}

static void test_each_alone(void **state)
{
	static const struct {
		uint64_t pfn, head;
	} cases[] = {
		{ 0, 0 },	{ 7, 7 },	{ 8, 8 },	{ 9, 8 },	{ 11, 8 },
		{ 12, 12 },	{ 15, 12 },	{ 16, 16 },	{ 1024, 1024 }, { 1025, 1024 },
		{ 1536, 1024 }, { 1537, 1024 }, { 2047, 1024 }, { 2048, 2048 }, { 2559, 2048 },
	};
	struct machine m = open_machine(*state);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct compound c = { 0 };

		check(&c, &m, cases[i].pfn, cases[i].head);
	}
	close_machine(&m);
}

static void test_in_turn(void **state)
{
	struct machine m = open_machine(*state);
	struct compound c = { 0 };

	for (uint64_t pfn = 0; pfn < 3000; pfn++) {
		uint64_t head = pfn;

		while (kflags_of(head) & KPAGE_BIT(COMPOUND_TAIL))
			head--;
		check(&c, &m, pfn, head);
	}
	/* … and back. */
	check(&c, &m, 2050, 2048);
	check(&c, &m, 1025, 1024);
	check(&c, &m, 1026, 1024);
	check(&c, &m, 13, 12);
	check(&c, &m, 3000, 3000);
	close_machine(&m);
}

static void test_changed(void **state)
{
	struct machine m = open_machine(*state);
	struct compound c = { 0 };

	compound_find(&c, m.flags, m.cgroups, 5000, TAIL, 7);
	assert_int_equal(c.head, 5000);
	assert_int_equal(c.kflags, TAIL);
	assert_int_equal(c.cgroup, 7);
	/* No first page was found, so its neighbour is none of its own. */
	compound_find(&c, m.flags, m.cgroups, 5001, TAIL, 8);
	assert_int_equal(c.head, 5001);
	/* Beyond the end, and a tail at the very beginning. */
	compound_find(&c, m.flags, m.cgroups, 2 * PAGES, TAIL, 9);
	assert_int_equal(c.head, 2 * PAGES);
	compound_find(&c, m.flags, NULL, 0, TAIL, 0);
	assert_int_equal(c.head, 0);
	close_machine(&m);
}

static void test_without_cgroups(void **state)
{
	struct machine m = open_machine(*state);
	struct compound c = { .cgroup = 5 };

	compound_find(&c, m.flags, NULL, 9, TAIL, 0);
	assert_int_equal(c.head, 8);
	assert_int_equal(c.cgroup, 0);
	close_machine(&m);
}

/* ------------------------------------------------------------------- how large it is */

static void test_order(void **state)
{
	static const struct {
		uint64_t pages;
		unsigned int order;
	} cases[] = { { 0, 0 },	  { 1, 0 },   { 2, 1 },	    { 3, 2 },	  { 4, 2 },
		      { 5, 3 },	  { 511, 9 }, { 512, 9 },   { 513, 10 },  { UINT64_C(1) << 40, 40 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(compound_order(cases[i].pages), cases[i].order);
}

/* With n pages' flags known from pfn on. */
static void check_extent(struct compound_extent *e, const struct machine *m, uint64_t pfn,
			 size_t n, uint64_t head, uint64_t pages)
{
	uint64_t kflags[PAGES];

	for (size_t i = 0; i < n; i++)
		kflags[i] = kflags_of(pfn + i);
	compound_extent(e, m->flags, pfn, kflags, n);
	assert_int_equal(e->head, head);
	assert_int_equal(e->pages, pages);
	assert_int_equal(e->kflags, kflags_of(head));
}

/* However much is known, and whatever was asked for before. */
static void test_extent(void **state)
{
	static const struct {
		uint64_t pfn, head, pages;
	} cases[] = {
		{ 0, 0, 1 },	       { 8, 8, 4 },	  { 9, 8, 4 },	     { 11, 8, 4 },
		{ 12, 12, 4 },	       { 15, 12, 4 },	  { 16, 16, 1 },     { 1024, 1024, 1024 },
		{ 1025, 1024, 1024 },  { 1535, 1024, 1024 }, { 1536, 1024, 1024 },
		{ 2047, 1024, 1024 },  { 2048, 2048, 512 }, { 2559, 2048, 512 }, { 2560, 2560, 1 },
	};
	static const size_t known[] = { 1, 2, 3, 4, 5, 511, 512, 513, 1023, 1024, 1025, 2000 };
	struct machine m = open_machine(*state);
	struct compound_extent kept = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
			struct compound_extent e = { 0 };

			check_extent(&e, &m, cases[i].pfn, known[k], cases[i].head, cases[i].pages);
			check_extent(&kept, &m, cases[i].pfn, known[k], cases[i].head,
				     cases[i].pages);
		}
	close_machine(&m);
}

/* A folio that is known is not looked for again, nor is one that the caller sees end. */
static void test_extent_without_reads(void **state)
{
	struct fixture *fx = *state;
	struct compound_extent e = { 0 };
	struct machine m;

	fixture_put(fx, "/proc/kpageflags", 0, (uint64_t[]){ 0 }, 1);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &m.flags), 0);
	m.cgroups = NULL;
	/* The file has none of these pages. */
	check_extent(&e, &m, 1024, 1025, 1024, 1024);
	check_extent(&e, &m, 1500, 1, 1024, 1024);
	check_extent(&e, &m, 1024, 1, 1024, 1024);
	check_extent(&e, &m, 8, 5, 8, 4);
	check_extent(&e, &m, 2, 1, 2, 1);
	close_machine(&m);
}

static void test_extent_odd(void **state)
{
	const uint64_t head = HEAD, tail = TAIL;
	const uint64_t odd[] = {
		/* a head without tails, tails without a head */
		HEAD, KPAGE_BIT(LRU), TAIL, TAIL, KPAGE_BIT(LRU), HEAD, HEAD, TAIL,
		/* cut off by the end */
		HEAD, TAIL, TAIL,
	};
	struct compound_extent e = { 0 };
	struct kpage_file *flags = NULL;
	struct fixture *fx = *state;

	fixture_put(fx, "/proc/kpageflags", 0, odd, ARRAY_SIZE(odd));
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &flags), 0);
	compound_extent(&e, flags, 0, &head, 1);
	assert_int_equal(e.pages, 1);
	for (uint64_t pfn = 2; pfn < 4; pfn++) {
		compound_extent(&e, flags, pfn, &tail, 1);
		assert_int_equal(e.head, pfn);
		assert_int_equal(e.pages, 1);
	}
	compound_extent(&e, flags, 5, &head, 1);
	assert_int_equal(e.pages, 1);
	compound_extent(&e, flags, 7, &tail, 1);
	assert_int_equal(e.head, 6);
	assert_int_equal(e.pages, 2);
	compound_extent(&e, flags, 9, &tail, 1);
	assert_int_equal(e.head, 8);
	assert_int_equal(e.pages, 3);
	/* What was a tail has a folio of its own meanwhile. */
	compound_extent(&e, flags, 9, &head, 1);
	assert_int_equal(e.head, 9);
	assert_int_equal(e.pages, 2);
	kpage_file_free(flags);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_each_alone),
		TREE_TEST(test_in_turn),
		TREE_TEST(test_changed),
		TREE_TEST(test_without_cgroups),
		cmocka_unit_test(test_order),
		TREE_TEST(test_extent),
		TREE_TEST(test_extent_without_reads),
		TREE_TEST(test_extent_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
