// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of hwpoison-inject, as plain files: what is written there stays there. */
#include "fixture.h"

#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define DEBUG "/sys/kernel/debug"
#define DIR DEBUG "/hwpoison"

static void mount_debugfs(struct fixture *fx)
{
	fixture_text(fx, "/proc/mounts", "proc /proc proc rw 0 0\nnone " DEBUG " debugfs rw 0 0\n");
}

/* As the kernel has them after boot. */
static void make_files(struct fixture *fx)
{
	mount_debugfs(fx);
	fixture_text(fx, DIR "/corrupt-pfn", "");
	fixture_text(fx, DIR "/unpoison-pfn", "");
	fixture_text(fx, DIR "/corrupt-filter-enable", "0\n");
	fixture_text(fx, DIR "/corrupt-filter-dev-major", "4294967295\n");
	fixture_text(fx, DIR "/corrupt-filter-dev-minor", "4294967295\n");
	fixture_text(fx, DIR "/corrupt-filter-flags-mask", "0x0000000000000000\n");
	fixture_text(fx, DIR "/corrupt-filter-flags-value", "0x0000000000000000\n");
	fixture_text(fx, DIR "/corrupt-filter-memcg", "0\n");
}

static struct kpage_hwpoison *open_hwpoison(struct fixture *fx)
{
	struct kpage_hwpoison *hp = NULL;

	assert_int_equal(kpage_hwpoison_open(fx->ctx, &hp), 0);
	return hp;
}

/* The number that was written last to a file. */
static uint64_t number_in(struct fixture *fx, const char *path)
{
	char text[64], *last;
	uint64_t n = 0;

	fixture_read(fx, path, text, sizeof(text));
	last = strrchr(text, '\n');
	assert_non_null(last);
	assert_string_equal(last, "\n");
	*last = '\0';
	last = strrchr(text, '\n');
	assert_int_equal(kpage_number_parse(last ? last + 1 : text, &n), 0);
	return n;
}

/* -------------------------------------------------------------------- opening */

static void test_open(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	make_files(fx);
	hp = open_hwpoison(fx);
	assert_string_equal(kpage_hwpoison_dir(hp), DIR);
	kpage_hwpoison_free(hp);
	kpage_hwpoison_free(NULL);
}

static void test_open_elsewhere(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	fixture_text(fx, "/proc/mounts", "debugfs /debug debugfs rw 0 0\n");
	fixture_mkdir(fx, "/debug/hwpoison");
	/* What lies there and is not mounted does not count. */
	fixture_mkdir(fx, DIR);
	hp = open_hwpoison(fx);
	assert_string_equal(kpage_hwpoison_dir(hp), "/debug/hwpoison");
	kpage_hwpoison_free(hp);
}

static void test_open_second_mount(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	fixture_text(fx, "/proc/mounts",
		     "none /gone debugfs rw 0 0\nnone /debug debugfs rw 0 0\n");
	fixture_mkdir(fx, "/debug/hwpoison");
	hp = open_hwpoison(fx);
	assert_string_equal(kpage_hwpoison_dir(hp), "/debug/hwpoison");
	kpage_hwpoison_free(hp);
}

static void test_open_errors(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp = NULL;

	fixture_text(fx, "/proc/mounts", "proc /proc proc rw 0 0\nnone " DEBUG " tmpfs rw 0 0\n");
	fixture_mkdir(fx, DIR);
	assert_int_equal(kpage_hwpoison_open(fx->ctx, &hp), -ENODEV);
	fixture_remove(fx, DIR);
	mount_debugfs(fx);
	assert_int_equal(kpage_hwpoison_open(fx->ctx, &hp), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), DEBUG);
	assert_null(hp);
}

/* debugfs is root's alone: that the module is there can't be seen by others. */
static int open_as_nobody(struct fixture *fx)
{
	struct kpage_hwpoison *hp = NULL;
	int err;

	if (geteuid() == 0 && (setgroups(0, NULL) || setresuid(65534, 65534, 65534)))
		return 255;
	err = kpage_hwpoison_open(fx->ctx, &hp);
	kpage_hwpoison_free(hp);
	return -err;
}

