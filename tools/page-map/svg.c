// SPDX-License-Identifier: GPL-2.0-or-later
/* A frame as a picture: cells of pages are rectangles, all else is text. */
#include <errno.h>
#include <string.h>

#include "palette.h"
#include "print.h"

#define CELL_WIDTH 9
#define CELL_HEIGHT 18
#define BASELINE 13

static void print_escaped(uint32_t ch, FILE *to)
{
	switch (ch) {
	case '<':
		fputs("&lt;", to);
		break;
	case '>':
		fputs("&gt;", to);
		break;
	case '&':
		fputs("&amp;", to);
		break;
	default:
		/* Independent of the locale: a reader need not know it. */
		if (ch < 0x7f)
			fputc((int)ch, to);
		else
			fprintf(to, "&#%u;", ch);
	}
}

static bool same_run(const struct glyph *a, const struct glyph *b)
{
	return a->style == b->style && !a->fill == !b->fill &&
	       (a->marks & MARK_CURSOR) == (b->marks & MARK_CURSOR) && (!a->fill || a->fill == b->fill);
}

static void print_rect(FILE *to, int x, int y, int width, const char *fill, double opacity)
{
	fprintf(to, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"", x * CELL_WIDTH,
		y * CELL_HEIGHT, width * CELL_WIDTH, CELL_HEIGHT, fill);
	if (opacity < 1)
		fprintf(to, " fill-opacity=\"%.2f\"", opacity);
	fputs("/>\n", to);
}

/* Each glyph at its own place: fonts differ. */
static void print_text(const struct frame *f, FILE *to, int x, int y, int width, const char *color)
{
	int from = x, end = x + width;

	while (from < end && frame_at(f, from, y)->ch == ' ')
		from++;
	while (end > from && frame_at(f, end - 1, y)->ch == ' ')
		end--;
	if (from == end)
		return;
	fprintf(to, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" fill=\"%s\">", from * CELL_WIDTH,
		y * CELL_HEIGHT + BASELINE, (end - from) * CELL_WIDTH, color);
	for (int i = from; i < end; i++)
		if (frame_at(f, i, y)->ch)
			print_escaped(frame_at(f, i, y)->ch, to);
	fputs("</text>\n", to);
}

static void print_run(const struct frame *f, FILE *to, int x, int y, int width)
{
	const struct glyph *g = frame_at(f, x, y);
	const struct look *look = look_of(g->style);
	const char *fg = look->fg, *bg = look->bg;

	if (g->marks & MARK_CURSOR) {
		bg = fg;
		fg = "#000000";
	}
	if (bg)
		print_rect(to, x, y, width, bg, 1);
	if (g->fill && g->style != STYLE_POISON && !f->letters)
		print_rect(to, x, y, width, look->fg, 0.2 + 0.1 * g->fill);
	else
		print_text(f, to, x, y, width, fg);
}

static void print_outline(FILE *to, int x, int y, const char *color)
{
	fprintf(to,
		"<rect x=\"%d.5\" y=\"%d.5\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"%s\"/>\n",
		x * CELL_WIDTH, y * CELL_HEIGHT, CELL_WIDTH - 1, CELL_HEIGHT - 1, color);
}

static void print_line(const struct frame *f, FILE *to, int y)
{
	int end;

	for (int x = 0; x < f->width; x = end) {
		end = x + 1;
		while (end < f->width && same_run(frame_at(f, x, y), frame_at(f, end, y)))
			end++;
		print_run(f, to, x, y, end - x);
	}
	for (int x = 0; x < f->width; x++) {
		if (frame_at(f, x, y)->marks & MARK_CHANGED)
			print_outline(to, x, y, "#ffffff");
		else if (frame_at(f, x, y)->marks & MARK_TAGGED)
			print_outline(to, x, y, "#ffff00");
	}
}

static void print_svg(const struct frame *f, FILE *to)
{
	int width = f->width * CELL_WIDTH, height = f->height * CELL_HEIGHT;

	fprintf(to,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\" font-family=\"DejaVu Sans Mono, Consolas, monospace\" "
		"font-size=\"14\" xml:space=\"preserve\">\n"
		"<rect width=\"%d\" height=\"%d\" fill=\"#1c1c1c\"/>\n",
		width, height, width, height, width, height);
	for (int y = 0; y < f->height; y++)
		print_line(f, to, y);
	fputs("</svg>\n", to);
}

int frame_write_svg(const struct frame *f, const char *path)
{
	FILE *to = fopen(path, "we");
	bool bad;
	int err;

	if (!to)
		return fail_errno(-errno, "--svg: %s", path);
	errno = 0;
	print_svg(f, to);
	bad = ferror(to);
	err = errno;
	if (fclose(to) && !bad) {
		bad = true;
		err = errno;
	}
	return bad ? fail_errno(err ? -err : -EIO, "--svg: %s", path) : EXIT_OK;
}
