// SPDX-License-Identifier: GPL-2.0-or-later
/* The options of the kernel's filter: their numbers, and what is refused. */
#include "common/kernel-filter.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "fixture.h"
#include "messages.h"

#define CGROUP "/sys/fs/cgroup"
#define SOFT_OFFLINE "/proc/sys/vm/enable_soft_offline"

static int val_of(const char *name)
{
	for (const struct poptOption *o = kernel_filter_options; o->longName; o++)
		if (!strcmp(o->longName, name))
			return o->val;
	fail_msg("no such option: %s", name);
	return 0;
}

/* Resolves one option; says what it said. */
static int resolve(struct kpage_ctx *ctx, const char *option, const char *arg,
		   enum filter_route route, struct kpage_hwpoison_filter *want,
		   char said[MESSAGES_SIZE])
{
	struct kernel_filter f = { 0 };
	int status;

	assert_int_equal(kernel_filter_option(&f, val_of(option), arg), EXIT_OK);
	assert_true(kernel_filter_is_given(&f));
	status = HEAR(said, kernel_filter_resolve(&f, ctx, route));
	*want = f.want;
	kernel_filter_release(&f);
	assert_false(kernel_filter_is_given(&f));
	return status;
}

/* -------------------------------------------------------------------- options */

static void test_options(void **state)
{
	struct kernel_filter f = { 0 };
	char said[MESSAGES_SIZE];

	(void)state;
	assert_true(is_kernel_filter_option(val_of("memcg")));
	assert_true(is_kernel_filter_option(val_of("dev")));
	assert_true(is_kernel_filter_option(val_of("flags")));
	assert_false(is_kernel_filter_option('f'));
	assert_false(is_kernel_filter_option(0));
	assert_false(is_kernel_filter_option(-1));
	assert_int_equal(kernel_filter_option(&f, val_of("dev"), "8:1"), EXIT_OK);
	assert_int_equal(HEAR(said, kernel_filter_option(&f, val_of("dev"), "8:2")), EXIT_USAGE);
	assert_string_equal(f.dev, "8:1");
	kernel_filter_release(&f);
}

/* What is not asked for is any. */
static void test_all(void **state)
{
	struct fixture *fx = *state;
	struct kernel_filter f = { 0 };

	fixture_text(fx, CGROUP "/a/memory.stat", "");
	f.memcg = xstrdup(CGROUP "/a");
	f.dev = xstrdup("253:7");
	f.flags = xstrdup("lru,~dirty");
	assert_int_equal(kernel_filter_resolve(&f, fx->ctx, FILTER_DEBUGFS), EXIT_OK);
	assert_true(f.want.enable);
	assert_int_equal(f.want.memcg, fixture_ino(fx, CGROUP "/a"));
	assert_int_equal(f.want.dev_major, 253);
	assert_int_equal(f.want.dev_minor, 7);
	assert_int_equal(f.want.flags_mask, KPAGE_BIT(LRU) | KPAGE_BIT(DIRTY));
	assert_int_equal(f.want.flags_value, KPAGE_BIT(LRU));
	free(f.dev);
	free(f.flags);
	f.dev = f.flags = NULL;
	assert_int_equal(kernel_filter_resolve(&f, fx->ctx, FILTER_DEBUGFS), EXIT_OK);
	assert_int_equal(f.want.dev_major, UINT32_MAX);
	assert_int_equal(f.want.dev_minor, UINT32_MAX);
	assert_int_equal(f.want.flags_mask, 0);
	kernel_filter_release(&f);
}

/* ---------------------------------------------------------------------- memcg */

static void make_cgroups(struct fixture *fx)
{
	fixture_text(fx, "/proc/mounts", "none " CGROUP " cgroup2 rw 0 0\n");
	fixture_text(fx, CGROUP "/cgroup.controllers", "memory\n");
	fixture_text(fx, CGROUP "/with/memory.stat", "");
	fixture_text(fx, CGROUP "/with/cgroup.type", "domain\n");
	fixture_text(fx, CGROUP "/without/cgroup.type", "domain\n");
}

