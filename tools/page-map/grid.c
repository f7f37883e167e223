// SPDX-License-Identifier: GPL-2.0-or-later
/* The grid: a map of pages, a cell for one of them or many. */
#include "grid.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "views.h"

/* Of the pages of a cell, a step of the zoom takes or adds two bits. */
#define ZOOM_STEP 2

struct grid *grid_of(const struct view *v)
{
	return (struct grid *)(uintptr_t)v;
}

static char *grid_title(const struct view *v)
{
	return xstrdup(grid_of(v)->name);
}

/* ----------------------------------------------------------------- what is shown */

static size_t cells_of_screen(const struct grid *g)
{
	return (size_t)g->cols * (size_t)g->rows;
}

uint64_t grid_cell_start(const struct grid *g)
{
	return g->cursor >> g->zoom << g->zoom;
}

uint64_t grid_cell_end(const struct grid *g)
{
	return MIN(grid_cell_start(g) + (UINT64_C(1) << g->zoom), g->space.pages);
}

/* Begins to read what is on the screen. */
static void begin(struct grid *g, struct scan *scan)
{
	const struct window window = { g->first, g->zoom, cells_of_screen(g) };

	scan_begin(scan, &g->space, g->scheme, &g->classes, &g->mark,
		   g->filtered ? &g->filter : NULL, &window);
}

/* A mark that is not whole when the picture moves would be silent of the rest for ever. */
static void drop_half_mark(struct grid *g)
{
	if (!g->mark.n || !g->mark.taking)
		return;
	mark_release(&g->mark);
	app_alert(g->view.app, "the mark is gone: the picture moved before it was taken");
}

void grid_rescan(struct grid *g)
{
	begin(g, &g->shown);
	scan_release(&g->next);
	g->scanning = true;
	g->view.looked = false;
}

/* The first cell that is shown: a multiple of a line, with the cursor in sight, and no
 * lines behind the end if there are some before it. */
static uint64_t first_cell(const struct grid *g)
{
	uint64_t cols = (uint64_t)g->cols, rows = (uint64_t)g->rows;
	uint64_t line = (g->cursor >> g->zoom) / cols, top = (g->first >> g->zoom) / cols;
	uint64_t all = (g->space.pages + (UINT64_C(1) << g->zoom) - 1) >> g->zoom;
	uint64_t lines = (all + cols - 1) / cols;

	if (line < top)
		top = line;
	else if (line >= top + rows)
		top = line - rows + 1;
	if (top + rows > lines)
		top = lines > rows ? lines - rows : 0;
	return top * cols;
}

/* Of what is gone, only what was read can be shown. */
static void stay_in_last_picture(struct grid *g)
{
	uint64_t cells = MIN(g->shown.nr_cells, cells_of_screen(g));
	uint64_t end = MIN(g->first + (cells << g->zoom), g->space.pages);

	if (g->cursor >= end)
		g->cursor = end ? end - 1 : 0;
	g->cursor = MAX(g->cursor, g->first);
}

static void show_cursor(struct grid *g)
{
	uint64_t first;

	if (g->trouble) {
		stay_in_last_picture(g);
		return;
	}
	if (g->cursor >= g->space.pages)
		g->cursor = g->space.pages ? g->space.pages - 1 : 0;
	if (!g->cols || !g->rows)
		return;
	first = first_cell(g) << g->zoom;
	if (first == g->first && g->shown.cells && g->shown.window.zoom == g->zoom &&
	    g->shown.window.cells == cells_of_screen(g))
		return;
	g->first = first;
	drop_half_mark(g);
	grid_rescan(g);
}

static unsigned int fitting_zoom(const struct grid *g)
{
	return zoom_to_fit(g->space.pages, cells_of_screen(g));
}

bool grid_is_over(struct grid *g)
{
	if (g->trouble)
		app_alert(g->view.app, "%s: this is its last picture", g->trouble);
	return g->trouble;
}

