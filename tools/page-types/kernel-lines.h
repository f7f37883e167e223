/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pages that lines of the kernel's log speak of. */
#pragma once

#include "common/page-set.h"
#include "common/util.h"

enum line_subject {
	LINE_NOTHING,		/* no page */
	LINE_PAGE,
	LINE_ALL_POISONED,	/* HardwareCorrupted of /proc/meminfo: every poisoned page */
};

/* What a line is about, with or without a time and the like before it. */
enum line_subject kernel_line_parse(const char *line, uint64_t *pfn);

struct kernel_lines {
	uint64_t *pfns;		/* each once, in the order of the lines */
	size_t n;
	size_t lines, passed_over;
	bool all_poisoned;
	struct page_set seen;
};

/* Reads to the end. 0, or a negative errno; kernel_lines_release() is due in any case. */
int kernel_lines_read(FILE *f, struct kernel_lines *out);
void kernel_lines_release(struct kernel_lines *l);
