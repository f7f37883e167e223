// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/PID/status: name, state, and what it does about SIGBUS. */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

/* SIGBUS is signal 7 on every architecture but a few: bit 6. */
#define BUS "0000000000000040"
#define NOT_BUS "ffffffffffffffbf"
#define NO_SIGNAL "0000000000000000"

static struct kpage_task read_task(struct fixture *fx, const char *status)
{
	struct kpage_task task;

	fixture_text(fx, "/proc/17/status", status);
	assert_int_equal(kpage_task_read(fx->ctx, 17, &task), 0);
	return task;
}

static void test_none(void **state)
{
	struct fixture *fx = *state;
	struct kpage_task task = { .tid = 42 };

	assert_int_equal(kpage_task_read(fx->ctx, 17, &task), -ESRCH);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/proc/17/status");
	/* What a process leaves that ends between open and read. */
	fixture_text(fx, "/proc/17/status", "");
	assert_int_equal(kpage_task_read(fx->ctx, 17, &task), -ESRCH);
	assert_int_equal(task.tid, 42);
}

static void test_init(void **state)
{
	static const struct {
		const char *status;
		bool is_init;
	} cases[] = {
		{ "Tgid:\t17\nNStgid:\t17\n", false },
		{ "Tgid:\t17\nNStgid:\t17\t1\n", true },
		{ "Tgid:\t17\nNStgid:\t17\t5\t12\n", false },
		{ "Tgid:\t1\nNStgid:\t1\n", true },
		/* No CONFIG_PID_NS. */
		{ "Tgid:\t1\n", true },
		{ "Tgid:\t17\n", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(read_task(*state, cases[i].status).is_init, cases[i].is_init);
}

static void test_process(void **state)
{
	struct kpage_task t = read_task(*state, "Name:\tcat\n"
						"Umask:\t0022\n"
						"State:\tS (sleeping)\n"
						"Tgid:\t17\n"
						"Ngid:\t0\n"
						"Pid:\t17\n"
						"PPid:\t1\n"
						"VmPeak:\t    5444 kB\n"
						"VmSize:\t    5440 kB\n"
						"SigQ:\t0/15432\n"
						"SigPnd:\t" NO_SIGNAL "\n"
						"ShdPnd:\t" NO_SIGNAL "\n"
						"SigBlk:\t" NO_SIGNAL "\n"
						"SigIgn:\t" NO_SIGNAL "\n"
						"SigCgt:\t" NO_SIGNAL "\n");

	assert_int_equal(t.tid, 17);
	assert_int_equal(t.pid, 17);
	assert_int_equal(t.ppid, 1);
	assert_string_equal(t.comm, "cat");
	assert_int_equal(t.state, 'S');
	assert_true(t.has_memory);
	assert_false(t.sigbus_blocked || t.sigbus_ignored || t.sigbus_caught || t.sigbus_pending);
}

static void test_thread(void **state)
{
	struct kpage_task t = read_task(*state, "Name:\tworker\nState:\tR (running)\n"
						"Tgid:\t12\nPid:\t17\nVmSize:\t    4 kB\n");

	assert_int_equal(t.tid, 17);
	assert_int_equal(t.pid, 12);
	assert_int_equal(t.state, 'R');
}

static void test_tracer_and_rights(void **state)
{
	struct kpage_task t;

	t = read_task(*state, "Name:\tcat\nTgid:\t17\nTracerPid:\t0\nCapEff:\t0000000000000000\n");
	assert_int_equal(t.tracer, 0);
	assert_false(t.has_sys_admin);
	/* CAP_SYS_ADMIN is bit 21. */
	t = read_task(*state, "Name:\tcat\nTgid:\t17\nTracerPid:\t4711\nCapEff:\t0000000000200000\n");
	assert_int_equal(t.tracer, 4711);
	assert_true(t.has_sys_admin);
	t = read_task(*state, "Name:\tcat\nTgid:\t17\nCapEff:\t000001ffffdfffff\n");
	assert_false(t.has_sys_admin);
}

#define FIELDS_4_TO_21 "1 17 17 0 -1 4194304 100 0 0 0 2 3 0 0 20 0 1 0"

static void test_started(void **state)
{
	struct fixture *fx = *state;
	uint64_t ticks = 42;

	assert_int_equal(kpage_task_started(fx->ctx, 17, &ticks), -ESRCH);
	fixture_text(fx, "/proc/17/stat", "17 (cat) S " FIELDS_4_TO_21 " 271828 5570560\n");
	assert_int_equal(kpage_task_started(fx->ctx, 17, &ticks), 0);
	assert_int_equal(ticks, 271828);
	/* A name may look like the rest of the line. */
	fixture_text(fx, "/proc/17/stat", "17 (a) R 1 (b) c) S " FIELDS_4_TO_21 " 5 5570560\n");
	assert_int_equal(kpage_task_started(fx->ctx, 17, &ticks), 0);
	assert_int_equal(ticks, 5);
	fixture_text(fx, "/proc/17/stat", "17 (cat) S " FIELDS_4_TO_21);
	assert_int_equal(kpage_task_started(fx->ctx, 17, &ticks), -EUCLEAN);
	fixture_text(fx, "/proc/17/stat", "17 (cat) S " FIELDS_4_TO_21 " never 5570560\n");
	assert_int_equal(kpage_task_started(fx->ctx, 17, &ticks), -EUCLEAN);
	fixture_text(fx, "/proc/17/stat", "nothing of the kind\n");
	assert_int_equal(kpage_task_started(fx->ctx, 17, &ticks), -EUCLEAN);
	assert_int_equal(ticks, 5);
}

#define FIELDS_22_TO_38 "5 5570560 100 18446744073709551615 1 2 3 0 0 0 0 0 0 0 0 0 17"

static void test_cpu(void **state)
{
	struct fixture *fx = *state;
	uint64_t cpu = 42;

	assert_int_equal(kpage_task_cpu(fx->ctx, 17, &cpu), -ESRCH);
	fixture_text(fx, "/proc/17/stat", "17 (cat) R " FIELDS_4_TO_21 " " FIELDS_22_TO_38 " 3 0 0 0\n");
	assert_int_equal(kpage_task_cpu(fx->ctx, 17, &cpu), 0);
	assert_int_equal(cpu, 3);
	fixture_text(fx, "/proc/17/stat", "17 (cat) R " FIELDS_4_TO_21 " 5 5570560\n");
	assert_int_equal(kpage_task_cpu(fx->ctx, 17, &cpu), -EUCLEAN);
}

static void test_without_memory(void **state)
{
	struct kpage_task t;

	t = read_task(*state, "Name:\tkswapd0\nState:\tS (sleeping)\nTgid:\t17\nPid:\t17\n");
	assert_false(t.has_memory);
	t = read_task(*state, "Name:\tgone\nState:\tZ (zombie)\nTgid:\t17\nPid:\t17\n");
	assert_int_equal(t.state, 'Z');
	assert_false(t.has_memory);
}

/* A task of process 17. */
static void put_task(struct fixture *fx, pid_t tid, const char *state, bool has_memory)
{
	char path[64], status[128];

	snprintf(status, sizeof(status), "Name:\tthread\nState:\t%s\nTgid:\t17\nPid:\t%d\n%s", state,
		 (int)tid, has_memory ? "VmSize:\t    5808 kB\n" : "");
	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	fixture_text(fx, path, status);
	snprintf(path, sizeof(path), "/proc/17/task/%d/status", (int)tid);
	fixture_text(fx, path, status);
}

static void test_whose_memory(void **state)
{
	struct kpage_task t = { .tid = 42 };
	struct fixture *fx = *state;

	assert_int_equal(kpage_task_read_memory(fx->ctx, 17, &t), -ESRCH);
	put_task(fx, 17, "S (sleeping)", true);
	put_task(fx, 18, "S (sleeping)", true);
	assert_int_equal(kpage_task_read_memory(fx->ctx, 17, &t), 0);
	assert_int_equal(t.tid, 17);
	assert_int_equal(kpage_task_read_memory(fx->ctx, 18, &t), 0);
	assert_int_equal(t.tid, 18);
	/* A kernel thread, and one that is just ending. */
	put_task(fx, 17, "S (sleeping)", false);
	assert_int_equal(kpage_task_read_memory(fx->ctx, 17, &t), -ESRCH);
	put_task(fx, 18, "Z (zombie)", false);
	assert_int_equal(kpage_task_read_memory(fx->ctx, 18, NULL), -ESRCH);
	assert_int_equal(t.tid, 18);
}

static void test_first_thread_has_ended(void **state)
{
	struct kpage_task t = { .tid = 42 };
	struct fixture *fx = *state;
	struct kpage_maps *maps = NULL;
	struct kpage_file *pagemap = NULL;
	struct kpage_vma vma;
	uint64_t entry = 0;

	put_task(fx, 17, "Z (zombie)", false);
	put_task(fx, 18, "Z (zombie)", false);
	assert_int_equal(kpage_task_read_memory(fx->ctx, 17, &t), -ESRCH);
	assert_int_equal(t.tid, 42);
	put_task(fx, 19, "S (sleeping)", true);
	assert_int_equal(kpage_task_read_memory(fx->ctx, 17, &t), 0);
	assert_int_equal(t.tid, 19);
	assert_int_equal(kpage_task_read_memory(fx->ctx, 17, NULL), 0);

	/* Its own maps are empty; its pagemap can't be opened (6.18), or is empty, too. */
	fixture_text(fx, "/proc/17/maps", "");
	fixture_text(fx, "/proc/19/maps", "1000-3000 rw-p 00000000 00:00 0 \n");
	fixture_text(fx, "/proc/19/pagemap", "\1\2\3\4\5\6\7\10");
	assert_int_equal(kpage_maps_open(fx->ctx, 17, &maps), 0);
	assert_int_equal(kpage_maps_next(maps, &vma), 1);
	assert_int_equal(vma.end, 0x3000);
	assert_int_equal(kpage_maps_next(maps, &vma), 0);
	kpage_maps_free(maps);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(kpage_file_open_pagemap(fx->ctx, 17, &pagemap), 0);
		assert_int_equal(kpage_file_read(pagemap, 0, &entry, 1), 1);
		assert_int_equal(entry, UINT64_C(0x0807060504030201));
		kpage_file_free(pagemap);
		fixture_text(fx, "/proc/17/pagemap", "");
	}
}

static void test_names(void **state)
{
	struct kpage_task t;

	/* As long as the kernel's longest (a kworker's), with all that it escapes. */
	t = read_task(*state, "Name:\tkworker/u8:3-events_unbound+with_a_description_of_its_work\n"
			      "Tgid:\t17\n");
	assert_string_equal(t.comm,
			    "kworker/u8:3-events_unbound+with_a_description_of_its_work");
	t = read_task(*state, "Name:\ta: b\\nTgid:\t3\nTgid:\t17\n");
	assert_string_equal(t.comm, "a: b\\nTgid:\t3");
	assert_int_equal(t.pid, 17);
	t = read_task(*state, "Name:\t\nTgid:\t17\n");
	assert_string_equal(t.comm, "");
	/* A name may begin with a blank. */
	t = read_task(*state, "Name:\t  x\nTgid:\t17\n");
	assert_string_equal(t.comm, "  x");
}

static void test_long_name(void **state)
{
	struct fixture *fx = *state;
	struct kpage_task *t = guarded_alloc(sizeof(*t));
	char text[2000];

	memset(text, 'n', sizeof(text));
	memcpy(text, "Name:\t", 6);
	strcpy(text + 1500, "\nTgid:\t17\n");
	fixture_text(fx, "/proc/17/status", text);
	assert_int_equal(kpage_task_read(fx->ctx, 17, t), 0);
	assert_int_equal(strlen(t->comm), sizeof(t->comm) - 1);
	guarded_free(t, sizeof(*t));
}

static void test_signals(void **state)
{
	static const struct {
		const char *line;
		bool blocked, ignored, caught, pending;
	} cases[] = {
		{ "SigBlk:\t" BUS "\n", true, false, false, false },
		{ "SigIgn:\t" BUS "\n", false, true, false, false },
		{ "SigCgt:\t" BUS "\n", false, false, true, false },
		{ "SigPnd:\t" BUS "\n", false, false, false, true },
		{ "ShdPnd:\t" BUS "\n", false, false, false, true },
		{ "SigPnd:\t" BUS "\nShdPnd:\t" NO_SIGNAL "\n", false, false, false, true },
		{ "SigPnd:\t" NO_SIGNAL "\nShdPnd:\t" BUS "\n", false, false, false, true },
		{ "SigBlk:\t" NOT_BUS "\nSigIgn:\t" NOT_BUS "\nSigCgt:\t" NOT_BUS
		  "\nSigPnd:\t" NOT_BUS "\nShdPnd:\t" NOT_BUS "\n",
		  false, false, false, false },
		{ "SigBlk:\tffffffffffffffff\nSigCgt:\tffffffffffffffff\n", true, false, true,
		  false },
	};

	if (SIGBUS != 7)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kpage_task t;
		char text[512];

		snprintf(text, sizeof(text), "Name:\tx\nTgid:\t17\n%s", cases[i].line);
		t = read_task(*state, text);
		assert_int_equal(t.sigbus_blocked, cases[i].blocked);
		assert_int_equal(t.sigbus_ignored, cases[i].ignored);
		assert_int_equal(t.sigbus_caught, cases[i].caught);
		assert_int_equal(t.sigbus_pending, cases[i].pending);
	}
}

