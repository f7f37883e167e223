// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of hwpoison-inject. */
#include "hwpoison-inject.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "common/grammar.h"

enum {
	OPT_FILTER_SHOW = 0x100,
	OPT_FILTER_CLEAR,
	OPT_LOAD,
	OPT_EARLY,
	OPT_LATE,
	OPT_CONSUME,
	OPT_AFTER,
	OPT_READY_FD,
	OPT_WAIT,
	OPT_EXPECT,
	OPT_JSON,
	OPT_LIST,
	OPT_UNPOISON,
	OPT_UNPOISON_ALL,
	OPT_LIST_TARGETS,
	OPT_DRY_RUN,
	OPT_FORCE,
	OPT_MAX,
	OPT_SYSROOT,
};

#define TEXT POPT_ARG_STRING
#define NONE POPT_ARG_NONE

static struct poptOption filter_options[] = {
	{ "filter-show", 0, NONE, NULL, OPT_FILTER_SHOW, "Show the filter as it is, and end", NULL },
	{ "filter-clear", 0, NONE, NULL, OPT_FILTER_CLEAR, "Switch it off, reset it, and end", NULL },
	POPT_TABLEEND
};

static struct poptOption method_options[] = {
	{ "method", 'm', TEXT, NULL, 'm',
	  "debugfs (the default), madvise, hard-offline, soft-offline, soft-madvise, mce, auto", "METHOD" },
	{ "load", 0, NONE, NULL, OPT_LOAD, "Load the module hwpoison_inject if it is missing", NULL },
	{ "early", 0, NONE, NULL, OPT_EARLY,
	  "Have the processes signalled at once (their kill policy, for this run)", NULL },
	{ "late", 0, NONE, NULL, OPT_LATE, "The same, but when they touch the page", NULL },
	{ "consume", 0, NONE, NULL, OPT_CONSUME,
	  "Let the process read each poisoned page by itself", NULL },
	POPT_TABLEEND
};

static struct poptOption command_options[] = {
	{ "after", 0, TEXT, NULL, OPT_AFTER, "Inject that long after COMMAND was started", "SECS" },
	{ "ready-fd", 0, TEXT, NULL, OPT_READY_FD,
	  "Inject when COMMAND has written to, or closed, this descriptor", "N" },
	POPT_TABLEEND
};

static struct poptOption outcome_options[] = {
	{ "wait", 0, TEXT, NULL, OPT_WAIT, "Wait for the tasks (1; with COMMAND: until it ends)",
	  "SECS" },
	{ "expect", 0, TEXT, NULL, OPT_EXPECT,
	  "killed, handled, survived, poisoned or none: otherwise the exit status is 5", "WHAT" },
	{ "json", 0, NONE, NULL, OPT_JSON, "Print JSON, a record a line", NULL },
	POPT_TABLEEND
};

static struct poptOption undo_options[] = {
	{ "list", 0, NONE, NULL, OPT_LIST, "Show every poisoned page, and who poisoned it", NULL },
	{ "unpoison", 0, TEXT, NULL, OPT_UNPOISON, "Unpoison these pages", "PFN[,PFN...]" },
	{ "unpoison-all", 0, NONE, NULL, OPT_UNPOISON_ALL, "Unpoison all that is poisoned", NULL },
	POPT_TABLEEND
};

static struct poptOption safety_options[] = {
	{ "list-targets", 0, NONE, NULL, OPT_LIST_TARGETS, "Show what is chosen, and end", NULL },
	{ "dry-run", 0, NONE, NULL, OPT_DRY_RUN, "Show it with what would become of it, and end",
	  NULL },
	{ "force", 0, NONE, NULL, OPT_FORCE, "Do even what is refused otherwise", NULL },
	{ "max", 0, TEXT, NULL, OPT_MAX,
	  "Refuse more pages than that (4096, or 1% of memory if that is less)", "N" },
	POPT_TABLEEND
};

static struct poptOption source_options[] = {
	{ "sysroot", 0, TEXT, NULL, OPT_SYSROOT, "Use the /proc, /sys and /run below this directory",
	  "DIR" },
	POPT_TABLEEND
};

#define GROUP(table, title) { NULL, 0, POPT_ARG_INCLUDE_TABLE, table, 0, title, NULL }

