// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of text that can be scrolled, maybe with those of a program behind them. */
#include "text.h"

#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include "views.h"

/* Of a program that prints more, the rest is not kept. */
#define MAX_LINES 20000

static struct text_view *self_of(const struct view *v)
{
	return (struct text_view *)(uintptr_t)v;
}

static char *text_title(const struct view *v)
{
	return xstrdup(self_of(v)->title);
}

void text_view_add(struct text_view *t, enum style style, const char *text)
{
	if (t->n == MAX_LINES)
		return;
	t->lines = xgrow(t->lines, t->n, sizeof(*t->lines));
	t->lines[t->n++] = (struct text_line){ style, xstrdup(text) };
}

void text_view_printf(struct text_view *t, enum style style, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	text_view_add(t, style, text ? text : "?");
}

static void clear(struct text_view *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->lines[i].text);
	t->n = 0;
}

/* ------------------------------------------------------------------ long lines */

/* The rest of a line that is too long is set in so far. */
#define INDENT 4

/* How many bytes of a text fit: up to a blank, or else as many as there is room for. */
static size_t fitting(const char *text, size_t room)
{
	size_t n = strlen(text);

	if (n <= room)
		return n;
	for (n = room; n > room / 2; n--)
		if (text[n] == ' ' || text[n] == ',')
			return n < room && text[n] == ',' ? n + 1 : n;
	/* Not within a character. */
	for (n = room; n > 1 && (text[n] & 0xc0) == 0x80; n--)
		;
	return n;
}

/* The next row of a line; *text moves on behind it. */
static size_t take_row(const char **text, int width, bool first, int *x)
{
	size_t n;

	*x = first ? 1 : 1 + INDENT;
	if (!first)
		*text += strspn(*text, " ");
	n = fitting(*text, (size_t)MAX(width - *x, 1));
	return n;
}

static size_t rows_of(const char *text, int width)
{
	size_t rows = 0;
	int x;

	do {
		size_t n = take_row(&text, width, !rows, &x);

		text += n;
		rows++;
	} while (*text);
	return rows;
}

static size_t all_rows(const struct text_view *t, int width)
{
	size_t rows = 0;

	for (size_t i = 0; i < t->n; i++)
		rows += rows_of(t->lines[i].text, width);
	return rows;
}

static void draw_line(const struct text_view *t, struct frame *f, const struct text_line *line,
		      long row)
{
	const char *text = line->text;
	bool first = true;

	do {
		int x;
		size_t n = take_row(&text, f->width, first, &x);
		_cleanup_free_ char *part = strndup(text, n);

		if (part && row >= 0 && row < t->rows)
			frame_text(f, x, (int)row + 2, f->width, line->style, part);
		text += n;
		row++;
		first = false;
	} while (*text);
}

static void text_draw(struct view *v, struct frame *f)
{
	struct text_view *t = self_of(v);
	size_t rows = all_rows(t, f->width);
	long row;

	t->rows = f->height - 4;
	t->all_rows = rows;
	if (t->top + (size_t)t->rows > rows)
		t->top = rows > (size_t)t->rows ? rows - (size_t)t->rows : 0;
	row = -(long)t->top;
	for (size_t i = 0; i < t->n && row < t->rows; i++) {
		draw_line(t, f, &t->lines[i], row);
		row += (long)rows_of(t->lines[i].text, f->width);
	}
	if (t->top + (size_t)t->rows < rows)
		frame_printf(f, f->width - 5, 1, 5, STYLE_DIM, "%3zu%%",
			     (t->top + (size_t)t->rows) * 100 / rows);
}

static void scroll(struct text_view *t, long by)
{
	long top = (long)t->top + by;

	t->top = top < 0 ? 0 : (size_t)top;
	if (t->top >= t->all_rows)
		t->top = t->all_rows ? t->all_rows - 1 : 0;
}

static bool text_act(struct view *v, enum action action)
{
	struct text_view *t = self_of(v);

	switch (action) {
	case ACTION_UP:
		scroll(t, -1);
		return true;
	case ACTION_DOWN:
		scroll(t, 1);
		return true;
	case ACTION_PAGE_UP:
		scroll(t, -t->rows);
		return true;
	case ACTION_PAGE_DOWN:
		scroll(t, t->rows);
		return true;
	case ACTION_HOME:
		t->top = 0;
		return true;
	case ACTION_END:
		scroll(t, (long)t->all_rows);
		return true;
	default:
		return t->act && t->act(t, action);
	}
}

