// SPDX-License-Identifier: GPL-2.0-or-later
/* What is made of machine check records: their meaning, and what a kernel does. */
#include "mce-inject/decode.h"
#include "mce-inject/ready.h"

#include <string.h>

#include "common/util.h"
#include "fixture.h"

static void assert_field(const struct mce *m, enum mce_field field, uint64_t value)
{
	assert_true(mce_has(m, field));
	assert_int_equal(m->value[field], value);
}

#define NOT_GIVEN UINT64_MAX

struct judged {
	uint64_t status, mcgstatus, misc;
	enum mce_class class;
	enum mce_action action;
};

static void check_judgement(const struct judged *c, const struct mce_rules *rules, uint64_t cs)
{
	struct mce m = { 0 };
	struct mce_judgement j;

	mce_set(&m, MCE_STATUS, c->status);
	mce_set(&m, MCE_MISC, c->misc);
	if (c->mcgstatus != NOT_GIVEN)
		mce_set(&m, MCE_MCGSTATUS, c->mcgstatus);
	if (cs != NOT_GIVEN)
		mce_set(&m, MCE_CS, cs);
	mce_judge(&m, rules, &j);
	if (j.class != c->class || j.action != c->action)
		fail_msg("status 0x%llx mcgstatus 0x%llx misc 0x%llx: %s, %s (%s)",
			 (unsigned long long)c->status, (unsigned long long)c->mcgstatus,
			 (unsigned long long)c->misc, mce_class_name(j.class), mce_action_name(j.action),
			 j.because);
}

