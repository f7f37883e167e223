// SPDX-License-Identifier: GPL-2.0-or-later
/* Records that need no file. */
#include "ready.h"

#include <string.h>

#include "common/util.h"

/* A physical address, known up to a page of 4 kB. */
#define MISC_PAGE UINT64_C(0x8c)

static const struct ready table[] = {
	{ "corrected", 9, UINT64_C(0x9c00000000000091), 0, true, false },
	{ "ucna", 9, UINT64_C(0xbc00000000000091), 0, false, true },
	{ "srao", 9, UINT64_C(0xbd000000000000c0), MCG_MCIP | MCG_RIPV, true, true },
	{ "srao-ewb", 9, UINT64_C(0xbd0000000000017a), MCG_MCIP | MCG_RIPV, true, true },
	{ "srar", 1, UINT64_C(0xbd80000000000134), MCG_MCIP | MCG_EIPV | MCG_RIPV, true, true },
	{ "srar-fetch", 0, UINT64_C(0xbd80000000000150), MCG_MCIP | MCG_EIPV | MCG_RIPV, true, true },
	{ "fatal", 4, UINT64_C(0xbe00000000000000), MCG_MCIP, true, false },
};

const struct ready *ready_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

void ready_make(const struct ready *ready, const uint64_t *address, struct mce *out)
{
	*out = (struct mce){ 0 };
	mce_set(out, MCE_CPU, 0);
	mce_set(out, MCE_BANK, ready->bank);
	mce_set(out, MCE_STATUS, ready->status);
	out->of_intel = ready->status & (MCI_S | MCI_AR);
	if (ready->has_mcgstatus)
		mce_set(out, MCE_MCGSTATUS, ready->mcgstatus);
	if (address) {
		mce_set(out, MCE_ADDR, *address);
		mce_set(out, MCE_MISC, MISC_PAGE);
	} else {
		out->value[MCE_STATUS] &= ~(MCI_ADDRV | MCI_MISCV);
	}
}
