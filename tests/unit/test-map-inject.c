// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages that are tagged and poisoned from a map: just those that were chosen. */
#include "page-map/app.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "map.h"

#define PID 17
#define START UINT64_C(1024)	/* page of its mapping */

static const uint64_t entries[] = { KPAGE_PM_PRESENT | 5, KPAGE_PM_PRESENT | 6,
				    KPAGE_PM_SWAP | 9 << 5, KPAGE_PM_PRESENT | 7 };

struct viewer {
	struct map *map;
	struct app app;
	struct frame frame;
};

/* "stat" of a process that has begun then. */
static void put_started(const struct map *map, unsigned int started)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "%d (victim) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %u 0 0\n", PID, started);
	fixture_text(map->fx, "/proc/17/stat", text);
}

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

static int viewer_setup(void **state)
{
	struct viewer *v = calloc(1, sizeof(*v));
	void *map = NULL;

	if (!v || map_setup(&map)) {
		free(v);
		return -1;
	}
	v->map = map;
	map_put(v->map, 0, KPAGE_BIT(LRU), 16);
	fixture_task(v->map->fx, PID);
	put_started(v->map, 100);
	fixture_vma(v->map->fx, PID, START, entries, ARRAY_SIZE(entries));
	put_injector(v->map, "#!/bin/sh\necho \"called with: $*\"\n");
	*state = v;
	return 0;
}

static int viewer_teardown(void **state)
{
	struct viewer *v = *state;
	void *map = v->map;

	app_close(&v->app);
	frame_release(&v->frame);
	free(v);
	return map_teardown(&map);
}
#define VIEWER_TEST(test) cmocka_unit_test_setup_teardown(test, viewer_setup, viewer_teardown)

/* All that was asked for is done, and shown. */
static void settle(struct viewer *v)
{
	while (app_work(&v->app, 0))
		;
	app_draw(&v->app, &v->frame);
}

/* pid 0: the machine. */
static void open_viewer(struct viewer *v, pid_t pid)
{
	v->app.pid = pid;
	v->app.settings.scheme = scheme_find("kind");
	v->app.settings.letters = true;
	v->app.settings.allow_inject = true;
	frame_init(&v->frame, MIN_WIDTH, MIN_HEIGHT);
	app_resize(&v->app, MIN_WIDTH, MIN_HEIGHT);
	assert_int_equal(app_open(&v->app, v->map->fx->dir, NULL), EXIT_OK);
	settle(v);
}

/* As --keys. */
static void press(struct viewer *v, const char *keys)
{
	bool in_word = false;
	int key;

	while ((key = key_parse(&keys, &in_word)) != KEY_OF_NONE) {
		app_key(&v->app, key);
		settle(v);
	}
}

static void line_of(const struct viewer *v, int y, char out[MIN_WIDTH + 1])
{
	for (int x = 0; x < MIN_WIDTH; x++)
		out[x] = (char)frame_at(&v->frame, x, y)->ch;
	out[MIN_WIDTH] = '\0';
	for (size_t n = MIN_WIDTH; n && out[n - 1] == ' '; n--)
		out[n - 1] = '\0';
}

static bool shows(const struct viewer *v, const char *text)
{
	char line[MIN_WIDTH + 1];

	for (int y = 0; y < MIN_HEIGHT; y++) {
		line_of(v, y, line);
		if (strstr(line, text))
			return true;
	}
	return false;
}

/* Bad news, and that on the line for messages. */
static void check_alert(const struct viewer *v, const char *text)
{
	char line[MIN_WIDTH + 1];

	assert_true(v->app.alert);
	line_of(v, MIN_HEIGHT - 2, line);
	assert_string_equal(line, text);
	assert_false(shows(v, "called with"));
}

static void check_question(const struct viewer *v, const char *what)
{
	char line[MIN_WIDTH + 1], expected[MIN_WIDTH + 1];

	assert_int_equal(v->app.prompt.question, ACTION_ACT);
	line_of(v, MIN_HEIGHT - 2, line);
	snprintf(expected, sizeof(expected), "%s: type \"poison\" or \"unpoison\":", what);
	assert_string_equal(line, expected);
}

