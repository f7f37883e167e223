// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of page-types. */
#include "page-types.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/grammar.h"

enum {
	OPT_FORCE = 0x100,
	OPT_JSON,
	OPT_ORDER,
	OPT_OWNERS,
	OPT_MAX_CPU,
	OPT_SAMPLE,
	OPT_SEED,
	OPT_SYSROOT,
	OPT_BY,
	OPT_SORT,
	OPT_TOP,
	OPT_DUMP,
	OPT_DIFF,
	OPT_WATCH,
};

static struct poptOption output_options[] = {
	{ "raw", 'r', POPT_ARG_NONE, NULL, 'r', "Raw mode, for kernel developers: every flag", NULL },
	{ "list", 'l', POPT_ARG_NONE, NULL, 'l', "Show page details in ranges", NULL },
	{ "list-each", 'L', POPT_ARG_NONE, NULL, 'L', "Show page details one by one", NULL },
	{ "list-cgroup", 'C', POPT_ARG_NONE, NULL, 'C', "Show the cgroup inode of pages", NULL },
	{ "list-mapcnt", 'M', POPT_ARG_NONE, NULL, 'M', "Show the map count of pages", NULL },
	{ "no-summary", 'N', POPT_ARG_NONE, NULL, 'N', "Don't show the summary", NULL },
	{ "by", 0, POPT_ARG_STRING, NULL, OPT_BY,
	  "A summary for each of these: pid, vma, cgroup, node, order or file", "WHAT" },
	{ "sort", 0, POPT_ARG_STRING, NULL, OPT_SORT, "Order of the summary: flags, pages or name",
	  "BY" },
	{ "top", 0, POPT_ARG_STRING, NULL, OPT_TOP, "Only the N largest rows of it, or groups", "N" },
	{ "order", 0, POPT_ARG_NONE, NULL, OPT_ORDER, "Show how many folios there are of which size",
	  NULL },
	{ "owners", 0, POPT_ARG_NONE, NULL, OPT_OWNERS,
	  "Show who has each page (without a selection: of kernel log lines on stdin), or list it", NULL },
	{ "json", 0, POPT_ARG_NONE, NULL, OPT_JSON, "Print JSON, a record a line", NULL },
	{ "sample", 0, POPT_ARG_STRING | POPT_ARGFLAG_OPTIONAL, NULL, OPT_SAMPLE,
	  "Estimate the summary of the machine from this share of it", "FRACTION" },
	{ "seed", 0, POPT_ARG_STRING, NULL, OPT_SEED, "Take the same sample again", "SEED" },
	{ "describe", 'd', POPT_ARG_STRING, NULL, 'd', "Describe flags, and exit", "FLAGS" },
	POPT_TABLEEND
};

static struct poptOption action_options[] = {
	{ "hwpoison", 'X', POPT_ARG_NONE, NULL, 'X', "Poison the pages, and report", NULL },
	{ "unpoison", 'x', POPT_ARG_NONE, NULL, 'x', "Unpoison the pages, and report", NULL },
	{ "force", 0, POPT_ARG_NONE, NULL, OPT_FORCE,
	  "Poison even the kernel's pages, PID 1, page-types itself, or everything", NULL },
	{ "mark-idle", 'i', POPT_ARG_NONE, NULL, 'i', "Mark the pages idle", NULL },
	POPT_TABLEEND
};

static struct poptOption snapshot_options[] = {
	{ "dump", 0, POPT_ARG_STRING, NULL, OPT_DUMP,
	  "Save flags, map counts and cgroups of the machine, or of --addr ('-': standard output)",
	  "FILE" },
	{ "diff", 0, POPT_ARG_NONE, NULL, OPT_DIFF,
	  "Show what changed between two copies, OLD and NEW, given as the last arguments", NULL },
	{ "watch", 0, POPT_ARG_STRING, NULL, OPT_WATCH, "Repeat the summary, with what changed",
	  "SECS[,ROUNDS]" },
	POPT_TABLEEND
};

