// SPDX-License-Identifier: GPL-2.0-or-later
/* Files with one 64-bit entry a page: opening, reading, gathering. */
#include "fixture.h"

#include <string.h>
#include <sys/stat.h>

#define PAGES (3 * KPAGE_BATCH + 100)

/* What the fixture holds at an index. */
static uint64_t entry_of(uint64_t index)
{
	return index * 7 + UINT64_C(0xabc000000000);
}

static void put_pages(const struct fixture *fx, const char *path, size_t n)
{
	uint64_t *values = calloc(n, sizeof(*values));

	assert_non_null(values);
	for (size_t i = 0; i < n; i++)
		values[i] = entry_of(i);
	fixture_put(fx, path, 0, values, n);
	free(values);
}

static struct kpage_file *open_flags(struct fixture *fx)
{
	struct kpage_file *f = NULL;

	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &f), 0);
	return f;
}

/* -------------------------------------------------------------------- opening */

static void test_open(void **state)
{
	static const char *const paths[] = {
		[KPAGE_SOURCE_FLAGS] = "/proc/kpageflags",
		[KPAGE_SOURCE_COUNT] = "/proc/kpagecount",
		[KPAGE_SOURCE_CGROUP] = "/proc/kpagecgroup",
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		uint64_t value = i + 100, got = 0;
		struct kpage_file *f = NULL;

		assert_int_equal(kpage_file_open(fx->ctx, i, &f), -ENOENT);
		assert_null(f);
		assert_string_equal(kpage_ctx_error_path(fx->ctx), paths[i]);
		fixture_put(fx, paths[i], 0, &value, 1);
		assert_int_equal(kpage_file_open(fx->ctx, i, &f), 0);
		assert_string_equal(kpage_file_path(f), paths[i]);
		assert_int_equal(kpage_file_read(f, 0, &got, 1), 1);
		assert_int_equal(got, value);
		kpage_file_free(f);
	}
	kpage_file_free(NULL);
}

static void test_open_dump(void **state)
{
	struct fixture *fx = *state;
	const char *path = fixture_path(fx, "/elsewhere/dump");
	struct kpage_file *f = NULL;

	assert_int_equal(kpage_file_open_dump(fx->ctx, path, &f), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), path);
	put_pages(fx, "/elsewhere/dump", 5);
	path = fixture_path(fx, "/elsewhere/dump");
	assert_int_equal(kpage_file_open_dump(fx->ctx, path, &f), 0);
	assert_string_equal(kpage_file_path(f), path);
	assert_int_equal(kpage_file_pages(f), 5);
	kpage_file_free(f);
}

static void test_open_dump_folder(void **state)
{
	struct fixture *fx = *state;
	struct kpage_file *f = NULL;

	assert_int_equal(kpage_file_open_dump(fx->ctx, fx->dir, &f), -EISDIR);
	assert_null(f);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), fx->dir);
}

static void test_open_odd_size(void **state)
{
	static const off_t sizes[] = { 1, 7, 9, 8191 };
	struct fixture *fx = *state;
	struct kpage_file *f = NULL;

	put_pages(fx, "/proc/kpageflags", 1024);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fixture_truncate(fx, "/proc/kpageflags", sizes[i]);
		assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &f), -EUCLEAN);
		assert_int_equal(kpage_file_open_dump(fx->ctx,
						      fixture_path(fx, "/proc/kpageflags"), &f),
				 -EUCLEAN);
		assert_null(f);
	}
}

static void test_open_pagemap(void **state)
{
	struct fixture *fx = *state;
	struct kpage_file *f = NULL;
	uint64_t value = entry_present(42), got = 0;

	assert_int_equal(kpage_file_open_pagemap(fx->ctx, 17, &f), -ESRCH);
	assert_null(f);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/proc/17/pagemap");
	fixture_task(fx, 17);
	/* The top of the lower half of 48 bits: a file of 256 GiB, nearly all hole. */
	fixture_put(fx, "/proc/17/pagemap", UINT64_C(0x7fffffffe), &value, 1);
	assert_int_equal(kpage_file_open_pagemap(fx->ctx, 17, &f), 0);
	assert_string_equal(kpage_file_path(f), "/proc/17/pagemap");
	assert_int_equal(kpage_file_read(f, UINT64_C(0x7fffffffe), &got, 1), 1);
	assert_int_equal(got, value);
	kpage_file_free(f);
}

