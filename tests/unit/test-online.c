// SPDX-License-Identifier: GPL-2.0-or-later
/* Which memory is online, the end of the flags file, and walks that read no hole. */
#include "fixture.h"

#include <string.h>

#define MEMORY "/sys/devices/system/memory"

/* As on x86-64 below 64 GiB: 128 MiB. */
#define BLOCK (UINT64_C(0x8000000) / kpage_page_size())
#define BLOCKS 8

#define NOTHING_THERE KPAGE_BIT(NOPAGE)

static void put_block(struct fixture *fx, unsigned int number, const char *state)
{
	char path[128];

	snprintf(path, sizeof(path), MEMORY "/memory%u/state", number);
	fixture_text(fx, path, state);
}

static void put_block_size(struct fixture *fx)
{
	fixture_text(fx, MEMORY "/block_size_bytes", "8000000\n");
}

static void expect_online(struct fixture *fx, const struct kpage_range *expected, size_t nr)
{
	struct kpage_range *ranges = NULL;
	size_t n = 99;

	assert_int_equal(kpage_online_ranges(fx->ctx, &ranges, &n), 0);
	assert_int_equal(n, nr);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(ranges[i].start, expected[i].start);
		assert_int_equal(ranges[i].end, expected[i].end);
	}
	free(ranges);
}

/* Made in no order, and two-digit numbers: a folder gives them in any. */
static void test_ranges(void **state)
{
	struct fixture *fx = *state;
	const struct kpage_range expected[] = {
		{ 0, BLOCK }, { 2 * BLOCK, 4 * BLOCK }, { 10 * BLOCK, 11 * BLOCK }, { 12 * BLOCK, 13 * BLOCK },
	};

	put_block_size(fx);
	put_block(fx, 12, "going-offline\n");
	put_block(fx, 3, "online\n");
	put_block(fx, 11, "offline\n");
	put_block(fx, 0, "online\n");
	put_block(fx, 10, "online\n");
	put_block(fx, 2, "online\n");
	put_block(fx, 1, "offline\n");
	fixture_mkdir(fx, MEMORY "/memory7");
	fixture_mkdir(fx, MEMORY "/memory08");
	fixture_mkdir(fx, MEMORY "/power");
	expect_online(fx, expected, ARRAY_SIZE(expected));
}

static void test_ranges_all_offline(void **state)
{
	struct fixture *fx = *state;

	put_block_size(fx);
	put_block(fx, 0, "offline\n");
	expect_online(fx, NULL, 0);
}

static void test_ranges_unknown(void **state)
{
	struct fixture *fx = *state;
	struct kpage_range *ranges = (void *)fx;
	size_t n = 77;

	assert_int_equal(kpage_online_ranges(fx->ctx, &ranges, &n), -ENOENT);
	/* A folder for other purposes, without blocks. */
	put_block_size(fx);
	assert_int_equal(kpage_online_ranges(fx->ctx, &ranges, &n), -ENOENT);
	put_block(fx, 0, "online\n");
	fixture_text(fx, MEMORY "/block_size_bytes", "zz\n");
	assert_int_equal(kpage_online_ranges(fx->ctx, &ranges, &n), -EUCLEAN);
	assert_ptr_equal(ranges, fx);
	assert_int_equal(n, 77);
}

/* ------------------------------------------------------------------------ holes */

static uint64_t kflags_of(uint64_t pfn)
{
	return pfn % 3 ? KPAGE_BIT(LRU) | KPAGE_BIT(UPTODATE) : KPAGE_BIT(BUDDY);
}

/* Blocks 1 and 2 are offline, there is no block 5, nor one 7, at the end;
 * there are BLOCKS blocks in the file, less a page. */
static void make_machine(struct fixture *fx, struct kpage_file **flags, uint64_t hole)
{
	uint64_t pages = BLOCKS * BLOCK - 1, *values = calloc(pages, sizeof(*values));

	assert_non_null(values);
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t block = i / BLOCK;

		values[i] = block == 1 || block == 2 || block == 5 || block == 7 ? hole : kflags_of(i);
	}
	fixture_put(fx, "/proc/kpageflags", 0, values, pages);
	free(values);
	put_block_size(fx);
	put_block(fx, 0, "online\n");
	put_block(fx, 1, "offline\n");
	put_block(fx, 2, "offline\n");
	put_block(fx, 3, "online\n");
	put_block(fx, 4, "online\n");
	put_block(fx, 6, "online\n");
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, flags), 0);
}

