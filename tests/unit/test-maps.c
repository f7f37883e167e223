// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/PID/maps, line by line. */
#include "fixture.h"

#include <inttypes.h>
#include <string.h>

static struct kpage_maps *open_maps(struct fixture *fx, const char *text)
{
	struct kpage_maps *maps = NULL;

	fixture_text(fx, "/proc/17/maps", text);
	assert_int_equal(kpage_maps_open(fx->ctx, 17, &maps), 0);
	return maps;
}

static void test_open(void **state)
{
	struct fixture *fx = *state;
	struct kpage_maps *maps = NULL;

	assert_int_equal(kpage_maps_open(fx->ctx, 17, &maps), -ESRCH);
	assert_null(maps);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/proc/17/maps");
	kpage_maps_free(NULL);
}

static void test_empty(void **state)
{
	struct fixture *fx = *state;
	struct kpage_maps *maps = open_maps(fx, "");
	struct kpage_vma vma;

	assert_int_equal(kpage_maps_next(maps, &vma), 0);
	assert_int_equal(kpage_maps_next(maps, &vma), 0);
	kpage_maps_free(maps);
}

static const struct {
	const char *line;
	struct kpage_vma vma;
} lines[] = {
	{ "5617a5c2d000-5617a5c2f000 r--p 00000000 fe:00 524543                     /usr/bin/cat",
	  { 0x5617a5c2d000, 0x5617a5c2f000, "r--p", 0, 0xfe, 0, 524543, "/usr/bin/cat" } },
	{ "7f1c2c000000-7f1c2c021000 rw-p 00000000 00:00 0 ",
	  { 0x7f1c2c000000, 0x7f1c2c021000, "rw-p", 0, 0, 0, 0, "" } },
	{ "7f1c2c000000-7f1c2c021000 rw-p 00000000 00:00 0",
	  { 0x7f1c2c000000, 0x7f1c2c021000, "rw-p", 0, 0, 0, 0, "" } },
	{ "7ffd3b5f1000-7ffd3b612000 rw-p 00000000 00:00 0                          [stack]",
	  { 0x7ffd3b5f1000, 0x7ffd3b612000, "rw-p", 0, 0, 0, 0, "[stack]" } },
	{ "7f6a77f13000-7f6a77f15000 rw-s 1fffff000 103:1f 18446744073709551615     /a file (deleted)",
	  { 0x7f6a77f13000, 0x7f6a77f15000, "rw-s", 0x1fffff000, 0x103, 0x1f, UINT64_MAX,
	    "/a file (deleted)" } },
	{ "7f6a77f13000-7f6a77f15000 ---p 00000000 00:01 7                          /a\\012b 1-2 rw-p",
	  { 0x7f6a77f13000, 0x7f6a77f15000, "---p", 0, 0, 1, 7, "/a\\012b 1-2 rw-p" } },
	{ "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
	  { 0xffffffffff600000, 0xffffffffff601000, "--xp", 0, 0, 0, 0, "[vsyscall]" } },
	{ "00010000-00010000 rw-p 00000000 00:00 0 ",
	  { 0x10000, 0x10000, "rw-p", 0, 0, 0, 0, "" } },
};

static void check_vma(const struct kpage_vma *vma, const struct kpage_vma *expected)
{
	assert_int_equal(vma->start, expected->start);
	assert_int_equal(vma->end, expected->end);
	assert_string_equal(vma->perms, expected->perms);
	assert_int_equal(vma->offset, expected->offset);
	assert_int_equal(vma->dev_major, expected->dev_major);
	assert_int_equal(vma->dev_minor, expected->dev_minor);
	assert_int_equal(vma->inode, expected->inode);
	assert_string_equal(vma->name, expected->name);
}

static void test_lines(void **state)
{
	struct fixture *fx = *state;
	struct kpage_maps *maps = NULL;
	struct kpage_vma vma;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		(i ? fixture_append : fixture_text)(fx, "/proc/17/maps", lines[i].line);
		/* The last line may lack its newline. */
		if (i + 1 < ARRAY_SIZE(lines))
			fixture_append(fx, "/proc/17/maps", "\n");
	}
	assert_int_equal(kpage_maps_open(fx->ctx, 17, &maps), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(kpage_maps_next(maps, &vma), 1);
		check_vma(&vma, &lines[i].vma);
	}
	assert_int_equal(kpage_maps_next(maps, &vma), 0);
	kpage_maps_free(maps);
}

