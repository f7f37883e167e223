// SPDX-License-Identifier: GPL-2.0-or-later
/* Folios counted by kind and size, of the machine and of a process. */
#include "page-types/order-tally.h"

#include <string.h>

#include "common/util.h"
#include "fixture.h"

#define OF_HEAD KPAGE_BIT(COMPOUND_HEAD)
#define OF_TAIL KPAGE_BIT(COMPOUND_TAIL)
#define OF_LRU KPAGE_BIT(LRU)
#define OF_ANON (KPAGE_BIT(LRU) | KPAGE_BIT(MMAP) | KPAGE_BIT(ANON) | KPAGE_BIT(SWAPBACKED))
#define OF_SHM (KPAGE_BIT(LRU) | KPAGE_BIT(SWAPBACKED))

struct counts {
	enum order_kind kind;
	unsigned int order;
	uint64_t folios, pages;
};

/* These, and nothing else. */
static void check_counts(const struct order_tally *t, const struct counts *c, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(t->cells[c[i].kind][c[i].order].folios, c[i].folios);
		assert_int_equal(t->cells[c[i].kind][c[i].order].pages, c[i].pages);
		assert_true(t->used[c[i].kind] >> c[i].order & 1);
	}
	for (size_t kind = 0; kind < NR_ORDER_KINDS; kind++)
		used += (size_t)__builtin_popcountll(t->used[kind]);
	assert_int_equal(used, n);
}

/* ----------------------------------------------------------------------- the kind */

