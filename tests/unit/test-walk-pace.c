// SPDX-License-Identifier: GPL-2.0-or-later
/* A walk that is limited to a share of one CPU, and what it says of its progress. */
#include "fixture.h"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#define PAGES (UINT64_C(8) << 20)

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Which share of a CPU a walk over PAGES pages took. */
static double share(struct fixture *fx, unsigned int threads, unsigned int max_cpu)
{
	const struct kpage_range all = { 0, UINT64_MAX };
	struct kpage_walk walk = { .threads = threads, .max_cpu = max_cpu };
	struct kpage_file *flags;
	double begin, begin_cpu, cpu, took;

	fixture_text(fx, "/proc/kpageflags", "");
	fixture_truncate(fx, "/proc/kpageflags", (off_t)(PAGES * sizeof(uint64_t)));
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &flags), 0);
	assert_int_equal(kpage_tally_new(&walk.tally), 0);
	walk.flags = flags;
	begin = seconds(CLOCK_MONOTONIC);
	begin_cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	assert_int_equal(kpage_walk_pfns(&walk, &all, 1, NULL), 0);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu;
	took = seconds(CLOCK_MONOTONIC) - begin;
	assert_int_equal(kpage_tally_total(walk.tally), PAGES);
	kpage_tally_free(walk.tally);
	kpage_file_free(flags);
	return cpu / took;
}

/* On a busy machine a thread wakes up late, and waits for its turn: the share may be smaller
 * than it could be, never larger. */
#define TRIES 5

static void test_share(void **state)
{
	static const unsigned int percent[] = { 10, 25, 50 };
	struct fixture *fx = *state;

	for (unsigned int threads = 1; threads <= 3; threads += 2)
		for (size_t i = 0; i < ARRAY_SIZE(percent); i++) {
			double best = 0;

			for (int n = 0; n < TRIES && best <= 0.4; n++) {
				double got = share(fx, threads, percent[i]) * 100 / percent[i];

				assert_true(got < 1.1);
				best = MAX(best, got);
			}
			assert_true(best > 0.4);
		}
}

/* How often it goes to sleep by itself, which nobody else's load makes it do. */
static long sleeps(struct fixture *fx, unsigned int percent)
{
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	share(fx, 1, percent);
	getrusage(RUSAGE_SELF, &after);
	return after.ru_nvcsw - before.ru_nvcsw;
}

static void test_no_limit(void **state)
{
	struct fixture *fx = *state;
	long limited = sleeps(fx, 10), fewest = limited;

	for (int n = 0; n < TRIES; n++)
		fewest = MIN(fewest, sleeps(fx, 0));
	print_message("sleeps: %ld with a limit, %ld without\n", limited, fewest);
	assert_true(fewest < limited / 2);
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
