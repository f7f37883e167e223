// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk over a process's page tables, on trees of copied files. */
#include "fixture.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#define PID 17

/* Pages that the machine of the fixture has. */
#define PAGES UINT64_C(40000)

/* The poisoned ones. */
#define POISONED UINT64_C(0x100)
#define POISONED_TOO UINT64_C(0x8001)

static uint64_t kflags_of(uint64_t pfn)
{
	if (pfn == POISONED || pfn == POISONED_TOO)
		return KPAGE_BIT(HWPOISON) | KPAGE_BIT(UPTODATE);
	return (pfn & 0xffff) << 32 | KPAGE_BIT(LRU) | (pfn % 2 ? KPAGE_BIT(DIRTY) : 0);
}

static uint64_t mapcount_of(uint64_t pfn)
{
	return pfn * 3;
}

static uint64_t cgroup_of(uint64_t pfn)
{
	return pfn % 7;
}

static void put_column(const struct fixture *fx, const char *path, uint64_t (*of)(uint64_t),
		       uint64_t n)
{
	uint64_t *values = calloc(n, sizeof(*values));

	assert_non_null(values);
	for (uint64_t i = 0; i < n; i++)
		values[i] = of(i);
	fixture_put(fx, path, 0, values, n);
	free(values);
}

/* ------------------------------------------------------------------- a walk */

struct page {
	uint64_t offset, pfn, kflags, flags, mapcount, cgroup, pme;
	bool is_swap;
};

struct walked {
	struct kpage_walk walk;
	struct kpage_file *flags, *mapcount, *cgroup;
	struct page *pages;
	size_t n, room, calls, most;
	int result;	/* of emit */
};

static int note(const struct kpage_batch *b, void *arg)
{
	struct walked *w = arg;

	w->calls++;
	w->most = MAX(w->most, b->n);
	for (size_t i = 0; i < b->n && w->n < w->room; i++) {
		w->pages[w->n++] = (struct page){
			.offset = b->offset[i],
			.pfn = b->pfn[i],
			.kflags = b->kflags[i],
			.flags = b->flags[i],
			.mapcount = b->mapcount ? b->mapcount[i] : UINT64_MAX,
			.cgroup = b->cgroup ? b->cgroup[i] : UINT64_MAX,
			.pme = b->pme[i],
			.is_swap = kpage_batch_is_swap(b, i),
		};
	}
	return w->result;
}

static int setup(void **state)
{
	struct fixture *fx;

	if (fixture_setup(state))
		return -1;
	fx = *state;
	put_column(fx, "/proc/kpageflags", kflags_of, PAGES);
	fixture_task(fx, PID);
	return 0;
}

#define WALK_TEST(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)

static void walked_init(struct walked *w, struct fixture *fx)
{
	*w = (struct walked){ .room = PAGES };
	w->pages = calloc(w->room, sizeof(*w->pages));
	assert_non_null(w->pages);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &w->flags), 0);
	w->walk = (struct kpage_walk){ .flags = w->flags, .emit = note, .arg = w };
}

static void walked_release(struct walked *w)
{
	kpage_file_free(w->flags);
	kpage_file_free(w->mapcount);
	kpage_file_free(w->cgroup);
	free(w->pages);
}

/* The result of a walk that shows nothing. */
static int walk_result(struct fixture *fx, const struct kpage_range *ranges, size_t n)
{
	struct walked w;
	int result;

	walked_init(&w, fx);
	result = kpage_walk_task(fx->ctx, &w.walk, PID, ranges, n);
	if (result)
		assert_int_equal(w.n, 0);
	walked_release(&w);
	return result;
}

/* Walks n ranges, and compares the page offsets that came out. */
static void check_offsets(struct fixture *fx, const struct kpage_range *ranges, size_t n,
			  const uint64_t *offsets, size_t nr_offsets)
{
	struct walked w;

	walked_init(&w, fx);
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, ranges, n), 0);
	for (size_t i = 0; i < MIN(w.n, nr_offsets); i++)
		assert_int_equal(w.pages[i].offset, offsets[i]);
	assert_int_equal(w.n, nr_offsets);
	walked_release(&w);
}

