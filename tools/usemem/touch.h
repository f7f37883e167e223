/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing and reading all pages, in one thread or in several. */
#pragma once

#include "memory.h"

enum touch_op {
	TOUCH_NONE,
	TOUCH_READ,	/* and compare with what was written */
	TOUCH_WRITE,
};

/* The threads that share the memory; the caller's is the first of them. */
struct crew;

/* `threads` in all. Prints what failed; returns an exit status. */
int crew_new(struct memory *m, unsigned int threads, struct crew **out);

/* Ends the threads. */
void crew_free(struct crew *crew);

/* One pass over all pages. false: the ticker ended it before. */
bool crew_touch(struct crew *crew, enum touch_op op, const struct ticker *ticker);
