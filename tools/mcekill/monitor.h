/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of --monitor share. */
#pragma once

#include "common/ledger.h"
#include "mcekill.h"
#include "tie.h"

/* ------------------------------------------------------------------- scope.c */

/* Which tasks are asked for: all, or those of some processes, or of a cgroup. Of those that
 * are gone it knows as much as it saw of them when they lived. */
struct scope {
	struct kpage_ctx *ctx;
	const struct process_list *pids;	/* none: all */
	char *cgroup_dir;			/* NULL: any */
	char *cgroup;				/* the same as a task's /proc/PID/cgroup names it */
	struct member {
		pid_t tid, pid;
	} *members;				/* when it was last refreshed; by tid */
	size_t nr_members, room;
	uint64_t refreshed_ns;
};

/* EXIT_OK, or a status after a message. */
int scope_open(struct scope *s, struct kpage_ctx *ctx, const struct options *opt);
void scope_close(struct scope *s);
bool scope_is_all(const struct scope *s);

/* Looks who is there, once a second. */
void scope_refresh(struct scope *s, uint64_t now_ns);

/* Whether a thread is asked for; *pid: its process, 0 if that is not known any more. */
bool scope_has_task(const struct scope *s, pid_t tid, pid_t *pid);
bool scope_has_process(const struct scope *s, pid_t pid);

/* ------------------------------------------------------------------- origin.c */

/* The line of the ledger about a page. */
struct origin {
	bool known;
	char tool[32], method[32], kind[16], comm[64];
	pid_t pid;		/* 0: none */
	bool has_address;
	uint64_t pfn, address;
};

struct origins {
	struct kpage_ctx *ctx;
	struct rundir *dir;	/* NULL: nobody has made one yet */
	struct ledger *ledger;
};

/* Of a page that failed at that time (CLOCK_REALTIME, ns): of an injection right before. */
void origin_of_failure(struct origins *o, uint64_t pfn, uint64_t wall_ns, struct origin *out);

/* Of the page that a process had there; the latest. */
void origin_of_address(struct origins *o, pid_t pid, uint64_t address, struct origin *out);
void origins_close(struct origins *o);

/* -------------------------------------------------------------------- cause.c */

/* Of a task that touched a page: the cause, and the PFN as far as it can be known.
 * failures_seen: a page was poisoned since the monitor runs. */
void cause_of_touch(struct kpage_ctx *ctx, struct origins *origins, bool failures_seen,
		    struct tie_kill *kill);

/* --------------------------------------------------------------------- rows.c */

struct failure_row {
	const struct tie_failure *failure;
	int node;		/* negative: not known */
	struct origin origin;
};

struct lost_row {
	uint64_t wall_ns;
	bool has_events;
	uint64_t events;
};

struct monitor_row {
	uint64_t since_ns, until_ns;
	uint64_t failures, signals, killed, lost;
	bool has_killed;	/* what signals did was seen all the time */
	bool has_lost;		/* how much was lost is known */
	bool has_trace;
};

extern const struct record_type failure_record, kill_record, lost_record, monitor_record;
