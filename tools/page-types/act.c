// SPDX-License-Identifier: GPL-2.0-or-later
/* --hwpoison, --unpoison and --mark-idle. */
#include "page-types.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/kernel-filter.h"
#include "common/outcome.h"
#include "common/safety.h"
#include "common/signals.h"

/* How long the tasks' fates are waited for; in seconds. */
#define SETTLE_S 2

static int refuse(const char *why)
{
	return fail(EXIT_REFUSED, "--hwpoison: refused: %s (--force does it all the same)", why);
}

/* Pages that a process or a file has by the way (the vdso, the zero page) are
 * left out; by number or flag they were asked for. */
static int judge_survey(const struct run *run, const struct survey *survey)
{
	const struct selection *s = &run->opt.selection;
	char text[160];

	if (survey->init) {
		snprintf(text, sizeof(text), "%" PRIu64 " of the pages belong to PID 1", survey->init);
		return refuse(text);
	}
	if (survey->self) {
		snprintf(text, sizeof(text), "%" PRIu64 " of the pages belong to page-types itself",
			 survey->self);
		return refuse(text);
	}
	if (survey->kernel && !s->nr_pids && !s->file) {
		snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " pages belong to the kernel",
			 survey->kernel, survey->pages);
		return refuse(text);
	}
	return EXIT_OK;
}

static int walk_survey(struct run *run, struct surveyor *surveyor)
{
	struct kpage_walk walk;

	run_walk(run, &walk);
	walk.emit = surveyor_emit;
	walk.arg = surveyor;
	return walk_selection(run, &walk);
}

/* Looks at everything that is chosen before anything is done to it. */
static int survey(struct run *run)
{
	struct surveyor *surveyor = NULL;
	int status;

	if (!run->opt.force && selection_is_empty(&run->opt.selection))
		return refuse("nothing is selected: that is the whole machine");
	/* What the kernel's filter keeps away is at no risk: that takes the cgroups. */
	if (run->inj.filter.enable && run->inj.filter.memcg && !run->cgroup) {
		int err = kpage_file_open(run->ctx, KPAGE_SOURCE_CGROUP, &run->cgroup);

		if (err)
			return fail_errno(err, "%s", kpage_ctx_error_path(run->ctx));
	}
	status = surveyor_new(run->ctx, run->flags, &run->inj.filter, &surveyor);
	if (!status)
		status = walk_survey(run, surveyor);
	if (!status) {
		run->surveyed = surveyor_result(surveyor)->pages;
		if (!run->opt.force)
			status = judge_survey(run, surveyor_result(surveyor));
	}
	surveyor_free(surveyor);
	return status;
}

static int prepare_idle(struct run *run)
{
	int err = kpage_idle_open(run->ctx, &run->idle);

	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "%s: not there (a kernel without CONFIG_IDLE_PAGE_TRACKING)",
			    kpage_ctx_error_path(run->ctx));
	return err ? fail_errno(err, "%s", kpage_ctx_error_path(run->ctx)) : EXIT_OK;
}

/* A page of a process or a file is known by its place there; one that was chosen by its
 * number, flags or cgroup may be anybody's by now. */
static bool is_still_chosen(uint64_t pfn, uint64_t kflags, void *arg)
{
	const struct run *run = arg;
	const struct selection *s = &run->opt.selection;
	uint64_t flags;

	if (s->nr_pids || s->file)
		return true;
	flags = run->opt.raw ? kpage_flags_expand(kflags, 0) : kpage_flags_well_known(kflags);
	for (size_t i = 0; i < s->nr_exprs; i++)
		if (!kpage_expr_matches(&s->exprs[i], flags))
			return false;
	return selection_has_cgroup(s, cgroup_of_page(run->flags, run->cgroup, pfn, kflags));
}

/* Before the page is poisoned, so that a crash in between loses nothing. */
static int note_in_ledger(uint64_t pfn, const struct page_owner *owner, void *arg)
{
	struct run *run = arg;
	struct ledger_entry entry = { .pfn = pfn, .method = "debugfs", .pid = owner->pid };
	int err;

	if (owner->pid && run->owner_task.pid != owner->pid &&
	    kpage_task_read(run->ctx, owner->pid, &run->owner_task))
		run->owner_task = (struct kpage_task){ 0 };
	if (owner->pid) {
		entry.comm = run->owner_task.comm;
		entry.has_address = true;
		entry.address = owner->offset * kpage_page_size();
	}
	err = ledger_add(run->ledger, &entry);
	if (err)
		run->status = fail_errno(err, "%s/ledger: what can't be recorded is not poisoned",
					 rundir_path(run->dir));
	return err ? -ECANCELED : 0;
}

/* One run at a time changes the machine: what a run before left behind is put back
 * first, and the ledger is kept. */
