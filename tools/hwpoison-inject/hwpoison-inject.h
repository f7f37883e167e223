/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwpoison-inject: what its parts share. */
#pragma once

#include <sys/resource.h>

#include "kpage.h"
#include "common/forecast.h"
#include "common/inject.h"
#include "common/kernel-filter.h"
#include "common/ledger.h"
#include "common/options.h"
#include "common/owners.h"
#include "common/record.h"
#include "common/rundir.h"
#include "common/select.h"
#include "common/targets.h"
#include "common/task-row.h"
#include "common/util.h"

/* What --max may be raised to: each target takes some 300 bytes. */
#define TARGETS_MAX (UINT64_C(1) << 24)

/* The highest descriptor for --ready-fd. */
#define READY_FD_MAX 255

/* ------------------------------------------------------------------- methods */

struct method {
	struct inject_method inject;
	enum filter_route route;
	bool in_target;		/* runs in the process, by its own right */
	bool real;		/* the hardware fails: nothing can be unpoisoned after it */
	/* Whether this kernel and this caller have it: EXIT_OK, or a status. quiet: no
	 * message. */
	int (*check)(struct kpage_ctx *ctx, bool quiet);
	/* What an error of the kernel means here. */
	const char *(*explain)(int err);
};

/* NULL: no such method. */
const struct method *method_find(const char *name);

/* The first that can be used. NULL after a message if there is none; *status then. */
const struct method *method_choose(struct kpage_ctx *ctx, int *status);

/* Opens the files of the debugfs route. EXIT_OK, or a status after a message. */
int method_open_debugfs(struct kpage_ctx *ctx, struct kpage_hwpoison **out);

/* machine-check.c: the method "mce". */
int inject_by_machine_check(struct injection *inj, uint64_t pfn, const struct page_owner *owner);
const char *explain_machine_check(int err);
int check_machine_check(struct kpage_ctx *ctx, bool quiet);

/* ------------------------------------------------------------------- options */

struct expectation;

struct options {
	struct selection selection;
	struct kernel_filter filter;
	const struct method *method;	/* NULL: --method auto */
	bool method_auto;
	bool filter_show, filter_clear, load, consume, json, list, unpoison, unpoison_all;
	bool list_targets, dry_run, force;
	bool has_policy;
	enum kpage_policy policy;
	bool has_after, has_wait, has_ready_fd;
	double after, wait;		/* seconds */
	int ready_fd;
	const struct expectation *expect;	/* NULL: not given */
	uint64_t max;			/* 0: not given */
	struct selection unpoison_pages;	/* its PFNs */
	char *sysroot;
	char **command;			/* NULL: none */
};

enum parse_result options_parse(int argc, const char **argv, struct options *opt, int *status);
void options_release(struct options *opt);

/* -------------------------------------------------------------------- a run */

/* A target and what became of it. */
struct page {
	const struct target *target;
	struct page_report report;
	const char *objection;		/* why it is refused without --force; NULL: nothing */
	bool done;			/* the report holds */
	char type[64], result[16];	/* the kernel's words; "" if it said nothing */
	pid_t pid;			/* the process it was chosen in, or one that has it; 0: none */
	bool has_address;
	uint64_t address;		/* in that process; in the file, where no process has it */
	size_t owners;			/* processes that have it mapped, as far as is known */
	const struct owner *mappings;	/* theirs */
	size_t nr_mappings;
	unsigned int lsb;		/* of its size, as in si_addr_lsb */
};

/* A process that had one of the pages, or was signalled; as it was before. */
struct process {
	pid_t pid;
	char comm[16];
	char *cgroup;			/* NULL: not known */
	int pidfd;			/* -1: could not be had */
	size_t poisoned;		/* pages of it that were poisoned */
	uint64_t first_address;		/* the first one of them */
	bool selected;			/* chosen by --pid, or the COMMAND */
	bool blocks_sigbus;		/* its first thread, by itself */
	bool forced;			/* it has run into a page: without a handler it dies */
	bool ended;
	bool has_status;		/* it was ours to wait for */
	int status;			/* … of waitpid(2) */
};

/* As it was before. */
struct thread {
	pid_t tid, pid;
};

/* A signal that was seen in the task itself, which was held then. */
struct seen_signal {
	pid_t tid;
	int code;
	uint64_t address;
	unsigned int lsb;
};

/* The counters of a node, before and after. */
struct node_failures {
	unsigned int node;
	struct kpage_node_failures before, after;
};

