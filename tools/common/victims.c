// SPDX-License-Identifier: GPL-2.0-or-later
/* The tasks that paid for an injection: who was signalled, how, and what became of them. */
#include "common/victims.h"

#include <signal.h>
#include <string.h>

const char *fate_text(enum fate fate)
{
	static const char *const texts[] = {
		[FATE_UNKNOWN] = "fate not known",
		[FATE_COMING] = "has not run since, pending, alive",
		[FATE_ALIVE] = "alive",
		[FATE_HANDLED] = "its handler ran, alive",
		[FATE_IGNORED] = "ignores SIGBUS, alive",
		[FATE_PENDING] = "blocks SIGBUS, pending, alive",
		[FATE_STOPPED] = "is stopped, pending, alive",
		[FATE_DIED] = "died",
	};

	return texts[fate];
}

const char *signal_code_name(int code)
{
	switch (code) {
	case BUS_MCEERR_AO:
		return "BUS_MCEERR_AO";
	case BUS_MCEERR_AR:
		return "BUS_MCEERR_AR";
	default:
		return NULL;
	}
}

/* One row a thread and code: a thread can be told of the same page early (AO)
 * and run into it later (AR). Code 0 comes from sources that do not tell. */
static struct victim *find(struct victims *v, pid_t tid, int code)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->list[i].tid == tid && v->list[i].code == code)
			return &v->list[i];
	return NULL;
}

static struct victim *find_or_add(struct victims *v, struct kpage_ctx *ctx,
				  const struct kpage_event *e, int code)
{
	struct victim *found = find(v, e->tid, code);
	struct kpage_task task;

	if (found)
		return found;
	v->list = xreallocarray(v->list, v->n + 1, sizeof(*v->list));
	found = &v->list[v->n++];
	*found = (struct victim){ .tid = e->tid, .code = code };
	memcpy(found->comm, e->comm, sizeof(found->comm));
	if (v->process_of)
		found->pid = v->process_of(e->tid, v->arg);
	else if (!kpage_task_read(ctx, e->tid, &task))
		found->pid = task.pid;
	return found;
}

static void add_signal(struct victim *victim, const struct kpage_event *e, uint64_t address)
{
	if (e->sent == KPAGE_SENT_IGNORED)
		victim->ignored++;
	else if (e->sent == KPAGE_SENT_PENDING)
		victim->merged++;
	else
		victim->sent++;
	if (address && !victim->has_address) {
		victim->address = address;
		victim->has_address = true;
	}
}

void victims_add(struct victims *v, struct kpage_ctx *ctx, const struct kpage_event *e,
		 uint64_t address)
{
	struct victim *victim;

	switch (e->kind) {
	case KPAGE_EVENT_SIGNAL:
		add_signal(find_or_add(v, ctx, e, e->code), e, address);
		break;
	case KPAGE_EVENT_DELIVERED:
		/* Of a signal that was not ours to tell of, neither is this. */
		victim = find(v, e->tid, e->code);
		if (!victim)
			break;
		if (e->handler)
			victim->handler_ran = true;
		else
			victim->default_action = true;
		break;
	case KPAGE_EVENT_FAULT:
		/* The kernel's message about an access (AR): the only source of its address. */
		victim = find_or_add(v, ctx, e, BUS_MCEERR_AR);
		if (!victim->has_address) {
			victim->address = e->address;
			victim->has_address = true;
		}
		break;
	case KPAGE_EVENT_FAILURE:
		break;
	}
}

static bool has_died(struct kpage_ctx *ctx, const struct victim *victim)
{
	return kpage_task_read_memory(ctx, victim->pid ? victim->pid : victim->tid, NULL);
}

static enum fate judge(struct kpage_ctx *ctx, const struct victim *victim)
{
	struct kpage_task task;

	if (has_died(ctx, victim))
		return FATE_DIED;
	if (victim->default_action)
		return FATE_UNKNOWN;	/* it will be gone in a moment */
	if (victim->handler_ran)
		return FATE_HANDLED;
	if (victim->ignored && !victim->sent)
		return FATE_IGNORED;
	if (kpage_task_read(ctx, victim->tid, &task))
		return FATE_DIED;
	if (task.sigbus_pending && task.sigbus_blocked)
		return FATE_PENDING;
	if (task.sigbus_pending && (task.state == 'T' || task.state == 't'))
		return FATE_STOPPED;
	if (task.sigbus_pending)
		return FATE_COMING;
	/* Without the trace of the delivery: a handler that has nothing pending ran. */
	return task.sigbus_caught ? FATE_HANDLED : FATE_UNKNOWN;
}

bool victim_died_of_it(const struct victim *v)
{
	/* Without a trace of the delivery: an access is answered by a handler or death. */
	return v->default_action || (v->fate == FATE_DIED && !v->handler_ran);
}

enum fates victims_look(struct victims *v, struct kpage_ctx *ctx)
{
	enum fates fates = FATES_KNOWN;

	for (size_t i = 0; i < v->n; i++) {
		v->list[i].fate = judge(ctx, &v->list[i]);
		if (v->list[i].fate == FATE_COMING)
			fates = FATES_COMING;
		else if (v->list[i].fate == FATE_UNKNOWN)
			fates = MAX(fates, FATES_OPEN);
	}
	return fates;
}

void victims_close(struct victims *v, struct kpage_ctx *ctx)
{
	victims_look(v, ctx);
	for (size_t i = 0; i < v->n; i++)
		if (v->list[i].fate == FATE_UNKNOWN && !v->list[i].default_action)
			v->list[i].fate = FATE_ALIVE;
}

void victims_release(struct victims *v)
{
	free(v->list);
	*v = (struct victims){ 0 };
}
