// SPDX-License-Identifier: GPL-2.0-or-later
/* The context: roots, what is opened below them, and which file failed. */
#include "fixture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void test_live(void **state)
{
	static const char *const roots[] = { NULL, "/", "//", "///" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		struct kpage_ctx *ctx = NULL;

		assert_int_equal(kpage_ctx_new(roots[i], &ctx), 0);
		assert_true(kpage_ctx_is_live(ctx));
		assert_string_equal(kpage_ctx_error_path(ctx), "");
		kpage_ctx_free(ctx);
	}
	kpage_ctx_free(NULL);
}

static void test_tree(void **state)
{
	struct fixture *fx = *state;

	assert_false(kpage_ctx_is_live(fx->ctx));
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "");
}

static void test_clone(void **state)
{
	struct fixture *fx = *state;
	struct kpage_ctx *clone = NULL;
	int fd;

	fixture_text(fx, "/proc/here", "x");
	assert_int_equal(kpage_ctx_clone(fx->ctx, &clone), 0);
	assert_false(kpage_ctx_is_live(clone));
	fd = kpage_ctx_open(clone, "/proc/here", O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(kpage_ctx_open(clone, "/proc/not-there", O_RDONLY), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(clone), "/proc/not-there");
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "");
	kpage_ctx_free(clone);
}

static void test_errors(void **state)
{
	struct fixture *fx = *state;
	struct kpage_ctx *ctx = NULL;

	assert_int_equal(kpage_ctx_new("", &ctx), -ENOENT);
	assert_int_equal(kpage_ctx_new(fixture_path(fx, "/nothing"), &ctx), -ENOENT);
	fixture_text(fx, "/file", "");
	assert_int_equal(kpage_ctx_new(fixture_path(fx, "/file"), &ctx), -ENOTDIR);
	assert_null(ctx);
}

/* The root stays the folder that it was, wherever this process goes. */
static void test_working_directory(void **state)
{
	struct fixture *fx = *state;
	_cleanup_close_ int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct kpage_ctx *ctx = NULL;
	char text[16];

	assert_true(here >= 0);
	fixture_text(fx, "/proc/text", "below\n");
	assert_int_equal(chdir(fx->dir), 0);
	assert_int_equal(kpage_ctx_new(".", &ctx), 0);
	assert_int_equal(fchdir(here), 0);
	assert_false(kpage_ctx_is_live(ctx));
	assert_int_equal(kpage_ctx_read_line(ctx, "/proc/text", text, sizeof(text)), 0);
	assert_string_equal(text, "below");
	kpage_ctx_free(ctx);
}

