/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of memory: how each is made, brought into its state, and given back. */
#pragma once

#include "memory.h"

struct kind {
	const char *name;
	const char *alias;	/* another name for it, or NULL */
	const char *what;	/* for --kind help and the manual */
	bool has_path;		/* --path means something */
	bool huge;		/* comes in huge pages: the size is rounded up to them */
	bool equal;		/* all pages get the same contents */
	bool reread;		/* to be read once more after settle */
	/* Flags of /proc/kpageflags that every page has, and that none has. */
	uint64_t flags_set, flags_clear;
	/* These print what failed and return an exit status. */
	int (*make)(struct memory *m, const char *path);
	/* After all pages were written; may be NULL. */
	int (*settle)(struct memory *m, const struct ticker *ticker);
	/* Gives up the pages and keeps the mapping, so that the next touch gets new
	 * ones. 0 or a negative errno. */
	int (*drop)(struct memory *m);
	void (*unmap)(struct memory *m);	/* NULL: munmap(2) */
};

/* By name or alias; NULL: none. */
const struct kind *kind_find(const char *name);

/* Prints a line a kind. */
void kinds_list(void);

/* Sets up m with at least `bytes` of memory, not yet populated. */
int memory_make(struct memory *m, const struct kind *kind, uint64_t bytes, const char *path);

/* Gives up all pages: 0 or a negative errno. */
int memory_drop(struct memory *m);

/* Unmaps it and removes its file. */
void memory_release(struct memory *m);
