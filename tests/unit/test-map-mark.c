// SPDX-License-Identifier: GPL-2.0-or-later
/* What has changed since a mark. */
#include "page-map/mark.h"

#include "page-map/scan.h"
#include "map.h"

#define PID 17

#define FREE KPAGE_BIT(BUDDY)
#define ANON_PAGE (KPAGE_BIT(ANON) | KPAGE_BIT(LRU))

/* What a scan of a page a cell says. */
static void scan(const struct space *space, struct mark *mark, struct scan *s)
{
	const struct window all = { 0, 0, SIZE_MAX };
	struct scheme_state state = { .machine = space->machine };

	scan_begin(s, space, scheme_find("node"), &state, mark, NULL, &all);
	assert_int_equal(scan_step(s, 0), 0);
}

/* The places that have changed are these, and no others. */
static void check_changed(const struct space *space, struct mark *mark, const uint64_t *places,
			  size_t n)
{
	struct scan s = { 0 };
	size_t k = 0;

	scan(space, mark, &s);
	for (uint64_t i = 0; i < space->pages; i++) {
		if (!s.cells[i].changed)
			continue;
		assert_true(k < n);
		assert_int_equal(space_place(space, i), places[k++]);
	}
	assert_int_equal(k, n);
	scan_release(&s);
}

