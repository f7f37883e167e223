// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages that are tagged and poisoned from a map: just those that were chosen. */
#include "viewer.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PID 17
#define START UINT64_C(1024)	/* page of its mapping */

static const uint64_t entries[] = { KPAGE_PM_PRESENT | 5, KPAGE_PM_PRESENT | 6,
				    KPAGE_PM_SWAP | 9 << 5, KPAGE_PM_PRESENT | 7 };

/* In place of hwpoison-inject: it prints what it is called with. */
static void put_injector(const struct map *map, const char *script)
{
	char path[512];

	fixture_text(map->fx, "/bin/hwpoison-inject", script);
	snprintf(path, sizeof(path), "%s/bin/hwpoison-inject", map->fx->dir);
	assert_int_equal(chmod(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", map->fx->dir);
	assert_int_equal(setenv("PATH", path, 1), 0);
}

static int inject_setup(void **state)
{
	struct viewer *v;

	if (viewer_setup(state))
		return -1;
	v = *state;
	map_put(v->map, 0, KPAGE_BIT(LRU), 16);
	fixture_task(v->map->fx, PID);
	viewer_put_started(v, PID, 100);
	fixture_vma(v->map->fx, PID, START, entries, ARRAY_SIZE(entries));
	put_injector(v->map, "#!/bin/sh\necho \"called with: $*\"\n");
	return 0;
}
#define VIEWER_TEST(test) cmocka_unit_test_setup_teardown(test, inject_setup, viewer_teardown)

/* Bad news, and that on the line for messages. */
static void check_alert(const struct viewer *v, const char *text)
{
	char line[MIN_WIDTH + 1];

	assert_true(v->app.alert);
	viewer_line(v, MIN_HEIGHT - 2, line);
	assert_string_equal(line, text);
	assert_false(viewer_shows(v, "called with"));
}

static void check_question(const struct viewer *v, const char *what)
{
	char line[MIN_WIDTH + 1], expected[MIN_WIDTH + 1];

	assert_int_equal(v->app.prompt.question, ACTION_ACT);
	viewer_line(v, MIN_HEIGHT - 2, line);
	snprintf(expected, sizeof(expected), "%s: type \"poison\" or \"unpoison\":", what);
	assert_string_equal(line, expected);
}

/* The answer, and what hwpoison-inject was called with. */
static void check_call(struct viewer *v, const char *word, const char *arguments)
{
	char keys[64], expected[MIN_WIDTH + 1];

	snprintf(keys, sizeof(keys), "%s Enter", word);
	viewer_press(v, keys);
	assert_false(v->app.alert);
	snprintf(expected, sizeof(expected), "called with: %s", arguments);
	assert_true(viewer_shows(v, expected));
	viewer_press(v, "Esc");
}

/* ------------------------------------------------------------------- what is called */

static void test_page_of_memory(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "Right Right k");
	check_question(v, "the page at the cursor (PFN 0x2)");
	check_call(v, "poison", "--pfn 0x2");
	viewer_press(v, "k");
	check_call(v, "unpoison", "--unpoison 0x2");
	viewer_press(v, "Space Right Space k");
	check_question(v, "2 tagged pages");
	check_call(v, "poison", "--pfn 0x2,0x4");
}

/* A page of a process is poisoned by its address, and unpoisoned by its PFN. */
static void test_page_of_process(void **state)
{
	struct viewer *v = *state;
	char expected[64];

	viewer_open(v, PID);
	viewer_press(v, "Tab k");
	check_question(v, "the page at the cursor of process 17 (PFN 0x5)");
	snprintf(expected, sizeof(expected), "--pid 17 --vaddr 0x%" PRIx64, START * kpage_page_size());
	check_call(v, "poison", expected);
	viewer_press(v, "k");
	check_call(v, "unpoison", "--unpoison 0x5");
	viewer_press(v, "Space Space k");
	check_question(v, "2 tagged pages of process 17");
	check_call(v, "unpoison", "--unpoison 0x5,0x6");
}

/* The view of a page, that of PFN 0 among them. */
static void test_page_view(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "Enter k");
	check_question(v, "this page (PFN 0x0)");
	check_call(v, "poison", "--pfn 0x0");
	viewer_press(v, "Space Esc");
	assert_int_equal(v->app.nr_tags, 1);
	assert_true(viewer_shows(v, ", 1 tagged"));
}

static void test_refused(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "k yes Enter");
	check_alert(v, "neither \"poison\" nor \"unpoison\" was typed: nothing is done");
	v->app.settings.allow_inject = false;
	viewer_press(v, "k");
	check_alert(v, "only with --allow-inject");
	assert_int_equal(v->app.prompt.question, ACTION_NONE);
}

