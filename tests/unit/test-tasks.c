// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk over processes and threads. */
#include "fixture.h"

#include <pthread.h>
#include <sys/syscall.h>

/* The tasks that a walk shows, as a set; each must be one of n, and shown once. */
static void check_tasks(struct kpage_ctx *ctx, pid_t pid, const pid_t *wanted, size_t n)
{
	struct kpage_tasks *tasks = NULL;
	bool seen[8] = { false };
	pid_t tid;
	int more;

	assert_int_equal(kpage_tasks_open(ctx, pid, &tasks), 0);
	while ((more = kpage_tasks_next(tasks, &tid)) > 0) {
		size_t i = 0;

		while (i < n && wanted[i] != tid)
			i++;
		assert_true(i < n);
		assert_false(seen[i]);
		seen[i] = true;
	}
	assert_int_equal(more, 0);
	kpage_tasks_free(tasks);
	for (size_t i = 0; i < n; i++)
		assert_true(seen[i]);
}

static void test_processes(void **state)
{
	static const pid_t pids[] = { 1, 17, 4194304 };
	struct fixture *fx = *state;

	fixture_mkdir(fx, "/proc/1");
	fixture_mkdir(fx, "/proc/17");
	fixture_mkdir(fx, "/proc/4194304");
	fixture_text(fx, "/proc/cmdline", "");
	/* Names that are no number of a task. */
	fixture_mkdir(fx, "/proc/0");
	fixture_mkdir(fx, "/proc/017");
	fixture_mkdir(fx, "/proc/17x");
	fixture_mkdir(fx, "/proc/-1");
	fixture_mkdir(fx, "/proc/0x11");
	fixture_mkdir(fx, "/proc/99999999999");
	fixture_mkdir(fx, "/proc/99999999999999999999999");
	check_tasks(fx->ctx, 0, pids, ARRAY_SIZE(pids));
}

static void test_threads(void **state)
{
	static const pid_t tids[] = { 17, 18, 42 };
	struct fixture *fx = *state;

	for (size_t i = 0; i < ARRAY_SIZE(tids); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/17/task/%d", (int)tids[i]);
		fixture_mkdir(fx, path);
	}
	check_tasks(fx->ctx, 17, tids, ARRAY_SIZE(tids));
}

static void test_none(void **state)
{
	struct fixture *fx = *state;
	struct kpage_tasks *tasks = NULL;

	assert_int_equal(kpage_tasks_open(fx->ctx, 0, &tasks), -ENOENT);
	assert_int_equal(kpage_tasks_open(fx->ctx, 17, &tasks), -ESRCH);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/proc/17/task");
	assert_null(tasks);
	kpage_tasks_free(NULL);
	fixture_mkdir(fx, "/proc/17/task");
	check_tasks(fx->ctx, 17, NULL, 0);
}

/* ------------------------------------------------------------ this process, live */

static pthread_barrier_t barrier;

static void *wait_there(void *arg)
{
	*(pid_t *)arg = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void test_live(void **state)
{
	pid_t tids[2] = { getpid() }, pid;
	struct kpage_tasks *tasks = NULL;
	struct kpage_ctx *ctx = NULL;
	pthread_t thread;
	bool found = false;

	(void)state;
	assert_int_equal(kpage_ctx_new(NULL, &ctx), 0);
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_there, &tids[1]), 0);
	pthread_barrier_wait(&barrier);
	check_tasks(ctx, getpid(), tids, 2);
	assert_int_equal(kpage_tasks_open(ctx, 0, &tasks), 0);
	while (kpage_tasks_next(tasks, &pid) > 0) {
		found |= pid == getpid();
		/* A thread is no process. */
		assert_int_not_equal(pid, tids[1]);
	}
	assert_true(found);
	kpage_tasks_free(tasks);
	pthread_barrier_wait(&barrier);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_barrier_destroy(&barrier);
	kpage_ctx_free(ctx);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_processes),
		TREE_TEST(test_threads),
		TREE_TEST(test_none),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