#define CHANGED(space, mark, ...)                                 \
	check_changed(space, mark, (const uint64_t[]){ __VA_ARGS__ }, \
		      sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

/* ------------------------------------------------------------------------ memory */

static void test_memory(void **state)
{
	struct map *map = *state;
	struct mark mark = { 0 };
	struct space space;

	map_put(map, 0, FREE, 1300);
	map_open(map);
	assert_int_equal(space_of_machine(&map->machine, NULL, &space), 0);
	/* Without a mark nothing has changed. */
	check_changed(&space, &mark, NULL, 0);
	assert_true(mark_begin(&mark, &space, 0, space.pages, 0));
	check_changed(&space, &mark, NULL, 0);
	assert_false(mark.taking);
	check_changed(&space, &mark, NULL, 0);
	map_put(map, 0, ANON_PAGE, 1);
	map_put(map, 511, ANON_PAGE, 2);
	map_put(map, 1299, FREE | KPAGE_BIT(HWPOISON), 1);
	CHANGED(&space, &mark, 0, 511, 512, 1299);
	/* As it was: that is no change. */
	map_put(map, 0, FREE, 1);
	map_put(map, 511, FREE, 1);
	CHANGED(&space, &mark, 512, 1299);
	mark_release(&mark);
	check_changed(&space, &mark, NULL, 0);
	space_release(&space);
}

/* Of what is outside of the mark nothing is known. */
static void test_part_of_memory(void **state)
{
	struct map *map = *state;
	struct mark mark = { 0 };
	struct space space;

	map_put(map, 0, FREE, 2000);
	map_open(map);
	assert_int_equal(space_of_machine(&map->machine, NULL, &space), 0);
	assert_true(mark_begin(&mark, &space, 600, 1100, 0));
	check_changed(&space, &mark, NULL, 0);
	map_put(map, 0, ANON_PAGE, 2000);
	map_put(map, 700, FREE, 399);
	/* 600 … 699 and 1099. */
	{
		uint64_t places[101];

		for (uint64_t i = 0; i < 100; i++)
			places[i] = 600 + i;
		places[100] = 1099;
		check_changed(&space, &mark, places, ARRAY_SIZE(places));
	}
	mark_release(&mark);
	space_release(&space);
}

static void fill(struct page_info *pages, uint64_t place, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pages[i] = (struct page_info){ .place = place + i, .pfn = place + i, .kflags = FREE,
					       .state = PAGE_STATE_PAGE };
}

/* Of much memory a unit is several pages: all of it stands out. */
static void check_units(uint64_t end, size_t unit)
{
	const struct space memory = { .pages = end };
	static struct page_info pages[CHUNK];
	bool changed[CHUNK];
	struct mark mark = { 0 };

	assert_true(mark_begin(&mark, &memory, 0, end, 0));
	assert_int_equal(1 << mark.shift, unit);
	fill(pages, 5 * CHUNK, CHUNK);
	mark_compare(&mark, 5 * CHUNK, pages, CHUNK, changed);
	mark.taking = false;
	mark_compare(&mark, 5 * CHUNK, pages, CHUNK, changed);
	for (size_t i = 0; i < CHUNK; i++)
		assert_false(changed[i]);
	pages[CHUNK - 1].kflags = ANON_PAGE;
	pages[0].kflags = ANON_PAGE;
	mark_compare(&mark, 5 * CHUNK, pages, CHUNK, changed);
	for (size_t i = 0; i < CHUNK; i++)
		assert_int_equal(changed[i], i < unit || i >= CHUNK - unit);
	/* A chunk that was not looked at while it was taken. */
	fill(pages, 0, CHUNK);
	mark_compare(&mark, 0, pages, CHUNK, changed);
	for (size_t i = 0; i < CHUNK; i++)
		assert_false(changed[i]);
	mark_release(&mark);
}

static void test_units(void **state)
{
	(void)state;
	check_units(UINT64_C(1) << 18, 1);
	check_units((UINT64_C(1) << 18) + 1000, 2);
	check_units(UINT64_C(1) << 20, 4);
	check_units(UINT64_C(1) << 27, CHUNK);
	/* Never more than a chunk. */
	check_units(UINT64_C(1) << 30, CHUNK);
}

static void test_nothing(void **state)
{
	const struct space memory = { .pages = 100 };
	struct mark mark = { 0 };

	(void)state;
	assert_true(mark_begin(&mark, &memory, 5, 5, 0));
	assert_int_equal(mark.n, 0);
	mark_release(&mark);
}

/* ----------------------------------------------------------------------- process */

static void put_entry(struct map *map, uint64_t page, uint64_t entry)
{
	fixture_put(map->fx, "/proc/17/pagemap", page, &entry, 1);
}

static void test_process(void **state)
{
	const uint64_t entries[8] = { entry_present(10), entry_present(11), entry_present(12),
				      0, entry_present(13), entry_swap(0, 5) };
	struct map *map = *state;
	struct mark mark = { 0 };
	struct space space;

	map_put(map, 0, FREE, 100);
	map_put(map, 10, ANON_PAGE, 50);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	map_open(map);
	assert_int_equal(space_of_process(&map->machine, PID, NULL, &space), 0);
	assert_true(mark_begin(&mark, &space, 0, space.pages, 0));
	check_changed(&space, &mark, NULL, 0);
	check_changed(&space, &mark, NULL, 0);
	/* It has other flags, another page; it was swapped out, and in. */
	map_put(map, 10, ANON_PAGE | KPAGE_BIT(ACTIVE), 1);
	put_entry(map, 1025, entry_present(20));
	put_entry(map, 1028, entry_swap(0, 7));
	put_entry(map, 1029, entry_present(21));
	CHANGED(&space, &mark, 1024, 1025, 1028, 1029);
	mark_release(&mark);
	space_release(&space);
}

/* What was not there is a change; what is gone moves no other page. */
static void test_populated_later(void **state)
{
	const uint64_t entries[8] = { entry_present(10), entry_present(11), 0, 0, entry_present(12) };
	struct map *map = *state;
	struct mark mark = { 0 };
	struct space space, now;

	map_put(map, 0, ANON_PAGE, 100);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	map_open(map);
	assert_int_equal(space_of_process(&map->machine, PID, NULL, &space), 0);
	assert_true(mark_begin(&mark, &space, 0, space.pages, 0));
	check_changed(&space, &mark, NULL, 0);
	put_entry(map, 1024, 0);
	put_entry(map, 1026, entry_present(30));
	put_entry(map, 1030, entry_present(31));
	assert_int_equal(space_again(&space, &now), 0);
	assert_int_equal(now.pages, 4);
	CHANGED(&now, &mark, 1026, 1030);
	mark_release(&mark);
	space_release(&space);
	space_release(&now);
}

/* Behind the part that was marked nothing is known. */
static void test_part_of_process(void **state)
{
	const uint64_t entries[8] = { entry_present(10), entry_present(11), entry_present(12),
				      entry_present(13), entry_present(14), 0, entry_present(15) };
	struct map *map = *state;
	struct mark mark = { 0 };
	struct space space, now;

	map_put(map, 0, ANON_PAGE, 100);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	map_open(map);
	assert_int_equal(space_of_process(&map->machine, PID, NULL, &space), 0);
	assert_true(mark_begin(&mark, &space, 1, 3, 0));
	check_changed(&space, &mark, NULL, 0);
	map_put(map, 10, ANON_PAGE | KPAGE_BIT(ACTIVE), 50);
	put_entry(map, 1029, entry_present(40));
	assert_int_equal(space_again(&space, &now), 0);
	CHANGED(&now, &mark, 1025, 1026);
	mark_release(&mark);
	space_release(&space);
	space_release(&now);
}

/* ------------------------------------------------------------- beyond the kernel's flags */

/* What the page tables say of the page: it was written to, or is shared. */
static void test_pagemap_bits(void **state)
{
	const uint64_t entries[4] = { entry_present(10), entry_present(11), entry_present(12) };
	struct map *map = *state;
	struct mark mark = { 0 };
	struct space space;

	map_put(map, 0, ANON_PAGE, 100);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	map_open(map);
	assert_int_equal(space_of_process(&map->machine, PID, NULL, &space), 0);
	assert_true(mark_begin(&mark, &space, 0, space.pages, 0));
	check_changed(&space, &mark, NULL, 0);
	put_entry(map, 1025, entry_present(11) | KPAGE_PM_SOFT_DIRTY);
	put_entry(map, 1026, entry_present(12) | KPAGE_PM_MMAP_EXCLUSIVE);
	CHANGED(&space, &mark, 1025, 1026);
	mark_release(&mark);
	space_release(&space);
}

/* Files that are read for some schemes alone: a change in them counts for a mark that was
 * taken under such a one. */
static void test_columns(void **state)
{
	static const struct {
		unsigned int needs;
		const char *path;
	} columns[] = {
		{ NEED_MAPCOUNT, "/proc/kpagecount" },
		{ NEED_CGROUP, "/proc/kpagecgroup" },
	};
	const uint64_t before[8] = { 1, 1, 1, 1, 1, 1, 1, 1 }, other = 2;
	struct map *map = *state;
	struct space space;

	map_put(map, 0, ANON_PAGE, 8);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		fixture_put(map->fx, columns[i].path, 0, before, ARRAY_SIZE(before));
	map_open(map);
	assert_int_equal(space_of_machine(&map->machine, NULL, &space), 0);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		struct mark plain = { 0 }, mark = { 0 };

		assert_true(mark_begin(&plain, &space, 0, space.pages, 0));
		assert_true(mark_begin(&mark, &space, 0, space.pages, columns[i].needs));
		check_changed(&space, &plain, NULL, 0);
		check_changed(&space, &mark, NULL, 0);
		fixture_put(map->fx, columns[i].path, 5, &other, 1);
		check_changed(&space, &plain, NULL, 0);
		CHANGED(&space, &mark, 5);
		mark_release(&plain);
		mark_release(&mark);
	}
	space_release(&space);
}

