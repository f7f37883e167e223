// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk over a file's page cache: on this machine, on a real file, as root. */
#include "fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define ROOM (2 * KPAGE_BATCH)

struct cache {
	struct kpage_ctx *live;
	struct kpage_file *flags;
	int fd;
	struct kpage_walk walk;
	struct kpage_cache_report report;
	uint64_t offset[ROOM], kflags[ROOM], pme[ROOM];
	size_t n;
	off_t truncate_to;	/* in emit; -1: not */
};

static int note(const struct kpage_batch *b, void *arg)
{
	struct cache *c = arg;

	for (size_t i = 0; i < b->n && c->n < ROOM; i++, c->n++) {
		c->offset[c->n] = b->offset[i];
		c->kflags[c->n] = b->kflags[i];
		c->pme[c->n] = b->pme[i];
	}
	if (c->truncate_to >= 0 && ftruncate(c->fd, c->truncate_to))
		return -errno;
	return 0;
}

static bool sees_pfns(struct kpage_ctx *ctx)
{
	static volatile char here[1] = { 1 };
	struct kpage_file *pagemap = NULL;
	uint64_t entry = 0;
	ssize_t n;

	here[0]++;
	if (kpage_file_open_pagemap(ctx, getpid(), &pagemap))
		return false;
	n = kpage_file_read(pagemap, (uintptr_t)here / kpage_page_size(), &entry, 1);
	kpage_file_free(pagemap);
	return n == 1 && kpage_pagemap_pfn(entry);
}

/* An empty file in a temporary folder; NULL where the test can't be made. */
static struct cache *cache_new(struct fixture *fx)
{
	struct cache *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->truncate_to = -1;
	assert_int_equal(kpage_ctx_new(NULL, &c->live), 0);
	if (geteuid() != 0 || !sees_pfns(c->live) ||
	    kpage_file_open(c->live, KPAGE_SOURCE_FLAGS, &c->flags)) {
		kpage_ctx_free(c->live);
		free(c);
		return NULL;
	}
	fixture_text(fx, "/file", "");
	c->fd = open(fixture_path(fx, "/file"), O_RDWR | O_CLOEXEC);
	assert_true(c->fd >= 0);
	c->walk = (struct kpage_walk){ .flags = c->flags, .emit = note, .arg = c };
	return c;
}

static void cache_free(struct cache *c)
{
	close(c->fd);
	kpage_file_free(c->flags);
	kpage_ctx_free(c->live);
	free(c);
}

static void write_page(struct cache *c, uint64_t page)
{
	char *data = malloc(kpage_page_size());

	assert_non_null(data);
	memset(data, 'a' + (int)(page % 26), kpage_page_size());
	assert_int_equal(pwrite(c->fd, data, kpage_page_size(), (off_t)(page * kpage_page_size())),
			 kpage_page_size());
	free(data);
}

/* What mincore(2) says: the cached pages from `first` on, ascending. */
static size_t cached_pages(struct cache *c, uint64_t first, size_t n, uint64_t *out)
{
	size_t size = kpage_page_size(), k = 0;
	unsigned char *cached = calloc(n, 1);
	void *base = mmap(NULL, n * size, PROT_READ, MAP_SHARED, c->fd, (off_t)(first * size));

	assert_true(base != MAP_FAILED && cached);
	assert_int_equal(mincore(base, n * size, cached), 0);
	for (size_t i = 0; i < n; i++)
		if (cached[i] & 1)
			out[k++] = first + i;
	munmap(base, n * size);
	free(cached);
	return k;
}

static void walk(struct cache *c, const struct kpage_range *ranges, size_t n)
{
	c->n = 0;
	assert_int_equal(kpage_walk_cache(c->live, &c->walk, c->fd, ranges, n, &c->report), 0);
	assert_int_equal(c->report.poisoned, 0);
}

static void check_pages(const struct cache *c, const uint64_t *offsets, size_t n)
{
	assert_int_equal(c->n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(c->offset[i], offsets[i]);
		assert_true(kpage_pagemap_pfn(c->pme[i]) != 0);
		assert_true(c->pme[i] & KPAGE_PM_FILE);
		/* The walk's own mapping is not to be seen. */
		assert_false(c->kflags[i] & KPAGE_BIT(MMAP));
		assert_false(c->kflags[i] & KPAGE_BIT(ANON));
		assert_true(c->kflags[i] & KPAGE_BIT(UPTODATE));
	}
}

/* --------------------------------------------------------------------- tests */

