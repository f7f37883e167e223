// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger: what is written, what is read back, and what is dropped. */
#include "common/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "fixture.h"
#include "messages.h"

#define LEDGER "/run/hwpoison-tools/ledger"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT "11111111-2222-3333-4444-555555555555"
#define OLD_BOOT "00000000-2222-3333-4444-555555555555"

/* A line as it is in the file, in short. */
#define LINE(event, boot, pfn, rest) \
	"{\"event\":\"" event "\",\"time\":\"T\",\"boot\":\"" boot "\",\"pfn\":" #pfn rest "}\n"
#define POISON(pfn) LINE("poison", BOOT, pfn, ",\"method\":\"debugfs\"")
#define UNPOISON(pfn) LINE("unpoison", BOOT, pfn, "")
#define OLD(pfn) LINE("poison", OLD_BOOT, pfn, "")

static struct rundir *open_rundir(struct fixture *fx, bool lock)
{
	struct rundir *r = NULL;

	fixture_text(fx, BOOT_ID, BOOT "\n");
	assert_int_equal(rundir_open(fx->ctx, &r), EXIT_OK);
	if (lock)
		assert_int_equal(rundir_lock(r), EXIT_OK);
	return r;
}

static struct ledger *open_ledger(struct rundir *r)
{
	struct ledger *l = NULL;

	assert_int_equal(ledger_open(r, &l), EXIT_OK);
	return l;
}

static void expect_file(struct fixture *fx, const char *expected)
{
	char text[4096];

	assert_string_equal(fixture_read(fx, LEDGER, text, sizeof(text)), expected);
}

/* What is handed out, in words: "PFN method …;". */
static int note_entry(const struct ledger_entry *e, void *arg)
{
	char *text = arg;
	size_t len = strlen(text);

	assert_true(len < 900);
	snprintf(text + len, 1000 - len, "%" PRIu64 " %s %s %d %s %s %" PRIx64 " %s %s;", e->pfn,
		 e->time ? e->time : "-", e->method ? e->method : "-", (int)e->pid,
		 e->comm ? e->comm : "-", e->has_address ? "at" : "-", e->address,
		 e->kind ? e->kind : "-", e->tool ? e->tool : "-");
	return 0;
}

static void expect_entries(struct ledger *l, const char *expected)
{
	char text[1000] = "";

	assert_int_equal(ledger_read(l, note_entry, text), 0);
	assert_string_equal(text, expected);
}

/* Only the numbers of the pages. */
static int note_pfn(const struct ledger_entry *e, void *arg)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 1000 - len, "%" PRIu64 " ", e->pfn);
	return 0;
}

static void expect_pfns(struct ledger *l, const char *expected)
{
	char text[1000] = "";

	assert_int_equal(ledger_read(l, note_pfn, text), 0);
	assert_string_equal(text, expected);
}

/* -------------------------------------------------------------------- adding */

static void test_add(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, true);
	struct ledger *l = open_ledger(r);
	struct stat st;

	expect_entries(l, "");
	assert_int_equal(ledger_add(l, &(struct ledger_entry){
		.pfn = 4711, .time = "2024-01-02T03:04:05Z", .method = "debugfs", .pid = 17,
		.comm = "a \"b\"\n", .has_address = true, .address = 0x7ffffffff000,
		.kind = "anon", .tool = "hwpoison-inject" }), 0);
	expect_file(fx, "{\"event\":\"poison\",\"time\":\"2024-01-02T03:04:05Z\",\"boot\":\"" BOOT "\","
		    "\"pfn\":4711,\"method\":\"debugfs\",\"pid\":17,\"comm\":\"a \\\"b\\\"\\n\","
		    "\"address\":\"0x7ffffffff000\",\"kind\":\"anon\",\"tool\":\"hwpoison-inject\"}\n");
	expect_entries(l, "4711 2024-01-02T03:04:05Z debugfs 17 a \"b\"\n at 7ffffffff000 anon "
			  "hwpoison-inject;");
	assert_int_equal(stat(fixture_path(fx, LEDGER), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	ledger_free(l);
	ledger_free(NULL);
	rundir_free(r);
}

/* What is not known is null, not a guess. */
static void test_add_little(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, true);
	struct ledger *l = open_ledger(r);

	assert_int_equal(ledger_add(l, &(struct ledger_entry){
		.pfn = UINT64_MAX, .time = "T", .tool = "t" }), 0);
	expect_file(fx, "{\"event\":\"poison\",\"time\":\"T\",\"boot\":\"" BOOT "\","
		    "\"pfn\":18446744073709551615,\"method\":null,\"pid\":null,\"comm\":null,"
		    "\"address\":null,\"kind\":null,\"tool\":\"t\"}\n");
	expect_entries(l, "18446744073709551615 T - 0 - - 0 - t;");
	ledger_free(l);
	rundir_free(r);
}