/* The flags of a folio are those of its head: the tails show them, too. */
static void test_tails(void **state)
{
	struct map *map = *state;
	struct mark mark = { 0 };
	struct space space;

	map_put(map, 0, FREE, 16);
	map_put(map, 4, ANON_PAGE | KPAGE_BIT(THP) | KPAGE_BIT(COMPOUND_HEAD), 1);
	map_put(map, 5, KPAGE_BIT(THP) | KPAGE_BIT(COMPOUND_TAIL), 3);
	map_open(map);
	assert_int_equal(space_of_machine(&map->machine, NULL, &space), 0);
	assert_true(mark_begin(&mark, &space, 0, space.pages, NEED_HEAD));
	check_changed(&space, &mark, NULL, 0);
	map_put(map, 4, ANON_PAGE | KPAGE_BIT(THP) | KPAGE_BIT(COMPOUND_HEAD) | KPAGE_BIT(DIRTY), 1);
	CHANGED(&space, &mark, 4, 5, 6, 7);
	mark_release(&mark);
	space_release(&space);
}

static void test_too_many(void **state)
{
	const struct space process = { .pid = PID, .pages = UINT64_C(1) << 23 };
	struct mark mark = { 0 };

	(void)state;
	assert_false(mark_begin(&mark, &process, 0, process.pages, 0));
	assert_int_equal(mark.n, 0);
	assert_false(mark_begin(&mark, &process, 1, (UINT64_C(1) << 22) + 2, 0));
	assert_true(mark_begin(&mark, &process, 1, (UINT64_C(1) << 22) + 1, 0));
	mark_release(&mark);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		MAP_TEST(test_memory),
		MAP_TEST(test_part_of_memory),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_nothing),
		MAP_TEST(test_process),
		MAP_TEST(test_populated_later),
		MAP_TEST(test_part_of_process),
		MAP_TEST(test_pagemap_bits),
		MAP_TEST(test_columns),
		MAP_TEST(test_tails),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
