// SPDX-License-Identifier: GPL-2.0-or-later
/* Offlining by sysfs, the counters of the nodes, memory blocks. */
#include "fixture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MEMORY "/sys/devices/system/memory"
#define HARD MEMORY "/hard_offline_page"
#define SOFT MEMORY "/soft_offline_page"
#define FAILURES "/sys/devices/system/node/node1/memory_failure"

static void expect_text(struct fixture *fx, const char *path, const char *expected)
{
	char text[64];

	assert_string_equal(fixture_read(fx, path, text, sizeof(text)), expected);
}

/* ------------------------------------------------------------------ offlining */

static void expect_address(struct fixture *fx, const char *path, uint64_t pfn)
{
	char text[64];

	snprintf(text, sizeof(text), "0x%" PRIx64 "\n", pfn * kpage_page_size());
	expect_text(fx, path, text);
}

static void test_check(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(kpage_offline_check(fx->ctx), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), HARD);
	fixture_text(fx, HARD, "");
	assert_int_equal(kpage_offline_check(fx->ctx), 0);
}

static void test_setting(void **state)
{
	struct fixture *fx = *state;
	uint64_t n = 42;

	assert_int_equal(kpage_failure_setting(fx->ctx, "memory_failure_recovery", &n), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/proc/sys/vm/memory_failure_recovery");
	fixture_text(fx, "/proc/sys/vm/memory_failure_recovery", "1\n");
	assert_int_equal(kpage_failure_setting(fx->ctx, "memory_failure_recovery", &n), 0);
	assert_int_equal(n, 1);
	fixture_text(fx, "/proc/sys/vm/memory_failure_recovery", "yes\n");
	assert_int_equal(kpage_failure_setting(fx->ctx, "memory_failure_recovery", &n), -EUCLEAN);
	assert_int_equal(n, 1);
}

#define EARLY_KILL "/proc/sys/vm/memory_failure_early_kill"

static int write_setting(struct fixture *fx, uint64_t value)
{
	return kpage_failure_setting_write(fx->ctx, "memory_failure_early_kill", value);
}

static void test_setting_write(void **state)
{
	struct fixture *fx = *state;
	uint64_t n;

	assert_int_equal(write_setting(fx, 1), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), EARLY_KILL);
	fixture_text(fx, EARLY_KILL, "0\n");
	assert_int_equal(write_setting(fx, 1), 0);
	assert_int_equal(kpage_failure_setting(fx->ctx, "memory_failure_early_kill", &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(write_setting(fx, 0), 0);
	assert_int_equal(kpage_failure_setting(fx->ctx, "memory_failure_early_kill", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(write_setting(fx, UINT64_MAX), 0);
	assert_int_equal(kpage_failure_setting(fx->ctx, "memory_failure_early_kill", &n), 0);
	assert_true(n == UINT64_MAX);
}

/* The kernel took it, and has another value: a pipe has the old one first. */
static void test_setting_write_differs(void **state)
{
	struct fixture *fx = *state;
	int fd;

	fixture_mkdir(fx, "/proc/sys/vm");
	assert_int_equal(mkfifo(fixture_path(fx, EARLY_KILL), 0600), 0);
	fd = open(fixture_path(fx, EARLY_KILL), O_RDWR | O_CLOEXEC | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "0\n", 2), 2);
	assert_int_equal(write_setting(fx, 1), -EIO);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), EARLY_KILL);
	assert_int_equal(write(fd, "no\n", 3), 3);
	assert_int_equal(write_setting(fx, 1), -EUCLEAN);
	close(fd);
}

static void test_setting_write_errors(void **state)
{
	struct fixture *fx = *state;
	char name[KPAGE_PATH_MAX + 1];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(kpage_failure_setting_write(fx->ctx, name, 1), -ENAMETOOLONG);
	assert_int_equal(kpage_failure_setting(fx->ctx, name, &(uint64_t){ 0 }), -ENAMETOOLONG);
	/* A folder; and one that is not for this user, unless it is root. */
	fixture_mkdir(fx, EARLY_KILL);
	assert_int_equal(write_setting(fx, 1), -EISDIR);
	assert_int_equal(rmdir(fixture_path(fx, EARLY_KILL)), 0);
	fixture_text(fx, EARLY_KILL, "0\n");
	assert_int_equal(chmod(fixture_path(fx, EARLY_KILL), 0400), 0);
	assert_int_equal(write_setting(fx, 1), geteuid() ? -EACCES : 0);
	/* The machine's own is no part of a tree of copies. */
	fixture_remove(fx, EARLY_KILL);
	fixture_symlink(fx, "/proc/sys/vm/overcommit_memory", EARLY_KILL);
	assert_in_range(-write_setting(fx, 1), 1, 255);
	fixture_remove(fx, EARLY_KILL);
	/* It takes a right to make /dev/null and /dev/full. */
	if (!mknod(fixture_path(fx, EARLY_KILL), S_IFCHR | 0600, makedev(1, 3))) {
		assert_int_equal(write_setting(fx, 1), -EUCLEAN);
		fixture_remove(fx, EARLY_KILL);
		assert_int_equal(mknod(fixture_path(fx, EARLY_KILL), S_IFCHR | 0600, makedev(1, 7)), 0);
		assert_int_equal(write_setting(fx, 1), -ENOSPC);
		assert_string_equal(kpage_ctx_error_path(fx->ctx), EARLY_KILL);
	}
}

/* The kernel takes an address here, where debugfs takes a page number. */
static void test_offline(void **state)
{
	struct fixture *fx = *state;

	fixture_text(fx, HARD, "");
	fixture_text(fx, SOFT, "");
	assert_int_equal(kpage_offline_hard(fx->ctx, 0x1234), 0);
	expect_address(fx, HARD, 0x1234);
	expect_text(fx, SOFT, "");
	assert_int_equal(kpage_offline_soft(fx->ctx, 0x123456789), 0);
	expect_address(fx, SOFT, 0x123456789);
	expect_address(fx, HARD, 0x1234);
}

static void test_offline_bounds(void **state)
{
	struct fixture *fx = *state;
	uint64_t last = UINT64_MAX / kpage_page_size();

	fixture_text(fx, HARD, "");
	fixture_text(fx, SOFT, "");
	assert_int_equal(kpage_offline_hard(fx->ctx, 0), -EINVAL);
	assert_int_equal(kpage_offline_soft(fx->ctx, 0), -EINVAL);
	/* An address that wraps around would be another page's. */
	assert_int_equal(kpage_offline_hard(fx->ctx, last + 1), -ENXIO);
	assert_int_equal(kpage_offline_soft(fx->ctx, UINT64_MAX), -ENXIO);
	expect_text(fx, HARD, "");
	expect_text(fx, SOFT, "");
	assert_int_equal(kpage_offline_hard(fx->ctx, last), 0);
	expect_address(fx, HARD, last);
}

static void test_offline_errors(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(kpage_offline_hard(fx->ctx, 5), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), HARD);
	assert_int_equal(kpage_offline_soft(fx->ctx, 5), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), SOFT);
	fixture_mkdir(fx, MEMORY);
	/* /dev/full; it takes a right to make one. */
	if (!mknod(fixture_path(fx, HARD), S_IFCHR | 0600, makedev(1, 7))) {
		assert_int_equal(kpage_offline_hard(fx->ctx, 5), -ENOSPC);
		assert_string_equal(kpage_ctx_error_path(fx->ctx), HARD);
	}
}

