// SPDX-License-Identifier: GPL-2.0-or-later
/* The random choice. */
#include "common/sample.h"

#include "fixture.h"

#define ROOM 4096

/* Offers the numbers 0 … n-1; out: those that were chosen, in order. Returns how many. */
static size_t choose(uint64_t seed, size_t k, uint64_t n, uint64_t *out)
{
	struct sample s = { .seed = seed, .k = k };
	uint64_t taken[ROOM];
	size_t used = 0, chosen;

	for (uint64_t i = 0; i < n; i++) {
		size_t slot = sample_offer(&s);

		if (slot == SAMPLE_NOT_CHOSEN)
			continue;
		assert_true(slot < k && slot <= used);
		used += slot == used;
		taken[slot] = i;
	}
	sample_order(&s);
	assert_int_equal(s.n, used);
	assert_int_equal(s.seen, n);
	for (size_t i = 0; i < s.n; i++)
		out[i] = taken[s.heap[i].slot];
	chosen = s.n;
	sample_release(&s);
	return chosen;
}

static void test_none(void **state)
{
	uint64_t out[1];

	(void)state;
	assert_int_equal(choose(1, 10, 0, out), 0);
	assert_int_equal(choose(1, 0, 10, out), 0);
}

/* The numbers of splitmix64, from its authors' own program: with the seed 1234567 the
 * first five are 6457827717110365317, 3203168211198807973, 9817491932198370423,
 * 4593380528125082431, 16408922859458223821. */
static void test_known(void **state)
{
	static const uint64_t order[] = { 1, 3, 0, 2, 4 };
	uint64_t out[5];

	(void)state;
	assert_int_equal(choose(1234567, 5, 5, out), 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(out[i], order[i]);
	assert_int_equal(choose(1234567, 2, 5, out), 2);
	assert_int_equal(out[0], 1);
	assert_int_equal(out[1], 3);
}

/* Fewer are the beginning of more; each is chosen once. */
static void test_same_again(void **state)
{
	static uint64_t all[ROOM], some[ROOM];
	bool seen[1000] = { false };

	(void)state;
	assert_int_equal(choose(42, 1000, 1000, all), 1000);
	for (size_t i = 0; i < 1000; i++) {
		assert_true(all[i] < 1000);
		assert_false(seen[all[i]]);
		seen[all[i]] = true;
	}
	for (size_t k = 1; k < 1000; k += 111) {
		assert_int_equal(choose(42, k, 1000, some), k);
		assert_memory_equal(some, all, k * sizeof(*all));
	}
	choose(43, 1000, 1000, some);
	assert_memory_not_equal(some, all, 1000 * sizeof(*all));
}

/* Each of 10 is one of 3 in 3 of 10 cases. */
static void test_even(void **state)
{
	unsigned int count[10] = { 0 };
	uint64_t out[3];

	(void)state;
	for (uint64_t seed = 0; seed < 10000; seed++) {
		assert_int_equal(choose(seed, 3, 10, out), 3);
		for (size_t i = 0; i < 3; i++)
			count[out[i]]++;
	}
	for (size_t i = 0; i < 10; i++)
		assert_in_range(count[i], 2800, 3200);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_same_again),
		cmocka_unit_test(test_even),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