static void test_open_refused(void **state)
{
	struct fixture *fx = *state;
	struct kpage_file *f = NULL;
	uint64_t value = 0;
	int err;

	fixture_put(fx, "/proc/17/pagemap", 0, &value, 1);
	assert_int_equal(chmod(fixture_path(fx, "/proc/17/pagemap"), 0), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	err = kpage_file_open_pagemap(fx->ctx, 17, &f);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	/* The tree itself is closed to others, too. */
	assert_int_equal(err, -EACCES);
	assert_null(f);
}

/* -------------------------------------------------------------------- reading */

static void test_read(void **state)
{
	static const struct {
		uint64_t index;
		size_t n;
		ssize_t got;
	} cases[] = {
		{ 0, 1, 1 },
		{ 5, 10, 10 },
		{ 0, PAGES, PAGES },
		{ KPAGE_BATCH - 1, KPAGE_BATCH, KPAGE_BATCH },
		{ 3, 0, 0 },
		/* to the end, over it, and behind it */
		{ PAGES - 1, 1, 1 },
		{ PAGES - 3, 3, 3 },
		{ PAGES - 3, 10, 3 },
		{ PAGES, 1, 0 },
		{ PAGES + 1000, 10, 0 },
		{ INT64_MAX / 8, 10, 0 },
		{ INT64_MAX / 8 + 1, 10, 0 },
		{ UINT64_MAX, 1, 0 },
	};
	struct fixture *fx = *state;
	struct kpage_file *f;

	put_pages(fx, "/proc/kpageflags", PAGES);
	f = open_flags(fx);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t size = MAX(cases[i].n, (size_t)1) * sizeof(uint64_t);
		uint64_t *buf = guarded_alloc(size);

		assert_int_equal(kpage_file_read(f, cases[i].index, buf, cases[i].n),
				 cases[i].got);
		for (ssize_t k = 0; k < cases[i].got; k++)
			assert_int_equal(buf[k], entry_of(cases[i].index + (uint64_t)k));
		guarded_free(buf, size);
	}
	kpage_file_free(f);
}

static void test_read_empty(void **state)
{
	struct fixture *fx = *state;
	struct kpage_file *f;
	uint64_t value;

	fixture_text(fx, "/proc/kpageflags", "");
	f = open_flags(fx);
	assert_int_equal(kpage_file_pages(f), 0);
	assert_int_equal(kpage_file_read(f, 0, &value, 1), 0);
	kpage_file_free(f);
}

static void test_read_shrinking(void **state)
{
	struct fixture *fx = *state;
	uint64_t buf[10];
	struct kpage_file *f;

	put_pages(fx, "/proc/kpageflags", 20);
	f = open_flags(fx);
	fixture_truncate(fx, "/proc/kpageflags", 15 * sizeof(uint64_t));
	assert_int_equal(kpage_file_read(f, 0, buf, 10), 10);
	assert_int_equal(kpage_file_read(f, 5, buf, 10), 10);
	assert_int_equal(kpage_file_read(f, 6, buf, 10), -ENODATA);
	assert_int_equal(kpage_file_read(f, 15, buf, 1), -ENODATA);
	assert_int_equal(kpage_file_read(f, 20, buf, 1), 0);
	/* In the middle of an entry. */
	fixture_truncate(fx, "/proc/kpageflags", 15 * sizeof(uint64_t) - 3);
	assert_int_equal(kpage_file_read(f, 10, buf, 10), -EUCLEAN);
	kpage_file_free(f);
}

static void test_read_growing(void **state)
{
	struct fixture *fx = *state;
	uint64_t buf[10];
	struct kpage_file *f;

	put_pages(fx, "/proc/kpageflags", 5);
	f = open_flags(fx);
	put_pages(fx, "/proc/kpageflags", 10);
	assert_int_equal(kpage_file_pages(f), 5);
	assert_true(kpage_file_read(f, 0, buf, 10) >= 5);
	assert_int_equal(buf[4], entry_of(4));
	kpage_file_free(f);
}

