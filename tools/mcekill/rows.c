// SPDX-License-Identifier: GPL-2.0-or-later
/* The records of --monitor: one table for all of them in the text. */
#include "monitor.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "common/victims.h"

#define SECOND_NS UINT64_C(1000000000)

/* RFC 3339, UTC. */
static void cell_time(struct cell *c, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / SECOND_NS);
	struct tm tm;
	size_t n;

	if (!wall_ns || !gmtime_r(&seconds, &tm))
		return;
	n = strftime(c->room, sizeof(c->room), "%FT%T", &tm);
	snprintf(c->room + n, sizeof(c->room) - n, ".%06uZ",
		 (unsigned int)(wall_ns % SECOND_NS / 1000));
	cell_text(c, c->room);
}

static void cell_process(struct cell *c, pid_t pid)
{
	if (pid > 0)
		cell_number(c, (uint64_t)pid);
}

static void get_nothing(const void *row, struct cell *out)
{
	(void)row;
	(void)out;
}

/* The columns of the text that stand before those of each type: all have the same head. */
#define TIME_WIDTH  (-27)
#define EVENT_WIDTH (-7)
#define PFN_WIDTH   (-10)
#define NODE_WIDTH  4
#define PID_WIDTH   7
#define COMM_WIDTH  (-15)

/* -------------------------------------------------------------------- failure */

static const struct failure_row *failure(const void *row)
{
	return row;
}

static void get_failure_time(const void *row, struct cell *out)
{
	cell_time(out, failure(row)->failure->wall_ns);
}

static void get_failure_event(const void *row, struct cell *out)
{
	(void)row;
	cell_text(out, "failure");
}

static void get_failure_pfn(const void *row, struct cell *out)
{
	cell_pfn(out, failure(row)->failure->pfn);
}

static void get_failure_type(const void *row, struct cell *out)
{
	cell_text(out, failure(row)->failure->type);
}

static void get_failure_result(const void *row, struct cell *out)
{
	cell_text(out, failure(row)->failure->result);
}

static void get_failure_node(const void *row, struct cell *out)
{
	if (failure(row)->node >= 0)
		cell_number(out, (uint64_t)failure(row)->node);
}

static void get_failure_origin(const void *row, struct cell *out)
{
	cell_text(out, failure(row)->origin.known ? "ours" : "other");
}

static void get_failure_tool(const void *row, struct cell *out)
{
	cell_text(out, failure(row)->origin.tool);
}

static void get_failure_method(const void *row, struct cell *out)
{
	cell_text(out, failure(row)->origin.method);
}

static void get_failure_pid(const void *row, struct cell *out)
{
	cell_process(out, failure(row)->origin.pid);
}

static void get_failure_comm(const void *row, struct cell *out)
{
	cell_text(out, failure(row)->origin.comm);
}

static void get_failure_kind(const void *row, struct cell *out)
{
	cell_text(out, failure(row)->origin.kind);
}

static void get_failure_address(const void *row, struct cell *out)
{
	if (failure(row)->origin.has_address)
		cell_hex(out, failure(row)->origin.address);
}

static void get_failure_what(const void *row, struct cell *out)
{
	const struct failure_row *f = row;

	snprintf(out->room, sizeof(out->room), "%s: %s", f->failure->type, f->failure->result);
	cell_text(out, out->room);
}

static void get_failure_by(const void *row, struct cell *out)
{
	const struct origin *o = &failure(row)->origin;

	snprintf(out->room, sizeof(out->room), "%s%s%s",
		 !o->known ? "other" : *o->tool ? o->tool : "ours", *o->method ? ", " : "", o->method);
	cell_text(out, out->room);
}

static const struct column failure_columns[] = {
	{ "time", "TIME", TIME_WIDTH, get_failure_time },
	{ NULL, "EVENT", EVENT_WIDTH, get_failure_event },
	{ "pfn", "PFN", PFN_WIDTH, get_failure_pfn },
	{ "type", NULL, 0, get_failure_type },
	{ "result", NULL, 0, get_failure_result },
	{ "node", "NODE", NODE_WIDTH, get_failure_node },
	{ "origin", NULL, 0, get_failure_origin },
	{ "tool", NULL, 0, get_failure_tool },
	{ "method", NULL, 0, get_failure_method },
	{ "pid", "PID", PID_WIDTH, get_failure_pid },
	{ NULL, "TID", PID_WIDTH, get_nothing },
	{ "comm", "COMM", COMM_WIDTH, get_failure_comm },
	{ "kind", NULL, 0, get_failure_kind },
	{ "address", "ADDRESS", -14, get_failure_address },
	{ NULL, "WHAT", -31, get_failure_what },
	{ NULL, "BY", 0, get_failure_by },
};

