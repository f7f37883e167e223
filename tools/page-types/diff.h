/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A comparison of two copies, and what is shown of it. */
#pragma once

#include "page-types.h"

/* From one set of flags to another. */
struct transition {
	uint64_t before, after, pages;
};

/* Pages alike, one behind the other, that changed. */
struct changed {
	uint64_t pfn, pages, before, after;
};

struct copy {
	const char *path;
	struct kpage_dump *dump;		/* NULL: a copy of kpageflags */
	struct kpage_file *flags, *cgroup;	/* cgroup NULL: not compared */
	uint64_t end;				/* the first page behind its last */
	struct kpage_tally *by_flags, *by_cgroup;
	uint64_t pages;				/* that were compared */
	uint64_t only;				/* that the other one has not */
	uint64_t room[KPAGE_BATCH], cgroups[KPAGE_BATCH];
};

struct diff {
	const struct options *opt;
	struct record_output out;
	struct copy copies[2];			/* old and new */
	void *transitions;			/* a tree of tsearch(3) */
	size_t nr_transitions;
	uint64_t changed, unchanged;
	struct changed range;			/* --list: the one that may go on */
};

/* The order of transitions in their tree. */
int diff_by_pair(const void *a, const void *b);

/* Pages that changed, for --list and --list-each: shown at once, or when no more go with them. */
void diff_list(struct diff *d, const struct changed *c);

/* The tables, and what of the list is left. */
void diff_report(struct diff *d);
