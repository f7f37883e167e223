// SPDX-License-Identifier: GPL-2.0-or-later
/* Machine check records: from text, and what is made of them. */
#include "mce-inject/decode.h"
#include "mce-inject/parse.h"
#include "mce-inject/ready.h"

#include <errno.h>
#include <string.h>

#include "common/util.h"
#include "fixture.h"

/* --------------------------------------------------------------------- parser */

static struct mce_list parsed(const char *text)
{
	struct mce_list list = { 0 };
	struct mce_error err = { 0 };

	if (mce_parse(text, strlen(text), &list, &err))
		fail_msg("%zu:%zu: %s", err.line, err.column, err.text);
	return list;
}

static void assert_field(const struct mce *m, enum mce_field field, uint64_t value)
{
	assert_true(mce_has(m, field));
	assert_int_equal(m->value[field], value);
}

static void test_classic(void **state)
{
	struct mce_list list = parsed("# all of it\n"
		"cpu 1 bank 0x2 # behind\n"
		"status uncorrected over s ar 0x134 enabled\n\n"
		"MCGSTATUS RIPV eipv mcip lmces SEAM_NR\n"
		"ADDR 0x1000 MISC 010 RIP 0x10:0x20 TSC 3 TIME 4 SOCKETID 5 APICID 6 MCGCAP 7\n"
		"PROCESSOR 2:0xa0f10 SYND 8 IPID 9 PPIN 10 MICROCODE 11\n"
		"NOBROADCAST IRQBROADCAST NMIBROADCAST IN_IRQ IN_PROC HOLD POLL EXCP\n"
		"CPU broadcast STATUS corrected\n"
		"CPU 3 4 STATUS 0\n"
		"MCE CPU 5 STATUS deferred poison syndv tcc RIP 0x77\r\n"
		"MCE STATUS val RIP !INEXACT! 0x10 : <0x20> {symbol+0x1/0x2}");
	const struct mce *m = list.records;

	(void)state;
	assert_int_equal(list.n, 5);
	assert_int_equal(m->line, 2);
	assert_field(m, MCE_CPU, 1);
	assert_field(m, MCE_BANK, 2);
	assert_field(m, MCE_STATUS, UINT64_C(0xfd80000000000134));
	assert_field(m, MCE_MCGSTATUS, 0x100f);
	assert_field(m, MCE_ADDR, 0x1000);
	assert_field(m, MCE_MISC, 8);
	assert_field(m, MCE_CS, 0x10);
	assert_field(m, MCE_RIP, 0x20);
	assert_field(m, MCE_TSC, 3);
	assert_field(m, MCE_TIME, 4);
	assert_field(m, MCE_SOCKETID, 5);
	assert_field(m, MCE_APICID, 6);
	assert_field(m, MCE_MCGCAP, 7);
	assert_field(m, MCE_VENDOR, 2);
	assert_field(m, MCE_CPUID, 0xa0f10);
	assert_field(m, MCE_SYND, 8);
	assert_field(m, MCE_IPID, 9);
	assert_field(m, MCE_PPIN, 10);
	assert_field(m, MCE_MICROCODE, 11);
	assert_int_equal(m->way, 0xff);
	assert_int_equal(m[1].way, MCE_CPU_BROADCAST);
	assert_false(mce_has(&m[1], MCE_CPU));
	assert_field(&m[1], MCE_STATUS, MCI_VAL | MCI_EN);
	assert_field(&m[2], MCE_BANK, 4);
	assert_field(&m[2], MCE_STATUS, 0);
	assert_field(&m[3], MCE_CPU, 5);
	assert_field(&m[3], MCE_STATUS, MCI_DEFERRED | MCI_POISON | MCI_SYNDV | MCI_TCC);
	assert_field(&m[3], MCE_RIP, 0x77);
	assert_false(mce_has(&m[3], MCE_CS));
	assert_field(&m[4], MCE_RIP, 0x20);
	assert_int_equal(m[4].way, MCE_RIP_INEXACT);
	mce_list_release(&list);
}

