// SPDX-License-Identifier: GPL-2.0-or-later
/* What an uncorrected error in a page of each kind would do. */
#include "common/forecast.h"

static const struct kind_forecast expected[NR_PAGE_KINDS] = {
	[PAGE_ANON] = { "dirty LRU page", "Recovered", true, true, NULL },
	[PAGE_THP] = { "dirty LRU page", "Recovered", true, true, "the huge page is split" },
	[PAGE_HUGETLB] = { "huge page", "Recovered", true, true, "the whole huge page is lost" },
	[PAGE_KSM] = { "dirty LRU page", "Recovered", true, true, "all that share it lose it" },
	[PAGE_SHM] = { "dirty LRU page", "Recovered", true, true,
		       "it stays in the file until that is truncated or removed" },
	[PAGE_FILE] = { "clean LRU page", "Recovered", false, false, NULL },
	[PAGE_SWAPCACHE] = { "dirty swapcache page", "Delayed", true, true, NULL },
	[PAGE_FREE] = { "free buddy page", "Recovered", false, false, NULL },
	[PAGE_SLAB] = { NULL, "Ignored", false, false, "the kernel goes on to use it" },
	[PAGE_PGTABLE] = { NULL, "Ignored", false, false, "the kernel goes on to use it" },
	[PAGE_RESERVED] = { NULL, "Ignored", false, false, "it stays poisoned until reboot" },
	[PAGE_OFFLINE] = { NULL, NULL, false, false, "the kernel refuses it" },
	[PAGE_ZERO] = { NULL, "Ignored", false, false, "it stays poisoned until reboot" },
	[PAGE_VDSO] = { NULL, "Ignored", false, false,
			"every program that is started from then on dies" },
	[PAGE_DRIVER] = { NULL, "Ignored", false, false, "the driver goes on to use it" },
	[PAGE_OTHER] = { NULL, "Ignored", false, false, "nobody knows what it is used for" },
};

const struct kind_forecast *forecast_of_kind(enum page_kind kind)
{
	return &expected[kind];
}
