// SPDX-License-Identifier: GPL-2.0-or-later
/* page-by-page PID: reads the flags of a process's pages with one read a page, as
 * the obvious program does. */
#include <stdio.h>
#include <stdlib.h>

#include "kpage.h"

static uint64_t entries[KPAGE_BATCH];

static size_t read_vma(const struct kpage_file *pagemap, const struct kpage_file *flags,
		       const struct kpage_vma *vma)
{
	uint64_t at = vma->start / kpage_page_size(), end = vma->end / kpage_page_size(), value;
	size_t pages = 0;

	while (at < end) {
		size_t want = end - at < KPAGE_BATCH ? (size_t)(end - at) : KPAGE_BATCH;
		ssize_t n = kpage_file_read(pagemap, at, entries, want);

		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			uint64_t pfn = kpage_pagemap_pfn(entries[i]);

			if (pfn && kpage_file_read(flags, pfn, &value, 1) == 1)
				pages++;
		}
		at += (uint64_t)n;
	}
	return pages;
}

int main(int argc, char **argv)
{
	pid_t pid = argc == 2 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
	struct kpage_file *pagemap, *flags;
	struct kpage_maps *maps;
	struct kpage_ctx *ctx;
	struct kpage_vma vma;
	size_t pages = 0;

	if (pid <= 0) {
		fprintf(stderr, "usage: page-by-page PID\n");
		return 2;
	}
	if (kpage_ctx_new(NULL, &ctx) || kpage_file_open(ctx, KPAGE_SOURCE_FLAGS, &flags) ||
	    kpage_file_open_pagemap(ctx, pid, &pagemap) || kpage_maps_open(ctx, pid, &maps))
		return 1;
	while (kpage_maps_next(maps, &vma) > 0)
		pages += read_vma(pagemap, flags, &vma);
	printf("%zu\n", pages);
	kpage_maps_free(maps);
	kpage_file_free(pagemap);
	kpage_file_free(flags);
	kpage_ctx_free(ctx);
	return 0;
}
