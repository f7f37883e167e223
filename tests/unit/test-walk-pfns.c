// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk over physical pages: any number of threads, the same result. */
#include "fixture.h"

#include <string.h>
#include <unistd.h>

/* Several chunks, and a part of one. */
#define PAGES (UINT64_C(9) * KPAGE_BATCH + 123)

/* Runs of equal flags, some that only the raw view shows, and one page by itself. */
static uint64_t kflags_of(uint64_t pfn)
{
	if (pfn == 12345)
		return KPAGE_BIT(HWPOISON);
	switch (pfn / 100 % 4) {
	case 0:
		return KPAGE_BIT(LRU) | KPAGE_BIT(UPTODATE);
	case 1:
		return KPAGE_BIT(BUDDY);
	case 2:
		return KPAGE_BIT(LRU) | KPAGE_BIT(ANON) | KPAGE_BIT(OWNER_2) |
		       (pfn % 3 ? 0 : KPAGE_BIT(DIRTY));
	default:
		return 0;
	}
}

static uint64_t mapcount_of(uint64_t pfn)
{
	return pfn % 5;
}

static uint64_t cgroup_of(uint64_t pfn)
{
	return pfn / 1000 % 3;
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

/* ------------------------------------------------------------- what came out */

/* Emit functions run in the walk's threads: they only take notes. */
struct seen {
	uint64_t *pfn, *kflags, *flags, *mapcount, *cgroup;
	size_t n, room, calls, most;
	int busy;
	bool overlapped, has_offset, stop_called_again;
	size_t stop_after;	/* batches; 0: never */
	int stop_with;
};

static void seen_init(struct seen *s, size_t room)
{
	*s = (struct seen){ .room = room };
	s->pfn = calloc(room, sizeof(*s->pfn));
	s->kflags = calloc(room, sizeof(*s->kflags));
	s->flags = calloc(room, sizeof(*s->flags));
	s->mapcount = calloc(room, sizeof(*s->mapcount));
	s->cgroup = calloc(room, sizeof(*s->cgroup));
	assert_true(s->pfn && s->kflags && s->flags && s->mapcount && s->cgroup);
}

static void seen_release(struct seen *s)
{
	free(s->pfn);
	free(s->kflags);
	free(s->flags);
	free(s->mapcount);
	free(s->cgroup);
}

static int note(const struct kpage_batch *b, void *arg)
{
	struct seen *s = arg;

	if (__atomic_fetch_add(&s->busy, 1, __ATOMIC_SEQ_CST))
		s->overlapped = true;
	if (s->stop_after && s->calls >= s->stop_after)
		s->stop_called_again = true;
	s->calls++;
	s->most = MAX(s->most, b->n);
	s->has_offset |= b->offset || b->pme;
	for (size_t i = 0; i < b->n && s->n < s->room; i++, s->n++) {
		s->pfn[s->n] = b->pfn[i];
		s->kflags[s->n] = b->kflags[i];
		s->flags[s->n] = b->flags[i];
		s->mapcount[s->n] = b->mapcount ? b->mapcount[i] : UINT64_MAX;
		s->cgroup[s->n] = b->cgroup ? b->cgroup[i] : UINT64_MAX;
	}
	__atomic_fetch_sub(&s->busy, 1, __ATOMIC_SEQ_CST);
	return s->stop_after && s->calls >= s->stop_after ? s->stop_with : 0;
}

/* ----------------------------------------------------------------- fixtures */

struct files {
	struct kpage_file *flags, *mapcount, *cgroup;
};

static void files_open(struct fixture *fx, struct files *files)
{
	*files = (struct files){ 0 };
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &files->flags), 0);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_COUNT, &files->mapcount), 0);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_CGROUP, &files->cgroup), 0);
}

static void files_make(struct fixture *fx, struct files *files)
{
	put_column(fx, "/proc/kpageflags", kflags_of, PAGES);
	put_column(fx, "/proc/kpagecount", mapcount_of, PAGES);
	put_column(fx, "/proc/kpagecgroup", cgroup_of, PAGES);
	files_open(fx, files);
}

static void files_release(struct files *files)
{
	kpage_file_free(files->flags);
	kpage_file_free(files->mapcount);
	kpage_file_free(files->cgroup);
}

