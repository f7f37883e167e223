// SPDX-License-Identifier: GPL-2.0-or-later
/* Ties the kernel's events together: failures, signals, deliveries, faults. */
#include "tie.h"

#include <signal.h>
#include <string.h>

#include "common/util.h"

void tie_init(struct tie *t, const struct tie_hooks *hooks)
{
	*t = (struct tie){ .hooks = *hooks };
}

/* -------------------------------------------------------------------- tables */

static void take_out(struct tie_kill *list, size_t *n, size_t i)
{
	memmove(list + i, list + i + 1, (--*n - i) * sizeof(*list));
}

/* As it is now. One that was reported as pending has been reported. */
static void report(struct tie *t, size_t i)
{
	struct tie_kill kill = t->kills[i];

	take_out(t->kills, &t->nr_kills, i);
	if (kill.cause == CAUSE_OPEN)
		kill.cause = CAUSE_UNKNOWN;
	if (!kill.told)
		t->hooks.kill(&kill, t->hooks.arg);
}

/* The oldest one that was reported already, else the oldest. */
static void make_room(struct tie *t)
{
	size_t i = 0;

	if (t->nr_kills < TIE_KILLS)
		return;
	while (i < t->nr_kills && !t->kills[i].told)
		i++;
	report(t, i < t->nr_kills ? i : 0);
}

/* Reports those of which nothing is to be waited for. */
static void report_complete(struct tie *t)
{
	for (size_t i = 0; i < t->nr_kills;) {
		const struct tie_kill *k = &t->kills[i];
		bool answered = k->action != ACTION_NONE || k->closed || t->log_only;

		if (!k->told && answered && k->cause != CAUSE_OPEN)
			report(t, i);
		else
			i++;
	}
}

static void add_kill(struct tie *t, const struct tie_kill *kill)
{
	make_room(t);
	t->kills[t->nr_kills++] = *kill;
}

/* --------------------------------------------------------------------- faults */

/* An event, and when it was. */
struct timed {
	const struct kpage_event *e;
	struct tie_time time;
	uint64_t seen_ns;
};

static struct tie_kill kill_of(const struct timed *timed)
{
	const struct kpage_event *e = timed->e;
	struct tie_kill kill = {
		.time = timed->time,
		.seen_ns = timed->seen_ns,
		.tid = e->tid,
		.code = e->code,
	};

	memcpy(kill.comm, e->comm, sizeof(kill.comm));
	return kill;
}

/* By its fault alone: the signal comes from a source that was not, or could not be, seen. */
static void add_touch(struct tie *t, struct tie_kill *kill)
{
	if (!t->hooks.task(kill, t->hooks.arg))
		return;
	kill->closed = true;
	t->hooks.touched(kill, t->hooks.arg);
	if (kill->has_pfn)
		kill->failed_ns = tie_failed_at(t, kill->pfn);
	add_kill(t, kill);
	report_complete(t);
}

static void drop_fault(struct tie *t, size_t i)
{
	struct tie_kill fault = t->faults[i];

	take_out(t->faults, &t->nr_faults, i);
	add_touch(t, &fault);
}

static void add_fault(struct tie *t, const struct timed *timed)
{
	struct tie_kill fault = kill_of(timed);

	/* The kernel says "Killing" of nothing else. */
	fault.code = BUS_MCEERR_AR;
	fault.address = timed->e->address;
	fault.has_address = fault.is_fault = true;
	if (t->log_only) {
		add_touch(t, &fault);
		return;
	}
	if (t->nr_faults == TIE_FAULTS)
		drop_fault(t, 0);
	t->faults[t->nr_faults++] = fault;
}

/* Takes the fault that a signal was sent for. */
static bool take_fault(struct tie *t, pid_t tid, uint64_t *address)
{
	for (size_t i = 0; i < t->nr_faults; i++) {
		if (t->faults[i].tid != tid)
			continue;
		*address = t->faults[i].address;
		take_out(t->faults, &t->nr_faults, i);
		return true;
	}
	return false;
}

