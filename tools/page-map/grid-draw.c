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

/* Outside of what was marked nothing can stand out. */
static const char *mark_text(const struct grid *g)
{
	uint64_t first = g->mark.first << g->mark.shift;
	uint64_t end = first + ((uint64_t)g->mark.n << g->mark.shift);
	uint64_t shown = MIN(g->first + ((uint64_t)g->shown.nr_cells << g->zoom), g->space.pages);

	return g->first >= first && shown <= end ? ", marked" : ", marked in part";
}

static void draw_tags(const struct grid *g, struct frame *f, int x)
{
	const struct app *app = g->view.app;
	size_t here = 0;

	for (size_t i = 0; i < app->nr_tags; i++)
		here += tag_is_of(&app->tags[i], g->space.pid, g->started);
	if (here)
		x = frame_printf(f, x, 1, f->width, STYLE_TITLE, ", %zu tagged", here);
	if (here < app->nr_tags)
		frame_printf(f, x, 1, f->width, STYLE_TITLE, ", %zu tagged elsewhere",
			     app->nr_tags - here);
}

/* What was read last, or is being read for the first time. */
static void draw_head(const struct grid *g, struct frame *f)
{
	uint64_t per_cell = UINT64_C(1) << g->zoom;
	char all[32], cell[32];
	int x = 0;

	format_size(g->space.pages, all, sizeof(all));
	format_size(per_cell, cell, sizeof(cell));
	/* First, as the rest may not fit beside it. */
	if (g->trouble)
		x = frame_printf(f, x, 1, f->width, STYLE_ALERT, "the last picture: %s, ", g->trouble);
	x = frame_printf(f, x, 1, f->width, STYLE_LABEL, "%s", g->scheme->title);
	x = frame_printf(f, x, 1, f->width, STYLE_NORMAL, ": %" PRIu64 " page%s (%s), ", g->space.pages,
			 g->space.pages == 1 ? "" : "s", all);
	if (g->zoom)
		x = frame_printf(f, x, 1, f->width, STYLE_NORMAL, "a cell is %" PRIu64 " pages (%s)",
				 per_cell, cell);
	else
		x = frame_text(f, x, 1, f->width, STYLE_NORMAL, "a cell is a page");
	if (g->mark.n)
		x = frame_text(f, x, 1, f->width, STYLE_TITLE, mark_text(g));
	if (g->filtered)
		x = frame_printf(f, x, 1, f->width, STYLE_TITLE, ", only %s", g->filter_text);
	draw_tags(g, f, x);
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
	const struct machine *m = &g->view.app->machine;
	uint64_t place = space_place(&g->space, index);
	char number[24];

	if (place == UINT64_MAX)
		return;
	if (g->space.pid)
		snprintf(number, sizeof(number), "0x%" PRIx64, place * kpage_page_size());
	else
		snprintf(number, sizeof(number), "0x%" PRIx64, place);
	/* Where there are several nodes, on which one. */
	if (!g->space.pid && m->several_nodes && kpage_nodes_find(m->nodes, place) >= 0)
		frame_printf(f, 0, y, GRID_LEFT - 1, STYLE_LABEL, "N%d", kpage_nodes_find(m->nodes, place));
	frame_text(f, GRID_LEFT - 1 - (int)strlen(number), y, GRID_LEFT, STYLE_LABEL, number);
}

static void draw_cells(const struct grid *g, struct frame *f)
{
	const struct scan *scan = &g->shown;

	for (size_t i = 0; i < scan->nr_cells && i < (size_t)g->cols * (size_t)g->rows; i++) {
		int x = GRID_LEFT + (int)(i % (size_t)g->cols), y = GRID_TOP + (int)(i / (size_t)g->cols);

		if (x == GRID_LEFT)
			draw_label(g, f, y, g->first + ((uint64_t)i << g->zoom));
		draw_cell(g, f, x, y, &scan->cells[i]);
	}
}