/* Compares with the plain way: page by page, range by range. */
static void check_seen(const struct seen *s, const struct kpage_walk *walk,
		       const struct kpage_range *ranges, size_t n)
{
	size_t k = 0;

	assert_false(s->overlapped);
	assert_false(s->has_offset);
	assert_true(s->most <= KPAGE_BATCH);
	for (size_t i = 0; i < n; i++) {
		for (uint64_t pfn = ranges[i].start; pfn < MIN(ranges[i].end, PAGES); pfn++) {
			uint64_t flags = walk->raw ? kpage_flags_expand(kflags_of(pfn), 0) :
						     kpage_flags_well_known(kflags_of(pfn));
			bool match = !walk->cgroup_ino || cgroup_of(pfn) == walk->cgroup_ino;

			for (size_t e = 0; e < walk->nr_exprs; e++)
				match = match && kpage_expr_matches(&walk->exprs[e], flags);
			if (!match)
				continue;
			assert_true(k < s->n);
			assert_int_equal(s->pfn[k], pfn);
			assert_int_equal(s->kflags[k], kflags_of(pfn));
			assert_int_equal(s->flags[k], flags);
			assert_int_equal(s->mapcount[k],
					 walk->mapcount ? mapcount_of(pfn) : UINT64_MAX);
			assert_int_equal(s->cgroup[k], walk->cgroup ? cgroup_of(pfn) : UINT64_MAX);
			k++;
		}
	}
	assert_int_equal(s->n, k);
}

/* The same tally as from what was seen. */
static void check_tally(const struct kpage_tally *tally, const struct seen *s)
{
	struct kpage_tally_row *rows = NULL, *expected = NULL;
	struct kpage_tally *again = NULL;
	size_t n = 0, nr_expected = 0;

	assert_int_equal(kpage_tally_new(&again), 0);
	for (size_t i = 0; i < s->n; i++)
		assert_int_equal(kpage_tally_add(again, s->flags[i], 1), 0);
	assert_int_equal(kpage_tally_rows(again, &expected, &nr_expected), 0);
	assert_int_equal(kpage_tally_rows(tally, &rows, &n), 0);
	assert_int_equal(n, nr_expected);
	if (n)
		assert_memory_equal(rows, expected, n * sizeof(*rows));
	free(rows);
	free(expected);
	kpage_tally_free(again);
}

static void check_walk(struct kpage_walk walk, const struct kpage_range *ranges, size_t n,
		       uint64_t expected_end)
{
	struct kpage_tally *tally = NULL;
	uint64_t end = 42;
	struct seen seen;

	seen_init(&seen, PAGES * 3);
	assert_int_equal(kpage_tally_new(&tally), 0);
	walk.emit = note;
	walk.arg = &seen;
	walk.tally = tally;
	assert_int_equal(kpage_walk_pfns(&walk, ranges, n, &end), 0);
	assert_int_equal(end, expected_end);
	check_seen(&seen, &walk, ranges, n);
	check_tally(tally, &seen);
	kpage_tally_free(tally);

	/* Only counted. */
	tally = NULL;
	assert_int_equal(kpage_tally_new(&tally), 0);
	walk.emit = NULL;
	walk.tally = tally;
	assert_int_equal(kpage_walk_pfns(&walk, ranges, n, NULL), 0);
	check_tally(tally, &seen);
	kpage_tally_free(tally);
	seen_release(&seen);
}

/* --------------------------------------------------------------------- tests */

static const struct kpage_range all[] = { { 0, UINT64_MAX } };

static void test_threads(void **state)
{
	struct fixture *fx = *state;
	struct files files;

	files_make(fx, &files);
	for (unsigned int threads = 0; threads <= 8; threads++)
		check_walk((struct kpage_walk){ .flags = files.flags, .threads = threads }, all, 1,
			   PAGES);
	check_walk((struct kpage_walk){ .flags = files.flags, .threads = 1000 }, all, 1, PAGES);
	files_release(&files);
}

static void test_filters(void **state)
{
	const struct kpage_expr dirty = { .mask = KPAGE_BIT(DIRTY), .any = true };
	const struct kpage_expr poison = { .mask = KPAGE_BIT(HWPOISON), .any = true };
	const struct kpage_expr none = { .mask = UINT64_MAX };
	const struct kpage_expr both[] = {
		{ .mask = KPAGE_BIT(LRU), .any = true },
		{ .mask = KPAGE_BIT(DIRTY) },
	};
	const struct kpage_expr exclusive = { .mask = KPAGE_BIT(ANON_EXCLUSIVE), .any = true };
	struct fixture *fx = *state;
	struct files files;

	files_make(fx, &files);
	for (unsigned int threads = 1; threads <= 4; threads += 3) {
		struct kpage_walk walk = { .flags = files.flags, .threads = threads };

		walk.nr_exprs = 1;
		walk.exprs = &dirty;
		check_walk(walk, all, 1, PAGES);
		walk.exprs = &poison;
		check_walk(walk, all, 1, PAGES);
		walk.exprs = &none;
		check_walk(walk, all, 1, PAGES);
		/* Not to be had but in the raw view. */
		walk.exprs = &exclusive;
		check_walk(walk, all, 1, PAGES);
		walk.raw = true;
		check_walk(walk, all, 1, PAGES);
		walk.raw = false;
		walk.exprs = both;
		walk.nr_exprs = 2;
		check_walk(walk, all, 1, PAGES);
	}
	files_release(&files);
}

