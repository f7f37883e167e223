// SPDX-License-Identifier: GPL-2.0-or-later
/* A list whose rows are counted in the background. */
#include "list.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "views.h"

#define LIST_TOP 2

static struct list *list_of(const struct view *v)
{
	return (struct list *)(uintptr_t)v;
}

static char *list_title(const struct view *v)
{
	const struct list *l = list_of(v);

	return xstrdup(l->trouble ? l->trouble : l->name);
}

/* ---------------------------------------------------------------------- the rows */

struct row *list_add(struct list *l)
{
	l->rows = xgrow(l->rows, l->n, sizeof(*l->rows));
	l->rows[l->n] = (struct row){ .node = -1, .resident = UINT64_MAX };
	return &l->rows[l->n++];
}

static void release_rows(struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(rows[i].name);
	free(rows);
}

void list_show_number(uint64_t n, char *out, size_t size)
{
	if (n == UINT64_MAX)
		snprintf(out, size, "-");
	else
		snprintf(out, size, "%" PRIu64, n);
}

/* --------------------------------------------------------------------- the order */

static int compare(const void *a, const void *b, void *arg)
{
	const struct list *l = arg;
	const struct row *x = &l->rows[*(const size_t *)a], *y = &l->rows[*(const size_t *)b];
	const struct list_column *c;
	uint64_t vx, vy;
	int order;

	if (x->all != y->all)
		return x->all ? -1 : 1;
	if (l->sorted < l->kind->nr_columns) {
		c = &l->kind->columns[l->sorted];
		if (c->value) {
			/* What is not known is last. */
			vx = c->value(x) + (c->descending ? 1 : 0);
			vy = c->value(y) + (c->descending ? 1 : 0);
			order = (vx > vy) - (vx < vy);
		} else {
			order = strcmp(x->name, y->name);
		}
		if (order)
			return c->descending ? -order : order;
	}
	return (x > y) - (x < y);
}

/* The cursor stays on its row, and is on the first one at first. */
static void put_in_order(struct list *l)
{
	size_t row = l->cursor < l->shown ? l->order[l->cursor] : SIZE_MAX;

	l->order = xreallocarray(l->order, MAX(l->n, (size_t)1), sizeof(*l->order));
	l->shown = 0;
	for (size_t i = 0; i < l->n; i++)
		if (!*l->filter || strstr(l->rows[i].name, l->filter))
			l->order[l->shown++] = i;
	qsort_r(l->order, l->shown, sizeof(*l->order), compare, l);
	l->cursor = 0;
	for (size_t i = 0; i < l->shown; i++)
		if (l->order[i] == row)
			l->cursor = i;
}

/* ------------------------------------------------------------------ what it counts */

static void count(struct page_counts *c, const struct page_info *p)
{
	uint64_t flags = p->kflags | p->head_kflags;

	if (p->state == PAGE_STATE_SWAPPED)
		c->swapped++;
	if (p->state != PAGE_STATE_PAGE || (p->kflags & KPAGE_BIT(NOPAGE)))
		return;
	c->there++;
	if (p->kflags & KPAGE_BIT(HWPOISON))
		c->poisoned++;
	if (flags & (KPAGE_BIT(HUGE) | KPAGE_BIT(THP)))
		c->huge++;
	if (p->kflags & KPAGE_BIT(BUDDY))
		c->free++;
	if (flags & (KPAGE_BIT(LRU) | KPAGE_BIT(ANON) | KPAGE_BIT(HUGE) | KPAGE_BIT(MMAP)))
		c->user++;
}

static void next_row(struct list *l)
{
	space_release(&l->space);
	l->space = (struct space){ 0 };
	l->index = 0;
	l->counts = (struct page_counts){ 0 };
	l->next++;
}

/* It stands at the top for as long as it is so. */
static void note_trouble(struct list *l, int err)
{
	app_alert_errno(l->view.app, l->name, err);
	free(l->trouble);
	l->trouble = xstrdup(l->view.app->status);
}

/* The counts of a row stay unknown. Of many processes some have ended, or are not ours to
 * look at: that is nothing to speak of. */
static void give_row_up(struct list *l, int err)
{
	if (err != -ESRCH && err != -EACCES && err != -EPERM && !l->trouble)
		note_trouble(l, err);
	l->rows[l->next].counted = false;
	next_row(l);
}