const struct record_type failure_record = {
	.name = "failure",
	.version = 1,
	.columns = failure_columns,
	.nr_columns = ARRAY_SIZE(failure_columns),
};

/* ----------------------------------------------------------------------- kill */

static const struct tie_kill *the(const void *row)
{
	return row;
}

static void get_kill_time(const void *row, struct cell *out)
{
	cell_time(out, the(row)->time.wall_ns);
}

static void get_kill_event(const void *row, struct cell *out)
{
	cell_text(out, the(row)->action == ACTION_DEFAULT ? "killed" : "signal");
}

static void get_kill_pid(const void *row, struct cell *out)
{
	cell_process(out, the(row)->pid);
}

static void get_kill_tid(const void *row, struct cell *out)
{
	cell_process(out, the(row)->tid);
}

static void get_kill_comm(const void *row, struct cell *out)
{
	cell_text(out, the(row)->comm);
}

static void get_kill_code(const void *row, struct cell *out)
{
	cell_text(out, signal_code_name(the(row)->code));
}

static void get_kill_address(const void *row, struct cell *out)
{
	if (the(row)->has_address)
		cell_hex(out, the(row)->address);
}

static void get_kill_pfn(const void *row, struct cell *out)
{
	if (the(row)->has_pfn)
		cell_pfn(out, the(row)->pfn);
}

static void get_kill_cause(const void *row, struct cell *out)
{
	static const char *const names[] = {
		[CAUSE_OPEN] = "unknown",  [CAUSE_FAILURE] = "memory-failure",
		[CAUSE_LATE] = "late",	   [CAUSE_UFFD] = "uffd",
		[CAUSE_UNKNOWN] = "unknown",
	};

	cell_text(out, names[the(row)->cause]);
}

static void get_kill_action(const void *row, struct cell *out)
{
	static const char *const names[] = {
		[ACTION_NONE] = NULL,	       [ACTION_HANDLER] = "handler",
		[ACTION_DEFAULT] = "default",  [ACTION_IGNORED] = "ignored",
		[ACTION_PENDING] = "pending",
	};

	cell_text(out, names[the(row)->action]);
}

static void get_kill_merged(const void *row, struct cell *out)
{
	cell_bool(out, the(row)->merged);
}

static void get_kill_failed(const void *row, struct cell *out)
{
	cell_time(out, the(row)->failed_ns);
}

static void get_kill_pending_since(const void *row, struct cell *out)
{
	cell_time(out, the(row)->pending_ns);
}

static void get_kill_what(const void *row, struct cell *out)
{
	static const char *const actions[] = {
		[ACTION_NONE] = "",		   [ACTION_HANDLER] = ", a handler took it",
		[ACTION_DEFAULT] = ", killed",	   [ACTION_IGNORED] = ", ignored",
		[ACTION_PENDING] = ", pending",
	};
	const char *code = signal_code_name(the(row)->code);

	snprintf(out->room, sizeof(out->room), "%s%s%s", code ? code : "SIGBUS",
		 the(row)->merged ? ", merged" : "", actions[the(row)->action]);
	cell_text(out, out->room);
}

static void get_kill_by(const void *row, struct cell *out)
{
	static const char *const causes[] = {
		[CAUSE_OPEN] = "unknown",	 [CAUSE_FAILURE] = "memory failure",
		[CAUSE_LATE] = "late",		 [CAUSE_UFFD] = "uffd, no poisoned page",
		[CAUSE_UNKNOWN] = "unknown",
	};

	snprintf(out->room, sizeof(out->room), "%s%s", causes[the(row)->cause],
		 the(row)->pending_ns ? ", was pending" : "");
	cell_text(out, out->room);
}

static const struct column kill_columns[] = {
	{ "time", "TIME", TIME_WIDTH, get_kill_time },
	{ NULL, "EVENT", EVENT_WIDTH, get_kill_event },
	{ NULL, "PFN", PFN_WIDTH, get_kill_pfn },
	{ NULL, "NODE", NODE_WIDTH, get_nothing },
	{ "pid", "PID", PID_WIDTH, get_kill_pid },
	{ "tid", "TID", PID_WIDTH, get_kill_tid },
	{ "comm", "COMM", COMM_WIDTH, get_kill_comm },
	{ "code", NULL, 0, get_kill_code },
	{ "address", "ADDRESS", -14, get_kill_address },
	{ "pfn", NULL, 0, get_kill_pfn },
	{ "cause", NULL, 0, get_kill_cause },
	{ "action", NULL, 0, get_kill_action },
	{ "merged", NULL, 0, get_kill_merged },
	{ "failed", NULL, 0, get_kill_failed },
	{ "pending_since", NULL, 0, get_kill_pending_since },
	{ NULL, "WHAT", -31, get_kill_what },
	{ NULL, "BY", 0, get_kill_by },
};

