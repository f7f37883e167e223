// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of page-map. */
#include "options.h"

#include <errno.h>
#include <string.h>

enum {
	OPT_ONCE = 0x100,
	OPT_SAMPLE,
	OPT_SIZE,
	OPT_SVG,
	OPT_KEYS,
	OPT_SCHEME,
	OPT_ASCII,
	OPT_LETTERS,
	OPT_DELAY,
	OPT_ALLOW_INJECT,
	OPT_SYSROOT,
};

static struct poptOption what_options[] = {
	{ "pid", 'p', POPT_ARG_STRING, NULL, 'p', "A process, and not the machine", "PID" },
	{ "kpageflags", 'F', POPT_ARG_STRING, NULL, 'F',
	  "A dump of page-types, or a copy of /proc/kpageflags", "FILE" },
	{ "sysroot", 0, POPT_ARG_STRING, NULL, OPT_SYSROOT,
	  "Use the /proc and /sys below this directory", "DIR" },
	POPT_TABLEEND
};

static struct poptOption how_options[] = {
	{ "scheme", 0, POPT_ARG_STRING, NULL, OPT_SCHEME,
	  "Colour pages by kind, age, order, node, mapcount, dirty or cgroup", "NAME" },
	{ "letters", 0, POPT_ARG_NONE, NULL, OPT_LETTERS, "Show cells as letters", NULL },
	{ "ascii", 0, POPT_ARG_NONE, NULL, OPT_ASCII, "Show nothing but ASCII", NULL },
	{ "delay", 0, POPT_ARG_STRING, NULL, OPT_DELAY,
	  "Wait at least so long before looking again (1)", "SECS" },
	{ "allow-inject", 0, POPT_ARG_NONE, NULL, OPT_ALLOW_INJECT,
	  "Let pages be poisoned and unpoisoned", NULL },
	POPT_TABLEEND
};

static struct poptOption once_options[] = {
	{ "once", 0, POPT_ARG_NONE, NULL, OPT_ONCE, "Print one frame as text, and end", NULL },
	{ "svg", 0, POPT_ARG_STRING, NULL, OPT_SVG, "Write it as a picture, and end", "FILE" },
	{ "sample", 0, POPT_ARG_NONE, NULL, OPT_SAMPLE,
	  "Read only what the first picture takes; counts are estimates", NULL },
	{ "size", 0, POPT_ARG_STRING, NULL, OPT_SIZE, "Its size (80x24)", "COLUMNSxLINES" },
	{ "keys", 0, POPT_ARG_STRING, NULL, OPT_KEYS, "Press these keys before", "KEYS" },
	POPT_TABLEEND
};

static struct poptOption table[] = {
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, what_options, 0, "What:", NULL },
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, how_options, 0, "How:", NULL },
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, once_options, 0, "Without a terminal:", NULL },
	{ NULL, 0, POPT_ARG_INCLUDE_TABLE, help_options, 0, "Help:", NULL },
	POPT_TABLEEND
};

static const struct option_switch switches[] = {
	{ OPT_ONCE, offsetof(struct options, once) },
	{ OPT_SAMPLE, offsetof(struct options, sample) },
	{ OPT_ASCII, offsetof(struct options, ascii) },
	{ OPT_LETTERS, offsetof(struct options, letters) },
	{ OPT_ALLOW_INJECT, offsetof(struct options, allow_inject) },
};

static int refuse_twice(bool given, const char *option)
{
	return given ? fail(EXIT_USAGE, "%s: given twice", option) : EXIT_OK;
}

static int take_pid(const char *arg, struct options *opt)
{
	int status = refuse_twice(opt->pid, "--pid");

	if (!status && parse_pid(arg, &opt->pid))
		status = fail(EXIT_USAGE, "--pid: %s: not a process number", arg);
	return status;
}

/* The largest side of a frame. */
#define MAX_SIDE 1000

