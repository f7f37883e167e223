/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From any page of a compound page to its first one, which has the flags and the cgroup
 * of all of it; and how large it is: the folio. */
#pragma once

#include "kpage.h"
#include "common/util.h"

struct compound {
	uint64_t head;		/* first page; of any other page: itself */
	uint64_t kflags;	/* of the first page */
	uint64_t cgroup;	/* of the first page */
	uint64_t next;		/* behind the page that was asked for last */
};

/*
 * Finds it for a page with these flags and this cgroup. c: what was found for another
 * page before, or zeros; asking for one page after the other costs nothing. cgroups: NULL
 * if there are none. If it changes meanwhile, the page stands for itself.
 */
void compound_find(struct compound *c, const struct kpage_file *flags,
		   const struct kpage_file *cgroups, uint64_t pfn, uint64_t kflags, uint64_t cgroup);

/* The smallest order that holds so many pages: 0 of one, 9 of 512. A folio of which a part
 * can't be seen, at the end of a copy, has a number of pages that is no power of two. */
unsigned int compound_order(uint64_t pages);

/* A folio: pages head … head + pages - 1. */
struct compound_extent {
	uint64_t head, pages;
	uint64_t kflags;	/* of the first page */
};

/*
 * Finds the folio of a page. kflags: those of n pages from pfn on (n at least 1), as the
 * caller has them: what they show is not read again. e: what was found for another page
 * before, or zeros; asking for one page of a folio after the other costs nothing. A head
 * without tails, and a tail without a head (it changes meanwhile), are folios of one page.
 */
void compound_extent(struct compound_extent *e, const struct kpage_file *flags, uint64_t pfn,
		     const uint64_t *kflags, size_t n);

/* How many pages the folio has of which the first ones, so many, are known. What can't be
 * read, as behind the end of a copy, is none of it. */
uint64_t compound_extend(const struct kpage_file *flags, uint64_t head, uint64_t pages);
