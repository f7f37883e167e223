// SPDX-License-Identifier: GPL-2.0-or-later
/* The cells of a map: each page is counted once, and poison is never lost. */
#include "page-map/scan.h"

#include <string.h>

#include "map.h"

#define FREE KPAGE_BIT(BUDDY)
#define ANON_PAGE (KPAGE_BIT(ANON) | KPAGE_BIT(LRU) | KPAGE_BIT(MMAP))
#define POISON KPAGE_BIT(HWPOISON)

struct scanned {
	struct space space;
	struct scheme_state state;
	struct mark mark;
	struct scan scan;
};

static void begin(struct scanned *s, const struct kpage_expr *filter, const struct window *window)
{
	s->state.machine = s->space.machine;
	scan_begin(&s->scan, &s->space, scheme_find("kind"), &s->state, &s->mark, filter, window);
}

static void open_memory(struct map *map, struct scanned *s)
{
	*s = (struct scanned){ 0 };
	map_open(map);
	assert_int_equal(space_of_machine(&map->machine, NULL, &s->space), 0);
}

static void release(struct scanned *s)
{
	scan_release(&s->scan);
	scheme_state_release(&s->state);
	mark_release(&s->mark);
	space_release(&s->space);
}

static uint64_t counted(const struct cell *c)
{
	uint64_t n = c->poisoned + c->filtered;

	for (unsigned int i = 0; i < MAX_CLASSES; i++)
		n += c->pages[i];
	return n;
}

/* ---------------------------------------------------------------------- the zoom */