static void test_whole_file(void **state)
{
	static const uint64_t expected[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct cache *c = cache_new(*state);

	if (!c)
		skip();
	for (uint64_t i = 0; i < 10; i++)
		write_page(c, i);
	/* The last page is there in part. */
	assert_int_equal(pwrite(c->fd, "x", 1, (off_t)(10 * kpage_page_size())), 1);
	walk(c, NULL, 0);
	check_pages(c, expected, ARRAY_SIZE(expected));
	assert_false(c->report.shrunk);
	/* The report may be of no interest. */
	c->n = 0;
	assert_int_equal(kpage_walk_cache(c->live, &c->walk, c->fd, NULL, 0, NULL), 0);
	check_pages(c, expected, ARRAY_SIZE(expected));
	cache_free(c);
}

static void test_empty_file(void **state)
{
	struct cache *c = cache_new(*state);

	if (!c)
		skip();
	walk(c, NULL, 0);
	check_pages(c, NULL, 0);
	cache_free(c);
}

static void test_ranges(void **state)
{
	static const struct kpage_range ranges[] = {
		{ 5, 7 }, { 0, 1 }, { 3, 3 }, { 9, 100 }, { 200, UINT64_MAX },
	};
	static const uint64_t expected[] = { 5, 6, 0, 9 };
	struct cache *c = cache_new(*state);

	if (!c)
		skip();
	for (uint64_t i = 0; i < 10; i++)
		write_page(c, i);
	walk(c, ranges, ARRAY_SIZE(ranges));
	check_pages(c, expected, ARRAY_SIZE(expected));
	assert_false(c->report.shrunk);
	cache_free(c);
}

/* What is not cached is not shown, and not read either. */
static void test_nothing_is_read(void **state)
{
	static uint64_t before[ROOM], after[ROOM];
	struct cache *c = cache_new(*state);
	const size_t pages = 2000;
	size_t n;

	if (!c)
		skip();
	assert_int_equal(ftruncate(c->fd, (off_t)(pages * kpage_page_size())), 0);
	write_page(c, 7);
	write_page(c, 700);
	for (uint64_t i = 1000; i < 1500; i++)
		write_page(c, i);
	assert_int_equal(fsync(c->fd), 0);
	assert_int_equal(posix_fadvise(c->fd, (off_t)(1100 * kpage_page_size()),
				       (off_t)(200 * kpage_page_size()), POSIX_FADV_DONTNEED),
			 0);
	n = cached_pages(c, 0, pages, before);
	assert_true(n >= 2 && n < pages);
	walk(c, NULL, 0);
	check_pages(c, before, n);
	assert_int_equal(cached_pages(c, 0, pages, after), n);
	assert_memory_equal(before, after, n * sizeof(*before));
	cache_free(c);
}

/* More pages than in a piece. */
static void test_large_file(void **state)
{
	const uint64_t expected[] = { 0, KPAGE_BATCH - 1, KPAGE_BATCH, ROOM + 5 };
	struct cache *c = cache_new(*state);

	if (!c)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		write_page(c, expected[i]);
	walk(c, NULL, 0);
	check_pages(c, expected, ARRAY_SIZE(expected));
	cache_free(c);
}

static void test_shrinking(void **state)
{
	static uint64_t expected[KPAGE_BATCH];
	struct cache *c = cache_new(*state);

	if (!c)
		skip();
	/* A batch that is full, after which the file becomes shorter, and one more page. */
	for (uint64_t i = 0; i < KPAGE_BATCH; i++) {
		write_page(c, i);
		expected[i] = i;
	}
	write_page(c, KPAGE_BATCH + 1);
	c->truncate_to = (off_t)kpage_page_size();
	walk(c, NULL, 0);
	check_pages(c, expected, ARRAY_SIZE(expected));
	assert_true(c->report.shrunk);
	cache_free(c);
}

static void test_expressions(void **state)
{
	static const uint64_t expected[] = { 0, 1, 2 };
	struct kpage_expr expr;
	struct cache *c = cache_new(*state);

	if (!c)
		skip();
	for (uint64_t i = 0; i < 3; i++)
		write_page(c, i);
	c->walk.exprs = &expr;
	c->walk.nr_exprs = 1;
	assert_int_equal(kpage_expr_parse("uptodate,~anon", &expr, NULL), 0);
	walk(c, NULL, 0);
	check_pages(c, expected, ARRAY_SIZE(expected));
	assert_int_equal(kpage_expr_parse("anon,slab", &expr, NULL), 0);
	walk(c, NULL, 0);
	check_pages(c, NULL, 0);
	cache_free(c);
}

static void test_not_live(void **state)
{
	struct fixture *fx = *state;
	struct kpage_cache_report report = { .poisoned = 42 };
	struct kpage_walk walk_nothing = { 0 };
	int fd;

	fixture_text(fx, "/file", "x");
	fd = open(fixture_path(fx, "/file"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(kpage_walk_cache(fx->ctx, &walk_nothing, fd, NULL, 0, &report),
			 -EOPNOTSUPP);
	assert_int_equal(report.poisoned, 42);
	close(fd);
}

/* A file that one may read, but not write and does not own: mincore() would say that
 * all of it is cached. Run in a child, as nobody. */
static int walk_as_nobody(struct cache *c, int fd)
{
	struct kpage_ctx *live = NULL;
	int err;

	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
	    setresuid(65534, 65534, 65534) || kpage_ctx_new(NULL, &live))
		return 255;
	err = kpage_walk_cache(live, &c->walk, fd, NULL, 0, NULL);
	kpage_ctx_free(live);
	return -err;
}

static void test_not_owner(void **state)
{
	struct fixture *fx = *state;
	struct cache *c = cache_new(fx);
	int fd, status;
	pid_t pid;

	if (!c)
		skip();
	write_page(c, 0);
	fd = open(fixture_path(fx, "/file"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	pid = fork();
	if (pid == 0) {
		status = walk_as_nobody(c, fd);
		cache_free(c);
		_exit(status);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	close(fd);
	cache_free(c);
	assert_int_equal(WEXITSTATUS(status), EACCES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_whole_file),
		TREE_TEST(test_empty_file),
		TREE_TEST(test_ranges),
		TREE_TEST(test_nothing_is_read),
		TREE_TEST(test_large_file),
		TREE_TEST(test_shrinking),
		TREE_TEST(test_expressions),
		TREE_TEST(test_not_live),
		TREE_TEST(test_not_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