static void test_open_refused(void **state)
{
	struct fixture *fx = *state;
	int status = 0;
	pid_t pid;

	make_files(fx);
	assert_int_equal(chmod(fx->dir, 0755), 0);
	assert_int_equal(chmod(fixture_path(fx, DEBUG), 0), 0);
	pid = fork();
	if (pid == 0)
		_exit(open_as_nobody(fx));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(fixture_path(fx, DEBUG), 0755), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EACCES);
}

/* ------------------------------------------------------------------ injecting */

static void test_inject(void **state)
{
	static const uint64_t pfns[] = { 1, 0x1234, UINT64_C(0xfffffffff), UINT64_MAX };
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	make_files(fx);
	hp = open_hwpoison(fx);
	for (size_t i = 0; i < ARRAY_SIZE(pfns); i++) {
		assert_int_equal(kpage_hwpoison_inject(hp, pfns[i]), 0);
		assert_int_equal(number_in(fx, DIR "/corrupt-pfn"), pfns[i]);
	}
	kpage_hwpoison_free(hp);
}

static void test_unpoison(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;
	char text[64];

	make_files(fx);
	hp = open_hwpoison(fx);
	assert_int_equal(kpage_hwpoison_unpoison(hp, 0x1234), 0);
	assert_int_equal(number_in(fx, DIR "/unpoison-pfn"), 0x1234);
	assert_string_equal(fixture_read(fx, DIR "/corrupt-pfn", text, sizeof(text)), "");
	kpage_hwpoison_free(hp);
}

static void test_pfn_zero(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;
	char text[64];

	make_files(fx);
	hp = open_hwpoison(fx);
	assert_int_equal(kpage_hwpoison_inject(hp, 0), -EINVAL);
	assert_int_equal(kpage_hwpoison_unpoison(hp, 0), -EINVAL);
	assert_string_equal(fixture_read(fx, DIR "/corrupt-pfn", text, sizeof(text)), "");
	assert_string_equal(fixture_read(fx, DIR "/unpoison-pfn", text, sizeof(text)), "");
	/* Nor after others, with the file open. */
	assert_int_equal(kpage_hwpoison_inject(hp, 5), 0);
	assert_int_equal(kpage_hwpoison_inject(hp, 0), -EINVAL);
	assert_int_equal(number_in(fx, DIR "/corrupt-pfn"), 5);
	kpage_hwpoison_free(hp);
}

/* A kernel that takes nothing: its answer is handed on. */
static void test_inject_errors(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	make_files(fx);
	fixture_remove(fx, DIR "/corrupt-pfn");
	hp = open_hwpoison(fx);
	assert_int_equal(kpage_hwpoison_inject(hp, 5), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), DIR "/corrupt-pfn");
	/* /dev/full; it takes a right to make one. */
	if (!mknod(fixture_path(fx, DIR "/corrupt-pfn"), S_IFCHR | 0600, makedev(1, 7))) {
		assert_int_equal(kpage_hwpoison_inject(hp, 5), -ENOSPC);
		assert_int_equal(kpage_hwpoison_inject(hp, 5), -ENOSPC);
		assert_string_equal(kpage_ctx_error_path(fx->ctx), DIR "/corrupt-pfn");
	}
	kpage_hwpoison_free(hp);
}

/* A tree whose files are links to the machine's is followed below the tree only. */
static void test_links_stay_inside(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	make_files(fx);
	fixture_remove(fx, DIR "/corrupt-pfn");
	fixture_symlink(fx, "/dev/null", DIR "/corrupt-pfn");
	hp = open_hwpoison(fx);
	assert_int_equal(kpage_hwpoison_inject(hp, 5), -ENOENT);
	kpage_hwpoison_free(hp);
}

/* -------------------------------------------------------------------- filters */

static void check_filter(const struct kpage_hwpoison_filter *f,
			 const struct kpage_hwpoison_filter *expected)
{
	assert_int_equal(f->enable, expected->enable);
	assert_int_equal(f->dev_major, expected->dev_major);
	assert_int_equal(f->dev_minor, expected->dev_minor);
	assert_int_equal(f->flags_mask, expected->flags_mask);
	assert_int_equal(f->flags_value, expected->flags_value);
	assert_int_equal(f->memcg, expected->memcg);
	assert_int_equal(f->has_memcg, expected->has_memcg);
}

static const struct kpage_hwpoison_filter open_filter = {
	.dev_major = UINT32_MAX,
	.dev_minor = UINT32_MAX,
	.has_memcg = true,
};

