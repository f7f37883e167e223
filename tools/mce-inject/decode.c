// SPDX-License-Identifier: GPL-2.0-or-later
/* The names of the bits of a machine check record (SDM volume 3, chapter 15; AMD64 APM
 * volume 2, chapter 9). */
#include "decode.h"

#include <stdio.h>

#include "common/util.h"

bool vendor_is_amd(uint64_t vendor)
{
	return vendor == VENDOR_AMD || vendor == VENDOR_HYGON;
}

/* ------------------------------------------------------------------------ bits */

static const struct mce_bit intel_bits[] = {
	{ 63, "VAL" }, { 62, "OVER" }, { 61, "UC" }, { 60, "EN" }, { 59, "MISCV" }, { 58, "ADDRV" },
	{ 57, "PCC" }, { 56, "S" }, { 55, "AR" }, { 37, "FIRMWARE" }, { 12, "FILTER" },
};

static const struct mce_bit amd_bits[] = {
	{ 63, "VAL" }, { 62, "OVER" }, { 61, "UC" }, { 60, "EN" }, { 59, "MISCV" }, { 58, "ADDRV" },
	{ 57, "PCC" }, { 56, "COREIDV" }, { 55, "TCC" }, { 53, "SYNDV" }, { 46, "CECC" },
	{ 45, "UECC" }, { 44, "DEFERRED" }, { 43, "POISON" }, { 40, "SCRUB" },
};

static const struct mce_bit mcg_bits[] = {
	{ 12, "SEAM_NR" }, { 3, "LMCES" }, { 2, "MCIP" }, { 1, "EIPV" }, { 0, "RIPV" },
};

const struct mce_bit *mce_status_bits(uint64_t vendor, size_t *n)
{
	*n = vendor_is_amd(vendor) ? ARRAY_SIZE(amd_bits) : ARRAY_SIZE(intel_bits);
	return vendor_is_amd(vendor) ? amd_bits : intel_bits;
}

const struct mce_bit *mce_mcg_bits(size_t *n)
{
	*n = ARRAY_SIZE(mcg_bits);
	return mcg_bits;
}

static uint64_t without_named(uint64_t value, const struct mce_bit *bits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		value &= ~MCI_BIT(bits[i].bit);
	return value;
}

/* Numbers within the status: error code and model's code, corrected errors, threshold. */
static uint64_t intel_fields(uint64_t status)
{
	return UINT64_C(0xffffffff) | UINT64_C(0x7fff) << 38 | (status & MCI_UC ? 0 : UINT64_C(3) << 53);
}

/* Error code and extended error code, core. */
static uint64_t amd_fields(uint64_t status)
{
	return UINT64_C(0x3fffff) | (status & MCI_COREIDV ? UINT64_C(0x3f) << 32 : 0);
}

uint64_t mce_status_rest(uint64_t status, uint64_t vendor)
{
	size_t n;
	const struct mce_bit *bits = mce_status_bits(vendor, &n);
	uint64_t fields = vendor_is_amd(vendor) ? amd_fields(status) : intel_fields(status);

	return without_named(status, bits, n) & ~fields;
}

uint64_t mce_mcg_rest(uint64_t mcgstatus)
{
	return without_named(mcgstatus, mcg_bits, ARRAY_SIZE(mcg_bits));
}

/* ----------------------------------------------------------------- error codes */

static const char *const kinds[] = { "instruction", "data", "generic", "reserved type" };
static const char *const levels[] = { "level 0", "level 1", "level 2", "generic level" };
static const char *const requests[] = {
	"generic error", "generic read", "generic write", "data read", "data write",
	"instruction fetch", "prefetch", "eviction", "snoop", "request 9", "request 10", "request 11",
	"request 12", "request 13", "request 14", "request 15",
};
static const char *const parts[] = {
	"local CPU originated", "local CPU responded", "local CPU observed", "generic",
};
static const char *const targets[] = { "memory access", "reserved access", "I/O", "other" };
static const char *const transactions[] = {
	"generic error", "read", "write", "address or command", "scrub", "transaction 5",
	"transaction 6", "transaction 7",
};

static void simple_amd(unsigned int code, char out[DECODE_TEXT])
{
	snprintf(out, DECODE_TEXT, "%s", code ? "unknown" : "no error");
}

static void unclassified_amd(unsigned int code, char out[DECODE_TEXT])
{
	(void)code;
	snprintf(out, DECODE_TEXT, "internal unclassified");
}

static void simple(unsigned int code, char out[DECODE_TEXT])
{
	static const struct {
		unsigned int code;
		const char *text;
	} codes[] = {
		{ 0x0000, "no error" },
		{ 0x0001, "unclassified" },
		{ 0x0002, "microcode ROM parity error" },
		{ 0x0003, "external error" },
		{ 0x0004, "functional redundancy check error" },
		{ 0x0005, "internal parity error" },
		{ 0x0006, "SMM handler code access violation" },
		{ 0x0400, "internal timer error" },
		{ 0x0e0b, "I/O error" },
	};
	const char *text = (code & 0xfc00) == 0x0400 ? "internal unclassified" : "unknown";

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].code == code)
			text = codes[i].text;
	snprintf(out, DECODE_TEXT, "%s", text);
}