static void test_kinds(void **state)
{
	static const struct {
		uint64_t kflags;
		enum order_kind kind;
	} cases[] = {
		{ OF_ANON, ORDER_ANON },
		{ OF_ANON | KPAGE_BIT(THP) | OF_HEAD, ORDER_ANON },
		{ OF_ANON | KPAGE_BIT(KSM), ORDER_ANON },
		{ OF_LRU | KPAGE_BIT(SWAPBACKED) | KPAGE_BIT(SWAPCACHE), ORDER_ANON },
		{ OF_SHM, ORDER_SHM },
		{ OF_SHM | KPAGE_BIT(THP) | OF_HEAD, ORDER_SHM },
		{ OF_LRU, ORDER_FILE },
		{ KPAGE_BIT(MMAP) | KPAGE_BIT(UPTODATE), ORDER_FILE },
		{ KPAGE_BIT(HUGE) | OF_HEAD, ORDER_HUGETLB },
		{ KPAGE_BIT(HUGE) | OF_HEAD | KPAGE_BIT(ANON) | KPAGE_BIT(MMAP), ORDER_HUGETLB },
		{ KPAGE_BIT(SLAB), ORDER_SLAB },
		{ KPAGE_BIT(PGTABLE), ORDER_OTHER },
		{ KPAGE_BIT(ZERO_PAGE) | KPAGE_BIT(THP) | OF_HEAD, ORDER_OTHER },
		{ KPAGE_BIT(MMAP), ORDER_OTHER },
		{ OF_HEAD, ORDER_OTHER },
		{ 0, ORDER_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(order_kind_of(cases[i].kflags, NULL), cases[i].kind);
	assert_int_equal(order_kind_of(OF_LRU | KPAGE_BIT(UPTODATE), "[vdso]"), ORDER_OTHER);
	for (unsigned int k = 0; k < NR_ORDER_KINDS; k++)
		assert_true(strlen(order_kind_name(k)) > 0);
}

/* -------------------------------------------------------------------- the machine */

#define PAGES (2 * KPAGE_BATCH)
#define OLD_TAIL_FLAGS (KPAGE_BIT(ANON) | KPAGE_BIT(MMAP) | KPAGE_BIT(THP))

/* old: tails show little, as before 6.12; otherwise all that their head shows. */
static void put_folio(uint64_t *kflags, uint64_t pfn, uint64_t n, uint64_t of, bool old)
{
	kflags[pfn] = of | OF_HEAD;
	for (uint64_t i = 1; i < n; i++)
		kflags[pfn + i] = (old ? of & OLD_TAIL_FLAGS : of) | OF_TAIL;
}

static void fill(uint64_t *kflags, bool old)
{
	memset(kflags, 0, PAGES * sizeof(*kflags));
	put_folio(kflags, 16, 16, OF_ANON | KPAGE_BIT(THP), old);
	put_folio(kflags, 32, 16, OF_ANON | KPAGE_BIT(THP), old);
	put_folio(kflags, 512, 512, KPAGE_BIT(HUGE), old);
	put_folio(kflags, 1024, 8, KPAGE_BIT(SLAB), old);
	put_folio(kflags, 1032, 4, 0, old);
	put_folio(kflags, 2048, 4, OF_SHM, old);
	/* Over the border of two batches. */
	put_folio(kflags, KPAGE_BATCH - 512, 1024, OF_LRU, old);
	for (uint64_t i = 100; i < 110; i++)
		kflags[i] = i % 2 ? OF_ANON : OF_LRU;
	/* None of these is a folio in use. */
	kflags[3000] = KPAGE_BIT(BUDDY);
	kflags[3001] = KPAGE_BIT(NOPAGE);
	kflags[3002] = KPAGE_BIT(RESERVED);
	kflags[3003] = KPAGE_BIT(PGTABLE);
	kflags[3004] = KPAGE_BIT(SLAB);
}

static const struct counts all_counts[] = {
	{ ORDER_ANON, 4, 2, 32 },     { ORDER_HUGETLB, 9, 1, 512 }, { ORDER_SLAB, 3, 1, 8 },
	{ ORDER_SLAB, 0, 1, 1 },      { ORDER_OTHER, 2, 1, 4 },	    { ORDER_SHM, 2, 1, 4 },
	{ ORDER_FILE, 10, 1, 1024 },  { ORDER_ANON, 0, 5, 5 },	    { ORDER_FILE, 0, 5, 5 },
};

struct machine_test {
	struct order_tally *tally;
	struct order_machine m;
	uint64_t kflags[PAGES];
};

static struct machine_test *new_machine(bool old)
{
	struct machine_test *t = xcalloc(1, sizeof(*t));

	t->tally = xcalloc(1, sizeof(*t->tally));
	t->m.tally = t->tally;
	fill(t->kflags, old);
	return t;
}

static void free_machine(struct machine_test *t)
{
	free(t->tally);
	free(t);
}

/* In pieces of any length, old and new; without a file to read from. */
static void test_machine(void **state)
{
	static const size_t pieces[] = { 1, 3, 16, 100, 511, KPAGE_BATCH, PAGES };

	(void)state;
	for (size_t k = 0; k < 2 * ARRAY_SIZE(pieces); k++) {
		struct machine_test *t = new_machine(k % 2);
		size_t piece = pieces[k / 2];

		for (size_t i = 0; i < PAGES; i += piece)
			order_machine_add(&t->m, i, t->kflags + i, NULL, MIN(piece, PAGES - i));
		order_machine_end(&t->m, true);
		check_counts(t->tally, all_counts, ARRAY_SIZE(all_counts));
		order_tally_clear(t->tally);
		check_counts(t->tally, NULL, 0);
		assert_int_equal(t->tally->cells[ORDER_FILE][10].pages, 0);
		free_machine(t);
	}
}

/* The end cuts a folio off; a head without tails; tails without a head. */
static void test_machine_odd(void **state)
{
	static const struct counts counts[] = {
		{ ORDER_FILE, 0, 3, 3 },   { ORDER_SLAB, 0, 1, 1 }, { ORDER_OTHER, 0, 3, 3 },
		{ ORDER_HUGETLB, 9, 1, 300 },
	};
	struct machine_test *t = new_machine(true);

	(void)state;
	memset(t->kflags, 0, sizeof(t->kflags));
	for (size_t i = 0; i < 3; i++)
		t->kflags[i] = OF_TAIL;
	t->kflags[3] = OF_LRU;
	t->kflags[4] = OF_HEAD | OF_LRU;
	t->kflags[5] = OF_HEAD | OF_LRU;
	t->kflags[6] = OF_HEAD | KPAGE_BIT(SLAB);
	put_folio(t->kflags, 512, 512, KPAGE_BIT(HUGE), true);
	order_machine_add(&t->m, 0, t->kflags, NULL, 812);
	order_machine_end(&t->m, true);
	check_counts(t->tally, counts, ARRAY_SIZE(counts));
	free_machine(t);
}

/* A folio counts, with its size, if some of its pages do. */
static void test_machine_chosen(void **state)
{
	static const struct counts counts[] = {
		{ ORDER_ANON, 4, 1, 2 }, { ORDER_HUGETLB, 9, 1, 1 }, { ORDER_FILE, 0, 1, 1 },
	};
	struct machine_test *t = new_machine(true);
	bool *chosen = xcalloc(PAGES, sizeof(*chosen));

	(void)state;
	/* Of 100 … 109, which alternate, and of two folios. */
	chosen[20] = chosen[31] = chosen[1023] = chosen[102] = chosen[3000] = true;
	order_machine_add(&t->m, 0, t->kflags, chosen, PAGES);
	order_machine_end(&t->m, true);
	check_counts(t->tally, counts, ARRAY_SIZE(counts));
	free(chosen);
	free_machine(t);
}

/* Ranges that begin and end within folios: what lies outside is read, and not counted. */
static void test_machine_ranges(void **state)
{
	static const struct {
		uint64_t start, end;
	} ranges[] = { { 20, 22 }, { 24, 25 }, { 40, 41 }, { 600, 700 }, { 7700, 9000 } };
	static const struct counts counts[] = {
		{ ORDER_ANON, 4, 2, 4 }, { ORDER_HUGETLB, 9, 1, 100 }, { ORDER_FILE, 10, 1, 1004 },
	};
	struct machine_test *t = new_machine(true);
	struct kpage_file *flags = NULL;
	struct fixture *fx = *state;

	fixture_put(fx, "/proc/kpageflags", 0, t->kflags, PAGES);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &flags), 0);
	t->m.flags = flags;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		order_machine_add(&t->m, ranges[i].start, t->kflags + ranges[i].start, NULL,
				  ranges[i].end - ranges[i].start);
	order_machine_end(&t->m, false);
	check_counts(t->tally, counts, ARRAY_SIZE(counts));
	/* Ends within one. */
	order_tally_clear(t->tally);
	order_machine_add(&t->m, 512, t->kflags + 512, NULL, 1);
	order_machine_end(&t->m, false);
	check_counts(t->tally, (struct counts[]){ { ORDER_HUGETLB, 9, 1, 1 } }, 1);
	kpage_file_free(flags);
	free_machine(t);
}

