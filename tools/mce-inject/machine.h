/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What counts of this machine's CPUs. */
#pragma once

#include "decode.h"
#include "kpage.h"

struct machine {
	struct mce_rules rules;
	unsigned int nr_cpus;
	bool hypervisor;	/* a virtual machine */
};

/* From /proc/cpuinfo. EXIT_OK, or a status after a message. */
int machine_read(struct kpage_ctx *ctx, struct machine *out);
