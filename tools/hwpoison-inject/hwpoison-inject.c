// SPDX-License-Identifier: GPL-2.0-or-later
/* hwpoison-inject: poison pages by every route the kernel has, and say what became of them. */
#include "hwpoison-inject.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/caps.h"
#include "common/module.h"
#include "common/processes.h"
#include "common/signals.h"

/* What the tool ever needs: PFNs and injection, other users' processes and files, the
 * kernel's log, a module. */
static const cap_value_t needed_caps[] = {
	CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
	CAP_SYSLOG,    CAP_KILL,       CAP_SYS_MODULE,
};

/* ------------------------------------------------------------------- what is chosen */

/* All processes that have one of the pages. Where the map counts say that the targets
 * themselves are all there is to know, nobody else is looked at. */
static int find_owners(struct run *run)
{
	_cleanup_free_ uint64_t *pfns = xcalloc(run->targets.n + 1, sizeof(*pfns));

	if (!targets_have_more_owners(&run->targets)) {
		owners_from_targets(&run->targets, &run->owners);
		return EXIT_OK;
	}
	for (size_t i = 0; i < run->targets.n; i++)
		pfns[i] = run->targets.v[i].pfn;
	return owners_find(run->ctx, run->src.flags, pfns, run->targets.n, &run->owners);
}

static int by_pfn(const void *a, const void *b)
{
	uint64_t x = (*(struct page *const *)a)->target->pfn;
	uint64_t y = (*(struct page *const *)b)->target->pfn;

	return (x > y) - (x < y);
}

/* log2 of what is lost with the page: a hugetlb page goes as a whole. */
static unsigned int size_bits(const struct run *run, const struct target *t)
{
	return t->kind == PAGE_HUGETLB ? injection_folio_bits(&run->inj, t->head) :
					 (unsigned int)__builtin_ctzl(kpage_page_size());
}

/* A page that was chosen by its number, too, is told of as somebody's. */
static void find_place(const struct run *run, struct page *page)
{
	const struct target *t = page->target;

	page->mappings = owners_of(&run->owners, t->pfn, &page->nr_mappings);
	page->pid = t->pid;
	page->has_address = t->has_address;
	page->address = t->address;
	if (t->pid || !page->mappings)
		return;
	page->pid = page->mappings[0].pid;
	page->has_address = true;
	page->address = page->mappings[0].address;
}

static void make_pages(struct run *run)
{
	run->pages = xcalloc(run->targets.n + 1, sizeof(*run->pages));
	run->by_pfn = xcalloc(run->targets.n + 1, sizeof(struct page *));
	for (size_t i = 0; i < run->targets.n; i++) {
		struct page *page = &run->pages[i];

		page->target = &run->targets.v[i];
		find_place(run, page);
		page->owners = owners_count(&run->owners, page->target->pfn);
		page->lsb = size_bits(run, page->target);
		run->by_pfn[i] = page;
	}
	qsort(run->by_pfn, run->targets.n, sizeof(struct page *), by_pfn);
}

int run_collect(struct run *run)
{
	int status = targets_collect(&run->opt.selection, run->ctx, &run->src, &run->child,
				     run->child ? 1 : 0, targets_max(run), &run->targets);

	if (!status && !run->targets.n)
		status = signals_pending() ? EXIT_OUTCOME :
					     fail(EXIT_FAILED, "no page is chosen: nothing of what was "
						  "named is in memory");
	if (!status)
		status = find_owners(run);
	if (status)
		return status;
	make_pages(run);
	processes_note(run);
	objections_find(run);
	return EXIT_OK;
}

/* -------------------------------------------------------------------- getting ready */

static int run_open(struct run *run)
{
	const struct options *opt = &run->opt;
	int err = kpage_ctx_new(opt->sysroot, &run->ctx);
	bool need_cgroup = opt->selection.cgroup || opt->filter.memcg;

	run->out.json = opt->json;
	if (err)
		return fail_errno(err, "--sysroot: %s", opt->sysroot ? opt->sysroot : "/");
	if (opt->filter_show || opt->filter_clear)
		return EXIT_OK;
	err = target_sources_open(&run->src, run->ctx, need_cgroup);
	run->inj.flags = run->src.flags;
	return err;
}

