// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of mce-inject. */
#include "options.h"

#include <limits.h>
#include <string.h>

#include "common/util.h"
#include "route.h"

enum {
	OPT_DECODE = 0x100,
	OPT_VENDOR,
	OPT_JSON,
	OPT_SRAO,
	OPT_SRAO_EWB,
	OPT_SRAR,
	OPT_SRAR_FETCH,
	OPT_UCNA,
	OPT_CORRECTED,
	OPT_FATAL,
	OPT_PHYS,
	OPT_PFN,
	OPT_VADDR,
	OPT_CPU,
	OPT_BANK,
	OPT_VIA,
	OPT_TYPE,
	OPT_LOAD,
	OPT_FAKE_PANIC,
	OPT_WAIT,
	OPT_DRY_RUN,
	OPT_FORCE,
	OPT_SYSROOT,
};

#define TEXT POPT_ARG_STRING
#define NONE POPT_ARG_NONE

static struct poptOption decode_options[] = {
	{ "decode", 0, NONE, NULL, OPT_DECODE, "Say what each record means, and inject nothing", NULL },
	{ "vendor", 0, TEXT, NULL, OPT_VENDOR, "By whose rules, where the record does not say (this "
	  "machine's)", "intel|amd" },
	{ "json", 0, NONE, NULL, OPT_JSON, "Print JSON, a record a line", NULL },
	POPT_TABLEEND
};

static struct poptOption ready_options[] = {
	{ "corrected", 0, NONE, NULL, OPT_CORRECTED, "A corrected error", NULL },
	{ "ucna", 0, NONE, NULL, OPT_UCNA, "Uncorrected, no action required", NULL },
	{ "srao", 0, NONE, NULL, OPT_SRAO, "Action optional: a memory scrub has found it", NULL },
	{ "srao-ewb", 0, NONE, NULL, OPT_SRAO_EWB, "Action optional: a cache has written it back", NULL },
	{ "srar", 0, NONE, NULL, OPT_SRAR, "Action required: a load has met it", NULL },
	{ "srar-fetch", 0, NONE, NULL, OPT_SRAR_FETCH, "Action required: an instruction fetch has met it",
	  NULL },
	{ "fatal", 0, NONE, NULL, OPT_FATAL, "The processor context is corrupt", NULL },
	{ "phys", 0, TEXT, NULL, OPT_PHYS, "At this physical address", "ADDR" },
	{ "pfn", 0, TEXT, NULL, OPT_PFN, "At this page", "PFN" },
	{ "pid", 'p', TEXT, NULL, 'p', "At the page that this process has at --vaddr", "PID" },
	{ "vaddr", 0, TEXT, NULL, OPT_VADDR, "A virtual address of --pid", "ADDR" },
	{ "cpu", 0, TEXT, NULL, OPT_CPU, "On this CPU (0)", "N" },
	{ "bank", 0, TEXT, NULL, OPT_BANK, "In this bank (one that fits the kind)", "N" },
	POPT_TABLEEND
};

static struct poptOption inject_options[] = {
	{ "via", 0, TEXT, NULL, OPT_VIA, "By the module mce_inject, through its files (debugfs, the "
	  "default) or /dev/mcelog (mcelog), or as a real machine check of the virtual machine "
	  "(machine, in hwpoison-lab)", "ROUTE" },
	{ "type", 0, TEXT, NULL, OPT_TYPE, "How: the log alone (sw, the default), a machine check "
	  "(hw), AMD's deferred (df) or threshold (th) interrupt", "sw|hw|df|th" },
	{ "load", 0, NONE, NULL, OPT_LOAD, "Load the module mce_inject if it is missing", NULL },
	{ "fake-panic", 0, NONE, NULL, OPT_FAKE_PANIC, "Have the kernel log a panic instead of it",
	  NULL },
	{ "wait", 0, TEXT, NULL, OPT_WAIT, "Follow the kernel that long (1)", "SECS" },
	{ "dry-run", 0, NONE, NULL, OPT_DRY_RUN, "Say what would be written where, and end", NULL },
	{ "force", 0, NONE, NULL, OPT_FORCE, "Do even what would panic this kernel", NULL },
	{ "sysroot", 0, TEXT, NULL, OPT_SYSROOT, "Use the /proc, /sys and /run below this directory",
	  "DIR" },
	POPT_TABLEEND
};

