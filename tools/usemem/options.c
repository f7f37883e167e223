// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line: popt tables by group, and a setter for each option. */
#include "options.h"

#include <errno.h>
#include <limits.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "common/util.h"
#include "kpage.h"

#define MEGABYTES_MAX (UINT64_C(1) << 30)
#define THREADS_MAX 4096

enum option {
	OPT_MEMORY = 1,
	OPT_SECONDS,
	OPT_KIND,
	OPT_PATH,
	OPT_JSON,
	OPT_PFNS,
	OPT_NO_PFNS,
	OPT_HANDLER,
	OPT_HANDLER_THREAD,
	OPT_POLICY,
	OPT_TOUCH,
	OPT_INTERVAL,
	OPT_THREADS,
	OPT_HELP,
	OPT_USAGE,
	OPT_VERSION,
};

#define TEXT POPT_ARG_STRING
#define MAYBE_TEXT (POPT_ARG_STRING | POPT_ARGFLAG_OPTIONAL)
#define NONE POPT_ARG_NONE

static struct poptOption memory_options[] = {
	{ "megabytes", 'm', TEXT, NULL, OPT_MEMORY, "Use that many megabytes (16)", "MB" },
	{ "seconds", 's', TEXT, NULL, OPT_SECONDS,
	  "End after that time; 0: only by a signal (0)", "SECS" },
	{ "kind", '\0', TEXT, NULL, OPT_KIND,
	  "Kind of memory; \"help\" lists them (anon)", "KIND" },
	{ "path", '\0', TEXT, NULL, OPT_PATH,
	  "Where file kinds make their file: a directory, or the name of a new file", "DIR|FILE" },
	{ "threads", '\0', TEXT, NULL, OPT_THREADS, "Share the memory among N threads (1)", "N" },
	POPT_TABLEEND
};

static struct poptOption touch_options[] = {
	{ "touch", '\0', MAYBE_TEXT, NULL, OPT_TOUCH,
	  "Touch all pages again and again: read (and check) or write", "read|write" },
	{ "interval", '\0', TEXT, NULL, OPT_INTERVAL,
	  "Time between two passes; fractions are allowed (1)", "SECS" },
	POPT_TABLEEND
};

static struct poptOption signal_options[] = {
	{ "handler", '\0', MAYBE_TEXT, NULL, OPT_HANDLER,
	  "Handle SIGBUS: print it, and continue or exit", "continue|exit" },
	{ "handler-thread", '\0', NONE, NULL, OPT_HANDLER_THREAD,
	  "Leave early signals to a thread of its own; implies --handler", NULL },
	{ "policy", '\0', TEXT, NULL, OPT_POLICY,
	  "When to be told of memory errors", "early|late|default" },
	POPT_TABLEEND
};

static struct poptOption output_options[] = {
	{ "json", '\0', NONE, NULL, OPT_JSON, "Print JSON, a record a line", NULL },
	{ "pfns", '\0', NONE, NULL, OPT_PFNS, "Print the PFNs of the pages (default)", NULL },
	{ "no-pfns", '\0', NONE, NULL, OPT_NO_PFNS, "Do not look at PFNs", NULL },
	POPT_TABLEEND
};

static struct poptOption help_options[] = {
	{ "help", 'h', NONE, NULL, OPT_HELP, "Show this help", NULL },
	{ "usage", '\0', NONE, NULL, OPT_USAGE, "Show the options in short", NULL },
	{ "version", 'V', NONE, NULL, OPT_VERSION, "Show the version", NULL },
	POPT_TABLEEND
};

#define GROUP(table, title) { NULL, '\0', POPT_ARG_INCLUDE_TABLE, table, 0, title, NULL }

static struct poptOption all_options[] = {
	GROUP(memory_options, "Memory:"),
	GROUP(touch_options, "Touching:"),
	GROUP(signal_options, "Memory errors:"),
	GROUP(output_options, "Output:"),
	GROUP(help_options, "Help:"),
	POPT_TABLEEND
};

/* ----------------------------------------------------------------- values */