/* Names that stand for the class of an error, and those of its threshold. */
static void test_classes(void **state)
{
	struct mce_list list = parsed("CPU 0 STATUS UNCORRECTED UCNA 0x91\n"
		"CPU 0 STATUS UNCORRECTED SRAO 0xc0\n"
		"CPU 0 STATUS uncorrected srar 0x134\n"
		"CPU 0 BANK 3 MCGSTATUS TES_P STATUS CORRECTED TES_YELLOW\n");
	static const struct mce_rules rules = { .vendor = VENDOR_INTEL };
	const struct mce *m = list.records;

	(void)state;
	assert_int_equal(list.n, 4);
	assert_field(&m[0], MCE_STATUS, UINT64_C(0xb000000000000091));
	assert_field(&m[1], MCE_STATUS, UINT64_C(0xb1000000000000c0));
	assert_field(&m[2], MCE_STATUS, UINT64_C(0xb180000000000134));
	assert_field(&m[3], MCE_STATUS, UINT64_C(0x9040000000000000));
	assert_field(&m[3], MCE_MCGSTATUS, 0x800);
	assert_string_equal(mce_threshold(m[3].value[MCE_STATUS], VENDOR_INTEL), "yellow");
	/* TES_P tells of no exception. */
	assert_false(mce_is_exception(&m[3], &rules));
	mce_list_release(&list);
}

/* What is not given is 0: as in a record that only lays down how a CPU comes to the exception. */
static void test_zero(void **state)
{
	struct mce_list list = parsed("CPU 1 BANK 0\nNOBROADCAST\n"
		"CPU 2 STATUS MCGSTATUS BANK 3 ADDR 0x1000\nCPU 3 STATUS");
	const struct mce *m = list.records;

	(void)state;
	assert_int_equal(list.n, 3);
	assert_field(&m[0], MCE_STATUS, 0);
	assert_false(mce_has(&m[0], MCE_MCGSTATUS));
	assert_int_equal(m[0].way, MCE_NOBROADCAST);
	assert_field(&m[1], MCE_STATUS, MCI_ADDRV);
	assert_field(&m[1], MCE_MCGSTATUS, 0);
	assert_field(&m[1], MCE_BANK, 3);
	assert_field(&m[2], MCE_STATUS, 0);
	mce_list_release(&list);
}

#define EXCEPTION "CPU 1: Machine Check Exception: 5 Bank 9: b9000000000000c0\n"
#define REGISTERS "TSC 1f ADDR 3fdbd000 MISC 8c PPIN 1a SYND 2b IPID 3c \n"
#define WHERE "RIP !INEXACT! 33:<00000000004011c2> {foo+0x1/0x2}\n"
#define CPU_LINE "PROCESSOR 0:a0f10 TIME 1764370000 SOCKET 10 APIC 1f microcode 2b\n"
#define HARDWARE "mce: [Hardware Error]: "

static void check_kernel(const char *text, size_t passed_over)
{
	struct mce_list list = parsed(text);
	const struct mce *m = list.records;

	assert_int_equal(list.n, 1);
	assert_int_equal(list.passed_over, passed_over);
	assert_field(m, MCE_CPU, 1);
	assert_field(m, MCE_BANK, 9);
	assert_field(m, MCE_MCGSTATUS, 5);
	/* The bits stay as they were printed: no ADDRV here. */
	assert_field(m, MCE_STATUS, UINT64_C(0xb9000000000000c0));
	assert_field(m, MCE_TSC, 0x1f);
	assert_field(m, MCE_ADDR, 0x3fdbd000);
	assert_field(m, MCE_MISC, 0x8c);
	assert_field(m, MCE_PPIN, 0x1a);
	assert_field(m, MCE_SYND, 0x2b);
	assert_field(m, MCE_IPID, 0x3c);
	assert_field(m, MCE_CS, 0x33);
	assert_field(m, MCE_RIP, 0x4011c2);
	assert_field(m, MCE_VENDOR, 0);
	assert_field(m, MCE_CPUID, 0xa0f10);
	assert_field(m, MCE_TIME, 1764370000);
	assert_field(m, MCE_SOCKETID, 10);
	assert_field(m, MCE_APICID, 0x1f);
	assert_field(m, MCE_MICROCODE, 0x2b);
	mce_list_release(&list);
}

