// SPDX-License-Identifier: GPL-2.0-or-later
/* What a page is used for, in one word: what an injection does depends on it. */
#include "common/page-kind.h"

#include <string.h>
#include <sys/mman.h>

const char *page_kind_name(enum page_kind kind)
{
	static const char *const names[NR_PAGE_KINDS] = {
		[PAGE_ANON] = "anon",	      [PAGE_THP] = "thp",
		[PAGE_HUGETLB] = "hugetlb",   [PAGE_KSM] = "ksm",
		[PAGE_SHM] = "shm",	      [PAGE_FILE] = "file",
		[PAGE_SWAPCACHE] = "swapcache", [PAGE_FREE] = "free",
		[PAGE_SLAB] = "slab",	      [PAGE_PGTABLE] = "pgtable",
		[PAGE_RESERVED] = "reserved", [PAGE_OFFLINE] = "offline",
		[PAGE_ZERO] = "zero",	      [PAGE_VDSO] = "vdso",
		[PAGE_DRIVER] = "driver",     [PAGE_OTHER] = "other",
	};

	return names[kind];
}

/* ------------------------------------------------- whether the flag ksm can be believed */

/* The flags of a private page of our own; 0: they are not to be had. */
static uint64_t flags_of_own_page(struct kpage_ctx *ctx, const struct kpage_file *flags)
{
	size_t size = kpage_page_size();
	char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kpage_file *pagemap = NULL;
	uint64_t entry = 0, kflags = 0;

	if (page == MAP_FAILED)
		return 0;
	*page = 1;
	if (!kpage_file_open_pagemap(ctx, getpid(), &pagemap) &&
	    kpage_file_read(pagemap, (uint64_t)(uintptr_t)page / size, &entry, 1) == 1 &&
	    kpage_pagemap_pfn(entry) &&
	    kpage_file_read(flags, kpage_pagemap_pfn(entry), &kflags, 1) != 1)
		kflags = 0;
	kpage_file_free(pagemap);
	munmap(page, size);
	return kflags;
}

/* So many reads of a copy are enough; a machine below 64 GiB is looked at in full. */
#define MAX_READS 2048

/* In a copy, one anonymous page without the flag shows that it means something. */
static bool all_anon_have_ksm(const struct kpage_file *flags)
{
	_cleanup_free_ uint64_t *buf = xcalloc(KPAGE_BATCH, sizeof(*buf));
	uint64_t step = MAX(kpage_file_pages(flags) / MAX_READS, (uint64_t)KPAGE_BATCH);
	bool any = false;
	ssize_t n;

	for (uint64_t at = 0; (n = kpage_file_read(flags, at, buf, KPAGE_BATCH)) > 0; at += step > KPAGE_BATCH ? step : (uint64_t)n)
		for (ssize_t i = 0; i < n; i++) {
			if (!(buf[i] & KPAGE_BIT(ANON)))
				continue;
			if (!(buf[i] & KPAGE_BIT(KSM)))
				return false;
			any = true;
		}
	return any;
}

void page_kinds_init(struct page_kinds *kinds, struct kpage_ctx *ctx,
		     const struct kpage_file *flags)
{
	/* 6.12 to 7.0 take any anonymous page for one of KSM. */
	if (kpage_ctx_is_live(ctx))
		kinds->ksm_lies = flags_of_own_page(ctx, flags) & KPAGE_BIT(KSM);
	else
		page_kinds_of_copy(kinds, flags);
}

void page_kinds_of_copy(struct page_kinds *kinds, const struct kpage_file *flags)
{
	kinds->ksm_lies = all_anon_have_ksm(flags);
}

/* ------------------------------------------------------------------------ the kind */

/* By the name: the flags say nothing of it. */
bool page_kind_is_kernel_mapping(const char *name)
{
	return name && (!strcmp(name, "[vdso]") || !strncmp(name, "[vvar", 5) ||
			!strcmp(name, "[vectors]") || !strcmp(name, "[sigpage]"));
}

/* The LRU bit comes late: a fresh page of a file waits in a per-CPU batch first. */
#define FRESH_FLAGS (KPAGE_BIT(MMAP) | KPAGE_BIT(UPTODATE))

static enum page_kind kind_of_user_page(const struct page_kinds *kinds, uint64_t kflags,
					uint64_t own)
{
	if (kflags & KPAGE_BIT(SWAPCACHE))
		return PAGE_SWAPCACHE;
	if (kflags & KPAGE_BIT(ANON)) {
		if (kflags & KPAGE_BIT(THP))
			return PAGE_THP;
		return (kflags & KPAGE_BIT(KSM)) && !kinds->ksm_lies ? PAGE_KSM : PAGE_ANON;
	}
	if (kflags & KPAGE_BIT(SWAPBACKED))
		return PAGE_SHM;
	if ((kflags & KPAGE_BIT(LRU)) || (own & FRESH_FLAGS) == FRESH_FLAGS)
		return PAGE_FILE;
	return own & KPAGE_BIT(MMAP) ? PAGE_DRIVER : PAGE_OTHER;
}

enum page_kind page_kind_of(const struct page_kinds *kinds, uint64_t kflags, uint64_t head_kflags,
			    const char *vma_name)
{
	/* The most telling flags first. */
	static const struct {
		uint64_t flags;
		enum page_kind kind;
	} table[] = {
		{ KPAGE_BIT(BUDDY), PAGE_FREE },
		{ KPAGE_BIT(OFFLINE) | KPAGE_BIT(NOPAGE), PAGE_OFFLINE },
		{ KPAGE_BIT(PGTABLE), PAGE_PGTABLE },
		{ KPAGE_BIT(SLAB), PAGE_SLAB },
		{ KPAGE_BIT(ZERO_PAGE), PAGE_ZERO },
		{ KPAGE_BIT(HUGE), PAGE_HUGETLB },
		{ KPAGE_BIT(RESERVED), PAGE_RESERVED },
	};

	if (page_kind_is_kernel_mapping(vma_name))
		return PAGE_VDSO;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (kflags & table[i].flags)
			return table[i].kind;
	return kind_of_user_page(kinds, kflags | head_kflags, kflags);
}