static int load_module(struct run *run)
{
	if (!run->opt.load)
		return EXIT_OK;
	return module_load(run->ctx, "hwpoison_inject", &run->loaded);
}

static int choose_method(struct run *run)
{
	int status = EXIT_OK;

	run->method = run->opt.method;
	if (run->opt.method_auto) {
		run->method = method_choose(run->ctx, &status);
		return status;
	}
	return run->method->check(run->ctx, false);
}

/* With --memcg and nothing else, its own pages are what is meant: those of the cgroups
 * below it do not pass the filter. */
static int choose_by_filter(struct options *opt)
{
	if (!opt->filter.memcg || opt->command || !selection_is_empty(&opt->selection))
		return EXIT_OK;
	opt->selection.cgroup_alone = true;
	return selection_option(&opt->selection, 'c', opt->filter.memcg);
}

static int resolve(struct run *run)
{
	struct options *opt = &run->opt;
	int status = kernel_filter_resolve(&opt->filter, run->ctx, run->method->route);

	if (!status)
		status = choose_by_filter(opt);
	if (!status && !opt->command && selection_is_empty(&opt->selection))
		status = fail(EXIT_USAGE, "nothing is chosen: --dev and --flags only narrow down what is");
	if (!status)
		status = selection_resolve_tree(&opt->selection, run->ctx);
	return status;
}

/* What can't be held is found out before anything is changed. */
static int check_hold(struct run *run, const struct process *p)
{
	const struct inject_method *method = &run->method->inject;
	struct kpage_remote *remote;
	pid_t tid;
	int err = process_hold(run->ctx, p->pid, &tid, &remote);

	if (!err)
		err = kpage_remote_detach(remote);
	if (!err || err == -ESRCH)
		return EXIT_OK;
	if (!run->method->in_target)
		return fail(status_of(err), "%s[%d]: %s (try without --early, --late and --consume)",
			    p->comm, (int)p->pid, hold_error_text(err));
	return fail(status_of(err), "--method %s: %s[%d]: %s (try: --method %s)", method->name, p->comm,
		    (int)p->pid, hold_error_text(err), method->soft ? "soft-offline" : "debugfs");
}

/* madvise(2) runs by the process's own right. */
static int check_process(struct run *run, const struct process *p)
{
	struct kpage_task task;
	int err = kpage_task_read_memory(run->ctx, p->pid, &task);

	if (err)
		return EXIT_OK;
	if (!task.has_sys_admin && run->method->in_target)
		return fail(EXIT_NOPERM, "--method %s: %s[%d]: lacks CAP_SYS_ADMIN, by which the kernel "
			    "judges this (try: --method %s)", run->method->inject.name, p->comm, (int)p->pid,
			    run->method->inject.soft ? "soft-offline" : "debugfs");
	if (task.tracer)
		return fail(EXIT_FAILED, "%s[%d]: is traced by process %d already", p->comm, (int)p->pid,
			    (int)task.tracer);
	return check_hold(run, p);
}

static int check_processes(struct run *run)
{
	/* The COMMAND has set its policy by itself. */
	bool sets_policy = run->opt.has_policy && !run->child;
	int status = EXIT_OK;

	if (!run->method->in_target && !run->opt.consume && !sets_policy)
		return EXIT_OK;
	for (size_t i = 0; i < run->targets.n && !status; i++) {
		const struct process *p = run->targets.v[i].pid ?
						  process_find(run, run->targets.v[i].pid) : NULL;

		if (p && (!i || run->targets.v[i - 1].pid != p->pid))
			status = check_process(run, p);
	}
	return status;
}

/* ------------------------------------------------------------------- the injection */

static bool is_among(const unsigned int *numbers, size_t n, unsigned int number)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* Only memory failures are counted there; before 6.3 nothing is, which is asked once a
 * node and not once a page. */
