// SPDX-License-Identifier: GPL-2.0-or-later
/* What an uncorrected error in a page would do. */
#include "common/forecast.h"

/* By kind, as kernels from 6.4 on do it, with a page that is mapped. */
static const struct {
	const char *type, *result;
	bool early;	/* early policy: signalled at once */
	bool access;	/* an access kills */
	const char *risk;
} expected[NR_PAGE_KINDS] = {
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

/* The nodes count failures since 6.3, and KSM pages are handled since 6.4. */
bool forecast_handles_ksm(struct kpage_ctx *ctx)
{
	struct kpage_node_failures f;

	return !kpage_node_failures(ctx, 0, &f);
}

bool forecast_is_handled(enum page_kind kind)
{
	return expected[kind].type;
}

static void forecast_file(const struct forecast_page *page, struct forecast *out, bool *early,
			  bool *access)
{
	if (!((page->kflags | page->head_kflags) & KPAGE_BIT(DIRTY)))
		return;
	out->type = "dirty LRU page";
	out->risk = "what was written to it is lost: fsync(2) fails once";
	*early = *access = page->mapped;
}

/* Whether a mapping has written to it, only the page tables know. */
static void forecast_swapcache(const struct forecast_page *page, struct forecast *out, bool *early,
			       bool *access)
{
	if (page->kflags & KPAGE_BIT(DIRTY))
		return;
	out->type = "clean swapcache page";
	out->result = "Recovered";
	out->risk = "if it was written to since it came from the swap, it is dirty, and lost";
	*early = *access = false;
}

/* A clean one is lost, too, but nobody is told. A huge page is unmapped when it is
 * split, before anybody could be told. */
static void forecast_shm(const struct forecast_page *page, struct forecast *out, bool *early)
{
	if (!((page->kflags | page->head_kflags) & KPAGE_BIT(DIRTY))) {
		out->type = "clean LRU page";
		*early = false;
	}
	if (page->kflags & KPAGE_BIT(THP))
		*early = false;
}

/* One that is not mapped is free, or in a file: a free one may look as if it were used. */
static void forecast_hugetlb(const struct forecast_page *page, struct forecast *out, bool *access)
{
	if (page->mapped)
		return;
	out->type = (page->kflags | page->head_kflags) & KPAGE_BIT(UPTODATE) ? NULL : "free huge page";
	*access = false;
}

void forecast_error(const struct forecast_page *page, struct forecast *out)
{
	enum page_kind kind = page->kind;
	bool early = expected[kind].early, access = expected[kind].access;

	*out = (struct forecast){
		.type = expected[kind].type,
		.result = expected[kind].result,
		.risk = expected[kind].risk,
	};
	if (kind == PAGE_FILE)
		forecast_file(page, out, &early, &access);
	else if (kind == PAGE_SWAPCACHE)
		forecast_swapcache(page, out, &early, &access);
	else if (kind == PAGE_SHM)
		forecast_shm(page, out, &early);
	else if (kind == PAGE_HUGETLB)
		forecast_hugetlb(page, out, &access);
	else if (kind == PAGE_KSM && !page->handles_ksm) {
		*out = (struct forecast){ "unmapping failed page", "Ignored", NULL, NULL,
					  "it stays in use" };
		return;
	}
	early = early && page->mapped;
	out->now = early ? "BUS_MCEERR_AO to early processes" : NULL;
	out->later = access ? "BUS_MCEERR_AR" : NULL;
}