static struct poptOption source_options[] = {
	{ "kpageflags", 'F', POPT_ARG_STRING, NULL, 'F', "Read this dump, or copy of /proc/kpageflags",
	  "FILE" },
	{ "sysroot", 0, POPT_ARG_STRING, NULL, OPT_SYSROOT,
	  "Look at the /proc and /sys below this directory", "DIR" },
	{ "jobs", 'j', POPT_ARG_STRING, NULL, 'j', "Threads of a walk over the machine", "N" },
	{ "max-cpu", 0, POPT_ARG_STRING, NULL, OPT_MAX_CPU,
	  "Use no more than this share of one CPU", "PERCENT" },
	POPT_TABLEEND
};

static struct poptOption all_options[] = {
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, selection_options, 0, "Which pages:", NULL },
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, narrowing_options, 0, "Which of them:", NULL },
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, output_options, 0, "What is shown of them:", NULL },
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, action_options, 0, "What is done to them:", NULL },
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, snapshot_options, 0, "What they were, and become:", NULL },
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, source_options, 0, "Where it is read:", NULL },
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, help_options, 0, "Help:", NULL },
	POPT_TABLEEND
};

/* The kernel's tool takes numbers up to 2^63-1 here, and scripts rely on its
 * refusal; the bit above has a name. */
static int describe(struct options *opt, const char *arg)
{
	struct kpage_name_error name;
	uint64_t number;
	int err;

	if (!kpage_number_parse(arg, &number) && number > INT64_MAX)
		return fail(EXIT_FAILED, "--describe: %s: a number must be below 2^63 (say mmap_exclusive)",
			    arg);
	err = kpage_flags_parse(arg, &opt->describe_flags, &name);
	if (err)
		return bad_flag_name("--describe", err, &name);
	opt->describe = true;
	return EXIT_OK;
}

static int set_jobs(struct options *opt, const char *arg)
{
	uint64_t n;

	if (kpage_number_parse(arg, &n) || n < 1 || n > 64)
		return fail(EXIT_USAGE, "--jobs: %s: not a number from 1 to 64", arg);
	opt->jobs = (unsigned int)n;
	return EXIT_OK;
}

static int set_by(struct options *opt, const char *arg)
{
	if (opt->by != BY_NONE)
		return fail(EXIT_USAGE, "--by: given twice");
	opt->by = group_by_find(arg);
	return opt->by != BY_NONE ? EXIT_OK :
				    fail(EXIT_USAGE, "--by: %s: not pid, vma, cgroup, node, order or file", arg);
}

static int set_sort(struct options *opt, const char *arg)
{
	static const char *const words[] = {
		[SORT_FLAGS] = "flags",
		[SORT_PAGES] = "pages",
		[SORT_NAME] = "name",
	};

	for (size_t i = SORT_FLAGS; i < ARRAY_SIZE(words); i++)
		if (!strcmp(arg, words[i])) {
			opt->sort = (enum sort_by)i;
			return EXIT_OK;
		}
	return fail(EXIT_USAGE, "--sort: %s: not flags, pages or name", arg);
}

static int set_top(struct options *opt, const char *arg)
{
	if (kpage_number_parse(arg, &opt->top) || !opt->top)
		return fail(EXIT_USAGE, "--top: %s: not a number from 1 on", arg);
	return EXIT_OK;
}

static int set_max_cpu(struct options *opt, const char *arg)
{
	uint64_t n;

	if (kpage_number_parse(arg, &n) || n < 1 || n > 6400)
		return fail(EXIT_USAGE, "--max-cpu: %s: not a number from 1 to 6400", arg);
	opt->max_cpu = (unsigned int)n;
	return EXIT_OK;
}

static int set_sample(struct options *opt, const char *arg)
{
	char *end;

	opt->sample = true;
	if (!arg)
		return EXIT_OK;
	/* A decimal number, as 0.001 or 1e-3: strtod() knows others. */
	opt->fraction = strtod(arg, &end);
	if (arg[strspn(arg, "0123456789.eE-")] || *end || end == arg || opt->fraction <= 0 ||
	    opt->fraction > 1)
		return fail(EXIT_USAGE, "--sample: %s: not a number above 0, up to 1", arg);
	return EXIT_OK;
}

