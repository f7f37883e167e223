// SPDX-License-Identifier: GPL-2.0-or-later
/* What is poisoned, who did it, and taking it back. */
#include "hwpoison-inject.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/signals.h"

/* -------------------------------------------------------------- the poisoned pages */

struct poisoned {
	uint64_t pfn, kflags;
	enum page_kind kind;
	bool known;		/* in the ledger: */
	char *time, *method, *comm, *tool;
	pid_t pid;
	bool has_address;
	uint64_t address;
};

struct poisoned_list {
	const struct run *run;
	struct page_kinds kinds;
	struct poisoned *v;
	size_t n;
	bool all;		/* tails of hugetlb pages, too */
};

static void poisoned_release(struct poisoned_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].time);
		free(list->v[i].method);
		free(list->v[i].comm);
		free(list->v[i].tool);
	}
	free(list->v);
}

/* A hugetlb page is one: since 6.12 all of its pages have the flag, before that its head. */
static bool is_counted_by_head(uint64_t kflags)
{
	return (kflags & KPAGE_BIT(HUGE)) && (kflags & KPAGE_BIT(COMPOUND_TAIL));
}

static int collect(const struct kpage_batch *b, void *arg)
{
	struct poisoned_list *list = arg;

	for (size_t i = 0; i < b->n; i++) {
		if (is_counted_by_head(b->kflags[i]))
			continue;
		list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
		list->v[list->n++] = (struct poisoned){
			.pfn = b->pfn[i],
			.kflags = b->kflags[i],
			.kind = page_kind_of(&list->kinds, b->kflags[i], b->kflags[i], NULL),
		};
	}
	return signals_pending() ? -ECANCELED : 0;
}

static int find_poisoned(struct run *run, struct poisoned_list *list)
{
	static const struct kpage_range all = { 0, UINT64_MAX };
	const struct kpage_expr poisoned = { .mask = KPAGE_BIT(HWPOISON), .bits = KPAGE_BIT(HWPOISON) };
	const struct kpage_walk walk = {
		.flags = run->src.flags,
		.exprs = &poisoned,
		.nr_exprs = 1,
		.emit = collect,
		.arg = list,
	};
	int err;

	*list = (struct poisoned_list){ .run = run };
	page_kinds_init(&list->kinds, run->ctx, run->src.flags);
	err = kpage_walk_pfns(&walk, &all, 1, NULL);
	if (err && err != -ECANCELED)
		return fail_errno(err, "%s", kpage_file_path(run->src.flags));
	return EXIT_OK;
}

static int by_pfn(const void *key, const void *element)
{
	uint64_t pfn = *(const uint64_t *)key, other = ((const struct poisoned *)element)->pfn;

	return (pfn > other) - (pfn < other);
}

static int join(const struct ledger_entry *e, void *arg)
{
	struct poisoned_list *list = arg;
	uint64_t kflags, pfn = e->pfn;
	struct poisoned *p;

	/* What was hit may be in the middle of a hugetlb page, which goes by its head. */
	if (kpage_file_read(list->run->src.flags, pfn, &kflags, 1) == 1)
		pfn = injection_head(&list->run->inj, pfn, kflags);
	p = list->n ? bsearch(&pfn, list->v, list->n, sizeof(*list->v), by_pfn) : NULL;
	if (!p || p->known)
		return 0;
	p->known = true;
	p->time = e->time ? xstrdup(e->time) : NULL;
	p->method = e->method ? xstrdup(e->method) : NULL;
	p->comm = e->comm ? xstrdup(e->comm) : NULL;
	p->tool = e->tool ? xstrdup(e->tool) : NULL;
	p->pid = e->pid;
	p->has_address = e->has_address;
	p->address = e->address;
	return 0;
}

/* Without a run directory nobody of ours has been here. */
static int join_ledger(struct run *run, struct poisoned_list *list)
{
	_cleanup_(ledger) struct ledger *ledger = NULL;
	_cleanup_(rundir) struct rundir *dir = NULL;
	int err = rundir_find(run->ctx, &dir), status;

	if (err == -ENOENT)
		return EXIT_OK;
	if (err)
		return fail_errno(err, "the run directory");
	status = ledger_open(dir, &ledger);
	if (status)
		return status;
	err = ledger_read(ledger, join, list);
	return err ? fail_errno(err, "%s/ledger", rundir_path(dir)) : EXIT_OK;
}

static bool is_real(const struct poisoned *p)
{
	const struct method *method = p->method ? method_find(p->method) : NULL;

	return method && method->real;
}

