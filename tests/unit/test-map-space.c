// SPDX-License-Identifier: GPL-2.0-or-later
/* The pages of a map, one after the other, without the holes. */
#include "page-map/space.h"

#include <errno.h>

#include "map.h"

#define PID 17

/* In pieces of so many pages a copy is looked through for holes. */
#define PIECE UINT64_C(32768)

#define FREE KPAGE_BIT(BUDDY)
#define NOTHING KPAGE_BIT(NOPAGE)
#define POISON KPAGE_BIT(HWPOISON)

static void check_run(const struct space *s, size_t i, uint64_t start, uint64_t end, uint64_t index)
{
	assert_true(i < s->nr_runs);
	assert_int_equal(s->runs[i].start, start);
	assert_int_equal(s->runs[i].end, end);
	assert_int_equal(s->runs[i].index, index);
}

/* Each index has a place, and that place this index. */
static void check_there_and_back(const struct space *s)
{
	uint64_t before = 0;

	for (uint64_t i = 0; i < s->pages; i++) {
		uint64_t place = space_place(s, i);

		assert_true(!i || place > before);
		assert_int_equal(space_index(s, place), i);
		assert_int_equal(space_index_from(s, place), i);
		before = place;
	}
	assert_true(space_place(s, s->pages) == UINT64_MAX);
	assert_true(space_place(s, UINT64_MAX) == UINT64_MAX);
}

static void open_process(struct map *map, struct space *s)
{
	assert_int_equal(space_of_process(&map->machine, PID, NULL, s), 0);
}

/* ------------------------------------------------------------------------ memory */

/* Pages, a hole of one piece, a piece with a page in it, the end within a piece. */
static void put_memory(struct map *map)
{
	map_put(map, 0, FREE, PIECE);
	map_put(map, PIECE, NOTHING, 2 * PIECE);
	map_put(map, 2 * PIECE + 7, FREE, 1);
	map_put(map, 3 * PIECE, FREE, 100);
	map_open(map);
}

static void test_memory(void **state)
{
	struct map *map = *state;
	struct space s;

	put_memory(map);
	assert_int_equal(space_of_machine(&map->machine, NULL, &s), 0);
	assert_int_equal(s.nr_runs, 2);
	check_run(&s, 0, 0, PIECE, 0);
	check_run(&s, 1, 2 * PIECE, 3 * PIECE + 100, PIECE);
	assert_int_equal(s.pages, 2 * PIECE + 100);
	check_there_and_back(&s);
	/* In the hole there is no page; the next one is behind it. */
	assert_true(space_index(&s, PIECE) == UINT64_MAX);
	assert_true(space_index(&s, 2 * PIECE - 1) == UINT64_MAX);
	assert_int_equal(space_index_from(&s, PIECE), PIECE);
	assert_int_equal(space_index_from(&s, 2 * PIECE - 1), PIECE);
	assert_true(space_index(&s, 3 * PIECE + 100) == UINT64_MAX);
	assert_int_equal(space_index_from(&s, 3 * PIECE + 100), s.pages);
	space_release(&s);
}

static void test_memory_within(void **state)
{
	const struct kpage_range across = { PIECE - 3, 2 * PIECE + 2 };
	const struct kpage_range hole = { PIECE, 2 * PIECE };
	struct map *map = *state;
	struct space s;

	put_memory(map);
	assert_int_equal(space_of_machine(&map->machine, &across, &s), 0);
	assert_int_equal(s.nr_runs, 2);
	check_run(&s, 0, PIECE - 3, PIECE, 0);
	check_run(&s, 1, 2 * PIECE, 2 * PIECE + 2, 3);
	check_there_and_back(&s);
	space_release(&s);
	assert_int_equal(space_of_machine(&map->machine, &hole, &s), 0);
	assert_int_equal(s.pages, 0);
	check_there_and_back(&s);
	space_release(&s);
}

