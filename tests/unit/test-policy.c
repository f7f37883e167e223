// SPDX-License-Identifier: GPL-2.0-or-later
/* The kill policy of threads, as /proc shows it and as it is set from outside. */
#include "victim.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define OWN   0x00000080U
#define EARLY 0x08000000U

static enum kpage_policy policy_of(struct kpage_ctx *ctx, pid_t tid)
{
	enum kpage_policy policy = (enum kpage_policy)77;

	assert_int_equal(kpage_policy_get(ctx, tid, &policy), 0);
	return policy;
}

static void test_get(void **state)
{
	static const struct {
		const char *comm;
		unsigned int flags;
		enum kpage_policy policy;
	} cases[] = {
		{ "cat", 0x400000, KPAGE_POLICY_DEFAULT },
		{ "cat", 0x400000 | OWN, KPAGE_POLICY_LATE },
		{ "cat", 0x400000 | OWN | EARLY, KPAGE_POLICY_EARLY },
		/* What PR_MCE_KILL_CLEAR leaves behind. */
		{ "cat", 0x400000 | EARLY, KPAGE_POLICY_DEFAULT },
		{ "a) R 1 2 3", OWN, KPAGE_POLICY_LATE },
		{ ") (", OWN | EARLY, KPAGE_POLICY_EARLY },
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256];

		snprintf(text, sizeof(text), "17 (%s) S 1 17 17 0 -1 %u 100 0 0 0\n", cases[i].comm,
			 cases[i].flags);
		fixture_text(fx, "/proc/17/stat", text);
		assert_int_equal(policy_of(fx->ctx, 17), cases[i].policy);
	}
}

static void test_get_errors(void **state)
{
	static const char *const bad[] = { "", "17 (cat", "17 (cat) S 1 17", "17 (cat) S 1 1 1 1 1 x" };
	struct fixture *fx = *state;
	enum kpage_policy policy = KPAGE_POLICY_EARLY;

	assert_int_equal(kpage_policy_get(fx->ctx, 17, &policy), -ESRCH);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/proc/17/stat");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		fixture_text(fx, "/proc/17/stat", bad[i]);
		assert_int_equal(kpage_policy_get(fx->ctx, 17, &policy), -EUCLEAN);
	}
	assert_int_equal(policy, KPAGE_POLICY_EARLY);
	assert_int_equal(kpage_policy_set(fx->ctx, 17, KPAGE_POLICY_LATE), -ENOSYS);
	assert_int_equal(kpage_policy_clear(fx->ctx, 17), -ENOSYS);
	/* A tree has no tasks, not even one of the caller's number. */
	assert_int_equal(kpage_policy_clear(fx->ctx, getpid()), -ENOSYS);
}

static const enum kpage_policy all[] = { KPAGE_POLICY_EARLY, KPAGE_POLICY_LATE,
					 KPAGE_POLICY_DEFAULT, KPAGE_POLICY_EARLY };

static void test_own(void **state)
{
	struct victim *v = *state;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		assert_int_equal(kpage_policy_set(v->ctx, getpid(), all[i]), 0);
		assert_int_equal(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), all[i]);
		assert_int_equal(policy_of(v->ctx, getpid()), all[i]);
	}
	assert_int_equal(kpage_policy_set(v->ctx, getpid(), (enum kpage_policy)3), -EINVAL);
	assert_int_equal(kpage_policy_set(v->ctx, getpid(), (enum kpage_policy)-1), -EINVAL);
	assert_int_equal(policy_of(v->ctx, getpid()), KPAGE_POLICY_EARLY);
	assert_int_equal(kpage_policy_set(v->ctx, getpid(), KPAGE_POLICY_DEFAULT), 0);
}

/* The flag that the thread was early stays behind, and counts for nothing. */
static void test_own_clear(void **state)
{
	struct victim *v = *state;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		assert_int_equal(kpage_policy_set(v->ctx, getpid(), all[i]), 0);
		assert_int_equal(kpage_policy_clear(v->ctx, getpid()), 0);
		assert_int_equal(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), KPAGE_POLICY_DEFAULT);
		assert_int_equal(policy_of(v->ctx, getpid()), KPAGE_POLICY_DEFAULT);
	}
	assert_int_equal(kpage_policy_clear(v->ctx, getpid()), 0);
}

static void *pause_thread(void *arg)
{
	struct shared *s = arg;

	s->tid = (pid_t)syscall(SYS_gettid);
	while (!s->go)
		usleep(1000);
	s->number = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
	return NULL;
}

static void two_threads(struct shared *s)
{
	pthread_t thread;

	pthread_create(&thread, NULL, pause_thread, s);
	while (!s->tid)
		usleep(1000);
	s->ready = 1;
	pthread_join(thread, NULL);
	s->result = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
}

/* Of one thread and not of the other. */
static void test_set(void **state)
{
	struct victim *v = *state;

	victim_start(v, two_threads);
	wait_value(&v->shared->ready, 1);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		assert_int_equal(kpage_policy_set(v->ctx, v->shared->tid, all[i]), 0);
		assert_int_equal(policy_of(v->ctx, v->shared->tid), all[i]);
		assert_int_equal(policy_of(v->ctx, v->pid), KPAGE_POLICY_DEFAULT);
	}
	assert_int_equal(kpage_policy_set(v->ctx, v->pid, KPAGE_POLICY_LATE), 0);
	assert_int_equal(kpage_policy_set(v->ctx, v->pid, (enum kpage_policy)3), -EINVAL);
	v->shared->go = 1;
	assert_int_equal(victim_wait(v), 0);
	assert_int_equal(v->shared->number, KPAGE_POLICY_EARLY);
	assert_int_equal(v->shared->result, KPAGE_POLICY_LATE);
}

/* Of one thread and not of the other. */
static void test_clear(void **state)
{
	struct victim *v = *state;

	victim_start(v, two_threads);
	wait_value(&v->shared->ready, 1);
	assert_int_equal(kpage_policy_set(v->ctx, v->pid, KPAGE_POLICY_EARLY), 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		assert_int_equal(kpage_policy_set(v->ctx, v->shared->tid, all[i]), 0);
		assert_int_equal(kpage_policy_clear(v->ctx, v->shared->tid), 0);
		assert_int_equal(policy_of(v->ctx, v->shared->tid), KPAGE_POLICY_DEFAULT);
		assert_int_equal(policy_of(v->ctx, v->pid), KPAGE_POLICY_EARLY);
	}
	v->shared->go = 1;
	assert_int_equal(victim_wait(v), 0);
	assert_int_equal(v->shared->number, KPAGE_POLICY_DEFAULT);
	assert_int_equal(v->shared->result, KPAGE_POLICY_EARLY);
}

static void test_set_errors(void **state)
{
	struct victim *v = *state;

	assert_int_equal(kpage_policy_set(v->ctx, 0x7ffffff0, KPAGE_POLICY_LATE), -ESRCH);
	assert_int_equal(kpage_policy_clear(v->ctx, 0x7ffffff0), -ESRCH);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_get),
		TREE_TEST(test_get_errors),
		VICTIM_TEST(test_own),
		VICTIM_TEST(test_own_clear),
		VICTIM_TEST(test_set),
		VICTIM_TEST(test_clear),
		VICTIM_TEST(test_set_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