#define POISONED_COLUMN(function, call)                         \
	static void function(const void *row, struct cell *out) \
	{                                                       \
		const struct poisoned *p = row;                 \
		call;                                           \
	}

static void set_owner(const struct poisoned *p, struct cell *out)
{
	if (!p->pid)
		return;
	snprintf(out->room, sizeof(out->room), "%s[%d]", p->comm ?: "", (int)p->pid);
	cell_text(out, out->room);
}

POISONED_COLUMN(poisoned_pfn, cell_pfn(out, p->pfn))
POISONED_COLUMN(poisoned_kind, cell_text(out, page_kind_name(p->kind)))
POISONED_COLUMN(poisoned_flags, cell_flags(out, kpage_flags_expand(p->kflags, 0)))
POISONED_COLUMN(poisoned_flags_value, cell_hex(out, p->kflags))
POISONED_COLUMN(poisoned_time, cell_text(out, p->time))
POISONED_COLUMN(poisoned_method, cell_text(out, p->method))
POISONED_COLUMN(poisoned_owner, set_owner(p, out))
POISONED_COLUMN(poisoned_pid, if (p->pid) cell_number(out, (uint64_t)p->pid))
POISONED_COLUMN(poisoned_comm, cell_text(out, p->comm))
POISONED_COLUMN(poisoned_address, if (p->has_address) cell_hex(out, p->address))
POISONED_COLUMN(poisoned_tool, cell_text(out, p->tool))
POISONED_COLUMN(poisoned_real, if (p->known) cell_bool(out, is_real(p)))

/* For people: what the kernel takes for a failure of the hardware is told from the rest. */
static void poisoned_by(const void *row, struct cell *out)
{
	const struct poisoned *p = row;
	const char *tool = p->known ? p->tool ?: "?" : "not in the ledger";

	snprintf(out->room, sizeof(out->room), "%.100s%s", tool, is_real(p) ? ", real" : "");
	cell_text(out, out->room);
}

static const struct column poisoned_columns[] = {
	{ "pfn", "PFN", -10, poisoned_pfn },
	{ "kind", "KIND NOW", -9, poisoned_kind },
	{ "flags", NULL, 0, poisoned_flags },
	{ "flags_value", NULL, 0, poisoned_flags_value },
	{ "time", "TIME", -20, poisoned_time },
	{ "method", "METHOD", -12, poisoned_method },
	{ NULL, "OWNER THEN", -16, poisoned_owner },
	{ "pid", NULL, 0, poisoned_pid },
	{ "comm", NULL, 0, poisoned_comm },
	{ "address", "ADDRESS", -14, poisoned_address },
	{ "tool", NULL, 0, poisoned_tool },
	{ NULL, "BY", 0, poisoned_by },
	{ "real", NULL, 0, poisoned_real },
};

static const struct record_type poisoned_record = { "poisoned", 1, NULL, poisoned_columns,
						    ARRAY_SIZE(poisoned_columns) };

int undo_list(struct run *run)
{
	struct poisoned_list list;
	int status = find_poisoned(run, &list);

	if (!status)
		status = join_ledger(run, &list);
	for (size_t i = 0; !status && i < list.n && !stdout_has_failed(); i++)
		record_print(&run->out, &poisoned_record, &list.v[i]);
	if (!status && !list.n && !run->out.json)
		printf("no page is poisoned\n");
	poisoned_release(&list);
	return status;
}

/* ------------------------------------------------------------------- unpoisoning */

struct undo_row {
	uint64_t pfn;
	const char *outcome;
	int err;
	const char *error;
};

#define UNDO_COLUMN(function, call)                             \
	static void function(const void *row, struct cell *out) \
	{                                                       \
		const struct undo_row *u = row;                 \
		call;                                           \
	}

UNDO_COLUMN(undo_pfn, cell_pfn(out, u->pfn))
UNDO_COLUMN(undo_outcome, cell_text(out, u->outcome))
UNDO_COLUMN(undo_errno, if (u->err) cell_number(out, (uint64_t)-u->err))
UNDO_COLUMN(undo_error, cell_text(out, u->error))

static const struct column undo_columns[] = {
	{ "pfn", "PFN", -10, undo_pfn },
	{ "outcome", "OUTCOME", -14, undo_outcome },
	{ "errno", NULL, 0, undo_errno },
	{ "error", "WHY", 0, undo_error },
};

static const struct record_type undo_record = { "unpoison", 1, NULL, undo_columns,
						ARRAY_SIZE(undo_columns) };

struct undo {
	struct run *run;
	uint64_t unpoisoned, failed;
	int status;
};

