/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --order: folios counted by their kind and their size. */
#pragma once

#include "common/compound.h"
#include "common/page-set.h"
#include "kpage.h"

enum order_kind {
	ORDER_ANON,
	ORDER_FILE,
	ORDER_SHM,
	ORDER_HUGETLB,
	ORDER_SLAB,
	ORDER_OTHER,
	NR_ORDER_KINDS
};

/* More than there are. */
#define NR_ORDERS 64

struct order_cell {
	uint64_t folios, pages;
	/* What is known of a process alone. */
	uint64_t aligned;	/* at a place in the address space that fits the folio's size */
	uint64_t whole;		/* … and all of the folio is there, in one piece */
	uint64_t partial;	/* not all of the folio is there in one piece, aligned or not */
	uint64_t cont[NR_ORDERS];	/* in aligned blocks of 2^i pages, in one piece */
};

struct order_tally {
	uint64_t used[NR_ORDER_KINDS];	/* bit i: something was counted for order i */
	struct order_cell cells[NR_ORDER_KINDS][NR_ORDERS];
};

/* "anon", "file", … */
const char *order_kind_name(enum order_kind kind);

/* kflags: of the folio's first page. vma_name: as page_kind_of() takes it. */
enum order_kind order_kind_of(uint64_t kflags, const char *vma_name);

/* Forgets all that was counted; fast where little was. */
void order_tally_clear(struct order_tally *t);

/* ------------------------------------------------------------------ the machine */

/*
 * The folios of physical memory. Its pages are handed over by ascending PFN, in pieces of
 * any length: a folio may begin in one and end in another.
 */
struct order_machine {
	struct order_tally *tally;
	const struct kpage_file *flags;	/* for what lies outside of the pieces */
	uint64_t next;			/* behind the last page */
	bool open;			/* a folio has begun, and may go on */
	struct compound_extent folio;	/* … with so many pages so far */
	uint64_t chosen;		/* pages of it that count */
};

/* n pages from pfn on. chosen: which of them count; NULL: all. Only where a piece does
 * not follow the last one, something is read. */
void order_machine_add(struct order_machine *m, uint64_t pfn, const uint64_t *kflags,
		       const bool *chosen, size_t n);

/* After the last piece. to_the_end: it was that at the end of memory. */
void order_machine_end(struct order_machine *m, bool to_the_end);

/* -------------------------------------------------------------------- a process */

/* The folios that a process has mapped. Its pages are handed over by ascending address. */
struct order_process {
	struct order_tally *tally;
	struct order_tally *vma;	/* the same once more, to be cleared; NULL: not wanted */
	struct page_set folios;		/* their first pages, to count each once */
	/* Pages of one folio, one after the other in both address spaces. */
	struct compound_extent folio;
	enum order_kind kind;
	uint64_t offset, pfn, n;
};

/* A page at a page offset of the address space, and the folio that it is in. */
void order_process_add(struct order_process *p, uint64_t offset, uint64_t pfn,
		       const struct compound_extent *folio, enum order_kind kind);

/* A mapping ends here: what comes next is no part of the same piece. */
void order_process_break(struct order_process *p);

/* For the next process; the tallies are the caller's. */
void order_process_release(struct order_process *p);
