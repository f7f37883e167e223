// SPDX-License-Identifier: GPL-2.0-or-later
/* The populated parts of an address space: the kernel's scan and a read of all agree. */
#include "fixture.h"

#include <string.h>
#include <sys/mman.h>

#define PAGES 4096

static struct kpage_file *own_pagemap(struct kpage_ctx **ctx)
{
	struct kpage_file *pagemap = NULL;

	assert_int_equal(kpage_ctx_new(NULL, ctx), 0);
	if (kpage_file_open_pagemap(*ctx, getpid(), &pagemap)) {
		kpage_ctx_free(*ctx);
		skip();
	}
	return pagemap;
}

/* Every third page for a while, then a block, and the last one. */
static char *make_memory(void)
{
	size_t size = kpage_page_size();
	char *p = mmap(NULL, PAGES * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	madvise(p, PAGES * size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < 2000; i += 3)
		p[i * size] = 1;
	for (size_t i = 3000; i < 3100; i++)
		p[i * size] = 1;
	p[(PAGES - 1) * size] = 1;
	return p;
}

static void mark(bool *populated, uint64_t first, const struct kpage_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(r[i].start < r[i].end);
		assert_true(r[i].start >= first && r[i].end <= first + PAGES);
		for (uint64_t page = r[i].start; page < r[i].end; page++) {
			assert_false(populated[page - first]);
			populated[page - first] = true;
		}
	}
}

static void compare(size_t room)
{
	struct kpage_ctx *ctx = NULL;
	struct kpage_file *pagemap = own_pagemap(&ctx);
	char *p = make_memory();
	uint64_t first = (uint64_t)(uintptr_t)p / kpage_page_size(), entries[PAGES];
	struct kpage_range todo = { first, first + PAGES }, out[1000];
	bool populated[PAGES] = { 0 };
	ssize_t n = 0;

	while (todo.start < todo.end && (n = kpage_pagemap_scan(pagemap, &todo, out, room)) >= 0)
		mark(populated, first, out, (size_t)n);
	if (n >= 0) {
		assert_int_equal(kpage_file_read(pagemap, first, entries, PAGES), PAGES);
		for (size_t i = 0; i < PAGES; i++)
			assert_int_equal(populated[i],
					 (entries[i] & (KPAGE_PM_PRESENT | KPAGE_PM_SWAP)) != 0);
		assert_int_equal(todo.start, todo.end);
		assert_true(populated[3] && !populated[4] && populated[PAGES - 1]);
	} else {
		/* Before 6.7. */
		assert_int_equal(n, -ENOTTY);
	}
	munmap(p, PAGES * kpage_page_size());
	kpage_file_free(pagemap);
	kpage_ctx_free(ctx);
	if (n < 0)
		skip();
}

static void test_same_as_read(void **state)
{
	(void)state;
	compare(1000);
}

static void test_few_at_a_time(void **state)
{
	(void)state;
	compare(1);
	compare(7);
}

static void test_limits(void **state)
{
	struct kpage_ctx *ctx = NULL;
	struct kpage_file *pagemap = own_pagemap(&ctx);
	struct kpage_range todo = { 5, 5 }, out;

	(void)state;
	assert_int_equal(kpage_pagemap_scan(pagemap, &todo, &out, 1), 0);
	todo.end = 6;
	assert_int_equal(kpage_pagemap_scan(pagemap, &todo, &out, 0), -EINVAL);
	todo.end = UINT64_MAX;
	assert_int_equal(kpage_pagemap_scan(pagemap, &todo, &out, 1), -EINVAL);
	kpage_file_free(pagemap);
	kpage_ctx_free(ctx);
}

/* The addresses of [vsyscall] are in maps, and are the kernel's. */
static void test_kernel_addresses(void **state)
{
	struct kpage_ctx *ctx = NULL;
	struct kpage_file *pagemap = own_pagemap(&ctx);
	const uint64_t vsyscall = UINT64_C(0xffffffffff600000) / kpage_page_size();
	struct kpage_range todo = { vsyscall, vsyscall + 1 }, out;
	ssize_t n = kpage_pagemap_scan(pagemap, &todo, &out, 1);

	(void)state;
	if (n != -ENOTTY) {
		assert_int_equal(n, 0);
		assert_int_equal(todo.start, todo.end);
	}
	kpage_file_free(pagemap);
	kpage_ctx_free(ctx);
}

static void test_copy(void **state)
{
	const uint64_t entry = entry_present(7);
	struct fixture *fx = *state;
	struct kpage_file *pagemap = NULL;
	struct kpage_range todo = { 16, 17 }, out;

	fixture_task(fx, 7);
	fixture_vma(fx, 7, 16, &entry, 1);
	assert_int_equal(kpage_file_open_pagemap(fx->ctx, 7, &pagemap), 0);
	assert_int_equal(kpage_pagemap_scan(pagemap, &todo, &out, 1), -ENOTTY);
	assert_int_equal(todo.start, 16);
	kpage_file_free(pagemap);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_read),
		cmocka_unit_test(test_few_at_a_time),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_kernel_addresses),
		TREE_TEST(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
