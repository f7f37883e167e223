// SPDX-License-Identifier: GPL-2.0-or-later
/* page-types: which pages have which flags; poison and unpoison them. */
#include "page-types.h"

#include <errno.h>

#include "common/signals.h"
#include "common/walk.h"
#include "owners.h"

static bool is_acting(const struct options *opt)
{
	return opt->hwpoison || opt->unpoison || opt->mark_idle;
}

static int run_open(struct run *run)
{
	int err, status;

	err = kpage_ctx_new(run->opt.sysroot, &run->ctx);
	if (err)
		return fail_errno(err, "--sysroot: %s", run->opt.sysroot ? run->opt.sysroot : "/");
	status = sources_open(run);
	if (!status)
		status = narrowed_open(run);
	if (!status && kpage_tally_new(&run->tally))
		status = fail(EXIT_FAILED, "out of memory");
	return status;
}

static void run_close(struct run *run)
{
	injection_close(&run->inj);
	ledger_free(run->ledger);
	rundir_free(run->dir);
	kpage_idle_free(run->idle);
	narrowed_close(run);
	owner_list_release(&run->owners);
	free(run->holes);
	kpage_tally_free(run->tally);
	kpage_file_free(run->cgroup);
	kpage_file_free(run->mapcount);
	kpage_file_free(run->flags);
	kpage_dump_free(run->saved);
	kpage_ctx_free(run->ctx);
	options_release(&run->opt);
}

/* ------------------------------------------------------------------ walking */

/* With an action, what was not come to is neither listed nor counted. */
static int emit(const struct kpage_batch *batch, void *arg)
{
	struct kpage_batch b = *batch;
	struct run *run = arg;
	int err = 0;

	if (is_acting(&run->opt)) {
		err = act_on_batch(run, &b);
		for (size_t i = 0; i < b.n; i++)
			if (kpage_tally_add(run->tally, b.flags[i], 1))
				return -ENOMEM;
	}
	list_add(&run->list, &b);
	if (!err && stdout_has_failed()) {
		/* Nobody reads on. */
		run->stop = true;
		err = -ECANCELED;
	}
	return err;
}

void run_walk(const struct run *run, struct kpage_walk *walk)
{
	const struct options *opt = &run->opt;

	*walk = (struct kpage_walk){
		.flags = run->flags,
		.mapcount = run->mapcount,
		.cgroup = run->cgroup,
		.raw = opt->raw,
		.exprs = opt->selection.exprs,
		.nr_exprs = opt->selection.nr_exprs,
		/* An action reads no further ahead than it must. */
		.max_cpu = opt->max_cpu,
		.threads = is_acting(opt) ? 1 : opt->jobs ? opt->jobs : walk_threads(),
	};
}

static int walk_pid(struct run *run, const struct kpage_walk *walk, pid_t pid, bool named)
{
	const struct selection *s = &run->opt.selection;
	uint64_t poisoned = run->inj.counts[OUTCOME_POISONED];
	struct kpage_file *pagemap = NULL;
	int err = 0;

	list_break(&run->list);
	run->list.pid = pid;
	/* The injection looks at each page's entry once more; kept open, the file
	 * stays that of the same memory, whatever happens to the PID. */
	if (run->opt.hwpoison)
		err = kpage_file_open_pagemap(run->ctx, pid, &pagemap);
	run->owner.pid = pid;
	run->owner.pagemap = pagemap;
	if (!err && run->narrowed.on)
		err = narrowed_walk_task(run, walk, pid);
	else if (!err && !(s->has_ranges && !s->nr_ranges))
		err = kpage_walk_task(run->ctx, walk, pid, s->ranges, s->nr_ranges);
	run->owner = (struct page_owner){ 0 };
	kpage_file_free(pagemap);
	if (err == -ECANCELED)
		return EXIT_OK;
	/* A process that its poison killed has its place in the report. */
	if (err == -ESRCH && run->inj.counts[OUTCOME_POISONED] > poisoned) {
		run->ended = true;
		return EXIT_OK;
	}
	/* Nobody named a descendant that has ended. */
	if (!err || (err == -ESRCH && !named))
		return EXIT_OK;
	return fail_task_walk(run->ctx, run->flags, named ? "--pid" : "--tree", pid, err);
}

