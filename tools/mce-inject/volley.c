// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module mce_inject keeps a record a CPU, in place of its registers. One is raised at
 * once, on the CPU of the process that writes it, in that process; the rest, by a broadcast
 * of it, in whatever their CPUs run. So all records but one are laid down before it.
 *
 * Intel's handler waits for all CPUs: those that have no error get an exception without one.
 */
#include "volley.h"

#include "common/util.h"

bool volley_is_exception(const struct inject_env *env, const struct mce *m)
{
	if (m->way & (MCE_EXCP | MCE_POLL))
		return m->way & MCE_EXCP;
	return mce_is_exception(m, &env->machine->rules);
}

/* A code segment can only be said where no other code is hit. */
bool volley_is_own(const struct inject_env *env, const struct mce *m)
{
	if (m->way & (MCE_HOLD | MCE_CPU_BROADCAST))
		return false;
	return m->way & (MCE_IN_PROC | MCE_IN_IRQ) || mce_has(m, MCE_CS) ||
	       !volley_is_exception(env, m) || env->machine->nr_cpus < 2;
}

bool volley_has_code(const struct inject_env *env, const struct mce *m)
{
	return volley_is_own(env, m) || m->way & MCE_IRQBROADCAST;
}

bool volley_is_broadcast(const struct inject_env *env, const struct mce *m)
{
	bool exception = volley_is_exception(env, m);

	return exception && route_is_broadcast(env, m, exception);
}

static void arm(const struct inject_env *env, struct volley *v, size_t i, const struct mce *m)
{
	bool exception = volley_is_exception(env, m), code = volley_has_code(env, m);

	v->armed[i] = true;
	v->records[i] = (struct mcelog_record){
		.status = m->value[MCE_STATUS],
		.misc = m->value[MCE_MISC],
		.addr = m->value[MCE_ADDR],
		.mcgstatus = mce_mcgstatus(m, exception),
		.ip = code ? m->value[MCE_RIP] : 0,
		.cs = code ? (uint8_t)m->value[MCE_CS] : 0,
		.bank = (uint8_t)m->value[MCE_BANK],
		.inject_flags = exception ? MCJ_EXCEPTION : 0,
	};
}

static void arm_all_others(struct volley *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (!v->armed[i]) {
			v->armed[i] = true;
			v->records[i] = (struct mcelog_record){
				.mcgstatus = MCG_MCIP | MCG_RIPV, .inject_flags = MCJ_EXCEPTION,
			};
		}
}

/* Where no CPU is free, one that has a record raises it in the process that injects. */
static size_t choose_raiser(const struct inject_env *env, const struct volley *v,
			    const struct mce *last)
{
	if (last->way & MCE_CPU_BROADCAST)
		return 0;
	for (size_t i = 0; i < v->n && !volley_is_own(env, last); i++)
		if (!v->armed[i])
			return i;
	return machine_find_cpu(env->machine, last->value[MCE_CPU]);
}

bool volley_has_broadcast(const struct inject_env *env, const struct mce_group *group)
{
	for (size_t i = 0; i < group->n; i++)
		if (volley_is_broadcast(env, &group->records[i]))
			return true;
	return false;
}

static void arm_group(const struct inject_env *env, const struct mce_group *group, struct volley *v)
{
	for (size_t i = 0; i < group->n; i++) {
		const struct mce *m = &group->records[i];

		if (!(m->way & MCE_CPU_BROADCAST)) {
			arm(env, v, machine_find_cpu(env->machine, m->value[MCE_CPU]), m);
			continue;
		}
		for (size_t cpu = 0; cpu < v->n; cpu++)
			arm(env, v, cpu, m);
	}
}

bool volley_wants_interrupt(const struct mce_group *group)
{
	for (size_t i = 0; i < group->n; i++)
		if (group->records[i].way & MCE_IRQBROADCAST)
			return true;
	return false;
}

static void set_raiser(struct volley *v, const struct mce_group *group)
{
	const struct mce *last = &group->records[group->n - 1];
	struct mcelog_record *r = &v->records[v->raiser];
	bool others = false;

	for (size_t i = 0; i < v->n; i++)
		others |= v->armed[i] && i != v->raiser;
	r->inject_flags |= last->way & MCE_IN_IRQ ? MCJ_CTX_IRQ : MCJ_CTX_PROCESS;
	if (others)
		r->inject_flags |= volley_wants_interrupt(group) ? MCJ_IRQ_BROADCAST : MCJ_NMI_BROADCAST;
}

void volley_make(const struct inject_env *env, const struct mce_group *group, struct volley *out)
{
	const struct mce *last = &group->records[group->n - 1];
	size_t n = env->machine->nr_cpus;

	*out = (struct volley){
		.n = n,
		.records = xcalloc(n, sizeof(*out->records)),
		.armed = xcalloc(n, sizeof(*out->armed)),
	};
	arm_group(env, group, out);
	out->raiser = choose_raiser(env, out, last);
	if (volley_has_broadcast(env, group))
		arm_all_others(out);
	for (size_t i = 0; i < n; i++)
		out->records[i].extcpu = env->machine->cpus[i];
	set_raiser(out, group);
}

void volley_release(struct volley *v)
{
	free(v->records);
	free(v->armed);
}
