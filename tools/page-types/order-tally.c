// SPDX-License-Identifier: GPL-2.0-or-later
/* --order: folios counted by their kind and their size. */
#include "page-types/order-tally.h"

#include <string.h>

#include "common/page-kind.h"
#include "common/util.h"

#define COMPOUND (KPAGE_BIT(COMPOUND_HEAD) | KPAGE_BIT(COMPOUND_TAIL))

const char *order_kind_name(enum order_kind kind)
{
	static const char *const names[NR_ORDER_KINDS] = {
		[ORDER_ANON] = "anon",	     [ORDER_FILE] = "file", [ORDER_SHM] = "shm",
		[ORDER_HUGETLB] = "hugetlb", [ORDER_SLAB] = "slab", [ORDER_OTHER] = "other",
	};

	return names[kind];
}

enum order_kind order_kind_of(uint64_t kflags, const char *vma_name)
{
	/* What a page is besides anonymous makes no difference here. */
	static const struct page_kinds kinds;
	static const enum order_kind of[NR_PAGE_KINDS] = {
		[PAGE_ANON] = ORDER_ANON,	[PAGE_THP] = ORDER_ANON,
		[PAGE_KSM] = ORDER_ANON,	[PAGE_SWAPCACHE] = ORDER_ANON,
		[PAGE_HUGETLB] = ORDER_HUGETLB, [PAGE_SHM] = ORDER_SHM,
		[PAGE_FILE] = ORDER_FILE,	[PAGE_SLAB] = ORDER_SLAB,
		[PAGE_FREE] = ORDER_OTHER,	[PAGE_PGTABLE] = ORDER_OTHER,
		[PAGE_RESERVED] = ORDER_OTHER,	[PAGE_OFFLINE] = ORDER_OTHER,
		[PAGE_ZERO] = ORDER_OTHER,	[PAGE_VDSO] = ORDER_OTHER,
		[PAGE_DRIVER] = ORDER_OTHER,	[PAGE_OTHER] = ORDER_OTHER,
	};

	return of[page_kind_of(&kinds, kflags, kflags, vma_name)];
}

void order_tally_clear(struct order_tally *t)
{
	for (size_t kind = 0; kind < NR_ORDER_KINDS; kind++)
		for (; t->used[kind]; t->used[kind] &= t->used[kind] - 1)
			t->cells[kind][__builtin_ctzll(t->used[kind])] = (struct order_cell){ 0 };
}

static struct order_cell *use_cell(struct order_tally *t, enum order_kind kind,
				   unsigned int order)
{
	t->used[kind] |= UINT64_C(1) << order;
	return &t->cells[kind][order];
}

/* ------------------------------------------------------------------ the machine */

static void add_folios(struct order_machine *m, uint64_t kflags, unsigned int order,
		       uint64_t folios, uint64_t pages)
{
	enum order_kind kind = order_kind_of(kflags, NULL);
	struct order_cell *cell;

	/* A single page that is nobody's may be free on a list of a CPU, or a hole: its
	 * flags do not say so. */
	if (!pages || (kind == ORDER_OTHER && !(kflags & COMPOUND)))
		return;
	cell = use_cell(m->tally, kind, order);
	cell->folios += folios;
	cell->pages += pages;
}

static void close_folio(struct order_machine *m)
{
	if (m->open)
		add_folios(m, m->folio.kflags, compound_order(m->folio.pages), 1, m->chosen);
	m->open = false;
	m->chosen = 0;
}

static uint64_t count_chosen(const bool *chosen, size_t n)
{
	uint64_t count = 0;

	if (!chosen)
		return n;
	for (size_t i = 0; i < n; i++)
		count += chosen[i];
	return count;
}