/* The answer, and what hwpoison-inject was called with. */
static void check_call(struct viewer *v, const char *word, const char *arguments)
{
	char keys[64], expected[MIN_WIDTH + 1];

	snprintf(keys, sizeof(keys), "%s Enter", word);
	press(v, keys);
	assert_false(v->app.alert);
	snprintf(expected, sizeof(expected), "called with: %s", arguments);
	assert_true(shows(v, expected));
	press(v, "Esc");
}

/* ------------------------------------------------------------------- what is called */

static void test_page_of_memory(void **state)
{
	struct viewer *v = *state;

	open_viewer(v, 0);
	press(v, "Right Right k");
	check_question(v, "the page at the cursor (PFN 0x2)");
	check_call(v, "poison", "--pfn 0x2");
	press(v, "k");
	check_call(v, "unpoison", "--unpoison 0x2");
	press(v, "Space Right Space k");
	check_question(v, "2 tagged pages");
	check_call(v, "poison", "--pfn 0x2,0x4");
}

/* A page of a process is poisoned by its address, and unpoisoned by its PFN. */
static void test_page_of_process(void **state)
{
	struct viewer *v = *state;
	char expected[64];

	open_viewer(v, PID);
	press(v, "Tab k");
	check_question(v, "the page at the cursor of process 17 (PFN 0x5)");
	snprintf(expected, sizeof(expected), "--pid 17 --vaddr 0x%" PRIx64, START * kpage_page_size());
	check_call(v, "poison", expected);
	press(v, "k");
	check_call(v, "unpoison", "--unpoison 0x5");
	press(v, "Space Space k");
	check_question(v, "2 tagged pages of process 17");
	check_call(v, "unpoison", "--unpoison 0x5,0x6");
}

/* The view of a page, that of PFN 0 among them. */
static void test_page_view(void **state)
{
	struct viewer *v = *state;

	open_viewer(v, 0);
	press(v, "Enter k");
	check_question(v, "this page (PFN 0x0)");
	check_call(v, "poison", "--pfn 0x0");
	press(v, "Space Esc");
	assert_int_equal(v->app.nr_tags, 1);
	assert_true(shows(v, ", 1 tagged"));
}

static void test_refused(void **state)
{
	struct viewer *v = *state;

	open_viewer(v, 0);
	press(v, "k yes Enter");
	check_alert(v, "neither \"poison\" nor \"unpoison\" was typed: nothing is done");
	v->app.settings.allow_inject = false;
	press(v, "k");
	check_alert(v, "only with --allow-inject");
	assert_int_equal(v->app.prompt.question, ACTION_NONE);
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

	open_viewer(v, PID);
	press(v, "Tab Space Space");
	move_page(v);
	press(v, "k poison Enter");
	check_moved(v);
	press(v, "k unpoison Enter");
	check_moved(v);
}

/* While the word is typed. */
static void test_cursor_that_moved(void **state)
{
	struct viewer *v = *state;

	open_viewer(v, PID);
	press(v, "Tab k poison");
	move_page(v);
	press(v, "Enter");
	check_moved(v);
	/* In the view of the page. */
	press(v, "Enter k poison");
	fixture_put(v->map->fx, "/proc/17/pagemap", START, entries, 1);
	press(v, "Enter");
	check_moved(v);
}

static void test_page_that_went(void **state)
{
	const uint64_t none = 0;
	struct viewer *v = *state;

	open_viewer(v, PID);
	press(v, "Tab k poison");
	fixture_put(v->map->fx, "/proc/17/pagemap", START, &none, 1);
	press(v, "Enter");
	check_moved(v);
}

/* Another process has its number, and the very same page. */
static void test_process_that_ended(void **state)
{
	struct viewer *v = *state;

	open_viewer(v, PID);
	press(v, "Tab Space Left k poison");
	put_started(v->map, 101);
	press(v, "Enter");
	check_alert(v, "process 17 has ended: nothing is done");
	press(v, "k poison");
	fixture_remove(v->map->fx, "/proc/17/stat");
	press(v, "Enter");
	check_alert(v, "process 17 has ended: nothing is done");
}

