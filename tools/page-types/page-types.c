// SPDX-License-Identifier: GPL-2.0-or-later
/* page-types: which pages have which flags; poison and unpoison them. */
#include "page-types.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "common/signals.h"

/* More threads than this wait for the kernel, not for a CPU. */
#define DEFAULT_JOBS_MAX 8

static unsigned int default_jobs(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return 1;
	return (unsigned int)MIN(CPU_COUNT(&cpus), DEFAULT_JOBS_MAX);
}

static bool is_acting(const struct options *opt)
{
	return opt->hwpoison || opt->unpoison || opt->mark_idle;
}

static int open_source(struct run *run, enum kpage_source source, struct kpage_file **out)
{
	int err = kpage_file_open(run->ctx, source, out);

	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "%s: not there (the kernel was built without it)",
			    kpage_ctx_error_path(run->ctx));
	if (err == -EUCLEAN)
		return fail(EXIT_FAILED, "%s: truncated: not a whole number of 8-byte entries",
			    kpage_ctx_error_path(run->ctx));
	return err ? fail_errno(err, "%s", kpage_ctx_error_path(run->ctx)) : EXIT_OK;
}

static int open_dump(struct run *run)
{
	int err = kpage_file_open_dump(run->ctx, run->opt.dump, &run->flags);

	if (err == -EUCLEAN)
		return fail(EXIT_FAILED, "--kpageflags: %s: truncated, or no dump: not a whole number "
			    "of 8-byte entries", run->opt.dump);
	return err ? fail_errno(err, "--kpageflags: %s", run->opt.dump) : EXIT_OK;
}

static int open_sources(struct run *run)
{
	const struct options *opt = &run->opt;
	int status;

	status = opt->dump ? open_dump(run) : open_source(run, KPAGE_SOURCE_FLAGS, &run->flags);
	if (!status && (opt->selection.cgroup_ino || opt->list_cgroup))
		status = open_source(run, KPAGE_SOURCE_CGROUP, &run->cgroup);
	if (!status && opt->list != LIST_NONE && opt->list_mapcount)
		status = open_source(run, KPAGE_SOURCE_COUNT, &run->mapcount);
	return status;
}

static int run_open(struct run *run)
{
	int err, status;

	err = kpage_ctx_new(run->opt.sysroot, &run->ctx);
	if (err)
		return fail_errno(err, "--sysroot: %s", run->opt.sysroot ? run->opt.sysroot : "/");
	status = selection_resolve(&run->opt.selection, run->ctx);
	if (!status)
		status = open_sources(run);
	if (!status && kpage_tally_new(&run->tally))
		status = fail(EXIT_FAILED, "out of memory");
	return status;
}

static void run_close(struct run *run)
{
	injection_close(&run->inj);
	kpage_idle_free(run->idle);
	kpage_tally_free(run->tally);
	kpage_file_free(run->cgroup);
	kpage_file_free(run->mapcount);
	kpage_file_free(run->flags);
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
		.cgroup_ino = opt->selection.cgroup_ino,
		/* An action reads no further ahead than it must. */
		.threads = is_acting(opt) ? 1 : opt->jobs ? opt->jobs : default_jobs(),
	};
}

static int walk_error(const struct run *run, pid_t pid, int err)
{
	struct kpage_task task;

	switch (err) {
	case -ESRCH:
		if (!kpage_task_read(run->ctx, pid, &task) && !task.has_memory && task.state != 'Z')
			return fail(EXIT_FAILED, "--pid: %d: a kernel thread: it has no memory of its own",
				    (int)pid);
		return fail(EXIT_FAILED, "--pid: %d: no such process: it has ended, or /proc hides it "
			    "(hidepid)", (int)pid);
	case -EPERM:
		return fail(EXIT_NOPERM, "--pid: %d: the kernel hides PFNs from this caller: it needs "
			    "CAP_SYS_ADMIN (try as root, outside of a container)", (int)pid);
	case -ENODATA:
		return fail(EXIT_FAILED, "--pid: %d: %s ends before one of its pages", (int)pid,
			    kpage_file_path(run->flags));
	case -EUCLEAN:
		return fail(EXIT_FAILED, "--pid: %d: /proc/%d/maps or pagemap: not in the expected format",
			    (int)pid, (int)pid);
	default:
		return fail_errno(err, "--pid: %d: %s", (int)pid, kpage_ctx_error_path(run->ctx));
	}
}

static int walk_pid(struct run *run, const struct kpage_walk *walk, pid_t pid)
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
	if (!err && !(s->has_ranges && !s->nr_ranges))
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
	return err ? walk_error(run, pid, err) : EXIT_OK;
}

