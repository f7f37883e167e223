/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list whose rows are counted in the background: of processes, mappings, memory blocks. */
#pragma once

#include "app.h"
#include "space.h"

/* Pages of a row. */
struct page_counts {
	uint64_t there, swapped, poisoned, huge, free, user;
};

struct row {
	uint64_t id;			/* of a process: its PID; of a block: its number */
	struct kpage_range range;	/* pages: of the process, or PFNs */
	char *name;
	bool all;			/* it stands for all others, and before them in any order */
	char note[16];			/* permissions */
	int node;			/* -1: not known */
	uint64_t resident;		/* of a process, as the kernel counts it; UINT64_MAX: not known */
	bool counted;			/* else the counts are not known yet, or not at all */
	struct page_counts counts;
};

struct list;

struct list_column {
	const char *head;
	int width;			/* negative: to the left; 0: the rest of the line */
	bool descending;		/* when it is sorted by this */
	/* What it is sorted by; NULL: the name. UINT64_MAX is shown as not known. */
	uint64_t (*value)(const struct row *r);
	/* NULL: the value as a number. */
	void (*show)(const struct row *r, char *out, size_t size);
};

struct list_kind {
	const char *title;
	const struct list_column *columns;
	size_t nr_columns;
	size_t sorted;			/* the column at first; nr_columns: as they come */
	/* By what a row is known again when they are loaded anew; they come ascending by it. */
	uint64_t (*key)(const struct row *r);
	/* Makes the rows anew. 0 or a negative errno. */
	int (*load)(struct list *l);
	/* The pages of a row, to count them. 0 or a negative errno. */
	int (*open)(const struct list *l, const struct row *r, struct space *out);
	/* Goes down into a row; NULL after saying why not. */
	struct view *(*enter)(const struct list *l, const struct row *r);
};

struct list {
	struct view view;
	const struct list_kind *kind;
	char *name;
	char *trouble;			/* why not all of it could be read; NULL: it could */
	pid_t pid;
	uint64_t started;		/* of the process: machine_process_started() */
	struct row *rows;
	size_t n;
	size_t *order;			/* of the rows that are shown */
	size_t shown;
	size_t cursor, top;		/* in that order */
	int lines;			/* that were shown last */
	size_t sorted;
	char filter[64];
	char wanted[64];
	/* What is being counted. */
	bool counting;
	size_t next;			/* row */
	struct space space;
	uint64_t index;
	struct page_counts counts;
	uint64_t cpu_ns, pages;
};

/* pid, started: of the process that it is of; 0: of none. */
struct view *list_new(struct app *app, const struct list_kind *kind, const char *name, pid_t pid,
		      uint64_t started);
struct row *list_add(struct list *l);

/* "1234", "-" if it is not known. */
void list_show_number(uint64_t n, char *out, size_t size);
