// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel says of the pages and the tasks of an injection, put together. */
#include "common/inject.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "common/signals.h"

#define TICK_MS 10
/* In which the other half of what was read comes, if it comes. */
#define HALF_S	0.1

static void count_result(struct injection *inj, const struct kpage_event *e)
{
	struct kernel_result *r = inj->results;

	for (size_t i = 0; i < inj->nr_results; i++, r++)
		if (!strcmp(r->type, e->type) && !strcmp(r->result, e->result)) {
			r->pages++;
			return;
		}
	inj->results = xreallocarray(inj->results, inj->nr_results + 1, sizeof(*inj->results));
	r = &inj->results[inj->nr_results++];
	*r = (struct kernel_result){ .pages = 1 };
	memcpy(r->type, e->type, sizeof(r->type));
	memcpy(r->result, e->result, sizeof(r->result));
}

/* Where the page lies in the receiver, as far as we came by it there. */
static uint64_t address_of(const struct injection *inj, uint64_t pfn, pid_t tid)
{
	struct kpage_task task;

	if (inj->hooks.address)
		return inj->hooks.address(pfn, tid, inj->hooks.arg);
	for (size_t i = 0; i < inj->nr_recent; i++) {
		if (inj->recent[i].pfn != pfn || !inj->recent[i].pid)
			continue;
		if (inj->recent[i].pid == tid || (!kpage_task_read(inj->ctx, tid, &task) &&
						  task.pid == inj->recent[i].pid))
			return inj->recent[i].address;
	}
	return 0;
}

/* Events come in the order of the injections: mostly it is the next one. */
static bool is_ours(struct injection *inj, uint64_t pfn)
{
	for (size_t n = 0; n < inj->nr_recent; n++) {
		size_t i = (inj->recent_next + n) % inj->nr_recent;

		if (inj->recent[i].pfn != pfn)
			continue;
		inj->recent_next = i + 1;
		return true;
	}
	return false;
}

/* Whether the kernel's log tells of each access to a poisoned page, which x86's does. */
static bool has_faults(const struct injection *inj)
{
#ifdef __x86_64__
	return kpage_watch_has_kmsg(inj->watch);
#else
	(void)inj;
	return false;
#endif
}

static void drop_waiting(struct injection *inj, size_t n)
{
	if (!n)
		return;
	inj->nr_waiting -= n;
	memmove(inj->waiting, inj->waiting + n, inj->nr_waiting * sizeof(*inj->waiting));
	inj->nr_waited -= MIN(n, inj->nr_waited);
}

/* The first n. pfn 0: their page is not known. */
static void release_waiting(struct injection *inj, size_t n, uint64_t pfn)
{
	for (size_t i = 0; i < n; i++) {
		const struct kpage_event *e = &inj->waiting[i];

		victims_add(&inj->victims, inj->ctx, e, address_of(inj, pfn, e->tid));
	}
	drop_waiting(inj, n);
}

static void add_waiting(struct injection *inj, const struct kpage_event *e)
{
	inj->waiting = xgrow(inj->waiting, inj->nr_waiting, sizeof(*inj->waiting));
	inj->waiting[inj->nr_waiting++] = *e;
}

/* A task may take its signal before the kernel has done with the page. */
static bool has_waiting(const struct injection *inj, pid_t tid)
{
	for (size_t i = 0; i < inj->nr_waiting; i++)
		if (inj->waiting[i].tid == tid)
			return true;
	return false;
}

static bool is_of_ours(const struct injection *inj, const struct kpage_event *fault)
{
	return !inj->hooks.touched || inj->hooks.touched(fault, inj->hooks.arg);
}

/* The log tells of an access before the trace has its signal. It adds the address to the
 * row of that: a task has its rows in the order of its signals. */
static void add_touch(struct injection *inj, const struct kpage_event *signal,
		      const struct kpage_event *fault)
{
	if (!is_of_ours(inj, fault))
		return;
	if (signal)
		victims_add(&inj->victims, inj->ctx, signal, 0);
	victims_add(&inj->victims, inj->ctx, fault, 0);
}

/* Takes the access that a signal was sent for. */
static bool take_fault(struct injection *inj, pid_t tid, struct kpage_event *out)
{
	for (size_t i = 0; i < inj->nr_faults; i++) {
		if (inj->faults[i].tid != tid)
			continue;
		*out = inj->faults[i];
		memmove(&inj->faults[i], &inj->faults[i + 1],
			(--inj->nr_faults - i) * sizeof(*inj->faults));
		return true;
	}
	return false;
}

