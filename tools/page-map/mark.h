/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mark: what the pages of a space were like at a moment, to see which have changed
 * since. It holds a checksum for each unit of pages, not the pages. In a process a unit is
 * a page, known by its place, since what is populated changes. In physical memory it is as
 * many pages as keep the number of units small, a chunk at most. What is compared is which
 * page it is, its flags, and what the scheme shows beyond them.
 */
#pragma once

#include "space.h"

struct mark {
	struct space_run *runs;	/* of the process, as they were; NULL: physical memory */
	size_t nr_runs;
	unsigned int shift;	/* a unit is 1 << shift pages; they begin at index 0 */
	uint64_t first;		/* the first unit */
	size_t n;		/* 0: there is no mark */
	uint32_t *sums;		/* 0: not looked at */
	unsigned int needs;	/* what it compares beyond the flags, and readers are to know */
	bool taking;		/* it is being taken: what is read is what it was like */
};

/* Begins to take one of the pages first … end-1 (indices). needs: enum page_needs. false:
 * these are too many of a process. */
bool mark_begin(struct mark *m, const struct space *space, uint64_t first, uint64_t end,
		unsigned int needs);
void mark_release(struct mark *m);

/* Shows it a chunk that was read, with what it needs: n pages from a multiple of CHUNK on. changed[i] is set
 * for each page of a unit that is not as it was. */
void mark_compare(struct mark *m, uint64_t index, const struct page_info *pages, size_t n,
		  bool *changed);
