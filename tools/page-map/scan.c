// SPDX-License-Identifier: GPL-2.0-or-later
/* Fills the cells of a map from the pages of a space. */
#include "scan.h"

#include <string.h>

/* Pages that are read as one group: a cell, or a chunk of small cells. */
static unsigned int group_shift(const struct scan *s)
{
	return MAX(s->window.zoom, 9U);
}
_Static_assert(1 << 9 == CHUNK, "the smallest group is a chunk");

static uint64_t window_end(const struct scan *s)
{
	return MIN(s->window.first + ((uint64_t)s->nr_cells << s->window.zoom), s->space->pages);
}

size_t window_cells(const struct window *w, uint64_t pages)
{
	uint64_t left = pages > w->first ? pages - w->first : 0;
	uint64_t cells = (left >> w->zoom) + ((left & ((UINT64_C(1) << w->zoom) - 1)) != 0);

	return (size_t)MIN(cells, (uint64_t)w->cells);
}

unsigned int zoom_to_fit(uint64_t pages, size_t cells)
{
	const struct window all = { .cells = SIZE_MAX };
	struct window w = all;

	while (cells && window_cells(&w, pages) > cells)
		w.zoom++;
	return w.zoom;
}

void scan_begin(struct scan *s, const struct space *space, const struct scheme *scheme,
		struct scheme_state *state, struct mark *mark, const struct kpage_expr *filter,
		const struct window *window)
{
	scan_release(s);
	*s = (struct scan){
		.space = space,
		.scheme = scheme,
		.state = state,
		.mark = mark,
		.filter = filter,
		.window = *window,
		.nr_cells = window_cells(window, space->pages),
	};
	s->cells = xcalloc(MAX(s->nr_cells, (size_t)1), sizeof(*s->cells));
	s->group = window->first >> group_shift(s);
	s->complete = !s->nr_cells;
}

void scan_release(struct scan *s)
{
	free(s->cells);
	*s = (struct scan){ 0 };
}

/* ------------------------------------------------------------------------ the cells */

/* Neighbours mostly are alike: the last answer is kept. */
struct classifier {
	struct page_info page;
	unsigned int class;
	bool filtered;
	bool known;
};

static bool is_alike(const struct page_info *a, const struct page_info *b)
{
	return a->kflags == b->kflags && a->head_kflags == b->head_kflags && a->state == b->state &&
	       a->entry >> 55 == b->entry >> 55 && a->order == b->order &&
	       a->mapcount == b->mapcount && a->cgroup == b->cgroup &&
	       a->vma_name == b->vma_name;
}

static void classify(const struct scan *s, struct classifier *c, const struct page_info *p)
{
	/* The node is in no field. */
	if (c->known && is_alike(&c->page, p) && s->scheme->needs)
		return;
	c->page = *p;
	c->known = true;
	c->class = scheme_classify(s->scheme, s->state, p);
	c->filtered = s->filter && !kpage_expr_matches(s->filter, kpage_flags_expand(p->kflags, p->entry));
}

static bool is_poisoned(const struct page_info *p)
{
	return p->state == PAGE_STATE_PAGE && (p->kflags & KPAGE_BIT(HWPOISON));
}

static void count(struct cell *cell, const struct page_info *p, const struct classifier *c)
{
	cell->seen++;
	if (is_poisoned(p))
		cell->poisoned++;
	else if (c->filtered)
		cell->filtered++;
	else
		cell->pages[c->class]++;
}

static void count_chunk(struct scan *s, uint64_t index, const struct page_info *pages, size_t n)
{
	uint64_t end = window_end(s);
	struct classifier c = { .known = false };
	bool changed[CHUNK] = { false };

	if (s->mark->n)
		mark_compare(s->mark, index, pages, n, changed);
	for (size_t i = 0; i < n; i++) {
		struct cell *cell;

		if (index + i < s->window.first || index + i >= end)
			continue;
		cell = &s->cells[(index + i - s->window.first) >> s->window.zoom];
		classify(s, &c, &pages[i]);
		count(cell, &pages[i], &c);
		cell->changed |= changed[i];
	}
}

/* -------------------------------------------------------------------------- the way */

/* The chunks of a group in an order that spreads those read so far evenly over it. */
static uint64_t reverse_bits(uint64_t n, unsigned int bits)
{
	uint64_t out = 0;

	for (unsigned int i = 0; i < bits; i++)
		out |= ((n >> i) & 1) << (bits - 1 - i);
	return out;
}

static void next_group(struct scan *s)
{
	unsigned int shift = group_shift(s);

	s->group++;
	if (s->group << shift < window_end(s))
		return;
	s->group = s->window.first >> shift;
	s->pass++;
	s->complete = s->pass == UINT64_C(1) << (shift - 9);
	if (s->complete)
		s->mark->taking = false;
}

static int read_chunk(struct scan *s, struct page_info *pages)
{
	unsigned int shift = group_shift(s);
	uint64_t index = (s->group << shift) + reverse_bits(s->pass, shift - 9) * CHUNK;
	ssize_t n = 0;

	if (index < window_end(s))
		n = space_read(s->space, index, CHUNK, s->scheme->needs | s->mark->needs, pages);
	if (n < 0)
		return (int)n;
	count_chunk(s, index, pages, (size_t)n);
	s->pages += (uint64_t)n;
	next_group(s);
	return 0;
}

/* The clock is looked at once in so many chunks. */
#define CLOCK_EVERY 16

int scan_step(struct scan *s, uint64_t ns)
{
	struct page_info pages[CHUNK];
	uint64_t start = cpu_time_ns(), spent = 0;
	int err = 0;

	for (unsigned int i = 1; !s->complete && !err; i++) {
		err = read_chunk(s, pages);
		if (i % CLOCK_EVERY)
			continue;
		spent = cpu_time_ns() - start;
		if (ns && spent >= ns)
			break;
	}
	s->cpu_ns += cpu_time_ns() - start;
	return err;
}

bool scan_has_picture(const struct scan *s)
{
	return s->complete || s->pass;
}

unsigned int cell_dominant(const struct cell *c, unsigned int *eighths)
{
	unsigned int best = MAX_CLASSES;
	uint32_t most = 0;
	uint64_t all = c->seen - c->poisoned - c->filtered;

	for (unsigned int i = 0; i < MAX_CLASSES; i++) {
		if (c->pages[i] <= most)
			continue;
		most = c->pages[i];
		best = i;
	}
	if (all)
		*eighths = MAX((unsigned int)((uint64_t)most * 8 / all), 1U);
	return best;
}