/* A read goes over the hole, and ends where the pages do. */
static void test_memory_read(void **state)
{
	static struct page_info p[CHUNK];
	struct map *map = *state;
	struct space s;

	put_memory(map);
	assert_int_equal(space_of_machine(&map->machine, NULL, &s), 0);
	assert_int_equal(space_read(&s, PIECE - 2, CHUNK, 0, p), CHUNK);
	assert_int_equal(p[1].place, PIECE - 1);
	assert_int_equal(p[1].kflags, FREE);
	assert_int_equal(p[2].place, 2 * PIECE);
	assert_int_equal(p[2].kflags, NOTHING);
	assert_int_equal(p[9].place, 2 * PIECE + 7);
	assert_int_equal(p[9].pfn, 2 * PIECE + 7);
	assert_int_equal(p[9].kflags, FREE);
	assert_int_equal(p[9].state, PAGE_STATE_PAGE);
	assert_int_equal(space_read(&s, s.pages - 5, CHUNK, 0, p), 5);
	assert_int_equal(space_read(&s, s.pages, CHUNK, 0, p), 0);
	space_release(&s);
}

/* ----------------------------------------------------------------------- process */

static void test_process(void **state)
{
	static const uint64_t first[] = { KPAGE_PM_PRESENT | 5, 0, KPAGE_PM_PRESENT | 2 };
	const uint64_t second[] = { entry_present(3), entry_swap(0, 9) };
	const struct kpage_range within = { 1026, 2049 };
	struct map *map = *state;
	struct space s;

	map_put(map, 0, FREE, 10);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, first, ARRAY_SIZE(first));
	fixture_vma(map->fx, PID, 2048, second, ARRAY_SIZE(second));
	map_open(map);
	open_process(map, &s);
	assert_int_equal(s.nr_runs, 3);
	check_run(&s, 0, 1024, 1025, 0);
	check_run(&s, 1, 1026, 1027, 1);
	check_run(&s, 2, 2048, 2050, 2);
	check_there_and_back(&s);
	assert_true(space_index(&s, 1025) == UINT64_MAX);
	assert_int_equal(space_index_from(&s, 0), 0);
	assert_int_equal(space_index_from(&s, 1025), 1);
	space_release(&s);
	assert_int_equal(space_of_process(&map->machine, PID, &within, &s), 0);
	assert_int_equal(s.pages, 2);
	check_run(&s, 0, 1026, 1027, 0);
	check_run(&s, 1, 2048, 2049, 1);
	space_release(&s);
}

/* What is populated later is there when it is made again. */
static void test_process_again(void **state)
{
	const uint64_t entries[] = { entry_present(5), 0, 0 };
	const uint64_t more = entry_present(6);
	struct map *map = *state;
	struct space s, now;

	map_put(map, 0, FREE, 10);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	map_open(map);
	open_process(map, &s);
	assert_int_equal(s.pages, 1);
	fixture_put(map->fx, "/proc/17/pagemap", 1026, &more, 1);
	assert_int_equal(space_again(&s, &now), 0);
	assert_int_equal(now.pages, 2);
	check_run(&now, 1, 1026, 1027, 1);
	space_release(&s);
	space_release(&now);
}

static void test_process_errors(void **state)
{
	struct map *map = *state;
	struct space s;

	map_put(map, 0, FREE, 10);
	fixture_task(map->fx, PID);
	map_open(map);
	assert_int_equal(space_of_process(&map->machine, PID + 1, NULL, &s), -ESRCH);
	open_process(map, &s);
	assert_int_equal(s.pages, 0);
	check_there_and_back(&s);
	space_release(&s);
	map->machine.sees_pfns = false;
	assert_int_equal(space_of_process(&map->machine, PID, NULL, &s), -EPERM);
}

/* Every second page, and far more of them than there may be runs: holes are taken in. */
static void test_many_holes(void **state)
{
	const size_t n = 80000;
	uint64_t *entries = calloc(n, sizeof(*entries));
	static struct page_info p[CHUNK];
	uint64_t there = 0, absent = 0;
	struct map *map = *state;
	struct space s;

	assert_non_null(entries);
	for (size_t i = 0; i < n; i += 2)
		entries[i] = entry_present(5);
	map_put(map, 0, FREE, 10);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, n);
	fixture_vma(map->fx, PID, 9 * n, entries, 1);
	free(entries);
	map_open(map);
	open_process(map, &s);
	assert_true(s.nr_runs <= 16384);
	/* Not those that are large beside it. */
	assert_true(s.pages < n + 2);
	check_there_and_back(&s);
	for (uint64_t i = 0; i < n; i += 2)
		assert_true(space_index(&s, 1024 + i) != UINT64_MAX);
	for (uint64_t at = 0; at < s.pages; at += CHUNK) {
		ssize_t got = space_read(&s, at, CHUNK, 0, p);

		assert_true(got > 0);
		for (ssize_t i = 0; i < got; i++) {
			there += p[i].state == PAGE_STATE_PAGE;
			absent += p[i].state == PAGE_STATE_ABSENT;
		}
	}
	assert_int_equal(there, n / 2 + 1);
	assert_int_equal(there + absent, s.pages);
	space_release(&s);
}

