// SPDX-License-Identifier: GPL-2.0-or-later
/* When a view of page-map looks again, and what it shows then. */
#include "viewer.h"

#include <string.h>

#define PID 17
#define START UINT64_C(1024)	/* page of its mapping */

/* All of them on the screen, a page a cell. */
#define PAGES 16

static const uint64_t entries[] = { KPAGE_PM_PRESENT | 5, KPAGE_PM_PRESENT | 6 };

static int app_setup(void **state)
{
	struct viewer *v;

	if (viewer_setup(state))
		return -1;
	v = *state;
	map_put(v->map, 0, KPAGE_BIT(LRU), PAGES);
	fixture_task(v->map->fx, PID);
	viewer_put_started(v, PID, 100);
	fixture_vma(v->map->fx, PID, START, entries, ARRAY_SIZE(entries));
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

/* ----------------------------------------------------------- a process that has ended */

/* Another one has its number, and one page more. */
static void put_another(const struct viewer *v)
{
	const uint64_t entry = entry_present(7);

	viewer_put_started(v, PID, 101);
	fixture_vma(v->map->fx, PID, START + 100, &entry, 1);
}

static void check_status(const struct viewer *v, const char *text)
{
	char line[MIN_WIDTH + 1];

	viewer_line(v, MIN_HEIGHT - 2, line);
	assert_string_equal(line, text);
}

static void test_number_reused_grid(void **state)
{
	char line[MIN_WIDTH + 1];
	struct viewer *v = *state;

	viewer_open(v, PID);
	viewer_press(v, "Tab");
	assert_true(viewer_shows(v, ": 2 pages"));
	put_another(v);
	viewer_press(v, "r");
	check_status(v, "process 17: it has ended");
	assert_true(viewer_shows(v, ": 2 pages"));
	/* It comes first: the rest may not fit. */
	viewer_line(v, 1, line);
	line[44] = '\0';
	assert_string_equal(line, "the last picture: process 17: it has ended, ");
	/* Nor is the other one what the next screen shows. */
	viewer_press(v, "Tab");
	check_status(v, "17 victim: it has ended");
	assert_true(viewer_shows(v, "the last picture"));
}

/* A process with twice as many pages as fit onto the screen, which then ends. */
static void open_and_end(struct viewer *v, const char *keys)
{
	uint64_t many[2046];

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = entry_present(5);
	fixture_vma(v->map->fx, PID, START + ARRAY_SIZE(entries), many, ARRAY_SIZE(many));
	viewer_open(v, PID);
	viewer_press(v, keys);
	put_another(v);
	viewer_press(v, "r");
	assert_true(viewer_shows(v, "it has ended, kind: 2048 pages"));
}

/* No key takes it away. */
static void test_last_picture(void **state)
{
	struct viewer *v = *state;

	open_and_end(v, "Tab Enter");
	viewer_press(v, "\\ slab Enter");
	check_status(v, "process 17: it has ended: this is its last picture");
	assert_true(viewer_shows(v, "F file 1024"));
	/* To the end of what is on the screen. */
	viewer_press(v, "End");
	assert_true(viewer_shows(v, "0x7ff000 rw-p"));
	/* There is nothing to zoom out to: Esc leaves it, if there is something above. */
	viewer_press(v, "Esc");
	assert_true(viewer_shows(v, "0x7ff000 rw-p"));
}

/* Nor do its cells stand for other pages where the screen grows. */
static void test_last_picture_resized(void **state)
{
	struct viewer *v = *state;

	open_and_end(v, "Tab");
	frame_init(&v->frame, 2 * MIN_WIDTH, 2 * MIN_HEIGHT);
	app_resize(&v->app, v->frame.width, v->frame.height);
	viewer_settle(v);
	/* Lines of 144 cells, of two pages each. */
	assert_true(viewer_shows(v, "0x520000 F"));
	assert_false(viewer_shows(v, "0x490000 F"));
}

static void test_number_reused_list(void **state)
{
	char line[MIN_WIDTH + 1];
	struct viewer *v = *state;

	viewer_open(v, PID);
	put_another(v);
	viewer_press(v, "Enter");
	check_status(v, "process 17: it has ended");
	viewer_press(v, "r");
	check_status(v, "17 victim: it has ended");
	/* It stays said. */
	viewer_press(v, "Down");
	check_status(v, "");
	viewer_line(v, 0, line);
	assert_string_equal(line, "page-map > 17 victim: it has ended");
	/* All mappings, and the one of the first process. */
	viewer_line(v, 3, line);
	assert_string_not_equal(line, "");
	viewer_line(v, 4, line);
	assert_string_equal(line, "");
}

static void test_number_reused_page(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, PID);
	viewer_press(v, "Tab Enter");
	assert_true(viewer_shows(v, "PFN         0x5"));
	put_another(v);
	viewer_press(v, "r");
	check_status(v, "the page: it has ended");
	assert_false(viewer_shows(v, "PFN         0x5"));
	viewer_press(v, "Down");
	check_status(v, "");
	assert_true(viewer_shows(v, "the page: it has ended"));
	/* Not said again each time: it would hide what is. */
	app_stale(&v->app);
	tick(v);
	check_status(v, "");
	viewer_press(v, "k");
	check_status(v, "there is no page here");
	/* From the map, too, which has not looked again. */
	viewer_press(v, "Esc Enter");
	check_status(v, "the page: it has ended");
}