static int set_watch(struct options *opt, const char *arg)
{
	_cleanup_free_ char *seconds = xstrdup(arg);
	char *comma = strchr(seconds, ',');

	if (comma)
		*comma = '\0';
	if (parse_seconds(seconds, &opt->watch_ns) || !opt->watch_ns)
		return fail(EXIT_USAGE, "--watch: %s: not a number of seconds above 0", arg);
	if (comma && (kpage_number_parse(comma + 1, &opt->watch_rounds) || !opt->watch_rounds))
		return fail(EXIT_USAGE, "--watch: %s: not a number of rounds above 0", comma + 1);
	return EXIT_OK;
}

static const struct option_switch switches[] = {
	{ 'r', offsetof(struct options, raw) },
	{ 'C', offsetof(struct options, list_cgroup) },
	{ 'M', offsetof(struct options, list_mapcount) },
	{ 'N', offsetof(struct options, no_summary) },
	{ 'i', offsetof(struct options, mark_idle) },
	{ 'X', offsetof(struct options, hwpoison) },
	{ 'x', offsetof(struct options, unpoison) },
	{ OPT_FORCE, offsetof(struct options, force) },
	{ OPT_JSON, offsetof(struct options, json) },
	{ OPT_ORDER, offsetof(struct options, order) },
	{ OPT_OWNERS, offsetof(struct options, owners) },
	{ OPT_DIFF, offsetof(struct options, diff) },
};

static int take_option(int val, const char *arg, void *options)
{
	struct options *opt = options;

	if (option_switch_set(opt, switches, ARRAY_SIZE(switches), val))
		return EXIT_OK;
	if (is_selection_option(val))
		return selection_option(&opt->selection, val, arg);
	switch (val) {
	case 'l':
		opt->list = LIST_RANGES;
		return EXIT_OK;
	case 'L':
		opt->list = LIST_EACH;
		return EXIT_OK;
	case 'd':
		return describe(opt, arg);
	case 'F':
		return set_once(&opt->dump, "--kpageflags", arg);
	case 'j':
		return set_jobs(opt, arg);
	case OPT_BY:
		return set_by(opt, arg);
	case OPT_SORT:
		return set_sort(opt, arg);
	case OPT_TOP:
		return set_top(opt, arg);
	case OPT_MAX_CPU:
		return set_max_cpu(opt, arg);
	case OPT_SAMPLE:
		return set_sample(opt, arg);
	case OPT_SEED:
		return seed_parse(arg, &opt->seed, &opt->has_seed);
	case OPT_DUMP:
		return set_once(&opt->save, "--dump", arg);
	case OPT_WATCH:
		return set_watch(opt, arg);
	default:
		return set_once(&opt->sysroot, "--sysroot", arg);
	}
}

/* A sample is of the machine, and has a summary only. */
static bool sample_fits(const struct options *opt)
{
	const struct selection *s = &opt->selection;

	return !s->nr_pids && !s->file && !s->has_ranges && !s->has_pfns && !s->nr_nodes &&
	       opt->list == LIST_NONE && opt->by == BY_NONE && opt->sort == SORT_DEFAULT && !opt->top &&
	       !opt->order && !opt->owners && !opt->save && !opt->diff && !opt->watch_ns &&
	       !opt->list_cgroup && !opt->list_mapcount && !opt->no_summary && !opt->hwpoison &&
	       !opt->unpoison && !opt->mark_idle && !opt->describe;
}

static bool is_acting(const struct options *opt)
{
	return opt->hwpoison || opt->unpoison || opt->mark_idle;
}