static void put_vma(struct fixture *fx, uint64_t page, uint64_t first_pfn, size_t n)
{
	uint64_t *entries = calloc(n, sizeof(*entries));

	assert_non_null(entries);
	for (size_t i = 0; i < n; i++)
		entries[i] = entry_present(first_pfn + i);
	fixture_vma(fx, PID, page, entries, n);
	free(entries);
}

/* --------------------------------------------------------------------- entries */

static void test_present(void **state)
{
	const uint64_t entries[] = {
		entry_present(1000), 0, entry_present(17) | KPAGE_PM_SOFT_DIRTY,
		entry_present(999) | KPAGE_PM_FILE, KPAGE_PM_SOFT_DIRTY,
		entry_present(1001) | KPAGE_PM_MMAP_EXCLUSIVE,
	};
	static const uint64_t offsets[] = { 1024, 1026, 1027, 1029 };
	static const uint64_t pfns[] = { 1000, 17, 999, 1001 };
	struct fixture *fx = *state;
	struct walked w;

	fixture_vma(fx, PID, 1024, entries, ARRAY_SIZE(entries));
	walked_init(&w, fx);
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 0);
	assert_int_equal(w.n, ARRAY_SIZE(offsets));
	assert_int_equal(w.calls, 1);
	for (size_t i = 0; i < w.n; i++) {
		assert_int_equal(w.pages[i].offset, offsets[i]);
		assert_int_equal(w.pages[i].pfn, pfns[i]);
		assert_int_equal(w.pages[i].kflags, kflags_of(pfns[i]));
		assert_int_equal(w.pages[i].flags, kpage_flags_well_known(kflags_of(pfns[i])));
		assert_int_equal(w.pages[i].pme, entries[offsets[i] - 1024]);
		assert_false(w.pages[i].is_swap);
	}
	walked_release(&w);
}

static void test_raw(void **state)
{
	const uint64_t entries[] = {
		entry_present(10) | KPAGE_PM_SOFT_DIRTY, entry_present(10),
		entry_present(10) | KPAGE_PM_FILE | KPAGE_PM_MMAP_EXCLUSIVE, entry_swap(0, 5),
	};
	static const uint64_t added[] = {
		KPAGE_BIT(SOFTDIRTY), 0, KPAGE_BIT(FILE) | KPAGE_BIT(MMAP_EXCLUSIVE),
	};
	struct fixture *fx = *state;
	struct walked w;

	fixture_vma(fx, PID, 1024, entries, ARRAY_SIZE(entries));
	walked_init(&w, fx);
	w.walk.raw = true;
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 0);
	assert_int_equal(w.n, ARRAY_SIZE(entries));
	for (size_t i = 0; i < ARRAY_SIZE(added); i++)
		assert_int_equal(w.pages[i].flags, kflags_of(10) | added[i]);
	assert_int_equal(w.pages[3].flags, KPAGE_BIT(SWAP));
	walked_release(&w);
}

/* Swap entries, poisoned pages, and what looks like one of them. */
static void test_not_present(void **state)
{
	const struct {
		uint64_t entry, pfn;
		bool is_page;
	} cases[] = {
		{ entry_swap(0, 0x1234), 0x1234, false },
		{ entry_swap(0, 0), 0, false },
		{ entry_swap(22, 0x1234) | KPAGE_PM_SOFT_DIRTY, 0x1234, false },
		/* a swap slot whose number is that of a poisoned page */
		{ entry_swap(0, POISONED), POISONED, false },
		/* hwpoison, whatever its type is in this kernel */
		{ entry_swap(30, POISONED), POISONED, true },
		{ entry_swap(23, POISONED), POISONED, true },
		{ entry_swap(26, POISONED_TOO) | KPAGE_PM_SOFT_DIRTY, POISONED_TOO, true },
		/* a migration: its page is not poisoned */
		{ entry_swap(29, 0x1235), 0x1235, false },
		/* a marker */
		{ entry_swap(31, 2), 2, false },
		{ entry_swap(31, POISONED), POISONED, false },
		/* past the end of memory */
		{ entry_swap(30, PAGES), PAGES, false },
		{ entry_swap(30, UINT64_C(1) << 49), UINT64_C(1) << 49, false },
	};
	uint64_t entries[ARRAY_SIZE(cases)];
	struct fixture *fx = *state;
	struct walked w;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		entries[i] = cases[i].entry;
	fixture_vma(fx, PID, 1024, entries, ARRAY_SIZE(entries));
	walked_init(&w, fx);
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 0);
	assert_int_equal(w.n, ARRAY_SIZE(cases));
	for (size_t i = 0; i < w.n; i++) {
		assert_int_equal(w.pages[i].offset, 1024 + i);
		assert_int_equal(w.pages[i].pfn, cases[i].pfn);
		assert_int_equal(w.pages[i].kflags, cases[i].is_page ? kflags_of(cases[i].pfn) : 0);
		assert_int_equal(w.pages[i].is_swap, !cases[i].is_page);
	}
	walked_release(&w);
}

