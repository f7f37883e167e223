/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scan: fills the cells of a map from the pages of a space. A cell stands for 1 << zoom
 * pages. Of large cells it first reads a part of each, spread over the cell, then further
 * parts: so there is a picture at once, which grows better until all is read.
 */
#pragma once

#include "mark.h"
#include "scheme.h"

struct cell {
	uint32_t seen;			/* pages that were read */
	uint32_t poisoned;		/* of these, and of the others: */
	uint32_t pages[MAX_CLASSES];	/* by class */
	uint32_t filtered;		/* left out by the filter; they are in no class */
	bool changed;			/* since the mark */
};

/* What is shown. */
struct window {
	uint64_t first;			/* index of its first page, a multiple of a cell */
	unsigned int zoom;
	size_t cells;			/* at most; there may be fewer pages */
};

struct scan {
	const struct space *space;
	const struct scheme *scheme;
	struct scheme_state *state;
	struct mark *mark;
	const struct kpage_expr *filter;	/* NULL: none */
	struct window window;
	struct cell *cells;
	size_t nr_cells;
	uint64_t pass, group;		/* how far it is */
	bool complete;
	uint64_t pages;			/* that were read so far */
	uint64_t cpu_ns;		/* that it took */
};

/* Begins one. All that it is given is borrowed. */
void scan_begin(struct scan *s, const struct space *space, const struct scheme *scheme,
		struct scheme_state *state, struct mark *mark, const struct kpage_expr *filter,
		const struct window *window);

/* Goes on until all is read, or for about as long as that (0: to the end). 0 or a negative
 * errno. */
int scan_step(struct scan *s, uint64_t ns);
void scan_release(struct scan *s);

/* Whether every cell has been looked at. */
bool scan_has_picture(const struct scan *s);

/* How many cells a window of a space has. */
size_t window_cells(const struct window *w, uint64_t pages);

/* The zoom at which a space fills at most so many cells. */
unsigned int zoom_to_fit(uint64_t pages, size_t cells);

/* The class that most of the pages of a cell have (of the pages that are not poisoned and
 * not left out; MAX_CLASSES: there are none), and its share of them in eighths (1 … 8). */
unsigned int cell_dominant(const struct cell *c, unsigned int *eighths);