void grid_set_zoom(struct grid *g, unsigned int zoom)
{
	uint64_t cols = (uint64_t)MAX(g->cols, 1), line;

	if (grid_is_over(g))
		return;
	g->fit = zoom >= fitting_zoom(g);
	g->zoom = g->fit ? fitting_zoom(g) : zoom;
	/* The cursor in the middle. */
	line = (g->cursor >> g->zoom) / cols;
	line -= MIN(line, (uint64_t)g->rows / 2);
	g->first = (line * cols) << g->zoom;
	scan_release(&g->shown);
	show_cursor(g);
}

void grid_move_to(struct grid *g, uint64_t index)
{
	g->cursor = index;
	show_cursor(g);
}

/* The screen may have another size than before. */
static void fit_screen(struct grid *g)
{
	int cols = grid_cols(g->view.app->width), rows = grid_rows(g->view.app->height);

	if (cols == g->cols && rows == g->rows)
		return;
	g->cols = cols;
	g->rows = rows;
	if (g->fit && !g->trouble)
		g->zoom = fitting_zoom(g);
	show_cursor(g);
}

/* --------------------------------------------------------------- in the background */

static void failed(struct grid *g, int err)
{
	char what[64];

	snprintf(what, sizeof(what), g->space.pid ? "process %d" : "memory", (int)g->space.pid);
	app_alert_errno(g->view.app, what, err);
	free(g->trouble);
	g->trouble = xstrdup(g->view.app->status);
	g->scanning = false;
	/* A process that has ended stays so: its last picture stays, too. */
	g->view.looked = false;
}

static void finish(struct grid *g, struct scan *scan)
{
	g->scanning = false;
	free(g->trouble);
	g->trouble = NULL;
	view_looked(&g->view, scan->cpu_ns + g->runs_ns, scan->pages);
	if (scan != &g->next)
		return;
	scan_release(&g->shown);
	g->shown = g->next;
	g->next = (struct scan){ 0 };
}

static bool grid_work(struct view *v, uint64_t ns)
{
	struct grid *g = grid_of(v);
	struct scan *scan = g->next.cells ? &g->next : &g->shown;
	int err;

	fit_screen(g);
	if (g->search.active)
		return grid_search_work(g, ns);
	if (g->scheme != v->app->settings.scheme && !g->trouble) {
		g->scheme = v->app->settings.scheme;
		scheme_state_release(&g->classes);
		grid_rescan(g);
		scan = &g->shown;
	}
	if (!g->scanning)
		return false;
	err = scan_step(scan, ns);
	if (err)
		failed(g, err);
	else if (scan->complete || (v->app->settings.sample && scan_has_picture(scan)))
		finish(g, scan);
	return g->scanning;
}

static bool same_runs(const struct space *s, const struct space_run *runs, size_t n)
{
	return s->nr_runs == n && (!n || !memcmp(s->runs, runs, n * sizeof(*runs)));
}

/* What is populated may have changed: the cursor stays where it was. true: the cells stand
 * for other pages now. */
static bool look_for_runs(struct grid *g, int *err)
{
	struct space_run *old = g->space.runs;
	size_t n = g->space.nr_runs;
	uint64_t place = space_place(&g->space, g->cursor), first = space_place(&g->space, g->first);
	struct space now = { 0 };
	uint64_t start = cpu_time_ns();
	bool changed;

	*err = space_again(&g->space, &now);
	if (!*err)
		*err = machine_process_check(g->space.machine, g->space.pid, g->started);
	if (*err) {
		space_release(&now);
		return false;
	}
	g->runs_ns = cpu_time_ns() - start;
	changed = !same_runs(&now, old, n);
	space_release(&g->space);
	g->space = now;
	if (changed) {
		g->cursor = place == UINT64_MAX ? 0 : space_index_from(&g->space, place);
		g->first = first == UINT64_MAX ? 0 : space_index_from(&g->space, first);
		if (g->fit)
			g->zoom = fitting_zoom(g);
	}
	return changed;
}