static int check_defaults(const struct ledger_entry *e, void *arg)
{
	int end = 0;

	(void)arg;
	assert_string_equal(e->tool, program_invocation_short_name);
	assert_int_equal(sscanf(e->time, "%*4d-%*2d-%*2dT%*2d:%*2d:%*2dZ%n", &end), 0);
	assert_int_equal(end, 20);
	return 7;
}

static void test_add_defaults(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, true);
	struct ledger *l = open_ledger(r);

	assert_int_equal(ledger_add(l, &(struct ledger_entry){ .pfn = 1 }), 0);
	assert_int_equal(ledger_read(l, check_defaults, NULL), 7);
	ledger_free(l);
	rundir_free(r);
}

static void test_add_needs_the_lock(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, false);
	struct ledger *l;

	fixture_text(fx, LEDGER, OLD(1) POISON(2) "{");
	l = open_ledger(r);
	assert_int_equal(ledger_add(l, &(struct ledger_entry){ .pfn = 3 }), -ENOLCK);
	assert_int_equal(ledger_add_unpoison(l, 2), -ENOLCK);
	expect_file(fx, OLD(1) POISON(2) "{");
	ledger_free(l);
	rundir_free(r);
}

/* A disk that is full takes no half of a line. */
static void test_add_does_not_fit(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, true);
	struct rlimit old, small;
	struct ledger *l;

	fixture_text(fx, LEDGER, POISON(1));
	l = open_ledger(r);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = strlen(POISON(1)) + 10;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(ledger_add(l, &(struct ledger_entry){ .pfn = 2 }), -ENOSPC);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	expect_file(fx, POISON(1));
	assert_int_equal(ledger_add(l, &(struct ledger_entry){ .pfn = 3 }), 0);
	expect_pfns(l, "1 3 ");
	ledger_free(l);
	rundir_free(r);
}

/* ------------------------------------------------------------------- reading */

static void test_latest(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, true);
	struct ledger *l = open_ledger(r);

	for (uint64_t pfn = 9; pfn >= 5; pfn--)
		assert_int_equal(ledger_add(l, &(struct ledger_entry){
			.pfn = pfn, .time = "T", .method = "first", .tool = "t" }), 0);
	assert_int_equal(ledger_add_unpoison(l, 6), 0);
	assert_int_equal(ledger_add_unpoison(l, 7), 0);
	assert_int_equal(ledger_add_unpoison(l, 100), 0);
	for (uint64_t pfn = 7; pfn <= 8; pfn++)
		assert_int_equal(ledger_add(l, &(struct ledger_entry){
			.pfn = pfn, .time = "T", .method = "second", .tool = "t" }), 0);
	expect_entries(l, "5 T first 0 - - 0 - t;7 T second 0 - - 0 - t;8 T second 0 - - 0 - t;"
			  "9 T first 0 - - 0 - t;");
	ledger_free(l);
	rundir_free(r);
}

static void test_other_boots(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, false);
	struct ledger *l;

	fixture_text(fx, LEDGER, OLD(1) POISON(2) OLD(2) OLD(3) POISON(4) UNPOISON(4));
	l = open_ledger(r);
	expect_pfns(l, "2 ");
	expect_file(fx, OLD(1) POISON(2) OLD(2) OLD(3) POISON(4) UNPOISON(4));
	ledger_free(l);

	assert_int_equal(rundir_lock(r), EXIT_OK);
	l = open_ledger(r);
	expect_pfns(l, "2 ");
	expect_file(fx, POISON(2) POISON(4) UNPOISON(4));
	assert_int_equal(ledger_add_unpoison(l, 2), 0);
	expect_pfns(l, "");
	ledger_free(l);
	rundir_free(r);
}