/* The cursor is not yet where a search will take it: nothing acts on the page it leaves. */
static void test_search_not_over(void **state)
{
	static const int keys[] = { KEY_OF_ENTER, ' ', 'k' };
	struct viewer *v = *state;

	map_put(v->map, 5, KPAGE_BIT(LRU) | KPAGE_BIT(HWPOISON), 1);
	viewer_open(v, 0);
	app_key(&v->app, 'p');
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		app_key(&v->app, keys[i]);
		assert_string_equal(v->app.status, "the search was not over: nothing is done");
	}
	assert_int_equal(v->app.nr_views, 1);
	assert_int_equal(v->app.nr_tags, 0);
	assert_int_equal(v->app.prompt.question, ACTION_NONE);
	viewer_settle(v);
	viewer_press(v, "k");
	check_question(v, "the page at the cursor (PFN 0x5)");
}

/* ------------------------------------------------------- what is there no more */

static void move_page(const struct viewer *v)
{
	const uint64_t other = entry_present(8);

	fixture_put(v->map->fx, "/proc/17/pagemap", START, &other, 1);
}

static void check_moved(struct viewer *v)
{
	char expected[96];

	snprintf(expected, sizeof(expected),
		 "0x%" PRIx64 " is another page than when it was chosen: nothing is done",
		 START * kpage_page_size());
	check_alert(v, expected);
}

/* One of two tagged pages: neither is touched, whatever is to be done. */
static void test_tag_that_moved(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, PID);
	viewer_press(v, "Tab Space Space");
	move_page(v);
	viewer_press(v, "k poison Enter");
	check_moved(v);
	viewer_press(v, "k unpoison Enter");
	check_moved(v);
}

/* While the word is typed. */
static void test_cursor_that_moved(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, PID);
	viewer_press(v, "Tab k poison");
	move_page(v);
	viewer_press(v, "Enter");
	check_moved(v);
	/* In the view of the page. */
	viewer_press(v, "Enter k poison");
	fixture_put(v->map->fx, "/proc/17/pagemap", START, entries, 1);
	viewer_press(v, "Enter");
	check_moved(v);
}

static void test_page_that_went(void **state)
{
	const uint64_t none = 0;
	struct viewer *v = *state;

	viewer_open(v, PID);
	viewer_press(v, "Tab k poison");
	fixture_put(v->map->fx, "/proc/17/pagemap", START, &none, 1);
	viewer_press(v, "Enter");
	check_moved(v);
}

/* Another process has its number, and the very same page. */
static void test_process_that_ended(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, PID);
	viewer_press(v, "Tab Space Left k poison");
	viewer_put_started(v, PID, 101);
	viewer_press(v, "Enter");
	check_alert(v, "process 17 has ended: nothing is done");
	viewer_press(v, "k poison");
	fixture_remove(v->map->fx, "/proc/17/stat");
	viewer_press(v, "Enter");
	check_alert(v, "process 17 has ended: nothing is done");
}

/* ------------------------------------------------------------------------- tags */

static void test_absent(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, PID);
	viewer_press(v, "Tab Right Right Space");
	check_alert(v, "there is no page here");
	viewer_press(v, "k");
	check_alert(v, "there is no page here");
	viewer_press(v, "Enter Space");
	check_alert(v, "there is no page here");
	viewer_press(v, "k");
	check_alert(v, "there is no page here");
	assert_int_equal(v->app.nr_tags, 0);
}

static void test_tag_and_untag(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, PID);
	viewer_press(v, "Tab Space Space Home Space");
	assert_int_equal(v->app.nr_tags, 1);
	assert_int_equal(v->app.tags[0].pfn, 6);
	assert_int_equal(v->app.tags[0].started, 100);
	assert_true(frame_at(&v->frame, 16, 2)->marks & MARK_TAGGED);
	assert_false(frame_at(&v->frame, 15, 2)->marks & MARK_TAGGED);
	viewer_press(v, "U");
	assert_int_equal(v->app.nr_tags, 0);
	assert_false(viewer_shows(v, "tagged"));
}

/* Tags of memory are none of a process: neither is taken for the other. */
static void test_elsewhere(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "Space Space");
	assert_true(viewer_shows(v, ", 2 tagged"));
	viewer_press(v, "Tab Tab Enter Enter");
	assert_true(viewer_shows(v, ", 2 tagged elsewhere"));
	viewer_press(v, "k");
	check_question(v, "the page at the cursor of process 17 (PFN 0x5)");
	viewer_press(v, "Esc Space");
	assert_true(viewer_shows(v, ", 1 tagged, 2 tagged elsewhere"));
	viewer_press(v, "k");
	check_question(v, "1 tagged page of process 17");
	viewer_press(v, "Esc Esc Esc Tab k");
	assert_true(viewer_shows(v, ", 2 tagged, 1 tagged elsewhere"));
	check_question(v, "2 tagged pages");
}

/* A process that has taken the number has none of the tags. */
static void test_tags_of_another(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	viewer_press(v, "Tab Tab Enter Enter Space Esc Esc");
	viewer_put_started(v, PID, 101);
	viewer_press(v, "Enter Enter");
	assert_true(viewer_shows(v, ", 1 tagged elsewhere"));
	assert_false(frame_at(&v->frame, 15, 2)->marks & MARK_TAGGED);
}

/* ----------------------------------------------------------------------- report */

