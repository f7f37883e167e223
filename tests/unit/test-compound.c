// SPDX-License-Identifier: GPL-2.0-or-later
/* From any page of a compound page to its first one. */
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_each_alone),
		TREE_TEST(test_in_turn),
		TREE_TEST(test_changed),
		TREE_TEST(test_without_cgroups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