/* Pages 100 … 99 + n were poisoned and unpoisoned. */
static void append_history(struct fixture *fx, unsigned int n)
{
	char line[200];

	for (unsigned int i = 0; i < 2 * n; i++) {
		snprintf(line, sizeof(line),
			 "{\"event\":\"%s\",\"time\":\"T\",\"boot\":\"" BOOT "\",\"pfn\":%u}\n",
			 i < n ? "poison" : "unpoison", 100 + i % n);
		fixture_append(fx, LEDGER, line);
	}
}

static void test_history(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, true);
	struct ledger *l;
	struct stat st;
	off_t size;

	/* Short enough: kept to the byte. */
	fixture_text(fx, LEDGER, POISON(1));
	append_history(fx, LEDGER_HISTORY / 2);
	assert_int_equal(stat(fixture_path(fx, LEDGER), &st), 0);
	size = st.st_size;
	l = open_ledger(r);
	assert_int_equal(stat(fixture_path(fx, LEDGER), &st), 0);
	assert_int_equal(st.st_size, size);

	/* One more: what is left is what is poisoned, in the order in which it was. */
	fixture_append(fx, LEDGER, POISON(101) POISON(5) POISON(3) POISON(5));
	assert_int_equal(ledger_add_unpoison(l, 3), 0);
	ledger_free(l);
	expect_file(fx, POISON(1) POISON(101) POISON(5) POISON(5));

	/* Not at the end of a run that unpoisoned nothing, but at the next start. */
	fixture_text(fx, LEDGER, POISON(1));
	l = open_ledger(r);
	append_history(fx, LEDGER_HISTORY);
	ledger_free(l);
	assert_int_equal(stat(fixture_path(fx, LEDGER), &st), 0);
	assert_true(st.st_size > size);
	l = open_ledger(r);
	expect_file(fx, POISON(1));
	ledger_free(l);
	rundir_free(r);
}

/* A run that was killed while it wrote. */
static void test_cut_off(void **state)
{
	static const char *const ends[] = { "{\"event\":\"poi", "{", "{}", "\"" };
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, false);
	char said[MESSAGES_SIZE], text[1000];
	struct ledger *l = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		fixture_text(fx, LEDGER, POISON(1) POISON(2));
		fixture_append(fx, LEDGER, ends[i]);
		l = open_ledger(r);
		text[0] = '\0';
		assert_int_equal(HEAR(said, ledger_read(l, note_pfn, text)), 0);
		assert_string_equal(text, "1 2 ");
		assert_non_null(strstr(said, ": " LEDGER ": line 3: broken, passed over\n"));
		ledger_free(l);

		assert_int_equal(rundir_lock(r), EXIT_OK);
		assert_int_equal(HEAR(said, ledger_open(r, &l)), EXIT_OK);
		assert_non_null(strstr(said, ": " LEDGER ": line 3: broken, passed over\n"));
		expect_file(fx, POISON(1) POISON(2));
		expect_pfns(l, "1 2 ");
		ledger_free(l);
		rundir_unlock(r);
	}
	rundir_free(r);
}

static void test_broken_lines(void **state)
{
	static const char *const lines[] = {
		"\n", "x\n", "[]\n", "7\n", "null\n", "{}\n",
		"{\"event\":\"poison\",\"boot\":\"" BOOT "\",\"pfn\":-1}\n",
		"{\"event\":\"poison\",\"boot\":\"" BOOT "\",\"pfn\":\"3\"}\n",
		"{\"event\":\"poison\",\"boot\":\"" BOOT "\"}\n",
		"{\"event\":\"poison\",\"pfn\":3}\n",
		"{\"event\":\"eaten\",\"boot\":\"" BOOT "\",\"pfn\":3}\n",
		"{\"event\":\"poison\",\"boot\":\"" BOOT "\",\"pfn\":3} 4\n",
		"{\"event\":\"poison\",\"boot\":\"" BOOT "\",\"pfn\":3}{}\n",
	};
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, false);
	char said[MESSAGES_SIZE], text[1000];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct ledger *l = open_ledger(r);

		fixture_text(fx, LEDGER, POISON(1));
		fixture_append(fx, LEDGER, lines[i]);
		fixture_append(fx, LEDGER, POISON(2));
		text[0] = '\0';
		assert_int_equal(HEAR(said, ledger_read(l, note_pfn, text)), 0);
		assert_string_equal(text, "1 2 ");
		assert_non_null(strstr(said, ": line 2: broken, passed over\n"));
		ledger_free(l);
	}
	rundir_free(r);
}

