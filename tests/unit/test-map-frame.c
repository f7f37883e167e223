// SPDX-License-Identifier: GPL-2.0-or-later
/* What is on the screen: texts of any kind, and cells. */
#include "page-map/frame.h"

#include <locale.h>
#include <string.h>

#include "page-map/print.h"
#include "fixture.h"

#define WIDTH 12

static struct frame new_frame(bool ascii)
{
	struct frame f = { .ascii = ascii };

	frame_init(&f, WIDTH, 2);
	return f;
}

/* The first line, as it is printed. */
static char *printed(const struct frame *f)
{
	static char line[256];
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	frame_print(f, to);
	assert_int_equal(fclose(to), 0);
	assert_true(size < sizeof(line));
	memcpy(line, text, size + 1);
	free(text);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static void check_text(bool ascii, int width, const char *text, int end, const char *expected)
{
	struct frame f = new_frame(ascii);

	assert_int_equal(frame_text(&f, 1, 0, width, STYLE_NORMAL, text), end);
	assert_string_equal(printed(&f), expected);
	frame_release(&f);
}

static void need_utf8(void)
{
	if (!setlocale(LC_ALL, "C.UTF-8"))
		skip();
}

static void test_text(void **state)
{
	(void)state;
	need_utf8();
	check_text(false, 9, "", 1, "");
	check_text(false, 9, "abc", 4, " abc");
	check_text(false, 2, "abc", 3, " ab");
	check_text(false, 0, "abc", 1, "");
	check_text(false, -3, "abc", 1, "");
	check_text(false, 99, "abcdefghijklmnop", WIDTH, " abcdefghijk");
	check_text(false, 9, "a\tb\n\033[1mc", 10, " a?b??[1mc");
	check_text(false, 9, "\x7f", 2, " ?");
}

static void test_utf8(void **state)
{
	(void)state;
	need_utf8();
	check_text(false, 3, "\xc3\xbc\xc3\xb6\xc3\xa4\xc3\x9f", 4, " \xc3\xbc\xc3\xb6\xc3\xa4");
	/* Two places each; half of one is not shown. */
	check_text(false, 4, "\xe4\xb8\xad\xe6\x96\x87", 5, " \xe4\xb8\xad\xe6\x96\x87");
	check_text(false, 3, "\xe4\xb8\xad\xe6\x96\x87", 3, " \xe4\xb8\xad");
	check_text(false, 1, "\xe4\xb8\xad", 1, "");
	/* No place: an accent that goes onto the letter before. */
	check_text(false, 9, "e\xcc\x81x", 3, " ex");
	/* A control character of the upper half. */
	check_text(false, 9, "a\xc2\x9bz", 4, " a?z");
}

static void test_broken(void **state)
{
	(void)state;
	need_utf8();
	check_text(false, 9, "a\xff\xfe" "b", 5, " a??b");
	check_text(false, 9, "\xc3", 2, " ?");
	check_text(false, 9, "\xe4\xb8", 3, " ??");
	check_text(false, 9, "\xc3(", 3, " ?(");
	/* Too long a form, a surrogate. */
	check_text(false, 9, "\xc0\xaf", 3, " ??");
	check_text(false, 9, "\xed\xa0\x80", 4, " ???");
}

static void test_ascii(void **state)
{
	(void)state;
	need_utf8();
	check_text(true, 9, "a\xc3\xbc\xe4\xb8\xad~", 5, " a??~");
	assert_non_null(setlocale(LC_ALL, "C"));
	check_text(true, 9, "a\xc3\xbcz", 5, " a??z");
}

/* What is written over half of a wide character leaves no other half. */
static void test_over_wide(void **state)
{
	struct frame f = new_frame(false);

	(void)state;
	need_utf8();
	frame_text(&f, 0, 0, WIDTH, STYLE_NORMAL, "a\xe4\xb8\xad" "b\xe6\x96\x87" "c");
	assert_int_equal(frame_at(&f, 1, 0)->ch, 0x4e2d);
	assert_int_equal(frame_at(&f, 2, 0)->ch, 0);
	frame_text(&f, 2, 0, 1, STYLE_NORMAL, "|");
	frame_text(&f, 4, 0, 1, STYLE_NORMAL, "|");
	assert_string_equal(printed(&f), "a |b| c");
	frame_release(&f);
}

static void test_places(void **state)
{
	struct frame f = new_frame(false);

	(void)state;
	assert_null(frame_at(&f, -1, 0));
	assert_null(frame_at(&f, 0, -1));
	assert_null(frame_at(&f, WIDTH, 0));
	assert_null(frame_at(&f, 0, 2));
	frame_text(&f, 0, 7, WIDTH, STYLE_NORMAL, "far below");
	frame_text(&f, -2, 0, WIDTH, STYLE_NORMAL, "abc");
	frame_mark(&f, -5, 0, 50, MARK_CHANGED);
	frame_mark(&f, 0, 9, 5, MARK_CHANGED);
	frame_cell(&f, WIDTH, 0, STYLE_HUE, 'a', 8);
	assert_string_equal(printed(&f), "c");
	assert_int_equal(frame_at(&f, 0, 0)->marks, MARK_CHANGED);
	assert_int_equal(frame_at(&f, WIDTH - 1, 0)->marks, MARK_CHANGED);
	assert_int_equal(frame_at(&f, 0, 1)->marks, 0);
	frame_release(&f);
}

/* ------------------------------------------------------------------------- cells */

static uint32_t cell(bool letters, bool ascii, enum style style, char letter, unsigned int fill)
{
	struct frame f = new_frame(ascii);
	uint32_t ch;

	f.letters = letters;
	frame_cell(&f, 3, 1, style, letter, fill);
	ch = frame_at(&f, 3, 1)->ch;
	assert_int_equal(frame_at(&f, 3, 1)->style, style);
	assert_int_not_equal(frame_at(&f, 3, 1)->fill, 0);
	frame_release(&f);
	return ch;
}

static void test_cells(void **state)
{
	/* From pale to full. */
	static const uint32_t shades[] = { 0x2591, 0x2591, 0x2592, 0x2592, 0x2593, 0x2593, 0x2588, 0x2588 };

	(void)state;
	assert_int_equal(cell(true, false, STYLE_HUE, 'a', 8), 'A');
	assert_int_equal(cell(true, false, STYLE_HUE, 'a', 2), 'a');
	assert_int_equal(cell(true, false, STYLE_HUE, 'B', 1), 'b');
	assert_int_equal(cell(true, false, STYLE_HUE, '-', 1), '-');
	for (unsigned int fill = 1; fill <= ARRAY_SIZE(shades); fill++)
		assert_int_equal(cell(false, false, STYLE_HUE, 'a', fill), shades[fill - 1]);
}

/* A letter, and a capital, in any case. */
static void test_poison(void **state)
{
	(void)state;
	for (unsigned int fill = 1; fill <= 8; fill++) {
		assert_int_equal(cell(false, false, STYLE_POISON, 'X', fill), 'X');
		assert_int_equal(cell(true, false, STYLE_POISON, 'X', fill), 'X');
		assert_int_equal(cell(true, true, STYLE_POISON, 'X', fill), 'X');
	}
}

/* Blocks are no ASCII. */
static void test_ascii_cells(void **state)
{
	(void)state;
	for (unsigned int fill = 1; fill <= 8; fill++)
		assert_true(cell(false, true, STYLE_HUE, 'a', fill) < 0x7f);
}

static uint8_t marks(bool letters, char letter, unsigned int fill)
{
	struct frame f = new_frame(false);
	uint8_t got;

	f.letters = letters;
	frame_cell(&f, 0, 0, letter == 'X' ? STYLE_POISON : STYLE_HUE, letter, fill);
	got = frame_at(&f, 0, 0)->marks;
	frame_release(&f);
	return got;
}

/* What is mixed is a small letter, a pale block, or dim: a digit has no other form. */
static void test_mixed(void **state)
{
	(void)state;
	assert_int_equal(marks(true, '3', 5), MARK_MIXED);
	assert_int_equal(marks(true, '-', 1), MARK_MIXED);
	assert_int_equal(marks(true, '3', 6), 0);
	assert_int_equal(marks(true, 'a', 5), 0);
	assert_int_equal(marks(true, 'X', 5), 0);
	assert_int_equal(marks(false, '3', 5), 0);
}

static void check_cut(bool ascii, int width, const char *text, int end, const char *expected)
{
	struct frame f = new_frame(ascii);

	assert_int_equal(frame_text_cut(&f, 1, 0, width, STYLE_NORMAL, text), end);
	assert_string_equal(printed(&f), expected);
	frame_release(&f);
}

static void test_cut(void **state)
{
	(void)state;
	need_utf8();
	check_cut(false, 4, "abcd", 5, " abcd");
	check_cut(false, 4, "abcde", 5, " abc>");
	check_cut(false, 1, "ab", 2, " >");
	check_cut(false, 0, "ab", 1, "");
	check_cut(false, -2, "ab", 1, "");
	check_cut(false, 4, "", 1, "");
	/* By the end of the line, too. */
	check_cut(false, 99, "abcdefghijk", WIDTH, " abcdefghijk");
	check_cut(false, 99, "abcdefghijkl", WIDTH, " abcdefghij>");
	/* Places count, not bytes; half of a wide character is not shown. */
	check_cut(false, 4, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 5,
		  " \xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc");
	check_cut(false, 4, "\xe4\xb8\xad\xe6\x96\x87", 5, " \xe4\xb8\xad\xe6\x96\x87");
	check_cut(false, 3, "\xe4\xb8\xad\xe6\x96\x87", 4, " \xe4\xb8\xad>");
	check_cut(false, 2, "\xe4\xb8\xad\xe6\x96\x87", 3, "  >");
	check_cut(true, 2, "\xc3\xbc\xc3\xbc\xc3\xbc", 3, " ?>");
}

static void test_end_of(void **state)
{
	(void)state;
	assert_string_equal(end_of("/usr/lib", 8), "/usr/lib");
	assert_string_equal(end_of("/usr/lib", 99), "/usr/lib");
	assert_string_equal(end_of("/usr/lib", 4), "/lib");
	assert_string_equal(end_of("/usr/lib", 0), "");
	/* Not within a character. */
	assert_string_equal(end_of("a\xc3\xbcz", 3), "\xc3\xbcz");
	assert_string_equal(end_of("a\xc3\xbcz", 2), "z");
	assert_string_equal(end_of("\xe4\xb8\xad", 2), "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_over_wide),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_poison),
		cmocka_unit_test(test_ascii_cells),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_end_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