#define GROUP(table, title) { NULL, 0, POPT_ARG_INCLUDE_TABLE, table, 0, title, NULL }

static struct poptOption all_options[] = {
	GROUP(decode_options, "Decode:"),
	GROUP(ready_options, "A record without a file:"),
	GROUP(inject_options, "Inject:"),
	GROUP(help_options, "Help:"),
	POPT_TABLEEND
};

/* ------------------------------------------------------------------- setters */

static int set_ready(struct options *opt, const char *name)
{
	if (opt->ready && strcmp(opt->ready->name, name) != 0)
		return fail(EXIT_USAGE, "--%s and --%s exclude each other", opt->ready->name, name);
	opt->ready = ready_find(name);
	return EXIT_OK;
}

static int set_number(const char *option, const char *arg, uint64_t max, uint64_t *out, bool *has)
{
	if (*has)
		return fail(EXIT_USAGE, "%s: %s: given twice", option, arg);
	if (kpage_number_parse(arg, out) || *out > max)
		return fail(EXIT_USAGE, "%s: %s: not a number that it can be", option, arg);
	*has = true;
	return EXIT_OK;
}

static int set_pfn(struct options *opt, const char *arg)
{
	uint64_t page = kpage_page_size();
	int status = set_number("--pfn", arg, UINT64_MAX / page, &opt->address, &opt->has_address);

	opt->address *= page;
	return status;
}

static int set_pid(struct options *opt, const char *arg)
{
	if (parse_pid(arg, &opt->pid))
		return fail(EXIT_USAGE, "--pid: %s: not a process number", arg);
	return EXIT_OK;
}

static int set_vendor(struct options *opt, const char *arg)
{
	opt->has_vendor = true;
	opt->vendor = !strcmp(arg, "amd") ? VENDOR_AMD : VENDOR_INTEL;
	if (!strcmp(arg, "amd") || !strcmp(arg, "intel"))
		return EXIT_OK;
	return fail(EXIT_USAGE, "--vendor: %s: none of intel, amd", arg);
}

static int set_type(struct options *opt, const char *arg)
{
	static const char *const types[] = { "sw", "hw", "df", "th" };

	opt->has_type = true;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(arg, types[i])) {
			opt->type = types[i];
			return EXIT_OK;
		}
	return fail(EXIT_USAGE, "--type: %s: none of sw, hw, df, th", arg);
}

static int set_via(struct options *opt, const char *arg)
{
	opt->has_via = true;
	opt->route = route_find(arg);
	if (opt->route)
		return EXIT_OK;
	return fail(EXIT_USAGE, "--via: %s: none of debugfs, mcelog, machine", arg);
}

static int set_wait(struct options *opt, const char *arg)
{
	opt->has_wait = true;
	if (parse_seconds(arg, &opt->wait_ns))
		return fail(EXIT_USAGE, "--wait: %s: not a time in seconds", arg);
	return EXIT_OK;
}

static const struct option_switch switches[] = {
	{ OPT_DECODE, offsetof(struct options, decode) },
	{ OPT_JSON, offsetof(struct options, json) },
	{ OPT_LOAD, offsetof(struct options, load) },
	{ OPT_FAKE_PANIC, offsetof(struct options, fake_panic) },
	{ OPT_DRY_RUN, offsetof(struct options, dry_run) },
	{ OPT_FORCE, offsetof(struct options, force) },
};

/* Options that are the names of records. */
static const struct {
	int val;
	const char *name;
} ready_names[] = {
	{ OPT_CORRECTED, "corrected" }, { OPT_UCNA, "ucna" },
	{ OPT_SRAO, "srao" },		{ OPT_SRAO_EWB, "srao-ewb" },
	{ OPT_SRAR, "srar" },		{ OPT_SRAR_FETCH, "srar-fetch" },
	{ OPT_FATAL, "fatal" },
};

static const char *ready_name(int val)
{
	for (size_t i = 0; i < ARRAY_SIZE(ready_names); i++)
		if (ready_names[i].val == val)
			return ready_names[i].name;
	return NULL;
}

