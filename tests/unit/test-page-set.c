// SPDX-License-Identifier: GPL-2.0-or-later
/* The set of PFNs. */
#include "common/page-set.h"

#include "fixture.h"

static void test_empty(void **state)
{
	struct page_set set = { 0 };

	(void)state;
	assert_false(page_set_has(&set, 0));
	assert_false(page_set_has(&set, UINT64_MAX));
	page_set_release(&set);
}

static void test_edges(void **state)
{
	static const uint64_t pfns[] = { 0, 1, 63, 64, 1023, 1024, 1025, UINT64_C(1) << 40, UINT64_MAX };
	struct page_set set = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pfns); i++) {
		assert_false(page_set_has(&set, pfns[i]));
		assert_true(page_set_add(&set, pfns[i]));
		assert_true(page_set_has(&set, pfns[i]));
		assert_false(page_set_add(&set, pfns[i]));
	}
	assert_false(page_set_has(&set, 2));
	assert_false(page_set_has(&set, 2048));
	assert_false(page_set_has(&set, UINT64_MAX - 1));
	page_set_release(&set);
}

/* All over memory, so that the table grows, and a dense part. */
static void test_many(void **state)
{
	const uint64_t n = 20000, step = 7919 * 101;
	struct page_set set = { 0 };

	(void)state;
	for (uint64_t i = 0; i < n; i++) {
		assert_true(page_set_add(&set, i * step));
		page_set_add(&set, i);
	}
	for (uint64_t i = 0; i < n; i++) {
		assert_true(page_set_has(&set, i * step));
		assert_true(page_set_has(&set, i));
		assert_false(page_set_has(&set, n + i * step + 1));
	}
	page_set_release(&set);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