static int bad_value(const char *option, const char *arg, const char *wanted)
{
	return fail(EXIT_USAGE, "%s: %s: %s", option, arg, wanted);
}

static int parse_count(const char *option, const char *arg, uint64_t max, uint64_t *out)
{
	uint64_t n;

	if (kpage_number_parse(arg, &n) || n == 0)
		return bad_value(option, arg, "not a number above 0");
	if (n > max)
		return bad_value(option, arg, "too large");
	*out = n;
	return 0;
}

/* "N" or "N.FRACTION" seconds. */
static int take_seconds(const char *option, const char *arg, uint64_t *out)
{
	int err = parse_seconds(arg, out);

	if (err)
		return bad_value(option, arg, err == -ERANGE ? "too large" : "not a time in seconds");
	return 0;
}

struct word {
	const char *word;
	int value;
};

static int parse_word(const char *option, const char *arg, const struct word *words, size_t n,
		      int *out)
{
	char wanted[128];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(arg, words[i].word)) {
			*out = words[i].value;
			return 0;
		}
		len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, "%s%s",
					i ? ", " : "none of ", words[i].word);
	}
	return bad_value(option, arg, wanted);
}

/* ---------------------------------------------------------------- setters */

/* What a setter returns apart from an exit status. */
#define SET_OK 0
#define SET_DONE (-1)	/* end here, with status 0 */

static int set_memory(struct options *opt, const char *arg)
{
	return parse_count("-m", arg, MEGABYTES_MAX, &opt->megabytes);
}

static int set_seconds(struct options *opt, const char *arg)
{
	return take_seconds("-s", arg, &opt->duration_ns);
}

static int set_kind(struct options *opt, const char *arg)
{
	if (!strcmp(arg, "help")) {
		kinds_list();
		return SET_DONE;
	}
	opt->kind = kind_find(arg);
	if (!opt->kind)
		return bad_value("--kind", arg, "no such kind: --kind help lists them");
	return SET_OK;
}

static int set_path(struct options *opt, const char *arg)
{
	if (!*arg)
		return bad_value("--path", arg, "empty");
	free(opt->path);
	opt->path = xstrdup(arg);
	return SET_OK;
}

static int set_json(struct options *opt, const char *arg)
{
	(void)arg;
	opt->json = true;
	return SET_OK;
}

static int set_pfns(struct options *opt, const char *arg)
{
	(void)arg;
	opt->pfns = true;
	return SET_OK;
}

static int set_no_pfns(struct options *opt, const char *arg)
{
	(void)arg;
	opt->pfns = false;
	return SET_OK;
}

static int set_handler(struct options *opt, const char *arg)
{
	static const struct word words[] = {
		{ "continue", HANDLER_CONTINUE },
		{ "exit", HANDLER_EXIT },
	};
	int mode = HANDLER_CONTINUE, status = SET_OK;

	if (arg)
		status = parse_word("--handler", arg, words, ARRAY_SIZE(words), &mode);
	opt->handler = (enum handler_mode)mode;
	return status;
}

static int set_handler_thread(struct options *opt, const char *arg)
{
	(void)arg;
	opt->handler_thread = true;
	return SET_OK;
}

static int set_policy(struct options *opt, const char *arg)
{
	static const struct word words[] = {
		{ "early", PR_MCE_KILL_EARLY },
		{ "late", PR_MCE_KILL_LATE },
		{ "default", PR_MCE_KILL_DEFAULT },
	};

	return parse_word("--policy", arg, words, ARRAY_SIZE(words), &opt->policy);
}

static int set_touch(struct options *opt, const char *arg)
{
	static const struct word words[] = {
		{ "read", TOUCH_READ },
		{ "write", TOUCH_WRITE },
	};
	int op = TOUCH_READ, status = SET_OK;

	if (arg)
		status = parse_word("--touch", arg, words, ARRAY_SIZE(words), &op);
	opt->touch = (enum touch_op)op;
	return status;
}