/* -------------------------------------------------------------------- counters */

static void write_counters(struct fixture *fx)
{
	fixture_text(fx, FAILURES "/total", "15\n");
	fixture_text(fx, FAILURES "/ignored", "1\n");
	fixture_text(fx, FAILURES "/failed", "2\n");
	fixture_text(fx, FAILURES "/delayed", "4\n");
	fixture_text(fx, FAILURES "/recovered", "8\n");
}

static void test_node_failures(void **state)
{
	struct fixture *fx = *state;
	struct kpage_node_failures f;

	write_counters(fx);
	assert_int_equal(kpage_node_failures(fx->ctx, 1, &f), 0);
	assert_int_equal(f.total, 15);
	assert_int_equal(f.ignored, 1);
	assert_int_equal(f.failed, 2);
	assert_int_equal(f.delayed, 4);
	assert_int_equal(f.recovered, 8);
}

static void test_node_failures_errors(void **state)
{
	struct fixture *fx = *state;
	struct kpage_node_failures f = { .total = 77 };

	assert_int_equal(kpage_node_failures(fx->ctx, 0, &f), -ENOENT);
	write_counters(fx);
	assert_int_equal(kpage_node_failures(fx->ctx, 0, &f), -ENOENT);
	fixture_text(fx, FAILURES "/recovered", "\n");
	assert_int_equal(kpage_node_failures(fx->ctx, 1, &f), -EUCLEAN);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), FAILURES "/recovered");
	assert_int_equal(f.total, 77);
}

/* ---------------------------------------------------------------------- blocks */

#define BLOCK_PAGES (UINT64_C(0x8000000) / kpage_page_size())

static void test_block(void **state)
{
	struct fixture *fx = *state;

	fixture_text(fx, MEMORY "/block_size_bytes", "8000000\n");
	fixture_text(fx, MEMORY "/memory0/state", "online\n");
	fixture_text(fx, MEMORY "/memory1/state", "offline\n");
	fixture_text(fx, MEMORY "/memory3/state", "going-offline\n");
	assert_int_equal(kpage_block_is_offline(fx->ctx, 0), 0);
	assert_int_equal(kpage_block_is_offline(fx->ctx, BLOCK_PAGES - 1), 0);
	assert_int_equal(kpage_block_is_offline(fx->ctx, BLOCK_PAGES), 1);
	assert_int_equal(kpage_block_is_offline(fx->ctx, 2 * BLOCK_PAGES - 1), 1);
	assert_int_equal(kpage_block_is_offline(fx->ctx, 2 * BLOCK_PAGES), -ENXIO);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), MEMORY "/memory2/state");
	assert_int_equal(kpage_block_is_offline(fx->ctx, 3 * BLOCK_PAGES), 1);
	assert_int_equal(kpage_block_is_offline(fx->ctx, UINT64_MAX), -ENXIO);
}

static void test_block_errors(void **state)
{
	static const char *const sizes[] = { "", "\n", "8000000x\n", "0\n", "1\n", "zz\n" };
	struct fixture *fx = *state;

	assert_int_equal(kpage_block_is_offline(fx->ctx, 1), -ENOENT);
	fixture_text(fx, MEMORY "/memory0/state", "online\n");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fixture_text(fx, MEMORY "/block_size_bytes", sizes[i]);
		assert_int_equal(kpage_block_is_offline(fx->ctx, 1), -EUCLEAN);
		assert_string_equal(kpage_ctx_error_path(fx->ctx), MEMORY "/block_size_bytes");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_offline),
		TREE_TEST(test_offline_bounds),
		TREE_TEST(test_check),
		TREE_TEST(test_setting),
		TREE_TEST(test_setting_write),
		TREE_TEST(test_setting_write_differs),
		TREE_TEST(test_setting_write_errors),
		TREE_TEST(test_offline_errors),
		TREE_TEST(test_node_failures),
		TREE_TEST(test_node_failures_errors),
		TREE_TEST(test_block),
		TREE_TEST(test_block_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