static bool grid_refresh(struct view *v)
{
	struct grid *g = grid_of(v);
	int err = 0;

	/* A search goes by indices, which may not change under it. */
	if (g->scanning || g->search.active)
		return false;
	scan_release(&g->next);
	if (look_for_runs(g, &err)) {
		vma_list_release(&g->vmas);
		if (g->space.pid)
			vma_list_read(v->app->machine.ctx, g->space.pid, NULL, 0, &g->vmas);
		scan_release(&g->shown);
		show_cursor(g);
		return true;
	}
	if (err) {
		failed(g, err);
		return true;
	}
	begin(g, &g->next);
	g->scanning = true;
	return true;
}

/* ---------------------------------------------------------------------- actions */

static void move(struct grid *g, int64_t cells)
{
	uint64_t cell = g->cursor >> g->zoom, by = (uint64_t)(cells < 0 ? -cells : cells);
	uint64_t last = g->space.pages ? (g->space.pages - 1) >> g->zoom : 0;

	cell = cells < 0 ? cell - MIN(cell, by) : MIN(cell + by, last);
	grid_move_to(g, cell << g->zoom);
}

/* What acts on the cursor must not act on where a search is about to take it from. */
static bool is_searching(struct grid *g)
{
	if (g->search.active)
		app_alert(g->view.app, "the search was not over: nothing is done");
	return g->search.active;
}

static void go_down(struct grid *g)
{
	struct app *app = g->view.app;
	uint64_t pages = grid_cell_end(g) - grid_cell_start(g);
	unsigned int zoom = zoom_to_fit(pages, cells_of_screen(g));

	if (!g->space.pages || is_searching(g))
		return;
	if (!g->zoom) {
		app_push(app, page_view(app, g->space.pid, g->started, space_place(&g->space, g->cursor)));
		return;
	}
	if (g->nr_steps < MAX_ZOOM_STEPS && !g->trouble)
		g->steps[g->nr_steps++] = (struct zoom_step){ g->cursor, g->zoom };
	grid_set_zoom(g, zoom < g->zoom ? zoom : g->zoom - 1);
}

static bool go_up(struct grid *g)
{
	const struct zoom_step *step;

	if (g->search.active) {
		g->search.active = false;
		app_say(g->view.app, "the search was ended");
		return true;
	}
	/* Of a last picture there is no other zoom. */
	if (!g->nr_steps || g->trouble)
		return false;
	step = &g->steps[--g->nr_steps];
	g->cursor = step->cursor;
	grid_set_zoom(g, step->zoom);
	return true;
}

static void take_mark(struct grid *g)
{
	struct app *app = g->view.app;
	uint64_t end = g->first + ((uint64_t)cells_of_screen(g) << g->zoom);

	if (g->trouble) {
		app_alert(app, "%s", g->trouble);
		return;
	}
	if (g->mark.n) {
		mark_release(&g->mark);
		grid_rescan(g);
		app_say(app, "the mark is gone");
		return;
	}
	if (!mark_begin(&g->mark, &g->space, g->first, MIN(end, g->space.pages),
			g->scheme->needs)) {
		app_alert(app, "these are too many pages of a process for a mark: zoom in");
		return;
	}
	grid_rescan(g);
	app_say(app, "marked: what changes from now on stands out");
}

/* The page at the cursor; false, after saying why: there is none. */
static bool page_at_cursor(struct grid *g, struct tag *out)
{
	struct app *app = g->view.app;
	struct page_info p;

	if (is_searching(g))
		return false;
	if (g->zoom)
		app_alert(app, "a cell is several pages here: zoom in to choose one");
	else if (space_read(&g->space, g->cursor, 1, 0, &p) != 1 || p.state != PAGE_STATE_PAGE)
		app_alert(app, "there is no page here");
	else
		*out = tag_make(g->space.pid, g->started, &p);
	return !g->zoom && !*app->status;
}

