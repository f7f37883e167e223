// SPDX-License-Identifier: LGPL-2.1-or-later
/* Following the kernel's memory failures: one front for tracefs and /dev/kmsg. */
#include "watch.h"

#include <string.h>

#ifndef HAVE_LIBTRACEFS
int watch_trace_open(struct kpage_ctx *ctx, struct watch_trace **out)
{
	(void)out;
	return ctx_error(ctx, -ENODEV, "tracefs");
}

void watch_trace_close(struct watch_trace *t)
{
	(void)t;
}

bool watch_trace_has_failures(const struct watch_trace *t)
{
	(void)t;
	return false;
}

int watch_trace_gather(struct watch_trace *t, struct watch_queue *q)
{
	(void)t;
	(void)q;
	return 0;
}

bool watch_trace_has_more(const struct watch_trace *t)
{
	(void)t;
	return false;
}

size_t watch_trace_nr_cpus(const struct watch_trace *t)
{
	(void)t;
	return 0;
}

int watch_trace_fd(const struct watch_trace *t, size_t cpu)
{
	(void)t;
	(void)cpu;
	return -1;
}

uint64_t watch_trace_lost(const struct watch_trace *t)
{
	(void)t;
	return 0;
}
#endif

int watch_queue_add(struct watch_queue *q, const struct kpage_event *event)
{
	if (q->n == q->room) {
		size_t room = q->room ? q->room * 2 : 64;
		struct kpage_event *events = reallocarray(q->events, room, sizeof(*events));

		if (!events)
			return -ENOMEM;
		q->events = events;
		q->room = room;
	}
	q->events[q->n++] = *event;
	return 0;
}

static bool is_refusal(int err)
{
	return err == -EACCES || err == -EPERM;
}

/* What the log has to tell: what the trace does not. */
static unsigned int kmsg_kinds(const struct watch_trace *trace)
{
	unsigned int kinds = 1u << KPAGE_EVENT_FAULT;

	if (!trace)
		kinds |= 1u << KPAGE_EVENT_SIGNAL;
	if (!trace || !watch_trace_has_failures(trace))
		kinds |= 1u << KPAGE_EVENT_FAILURE;
	return kinds;
}

static int open_sources(struct kpage_ctx *ctx, struct kpage_watch *w)
{
	char path[KPAGE_PATH_MAX];
	int trace_err, err;

	trace_err = watch_trace_open(ctx, &w->trace);
	if (trace_err == -ENOMEM)
		return trace_err;
	strcpy(path, ctx->error_path);
	err = watch_kmsg_open(ctx, kmsg_kinds(w->trace), &w->kmsg);
	if (!err || !trace_err)
		return 0;
	/* Of two failures the one that more rights would mend. */
	return is_refusal(trace_err) || !is_refusal(err) ? ctx_error(ctx, trace_err, path) : err;
}

KPAGE_EXPORT int kpage_watch_new(struct kpage_ctx *ctx, struct kpage_watch **out)
{
	struct kpage_watch *w;
	int err;

	if (!ctx->live)
		return ctx_error(ctx, -ENODEV, "tracefs");
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->kmsg.fd = -1;
	err = open_sources(ctx, w);
	if (err) {
		kpage_watch_free(w);
		return err;
	}
	*out = w;
	return 0;
}

KPAGE_EXPORT void kpage_watch_free(struct kpage_watch *w)
{
	if (!w)
		return;
	watch_trace_close(w->trace);
	watch_kmsg_close(&w->kmsg);
	free(w->queue.events);
	free(w->faults.events);
	free(w->polled);
	free(w);
}

KPAGE_EXPORT bool kpage_watch_has_trace(const struct kpage_watch *w)
{
	return w->trace;
}

KPAGE_EXPORT bool kpage_watch_has_kmsg(const struct kpage_watch *w)
{
	return w->kmsg.fd >= 0;
}

/* Room for so many events is kept: a flood's is given back. */
#define ROOM_KEPT 1024

/* The rest of the queue stays, if `event` ends it early. */
static int hand_out(struct watch_queue *q, int (*event)(const struct kpage_event *, void *),
		    void *arg)
{
	size_t done = 0;
	int ret = 0;

	while (done < q->n && !ret)
		ret = event(&q->events[done++], arg);
	q->n -= done;
	if (q->n) {
		memmove(q->events, q->events + done, q->n * sizeof(*q->events));
	} else if (q->room > ROOM_KEPT) {
		free(q->events);
		*q = (struct watch_queue){ 0 };
	}
	return ret;
}

/* Where the log's events go. With a trace that has all the others they are faults. These
 * are handed out first: the kernel logs a fault before it sends the signal. */
static struct watch_queue *log_queue(struct kpage_watch *w)
{
	return w->trace && watch_trace_has_failures(w->trace) ? &w->faults : &w->queue;
}

KPAGE_EXPORT int kpage_watch_read(struct kpage_watch *w,
				  int (*event)(const struct kpage_event *, void *), void *arg)
{
	int trace_err = 0, kmsg_err = 0, ret;

	/* The log after the trace, so that of a signal that was seen the fault is there. */
	if (w->trace)
		trace_err = watch_trace_gather(w->trace, &w->queue);
	if (w->kmsg.fd >= 0)
		kmsg_err = watch_kmsg_gather(&w->kmsg, log_queue(w));
	/* What was read before an error has left the kernel: hand it out first. */
	ret = hand_out(&w->faults, event, arg);
	if (!ret)
		ret = hand_out(&w->queue, event, arg);
	if (ret)
		return ret;
	return trace_err ? trace_err : kmsg_err;
}

static int prepare_poll(struct kpage_watch *w)
{
	size_t cpus = w->trace ? watch_trace_nr_cpus(w->trace) : 0;

	w->polled = calloc(cpus + 1, sizeof(*w->polled));
	if (!w->polled)
		return -ENOMEM;
	w->nr_polled = cpus + 1;
	for (size_t i = 0; i < cpus; i++)
		w->polled[i] = (struct pollfd){ watch_trace_fd(w->trace, i), POLLIN, 0 };
	/* -1 is passed over. */
	w->polled[cpus] = (struct pollfd){ w->kmsg.fd, POLLIN, 0 };
	return 0;
}

KPAGE_EXPORT int kpage_watch_wait(struct kpage_watch *w, int timeout_ms)
{
	int err = w->polled ? 0 : prepare_poll(w), n;

	if (err)
		return err;
	if (w->queue.n || w->faults.n || (w->trace && watch_trace_has_more(w->trace)))
		return 1;
	n = poll(w->polled, w->nr_polled, timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n > 0;
}

KPAGE_EXPORT uint64_t kpage_watch_lost(const struct kpage_watch *w)
{
	return (w->trace ? watch_trace_lost(w->trace) : 0) + w->kmsg.seq.lost;
}
