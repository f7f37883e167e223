/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two sources of a watch, and the queue between them and its reader. */
#pragma once

#include <poll.h>

#include "private.h"

/*
 * Events that were gathered and not handed out yet. Sources append; the reader
 * takes all of them, or, when it stops early, finds the rest at its next call.
 */
struct watch_queue {
	struct kpage_event *events;
	size_t n, room;
};

int watch_queue_add(struct watch_queue *q, const struct kpage_event *event);

/* ------------------------------------------------------------------- tracefs */

/* An instance of our own below tracefs, with its open per-CPU buffers. */
struct watch_trace;

/* -ENODEV: no tracefs; -EACCES; errors of mkdir(2) and write(2). */
int watch_trace_open(struct kpage_ctx *ctx, struct watch_trace **out);
void watch_trace_close(struct watch_trace *t);

/* Whether this kernel has memory_failure_event. */
bool watch_trace_has_failures(const struct watch_trace *t);

/* Appends what the kernel recorded until now, by time; what it records meanwhile comes
 * next time, and until then there is more. */
int watch_trace_gather(struct watch_trace *t, struct watch_queue *q);
bool watch_trace_has_more(const struct watch_trace *t);

/* What to poll(2) for new records. Borrowed. */
size_t watch_trace_nr_cpus(const struct watch_trace *t);
int watch_trace_fd(const struct watch_trace *t, size_t cpu);
uint64_t watch_trace_lost(const struct watch_trace *t);

/* ------------------------------------------------------------------ /dev/kmsg */

/* Which record comes next, to see the ones that were overwritten. */
struct kmsg_seq {
	bool known;
	uint64_t next;
	uint64_t lost;
};

/* A record was read. */
void kmsg_seq_saw(struct kmsg_seq *s, uint64_t seq);

/* read(2) failed with EPIPE: the record that comes next was overwritten. */
void kmsg_seq_overrun(struct kmsg_seq *s);

/*
 * A record as /dev/kmsg gives it: "prio,seq,usec,flags;text\n KEY=value…".
 * Returns 1 and the event, 0 if it is no event of ours, -EBADMSG if it has no
 * header of this form; *seq is set unless that is the case.
 */
int kmsg_record_parse(const char *record, uint64_t *seq, struct kpage_event *event);

/* The same of the text alone: what a line of the kernel log says. */
bool kmsg_line_parse(const char *line, struct kpage_event *event);

/* Type and result of "…recovery action for TYPE: RESULT", which is how both the
 * log and the trace event word it. */
bool failure_text_parse(const char *text, struct kpage_event *event);

struct watch_kmsg {
	int fd;
	unsigned int kinds;	/* bits 1 << enum kpage_event_kind that are wanted */
	struct kmsg_seq seq;
};

/* From the end of the log on. -ENODEV: no such device; -EPERM, -EACCES. */
int watch_kmsg_open(struct kpage_ctx *ctx, unsigned int kinds, struct watch_kmsg *out);
void watch_kmsg_close(struct watch_kmsg *k);

/* Appends the wanted events that were logged until now. */
int watch_kmsg_gather(struct watch_kmsg *k, struct watch_queue *q);

/* --------------------------------------------------------------- all together */

struct kpage_watch {
	struct watch_trace *trace;	/* NULL: all comes from the log */
	struct watch_kmsg kmsg;		/* fd -1: not readable */
	struct watch_queue queue;
	struct watch_queue faults;	/* from the log, next to a trace */
	struct pollfd *polled;		/* all of the above; NULL: not waited yet */
	size_t nr_polled;
};