static int walk_pids(struct run *run, const struct kpage_walk *walk)
{
	const struct selection *s = &run->opt.selection;
	int status = EXIT_OK;

	for (size_t i = 0; i < s->nr_pids && !run->stop; i++) {
		int one = walk_pid(run, walk, s->pids[i]);

		status = status ? status : one;
	}
	return status;
}

static int check_end(const struct run *run, uint64_t end)
{
	const struct selection *s = &run->opt.selection;

	for (size_t i = 0; i < s->nr_ranges; i++) {
		const struct kpage_range *r = &s->ranges[i];

		if (r->start >= r->end || (r->start < end && (r->end == UINT64_MAX || r->end <= end)))
			continue;
		/* The end of /proc/kpageflags is only known to lie before what was tried. */
		if (r->start >= end && !kpage_file_pages(run->flags))
			return fail(EXIT_FAILED, "--addr: page 0x%" PRIx64 ": %s ends before it",
				    r->start, kpage_file_path(run->flags));
		if (r->start >= end)
			return fail(EXIT_FAILED, "--addr: page 0x%" PRIx64 ": %s ends at page 0x%" PRIx64,
				    r->start, kpage_file_path(run->flags), end);
		/* Memory ends where it ends; a copy may be cut short. */
		if (run->opt.dump)
			return fail(EXIT_FAILED, "--addr: pages up to 0x%" PRIx64 ": %s is truncated: it "
				    "ends at page 0x%" PRIx64, r->end - 1, run->opt.dump, end);
	}
	return EXIT_OK;
}

/* The one of the two that made the walk fail. */
static const struct kpage_file *shorter_column(const struct run *run)
{
	bool mapcount = run->mapcount &&
			(!run->cgroup || kpage_file_pages(run->mapcount) < kpage_file_pages(run->flags));

	return mapcount ? run->mapcount : run->cgroup;
}

static int walk_machine(struct run *run, const struct kpage_walk *walk)
{
	static const struct kpage_range all = { 0, UINT64_MAX };
	const struct selection *s = &run->opt.selection;
	uint64_t end;
	int err;

	err = kpage_walk_pfns(walk, s->has_ranges ? s->ranges : &all,
			      s->has_ranges ? s->nr_ranges : 1, &end);
	if (err == -ENODATA)
		return fail(EXIT_FAILED, "%s: became shorter while it was read",
			    kpage_file_path(run->flags));
	if (err == -ERANGE)
		return fail(EXIT_FAILED, "%s: ends before %s",
			    kpage_file_path(shorter_column(run)), kpage_file_path(run->flags));
	if (err && err != -ECANCELED)
		return fail_errno(err, "%s", kpage_file_path(run->flags));
	return err ? EXIT_OK : check_end(run, end);
}

int walk_selection(struct run *run, const struct kpage_walk *walk)
{
	if (run->opt.selection.file)
		return walk_files(run, walk);
	return run->opt.selection.nr_pids ? walk_pids(run, walk) : walk_machine(run, walk);
}

/* ------------------------------------------------------------------- showing */

static void begin_list(struct run *run)
{
	const struct options *opt = &run->opt;
	const struct columns columns = {
		.pid = opt->selection.nr_pids > 1,
		.offset = opt->selection.nr_pids ? "voffset" : opt->selection.file ? "foffset" : NULL,
		.cgroup = opt->list_cgroup,
		.mapcount = opt->list_mapcount,
	};

	list_begin(&run->list, opt->list, &columns);
}

static void finish(struct run *run)
{
	const struct options *opt = &run->opt;

	list_end(&run->list);
	if (opt->no_summary)
		return;
	if (opt->list != LIST_NONE)
		printf("\n\n");
	if (opt->selection.file)
		show_file(opt);
	if (show_summary(run->tally))
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
	status = run_open(run);
	if (!status && is_acting(opt))
		status = act_prepare(run);
	if (status)
		return status;
	run_walk(run, &walk);
	run->inj.walk = opt->selection.nr_pids || opt->selection.file ? NULL : &walk;
	walk.tally = is_acting(opt) ? NULL : run->tally;
	walk.arg = run;
	if (is_acting(opt) || opt->list != LIST_NONE)
		walk.emit = emit;
	begin_list(run);
	status = walk_selection(run, &walk);
	if (stdout_has_failed() && !is_acting(opt))
		return status;
	/* What could not be read is no empty table. */
	if (!status || kpage_tally_total(run->tally))
		finish(run);
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
		else
			status = run_all(&run);
		break;
	}
	run_close(&run);
	status = close_stdout(status);
	signals_release();
	return status;
}