/* ------------------------------------------------------------------------- tags */

static void test_absent(void **state)
{
	struct viewer *v = *state;

	open_viewer(v, PID);
	press(v, "Tab Right Right Space");
	check_alert(v, "there is no page here");
	press(v, "k");
	check_alert(v, "there is no page here");
	press(v, "Enter Space");
	check_alert(v, "there is no page here");
	press(v, "k");
	check_alert(v, "there is no page here");
	assert_int_equal(v->app.nr_tags, 0);
}

static void test_tag_and_untag(void **state)
{
	struct viewer *v = *state;

	open_viewer(v, PID);
	press(v, "Tab Space Space Home Space");
	assert_int_equal(v->app.nr_tags, 1);
	assert_int_equal(v->app.tags[0].pfn, 6);
	assert_int_equal(v->app.tags[0].started, 100);
	assert_true(frame_at(&v->frame, 16, 2)->marks & MARK_TAGGED);
	assert_false(frame_at(&v->frame, 15, 2)->marks & MARK_TAGGED);
	press(v, "U");
	assert_int_equal(v->app.nr_tags, 0);
	assert_false(shows(v, "tagged"));
}

/* Tags of memory are none of a process: neither is taken for the other. */
static void test_elsewhere(void **state)
{
	struct viewer *v = *state;

	open_viewer(v, 0);
	press(v, "Space Space");
	assert_true(shows(v, ", 2 tagged"));
	press(v, "Tab Tab Enter Enter");
	assert_true(shows(v, ", 2 tagged elsewhere"));
	press(v, "k");
	check_question(v, "the page at the cursor of process 17 (PFN 0x5)");
	press(v, "Esc Space");
	assert_true(shows(v, ", 1 tagged, 2 tagged elsewhere"));
	press(v, "k");
	check_question(v, "1 tagged page of process 17");
	press(v, "Esc Esc Esc Tab k");
	assert_true(shows(v, ", 2 tagged, 1 tagged elsewhere"));
	check_question(v, "2 tagged pages");
}

/* A process that has taken the number has none of the tags. */
static void test_tags_of_another(void **state)
{
	struct viewer *v = *state;

	open_viewer(v, 0);
	press(v, "Tab Tab Enter Enter Space Esc");
	put_started(v->map, 101);
	press(v, "Enter");
	assert_true(shows(v, ", 1 tagged elsewhere"));
	assert_false(frame_at(&v->frame, 15, 2)->marks & MARK_TAGGED);
}

/* ----------------------------------------------------------------------- report */

/* It is not left by the way: what it tells of is being done. */
static void test_report_that_runs(void **state)
{
	struct viewer *v = *state;

	put_injector(v->map, "#!/bin/sh\nexec sleep 1000\n");
	open_viewer(v, 0);
	press(v, "k");
	for (const char *c = "poison"; *c; c++)
		app_key(&v->app, *c);
	app_key(&v->app, KEY_OF_ENTER);
	assert_int_equal(v->app.nr_views, 2);
	app_key(&v->app, KEY_OF_TAB);
	assert_int_equal(v->app.nr_views, 2);
	assert_string_equal(v->app.status, "it still runs: again, and it is asked to end");
	app_key(&v->app, 'q');
	assert_false(v->app.quit);
	assert_string_equal(v->app.status, "it was asked to end: wait for it");
	settle(v);
	press(v, "q");
	assert_true(v->app.quit);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		VIEWER_TEST(test_page_of_memory),
		VIEWER_TEST(test_page_of_process),
		VIEWER_TEST(test_page_view),
		VIEWER_TEST(test_refused),
		VIEWER_TEST(test_tag_that_moved),
		VIEWER_TEST(test_cursor_that_moved),
		VIEWER_TEST(test_page_that_went),
		VIEWER_TEST(test_process_that_ended),
		VIEWER_TEST(test_absent),
		VIEWER_TEST(test_tag_and_untag),
		VIEWER_TEST(test_elsewhere),
		VIEWER_TEST(test_tags_of_another),
		VIEWER_TEST(test_report_that_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