static void test_memcg(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison_filter f;
	char said[MESSAGES_SIZE], number[32];

	make_cgroups(fx);
	assert_int_equal(resolve(fx->ctx, "memcg", CGROUP "/with", FILTER_HARD, &f, said), EXIT_OK);
	assert_int_equal(f.memcg, fixture_ino(fx, CGROUP "/with"));
	snprintf(number, sizeof(number), "@%ju", (uintmax_t)fixture_ino(fx, CGROUP "/with"));
	assert_int_equal(resolve(fx->ctx, "memcg", number, FILTER_HARD, &f, said), EXIT_OK);
	assert_string_equal(said, "");
	assert_int_equal(f.memcg, fixture_ino(fx, CGROUP "/with"));
	/* It may be there all the same. */
	assert_int_equal(resolve(fx->ctx, "memcg", "@1", FILTER_HARD, &f, said), EXIT_OK);
	assert_non_null(strstr(said, ": --memcg: @1: no cgroup that is seen here"));
	assert_int_equal(f.memcg, 1);
}

static void test_memcg_refused(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison_filter f;
	char said[MESSAGES_SIZE], number[32];

	make_cgroups(fx);
	assert_int_equal(resolve(fx->ctx, "memcg", CGROUP "/without", FILTER_HARD, &f, said),
			 EXIT_CANNOT);
	assert_non_null(strstr(said, ": --memcg: " CGROUP "/without: no memory controller here"));
	assert_non_null(strstr(said, "echo +memory > " CGROUP "/without/../cgroup.subtree_control"));
	snprintf(number, sizeof(number), "@%ju", (uintmax_t)fixture_ino(fx, CGROUP "/without"));
	assert_int_equal(resolve(fx->ctx, "memcg", number, FILTER_HARD, &f, said), EXIT_CANNOT);
	assert_int_equal(resolve(fx->ctx, "memcg", "@0", FILTER_HARD, &f, said), EXIT_USAGE);
	assert_int_equal(resolve(fx->ctx, "memcg", "@x", FILTER_HARD, &f, said), EXIT_USAGE);
	assert_int_equal(resolve(fx->ctx, "memcg", CGROUP "/none", FILTER_HARD, &f, said),
			 EXIT_FAILED);
	assert_non_null(strstr(said, ": --memcg: " CGROUP "/none: No such file"));
}

/* ------------------------------------------------------------------------ dev */

static void test_dev_number(void **state)
{
	static const char *const wrong[] = { "4096:0", "0:1048576", "99999999999:1", "1:99999999999" };
	struct fixture *fx = *state;
	struct kpage_hwpoison_filter f;
	char said[MESSAGES_SIZE];

	assert_int_equal(resolve(fx->ctx, "dev", "0:0", FILTER_DEBUGFS, &f, said), EXIT_OK);
	assert_int_equal(f.dev_major, 0);
	assert_int_equal(f.dev_minor, 0);
	assert_int_equal(resolve(fx->ctx, "dev", "4095:1048575", FILTER_DEBUGFS, &f, said), EXIT_OK);
	assert_int_equal(f.dev_major, 4095);
	assert_int_equal(f.dev_minor, 1048575);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(resolve(fx->ctx, "dev", wrong[i], FILTER_DEBUGFS, &f, said),
				 EXIT_USAGE);
		assert_non_null(strstr(said, ": no such device number"));
	}
}

static void expect_dev(const struct kpage_hwpoison_filter *f, dev_t dev)
{
	assert_int_equal(f->dev_major, major(dev));
	assert_int_equal(f->dev_minor, minor(dev));
}