/* --------------------------------------------------------- this process, live */

struct thread {
	struct kpage_ctx *ctx;
	struct kpage_task task;
	pid_t tid;
	int err;
};

static void *look_at_myself(void *arg)
{
	struct thread *t = arg;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	t->tid = (pid_t)syscall(SYS_gettid);
	t->err = kpage_task_read(t->ctx, t->tid, &t->task);
	return NULL;
}

static void test_live(void **state)
{
	struct kpage_task me;
	struct thread other = { 0 };
	pthread_t thread;

	(void)state;
	assert_int_equal(kpage_ctx_new(NULL, &other.ctx), 0);
	assert_int_equal(kpage_task_read(other.ctx, getpid(), &me), 0);
	assert_int_equal(me.pid, getpid());
	assert_int_equal(me.ppid, getppid());
	assert_true(me.has_memory);
	assert_false(me.sigbus_blocked);
	assert_int_equal(pthread_create(&thread, NULL, look_at_myself, &other), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(other.err, 0);
	assert_int_equal(other.task.tid, other.tid);
	assert_int_equal(other.task.pid, getpid());
	assert_int_not_equal(other.task.tid, getpid());
	assert_true(other.task.sigbus_blocked);
	kpage_ctx_free(other.ctx);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_none),
		TREE_TEST(test_init),
		TREE_TEST(test_process),
		TREE_TEST(test_thread),
		TREE_TEST(test_without_memory),
		TREE_TEST(test_whose_memory),
		TREE_TEST(test_first_thread_has_ended),
		TREE_TEST(test_tracer_and_rights),
		TREE_TEST(test_started),
		TREE_TEST(test_cpu),
		TREE_TEST(test_names),
		TREE_TEST(test_long_name),
		TREE_TEST(test_signals),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
