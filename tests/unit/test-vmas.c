// SPDX-License-Identifier: GPL-2.0-or-later
/* The mappings of a process, and the conditions of --vma. */
#include "common/vmas.h"

#include <errno.h>
#include <string.h>

#include "fixture.h"

#define PID 17
#define ANON_PAGE (KPAGE_BIT(ANON) | KPAGE_BIT(LRU))
#define HUGETLB_PAGE KPAGE_BIT(HUGE)

/* A page each, from page 1 on, at every second page. */
static const struct {
	const char *perms, *dev, *inode, *name;
} mappings[] = {
	{ "r-xp", "08:01", "11", "/usr/bin/x" },		/* 1 */
	{ "rw-p", "08:01", "11", "/usr/bin/x" },		/* 3 */
	{ "rw-p", "00:00", "0", "[heap]" },			/* 5 */
	{ "rw-p", "00:00", "0", "" },				/* 7 */
	{ "rw-p", "00:00", "0", "[anon:arena]" },		/* 9 */
	{ "rw-s", "00:01", "5", "/dev/zero (deleted)" },	/* 11 */
	{ "rw-s", "00:01", "6", "/memfd:buffer (deleted)" },	/* 13 */
	{ "rw-s", "00:01", "0", "/SYSV00000000 (deleted)" },	/* 15 */
	{ "rw-s", "00:18", "9", "/dev/shm/posix" },		/* 17 */
	{ "r--s", "08:01", "12", "/var/lib/db (deleted)" },	/* 19 */
	{ "rw-p", "00:0f", "13", "/anon_hugepage (deleted)" },	/* 21 */
	{ "rw-s", "00:01", "7", "[anon_shmem:pool]" },		/* 23 */
	{ "r--p", "00:00", "0", "[vvar]" },			/* 25 */
	{ "r-xp", "00:00", "0", "[vdso]" },			/* 27 */
	{ "rw-p", "00:00", "0", "[stack]" },			/* 29 */
	{ "rw-s", "00:05", "14", "socket:[14]" },		/* 31 */
};

static void make_process(struct fixture *fx)
{
	fixture_task(fx, PID);
	for (size_t i = 0; i < ARRAY_SIZE(mappings); i++) {
		uint64_t start = (2 * i + 1) * kpage_page_size();
		char line[160];

		snprintf(line, sizeof(line), "%08lx-%08lx %s 00000000 %s %s %20s\n",
			 (unsigned long)start, (unsigned long)(start + kpage_page_size()),
			 mappings[i].perms, mappings[i].dev, mappings[i].inode, mappings[i].name);
		fixture_append(fx, "/proc/17/maps", line);
	}
	fixture_text(fx, "/proc/17/mountinfo",
		     "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n26 25 0:24 / /dev/shm rw - tmpfs tmpfs rw\n");
}

/* Whether a condition (several: one of them) chooses these pages of the process, and
 * no others; pages of the flags that are given. */
static void check_pages(struct fixture *fx, const char *text, uint64_t kflags, const uint64_t *pages,
			size_t n)
{
	struct vma_condition conditions[4];
	char copy[128], *list = copy;
	struct vma_list vmas;
	size_t nr = 0, next = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *part; (part = strsep(&list, ","));)
		assert_int_equal(vma_condition_parse(part, &conditions[nr++]), 0);
	assert_int_equal(vma_list_read(fx->ctx, PID, conditions, nr, &vmas), 0);
	assert_int_equal(vmas.n, ARRAY_SIZE(mappings));
	for (size_t i = 0; i < vmas.n; i++) {
		bool wanted = next < n && vmas.v[i].start == pages[next];

		if (vma_chooses(&vmas.v[i], kflags) != wanted)
			fail_msg("%s: page %d", text, (int)vmas.v[i].start);
		next += wanted;
	}
	assert_int_equal(next, n);
	vma_list_release(&vmas);
	while (nr)
		vma_condition_release(&conditions[--nr]);
}