/* What another version may have left out, or made of another type. */
static void test_strange_fields(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, false);
	struct ledger *l = open_ledger(r);

	fixture_text(fx, LEDGER,
		     "{\"event\":\"poison\",\"boot\":\"" BOOT "\",\"pfn\":1}\n"
		     "{\"event\":\"poison\",\"boot\":\"" BOOT "\",\"pfn\":2,\"time\":5,\"pid\":-3,"
		     "\"address\":\"x\",\"comm\":[],\"more\":{\"a\":1}}\n"
		     "{\"event\":\"poison\",\"boot\":\"" BOOT "\",\"pfn\":3,\"pid\":99999999999,"
		     "\"address\":\"0x10\"}\n");
	expect_entries(l, "1 - - 0 - - 0 - -;2 - - 0 - - 0 - -;3 - - 0 - at 10 - -;");
	ledger_free(l);
	rundir_free(r);
}

/* ------------------------------------------------------------------ searching */

static int note_and_stop(const struct ledger_entry *e, void *arg)
{
	note_pfn(e, arg);
	return 7;
}

static void expect_found(struct ledger *l, struct ledger_query query, const char *expected)
{
	char text[1000] = "";

	assert_int_equal(ledger_search(l, &query, note_entry, text), 0);
	assert_string_equal(text, expected);
}

static void test_search(void **state)
{
	struct rundir *r = open_rundir(*state, false);
	struct ledger *l = open_ledger(r);
	char text[1000] = "";

	expect_found(l, (struct ledger_query){ .pid = 17 }, "");
	/* Also what was unpoisoned since; not what is of another boot, is broken, or is
	 * about another page. */
	fixture_text(*state, LEDGER,
		     LINE("poison", BOOT, 5, ",\"pid\":17,\"method\":\"debugfs\"")
		     LINE("poison", OLD_BOOT, 5, ",\"pid\":17")
		     UNPOISON(5)
		     LINE("poison", BOOT, 17, ",\"pid\":5")
		     "{\"pfn\":5,\n"
		     LINE("poison", BOOT, 5, ",\"pid\":18")
		     LINE("poison", BOOT, 55, ",\"pid\":17,\"address\":\"0x1000\"")
		     "{\"event\":\"poison\",\"boot\":\"" BOOT "\",\"pfn\":5,\"pid\":17");
	expect_found(l, (struct ledger_query){ .has_pfn = true, .pfn = 5 },
		     "5 T debugfs 17 - - 0 - -;5 T - 18 - - 0 - -;");
	expect_found(l, (struct ledger_query){ .pid = 17 },
		     "5 T debugfs 17 - - 0 - -;55 T - 17 - at 1000 - -;");
	expect_found(l, (struct ledger_query){ .has_pfn = true, .pfn = 5, .pid = 18 },
		     "5 T - 18 - - 0 - -;");
	expect_found(l, (struct ledger_query){ .has_pfn = true }, "");
	assert_int_equal(ledger_search(l, &(struct ledger_query){ 0 }, note_and_stop, text), 7);
	assert_string_equal(text, "5 ");
	ledger_free(l);
	rundir_free(r);
}

static void test_link(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx, true);
	char said[MESSAGES_SIZE];
	struct ledger *l = NULL;

	fixture_text(fx, "/elsewhere", OLD(1));
	fixture_symlink(fx, "../../elsewhere", LEDGER);
	assert_int_equal(HEAR(said, ledger_open(r, &l)), EXIT_FAILED);
	assert_non_null(strstr(said, ": " LEDGER ": "));
	assert_null(l);
	rundir_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_add),
		TREE_TEST(test_add_little),
		TREE_TEST(test_add_defaults),
		TREE_TEST(test_add_needs_the_lock),
		TREE_TEST(test_add_does_not_fit),
		TREE_TEST(test_latest),
		TREE_TEST(test_other_boots),
		TREE_TEST(test_history),
		TREE_TEST(test_cut_off),
		TREE_TEST(test_broken_lines),
		TREE_TEST(test_strange_fields),
		TREE_TEST(test_search),
		TREE_TEST(test_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