static const struct kpage_hwpoison_filter narrow_filter = {
	.enable = true,
	.dev_major = 253,
	.dev_minor = 7,
	.flags_mask = UINT64_C(0x8000000000000030),
	.flags_value = UINT64_C(0x8000000000000010),
	.memcg = UINT64_C(0x100000001),
	.has_memcg = true,
};

static void test_filter_read(void **state)
{
	struct kpage_hwpoison_filter f;
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	make_files(fx);
	hp = open_hwpoison(fx);
	assert_int_equal(kpage_hwpoison_filter_read(hp, &f), 0);
	check_filter(&f, &open_filter);
	fixture_text(fx, DIR "/corrupt-filter-enable", "1\n");
	fixture_text(fx, DIR "/corrupt-filter-dev-major", "253\n");
	fixture_text(fx, DIR "/corrupt-filter-dev-minor", "7\n");
	fixture_text(fx, DIR "/corrupt-filter-flags-mask", "0x8000000000000030\n");
	fixture_text(fx, DIR "/corrupt-filter-flags-value", "0x8000000000000010\n");
	fixture_text(fx, DIR "/corrupt-filter-memcg", "4294967297\n");
	assert_int_equal(kpage_hwpoison_filter_read(hp, &f), 0);
	check_filter(&f, &narrow_filter);
	kpage_hwpoison_free(hp);
}

static void test_filter_read_errors(void **state)
{
	struct kpage_hwpoison_filter f = { .dev_major = 42 };
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	make_files(fx);
	hp = open_hwpoison(fx);
	fixture_text(fx, DIR "/corrupt-filter-flags-mask", "nonsense\n");
	assert_int_equal(kpage_hwpoison_filter_read(hp, &f), -EUCLEAN);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), DIR "/corrupt-filter-flags-mask");
	fixture_remove(fx, DIR "/corrupt-filter-flags-mask");
	assert_int_equal(kpage_hwpoison_filter_read(hp, &f), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), DIR "/corrupt-filter-flags-mask");
	assert_int_equal(f.dev_major, 42);
	kpage_hwpoison_free(hp);
}

static void test_filter_write(void **state)
{
	struct kpage_hwpoison_filter f;
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	make_files(fx);
	hp = open_hwpoison(fx);
	assert_int_equal(kpage_hwpoison_filter_write(hp, &narrow_filter), 0);
	assert_int_equal(number_in(fx, DIR "/corrupt-filter-enable"), 1);
	assert_int_equal(number_in(fx, DIR "/corrupt-filter-dev-major"), 253);
	assert_int_equal(number_in(fx, DIR "/corrupt-filter-memcg"), UINT64_C(0x100000001));
	assert_int_equal(kpage_hwpoison_filter_read(hp, &f), 0);
	check_filter(&f, &narrow_filter);
	assert_int_equal(kpage_hwpoison_filter_write(hp, &open_filter), 0);
	assert_int_equal(number_in(fx, DIR "/corrupt-filter-enable"), 0);
	assert_int_equal(kpage_hwpoison_filter_read(hp, &f), 0);
	check_filter(&f, &open_filter);
	kpage_hwpoison_free(hp);
}

static void test_filter_without_memcg(void **state)
{
	struct kpage_hwpoison_filter f, wanted = narrow_filter;
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	make_files(fx);
	fixture_remove(fx, DIR "/corrupt-filter-memcg");
	hp = open_hwpoison(fx);
	assert_int_equal(kpage_hwpoison_filter_read(hp, &f), 0);
	assert_false(f.has_memcg);
	assert_int_equal(f.memcg, 0);
	assert_int_equal(kpage_hwpoison_filter_write(hp, &wanted), -EOPNOTSUPP);
	/* A filter that could not be set as a whole is not turned on. */
	assert_int_equal(number_in(fx, DIR "/corrupt-filter-enable"), 0);
	wanted.memcg = 0;
	assert_int_equal(kpage_hwpoison_filter_write(hp, &wanted), 0);
	assert_int_equal(number_in(fx, DIR "/corrupt-filter-enable"), 1);
	assert_int_equal(kpage_hwpoison_filter_read(hp, &f), 0);
	wanted.has_memcg = false;
	check_filter(&f, &wanted);
	kpage_hwpoison_free(hp);
}

