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
 * POPT_ARG_INCLUDE_TABLE; options_each() answers them. */
extern struct poptOption help_options[];

/*
 * Hands each option and its argument (not kept; NULL: none) to take(), which returns
 * EXIT_OK or a status. An option for help is answered, with the grammars of the
 * selection behind it; *done is set then, and nothing more is read. EXIT_OK, or a
 * status after a message.
 */
int options_each(poptContext popt, const char *tool,
		 int (*take)(int val, const char *arg, void *options), void *options, bool *done);
