/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grid: what it holds, for its files. */
#pragma once

#include "app.h"
#include "scan.h"
#include "search.h"
#include "common/vmas.h"

/* A way in, to come back by. */
struct zoom_step {
	uint64_t cursor;
	unsigned int zoom;
};

#define MAX_ZOOM_STEPS 16

struct grid {
	struct view view;
	char *name;
	struct space space;
	struct vma_list vmas;		/* of a process */
	const struct scheme *scheme;	/* that it is scanned by */
	struct scheme_state classes;
	struct mark mark;
	struct scan shown, next;	/* next: being done */
	bool scanning;
	uint64_t started;		/* of the process: machine_process_started() */
	uint64_t runs_ns;		/* CPU time that looking for runs took */
	bool fit;			/* the zoom follows the size of the screen */
	unsigned int zoom;
	uint64_t first;			/* index of the first page that is shown */
	uint64_t cursor;		/* index */
	int cols, rows;			/* of cells */
	char *trouble;			/* why what is shown is the last picture; NULL: it is not */
	struct search search;
	bool wrapped;			/* it has begun again at the other end */
	char searching[256];		/* what it is for */
	char wanted[256];		/* what was searched for by flags, or else poison: n goes on
					   with it; "": nothing */
	struct kpage_expr wanted_expr;
	struct kpage_expr filter;
	bool filtered;
	char filter_text[256];
	struct zoom_step steps[MAX_ZOOM_STEPS];
	size_t nr_steps;
};

struct grid *grid_of(const struct view *v);

/* What is on the screen is to be read anew. */
void grid_rescan(struct grid *g);
/* Puts the cursor on a page, and it on the screen. */
void grid_move_to(struct grid *g, uint64_t index);
void grid_set_zoom(struct grid *g, unsigned int zoom);
/* Whether what is shown is gone, and can't be read again; it has said so. */
bool grid_is_over(struct grid *g);

/* The last index of the cell at the cursor, and one more. */
uint64_t grid_cell_end(const struct grid *g);
uint64_t grid_cell_start(const struct grid *g);

/* grid-draw.c */
void grid_draw(struct view *v, struct frame *f);
/* How many lines the grid itself has on a screen. */
int grid_rows(int height);
int grid_cols(int width);
#define GRID_TOP 2
#define GRID_LEFT 15

/* grid-find.c */
void grid_answer(struct view *v, enum action question, const char *text);
void grid_search_next(struct grid *g, bool backwards);
/* The next one behind the cursor. */
void grid_search_poisoned(struct grid *g);
/* Whether the search goes on. */
bool grid_search_work(struct grid *g, uint64_t ns);
