/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A search through a space, in pieces. */
#pragma once

#include "space.h"

struct search {
	bool active;
	bool backwards;
	bool by_pfn;			/* for one page; otherwise by expr */
	uint64_t pfn;
	struct kpage_expr expr;
	uint64_t index;			/* forwards: the next to look at; backwards: behind it */
};

/* From a page on, which itself is not looked at. */
void search_begin(struct search *s, uint64_t from, bool backwards);

/* Goes on for about so long (0: to the end). 1: found, at s->index; 0: not yet;
 * -ENOENT: nothing further; another negative errno. Unless 0 it has ended. */
int search_step(struct search *s, const struct space *space, uint64_t ns);
