// SPDX-License-Identifier: LGPL-2.1-or-later
/* Following the kernel's memory failures: one front for tracefs and /dev/kmsg. */
#include "watch.h"

#include <string.h>

struct kpage_watch {
	struct watch_trace *trace;	/* NULL: all comes from the log */
	struct watch_kmsg kmsg;		/* fd -1: not readable */
	struct watch_queue queue;
};

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

/* The rest of the queue stays, if `event` ends it early. */
static int hand_out(struct watch_queue *q, int (*event)(const struct kpage_event *, void *),
		    void *arg)
{
	size_t done = 0;
	int ret = 0;

	while (done < q->n && !ret)
		ret = event(&q->events[done++], arg);
	q->n -= done;
	if (q->n)
		memmove(q->events, q->events + done, q->n * sizeof(*q->events));
	return ret;
}

KPAGE_EXPORT int kpage_watch_read(struct kpage_watch *w,
				  int (*event)(const struct kpage_event *, void *), void *arg)
{
	int trace_err = 0, kmsg_err = 0, ret;

	if (w->trace)
		trace_err = watch_trace_gather(w->trace, &w->queue);
	if (w->kmsg.fd >= 0)
		kmsg_err = watch_kmsg_gather(&w->kmsg, &w->queue);
	/* What was read before an error has left the kernel: hand it out first. */
	ret = hand_out(&w->queue, event, arg);
	if (ret)
		return ret;
	return trace_err ? trace_err : kmsg_err;
}

KPAGE_EXPORT uint64_t kpage_watch_lost(const struct kpage_watch *w)
{
	return (w->trace ? watch_trace_lost(w->trace) : 0) + w->kmsg.seq.lost;
}
