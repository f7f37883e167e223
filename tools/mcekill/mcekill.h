/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mcekill: who is killed early, who late, and who just was. */
#pragma once

#include "kpage.h"
#include "common/options.h"
#include "common/processes.h"
#include "common/record.h"
#include "common/util.h"

/* What is asked for. */
enum mode {
	MODE_NONE,	/* nothing said yet */
	MODE_GET,	/* --get: the policy of named processes */
	MODE_LIST,	/* --list: of all */
	MODE_SET,	/* a policy for tasks that run */
	MODE_LAUNCH,	/* a policy for a command */
	MODE_SYSTEM,	/* --system */
	MODE_MONITOR,	/* --monitor */
};

/* The settings of the kernel, in the order of their table. */
enum knob {
	KNOB_EARLY_KILL,
	KNOB_RECOVERY,
	KNOB_SOFT_OFFLINE,
	KNOB_PANIC,
	NR_KNOBS,
};

struct options {
	enum mode mode;
	bool get, list, system, monitor;

	bool has_policy, clear;		/* clear: by PR_MCE_KILL_CLEAR */
	enum kpage_policy policy;
	const char *policy_option;	/* which it was, for messages */
	char **command;			/* NULL-terminated; NULL: none */
	bool report;

	struct process_list pids;	/* -p */
	struct process_list tids;	/* -t */
	bool tree, all_threads;

	bool all;			/* --list --all */
	bool has_knob[NR_KNOBS];
	uint64_t knobs[NR_KNOBS];

	char *cgroup;			/* --monitor */
	bool has_for;
	double seconds;

	bool json;
	char *sysroot;
};

enum parse_result options_parse(int argc, const char **argv, struct options *opt, int *status);
void options_release(struct options *opt);

/* tasks.c: the processes that were named, and those of the threads; EXIT_OK, or a status
 * after a message. */
int tasks_resolve(struct kpage_ctx *ctx, const struct options *opt, struct process_list *processes);
bool is_listed(const struct process_list *list, pid_t id);

/* The threads of a process, in the order of their creation. A nonzero return of each ends it
 * and is the result; else 0, or a negative errno. */
int threads_each(struct kpage_ctx *ctx, pid_t pid, int (*each)(pid_t tid, void *arg), void *arg);

/* Each returns an exit status, after messages. */
int policy_show(struct kpage_ctx *ctx, const struct options *opt);
int policy_change(struct kpage_ctx *ctx, const struct options *opt);
int system_run(struct kpage_ctx *ctx, const struct options *opt);
int monitor_run(struct kpage_ctx *ctx, const struct options *opt);

/* Becomes the command, with the policy; returns if that fails. With --report it starts it,
 * and returns its exit status when it has ended, or ends by the same signal. */
int launch(struct kpage_ctx *ctx, const struct options *opt);
int launch_exec(struct kpage_ctx *ctx, const struct options *opt);
int launch_report(struct kpage_ctx *ctx, const struct options *opt);

/* Says that no policy is of use on this kernel. */
void warn_no_failures(void);

/* "early", "late", "default". */
const char *policy_name(enum kpage_policy policy);