static void test_open(void **state)
{
	struct fixture *fx = *state;
	int fd;

	assert_int_equal(ctx_open(fx->ctx, "/proc/17/maps", O_RDONLY), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/proc/17/maps");
	assert_false(ctx_exists(fx->ctx, "/proc/17/maps"));
	fixture_text(fx, "/proc/17/maps", "");
	fd = ctx_open(fx->ctx, "/proc/17/maps", O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_true(ctx_exists(fx->ctx, "/proc/17/maps"));
	fd = ctx_openf(fx->ctx, O_RDONLY, "/proc/%d/%s", 17, "maps");
	assert_true(fd >= 0);
	close(fd);
}

static void test_long_path(void **state)
{
	struct fixture *fx = *state;
	char name[2 * KPAGE_PATH_MAX];
	FILE *f = NULL;

	/* Each part of it is short enough for the kernel. */
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 2 ? '/' : 'n';
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(ctx_openf(fx->ctx, O_RDONLY, "/%s", name), -ENAMETOOLONG);
	assert_int_equal(ctx_fopenf(fx->ctx, &f, "/%s", name), -ENAMETOOLONG);
	assert_null(f);
	/* The latest failure is kept as far as there is room for it. */
	assert_int_equal(ctx_error(fx->ctx, -EIO, name), -EIO);
	assert_int_equal(strlen(kpage_ctx_error_path(fx->ctx)), KPAGE_PATH_MAX - 1);
}

static void test_read_text(void **state)
{
	struct fixture *fx = *state;
	char text[8] = "unset";

	assert_int_equal(kpage_ctx_read_line(fx->ctx, "/a", text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "unset");
	fixture_text(fx, "/a", "");
	assert_int_equal(kpage_ctx_read_line(fx->ctx, "/a", text, sizeof(text)), 0);
	assert_string_equal(text, "");
	fixture_text(fx, "/a", "abc\n");
	assert_int_equal(kpage_ctx_read_line(fx->ctx, "/a", text, sizeof(text)), 0);
	assert_string_equal(text, "abc");
	fixture_text(fx, "/a", "0123456789");
	assert_int_equal(kpage_ctx_read_line(fx->ctx, "/a", text, sizeof(text)), 0);
	assert_string_equal(text, "0123456");
	fixture_mkdir(fx, "/d");
	assert_int_equal(kpage_ctx_read_line(fx->ctx, "/d", text, sizeof(text)), -EISDIR);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/d");
}

/* --------------------------------------------------------------------- mounts */

#define MOUNTS                                                        \
	"rootfs / rootfs rw 0 0\n"                                    \
	"none /sys/kernel/debug debugfs rw,relatime 0 0\n"            \
	"none /mnt/a\\040b debugfs rw 0 0\n"                          \
	"none /debugfs tmpfs rw 0 0\n"

static void test_find_mount(void **state)
{
	struct fixture *fx = *state;
	char path[KPAGE_PATH_MAX];

	fixture_text(fx, "/proc/mounts", MOUNTS);
	/* Listed, but not in the tree. */
	assert_int_equal(ctx_find_mount(fx->ctx, "debugfs", "", path), -ENODEV);
	fixture_mkdir(fx, "/mnt/a b");
	assert_int_equal(ctx_find_mount(fx->ctx, "debugfs", "", path), 0);
	assert_string_equal(path, "/mnt/a b");
	fixture_mkdir(fx, "/sys/kernel/debug");
	assert_int_equal(ctx_find_mount(fx->ctx, "debugfs", "", path), 0);
	assert_string_equal(path, "/sys/kernel/debug");
	/* The one that has what is looked for. */
	assert_int_equal(ctx_find_mount(fx->ctx, "debugfs", "hwpoison", path), -ENODEV);
	fixture_mkdir(fx, "/mnt/a b/hwpoison");
	assert_int_equal(ctx_find_mount(fx->ctx, "debugfs", "hwpoison", path), 0);
	assert_string_equal(path, "/mnt/a b");
	assert_int_equal(ctx_find_mount(fx->ctx, "cgroup2", "", path), -ENODEV);
}

/* A line longer than any buffer, as overlays have them, hides none behind it. */
static void test_long_mount_line(void **state)
{
	struct fixture *fx = *state;
	char path[KPAGE_PATH_MAX], line[10001];

	memset(line, 'o', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	fixture_text(fx, "/proc/mounts", "overlay / overlay rw,lowerdir=");
	fixture_append(fx, "/proc/mounts", line);
	fixture_append(fx, "/proc/mounts", " 0 0\nnone /debug debugfs rw 0 0\n");
	fixture_mkdir(fx, "/debug");
	assert_int_equal(ctx_find_mount(fx->ctx, "debugfs", "", path), 0);
	assert_string_equal(path, "/debug");
}

/* What a tool opens by itself stays below the root, too. */
static void test_public_open(void **state)
{
	struct fixture *fx = *state;
	_cleanup_close_ int dir = -1, file = -1;

	fixture_symlink(fx, "/elsewhere", "/run");
	assert_int_equal(kpage_ctx_open(fx->ctx, "/run", O_PATH | O_DIRECTORY), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/run");
	fixture_text(fx, "/elsewhere/file", "");
	dir = kpage_ctx_open(fx->ctx, "/run", O_PATH | O_DIRECTORY);
	assert_true(dir >= 0);
	assert_int_equal(fcntl(dir, F_GETFD), FD_CLOEXEC);
	assert_int_equal(faccessat(dir, "file", F_OK, 0), 0);
	file = kpage_ctx_open(fx->ctx, "/run/file", O_RDONLY);
	assert_true(file >= 0);
}

/* -------------------------------------------------------------------- the rest */

static void test_page_size(void **state)
{
	(void)state;
	assert_int_equal(kpage_page_size(), sysconf(_SC_PAGESIZE));
}

static void test_version(void **state)
{
	unsigned int part[3];
	int end = 0;

	(void)state;
	assert_string_equal(kpage_version(), PACKAGE_VERSION);
	assert_int_equal(sscanf(kpage_version(), "%u.%u.%u%n", &part[0], &part[1], &part[2], &end),
			 3);
	assert_int_equal(kpage_version()[end], '\0');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		TREE_TEST(test_tree),
		TREE_TEST(test_clone),
		TREE_TEST(test_errors),
		TREE_TEST(test_working_directory),
		TREE_TEST(test_open),
		TREE_TEST(test_public_open),
		TREE_TEST(test_long_path),
		TREE_TEST(test_read_text),
		TREE_TEST(test_find_mount),
		TREE_TEST(test_long_mount_line),
		cmocka_unit_test(test_page_size),
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