static void test_columns(void **state)
{
	const struct kpage_expr lru = { .mask = KPAGE_BIT(LRU), .any = true };
	struct fixture *fx = *state;
	struct files files;

	files_make(fx, &files);
	for (unsigned int threads = 1; threads <= 4; threads += 3) {
		struct kpage_walk walk = {
			.flags = files.flags,
			.threads = threads,
			.exprs = &lru,
			.nr_exprs = 1,
		};

		walk.mapcount = files.mapcount;
		check_walk(walk, all, 1, PAGES);
		walk.cgroup = files.cgroup;
		check_walk(walk, all, 1, PAGES);
		walk.cgroup_ino = 2;
		check_walk(walk, all, 1, PAGES);
		walk.mapcount = NULL;
		walk.nr_exprs = 0;
		check_walk(walk, all, 1, PAGES);
	}
	files_release(&files);
}

static void test_ranges(void **state)
{
	static const struct {
		struct kpage_range ranges[4];
		size_t n;
		uint64_t end;
	} cases[] = {
		{ { { 0 } }, 0, UINT64_MAX },
		{ { { 5, 5 } }, 1, UINT64_MAX },
		{ { { 5, 6 } }, 1, UINT64_MAX },
		{ { { 0, PAGES } }, 1, UINT64_MAX },
		{ { { PAGES - 1, PAGES } }, 1, UINT64_MAX },
		/* across the edges of chunks */
		{ { { KPAGE_BATCH - 1, KPAGE_BATCH + 1 } }, 1, UINT64_MAX },
		{ { { 7, 3 * KPAGE_BATCH + 7 } }, 1, UINT64_MAX },
		/* not in their order, and twice */
		{ { { 30000, 50000 }, { 0, 10 }, { 40, 40 }, { 12000, 31000 } }, 4, UINT64_MAX },
		/* over the end, and what follows all the same */
		{ { { 0, PAGES + 1 } }, 1, PAGES },
		{ { { PAGES - 5, UINT64_MAX }, { 10, 20 } }, 2, PAGES },
		{ { { 50000, UINT64_MAX }, { 60000, UINT64_MAX }, { 0, 9 } }, 3, PAGES },
	};
	struct fixture *fx = *state;
	struct files files;

	files_make(fx, &files);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (unsigned int threads = 1; threads <= 5; threads += 2)
			check_walk((struct kpage_walk){ .flags = files.flags, .threads = threads },
				   cases[i].ranges, cases[i].n, cases[i].end);
	files_release(&files);
}

/* A file that ends with a whole chunk: only the next read tells that it does. */
static void test_even_end(void **state)
{
	struct fixture *fx = *state;
	struct kpage_file *flags = NULL;
	uint64_t end = 42;

	put_column(fx, "/proc/kpageflags", kflags_of, 2 * KPAGE_BATCH);
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &flags), 0);
	for (unsigned int threads = 1; threads <= 8; threads++) {
		struct kpage_walk walk = { .flags = flags, .threads = threads };

		assert_int_equal(kpage_walk_pfns(&walk, all, 1, &end), 0);
		assert_int_equal(end, 2 * KPAGE_BATCH);
	}
	kpage_file_free(flags);
}

/* A range that lies behind the end by all its length meets the end, too: it is where
 * the file ends, not where the range begins. */
static void test_range_past_end(void **state)
{
	static const struct kpage_range past[] = { { PAGES + 1000, PAGES + 2000 } };
	struct fixture *fx = *state;
	struct files files;

	files_make(fx, &files);
	check_walk((struct kpage_walk){ .flags = files.flags }, past, 1, PAGES);
	files_release(&files);
}

static void test_emit_ends(void **state)
{
	static const int results[] = { -EINTR, -EPIPE, 7 };
	struct fixture *fx = *state;
	struct files files;

	files_make(fx, &files);
	for (unsigned int threads = 1; threads <= 8; threads++) {
		for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
			struct kpage_walk walk = { .flags = files.flags, .threads = threads };
			struct seen seen;

			seen_init(&seen, PAGES);
			seen.stop_after = 3;
			seen.stop_with = results[i];
			walk.emit = note;
			walk.arg = &seen;
			assert_int_equal(kpage_walk_pfns(&walk, all, 1, NULL), results[i]);
			assert_int_equal(seen.calls, 3);
			assert_false(seen.stop_called_again);
			/* What came out until then is the beginning. */
			assert_int_equal(seen.n, 3 * KPAGE_BATCH);
			for (size_t k = 0; k < seen.n; k++)
				assert_int_equal(seen.pfn[k], k);
			seen_release(&seen);
		}
	}
	files_release(&files);
}