static void test_kernel(void **state)
{
	(void)state;
	check_kernel(EXCEPTION WHERE REGISTERS CPU_LINE, 0);
	check_kernel(HARDWARE EXCEPTION HARDWARE WHERE HARDWARE REGISTERS HARDWARE CPU_LINE
		     HARDWARE "Machine check events logged\n", 1);
	check_kernel("[   12.345678] " HARDWARE EXCEPTION "[   12.345678] " HARDWARE WHERE
		     "[   12.345679] usb 1-1: CPU 7 is a word\n"
		     "[   12.345678] [Hardware Error]: " REGISTERS "[   12.345678] " HARDWARE CPU_LINE, 1);
	check_kernel("mce: CPUs not responding to MCE broadcast (may include false positives): 1\n"
		     HARDWARE EXCEPTION HARDWARE WHERE HARDWARE REGISTERS HARDWARE CPU_LINE, 1);
	check_kernel("<0>[   12.3] " HARDWARE EXCEPTION "<0>[ 12.4] " HARDWARE WHERE
		     "Nov 28 23:00:01 host kernel: " HARDWARE REGISTERS
		     "Nov 28 23:00:01 host kernel: CPU1: Core temperature is above threshold\n"
		     "Nov 28 23:00:01 host kernel: " HARDWARE CPU_LINE, 1);
}

/* Lines of a log that begin with the word of a field, before, between and behind records. */
static void test_log_lines(void **state)
{
	(void)state;
	check_kernel("[    0.388668] APIC calibration not consistent with PM-Timer: 101ms\n"
		     "[    1.0] TIME 5\n"
		     HARDWARE "TSC 5 ADDR 1000\n" HARDWARE "PROCESSOR 0:50656 TIME 1\n"
		     "[   12.0] " HARDWARE EXCEPTION "[   12.0] " HARDWARE WHERE
		     "[   12.1] APIC calibration not consistent\n"
		     "[   12.1] CPU 3: Machine Check polling timer started.\n"
		     "[   12.2] " HARDWARE REGISTERS "[   12.3] " HARDWARE CPU_LINE
		     "[   13.0] TIME 5\n", 7);
	/* Old kernels marked no line. */
	check_kernel("[   12.0] " EXCEPTION "[   12.0] " WHERE "[   12.0] " REGISTERS "[   12.0] " CPU_LINE, 0);
}

/* As what shows a log begins its lines, also those that are of no record. */
static void test_log_prefixes(void **state)
{
	static const char *const prefixes[] = {
		"[   12.345678] ", "<0>[   12.3] ", "[   12.3][  T142] ", "[   12.3,1] ",
		"[Sun Nov 29 19:00:00 2026] ", "[  +0.000012] ", "[Nov29 19:00] ",
		"kern  :emerg : [   12.345678] ", "kern  :info  : [Sun Nov 29 19:00:00 2026] ",
		"kern  :warn  : ", "2026-11-29T19:00:00,123456+00:00 ",
		"kern  :err   : 2026-11-29T19:00:00,123456+00:00 ", "3,1024,12345678,-;",
		"6,1024,12345678,-,caller=T142;", "Nov 29 19:00:00 host kernel: ",
		"2026-11-29T19:00:00.123456+00:00 host kernel: [   12.345678] ",
	};
	static const char *const lines[] = {
		"Linux version 6.12.1", HARDWARE EXCEPTION, "APIC: 5", HARDWARE WHERE,
		HARDWARE REGISTERS, HARDWARE CPU_LINE, "e1000: eth0: Link is up", "",
	};
	char text[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t length = 0;

		for (size_t k = 0; k < ARRAY_SIZE(lines); k++)
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%.*s\n",
						   prefixes[i], (int)strcspn(lines[k], "\n"), lines[k]);
		check_kernel(text, 3);
	}
}