/* Not read yet. */
static void start_report(struct viewer *v)
{
	viewer_open(v, 0);
	viewer_press(v, "k");
	for (const char *c = "poison"; *c; c++)
		app_key(&v->app, *c);
	app_key(&v->app, KEY_OF_ENTER);
	assert_int_equal(v->app.nr_views, 2);
}

/* It is not left by the way: what it tells of is being done. */
static void test_report_that_runs(void **state)
{
	struct viewer *v = *state;

	put_injector(v->map, "#!/bin/sh\nexec sleep 1000\n");
	start_report(v);
	app_key(&v->app, KEY_OF_TAB);
	assert_int_equal(v->app.nr_views, 2);
	assert_string_equal(v->app.status, "it still runs: again, and it is asked to end");
	app_key(&v->app, 'q');
	assert_false(v->app.quit);
	assert_string_equal(v->app.status, "it was asked to end: wait for it");
	viewer_settle(v);
	viewer_press(v, "q");
	assert_true(v->app.quit);
}

/* It is looked at now and then only: a key may come before its end was seen. */
static void test_report_left_at_once(void **state)
{
	struct viewer *v = *state;
	siginfo_t info;

	start_report(v);
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	app_key(&v->app, KEY_OF_ESCAPE);
	assert_int_equal(v->app.nr_views, 1);
	assert_string_equal(v->app.status, "");
	assert_true(app_view(&v->app)->stale);
}

/* What it has done is seen in each view on the way: no event of the kernel's says it. */
static void test_report_that_ends(void **state)
{
	struct viewer *v = *state;

	viewer_open(v, 0);
	map_put(v->map, 2, KPAGE_BIT(LRU) | KPAGE_BIT(HWPOISON), 1);
	viewer_press(v, "Right Right r");
	assert_true(viewer_shows(v, "X poisoned 1"));
	viewer_press(v, "Enter k unpoison Enter");
	map_put(v->map, 2, KPAGE_BIT(LRU), 1);
	app_tick(&v->app);
	viewer_press(v, "Esc");
	app_tick(&v->app);
	viewer_settle(v);
	assert_true(viewer_shows(v, "an error    would be"));
	viewer_press(v, "Esc");
	app_tick(&v->app);
	viewer_settle(v);
	assert_false(viewer_shows(v, "X poisoned"));
}

/* In place of page-types: it says how often it was called. */
static void put_owners(const struct viewer *v)
{
	char path[512], script[600];

	snprintf(script, sizeof(script), "#!/bin/sh\necho >> %s/calls\necho owners \"$(wc -l < %s/calls)\"\n",
		 v->map->fx->dir, v->map->fx->dir);
	fixture_text(v->map->fx, "/bin/page-types", script);
	snprintf(path, sizeof(path), "%s/bin/page-types", v->map->fx->dir);
	assert_int_equal(chmod(path, 0755), 0);
}

/* The owners are looked for again when they may be others, and not each time. */
static void test_owners_again(void **state)
{
	const uint64_t once = 1, twice = 2, never = 0;
	struct viewer *v = *state;

	put_owners(v);
	map_put(v->map, 2, KPAGE_BIT(LRU), 1);
	fixture_put(v->map->fx, "/proc/kpagecount", 2, &once, 1);
	viewer_open(v, 0);
	viewer_press(v, "Right Right Enter r PgDn");
	assert_true(viewer_shows(v, "owners 1"));
	fixture_put(v->map->fx, "/proc/kpagecount", 2, &twice, 1);
	viewer_press(v, "r");
	assert_true(viewer_shows(v, "owners 1"));
	map_put(v->map, 2, KPAGE_BIT(LRU) | KPAGE_BIT(HWPOISON), 1);
	viewer_press(v, "r");
	assert_true(viewer_shows(v, "owners 2"));
	fixture_put(v->map->fx, "/proc/kpagecount", 2, &never, 1);
	viewer_press(v, "r");
	assert_true(viewer_shows(v, "owners 3"));
	map_put(v->map, 2, KPAGE_BIT(LRU), 1);
	viewer_press(v, "r");
	assert_true(viewer_shows(v, "owners 4"));
	viewer_press(v, "r");
	assert_true(viewer_shows(v, "owners 4"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		VIEWER_TEST(test_page_of_memory),
		VIEWER_TEST(test_page_of_process),
		VIEWER_TEST(test_page_view),
		VIEWER_TEST(test_refused),
		VIEWER_TEST(test_search_not_over),
		VIEWER_TEST(test_tag_that_moved),
		VIEWER_TEST(test_cursor_that_moved),
		VIEWER_TEST(test_page_that_went),
		VIEWER_TEST(test_process_that_ended),
		VIEWER_TEST(test_absent),
		VIEWER_TEST(test_tag_and_untag),
		VIEWER_TEST(test_elsewhere),
		VIEWER_TEST(test_tags_of_another),
		VIEWER_TEST(test_report_that_runs),
		VIEWER_TEST(test_report_left_at_once),
		VIEWER_TEST(test_report_that_ends),
		VIEWER_TEST(test_owners_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
