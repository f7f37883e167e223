// SPDX-License-Identifier: GPL-2.0-or-later
/* The keys of page-map. */
#include "page-map/keys.h"

#include <locale.h>
#include <string.h>

#include "fixture.h"

/* No key does two things, and no action is listed twice. */
static void test_bound_once(void **state)
{
	size_t n;
	const struct key_binding *table = key_table(&n);

	(void)state;
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(table[i].keys) && table[i].keys[k]; k++)
			/* It finds the first one with that key. */
			assert_int_equal(key_action(table[i].keys[k]), table[i].action);
		for (size_t other = 0; other < i; other++)
			assert_int_not_equal(table[i].action, table[other].action);
	}
}

/* Each action has a key, and words for the help. */
static void test_all_actions(void **state)
{
	size_t n;
	const struct key_binding *table = key_table(&n);

	(void)state;
	assert_int_equal(n, NR_ACTIONS - 1);
	for (size_t i = 0; i < n; i++) {
		assert_int_not_equal(table[i].action, ACTION_NONE);
		assert_int_not_equal(table[i].keys[0], KEY_OF_NONE);
		assert_true(strlen(table[i].names) && strlen(table[i].help));
	}
	assert_int_equal(key_action(KEY_OF_NONE), ACTION_NONE);
	assert_int_equal(key_action(KEY_OF_RESIZE), ACTION_NONE);
	assert_int_equal(key_action('Q'), ACTION_NONE);
}

/* What the help calls a key is what --keys takes for it; a mouse is not typed. */
static void test_names(void **state)
{
	size_t n;
	const struct key_binding *table = key_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const char *text = table[i].names;
		bool in_word = false;

		if (table[i].action == ACTION_CLICK || table[i].action == ACTION_DOUBLE_CLICK)
			continue;
		while (*text)
			assert_int_equal(key_action(key_parse(&text, &in_word)), table[i].action);
	}
}

static void check_parse(const char *text, const int *keys, size_t n)
{
	bool in_word = false;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(key_parse(&text, &in_word), keys[i]);
	assert_int_equal(key_parse(&text, &in_word), KEY_OF_NONE);
	assert_int_equal(key_parse(&text, &in_word), KEY_OF_NONE);
}

#define CHECK_PARSE(text, ...) \
	check_parse(text, (const int[]){ __VA_ARGS__ }, sizeof((int[]){ __VA_ARGS__ }) / sizeof(int))

static void test_parse(void **state)
{
	(void)state;
	check_parse("", NULL, 0);
	check_parse("   ", NULL, 0);
	CHECK_PARSE("Enter", KEY_OF_ENTER);
	CHECK_PARSE(" g  0x1 Enter + ", 'g', '0', 'x', '1', KEY_OF_ENTER, '+');
	CHECK_PARSE("F1 F10 F9", KEY_OF_F1, KEY_OF_F1 + 9, KEY_OF_F1 + 8);
	CHECK_PARSE("PgUp PgDn Home End Up Down Left Right", KEY_OF_PAGE_UP, KEY_OF_PAGE_DOWN,
		    KEY_OF_HOME, KEY_OF_END, KEY_OF_UP, KEY_OF_DOWN, KEY_OF_LEFT, KEY_OF_RIGHT);
	CHECK_PARSE("Tab Esc Backspace Space", KEY_OF_TAB, KEY_OF_ESCAPE, KEY_OF_BACKSPACE, ' ');
	/* A name is a whole word, in its own letters. */
	CHECK_PARSE("Ups", 'U', 'p', 's');
	CHECK_PARSE("up", 'u', 'p');
	CHECK_PARSE("F2", 'F', '2');
	CHECK_PARSE("xUp", 'x', 'U', 'p');
}

/* What is typed is characters, not bytes; what is none is its bytes. */
static void test_parse_utf8(void **state)
{
	(void)state;
	if (!setlocale(LC_ALL, "C.UTF-8"))
		skip();
	CHECK_PARSE("\xc3\xbc Enter", 0xfc, KEY_OF_ENTER);
	CHECK_PARSE("a\xe4\xb8\xad\xf0\x9f\x99\x82", 'a', 0x4e2d, 0x1f642);
	CHECK_PARSE("\xff" "a", 0xff, 'a');
	CHECK_PARSE("\xc3", 0xc3);
	CHECK_PARSE("\xc3 a", 0xc3, 'a');
}

static void check_label(int key, const char *expected)
{
	char label[KEY_LABEL_SIZE];

	key_label(key, label);
	assert_string_equal(label, expected);
}

static void test_labels(void **state)
{
	(void)state;
	check_label('x', "x");
	check_label(' ', "Space");
	check_label(KEY_OF_PAGE_UP, "PgUp");
	check_label(KEY_OF_F1 + 1, "F2");
	check_label(KEY_OF_F12, "F12");
	check_label('K' & 0x1f, "Ctrl-K");
	setlocale(LC_ALL, "C");
	check_label(0x4e2d, "0x4e2d");
	if (setlocale(LC_ALL, "C.UTF-8"))
		check_label(0x4e2d, "\xe4\xb8\xad");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound_once),
		cmocka_unit_test(test_all_actions),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_utf8),
		cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
