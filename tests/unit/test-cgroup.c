// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory cgroups: from the directory to its inode, and back. */
#include "fixture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define V2 "/sys/fs/cgroup"
#define V1 "/sys/fs/cgroup/memory"

static void make_cgroup(struct fixture *fx, const char *dir, const char *const *files)
{
	char path[KPAGE_PATH_MAX];

	for (; *files; files++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *files);
		fixture_text(fx, path, "");
	}
}

#define FILES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define V2_ROOT FILES("cgroup.controllers", "cgroup.procs", "memory.stat")
#define V2_OLD_ROOT FILES("cgroup.controllers", "cgroup.procs")
#define V2_WITH_MEMORY FILES("cgroup.controllers", "cgroup.type", "memory.stat")
#define V2_WITHOUT FILES("cgroup.controllers", "cgroup.type")
#define V1_MEMORY FILES("cgroup.procs", "memory.stat", "tasks")
#define V1_OTHER FILES("cgroup.procs", "tasks")

static void mount_v2(struct fixture *fx)
{
	fixture_text(fx, "/proc/mounts", "cgroup2 " V2 " cgroup2 rw,nosuid 0 0\n");
	make_cgroup(fx, V2, V2_ROOT);
}

static void check_path(struct fixture *fx, const char *path)
{
	char *found = NULL;

	assert_int_equal(kpage_cgroup_path(fx->ctx, fixture_ino(fx, path), &found), 0);
	assert_string_equal(found, path);
	free(found);
}

static void check_no_path(struct fixture *fx, uint64_t ino)
{
	char *found = NULL;

	assert_int_equal(kpage_cgroup_path(fx->ctx, ino, &found), -ENOENT);
	assert_null(found);
}

/* ---------------------------------------------------------------------- inodes */

static void test_ino(void **state)
{
	struct fixture *fx = *state;
	uint64_t ino = 42;

	make_cgroup(fx, V2 "/a", V2_WITH_MEMORY);
	assert_int_equal(kpage_cgroup_ino(fx->ctx, V2 "/a", &ino), 0);
	assert_int_equal(ino, fixture_ino(fx, V2 "/a"));
	assert_int_equal(kpage_cgroup_ino(fx->ctx, V2 "/a/", &ino), 0);
	assert_int_equal(kpage_cgroup_ino(fx->ctx, "/", &ino), 0);
	assert_int_equal(ino, fixture_ino(fx, "/"));
}

static void test_ino_errors(void **state)
{
	struct fixture *fx = *state;
	uint64_t ino = 42;

	make_cgroup(fx, V2 "/a", V2_WITH_MEMORY);
	assert_int_equal(kpage_cgroup_ino(fx->ctx, V2 "/b", &ino), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), V2 "/b");
	assert_int_equal(kpage_cgroup_ino(fx->ctx, V2 "/a/memory.stat", &ino), -ENOTDIR);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), V2 "/a/memory.stat");
	assert_int_equal(kpage_cgroup_ino(fx->ctx, V2 "/a/memory.stat/x", &ino), -ENOTDIR);
	assert_int_equal(ino, 42);
}

/* As stat(2): it is no directory, and not the working directory. */
static void test_ino_empty(void **state)
{
	struct fixture *fx = *state;
	uint64_t ino = 42;

	assert_int_equal(kpage_cgroup_ino(fx->ctx, "", &ino), -ENOENT);
	assert_int_equal(ino, 42);
}

/* A relative path is that of the caller, not one below the root. */
static void test_ino_relative(void **state)
{
	struct fixture *fx = *state;
	_cleanup_close_ int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	uint64_t ino = 42;
	int err;

	assert_true(here >= 0);
	make_cgroup(fx, V2 "/a", V2_WITH_MEMORY);
	assert_int_equal(chdir(fixture_path(fx, V2)), 0);
	err = kpage_cgroup_ino(fx->ctx, "a", &ino);
	assert_int_equal(fchdir(here), 0);
	assert_int_equal(err, 0);
	assert_int_equal(ino, fixture_ino(fx, V2 "/a"));
	assert_int_equal(kpage_cgroup_ino(fx->ctx, "sys/fs/cgroup/a", &ino), -ENOENT);
}

/* ---------------------------------------------------------------- has_memory */