static void read_nodes_before(struct run *run)
{
	_cleanup_free_ unsigned int *asked = NULL;
	size_t n = 0;

	for (size_t i = 0; i < run->targets.n; i++) {
		struct node_failures f = { .node = (unsigned int)run->targets.v[i].node };

		if (run->targets.v[i].node < 0 || is_among(asked, n, f.node))
			continue;
		asked = xgrow(asked, n, sizeof(*asked));
		asked[n++] = f.node;
		if (kpage_node_failures(run->ctx, f.node, &f.before))
			continue;
		run->nodes = xreallocarray(run->nodes, run->nr_nodes + 1, sizeof(*run->nodes));
		run->nodes[run->nr_nodes++] = f;
	}
}

static void read_nodes_after(struct run *run)
{
	for (size_t i = 0; i < run->nr_nodes; i++)
		kpage_node_failures(run->ctx, run->nodes[i].node, &run->nodes[i].after);
}

/* Everything that is put back at the end, whatever the end is. */
static int put_back(struct run *run)
{
	int status = policy_restore(run), filter = EXIT_OK;

	if (run->inj.hp)
		filter = kernel_filter_restore(&run->opt.filter, run->ctx, run->inj.hp, run->dir);
	return status ? status : filter;
}

/* Without the events there is less to know, and nobody else says so. */
static void warn_of_log(const struct run *run)
{
	if (run->inj.watch && !kpage_watch_has_trace(run->inj.watch))
		warn("the kernel's events can't be had from tracefs: its log is read instead, which tells "
		     "neither the codes of signals nor whether a handler ran (try: mount -t tracefs none "
		     "/sys/kernel/tracing)");
}

static int set_up(struct run *run)
{
	int status = EXIT_OK;

	if (kernel_filter_is_given(&run->opt.filter) && !run->inj.hp)
		return fail(EXIT_CANNOT, "the kernel's filter is not there: it needs debugfs and the module "
			    "hwpoison_inject");
	if (run->inj.hp)
		status = kernel_filter_apply(&run->opt.filter, run->ctx, run->inj.hp, run->dir);
	if (!status)
		status = injection_start(&run->inj);
	warn_of_log(run);
	if (!status)
		status = policy_apply(run);
	return status;
}

/* *done: pages were handed to the kernel, or could have been: there is something to report. */
static int inject(struct run *run, bool *done)
{
	int status = set_up(run), restored;

	*done = !status;
	if (*done) {
		run->begun = time(NULL);
		read_nodes_before(run);
		status = act(run);
	}
	/* Before the wait: meanwhile the filter would hide real errors. */
	restored = put_back(run);
	if (*done) {
		processes_wait(run);
		read_nodes_after(run);
	}
	return status ? status : restored;
}

/* What a run before left behind, when it was killed. A policy that can't be put back now
 * (somebody traces the thread) waits in its note for a later run, and is in the way of
 * none but one that would need the note for itself. */
static int recover(struct run *run)
{
	int status = policy_recover(run);

	if (!run->opt.has_policy)
		status = EXIT_OK;
	if (!status && run->inj.hp)
		status = kernel_filter_recover(run->ctx, run->inj.hp, run->dir);
	return status;
}

/* From here on no other run changes anything that this one relies on. */
static int begin(struct run *run)
{
	int status = rundir_open(run->ctx, &run->dir);

	if (!status)
		status = rundir_lock(run->dir);
	if (!status)
		status = injection_open(&run->inj, run->ctx, run->src.flags, &run->method->inject);
	run->injecting = !status;
	if (!status)
		status = recover(run);
	if (!status)
		status = ledger_open(run->dir, &run->ledger);
	return status;
}

static int inject_and_report(struct run *run)
{
	int status, result;
	bool done;

	caps_raise();
	status = begin(run);
	if (!status)
		status = run_collect(run);
	if (!status)
		status = objections_judge(run);
	if (!status)
		status = check_processes(run);
	if (status) {
		caps_lower();
		return status;
	}
	status = inject(run, &done);
	caps_lower();
	/* After an error too: what was done until then is not to go unsaid. */
	result = done ? report(run) : EXIT_OK;
	return status ? status : result;
}