static void test_hidden_pfns(void **state)
{
	const uint64_t entries[] = { 0, KPAGE_PM_PRESENT | KPAGE_PM_SOFT_DIRTY };
	struct fixture *fx = *state;

	fixture_vma(fx, PID, 1024, entries, ARRAY_SIZE(entries));
	assert_int_equal(walk_result(fx, NULL, 0), -EPERM);
	/* Where no page is there, none is hidden. */
	assert_int_equal(walk_result(fx, (const struct kpage_range[]){ { 1024, 1025 } }, 1), 0);
}

static void test_short_dump(void **state)
{
	struct fixture *fx = *state;

	put_vma(fx, 1024, PAGES - 3, 3);
	assert_int_equal(walk_result(fx, NULL, 0), 0);
	put_vma(fx, 2048, PAGES - 3, 4);
	assert_int_equal(walk_result(fx, NULL, 0), -ENODATA);
}

/* ------------------------------------------------------- processes that are none */

static void test_no_process(void **state)
{
	struct fixture *fx = *state;
	struct walked w;

	walked_init(&w, fx);
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID + 1, NULL, 0), -ESRCH);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), "/proc/18/pagemap");
	walked_release(&w);
}

static void test_vanished(void **state)
{
	struct fixture *fx = *state;

	put_vma(fx, 1024, 10, 3);
	assert_int_equal(walk_result(fx, NULL, 0), 0);
	/* Its memory went while we read: all files are empty, or not there. */
	fixture_text(fx, "/proc/17/pagemap", "");
	fixture_text(fx, "/proc/17/maps", "");
	fixture_text(fx, "/proc/17/status", "Name:\tx\nState:\tZ (zombie)\nTgid:\t17\nPid:\t17\n");
	assert_int_equal(walk_result(fx, NULL, 0), -ESRCH);
	fixture_remove(fx, "/proc/17/status");
	assert_int_equal(walk_result(fx, NULL, 0), -ESRCH);
	fixture_remove(fx, "/proc/17/maps");
	assert_int_equal(walk_result(fx, NULL, 0), -ESRCH);
}

static void test_bad_maps(void **state)
{
	struct fixture *fx = *state;

	fixture_append(fx, "/proc/17/maps", "nonsense\n");
	assert_int_equal(walk_result(fx, NULL, 0), -EUCLEAN);
}

static void test_no_memory_populated(void **state)
{
	const uint64_t entries[3] = { 0 };
	struct fixture *fx = *state;

	check_offsets(fx, NULL, 0, NULL, 0);
	fixture_vma(fx, PID, 1024, entries, ARRAY_SIZE(entries));
	check_offsets(fx, NULL, 0, NULL, 0);
}

/* ---------------------------------------------------------------------- ranges */

static void test_ranges(void **state)
{
	static const struct {
		struct kpage_range ranges[3];
		size_t n;
		uint64_t offsets[8];
		size_t nr_offsets;
	} cases[] = {
		{ { { 0 } }, 0, { 1024, 1025, 1026, 1030, 1031, 2048, 2049 }, 7 },
		{ { { 0, UINT64_MAX } }, 1, { 1024, 1025, 1026, 1030, 1031, 2048, 2049 }, 7 },
		{ { { 1025, 1031 } }, 1, { 1025, 1026, 1030 }, 3 },
		{ { { 1026, 2049 } }, 1, { 1026, 1030, 1031, 2048 }, 4 },
		{ { { 1027, 1030 } }, 1, { 0 }, 0 },
		{ { { 5000, 6000 } }, 1, { 0 }, 0 },
		{ { { 1025, 1025 } }, 1, { 0 }, 0 },
		{ { { 2049, 2050 } }, 1, { 2049 }, 1 },
		/* in the order in which they were named, and again */
		{ { { 2048, 2049 }, { 1024, 1026 } }, 2, { 2048, 1024, 1025 }, 3 },
		{ { { 1025, 1026 }, { 1025, 1026 } }, 2, { 1025, 1025 }, 2 },
	};
	struct fixture *fx = *state;

	put_vma(fx, 1024, 100, 3);
	put_vma(fx, 1030, 200, 2);
	put_vma(fx, 2048, 300, 2);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_offsets(fx, cases[i].n ? cases[i].ranges : NULL, cases[i].n,
			      cases[i].offsets, cases[i].nr_offsets);
}

