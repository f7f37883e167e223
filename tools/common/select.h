/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages: the selection options, the same in every tool. */
#pragma once

#include <popt.h>

#include "kpage.h"
#include "common/util.h"

struct selection {
	pid_t *pids;
	size_t nr_pids;
	struct kpage_range *ranges;	/* pages; none of them overlap */
	size_t nr_ranges;
	bool has_ranges;		/* some were given, though they may be empty */
	struct kpage_expr *exprs;
	size_t nr_exprs;
	uint64_t raw_only;		/* flags that were named and are seen in the raw view only */
	char *cgroup;			/* as given */
	uint64_t cgroup_ino;		/* 0: any */
	char *file;
};

/* Include it in a tool's table with POPT_ARG_INCLUDE_TABLE; hand every option of
 * it that poptGetNextOpt() returns to selection_option(). */
extern struct poptOption selection_options[];

/* Whether val is an option of the table. */
bool is_selection_option(int val);

/* Takes an option and its argument (not kept). EXIT_OK or, after a message, EXIT_USAGE. */
int selection_option(struct selection *s, int val, const char *arg);

/* After the last option: what excludes what. EXIT_OK or EXIT_USAGE. */
int selection_check(const struct selection *s);

/* Finds the number of a cgroup that is named by its path. */
int selection_resolve(struct selection *s, struct kpage_ctx *ctx);

/* Whether anything narrows the machine down. */
bool selection_is_empty(const struct selection *s);

void selection_release(struct selection *s);

/* The message for a flag name that was not understood, as EXIT_USAGE. */
int bad_flag_name(const char *option, int err, const struct kpage_name_error *name);