static void test_has_memory(void **state)
{
	struct fixture *fx = *state;

	make_cgroup(fx, V2, V2_ROOT);
	make_cgroup(fx, V2 "/with", V2_WITH_MEMORY);
	make_cgroup(fx, V2 "/with/without", V2_WITHOUT);
	make_cgroup(fx, "/old", V2_OLD_ROOT);
	make_cgroup(fx, "/v1/memory", V1_MEMORY);
	make_cgroup(fx, "/v1/cpu", V1_OTHER);
	assert_true(kpage_cgroup_has_memory(fx->ctx, V2));
	assert_true(kpage_cgroup_has_memory(fx->ctx, V2 "/with"));
	assert_false(kpage_cgroup_has_memory(fx->ctx, V2 "/with/without"));
	assert_true(kpage_cgroup_has_memory(fx->ctx, "/old"));
	assert_true(kpage_cgroup_has_memory(fx->ctx, "/v1/memory"));
	assert_false(kpage_cgroup_has_memory(fx->ctx, "/v1/cpu"));
	assert_false(kpage_cgroup_has_memory(fx->ctx, "/nothing"));
}

static void test_has_memory_long_path(void **state)
{
	struct fixture *fx = *state;
	char path[2 * KPAGE_PATH_MAX];

	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_false(kpage_cgroup_has_memory(fx->ctx, path));
}

/* ---------------------------------------------------------------------- paths */

static void test_path_v2(void **state)
{
	struct fixture *fx = *state;

	mount_v2(fx);
	make_cgroup(fx, V2 "/a", V2_WITH_MEMORY);
	make_cgroup(fx, V2 "/a/b c", V2_WITH_MEMORY);
	make_cgroup(fx, V2 "/a/b c/d", V2_WITH_MEMORY);
	make_cgroup(fx, V2 "/z", V2_WITHOUT);
	check_path(fx, V2);
	check_path(fx, V2 "/a");
	check_path(fx, V2 "/a/b c");
	check_path(fx, V2 "/a/b c/d");
	check_path(fx, V2 "/z");
	check_no_path(fx, fixture_ino(fx, "/sys/fs"));
	/* A file is none. */
	check_no_path(fx, fixture_ino(fx, V2 "/a/memory.stat"));
	check_no_path(fx, 0);
}

/* A name may begin with a dot. */
static void test_path_dot(void **state)
{
	struct fixture *fx = *state;

	mount_v2(fx);
	make_cgroup(fx, V2 "/.a", V2_WITH_MEMORY);
	make_cgroup(fx, V2 "/.a/..b", V2_WITH_MEMORY);
	check_path(fx, V2 "/.a");
	check_path(fx, V2 "/.a/..b");
}

static void test_path_v1(void **state)
{
	struct fixture *fx = *state;

	fixture_text(fx, "/proc/mounts",
		     "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
		     "cgroup " V1 " cgroup rw,memory 0 0\n");
	make_cgroup(fx, "/sys/fs/cgroup/cpu", V1_OTHER);
	make_cgroup(fx, "/sys/fs/cgroup/cpu/a", V1_OTHER);
	make_cgroup(fx, V1, V1_MEMORY);
	make_cgroup(fx, V1 "/a", V1_MEMORY);
	check_path(fx, V1);
	check_path(fx, V1 "/a");
	/* The other hierarchy counts no pages. */
	check_no_path(fx, fixture_ino(fx, "/sys/fs/cgroup/cpu/a"));
}

/* Both are mounted, as systemd once did; v1 has the memory. */
static void test_path_hybrid(void **state)
{
	struct fixture *fx = *state;

	fixture_text(fx, "/proc/mounts",
		     "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
		     "cgroup " V1 " cgroup rw,memory 0 0\n");
	make_cgroup(fx, "/sys/fs/cgroup/unified", V2_OLD_ROOT);
	make_cgroup(fx, "/sys/fs/cgroup/unified/a", V2_WITHOUT);
	make_cgroup(fx, V1, V1_MEMORY);
	make_cgroup(fx, V1 "/a", V1_MEMORY);
	check_path(fx, V1 "/a");
	check_path(fx, "/sys/fs/cgroup/unified/a");
}

static void test_path_without_mounts(void **state)
{
	struct fixture *fx = *state;

	fixture_text(fx, "/proc/mounts", "none /tmp tmpfs rw 0 0\n");
	check_no_path(fx, fixture_ino(fx, "/proc"));
}

/* As deep as names go together beyond the length of a path that fits a buffer. */
static void test_path_deep(void **state)
{
	struct fixture *fx = *state;
	char path[3 * KPAGE_PATH_MAX] = V2;

	mount_v2(fx);
	for (int i = 0; i < 20; i++)
		strcat(path, "/a-name-of-fifty-characters-or-so-as-systemd-has-them");
	strcat(path, "/x");
	fixture_text(fx, path, "");
	*strrchr(path, '/') = '\0';
	check_path(fx, path);
}

/* ------------------------------------------------------------ all that lie below */

