// SPDX-License-Identifier: GPL-2.0-or-later
/* How the grid is drawn: a head, the cells, the legend, and what is at the cursor. */
#include <inttypes.h>
#include <string.h>

#include "grid.h"

#define LEGEND_ROWS 3
/* The way, the head, the legend, the cell at the cursor, the status, the keys. */
#define OTHER_ROWS (GRID_TOP + LEGEND_ROWS + 3)

int grid_rows(int height)
{
	return MAX(height - OTHER_ROWS, 1);
}

/* Whole groups of sixteen, so that addresses are easy to read. */
int grid_cols(int width)
{
	return MAX((width - GRID_LEFT) / 16 * 16, 16);
}

/* "64 KiB" of so many pages. */
static void format_size(uint64_t pages, char *out, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double n = (double)pages * ((double)kpage_page_size() / 1024);
	size_t u = 0;

	while (n >= 1024 && u + 1 < ARRAY_SIZE(units)) {
		n /= 1024;
		u++;
	}
	snprintf(out, size, n < 10 && n != (double)(int)n ? "%.1f %s" : "%.0f %s", n, units[u]);
}

/* What was read last, or is being read for the first time. */
static void draw_head(const struct grid *g, struct frame *f)
{
	uint64_t per_cell = UINT64_C(1) << g->zoom;
	char all[32], cell[32];
	int x;

	format_size(g->space.pages, all, sizeof(all));
	format_size(per_cell, cell, sizeof(cell));
	x = frame_printf(f, 0, 1, f->width, STYLE_LABEL, "%s", g->scheme->title);
	x = frame_printf(f, x, 1, f->width, STYLE_NORMAL, ": %" PRIu64 " page%s (%s), ", g->space.pages,
			 g->space.pages == 1 ? "" : "s", all);
	if (g->zoom)
		x = frame_printf(f, x, 1, f->width, STYLE_NORMAL, "a cell is %" PRIu64 " pages (%s)",
				 per_cell, cell);
	else
		x = frame_text(f, x, 1, f->width, STYLE_NORMAL, "a cell is a page");
	if (g->mark.n)
		x = frame_text(f, x, 1, f->width, STYLE_TITLE, ", marked");
	if (g->filtered)
		x = frame_printf(f, x, 1, f->width, STYLE_TITLE, ", only %s", g->filter_text);
	if (g->view.app->nr_tags)
		frame_printf(f, x, 1, f->width, STYLE_TITLE, ", %zu tagged", g->view.app->nr_tags);
}

/* ------------------------------------------------------------------------- cells */

static void draw_cell(const struct grid *g, struct frame *f, int x, int y, const struct cell *c)
{
	unsigned int fill = 0, class = cell_dominant(c, &fill);

	if (c->poisoned)
		frame_cell(f, x, y, STYLE_POISON, 'X', 8);
	else if (!c->seen)
		frame_text(f, x, y, 1, STYLE_DIM, " ");
	else if (class == MAX_CLASSES)
		frame_text(f, x, y, 1, STYLE_DIM, "'");
	else
		frame_cell(f, x, y, STYLE_HUE + g->scheme->classes[class].hue,
			   g->scheme->classes[class].letter, fill);
	if (c->changed)
		frame_mark(f, x, y, 1, MARK_CHANGED);
}

static void draw_label(const struct grid *g, struct frame *f, int y, uint64_t index)
{
	uint64_t place = space_place(&g->space, index);

	if (place == UINT64_MAX)
		return;
	frame_printf(f, 0, y, GRID_LEFT - 1, STYLE_LABEL, "%14" PRIx64,
		     g->space.pid ? place * kpage_page_size() : place);
}

static void draw_cells(const struct grid *g, struct frame *f)
{
	const struct scan *scan = &g->shown;

	for (size_t i = 0; i < scan->nr_cells && i < (size_t)(g->cols * g->rows); i++) {
		int x = GRID_LEFT + (int)(i % (size_t)g->cols), y = GRID_TOP + (int)(i / (size_t)g->cols);

		if (x == GRID_LEFT)
			draw_label(g, f, y, g->first + ((uint64_t)i << g->zoom));
		draw_cell(g, f, x, y, &scan->cells[i]);
	}
}