static int show_targets(struct run *run)
{
	int status;

	caps_raise();
	status = run_collect(run);
	caps_lower();
	if (!status)
		targets_show(run);
	if (!status && run->opt.dry_run)
		status = objections_judge(run);
	return status;
}

static int run_targets(struct run *run)
{
	const struct options *opt = &run->opt;
	bool only_looks = opt->list_targets || opt->dry_run;
	int status;

	status = load_module(run);
	if (!status && !only_looks)
		status = choose_method(run);
	else if (!status)
		run->method = opt->method ? opt->method : method_find("debugfs");
	if (!status)
		status = resolve(run);
	caps_lower();
	if (!status && opt->command)
		status = command_start(run);
	if (!status && opt->command)
		status = command_wait_ready(run);
	if (!status && signals_pending())
		status = EXIT_FAILED;
	if (!status)
		status = only_looks ? show_targets(run) : inject_and_report(run);
	command_end(run);
	return status;
}

/* ------------------------------------------------------------------- without targets */

static int run_filter(struct run *run)
{
	struct kpage_hwpoison *hp = NULL;
	int status = load_module(run);

	if (!status)
		status = method_open_debugfs(run->ctx, &hp);
	if (!status && run->opt.filter_show)
		status = kernel_filter_show(run->ctx, hp, run->opt.json);
	if (!status && run->opt.filter_clear)
		status = rundir_open(run->ctx, &run->dir);
	if (!status && run->opt.filter_clear)
		status = rundir_lock(run->dir);
	if (!status && run->opt.filter_clear)
		status = kernel_filter_clear(run->ctx, hp, run->dir);
	kpage_hwpoison_free(hp);
	return status;
}

static int run_unpoison(struct run *run)
{
	int status = load_module(run);

	run->method = method_find("debugfs");
	if (!status)
		status = run->method->check(run->ctx, false);
	if (!status)
		status = begin(run);
	return status ? status : undo_unpoison(run);
}

static int run_mode(struct run *run)
{
	const struct options *opt = &run->opt;

	if (opt->filter_show || opt->filter_clear)
		return run_filter(run);
	if (opt->list)
		return undo_list(run);
	if (opt->unpoison || opt->unpoison_all)
		return run_unpoison(run);
	return run_targets(run);
}

/* Each process that has a page is held by a file descriptor: a library has thousands. */
static void raise_file_limit(struct run *run)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &run->files))
		return;
	limit = (struct rlimit){ run->files.rlim_max, run->files.rlim_max };
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_all(struct run *run)
{
	int status = caps_begin(needed_caps, ARRAY_SIZE(needed_caps));

	if (status)
		return status;
	signals_hold();
	raise_file_limit(run);
	caps_raise();
	status = run_open(run);
	if (!status)
		status = run_mode(run);
	caps_lower();
	return status;
}

static void run_close(struct run *run)
{
	if (run->injecting)
		injection_close(&run->inj);
	ledger_free(run->ledger);
	rundir_free(run->dir);
	for (size_t i = 0; i < run->nr_processes; i++) {
		free(run->processes[i].cgroup);
		if (run->processes[i].pidfd >= 0)
			close(run->processes[i].pidfd);
	}
	free(run->processes);
	free(run->threads);
	free(run->seen);
	free(run->policies);
	free(run->nodes);
	free(run->pages);
	free(run->by_pfn);
	owner_list_release(&run->owners);
	target_list_release(&run->targets);
	target_sources_close(&run->src);
	kpage_ctx_free(run->ctx);
	options_release(&run->opt);
}

int main(int argc, const char **argv)
{
	struct run run = { .ready_pipe = { -1, -1 } };
	int status;

	if (options_parse(argc, argv, &run.opt, &status) == PARSE_RUN)
		status = run_all(&run);
	run_close(&run);
	status = close_stdout(status);
	signals_release();
	return status;
}
