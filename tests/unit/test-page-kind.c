// SPDX-License-Identifier: GPL-2.0-or-later
/* What a page is used for. The flags are those that 6.1 and 6.12 give such pages. */
#include "common/page-kind.h"

#include <string.h>

#include "fixture.h"

#define BIT KPAGE_BIT

static const struct page_kinds honest;
static const struct page_kinds lying = { .ksm_lies = true };

static void check_kind(uint64_t kflags, enum page_kind kind)
{
	assert_string_equal(page_kind_name(page_kind_of(&honest, kflags, kflags, NULL)),
			    page_kind_name(kind));
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < NR_PAGE_KINDS; i++) {
		assert_non_null(page_kind_name(i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(page_kind_name(i), page_kind_name(k));
	}
}

static void test_user_pages(void **state)
{
	const uint64_t anon = BIT(UPTODATE) | BIT(LRU) | BIT(MMAP) | BIT(ANON) | BIT(SWAPBACKED);
	const uint64_t shm = BIT(UPTODATE) | BIT(DIRTY) | BIT(LRU) | BIT(SWAPBACKED);

	(void)state;
	check_kind(anon, PAGE_ANON);
	check_kind(anon | BIT(DIRTY) | BIT(UNEVICTABLE) | BIT(MLOCKED), PAGE_ANON);
	check_kind(anon & ~BIT(SWAPBACKED), PAGE_ANON);	/* MADV_FREE */
	check_kind(anon & ~BIT(LRU), PAGE_ANON);	/* fresh */
	check_kind(anon | BIT(SWAPCACHE), PAGE_SWAPCACHE);
	check_kind(BIT(UPTODATE) | BIT(LRU) | BIT(SWAPBACKED) | BIT(SWAPCACHE), PAGE_SWAPCACHE);
	check_kind(anon | BIT(COMPOUND_HEAD) | BIT(THP), PAGE_THP);
	check_kind(shm, PAGE_SHM);
	check_kind(shm | BIT(MMAP), PAGE_SHM);
	check_kind(BIT(REFERENCED) | BIT(UPTODATE) | BIT(LRU), PAGE_FILE);
	check_kind(BIT(UPTODATE) | BIT(LRU) | BIT(MMAP) | BIT(COMPOUND_HEAD) | BIT(THP), PAGE_FILE);
	check_kind(BIT(UPTODATE) | BIT(MMAP), PAGE_FILE);	/* fresh */
	check_kind(BIT(MMAP), PAGE_DRIVER);
	check_kind(BIT(MMAP) | BIT(COMPOUND_HEAD), PAGE_DRIVER);
	check_kind(0, PAGE_OTHER);
	check_kind(BIT(UPTODATE), PAGE_OTHER);
	check_kind(BIT(HWPOISON), PAGE_OTHER);
}

static void test_others(void **state)
{
	(void)state;
	check_kind(BIT(BUDDY), PAGE_FREE);
	check_kind(BIT(SLAB) | BIT(COMPOUND_HEAD), PAGE_SLAB);
	check_kind(BIT(PGTABLE) | BIT(MMAP), PAGE_PGTABLE);
	check_kind(BIT(RESERVED), PAGE_RESERVED);
	check_kind(BIT(OFFLINE), PAGE_OFFLINE);
	check_kind(BIT(NOPAGE), PAGE_OFFLINE);
	check_kind(BIT(ZERO_PAGE) | BIT(RESERVED) | BIT(MMAP), PAGE_ZERO);
	check_kind(BIT(ZERO_PAGE) | BIT(THP) | BIT(COMPOUND_HEAD), PAGE_ZERO);
	check_kind(BIT(HUGE) | BIT(COMPOUND_HEAD), PAGE_HUGETLB);
	check_kind(BIT(HUGE) | BIT(COMPOUND_HEAD) | BIT(MMAP) | BIT(ANON), PAGE_HUGETLB);
	check_kind(BIT(HUGE) | BIT(COMPOUND_TAIL) | BIT(MMAP) | BIT(ANON), PAGE_HUGETLB);
}

/* On 6.1 a tail does not show what the whole is. */
static void test_tails(void **state)
{
	const uint64_t tail = BIT(MMAP) | BIT(COMPOUND_TAIL) | BIT(THP);
	const uint64_t head = BIT(UPTODATE) | BIT(LRU) | BIT(MMAP) | BIT(COMPOUND_HEAD) | BIT(THP);

	(void)state;
	assert_int_equal(page_kind_of(&honest, tail | BIT(ANON), head | BIT(ANON) | BIT(SWAPBACKED), NULL),
			 PAGE_THP);
	assert_int_equal(page_kind_of(&honest, tail, head | BIT(SWAPBACKED), NULL), PAGE_SHM);
	assert_int_equal(page_kind_of(&honest, tail, head, NULL), PAGE_FILE);
	/* A driver's own compound page. */
	assert_int_equal(page_kind_of(&honest, BIT(MMAP) | BIT(COMPOUND_TAIL), BIT(COMPOUND_HEAD), NULL),
			 PAGE_DRIVER);
}

static void test_ksm(void **state)
{
	const uint64_t ksm = BIT(UPTODATE) | BIT(LRU) | BIT(MMAP) | BIT(ANON) | BIT(SWAPBACKED) | BIT(KSM);

	(void)state;
	assert_int_equal(page_kind_of(&honest, ksm, ksm, NULL), PAGE_KSM);
	assert_int_equal(page_kind_of(&lying, ksm, ksm, NULL), PAGE_ANON);
	assert_int_equal(page_kind_of(&lying, ksm | BIT(THP), ksm | BIT(THP), NULL), PAGE_THP);
}

static void test_kernel_mappings(void **state)
{
	static const char *const names[] = { "[vdso]", "[vvar]", "[vvar_vclock]", "[vectors]" };
	const uint64_t anon = BIT(LRU) | BIT(MMAP) | BIT(ANON);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(page_kind_of(&honest, BIT(RESERVED), BIT(RESERVED), names[i]), PAGE_VDSO);
		assert_int_equal(page_kind_of(&honest, BIT(MMAP), BIT(MMAP), names[i]), PAGE_VDSO);
	}
	assert_int_equal(page_kind_of(&honest, anon, anon, "[heap]"), PAGE_ANON);
	assert_int_equal(page_kind_of(&honest, anon, anon, "/tmp/[vdso]"), PAGE_ANON);
}

