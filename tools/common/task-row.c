// SPDX-License-Identifier: GPL-2.0-or-later
/* A task that was signalled, or could have been, and what became of it. */
#include "common/task-row.h"

#include <signal.h>

const char *task_state_name(enum task_state state)
{
	static const char *const names[NR_STATES] = {
		[STATE_UNKNOWN] = "unknown",	 [STATE_UNTOUCHED] = "untouched",
		[STATE_UNHARMED] = "unharmed",	 [STATE_SURVIVED] = "survived",
		[STATE_IGNORED] = "ignored",	 [STATE_PENDING] = "pending",
		[STATE_EXITED] = "exited",	 [STATE_KILLED] = "killed",
	};

	return names[state];
}

static enum task_state state_of_victim(const struct victim *v)
{
	switch (v->fate) {
	case FATE_ALIVE:
	case FATE_HANDLED:
		return STATE_SURVIVED;
	case FATE_IGNORED:
		return STATE_IGNORED;
	case FATE_COMING:
	case FATE_PENDING:
	case FATE_STOPPED:
		return STATE_PENDING;
	case FATE_DIED:
		return victim_died_of_it(v) ? STATE_KILLED : STATE_EXITED;
	case FATE_UNKNOWN:
		break;
	}
	/* It is on its way out; a large one that dumps core takes long. */
	return v->default_action ? STATE_KILLED : STATE_UNKNOWN;
}

void task_row_of_victim(const struct victim *v, struct task_row *row)
{
	*row = (struct task_row){
		.pid = v->pid ? v->pid : v->tid,
		.tid = v->tid,
		.comm = v->comm,
		.signalled = true,
		.code = v->code,
		.has_address = v->has_address,
		.address = v->address,
		.sent = v->sent,
		.merged = v->merged,
		.ignored = v->ignored,
		.action = v->handler_ran ? "handler" : v->default_action ? "default" : NULL,
		.state = state_of_victim(v),
		.exit_status = -1,
	};
	if (row->state == STATE_KILLED)
		row->signal = SIGBUS;
}

/* ------------------------------------------------------------------------ the record */

#define TASK_COLUMN(function, call)                                  \
	static void function(const void *row, struct cell *out)      \
	{                                                            \
		const struct task_row *t = row;                      \
		call;                                                \
	}

TASK_COLUMN(task_pid, cell_number(out, (uint64_t)t->pid))
TASK_COLUMN(task_tid, cell_number(out, (uint64_t)t->tid))
TASK_COLUMN(task_comm, cell_text(out, t->comm))
TASK_COLUMN(task_cgroup, cell_text(out, t->cgroup))
TASK_COLUMN(task_signal, cell_text(out, t->signalled ? "SIGBUS" : NULL))
TASK_COLUMN(task_code, cell_text(out, signal_code_name(t->code)))
TASK_COLUMN(task_address, if (t->has_address) cell_hex(out, t->address))
TASK_COLUMN(task_lsb, if (t->lsb) cell_number(out, t->lsb))
TASK_COLUMN(task_lsb_source, cell_text(out, !t->lsb ? NULL : t->lsb_seen ? "siginfo" : "page-size"))
TASK_COLUMN(task_sent, cell_number(out, t->sent))
TASK_COLUMN(task_merged, cell_number(out, t->merged))
TASK_COLUMN(task_ignored, cell_number(out, t->ignored))
TASK_COLUMN(task_action, cell_text(out, t->action))
TASK_COLUMN(task_state, cell_text(out, task_state_name(t->state)))
TASK_COLUMN(task_exit, if (t->exit_status >= 0) cell_number(out, (uint64_t)t->exit_status))
TASK_COLUMN(task_ended_by, if (t->signal) cell_number(out, (uint64_t)t->signal))

/* For people: what its state means for it. */
static void task_fate(const void *row, struct cell *out)
{
	const struct task_row *t = row;

	if (t->state == STATE_KILLED)
		snprintf(out->room, sizeof(out->room), "killed by SIGBUS");
	else if (t->state == STATE_UNTOUCHED)
		snprintf(out->room, sizeof(out->room), "untouched (dies when it touches the page)");
	else if (t->state == STATE_EXITED && t->signal)
		snprintf(out->room, sizeof(out->room), "ended by signal %d", t->signal);
	else if (t->state == STATE_EXITED && t->exit_status >= 0)
		snprintf(out->room, sizeof(out->room), "exited %d", t->exit_status);
	else
		snprintf(out->room, sizeof(out->room), "%s", task_state_name(t->state));
	cell_text(out, out->room);
}

static const struct column task_columns[] = {
	{ "pid", "PID", 7, task_pid },
	{ "tid", "TID", 7, task_tid },
	{ "comm", "COMM", -15, task_comm },
	{ "cgroup", "CGROUP", -10, task_cgroup },
	{ "signal", NULL, 0, task_signal },
	{ "code", "CODE", -13, task_code },
	{ "address", "ADDRESS", -14, task_address },
	{ "lsb", "LSB", 3, task_lsb },
	{ "lsb_source", NULL, 0, task_lsb_source },
	{ "sent", "SENT", 4, task_sent },
	{ "merged", NULL, 0, task_merged },
	{ "ignored", NULL, 0, task_ignored },
	{ "action", "ACTION", -7, task_action },
	{ "state", NULL, 0, task_state },
	{ NULL, "STATE", 0, task_fate },
	{ "exit_status", NULL, 0, task_exit },
	{ "signal_number", NULL, 0, task_ended_by },
};

const struct record_type task_record = { "task", 1, "\ntasks:", task_columns,
						ARRAY_SIZE(task_columns) };
