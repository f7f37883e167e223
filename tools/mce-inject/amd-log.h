/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's decoder of AMD's machine checks (edac_mce_amd) logs of a record. */
#pragma once

#include "mce.h"

enum amd_line {
	AMD_LINE_OTHER,
	AMD_LINE_FIRST,		/* begins a record */
	AMD_LINE_CUT,		/* it does, but ends within the status */
	AMD_LINE_MORE,		/* has a register of the record before it */
};

/* Reads a line, without what the log has before it, into a record that is empty, or that of
 * the lines before. */
enum amd_line amd_line_read(const char *text, size_t length, struct mce *m);
