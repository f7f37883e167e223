/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the memory is: the PFNs of its pages, and whether their flags are right. */
#pragma once

#include "kpage.h"
#include "memory.h"

/* Pages that follow each other, in memory and in the address space. */
struct run {
	uint64_t pfn;		/* 0: these have none (swapped out, lost) */
	uint64_t pages;
};

struct where {
	struct run *runs;	/* by ascending address */
	size_t n;
	size_t room;
};

/*
 * Replaces what w holds. Errors: -EPERM the kernel hides PFNs from this process;
 * those of kpage_file_open_pagemap().
 */
int where_read(struct kpage_ctx *ctx, const struct memory *m, struct where *w);
void where_free(struct where *w);
bool where_equal(const struct where *a, const struct where *b);

/*
 * How many pages lack a flag that the kind has or have one that it hasn't; *odd
 * is what the first of them has too much or too little. Errors: those of opening
 * /proc/kpageflags.
 */
int where_check(struct kpage_ctx *ctx, const struct memory *m, const struct where *w,
		uint64_t *count, uint64_t *odd);
