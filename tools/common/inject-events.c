// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel says of the pages and the tasks of an injection, put together. */
#include "common/inject.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "common/signals.h"

#define TICK_MS 10

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

static void release_waiting(struct injection *inj, uint64_t pfn)
{
	for (size_t i = 0; i < inj->nr_waiting; i++) {
		const struct kpage_event *e = &inj->waiting[i];

		victims_add(&inj->victims, inj->ctx, e, address_of(inj, pfn, e->tid));
	}
	inj->nr_waiting = 0;
}

/* A signal does not name its page; the memory_failure_event of the same
 * injection follows it, and does. */
static int take_event(const struct kpage_event *e, void *arg)
{
	struct injection *inj = arg;

	if (e->kind == KPAGE_EVENT_FAILURE && !inj->all_pages && !is_ours(inj, e->pfn)) {
		/* Somebody else's page, and his victims. */
		inj->nr_waiting = 0;
	} else if (e->kind == KPAGE_EVENT_FAILURE) {
		release_waiting(inj, e->pfn);
		count_result(inj, e);
		if (inj->hooks.failure)
			inj->hooks.failure(e, inj->hooks.arg);
	} else if (e->kind == KPAGE_EVENT_SIGNAL && !e->pfn && e->code != BUS_MCEERR_AR) {
		inj->waiting = xreallocarray(inj->waiting, inj->nr_waiting + 1,
					     sizeof(*inj->waiting));
		inj->waiting[inj->nr_waiting++] = *e;
	} else if (e->kind == KPAGE_EVENT_FAULT) {
		inj->faults = xgrow(inj->faults, inj->nr_faults, sizeof(*inj->faults));
		inj->faults[inj->nr_faults++] = *e;
	} else {
		victims_add(&inj->victims, inj->ctx, e,
			    e->kind == KPAGE_EVENT_SIGNAL ? address_of(inj, e->pfn, e->tid) : 0);
	}
	return 0;
}

/* The log tells of an access before the trace has any signal, but it only adds an address
 * to the row of one: a task has its rows in the order of its signals. */
static void release_faults(struct injection *inj)
{
	for (size_t i = 0; i < inj->nr_faults; i++)
		victims_add(&inj->victims, inj->ctx, &inj->faults[i], 0);
	inj->nr_faults = 0;
}

void injection_read_events(struct injection *inj)
{
	int err = inj->watch ? kpage_watch_read(inj->watch, take_event, inj) : 0;

	release_waiting(inj, 0);
	release_faults(inj);
	inj->nr_recent = 0;
	inj->recent_next = 0;
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

void injection_settle(struct injection *inj, double seconds)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000 * 1000 };

	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	injection_read_events(inj);
	while (victims_are_open(&inj->victims, inj->ctx) && seconds_since(&start) < seconds) {
		nanosleep(&tick, NULL);
		injection_read_events(inj);
	}
	victims_close(&inj->victims, inj->ctx);
	unwatch(inj);
	if (inj->has_corrupted)
		inj->has_corrupted = !kpage_hardware_corrupted(inj->ctx, &inj->corrupted_after);
}
