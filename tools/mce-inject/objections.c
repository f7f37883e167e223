// SPDX-License-Identifier: GPL-2.0-or-later
/* What must not be injected by a route, or can't be. */
#include "objections.h"

#include "common/util.h"

/* What a kernel that panics, or is kept from it, may have done before. */
static bool may_poison(const struct mce_judgement *j)
{
	return j->action == MCE_FAILURE || j->action == MCE_PANIC;
}

bool poisons(const struct inject_env *env, const struct mce *m)
{
	struct mce_judgement j;

	env->opt->route->judge(env, m, &j);
	return may_poison(&j) && mce_has(m, MCE_ADDR);
}

static int check_panic(const struct inject_env *env, const char *name,
		       const struct mce_judgement *j)
{
	const struct options *opt = env->opt;

	if (j->action != MCE_PANIC || opt->fake_panic || opt->force)
		return EXIT_OK;
	return fail(EXIT_REFUSED, "%s: would panic this kernel: %s (see %s--force)", name, j->because,
		    opt->route->by_module ? "--fake-panic, " : "");
}

static void say_what_stays(const struct inject_env *env, const char *name, const struct mce *m,
			   const struct mce_judgement *j)
{
	uint64_t status = m->value[MCE_STATUS];

	if (j->action == MCE_IGNORED)
		warn("%s: the kernel will ignore it: %s", name, j->because);
	else if (may_poison(j) && j->class != MCE_CLASS_FATAL && mce_has(m, MCE_ADDR))
		warn("%s: a machine check counts as one of the hardware: no page can be unpoisoned until "
		     "the next boot", name);
	else if (!(status & MCI_UC) && status & MCI_ADDRV &&
		 env->machine->rules.vendor == VENDOR_INTEL)
		warn("%s: a kernel with the corrected errors collector soft-offlines the page at its "
		     "second corrected error", name);
}

int objections(const struct inject_env *env, const char *name, const struct mce_group *group,
	       size_t i)
{
	const struct mce *m = &group->records[i];
	const char *reason = env->opt->route->objection(env, group, i);
	struct mce_judgement j;
	int status;

	if (reason)
		return fail(EXIT_CANNOT, "%s: %s", name, reason);
	env->opt->route->judge(env, m, &j);
	status = check_panic(env, name, &j);
	if (!status)
		say_what_stays(env, name, m, &j);
	return status;
}
