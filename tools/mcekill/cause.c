// SPDX-License-Identifier: GPL-2.0-or-later
/* Why a task could not touch a page, and which page that was. */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* include/linux/swapops.h: a swap entry of this type is a marker, and its offset says of
 * what: of pages that are taken for poisoned, by UFFDIO_POISON (6.6) or since they could not
 * be read from the swap area. */
#define MARKER_TYPE	31
#define MARKER_POISONED UINT64_C(2)

#ifndef UFFD_FEATURE_POISON
#define UFFD_FEATURE_POISON (1 << 14)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

/* What the page table of the task has there. */
enum entry {
	ENTRY_GONE,	/* so is the task, or its memory */
	ENTRY_MARKER,
	ENTRY_POISON,
	ENTRY_OTHER,	/* a page of a file, or of hugetlb; or the task has put another there */
};

static bool is_poisoned(struct kpage_ctx *ctx, uint64_t pfn)
{
	struct kpage_file *flags = NULL;
	uint64_t value = 0;

	if (!kpage_file_open(ctx, KPAGE_SOURCE_FLAGS, &flags))
		kpage_file_read(flags, pfn, &value, 1);
	kpage_file_free(flags);
	return value & KPAGE_BIT(HWPOISON);
}

static enum entry look_at_entry(struct kpage_ctx *ctx, pid_t tid, uint64_t address, uint64_t *pfn)
{
	struct kpage_file *pagemap = NULL;
	uint64_t entry;
	ssize_t n = 0;

	if (!kpage_file_open_pagemap(ctx, tid, &pagemap))
		n = kpage_file_read(pagemap, address / kpage_page_size(), &entry, 1);
	kpage_file_free(pagemap);
	if (n != 1)
		return ENTRY_GONE;
	if ((entry & KPAGE_PM_SWAP) && kpage_pagemap_swap_type(entry) == MARKER_TYPE &&
	    (kpage_pagemap_swap_offset(entry) & MARKER_POISONED))
		return ENTRY_MARKER;
	*pfn = kpage_pagemap_poison_candidate(entry);
	return *pfn && is_poisoned(ctx, *pfn) ? ENTRY_POISON : ENTRY_OTHER;
}

/* Whether userfaultfd(2) of this kernel can mark pages so; true also if it does not tell. */
static bool kernel_has_uffd_poison(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	_cleanup_close_ int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		return errno != ENOSYS;
	return ioctl(fd, UFFDIO_API, &api) || (api.features & UFFD_FEATURE_POISON);
}

static bool is_nothing_poisoned(struct kpage_ctx *ctx)
{
	uint64_t kb;

	return !kpage_hardware_corrupted(ctx, &kb) && !kb;
}

static void set_page(struct tie_kill *kill, uint64_t pfn)
{
	kill->cause = CAUSE_LATE;
	kill->pfn = pfn;
	kill->has_pfn = true;
}

/* From what is certain to what is likely. */
void cause_of_touch(struct kpage_ctx *ctx, struct origins *origins, bool failures_seen,
		    struct tie_kill *kill)
{
	struct origin origin;
	uint64_t pfn = 0;
	enum entry entry = look_at_entry(ctx, kill->tid, kill->address, &pfn);

	if (entry == ENTRY_MARKER) {
		kill->cause = CAUSE_UFFD;
		return;
	}
	if (entry == ENTRY_POISON) {
		set_page(kill, pfn);
		return;
	}
	origin_of_address(origins, kill->pid ? kill->pid : kill->tid, kill->address, &origin);
	if (origin.known) {
		set_page(kill, origin.pfn);
		kill->pid = origin.pid;
	} else if (!failures_seen && is_nothing_poisoned(ctx)) {
		kill->cause = CAUSE_UFFD;
	} else {
		/* Its entry is no marker, or no kernel of this kind makes them. */
		kill->cause = entry == ENTRY_OTHER || !kernel_has_uffd_poison() ? CAUSE_LATE :
										  CAUSE_UNKNOWN;
	}
}
