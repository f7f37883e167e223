// SPDX-License-Identifier: GPL-2.0-or-later
/* A walk that is limited to a share of one CPU, and what it says of its progress. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define PAGES (UINT64_C(8) << 20)

/* The sleeps of the walk under test, of all threads: how many, and when the last was to end. */
static atomic_ulong nr_sleeps;
static _Atomic uint64_t last_end_ns;

int __real_clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
			   struct timespec *rest);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
			   struct timespec *rest);

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
			   struct timespec *rest)
{
	uint64_t end = (uint64_t)until->tv_sec * 1000000000 + (uint64_t)until->tv_nsec;
	uint64_t last = last_end_ns;

	assert_int_equal(clock, CLOCK_MONOTONIC);
	assert_int_equal(flags, TIMER_ABSTIME);
	while (end > last && !atomic_compare_exchange_weak(&last_end_ns, &last, end))
		;
	nr_sleeps++;
	return __real_clock_nanosleep(clock, flags, until, rest);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/*
 * Which share of a CPU a walk over PAGES pages has given itself: until it would go on. Nobody
 * else's load changes that; with it, a thread wakes up later, and the share that it gets is
 * smaller.
 */
static double share(struct fixture *fx, unsigned int threads, unsigned int max_cpu)
{
	const struct kpage_range all = { 0, UINT64_MAX };
	struct kpage_walk walk = { .threads = threads, .max_cpu = max_cpu };
	struct kpage_file *flags;
	uint64_t begin, begin_cpu, cpu, end;

	fixture_text(fx, "/proc/kpageflags", "");
	fixture_truncate(fx, "/proc/kpageflags", (off_t)(PAGES * sizeof(uint64_t)));
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &flags), 0);
	assert_int_equal(kpage_tally_new(&walk.tally), 0);
	walk.flags = flags;
	nr_sleeps = 0;
	last_end_ns = 0;
	begin = now_ns(CLOCK_MONOTONIC);
	begin_cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	assert_int_equal(kpage_walk_pfns(&walk, &all, 1, NULL), 0);
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu;
	end = now_ns(CLOCK_MONOTONIC);
	assert_int_equal(kpage_tally_total(walk.tally), PAGES);
	kpage_tally_free(walk.tally);
	kpage_file_free(flags);
	/* It has slept that long. */
	assert_true(end >= last_end_ns);
	return last_end_ns ? (double)cpu / (double)(last_end_ns - begin) : 1;
}

static void test_share(void **state)
{
	static const unsigned int percent[] = { 10, 25, 50 };
	struct fixture *fx = *state;

	for (unsigned int threads = 1; threads <= 3; threads += 2)
		for (size_t i = 0; i < ARRAY_SIZE(percent); i++) {
			double got = share(fx, threads, percent[i]) * 100 / percent[i];

			print_message("%u threads, %u%%: %.3f of it\n", threads, percent[i], got);
			assert_true(got > 0.9);
			assert_true(got < 1.1);
		}
}

static void test_no_limit(void **state)
{
	struct fixture *fx = *state;

	share(fx, 1, 10);
	assert_true(nr_sleeps > 0);
	share(fx, 1, 0);
	assert_int_equal(nr_sleeps, 0);
}

struct notes {
	pthread_mutex_t lock;
	uint64_t most, calls;
};

static void note(uint64_t pages, void *arg)
{
	struct notes *n = arg;

	pthread_mutex_lock(&n->lock);
	n->most = MAX(n->most, pages);
	n->calls++;
	pthread_mutex_unlock(&n->lock);
}

static void test_progress(void **state)
{
	const struct kpage_range ranges[] = { { 5, 20000 }, { 100000, 200000 } };
	const struct kpage_hole hole = { { 30000, 150000 }, 0 };
	struct fixture *fx = *state;
	struct kpage_file *flags;

	fixture_text(fx, "/proc/kpageflags", "");
	fixture_truncate(fx, "/proc/kpageflags", (off_t)(PAGES * sizeof(uint64_t)));
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &flags), 0);
	for (unsigned int threads = 1; threads <= 2; threads++) {
		struct notes notes = { .lock = PTHREAD_MUTEX_INITIALIZER };
		const struct kpage_walk walk = {
			.flags = flags, .threads = threads, .holes = &hole, .nr_holes = 1,
			.progress = note, .progress_arg = &notes,
		};

		assert_int_equal(kpage_walk_pfns(&walk, ranges, ARRAY_SIZE(ranges), NULL), 0);
		assert_int_equal(notes.most, 119995);
		/* Three parts, one for the hole, and seven. */
		assert_int_equal(notes.calls, 11);
	}
	kpage_file_free(flags);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_share),
		TREE_TEST(test_no_limit),
		TREE_TEST(test_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
