// SPDX-License-Identifier: GPL-2.0-or-later
/* A search through the pages of a map. */
#include "page-map/search.h"

#include <errno.h>

#include "map.h"

#define PID 17
#define PAGES 3000

#define FREE KPAGE_BIT(BUDDY)
#define POISON KPAGE_BIT(HWPOISON)

static const struct kpage_expr poisoned = { .mask = POISON, .bits = POISON };
static const struct kpage_expr slab = { .mask = KPAGE_BIT(SLAB), .bits = KPAGE_BIT(SLAB) };

/* To the end, in pieces or in one go: the same result. */
static int search(struct search *s, const struct space *space, uint64_t from, bool backwards)
{
	struct search other = *s;
	int found, same;

	search_begin(&other, from, backwards);
	assert_true(other.active);
	while (!(same = search_step(&other, space, 1)))
		assert_true(other.active);
	search_begin(s, from, backwards);
	found = search_step(s, space, 0);
	assert_false(s->active || other.active);
	assert_int_equal(found, same);
	if (found == 1)
		assert_int_equal(s->index, other.index);
	return found;
}

static void check(const struct space *space, const struct kpage_expr *expr, uint64_t from,
		  bool backwards, uint64_t expected)
{
	struct search s = { .expr = *expr };

	assert_int_equal(search(&s, space, from, backwards), 1);
	assert_int_equal(s.index, expected);
}

static void check_none(const struct space *space, const struct kpage_expr *expr, uint64_t from,
		       bool backwards)
{
	struct search s = { .expr = *expr };

	assert_int_equal(search(&s, space, from, backwards), -ENOENT);
}

/* Poison at both ends, at both sides of the border of a chunk, and far from all. */
static void test_memory(void **state)
{
	static const uint64_t at[] = { 0, 511, 512, 1024, 2200, PAGES - 1 };
	const size_t last = ARRAY_SIZE(at) - 1;
	struct map *map = *state;
	struct space space;

	map_put(map, 0, FREE, PAGES);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		map_put(map, at[i], POISON, 1);
	map_open(map);
	assert_int_equal(space_of_machine(&map->machine, NULL, &space), 0);
	for (size_t i = 0; i < last; i++) {
		/* The page where it begins is not looked at. */
		check(&space, &poisoned, at[i], false, at[i + 1]);
		check(&space, &poisoned, at[i + 1] - 1, false, at[i + 1]);
		check(&space, &poisoned, at[i + 1], true, at[i]);
		check(&space, &poisoned, at[i] + 1, true, at[i]);
	}
	check_none(&space, &poisoned, PAGES - 1, false);
	check_none(&space, &poisoned, 0, true);
	check_none(&space, &slab, 0, false);
	check_none(&space, &slab, PAGES - 1, true);
	space_release(&space);
}

static void test_empty(void **state)
{
	struct map *map = *state;
	struct space space;

	map_put(map, 0, FREE, 10);
	fixture_task(map->fx, PID);
	map_open(map);
	assert_int_equal(space_of_process(&map->machine, PID, NULL, &space), 0);
	check_none(&space, &poisoned, 0, false);
	check_none(&space, &poisoned, 0, true);
	space_release(&space);
}

/* By what the page table says, too; what is swapped out has no flags. */
static void test_process(void **state)
{
	const struct kpage_expr soft = { .mask = KPAGE_BIT(SOFTDIRTY), .bits = KPAGE_BIT(SOFTDIRTY) };
	const struct kpage_expr any = { 0 };
	const uint64_t entries[] = { entry_present(3), entry_swap(0, 9) | KPAGE_PM_SOFT_DIRTY, 0,
				     entry_present(4) | KPAGE_PM_SOFT_DIRTY };
	struct map *map = *state;
	struct space space;

	map_put(map, 0, FREE, 10);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	map_open(map);
	assert_int_equal(space_of_process(&map->machine, PID, NULL, &space), 0);
	check(&space, &soft, 0, false, 2);
	check(&space, &any, 0, false, 2);
	check(&space, &any, 2, true, 0);
	space_release(&space);
}

static void test_by_pfn(void **state)
{
	uint64_t entries[1200];
	struct search s = { .by_pfn = true, .pfn = 700 };
	struct map *map = *state;
	struct space space;

	map_put(map, 0, FREE, PAGES);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		entries[i] = entry_present(PAGES - 1 - i);
	/* A slot of that number is not that page. */
	entries[3] = entry_swap(0, 2100);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	map_open(map);
	assert_int_equal(space_of_process(&map->machine, PID, NULL, &space), 0);
	/* From the very beginning on: before index 0. */
	assert_int_equal(search(&s, &space, UINT64_MAX, false), -ENOENT);
	s.pfn = 2100;
	assert_int_equal(search(&s, &space, UINT64_MAX, false), 1);
	assert_int_equal(s.index, PAGES - 1 - 2100);
	s.pfn = PAGES - 1;
	assert_int_equal(search(&s, &space, UINT64_MAX, false), 1);
	assert_int_equal(s.index, 0);
	space_release(&space);
}

/* A copy that became shorter ends a search. */
static void test_cut_off(void **state)
{
	const uint64_t entries[] = { entry_present(3), entry_present(3), entry_present(3) };
	struct map *map = *state;
	struct search s = { .expr = poisoned };
	struct space space;

	map_put(map, 0, FREE, 10);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	map_open(map);
	assert_int_equal(space_of_process(&map->machine, PID, NULL, &space), 0);
	fixture_text(map->fx, "/proc/17/pagemap", "");
	assert_int_equal(search(&s, &space, 0, false), -ENODATA);
	assert_int_equal(search(&s, &space, 2, true), -ENODATA);
	space_release(&space);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		MAP_TEST(test_memory),
		MAP_TEST(test_empty),
		MAP_TEST(test_process),
		MAP_TEST(test_by_pfn),
		MAP_TEST(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
