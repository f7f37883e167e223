// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records as real machine checks of the virtual machine that this runs in. Its monitor takes
 * a CPU, a bank, STATUS, MCGSTATUS, ADDR and MISC. Whatever is uncorrected comes as an
 * exception; for the rest the kernel is made to look at its banks.
 */
#include "virtual.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/util.h"
#include "show.h"

static uint64_t mcgstatus_of(const struct mce *m)
{
	uint64_t status = m->value[MCE_STATUS];

	if (mce_has(m, MCE_MCGSTATUS))
		return m->value[MCE_MCGSTATUS];
	if (!(status & MCI_UC))
		return 0;
	return MCG_MCIP | MCG_RIPV | (status & MCI_AR ? MCG_EIPV : 0);
}

/* Intel's CPUs are told of each other's exceptions, unless one is said to be local. */
static bool is_broadcast(const struct machine *machine, const struct mce *m)
{
	if (m->way & MCE_CPU_BROADCAST)
		return true;
	return m->value[MCE_STATUS] & MCI_UC && !vendor_is_amd(machine->rules.vendor) &&
	       !(mcgstatus_of(m) & MCG_LMCES) && !(m->way & MCE_NOBROADCAST);
}

/* An error that was met by a process is one only while the CPU runs it. */
static bool is_of_a_process(const struct machine *machine, const struct mce *m)
{
	struct mce_judgement j;

	mce_judge(m, &machine->rules, &j);
	if (mce_has(m, MCE_CS) && (m->value[MCE_CS] & 3) == 0)
		return false;
	return j.class == MCE_CLASS_SRAR || j.class == MCE_CLASS_UNCORRECTED;
}

void virtual_check(const struct options *opt, const struct machine *machine, const struct mce *m,
		   struct vm_check *out)
{
	*out = (struct vm_check){
		.cpu = m->value[MCE_CPU],
		.bank = m->value[MCE_BANK],
		.status = m->value[MCE_STATUS],
		.mcgstatus = mcgstatus_of(m),
		.addr = m->value[MCE_ADDR],
		.misc = m->value[MCE_MISC],
		.broadcast = is_broadcast(machine, m),
		.user_mode = is_of_a_process(machine, m),
		.any_cpu = opt->ready && !opt->has_cpu,
		.has_vaddr = opt->has_vaddr,
		.vaddr = opt->vaddr,
	};
}

void virtual_as_seen(const struct mce *m, struct mce *out)
{
	*out = *m;
	mce_set(out, MCE_MCGSTATUS, mcgstatus_of(m));
}

void virtual_say_dropped(const struct mce *m, const struct vm_check *check)
{
	static const struct {
		enum mce_field field;
		const char *name;
	} without_room[] = {
		{ MCE_SYND, "SYND" }, { MCE_IPID, "IPID" }, { MCE_PPIN, "PPIN" }, { MCE_RIP, "RIP" },
		{ MCE_TSC, "TSC" }, { MCE_TIME, "TIME" }, { MCE_SOCKETID, "SOCKETID" },
		{ MCE_APICID, "APICID" }, { MCE_MCGCAP, "MCGCAP" }, { MCE_VENDOR, "PROCESSOR" },
		{ MCE_MICROCODE, "MICROCODE" },
	};
	uint32_t kept = MCE_NOBROADCAST | MCE_CPU_BROADCAST;
	char words[128], names[256] = "";
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(without_room); i++)
		if (mce_has(m, without_room[i].field))
			length += (size_t)snprintf(names + length, sizeof(names) - length, " %s",
						   without_room[i].name);
	way_words(m->way & ~kept, words, sizeof(words));
	if (*words)
		snprintf(names + length, sizeof(names) - length, " %s", words);
	if (*names)
		warn("the machine's monitor takes none of these, they are left out:%s", names);
	if (!mce_has(m, MCE_MCGSTATUS) && check->mcgstatus)
		warn("no MCGSTATUS is given: 0x%" PRIx64 " is taken", check->mcgstatus);
}

int virtual_open(struct kpage_ctx *ctx, struct vm_monitor **out)
{
	int err = vm_monitor_open(ctx, out);

	if (!err)
		return EXIT_OK;
	if (err == -ENODEV)
		return fail(EXIT_CANNOT, "--via machine: this is no virtual machine of hwpoison-lab, which "
			    "has a device for it (try: hwpoison-lab run -- mce-inject ...)");
	if (err == -EBUSY)
		return fail(EXIT_FAILED, "--via machine: somebody else is using the machine's monitor");
	return fail_errno(err, "%s", kpage_ctx_error_path(ctx));
}

int virtual_raise(struct vm_monitor *vm, const struct vm_check *check, const char *name)
{
	int err = vm_monitor_raise(vm, check);

	if (!err)
		return EXIT_OK;
	if (err == -EREMOTEIO)
		return fail(EXIT_CANNOT, "%s: the machine: %s", name, vm_monitor_words(vm));
	return fail_errno(err, "%s: the machine's monitor", name);
}

void virtual_show(const struct vm_check *check)
{
	char text[VM_CHECK_TEXT];

	vm_check_text(check, text);
	printf("would have the machine do: %s\n", text);
}
