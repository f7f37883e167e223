// SPDX-License-Identifier: GPL-2.0-or-later
/* Page counts by flags. */
#include "fixture.h"

#include <string.h>

#define MANY 100000

static struct kpage_tally *new_tally(void)
{
	struct kpage_tally *t = NULL;

	assert_int_equal(kpage_tally_new(&t), 0);
	return t;
}

/* Compares all rows. */
static void check_rows(const struct kpage_tally *t, const struct kpage_tally_row *expected,
		       size_t nr_expected)
{
	struct kpage_tally_row *rows = NULL;
	uint64_t total = 0;
	size_t n = 42;

	assert_int_equal(kpage_tally_rows(t, &rows, &n), 0);
	assert_non_null(rows);
	assert_int_equal(n, nr_expected);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(rows[i].flags, expected[i].flags);
		assert_int_equal(rows[i].pages, expected[i].pages);
		total += expected[i].pages;
	}
	assert_int_equal(kpage_tally_total(t), total);
	free(rows);
}

static void test_empty(void **state)
{
	struct kpage_tally *t = new_tally();

	(void)state;
	check_rows(t, NULL, 0);
	kpage_tally_free(t);
	kpage_tally_free(NULL);
}

static void test_order(void **state)
{
	static const struct kpage_tally_row expected[] = {
		{ 0, 4 }, { 1, 1 }, { 0x80, 9 }, { UINT64_C(1) << 63, 3 }, { UINT64_MAX, 7 },
	};
	struct kpage_tally *t = new_tally();

	(void)state;
	assert_int_equal(kpage_tally_add(t, UINT64_MAX, 7), 0);
	assert_int_equal(kpage_tally_add(t, 0x80, 4), 0);
	assert_int_equal(kpage_tally_add(t, 0, 4), 0);
	assert_int_equal(kpage_tally_add(t, UINT64_C(1) << 63, 3), 0);
	assert_int_equal(kpage_tally_add(t, 0x80, 5), 0);
	assert_int_equal(kpage_tally_add(t, 1, 1), 0);
	check_rows(t, expected, ARRAY_SIZE(expected));
	kpage_tally_free(t);
}

static void test_no_pages(void **state)
{
	static const struct kpage_tally_row expected[] = { { 2, 1 } };
	struct kpage_tally *t = new_tally();

	(void)state;
	assert_int_equal(kpage_tally_add(t, 1, 0), 0);
	check_rows(t, NULL, 0);
	assert_int_equal(kpage_tally_add(t, 2, 1), 0);
	assert_int_equal(kpage_tally_add(t, 2, 0), 0);
	check_rows(t, expected, 1);
	kpage_tally_free(t);
}

static void test_large_counts(void **state)
{
	static const struct kpage_tally_row expected[] = { { 5, UINT64_C(1) << 40 } };
	struct kpage_tally *t = new_tally();

	(void)state;
	for (int i = 0; i < 1024; i++)
		assert_int_equal(kpage_tally_add(t, 5, UINT64_C(1) << 30), 0);
	check_rows(t, expected, 1);
	kpage_tally_free(t);
}

/* How the flags of row i come about: neighbours, or bits spread over the word. */
static uint64_t dense(uint64_t i)
{
	return i;
}

static uint64_t spread(uint64_t i)
{
	return i << 40 | (i & 1);
}

static void add_many(struct kpage_tally *t, uint64_t (*flags)(uint64_t), uint64_t from,
		     uint64_t to)
{
	/* Not in their order. */
	for (uint64_t i = 0; i < MANY; i++) {
		uint64_t k = i * 7919 % MANY;

		if (k >= from && k < to)
			assert_int_equal(kpage_tally_add(t, flags(k), k + 1), 0);
	}
}

static void check_many(const struct kpage_tally *t, uint64_t (*flags)(uint64_t))
{
	struct kpage_tally_row *expected = calloc(MANY, sizeof(*expected));

	assert_non_null(expected);
	for (uint64_t i = 0; i < MANY; i++)
		expected[i] = (struct kpage_tally_row){ flags(i), i + 1 };
	check_rows(t, expected, MANY);
	free(expected);
}

static void test_many(void **state)
{
	uint64_t (*const ways[])(uint64_t) = { dense, spread };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct kpage_tally *t = new_tally();

		add_many(t, ways[i], 0, MANY);
		check_many(t, ways[i]);
		kpage_tally_free(t);
	}
}

static void test_merge(void **state)
{
	static const struct kpage_tally_row expected[] = { { 1, 10 }, { 2, 25 }, { 3, 30 } };
	struct kpage_tally *a = new_tally(), *b = new_tally();

	(void)state;
	assert_int_equal(kpage_tally_add(a, 1, 10), 0);
	assert_int_equal(kpage_tally_add(a, 2, 20), 0);
	assert_int_equal(kpage_tally_add(b, 2, 5), 0);
	assert_int_equal(kpage_tally_add(b, 3, 30), 0);
	assert_int_equal(kpage_tally_merge(a, b), 0);
	check_rows(a, expected, ARRAY_SIZE(expected));
	assert_int_equal(kpage_tally_total(b), 35);
	kpage_tally_free(b);
	/* An empty one changes nothing. */
	b = new_tally();
	assert_int_equal(kpage_tally_merge(a, b), 0);
	check_rows(a, expected, ARRAY_SIZE(expected));
	assert_int_equal(kpage_tally_merge(b, a), 0);
	check_rows(b, expected, ARRAY_SIZE(expected));
	kpage_tally_free(b);
	kpage_tally_free(a);
}

static void test_merge_many(void **state)
{
	struct kpage_tally *sum = new_tally();

	(void)state;
	for (uint64_t part = 0; part < 4; part++) {
		struct kpage_tally *t = new_tally();

		add_many(t, spread, MANY / 4 * part, MANY / 4 * (part + 1));
		assert_int_equal(kpage_tally_merge(sum, t), 0);
		kpage_tally_free(t);
	}
	check_many(sum, spread);
	kpage_tally_free(sum);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_no_pages),
		cmocka_unit_test(test_large_counts),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
