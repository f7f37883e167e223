// SPDX-License-Identifier: GPL-2.0-or-later
/* What is written to /dev/mcelog lies where the kernel's header has it. */
#include "mce-inject/mcelog-record.h"

#include <stddef.h>

#include "fixture.h"

#if defined(__x86_64__) || defined(__i386__)
#include <asm/mce.h>

#define SAME(field)                                                                                \
	do {                                                                                       \
		assert_int_equal(offsetof(struct mcelog_record, field), offsetof(struct mce, field)); \
		assert_int_equal(sizeof(((struct mcelog_record *)0)->field),                       \
				 sizeof(((struct mce *)0)->field));                                \
	} while (0)

static void test_layout(void **state)
{
	(void)state;
	SAME(status);
	SAME(misc);
	SAME(addr);
	SAME(mcgstatus);
	SAME(ip);
	SAME(inject_flags);
	SAME(cs);
	SAME(bank);
	SAME(finished);
	SAME(extcpu);
	SAME(kflags);
	assert_int_equal(sizeof(struct mcelog_record), sizeof(struct mce));
}
#else
static void test_layout(void **state)
{
	(void)state;
	print_message("not on x86: there is no <asm/mce.h> to compare with\n");
	skip();
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