/* Of the processes that there are, the one that has the number now is shown. */
static void test_number_reused_processes(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "Tab Tab");
	put_another(v);
	viewer_press(v, "Enter Enter");
	assert_true(viewer_shows(v, ": 3 pages"));
	check_status(v, "");
}

/* ------------------------------------------------------------ a copy that is cut short */

static void test_cut_short(void **state)
{
	char line[MIN_WIDTH + 1];
	struct viewer *v = *state;

	map_put(v->map, 0, KPAGE_BIT(LRU), 40000);
	viewer_open(v, 0);
	fixture_truncate(v->map->fx, "/proc/kpageflags", 4096);
	viewer_press(v, "r");
	check_status(v, "memory: the copy ends before one of its pages");
	/* What was read before. */
	assert_true(viewer_shows(v, "F file 40000"));
	/* What could be read, and no guess at the rest. */
	viewer_press(v, "Tab");
	check_status(v, "memory blocks: the copy ends before one of its pages");
	viewer_line(v, 0, line);
	assert_non_null(strstr(line, "memory blocks: the copy ends before one of its pages"));
	viewer_press(v, "Tab Tab");
	check_status(v, "memory: the copy ends before one of its pages");
	assert_true(viewer_shows(v, "F file 512"));
	/* It is whole again. */
	map_put(v->map, 0, KPAGE_BIT(LRU), 40000);
	viewer_press(v, "Tab r");
	check_status(v, "");
	assert_false(viewer_shows(v, "the copy ends"));
}

/* ---------------------------------------------------------------- a memory failure */

static void fail_page(struct viewer *v, uint64_t pfn)
{
	struct kpage_event event = { .kind = KPAGE_EVENT_FAILURE, .pfn = pfn };

	snprintf(event.type, sizeof(event.type), "dirty LRU page");
	snprintf(event.result, sizeof(event.result), "Recovered");
	assert_int_equal(app_take_event(&event, &v->app), 0);
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

/* It is said above a question that is being answered, whatever is typed; and after it. */
static void test_failure_during_question(void **state)
{
	char line[MIN_WIDTH + 1];
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "g");
	fail_page(v, 3);
	viewer_press(v, "5");
	check_status(v, "Go to: 5");
	viewer_line(v, MIN_HEIGHT - 3, line);
	assert_string_equal(line, FAILURE);
	viewer_press(v, "Enter");
	check_status(v, FAILURE);
	viewer_line(v, MIN_HEIGHT - 3, line);
	assert_string_equal(line, "0x5 lru");
	/* It is not new any more. */
	viewer_press(v, "g");
	assert_false(viewer_shows(v, FAILURE));
}

/* The same of what is said otherwise. */
static void test_alert_during_question(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "g");
	app_alert(&v->app, "memory: it is gone");
	viewer_press(v, "7");
	check_status(v, "Go to: 7");
	assert_true(viewer_shows(v, "memory: it is gone"));
	viewer_press(v, "Esc");
	check_status(v, "memory: it is gone");
	viewer_press(v, "Right");
	check_status(v, "");
	/* An answer that comes to nothing is what is said then. */
	viewer_press(v, "g");
	app_alert(&v->app, "memory: it is gone");
	viewer_press(v, "99 Enter");
	check_status(v, "99: there is no page here");
}

/* It is seen that a message goes on. */
static void test_long_message(void **state)
{
	char line[MIN_WIDTH + 1];
	struct viewer *v = *state;

	viewer_open(v, 0);
	app_alert(&v->app, "%*s", MIN_WIDTH, "it fits");
	viewer_settle(v);
	viewer_line(v, MIN_HEIGHT - 2, line);
	assert_int_equal(line[MIN_WIDTH - 1], 's');
	app_alert(&v->app, "%*s", MIN_WIDTH + 1, "it does not");
	viewer_settle(v);
	viewer_line(v, MIN_HEIGHT - 2, line);
	assert_int_equal(line[MIN_WIDTH - 1], '>');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		APP_TEST(test_stale),
		APP_TEST(test_search_meanwhile),
		APP_TEST(test_look_meanwhile),
		APP_TEST(test_stale_below),
		APP_TEST(test_number_reused_grid),
		APP_TEST(test_last_picture),
		APP_TEST(test_last_picture_resized),
		APP_TEST(test_number_reused_list),
		APP_TEST(test_number_reused_page),
		APP_TEST(test_number_reused_processes),
		APP_TEST(test_cut_short),
		APP_TEST(test_failure_first),
		APP_TEST(test_failure_during_search),
		APP_TEST(test_failure_during_question),
		APP_TEST(test_alert_during_question),
		APP_TEST(test_long_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
