// SPDX-License-Identifier: GPL-2.0-or-later
/* A search through a space, in pieces. */
#include "search.h"

#include <errno.h>
#include <time.h>

void search_begin(struct search *s, uint64_t from, bool backwards)
{
	s->active = true;
	s->backwards = backwards;
	s->index = backwards ? from : from + 1;
}

static bool matches(const struct search *s, const struct page_info *p)
{
	if (p->state != PAGE_STATE_PAGE)
		return false;
	if (s->by_pfn)
		return p->pfn == s->pfn;
	return kpage_expr_matches(&s->expr, kpage_flags_expand(p->kflags, p->entry));
}

/* The first match of a piece, in the direction of the search. */
static bool find_in(struct search *s, uint64_t start, const struct page_info *pages, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = s->backwards ? n - 1 - i : i;

		if (!matches(s, &pages[at]))
			continue;
		s->index = start + at;
		return true;
	}
	return false;
}

static int read_piece(struct search *s, const struct space *space)
{
	struct page_info pages[CHUNK];
	uint64_t start = s->backwards ? s->index - MIN(s->index, (uint64_t)CHUNK) : s->index;
	uint64_t want = s->backwards ? s->index - start : CHUNK;
	ssize_t n;

	if (s->backwards ? !s->index : s->index >= space->pages)
		return -ENOENT;
	n = space_read(space, start, (size_t)want, 0, pages);
	if (n < 0)
		return (int)n;
	if (find_in(s, start, pages, (size_t)n))
		return 1;
	if (!n && !s->backwards)
		return -ENOENT;
	s->index = s->backwards ? start : start + (uint64_t)n;
	return 0;
}

int search_step(struct search *s, const struct space *space, uint64_t ns)
{
	struct timespec start;
	int found;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		found = read_piece(s, space);
	while (!found && (!ns || seconds_since(&start) * 1e9 < (double)ns));
	if (found)
		s->active = false;
	return found;
}
