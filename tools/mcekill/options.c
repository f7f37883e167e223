// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of mcekill. */
#include "mcekill.h"

#include <string.h>

enum {
	OPT_EARLY = 0x100,
	OPT_LATE,
	OPT_DEFAULT,
	OPT_CLEAR,
	OPT_REPORT,
	OPT_TREE,
	OPT_GET,
	OPT_LIST,
	OPT_ALL,
	OPT_SYSTEM,
	OPT_KNOB,	/* and one for each knob after it */
	OPT_MONITOR = OPT_KNOB + NR_KNOBS,
	OPT_CGROUP,
	OPT_FOR,
	OPT_JSON,
	OPT_SYSROOT,
};

#define TEXT POPT_ARG_STRING
#define NONE POPT_ARG_NONE

static struct poptOption policy_options[] = {
	{ "early", 0, NONE, NULL, OPT_EARLY, "Signalled as soon as the kernel knows", NULL },
	{ "late", 0, NONE, NULL, OPT_LATE, "Signalled when it touches the page", NULL },
	{ "default", 0, NONE, NULL, OPT_DEFAULT, "As vm.memory_failure_early_kill says", NULL },
	{ "clear", 0, NONE, NULL, OPT_CLEAR, "The same, by the kernel's other call for it", NULL },
	POPT_TABLEEND
};

static struct poptOption task_options[] = {
	{ "pid", 'p', TEXT, NULL, 'p', "These processes", "PID[,PID...]" },
	{ "tid", 't', TEXT, NULL, 't', "These threads", "TID[,TID...]" },
	{ "tree", 0, NONE, NULL, OPT_TREE, "And all descendants of the processes", NULL },
	{ "all-threads", 'a', NONE, NULL, 'a', "All of their threads, not only the first", NULL },
	POPT_TABLEEND
};

static struct poptOption command_options[] = {
	{ "report", 0, NONE, NULL, OPT_REPORT,
	  "Stay as the parent, and say which memory errors COMMAND took", NULL },
	POPT_TABLEEND
};

static struct poptOption show_options[] = {
	{ "get", 'g', NONE, NULL, 'g', "Show the policy of each thread, and why (with --pid)", NULL },
	{ "list", 'l', NONE, NULL, 'l',
	  "Show every thread that has a policy of its own, or is signalled early", NULL },
	{ "all", 0, NONE, NULL, OPT_ALL, "With --list: every thread", NULL },
	POPT_TABLEEND
};

static struct poptOption system_options[] = {
	{ "system", 0, NONE, NULL, OPT_SYSTEM, "Show the kernel's settings; or change them:", NULL },
	{ "early-kill", 0, TEXT, NULL, OPT_KNOB + KNOB_EARLY_KILL,
	  "vm.memory_failure_early_kill", "on|off" },
	{ "recovery", 0, TEXT, NULL, OPT_KNOB + KNOB_RECOVERY,
	  "vm.memory_failure_recovery; off: a memory error panics the machine", "on|off" },
	{ "soft-offline", 0, TEXT, NULL, OPT_KNOB + KNOB_SOFT_OFFLINE,
	  "vm.enable_soft_offline", "on|off" },
	{ "panic-on-unrecoverable", 0, TEXT, NULL, OPT_KNOB + KNOB_PANIC,
	  "vm.panic_on_unrecoverable_memory_failure", "on|off" },
	POPT_TABLEEND
};

static struct poptOption monitor_options[] = {
	{ "monitor", 0, NONE, NULL, OPT_MONITOR,
	  "Follow the kernel: a line for each memory failure, and for each task it hits", NULL },
	{ "cgroup", 'c', TEXT, NULL, OPT_CGROUP, "Only what concerns tasks of this cgroup",
	  "PATH|@INO" },
	{ "for", 0, TEXT, NULL, OPT_FOR, "End after that long", "SECS" },
	POPT_TABLEEND
};