static void mark_cell(const struct grid *g, struct frame *f, uint64_t index, enum glyph_mark mark)
{
	uint64_t cell = (index - g->first) >> g->zoom;

	if (index < g->first || cell >= (uint64_t)g->cols * (uint64_t)g->rows)
		return;
	frame_mark(f, GRID_LEFT + (int)(cell % (uint64_t)g->cols),
		   GRID_TOP + (int)(cell / (uint64_t)g->cols), 1, mark);
}

static void mark_cells(const struct grid *g, struct frame *f)
{
	const struct app *app = g->view.app;

	for (size_t i = 0; i < app->nr_tags; i++) {
		uint64_t index = tag_is_of(&app->tags[i], g->space.pid, g->started) ?
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

/* Where no more can be read, nothing is known of the rest. */
static bool is_estimate(const struct grid *g)
{
	return !g->shown.complete && !g->trouble;
}

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
	l->factor = is_estimate(g) && l->seen ? (double)there / (double)l->seen : 1;
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
	unsigned int left_out;	/* entries that there was no room for */
};

/* The end of a path is what tells it from others. */
#define NAME_WIDTH 36

/* Room for "+12 more" at the end of the last line. */
#define MORE_WIDTH 9

/* "a anon 1024" */
static void draw_entry(struct pen *pen, enum style style, char letter, const char *name,
		       uint64_t pages, bool estimate)
{
	char text[160];
	int width;

	snprintf(text, sizeof(text), "%s%s %s%" PRIu64, strlen(name) > NAME_WIDTH ? "<" : "",
		 end_of(name, NAME_WIDTH), estimate ? "~" : "", pages);
	width = 2 + (int)strlen(text) + 3;
	if (pen->x + width > pen->f->width && pen->x && pen->y < pen->last) {
		pen->x = 0;
		pen->y++;
	}
	if (pen->left_out ||
	    pen->x + width > pen->f->width - (pen->y == pen->last ? MORE_WIDTH : 0)) {
		pen->left_out++;
		return;
	}
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
	estimate = is_estimate(g);
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
	if (pen.left_out)
		frame_printf(f, pen.x, pen.last, f->width, STYLE_DIM, "+%u more", pen.left_out);
	if (!g->space.pages)
		frame_text(f, 0, y, f->width, STYLE_NORMAL,
			   g->space.pid ? "nothing is populated here" : "there is no memory here");
}

/* ---------------------------------------------------------------- at the cursor */

/* Where a cell is: the node of physical pages, the mapping of those of a process. */
static int draw_where(const struct grid *g, struct frame *f, int x, int y, uint64_t place, uint64_t last)
{
	const struct kpage_nodes *nodes = g->view.app->machine.nodes;
	const struct vma *vma = g->space.pid ? vma_list_find(&g->vmas, place) : NULL;
	const char *name;

	if (vma && last >= vma->end)
		return frame_text(f, x, y, f->width, STYLE_LABEL, " several mappings");
	if (vma) {
		name = vma->name ? vma->name : "anonymous";
		return frame_printf(f, x, y, f->width, STYLE_LABEL, " %s %s%s", vma->perms,
				    strlen(name) > NAME_WIDTH / 2 ? "<" : "", end_of(name, NAME_WIDTH / 2));
	}
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
		kpage_flags_names(kpage_flags_expand(p.kflags, p.entry) & ~KPAGE_BIT(HWPOISON), names);
		if (g->space.pid)
			x = frame_printf(f, x, y, f->width, STYLE_NORMAL, " PFN 0x%" PRIx64, p.pfn);
		/* What matters most first: the line may be too short. */
		if (p.kflags & KPAGE_BIT(HWPOISON))
			x = frame_text(f, x, y, f->width, STYLE_ALERT, " hwpoison");
		frame_text_cut(f, x + 1, y, f->width - x - 1, STYLE_NORMAL, names);
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
	x = frame_printf(f, 0, y, f->width, STYLE_TITLE, "0x%" PRIx64, start * unit);
	if (last != start)
		x = frame_printf(f, x, y, f->width, STYLE_TITLE, "-0x%" PRIx64, last * unit);
	x = draw_where(g, f, x, y, start, last);
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
			     "searching for %s: %" PRIu64 " of %" PRIu64 " (Esc ends it)", g->searching,
			     g->search.index, g->space.pages);
}
