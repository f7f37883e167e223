/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages: the selection options, the same in every tool. */
#pragma once

#include <popt.h>

#include "kpage.h"
#include "common/util.h"
#include "common/vmas.h"

struct selection {
	pid_t *pids;
	size_t nr_pids;
	bool tree;			/* and all of their descendants */
	struct kpage_range *ranges;	/* --addr, --vaddr: pages; none of them overlap */
	size_t nr_ranges;
	bool has_ranges;		/* some were given, though they may be empty */
	bool has_vaddr;			/* … and some as addresses in a process: */
	struct kpage_range *vaddrs;	/* bytes, as they were named */
	size_t nr_vaddrs;
	struct kpage_range *pfns;	/* --pfn, --phys: as they were named, may overlap */
	size_t nr_pfns;
	bool has_pfns;			/* some were given, though stdin may have had none */
	const char *pfns_option;	/* which of the two it was, for messages */
	struct vma_condition *vmas;	/* --vma: one of them must hold */
	size_t nr_vmas;
	unsigned int *nodes;
	size_t nr_nodes;
	struct kpage_expr *exprs;
	size_t nr_exprs;
	uint64_t raw_only;		/* flags that were named and are seen in the raw view only */
	char *cgroup;			/* as given */
	uint64_t cgroup_ino;		/* 0: any */
	uint64_t *cgroup_inos;		/* it and those below it, ascending: selection_resolve_tree() */
	size_t nr_cgroup_inos;
	char *file;
	uint64_t count;			/* 0: all */
	bool cgroup_alone;		/* --cgroup without those below it */
	bool random, has_seed;
	uint64_t seed;
};

/* Include them in a tool's table with POPT_ARG_INCLUDE_TABLE; hand every option of
 * them that poptGetNextOpt() returns to selection_option(). choice_options: those of
 * a tool that picks single pages. */
extern struct poptOption selection_options[];
extern struct poptOption narrowing_options[];
extern struct poptOption choice_options[];

/* Whether val is an option of one of the tables. */
bool is_selection_option(int val);

/* Takes an option and its argument (not kept; NULL for --tree and --random). EXIT_OK
 * or, after a message, EXIT_USAGE; EXIT_FAILED if stdin can't be read. */
int selection_option(struct selection *s, int val, const char *arg);

/* Adds a list of PFNs, in the grammar of --pfn, for an option of that name. Returns as above. */
int selection_add_pfns(struct selection *s, const char *option, const char *arg);

/* The argument of --seed; *given is set. EXIT_OK, or EXIT_USAGE after a message. */
int seed_parse(const char *arg, uint64_t *seed, bool *given);

/* A seed for an option that was given without one. */
int seed_make(const char *option, uint64_t *seed);

/* A command whose pages are looked at, and that is not started yet. */
enum selection_command {
	COMMAND_UNKNOWN,	/* the tool takes none */
	COMMAND_MISSING,
	COMMAND_GIVEN,
};

/* After the last option: what excludes what. EXIT_OK or EXIT_USAGE. */
int selection_check(const struct selection *s, enum selection_command command);

/* Finds the number of a cgroup that is named by its path. */
int selection_resolve(struct selection *s, struct kpage_ctx *ctx);

/* For targets_collect(): selection_resolve(), the cgroups below the chosen one, and a
 * seed for --random where none was given (then has_seed stays false). */
int selection_resolve_tree(struct selection *s, struct kpage_ctx *ctx);

/* Looks once more for the cgroups below the chosen one, for who looks at pages again. One
 * that was removed has none. EXIT_OK, or a status after a message. */
int selection_resolve_again(struct selection *s, struct kpage_ctx *ctx);

/* That cgroup, and none below it. EXIT_OK. */
int selection_take_cgroup(struct selection *s, uint64_t ino);

/* Whether anything narrows the machine down. */
bool selection_is_empty(const struct selection *s);

/*
 * Whether a page that was chosen by its flags and its cgroup would be chosen again,
 * as these are now (kflags, of /proc/kpageflags; cgroup, of /proc/kpagecgroup). entry:
 * of pagemap, which shows as flags, too; 0: none.
 */
bool selection_matches(const struct selection *s, uint64_t kflags, uint64_t entry, uint64_t cgroup);

/* Whether pages that are charged to that cgroup are chosen (selection_resolve_tree()). */
bool selection_has_cgroup(const struct selection *s, uint64_t ino);

void selection_release(struct selection *s);

/* The message for a flag name that was not understood, as EXIT_USAGE. */
int bad_flag_name(const char *option, int err, const struct kpage_name_error *name);
