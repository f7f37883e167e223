/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine check record: its fields, and the bits that are named by the architecture. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The fields that hold a number. */
enum mce_field {
	MCE_CPU,
	MCE_BANK,
	MCE_STATUS,
	MCE_MCGSTATUS,
	MCE_ADDR,
	MCE_MISC,
	MCE_SYND,
	MCE_IPID,
	MCE_PPIN,
	MCE_CS,
	MCE_RIP,
	MCE_TSC,
	MCE_TIME,
	MCE_SOCKETID,
	MCE_APICID,
	MCE_MCGCAP,
	MCE_VENDOR,
	MCE_CPUID,
	MCE_MICROCODE,
	NR_MCE_FIELDS,
};

/* How it is to be injected: words of the record language, for the kernel's /dev/mcelog. */
enum mce_way {
	MCE_NOBROADCAST = 1 << 0,
	MCE_IRQBROADCAST = 1 << 1,
	MCE_NMIBROADCAST = 1 << 2,
	MCE_IN_IRQ = 1 << 3,
	MCE_IN_PROC = 1 << 4,
	MCE_HOLD = 1 << 5,
	MCE_POLL = 1 << 6,
	MCE_EXCP = 1 << 7,
	MCE_CPU_BROADCAST = 1 << 8,	/* "CPU broadcast" */
	MCE_RIP_INEXACT = 1 << 9,	/* "RIP !INEXACT!" */
};

struct mce {
	uint64_t value[NR_MCE_FIELDS];
	uint32_t given;		/* a bit a field that was given */
	uint32_t way;
	bool of_intel;		/* its status was told with S or AR, which AMD's has not */
	size_t line;		/* where it begins; 0: it is not from a text */
};

static inline bool mce_has(const struct mce *m, enum mce_field field)
{
	return m->given & (UINT32_C(1) << field);
}

static inline void mce_set(struct mce *m, enum mce_field field, uint64_t value)
{
	m->value[field] = value;
	m->given |= UINT32_C(1) << field;
}

/* By the code segment. */
static inline bool mce_is_user_mode(const struct mce *m)
{
	return mce_has(m, MCE_CS) && (m->value[MCE_CS] & 3) == 3;
}

#define MCI_BIT(n) (UINT64_C(1) << (n))
#define MCI_VAL MCI_BIT(63)
#define MCI_OVER MCI_BIT(62)
#define MCI_UC MCI_BIT(61)
#define MCI_EN MCI_BIT(60)
#define MCI_MISCV MCI_BIT(59)
#define MCI_ADDRV MCI_BIT(58)
#define MCI_PCC MCI_BIT(57)
#define MCI_S MCI_BIT(56)	/* Intel */
#define MCI_AR MCI_BIT(55)	/* Intel */
#define MCI_COREIDV MCI_BIT(56)	/* AMD */
#define MCI_TCC MCI_BIT(55)	/* AMD */
#define MCI_TES_YELLOW MCI_BIT(54)	/* Intel: more corrected errors than the threshold */
#define MCI_SYNDV MCI_BIT(53)	/* AMD */
#define MCI_DEFERRED MCI_BIT(44)	/* AMD */
#define MCI_POISON MCI_BIT(43)	/* AMD */

#define MCG_RIPV MCI_BIT(0)
#define MCG_EIPV MCI_BIT(1)
#define MCG_MCIP MCI_BIT(2)
#define MCG_LMCES MCI_BIT(3)
#define MCG_TES_P MCI_BIT(11)	/* only the language has it here: it is a bit of MCG_CAP */
#define MCG_SEAM_NR MCI_BIT(12)

/* The kernel's numbers (X86_VENDOR_*). */
#define VENDOR_INTEL 0
#define VENDOR_AMD 2
#define VENDOR_HYGON 9
#define VENDOR_ZHAOXIN 10
