/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command lines of the tools have in common: switches, help, the loop. */
#pragma once

#include <popt.h>

#include "common/util.h"

/* What came of a command line. */
enum parse_result {
	PARSE_RUN,	/* go on */
	PARSE_DONE,	/* --help and the like were answered */
	PARSE_BAD,	/* *status says how the program ends */
};

/* An option that only sets a bool, which is so far into the tool's struct of options. */
struct option_switch {
	int val;
	size_t offset;
};

/* Whether val is one of the table; it is set then. */
bool option_switch_set(void *options, const struct option_switch *table, size_t n, int val);

/* --help, --usage and --version: include it in a tool's table with
 * POPT_ARG_INCLUDE_TABLE; options_read() answers them. */
extern struct poptOption help_options[];

/* A tool's command line. */
struct command_line {
	const char *tool;
	const struct poptOption *table;
	unsigned int flags;	/* POPT_CONTEXT_… */
	const char *usage;	/* behind the name in --help; NULL: "[OPTION...]" */
	/* Takes an option and its argument (not kept; NULL: none). EXIT_OK or a status. */
	int (*take)(int val, const char *arg, void *options);
	/* After the last option: takes the words that follow, and checks that all of it goes
	 * together. EXIT_OK or a status. */
	int (*finish)(poptContext popt, void *options);
	void (*more_help)(void);	/* what --help prints after the options; may be NULL */
};

/*
 * Hands each option to line->take(), and what follows to line->finish(), unless an option
 * for help was answered before. PARSE_BAD: *status is set, after a message.
 */
enum parse_result options_read(const struct command_line *line, int argc, const char **argv,
			       void *options, int *status);

/* The words after the options, copied, with a NULL behind them; NULL: there are none.
 * To be freed with options_command_free(), which takes NULL. */
char **options_command(poptContext popt);
void options_command_free(char **command);
