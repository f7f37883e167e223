// SPDX-License-Identifier: GPL-2.0-or-later
/* The format of a dump: what is written is read again, and damage is seen. */
#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "dump.h"

#define PATH "/dump"

/* The value of a column for a page: in runs, as flags are. */
static uint64_t value_of(size_t column, uint64_t pfn)
{
	return (pfn / 7 + 3) * (column + 1) ^ UINT64_C(0xabc000000000) * column;
}

/* Hands n pages to the writer, in pieces of a size that fits no block. */
static void put_run(struct kpage_dump_writer *w, uint64_t pfn, size_t n, bool all)
{
	uint64_t values[3][1000];

	while (n) {
		size_t take = MIN(n, ARRAY_SIZE(values[0]));

		for (size_t c = 0; c < 3; c++)
			for (size_t i = 0; i < take; i++)
				values[c][i] = value_of(c, pfn + i);
		assert_int_equal(kpage_dump_write(w, pfn, take, values[0], all ? values[1] : NULL,
						  all ? values[2] : NULL), 0);
		pfn += take;
		n -= take;
	}
}

static void write_dump(struct fixture *fx, const struct kpage_range *ranges, size_t n, bool all)
{
	struct kpage_dump_writer *w = NULL;
	int fd;

	fixture_text(fx, PATH, "");
	fd = open(fixture_path(fx, PATH), O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(kpage_dump_writer_new(fd, all, all, "6.1.0-test", &w), 0);
	for (size_t i = 0; i < n; i++)
		put_run(w, ranges[i].start, ranges[i].end - ranges[i].start, all);
	if (all) {
		assert_int_equal(kpage_dump_write_cgroup(w, 17, "/sys/fs/cgroup/a"), 0);
		assert_int_equal(kpage_dump_write_cgroup(w, 23, "/sys/fs/cgroup/b c"), 0);
	}
	assert_int_equal(kpage_dump_writer_finish(w), 0);
	kpage_dump_writer_free(w);
	close(fd);
}

static struct kpage_dump *open_dump(struct fixture *fx)
{
	struct kpage_dump *d = NULL;

	assert_int_equal(kpage_dump_open(fx->ctx, fixture_path(fx, PATH), &d), 0);
	return d;
}

static void check_run(const struct kpage_file *f, size_t column, uint64_t pfn, size_t n)
{
	uint64_t *buf = calloc(n, sizeof(*buf));

	assert_non_null(buf);
	assert_int_equal(kpage_file_read(f, pfn, buf, n), n);
	for (size_t i = 0; i < n; i++)
		if (buf[i] != value_of(column, pfn + i))
			fail_msg("column %zu, page %zu", column, (size_t)pfn + i);
	free(buf);
}

/* ---------------------------------------------------------------- round trips */

static void test_round_trip(void **state)
{
	static const struct kpage_range all = { 0, 2 * DUMP_BLOCK + 100 };
	struct fixture *fx = *state;
	struct kpage_dump *d;
	struct kpage_file *f[3];
	struct kpage_range known;
	uint64_t *inos = NULL, one;
	size_t n = 0;

	write_dump(fx, &all, 1, true);
	d = open_dump(fx);
	assert_string_equal(kpage_dump_release(d), "6.1.0-test");
	assert_in_range(time(NULL) - kpage_dump_time(d), 0, 600);
	assert_string_equal(kpage_dump_cgroup_path(d, 17), "/sys/fs/cgroup/a");
	assert_string_equal(kpage_dump_cgroup_path(d, 23), "/sys/fs/cgroup/b c");
	assert_null(kpage_dump_cgroup_path(d, 18));
	assert_int_equal(kpage_dump_cgroup_subtree(d, "/sys/fs/cgroup/b c/", &inos, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(inos[0], 23);
	free(inos);
	assert_int_equal(kpage_dump_cgroup_subtree(d, "/sys/fs/cgroup", &inos, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(inos[0], 17);
	assert_int_equal(inos[1], 23);
	free(inos);
	assert_int_equal(kpage_dump_cgroup_subtree(d, "/sys/fs/cgroup/b", &inos, &n), -ENOENT);
	for (size_t c = 0; c < 3; c++)
		assert_int_equal(kpage_dump_file(d, c, &f[c]), 0);
	/* The files have what they need. */
	kpage_dump_free(d);
	for (size_t c = 0; c < 3; c++) {
		assert_int_equal(kpage_file_pages(f[c]), all.end);
		check_run(f[c], c, 0, all.end);
		check_run(f[c], c, DUMP_BLOCK - 1, 2);
		check_run(f[c], c, all.end - 1, 1);
		assert_int_equal(kpage_file_read(f[c], all.end, &one, 1), 0);
		assert_int_equal(kpage_file_read(f[c], UINT64_MAX, &one, 1), 0);
		assert_true(kpage_file_next(f[c], 5, &known));
		assert_int_equal(known.start, 5);
		assert_int_equal(known.end, all.end);
		assert_false(kpage_file_next(f[c], all.end, &known));
		kpage_file_free(f[c]);
	}
}

static void test_flags_alone(void **state)
{
	static const struct kpage_range all = { 0, 1000 };
	struct fixture *fx = *state;
	struct kpage_file *f = NULL;
	struct kpage_dump *d;

	write_dump(fx, &all, 1, false);
	d = open_dump(fx);
	assert_int_equal(kpage_dump_file(d, KPAGE_SOURCE_COUNT, &f), -ENOENT);
	assert_int_equal(kpage_dump_file(d, KPAGE_SOURCE_CGROUP, &f), -ENOENT);
	assert_null(f);
	assert_null(kpage_dump_cgroup_path(d, 17));
	kpage_dump_free(d);
	/* As a file of flags it is opened like a copy. */
	assert_int_equal(kpage_file_open_dump(fx->ctx, fixture_path(fx, PATH), &f), 0);
	assert_string_equal(kpage_file_path(f), fixture_path(fx, PATH));
	assert_int_equal(kpage_file_pages(f), 1000);
	check_run(f, 0, 0, 1000);
	kpage_file_free(f);
}

static void test_no_pages(void **state)
{
	struct fixture *fx = *state;
	struct kpage_file *f = NULL;
	struct kpage_range known;
	uint64_t one;

	write_dump(fx, NULL, 0, true);
	assert_int_equal(kpage_file_open_dump(fx->ctx, fixture_path(fx, PATH), &f), 0);
	assert_int_equal(kpage_file_pages(f), 0);
	assert_int_equal(kpage_file_read(f, 0, &one, 1), 0);
	assert_false(kpage_file_next(f, 0, &known));
	kpage_file_free(f);
}

static const struct kpage_range parts[] = {
	{ 10, 20 }, { 20, 30 }, { 1000, 1000 + DUMP_BLOCK + 5 }, { UINT64_C(1) << 40, (UINT64_C(1) << 40) + 3 },
};

static int add_pages(const struct kpage_batch *b, void *arg)
{
	uint64_t *seen = arg;

	for (size_t i = 0; i < b->n; i++)
		if (b->kflags[i] != value_of(0, b->pfn[i]))
			return -EINVAL;
	*seen += b->n;
	return 0;
}

static void test_parts(void **state)
{
	static const struct kpage_range whole = { 0, UINT64_MAX }, some[] = { { 0, 15 }, { 25, 1001 } };
	struct fixture *fx = *state;
	struct kpage_file *f = NULL;
	struct kpage_range known;
	uint64_t buf[64], index[] = { 12, 29 }, scratch[KPAGE_BATCH], seen = 0, end = 0;
	struct kpage_walk walk = { .emit = add_pages, .arg = &seen, .raw = true, .threads = 4 };

	write_dump(fx, parts, ARRAY_SIZE(parts), true);
	assert_int_equal(kpage_file_open_dump(fx->ctx, fixture_path(fx, PATH), &f), 0);
	/* What is left out is not there, and not 0. */
	assert_int_equal(kpage_file_read(f, 0, buf, 64), 0);
	assert_int_equal(kpage_file_read(f, 30, buf, 64), 0);
	assert_int_equal(kpage_file_read(f, 15, buf, 64), 15);
	check_run(f, 0, 10, 20);
	check_run(f, 0, 1000, DUMP_BLOCK + 5);
	check_run(f, 0, UINT64_C(1) << 40, 3);
	assert_int_equal(kpage_file_pages(f), (UINT64_C(1) << 40) + 3);
	assert_true(kpage_file_next(f, 0, &known));
	assert_int_equal(known.start, 10);
	assert_int_equal(known.end, 30);
	assert_true(kpage_file_next(f, 30, &known));
	assert_int_equal(known.start, 1000);
	assert_int_equal(known.end, 1000 + DUMP_BLOCK + 5);
	assert_int_equal(kpage_file_gather(f, index, 2, buf, scratch), 0);
	assert_int_equal(buf[1], value_of(0, 29));
	index[1] = 30;
	assert_int_equal(kpage_file_gather(f, index, 2, buf, scratch), -ENODATA);

	walk.flags = f;
	assert_int_equal(kpage_walk_pfns(&walk, &whole, 1, &end), 0);
	assert_int_equal(seen, 20 + DUMP_BLOCK + 5 + 3);
	assert_int_equal(end, (UINT64_C(1) << 40) + 3);
	seen = 0;
	assert_int_equal(kpage_walk_pfns(&walk, some, 2, &end), 0);
	assert_int_equal(seen, 5 + 5 + 1);
	assert_int_equal(end, UINT64_MAX);
	kpage_file_free(f);
}

static void test_order(void **state)
{
	struct fixture *fx = *state;
	struct kpage_dump_writer *w = NULL;
	uint64_t flags[8] = { 0 };
	int fd;

	fixture_text(fx, PATH, "");
	fd = open(fixture_path(fx, PATH), O_WRONLY | O_CLOEXEC);
	assert_int_equal(kpage_dump_writer_new(fd, false, false, "", &w), 0);
	assert_int_equal(kpage_dump_write(w, 10, 8, flags, NULL, NULL), 0);
	assert_int_equal(kpage_dump_write(w, 17, 8, flags, NULL, NULL), -EINVAL);
	/* A dump with a gap that nobody wanted is none. */
	assert_int_equal(kpage_dump_writer_finish(w), -EINVAL);
	kpage_dump_writer_free(w);
	kpage_dump_writer_free(NULL);
	close(fd);
}

static void test_full_disk(void **state)
{
	struct kpage_dump_writer *w = NULL;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(kpage_dump_writer_new(fd, true, true, "", &w), -ENOSPC);
	assert_null(w);
	close(fd);
}

/* -------------------------------------------------------------------- threads */

#define THREADS 32

static void *read_all(void *arg)
{
	uint64_t buf[777];

	for (uint64_t pfn = 0; pfn < 40 * DUMP_BLOCK; pfn += 9 * ARRAY_SIZE(buf)) {
		if (kpage_file_read(arg, pfn, buf, ARRAY_SIZE(buf)) < 1)
			return arg;
		for (size_t i = 0; i < ARRAY_SIZE(buf) && pfn + i < 40 * DUMP_BLOCK; i++)
			if (buf[i] != value_of(0, pfn + i))
				return arg;
	}
	return NULL;
}

/* More blocks than are kept, more threads than there is room for. */
static void test_threads(void **state)
{
	static const struct kpage_range all = { 0, 40 * DUMP_BLOCK };
	struct fixture *fx = *state;
	struct kpage_file *f = NULL;
	pthread_t threads[THREADS];
	void *failed = NULL;

	write_dump(fx, &all, 1, false);
	assert_int_equal(kpage_file_open_dump(fx->ctx, fixture_path(fx, PATH), &f), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, f), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		failed = result ? result : failed;
	}
	assert_null(failed);
	kpage_file_free(f);
}

/* --------------------------------------------------------------------- damage */

/* Reads all of it. 0: every page was right, and all of them were there; else the error. */
static int read_back(struct fixture *fx, const struct kpage_range *ranges, size_t n)
{
	struct kpage_dump *d = NULL;
	int err = kpage_dump_open(fx->ctx, fixture_path(fx, PATH), &d);

	for (size_t c = 0; !err && c < 3; c++) {
		struct kpage_file *f = NULL;

		err = kpage_dump_file(d, c, &f);
		for (size_t i = 0; !err && i < n; i++) {
			uint64_t buf[300];
			size_t want = ranges[i].end - ranges[i].start;
			ssize_t got = kpage_file_read(f, ranges[i].start, buf, want);

			if (got < 0)
				err = (int)got;
			else
				assert_int_equal(got, want);
			for (ssize_t k = 0; k < got; k++)
				assert_int_equal(buf[k], value_of(c, ranges[i].start + (uint64_t)k));
		}
		kpage_file_free(f);
	}
	kpage_dump_free(d);
	return err;
}

static const struct kpage_range small[] = { { 5, 205 }, { 300, 350 } };

static off_t dump_size(struct fixture *fx)
{
	struct stat st;

	assert_int_equal(stat(fixture_path(fx, PATH), &st), 0);
	return st.st_size;
}

static void test_truncated(void **state)
{
	struct fixture *fx = *state;

	write_dump(fx, small, ARRAY_SIZE(small), true);
	assert_int_equal(read_back(fx, small, ARRAY_SIZE(small)), 0);
	for (off_t size = dump_size(fx) - 1; size >= 0; size--) {
		fixture_truncate(fx, PATH, size);
		assert_int_equal(read_back(fx, small, ARRAY_SIZE(small)),
				 size < DUMP_MAGIC_SIZE ? -ENOMSG : -EBADMSG);
	}
}

static void test_longer(void **state)
{
	struct fixture *fx = *state;

	write_dump(fx, small, ARRAY_SIZE(small), true);
	fixture_append(fx, PATH, "x");
	assert_int_equal(read_back(fx, small, ARRAY_SIZE(small)), -EBADMSG);
}

static void flip(struct fixture *fx, off_t at, unsigned char bits)
{
	int fd = open(fixture_path(fx, PATH), O_RDWR | O_CLOEXEC);
	unsigned char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= bits;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* A bit that is wrong is an error at the latest where its block is read. A zstd frame has
 * some bits that mean nothing (padding): then all is as it was. */
static void test_flipped(void **state)
{
	struct fixture *fx = *state;
	unsigned int unseen = 0;
	off_t size;

	write_dump(fx, small, ARRAY_SIZE(small), true);
	size = dump_size(fx);
	for (off_t at = 0; at < size; at++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			int err;

			flip(fx, at, (unsigned char)(1u << bit));
			err = read_back(fx, small, ARRAY_SIZE(small));
			if (!err) {
				assert_in_range(at, sizeof(struct dump_header),
						size - (off_t)sizeof(struct dump_trailer) - 1);
				unseen++;
			} else if (at < DUMP_MAGIC_SIZE) {
				assert_int_equal(err, -ENOMSG);
			} else if (at >= (off_t)sizeof(struct dump_header)) {
				assert_int_equal(err, -EBADMSG);
			}
			flip(fx, at, (unsigned char)(1u << bit));
		}
	}
	assert_in_range(unseen, 0, (uint64_t)size * 8 / 50);
	assert_int_equal(read_back(fx, small, ARRAY_SIZE(small)), 0);
}

static void put_header(struct fixture *fx, size_t offset, const void *data, size_t size)
{
	int fd = open(fixture_path(fx, PATH), O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, data, size, (off_t)offset), size);
	close(fd);
}

static void test_foreign(void **state)
{
	struct fixture *fx = *state;
	const uint64_t page_size = kpage_page_size() * 4;
	const uint32_t order = __builtin_bswap32(DUMP_ORDER), version = DUMP_VERSION + 1;
	struct kpage_file *f = NULL;

	write_dump(fx, small, 1, true);
	put_header(fx, offsetof(struct dump_header, page_size), &page_size, sizeof(page_size));
	assert_int_equal(read_back(fx, small, 1), -EDOM);
	/* As flags alone it is no better. */
	assert_int_equal(kpage_file_open_dump(fx->ctx, fixture_path(fx, PATH), &f), -EDOM);
	put_header(fx, offsetof(struct dump_header, version), &version, sizeof(version));
	assert_int_equal(read_back(fx, small, 1), -EPROTONOSUPPORT);
	put_header(fx, offsetof(struct dump_header, order), &order, sizeof(order));
	assert_int_equal(read_back(fx, small, 1), -EILSEQ);
	put_header(fx, 0, "no dump", 7);
	assert_int_equal(read_back(fx, small, 1), -ENOMSG);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), fixture_path(fx, PATH));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_round_trip),
		TREE_TEST(test_flags_alone),
		TREE_TEST(test_no_pages),
		TREE_TEST(test_parts),
		TREE_TEST(test_order),
		cmocka_unit_test(test_full_disk),
		TREE_TEST(test_threads),
		TREE_TEST(test_truncated),
		TREE_TEST(test_longer),
		TREE_TEST(test_flipped),
		TREE_TEST(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
