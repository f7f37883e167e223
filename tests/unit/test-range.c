// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers, page ranges, and what is left of a range. */
#include "fixture.h"

#include <string.h>

/* -------------------------------------------------------------------- numbers */

static const struct {
	const char *text;
	uint64_t number;
} good_numbers[] = {
	{ "0", 0 },
	{ "1", 1 },
	{ "00", 0 },
	{ "010", 8 },
	{ "0777", 511 },
	{ "0x0", 0 },
	{ "0xff", 255 },
	{ "0XFF", 255 },
	{ "0x00000000000000000000000000000000000000000000001f", 31 },
	{ "9223372036854775807", INT64_MAX },
	{ "9223372036854775808", UINT64_C(1) << 63 },
	{ "18446744073709551615", UINT64_MAX },
	{ "0xffffffffffffffff", UINT64_MAX },
	{ "01777777777777777777777", UINT64_MAX },
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good_numbers); i++) {
		uint64_t n = ~good_numbers[i].number;

		assert_int_equal(kpage_number_parse(good_numbers[i].text, &n), 0);
		assert_int_equal(n, good_numbers[i].number);
	}
}

static const struct {
	const char *text;
	int err;
} bad_numbers[] = {
	{ "", -EINVAL },
	{ " ", -EINVAL },
	{ " 1", -EINVAL },
	{ "1 ", -EINVAL },
	{ "1\n", -EINVAL },
	{ "\t1", -EINVAL },
	{ "+1", -EINVAL },
	{ "-1", -EINVAL },
	{ "-0", -EINVAL },
	{ "0x", -EINVAL },
	{ "0xg", -EINVAL },
	{ "x10", -EINVAL },
	{ "08", -EINVAL },
	{ "1.5", -EINVAL },
	{ "1e3", -EINVAL },
	{ "1k", -EINVAL },
	{ "ff", -EINVAL },
	{ "0x-1", -EINVAL },
	{ "18446744073709551616", -ERANGE },
	{ "0x10000000000000000", -ERANGE },
	{ "02000000000000000000000", -ERANGE },
	{ "99999999999999999999999999999999999999999999", -ERANGE },
};

static void test_number_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_numbers); i++) {
		uint64_t n = 42;

		assert_int_equal(kpage_number_parse(bad_numbers[i].text, &n), bad_numbers[i].err);
		assert_int_equal(n, 42);
	}
}

/* --------------------------------------------------------------------- ranges */

static const struct {
	const char *text;
	uint64_t start, end;
} good_ranges[] = {
	{ "0", 0, 1 },
	{ "5", 5, 6 },
	{ "0x10", 16, 17 },
	{ "010", 8, 9 },
	{ "5+3", 5, 8 },
	{ "0x10+0x10", 16, 32 },
	{ "5+0", 5, 5 },
	{ "5,8", 5, 8 },
	{ "5,5", 5, 5 },
	{ "5,", 5, UINT64_MAX },
	{ "0,", 0, UINT64_MAX },
	{ ",8", 0, 8 },
	{ ",0x10", 0, 16 },
	{ "18446744073709551614", UINT64_MAX - 1, UINT64_MAX },
	{ "18446744073709551614+1", UINT64_MAX - 1, UINT64_MAX },
	{ "0,18446744073709551615", 0, UINT64_MAX },
	{ "0+18446744073709551615", 0, UINT64_MAX },
};

static void test_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good_ranges); i++) {
		struct kpage_range r = { 42, 43 };

		if (kpage_range_parse(good_ranges[i].text, &r))
			fail_msg("\"%s\" is refused", good_ranges[i].text);
		assert_int_equal(r.start, good_ranges[i].start);
		assert_int_equal(r.end, good_ranges[i].end);
	}
}

static const struct {
	const char *text;
	int err;
} bad_ranges[] = {
	{ "", -EINVAL },
	{ ",", -EINVAL },
	{ "+", -EINVAL },
	{ "+5", -EINVAL },
	{ "5+", -EINVAL },
	{ "8,5", -EINVAL },
	{ "5+3+2", -EINVAL },
	{ "5,8,9", -EINVAL },
	{ "5,+8", -EINVAL },
	{ "5+-1", -EINVAL },
	{ "-1", -EINVAL },
	{ "-1,", -EINVAL },
	{ "5-8", -EINVAL },
	{ " 5", -EINVAL },
	{ "5, 8", -EINVAL },
	{ "5 ", -EINVAL },
	{ "x", -EINVAL },
	{ "5,x", -EINVAL },
	{ "0x,", -EINVAL },
	{ "18446744073709551615", -ERANGE },
	{ "18446744073709551616", -ERANGE },
	{ "18446744073709551616,", -ERANGE },
	{ "0,18446744073709551616", -ERANGE },
	{ "18446744073709551615+1", -ERANGE },
	{ "2+18446744073709551615", -ERANGE },
};

static void test_range_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_ranges); i++) {
		struct kpage_range r = { 42, 43 };
		int err = kpage_range_parse(bad_ranges[i].text, &r);

		if (err != bad_ranges[i].err)
			fail_msg("\"%s\": %d, expected %d", bad_ranges[i].text, err,
				 bad_ranges[i].err);
		assert_int_equal(r.start, 42);
		assert_int_equal(r.end, 43);
	}
}

