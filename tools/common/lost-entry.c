// SPDX-License-Identifier: GPL-2.0-or-later
/* What a task's page table has where it met a memory error. */
#include "common/lost-entry.h"

/* include/linux/swapops.h: a swap entry of this type is a marker, and its offset says of
 * what: of pages that are taken for poisoned, by UFFDIO_POISON (6.6) or since they could not
 * be read from the swap area. */
#define MARKER_TYPE	31
#define MARKER_POISONED UINT64_C(2)

static bool is_poisoned(struct kpage_ctx *ctx, uint64_t pfn)
{
	struct kpage_file *flags = NULL;
	uint64_t value = 0;

	if (!kpage_file_open(ctx, KPAGE_SOURCE_FLAGS, &flags))
		kpage_file_read(flags, pfn, &value, 1);
	kpage_file_free(flags);
	return value & KPAGE_BIT(HWPOISON);
}

enum lost_entry lost_entry_look(struct kpage_ctx *ctx, pid_t tid, uint64_t address, uint64_t *pfn)
{
	struct kpage_file *pagemap = NULL;
	uint64_t entry;
	ssize_t n = 0;

	if (!kpage_file_open_pagemap(ctx, tid, &pagemap))
		n = kpage_file_read(pagemap, address / kpage_page_size(), &entry, 1);
	kpage_file_free(pagemap);
	if (n != 1)
		return LOST_GONE;
	if ((entry & KPAGE_PM_SWAP) && kpage_pagemap_swap_type(entry) == MARKER_TYPE &&
	    (kpage_pagemap_swap_offset(entry) & MARKER_POISONED))
		return LOST_MARKER;
	*pfn = kpage_pagemap_poison_candidate(entry);
	return *pfn && is_poisoned(ctx, *pfn) ? LOST_POISON : LOST_OTHER;
}
