// SPDX-License-Identifier: GPL-2.0-or-later
/* The owners: which processes have a page in their page tables, and where. */
#include "common/owners.h"

#include <errno.h>

#include "common/page-set.h"
#include "common/processes.h"
#include "common/signals.h"

struct search {
	struct kpage_ctx *ctx;
	const struct kpage_file *flags;
	struct page_set wanted;
	struct owner_list *out;
	uint64_t *entries;
};

/* One process's page tables. */
struct look {
	pid_t pid;
	struct kpage_file *pagemap;
	bool present, has_pfn;	/* some entry is … */
};

/* The PFN that an entry is of; 0: of none that is looked for. */
static uint64_t wanted_pfn(const struct search *s, uint64_t entry)
{
	uint64_t pfn = kpage_pagemap_pfn(entry), kflags;
	bool present = entry & KPAGE_PM_PRESENT;

	if (!present)
		pfn = kpage_pagemap_poison_candidate(entry);
	if (!pfn || !page_set_has(&s->wanted, pfn))
		return 0;
	/* A page on its way elsewhere has an entry of the same form. */
	if (!present && (kpage_file_read(s->flags, pfn, &kflags, 1) != 1 ||
			 !(kflags & KPAGE_BIT(HWPOISON))))
		return 0;
	return pfn;
}

static void add_owner(struct owner_list *out, uint64_t pfn, pid_t pid, uint64_t address)
{
	out->v = xgrow(out->v, out->n, sizeof(*out->v));
	out->v[out->n++] = (struct owner){ pfn, pid, address };
}

static int look_through(struct search *s, struct look *l, uint64_t start, uint64_t end)
{
	while (start < end && !signals_pending()) {
		ssize_t n = kpage_file_read(l->pagemap, start, s->entries,
					    (size_t)MIN(end - start, (uint64_t)KPAGE_BATCH));

		/* 0: past the end of the user's addresses, or the process has ended. */
		if (n <= 0)
			return (int)n;
		for (ssize_t i = 0; i < n; i++) {
			uint64_t pfn = s->entries[i] ? wanted_pfn(s, s->entries[i]) : 0;

			l->present |= (s->entries[i] & KPAGE_PM_PRESENT) != 0;
			l->has_pfn |= kpage_pagemap_pfn(s->entries[i]) != 0;
			if (pfn)
				add_owner(s->out, pfn, l->pid, (start + (uint64_t)i) * kpage_page_size());
		}
		start += (uint64_t)n;
	}
	return 0;
}

static int look_at_vmas(struct search *s, struct look *l)
{
	struct kpage_maps *maps = NULL;
	struct kpage_vma vma;
	int more = 0, err;

	err = kpage_maps_open(s->ctx, l->pid, &maps);
	if (err)
		return err;
	while (!err && (more = kpage_maps_next(maps, &vma)) > 0)
		err = look_through(s, l, vma.start / kpage_page_size(), vma.end / kpage_page_size());
	kpage_maps_free(maps);
	return err ? err : more;
}

static int look_at_process(struct search *s, pid_t pid)
{
	struct look l = { .pid = pid };
	int err = kpage_file_open_pagemap(s->ctx, pid, &l.pagemap);

	if (err)
		return err;
	err = look_at_vmas(s, &l);
	kpage_file_free(l.pagemap);
	/* Present, and nowhere a PFN: they are hidden from us. */
	if (!err && l.present && !l.has_pfn)
		err = -EPERM;
	return err ? err : process_check(s->ctx, pid);
}

static int by_page(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	if (x->pfn != y->pfn)
		return x->pfn < y->pfn ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static void look_at_all(struct search *s, struct kpage_tasks *tasks)
{
	pid_t pid;

	while (!signals_pending() && kpage_tasks_next(tasks, &pid) > 0) {
		/* Kernel threads and zombies have no page tables. */
		if (process_check(s->ctx, pid))
			continue;
		if (look_at_process(s, pid))
			s->out->unreadable++;
	}
	if (s->out->n)
		qsort(s->out->v, s->out->n, sizeof(*s->out->v), by_page);
}

int owners_find(struct kpage_ctx *ctx, const struct kpage_file *flags, const uint64_t *pfns,
		size_t n, struct owner_list *out)
{
	struct search s = { .ctx = ctx, .flags = flags, .out = out };
	struct kpage_tasks *tasks = NULL;
	int err;

	*out = (struct owner_list){ 0 };
	if (!n)
		return EXIT_OK;
	err = kpage_tasks_open(ctx, 0, &tasks);
	if (err)
		return fail_errno(err, "%s", kpage_ctx_error_path(ctx));
	s.entries = xcalloc(KPAGE_BATCH, sizeof(*s.entries));
	for (size_t i = 0; i < n; i++)
		page_set_add(&s.wanted, pfns[i]);
	look_at_all(&s, tasks);
	page_set_release(&s.wanted);
	free(s.entries);
	kpage_tasks_free(tasks);
	return EXIT_OK;
}

void owners_from_targets(const struct target_list *list, struct owner_list *out)
{
	*out = (struct owner_list){ .v = xcalloc(list->n + 1, sizeof(*out->v)) };
	for (size_t i = 0; i < list->n; i++) {
		const struct target *t = &list->v[i];

		if (t->pid)
			out->v[out->n++] = (struct owner){ t->pfn, t->pid, t->address };
	}
	qsort(out->v, out->n, sizeof(*out->v), by_page);
}

void owner_list_release(struct owner_list *list)
{
	free(list->v);
	*list = (struct owner_list){ 0 };
}

const struct owner *owners_of(const struct owner_list *list, uint64_t pfn, size_t *n)
{
	size_t from = 0, to = list->n, end;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (list->v[middle].pfn < pfn)
			from = middle + 1;
		else
			to = middle;
	}
	for (end = from; end < list->n && list->v[end].pfn == pfn; end++)
		;
	*n = end - from;
	return *n ? &list->v[from] : NULL;
}

size_t owners_count(const struct owner_list *list, uint64_t pfn)
{
	size_t n, count = 0;
	const struct owner *v = owners_of(list, pfn, &n);

	for (size_t i = 0; i < n; i++)
		count += !i || v[i].pid != v[i - 1].pid;
	return count;
}

bool targets_have_more_owners(const struct target_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].mapcount > (list->v[i].pid ? 1 : 0))
			return true;
	return false;
}