static void mark_cell(const struct grid *g, struct frame *f, uint64_t index, enum glyph_mark mark)
{
	uint64_t cell = (index - g->first) >> g->zoom;

	if (index < g->first || cell >= (uint64_t)(g->cols * g->rows))
		return;
	frame_mark(f, GRID_LEFT + (int)(cell % (uint64_t)g->cols),
		   GRID_TOP + (int)(cell / (uint64_t)g->cols), 1, mark);
}

static void mark_cells(const struct grid *g, struct frame *f)
{
	const struct app *app = g->view.app;

	for (size_t i = 0; i < app->nr_tags; i++) {
		uint64_t index = app->tags[i].pid == g->space.pid ?
					 space_index(&g->space, app->tags[i].place) :
					 UINT64_MAX;

		if (index != UINT64_MAX)
			mark_cell(g, f, index, MARK_TAGGED);
	}
	if (g->space.pages)
		mark_cell(g, f, g->cursor, MARK_CURSOR);
}

/* ------------------------------------------------------------------------ legend */

struct legend {
	uint64_t seen, poisoned, filtered;
	uint64_t pages[MAX_CLASSES];
	double factor;		/* from what was seen to what there is */
};

static void add_up(const struct grid *g, struct legend *l)
{
	const struct scan *scan = &g->shown;
	uint64_t there = MIN((uint64_t)scan->nr_cells << g->zoom, g->space.pages - g->first);

	*l = (struct legend){ 0 };
	for (size_t i = 0; i < scan->nr_cells; i++) {
		l->seen += scan->cells[i].seen;
		l->poisoned += scan->cells[i].poisoned;
		l->filtered += scan->cells[i].filtered;
		for (unsigned int c = 0; c < MAX_CLASSES; c++)
			l->pages[c] += scan->cells[i].pages[c];
	}
	l->factor = scan->complete || !l->seen ? 1 : (double)there / (double)l->seen;
}

/* The class with the most pages among those that are left. */
static unsigned int take_largest(uint64_t pages[MAX_CLASSES], uint64_t *n)
{
	unsigned int best = 0;

	for (unsigned int c = 1; c < MAX_CLASSES; c++)
		if (pages[c] > pages[best])
			best = c;
	*n = pages[best];
	pages[best] = 0;
	return best;
}

struct pen {
	struct frame *f;
	int x, y, last;	/* the last line */
	bool full;
};

/* "a anon 1024" */
static void draw_entry(struct pen *pen, enum style style, char letter, const char *name,
		       uint64_t pages, bool estimate)
{
	char text[160];
	int width;

	snprintf(text, sizeof(text), "%s %s%" PRIu64, name, estimate ? "~" : "", pages);
	width = 2 + (int)strlen(text) + 3;
	if (pen->x + width > pen->f->width && pen->x) {
		pen->x = 0;
		pen->y++;
	}
	pen->full = pen->full || pen->y > pen->last;
	if (pen->full)
		return;
	frame_cell(pen->f, pen->x, pen->y, style, letter, 8);
	frame_text(pen->f, pen->x + 2, pen->y, pen->f->width, STYLE_NORMAL, text);
	pen->x += width;
}

static void draw_legend(const struct grid *g, struct frame *f)
{
	int y = GRID_TOP + g->rows;
	struct pen pen = { .f = f, .y = y, .last = y + LEGEND_ROWS - 1 };
	struct legend l;
	bool estimate;

	add_up(g, &l);
	estimate = !g->shown.complete;
	if (l.poisoned)
		draw_entry(&pen, STYLE_POISON, 'X', "poisoned",
			   (uint64_t)((double)l.poisoned * l.factor), estimate);
	for (unsigned int i = 0; i < g->scheme->nr_classes; i++) {
		uint64_t n;
		unsigned int c = take_largest(l.pages, &n);

		if (!n)
			break;
		draw_entry(&pen, STYLE_HUE + g->scheme->classes[c].hue, g->scheme->classes[c].letter,
			   scheme_class_name(g->scheme, &g->classes, c),
			   (uint64_t)((double)n * l.factor), estimate);
	}
	if (l.filtered)
		draw_entry(&pen, STYLE_DIM, '\'', "left out", (uint64_t)((double)l.filtered * l.factor),
			   estimate);
	if (!g->space.pages)
		frame_text(f, 0, y, f->width, STYLE_NORMAL,
			   g->space.pid ? "nothing is populated here" : "there is no memory here");
}