static void test_holes(void **state)
{
	struct fixture *fx = *state;
	const struct kpage_range expected[] = {
		{ BLOCK, 3 * BLOCK }, { 5 * BLOCK, 6 * BLOCK }, { 7 * BLOCK, 8 * BLOCK - 1 },
	};
	struct kpage_hole *holes = NULL;
	struct kpage_file *flags;
	size_t n;

	make_machine(fx, &flags, NOTHING_THERE);
	assert_int_equal(kpage_holes_find(fx->ctx, flags, &holes, &n), 0);
	assert_int_equal(n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(holes[i].range.start, expected[i].start);
		assert_int_equal(holes[i].range.end, expected[i].end);
		assert_int_equal(holes[i].kflags, NOTHING_THERE);
	}
	free(holes);
	kpage_file_free(flags);
}

/* What has pages is read, whatever is said of its block; and so is what can't be told
 * from pages without flags, in a copy. */
static void test_holes_doubtful(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hole *holes = NULL;
	struct kpage_file *flags;
	size_t n;

	make_machine(fx, &flags, 0);
	assert_int_equal(kpage_holes_find(fx->ctx, flags, &holes, &n), 0);
	assert_int_equal(n, 0);
	free(holes);
	holes = NULL;
	put_block(fx, 4, "offline\n");
	fixture_put(fx, "/proc/kpageflags", 4 * BLOCK, &(uint64_t){ NOTHING_THERE }, 1);
	fixture_put(fx, "/proc/kpageflags", 5 * BLOCK, (uint64_t[]){ NOTHING_THERE, 0 }, 2);
	assert_int_equal(kpage_holes_find(fx->ctx, flags, &holes, &n), 0);
	assert_int_equal(n, 0);
	free(holes);
	kpage_file_free(flags);
}

static void test_holes_unknown(void **state)
{
	struct fixture *fx = *state;
	struct kpage_hole *holes = NULL;
	struct kpage_file *flags;
	size_t n;

	make_machine(fx, &flags, NOTHING_THERE);
	fixture_remove(fx, MEMORY "/block_size_bytes");
	assert_int_equal(kpage_holes_find(fx->ctx, flags, &holes, &n), -ENOENT);
	assert_null(holes);
	kpage_file_free(flags);
}

static void test_end(void **state)
{
	struct fixture *fx = *state;
	struct kpage_file *flags, *null;
	uint64_t end;

	make_machine(fx, &flags, 0);
	assert_int_equal(kpage_file_end(flags, &end), 0);
	assert_int_equal(end, BLOCKS * BLOCK - 1);
	kpage_file_free(flags);
	/* No regular file, and nothing in it. */
	assert_int_equal(kpage_file_open_dump(fx->ctx, "/dev/null", &null), 0);
	assert_int_equal(kpage_file_end(null, &end), 0);
	assert_int_equal(end, 0);
	kpage_file_free(null);
}

/* ------------------------------------------------------------------------ walks */

struct seen {
	uint64_t pages, sum, next;
	bool in_order;
};

static int note(const struct kpage_batch *b, void *arg)
{
	struct seen *s = arg;

	for (size_t i = 0; i < b->n; i++) {
		s->in_order = s->in_order && b->pfn[i] >= s->next;
		s->next = b->pfn[i] + 1;
		s->pages++;
		s->sum += b->pfn[i] * (b->flags[i] + 1) + (b->cgroup ? b->cgroup[i] : 0) +
			  (b->mapcount ? b->mapcount[i] * 5 : 0);
	}
	return 0;
}

static void expect_same_tally(const struct kpage_tally *a, const struct kpage_tally *b)
{
	struct kpage_tally_row *x = NULL, *y = NULL;
	size_t n = 0, m = 0;

	assert_int_equal(kpage_tally_rows(a, &x, &n), 0);
	assert_int_equal(kpage_tally_rows(b, &y, &m), 0);
	assert_int_equal(n, m);
	assert_memory_equal(x, y, n * sizeof(*x));
	free(x);
	free(y);
}

/* The same walk with and without holes. */
static void compare(struct kpage_walk walk, const struct kpage_hole *holes, size_t n, bool emit)
{
	const struct kpage_range some[] = {
		{ 100, 2 * BLOCK + 5 }, { 5 * BLOCK + 7, UINT64_MAX },
	};
	struct seen seen[2] = { { .in_order = true }, { .in_order = true } };
	struct kpage_tally *tally[2];
	uint64_t end[2];

	for (int with = 0; with < 2; with++) {
		assert_int_equal(kpage_tally_new(&tally[with]), 0);
		walk.tally = tally[with];
		walk.emit = emit ? note : NULL;
		walk.arg = &seen[with];
		walk.holes = with ? holes : NULL;
		walk.nr_holes = with ? n : 0;
		assert_int_equal(kpage_walk_pfns(&walk, some, ARRAY_SIZE(some), &end[with]), 0);
	}
	assert_true(seen[0].in_order && seen[1].in_order);
	assert_int_equal(seen[0].pages, seen[1].pages);
	assert_int_equal(seen[0].sum, seen[1].sum);
	assert_int_equal(end[0], end[1]);
	expect_same_tally(tally[0], tally[1]);
	kpage_tally_free(tally[0]);
	kpage_tally_free(tally[1]);
}

