// SPDX-License-Identifier: GPL-2.0-or-later
/* The bitmap of idle pages: which words are written, and when. */
#include "fixture.h"

#include <sys/resource.h>
#include <signal.h>

#define BITMAP "/sys/kernel/mm/page_idle/bitmap"

static struct kpage_idle *open_idle(struct fixture *fx)
{
	struct kpage_idle *idle = NULL;

	fixture_text(fx, BITMAP, "");
	assert_int_equal(kpage_idle_open(fx->ctx, &idle), 0);
	return idle;
}

/* The words of the bitmap; how many there are. */
static size_t read_words(struct fixture *fx, uint64_t *words, size_t n)
{
	FILE *f = fopen(fixture_path(fx, BITMAP), "r");
	size_t got;

	assert_non_null(f);
	got = fread(words, sizeof(*words), n, f);
	fclose(f);
	return got;
}

static void test_none(void **state)
{
	struct fixture *fx = *state;
	struct kpage_idle *idle = NULL;

	assert_int_equal(kpage_idle_open(fx->ctx, &idle), -ENOENT);
	assert_null(idle);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), BITMAP);
	kpage_idle_free(NULL);
}

static void test_mark(void **state)
{
	struct fixture *fx = *state;
	struct kpage_idle *idle = open_idle(fx);
	uint64_t words[8];

	assert_int_equal(kpage_idle_mark(idle, 0), 0);
	assert_int_equal(kpage_idle_mark(idle, 63), 0);
	assert_int_equal(kpage_idle_mark(idle, 5), 0);
	/* Neighbours go together. */
	assert_int_equal(read_words(fx, words, 8), 0);
	assert_int_equal(kpage_idle_mark(idle, 64), 0);
	assert_int_equal(read_words(fx, words, 8), 1);
	assert_int_equal(words[0], UINT64_C(1) << 63 | 1 << 5 | 1);
	assert_int_equal(kpage_idle_mark(idle, 64 * 3 + 1), 0);
	assert_int_equal(kpage_idle_flush(idle), 0);
	assert_int_equal(read_words(fx, words, 8), 4);
	assert_int_equal(words[0], UINT64_C(1) << 63 | 1 << 5 | 1);
	assert_int_equal(words[1], 1);
	assert_int_equal(words[2], 0);
	assert_int_equal(words[3], 2);
	kpage_idle_free(idle);
}

/* What has been written is not written again: the page may be in use by then. */
static void test_flush_once(void **state)
{
	struct fixture *fx = *state;
	struct kpage_idle *idle = open_idle(fx);
	uint64_t words[8];

	assert_int_equal(kpage_idle_flush(idle), 0);
	assert_int_equal(read_words(fx, words, 8), 0);
	assert_int_equal(kpage_idle_mark(idle, 3), 0);
	assert_int_equal(kpage_idle_flush(idle), 0);
	fixture_text(fx, BITMAP, "");
	assert_int_equal(kpage_idle_flush(idle), 0);
	assert_int_equal(read_words(fx, words, 8), 0);
	/* Nor with a neighbour that is marked later. */
	assert_int_equal(kpage_idle_mark(idle, 4), 0);
	assert_int_equal(kpage_idle_flush(idle), 0);
	assert_int_equal(read_words(fx, words, 8), 1);
	assert_int_equal(words[0], 1 << 4);
	kpage_idle_free(idle);
}

static void test_high_pfn(void **state)
{
	const uint64_t pfn = (UINT64_C(1) << 36) + 65;
	struct fixture *fx = *state;
	struct kpage_idle *idle = open_idle(fx);
	uint64_t word = 0;
	FILE *f;

	assert_int_equal(kpage_idle_mark(idle, pfn), 0);
	assert_int_equal(kpage_idle_flush(idle), 0);
	f = fopen(fixture_path(fx, BITMAP), "r");
	assert_non_null(f);
	assert_int_equal(fseeko(f, (off_t)(pfn / 64 * 8), SEEK_SET), 0);
	assert_int_equal(fread(&word, sizeof(word), 1, f), 1);
	fclose(f);
	assert_int_equal(word, UINT64_C(1) << pfn % 64);
	kpage_idle_free(idle);
}

/* A write that fails is told, once. A regular file refuses what lies past the size
 * limit, as the kernel does past the last page. */
static void test_error(void **state)
{
	struct fixture *fx = *state;
	struct kpage_idle *idle = open_idle(fx);
	struct rlimit old;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(kpage_idle_mark(idle, 100), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 8, old.rlim_max }),
			 0);
	assert_int_equal(kpage_idle_flush(idle), -EFBIG);
	assert_int_equal(kpage_idle_flush(idle), 0);
	assert_int_equal(kpage_idle_mark(idle, 200), 0);
	assert_int_equal(kpage_idle_mark(idle, 1), -EFBIG);
	assert_int_equal(kpage_idle_flush(idle), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	kpage_idle_free(idle);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_none),
		TREE_TEST(test_mark),
		TREE_TEST(test_flush_once),
		TREE_TEST(test_high_pfn),
		TREE_TEST(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
