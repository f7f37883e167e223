// SPDX-License-Identifier: GPL-2.0-or-later
/* What is on the screen: one glyph a place. */
#include "frame.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

void frame_init(struct frame *f, int width, int height)
{
	f->width = width;
	f->height = height;
	f->glyphs = xreallocarray(f->glyphs, (size_t)width * (size_t)height, sizeof(*f->glyphs));
	frame_clear(f);
}

void frame_release(struct frame *f)
{
	free(f->glyphs);
	f->glyphs = NULL;
}

void frame_clear(struct frame *f)
{
	for (int i = 0; i < f->width * f->height; i++)
		f->glyphs[i] = (struct glyph){ .ch = ' ' };
}

struct glyph *frame_at(const struct frame *f, int x, int y)
{
	if (x < 0 || y < 0 || x >= f->width || y >= f->height)
		return NULL;
	return &f->glyphs[y * f->width + x];
}

static void put(struct frame *f, int x, int y, enum style style, uint32_t ch)
{
	struct glyph *g = frame_at(f, x, y), *other;

	if (!g)
		return;
	/* Of a wide character that it is written over nothing is left. */
	other = frame_at(f, x - 1, y);
	if (other && !g->ch && ch)
		other->ch = ' ';
	other = frame_at(f, x + 1, y);
	if (other && !other->ch)
		other->ch = ' ';
	*g = (struct glyph){ .ch = ch, .style = (uint8_t)style };
}

/* The next character and how many places it takes; moves *text on. */
static int take_char(const char **text, mbstate_t *state, bool ascii, wchar_t *out)
{
	size_t n = mbrtowc(out, *text, MB_CUR_MAX, state);
	int width;

	if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
		*state = (mbstate_t){ 0 };
		++*text;
		*out = L'?';
		return 1;
	}
	*text += n;
	width = wcwidth(*out);
	if (width < 0 || (ascii && *out > 0x7e)) {
		*out = L'?';
		width = 1;
	}
	return width;
}

int frame_text(struct frame *f, int x, int y, int width, enum style style, const char *text)
{
	int end = MIN(x + width, f->width);
	mbstate_t state = { 0 };
	wchar_t ch;

	while (*text && x < end) {
		int places = take_char(&text, &state, f->ascii, &ch);

		if (!places)
			continue;
		/* Half of a wide character can't be shown. */
		if (x + places > end)
			break;
		put(f, x, y, style, (uint32_t)ch);
		if (places == 2)
			put(f, x + 1, y, style, 0);
		x += places;
	}
	return x;
}

int frame_text_width(const struct frame *f, const char *text)
{
	mbstate_t state = { 0 };
	int width = 0;
	wchar_t ch;

	while (*text)
		width += take_char(&text, &state, f->ascii, &ch);
	return width;
}

int frame_printf(struct frame *f, int x, int y, int width, enum style style, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		return x;
	}
	return frame_text(f, x, y, width, style, text);
}

int frame_text_cut(struct frame *f, int x, int y, int width, enum style style, const char *text)
{
	int end = MIN(x + width, f->width);
	bool fits = x + frame_text_width(f, text) <= end;

	if (fits || x >= end)
		return frame_text(f, x, y, width, style, text);
	frame_text(f, x, y, end - 1 - x, style, text);
	put(f, end - 1, y, STYLE_DIM, '>');
	return end;
}

const char *end_of(const char *text, size_t bytes)
{
	size_t len = strlen(text);

	if (len <= bytes)
		return text;
	text += len - bytes;
	/* Not within a character. */
	while ((*text & 0xc0) == 0x80)
		text++;
	return text;
}

void frame_mark(struct frame *f, int x, int y, int width, enum glyph_mark mark)
{
	for (int end = x + width; x < end; x++) {
		struct glyph *g = frame_at(f, x, y);

		if (g)
			g->marks |= (uint8_t)mark;
	}
}

/* From next to nothing to all of it. */
static uint32_t shade(unsigned int fill)
{
	static const uint32_t shades[] = { 0x2591, 0x2592, 0x2593, 0x2588 };

	return shades[fill >= 7 ? 3 : fill >= 5 ? 2 : fill >= 3];
}

void frame_cell(struct frame *f, int x, int y, enum style style, char letter, unsigned int fill)
{
	struct glyph *g = frame_at(f, x, y);
	bool pure = fill >= 6;

	if (!g)
		return;
	*g = (struct glyph){ .style = (uint8_t)style, .fill = (uint8_t)MAX(fill, 1U) };
	/* Poison is a letter everywhere: nobody may take it for a colour. */
	if (f->letters || f->ascii || style == STYLE_POISON)
		g->ch = (uint32_t)(pure ? toupper(letter) : tolower(letter));
	else
		g->ch = shade(fill);
	if (style == STYLE_POISON)
		g->ch = 'X';
	/* A digit is neither a capital nor a small letter. */
	else if (!pure && g->ch == (uint32_t)letter && !isalpha(letter))
		g->marks |= MARK_MIXED;
}