static void take_line(const char *text, void *arg)
{
	struct text_view *t = arg;

	text_view_add(t, STYLE_NORMAL, text);
	t->view.app->dirty = true;
}

static void say_end(struct text_view *t)
{
	int status = t->child.status;

	/* An unpoisoned page is no event of the kernel's. */
	if (t->is_report)
		app_stale(t->view.app);
	if (WIFSIGNALED(status))
		text_view_printf(t, STYLE_ALERT, "it was ended by the signal %s",
				 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		text_view_printf(t, STYLE_ALERT, "its exit status is %d", WEXITSTATUS(status));
}

/* What the program has printed by now, or with wait: all that it prints; and its end. */
static void read_program(struct text_view *t, bool wait)
{
	if (t->child.pid && !child_read(&t->child, wait, take_line, t))
		say_end(t);
}

static bool text_work(struct view *v, uint64_t ns)
{
	/* It runs by itself: there is nothing to do but to look now and then. */
	read_program(self_of(v), !ns);
	return false;
}

static bool text_refresh(struct view *v)
{
	struct text_view *t = self_of(v);

	if (!t->fill)
		return true;
	/* The lines of the program stay as they are. */
	struct text_line *old = t->lines;
	size_t n = t->n, own = t->own;

	t->lines = NULL;
	t->n = 0;
	t->fill(t);
	for (size_t i = 0; i < n; i++) {
		if (i < own) {
			free(old[i].text);
			continue;
		}
		t->lines = xgrow(t->lines, t->n, sizeof(*t->lines));
		t->lines[t->n++] = old[i];
	}
	free(old);
	if (t->rerun)
		t->run(t);
	return true;
}

/* A report is not thrown away by the way: what it tells of is being done. */
static bool text_may_leave(struct view *v)
{
	struct text_view *t = self_of(v);

	if (!t->is_report)
		return true;
	/* It may have ended since the latest look. */
	read_program(t, false);
	if (!t->child.pid)
		return true;
	if (t->warned)
		child_end(&t->child);
	app_alert(v->app, t->warned ? "it was asked to end: wait for it" :
				      "it still runs: again, and it is asked to end");
	t->warned = true;
	return false;
}

static void text_free(struct view *v)
{
	struct text_view *t = self_of(v);

	child_stop(&t->child);
	clear(t);
	free(t->lines);
	free(t->title);
	free(t);
}

static const struct view_ops text_ops = {
	.title = text_title,
	.draw = text_draw,
	.act = text_act,
	.work = text_work,
	.refresh = text_refresh,
	.may_leave = text_may_leave,
	.free = text_free,
};

struct text_view *text_view_new(struct app *app, const char *title)
{
	struct text_view *t = xcalloc(1, sizeof(*t));

	t->view.ops = &text_ops;
	t->view.app = app;
	t->title = xstrdup(title);
	return t;
}

void text_view_drop_output(struct text_view *t)
{
	child_stop(&t->child);
	while (t->n > t->own)
		free(t->lines[--t->n].text);
}

void text_view_run(struct text_view *t, char *const *argv)
{
	int err;

	text_view_drop_output(t);
	err = child_start(&t->child, argv);
	if (err)
		text_view_printf(t, STYLE_ALERT, "%s: %s", argv[0], strerror(-err));
}

/* --------------------------------------------------------------------- the views */

struct view *report_view(struct app *app, const char *title, char *const *argv)
{
	struct text_view *t = text_view_new(app, title);
	_cleanup_free_ char *command = NULL;
	size_t size;
	FILE *to = open_memstream(&command, &size);

	for (size_t i = 0; to && argv[i]; i++)
		fprintf(to, "%s%s", i ? " " : "$ ", argv[i]);
	if (to && !fclose(to))
		text_view_add(t, STYLE_DIM, command);
	text_view_add(t, STYLE_NORMAL, "");
	t->own = t->n;
	t->is_report = true;
	text_view_run(t, argv);
	return &t->view;
}

struct view *help_view(struct app *app)
{
	struct text_view *t = text_view_new(app, "help");
	size_t n;
	const struct key_binding *keys = key_table(&n);

	t->view.is_help = true;
	for (size_t i = 0; i < n; i++)
		text_view_printf(t, STYLE_NORMAL, "%-14s %s", keys[i].names, keys[i].help);
	text_view_add(t, STYLE_NORMAL, "");
	text_view_add(t, STYLE_NORMAL,
		      "A cell with a poisoned page is X at any zoom. A capital, or a full block, is a");
	text_view_add(t, STYLE_NORMAL,
		      "cell that is mostly of one class; the paler, the more mixed.");
	return &t->view;
}
