/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The groups of --by, each with its own count. */
#pragma once

#include "kpage.h"
#include "common/narrow.h"
#include "common/util.h"

enum group_by {
	BY_NONE,
	BY_PID,
	BY_VMA,
	BY_CGROUP,
	BY_NODE,
	BY_ORDER,
	BY_FILE,
};

/* "pid", "vma", …; NULL: none of that number. */
const char *group_by_name(enum group_by by);

/* BY_NONE: no such word. */
enum group_by group_by_find(const char *word);

struct group {
	pid_t pid;		/* 0: not of one process */
	bool has_number;
	uint64_t number;	/* of the cgroup (inode), node, order, mapping (its first page) */
	char *label;		/* as people call it */
	uint64_t order;		/* in which they came */
	struct kpage_tally *tally;
};

struct groups {
	enum group_by by;
	struct kpage_ctx *ctx;
	const struct kpage_dump *dump;	/* that is read, and knows the cgroups; or NULL */
	void *tree;		/* of struct group */
	struct group *last;
	size_t n;
	struct compound_extent extent;	/* of the page that was counted last */
};

/* Where a page is, as far as groups go by it. */
struct group_place {
	pid_t pid;			/* 0: none */
	const char *file;		/* whose page cache it is; NULL: none's */
	const struct narrowing *narrow;	/* which has looked at it */
	const struct kpage_batch *batch;
	size_t i;
};

/* Counts a page. 0 or -ENOMEM. */
int groups_add(struct groups *g, const struct group_place *place);

/* The groups in the order in which they came; those of nodes and orders by number. The caller frees
 * the array; what its elements point to stays with g. */
struct group *groups_list(const struct groups *g);

void groups_release(struct groups *g);
