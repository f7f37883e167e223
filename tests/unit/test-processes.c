// SPDX-License-Identifier: GPL-2.0-or-later
/* Which processes: the descendants of those that were named. */
#include "common/processes.h"

#include <errno.h>

#include "fixture.h"

static void put_process(struct fixture *fx, pid_t pid, pid_t ppid, bool memory)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	snprintf(text, sizeof(text), "Name:\tx\nState:\tS\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\n%s", (int)pid,
		 (int)pid, (int)ppid, memory ? "VmSize:\t 4 kB\n" : "");
	fixture_text(fx, path, text);
}

static void make_tree(struct fixture *fx)
{
	put_process(fx, 1, 0, true);
	put_process(fx, 2, 0, false);
	put_process(fx, 3, 2, false);
	put_process(fx, 50, 1, true);
	put_process(fx, 40, 50, true);	/* a PID below its parent's */
	put_process(fx, 30, 40, true);
	put_process(fx, 31, 40, true);
	put_process(fx, 60, 1, true);
	put_process(fx, 61, 60, true);
	fixture_mkdir(fx, "/proc/99");	/* it has just ended */
}

static bool has(const struct process_list *list, pid_t pid)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += list->v[i] == pid;
	assert_in_range(n, 0, 1);
	return n;
}

static void test_add(void **state)
{
	struct process_list list = { 0 };

	(void)state;
	process_list_add(&list, 5);
	process_list_add(&list, 3);
	process_list_add(&list, 5);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.v[0], 5);
	assert_int_equal(list.v[1], 3);
	process_list_release(&list);
}

static void test_descendants(void **state)
{
	struct process_list list = { 0 };
	struct fixture *fx = *state;

	make_tree(fx);
	process_list_add(&list, 50);
	assert_int_equal(process_list_add_descendants(&list, fx->ctx), 0);
	assert_int_equal(list.n, 4);
	assert_int_equal(list.v[0], 50);
	assert_int_equal(list.v[1], 40);
	assert_true(has(&list, 30) && has(&list, 31));
	/* Again: nothing new; with a second root, one of the first's. */
	process_list_add(&list, 60);
	process_list_add(&list, 40);
	assert_int_equal(process_list_add_descendants(&list, fx->ctx), 0);
	assert_int_equal(list.n, 6);
	assert_true(has(&list, 60) && has(&list, 61));
	process_list_release(&list);
}

static void test_all(void **state)
{
	struct process_list list = { 0 };
	struct fixture *fx = *state;

	make_tree(fx);
	process_list_add(&list, 1);
	assert_int_equal(process_list_add_descendants(&list, fx->ctx), 0);
	assert_int_equal(list.n, 7);
	assert_false(has(&list, 2) || has(&list, 3) || has(&list, 99));
	process_list_release(&list);
}

/* The tool is the child of the shell that was named: not its target. */
static void test_not_ourselves(void **state)
{
	struct process_list list = { 0 };
	struct fixture *fx = *state;

	make_tree(fx);
	put_process(fx, getpid(), 61, true);
	process_list_add(&list, 60);
	assert_int_equal(process_list_add_descendants(&list, fx->ctx), 0);
	assert_int_equal(list.n, 2);
	assert_false(has(&list, getpid()));
	/* … unless it is named. */
	process_list_add(&list, getpid());
	assert_int_equal(process_list_add_descendants(&list, fx->ctx), 0);
	assert_true(has(&list, getpid()));
	process_list_release(&list);
}

static void test_no_proc(void **state)
{
	struct process_list list = { 0 };
	struct fixture *fx = *state;

	assert_int_equal(process_list_add_descendants(&list, fx->ctx), -ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		TREE_TEST(test_descendants),
		TREE_TEST(test_all),
		TREE_TEST(test_not_ourselves),
		TREE_TEST(test_no_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