/* The same pages as those of the mapping in the list, without the list. */
static void test_vma(void **state)
{
	const uint64_t first[] = { entry_present(5), 0, entry_present(2), entry_swap(0, 9) };
	const struct kpage_range vma = { 1024, 1028 }, beyond = { UINT64_C(1) << 51, (UINT64_C(1) << 51) + 1 };
	struct map *map = *state;
	struct page_info p[2];
	struct space s, again;

	map_put(map, 0, FREE, 10);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, first, ARRAY_SIZE(first));
	fixture_vma(map->fx, PID, 2048, first, 1);
	map_open(map);
	assert_int_equal(space_of_process(&map->machine, PID, &vma, &again), 0);
	fixture_remove(map->fx, "/proc/17/maps");
	assert_int_equal(space_of_vma(&map->machine, PID, &vma, NULL, &s), 0);
	assert_int_equal(s.pages, 3);
	assert_int_equal(s.nr_runs, 2);
	check_run(&s, 0, 1024, 1025, 0);
	check_run(&s, 1, 1026, 1028, 1);
	check_there_and_back(&s);
	assert_int_equal(s.nr_runs, again.nr_runs);
	assert_memory_equal(s.runs, again.runs, s.nr_runs * sizeof(*s.runs));
	space_release(&again);
	assert_int_equal(space_read(&s, 0, 1, 0, p), 1);
	assert_null(p[0].vma_name);
	space_release(&s);
	/* The kernel's own mappings are known by their name. */
	assert_int_equal(space_of_vma(&map->machine, PID, &vma, "[vdso]", &s), 0);
	assert_int_equal(space_read(&s, 0, 2, 0, p), 2);
	assert_string_equal(p[1].vma_name, "[vdso]");
	space_release(&s);
	/* The vsyscall page. */
	assert_int_equal(space_of_vma(&map->machine, PID, &beyond, "[vsyscall]", &s), 0);
	assert_int_equal(s.pages, 0);
	space_release(&s);
	assert_int_equal(space_of_vma(&map->machine, PID + 1, &vma, NULL, &s), -ESRCH);
	map->machine.sees_pfns = false;
	assert_int_equal(space_of_vma(&map->machine, PID, &vma, NULL, &s), -EPERM);
}

/* ------------------------------------------------------------- what is known of one */