/* Containers have their files there: such a path is refused. */
static bool is_overlay(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

static void test_dev_path(void **state)
{
	static const char *const wrong[] = { "/nothing", "", "8:", ":1", "8:1:2", "8:x" };
	struct fixture *fx = *state;
	struct kpage_hwpoison_filter f;
	char said[MESSAGES_SIZE];
	struct stat st;

	fixture_text(fx, "/file", "");
	if (is_overlay(fx->dir)) {
		assert_int_equal(resolve(fx->ctx, "dev", "/file", FILTER_DEBUGFS, &f, said),
				 EXIT_CANNOT);
		assert_non_null(strstr(said, ": --dev: /file: an overlay"));
		skip();
	}
	assert_int_equal(stat(fixture_path(fx, "/file"), &st), 0);
	assert_int_equal(resolve(fx->ctx, "dev", "/file", FILTER_DEBUGFS, &f, said), EXIT_OK);
	expect_dev(&f, st.st_dev);
	/* Below the working directory, as the user sees it. */
	assert_int_equal(stat(".", &st), 0);
	assert_int_equal(resolve(fx->ctx, "dev", ".", FILTER_DEBUGFS, &f, said),
			 is_overlay(".") ? EXIT_CANNOT : EXIT_OK);
	if (!is_overlay("."))
		expect_dev(&f, st.st_dev);
	/* A disk is what is on it. */
	if (!mknod(fixture_path(fx, "/disk"), S_IFBLK | 0600, makedev(8, 17))) {
		assert_int_equal(resolve(fx->ctx, "dev", "/disk", FILTER_DEBUGFS, &f, said), EXIT_OK);
		expect_dev(&f, makedev(8, 17));
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(resolve(fx->ctx, "dev", wrong[i], FILTER_DEBUGFS, &f, said),
				 EXIT_FAILED);
		assert_non_null(strstr(said, ": No such file or directory"));
	}
}

/* On the machine itself the list of mounts decides; for most file systems it says
 * what stat says. */
static void test_dev_live(void **state)
{
	struct kpage_hwpoison_filter f;
	struct kpage_ctx *ctx = NULL;
	char said[MESSAGES_SIZE];
	struct stat st;

	(void)state;
	assert_int_equal(kpage_ctx_new(NULL, &ctx), 0);
	assert_int_equal(stat("/proc/self", &st), 0);
	assert_int_equal(resolve(ctx, "dev", "/proc/self", FILTER_DEBUGFS, &f, said), EXIT_OK);
	expect_dev(&f, st.st_dev);
	kpage_ctx_free(ctx);
}

/* ---------------------------------------------------------------------- flags */

static void test_flags(void **state)
{
	static const struct {
		const char *text;
		uint64_t mask, value;
	} cases[] = {
		{ "lru", KPAGE_BIT(LRU), KPAGE_BIT(LRU) },
		{ "lru,dirty=lru", KPAGE_BIT(LRU) | KPAGE_BIT(DIRTY), KPAGE_BIT(LRU) },
		{ "lru,~dirty", KPAGE_BIT(LRU) | KPAGE_BIT(DIRTY), KPAGE_BIT(LRU) },
		{ "~dirty", KPAGE_BIT(DIRTY), 0 },
		{ "dirty=", KPAGE_BIT(DIRTY), 0 },
		{ "0x30=0x10", 0x30, 0x10 },
		{ "0x8000000", 0x8000000, 0x8000000 },	/* a newer kernel's */
		{ "buddy,locked,hwpoison=buddy", 0x80401, 0x400 },
	};
	struct fixture *fx = *state;
	struct kpage_hwpoison_filter f;
	char said[MESSAGES_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(resolve(fx->ctx, "flags", cases[i].text, FILTER_DEBUGFS, &f, said),
				 EXIT_OK);
		assert_int_equal(f.flags_mask, cases[i].mask);
		assert_int_equal(f.flags_value, cases[i].value);
	}
}

static void test_flags_usage(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "lru,dirty", ": --flags: lru,dirty: the kernel's filter has no \"any of these\"" },
		{ "compound", "no \"any of these\"" },
		{ "nonsense", ": --flags: nonsense: no such flag" },
		{ "re", ": --flags: re: ambiguous" },
		{ "0", ": --flags: 0: no flag at all" },
		{ "lru=dirty", ": --flags: lru=dirty: no page can match: dirty: wanted, but not in the mask" },
		{ "softdirty", ": no page can match: softdirty: /proc/kpageflags never has it" },
		{ "anon_exclusive", "/proc/kpageflags never has it" },
		{ "swap", "/proc/kpageflags never has it" },
		{ "lru,readahead=lru,readahead", "readahead: /proc/kpageflags never has it" },
	};
	struct fixture *fx = *state;
	struct kpage_hwpoison_filter f;
	char said[MESSAGES_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(resolve(fx->ctx, "flags", cases[i].text, FILTER_DEBUGFS, &f, said),
				 EXIT_USAGE);
		assert_non_null(strstr(said, cases[i].says));
	}
}