static int walk_pids(struct run *run, const struct kpage_walk *walk)
{
	const struct selection *s = &run->opt.selection;
	struct process_list list = { 0 };
	int err = 0, status = EXIT_OK;

	for (size_t i = 0; i < s->nr_pids; i++)
		process_list_add(&list, s->pids[i]);
	if (s->tree)
		err = process_list_add_descendants(&list, run->ctx);
	if (err)
		status = fail_errno(err, "--tree: %s", kpage_ctx_error_path(run->ctx));
	for (size_t i = 0; !err && i < list.n && !run->stop; i++) {
		int one = walk_pid(run, walk, list.v[i], i < s->nr_pids);

		status = status ? status : one;
	}
	process_list_release(&list);
	return status;
}

static int walk_ranges(struct run *run, const struct kpage_walk *walk, const char *option,
		       const struct kpage_range *ranges, size_t n)
{
	uint64_t end;
	int err = kpage_walk_pfns(walk, ranges, n, &end);

	if (err == -ECANCELED)
		return EXIT_OK;
	run->torn = err;
	if (err)
		return fail_pfn_walk(walk, err);
	if (!option)
		return EXIT_OK;
	err = check_walk_end(option, run->flags, ranges, n, end, run->opt.dump);
	return err ? err : check_dump_parts(run, option, ranges, n);
}

/* Memory that is not there is not read. Where nothing is known of it, or a copy of
 * kpageflags is walked, all is. */
void find_holes(struct run *run)
{
	if (!run->opt.dump && !run->holes &&
	    kpage_holes_find(run->ctx, run->flags, &run->holes, &run->nr_holes))
		run->nr_holes = 0;
}

static void show_progress(uint64_t pages, void *arg)
{
	struct run *run = arg;

	progress_update(&run->progress, pages);
}

/* Not between the rows of a list on the same terminal, nor beside an action's messages. */
static void begin_progress(struct run *run, struct kpage_walk *walk)
{
	const struct options *opt = &run->opt;
	uint64_t end;

	if (is_acting(opt) || opt->selection.has_ranges || !isatty(STDERR_FILENO) ||
	    (opt->list != LIST_NONE && isatty(STDOUT_FILENO)) || kpage_file_end(run->flags, &end))
		return;
	progress_start(&run->progress, "pages", end);
	walk->progress = show_progress;
	walk->progress_arg = run;
}

static int walk_all(struct run *run, const struct kpage_walk *walk)
{
	static const struct kpage_range all = { 0, UINT64_MAX };
	struct kpage_walk with_holes = *walk;
	int status;

	find_holes(run);
	with_holes.holes = run->holes;
	with_holes.nr_holes = run->nr_holes;
	begin_progress(run, &with_holes);
	status = walk_ranges(run, &with_holes, NULL, &all, 1);
	progress_end(&run->progress);
	return status;
}

static int walk_machine(struct run *run, const struct kpage_walk *walk)
{
	const struct selection *s = &run->opt.selection;
	size_t n = s->nr_pfns;
	_cleanup_free_ struct kpage_range *pfns = s->has_pfns ? ranges_sorted(s->pfns, &n) : NULL;


	if (pfns)
		return walk_ranges(run, walk, s->pfns_option, pfns, n);
	if (s->has_ranges)
		return walk_ranges(run, walk, "--addr", s->ranges, s->nr_ranges);
	return walk_all(run, walk);
}