static void tag(struct grid *g)
{
	struct app *app = g->view.app;
	struct tag page;

	if (!page_at_cursor(g, &page))
		return;
	if (!app_toggle_tag(app, &page))
		app_alert(app, "no more than %d tags", MAX_TAGS);
	else
		move(g, 1);
}

/* The tags of this space, those of the process's other mappings among them. */
static size_t take_tags(const struct grid *g, struct tag *out)
{
	const struct app *app = g->view.app;
	size_t n = 0;

	for (size_t i = 0; i < app->nr_tags; i++)
		if (tag_is_of(&app->tags[i], g->space.pid, g->started))
			out[n++] = app->tags[i];
	return n;
}

static void ask_for_injection(struct grid *g)
{
	struct app *app = g->view.app;
	_cleanup_free_ struct tag *pages = xcalloc(app->nr_tags + 1, sizeof(*pages));
	size_t n = take_tags(g, pages);
	char of[32] = "", what[96];

	if (app->settings.allow_inject && !n && !page_at_cursor(g, pages))
		return;
	if (g->space.pid)
		snprintf(of, sizeof(of), " of process %d", (int)g->space.pid);
	if (n)
		snprintf(what, sizeof(what), "%zu tagged page%s%s", n, n == 1 ? "" : "s", of);
	else
		snprintf(what, sizeof(what), "the page at the cursor%s (PFN 0x%" PRIx64 ")", of,
			 pages[0].pfn);
	app_ask_inject(app, pages, MAX(n, (size_t)1), what);
}

/* The cell that was clicked on; false: none. */
static bool take_click(struct grid *g)
{
	const struct app *app = g->view.app;
	int x = app->mouse_x - GRID_LEFT, y = app->mouse_y - GRID_TOP;
	uint64_t index;

	if (x < 0 || y < 0 || x >= g->cols || y >= g->rows)
		return false;
	index = g->first + ((uint64_t)(y * g->cols + x) << g->zoom);
	if (index >= g->space.pages)
		return false;
	grid_move_to(g, index);
	return true;
}

static bool move_by(struct grid *g, enum action action)
{
	const int64_t screen = (int64_t)g->rows * g->cols;

	switch (action) {
	case ACTION_UP:
		move(g, -g->cols);
		return true;
	case ACTION_DOWN:
		move(g, g->cols);
		return true;
	case ACTION_LEFT:
		move(g, -1);
		return true;
	case ACTION_RIGHT:
		move(g, 1);
		return true;
	case ACTION_PAGE_UP:
		move(g, -screen);
		return true;
	case ACTION_PAGE_DOWN:
		move(g, screen);
		return true;
	case ACTION_HOME:
		grid_move_to(g, 0);
		return true;
	case ACTION_END:
		grid_move_to(g, g->space.pages ? g->space.pages - 1 : 0);
		return true;
	case ACTION_CLICK:
		take_click(g);
		return true;
	case ACTION_DOUBLE_CLICK:
		if (take_click(g))
			go_down(g);
		return true;
	default:
		return false;
	}
}

static bool change_zoom(struct grid *g, enum action action)
{
	switch (action) {
	case ACTION_ZOOM_IN:
		grid_set_zoom(g, g->zoom - MIN(g->zoom, (unsigned int)ZOOM_STEP));
		return true;
	case ACTION_ZOOM_OUT:
		grid_set_zoom(g, g->zoom + ZOOM_STEP);
		return true;
	case ACTION_ZOOM_FIT:
		g->nr_steps = 0;
		grid_set_zoom(g, fitting_zoom(g));
		return true;
	default:
		return false;
	}
}