/* Opens the next row that can be counted; false: there is none. */
static bool open_row(struct list *l)
{
	while (l->next < l->n) {
		int err = l->kind->open(l, &l->rows[l->next], &l->space);

		if (!err)
			return true;
		give_row_up(l, err);
	}
	return false;
}

static void count_piece(struct list *l)
{
	struct page_info pages[CHUNK];
	ssize_t n = space_read(&l->space, l->index, CHUNK, NEED_HEAD, pages);

	for (ssize_t i = 0; i < n; i++)
		count(&l->counts, &pages[i]);
	if (n > 0) {
		l->index += (uint64_t)n;
		l->pages += (uint64_t)n;
	}
	if (n > 0 && l->index < l->space.pages)
		return;
	if (n < 0) {
		give_row_up(l, (int)n);
		return;
	}
	l->rows[l->next].counts = l->counts;
	l->rows[l->next].counted = true;
	next_row(l);
}

static bool list_work(struct view *v, uint64_t ns)
{
	struct list *l = list_of(v);
	uint64_t start = cpu_time_ns();

	if (!l->counting)
		return false;
	while (l->counting && (!ns || cpu_time_ns() - start < ns)) {
		if (!l->space.machine && !open_row(l)) {
			l->counting = false;
			break;
		}
		count_piece(l);
	}
	l->cpu_ns += cpu_time_ns() - start;
	if (!l->counting) {
		view_looked(v, l->cpu_ns, l->pages);
		put_in_order(l);
	}
	return l->counting;
}

static void begin_counting(struct list *l)
{
	space_release(&l->space);
	l->space = (struct space){ 0 };
	l->counts = (struct page_counts){ 0 };
	l->next = 0;
	l->index = 0;
	l->cpu_ns = 0;
	l->pages = 0;
	l->counting = true;
	l->view.looked = false;
	free(l->trouble);
	l->trouble = NULL;
}

/* What was counted of a row before stays until it is counted anew. */
static void take_old_counts(struct list *l, const struct row *old, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct row *r = &l->rows[i];

		while (k < n && l->kind->key(&old[k]) < l->kind->key(r))
			k++;
		if (k < n && l->kind->key(&old[k]) == l->kind->key(r)) {
			r->counts = old[k].counts;
			r->counted = old[k].counted;
		}
	}
}

static void find_row_again(struct list *l, uint64_t key)
{
	for (size_t i = 0; i < l->shown; i++)
		if (l->kind->key(&l->rows[l->order[i]]) == key)
			l->cursor = i;
}

static bool list_refresh(struct view *v)
{
	struct list *l = list_of(v);
	struct row *old = l->rows;
	size_t n = l->n;
	uint64_t key = l->cursor < l->shown ? l->kind->key(&old[l->order[l->cursor]]) : 0;
	uint64_t start = cpu_time_ns();
	int err;

	if (l->counting)
		return false;
	l->rows = NULL;
	l->n = 0;
	err = l->kind->load(l);
	if (err) {
		release_rows(l->rows, l->n);
		l->rows = old;
		l->n = n;
		note_trouble(l, err);
		v->looked = false;
		return true;
	}
	take_old_counts(l, old, n);
	release_rows(old, n);
	put_in_order(l);
	find_row_again(l, key);
	begin_counting(l);
	l->cpu_ns = cpu_time_ns() - start;
	return true;
}

/* ------------------------------------------------------------------------- draw */

static int column_width(const struct list_column *c)
{
	return c->width < 0 ? -c->width : c->width;
}

static void draw_field(struct frame *f, int x, int y, const struct list_column *c, enum style style,
		       const char *text)
{
	int width = c->width ? column_width(c) : f->width - x;
	int pad = c->width > 0 ? MAX(width - (int)strlen(text), 0) : 0;

	/* Of a path that is too long the end says more. */
	if (*text == '/' && strlen(text) > (size_t)width) {
		x = frame_text(f, x, y, 1, STYLE_DIM, "<");
		width--;
		text = end_of(text, (size_t)width);
	}
	frame_text_cut(f, x + pad, y, width - pad, style, text);
}

