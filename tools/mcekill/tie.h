/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ties the kernel's events together: which task was signalled for which memory failure, and
 * what the signal did. Knows nothing of the machine: what else there is to know it asks for.
 * All its tables have a fixed size.
 *
 * A signal does not name its page. That of a memory failure is sent before the kernel reports
 * the failure; that of a task which touches a poisoned page comes after a line of the log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kpage.h"

/* Why a task was signalled. */
enum tie_cause {
	CAUSE_OPEN,	/* not known yet */
	CAUSE_FAILURE,	/* a memory failure, just now */
	CAUSE_LATE,	/* it touched a page that was poisoned before */
	CAUSE_UFFD,	/* it touched what userfaultfd(2) has marked: no page is poisoned */
	CAUSE_UNKNOWN,
};

/* What the signal did. */
enum tie_action {
	ACTION_NONE,	/* not known */
	ACTION_HANDLER,
	ACTION_DEFAULT,	/* ended the process */
	ACTION_IGNORED,
	ACTION_PENDING,	/* waits: the task blocks it, or is stopped */
};

/* Whether a SIGBUS waits for a task. */
enum tie_wait {
	WAIT_NONE,
	WAIT_COMING,	/* it takes it as soon as it runs */
	WAIT_HELD,	/* it blocks it, or is stopped */
};

/* When an event was: by CLOCK_MONOTONIC, and what the clock on the wall showed then. The
 * latter is found once: the difference of the two changes. */
struct tie_time {
	uint64_t mono_ns, wall_ns;
};

struct tie_failure {
	uint64_t wall_ns;
	uint64_t pfn;
	const char *type, *result;	/* borrowed from the event */
	/* Of whose page it is, for the hook to fill in. */
	pid_t pid;
	bool has_address;
	uint64_t address;
};

struct tie_kill {
	struct tie_time time;
	uint64_t seen_ns;		/* when we came to know of it */
	pid_t tid, pid;			/* pid 0: not known */
	char comm[16];
	int code;			/* BUS_MCEERR_AO, BUS_MCEERR_AR; 0: not known */
	bool has_address, has_pfn;
	uint64_t address, pfn;
	enum tie_cause cause;
	enum tie_action action;
	bool merged;			/* met a signal that was pending already */
	bool is_fault;			/* the log has told of the access */
	uint64_t failed_ns;		/* on the wall, when its page failed; 0: not known */
	uint64_t pending_ns;		/* not 0: it was reported as pending, with this time on the
					   wall; this is how it went on */
	/* The engine's own. */
	bool closed;			/* what the signal did won't be seen any more */
	bool told;			/* it was reported, as pending */
	bool taken;			/* nothing waits for its task any more */
};

struct tie_hooks {
	/* Fills in the pid; whether the task is one that is asked for. */
	bool (*task)(struct tie_kill *kill, void *arg);
	/* Reports a failure; has_victim: a task that is asked for was signalled for it. */
	void (*failure)(struct tie_failure *f, bool has_victim, void *arg);
	/* Of a task that touched a page: the cause, and the PFN as far as it can be known. */
	void (*touched)(struct tie_kill *kill, void *arg);
	enum tie_wait (*waits)(pid_t tid, void *arg);
	void (*kill)(const struct tie_kill *kill, void *arg);
	void *arg;
};

#define TIE_KILLS    256
#define TIE_FAULTS   64
#define TIE_FAILURES 256
/* How long the other half of an event is waited for. */
#define TIE_GRACE_NS UINT64_C(1000000000)
/* … and for how long a task that has a signal to take, and does not get to run. */
#define TIE_LATE_NS (10 * TIE_GRACE_NS)

struct tie {
	struct tie_hooks hooks;
	bool log_only;			/* no deliveries are seen, and signals name their page */
	struct tie_kill kills[TIE_KILLS];	/* the oldest first */
	size_t nr_kills;
	struct tie_kill faults[TIE_FAULTS];	/* whose signal was not seen yet, the oldest first */
	size_t nr_faults;
	struct {
		uint64_t pfn, wall_ns;
	} failures[TIE_FAILURES];	/* a ring */
	uint64_t nr_failures;		/* of all time */
	uint64_t nr_killed;		/* deliveries that ended a process, of all time */
};

void tie_init(struct tie *t, const struct tie_hooks *hooks);

/* From here on the events come from the kernel's log alone, or from its trace too. What is
 * open is reported as it is. */
void tie_set_log_only(struct tie *t, bool log_only);

/* Takes an event that has come now. Of a fault and its signal the fault comes first. */
void tie_event(struct tie *t, const struct kpage_event *event, const struct tie_time *now);

/* Reports what has waited long enough. */
void tie_tick(struct tie *t, uint64_t now_ns);

/* Whether something waits, so that tie_tick() has to be called again soon. */
bool tie_is_open(const struct tie *t);

/* Reports all that is open, as it is. */
void tie_end(struct tie *t);

/* When, on the wall, that page last failed, as far as it was seen; 0: it was not. */
uint64_t tie_failed_at(const struct tie *t, uint64_t pfn);