static void ask(struct grid *g, enum action action)
{
	static const struct {
		enum action action;
		const char *label;
	} questions[] = {
		{ ACTION_GOTO, "Go to" },
		{ ACTION_SEARCH, "Search pages with the flags" },
		{ ACTION_FILTER, "Show only pages with the flags" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		if (questions[i].action == action)
			app_ask(g->view.app, action, questions[i].label);
}

static void change_letters(struct app *app)
{
	if (app->settings.forced_letters) {
		app_alert(app, "this terminal has too few colours or characters for blocks");
		return;
	}
	app->settings.letters = !app->settings.letters;
	app->remembered.letters = app->settings.letters;
}

static bool grid_act(struct view *v, enum action action)
{
	struct grid *g = grid_of(v);
	struct app *app = v->app;

	fit_screen(g);
	if (move_by(g, action) || change_zoom(g, action))
		return true;
	switch (action) {
	case ACTION_ENTER:
		go_down(g);
		return true;
	case ACTION_BACK:
		return go_up(g);
	case ACTION_SCHEME:
		app->settings.scheme = scheme_next(app->settings.scheme);
		app->remembered.scheme = app->settings.scheme;
		return true;
	case ACTION_LETTERS:
		change_letters(app);
		return true;
	case ACTION_GOTO:
	case ACTION_SEARCH:
	case ACTION_FILTER:
		ask(g, action);
		return true;
	case ACTION_NEXT:
	case ACTION_PREVIOUS:
		grid_search_next(g, action == ACTION_PREVIOUS);
		return true;
	case ACTION_POISONED:
		grid_search_poisoned(g);
		return true;
	case ACTION_TAG:
		tag(g);
		return true;
	case ACTION_MARK:
		take_mark(g);
		return true;
	case ACTION_ACT:
		ask_for_injection(g);
		return true;
	default:
		return false;
	}
}

/* --------------------------------------------------------------------- to begin */

static void grid_free(struct view *v)
{
	struct grid *g = grid_of(v);

	scan_release(&g->shown);
	scan_release(&g->next);
	scheme_state_release(&g->classes);
	mark_release(&g->mark);
	space_release(&g->space);
	vma_list_release(&g->vmas);
	free(g->trouble);
	free(g->name);
	free(g);
}

static const struct view_ops grid_ops = {
	.title = grid_title,
	.draw = grid_draw,
	.act = grid_act,
	.answer = grid_answer,
	.work = grid_work,
	.refresh = grid_refresh,
	.free = grid_free,
};

static struct view *grid_new(struct app *app, const char *name, const struct space *space)
{
	struct grid *g = xcalloc(1, sizeof(*g));

	g->view.ops = &grid_ops;
	g->view.app = app;
	g->name = xstrdup(name);
	g->space = *space;
	g->scheme = app->settings.scheme;
	g->classes.machine = &app->machine;
	g->fit = true;
	return &g->view;
}

struct view *grid_of_machine(struct app *app, const char *name, const struct kpage_range *within)
{
	struct space space;
	int err = space_of_machine(&app->machine, within, &space);

	if (err) {
		app_alert_errno(app, name, err);
		return NULL;
	}
	return grid_new(app, name, &space);
}

struct view *grid_of_process(struct app *app, pid_t pid, uint64_t started, const char *name,
			     const struct kpage_range *within)
{
	struct space space;
	struct view *v;
	char what[32];
	int err = space_of_process(&app->machine, pid, within, &space);

	if (!err && machine_process_check(&app->machine, pid, started)) {
		space_release(&space);
		err = -ESRCH;
	}
	if (err) {
		snprintf(what, sizeof(what), "process %d", (int)pid);
		app_alert_errno(app, what, err);
		return NULL;
	}
	v = grid_new(app, name, &space);
	grid_of(v)->started = started;
	/* Without them the places have no names. */
	if (vma_list_read(app->machine.ctx, pid, NULL, 0, &grid_of(v)->vmas))
		grid_of(v)->vmas = (struct vma_list){ 0 };
	return v;
}
