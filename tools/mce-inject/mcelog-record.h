/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /dev/mcelog takes: struct mce of the kernel's <asm/mce.h>, as far back as it goes.
 * Defined here, since that file is on x86 alone, and has the same names as ours.
 */
#pragma once

#include <stdint.h>

struct mcelog_record {
	uint64_t status, misc, addr, mcgstatus, ip, tsc, time;
	uint8_t cpuvendor, inject_flags, severity, pad;
	uint32_t cpuid;
	uint8_t cs, bank, cpu, finished;
	uint32_t extcpu;		/* the CPU */
	uint32_t socketid, apicid;
	uint64_t mcgcap, synd, ipid, ppin;
	uint32_t microcode;
	uint64_t kflags;
};

/* inject_flags: in what context. Random: what is written only becomes the registers of its CPU;
 * whoever broadcasts raises it, in whatever that CPU runs then. */
#define MCJ_CTX_RANDOM 0x0
#define MCJ_CTX_PROCESS 0x1
#define MCJ_CTX_IRQ 0x2

/* How those of the other CPUs are raised. */
#define MCJ_NMI_BROADCAST 0x4
#define MCJ_IRQ_BROADCAST 0x10

/* An exception; otherwise the banks are polled. */
#define MCJ_EXCEPTION 0x8