/* What goes with neither a dump nor a comparison nor a watch. */
static int check_snapshot(const struct options *opt)
{
	const struct selection *s = &opt->selection;
	const bool shows = opt->list != LIST_NONE || opt->list_cgroup || opt->list_mapcount;
	const bool other = s->nr_pids || s->file || s->cgroup || s->has_pfns || s->has_vaddr ||
			   s->nr_vmas || s->nr_nodes;
	const bool another = opt->by != BY_NONE || opt->sort != SORT_DEFAULT || opt->top || opt->order ||
			     opt->owners || opt->sample;
	const struct {
		bool wrong;
		const char *text;
	} conflicts[] = {
		{ (opt->save != NULL) + opt->diff + (opt->watch_ns != 0) > 1,
		  "--dump, --diff and --watch exclude each other" },
		{ (opt->save || opt->diff || opt->watch_ns) && another,
		  "--dump, --diff and --watch: not with --by, --sort, --top, --order, --owners and --sample" },
		{ (opt->save || opt->diff || opt->watch_ns) && (is_acting(opt) || opt->describe),
		  "--dump, --diff and --watch change no page, and describe no flags" },
		{ opt->save && (other || s->nr_exprs),
		  "--dump: saves whole ranges of the machine: only --addr goes with it" },
		{ opt->save && opt->dump, "--dump: saves what the machine has, not a copy (--kpageflags)" },
		{ opt->save && (shows || opt->no_summary || opt->json || opt->raw),
		  "--dump: shows nothing: not with options of the output" },
		{ opt->diff && other, "--diff: compares pages by their PFN: only --addr and --bits go with it" },
		{ opt->diff && (opt->dump || opt->sysroot),
		  "--diff: reads the two files that it is given, nothing else" },
		{ opt->diff && (opt->list_cgroup || opt->list_mapcount),
		  "--diff: not with --list-cgroup and --list-mapcnt" },
		{ opt->watch_ns && opt->dump, "--watch: a copy (--kpageflags) does not change" },
		{ opt->watch_ns && (shows || opt->no_summary),
		  "--watch: repeats the summary: not with lists, or --no-summary" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++)
		if (conflicts[i].wrong)
			return fail(EXIT_USAGE, "%s", conflicts[i].text);
	return EXIT_OK;
}

/* What excludes what. */
static int check_conflicts(const struct options *opt)
{
	const struct {
		bool wrong;
		const char *text;
	} conflicts[] = {
		{ opt->hwpoison && opt->unpoison, "--hwpoison and --unpoison exclude each other" },
		{ (opt->hwpoison || opt->unpoison || opt->mark_idle) && opt->dump,
		  "--kpageflags: pages of a copy can't be changed" },
		/* The memory blocks are those of the machine that is looked at. */
		{ opt->dump && !opt->sysroot && (opt->selection.nr_nodes || opt->by == BY_NODE),
		  "--kpageflags: a copy does not know the nodes of its pages: not with --node and "
		  "--by node (unless --sysroot names a tree that does)" },
		{ opt->json && (opt->hwpoison || opt->unpoison),
		  "--json: not with --hwpoison and --unpoison (hwpoison-inject has it)" },
		{ opt->owners && (opt->hwpoison || opt->unpoison || opt->mark_idle || opt->describe),
		  "--owners: not with --hwpoison, --unpoison, --mark-idle and --describe" },
		{ opt->owners && opt->list == LIST_NONE && (opt->list_cgroup || opt->list_mapcount),
		  "--owners: --list-cgroup and --list-mapcnt need a list" },
		{ opt->owners && (opt->by != BY_NONE || opt->sort != SORT_DEFAULT || opt->top || opt->order),
		  "--owners: not with --by, --sort, --top and --order" },
		{ opt->owners && opt->dump,
		  "--owners: not with --kpageflags: a copy has no processes (--sysroot has)" },
		{ opt->sample && !sample_fits(opt),
		  "--sample: a summary of the machine: only with -b, -c, -r, -F and --json" },
		{ opt->has_seed && !opt->sample, "--seed: needs --sample" },
		{ opt->json && opt->describe, "--json: not with --describe" },
		{ (opt->by == BY_PID || opt->by == BY_VMA) && !opt->selection.nr_pids,
		  "--by: pid and vma need --pid" },
		{ opt->by == BY_FILE && !opt->selection.nr_pids && !opt->selection.file,
		  "--by: file needs --pid or --file" },
		{ opt->by != BY_NONE && (opt->hwpoison || opt->unpoison || opt->mark_idle),
		  "--by: not with --hwpoison, --unpoison and --mark-idle" },
		{ (opt->by != BY_NONE || opt->sort != SORT_DEFAULT || opt->top) && opt->no_summary,
		  "--by, --sort and --top are of the summary: not with --no-summary" },
		{ opt->selection.file && opt->sysroot,
		  "--file: the page cache is only to be had on the running machine, without --sysroot" },
		{ opt->order && (opt->hwpoison || opt->unpoison || opt->mark_idle),
		  "--order: only shows: not with --hwpoison, --unpoison and --mark-idle" },
		{ opt->order && (opt->list == LIST_EACH || opt->list_cgroup || opt->list_mapcount),
		  "--order: not with --list-each, --list-cgroup and --list-mapcnt" },
		{ opt->order && opt->list == LIST_RANGES && !opt->selection.nr_pids,
		  "--order: --list is of mappings: it needs --pid" },
		{ opt->order && (opt->by != BY_NONE || opt->sort != SORT_DEFAULT || opt->top),
		  "--order: not with --by, --sort and --top" },
		{ opt->order && opt->selection.file, "--order: not with --file" },
		{ opt->order && opt->describe, "--order: not with --describe" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++)
		if (conflicts[i].wrong)
			return fail(EXIT_USAGE, "%s", conflicts[i].text);
	if (check_snapshot(opt))
		return EXIT_USAGE;
	return selection_check(&opt->selection, COMMAND_UNKNOWN);
}

/* The two files of --diff. */
static int take_copies(poptContext popt, struct options *opt)
{
	for (size_t i = 0; i < ARRAY_SIZE(opt->copies); i++) {
		const char *path = poptGetArg(popt);

		if (!path)
			return fail(EXIT_USAGE, "--diff: needs two files, OLD and NEW");
		opt->copies[i] = xstrdup(path);
	}
	return EXIT_OK;
}

static int finish(poptContext popt, void *options)
{
	struct options *opt = options;

	if (opt->diff && take_copies(popt, opt))
		return EXIT_USAGE;
	if (poptPeekArg(popt))
		return fail(EXIT_USAGE, "%s: unexpected argument", poptPeekArg(popt));
	return check_conflicts(opt);
}

/* The last letter before an '=' of "-b=…" or "-rb=…"; NULL: not of that form. */
static const char *glued_bits(const char *arg)
{
	const char *p = arg + 1;

	if (arg[0] != '-')
		return NULL;
	p += strspn(p, "rlLCMNXxi");
	return p[0] == 'b' && p[1] == '=' ? p : NULL;
}

/* popt takes the '=' of "-b=lru" for its own; to the bits-spec it means "exactly".
 * Such an argument becomes two. The caller frees the array and the text. */
static const char **split_glued_bits(int *argc, const char **argv, char **text)
{
	const char **out = xcalloc((size_t)*argc * 2 + 1, sizeof(*out));
	size_t size = 1;
	int n = 0;
	char *p;

	for (int i = 0; i < *argc; i++)
		size += strlen(argv[i]) + 1;
	p = *text = xcalloc(size, 1);
	for (int i = 0; i < *argc; i++) {
		const char *b = i ? glued_bits(argv[i]) : NULL;

		out[n++] = argv[i];
		if (!b)
			continue;
		out[n - 1] = memcpy(p, argv[i], (size_t)(b + 1 - argv[i]));
		p += b + 2 - argv[i];
		out[n++] = b + 1;
	}
	*argc = n;
	return out;
}

enum parse_result options_parse(int argc, const char **argv, struct options *opt, int *status)
{
	static const struct command_line line = {
		.tool = "page-types",
		.table = all_options,
		.take = take_option,
		.finish = finish,
		.more_help = print_grammar,
	};
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ const char **args = split_glued_bits(&argc, argv, &text);

	return options_read(&line, argc, args, opt, status);
}

void options_release(struct options *opt)
{
	selection_release(&opt->selection);
	free(opt->dump);
	free(opt->sysroot);
	free(opt->save);
	for (size_t i = 0; i < ARRAY_SIZE(opt->copies); i++)
		free(opt->copies[i]);
}
