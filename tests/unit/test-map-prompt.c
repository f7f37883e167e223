// SPDX-License-Identifier: GPL-2.0-or-later
/* A question on the bottom line. */
#include "page-map/prompt.h"

#include <locale.h>
#include <string.h>

#include "fixture.h"

#define CTRL_U 21
#define CTRL_H 8

static void type(struct prompt *p, const int *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(prompt_key(p, keys[i]), PROMPT_GOES_ON);
}

#define TYPE(p, ...) type(p, (const int[]){ __VA_ARGS__ }, sizeof((int[]){ __VA_ARGS__ }) / sizeof(int))

static void test_answer(void **state)
{
	struct prompt p;

	(void)state;
	prompt_ask(&p, ACTION_GOTO, "Go to");
	assert_int_equal(p.question, ACTION_GOTO);
	assert_string_equal(p.text, "");
	/* A letter is a letter here, whatever it does elsewhere. */
	TYPE(&p, '0', 'x', 'q', ' ', '?');
	assert_string_equal(p.text, "0xq ?");
	assert_int_equal(prompt_key(&p, KEY_OF_ENTER), PROMPT_ANSWERED);
	assert_string_equal(p.text, "0xq ?");
	/* The next question begins with nothing. */
	prompt_ask(&p, ACTION_SEARCH, "Search");
	assert_string_equal(p.text, "");
	assert_int_equal(prompt_key(&p, KEY_OF_ENTER), PROMPT_ANSWERED);
	assert_int_equal(prompt_key(&p, KEY_OF_ESCAPE), PROMPT_LEFT);
}

static void test_erase(void **state)
{
	struct prompt p;

	(void)state;
	if (!setlocale(LC_ALL, "C.UTF-8"))
		skip();
	prompt_ask(&p, ACTION_GOTO, "Go to");
	TYPE(&p, 'a', 0xfc, 0x4e2d, 0x1f642);
	assert_string_equal(p.text, "a\xc3\xbc\xe4\xb8\xad\xf0\x9f\x99\x82");
	TYPE(&p, KEY_OF_BACKSPACE);
	assert_string_equal(p.text, "a\xc3\xbc\xe4\xb8\xad");
	TYPE(&p, CTRL_H);
	assert_string_equal(p.text, "a\xc3\xbc");
	TYPE(&p, KEY_OF_BACKSPACE, KEY_OF_BACKSPACE, KEY_OF_BACKSPACE);
	assert_string_equal(p.text, "");
	TYPE(&p, 'a', 'b', CTRL_U, 'c');
	assert_string_equal(p.text, "c");
}

/* Keys that are no text, and what the locale has no bytes for, add nothing. */
static void test_no_text(void **state)
{
	struct prompt p;

	(void)state;
	prompt_ask(&p, ACTION_GOTO, "Go to");
	TYPE(&p, KEY_OF_UP, KEY_OF_F1, KEY_OF_TAB, KEY_OF_CLICK, KEY_OF_RESIZE, 1, 0xd800);
	assert_string_equal(p.text, "");
	assert_non_null(setlocale(LC_ALL, "C"));
	TYPE(&p, 0x4e2d, 'a');
	assert_string_equal(p.text, "a");
}

static void test_long(void **state)
{
	struct prompt p;

	(void)state;
	prompt_ask(&p, ACTION_GOTO, "Go to");
	for (size_t i = 0; i < 2 * sizeof(p.text); i++)
		TYPE(&p, 'a');
	assert_int_equal(strlen(p.text), sizeof(p.text) - 1);
	assert_int_equal(p.len, sizeof(p.text) - 1);
	TYPE(&p, KEY_OF_BACKSPACE, 'b');
	assert_int_equal(p.text[sizeof(p.text) - 2], 'b');
}

static char line_at(const struct frame *f, int x)
{
	return (char)frame_at(f, x, 0)->ch;
}

/* The cursor is behind what was typed; of much, the end is shown. */
static void test_draw(void **state)
{
	struct frame f = { 0 };
	struct prompt p;

	(void)state;
	frame_init(&f, 20, 1);
	prompt_ask(&p, ACTION_GOTO, "Go to");
	TYPE(&p, 'x', 'y');
	prompt_draw(&p, &f, 0);
	assert_int_equal(line_at(&f, 0), 'G');
	assert_int_equal(line_at(&f, 6), ' ');
	assert_int_equal(line_at(&f, 7), 'x');
	assert_int_equal(line_at(&f, 8), 'y');
	assert_int_equal(frame_at(&f, 9, 0)->marks, MARK_CURSOR);
	for (int c = 'a'; c <= 'z'; c++)
		TYPE(&p, c);
	frame_clear(&f);
	prompt_draw(&p, &f, 0);
	assert_int_equal(line_at(&f, 18), 'z');
	assert_int_equal(line_at(&f, 7), 'o');
	assert_int_equal(frame_at(&f, 19, 0)->marks, MARK_CURSOR);
	frame_release(&f);
}

/* Not as many bytes, but as many places as there are. */
static void test_draw_wide(void **state)
{
	struct frame f = { 0 };
	struct prompt p;

	(void)state;
	if (!setlocale(LC_ALL, "C.UTF-8"))
		skip();
	frame_init(&f, 20, 1);
	prompt_ask(&p, ACTION_GOTO, "Go to");
	for (int i = 0; i < 11; i++)
		TYPE(&p, 0xfc);
	prompt_draw(&p, &f, 0);
	assert_int_equal(frame_at(&f, 7, 0)->ch, 0xfc);
	assert_int_equal(frame_at(&f, 17, 0)->ch, 0xfc);
	assert_int_equal(frame_at(&f, 18, 0)->marks, MARK_CURSOR);
	frame_release(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_erase),
		cmocka_unit_test(test_no_text),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_draw),
		cmocka_unit_test(test_draw_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