static struct poptOption all_options[] = {
	GROUP(selection_options, "Which pages:"),
	GROUP(narrowing_options, "Which of them:"),
	GROUP(choice_options, "How many of them:"),
	GROUP(kernel_filter_options, "The kernel's filter (corrupt-filter-*), for this run:"),
	GROUP(filter_options, "The filter by itself:"),
	GROUP(method_options, "How:"),
	GROUP(command_options, "When, with a COMMAND:"),
	GROUP(outcome_options, "What came of it:"),
	GROUP(undo_options, "Undo:"),
	GROUP(safety_options, "Safety:"),
	GROUP(source_options, "Where:"),
	GROUP(help_options, "Help:"),
	POPT_TABLEEND
};

/* ------------------------------------------------------------------- setters */

static int set_method(struct options *opt, const char *arg)
{
	opt->method = method_find(arg);
	opt->method_auto = !strcmp(arg, "auto");
	if (opt->method || opt->method_auto)
		return EXIT_OK;
	return fail(EXIT_USAGE, "--method: %s: none of debugfs, madvise, hard-offline, soft-offline, "
		    "soft-madvise, mce, auto", arg);
}

static int set_policy(struct options *opt, enum kpage_policy policy)
{
	if (opt->has_policy && opt->policy != policy)
		return fail(EXIT_USAGE, "--early and --late exclude each other");
	opt->has_policy = true;
	opt->policy = policy;
	return EXIT_OK;
}

static int set_seconds(const char *option, const char *arg, double *out, bool *has)
{
	uint64_t ns;

	if (parse_seconds(arg, &ns))
		return fail(EXIT_USAGE, "%s: %s: not a time in seconds", option, arg);
	*out = (double)ns / 1e9;
	*has = true;
	return EXIT_OK;
}

static int set_number(const char *option, const char *arg, uint64_t min, uint64_t max, uint64_t *out)
{
	if (kpage_number_parse(arg, out) || *out < min || *out > max)
		return fail(EXIT_USAGE, "%s: %s: not a number that it can be", option, arg);
	return EXIT_OK;
}

static int set_ready_fd(struct options *opt, const char *arg)
{
	uint64_t n = 0;
	int status = set_number("--ready-fd", arg, 0, READY_FD_MAX, &n);

	opt->ready_fd = (int)n;
	opt->has_ready_fd = true;
	return status;
}

static int set_max(struct options *opt, const char *arg)
{
	return set_number("--max", arg, 1, TARGETS_MAX, &opt->max);
}

static int add_unpoison(struct options *opt, const char *arg)
{
	opt->unpoison = true;
	return selection_add_pfns(&opt->unpoison_pages, "--unpoison", arg);
}

static int set_expect(struct options *opt, const char *arg)
{
	opt->expect = expect_find(arg);
	if (opt->expect)
		return EXIT_OK;
	return fail(EXIT_USAGE, "--expect: %s: none of killed, handled, survived, poisoned, none", arg);
}

static const struct option_switch switches[] = {
	{ OPT_FILTER_SHOW, offsetof(struct options, filter_show) },
	{ OPT_FILTER_CLEAR, offsetof(struct options, filter_clear) },
	{ OPT_LOAD, offsetof(struct options, load) },
	{ OPT_CONSUME, offsetof(struct options, consume) },
	{ OPT_JSON, offsetof(struct options, json) },
	{ OPT_LIST, offsetof(struct options, list) },
	{ OPT_UNPOISON_ALL, offsetof(struct options, unpoison_all) },
	{ OPT_LIST_TARGETS, offsetof(struct options, list_targets) },
	{ OPT_DRY_RUN, offsetof(struct options, dry_run) },
	{ OPT_FORCE, offsetof(struct options, force) },
};

static int take_option(int val, const char *arg, void *options)
{
	struct options *opt = options;

	if (option_switch_set(opt, switches, ARRAY_SIZE(switches), val))
		return EXIT_OK;
	if (is_selection_option(val))
		return selection_option(&opt->selection, val, arg);
	if (is_kernel_filter_option(val))
		return kernel_filter_option(&opt->filter, val, arg);
	switch (val) {
	case 'm':
		return set_method(opt, arg);
	case OPT_EARLY:
		return set_policy(opt, KPAGE_POLICY_EARLY);
	case OPT_LATE:
		return set_policy(opt, KPAGE_POLICY_LATE);
	case OPT_AFTER:
		return set_seconds("--after", arg, &opt->after, &opt->has_after);
	case OPT_WAIT:
		return set_seconds("--wait", arg, &opt->wait, &opt->has_wait);
	case OPT_READY_FD:
		return set_ready_fd(opt, arg);
	case OPT_EXPECT:
		return set_expect(opt, arg);
	case OPT_UNPOISON:
		return add_unpoison(opt, arg);
	case OPT_MAX:
		return set_max(opt, arg);
	default:
		return set_once(&opt->sysroot, "--sysroot", arg);
	}
}