/* Many ranges that ascend, against mappings that begin and end anywhere. */
static void test_ranges_ascending(void **state)
{
	static const struct {
		struct kpage_range ranges[6];
		size_t n;
		uint64_t offsets[8];
		size_t nr_offsets;
	} cases[] = {
		/* several in one mapping, one over several mappings, next to each other */
		{ { { 1024, 1025 }, { 1026, 1027 }, { 1031, 2049 } }, 3, { 1024, 1026, 1031, 2048 }, 4 },
		{ { { 1020, 1025 }, { 1025, 1026 }, { 1026, 1040 } }, 3,
		  { 1024, 1025, 1026, 1030, 1031 }, 5 },
		/* what lies between two of them was not asked for, though it is close */
		{ { { 1024, 1025 }, { 1031, 1032 } }, 2, { 1024, 1031 }, 2 },
		/* nothing in some of them */
		{ { { 0, 5 }, { 1027, 1030 }, { 1031, 1031 }, { 1040, 2000 }, { 2049, 2050 } }, 5,
		  { 2049 }, 1 },
		/* two runs */
		{ { { 1025, 1026 }, { 2048, 2050 }, { 1024, 1025 }, { 1030, 1031 } }, 4,
		  { 1025, 2048, 2049, 1024, 1030 }, 5 },
		{ { { 2049, UINT64_MAX }, { 0, 1025 } }, 2, { 2049, 1024 }, 2 },
	};
	struct fixture *fx = *state;

	put_vma(fx, 1024, 100, 3);
	put_vma(fx, 1030, 200, 2);
	put_vma(fx, 2048, 300, 2);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_offsets(fx, cases[i].ranges, cases[i].n, cases[i].offsets,
			      cases[i].nr_offsets);
}

/* A range a mapping, as a choice of mappings makes them: as many of both as there are. */
static void test_ranges_and_vmas(void **state)
{
	const size_t n = 12000;
	struct fixture *fx = *state;
	struct kpage_range *ranges = calloc(n, sizeof(*ranges));
	uint64_t *offsets = calloc(n, sizeof(*offsets));
	uint64_t size = kpage_page_size();
	char *text = malloc(n * 64), *p = text;

	assert_true(ranges && offsets && text);
	put_vma(fx, 1024, 1, 2 * n);
	for (size_t i = 0; i < n; i++) {
		offsets[i] = 1024 + 2 * i;
		ranges[i] = (struct kpage_range){ offsets[i], offsets[i] + 1 };
		p += sprintf(p, "%" PRIx64 "-%" PRIx64 " rw-p 00000000 00:00 0 \n",
			     offsets[i] * size, (offsets[i] + 2) * size);
	}
	fixture_text(fx, "/proc/17/maps", text);
	check_offsets(fx, ranges, n, offsets, n);
	free(text);
	free(offsets);
	free(ranges);
}

/* Within mappings at the bottom of the address space, too. */
static void test_range_low(void **state)
{
	static const uint64_t offsets[] = { 32, 33 };
	struct fixture *fx = *state;

	put_vma(fx, 16, 100, 32);
	check_offsets(fx, (const struct kpage_range[]){ { 32, 34 } }, 1, offsets,
		      ARRAY_SIZE(offsets));
}

/* Mappings at the very bottom, with holes that are read over and others. */
static void test_holes(void **state)
{
	static const uint64_t starts[] = { 0, 1, 5, 132, 262, 391, 9000, 9001, 40000 };
	struct fixture *fx = *state;

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		put_vma(fx, starts[i], 100 + i, 1);
	check_offsets(fx, NULL, 0, starts, ARRAY_SIZE(starts));
}