static int set_interval(struct options *opt, const char *arg)
{
	int status = take_seconds("--interval", arg, &opt->interval_ns);

	if (!status && !opt->interval_ns)
		return bad_value("--interval", arg, "not a time above 0");
	return status;
}

static int set_threads(struct options *opt, const char *arg)
{
	uint64_t n = 0;
	int status = parse_count("--threads", arg, THREADS_MAX, &n);

	opt->threads = (unsigned int)n;
	return status;
}

static int show_version(struct options *opt, const char *arg)
{
	(void)opt;
	(void)arg;
	printf("usemem (hwpoison-tools) %s\n", kpage_version());
	return SET_DONE;
}

static int (*const setters[])(struct options *opt, const char *arg) = {
	[OPT_MEMORY] = set_memory,
	[OPT_SECONDS] = set_seconds,
	[OPT_KIND] = set_kind,
	[OPT_PATH] = set_path,
	[OPT_JSON] = set_json,
	[OPT_PFNS] = set_pfns,
	[OPT_NO_PFNS] = set_no_pfns,
	[OPT_HANDLER] = set_handler,
	[OPT_HANDLER_THREAD] = set_handler_thread,
	[OPT_POLICY] = set_policy,
	[OPT_TOUCH] = set_touch,
	[OPT_INTERVAL] = set_interval,
	[OPT_THREADS] = set_threads,
	[OPT_VERSION] = show_version,
};

/* ------------------------------------------------------------------ whole */

/* What does not go together; run after all options are known. */
static int check(const struct options *opt)
{
	const struct {
		bool wrong;
		const char *why;
	} rules[] = {
		{ opt->path && !opt->kind->has_path, "--path: only with a kind of file" },
		{ opt->interval_ns && opt->touch == TOUCH_NONE, "--interval: only with --touch" },
		/* The kernel takes the first thread that is early: the main one. */
		{ opt->handler_thread && opt->policy == PR_MCE_KILL_EARLY,
		  "--handler-thread: not with --policy early: the thread alone is early" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].wrong)
			return fail(EXIT_USAGE, "%s", rules[i].why);
	return EXIT_OK;
}

static void complete(struct options *opt)
{
	if (!opt->interval_ns)
		opt->interval_ns = INTERVAL_DEFAULT_NS;
	if (!opt->handler_thread)
		return;
	if (opt->handler == HANDLER_NONE)
		opt->handler = HANDLER_CONTINUE;
	/* Otherwise an inherited policy or the system's could be early. */
	if (opt->policy == POLICY_INHERITED)
		opt->policy = PR_MCE_KILL_LATE;
}

static int take(poptContext con, int val, struct options *opt)
{
	_cleanup_free_ char *arg = poptGetOptArg(con);

	if (val == OPT_HELP)
		poptPrintHelp(con, stdout, 0);
	else if (val == OPT_USAGE)
		poptPrintUsage(con, stdout, 0);
	else
		return setters[val](opt, arg);
	return SET_DONE;
}

static int parse(poptContext con, struct options *opt)
{
	const char *extra;
	int val, result;

	while ((val = poptGetNextOpt(con)) > 0) {
		result = take(con, val, opt);
		if (result)
			return result;
	}
	if (val < -1)
		return fail(EXIT_USAGE, "%s: %s", poptBadOption(con, 0), poptStrerror(val));
	extra = poptGetArg(con);
	if (extra)
		return fail(EXIT_USAGE, "%s: is no option, and there are no arguments", extra);
	return check(opt);
}

bool options_parse(int argc, char *argv[], struct options *opt, int *status)
{
	poptContext con = poptGetContext("usemem", argc, (const char **)argv, all_options, 0);
	int result;

	*opt = (struct options){
		.kind = kind_find("anon"), .megabytes = 16, .pfns = true,
		.policy = POLICY_INHERITED, .threads = 1,
	};
	result = parse(con, opt);
	poptFreeContext(con);
	*status = result == SET_DONE ? EXIT_OK : result;
	if (!result)
		complete(opt);
	return !result;
}

void options_free(struct options *opt)
{
	free(opt->path);
}