static void draw_head(const struct list *l, struct frame *f)
{
	int x = 0;

	for (int i = 0; i < f->width; i++)
		frame_text(f, i, LIST_TOP - 1, 1, STYLE_HEAD, " ");
	for (size_t i = 0; i < l->kind->nr_columns; i++) {
		const struct list_column *c = &l->kind->columns[i];
		char text[64];

		snprintf(text, sizeof(text), "%s%s", c->head,
			 i != l->sorted ? "" : c->descending ? "v" : "^");
		draw_field(f, x, LIST_TOP - 1, c, STYLE_HEAD, text);
		x += column_width(c) + 1;
	}
}

static void draw_row(const struct list *l, struct frame *f, int y, const struct row *r)
{
	bool bad = r->counted && r->counts.poisoned;
	int x = 0;

	for (size_t i = 0; i < l->kind->nr_columns; i++) {
		const struct list_column *c = &l->kind->columns[i];
		char text[64];

		if (c->show)
			c->show(r, text, sizeof(text));
		else if (c->value)
			list_show_number(c->value(r), text, sizeof(text));
		draw_field(f, x, y, c, bad ? STYLE_ALERT : STYLE_NORMAL,
			   c->value || c->show ? text : r->name);
		x += column_width(c) + 1;
	}
}

static void list_draw(struct view *v, struct frame *f)
{
	struct list *l = list_of(v);

	l->lines = f->height - LIST_TOP - 2;
	if (l->cursor < l->top)
		l->top = l->cursor;
	if (l->cursor >= l->top + (size_t)l->lines)
		l->top = l->cursor - (size_t)l->lines + 1;
	draw_head(l, f);
	for (int i = 0; i < l->lines && l->top + (size_t)i < l->shown; i++)
		draw_row(l, f, LIST_TOP + i, &l->rows[l->order[l->top + (size_t)i]]);
	if (l->shown)
		frame_mark(f, 0, LIST_TOP + (int)(l->cursor - l->top), f->width, MARK_CURSOR);
	else
		frame_text(f, 0, LIST_TOP, f->width, STYLE_DIM,
			   *l->filter ? "nothing has that in its name" : "there is nothing");
	if (l->counting && !*v->app->status)
		frame_printf(f, 0, f->height - 2, f->width, STYLE_DIM, "counting: %zu of %zu", l->next,
			     l->n);
}

/* ---------------------------------------------------------------------- actions */

static void move(struct list *l, long by)
{
	long to = (long)l->cursor + by;

	l->cursor = to < 0 ? 0 : (size_t)to;
	if (l->cursor >= l->shown)
		l->cursor = l->shown ? l->shown - 1 : 0;
}

static void enter(struct list *l)
{
	if (l->cursor < l->shown)
		app_push(l->view.app, l->kind->enter(l, &l->rows[l->order[l->cursor]]));
}

static bool click(struct list *l)
{
	int line = l->view.app->mouse_y - LIST_TOP;

	if (line < 0 || line >= l->lines || l->top + (size_t)line >= l->shown)
		return false;
	l->cursor = l->top + (size_t)line;
	return true;
}

static void find(struct list *l, int by)
{
	if (!*l->wanted) {
		app_alert(l->view.app, "nothing was searched for yet (F3 or /)");
		return;
	}
	for (size_t i = 1; i <= l->shown; i++) {
		size_t at = (l->cursor + (by > 0 ? i : l->shown - i)) % l->shown;

		if (!strstr(l->rows[l->order[at]].name, l->wanted))
			continue;
		l->cursor = at;
		return;
	}
	app_alert(l->view.app, "%s: no such name here", l->wanted);
}

/* The next row with poisoned pages. */
static void find_poisoned(struct list *l)
{
	for (size_t i = 1; i <= l->shown; i++) {
		size_t at = (l->cursor + i) % l->shown;
		const struct row *r = &l->rows[l->order[at]];

		if (!r->counted || !r->counts.poisoned)
			continue;
		l->cursor = at;
		return;
	}
	app_alert(l->view.app, l->counting ? "none was found yet: not all is counted" :
					     "nothing here is poisoned");
}

static void sort_by_next(struct list *l)
{
	l->sorted = (l->sorted + 1) % l->kind->nr_columns;
	put_in_order(l);
	/* What comes first is what it was sorted for. */
	l->cursor = 0;
	app_say(l->view.app, "sorted by %s", l->kind->columns[l->sorted].head);
}