/* The vsyscall page lies behind the end of pagemap. */
static void test_vsyscall(void **state)
{
	static const uint64_t offsets[] = { 1024 };
	struct fixture *fx = *state;

	put_vma(fx, 1024, 100, 1);
	fixture_append(fx, "/proc/17/maps",
		       "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n");
	check_offsets(fx, NULL, 0, offsets, 1);
}

/* A range that spans all pages, of which there are more than in a batch, in no order
 * and some of them twice. */
static void test_batches(void **state)
{
	const size_t n = 2 * KPAGE_BATCH + 1234;
	struct fixture *fx = *state;
	uint64_t *entries = calloc(n, sizeof(*entries));
	struct walked w;

	assert_non_null(entries);
	for (size_t i = 0; i < n; i++) {
		if (i % 11 == 3)
			entries[i] = entry_swap(2, i);
		else if (i % 13 != 5)
			entries[i] = entry_present(1 + i * 7919 % (PAGES / 2));
	}
	fixture_vma(fx, PID, 1024, entries, n);
	put_column(fx, "/proc/kpagecount", mapcount_of, PAGES);
	walked_init(&w, fx);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_COUNT, &w.mapcount), 0);
	w.walk.mapcount = w.mapcount;
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 0);
	assert_true(w.most <= KPAGE_BATCH);
	for (size_t i = 0, k = 0; i < n; i++) {
		uint64_t pfn = kpage_pagemap_pfn(entries[i]);

		if (!entries[i])
			continue;
		assert_true(k < w.n);
		assert_int_equal(w.pages[k].offset, 1024 + i);
		assert_int_equal(w.pages[k].pfn, pfn ? pfn : i);
		assert_int_equal(w.pages[k].kflags, pfn ? kflags_of(pfn) : 0);
		assert_int_equal(w.pages[k].mapcount, pfn ? mapcount_of(pfn) : 0);
		assert_int_equal(w.pages[k].pme, entries[i]);
		k++;
	}
	free(entries);
	walked_release(&w);
}

/* More mappings than the old limit of page-types, a page each. */
static void test_many_vmas(void **state)
{
	const size_t n = 12000;
	struct fixture *fx = *state;
	uint64_t *offsets = calloc(n, sizeof(*offsets)), *entries = calloc(2 * n, sizeof(*entries));
	uint64_t size = kpage_page_size();
	char *text = malloc(n * 64), *p = text;

	assert_true(offsets && entries && text);
	for (size_t i = 0; i < n; i++) {
		offsets[i] = 1024 + 2 * i;
		entries[2 * i] = entry_present(i + 1);
		p += sprintf(p, "%" PRIx64 "-%" PRIx64 " rw-p 00000000 00:00 0 \n",
			     offsets[i] * size, (offsets[i] + 1) * size);
	}
	fixture_put(fx, "/proc/17/pagemap", 1024, entries, 2 * n);
	fixture_text(fx, "/proc/17/maps", text);
	check_offsets(fx, NULL, 0, offsets, n);
	free(text);
	free(entries);
	free(offsets);
}

static void test_many_ranges(void **state)
{
	const size_t n = 5000;
	struct fixture *fx = *state;
	struct kpage_range *ranges = calloc(n, sizeof(*ranges));
	uint64_t *offsets = calloc(n, sizeof(*offsets));

	assert_true(ranges && offsets);
	put_vma(fx, 1024, 1, 3 * n);
	for (size_t i = 0; i < n; i++) {
		offsets[i] = 1024 + 3 * (n - i) - 2;
		ranges[i] = (struct kpage_range){ offsets[i], offsets[i] + 1 };
	}
	check_offsets(fx, ranges, n, offsets, n);
	free(offsets);
	free(ranges);
}

/* --------------------------------------------------------- columns and filters */