static void test_kernel_corrected(void **state)
{
	struct mce_list list = parsed(HARDWARE "CPU 0: Machine Check: 0 Bank 1: 8c00000000000091\n"
				      HARDWARE "CPU 0: Machine Check: 0 Bank 10: 0000000000000009\n");

	(void)state;
	assert_int_equal(list.n, 2);
	assert_field(&list.records[0], MCE_MCGSTATUS, 0);
	assert_field(&list.records[1], MCE_BANK, 10);
	assert_field(&list.records[1], MCE_STATUS, 9);
	mce_list_release(&list);
}

#define AMD_FIRST "CPU:2 (17:31:0) MC15_STATUS[-|CE|MiscV|AddrV|-|-|SyndV|CECC|-|-|-]: "

/* The kernel's own decoder of AMD's errors prints them in a form of its own. */
static void test_amd_log(void **state)
{
	struct mce_list list = parsed(
		"[  300.0] [Hardware Error]: Corrected error, no action required.\n"
		"[  300.0] [Hardware Error]: " AMD_FIRST "0x9c2041000000011b\n"
		"[  300.0] [Hardware Error]: Error Addr: 0x000000000e1b2a40\n"
		"[  300.0] [Hardware Error]: PPIN: 0x02b3e1f2a7c84051\n"
		"[  300.0] [Hardware Error]: IPID: 0x0000009600150f00, Syndrome: 0x000051130a400d02\n"
		"[  300.0] [Hardware Error]: Unified Memory Controller Ext. Error Code: 0\n"
		"[  300.0] [Hardware Error]: cache level: L3/GEN, tx: GEN, mem-tx: RD\n"
		"[  300.0] TIME 5\n"
		"[  301.0] mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 1: 9000000000000135\n"
		"[  301.0] mce: [Hardware Error]: TSC 5\n"
		"[  302.0] [Hardware Error]: CPU:0 (10:2:3) MC4_STATUS[Over|UE|-|-|PCC|UECC]: 0xf600200000000135\n"
		"[  302.0] [Hardware Error]: TSC: 100\n");
	const struct mce *m = list.records;

	(void)state;
	assert_int_equal(list.n, 3);
	assert_int_equal(list.passed_over, 4);
	assert_int_equal(m->line, 2);
	assert_field(m, MCE_CPU, 2);
	assert_field(m, MCE_BANK, 15);
	assert_field(m, MCE_STATUS, UINT64_C(0x9c2041000000011b));
	assert_field(m, MCE_ADDR, 0xe1b2a40);
	assert_field(m, MCE_PPIN, UINT64_C(0x02b3e1f2a7c84051));
	assert_field(m, MCE_IPID, UINT64_C(0x9600150f00));
	assert_field(m, MCE_SYND, UINT64_C(0x51130a400d02));
	assert_field(m, MCE_VENDOR, VENDOR_AMD);
	assert_field(m, MCE_CPUID, 0x830f10);
	assert_false(mce_has(m, MCE_MCGSTATUS) || mce_has(m, MCE_TIME));
	assert_field(&m[1], MCE_TSC, 5);
	assert_field(&m[2], MCE_STATUS, UINT64_C(0xf600200000000135));
	assert_field(&m[2], MCE_CPUID, 0x100f23);
	assert_field(&m[2], MCE_TSC, 100);
	mce_list_release(&list);
}

