// SPDX-License-Identifier: GPL-2.0-or-later
/* Tasks that touch a poisoned page while the run lasts: whether it is one of the run's. */
#include "hwpoison-inject.h"

#include "common/lost-entry.h"

/* One that was poisoned before is another's, and so is one that was left alone. */
static bool is_lost(const struct page *page)
{
	return page->done ? page_is_hit(page) : !page->target->poisoned;
}

const struct page *page_at(const struct run *run, pid_t pid, uint64_t address)
{
	for (size_t i = 0; i < run->owners.n; i++) {
		const struct owner *o = &run->owners.v[i];
		const struct page *page = !pid || o->pid == pid ? page_find(run, o->pfn) : NULL;

		if (page && is_lost(page) && o->address >> page->lsb == address >> page->lsb)
			return page;
	}
	return NULL;
}

/* Of a hugetlb page the entry may name any part. */
static bool is_of_run(const struct run *run, uint64_t pfn)
{
	uint64_t address = pfn * kpage_page_size();
	const struct page *found = page_find(run, pfn);

	if (found)
		return is_lost(found);
	for (size_t i = 0; i < run->targets.n; i++) {
		const struct page *page = &run->pages[i];

		if (is_lost(page) && page->target->pfn * kpage_page_size() >> page->lsb == address >> page->lsb)
			return true;
	}
	return false;
}

static bool is_anywhere(const struct page *page)
{
	switch (page->target->kind) {
	case PAGE_SHM:
	case PAGE_FILE:
	case PAGE_HUGETLB:
	case PAGE_SWAPCACHE:
		return is_lost(page) && (!page->done || page_kills(page));
	default:
		return false;
	}
}

/* Whether who maps a file meanwhile, or has the page in its swap, can meet a page of the run
 * at an address where nobody had it. */
static bool can_be_met_anywhere(const struct run *run)
{
	for (size_t i = 0; i < run->targets.n; i++)
		if (is_anywhere(&run->pages[i]))
			return true;
	return false;
}

struct search {
	uint64_t address, pfn;
	bool found;
};

static int take_latest(const struct ledger_entry *entry, void *arg)
{
	struct search *s = arg;

	if (!ledger_entry_is_at(entry, s->address))
		return 0;
	s->pfn = entry->pfn;
	s->found = true;
	return 0;
}

/* Whether an earlier run has poisoned what the process had there. */
static bool is_of_earlier(const struct run *run, pid_t pid, uint64_t address)
{
	const struct ledger_query query = { .pid = pid };
	struct search s = { .address = address };

	return run->ledger && pid && !ledger_search(run->ledger, &query, take_latest, &s) && s.found &&
	       !is_of_run(run, s.pfn);
}

/* From what is certain to what is likely: a task that has died of it has no page table. */
static bool is_ours(const struct run *run, const struct kpage_event *fault, pid_t pid)
{
	bool known = pid && process_find(run, pid);
	uint64_t pfn = 0;

	switch (lost_entry_look(run->ctx, fault->tid, fault->address, &pfn)) {
	case LOST_MARKER:
		return false;
	case LOST_POISON:
		return is_of_run(run, pfn);
	default:
		break;
	}
	/* A child has what its parent had, in the same place. */
	if (page_at(run, known ? pid : 0, fault->address))
		return true;
	return can_be_met_anywhere(run) && !is_of_earlier(run, pid, fault->address);
}

bool touch_is_ours(const struct kpage_event *fault, void *arg)
{
	struct run *run = arg;
	pid_t pid = process_of_thread(run, fault->tid);

	if (is_ours(run, fault, pid))
		return true;
	if (run->stranger != fault->tid)
		warn("%s[%d]: touched a poisoned page at 0x%llx that is not one of this run", fault->comm,
		     (int)fault->tid, (unsigned long long)fault->address);
	run->stranger = fault->tid;
	return false;
}
