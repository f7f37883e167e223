/* SPDX-License-Identifier: GPL-2.0-or-later */
/* page-types: what its parts share. */
#pragma once

#include "groups.h"
#include "kpage.h"
#include "show.h"
#include "summary.h"
#include "common/copy.h"
#include "common/inject.h"
#include "common/ledger.h"
#include "common/narrow.h"
#include "common/options.h"
#include "common/owners.h"
#include "common/processes.h"
#include "common/progress.h"
#include "common/rundir.h"
#include "common/select.h"
#include "common/util.h"

struct options {
	struct selection selection;
	enum list_mode list;
	bool raw, list_cgroup, list_mapcount, no_summary, mark_idle, hwpoison, unpoison, force, json;
	enum group_by by;
	enum sort_by sort;
	uint64_t top;			/* 0: all */
	bool order;			/* folios by size, instead of pages by flags */
	bool owners;			/* who has the pages; with a list, as a column of it */
	unsigned int jobs, max_cpu;
	bool sample, has_seed;
	double fraction;		/* of --sample; 0: as fits */
	uint64_t seed;
	char *dump, *sysroot;
	bool describe;			/* only say what these flags are */
	uint64_t describe_flags;
	char *save;			/* --dump */
	bool diff;
	char *copies[2];		/* of --diff: old and new */
	uint64_t watch_ns;		/* between two rounds; 0: no --watch */
	uint64_t watch_rounds;		/* 0: without an end */
};

/* One run: the options, what was opened for them, and what is counted. */
struct run {
	struct options opt;
	struct kpage_ctx *ctx;
	struct kpage_dump *saved;	/* what --kpageflags names, if it is a dump */
	struct kpage_file *flags, *mapcount, *cgroup;
	struct kpage_hole *holes;	/* of the machine */
	size_t nr_holes;
	struct kpage_idle *idle;
	struct kpage_tally *tally;
	struct groups groups;
	struct {
		bool on;
		struct narrowing conditions;
		const struct kpage_walk *walk;	/* what comes of the pages that are taken */
	} narrowed;
	struct progress progress;
	struct owner_list owners;	/* of the pages that are listed */
	struct list list;
	struct record_output out;
	struct injection inj;
	struct rundir *dir;		/* NULL, and so the ledger: on a tree of copies */
	struct ledger *ledger;
	struct kpage_task owner_task;	/* the owner, as it was when it lost its first page */
	struct page_owner owner;	/* whose pages are walked, for the injection */
	uint64_t surveyed;		/* pages that were chosen, before any was poisoned */
	bool stop;			/* a signal, no reader, or an error that the next page
					   would meet too: nothing more is walked */
	bool torn;			/* a walk over the machine failed half-way: no total */
	bool ended;			/* a process that was poisoned ended meanwhile */
	int status;			/* the error that stopped it */
};

enum parse_result options_parse(int argc, const char **argv, struct options *opt, int *status);
void options_release(struct options *opt);

/* The walk that the options ask for; arg of emit is the run. */
void run_walk(const struct run *run, struct kpage_walk *walk);

/* Finds the memory that need not be read, once. */
void find_holes(struct run *run);

/* Walks all that is selected. EXIT_OK, or a status after a message. */
int walk_selection(struct run *run, const struct kpage_walk *walk);

/* narrowed.c: conditions and groups that a walk does not know. EXIT_OK, or a status after
 * a message; narrowed_close() is due in any case. */
int narrowed_open(struct run *run);
void narrowed_close(struct run *run);

/* *out: the walk that looks at the pages and hands on to `walk` those that are taken;
 * `walk` itself if there is nothing to look at. walk must outlive it. */
void narrowed_walk(struct run *run, const struct kpage_walk *walk, struct kpage_walk *out);

/* Walks a process with such a walk. Returns as kpage_walk_task(). */
int narrowed_walk_task(struct run *run, const struct kpage_walk *walk, pid_t pid);

/* explain.c: nothing was found. Says why, where that is not what it seems. saved: what was
 * read, if that is a dump. */
void explain_nothing(const struct options *opt, struct kpage_ctx *ctx,
		     const struct kpage_dump *saved);
/* The same of groups that are all pages in one. */
void explain_groups(const struct options *opt, struct kpage_ctx *ctx,
		    const struct kpage_dump *saved);
/* source.c: what is read, from the machine or a copy. EXIT_OK, or a status after a message. */
int sources_open(struct run *run);
/* Says so if pages that were asked for are none of the dump's. */
int check_dump_parts(const struct run *run, const char *option, const struct kpage_range *ranges,
		     size_t n);

/* owners-column.c: finds the owners of what is going to be listed. EXIT_OK, or a status after
 * a message. */
int owners_column(struct run *run);

/* dump.c: --dump; diff.c: --diff; watch.c: --watch. The exit status. */
int save_dump(struct run *run);
int diff_copies(struct run *run);
int watch_summary(struct run *run);

/* cache.c: the page cache of --file. */
int walk_cache(struct run *run, const struct kpage_walk *walk);
void show_file(const struct options *opt);

/* sample-walk.c: --sample. EXIT_OK, or a status after a message. */
int sample_machine(struct run *run);

/* act.c: --hwpoison, --unpoison and --mark-idle. */
int act_prepare(struct run *run);
/* Cuts the batch down to the entries that were come to. 0, -ESRCH the process has
 * ended, or -ECANCELED with run->stop set. */
int act_on_batch(struct run *run, struct kpage_batch *batch);
int act_report(struct run *run);

/* order.c: --order. EXIT_OK, or a status after a message. */
int order_show(struct run *run);