/* An emit function that takes longer than the others' reading, for its first batch. */
struct slow {
	struct seen seen;
	unsigned int walked;	/* chunks, by the walk's progress */
	bool overtaken;		/* by others' reading */
};

static void note_walked(uint64_t pages, void *arg)
{
	struct slow *slow = arg;

	(void)pages;
	__atomic_fetch_add(&slow->walked, 1, __ATOMIC_SEQ_CST);
}

static int note_slowly(const struct kpage_batch *b, void *arg)
{
	struct slow *slow = arg;

	for (int ms = 0; !slow->seen.calls && !slow->overtaken && ms < 60000; ms++) {
		usleep(1000);
		slow->overtaken = __atomic_load_n(&slow->walked, __ATOMIC_SEQ_CST) >= 3;
	}
	return note(b, &slow->seen);
}

/* Nobody waits for his turn while there is something to read: three chunks behind the one
 * that is being emitted are walked meanwhile, and come out in order all the same. */
static void test_ahead(void **state)
{
	struct fixture *fx = *state;
	struct files files;

	files_make(fx, &files);
	for (unsigned int threads = 2; threads <= 8; threads++) {
		struct slow slow = { .walked = 0 };
		struct kpage_walk walk = { .flags = files.flags, .threads = threads };

		seen_init(&slow.seen, PAGES);
		walk.progress = note_walked;
		walk.emit = note_slowly;
		walk.arg = walk.progress_arg = &slow;
		assert_int_equal(kpage_walk_pfns(&walk, all, 1, NULL), 0);
		assert_true(slow.overtaken);
		check_seen(&slow.seen, &walk, all, 1);
		seen_release(&slow.seen);
	}
	files_release(&files);
}

static void check_error(struct kpage_walk walk, int expected)
{
	for (walk.threads = 1; walk.threads <= 4; walk.threads++) {
		struct seen seen;

		seen_init(&seen, PAGES);
		walk.emit = NULL;
		assert_int_equal(kpage_walk_pfns(&walk, all, 1, NULL), expected);
		walk.emit = note;
		walk.arg = &seen;
		assert_int_equal(kpage_walk_pfns(&walk, all, 1, NULL), expected);
		/* All before the error, and nothing behind it. */
		assert_int_equal(seen.n, 5 * KPAGE_BATCH);
		for (size_t k = 0; k < seen.n; k++)
			assert_int_equal(seen.pfn[k], k);
		seen_release(&seen);
	}
}

static void test_short_columns(void **state)
{
	struct fixture *fx = *state;
	struct files files;

	files_make(fx, &files);
	files_release(&files);
	/* Opened short, so their size is no surprise to the files. */
	fixture_truncate(fx, "/proc/kpagecgroup", (5 * KPAGE_BATCH + 10) * 8);
	fixture_truncate(fx, "/proc/kpagecount", (5 * KPAGE_BATCH + 10) * 8);
	files_open(fx, &files);
	check_error((struct kpage_walk){ .flags = files.flags, .cgroup = files.cgroup }, -ERANGE);
	check_error((struct kpage_walk){ .flags = files.flags, .mapcount = files.mapcount },
		    -ERANGE);
	files_release(&files);
}

static void test_shrinking(void **state)
{
	struct fixture *fx = *state;
	struct files files;

	files_make(fx, &files);
	fixture_truncate(fx, "/proc/kpageflags", (5 * KPAGE_BATCH + 10) * 8);
	check_error((struct kpage_walk){ .flags = files.flags }, -ENODATA);
	fixture_truncate(fx, "/proc/kpageflags", (5 * KPAGE_BATCH + 10) * 8 + 3);
	assert_int_equal(kpage_walk_pfns(&(struct kpage_walk){ .flags = files.flags }, all, 1,
					 NULL),
			 -EUCLEAN);
	files_release(&files);
}

static void test_empty_file(void **state)
{
	struct fixture *fx = *state;
	struct kpage_file *flags = NULL;
	struct kpage_walk walk = { 0 };
	uint64_t end = 42;
	struct seen seen;

	fixture_text(fx, "/proc/kpageflags", "");
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &flags), 0);
	seen_init(&seen, 1);
	walk.flags = flags;
	walk.emit = note;
	walk.arg = &seen;
	assert_int_equal(kpage_walk_pfns(&walk, all, 1, &end), 0);
	assert_int_equal(end, 0);
	assert_int_equal(seen.calls, 0);
	seen_release(&seen);
	kpage_file_free(flags);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_threads),
		TREE_TEST(test_filters),
		TREE_TEST(test_columns),
		TREE_TEST(test_ranges),
		TREE_TEST(test_even_end),
		TREE_TEST(test_range_past_end),
		TREE_TEST(test_emit_ends),
		TREE_TEST(test_ahead),
		TREE_TEST(test_short_columns),
		TREE_TEST(test_shrinking),
		TREE_TEST(test_empty_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
