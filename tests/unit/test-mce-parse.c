// SPDX-License-Identifier: GPL-2.0-or-later
/* Machine check records from text: the language, and what kernels and mcelog print. */
#include "mce-inject/decode.h"
#include "mce-inject/parse.h"

#include <errno.h>
#include <string.h>

#include "common/util.h"
#include "fixture.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