static void test_mcelog(void **state)
{
	struct mce_list list = parsed("Hardware event. This is not a software error.\n"
		"MCE 0\nCPU 2 BANK 1 TSC 3f [at 2000 Mhz 0 days 0:0:1 uptime]\n"
		"RIP 33:401000\nMISC 8c ADDR 1000 \nTIME 1764370000 Fri Nov 28 2026\n"
		"MCG status:RIPV EIPV MCIP \nMCA: Data CACHE Level-0 Data-Read Error\n"
		"STATUS bd80000000000134 MCGSTATUS 7\nMCGCAP c09 APICID 1f SOCKETID 0 \n"
		"CPUID Vendor AMD Family 23 Model 1\n"
		"MCE 1\nCPU 0 BANK 2 \nSTATUS 9 MCGSTATUS 0\n");
	const struct mce *m = list.records;

	(void)state;
	assert_int_equal(list.n, 2);
	assert_int_equal(list.passed_over, 4);
	assert_int_equal(list.first_passed, 1);
	assert_field(m, MCE_CPU, 2);
	assert_field(m, MCE_TSC, 0x3f);
	assert_field(m, MCE_RIP, 0x401000);
	assert_field(m, MCE_ADDR, 0x1000);
	assert_field(m, MCE_TIME, 1764370000);
	assert_field(m, MCE_STATUS, UINT64_C(0xbd80000000000134));
	assert_field(m, MCE_MCGCAP, 0xc09);
	assert_field(m, MCE_APICID, 0x1f);
	assert_field(m, MCE_VENDOR, VENDOR_AMD);
	assert_field(&m[1], MCE_BANK, 2);
	mce_list_release(&list);
}