static void ask(struct list *l, enum action action)
{
	static const struct {
		enum action action;
		const char *label;
	} questions[] = {
		{ ACTION_SEARCH, "Search for a part of the name" },
		{ ACTION_FILTER, "Show only rows with this in their name" },
		{ ACTION_GOTO, "Go to the name, or the number in the first column" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		if (questions[i].action == action)
			app_ask(l->view.app, action, questions[i].label);
}

static bool list_act(struct view *v, enum action action)
{
	struct list *l = list_of(v);

	switch (action) {
	case ACTION_UP:
		move(l, -1);
		return true;
	case ACTION_DOWN:
		move(l, 1);
		return true;
	case ACTION_PAGE_UP:
		move(l, -l->lines);
		return true;
	case ACTION_PAGE_DOWN:
		move(l, l->lines);
		return true;
	case ACTION_HOME:
		l->cursor = 0;
		return true;
	case ACTION_END:
		move(l, (long)l->shown);
		return true;
	case ACTION_ENTER:
		enter(l);
		return true;
	case ACTION_CLICK:
		click(l);
		return true;
	case ACTION_DOUBLE_CLICK:
		if (click(l))
			enter(l);
		return true;
	case ACTION_SORT:
		sort_by_next(l);
		return true;
	case ACTION_SEARCH:
	case ACTION_FILTER:
	case ACTION_GOTO:
		ask(l, action);
		return true;
	case ACTION_NEXT:
		find(l, 1);
		return true;
	case ACTION_PREVIOUS:
		find(l, -1);
		return true;
	case ACTION_POISONED:
		find_poisoned(l);
		return true;
	case ACTION_TAG:
	case ACTION_ACT:
		app_alert(v->app, "a page is tagged or poisoned where pages are shown: go down with Enter");
		return true;
	default:
		return false;
	}
}

/* By its number, or else by its name. */
static void go_to(struct list *l, const char *text)
{
	uint64_t n;
	int err = kpage_number_parse(text, &n);

	if (err && err != -EINVAL) {
		app_alert(l->view.app, "%s: the number is too large", text);
		return;
	}
	if (!err)
		for (size_t i = 0; i < l->shown; i++) {
			const struct row *r = &l->rows[l->order[i]];
			uint64_t page = n / kpage_page_size();

			if (r->id != n && !(l->pid && r->id && page >= r->range.start && page < r->range.end))
				continue;
			l->cursor = i;
			return;
		}
	snprintf(l->wanted, sizeof(l->wanted), "%s", text);
	if (*text)
		find(l, 1);
}

static void list_answer(struct view *v, enum action question, const char *text)
{
	struct list *l = list_of(v);

	if (question == ACTION_GOTO) {
		go_to(l, text);
	} else if (question == ACTION_SEARCH && *text) {
		snprintf(l->wanted, sizeof(l->wanted), "%s", text);
		find(l, 1);
	} else if (question == ACTION_FILTER) {
		snprintf(l->filter, sizeof(l->filter), "%s", text);
		put_in_order(l);
	}
}

/* --------------------------------------------------------------------- to begin */

static void list_free(struct view *v)
{
	struct list *l = list_of(v);

	space_release(&l->space);
	release_rows(l->rows, l->n);
	free(l->order);
	free(l->trouble);
	free(l->name);
	free(l);
}

static const struct view_ops list_ops = {
	.title = list_title,
	.draw = list_draw,
	.act = list_act,
	.answer = list_answer,
	.work = list_work,
	.refresh = list_refresh,
	.free = list_free,
};

struct view *list_new(struct app *app, const struct list_kind *kind, const char *name, pid_t pid,
		      uint64_t started)
{
	struct list *l = xcalloc(1, sizeof(*l));
	int err;

	l->view.ops = &list_ops;
	l->view.app = app;
	l->kind = kind;
	l->name = xstrdup(name);
	l->pid = pid;
	l->started = started;
	l->sorted = kind->sorted;
	err = kind->load(l);
	if (err) {
		app_alert_errno(app, name, err);
		list_free(&l->view);
		return NULL;
	}
	put_in_order(l);
	begin_counting(l);
	return &l->view;
}
