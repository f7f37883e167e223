// SPDX-License-Identifier: GPL-2.0-or-later
/* What must not be injected by the debugfs route, or can't be. */
#include "objections.h"

#include <string.h>

#include "common/util.h"

static bool type_is(const struct options *opt, const char *type)
{
	return !strcmp(opt->type, type);
}

/* What this route has no way to do, and where leaving it out would do something else. */
static int check_possible(const struct options *opt, const struct machine *machine,
			  const char *name, const struct mce *m)
{
	bool amd = vendor_is_amd(machine->rules.vendor), needs_amd = type_is(opt, "df") ||
		   type_is(opt, "th");
	const struct {
		bool wrong;
		const char *text;
	} reasons[] = {
		{ m->way & MCE_CPU_BROADCAST, "CPU broadcast: debugfs injects on one CPU" },
		{ m->way & MCE_HOLD, "HOLD: debugfs injects at once" },
		{ !(m->value[MCE_STATUS] & MCI_VAL), "STATUS without VAL: the kernel would set it" },
		{ m->value[MCE_MISC] && !(m->value[MCE_STATUS] & MCI_MISCV),
		  "STATUS without MISCV: the kernel sets it for a MISC that is not 0" },
		{ needs_amd && !amd, "--type df and th need a CPU of AMD" },
		{ type_is(opt, "hw") && !amd && !machine->hypervisor,
		  "--type hw: this CPU faults when an error is written into a bank" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].wrong)
			return fail(EXIT_CANNOT, "%s: %s", name, reasons[i].text);
	return EXIT_OK;
}

/* The exception is raised in the kernel's code, on one CPU. */
static const char *panic_reason(const struct machine *machine, const struct mce *m)
{
	struct mce seen = *m;
	struct mce_judgement j;

	mce_set(&seen, MCE_CS, 0x10);
	mce_set(&seen, MCE_MCGSTATUS, MCG_MCIP | MCG_RIPV | MCG_EIPV);
	mce_judge(&seen, &machine->rules, &j);
	if (j.action == MCE_PANIC)
		return j.because;
	if (m->value[MCE_STATUS] & MCI_UC && !vendor_is_amd(machine->rules.vendor) &&
	    machine->nr_cpus > 1)
		return "a machine check on one of several CPUs: the others do not come";
	return NULL;
}

static int check_panic(const struct options *opt, const struct machine *machine, const char *name,
		       const struct mce *m)
{
	const char *reason = type_is(opt, "hw") ? panic_reason(machine, m) : NULL;

	if (!reason || opt->fake_panic || opt->force)
		return EXIT_OK;
	return fail(EXIT_REFUSED, "%s: would panic this kernel: %s (see --fake-panic, --force)", name,
		    reason);
}

static void say_what_stays(const struct options *opt, const struct machine *machine,
			   const char *name, const struct mce *m)
{
	uint64_t status = m->value[MCE_STATUS];

	if (!type_is(opt, "sw"))
		warn("%s: a machine check counts as one of the hardware: no page can be unpoisoned until "
		     "the next boot", name);
	else if (!(status & MCI_UC) && status & MCI_ADDRV && machine->rules.vendor == VENDOR_INTEL)
		warn("%s: a kernel with the corrected errors collector soft-offlines the page at its "
		     "second corrected error", name);
}

int objections(const struct options *opt, const struct machine *machine, const char *name,
	       const struct mce *m)
{
	int status = check_possible(opt, machine, name, m);

	if (!status)
		status = check_panic(opt, machine, name, m);
	if (!status)
		say_what_stays(opt, machine, name, m);
	return status;
}
