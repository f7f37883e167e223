// SPDX-License-Identifier: GPL-2.0-or-later
/* A mark: what the pages of a space were like at a moment. */
#include "mark.h"

#include <string.h>

/* More units than this are joined, in physical memory. */
#define MAX_UNITS (UINT64_C(1) << 18)
/* So many pages of a process are 16 MiB of checksums. */
#define MAX_PAGES (UINT64_C(1) << 22)

#define CHUNK_SHIFT 9
_Static_assert(1 << CHUNK_SHIFT == CHUNK, "a chunk holds whole units");

static void keep_runs(struct mark *m, const struct space *space)
{
	m->runs = xcalloc(MAX(space->nr_runs, (size_t)1), sizeof(*m->runs));
	if (space->nr_runs)
		memcpy(m->runs, space->runs, space->nr_runs * sizeof(*m->runs));
	m->nr_runs = space->nr_runs;
}

bool mark_begin(struct mark *m, const struct space *space, uint64_t first, uint64_t end,
		unsigned int needs)
{
	mark_release(m);
	if (space->pid && end - first > MAX_PAGES)
		return false;
	if (first >= end)
		return true;
	if (space->pid)
		keep_runs(m, space);
	while (!space->pid && m->shift < CHUNK_SHIFT && (end - first) >> m->shift > MAX_UNITS)
		m->shift++;
	m->needs = needs;
	m->first = first >> m->shift;
	m->n = (size_t)(((end - 1) >> m->shift) - m->first) + 1;
	m->sums = xcalloc(m->n, sizeof(*m->sums));
	m->taking = true;
	return true;
}

void mark_release(struct mark *m)
{
	free(m->runs);
	free(m->sums);
	*m = (struct mark){ 0 };
}

/* The finalizer of splitmix64. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* What was not asked for may have been read for another reason: it counts for nothing. */
static uint64_t columns_sum(const struct page_info *p, unsigned int needs)
{
	uint64_t sum = 0;

	if (needs & NEED_HEAD)
		sum = mix(sum + p->head_kflags + 1);
	if (needs & NEED_ORDER)
		sum = mix(sum + p->order + 2);
	if (needs & NEED_MAPCOUNT)
		sum = mix(sum + p->mapcount + 3);
	if (needs & NEED_CGROUP)
		sum = mix(sum + p->cgroup + 4);
	return sum;
}

static uint64_t page_sum(const struct page_info *p, unsigned int needs)
{
	uint64_t flags = kpage_flags_expand(p->kflags, p->entry);

	return mix(mix(mix(p->place + UINT64_C(0x9e3779b97f4a7c15)) + p->pfn) + flags + p->state) ^
	       columns_sum(p, needs);
}

/* Never 0: that stands for "not looked at". */
static uint32_t unit_sum(const struct page_info *pages, size_t n, unsigned int needs)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += mix(page_sum(&pages[i], needs));
	return (uint32_t)(sum >> 32) | 1;
}

/* Whether a unit is not as it was. */
static bool compare_unit(struct mark *m, uint64_t unit, const struct page_info *pages, size_t n)
{
	uint32_t sum = unit_sum(pages, n, m->needs), *known;

	if (unit < m->first || unit - m->first >= m->n)
		return false;
	known = &m->sums[unit - m->first];
	if (m->taking)
		*known = sum;
	return *known && *known != sum;
}

/* A page that was not there is a change, too, where its neighbours were marked. */
static void compare_places(struct mark *m, const struct page_info *pages, size_t n, bool *changed)
{
	struct space then = { .runs = m->runs, .nr_runs = m->nr_runs };

	if (m->nr_runs) {
		const struct space_run *last = &m->runs[m->nr_runs - 1];

		then.pages = last->index + (last->end - last->start);
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t from = space_index_from(&then, pages[i].place);

		if (from < then.pages && space_place(&then, from) == pages[i].place)
			changed[i] = compare_unit(m, from, &pages[i], 1);
		else
			changed[i] = from >= m->first && from - m->first <= m->n;
	}
}

void mark_compare(struct mark *m, uint64_t index, const struct page_info *pages, size_t n,
		  bool *changed)
{
	size_t unit = (size_t)1 << m->shift;

	memset(changed, 0, n * sizeof(*changed));
	if (m->runs) {
		compare_places(m, pages, n, changed);
		return;
	}
	for (size_t i = 0; m->n && i < n; i += unit) {
		size_t pages_of_it = MIN(unit, n - i);

		if (compare_unit(m, (index + i) >> m->shift, pages + i, pages_of_it))
			memset(changed + i, 1, pages_of_it * sizeof(*changed));
	}
}