/* What depends on where the kernel asks: d, h, s for the routes that refuse it. */
static void test_flags_by_route(void **state)
{
	static const struct {
		const char *text, *refused;
	} cases[] = {
		{ "~locked", "dh" },
		{ "locked", "ds" },
		{ "~hwpoison", "dh" },
		{ "hwpoison", "ds" },
		{ "=lru", "dh" },		/* no hwpoison, among others */
		{ "=buddy", "" },
		{ "~locked,buddy", "" },	/* a free page is asked about before that */
		{ "compound_tail", "d" },
		{ "~compound_tail", "" },
		{ "nopage", "dhs" },
		{ "slab", "d" },
		{ "pgtable", "d" },
		{ "reserved", "d" },
		{ "offline", "d" },
		{ "zero_page", "d" },
		{ "~slab", "" },
		{ "thp", "" },
		{ "huge", "" },
		{ "~softdirty", "" },
	};
	struct fixture *fx = *state;
	struct kpage_hwpoison_filter f;
	char said[MESSAGES_SIZE];

	fixture_text(fx, SOFT_OFFLINE, "1\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (enum filter_route route = FILTER_DEBUGFS; route <= FILTER_SOFT; route++) {
			int status = resolve(fx->ctx, "flags", cases[i].text, route, &f, said);

			assert_int_equal(status, strchr(cases[i].refused, "dhs"[route]) ?
							 EXIT_USAGE : EXIT_OK);
			assert_int_equal(!said[0], status == EXIT_OK);
		}
	assert_int_equal(resolve(fx->ctx, "flags", "~locked", FILTER_HARD, &f, said), EXIT_USAGE);
	assert_non_null(strstr(said, ": --flags: ~locked: no page can match: no locked: the kernel has "
				     "locked the page when it asks\n"));
}

/* Without vm.enable_soft_offline it is a kernel that splits first. */
static void test_flags_thp(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hwpoison_filter f;
	char said[MESSAGES_SIZE];

	assert_int_equal(resolve(fx->ctx, "flags", "thp", FILTER_DEBUGFS, &f, said), EXIT_CANNOT);
	assert_non_null(strstr(said, ": no page can match: thp: this kernel asks when it has split"));
	assert_int_equal(resolve(fx->ctx, "flags", "thp", FILTER_HARD, &f, said), EXIT_CANNOT);
	assert_int_equal(resolve(fx->ctx, "flags", "thp", FILTER_SOFT, &f, said), EXIT_OK);
	assert_int_equal(resolve(fx->ctx, "flags", "~thp", FILTER_DEBUGFS, &f, said), EXIT_OK);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		TREE_TEST(test_all),
		TREE_TEST(test_memcg),
		TREE_TEST(test_memcg_refused),
		TREE_TEST(test_dev_number),
		TREE_TEST(test_dev_path),
		TREE_TEST(test_dev_live),
		TREE_TEST(test_flags),
		TREE_TEST(test_flags_usage),
		TREE_TEST(test_flags_by_route),
		TREE_TEST(test_flags_thp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
