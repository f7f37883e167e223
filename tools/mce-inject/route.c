// SPDX-License-Identifier: GPL-2.0-or-later
/* The routes, and what they have in common. */
#include "route.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/util.h"
#include "show.h"

const struct route *route_find(const char *name)
{
	static const struct route *const routes[] = { &debugfs_route, &mcelog_route, &virtual_route };

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (!strcmp(routes[i]->name, name))
			return routes[i];
	return NULL;
}

void route_say_left_out(const struct mce *m, uint32_t fields, uint32_t ways, const char *why)
{
	/* CPUID comes with PROCESSOR. */
	static const char *const names[NR_MCE_FIELDS] = {
		[MCE_MCGSTATUS] = "MCGSTATUS", [MCE_SYND] = "SYND", [MCE_IPID] = "IPID",
		[MCE_PPIN] = "PPIN", [MCE_CS] = "CS", [MCE_RIP] = "RIP", [MCE_TSC] = "TSC",
		[MCE_TIME] = "TIME", [MCE_SOCKETID] = "SOCKETID", [MCE_APICID] = "APICID",
		[MCE_MCGCAP] = "MCGCAP", [MCE_VENDOR] = "PROCESSOR", [MCE_MICROCODE] = "MICROCODE",
	};
	char words[128], text[256] = "";
	size_t length = 0;

	for (enum mce_field field = 0; field < NR_MCE_FIELDS; field++)
		if (names[field] && mce_has(m, field) && !(fields & UINT32_C(1) << field))
			length += (size_t)snprintf(text + length, sizeof(text) - length, " %s", names[field]);
	way_words(m->way & ~ways, words, sizeof(words));
	if (*words)
		snprintf(text + length, sizeof(text) - length, " %s", words);
	if (*text)
		warn("%s:%s", why, text);
	if (mce_has(m, MCE_ADDR) && !(m->value[MCE_STATUS] & MCI_ADDRV))
		warn("the status has no ADDRV: the kernel does not look at ADDR");
}

const char *route_place_objection(const struct inject_env *env, const struct mce *m)
{
	if (env->opt->dry_run)
		return NULL;
	if (machine_find_cpu(env->machine, m->value[MCE_CPU]) == env->machine->nr_cpus)
		return "the machine has no such CPU, or it is offline";
	if (machine_bank(env->ctx, m->value[MCE_CPU], m->value[MCE_BANK]) == BANK_MISSING)
		return "this CPU has no such bank";
	return NULL;
}

static bool is_local(const struct inject_env *env, const struct mce *m)
{
	return vendor_is_amd(env->machine->rules.vendor) || mce_mcgstatus(m, true) & MCG_LMCES;
}

bool route_is_broadcast(const struct inject_env *env, const struct mce *m, bool exception)
{
	if (m->way & MCE_CPU_BROADCAST)
		return true;
	return exception && !is_local(env, m) && !(m->way & MCE_NOBROADCAST);
}

bool route_is_alone(const struct inject_env *env, const struct mce *m, bool exception)
{
	return exception && env->machine->nr_cpus > 1 && !is_local(env, m) &&
	       !route_is_broadcast(env, m, exception);
}

void route_say_mcgstatus(const struct mce *m, bool exception)
{
	if (exception && !mce_has(m, MCE_MCGSTATUS))
		warn("no MCGSTATUS is given: 0x%" PRIx64 " is taken", mce_mcgstatus(m, true));
}

void route_judge(const struct inject_env *env, const struct mce *seen, bool exception, bool alone,
		 struct mce_judgement *out)
{
	mce_judge_as(seen, &env->machine->rules, exception, out);
	if (alone && out->action != MCE_PANIC) {
		out->action = MCE_PANIC;
		out->because = "a machine check on one of several CPUs: the others do not come";
	}
}

void route_forget_user_mode(struct mce *seen)
{
	if (mce_is_user_mode(seen))
		seen->given &= ~FIELD_BIT(CS);
}

bool route_is_of_a_process(const struct mce_judgement *j)
{
	return j->class == MCE_CLASS_SRAR || j->class == MCE_CLASS_UNCORRECTED;
}