static void test_columns(void **state)
{
	const uint64_t entries[] = {
		entry_present(20), entry_swap(0, 21), entry_swap(30, POISONED), entry_present(22),
	};
	struct fixture *fx = *state;
	struct walked w;

	fixture_vma(fx, PID, 1024, entries, ARRAY_SIZE(entries));
	put_column(fx, "/proc/kpagecount", mapcount_of, PAGES);
	put_column(fx, "/proc/kpagecgroup", cgroup_of, PAGES);
	walked_init(&w, fx);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_COUNT, &w.mapcount), 0);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_CGROUP, &w.cgroup), 0);
	w.walk.mapcount = w.mapcount;
	w.walk.cgroup = w.cgroup;
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 0);
	assert_int_equal(w.n, ARRAY_SIZE(entries));
	for (size_t i = 0; i < w.n; i++) {
		uint64_t pfn = w.pages[i].pfn;

		assert_int_equal(w.pages[i].mapcount, i == 1 ? 0 : mapcount_of(pfn));
		assert_int_equal(w.pages[i].cgroup, i == 1 ? 0 : cgroup_of(pfn));
	}
	/* Only what is charged to one cgroup. */
	w.n = 0;
	w.walk.cgroup_ino = cgroup_of(22);
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 0);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.pages[0].pfn, 22);
	assert_int_equal(w.pages[0].offset, 1027);
	assert_int_equal(w.pages[0].pme, entries[3]);
	assert_int_equal(w.pages[0].mapcount, mapcount_of(22));
	walked_release(&w);
}

static void test_short_column(void **state)
{
	struct fixture *fx = *state;
	struct walked w;

	put_vma(fx, 1024, 20, 3);
	put_column(fx, "/proc/kpagecgroup", cgroup_of, 22);
	walked_init(&w, fx);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_CGROUP, &w.cgroup), 0);
	w.walk.cgroup = w.cgroup;
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), -ENODATA);
	assert_int_equal(w.n, 0);
	walked_release(&w);
}

static void test_expressions(void **state)
{
	const uint64_t entries[] = {
		entry_present(20), entry_present(21), entry_swap(30, POISONED), entry_present(23),
		entry_swap(0, 21),
	};
	struct kpage_expr exprs[2];
	struct fixture *fx = *state;
	struct walked w;

	fixture_vma(fx, PID, 1024, entries, ARRAY_SIZE(entries));
	walked_init(&w, fx);
	w.walk.exprs = exprs;
	w.walk.nr_exprs = 1;
	assert_int_equal(kpage_expr_parse("hwpoison", &exprs[0], NULL), 0);
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 0);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.pages[0].offset, 1026);
	w.n = 0;
	w.walk.nr_exprs = 2;
	assert_int_equal(kpage_expr_parse("lru", &exprs[0], NULL), 0);
	assert_int_equal(kpage_expr_parse("dirty", &exprs[1], NULL), 0);
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 0);
	assert_int_equal(w.n, 2);
	assert_int_equal(w.pages[0].pfn, 21);
	assert_int_equal(w.pages[1].pfn, 23);
	w.n = 0;
	w.walk.raw = true;
	w.walk.nr_exprs = 1;
	assert_int_equal(kpage_expr_parse("swap", &exprs[0], NULL), 0);
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 0);
	/* A hwpoison entry is one in form only. */
	assert_int_equal(w.n, 1);
	assert_true(w.pages[0].is_swap);
	walked_release(&w);
}

static void test_tally(void **state)
{
	const uint64_t entries[] = {
		entry_present(20), entry_present(22), entry_present(21), entry_swap(0, 5),
		entry_swap(30, POISONED), entry_present(24),
	};
	static const struct kpage_tally_row expected[] = {
		{ 0, 1 },
		{ KPAGE_BIT(LRU), 3 },
		{ KPAGE_BIT(LRU) | KPAGE_BIT(DIRTY), 1 },
		{ KPAGE_BIT(HWPOISON) | KPAGE_BIT(UPTODATE), 1 },
	};
	struct kpage_tally_row *rows = NULL;
	struct kpage_tally *tally = NULL;
	struct fixture *fx = *state;
	struct walked w;
	size_t n = 0;

	fixture_vma(fx, PID, 1024, entries, ARRAY_SIZE(entries));
	walked_init(&w, fx);
	assert_int_equal(kpage_tally_new(&tally), 0);
	w.walk.emit = NULL;
	w.walk.tally = tally;
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 0);
	assert_int_equal(kpage_tally_rows(tally, &rows, &n), 0);
	assert_int_equal(n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(rows[i].flags, kpage_flags_well_known(expected[i].flags));
		assert_int_equal(rows[i].pages, expected[i].pages);
	}
	free(rows);
	kpage_tally_free(tally);
	walked_release(&w);
}

