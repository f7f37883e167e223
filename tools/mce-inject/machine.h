/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What counts of this machine's CPUs. */
#pragma once

#include "decode.h"
#include "kpage.h"

struct machine {
	struct mce_rules rules;
	uint32_t *cpus;		/* the numbers of those that are online */
	size_t nr_cpus;
	bool hypervisor;	/* a virtual machine */
	bool smca;		/* AMD: its banks have IPID */
	bool has_ser, knows_ser;	/* Intel: software error recovery (MCG_SER_P), as the module msr says */
};

/* From /proc/cpuinfo. EXIT_OK, or a status after a message. The caller gives *out to
 * machine_release() either way. */
int machine_read(struct kpage_ctx *ctx, struct machine *out);
void machine_release(struct machine *m);

/* Where in .cpus that number is; nr_cpus: nowhere. */
size_t machine_find_cpu(const struct machine *m, uint64_t cpu);

enum bank_state {
	BANK_UNKNOWN,	/* the kernel shows none of the CPU's */
	BANK_MISSING,
	BANK_OFF,
	BANK_ON,
};

enum bank_state machine_bank(struct kpage_ctx *ctx, uint64_t cpu, uint64_t bank);