struct run {
	struct options opt;
	struct kpage_ctx *ctx;
	struct target_sources src;
	struct rundir *dir;
	struct ledger *ledger;
	const struct method *method;
	bool loaded;			/* the module was loaded for this run */
	time_t begun;
	struct target_list targets;
	struct owner_list owners;
	struct page *pages;		/* one a target, in the same order */
	struct page **by_pfn;		/* the same, ascending by PFN */
	struct page *acting;		/* the one that is being poisoned */
	struct page *failed;		/* the one that the kernel spoke of last */
	struct process *processes;
	size_t nr_processes;
	struct thread *threads;		/* of them all, ascending by TID */
	size_t nr_threads;
	struct seen_signal *seen;
	size_t nr_seen;
	struct injection inj;
	pid_t stranger;			/* the thread of which touch_is_ours() has warned last */
	struct node_failures *nodes;	/* of the targets' nodes, where this kernel counts them */
	size_t nr_nodes;
	pid_t child;			/* the COMMAND; 0: none */
	bool child_ended;		/* … and was waited for */
	int child_status;
	int ready_pipe[2];		/* --ready-fd; -1: closed */
	struct record_output out;
	bool interrupted;
	bool injecting;			/* inj is open */
	struct policy_change *policies;
	size_t nr_policies;
	struct rlimit files;		/* RLIMIT_NOFILE, as it was */
};

/* command.c: the COMMAND. Each: EXIT_OK, or a status after a message. */
int command_start(struct run *run);
int command_wait_ready(struct run *run);
/* Looks whether it has ended; does not wait. */
void command_poll(struct run *run);
/* Ends it, if it still runs; it was started for this run. */
void command_end(struct run *run);

/* targets: what is chosen, and who has it. */
int run_collect(struct run *run);

/* objections.c: what must not be hit by accident. EXIT_OK, or EXIT_REFUSED after a message. */
void objections_find(struct run *run);
int objections_judge(const struct run *run);
/* --max, or what it is without. */
uint64_t targets_max(const struct run *run);

/* forecast.c */
/* Flags of the first page of its folio: before 6.10 a tail shows few of them. */
uint64_t target_head_flags(const struct run *run, const struct target *t);
/* What would become of a page of that kind, as far as is known of this kernel. */
void forecast_page(const struct run *run, const struct page *page, struct forecast *out);
/* Prints the targets; with the forecast of each in a --dry-run. */
void targets_show(struct run *run);

/* policy.c: --early and --late. */
int policy_apply(struct run *run);
int policy_restore(struct run *run);
/* Puts back what a run that was killed had changed. */
int policy_recover(struct run *run);

/* The target with that PFN; NULL: it is none. */
struct page *page_find(const struct run *run, uint64_t pfn);

/* act.c: injects, page by page. EXIT_OK, or a status after a message. */
int act(struct run *run);
/* Whether the page is marked now, by this run; its report holds. */
bool page_is_hit(const struct page *page);

/* tasks.c: the processes and what became of them. */
void processes_note(struct run *run);
/* The process of a thread, also of one that has ended since; 0: not known. */
pid_t process_of_thread(const struct run *run, pid_t tid);
struct process *process_find(const struct run *run, pid_t pid);
/* touch.c */
/* The page that this run has poisoned at that address of a process (0: of any), or in the same
 * huge page; NULL: none, as far as is known of its owners. */
const struct page *page_at(const struct run *run, pid_t pid, uint64_t address);
/* A hook of the injection. */
bool touch_is_ours(const struct kpage_event *fault, void *arg);

/* tasks.c: whether who touches the page, which was hit, is signalled for it. */
bool page_kills(const struct page *page);

/* Waits, as long as the options say, until all of them are accounted for. */
void processes_wait(struct run *run);

/* One row a thread and code, and one a process that was not signalled. The caller
 * frees *rows. */
size_t tasks_rows(const struct run *run, struct task_row **rows);

/* verdict.c: --expect. */
struct verdict_facts {
	const struct run *run;
	const struct task_row *rows;
	size_t nr_rows;
};

const struct expectation *expect_find(const char *name);
const char *expect_name(const struct expectation *e);
bool expect_is_met(const struct expectation *e, const struct verdict_facts *facts);

/* totals.c */
struct outcome_count {
	const char *word;
	uint64_t pages;
};

struct totals {
	const struct run *run;
	struct outcome_count counts[NR_OUTCOMES + 1];
	size_t nr_counts;
	uint64_t lost;		/* pages that are out of use now and were not before */
	size_t signalled, killed;
	bool verdict;
};

void totals_make(const struct run *run, const struct task_row *rows, size_t n, struct totals *out);
void totals_print(struct record_output *out, const struct totals *totals);

/* report.c */
/* "poisoned", "delayed", … */
const char *outcome_word(const struct page *page);
/* Prints all records of the run. Returns the exit status that they mean. */
int report(struct run *run);

/* undo.c: --list, --unpoison, --unpoison-all. */
int undo_list(struct run *run);
int undo_unpoison(struct run *run);