static void test_emit_ends(void **state)
{
	struct fixture *fx = *state;
	struct walked w;

	put_vma(fx, 1024, 1, 3 * KPAGE_BATCH);
	walked_init(&w, fx);
	w.result = 7;
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), 7);
	assert_int_equal(w.calls, 1);
	w.result = -EPIPE;
	assert_int_equal(kpage_walk_task(fx->ctx, &w.walk, PID, NULL, 0), -EPIPE);
	assert_int_equal(w.calls, 2);
	walked_release(&w);
}

/* ------------------------------------------------------------ this process, live */

static void test_live(void **state)
{
	static volatile char here[1] = { 1 };
	uint64_t page = (uintptr_t)here / kpage_page_size();
	const struct kpage_range range = { page, page + 1 };
	struct kpage_ctx *ctx = NULL;
	struct kpage_file *flags = NULL;
	struct walked w;
	int err;

	here[0]++;
	assert_int_equal(kpage_ctx_new(NULL, &ctx), 0);
	err = kpage_file_open(ctx, KPAGE_SOURCE_FLAGS, &flags);
	walked_init(&w, *state);
	w.walk.flags = err ? w.flags : flags;
	err = kpage_walk_task(ctx, &w.walk, getpid(), &range, 1);
	if (!flags) {
		/* Without the right to know PFNs, that is all there is to see. */
		assert_true(err == -EPERM || err == -EACCES);
	} else if (err != -EPERM) {
		assert_int_equal(err, 0);
		assert_int_equal(w.n, 1);
		assert_int_equal(w.pages[0].offset, page);
		assert_true(w.pages[0].kflags & KPAGE_BIT(MMAP));
		assert_true(w.pages[0].pfn != 0);
	}
	walked_release(&w);
	kpage_file_free(flags);
	kpage_ctx_free(ctx);
}

/* Much that is empty: passed over by the kernel's scan where it has one, and nothing lost. */
static void test_live_sparse(void **state)
{
	const size_t size = kpage_page_size(), n = (size_t)1 << 24;
	static const uint64_t touched[] = { 0, 3 * KPAGE_BATCH, 3 * KPAGE_BATCH + 1, 1 << 18,
					    (1 << 18) + 20000, 0x7fffff, (1 << 24) - 1 };
	struct kpage_ctx *ctx = NULL;
	struct kpage_file *flags = NULL;
	struct kpage_range range;
	struct walked w;
	char *p;
	int err;

	assert_int_equal(kpage_ctx_new(NULL, &ctx), 0);
	if (geteuid() != 0 || kpage_file_open(ctx, KPAGE_SOURCE_FLAGS, &flags)) {
		kpage_ctx_free(ctx);
		skip();
	}
	p = mmap(NULL, n * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	madvise(p, n * size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < ARRAY_SIZE(touched); i++)
		p[touched[i] * size] = 1;
	range.start = (uintptr_t)p / size;
	range.end = range.start + n;
	walked_init(&w, *state);
	w.walk.flags = flags;
	err = kpage_walk_task(ctx, &w.walk, getpid(), &range, 1);
	if (err != -EPERM) {
		assert_int_equal(err, 0);
		assert_int_equal(w.n, ARRAY_SIZE(touched));
		for (size_t i = 0; i < w.n; i++)
			assert_int_equal(w.pages[i].offset, range.start + touched[i]);
	}
	munmap(p, n * size);
	walked_release(&w);
	kpage_file_free(flags);
	kpage_ctx_free(ctx);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WALK_TEST(test_present),
		WALK_TEST(test_raw),
		WALK_TEST(test_not_present),
		WALK_TEST(test_hidden_pfns),
		WALK_TEST(test_short_dump),
		WALK_TEST(test_no_process),
		WALK_TEST(test_vanished),
		WALK_TEST(test_bad_maps),
		WALK_TEST(test_no_memory_populated),
		WALK_TEST(test_ranges),
		WALK_TEST(test_ranges_ascending),
		WALK_TEST(test_ranges_and_vmas),
		WALK_TEST(test_range_low),
		WALK_TEST(test_holes),
		WALK_TEST(test_vsyscall),
		WALK_TEST(test_batches),
		WALK_TEST(test_many_vmas),
		WALK_TEST(test_many_ranges),
		WALK_TEST(test_columns),
		WALK_TEST(test_short_column),
		WALK_TEST(test_expressions),
		WALK_TEST(test_tally),
		WALK_TEST(test_emit_ends),
		WALK_TEST(test_live),
		WALK_TEST(test_live_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