/* Numbers with many digits are numbers too. */
static void test_range_long_number(void **state)
{
	struct kpage_range r = { 42, 43 };

	(void)state;
	assert_int_equal(kpage_range_parse("99999999999999999999999999999999999999999999", &r),
			 -ERANGE);
	assert_int_equal(kpage_range_parse("0,99999999999999999999999999999999999999999999", &r),
			 -ERANGE);
	assert_int_equal(kpage_range_parse("0x0000000000000000000000000000000000000010+1", &r), 0);
	assert_int_equal(r.start, 16);
	assert_int_equal(r.end, 17);
}

/* ------------------------------------------------------------------- subtract */

static const struct {
	struct kpage_range range;
	struct kpage_range set[4];
	size_t n;
	struct kpage_range left[5];
	size_t nr_left;
} differences[] = {
	{ { 10, 20 }, { { 0 } }, 0, { { 10, 20 } }, 1 },
	{ { 10, 10 }, { { 0 } }, 0, { { 0 } }, 0 },
	/* besides it, and touching it */
	{ { 10, 20 }, { { 0, 5 }, { 25, 30 } }, 2, { { 10, 20 } }, 1 },
	{ { 10, 20 }, { { 0, 10 }, { 20, 30 } }, 2, { { 10, 20 } }, 1 },
	/* all of it */
	{ { 10, 20 }, { { 10, 20 } }, 1, { { 0 } }, 0 },
	{ { 10, 20 }, { { 0, UINT64_MAX } }, 1, { { 0 } }, 0 },
	{ { 10, 20 }, { { 15, 20 }, { 10, 15 } }, 2, { { 0 } }, 0 },
	{ { 10, 20 }, { { 14, 30 }, { 0, 16 } }, 2, { { 0 } }, 0 },
	/* a part of it */
	{ { 10, 20 }, { { 5, 15 } }, 1, { { 15, 20 } }, 1 },
	{ { 10, 20 }, { { 15, 25 } }, 1, { { 10, 15 } }, 1 },
	{ { 10, 20 }, { { 12, 14 } }, 1, { { 10, 12 }, { 14, 20 } }, 2 },
	{ { 10, 20 }, { { 18, 19 }, { 12, 14 } }, 2, { { 10, 12 }, { 14, 18 }, { 19, 20 } }, 3 },
	/* overlapping and repeated ones */
	{ { 10, 20 }, { { 12, 15 }, { 14, 17 }, { 12, 15 } }, 3, { { 10, 12 }, { 17, 20 } }, 2 },
	{ { 10, 20 }, { { 12, 18 }, { 13, 14 } }, 2, { { 10, 12 }, { 18, 20 } }, 2 },
	/* empty ones cover nothing */
	{ { 10, 20 }, { { 15, 15 }, { 10, 10 } }, 2, { { 10, 20 } }, 1 },
	{ { 10, 20 }, { { 15, 15 }, { 12, 17 } }, 2, { { 10, 12 }, { 17, 20 } }, 2 },
	/* as many parts as there can be */
	{ { 0, 9 }, { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } }, 4,
	  { { 0, 1 }, { 2, 3 }, { 4, 5 }, { 6, 7 }, { 8, 9 } }, 5 },
	{ { 0, UINT64_MAX }, { { 5, UINT64_MAX - 1 } }, 1,
	  { { 0, 5 }, { UINT64_MAX - 1, UINT64_MAX } }, 2 },
};

static void test_subtract(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(differences); i++) {
		struct kpage_range left[5];
		size_t n = kpage_range_subtract(differences[i].range, differences[i].set,
						differences[i].n, left);

		assert_int_equal(n, differences[i].nr_left);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(left[k].start, differences[i].left[k].start);
			assert_int_equal(left[k].end, differences[i].left[k].end);
		}
	}
}

/* Against the plain way, page by page, on many small sets. */
static void test_subtract_all_small(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct kpage_range set[4], left[5], range = { 2, 14 };
		bool covered[16] = { false }, kept[16] = { false };
		size_t n;

		for (size_t i = 0; i < ARRAY_SIZE(set); i++) {
			set[i].start = (uint64_t)rand_r(&seed) % 16;
			set[i].end = set[i].start + (uint64_t)rand_r(&seed) % (16 - set[i].start);
			for (uint64_t p = set[i].start; p < set[i].end; p++)
				covered[p] = true;
		}
		n = kpage_range_subtract(range, set, ARRAY_SIZE(set), left);
		assert_true(n <= ARRAY_SIZE(left));
		for (size_t i = 0; i < n; i++)
			for (uint64_t p = left[i].start; p < left[i].end; p++)
				kept[p] = true;
		for (uint64_t p = range.start; p < range.end; p++)
			assert_int_equal(kept[p], !covered[p]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_number_errors),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_range_errors),
		cmocka_unit_test(test_range_long_number),
		cmocka_unit_test(test_subtract),
		cmocka_unit_test(test_subtract_all_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
