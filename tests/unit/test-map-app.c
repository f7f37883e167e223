// SPDX-License-Identifier: GPL-2.0-or-later
/* When a view of page-map looks again. */
#include "viewer.h"

/* All of them on the screen, a page a cell. */
#define PAGES 16

static int app_setup(void **state)
{
	struct viewer *v;

	if (viewer_setup(state))
		return -1;
	v = *state;
	map_put(v->map, 0, KPAGE_BIT(LRU), PAGES);
	return 0;
}
#define APP_TEST(test) cmocka_unit_test_setup_teardown(test, app_setup, viewer_teardown)

static void poison(const struct viewer *v, uint64_t pfn)
{
	map_put(v->map, pfn, KPAGE_BIT(LRU) | KPAGE_BIT(HWPOISON), 1);
}

/* A moment passes. */
static void tick(struct viewer *v)
{
	app_tick(&v->app);
	viewer_settle(v);
}

/* ---------------------------------------------------------------- what has changed */

static void test_stale(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	poison(v, 3);
	tick(v);
	assert_false(viewer_shows(v, "X poisoned"));
	app_stale(&v->app);
	tick(v);
	assert_true(viewer_shows(v, "X poisoned 1"));
	assert_false(app_view(&v->app)->stale);
}

/* It waits for the end of a search, which goes by what there was. */
static void test_search_meanwhile(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	app_key(&v->app, 'p');
	poison(v, 3);
	app_stale(&v->app);
	app_tick(&v->app);
	assert_true(app_view(&v->app)->looked);
	viewer_settle(v);
	tick(v);
	assert_true(viewer_shows(v, "X poisoned 1"));
	assert_true(app_view(&v->app)->looked);
	/* The user asks for it. */
	app_key(&v->app, 'p');
	poison(v, 5);
	app_key(&v->app, 'r');
	viewer_settle(v);
	tick(v);
	assert_true(viewer_shows(v, "X poisoned 2"));
}

/* The same while it is being looked at already. */
static void test_look_meanwhile(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	app_key(&v->app, 'r');
	app_stale(&v->app);
	app_tick(&v->app);
	viewer_settle(v);
	poison(v, 3);
	tick(v);
	assert_true(viewer_shows(v, "X poisoned 1"));
}

/* Each view on the way, when it is come back to. */
static void test_stale_below(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "Enter");
	poison(v, 3);
	app_stale(&v->app);
	tick(v);
	viewer_press(v, "Esc");
	assert_false(viewer_shows(v, "X poisoned"));
	tick(v);
	assert_true(viewer_shows(v, "X poisoned 1"));
}

/* ---------------------------------------------------------------- a memory failure */

static void fail_page(struct viewer *v, uint64_t pfn)
{
	struct kpage_event event = { .kind = KPAGE_EVENT_FAILURE, .pfn = pfn };

	snprintf(event.type, sizeof(event.type), "dirty LRU page");
	snprintf(event.result, sizeof(event.result), "Recovered");
	assert_int_equal(app_take_event(&event, &v->app), 0);
}

static void check_status(const struct viewer *v, const char *text)
{
	char line[MIN_WIDTH + 1];

	viewer_line(v, MIN_HEIGHT - 2, line);
	assert_string_equal(line, text);
}

#define FAILURE "memory failure: PFN 0x3: dirty LRU page: Recovered (f: go there)"

/* Neither what was said before hides it, nor what is said of its consequences. */
static void test_failure_first(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "m");
	check_status(v, "marked: what changes from now on stands out");
	poison(v, 3);
	fail_page(v, 3);
	tick(v);
	check_status(v, FAILURE);
	assert_true(viewer_shows(v, "X poisoned 1"));
	app_alert(&v->app, "process 17: it has ended");
	viewer_settle(v);
	check_status(v, FAILURE);
	/* What the user asks for is answered; then it is back. */
	viewer_press(v, "m");
	check_status(v, "the mark is gone");
	viewer_press(v, "Right");
	check_status(v, FAILURE);
	viewer_press(v, "f");
	assert_true(viewer_shows(v, "memory > page 0x3"));
	check_status(v, "");
	viewer_press(v, "Esc");
	check_status(v, "");
}

/* What a search says of itself is longer, and was there before. */
static void test_failure_during_search(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "/ ~lru,~dirty,~slab,~buddy,~pgtable,~hugetlb,~thp,~anon,~mmap");
	app_key(&v->app, KEY_OF_ENTER);
	fail_page(v, 3);
	app_draw(&v->app, &v->frame);
	check_status(v, FAILURE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		APP_TEST(test_stale),
		APP_TEST(test_search_meanwhile),
		APP_TEST(test_look_meanwhile),
		APP_TEST(test_stale_below),
		APP_TEST(test_failure_first),
		APP_TEST(test_failure_during_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