static void check_subtree(struct fixture *fx, const char *path, const char *const *dirs)
{
	uint64_t *inos = NULL;
	size_t n = 0, wanted = 0;

	assert_int_equal(kpage_cgroup_subtree(fx->ctx, path, &inos, &n), 0);
	for (size_t i = 1; i < n; i++)
		assert_true(inos[i - 1] < inos[i]);
	for (; *dirs; dirs++, wanted++) {
		uint64_t ino = fixture_ino(fx, *dirs);
		size_t i = 0;

		while (i < n && inos[i] != ino)
			i++;
		assert_true(i < n);
	}
	assert_int_equal(n, wanted);
	free(inos);
}

static void test_subtree(void **state)
{
	struct fixture *fx = *state;
	uint64_t *inos = NULL;
	size_t n = 42;

	mount_v2(fx);
	make_cgroup(fx, V2 "/a", V2_WITH_MEMORY);
	make_cgroup(fx, V2 "/a/b", V2_WITH_MEMORY);
	make_cgroup(fx, V2 "/a/b/c", V2_WITHOUT);
	make_cgroup(fx, V2 "/a/d", V2_WITH_MEMORY);
	make_cgroup(fx, V2 "/e", V2_WITH_MEMORY);
	check_subtree(fx, V2 "/a", FILES(V2 "/a", V2 "/a/b", V2 "/a/b/c", V2 "/a/d"));
	check_subtree(fx, V2 "/a/b/c/", FILES(V2 "/a/b/c"));
	assert_int_equal(kpage_cgroup_subtree(fx->ctx, V2 "/x", &inos, &n), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), V2 "/x");
	assert_int_equal(kpage_cgroup_subtree(fx->ctx, V2 "/a/memory.stat", &inos, &n), -ENOTDIR);
	assert_null(inos);
	assert_int_equal(n, 42);
}

static void test_subtree_many(void **state)
{
	struct fixture *fx = *state;
	uint64_t *inos = NULL;
	char path[64];
	size_t n;

	mount_v2(fx);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), V2 "/a/%d/x", i);
		fixture_mkdir(fx, path);
	}
	assert_int_equal(kpage_cgroup_subtree(fx->ctx, V2 "/a", &inos, &n), 0);
	assert_int_equal(n, 201);
	free(inos);
}

/* A relative path is the caller's own, here too. */
static void test_subtree_relative(void **state)
{
	_cleanup_close_ int old = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct fixture *fx = *state;
	uint64_t *inos = NULL;
	size_t n;

	fixture_mkdir(fx, "/cwd/a/b");
	assert_int_equal(chdir(fixture_path(fx, "/cwd")), 0);
	assert_int_equal(kpage_cgroup_subtree(fx->ctx, "a", &inos, &n), 0);
	assert_int_equal(fchdir(old), 0);
	assert_int_equal(n, 2);
	free(inos);
}

/* ------------------------------------------------------------------ that of a task */

static void check_task(struct fixture *fx, const char *text, const char *path)
{
	char *found = NULL;

	fixture_text(fx, "/proc/17/cgroup", text);
	assert_int_equal(kpage_cgroup_of_task(fx->ctx, 17, &found), path ? 0 : -ENOENT);
	if (path)
		assert_string_equal(found, path);
	else
		assert_null(found);
	free(found);
}

static void test_of_task(void **state)
{
	struct fixture *fx = *state;
	char *found = NULL;

	assert_int_equal(kpage_cgroup_of_task(fx->ctx, 17, &found), -ESRCH);
	assert_null(found);
	check_task(fx, "0::/user.slice/a\n", "/user.slice/a");
	check_task(fx, "0::/\n", "/");
	check_task(fx, "0::/a:b (deleted)\n", "/a:b (deleted)");
	/* Where v1 has memory, v2 has not. */
	check_task(fx, "12:pids:/p\n7:memory:/m\n1:name=systemd:/s\n0::/u\n", "/m");
	check_task(fx, "0::/u\n7:cpu,memory:/m\n", "/m");
	check_task(fx, "7:memory,hugetlb:/m:1\n0::/u\n", "/m:1");
	check_task(fx, "7:memoryx,xmemory:/m\n1:name=memory:/s\n0::/u\n", "/u");
	check_task(fx, "12:pids:/p\n1:name=systemd:/s\n", NULL);
	check_task(fx, "", NULL);
	check_task(fx, "nonsense\n0:\n", NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_ino),
		TREE_TEST(test_ino_errors),
		TREE_TEST(test_ino_empty),
		TREE_TEST(test_ino_relative),
		TREE_TEST(test_has_memory),
		TREE_TEST(test_has_memory_long_path),
		TREE_TEST(test_path_v2),
		TREE_TEST(test_path_dot),
		TREE_TEST(test_path_v1),
		TREE_TEST(test_path_hybrid),
		TREE_TEST(test_path_without_mounts),
		TREE_TEST(test_path_deep),
		TREE_TEST(test_subtree),
		TREE_TEST(test_subtree_many),
		TREE_TEST(test_subtree_relative),
		TREE_TEST(test_of_task),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