/* ---------------------------------------------------------------------- a process */

struct process_test {
	struct order_tally *tally, *vma;
	struct order_process p;
};

static struct process_test *new_process(void)
{
	struct process_test *t = xcalloc(1, sizeof(*t));

	t->p.tally = t->tally = xcalloc(1, sizeof(*t->tally));
	t->p.vma = t->vma = xcalloc(1, sizeof(*t->vma));
	return t;
}

static void free_process(struct process_test *t)
{
	order_process_release(&t->p);
	free(t->tally);
	free(t->vma);
	free(t);
}

static void map(struct process_test *t, uint64_t offset, uint64_t pfn, uint64_t n,
		uint64_t head, uint64_t pages)
{
	const struct compound_extent e = { .head = head, .pages = pages };

	for (uint64_t i = 0; i < n; i++)
		order_process_add(&t->p, offset + i, pfn + i, &e, ORDER_ANON);
}

/* What has come together for an order; and cont, from order 0 on. */
static void check_cell(struct process_test *t, unsigned int order, const uint64_t *expected,
		       const uint64_t *cont)
{
	const struct order_cell *c = &t->tally->cells[ORDER_ANON][order];

	order_process_break(&t->p);
	assert_int_equal(c->folios, expected[0]);
	assert_int_equal(c->pages, expected[1]);
	assert_int_equal(c->aligned, expected[2]);
	assert_int_equal(c->whole, expected[3]);
	assert_int_equal(c->partial, expected[4]);
	for (unsigned int i = 0; i <= order; i++)
		assert_int_equal(c->cont[i], cont[i]);
	/* A mapping has the same, but for the folios. */
	assert_int_equal(t->vma->cells[ORDER_ANON][order].pages, expected[1]);
	assert_int_equal(t->vma->cells[ORDER_ANON][order].whole, expected[3]);
	assert_int_equal(t->vma->cells[ORDER_ANON][order].folios, 0);
}