/* --------------------------------------------------------- what excludes what */

static int nr_ends(const struct options *opt)
{
	return opt->filter_show + opt->filter_clear + opt->list + opt->unpoison + opt->unpoison_all +
	       opt->list_targets + opt->dry_run;
}

static bool chooses_targets(const struct options *opt)
{
	return !opt->filter_show && !opt->filter_clear && !opt->list && !opt->unpoison &&
	       !opt->unpoison_all;
}

static int check_conflicts(const struct options *opt)
{
	bool command = opt->command != NULL, process = command || opt->selection.nr_pids;
	bool in_target = opt->method && opt->method->in_target;
	const struct {
		bool wrong;
		const char *text;
	} conflicts[] = {
		{ nr_ends(opt) > 1, "--filter-show, --filter-clear, --list, --unpoison, --unpoison-all, "
		  "--list-targets and --dry-run exclude each other" },
		{ !chooses_targets(opt) && command, "COMMAND: there is nothing to inject into it" },
		{ !chooses_targets(opt) && !selection_is_empty(&opt->selection),
		  "pages are chosen, but nothing is to be injected" },
		{ opt->load && (opt->dry_run || opt->list_targets || opt->list),
		  "--load: nothing is to be changed that a module were needed for" },
		{ (opt->has_after || opt->has_ready_fd) && !command,
		  "--after and --ready-fd need a COMMAND" },
		{ opt->has_after && opt->has_ready_fd, "--after and --ready-fd exclude each other" },
		{ in_target && !process, "--method: madvise runs in the process: it needs --pid or a COMMAND" },
		{ opt->consume && !process, "--consume: needs --pid or a COMMAND" },
		{ opt->consume && opt->method && opt->method->inject.soft,
		  "--consume: soft offlining poisons nothing that could be read" },
		{ opt->has_policy && !process, "--early and --late need --pid or a COMMAND" },
		{ opt->sysroot && (opt->has_policy || opt->consume || in_target),
		  "--sysroot: there is no process in a copy that could be held: not with --early, --late, "
		  "--consume or madvise" },
		{ command && opt->sysroot, "COMMAND: runs on this machine: not with --sysroot" },
		{ command && opt->selection.nr_pids, "COMMAND and --pid exclude each other" },
		{ command && opt->selection.file, "COMMAND and --file exclude each other" },
		{ opt->selection.file && opt->sysroot,
		  "--file: the page cache is only to be had on the running machine, without --sysroot" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++)
		if (conflicts[i].wrong)
			return fail(EXIT_USAGE, "%s", conflicts[i].text);
	if (chooses_targets(opt) && !command && !kernel_filter_is_given(&opt->filter) &&
	    selection_is_empty(&opt->selection))
		return fail(EXIT_USAGE, "nothing is chosen: name processes, pages, a cgroup or a file");
	return selection_check(&opt->selection, command ? COMMAND_GIVEN : COMMAND_MISSING);
}

/* -------------------------------------------------------------------- parsing */

static int finish(poptContext popt, void *options)
{
	struct options *opt = options;

	opt->command = options_command(popt);
	return check_conflicts(opt);
}

enum parse_result options_parse(int argc, const char **argv, struct options *opt, int *status)
{
	static const struct command_line line = {
		.tool = "hwpoison-inject",
		.table = all_options,
		.flags = POPT_CONTEXT_POSIXMEHARDER,
		.usage = "[OPTION...] [-- COMMAND [ARG...]]",
		.take = take_option,
		.finish = finish,
		.more_help = print_grammar,
	};

	*opt = (struct options){ .method = method_find("debugfs") };
	return options_read(&line, argc, argv, opt, status);
}

void options_release(struct options *opt)
{
	selection_release(&opt->selection);
	kernel_filter_release(&opt->filter);
	selection_release(&opt->unpoison_pages);
	free(opt->sysroot);
	options_command_free(opt->command);
}
