/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the bits of a machine check record say, and what a kernel makes of it. */
#pragma once

#include "mce.h"

#define DECODE_TEXT 160

/* The machine whose rules count. */
struct mce_rules {
	uint64_t vendor;
	bool succor;		/* AMD: recovers from uncorrected errors */
	bool overflow_recov;	/* AMD: also after an overflow */
};

/* By the architecture: what kind of error it is. */
enum mce_class {
	MCE_CLASS_NONE,		/* not valid */
	MCE_CLASS_CORRECTED,
	MCE_CLASS_DEFERRED,	/* AMD */
	MCE_CLASS_UCNA,
	MCE_CLASS_SRAO,
	MCE_CLASS_SRAR,
	MCE_CLASS_UNCORRECTED,	/* AMD */
	MCE_CLASS_FATAL,
};

/* What the kernel does with it as a machine check of the hardware. */
enum mce_action {
	MCE_IGNORED,
	MCE_LOGGED,
	MCE_FAILURE,	/* memory_failure() runs for its page */
	MCE_PANIC,
};

struct mce_judgement {
	enum mce_class class;
	enum mce_action action;
	const char *because;
};

/* Whether the hardware tells of it by an exception; otherwise the bank is polled, or an
 * interrupt has it looked at, which is the same for the kernel. MCGSTATUS, which is only that
 * of an exception, decides before the class. */
bool mce_is_exception(const struct mce *m, const struct mce_rules *rules);

/* MCGSTATUS, or where the record has none, as it should be. */
uint64_t mce_mcgstatus(const struct mce *m, bool exception);

/* As what it is; as one or the other. */
void mce_judge(const struct mce *m, const struct mce_rules *rules, struct mce_judgement *out);
void mce_judge_as(const struct mce *m, const struct mce_rules *rules, bool exception,
		  struct mce_judgement *out);

const char *mce_class_name(enum mce_class class);
const char *mce_action_name(enum mce_action action);

bool vendor_is_amd(uint64_t vendor);

struct mce_bit {
	unsigned int bit;
	const char *name;
};

/* The named bits, from the highest. */
const struct mce_bit *mce_status_bits(uint64_t vendor, size_t *n);
const struct mce_bit *mce_mcg_bits(size_t *n);

/* The bits that have no name, and are of no number that is shown by itself. */
uint64_t mce_status_rest(uint64_t status, uint64_t vendor);
uint64_t mce_mcg_rest(uint64_t mcgstatus);

/* What the error code (bits 0 to 15 of the status) means. */
void mce_code_text(uint64_t status, uint64_t vendor, char out[DECODE_TEXT]);

/* "corrected" status: NULL unless the error is corrected and the CPU is Intel's. */
const char *mce_threshold(uint64_t status, uint64_t vendor);

/* Bits 6 to 8 of MISC, of a memory error. */
const char *mce_address_mode(uint64_t misc);
unsigned int mce_address_lsb(uint64_t misc);

/* AMD's is in ADDR; 0 where there is none. */
unsigned int mce_amd_address_lsb(uint64_t addr);

/* ADDR as the kernel takes it: without the bits below the LSB, and without that. */
uint64_t mce_address(const struct mce *m, uint64_t vendor);