static void test_bad_lines(void **state)
{
	static const char *const bad[] = {
		"\n",
		"nonsense\n",
		"1000 rw-p 00000000 00:00 0\n",
		"1000-2000\n",
		"1000-2000 rw-p 00000000\n",
		"1000-2000 rw-p 00000000 00:00\n",
		"1000-2000 rw-p 00000000 00:00 \n",
		"1000-2000 rw-p 00000000 0000 0\n",
		"2000-1000 rw-p 00000000 00:00 0\n",
		"1000-2000 rw-px 00000000 00:00 0\n",
		"x000-y000 rw-p 00000000 00:00 0\n",
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct kpage_maps *maps = open_maps(fx, bad[i]);
		struct kpage_vma vma;
		int err = kpage_maps_next(maps, &vma);

		if (err != -EUCLEAN)
			fail_msg("%d for the line %s", err, bad[i]);
		kpage_maps_free(maps);
	}
}

/* A name as long as a path can be, and the lines around it. */
static void test_long_name(void **state)
{
	struct fixture *fx = *state;
	struct kpage_maps *maps = open_maps(fx, "1000-2000 rw-p 00000000 00:00 0 \n");
	struct kpage_vma vma;
	char name[20001];

	memset(name, 'n', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	fixture_append(fx, "/proc/17/maps", "3000-4000 rw-p 00000000 00:00 9 ");
	fixture_append(fx, "/proc/17/maps", name);
	fixture_append(fx, "/proc/17/maps", "\n5000-6000 rw-p 00000000 00:00 0 \n");
	assert_int_equal(kpage_maps_next(maps, &vma), 1);
	assert_int_equal(kpage_maps_next(maps, &vma), 1);
	assert_int_equal(vma.start, 0x3000);
	assert_string_equal(vma.name, name);
	assert_int_equal(kpage_maps_next(maps, &vma), 1);
	assert_int_equal(vma.start, 0x5000);
	assert_string_equal(vma.name, "");
	kpage_maps_free(maps);
}

/* More than vm.max_map_count, with the whole file in one piece. */
static void test_many(void **state)
{
	const uint64_t n = 70000;
	struct fixture *fx = *state;
	struct kpage_maps *maps;
	struct kpage_vma vma;
	char *text = malloc(n * 48), *p = text;

	assert_non_null(text);
	for (uint64_t i = 0; i < n; i++)
		p += sprintf(p, "%" PRIx64 "-%" PRIx64 " rw-p 00000000 00:00 0 \n", i << 13,
			     (i << 13) + 4096);
	maps = open_maps(fx, text);
	free(text);
	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(kpage_maps_next(maps, &vma), 1);
		assert_int_equal(vma.start, i << 13);
	}
	assert_int_equal(kpage_maps_next(maps, &vma), 0);
	kpage_maps_free(maps);
}

/* This process: what is known of one variable. */
static void test_live(void **state)
{
	static int here;
	struct kpage_ctx *ctx = NULL;
	struct kpage_maps *maps = NULL;
	struct kpage_vma vma;
	int more, found = 0;

	(void)state;
	assert_int_equal(kpage_ctx_new(NULL, &ctx), 0);
	assert_int_equal(kpage_maps_open(ctx, getpid(), &maps), 0);
	while ((more = kpage_maps_next(maps, &vma)) > 0) {
		if ((uintptr_t)&here < vma.start || (uintptr_t)&here >= vma.end)
			continue;
		assert_string_equal(vma.perms, "rw-p");
		found++;
	}
	assert_int_equal(more, 0);
	assert_int_equal(found, 1);
	kpage_maps_free(maps);
	kpage_ctx_free(ctx);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_open),
		TREE_TEST(test_empty),
		TREE_TEST(test_lines),
		TREE_TEST(test_bad_lines),
		TREE_TEST(test_long_name),
		TREE_TEST(test_many),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