static void take_signal(struct injection *inj, const struct kpage_event *e)
{
	bool touched = e->code == BUS_MCEERR_AR;
	struct kpage_event fault;

	if (e->pfn && !inj->all_pages && !is_ours(inj, e->pfn))
		return;
	if (e->pfn) {
		victims_add(&inj->victims, inj->ctx, e, address_of(inj, e->pfn, e->tid));
	} else if (touched && take_fault(inj, e->tid, &fault)) {
		add_touch(inj, e, &fault);
	} else if (touched && !(inj->method->forces && has_faults(inj))) {
		/* A guest's processor, for which KVM touched it, has no line in the log. */
		victims_add(&inj->victims, inj->ctx, e, 0);
	} else {
		add_waiting(inj, e);
	}
}

/* A signal does not name its page. Either the task has touched it, which the log says
 * before; or the memory_failure_event of the same injection follows, and names it. */
static int take_event(const struct kpage_event *e, void *arg)
{
	struct injection *inj = arg;

	if (e->kind == KPAGE_EVENT_FAILURE && !inj->all_pages && !is_ours(inj, e->pfn)) {
		/* Somebody else's page, and his victims. */
		drop_waiting(inj, inj->nr_waiting);
	} else if (e->kind == KPAGE_EVENT_FAILURE) {
		release_waiting(inj, inj->nr_waiting, e->pfn);
		count_result(inj, e);
		if (inj->hooks.failure)
			inj->hooks.failure(e, inj->hooks.arg);
	} else if (e->kind == KPAGE_EVENT_SIGNAL) {
		take_signal(inj, e);
	} else if (e->kind == KPAGE_EVENT_FAULT) {
		inj->faults = xgrow(inj->faults, inj->nr_faults, sizeof(*inj->faults));
		inj->faults[inj->nr_faults++] = *e;
	} else if (has_waiting(inj, e->tid)) {
		add_waiting(inj, e);
	} else {
		victims_add(&inj->victims, inj->ctx, e, 0);
	}
	return 0;
}

/* Their signals do not come any more, or can't be seen. */
static void release_faults(struct injection *inj)
{
	for (size_t i = 0; i < inj->nr_faults; i++)
		add_touch(inj, NULL, &inj->faults[i]);
	inj->nr_faults = 0;
}

void injection_read_events(struct injection *inj)
{
	int err;

	inj->nr_waited = inj->nr_waiting;
	err = inj->watch ? kpage_watch_read(inj->watch, take_event, inj) : 0;
	/* What has waited since the reading before waits in vain. */
	release_waiting(inj, inj->nr_waited, 0);
	if (!inj->watch || !kpage_watch_has_trace(inj->watch))
		release_faults(inj);
	/* What the kernel is late to say of them still finds them. */
	inj->recent_read = true;
	/* That took its time: what was seen before it is to be seen again. */
	inj->next = (struct page_sight){ 0 };
	if (!err)
		return;
	/* The pages are still to be seen to; who was signalled is not known any more. */
	warn("%s: %s: the tasks and the kernel's results are not seen from here on",
	     kpage_ctx_error_path(inj->ctx), strerror(-err));
	kpage_watch_free(inj->watch);
	inj->watch = NULL;
	inj->watch_error = err;
}

/* The kernel needs its time to take the instance of tracefs away: meanwhile there is a
 * report to be written. */
static void *free_watch(void *watch)
{
	kpage_watch_free(watch);
	return NULL;
}

static void unwatch(struct injection *inj)
{
	if (!inj->watch)
		return;
	inj->was_watched = true;
	inj->events_lost = kpage_watch_lost(inj->watch);
	inj->unwatching = signals_start_thread(&inj->unwatcher, free_watch, inj->watch);
	if (!inj->unwatching)
		kpage_watch_free(inj->watch);
	inj->watch = NULL;
}

bool injection_has_halves(const struct injection *inj)
{
	return inj->nr_waiting || inj->nr_faults;
}

bool injection_has_open(struct injection *inj)
{
	return injection_has_halves(inj) || victims_look(&inj->victims, inj->ctx) != FATES_KNOWN;
}

bool injection_has_coming(struct injection *inj)
{
	return injection_has_halves(inj) || victims_look(&inj->victims, inj->ctx) == FATES_COMING;
}

static bool waits(struct injection *inj, double passed, double seconds)
{
	enum fates fates;

	if (injection_has_halves(inj) && passed < HALF_S)
		return true;
	fates = victims_look(&inj->victims, inj->ctx);
	return fates != FATES_KNOWN && injection_waits(seconds, passed, fates == FATES_COMING);
}

void injection_settle(struct injection *inj, double seconds)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000 * 1000 };
	const int pending = signals_pending();
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	injection_read_events(inj);
	while (signals_pending() == pending && waits(inj, seconds_since(&start), seconds)) {
		nanosleep(&tick, NULL);
		injection_read_events(inj);
	}
	release_waiting(inj, inj->nr_waiting, 0);
	release_faults(inj);
	victims_close(&inj->victims, inj->ctx);
	unwatch(inj);
	if (inj->has_corrupted)
		inj->has_corrupted = !kpage_hardware_corrupted(inj->ctx, &inj->corrupted_after);
}