/* A range may end within a folio, and the next one may begin in the same. */
static void jump(struct order_machine *m, uint64_t pfn, const uint64_t *kflags, size_t n)
{
	struct compound_extent e = { 0 };

	if (m->open)
		m->folio.pages = compound_extend(m->flags, m->folio.head, m->folio.pages);
	if (m->open && (kflags[0] & KPAGE_BIT(COMPOUND_TAIL)) &&
	    pfn - m->folio.head < m->folio.pages) {
		m->folio.pages = pfn - m->folio.head;
		return;
	}
	close_folio(m);
	if (!(kflags[0] & KPAGE_BIT(COMPOUND_TAIL)))
		return;
	compound_extent(&e, m->flags, pfn, kflags, n);
	m->open = e.head < pfn;
	m->folio = (struct compound_extent){ e.head, pfn - e.head, e.kflags };
}

/* Pages of one folio's rest, or alike and single; returns how many. */
static size_t add_run(struct order_machine *m, uint64_t pfn, const uint64_t *kflags,
		      const bool *chosen, size_t n)
{
	size_t run = 0;

	if (m->open) {
		while (run < n && (kflags[run] & KPAGE_BIT(COMPOUND_TAIL)))
			run++;
		m->folio.pages += run;
		m->chosen += count_chosen(chosen, run);
		if (run)
			return run;
	}
	close_folio(m);
	if (kflags[0] & KPAGE_BIT(COMPOUND_HEAD)) {
		m->open = true;
		m->folio = (struct compound_extent){ pfn, 1, kflags[0] };
		m->chosen = count_chosen(chosen, 1);
		return 1;
	}
	while (run < n && kflags[run] == kflags[0])
		run++;
	add_folios(m, kflags[0], 0, count_chosen(chosen, run), count_chosen(chosen, run));
	return run;
}

void order_machine_add(struct order_machine *m, uint64_t pfn, const uint64_t *kflags,
		       const bool *chosen, size_t n)
{
	if (n && pfn != m->next)
		jump(m, pfn, kflags, n);
	for (size_t i = 0; i < n;)
		i += add_run(m, pfn + i, kflags + i, chosen ? chosen + i : NULL, n - i);
	m->next = pfn + n;
}

void order_machine_end(struct order_machine *m, bool to_the_end)
{
	if (m->open && !to_the_end)
		m->folio.pages = compound_extend(m->flags, m->folio.head, m->folio.pages);
	close_folio(m);
}

/* -------------------------------------------------------------------- a process */

/* Pages of the piece in aligned blocks of 2^order. */
static uint64_t in_blocks(const struct order_process *p, unsigned int order)
{
	uint64_t mask = (UINT64_C(1) << order) - 1;
	uint64_t from = (p->offset + mask) & ~mask, to = (p->offset + p->n) & ~mask;

	return ((p->offset ^ p->pfn) & mask) || from >= to ? 0 : to - from;
}

static void add_piece(const struct order_process *p, struct order_tally *t, bool new_folio)
{
	unsigned int order = compound_order(p->folio.pages);
	struct order_cell *cell = use_cell(t, p->kind, order);
	uint64_t mask = (UINT64_C(1) << order) - 1;
	bool aligned = !((p->offset - (p->pfn - p->folio.head)) & mask);
	bool complete = p->n == p->folio.pages;

	cell->folios += new_folio;
	cell->pages += p->n;
	cell->aligned += aligned ? p->n : 0;
	cell->whole += aligned && complete ? p->n : 0;
	cell->partial += complete ? 0 : p->n;
	for (unsigned int i = 0; i <= order; i++)
		cell->cont[i] += in_blocks(p, i);
}

void order_process_break(struct order_process *p)
{
	if (!p->n)
		return;
	add_piece(p, p->tally, page_set_add(&p->folios, p->folio.head));
	if (p->vma)
		add_piece(p, p->vma, false);
	p->n = 0;
}

void order_process_add(struct order_process *p, uint64_t offset, uint64_t pfn,
		       const struct compound_extent *folio, enum order_kind kind)
{
	if (p->n && offset == p->offset + p->n && pfn == p->pfn + p->n &&
	    folio->head == p->folio.head) {
		p->n++;
		return;
	}
	order_process_break(p);
	p->folio = *folio;
	p->kind = kind;
	p->offset = offset;
	p->pfn = pfn;
	p->n = 1;
}

void order_process_release(struct order_process *p)
{
	page_set_release(&p->folios);
	*p = (struct order_process){ .tally = p->tally, .vma = p->vma };
}