int walk_selection(struct run *run, const struct kpage_walk *walk)
{
	const struct selection *s = &run->opt.selection;
	struct kpage_walk narrowed;

	narrowed_walk(run, walk, &narrowed);
	if (s->file)
		return walk_cache(run, &narrowed);
	return s->nr_pids ? walk_pids(run, &narrowed) : walk_machine(run, &narrowed);
}

/* ------------------------------------------------------------------- showing */

static void begin_list(struct run *run)
{
	const struct options *opt = &run->opt;
	const struct columns columns = {
		.pid = opt->selection.nr_pids > 1 || opt->selection.tree,
		.offset = opt->selection.nr_pids ? "voffset" : opt->selection.file ? "foffset" : NULL,
		.cgroup = opt->list_cgroup,
		.mapcount = opt->list_mapcount,
	};

	run->out.json = opt->json;
	list_begin(&run->list, opt->list, &columns, opt->json ? &run->out : NULL);
}

static void finish(struct run *run)
{
	const struct options *opt = &run->opt;
	const struct summary_style style = {
		.sort = opt->sort,
		.top = opt->top,
		.json = opt->json ? &run->out : NULL,
	};
	int err;

	list_end(&run->list);
	if (opt->no_summary || run->torn)
		return;
	if (opt->list != LIST_NONE && !opt->json)
		printf("\n\n");
	if (opt->selection.file && !opt->json)
		show_file(opt);
	err = opt->by != BY_NONE ? show_groups(&run->groups, run->tally, &style) :
				   show_summary(run->tally, &style);
	if (err)
		run->status = fail(EXIT_FAILED, "out of memory");
}

static void warn_of_raw_flags(const struct options *opt)
{
	char names[KPAGE_NAMES_SIZE];

	if (opt->raw || !opt->selection.raw_only)
		return;
	kpage_flags_names(opt->selection.raw_only, names);
	warn("--bits: %s: seen in raw mode only (add --raw)", names);
}

static int run_all(struct run *run)
{
	const struct options *opt = &run->opt;
	struct kpage_walk walk;
	int status;

	warn_of_raw_flags(opt);
	if (opt->diff)
		return diff_copies(run);
	status = run_open(run);
	if (!status && opt->save)
		return save_dump(run);
	if (!status && opt->watch_ns)
		return watch_summary(run);
	if (!status && is_acting(opt))
		status = act_prepare(run);
	if (status)
		return status;
	if (opt->order)
		return order_show(run);
	if (opt->sample)
		return sample_machine(run);
	run_walk(run, &walk);
	walk.tally = is_acting(opt) ? NULL : run->tally;
	walk.arg = run;
	if (is_acting(opt) || opt->list != LIST_NONE)
		walk.emit = emit;
	begin_list(run);
	status = opt->owners ? owners_column(run) : EXIT_OK;
	if (status)
		return status;
	status = walk_selection(run, &walk);
	if (stdout_has_failed() && !is_acting(opt))
		return status;
	/* What could not be read is no empty table. */
	if (!status || kpage_tally_total(run->tally))
		finish(run);
	if (!status && !kpage_tally_total(run->tally))
		explain_nothing(opt, run->ctx, run->saved);
	if (!status)
		explain_groups(opt, run->ctx, run->saved);
	if (is_acting(opt)) {
		int result = act_report(run);

		status = status ? status : result;
	}
	return status ? status : run->status;
}

int main(int argc, const char **argv)
{
	struct run run = { 0 };
	int status;

	switch (options_parse(argc, argv, &run.opt, &status)) {
	case PARSE_BAD:
	case PARSE_DONE:
		break;
	case PARSE_RUN:
		if (run.opt.describe)
			show_flags(run.opt.describe_flags);
		else if (run.opt.owners && run.opt.list == LIST_NONE)
			status = owners_run(&run.opt);
		else
			status = run_all(&run);
		break;
	}
	run_close(&run);
	status = close_stdout(status);
	signals_release();
	return status;
}