const struct record_type kill_record = {
	.name = "kill",
	.version = 1,
	.columns = kill_columns,
	.nr_columns = ARRAY_SIZE(kill_columns),
};

/* ----------------------------------------------------------------------- lost */

static void get_lost_time(const void *row, struct cell *out)
{
	cell_time(out, ((const struct lost_row *)row)->wall_ns);
}

static void get_lost_event(const void *row, struct cell *out)
{
	(void)row;
	cell_text(out, "lost");
}

static void get_lost_events(const void *row, struct cell *out)
{
	const struct lost_row *lost = row;

	if (lost->has_events)
		cell_number(out, lost->events);
}

static void get_lost_what(const void *row, struct cell *out)
{
	const struct lost_row *lost = row;

	if (lost->has_events)
		snprintf(out->room, sizeof(out->room), "%" PRIu64 " events", lost->events);
	else
		strcpy(out->room, "events, nobody knows how many");
	cell_text(out, out->room);
}

/* What these types have not. */
#define NO_TASK                                                                             \
	{ NULL, "PFN", PFN_WIDTH, get_nothing }, { NULL, "NODE", NODE_WIDTH, get_nothing }, \
	{ NULL, "PID", PID_WIDTH, get_nothing }, { NULL, "TID", PID_WIDTH, get_nothing },   \
	{ NULL, "COMM", COMM_WIDTH, get_nothing }, { NULL, "ADDRESS", -14, get_nothing }

static const struct column lost_columns[] = {
	{ "time", "TIME", TIME_WIDTH, get_lost_time },
	{ NULL, "EVENT", EVENT_WIDTH, get_lost_event },
	{ "events", NULL, 0, get_lost_events },
	NO_TASK,
	{ NULL, "WHAT", -31, get_lost_what },
	{ NULL, "BY", 0, get_nothing },
};

const struct record_type lost_record = {
	.name = "lost",
	.version = 1,
	.columns = lost_columns,
	.nr_columns = ARRAY_SIZE(lost_columns),
};

/* -------------------------------------------------------------------- the end */

static const struct monitor_row *monitor(const void *row)
{
	return row;
}

static void get_failures(const void *row, struct cell *out)
{
	cell_number(out, monitor(row)->failures);
}

static void get_signals(const void *row, struct cell *out)
{
	cell_number(out, monitor(row)->signals);
}

static void get_killed(const void *row, struct cell *out)
{
	if (monitor(row)->has_killed)
		cell_number(out, monitor(row)->killed);
}

static void get_lost(const void *row, struct cell *out)
{
	if (monitor(row)->has_lost)
		cell_number(out, monitor(row)->lost);
}

static void get_since(const void *row, struct cell *out)
{
	cell_time(out, monitor(row)->since_ns);
}

static void get_until(const void *row, struct cell *out)
{
	cell_time(out, monitor(row)->until_ns);
}

static void get_source(const void *row, struct cell *out)
{
	cell_text(out, monitor(row)->has_trace ? "tracefs" : "kmsg");
}

static void get_end(const void *row, struct cell *out)
{
	(void)row;
	cell_text(out, "end");
}

/* "3 failures, 2 signals" */
static void get_end_what(const void *row, struct cell *out)
{
	snprintf(out->room, sizeof(out->room), "%" PRIu64 " failures, %" PRIu64 " signals",
		 monitor(row)->failures, monitor(row)->signals);
	cell_text(out, out->room);
}

/* "1 killed, 0 lost" */
static void get_end_by(const void *row, struct cell *out)
{
	char killed[24] = "?", lost[24] = "?";

	if (monitor(row)->has_killed)
		snprintf(killed, sizeof(killed), "%" PRIu64, monitor(row)->killed);
	if (monitor(row)->has_lost)
		snprintf(lost, sizeof(lost), "%" PRIu64, monitor(row)->lost);
	snprintf(out->room, sizeof(out->room), "%s killed, %s lost", killed, lost);
	cell_text(out, out->room);
}

static const struct column monitor_columns[] = {
	{ "failures", NULL, 0, get_failures },
	{ "signals", NULL, 0, get_signals },
	{ "killed", NULL, 0, get_killed },
	{ "lost", NULL, 0, get_lost },
	{ "since", NULL, 0, get_since },
	{ "until", "TIME", TIME_WIDTH, get_until },
	{ "source", NULL, 0, get_source },
	{ NULL, "EVENT", EVENT_WIDTH, get_end },
	NO_TASK,
	{ NULL, "WHAT", -31, get_end_what },
	{ NULL, "BY", 0, get_end_by },
};

const struct record_type monitor_record = {
	.name = "monitor",
	.version = 1,
	.columns = monitor_columns,
	.nr_columns = ARRAY_SIZE(monitor_columns),
};