/* ---------------------------------------------------------------- at the cursor */

/* Where it is: the node of a physical page, the mapping of one of a process. */
static int draw_where(const struct grid *g, struct frame *f, int x, int y, uint64_t place)
{
	const struct kpage_nodes *nodes = g->view.app->machine.nodes;
	const struct vma *vma = g->space.pid ? vma_list_find(&g->vmas, place) : NULL;

	if (vma)
		return frame_printf(f, x, y, f->width, STYLE_LABEL, " %s %s", vma->perms,
				    vma->name ? vma->name : "anonymous");
	if (!g->space.pid && nodes && kpage_nodes_find(nodes, place) >= 0)
		return frame_printf(f, x, y, f->width, STYLE_LABEL, " node %d",
				    kpage_nodes_find(nodes, place));
	return x;
}

static void draw_page(const struct grid *g, struct frame *f, int x, int y)
{
	struct page_info p;
	char names[KPAGE_NAMES_SIZE];

	if (space_read(&g->space, g->cursor, 1, NEED_HEAD, &p) != 1)
		return;
	if (p.state == PAGE_STATE_PAGE) {
		kpage_flags_names(kpage_flags_expand(p.kflags, p.entry), names);
		if (g->space.pid)
			x = frame_printf(f, x, y, f->width, STYLE_NORMAL, " PFN %" PRIx64, p.pfn);
		frame_printf(f, x, y, f->width, STYLE_NORMAL, " %s", names);
	} else {
		frame_text(f, x, y, f->width, STYLE_NORMAL,
			   p.state == PAGE_STATE_SWAPPED ? " swapped" : " not populated");
	}
}

static void draw_mixture(const struct grid *g, struct frame *f, int x, int y, const struct cell *c)
{
	uint64_t pages[MAX_CLASSES], n;

	if (c->poisoned)
		x = frame_printf(f, x, y, f->width, STYLE_ALERT, " %u poisoned", c->poisoned);
	for (unsigned int i = 0; i < MAX_CLASSES; i++)
		pages[i] = c->pages[i];
	for (unsigned int i = 0; i < g->scheme->nr_classes; i++) {
		unsigned int class = take_largest(pages, &n);

		if (!n)
			break;
		x = frame_printf(f, x, y, f->width, STYLE_NORMAL, " %s %" PRIu64,
				 scheme_class_name(g->scheme, &g->classes, class), n);
	}
}

static void draw_cursor_line(const struct grid *g, struct frame *f)
{
	uint64_t start = space_place(&g->space, grid_cell_start(g));
	uint64_t last = space_place(&g->space, grid_cell_end(g) - 1);
	uint64_t unit = g->space.pid ? kpage_page_size() : 1;
	uint64_t cell = (g->cursor - g->first) >> g->zoom;
	int y = f->height - 3, x;

	if (!g->space.pages)
		return;
	x = frame_printf(f, 0, y, f->width, STYLE_TITLE, "%" PRIx64, start * unit);
	if (last != start)
		x = frame_printf(f, x, y, f->width, STYLE_TITLE, "-%" PRIx64, last * unit);
	x = draw_where(g, f, x, y, start);
	if (!g->zoom)
		draw_page(g, f, x, y);
	else if (cell < g->shown.nr_cells)
		draw_mixture(g, f, x, y, &g->shown.cells[cell]);
}

void grid_draw(struct view *v, struct frame *f)
{
	struct grid *g = grid_of(v);

	draw_head(g, f);
	if (g->cols && g->shown.cells) {
		draw_cells(g, f);
		mark_cells(g, f);
		draw_legend(g, f);
		draw_cursor_line(g, f);
	}
	if (g->search.active)
		frame_printf(f, 0, f->height - 2, f->width, STYLE_NORMAL,
			     "searching for %s: %" PRIu64 " of %" PRIu64 " (Esc ends it)", g->wanted,
			     g->search.index, g->space.pages);
}