static int take_option(int val, const char *arg, void *options)
{
	struct options *opt = options;

	if (option_switch_set(opt, switches, ARRAY_SIZE(switches), val))
		return EXIT_OK;
	if (ready_name(val))
		return set_ready(opt, ready_name(val));
	switch (val) {
	case OPT_PHYS:
		return set_number("--phys", arg, UINT64_MAX, &opt->address, &opt->has_address);
	case OPT_PFN:
		return set_pfn(opt, arg);
	case 'p':
		return set_pid(opt, arg);
	case OPT_VADDR:
		return set_number("--vaddr", arg, UINT64_MAX, &opt->vaddr, &opt->has_vaddr);
	case OPT_CPU:
		return set_number("--cpu", arg, INT_MAX, &opt->cpu, &opt->has_cpu);
	case OPT_BANK:
		return set_number("--bank", arg, 255, &opt->bank, &opt->has_bank);
	case OPT_VENDOR:
		return set_vendor(opt, arg);
	case OPT_VIA:
		return set_via(opt, arg);
	case OPT_TYPE:
		return set_type(opt, arg);
	case OPT_WAIT:
		return set_wait(opt, arg);
	default:
		return set_once(&opt->sysroot, "--sysroot", arg);
	}
}

/* --------------------------------------------------------- what excludes what */

static int check(const struct options *opt)
{
	bool named = opt->has_address || opt->pid || opt->has_vaddr;
	bool injects = !opt->decode && !opt->dry_run;
	const struct {
		bool wrong;
		const char *text;
	} rules[] = {
		{ opt->decode && opt->dry_run, "--decode and --dry-run exclude each other" },
		{ opt->decode && (opt->has_via || opt->has_type || opt->load || opt->fake_panic ||
				  opt->has_wait || opt->force), "--decode: nothing is injected: not with --via, --type, "
		  "--load, --fake-panic, --wait, --force" },
		{ opt->dry_run && (opt->load || opt->has_wait),
		  "--dry-run: nothing is injected: not with --load, --wait" },
		{ opt->json && opt->dry_run, "--json: not with --dry-run" },
		{ opt->has_type && opt->route != &debugfs_route, "--type: only with --via debugfs" },
		{ (opt->load || opt->fake_panic) && !opt->route->by_module,
		  "--load and --fake-panic: only with --via debugfs and mcelog" },
		{ opt->has_vendor && injects, "--vendor: only with --decode or --dry-run: the kernel goes "
		  "by this machine's" },
		{ opt->ready && opt->files, "a ready-made record and files exclude each other" },
		{ !opt->ready && (named || opt->has_cpu || opt->has_bank),
		  "--phys, --pfn, --pid, --vaddr, --cpu and --bank need --corrected, --ucna, --srao, "
		  "--srao-ewb, --srar, --srar-fetch or --fatal" },
		{ opt->has_address && (opt->pid || opt->has_vaddr),
		  "--phys or --pfn, and --pid exclude each other" },
		{ (opt->pid != 0) != opt->has_vaddr, "--pid and --vaddr need each other" },
		{ opt->ready && opt->ready->needs_address && !named,
		  "no address: --phys, --pfn, or --pid with --vaddr" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].wrong)
			return fail(EXIT_USAGE, "%s", rules[i].text);
	return EXIT_OK;
}

static int finish(poptContext popt, void *options)
{
	struct options *opt = options;

	opt->files = options_command(popt);
	if (opt->route == &debugfs_route && !opt->type)
		opt->type = "sw";
	return check(opt);
}

enum parse_result options_parse(int argc, const char **argv, struct options *opt, int *status)
{
	static const struct command_line line = {
		.tool = "mce-inject",
		.table = all_options,
		.usage = "[OPTION...] [FILE...]",
		.take = take_option,
		.finish = finish,
	};

	*opt = (struct options){ .route = &debugfs_route, .wait_ns = UINT64_C(1000000000) };
	return options_read(&line, argc, argv, opt, status);
}

void options_release(struct options *opt)
{
	free(opt->sysroot);
	options_command_free(opt->files);
}
