// SPDX-License-Identifier: GPL-2.0-or-later
/* The pages that lines of the kernel's log speak of: real wordings of several kernels. */
#include "../../tools/page-types/kernel-lines.h"

#include "fixture.h"

#include <errno.h>
#include <string.h>

static void check(const char *line, enum line_subject subject, uint64_t pfn)
{
	uint64_t got = 0;
	enum line_subject what = kernel_line_parse(line, &got);

	if (what != subject || (subject == LINE_PAGE && got != pfn))
		fail_msg("%s: %d, 0x%jx", line, (int)what, (uintmax_t)got);
}

static void test_pages(void **state)
{
	static const struct {
		uint64_t pfn;
		const char *line;
	} lines[] = {
		{ 0x1234, "Memory failure: 0x1234: recovery action for dirty LRU page: Recovered" },
		{ 0x1234, "Memory failure: 0x1234: recovery action for already poisoned page: Failed" },
		{ 0x1234, "[   12.345678] Memory failure: 0x1234: already hardware poisoned" },
		{ 0xabcdef, "<3>[  104.000001] Memory failure: 0xabcdef: Sending SIGBUS to db writer:155 "
			    "due to hardware memory corruption" },
		{ 0x1234, "[Sat Nov 28 22:08:49 2026] Memory failure: 0x1234: unhandlable page." },
		{ 0x1234, "Nov 28 22:08:49 host kernel: [ 12.3] Memory failure: 0x1234: corrupted page was "
			  "clean: dropped without side effects\n" },
		{ 0x1234, "2026-11-28T22:08:49.123456+01:00 host kernel: Memory failure: 0x1234: keeping "
			  "poisoned page in swap cache" },
		{ 0x1234, "3,842,1234567,-;Memory failure: 0x1234: memory outside kernel control" },
		{ 0x1234, "Memory failure: 0x1234: failed to unmap page (mapcount=2)" },
		{ 0x1234, "Memory failure: 0x1234: failed to unmap page (folio mapcount=2)" },
		{ 0x1234, "Memory failure: 0x1234: unsplit thp still referenced by 4 users" },
		{ 0x5, "Memory failure: 0x5: Sending SIGBUS to pfn:0x7 ADDR 9000:12 due to hardware "
		       "memory corruption" },
		{ 0x1f00, "Kernel panic - not syncing: Memory failure on page 1f00" },
		{ 0x1f00, "Injecting memory failure at pfn 0x1f00" },
		{ 0x1f00, "[  8.5] Injecting memory failure for pfn 0x1f00 at process virtual address "
			  "0x7f1aa072c000" },
		{ 0x1f00, "Soft offlining pfn 0x1f00 at process virtual address 0x7f1aa072c000" },
		{ 0x1f00, "RAS: Soft-offlining pfn: 0x1f00" },
		{ 0x1f00, "Soft-offlined pfn 0x1f00" },
		{ 0x1f00, "soft offline: 0x1f00: page already poisoned" },
		{ 0x1f00, "Soft offline: 0x1f00: hugepage migration failed 1, type 17ffffc0000000" },
		{ 0x1f00, "soft_offline: 0x1f00: page migration failed 1, type 17ffffc0000000" },
		{ 0x1f00, "soft_offline_page: 0x1f00: unknown page type: 17ffffc0000000 (x)" },
		{ 0x1f00, "Unpoison: Software-unpoisoned page 0x1f00" },
		{ 0x1f00, "Unpoison: Page was already unpoisoned 0x1f00" },
		{ 0x1f00, "Unpoison: Someone grabs the hwpoison page 0x1f00" },
		{ 0x1f00, "Unpoison: Disabled after HW memory failure 0x1f00" },
		{ 0x1f00, "Unpoison: 0x1f00: software-unpoisoned page" },
		{ 0x1f00, "Unpoison: 0x1f00: someone grabs the hwpoison page" },
		{ 0x1f00, "  bash-155  [001] .....  12.345678: memory_failure_event: pfn 0x1f00: recovery "
			  "action for free buddy page: Recovered" },
		{ 0x1f00, "BUG: Bad page state in process swapper/0  pfn:01f00" },
		{ 0x1f00, "page:00000000deadbeef refcount:1 mapcount:0 mapping:0000000000000000 index:0x0 "
			  "pfn:0x1f00" },
		{ 0x1f00, "page: refcount:0 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x1f00" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		check(lines[i].line, LINE_PAGE, lines[i].pfn);
}

static void test_hardware(void **state)
{
	const uint64_t size = kpage_page_size();
	static const struct {
		uint64_t address;
		const char *line;
	} lines[] = {
		{ 0x12345000, "MCE 0: ADDR 12345000" },
		{ 0x12345000, "MCE ADDR 0x12345000" },
		{ 0x5000, "MISC 86 ADDR 5000 " },
		{ 0x5000, "ADDR 0x5000" },
		{ 0x3fdbd000, "[  31.7] mce: [Hardware Error]: TSC 0 ADDR 3fdbd000 MISC 8c " },
		{ 0x12345000, "mce: [Hardware Error]: TSC 9f1c2ab4 ADDR 12345000 SYND 0 IPID b000000000 " },
		{ 0x12345678, "[Hardware Error]: CPU 1: Machine Check Exception: 5 Bank 1: bd80000000000134 "
			      "ADDR 12345678" },
		{ 0x12345000, "mce: Uncorrected hardware memory error in user-access at 12345000" },
		{ 0x12345000, "{1}[Hardware Error]:   physical_address: 0x0000000012345000" },
		{ 0x12345040, "[Hardware Error]:  physical_address: 0x0000000012345040" },
		{ 0x12345000, "<idle>-0 [000] 12.3: mc_event: 1 Corrected error: memory read error on "
			      "CPU_SrcID#0 (mc:0 location:0:0:-1 address:0x12345000 grain:32 syndrome:0x0 )" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		check(lines[i].line, LINE_PAGE, lines[i].address / size);
	check("EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0_Chan#0_DIMM#0 (channel:0 slot:0 "
	      "page:0x1234 offset:0x0 grain:32 syndrome:0x0)", LINE_PAGE, 0x1234);
	check("EDAC sbridge MC0: PROCESSOR 0:306e4 TIME 1422553404 SOCKET 0 APIC 0", LINE_NOTHING, 0);
}

static void test_no_page(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"[    0.000000] Linux version 6.1.0-56-amd64",
		"MCE: Killing usemem:155 due to hardware memory corruption fault at 7f1aa072c000",
		"MCE: Killing  pfn:0x9:77 due to hardware memory corruption fault at 7f1aa072c000",
		"Memory failure: Error sending signal to db:155: -22",
		"Memory failure: 0x12zz: odd",
		"Memory failure: 0x: odd",
		"Memory failure: 0x11111111111111111: beyond all numbers",
		"Memory failure: 0x0: page 0",
		"mce: [Hardware Error]: Machine check events logged",
		"mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 1: bd000000000000c0",
		"mce: [Hardware Error]: PROCESSOR 0:50657 TIME 1422553404 SOCKET 0 APIC 0",
		"[Hardware Error]: Error Addr: 0x000000017109a400",
		/* Of an AMD memory controller, whatever its type and instance. */
		"mce: [Hardware Error]: TSC 9f1c2ab4 ADDR 12345000 SYND 0 IPID 9600050f00 ",
		"mce: [Hardware Error]: TSC 0 ADDR 12345000 MISC d01a000000000000 IPID 1109600250f00 ",
		"{1}[Hardware Error]:   physical_address_mask: 0xfffffffffffff000",
		"EDAC MC0: 1 UE on unknown memory ( page:0x0 offset:0x0 grain:8)",
		"eth0: MAC ADDR 12345000",
		"audit: pfn 0x1234",
		"the page:0x1234 that nobody wrote about",
		"AnonHugePages:         8 kB",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		check(lines[i], LINE_NOTHING, 0);
}

static void test_all_poisoned(void **state)
{
	(void)state;
	check("HardwareCorrupted:     8 kB", LINE_ALL_POISONED, 0);
	check("HardwareCorrupted:     0 kB", LINE_ALL_POISONED, 0);
	check("HardwareCorrupted: 16384 kB\n", LINE_ALL_POISONED, 0);
}

static void read_text(char *text, struct kernel_lines *out)
{
	FILE *f = fmemopen(text, strlen(text), "r");

	assert_non_null(f);
	assert_int_equal(kernel_lines_read(f, out), 0);
	fclose(f);
}

static void test_read(void **state)
{
	char text[] = "Injecting memory failure at pfn 0x30\n"
		      "something else\n"
		      "Memory failure: 0x20: unhandlable page.\n"
		      "Memory failure: 0x30: recovery action for dirty LRU page: Recovered\n"
		      "\n"
		      "HardwareCorrupted: 4 kB";
	struct kernel_lines l;

	(void)state;
	read_text(text, &l);
	assert_int_equal(l.lines, 6);
	assert_int_equal(l.passed_over, 2);
	assert_true(l.all_poisoned);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.pfns[0], 0x30);
	assert_int_equal(l.pfns[1], 0x20);
	kernel_lines_release(&l);
}

static void test_read_error(void **state)
{
	FILE *f = fopen("/", "r");
	struct kernel_lines l;

	(void)state;
	assert_non_null(f);
	assert_int_equal(kernel_lines_read(f, &l), -EISDIR);
	kernel_lines_release(&l);
	fclose(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_hardware),
		cmocka_unit_test(test_no_page),
		cmocka_unit_test(test_all_poisoned),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