/* A write that stops halfway leaves the filter off. */
static void test_filter_off_first(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	make_files(fx);
	fixture_text(fx, DIR "/corrupt-filter-enable", "1\n");
	fixture_remove(fx, DIR "/corrupt-filter-dev-major");
	hp = open_hwpoison(fx);
	assert_int_equal(kpage_hwpoison_filter_write(hp, &narrow_filter), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), DIR "/corrupt-filter-dev-major");
	assert_int_equal(number_in(fx, DIR "/corrupt-filter-enable"), 0);
	assert_int_equal(number_in(fx, DIR "/corrupt-filter-flags-mask"), 0);
	kpage_hwpoison_free(hp);
}

/* What was written is read back: /dev/zero takes it, and holds nothing of it. */
static void test_filter_verify(void **state)
{
	struct kpage_hwpoison_filter wanted = narrow_filter;
	struct fixture *fx = *state;
	struct kpage_hwpoison *hp;

	make_files(fx);
	fixture_remove(fx, DIR "/corrupt-filter-flags-mask");
	if (mknod(fixture_path(fx, DIR "/corrupt-filter-flags-mask"), S_IFCHR | 0600,
		  makedev(1, 5)))
		skip();
	wanted.flags_mask = 0x33;
	hp = open_hwpoison(fx);
	assert_int_equal(kpage_hwpoison_filter_write(hp, &wanted), -EUCLEAN);
	assert_int_equal(number_in(fx, DIR "/corrupt-filter-enable"), 0);
	/* Which file it was, as for every failure. */
	assert_string_equal(kpage_ctx_error_path(fx->ctx), DIR "/corrupt-filter-flags-mask");
	kpage_hwpoison_free(hp);
}

static void test_filter_is_set(void **state)
{
	struct kpage_hwpoison_filter f = open_filter;

	(void)state;
	assert_false(kpage_hwpoison_filter_is_set(&f));
	f.enable = true;
	assert_false(kpage_hwpoison_filter_is_set(&f));
	f = open_filter;
	f.dev_major = 0;
	assert_true(kpage_hwpoison_filter_is_set(&f));
	f = open_filter;
	f.dev_minor = 0;
	assert_true(kpage_hwpoison_filter_is_set(&f));
	f = open_filter;
	f.flags_mask = 1;
	assert_true(kpage_hwpoison_filter_is_set(&f));
	f = open_filter;
	f.memcg = 1;
	assert_true(kpage_hwpoison_filter_is_set(&f));
	/* A value without a mask is no condition. */
	f = open_filter;
	f.flags_value = 1;
	assert_false(kpage_hwpoison_filter_is_set(&f));
}

/* -------------------------------------------------------------------- meminfo */

static void test_hardware_corrupted(void **state)
{
	struct fixture *fx = *state;
	uint64_t kb = 42;

	assert_int_equal(kpage_hardware_corrupted(fx->ctx, &kb), -ENOENT);
	fixture_text(fx, "/proc/meminfo", "MemTotal:        4014548 kB\nSwapTotal:  0 kB\n");
	assert_int_equal(kpage_hardware_corrupted(fx->ctx, &kb), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/proc/meminfo");
	assert_int_equal(kb, 42);
	fixture_text(fx, "/proc/meminfo",
		     "MemTotal:        4014548 kB\nHardwareCorrupted:    12 kB\nAnonHugePages: 0 kB\n");
	assert_int_equal(kpage_hardware_corrupted(fx->ctx, &kb), 0);
	assert_int_equal(kb, 12);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_open),
		TREE_TEST(test_open_elsewhere),
		TREE_TEST(test_open_second_mount),
		TREE_TEST(test_open_errors),
		TREE_TEST(test_open_refused),
		TREE_TEST(test_inject),
		TREE_TEST(test_unpoison),
		TREE_TEST(test_pfn_zero),
		TREE_TEST(test_inject_errors),
		TREE_TEST(test_links_stay_inside),
		TREE_TEST(test_filter_read),
		TREE_TEST(test_filter_read_errors),
		TREE_TEST(test_filter_write),
		TREE_TEST(test_filter_without_memcg),
		TREE_TEST(test_filter_off_first),
		TREE_TEST(test_filter_verify),
		cmocka_unit_test(test_filter_is_set),
		TREE_TEST(test_hardware_corrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