static void test_walk(void **state)
{
	const struct kpage_expr nopage = { .mask = NOTHING_THERE, .bits = NOTHING_THERE };
	const struct kpage_expr buddy = { .mask = KPAGE_BIT(BUDDY), .bits = KPAGE_BIT(BUDDY) };
	struct fixture *fx = *state;
	struct kpage_file *flags, *cgroup, *mapcount;
	struct kpage_hole *holes = NULL;
	size_t n;

	make_machine(fx, &flags, NOTHING_THERE);
	for (uint64_t i = 0; i < 50; i++)
		fixture_put(fx, "/proc/kpagecgroup", i * 977 % BLOCK, &(uint64_t){ 3 }, 1);
	fixture_truncate(fx, "/proc/kpagecgroup", (off_t)((BLOCKS * BLOCK - 1) * sizeof(uint64_t)));
	fixture_put(fx, "/proc/kpagecount", 300, (uint64_t[]){ 1, 2, 3 }, 3);
	fixture_truncate(fx, "/proc/kpagecount", (off_t)((BLOCKS * BLOCK - 1) * sizeof(uint64_t)));
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_CGROUP, &cgroup), 0);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_COUNT, &mapcount), 0);
	assert_int_equal(kpage_holes_find(fx->ctx, flags, &holes, &n), 0);
	assert_int_equal(n, 3);
	for (unsigned int threads = 1; threads <= 3; threads += 2) {
		for (int emit = 0; emit < 2; emit++) {
			struct kpage_walk walk = { .flags = flags, .threads = threads };

			compare(walk, holes, n, emit);
			walk.raw = true;
			walk.mapcount = mapcount;
			compare(walk, holes, n, emit);
			walk.nr_exprs = 1;
			walk.exprs = &nopage;
			compare(walk, holes, n, emit);
			walk.exprs = &buddy;
			compare(walk, holes, n, emit);
			walk.nr_exprs = 0;
			walk.cgroup = cgroup;
			compare(walk, holes, n, emit);
			walk.cgroup_ino = 3;
			compare(walk, holes, n, emit);
		}
	}
	free(holes);
	kpage_file_free(flags);
	kpage_file_free(cgroup);
	kpage_file_free(mapcount);
}

/* Nothing of a hole is read: what is written there meanwhile is not seen. */
static void test_walk_reads_no_hole(void **state)
{
	const struct kpage_range all = { 0, UINT64_MAX };
	struct kpage_tally_row *rows = NULL;
	struct fixture *fx = *state;
	struct kpage_hole *holes = NULL;
	struct kpage_tally *tally;
	struct kpage_file *flags;
	size_t n, nr_rows;

	make_machine(fx, &flags, NOTHING_THERE);
	assert_int_equal(kpage_holes_find(fx->ctx, flags, &holes, &n), 0);
	fixture_put(fx, "/proc/kpageflags", BLOCK + 5, &(uint64_t){ KPAGE_BIT(HWPOISON) }, 1);
	assert_int_equal(kpage_tally_new(&tally), 0);
	assert_int_equal(kpage_walk_pfns(&(struct kpage_walk){ .flags = flags, .tally = tally,
							       .holes = holes, .nr_holes = n },
					 &all, 1, NULL), 0);
	assert_int_equal(kpage_tally_total(tally), BLOCKS * BLOCK - 1);
	assert_int_equal(kpage_tally_rows(tally, &rows, &nr_rows), 0);
	assert_int_equal(nr_rows, 3);
	assert_int_equal(rows[2].flags, NOTHING_THERE);
	assert_int_equal(rows[2].pages, 4 * BLOCK - 1);
	free(rows);
	free(holes);
	kpage_tally_free(tally);
	kpage_file_free(flags);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_ranges),
		TREE_TEST(test_ranges_all_offline),
		TREE_TEST(test_ranges_unknown),
		TREE_TEST(test_holes),
		TREE_TEST(test_holes_doubtful),
		TREE_TEST(test_holes_unknown),
		TREE_TEST(test_end),
		TREE_TEST(test_walk),
		TREE_TEST(test_walk_reads_no_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