static struct poptOption output_options[] = {
	{ "json", 0, NONE, NULL, OPT_JSON, "Print JSON, a record a line", NULL },
	{ "sysroot", 0, TEXT, NULL, OPT_SYSROOT, "Use the /proc and /sys below this directory", "DIR" },
	POPT_TABLEEND
};

#define GROUP(table, title) { NULL, 0, POPT_ARG_INCLUDE_TABLE, table, 0, title, NULL }

static struct poptOption all_options[] = {
	GROUP(policy_options, "Which policy, for COMMAND or for tasks that run:"),
	GROUP(task_options, "Which tasks:"),
	GROUP(command_options, "With a COMMAND:"),
	GROUP(show_options, "Who has which:"),
	GROUP(system_options, "The system:"),
	GROUP(monitor_options, "Live:"),
	GROUP(output_options, "Output:"),
	GROUP(help_options, "Help:"),
	POPT_TABLEEND
};

/* ------------------------------------------------------------------- setters */

static int set_policy(struct options *opt, const char *option, enum kpage_policy policy, bool clear)
{
	if (opt->has_policy && strcmp(option, opt->policy_option) != 0)
		return fail(EXIT_USAGE, "%s and %s exclude each other", opt->policy_option, option);
	opt->has_policy = true;
	opt->policy = policy;
	opt->clear = clear;
	opt->policy_option = option;
	return EXIT_OK;
}

static int set_knob(struct options *opt, enum knob knob, const char *arg)
{
	if (strcmp(arg, "on") != 0 && strcmp(arg, "off") != 0)
		return fail(EXIT_USAGE, "--%s: %s: neither on nor off",
			    system_options[1 + knob].longName, arg);
	opt->has_knob[knob] = true;
	opt->knobs[knob] = !strcmp(arg, "on");
	return EXIT_OK;
}

static int set_for(struct options *opt, const char *arg)
{
	uint64_t ns;

	if (parse_seconds(arg, &ns))
		return fail(EXIT_USAGE, "--for: %s: not a time in seconds", arg);
	opt->seconds = (double)ns / 1e9;
	opt->has_for = true;
	return EXIT_OK;
}

static int add_task(char *part, void *arg)
{
	pid_t id;

	if (parse_pid(part, &id))
		return fail(EXIT_USAGE, "%s: not the number of a process or thread", part);
	process_list_add(arg, id);
	return EXIT_OK;
}

static int add_tasks(struct process_list *list, const char *arg)
{
	_cleanup_free_ char *copy = xstrdup(arg);

	return for_each_part(copy, add_task, list);
}

static const struct option_switch switches[] = {
	{ OPT_REPORT, offsetof(struct options, report) },
	{ OPT_TREE, offsetof(struct options, tree) },
	{ 'a', offsetof(struct options, all_threads) },
	{ 'g', offsetof(struct options, get) },
	{ 'l', offsetof(struct options, list) },
	{ OPT_ALL, offsetof(struct options, all) },
	{ OPT_SYSTEM, offsetof(struct options, system) },
	{ OPT_MONITOR, offsetof(struct options, monitor) },
	{ OPT_JSON, offsetof(struct options, json) },
};

static int take_option(int val, const char *arg, void *options)
{
	struct options *opt = options;

	if (option_switch_set(opt, switches, ARRAY_SIZE(switches), val))
		return EXIT_OK;
	if (val >= OPT_KNOB && val < OPT_KNOB + NR_KNOBS)
		return set_knob(opt, (enum knob)(val - OPT_KNOB), arg);
	switch (val) {
	case OPT_EARLY:
		return set_policy(opt, "--early", KPAGE_POLICY_EARLY, false);
	case OPT_LATE:
		return set_policy(opt, "--late", KPAGE_POLICY_LATE, false);
	case OPT_DEFAULT:
		return set_policy(opt, "--default", KPAGE_POLICY_DEFAULT, false);
	case OPT_CLEAR:
		return set_policy(opt, "--clear", KPAGE_POLICY_DEFAULT, true);
	case 'p':
		return add_tasks(&opt->pids, arg);
	case 't':
		return add_tasks(&opt->tids, arg);
	case OPT_CGROUP:
		return set_once(&opt->cgroup, "--cgroup", arg);
	case OPT_FOR:
		return set_for(opt, arg);
	default:
		return set_once(&opt->sysroot, "--sysroot", arg);
	}
}