/* -------------------------------------------------------------------- signals */

/* A signal that was queued anew: none was pending, so what came of the earlier ones is over,
 * whether it was seen or not (the task may have taken it by sigwait(2)). */
static void close_earlier(struct tie *t, pid_t tid)
{
	for (size_t i = 0; i < t->nr_kills;) {
		struct tie_kill *k = &t->kills[i];

		if (k->tid == tid)
			k->closed = true;
		if (k->tid == tid && k->told)
			take_out(t->kills, &t->nr_kills, i);
		else
			i++;
	}
}

static void add_signal(struct tie *t, const struct timed *timed)
{
	const struct kpage_event *e = timed->e;
	struct tie_kill kill = kill_of(timed);

	if (e->code == BUS_MCEERR_AR)
		kill.has_address = kill.is_fault = take_fault(t, e->tid, &kill.address);
	if (!t->hooks.task(&kill, t->hooks.arg))
		return;
	if (e->sent == KPAGE_SENT_DELIVERED && !t->log_only)
		close_earlier(t, e->tid);
	kill.merged = e->sent == KPAGE_SENT_PENDING;
	if (e->sent == KPAGE_SENT_IGNORED)
		kill.action = ACTION_IGNORED;
	if (e->pfn) {
		kill.pfn = e->pfn;
		kill.has_pfn = true;
	}
	if (kill.is_fault) {
		t->hooks.touched(&kill, t->hooks.arg);
		kill.failed_ns = kill.has_pfn ? tie_failed_at(t, kill.pfn) : 0;
	}
	add_kill(t, &kill);
	report_complete(t);
}

/* SIGBUS does not queue: one delivery is for all that was sent until then. */
static void add_delivery(struct tie *t, const struct timed *timed)
{
	const struct kpage_event *e = timed->e;
	enum tie_action action = e->handler ? ACTION_HANDLER : ACTION_DEFAULT;
	bool known = false;

	for (size_t i = 0; i < t->nr_kills; i++) {
		struct tie_kill *k = &t->kills[i];

		if (k->tid != e->tid || k->closed || k->action == ACTION_IGNORED)
			continue;
		if (k->told) {
			k->pending_ns = k->time.wall_ns;
			k->time = timed->time;
			k->told = false;
		}
		k->action = action;
		known = true;
	}
	if (known && action == ACTION_DEFAULT)
		t->nr_killed++;
	report_complete(t);
}

/* ------------------------------------------------------------------- failures */

uint64_t tie_failed_at(const struct tie *t, uint64_t pfn)
{
	size_t n = (size_t)MIN(t->nr_failures, (uint64_t)TIE_FAILURES);

	for (size_t i = 1; i <= n; i++) {
		size_t at = (t->nr_failures - i) % TIE_FAILURES;

		if (t->failures[at].pfn == pfn)
			return t->failures[at].wall_ns;
	}
	return 0;
}

static bool is_of_failure(const struct tie_kill *k, const struct timed *failure)
{
	uint64_t sent = k->time.mono_ns, failed = failure->time.mono_ns;

	if (k->cause != CAUSE_OPEN || (k->has_pfn && k->pfn != failure->e->pfn))
		return false;
	return sent <= failed && failed - sent <= TIE_GRACE_NS;
}

static void tie_to_failure(struct tie_kill *k, const struct tie_failure *f)
{
	k->cause = CAUSE_FAILURE;
	k->pfn = f->pfn;
	k->has_pfn = true;
	k->failed_ns = f->wall_ns;
	/* One that is gone, of whom no more than the thread is known. */
	if (!k->pid && k->tid == f->pid)
		k->pid = f->pid;
	if (f->has_address && f->pid && k->pid == f->pid && !k->has_address) {
		k->address = f->address;
		k->has_address = true;
	}
}

