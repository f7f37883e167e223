// SPDX-License-Identifier: GPL-2.0-or-later
/* The report: one record a page, one a task, as text or as JSON; the totals behind them. */
#include "hwpoison-inject.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "common/outcome.h"

/* -------------------------------------------------------------------- the words */

const char *outcome_word(const struct page *page)
{
	static const char *const words[NR_OUTCOMES] = {
		[OUTCOME_POISONED] = "poisoned",
		[OUTCOME_OFFLINED] = "migrated",
		[OUTCOME_ALREADY] = "already",
		[OUTCOME_SAME_HUGE] = "same-hugetlb",
		[OUTCOME_KERNEL] = "refused",
		[OUTCOME_FILTERED] = "filtered",
		[OUTCOME_NOT_CONTAINED] = "flagged-only",
		[OUTCOME_FAILED] = "failed",
		[OUTCOME_CHANGED] = "moved",
		[OUTCOME_NOT_TRIED] = "not-tried",
		[OUTCOME_UNPOISONED] = "unpoisoned",
		[OUTCOME_STILL_POISONED] = "still-poisoned",
	};

	if (!page->done)
		return "not-tried";
	if (page->report.outcome == OUTCOME_POISONED && !strcmp(page->result, "Delayed"))
		return "delayed";
	return words[page->report.outcome];
}

static const char *entry_word(enum owner_entry entry)
{
	static const char *const words[] = {
		[ENTRY_NONE] = NULL,		[ENTRY_POISONED] = "poisoned",
		[ENTRY_UNMAPPED] = "unmapped",	[ENTRY_PRESENT] = "present",
		[ENTRY_MOVED] = "moved",	[ENTRY_GONE] = "ended",
	};

	return words[entry];
}

/* -------------------------------------------------------------------------- pages */

/* A page together with the run that its process is looked up in. */
struct page_row {
	const struct run *run;
	const struct page *page;
};

static const struct page *page_of(const void *row)
{
	return ((const struct page_row *)row)->page;
}

static const struct process *process_of(const void *row)
{
	const struct page_row *r = row;

	return r->page->pid ? process_find(r->run, r->page->pid) : NULL;
}

static void get_pfn(const void *row, struct cell *out)
{
	cell_pfn(out, page_of(row)->target->pfn);
}

static void get_address(const void *row, struct cell *out)
{
	if (page_of(row)->has_address)
		cell_hex(out, page_of(row)->address);
}

static void get_owner(const void *row, struct cell *out)
{
	const struct process *p = process_of(row);

	if (!p)
		return;
	snprintf(out->room, sizeof(out->room), "%s[%d]", p->comm, (int)p->pid);
	if (page_of(row)->owners > 1)
		snprintf(out->room, sizeof(out->room), "%s[%d] +%zu", p->comm, (int)p->pid,
			 page_of(row)->owners - 1);
	cell_text(out, out->room);
}

static void get_pid(const void *row, struct cell *out)
{
	if (page_of(row)->pid)
		cell_number(out, (uint64_t)page_of(row)->pid);
}

static void get_comm(const void *row, struct cell *out)
{
	const struct process *p = process_of(row);

	cell_text(out, p ? p->comm : NULL);
}

static void get_name(const void *row, struct cell *out)
{
	cell_text(out, page_of(row)->target->name);
}

static void get_kind(const void *row, struct cell *out)
{
	cell_text(out, page_kind_name(page_of(row)->target->kind));
}

static uint64_t flags_of(const struct page *page)
{
	return kpage_flags_expand(page->target->kflags, 0);
}

static void get_flags(const void *row, struct cell *out)
{
	cell_flags(out, flags_of(page_of(row)));
}

static void get_flags_value(const void *row, struct cell *out)
{
	cell_hex(out, page_of(row)->target->kflags);
}

static void get_owners(const void *row, struct cell *out)
{
	cell_number(out, page_of(row)->owners);
}

static void get_kernel(const void *row, struct cell *out)
{
	const struct page *page = page_of(row);

	/* It says nothing of a page that it moves. */
	if (page->report.outcome == OUTCOME_OFFLINED && page->report.entry == ENTRY_MOVED)
		snprintf(out->room, sizeof(out->room), "moved to 0x%" PRIx64, page->report.new_pfn);
	else if (!page->type[0])
		return;
	else
		snprintf(out->room, sizeof(out->room), "%.44s: %.15s", page->type, page->result);
	cell_text(out, out->room);
}

static void get_type(const void *row, struct cell *out)
{
	cell_text(out, page_of(row)->type);
}

static void get_result(const void *row, struct cell *out)
{
	cell_text(out, page_of(row)->result);
}

static void get_flag_change(const void *row, struct cell *out)
{
	const struct page_report *r = &page_of(row)->report;

	snprintf(out->room, sizeof(out->room), "%d -> %d", r->poisoned_before, r->poisoned_after);
	cell_text(out, out->room);
}

static void get_before(const void *row, struct cell *out)
{
	cell_bool(out, page_of(row)->report.poisoned_before);
}

static void get_after(const void *row, struct cell *out)
{
	cell_bool(out, page_of(row)->report.poisoned_after);
}

static void get_outcome(const void *row, struct cell *out)
{
	cell_text(out, outcome_word(page_of(row)));
}