/* EBUSY has many reasons, which the page itself tells apart. */
static const char *explain_busy(struct run *run, uint64_t pfn, uint64_t kflags)
{
	uint64_t mapcount = 0;

	if (kflags & (KPAGE_BIT(SLAB) | KPAGE_BIT(PGTABLE) | KPAGE_BIT(RESERVED) |
		      KPAGE_BIT(ZERO_PAGE)))
		return "the kernel uses it: it stays poisoned until reboot";
	if (run->src.mapcount && kpage_file_read(run->src.mapcount, pfn, &mapcount, 1) == 1 && mapcount)
		return "it is still mapped by a process: end that first";
	if (kflags & KPAGE_BIT(HUGE))
		return "it is still part of a hugetlbfs file: remove or truncate that first";
	if ((kflags & KPAGE_BIT(SWAPBACKED)) && !(kflags & KPAGE_BIT(ANON)))
		return "it is still part of a file on tmpfs, or of shared memory: remove or truncate "
		       "that first";
	return "it is still in use: mapped, part of a file, or held by the kernel";
}

static const char *explain(struct run *run, int err, uint64_t pfn, uint64_t kflags)
{
	switch (err) {
	case 0:
		return NULL;
	case -EBUSY:
		return explain_busy(run, pfn, kflags);
	case -EOPNOTSUPP:
		if (kflags & KPAGE_BIT(ZERO_PAGE))
			return "it is the huge zero page: it stays poisoned until reboot";
		return "the kernel has seen a real memory error: it unpoisons nothing until reboot";
	case -EIO:
		return "it is offline, or device memory";
	default:
		return strerror(-err);
	}
}

static int unpoison(struct undo *u, uint64_t pfn, uint64_t kflags)
{
	struct page_report report = { .outcome = NR_OUTCOMES };
	struct undo_row row = { .pfn = pfn, .outcome = "not-poisoned" };
	int err = injection_unpoison(&u->run->inj, pfn, kflags, &report);

	if (err) {
		u->status = fail_errno(err, "%s/unpoison-pfn", kpage_hwpoison_dir(u->run->inj.hp));
		return -ECANCELED;
	}
	if (report.outcome == OUTCOME_UNPOISONED) {
		row.outcome = "unpoisoned";
		u->unpoisoned++;
		ledger_add_unpoison(u->run->ledger, pfn);
	} else if (report.outcome == OUTCOME_STILL_POISONED) {
		row.outcome = "still-poisoned";
		row.err = report.err;
		row.error = explain(u->run, report.err, pfn, kflags);
		u->failed++;
	}
	record_print(&u->run->out, &undo_record, &row);
	return signals_pending() ? -ECANCELED : 0;
}

static int unpoison_range(struct undo *u, const struct kpage_range *r)
{
	uint64_t kflags, head, last = UINT64_MAX;
	int err = 0;

	for (uint64_t pfn = r->start; pfn < r->end && !err; pfn++) {

		if (injection_read_flags(&u->run->inj, pfn, &kflags)) {
			u->status = fail(EXIT_FAILED, "--unpoison: PFN 0x%" PRIx64 ": there is no such page",
					 pfn);
			return -ECANCELED;
		}
		/* A hugetlb page is one, by whichever of its pages it is named. One that is
		 * not poisoned is asked for in vain, and is told so. */
		head = injection_head(&u->run->inj, pfn, kflags);
		if (head != last)
			err = unpoison(u, head, kflags);
		last = head;
	}
	return err;
}

static int unpoison_all(struct undo *u)
{
	struct poisoned_list list;
	int err = find_poisoned(u->run, &list);

	u->status = err;
	for (size_t i = 0; !err && i < list.n; i++)
		err = unpoison(u, list.v[i].pfn, list.v[i].kflags);
	poisoned_release(&list);
	return err;
}

int undo_unpoison(struct run *run)
{
	struct undo u = { .run = run };
	int err = 0;

	if (run->opt.unpoison_all)
		err = unpoison_all(&u);
	for (size_t i = 0; i < run->opt.unpoison_pages.nr_pfns && !err; i++)
		err = unpoison_range(&u, &run->opt.unpoison_pages.pfns[i]);
	if (u.status)
		return u.status;
	injection_settle(&run->inj, 0);
	if (!run->out.json) {
		printf("%" PRIu64 " unpoisoned, %" PRIu64 " still poisoned\n", u.unpoisoned, u.failed);
		if (run->inj.has_corrupted)
			printf("HardwareCorrupted: %" PRIu64 " kB before, %" PRIu64 " kB after\n",
			       run->inj.corrupted_before, run->inj.corrupted_after);
	}
	return u.failed || signals_pending() ? EXIT_OUTCOME : EXIT_OK;
}
