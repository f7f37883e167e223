/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A task that was signalled, or could have been, and what became of it: a row of a report. */
#pragma once

#include "common/record.h"
#include "common/victims.h"

enum task_state {
	STATE_UNKNOWN,
	STATE_UNTOUCHED,	/* lives, and was not signalled: dies when it touches the page */
	STATE_UNHARMED,		/* lives, and lost nothing that it could miss */
	STATE_SURVIVED,		/* was signalled, and lives */
	STATE_IGNORED,		/* ignores SIGBUS */
	STATE_PENDING,		/* blocks SIGBUS, or is stopped */
	STATE_EXITED,
	STATE_KILLED,		/* by SIGBUS for a memory error */
	NR_STATES
};

struct task_row {
	pid_t pid, tid;
	const char *comm;
	const char *cgroup;	/* NULL: not known */
	bool signalled;
	int code;		/* 0: not known */
	bool has_address;
	uint64_t address;
	unsigned int lsb;	/* 0: not known */
	bool lsb_seen;		/* in a siginfo, and not worked out from the page's size */
	uint64_t sent, merged, ignored;
	const char *action;	/* "handler", "default"; NULL: none was seen */
	enum task_state state;
	bool selected;
	int exit_status;	/* -1: not known */
	int signal;		/* that ended it; 0: none, or not known */
};

const char *task_state_name(enum task_state state);

/* As far as the signals tell. It borrows from the victim. */
void task_row_of_victim(const struct victim *v, struct task_row *out);

/* "task": a struct task_row. */
extern const struct record_type task_record;
