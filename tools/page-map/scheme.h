/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schemes: by what the pages of a map are told apart. */
#pragma once

#include "frame.h"
#include "space.h"

#define MAX_CLASSES 18

struct page_class {
	char letter;
	enum hue hue;
	const char *name;
};

/* The cgroups that have a class: as many as there is room for, the first ones that were met
 * in the order of the map; until the scheme is chosen anew, each keeps its class. */
struct cgroup_classes {
	uint64_t inos[MAX_CLASSES];
	char *names[MAX_CLASSES];
	size_t n;
};

struct scheme_state {
	const struct machine *machine;
	struct cgroup_classes cgroups;
};

struct scheme {
	const char *name;
	const char *title;
	unsigned int needs;		/* enum page_needs */
	unsigned int nr_classes;
	const struct page_class *classes;
	unsigned int (*classify)(struct scheme_state *state, const struct page_info *p);
};

/* The first two classes of each scheme. */
enum {
	CLASS_ABSENT,
	CLASS_SWAPPED,
	CLASS_FIRST,
};

/* The table, *n of them. */
const struct scheme *scheme_table(size_t *n);
/* NULL: there is none of that name. */
const struct scheme *scheme_find(const char *name);
const struct scheme *scheme_next(const struct scheme *scheme);

/* The class of a page; that of a poisoned one counts for nothing: poison is shown first. */
unsigned int scheme_classify(const struct scheme *scheme, struct scheme_state *state,
			     const struct page_info *p);
/* What a class is called; for cgroups, its path. Borrowed. */
const char *scheme_class_name(const struct scheme *scheme, const struct scheme_state *state,
			      unsigned int class);

void scheme_state_release(struct scheme_state *state);
