// SPDX-License-Identifier: GPL-2.0-or-later
/* What must not be injected by a route, or can't be. */
#include "objections.h"

#include <string.h>

#include "common/util.h"
#include "virtual.h"

static bool type_is(const struct options *opt, const char *type)
{
	return !opt->by_machine && !strcmp(opt->type, type);
}

bool is_real(const struct options *opt)
{
	return opt->by_machine || !type_is(opt, "sw");
}

struct reason {
	bool wrong;
	const char *text;
};

static int find_reason(const char *name, const struct reason *reasons, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (reasons[i].wrong)
			return fail(EXIT_CANNOT, "%s: %s", name, reasons[i].text);
	return EXIT_OK;
}

/* The monitor does nothing for a CPU that is not there, and says nothing. */
static int check_machine(const struct options *opt, const struct machine *machine, const char *name,
			 const struct mce *m)
{
	const struct reason reasons[] = {
		{ m->way & MCE_HOLD, "HOLD: the machine does it at once" },
		{ !(m->value[MCE_STATUS] & MCI_VAL), "STATUS without VAL: the machine takes none" },
		{ !opt->dry_run && m->value[MCE_CPU] >= machine->nr_cpus, "the machine has no such CPU" },
	};

	return find_reason(name, reasons, ARRAY_SIZE(reasons));
}

/* What this route has no way to do, and where leaving it out would do something else. */
static int check_debugfs(const struct options *opt, const struct machine *machine,
			  const char *name, const struct mce *m)
{
	bool amd = vendor_is_amd(machine->rules.vendor), needs_amd = type_is(opt, "df") ||
		   type_is(opt, "th");
	const struct reason reasons[] = {
		{ m->way & MCE_CPU_BROADCAST, "CPU broadcast: debugfs injects on one CPU" },
		{ m->way & MCE_HOLD, "HOLD: debugfs injects at once" },
		{ !(m->value[MCE_STATUS] & MCI_VAL), "STATUS without VAL: the kernel would set it" },
		{ m->value[MCE_MISC] && !(m->value[MCE_STATUS] & MCI_MISCV),
		  "STATUS without MISCV: the kernel sets it for a MISC that is not 0" },
		{ needs_amd && !amd, "--type df and th need a CPU of AMD" },
		{ type_is(opt, "hw") && !amd && !machine->hypervisor,
		  "--type hw: this CPU faults when an error is written into a bank" },
	};

	return find_reason(name, reasons, ARRAY_SIZE(reasons));
}

/* What the kernel will see. The module's exception is raised in the kernel's code, on one CPU. */
static void as_seen(const struct options *opt, const struct mce *m, struct mce *seen)
{
	if (opt->by_machine) {
		virtual_as_seen(m, seen);
		return;
	}
	*seen = *m;
	mce_set(seen, MCE_CS, 0x10);
	mce_set(seen, MCE_MCGSTATUS, MCG_MCIP | MCG_RIPV | MCG_EIPV);
}

bool poisons(const struct options *opt, const struct machine *machine, const struct mce *m)
{
	struct mce_judgement j;
	struct mce seen;

	if (!is_real(opt) || !mce_has(m, MCE_ADDR))
		return false;
	as_seen(opt, m, &seen);
	mce_judge(&seen, &machine->rules, &j);
	return j.action == MCE_FAILURE;
}

static bool is_lonely(const struct options *opt, const struct machine *machine, const struct mce *m,
		      const struct mce *seen)
{
	struct vm_check check;

	if (!(m->value[MCE_STATUS] & MCI_UC) || vendor_is_amd(machine->rules.vendor) ||
	    machine->nr_cpus < 2)
		return false;
	if (!opt->by_machine)
		return true;
	virtual_check(opt, machine, m, &check);
	return !check.broadcast && !(seen->value[MCE_MCGSTATUS] & MCG_LMCES);
}

static const char *panic_reason(const struct options *opt, const struct machine *machine,
				const struct mce *m)
{
	struct mce_judgement j;
	struct mce seen;

	as_seen(opt, m, &seen);
	mce_judge(&seen, &machine->rules, &j);
	if (j.action == MCE_PANIC)
		return j.because;
	if (is_lonely(opt, machine, m, &seen))
		return "a machine check on one of several CPUs: the others do not come";
	return NULL;
}

static int check_panic(const struct options *opt, const struct machine *machine, const char *name,
		       const struct mce *m)
{
	bool panics = opt->by_machine || type_is(opt, "hw");
	const char *reason = panics ? panic_reason(opt, machine, m) : NULL;

	if (!reason || opt->fake_panic || opt->force)
		return EXIT_OK;
	return fail(EXIT_REFUSED, "%s: would panic this kernel: %s (see %s--force)", name, reason,
		    opt->by_machine ? "" : "--fake-panic, ");
}

static void say_what_stays(const struct options *opt, const struct machine *machine,
			   const char *name, const struct mce *m)
{
	uint64_t status = m->value[MCE_STATUS];

	if (opt->by_machine && !(status & MCI_UC))
		return;
	if (is_real(opt))
		warn("%s: a machine check counts as one of the hardware: no page can be unpoisoned until "
		     "the next boot", name);
	else if (!(status & MCI_UC) && status & MCI_ADDRV && machine->rules.vendor == VENDOR_INTEL)
		warn("%s: a kernel with the corrected errors collector soft-offlines the page at its "
		     "second corrected error", name);
}

int objections(const struct options *opt, const struct machine *machine, const char *name,
	       const struct mce *m)
{
	int status = opt->by_machine ? check_machine(opt, machine, name, m) :
				       check_debugfs(opt, machine, name, m);

	if (!status)
		status = check_panic(opt, machine, name, m);
	if (!status)
		say_what_stays(opt, machine, name, m);
	return status;
}