static int open_ledger(struct run *run)
{
	int status;

	if (!kpage_ctx_is_live(run->ctx))
		return EXIT_OK;
	status = rundir_open(run->ctx, &run->dir);
	if (!status)
		status = rundir_lock(run->dir);
	if (!status)
		status = kernel_filter_recover(run->ctx, run->inj.hp, run->dir);
	if (!status)
		status = ledger_open(run->dir, &run->ledger);
	if (!status)
		run->inj.hooks.before = note_in_ledger;
	return status;
}

int act_prepare(struct run *run)
{
	int status = EXIT_OK;

	signals_hold();
	if (run->opt.mark_idle)
		status = prepare_idle(run);
	if (!status && (run->opt.hwpoison || run->opt.unpoison))
		status = injection_open(&run->inj, run->ctx, run->flags, &inject_debugfs);
	if (!status && (run->opt.hwpoison || run->opt.unpoison))
		status = open_ledger(run);
	if (!status && run->opt.hwpoison)
		status = injection_start(&run->inj);
	run->inj.force = run->opt.force;
	run->inj.hooks.chosen = is_still_chosen;
	run->inj.hooks.arg = run;
	if (!status && run->opt.hwpoison)
		status = survey(run);
	return status;
}

static int poison_page(struct run *run, const struct kpage_batch *b, size_t i)
{
	run->owner.offset = b->offset ? b->offset[i] : 0;
	return injection_poison(&run->inj, b->pfn[i], b->kflags[i], &run->owner, NULL);
}

static int unpoison_page(struct run *run, uint64_t pfn, uint64_t kflags)
{
	struct page_report report = { .outcome = NR_OUTCOMES };
	int err = injection_unpoison(&run->inj, pfn, kflags, &report);

	/* A line too many in the ledger does no harm: the page's flag is what counts. */
	if (!err && run->ledger && report.outcome == OUTCOME_UNPOISONED)
		ledger_add_unpoison(run->ledger, pfn);
	return err;
}

static int act_on_page(struct run *run, const struct kpage_batch *b, size_t i)
{
	const char *path = kpage_ctx_error_path(run->ctx);
	int err = 0;

	if (run->opt.hwpoison)
		err = poison_page(run, b, i);
	else if (run->opt.unpoison)
		err = unpoison_page(run, b->pfn[i], b->kflags[i]);
	if (err == -ESRCH)
		return err;
	if (!err && run->idle) {
		path = "page_idle/bitmap";
		err = kpage_idle_mark(run->idle, b->pfn[i]);
	}
	if (err && err != -ECANCELED)
		run->status = fail_errno(err, "%s", path);
	return err ? -ECANCELED : 0;
}

int act_on_batch(struct run *run, struct kpage_batch *b)
{
	int err = 0;
	size_t i;

	for (i = 0; i < b->n && !err; i++) {
		if (signals_pending())
			err = -ECANCELED;
		else if (!kpage_batch_is_swap(b, i))
			err = act_on_page(run, b, i);
		if (err)
			break;
	}
	run->stop = err == -ECANCELED;
	b->n = i;
	return err;
}

/* A process that ended took the rest of its pages with it before the walk came to
 * them; the survey had seen them. */
static void count_rest(struct run *run)
{
	uint64_t *counts = run->inj.counts, seen = 0;

	for (size_t i = 0; i < NR_OUTCOMES; i++)
		seen += counts[i];
	/* One at least: the page at which its end was seen. */
	if (run->ended && !run->stop)
		counts[OUTCOME_NOT_TRIED] += run->surveyed > seen ? run->surveyed - seen : 1;
}

/* The report has no reader: what was done must not go unsaid. */
static void say_in_short(const struct run *run)
{
	uint64_t total = 0;

	for (size_t i = 0; i < NR_OUTCOMES; i++)
		total += run->inj.counts[i];
	warn("%" PRIu64 " pages were poisoned, %" PRIu64 " unpoisoned, of %" PRIu64 " chosen: the "
	     "report could not be written", run->inj.counts[OUTCOME_POISONED],
	     run->inj.counts[OUTCOME_UNPOISONED], total);
}

static int report_injection(struct run *run)
{
	int stopped = signals_pending();

	injection_settle(&run->inj, SETTLE_S);
	count_rest(run);
	if (stopped)
		warn("%s: stopped: the rest of the pages was not tried", strsignal(stopped));
	outcome_print(&run->inj, run->opt.unpoison, run->opt.selection.pids,
		      run->opt.selection.nr_pids);
	fflush(stdout);
	if (stdout_has_failed())
		say_in_short(run);
	return outcome_status(&run->inj);
}

int act_report(struct run *run)
{
	int err = run->idle ? kpage_idle_flush(run->idle) : 0;
	int status = EXIT_OK;

	if (err)
		status = fail_errno(err, "page_idle/bitmap");
	if (run->opt.hwpoison || run->opt.unpoison) {
		int result = report_injection(run);

		status = status ? status : result;
	}
	return status;
}
