// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command lines of the tools have in common: switches, help, the loop. */
#include "common/options.h"

#include "kpage.h"

enum {
	OPT_USAGE = 0x600,
	OPT_VERSION,
};

struct poptOption help_options[] = {
	{ "help", 'h', POPT_ARG_NONE, NULL, 'h', "Show this help message", NULL },
	{ "usage", 0, POPT_ARG_NONE, NULL, OPT_USAGE, "Show a brief usage message", NULL },
	{ "version", 0, POPT_ARG_NONE, NULL, OPT_VERSION, "Show the version", NULL },
	POPT_TABLEEND
};

bool option_switch_set(void *options, const struct option_switch *table, size_t n, int val)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i].val != val)
			continue;
		*(bool *)((char *)options + table[i].offset) = true;
		return true;
	}
	return false;
}

static bool answer_help(poptContext popt, const struct command_line *line, int val)
{
	switch (val) {
	case 'h':
		poptPrintHelp(popt, stdout, 0);
		if (line->more_help)
			line->more_help();
		return true;
	case OPT_USAGE:
		poptPrintUsage(popt, stdout, 0);
		return true;
	case OPT_VERSION:
		printf("%s (hwpoison-tools) %s\n", line->tool, kpage_version());
		return true;
	default:
		return false;
	}
}

static int take_all(poptContext popt, const struct command_line *line, void *options, bool *done)
{
	int val;

	while ((val = poptGetNextOpt(popt)) > 0) {
		_cleanup_free_ char *arg = poptGetOptArg(popt);
		int status;

		*done = answer_help(popt, line, val);
		status = *done ? EXIT_OK : line->take(val, arg, options);
		if (status || *done)
			return status;
	}
	if (val < -1)
		return fail(EXIT_USAGE, "%s: %s", poptBadOption(popt, POPT_BADOPTION_NOALIAS),
			    poptStrerror(val));
	return line->finish(popt, options);
}

enum parse_result options_read(const struct command_line *line, int argc, const char **argv,
			       void *options, int *status)
{
	poptContext popt = poptGetContext(line->tool, argc, argv, line->table, line->flags);
	bool done = false;

	if (line->usage)
		poptSetOtherOptionHelp(popt, line->usage);
	*status = take_all(popt, line, options, &done);
	if (*status == EXIT_USAGE)
		fprintf(stderr, "Try '%s --help'.\n", line->tool);
	poptFreeContext(popt);
	if (*status)
		return PARSE_BAD;
	return done ? PARSE_DONE : PARSE_RUN;
}

/* popt keeps the words after the options; they are argv's own. */
char **options_command(poptContext popt)
{
	const char **args = poptGetArgs(popt);
	char **command;
	size_t n = 0;

	if (!args || !args[0])
		return NULL;
	while (args[n])
		n++;
	command = xcalloc(n + 1, sizeof(*command));
	for (size_t i = 0; i < n; i++)
		command[i] = xstrdup(args[i]);
	return command;
}

void options_command_free(char **command)
{
	for (size_t i = 0; command && command[i]; i++)
		free(command[i]);
	free(command);
}
