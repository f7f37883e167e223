/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on the screen: one glyph a place. It is drawn without a terminal, and then
 * shown on one (screen.c), printed (print.c) or made a picture (svg.c). */
#pragma once

#include "common/util.h"

/* The colours that classes of pages have. */
enum hue {
	HUE_GREY,
	HUE_DARK,
	HUE_BLUE,
	HUE_SKY,
	HUE_CYAN,
	HUE_TEAL,
	HUE_GREEN,
	HUE_LIME,
	HUE_YELLOW,
	HUE_ORANGE,
	HUE_BROWN,
	HUE_PINK,
	HUE_MAGENTA,
	HUE_PURPLE,
	HUE_VIOLET,
	HUE_WHITE,
	NR_HUES
};

enum style {
	STYLE_NORMAL,
	STYLE_TITLE,	/* where one is */
	STYLE_HEAD,	/* of a table */
	STYLE_LABEL,
	STYLE_DIM,
	STYLE_KEY,	/* a key on the bottom line, and */
	STYLE_ACTION,	/* what it does */
	STYLE_ALERT,	/* something went wrong */
	STYLE_POISON,
	STYLE_HUE,	/* STYLE_HUE + an enum hue */
	NR_STYLES = STYLE_HUE + NR_HUES
};

enum glyph_mark {
	MARK_CURSOR = 1,
	MARK_CHANGED = 2,
	MARK_TAGGED = 4,
	MARK_MIXED = 8,		/* of several classes, where its letter does not show it */
};

struct glyph {
	uint32_t ch;		/* Unicode; 0: the right half of a wide character */
	uint8_t style;
	uint8_t marks;
	uint8_t fill;		/* of a cell of pages: how much of it is of its class, in
				   eighths; 0: not a cell */
};

struct frame {
	int width, height;
	bool letters;		/* cells are letters, not blocks */
	bool ascii;		/* nothing else can be shown: cells are letters, too */
	struct glyph *glyphs;
};

void frame_init(struct frame *f, int width, int height);
void frame_release(struct frame *f);
void frame_clear(struct frame *f);

/* NULL: there is no such place. */
struct glyph *frame_at(const struct frame *f, int x, int y);

/* A text of the locale, cut off after `width` places. Control characters, and what is no
 * text, become '?'. Returns the place behind it. */
int frame_text(struct frame *f, int x, int y, int width, enum style style, const char *text);
int frame_printf(struct frame *f, int x, int y, int width, enum style style, const char *fmt, ...)
	_printf_(6, 7);

/* How many places a text takes. */
int frame_text_width(const struct frame *f, const char *text);

/* The end of a text that takes at most so many bytes: of a path it says more than the
 * beginning. */
const char *end_of(const char *text, size_t bytes);

/* The same as frame_text(); a text that is cut off ends in '>'. */
int frame_text_cut(struct frame *f, int x, int y, int width, enum style style, const char *text);

/* Puts marks on a part of a line. */
void frame_mark(struct frame *f, int x, int y, int width, enum glyph_mark mark);

/* A cell of pages. letter: of its class. fill: 1 … 8, in eighths. */
void frame_cell(struct frame *f, int x, int y, enum style style, char letter, unsigned int fill);