static void generic_cache(unsigned int code, char out[DECODE_TEXT])
{
	snprintf(out, DECODE_TEXT, "cache hierarchy, %s", levels[code & 3]);
}

static void tlb(unsigned int code, char out[DECODE_TEXT])
{
	snprintf(out, DECODE_TEXT, "TLB, %s, %s", kinds[code >> 2 & 3], levels[code & 3]);
}

static const char *known_cache(unsigned int code)
{
	switch (code) {
	case 0x134:
		return " (data load)";
	case 0x150:
		return " (instruction fetch)";
	case 0x17a:
		return " (explicit writeback)";
	default:
		return "";
	}
}

static void cache(unsigned int code, char out[DECODE_TEXT])
{
	snprintf(out, DECODE_TEXT, "cache hierarchy, %s, %s, %s%s", requests[code >> 4 & 15],
		 kinds[code >> 2 & 3], levels[code & 3], known_cache(code));
}

static void memory_amd(unsigned int code, char out[DECODE_TEXT])
{
	snprintf(out, DECODE_TEXT, "memory hierarchy, %s, %s, %s", requests[code >> 4 & 15],
		 kinds[code >> 2 & 3], levels[code & 3]);
}

static void controller(const char *what, unsigned int code, char out[DECODE_TEXT])
{
	unsigned int channel = code & 15;
	const char *transaction = transactions[code >> 4 & 7];

	if (channel == 15)
		snprintf(out, DECODE_TEXT, "%s, %s, channel not known", what, transaction);
	else
		snprintf(out, DECODE_TEXT, "%s, %s, channel %u", what, transaction, channel);
}

static void memory(unsigned int code, char out[DECODE_TEXT])
{
	controller("memory controller", code, out);
}

static void extended_memory(unsigned int code, char out[DECODE_TEXT])
{
	controller("memory used as a cache", code, out);
}

static void bus(unsigned int code, char out[DECODE_TEXT])
{
	snprintf(out, DECODE_TEXT, "bus or interconnect, %s, %s, %s, %s%s", parts[code >> 9 & 3],
		 requests[code >> 4 & 15], targets[code >> 2 & 3], levels[code & 3],
		 code & 0x100 ? ", timed out" : "");
}

/* By the bits that tell the codes apart; the last takes what is left. */
struct code_form {
	unsigned int mask, value;
	void (*text)(unsigned int code, char out[DECODE_TEXT]);
};

static const struct code_form intel_forms[] = {
	{ 0xffff, 0x0e0b, simple },	/* the one simple code that looks like a compound one */
	{ 0xfffc, 0x000c, generic_cache },
	{ 0xfff0, 0x0010, tlb },
	{ 0xff80, 0x0080, memory },
	{ 0xff00, 0x0100, cache },
	{ 0xff80, 0x0280, extended_memory },
	{ 0xf800, 0x0800, bus },
	{ 0, 0, simple },
};

static const struct code_form amd_forms[] = {
	{ 0xfff0, 0x0010, tlb },
	{ 0xff00, 0x0100, memory_amd },
	{ 0xfcff, 0x0400, unclassified_amd },
	{ 0xf800, 0x0800, bus },
	{ 0, 0, simple_amd },
};

void mce_code_text(uint64_t status, uint64_t vendor, char out[DECODE_TEXT])
{
	const struct code_form *form = vendor_is_amd(vendor) ? amd_forms : intel_forms;
	/* Bit 12 says on Intel that reports of corrected errors are filtered. */
	unsigned int code = status & (vendor_is_amd(vendor) ? 0xffff : 0xefff);

	while ((code & form->mask) != form->value)
		form++;
	form->text(code, out);
}

/* ---------------------------------------------------------------- other fields */

const char *mce_threshold(uint64_t status, uint64_t vendor)
{
	static const char *const colours[] = { "none", "green", "yellow", "reserved" };

	return vendor_is_amd(vendor) || status & MCI_UC ? NULL : colours[status >> 53 & 3];
}

const char *mce_address_mode(uint64_t misc)
{
	static const char *const modes[] = {
		"segment offset", "linear", "physical", "memory", "reserved", "reserved", "reserved",
		"generic",
	};

	return modes[misc >> 6 & 7];
}

unsigned int mce_address_lsb(uint64_t misc)
{
	return misc & 0x3f;
}

unsigned int mce_amd_address_lsb(uint64_t addr)
{
	return addr >> 56 & 0x3f;
}

uint64_t mce_address(const struct mce *m, uint64_t vendor)
{
	uint64_t addr = m->value[MCE_ADDR];
	unsigned int lsb;

	/* No physical address has these bits: where they are not the LSB, they are 0. */
	if (vendor_is_amd(vendor)) {
		lsb = mce_amd_address_lsb(addr);
		addr &= MCI_BIT(56) - 1;
	} else if (m->value[MCE_STATUS] & MCI_MISCV) {
		lsb = mce_address_lsb(m->value[MCE_MISC]);
	} else {
		return addr;
	}
	return addr & ~(MCI_BIT(lsb) - 1);
}