static int parse_size(const char *arg, struct options *opt)
{
	int width, height, end = 0, status = refuse_twice(opt->width, "--size");

	if (status)
		return status;
	if (sscanf(arg, "%4dx%4d%n", &width, &height, &end) != 2 || arg[end])
		return fail(EXIT_USAGE, "--size: %s: not COLUMNSxLINES, as 120x40", arg);
	if (width < MIN_WIDTH || height < MIN_HEIGHT || width > MAX_SIDE || height > MAX_SIDE)
		return fail(EXIT_USAGE, "--size: %s: from %dx%d to %dx%d", arg, MIN_WIDTH, MIN_HEIGHT,
			    MAX_SIDE, MAX_SIDE);
	opt->width = width;
	opt->height = height;
	return EXIT_OK;
}

static int parse_scheme(const char *arg, struct options *opt)
{
	int status = refuse_twice(opt->scheme, "--scheme");

	if (status)
		return status;
	opt->scheme = scheme_find(arg);
	return opt->scheme ? EXIT_OK :
			     fail(EXIT_USAGE, "--scheme: %s: not one of kind, age, order, node, mapcount, "
				  "dirty, cgroup", arg);
}

static int parse_delay(const char *arg, struct options *opt)
{
	uint64_t ns;
	int status = refuse_twice(opt->delay > 0, "--delay");

	if (status)
		return status;
	if (parse_seconds(arg, &ns) || !ns)
		return fail(EXIT_USAGE, "--delay: %s: not a number of seconds", arg);
	opt->delay = (double)ns / 1e9;
	return EXIT_OK;
}

static int take(int val, const char *arg, void *options)
{
	struct options *opt = options;

	if (option_switch_set(opt, switches, ARRAY_SIZE(switches), val))
		return EXIT_OK;
	switch (val) {
	case 'p':
		return take_pid(arg, opt);
	case 'F':
		return set_once(&opt->copy, "--kpageflags", arg);
	case OPT_SYSROOT:
		return set_once(&opt->sysroot, "--sysroot", arg);
	case OPT_SVG:
		return set_once(&opt->svg, "--svg", arg);
	case OPT_KEYS:
		return set_once(&opt->keys, "--keys", arg);
	case OPT_SIZE:
		return parse_size(arg, opt);
	case OPT_SCHEME:
		return parse_scheme(arg, opt);
	case OPT_DELAY:
		return parse_delay(arg, opt);
	default:
		return EXIT_USAGE;
	}
}

static int check(const struct options *opt)
{
	if (opt->pid && opt->copy)
		return fail(EXIT_USAGE, "--pid: a copy has no processes (--kpageflags)");
	if (opt->allow_inject && (opt->once || opt->svg))
		return fail(EXIT_USAGE, "--allow-inject: not with --once and --svg: nobody is there to be "
			    "asked");
	if (opt->allow_inject && (opt->copy || opt->sysroot))
		return fail(EXIT_USAGE, "--allow-inject: %s: a copy of a machine can't be poisoned",
			    opt->copy ? opt->copy : opt->sysroot);
	if (!opt->once && !opt->svg && (opt->keys || opt->width || opt->sample))
		return fail(EXIT_USAGE, "%s: only with --once or --svg",
			    opt->keys ? "--keys" : opt->width ? "--size" : "--sample");
	return EXIT_OK;
}

static int finish(poptContext popt, void *options)
{
	struct options *opt = options;

	if (!(opt->delay > 0))
		opt->delay = 1;
	if (poptPeekArg(popt))
		return fail(EXIT_USAGE, "%s: unexpected argument", poptPeekArg(popt));
	return check(opt);
}

enum parse_result options_parse(int argc, const char **argv, struct options *opt, int *status)
{
	static const struct command_line line = {
		.tool = "page-map", .table = table, .take = take, .finish = finish,
	};

	*opt = (struct options){ 0 };
	return options_read(&line, argc, argv, opt, status);
}

void options_release(struct options *opt)
{
	free(opt->copy);
	free(opt->sysroot);
	free(opt->svg);
	free(opt->keys);
}