/* --------------------------------------------------------- what excludes what */

static bool has_knobs(const struct options *opt)
{
	for (size_t i = 0; i < NR_KNOBS; i++)
		if (opt->has_knob[i])
			return true;
	return false;
}

static enum mode mode_of(const struct options *opt)
{
	if (opt->monitor)
		return MODE_MONITOR;
	if (opt->system)
		return MODE_SYSTEM;
	if (opt->list)
		return MODE_LIST;
	if (opt->has_policy)
		return opt->command ? MODE_LAUNCH : MODE_SET;
	if (opt->get || opt->pids.n || opt->tids.n)
		return MODE_GET;
	return MODE_NONE;
}

static int check_conflicts(struct options *opt)
{
	enum mode mode = mode_of(opt);
	bool tasks = opt->pids.n || opt->tids.n, shows = mode == MODE_GET || mode == MODE_LIST;
	const struct {
		bool wrong;
		const char *text;
	} conflicts[] = {
		{ opt->get + opt->list + opt->system + opt->monitor + opt->has_policy > 1,
		  "a policy, --get, --list, --system and --monitor exclude each other" },
		{ opt->command && !opt->has_policy, "COMMAND: needs --early, --late, --default or --clear" },
		{ opt->command && tasks, "COMMAND, and --pid or --tid, exclude each other" },
		{ opt->command && opt->json, "--json: a COMMAND has standard output for itself" },
		{ opt->command && opt->sysroot, "COMMAND: runs on this machine: not with --sysroot" },
		{ (mode == MODE_GET || mode == MODE_SET) && !tasks,
		  "no task is named: --pid, --tid, or a COMMAND after a policy" },
		{ opt->report && !opt->command, "--report: needs a COMMAND" },
		{ (mode == MODE_LIST || mode == MODE_SYSTEM) && tasks,
		  "--pid and --tid: not with --list or --system" },
		{ mode == MODE_MONITOR && (opt->tids.n || opt->tree || opt->all_threads),
		  "--monitor: follows processes with all of their threads: of the tasks it takes --pid alone" },
		{ opt->tree && !opt->pids.n, "--tree: needs --pid" },
		{ opt->all_threads && !opt->pids.n, "--all-threads: needs --pid" },
		{ opt->all_threads && opt->tids.n, "--all-threads and --tid exclude each other" },
		{ opt->all_threads && shows, "--all-threads: all of them are shown without it" },
		{ opt->all && mode != MODE_LIST, "--all: needs --list" },
		{ has_knobs(opt) && mode != MODE_SYSTEM, "a setting is changed with --system" },
		{ (opt->cgroup || opt->has_for) && mode != MODE_MONITOR,
		  "--cgroup and --for need --monitor" },
		{ opt->sysroot && (mode == MODE_SET || mode == MODE_MONITOR),
		  "--sysroot: there is no task and no kernel in a copy: only with --get, --list and --system" },
		{ opt->sysroot && has_knobs(opt), "--sysroot: the settings of a copy are only shown" },
		{ mode == MODE_NONE, "nothing is asked for: a policy, --get, --list, --system or --monitor" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++)
		if (conflicts[i].wrong)
			return fail(EXIT_USAGE, "%s", conflicts[i].text);
	opt->mode = mode;
	return EXIT_OK;
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
		.tool = "mcekill",
		.table = all_options,
		.flags = POPT_CONTEXT_POSIXMEHARDER,
		.usage = "[OPTION...] [-- COMMAND [ARG...]]",
		.take = take_option,
		.finish = finish,
	};

	*opt = (struct options){ 0 };
	return options_read(&line, argc, argv, opt, status);
}

void options_release(struct options *opt)
{
	process_list_release(&opt->pids);
	process_list_release(&opt->tids);
	free(opt->cgroup);
	free(opt->sysroot);
	options_command_free(opt->command);
}