static void test_read_error(void **state)
{
	struct fixture *fx = *state;
	struct kpage_file *f = NULL;
	uint64_t value;

	/* Not regular, and address 0 is not to be read. */
	assert_int_equal(kpage_file_open_dump(fx->ctx, "/proc/self/mem", &f), 0);
	assert_int_equal(kpage_file_read(f, 0, &value, 1), -EIO);
	kpage_file_free(f);
}

/* ------------------------------------------------------------------ gathering */

static void check_gather(const struct kpage_file *f, const uint64_t *index, size_t n)
{
	size_t scratch_size = KPAGE_BATCH * sizeof(uint64_t), size = n * sizeof(uint64_t);
	uint64_t *scratch = guarded_alloc(scratch_size), *out = guarded_alloc(size);

	assert_int_equal(kpage_file_gather(f, index, n, out, scratch), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(out[i], entry_of(index[i]));
	guarded_free(out, size);
	guarded_free(scratch, scratch_size);
}

static void test_gather(void **state)
{
	static const struct {
		size_t n;
		uint64_t index[8];
	} cases[] = {
		{ 1, { 0 } },
		{ 1, { PAGES - 1 } },
		{ 4, { 1, 2, 3, 4 } },
		{ 4, { 4, 3, 2, 1 } },
		{ 4, { 7, 7, 7, 7 } },
		{ 8, { 3, 1, 4, 1, 5, 9, 2, 6 } },
		/* far apart, both ways */
		{ 4, { 0, PAGES - 1, 1, PAGES - 2 } },
		{ 4, { PAGES - 1, 0, KPAGE_BATCH, KPAGE_BATCH - 1 } },
		/* as far apart as one read reaches, and a bit more */
		{ 2, { 100, 100 + KPAGE_BATCH - 1 } },
		{ 2, { 100, 100 + KPAGE_BATCH } },
		{ 2, { 100 + KPAGE_BATCH, 100 } },
		{ 6, { 100, 116, 132, 148, 99, 83 } },
	};
	struct fixture *fx = *state;
	struct kpage_file *f;

	put_pages(fx, "/proc/kpageflags", PAGES);
	f = open_flags(fx);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_gather(f, cases[i].index, cases[i].n);
	assert_int_equal(kpage_file_gather(f, NULL, 0, NULL, NULL), 0);
	kpage_file_free(f);
}

/* All pages, in every second, backwards and shuffled: more than one read serves. */
static void test_gather_many(void **state)
{
	struct fixture *fx = *state;
	uint64_t *index = calloc(PAGES, sizeof(*index));
	unsigned int seed = 1;
	struct kpage_file *f;

	assert_non_null(index);
	put_pages(fx, "/proc/kpageflags", PAGES);
	f = open_flags(fx);
	for (size_t i = 0; i < PAGES; i++)
		index[i] = i;
	check_gather(f, index, PAGES);
	for (size_t i = 0; i < PAGES; i++)
		index[i] = PAGES - 1 - i;
	check_gather(f, index, PAGES);
	for (size_t i = 0; i < PAGES; i++)
		index[i] = i * 2 % PAGES;
	check_gather(f, index, PAGES);
	for (size_t i = 0; i < PAGES; i++)
		index[i] = (uint64_t)rand_r(&seed) % PAGES;
	check_gather(f, index, PAGES);
	kpage_file_free(f);
	free(index);
}

static void test_gather_past_end(void **state)
{
	static const struct {
		size_t n;
		uint64_t index[4];
	} cases[] = {
		{ 1, { 10 } },
		{ 2, { 9, 10 } },
		{ 3, { 10, 9, 8 } },
		{ 3, { 1, 1000000, 2 } },
		{ 1, { UINT64_MAX } },
		{ 2, { 0, INT64_MAX / 8 } },
	};
	static uint64_t scratch[KPAGE_BATCH];
	struct fixture *fx = *state;
	uint64_t out[4];
	struct kpage_file *f;

	put_pages(fx, "/proc/kpageflags", 10);
	f = open_flags(fx);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(kpage_file_gather(f, cases[i].index, cases[i].n, out, scratch),
				 -ENODATA);
	/* A read that reaches past the end for the sake of none. */
	assert_int_equal(kpage_file_gather(f, (const uint64_t[]){ 9, 7 }, 2, out, scratch), 0);
	assert_int_equal(out[0], entry_of(9));
	kpage_file_free(f);
}

static void test_gather_shrinking(void **state)
{
	static uint64_t scratch[KPAGE_BATCH];
	struct fixture *fx = *state;
	uint64_t out[2];
	struct kpage_file *f;

	put_pages(fx, "/proc/kpageflags", 20);
	f = open_flags(fx);
	fixture_truncate(fx, "/proc/kpageflags", 10 * sizeof(uint64_t));
	assert_int_equal(kpage_file_gather(f, (const uint64_t[]){ 9, 10 }, 2, out, scratch),
			 -ENODATA);
	kpage_file_free(f);
}

/* -------------------------------------------------------------- pagemap entries */

static void test_entries(void **state)
{
	(void)state;
	assert_int_equal(kpage_pagemap_pfn(0), 0);
	assert_int_equal(kpage_pagemap_pfn(entry_present(0x1234)), 0x1234);
	assert_int_equal(kpage_pagemap_pfn(KPAGE_PM_PRESENT | KPAGE_PM_SOFT_DIRTY |
					   KPAGE_PM_MMAP_EXCLUSIVE | KPAGE_PM_FILE |
					   KPAGE_PM_PFN_MASK),
			 KPAGE_PM_PFN_MASK);
	assert_int_equal(kpage_pagemap_pfn(entry_swap(0, 7)), 0);
	assert_int_equal(kpage_pagemap_swap_offset(entry_swap(3, 0x1234) | KPAGE_PM_SOFT_DIRTY),
			 0x1234);
	assert_int_equal(kpage_pagemap_swap_type(entry_swap(3, 0x1234)), 3);
	assert_int_equal(kpage_pagemap_swap_type(entry_swap(31, 0)), 31);
}

static void test_poison_candidate(void **state)
{
	(void)state;
	assert_int_equal(kpage_pagemap_poison_candidate(0), 0);
	assert_int_equal(kpage_pagemap_poison_candidate(entry_present(0x1234)), 0);
	/* Swap areas have the low types. */
	assert_int_equal(kpage_pagemap_poison_candidate(entry_swap(0, 0x1234)), 0);
	assert_int_equal(kpage_pagemap_poison_candidate(entry_swap(22, 0x1234)), 0);
	for (unsigned int type = 23; type < 31; type++)
		assert_int_equal(kpage_pagemap_poison_candidate(entry_swap(type, 0x1234)), 0x1234);
	/* Markers have no PFN. */
	assert_int_equal(kpage_pagemap_poison_candidate(entry_swap(31, 0x1234)), 0);
	assert_int_equal(kpage_pagemap_poison_candidate(entry_swap(30, 0x1234) |
							KPAGE_PM_SOFT_DIRTY | KPAGE_PM_FILE),
			 0x1234);
	/* Present, with what looks like a type among the bits of its PFN. */
	assert_int_equal(kpage_pagemap_poison_candidate(entry_swap(30, 0x1234) | KPAGE_PM_PRESENT),
			 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_open),
		TREE_TEST(test_open_dump),
		TREE_TEST(test_open_dump_folder),
		TREE_TEST(test_open_odd_size),
		TREE_TEST(test_open_pagemap),
		TREE_TEST(test_open_refused),
		TREE_TEST(test_read),
		TREE_TEST(test_read_empty),
		TREE_TEST(test_read_shrinking),
		TREE_TEST(test_read_growing),
		TREE_TEST(test_read_error),
		TREE_TEST(test_gather),
		TREE_TEST(test_gather_many),
		TREE_TEST(test_gather_past_end),
		TREE_TEST(test_gather_shrinking),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_poison_candidate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