static void test_zoom_to_fit(void **state)
{
	static const struct {
		uint64_t pages;
		size_t cells;
		unsigned int zoom;
	} cases[] = {
		{ 0, 10, 0 }, { 1, 1, 0 }, { 10, 10, 0 }, { 11, 10, 1 }, { 20, 10, 1 }, { 21, 10, 2 },
		{ 2, 1, 1 }, { 3, 1, 2 }, { UINT64_C(1) << 52, 1024, 42 },
		{ (UINT64_C(1) << 52) + 1, 1024, 43 }, { 5, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(zoom_to_fit(cases[i].pages, cases[i].cells), cases[i].zoom);
}

static void test_window_cells(void **state)
{
	static const struct {
		struct window window;
		uint64_t pages;
		size_t cells;
	} cases[] = {
		{ { 0, 0, 100 }, 0, 0 },
		{ { 0, 0, 100 }, 30, 30 },
		{ { 0, 0, 100 }, 300, 100 },
		{ { 29, 0, 100 }, 30, 1 },
		{ { 30, 0, 100 }, 30, 0 },
		{ { 99, 0, 100 }, 30, 0 },
		{ { 0, 4, 100 }, 32, 2 },
		{ { 0, 4, 100 }, 33, 3 },
		{ { 16, 4, 100 }, 33, 2 },
		{ { 0, 10, 100 }, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(window_cells(&cases[i].window, cases[i].pages), cases[i].cells);
}

/* --------------------------------------------------------------------- all pages */

/* Each cell has seen the pages that it stands for. */
static void check_all_seen(const struct scan *s, uint64_t pages)
{
	assert_true(s->complete);
	assert_true(scan_has_picture(s));
	for (size_t i = 0; i < s->nr_cells; i++) {
		uint64_t from = s->window.first + ((uint64_t)i << s->window.zoom);

		assert_int_equal(s->cells[i].seen, MIN(UINT64_C(1) << s->window.zoom, pages - from));
		assert_int_equal(counted(&s->cells[i]), s->cells[i].seen);
	}
}

#define PAGES 70001

static void put_pages(struct map *map)
{
	map_put(map, 0, FREE, PAGES);
	map_put(map, 3, ANON_PAGE, 2000);
	map_put(map, 0, POISON, 1);
	map_put(map, 40000, POISON | ANON_PAGE, 1);
	map_put(map, PAGES - 1, POISON, 1);
}

/* At any zoom, in one go or in pieces. */
static void test_each_page_once(void **state)
{
	struct map *map = *state;
	struct scanned s;

	put_pages(map);
	open_memory(map, &s);
	assert_int_equal(s.space.pages, PAGES);
	for (unsigned int zoom = 0; zoom <= 18; zoom++) {
		const struct window all = { 0, zoom, SIZE_MAX };

		begin(&s, NULL, &all);
		if (zoom % 2)
			assert_int_equal(scan_step(&s.scan, 0), 0);
		while (!s.scan.complete)
			assert_int_equal(scan_step(&s.scan, 1), 0);
		check_all_seen(&s.scan, PAGES);
		assert_int_equal(s.scan.pages, PAGES);
		/* There is no more to do. */
		assert_int_equal(scan_step(&s.scan, 0), 0);
		check_all_seen(&s.scan, PAGES);
	}
	release(&s);
}

/* A window that begins and ends within chunks, and one at the end. */
static void test_window_edges(void **state)
{
	static const struct window windows[] = {
		{ 1, 0, 1 }, { 511, 0, 2 }, { 512, 0, 512 }, { 700, 0, 1500 }, { 4, 2, 300 },
		{ 1024, 8, 7 }, { 4096, 11, 3 }, { 65536, 12, 99 }, { PAGES - 1, 0, 10 },
		{ PAGES - 1, 0, 1 }, { 69632, 9, 1 },
	};
	struct map *map = *state;
	struct scanned s;

	put_pages(map);
	open_memory(map, &s);
	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		begin(&s, NULL, &windows[i]);
		assert_int_equal(scan_step(&s.scan, 0), 0);
		check_all_seen(&s.scan, PAGES);
		assert_int_equal(s.scan.nr_cells, window_cells(&windows[i], PAGES));
	}
	release(&s);
}

static void test_no_pages(void **state)
{
	const struct window behind = { PAGES, 0, 10 };
	struct map *map = *state;
	struct scanned s;

	put_pages(map);
	open_memory(map, &s);
	begin(&s, NULL, &behind);
	assert_int_equal(s.scan.nr_cells, 0);
	assert_true(s.scan.complete);
	assert_int_equal(scan_step(&s.scan, 0), 0);
	release(&s);
}

static void test_poison_at_any_zoom(void **state)
{
	static const uint64_t poisoned[] = { 0, 40000, PAGES - 1 };
	const struct kpage_expr none = { .mask = KPAGE_BIT(SLAB), .bits = KPAGE_BIT(SLAB) };
	struct map *map = *state;
	struct scanned s;

	put_pages(map);
	open_memory(map, &s);
	for (unsigned int zoom = 0; zoom <= 18; zoom++) {
		const struct window all = { 0, zoom, SIZE_MAX };
		uint64_t found = 0;

		/* A filter that leaves all out does not hide it, either. */
		begin(&s, zoom % 2 ? &none : NULL, &all);
		assert_int_equal(scan_step(&s.scan, 0), 0);
		for (size_t i = 0; i < s.scan.nr_cells; i++)
			found += s.scan.cells[i].poisoned;
		assert_int_equal(found, ARRAY_SIZE(poisoned));
		for (size_t i = 0; i < ARRAY_SIZE(poisoned); i++)
			assert_int_not_equal(s.scan.cells[poisoned[i] >> zoom].poisoned, 0);
	}
	release(&s);
}

/* Every page of this machine is poisoned but where a part is free. */
static void test_classes(void **state)
{
	const struct window all = { 0, 10, SIZE_MAX };
	unsigned int eighths = 0, class;
	struct map *map = *state;
	struct scanned s;

	map_put(map, 0, FREE, 3 * 1024);
	map_put(map, 1024, ANON_PAGE, 700);
	map_put(map, 2048, POISON, 1024);
	open_memory(map, &s);
	begin(&s, NULL, &all);
	assert_int_equal(scan_step(&s.scan, 0), 0);
	class = cell_dominant(&s.scan.cells[0], &eighths);
	assert_int_equal(class, CLASS_FIRST + PAGE_FREE);
	assert_int_equal(eighths, 8);
	class = cell_dominant(&s.scan.cells[1], &eighths);
	assert_int_equal(class, CLASS_FIRST + PAGE_ANON);
	assert_int_equal(eighths, 5);
	assert_int_equal(s.scan.cells[1].pages[CLASS_FIRST + PAGE_FREE], 324);
	assert_int_equal(cell_dominant(&s.scan.cells[2], &eighths), MAX_CLASSES);
	assert_int_equal(s.scan.cells[2].poisoned, 1024);
	release(&s);
}

/* Little of much is still something. */
static void test_dominant_share(void **state)
{
	struct cell c = { .seen = 100, .poisoned = 10, .filtered = 10 };
	unsigned int eighths = 0;

	(void)state;
	for (unsigned int i = 0; i < 16; i++)
		c.pages[i] = 5;
	assert_int_equal(cell_dominant(&c, &eighths), 0);
	assert_int_equal(eighths, 1);
	c.pages[9] = 6;
	assert_int_equal(cell_dominant(&c, &eighths), 9);
	c = (struct cell){ .seen = 20, .filtered = 20 };
	assert_int_equal(cell_dominant(&c, &eighths), MAX_CLASSES);
}

static void test_filter(void **state)
{
	const struct kpage_expr anon = { .mask = KPAGE_BIT(ANON), .bits = KPAGE_BIT(ANON) };
	const struct window all = { 0, 20, SIZE_MAX };
	struct map *map = *state;
	struct scanned s;

	put_pages(map);
	open_memory(map, &s);
	begin(&s, &anon, &all);
	assert_int_equal(scan_step(&s.scan, 0), 0);
	assert_int_equal(s.scan.nr_cells, 1);
	assert_int_equal(s.scan.cells[0].pages[CLASS_FIRST + PAGE_ANON], 2000);
	assert_int_equal(s.scan.cells[0].poisoned, 3);
	assert_int_equal(s.scan.cells[0].filtered, PAGES - 2000 - 3);
	assert_int_equal(s.scan.cells[0].pages[CLASS_FIRST + PAGE_FREE], 0);
	release(&s);
}

/* ---------------------------------------------------------------- picture by parts */

/* 64 cells of 8 chunks each: the first pass reads a chunk of each, then there is more. */
static void test_first_pass(void **state)
{
	const struct window all = { 0, 12, SIZE_MAX };
	struct map *map = *state;
	struct scanned s;
	unsigned int steps;

	map_put(map, 0, FREE, 64 << 12);
	open_memory(map, &s);
	begin(&s, NULL, &all);
	assert_int_equal(s.scan.nr_cells, 64);
	assert_false(scan_has_picture(&s.scan));
	for (steps = 0; !scan_has_picture(&s.scan); steps++)
		assert_int_equal(scan_step(&s.scan, 1), 0);
	assert_true(steps > 1);
	assert_false(s.scan.complete);
	assert_true(s.scan.pages >= 64 * CHUNK && s.scan.pages < 2 * 64 * CHUNK);
	for (size_t i = 0; i < 64; i++)
		assert_true(s.scan.cells[i].seen == CHUNK || s.scan.cells[i].seen == 2 * CHUNK);
	assert_int_equal(scan_step(&s.scan, 0), 0);
	check_all_seen(&s.scan, 64 << 12);
	release(&s);
}

/* The second pass is not beside the first one. */
static void test_spread(void **state)
{
	const struct window all = { 0, 13, SIZE_MAX };
	struct map *map = *state;
	struct scanned s;

	/* The upper half of a cell of 16 chunks. */
	map_put(map, 0, FREE, 64 << 13);
	for (uint64_t i = 0; i < 64; i++)
		map_put(map, (i << 13) + (1 << 12), ANON_PAGE, 1 << 12);
	open_memory(map, &s);
	begin(&s, NULL, &all);
	while (s.scan.pass < 2)
		assert_int_equal(scan_step(&s.scan, 1), 0);
	for (size_t i = 0; i < 64; i++) {
		assert_int_not_equal(s.scan.cells[i].pages[CLASS_FIRST + PAGE_FREE], 0);
		assert_int_not_equal(s.scan.cells[i].pages[CLASS_FIRST + PAGE_ANON], 0);
	}
	release(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zoom_to_fit),
		cmocka_unit_test(test_window_cells),
		cmocka_unit_test(test_dominant_share),
		MAP_TEST(test_each_page_once),
		MAP_TEST(test_window_edges),
		MAP_TEST(test_no_pages),
		MAP_TEST(test_poison_at_any_zoom),
		MAP_TEST(test_classes),
		MAP_TEST(test_filter),
		MAP_TEST(test_first_pass),
		MAP_TEST(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