/* Of mcelog's records: those of no machine check, and K8's names of banks. */
static void test_mcelog_events(void **state)
{
	struct mce_list list = parsed("MCE 0\nCPU 2 BANK 1\nSTATUS 9 MCGSTATUS 0\n"
		"Hardware event. This is not a software error.\n"
		"MCE 1\nCPU 3 THERMAL EVENT TSC 12 [at 2000 Mhz 0 days 0:0:1 uptime]\n"
		"TIME 1764370000 Fri Nov 28 2026\n"
		"Processor 3 heated above trip temperature. Throttling enabled.\n"
		"STATUS 880003c3 MCGSTATUS 0\nMCGCAP c09 APICID 1f SOCKETID 0\n"
		"MCE 2\nCPU 1 4 northbridge TSC 7a6e1f\nADDR 1000\nSTATUS a MCGSTATUS 0\n"
		"MCE 3\nCPU 1 3 load/store unit\nSTATUS b MCGSTATUS 0\n");
	const struct mce *m = list.records;

	(void)state;
	assert_int_equal(list.n, 3);
	assert_int_equal(list.passed_over, 6);
	assert_int_equal(list.first_passed, 4);
	assert_field(&m[0], MCE_STATUS, 9);
	assert_false(mce_has(&m[0], MCE_TIME));
	assert_field(&m[1], MCE_BANK, 4);
	assert_field(&m[1], MCE_TSC, 0x7a6e1f);
	assert_field(&m[1], MCE_ADDR, 0x1000);
	assert_field(&m[2], MCE_BANK, 3);
	assert_field(&m[2], MCE_STATUS, 0xb);
	mce_list_release(&list);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		size_t line, column;
		const char *expected;
	} cases[] = {
		{ "BANK 1", 1, 1, "expected CPU or MCE, which begin a record" },
		{ "CPU 0\nSTATUS\n  bogus", 3, 3,
		  "expected a keyword, a number or the name of a bit of STATUS" },
		{ "CPU 0 MCGSTATUS ripv BOGUS", 1, 22,
		  "expected a keyword, a number or the name of a bit of MCGSTATUS" },
		{ "MCE 0\nCPU 0 BANK 1\n", 2, 13, "expected STATUS in the record that begins in line 1" },
		{ "CPU 0 BANK 1 BOGUS", 1, 14, "expected a keyword" },
		{ "CPU 0 STATUS val ADDR 1 2", 1, 25, "expected a keyword before the number" },
		{ "CPU 0 STATUS val BANK 1 BANK 1", 1, 25, "expected each field once in a record" },
		{ "CPU 0 STATUS val STATUS uc", 1, 18, "expected each field once in a record" },
		{ "CPU x STATUS val", 1, 5, "expected a number" },
		{ "CPU -1", 1, 5, "expected a number" },
		{ "CPU 0 STATUS val ADDR 8c", 1, 24, "expected a digit (hexadecimal numbers begin with 0x)" },
		{ "CPU 0 STATUS val ADDR 0x8g", 1, 26, "expected a hexadecimal digit" },
		{ "CPU 0 STATUS val ADDR 0x10000000000000000", 1, 23,
		  "expected a number up to 0xffffffffffffffff" },
		{ "CPU 0 BANK 256", 1, 12, "expected a number up to 0xff" },
		{ "CPU 0 STATUS val RIP 0x10000:1", 1, 22, "expected a code segment up to 0xffff" },
		{ "CPU 0 STATUS val RIP 1:<2", 1, 26, "expected '>'" },
		{ "CPU 0 STATUS val PROCESSOR 1", 1, 29, "expected ':'" },
		{ "CPU 0 STATUS val \x01", 1, 18, "expected a keyword" },
		{ "CPU 0 STATUS val CPU 1 BANK 2 BANK 3", 1, 31, "expected each field once in a record" },
		{ "CPU 0: Machine Exception", 1, 16, "expected \"Check\"" },
		{ HARDWARE "CPU 0: Machine Check: 5 Bank 1: 000000000000xyz0", 1, 56,
		  "expected a hexadecimal number" },
		{ HARDWARE "CPU 0: Machine Check: 5 Bank 1: 90000000", 1, 56,
		  "expected the 16 digits of a status" },
		{ "CPU 0: Machine Check: 5 Bank 1: \nADDR 1", 1, 33, "expected the 16 digits of a status" },
		{ "[ 1.0] [Hardware Error]: " AMD_FIRST "0x9c204100", 1, 26,
		  "expected a status of 16 digits in this line" },
		{ "CPU 0 STATUS val\n" HARDWARE "ADDR 10", 2, 24,
		  "expected the line \"CPU n: Machine Check\" before this one" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mce_list list = { 0 };
		struct mce_error err = { 0 };

		assert_int_equal(mce_parse(cases[i].text, strlen(cases[i].text), &list, &err), -EINVAL);
		assert_string_equal(err.text, cases[i].expected);
		assert_int_equal(err.line, cases[i].line);
		assert_int_equal(err.column, cases[i].column);
		assert_null(list.records);
	}
}

/* The records before a wrong one are not handed over either, nor are others lost. */
static void test_all_or_none(void **state)
{
	static const char bad[] = "CPU 1 STATUS val CPU 2 STATUS val CPU x";
	struct mce_list list = parsed("CPU 0 STATUS val");
	struct mce_error err;

	(void)state;
	assert_int_equal(mce_parse(bad, strlen(bad), &list, &err), -EINVAL);
	assert_int_equal(list.n, 1);
	assert_int_equal(mce_parse(bad, strlen(bad) - strlen("CPU x"), &list, &err), 0);
	assert_int_equal(list.n, 3);
	assert_field(&list.records[2], MCE_CPU, 2);
	mce_list_release(&list);
}

/* -------------------------------------------------------------------- decoder */

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
		cmocka_unit_test(test_classic),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_log_lines),
		cmocka_unit_test(test_log_prefixes),
		cmocka_unit_test(test_kernel_corrected),
		cmocka_unit_test(test_amd_log),
		cmocka_unit_test(test_mcelog),
		cmocka_unit_test(test_mcelog_events),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_all_or_none),
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