static void get_errno(const void *row, struct cell *out)
{
	if (page_of(row)->report.err)
		cell_number(out, (uint64_t)-page_of(row)->report.err);
}

static void get_error(const void *row, struct cell *out)
{
	const struct page_row *r = row;

	if (r->page->report.err)
		cell_text(out, r->run->method->explain(r->page->report.err));
	else if (r->page->done && r->page->report.outcome == OUTCOME_KERNEL)
		cell_text(out, r->page->objection);
}

static void get_new_pfn(const void *row, struct cell *out)
{
	if (page_of(row)->report.entry == ENTRY_MOVED)
		cell_pfn(out, page_of(row)->report.new_pfn);
}

static void get_entry(const void *row, struct cell *out)
{
	cell_text(out, entry_word(page_of(row)->report.entry));
}

static const struct column page_columns[] = {
	{ "pfn", "PFN", -10, get_pfn },
	{ "address", "ADDRESS", -14, get_address },
	{ NULL, "OWNER", -16, get_owner },
	{ "pid", NULL, 0, get_pid },
	{ "comm", NULL, 0, get_comm },
	{ "name", NULL, 0, get_name },
	{ "kind", "KIND", -9, get_kind },
	{ "flags", NULL, 0, get_flags },
	{ "flags_value", NULL, 0, get_flags_value },
	{ "owners", NULL, 0, get_owners },
	{ NULL, "KERNEL", -27, get_kernel },
	{ "type", NULL, 0, get_type },
	{ "result", NULL, 0, get_result },
	{ NULL, "HWP", -6, get_flag_change },
	{ "hwp_before", NULL, 0, get_before },
	{ "hwp_after", NULL, 0, get_after },
	{ "outcome", "OUTCOME", -12, get_outcome },
	{ "errno", NULL, 0, get_errno },
	{ "error", "WHY", 0, get_error },
	{ "new_pfn", NULL, 0, get_new_pfn },
	{ "owner_entry", NULL, 0, get_entry },
};

static const struct record_type page_record = { "page", 1, "pages:", page_columns,
						ARRAY_SIZE(page_columns) };

/* ------------------------------------------------------------------------- the run */

static void run_method(const void *row, struct cell *out)
{
	cell_text(out, ((const struct run *)row)->method->inject.name);
}

static void run_tool(const void *row, struct cell *out)
{
	(void)row;
	cell_text(out, "hwpoison-inject");
}

static void run_release(const void *row, struct cell *out)
{
	struct utsname name;

	(void)row;
	if (uname(&name))
		return;
	snprintf(out->room, sizeof(out->room), "%.63s", name.release);
	cell_text(out, out->room);
}

static void run_boot(const void *row, struct cell *out)
{
	cell_text(out, rundir_boot(((const struct run *)row)->dir));
}

static void run_time(const void *row, struct cell *out)
{
	const struct run *run = row;
	struct tm tm;

	if (gmtime_r(&run->begun, &tm) && strftime(out->room, sizeof(out->room), "%Y-%m-%dT%H:%M:%SZ", &tm))
		cell_text(out, out->room);
}

static void run_seed(const void *row, struct cell *out)
{
	const struct selection *s = &((const struct run *)row)->opt.selection;

	if (s->random)
		cell_number(out, s->seed);
}

static void run_module(const void *row, struct cell *out)
{
	cell_text(out, ((const struct run *)row)->loaded ? "hwpoison_inject" : NULL);
}

static void run_filter(const void *row, struct cell *out)
{
	const struct run *run = row;

	if (run->inj.filter_known)
		cell_json(out, kernel_filter_json(run->ctx, &run->inj.filter));
}

static const struct column run_columns[] = {
	{ "tool", NULL, 0, run_tool },
	{ "release", "KERNEL", -24, run_release },
	{ "method", "METHOD", -12, run_method },
	{ "boot", NULL, 0, run_boot },
	{ "time", "TIME", -20, run_time },
	{ "seed", "SEED", -10, run_seed },
	{ "filter", NULL, 0, run_filter },
	{ "module_loaded", "LOADED", 0, run_module },
};

static const struct record_type run_record = { "run", 1, NULL, run_columns,
					       ARRAY_SIZE(run_columns) };

/* -------------------------------------------------------------------- all of it */

int report(struct run *run)
{
	_cleanup_free_ struct task_row *rows = NULL;
	size_t n = tasks_rows(run, &rows);
	struct totals totals;

	record_print(&run->out, &run_record, run);
	if (!run->out.json && run->targets.n)
		putchar('\n');
	for (size_t i = 0; i < run->targets.n; i++) {
		const struct page_row row = { run, &run->pages[i] };

		record_print(&run->out, &page_record, &row);
	}
	for (size_t i = 0; i < n; i++)
		record_print(&run->out, &task_record, &rows[i]);
	totals_make(run, rows, n, &totals);
	totals_print(&run->out, &totals);
	fflush(stdout);
	if (stdout_has_failed())
		warn("%" PRIu64 " pages were poisoned of %zu chosen: the report could not be written",
		     totals.lost, run->targets.n);
	if (run->opt.expect)
		return totals.verdict ? EXIT_OK : EXIT_OUTCOME;
	return run->interrupted ? EXIT_OUTCOME : (int)outcome_status(&run->inj);
}
