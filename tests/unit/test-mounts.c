// SPDX-License-Identifier: GPL-2.0-or-later
/* The devices of what a process sees mounted. */
#include "fixture.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

static void test_find(void **state)
{
	struct fixture *fx = *state;
	char buf[64];

	assert_int_equal(kpage_mount_find(fx->ctx, "debugfs", "", buf, sizeof(buf)), -ENOENT);
	fixture_text(fx, "/proc/mounts",
		     "proc /proc proc rw 0 0\n"
		     "none /sys/kernel/debug debugfs rw 0 0\n"
		     "none /mnt/two debugfs rw 0 0\n");
	fixture_text(fx, "/sys/kernel/debug/one", "1\n");
	fixture_text(fx, "/mnt/two/dir/file", "2\n");
	assert_int_equal(kpage_mount_find(fx->ctx, "debugfs", "", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "/sys/kernel/debug");
	assert_int_equal(kpage_mount_find(fx->ctx, "debugfs", "dir", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "/mnt/two");
	assert_int_equal(kpage_mount_find(fx->ctx, "debugfs", "none", buf, sizeof(buf)), -ENODEV);
	assert_int_equal(kpage_mount_find(fx->ctx, "ext4", "", buf, sizeof(buf)), -ENODEV);
	assert_int_equal(kpage_mount_find(fx->ctx, "debugfs", "dir", buf, 8), -ENAMETOOLONG);
	assert_int_equal(kpage_mount_find(fx->ctx, "debugfs", "dir", buf, 9), 0);
}

static void check_devices(struct fixture *fx, const char *type, const dev_t *wanted, size_t n)
{
	dev_t *devices = NULL;
	size_t found = 42;

	assert_int_equal(kpage_mount_devices(fx->ctx, 17, type, &devices, &found), 0);
	assert_int_equal(found, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(devices[i], wanted[i]);
	free(devices);
}

static void test_types(void **state)
{
	const dev_t tmpfs[] = { makedev(0, 24), makedev(0, 31), makedev(0, 4095) };
	const dev_t ext4[] = { makedev(259, 3) };
	const dev_t fuse[] = { makedev(0, 41), makedev(0, 42) };
	struct fixture *fx = *state;

	fixture_text(fx, "/proc/17/mountinfo",
		     "22 27 0:20 / /proc rw,nosuid shared:12 - proc proc rw\n"
		     "24 27 0:24 / /run rw,nosuid shared:5 - tmpfs tmpfs rw,size=100k\n"
		     "27 1 259:3 / / rw,relatime shared:1 - ext4 /dev/sda rw\n"
		     "30 27 0:31 /a /mnt/with\\040-\\040tmpfs rw shared:1 master:2 - tmpfs none rw\n"
		     "31 27 0:4095 / /x rw - tmpfs none rw\n"
		     "32 27 0:33 / /dev rw - devtmpfs udev rw\n"
		     "33 27 0:34 / /y rw - tmpfsx none rw\n"
		     "34 27 0:41 / /z rw - fuse.sshfs host:/ rw\n"
		     "35 27 0:42 / /z/a rw - fuse none rw\n"
		     "36 27 0:43 / /z/b rw - fuseblk /dev/sdb1 rw\n"
		     "37 27 0:44 / /z/c rw - fuse"
		     "\n"
		     "nonsense - tmpfs none rw\n"
		     "34 27\n");
	check_devices(fx, "tmpfs", tmpfs, ARRAY_SIZE(tmpfs));
	check_devices(fx, "ext4", ext4, 1);
	check_devices(fx, "ext", NULL, 0);
	check_devices(fx, "xfs", NULL, 0);
	check_devices(fx, "fuse", fuse, ARRAY_SIZE(fuse));
}

static void test_no_process(void **state)
{
	struct fixture *fx = *state;
	dev_t *devices = NULL;
	size_t n = 42;

	assert_int_equal(kpage_mount_devices(fx->ctx, 17, "tmpfs", &devices, &n), -ESRCH);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/proc/17/mountinfo");
	assert_null(devices);
	assert_int_equal(n, 42);
}

/* /proc is mounted where this runs, and stat(2) says the same of it. */
static void test_live(void **state)
{
	struct kpage_ctx *ctx = NULL;
	dev_t *devices = NULL;
	bool found = false;
	struct stat st;
	size_t n = 0;

	(void)state;
	assert_int_equal(kpage_ctx_new(NULL, &ctx), 0);
	assert_int_equal(stat("/proc", &st), 0);
	assert_int_equal(kpage_mount_devices(ctx, getpid(), "proc", &devices, &n), 0);
	for (size_t i = 0; i < n; i++)
		found |= devices[i] == st.st_dev;
	assert_true(found);
	free(devices);
	kpage_ctx_free(ctx);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_types),
		TREE_TEST(test_no_process),
		TREE_TEST(test_find),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