/* ------------------------------------------------------- whether ksm can be believed */

static bool ksm_lies(struct fixture *fx, const uint64_t *kflags, size_t n)
{
	struct kpage_file *flags = NULL;
	struct page_kinds kinds;

	fixture_text(fx, "/proc/kpageflags", "");
	fixture_put(fx, "/proc/kpageflags", 0, kflags, n);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &flags), 0);
	page_kinds_init(&kinds, fx->ctx, flags);
	kpage_file_free(flags);
	return kinds.ksm_lies;
}

static void test_copy(void **state)
{
	const uint64_t all[] = { 0, BIT(LRU), BIT(ANON) | BIT(KSM), BIT(ANON) | BIT(KSM) };
	const uint64_t some[] = { 0, BIT(LRU), BIT(ANON) | BIT(KSM), BIT(ANON) };
	const uint64_t none[] = { 0, BIT(LRU), BIT(ANON), BIT(ANON) };

	assert_true(ksm_lies(*state, all, ARRAY_SIZE(all)));
	assert_false(ksm_lies(*state, some, ARRAY_SIZE(some)));
	assert_false(ksm_lies(*state, none, ARRAY_SIZE(none)));
	assert_false(ksm_lies(*state, all, 2));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_user_pages),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_ksm),
		cmocka_unit_test(test_kernel_mappings),
		TREE_TEST(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