#define CHECK(t, order, folios, pages, aligned, whole, partial, ...)                 \
	check_cell(t, order, (uint64_t[]){ folios, pages, aligned, whole, partial }, \
		   (uint64_t[]){ __VA_ARGS__ })

static void test_process(void **state)
{
	struct process_test *t = new_process();

	(void)state;
	/* Single pages; one of them twice. */
	map(t, 100, 7, 1, 7, 1);
	map(t, 101, 8, 1, 8, 1);
	map(t, 103, 7, 1, 7, 1);
	CHECK(t, 0, 2, 3, 3, 3, 0, 3);
	/* Two whole folios, side by side. */
	map(t, 0x100, 0x40, 8, 0x40, 8);
	map(t, 0x108, 0x48, 8, 0x48, 8);
	CHECK(t, 3, 2, 16, 16, 16, 0, 16, 16, 16, 16);
	/* Complete and not aligned: but for the smallest blocks. */
	map(t, 0x202, 0x80, 16, 0x80, 16);
	CHECK(t, 4, 1, 16, 0, 0, 0, 16, 16, 0, 0, 0);
	free_process(t);
}

static void test_process_partial(void **state)
{
	struct process_test *t = new_process();

	(void)state;
	/* The rear of a folio, from its fourth page on, where it belongs. */
	map(t, 0x103, 0x43, 13, 0x40, 16);
	CHECK(t, 4, 1, 13, 13, 0, 13, 13, 12, 12, 8, 0);
	/* The rest of it elsewhere: one folio still. */
	map(t, 0x201, 0x40, 3, 0x40, 16);
	CHECK(t, 4, 1, 16, 13, 0, 16, 16, 12, 12, 8, 0);
	free_process(t);
}

/* A folio that two mappings have is in one piece in neither. */
static void test_process_break(void **state)
{
	struct process_test *t = new_process();

	(void)state;
	map(t, 0x100, 0x40, 4, 0x40, 8);
	order_process_break(&t->p);
	map(t, 0x104, 0x44, 4, 0x40, 8);
	CHECK(t, 3, 1, 8, 8, 0, 8, 8, 8, 8, 0);
	/* Nor is one with a hole, or in disorder. */
	order_tally_clear(t->tally);
	order_tally_clear(t->vma);
	map(t, 0x200, 0x80, 3, 0x80, 8);
	map(t, 0x204, 0x84, 4, 0x80, 8);
	map(t, 0x303, 0x91, 1, 0x90, 8);
	map(t, 0x304, 0x90, 1, 0x90, 8);
	CHECK(t, 3, 2, 9, 7, 0, 9, 9, 6, 4, 0);
	free_process(t);
}

/* Of a folio whose end is not to be seen the size is the next power of two. */
static void test_process_cut_off(void **state)
{
	struct process_test *t = new_process();

	(void)state;
	map(t, 0x100, 0x40, 3, 0x40, 3);
	CHECK(t, 2, 1, 3, 3, 3, 0, 3, 2, 0);
	order_process_release(&t->p);
	order_tally_clear(t->tally);
	order_tally_clear(t->vma);
	/* The next process has folios of its own. */
	map(t, 0x100, 0x40, 4, 0x40, 4);
	CHECK(t, 2, 1, 4, 4, 4, 0, 4, 4, 4);
	free_process(t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_machine_odd),
		cmocka_unit_test(test_machine_chosen),
		TREE_TEST(test_machine_ranges),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_process_partial),
		cmocka_unit_test(test_process_break),
		cmocka_unit_test(test_process_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
