// SPDX-License-Identifier: LGPL-2.1-or-later
/* The populated parts of an address space: the PAGEMAP_SCAN ioctl of pagemap (6.7). */
#include "private.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

/* As in <linux/fs.h> since 6.7. */
#ifndef PAGEMAP_SCAN
#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
#define PAGE_IS_PRESENT (1 << 3)
#define PAGE_IS_SWAPPED (1 << 4)

struct page_region {
	uint64_t start, end;	/* bytes */
	uint64_t categories;
};

struct pm_scan_arg {
	uint64_t size;		/* of this struct: the kernel takes no other */
	uint64_t flags;
	uint64_t start, end, walk_end;
	uint64_t vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#endif

/* As many as the kernel itself collects before it copies them out. */
#define REGIONS 512

/* Neighbours differ in their categories, which nobody asked for. */
static size_t join(const struct page_region *regions, size_t n, struct kpage_range *out)
{
	uint64_t size = kpage_page_size();
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct kpage_range r = { regions[i].start / size, regions[i].end / size };

		if (kept && out[kept - 1].end == r.start)
			out[kept - 1].end = r.end;
		else
			out[kept++] = r;
	}
	return kept;
}

static ssize_t scan_error(struct kpage_range *todo, int err)
{
	switch (err) {
	case ENOSYS:
		return -ENOTTY;
	case EFAULT:
		/* Not the user's addresses ([vsyscall]): no page table of his has them. */
		todo->start = todo->end;
		return 0;
	default:
		return -err;
	}
}

KPAGE_EXPORT ssize_t kpage_pagemap_scan(const struct kpage_file *pagemap, struct kpage_range *todo,
					struct kpage_range *out, size_t n)
{
	struct page_region regions[REGIONS];
	const uint64_t size = kpage_page_size();
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = todo->start * size,
		.end = todo->end * size,
		.vec = (uint64_t)(uintptr_t)regions,
		.vec_len = MIN(n, (size_t)REGIONS),
		.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
		.return_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
	};
	int got;

	if (todo->start >= todo->end)
		return 0;
	if (!n || todo->end > UINT64_MAX / size)
		return -EINVAL;
	do
		got = ioctl(file_fd(pagemap), PAGEMAP_SCAN, &arg);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return scan_error(todo, errno);
	todo->start = MAX(todo->start, arg.walk_end / size);
	return (ssize_t)join(regions, (size_t)got, out);
}