/* Each was given to kernels 6.1 and 6.12 by a machine; this is what they did. */
static void test_intel(void **state)
{
	static const struct judged cases[] = {
		{ 0xbd000000000000c0, 5, 0x8c, MCE_CLASS_SRAO, MCE_FAILURE },
		{ 0xbd000000000000c0, NOT_GIVEN, 0x8c, MCE_CLASS_SRAO, MCE_FAILURE },
		{ 0xbd000000000000c0, 0xd, 0x8c, MCE_CLASS_SRAO, MCE_FAILURE },
		{ 0xbd0000000000017a, 5, 0x8c, MCE_CLASS_SRAO, MCE_FAILURE },
		{ 0xfd000000000000c0, 5, 0x8c, MCE_CLASS_SRAO, MCE_FAILURE },
		{ 0xbd000000000000c0, 5, 0x86, MCE_CLASS_SRAO, MCE_FAILURE },
		{ 0xbd000000000000c0, 5, 0x8d, MCE_CLASS_SRAO, MCE_LOGGED },
		{ 0xbd000000000000c0, 5, 0xcc, MCE_CLASS_SRAO, MCE_LOGGED },
		{ 0xbd00000000000000, 5, 0x8c, MCE_CLASS_SRAO, MCE_LOGGED },
		{ 0xb9000000000000c0, 5, 0x8c, MCE_CLASS_SRAO, MCE_LOGGED },
		{ 0xbc000000000000c0, 5, 0x8c, MCE_CLASS_UCNA, MCE_PANIC },
		{ 0xad000000000000c0, 5, 0x8c, MCE_CLASS_SRAO, MCE_PANIC },
		{ 0xbf000000000000c0, 5, 0x8c, MCE_CLASS_FATAL, MCE_PANIC },
		{ 0xbd000000000000c0, 4, 0x8c, MCE_CLASS_SRAO, MCE_PANIC },
		{ 0xbd000000000000c0, 0x1005, 0x8c, MCE_CLASS_SRAO, MCE_FAILURE },
		{ 0xbd000000000000c0, 1, 0x8c, MCE_CLASS_SRAO, MCE_PANIC },
		{ 0xbd80000000000134, 7, 0x8c, MCE_CLASS_SRAR, MCE_FAILURE },
		{ 0xbd80000000000134, 0xf, 0x8c, MCE_CLASS_SRAR, MCE_FAILURE },
		{ 0xbd80000000000150, 7, 0x8c, MCE_CLASS_SRAR, MCE_FAILURE },
		{ 0xbd80000000000134, 6, 0x8c, MCE_CLASS_SRAR, MCE_FAILURE },
		{ 0xbd80000000000134, 5, 0x8c, MCE_CLASS_SRAR, MCE_PANIC },
		{ 0xbd80000000000134, 7, 0x8d, MCE_CLASS_SRAR, MCE_FAILURE },
		{ 0xbd80000000000134, 0x1007, 0x8c, MCE_CLASS_SRAR, MCE_PANIC },
		{ 0xfd80000000000134, 7, 0x8c, MCE_CLASS_SRAR, MCE_PANIC },
		{ 0xbd80000000000000, 7, 0x8c, MCE_CLASS_SRAR, MCE_PANIC },
		{ 0xb980000000000134, 7, 0x8c, MCE_CLASS_SRAR, MCE_PANIC },
		{ 0xb580000000000134, 7, 0x8c, MCE_CLASS_SRAR, MCE_PANIC },
		{ 0xad80000000000134, 7, 0x8c, MCE_CLASS_SRAR, MCE_PANIC },
		{ 0xbf80000000000134, 7, 0x8c, MCE_CLASS_FATAL, MCE_PANIC },
		{ 0xbc80000000000134, 7, 0x8c, MCE_CLASS_FATAL, MCE_PANIC },
		{ 0xbc00000000000091, 5, 0x8c, MCE_CLASS_UCNA, MCE_PANIC },
		{ 0xbc00000000000091, NOT_GIVEN, 0x8c, MCE_CLASS_UCNA, MCE_FAILURE },
		{ 0xb800000000000091, 0, 0x8c, MCE_CLASS_UCNA, MCE_LOGGED },
		{ 0x9c00000000000091, 0, 0x8c, MCE_CLASS_CORRECTED, MCE_LOGGED },
		{ 0x8c00000000000091, 0, 0x8c, MCE_CLASS_CORRECTED, MCE_LOGGED },
		{ 0x9c40000000000091, 0, 0x8c, MCE_CLASS_CORRECTED, MCE_LOGGED },
		{ 0x9c000000001000c0, 0, 0x8c, MCE_CLASS_CORRECTED, MCE_LOGGED },
		{ 0x9c00000000000091, 5, 0x8c, MCE_CLASS_CORRECTED, MCE_PANIC },
		{ 0x9c00000000000091, 8, 0x8c, MCE_CLASS_CORRECTED, MCE_PANIC },
		{ 0x9c00000000000091, 0xd, 0x8c, MCE_CLASS_CORRECTED, MCE_IGNORED },
		{ 0xbc00000000000091, 0xd, 0x8c, MCE_CLASS_UCNA, MCE_IGNORED },
		{ 0xbc80000000000134, 0xf, 0x8c, MCE_CLASS_FATAL, MCE_PANIC },
		{ 0xba00000000000000, 4, 0x8c, MCE_CLASS_FATAL, MCE_PANIC },
		{ 0x3d000000000000c0, 5, 0x8c, MCE_CLASS_NONE, MCE_IGNORED },
		{ 0xaf000000000000c0, 0xd, 0x8c, MCE_CLASS_FATAL, MCE_IGNORED },
		{ 0xaf000000000000c0, 5, 0x8c, MCE_CLASS_FATAL, MCE_PANIC },
		{ 0xaf80000000000134, 0xc, 0x8c, MCE_CLASS_FATAL, MCE_IGNORED },
		{ 0xad000000000000c0, 9, 0x8c, MCE_CLASS_SRAO, MCE_IGNORED },
		{ 0xbd80000000000134, 0xd, 0x8c, MCE_CLASS_SRAR, MCE_IGNORED },
		{ 0xbd80000000000999, 0xd, 0x8c, MCE_CLASS_SRAR, MCE_IGNORED },
		{ 0xfc80000000000134, 0xf, 0x8c, MCE_CLASS_FATAL, MCE_IGNORED },
	};
	static const struct judged in_kernel[] = {
		{ 0xbd80000000000134, 7, 0x8c, MCE_CLASS_SRAR, MCE_PANIC },
		{ 0xbd80000000000134, 0xd, 0x8c, MCE_CLASS_SRAR, MCE_IGNORED },
		{ 0xad000000000000c0, 0xe, 0x8c, MCE_CLASS_SRAO, MCE_IGNORED },
		{ 0xbd000000000000c0, 0x1005, 0x8c, MCE_CLASS_SRAO, MCE_FAILURE },
		{ 0xbd000000000000c0, 6, 0x8c, MCE_CLASS_SRAO, MCE_PANIC },
	};
	static const struct mce_rules rules = { .vendor = VENDOR_INTEL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_judgement(&cases[i], &rules, 0x33);
	for (size_t i = 0; i < ARRAY_SIZE(in_kernel); i++)
		check_judgement(&in_kernel[i], &rules, 0x10);
}

/* By the rules in the kernel's source; the lab's machine can't raise these. */
static void test_intel_by_source(void **state)
{
	static const struct {
		struct judged c;
		uint64_t cs;
	} cases[] = {
		{ { 0xbd000000000000c0, 6, 0x8c, MCE_CLASS_SRAO, MCE_FAILURE }, 0x33 },
		{ { 0xbd000000000000c0, 6, 0x8c, MCE_CLASS_SRAO, MCE_PANIC }, NOT_GIVEN },
		{ { 0x9d00000000000091, 5, 0x8c, MCE_CLASS_CORRECTED, MCE_LOGGED }, 0x33 },
		{ { 0x9d80000000000091, 5, 0x8c, MCE_CLASS_CORRECTED, MCE_LOGGED }, 0x10 },
		{ { 0x9d00000000000091, 6, 0x8c, MCE_CLASS_CORRECTED, MCE_PANIC }, NOT_GIVEN },
		{ { 0x9d00000000000091, 4, 0x8c, MCE_CLASS_CORRECTED, MCE_PANIC }, 0x33 },
		{ { 0x8d00000000000091, 5, 0x8c, MCE_CLASS_CORRECTED, MCE_PANIC }, 0x33 },
		/* Lost events, and all CPUs are told. */
		{ { 0xfc80000000000134, 7, 0x8c, MCE_CLASS_FATAL, MCE_PANIC }, 0x33 },
	};
	static const struct mce_rules rules = { .vendor = VENDOR_INTEL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_judgement(&cases[i].c, &rules, cases[i].cs);
}

/* The reason is that of the kernel: a panic for want of a source, not for the context. */
static void test_reason(void **state)
{
	static const struct mce_rules rules = { .vendor = VENDOR_INTEL };
	struct mce_judgement j;
	struct mce m = { 0 };

	(void)state;
	mce_set(&m, MCE_STATUS, 0xaf000000000000c0);
	mce_set(&m, MCE_MCGSTATUS, 5);
	mce_judge(&m, &rules, &j);
	assert_string_equal(j.because, "an exception by an error that is not enabled: unknown source");
}

static void test_amd(void **state)
{
	static const struct mce_rules plain = { .vendor = VENDOR_AMD };
	static const struct mce_rules recovers = { .vendor = VENDOR_AMD, .succor = true };
	static const struct {
		struct judged c;
		const struct mce_rules *rules;
		uint64_t cs;
	} cases[] = {
		{ { 0xb400000000000135, 7, 0, MCE_CLASS_UNCORRECTED, MCE_PANIC }, &plain, 0x33 },
		{ { 0xb400000000000135, 7, 0, MCE_CLASS_UNCORRECTED, MCE_FAILURE }, &recovers, 0x33 },
		{ { 0xb000000000000135, 7, 0, MCE_CLASS_UNCORRECTED, MCE_LOGGED }, &recovers, 0x33 },
		{ { 0xb400000000000135, 7, 0, MCE_CLASS_UNCORRECTED, MCE_PANIC }, &recovers, 0x10 },
		{ { 0xf400000000000135, 7, 0, MCE_CLASS_UNCORRECTED, MCE_PANIC }, &recovers, 0x33 },
		{ { 0xb600000000000135, 7, 0, MCE_CLASS_FATAL, MCE_PANIC }, &recovers, 0x33 },
		{ { 0xb400000000000135, 4, 0, MCE_CLASS_UNCORRECTED, MCE_PANIC }, &recovers, 0x33 },
		{ { 0xb400000000000135, 7, 0, MCE_CLASS_UNCORRECTED, MCE_PANIC }, &recovers, 0x31 },
		{ { 0x9400100000000135, 7, 0, MCE_CLASS_DEFERRED, MCE_IGNORED }, &recovers, 0x33 },
		{ { 0x9400100000000135, 0, 0, MCE_CLASS_DEFERRED, MCE_FAILURE }, &plain, 0x33 },
		{ { 0x9000100000000135, 0, 0, MCE_CLASS_DEFERRED, MCE_LOGGED }, &plain, 0x33 },
		{ { 0x9400000000000135, 0, 0, MCE_CLASS_CORRECTED, MCE_LOGGED }, &plain, 0x33 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_judgement(&cases[i].c, cases[i].rules, cases[i].cs);
}

/* Skylake's memory controllers tell of a scrub as if it was corrected. */
static void test_quiet_scrub(void **state)
{
	static const struct mce_rules rules = { .vendor = VENDOR_INTEL };
	struct mce_judgement j;
	struct mce m = { 0 };

	(void)state;
	mce_set(&m, MCE_STATUS, 0x8c000000001000c1);
	mce_set(&m, MCE_MISC, 0x8c);
	mce_judge(&m, &rules, &j);
	assert_int_equal(j.action, MCE_LOGGED);
	mce_set(&m, MCE_BANK, 13);
	mce_judge(&m, &rules, &j);
	assert_int_equal(j.action, MCE_FAILURE);
}

/* What a bank holds when it is polled. */
static void test_polled(void **state)
{
	static const struct mce_rules intel = { .vendor = VENDOR_INTEL }, amd = { .vendor = VENDOR_AMD };
	static const struct {
		uint64_t status;
		const struct mce_rules *rules;
		enum mce_action action;
	} cases[] = {
		{ 0x3c00000000000091, &intel, MCE_IGNORED },
		{ 0x9c00000000000091, &intel, MCE_LOGGED },
		{ 0xbc00000000000091, &intel, MCE_FAILURE },
		{ 0xb400000000000091, &intel, MCE_LOGGED },
		{ 0xac00000000000091, &intel, MCE_FAILURE },
		{ 0xad000000000000c0, &intel, MCE_FAILURE },
		{ 0xad00000000000091, &intel, MCE_LOGGED },
		{ 0xae00000000000091, &intel, MCE_LOGGED },
		{ 0xbc80000000000134, &intel, MCE_LOGGED },
		{ 0xbd000000000000c0, &intel, MCE_IGNORED },
		{ 0xbd80000000000134, &intel, MCE_IGNORED },
		{ 0xbe00000000000000, &intel, MCE_IGNORED },
		{ 0x3400000000000135, &amd, MCE_IGNORED },
		{ 0x9400000000000135, &amd, MCE_LOGGED },
		{ 0x9400100000000135, &amd, MCE_FAILURE },
		{ 0x9000100000000135, &amd, MCE_LOGGED },
		{ 0xb400000000000135, &amd, MCE_IGNORED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mce_judgement j;
		struct mce m = { 0 };

		mce_set(&m, MCE_STATUS, cases[i].status);
		mce_set(&m, MCE_MISC, 0x8c);
		mce_judge_as(&m, cases[i].rules, false, &j);
		if (j.action != cases[i].action)
			fail_msg("status 0x%llx: %s (%s)", (unsigned long long)cases[i].status,
				 mce_action_name(j.action), j.because);
	}
}

static void test_codes(void **state)
{
	static const struct {
		uint64_t status;
		const char *text;
	} cases[] = {
		{ 0x0000, "no error" },
		{ 0x0005, "internal parity error" },
		{ 0x0007, "unknown" },
		{ 0x000e, "cache hierarchy, level 2" },
		{ 0x0015, "TLB, data, level 1" },
		{ 0x0091, "memory controller, read, channel 1" },
		{ 0x00c0, "memory controller, scrub, channel 0" },
		{ 0x00cf, "memory controller, scrub, channel not known" },
		{ 0x10c0, "memory controller, scrub, channel 0" },
		{ 0x0134, "cache hierarchy, data read, data, level 0 (data load)" },
		{ 0x0150, "cache hierarchy, instruction fetch, instruction, level 0 (instruction fetch)" },
		{ 0x017a, "cache hierarchy, eviction, generic, level 2 (explicit writeback)" },
		{ 0x0299, "memory used as a cache, read, channel 9" },
		{ 0x0400, "internal timer error" },
		{ 0x0405, "internal unclassified" },
		{ 0x0e0b, "I/O error" },
		{ 0x0f0f, "bus or interconnect, generic, generic error, other, generic level, timed out" },
		{ 0x0800, "bus or interconnect, local CPU originated, generic error, memory access, level 0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[DECODE_TEXT];

		mce_code_text(UINT64_C(0xabcd0000) | cases[i].status, VENDOR_INTEL, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* AMD has four forms, and none of Intel's others. */
static void test_codes_amd(void **state)
{
	static const struct {
		uint64_t status;
		const char *text;
	} cases[] = {
		{ 0x0000, "no error" },
		{ 0x0001, "unknown" },
		{ 0x0005, "unknown" },
		{ 0x000e, "unknown" },
		{ 0x0015, "TLB, data, level 1" },
		{ 0x0091, "unknown" },
		{ 0x0135, "memory hierarchy, data read, data, level 1" },
		{ 0x011b, "memory hierarchy, generic read, generic, generic level" },
		{ 0x0134, "memory hierarchy, data read, data, level 0" },
		{ 0x0280, "unknown" },
		{ 0x0400, "internal unclassified" },
		{ 0x0700, "internal unclassified" },
		{ 0x0405, "unknown" },
		{ 0x0e0b, "bus or interconnect, generic, generic error, I/O, generic level" },
		{ 0x1011, "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[DECODE_TEXT];

		mce_code_text(UINT64_C(0xabcd0000) | cases[i].status, VENDOR_AMD, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_fields(void **state)
{
	(void)state;
	assert_string_equal(mce_threshold(0, VENDOR_INTEL), "none");
	assert_string_equal(mce_threshold(UINT64_C(1) << 53, VENDOR_INTEL), "green");
	assert_string_equal(mce_threshold(UINT64_C(2) << 53, VENDOR_INTEL), "yellow");
	assert_null(mce_threshold(MCI_UC, VENDOR_INTEL));
	assert_null(mce_threshold(0, VENDOR_AMD));
	assert_string_equal(mce_address_mode(0x8c), "physical");
	assert_int_equal(mce_address_lsb(0x8c), 12);
	assert_string_equal(mce_address_mode(0xcc), "memory");
}

/* No bit that is set is left out without a word. */
static void test_rest(void **state)
{
	(void)state;
	assert_int_equal(mce_mcg_rest(0x3f), 0x30);
	assert_int_equal(mce_mcg_rest(0x100f), 0);
	assert_int_equal(mce_status_rest(UINT64_C(0x9fffffffffffffff), VENDOR_INTEL), UINT64_C(0x1f00000000));
	assert_int_equal(mce_status_rest(UINT64_C(0xffffffffffffffff), VENDOR_INTEL), UINT64_C(0x60001f00000000));
	assert_int_equal(mce_status_rest(UINT64_C(0xbd000000000000c0), VENDOR_INTEL), 0);
	/* Bits 22 to 31 with the AddrLsb, 32 to 37 without COREIDV, and what is reserved. */
	assert_int_equal(mce_status_rest(UINT64_C(0x9cffffffffffffff), VENDOR_AMD), UINT64_C(0x5f86ffffc00000));
	assert_int_equal(mce_status_rest(UINT64_C(0x9dffffffffffffff), VENDOR_AMD), UINT64_C(0x5f86c0ffc00000));
}

static void test_address(void **state)
{
	struct mce m = { 0 };

	(void)state;
	mce_set(&m, MCE_STATUS, MCI_ADDRV);
	mce_set(&m, MCE_ADDR, 0x3fff);
	mce_set(&m, MCE_MISC, 0x8d);
	assert_int_equal(mce_address(&m, VENDOR_INTEL), 0x3fff);
	mce_set(&m, MCE_STATUS, MCI_ADDRV | MCI_MISCV);
	assert_int_equal(mce_address(&m, VENDOR_INTEL), 0x2000);
	assert_int_equal(mce_address(&m, VENDOR_AMD), 0x3fff);
	mce_set(&m, MCE_MISC, 0x80);
	assert_int_equal(mce_address(&m, VENDOR_INTEL), 0x3fff);
	/* On AMD, ADDR has its LSB within itself. */
	mce_set(&m, MCE_ADDR, UINT64_C(0xc6000123456789ab));
	assert_int_equal(mce_amd_address_lsb(m.value[MCE_ADDR]), 6);
	assert_int_equal(mce_address(&m, VENDOR_AMD), UINT64_C(0x12345678980));
}

static void test_ready(void **state)
{
	static const struct {
		const char *name;
		struct judged c;
	} cases[] = {
		{ "corrected", { 0x9c00000000000091, 0, 0x8c, MCE_CLASS_CORRECTED, MCE_LOGGED } },
		{ "ucna", { 0xbc00000000000091, NOT_GIVEN, 0x8c, MCE_CLASS_UCNA, MCE_FAILURE } },
		{ "srao", { 0xbd000000000000c0, 5, 0x8c, MCE_CLASS_SRAO, MCE_FAILURE } },
		{ "srar", { 0xbd80000000000134, 7, 0x8c, MCE_CLASS_SRAR, MCE_FAILURE } },
		{ "fatal", { 0xbe00000000000000, 4, 0x8c, MCE_CLASS_FATAL, MCE_PANIC } },
	};
	static const struct mce_rules rules = { .vendor = VENDOR_INTEL };
	uint64_t address = 0x1234000;

	(void)state;
	assert_null(ready_find("sraz"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mce m;

		ready_make(ready_find(cases[i].name), &address, &m);
		assert_field(&m, MCE_STATUS, cases[i].c.status);
		assert_field(&m, MCE_ADDR, address);
		assert_field(&m, MCE_MISC, cases[i].c.misc);
		assert_int_equal(mce_has(&m, MCE_MCGSTATUS), cases[i].c.mcgstatus != NOT_GIVEN);
		check_judgement(&cases[i].c, &rules, 0x33);
		ready_make(ready_find(cases[i].name), NULL, &m);
		assert_false(m.value[MCE_STATUS] & (MCI_ADDRV | MCI_MISCV));
		assert_false(mce_has(&m, MCE_ADDR) || mce_has(&m, MCE_MISC));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intel),
		cmocka_unit_test(test_intel_by_source),
		cmocka_unit_test(test_reason),
		cmocka_unit_test(test_amd),
		cmocka_unit_test(test_quiet_scrub),
		cmocka_unit_test(test_polled),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_codes_amd),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
