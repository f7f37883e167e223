/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of text that can be scrolled, maybe with those of a program behind them. */
#pragma once

#include "app.h"
#include "child.h"

struct text_line {
	enum style style;
	char *text;
};

struct text_view {
	struct view view;
	char *title;
	struct text_line *lines;
	size_t n;
	size_t own;		/* the first lines are not the program's */
	size_t top;		/* the first row that is shown; a long line has several */
	int rows;		/* that were shown last, */
	size_t all_rows;	/* and that there were */
	struct child child;
	void (*fill)(struct text_view *t);	/* makes its own lines anew; NULL: they stay */
	void (*run)(struct text_view *t);	/* starts the program anew, if fill() has asked for it: */
	bool rerun;
	bool (*act)(struct text_view *t, enum action action);	/* its own actions; NULL: none */
	bool is_report, warned;	/* of a program that does something; that it still runs was said */
	/* Of a page: */
	pid_t pid;
	uint64_t started;	/* of the process: machine_process_started() */
	uint64_t place;
	bool has_page;		/* a page is there now, and */
	uint64_t pfn;		/* this is it; there may be a PFN 0 */
	bool poisoned, mapped;	/* it is */
	struct tag tag;
};

struct text_view *text_view_new(struct app *app, const char *title);
void text_view_add(struct text_view *t, enum style style, const char *text);
void text_view_printf(struct text_view *t, enum style style, const char *fmt, ...)
	_printf_(3, 4);
/* Ends the program, and forgets what it has printed. */
void text_view_drop_output(struct text_view *t);
/* Starts a program, whose output follows the lines that are there. */
void text_view_run(struct text_view *t, char *const *argv);
