/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a task's page table has where it met a memory error. */
#pragma once

#include "kpage.h"
#include "common/util.h"

enum lost_entry {
	LOST_GONE,	/* so is the task, or its memory; or it may not be looked at */
	LOST_MARKER,	/* of UFFDIO_POISON: no page is poisoned */
	LOST_POISON,	/* *pfn is set */
	LOST_OTHER,	/* a page of a file, or of hugetlb; or the task has put another there */
};

/* address: in bytes. Needs the right to see PFNs. */
enum lost_entry lost_entry_look(struct kpage_ctx *ctx, pid_t tid, uint64_t address, uint64_t *pfn);