#define CHECK(fx, text, kflags, ...)                                                     \
	check_pages(fx, text, kflags, (const uint64_t[]){ __VA_ARGS__ },                  \
		    sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void test_kinds(void **state)
{
	struct fixture *fx = *state;

	make_process(fx);
	CHECK(fx, "heap", ANON_PAGE, 5);
	CHECK(fx, "stack", ANON_PAGE, 29);
	CHECK(fx, "anon", ANON_PAGE, 7, 9);
	CHECK(fx, "shm", 0, 11, 13, 15, 17, 23);
	CHECK(fx, "file", 0, 1, 3, 19, 21, 31);
	CHECK(fx, "text", 0, 1);
	CHECK(fx, "heap,stack,anon", ANON_PAGE, 5, 7, 9, 29);
}

static void test_hugetlb(void **state)
{
	struct fixture *fx = *state;

	make_process(fx);
	/* The pages say it: a memfd and a System V segment can be of either kind. */
	CHECK(fx, "hugetlb", HUGETLB_PAGE, 1, 3, 11, 13, 15, 17, 19, 21, 23, 31);
	check_pages(fx, "hugetlb", ANON_PAGE, NULL, 0);
	check_pages(fx, "shm", HUGETLB_PAGE, NULL, 0);
	check_pages(fx, "file", HUGETLB_PAGE, NULL, 0);
	CHECK(fx, "hugetlb,shm", 0, 11, 13, 15, 17, 23);
	CHECK(fx, "hugetlb,shm", HUGETLB_PAGE, 1, 3, 11, 13, 15, 17, 19, 21, 23, 31);
	CHECK(fx, "/anon_hugepage", HUGETLB_PAGE, 21);
	CHECK(fx, "/anon_hugepage,file", HUGETLB_PAGE, 21);
}

static void test_names(void **state)
{
	struct fixture *fx = *state;

	make_process(fx);
	CHECK(fx, "[heap]", ANON_PAGE, 5);
	CHECK(fx, "[vdso]", 0, 27);
	CHECK(fx, "[anon:arena]", 0, 9);
	CHECK(fx, "/usr/bin/x", 0, 1, 3);
	check_pages(fx, "/usr/bin", 0, NULL, 0);
	check_pages(fx, "/usr/bin/xy", 0, NULL, 0);
	CHECK(fx, "/var/lib/db", 0, 19);
	CHECK(fx, "/var/lib/db (deleted)", 0, 19);
	CHECK(fx, "/memfd:buffer", 0, 13);
}

static void test_globs(void **state)
{
	struct fixture *fx = *state;

	make_process(fx);
	CHECK(fx, "file:*/x", 0, 1, 3);
	CHECK(fx, "file:/var/*", 0, 19);
	CHECK(fx, "file:*db", 0, 19);
	CHECK(fx, "file:*(deleted)", 0, 19, 21);
	check_pages(fx, "file:*shm*", 0, NULL, 0);	/* of tmpfs: no file */
	check_pages(fx, "file:x", 0, NULL, 0);
}

static void test_none(void **state)
{
	struct fixture *fx = *state;
	struct vma_list vmas;

	make_process(fx);
	assert_int_equal(vma_list_read(fx->ctx, PID, NULL, 0, &vmas), 0);
	for (size_t i = 0; i < vmas.n; i++) {
		assert_true(vma_chooses(&vmas.v[i], ANON_PAGE));
		assert_true(vma_chooses(&vmas.v[i], HUGETLB_PAGE));
	}
	vma_list_release(&vmas);
}

/* A copy of /proc without mountinfo: what the kernel's names tell is known still. */
static void test_without_mounts(void **state)
{
	struct fixture *fx = *state;

	make_process(fx);
	fixture_remove(fx, "/proc/17/mountinfo");
	CHECK(fx, "shm", 0, 11, 13, 15, 23);
	CHECK(fx, "file", 0, 1, 3, 17, 19, 21, 31);
}

static void test_find(void **state)
{
	struct fixture *fx = *state;
	struct vma_list vmas;

	make_process(fx);
	assert_int_equal(vma_list_read(fx->ctx, PID, NULL, 0, &vmas), 0);
	assert_null(vma_list_find(&vmas, 0));
	for (uint64_t page = 1; page < 2 * ARRAY_SIZE(mappings); page += 2) {
		assert_int_equal(vma_list_find(&vmas, page)->start, page);
		assert_null(vma_list_find(&vmas, page + 1));
	}
	assert_string_equal(vma_list_find(&vmas, 5)->name, "[heap]");
	assert_null(vma_list_find(&vmas, 7)->name);
	vma_list_release(&vmas);
	assert_null(vma_list_find(&vmas, 5));
}

static void test_errors(void **state)
{
	static const char *const bad[] = { "", "x", "Heap", "heap ", "file:", "/", "[", "lib/x.so", "=x" };
	struct fixture *fx = *state;
	struct vma_condition condition;
	struct vma_list vmas;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(vma_condition_parse(bad[i], &condition), -EINVAL);
	assert_int_equal(vma_list_read(fx->ctx, PID, NULL, 0, &vmas), -ESRCH);
	make_process(fx);
	fixture_append(fx, "/proc/17/maps", "nonsense\n");
	assert_int_equal(vma_list_read(fx->ctx, PID, NULL, 0, &vmas), -EUCLEAN);
	assert_int_equal(vmas.n, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_kinds),
		TREE_TEST(test_hugetlb),
		TREE_TEST(test_names),
		TREE_TEST(test_globs),
		TREE_TEST(test_none),
		TREE_TEST(test_without_mounts),
		TREE_TEST(test_find),
		TREE_TEST(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