static void add_failure(struct tie *t, const struct timed *timed)
{
	const struct kpage_event *e = timed->e;
	struct tie_failure f = {
		.wall_ns = timed->time.wall_ns,
		.pfn = e->pfn,
		.type = e->type,
		.result = e->result,
	};
	bool has_victim = false;

	for (size_t i = 0; i < t->nr_kills; i++)
		has_victim |= is_of_failure(&t->kills[i], timed);
	t->failures[t->nr_failures % TIE_FAILURES].pfn = e->pfn;
	t->failures[t->nr_failures++ % TIE_FAILURES].wall_ns = f.wall_ns;
	t->hooks.failure(&f, has_victim, t->hooks.arg);
	for (size_t i = 0; i < t->nr_kills; i++)
		if (is_of_failure(&t->kills[i], timed))
			tie_to_failure(&t->kills[i], &f);
	report_complete(t);
}

/* ----------------------------------------------------------------- all together */

void tie_event(struct tie *t, const struct kpage_event *event, const struct tie_time *now)
{
	struct timed timed = { .e = event, .time = *now, .seen_ns = now->mono_ns };

	/* The log's clock is another one: it stands still while the machine sleeps. */
	if (!t->log_only && event->kind != KPAGE_EVENT_FAULT) {
		timed.time.mono_ns = event->time_ns;
		timed.time.wall_ns = now->wall_ns - now->mono_ns + event->time_ns;
	}
	switch (event->kind) {
	case KPAGE_EVENT_FAILURE:
		add_failure(t, &timed);
		break;
	case KPAGE_EVENT_SIGNAL:
		add_signal(t, &timed);
		break;
	case KPAGE_EVENT_DELIVERED:
		add_delivery(t, &timed);
		break;
	case KPAGE_EVENT_FAULT:
		add_fault(t, &timed);
		break;
	}
}

static bool is_known(const struct tie *t, const struct tie_kill *k)
{
	return k->action != ACTION_NONE || k->closed || t->log_only;
}

/* Whether it is too soon to settle it. A signal that was taken after the events were read is
 * told of by those that are read before the next tick. */
static bool comes(struct tie_kill *k, enum tie_wait wait, uint64_t now_ns)
{
	bool was_taken = k->taken;

	k->taken = wait == WAIT_NONE;
	return (wait == WAIT_COMING && now_ns - k->seen_ns < TIE_LATE_NS) ||
	       (wait == WAIT_NONE && !was_taken);
}

/* Its time is over: what is not known now stays so, unless it waits for its task. */
static void settle(struct tie *t, struct tie_kill *k, uint64_t now_ns)
{
	enum tie_wait wait = WAIT_NONE;

	if (!is_known(t, k)) {
		wait = t->hooks.waits(k->tid, t->hooks.arg);
		if (comes(k, wait, now_ns))
			return;
	}
	if (k->cause == CAUSE_OPEN)
		k->cause = CAUSE_UNKNOWN;
	k->closed = true;
	if (wait == WAIT_NONE)
		return;
	k->action = ACTION_PENDING;
	t->hooks.kill(k, t->hooks.arg);
	k->told = true;
	k->closed = false;
}

void tie_tick(struct tie *t, uint64_t now_ns)
{
	while (t->nr_faults && now_ns - t->faults[0].seen_ns >= TIE_GRACE_NS)
		drop_fault(t, 0);
	for (size_t i = 0; i < t->nr_kills; i++) {
		struct tie_kill *k = &t->kills[i];

		if (!k->told && now_ns - k->seen_ns >= TIE_GRACE_NS)
			settle(t, k, now_ns);
	}
	report_complete(t);
}

bool tie_is_open(const struct tie *t)
{
	for (size_t i = 0; i < t->nr_kills; i++)
		if (!t->kills[i].told)
			return true;
	return t->nr_faults;
}

void tie_end(struct tie *t)
{
	while (t->nr_faults)
		drop_fault(t, 0);
	while (t->nr_kills)
		report(t, 0);
}

void tie_set_log_only(struct tie *t, bool log_only)
{
	if (t->log_only != log_only)
		tie_end(t);
	t->log_only = log_only;
}
