/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records that need no file: one of each kind, with values that kernels are known to act on. */
#pragma once

#include "mce.h"

struct ready {
	const char *name;	/* of the option, without dashes */
	uint64_t bank, status, mcgstatus;
	bool has_mcgstatus, needs_address;
};

/* NULL: no such name. */
const struct ready *ready_find(const char *name);

/* address: physical; NULL: none, and the record says so. */
void ready_make(const struct ready *ready, const uint64_t *address, struct mce *out);