/* A folio of four pages from 16 on, of which the head alone says much. */
static void test_columns(void **state)
{
	const uint64_t head = KPAGE_BIT(COMPOUND_HEAD) | KPAGE_BIT(LRU) | KPAGE_BIT(ANON);
	const uint64_t entries[] = { entry_present(18), entry_present(17), entry_present(3) };
	const uint64_t counts[] = { 7, 8, 9 }, cgroups[] = { 77, 0, 0 };
	struct map *map = *state;
	struct page_info p[3];
	struct space s;

	map_put(map, 0, FREE, 32);
	map_put(map, 16, head, 1);
	map_put(map, 17, KPAGE_BIT(COMPOUND_TAIL), 3);
	fixture_put(map->fx, "/proc/kpagecount", 16, counts, 3);
	fixture_truncate(map->fx, "/proc/kpagecount", 32 * sizeof(uint64_t));
	fixture_put(map->fx, "/proc/kpagecgroup", 16, cgroups, 3);
	fixture_truncate(map->fx, "/proc/kpagecgroup", 32 * sizeof(uint64_t));
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	map_open(map);
	open_process(map, &s);
	assert_int_equal(space_read(&s, 0, 3, NEED_HEAD | NEED_ORDER | NEED_MAPCOUNT | NEED_CGROUP, p),
			 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(p[i].entry, entries[i]);
	assert_int_equal(p[0].pfn, 18);
	assert_int_equal(p[0].kflags, KPAGE_BIT(COMPOUND_TAIL));
	assert_int_equal(p[0].head_kflags, head);
	assert_int_equal(p[0].order, 2);
	assert_int_equal(p[0].mapcount, 9);
	assert_int_equal(p[0].cgroup, 77);
	assert_int_equal(p[1].mapcount, 8);
	assert_int_equal(p[1].cgroup, 77);
	assert_int_equal(p[2].head_kflags, FREE);
	assert_int_equal(p[2].order, 0);
	assert_int_equal(p[2].cgroup, 0);
	/* What is not asked for is not read. */
	assert_int_equal(space_read(&s, 0, 1, 0, p), 1);
	assert_true(p[0].mapcount == UINT64_MAX);
	assert_true(p[0].cgroup == UINT64_MAX);
	space_release(&s);
}

/* A poisoned page looks like a swap entry; other swap entries may look like it. */
static void test_swap_or_poison(void **state)
{
	const struct {
		uint64_t entry;
		enum page_state state;
		uint64_t pfn;
	} cases[] = {
		{ entry_swap(30, 5), PAGE_STATE_PAGE, 5 },
		{ entry_swap(30, 6), PAGE_STATE_SWAPPED, 6 },
		{ entry_swap(0, 5), PAGE_STATE_SWAPPED, 5 },
		/* Beyond the end of memory. */
		{ entry_swap(30, 5000), PAGE_STATE_SWAPPED, 5000 },
		{ entry_present(5), PAGE_STATE_PAGE, 5 },
	};
	uint64_t entries[ARRAY_SIZE(cases)];
	struct page_info p[ARRAY_SIZE(cases)];
	struct map *map = *state;
	struct space s;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		entries[i] = cases[i].entry;
	map_put(map, 0, FREE, 10);
	map_put(map, 5, POISON, 1);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	map_open(map);
	open_process(map, &s);
	assert_int_equal(space_read(&s, 0, ARRAY_SIZE(cases), 0, p), ARRAY_SIZE(cases));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(p[i].state, cases[i].state);
		assert_int_equal(p[i].pfn, cases[i].pfn);
		assert_int_equal(p[i].kflags, cases[i].state == PAGE_STATE_PAGE ? POISON : 0);
	}
	space_release(&s);
}

/* The kernel's own mappings: their flags say nothing. */
static void test_kernel_mapping(void **state)
{
	const uint64_t entries[] = { entry_present(5), entry_present(6) };
	const struct kpage_range within = { 2048, 2050 };
	struct map *map = *state;
	char line[128];
	struct page_info p[4];
	struct space s;

	map_put(map, 0, FREE, 10);
	fixture_task(map->fx, PID);
	fixture_vma(map->fx, PID, 1024, entries, ARRAY_SIZE(entries));
	fixture_put(map->fx, "/proc/17/pagemap", 2048, entries, ARRAY_SIZE(entries));
	snprintf(line, sizeof(line), "%llx-%llx r--p 00000000 00:00 0 [vvar]\n%llx-%llx r-xp 00000000 00:00 0 [vdso]\n",
		 2048ULL * kpage_page_size(), 2049ULL * kpage_page_size(),
		 2049ULL * kpage_page_size(), 2050ULL * kpage_page_size());
	fixture_append(map->fx, "/proc/17/maps", line);
	map_open(map);
	open_process(map, &s);
	assert_int_equal(space_read(&s, 0, 4, 0, p), 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(page_kind_of(&map->machine.kinds, p[i].kflags, p[i].kflags, p[i].vma_name),
				 i < 2 ? PAGE_FREE : PAGE_VDSO);
	space_release(&s);
	assert_int_equal(space_of_process(&map->machine, PID, &within, &s), 0);
	assert_int_equal(space_read(&s, 0, 2, 0, p), 2);
	assert_non_null(p[1].vma_name);
	space_release(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		MAP_TEST(test_memory),
		MAP_TEST(test_memory_within),
		MAP_TEST(test_memory_read),
		MAP_TEST(test_process),
		MAP_TEST(test_process_again),
		MAP_TEST(test_process_errors),
		MAP_TEST(test_many_holes),
		MAP_TEST(test_vma),
		MAP_TEST(test_columns),
		MAP_TEST(test_swap_or_poison),
		MAP_TEST(test_kernel_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
