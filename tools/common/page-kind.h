/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a page is used for, in one word: what an injection does depends on it. */
#pragma once

#include "kpage.h"
#include "common/util.h"

enum page_kind {
	PAGE_ANON,
	PAGE_THP,	/* anonymous, part of a transparent huge page */
	PAGE_HUGETLB,
	PAGE_KSM,
	PAGE_SHM,	/* tmpfs, memfd, shared anonymous */
	PAGE_FILE,	/* page cache of any other file */
	PAGE_SWAPCACHE,
	PAGE_FREE,	/* with the buddy allocator */
	PAGE_SLAB,
	PAGE_PGTABLE,
	PAGE_RESERVED,
	PAGE_OFFLINE,	/* logically offline (a balloon's), or no page at all */
	PAGE_ZERO,	/* the zero page, or the huge one */
	PAGE_VDSO,	/* the kernel's own, that every process has mapped */
	PAGE_DRIVER,	/* mapped, and no page cache: a driver's buffer */
	PAGE_OTHER,	/* the kernel's, or on a per-CPU list of free pages */
	NR_PAGE_KINDS
};

/* "anon", "thp", … */
const char *page_kind_name(enum page_kind kind);

/* What of it has to be found out once. */
struct page_kinds {
	bool ksm_lies;	/* this kernel sets the flag ksm on every anonymous page */
};

/* flags: of the same machine. */
void page_kinds_init(struct page_kinds *kinds, struct kpage_ctx *ctx,
		     const struct kpage_file *flags);

/* The same for a copy of the flags: in the worst case all of it is read. */
void page_kinds_of_copy(struct page_kinds *kinds, const struct kpage_file *flags);

/* Whether a mapping of that name (may be NULL) is the kernel's own, as every process has it. */
bool page_kind_is_kernel_mapping(const char *vma_name);

/*
 * kflags: of /proc/kpageflags. head_kflags: those of the first page of the compound
 * page whose tail it is, the same again for any other page: before 6.12 a tail shows
 * little by itself. vma_name: of the mapping it was found in, NULL: none or no name.
 */
enum page_kind page_kind_of(const struct page_kinds *kinds, uint64_t kflags, uint64_t head_kflags,
			    const char *vma_name);
