// SPDX-License-Identifier: GPL-2.0-or-later
/* Who has a page in its page tables. */
#include "common/owners.h"

#include "fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define POISONED 300

static struct kpage_file *make_machine(struct fixture *fx)
{
	const uint64_t a[] = { entry_present(100), entry_present(101), 0, entry_present(100) };
	const uint64_t b[] = { entry_present(101), entry_present(500) };
	const uint64_t c[] = { entry_swap(1, 100), entry_swap(26, POISONED), entry_swap(26, 101) };
	const uint64_t poisoned = KPAGE_BIT(HWPOISON), other = KPAGE_BIT(LRU);
	struct kpage_file *flags = NULL;

	fixture_put(fx, "/proc/kpageflags", POISONED, &poisoned, 1);
	fixture_put(fx, "/proc/kpageflags", 1000, &other, 1);
	fixture_task(fx, 17);
	fixture_vma(fx, 17, 1024, a, ARRAY_SIZE(a));
	fixture_vma(fx, 17, 4096, b, ARRAY_SIZE(b));
	fixture_task(fx, 5);
	fixture_vma(fx, 5, 2048, b, ARRAY_SIZE(b));
	fixture_vma(fx, 5, 3000, c, ARRAY_SIZE(c));
	/* A kernel thread, and a process that has just ended. */
	fixture_text(fx, "/proc/2/status", "Name:\tkthreadd\nState:\tS\nTgid:\t2\n");
	fixture_mkdir(fx, "/proc/99");
	assert_int_equal(kpage_file_open(fx->ctx, KPAGE_SOURCE_FLAGS, &flags), 0);
	return flags;
}

static void check_owner(const struct owner_list *list, size_t i, uint64_t pfn, pid_t pid,
			uint64_t page)
{
	assert_true(i < list->n);
	assert_int_equal(list->v[i].pfn, pfn);
	assert_int_equal(list->v[i].pid, pid);
	assert_int_equal(list->v[i].address, page * kpage_page_size());
}

static void test_find(void **state)
{
	static const uint64_t pfns[] = { 101, POISONED, 100, 777, 101 };
	struct fixture *fx = *state;
	struct kpage_file *flags = make_machine(fx);
	const struct owner *v;
	struct owner_list list;
	size_t n;

	assert_int_equal(owners_find(fx->ctx, flags, pfns, ARRAY_SIZE(pfns), &list), EXIT_OK);
	assert_int_equal(list.unreadable, 0);
	check_owner(&list, 0, 100, 17, 1024);
	check_owner(&list, 1, 100, 17, 1027);
	check_owner(&list, 2, 101, 5, 2048);
	check_owner(&list, 3, 101, 17, 1025);
	check_owner(&list, 4, 101, 17, 4096);
	check_owner(&list, 5, POISONED, 5, 3001);
	assert_true(list.v[5].poisoned);
	assert_false(list.v[4].poisoned);
	assert_int_equal(list.n, 6);
	v = owners_of(&list, 101, &n);
	assert_ptr_equal(v, &list.v[2]);
	assert_int_equal(n, 3);
	assert_int_equal(owners_count(&list, 100), 1);
	assert_int_equal(owners_count(&list, 101), 2);
	assert_int_equal(owners_count(&list, POISONED), 1);
	assert_int_equal(owners_count(&list, 777), 0);
	assert_null(owners_of(&list, 777, &n));
	assert_int_equal(n, 0);
	assert_null(owners_of(&list, 0, &n));
	owner_list_release(&list);
	kpage_file_free(flags);
}

static void test_unreadable(void **state)
{
	static const uint64_t pfn = 100;
	const uint64_t hidden[] = { KPAGE_PM_PRESENT, KPAGE_PM_PRESENT };
	struct fixture *fx = *state;
	struct kpage_file *flags = make_machine(fx);
	struct owner_list list;

	fixture_task(fx, 30);
	fixture_vma(fx, 30, 1024, hidden, ARRAY_SIZE(hidden));
	fixture_task(fx, 31);
	fixture_remove(fx, "/proc/31/pagemap");
	fixture_task(fx, 32);
	fixture_text(fx, "/proc/32/maps", "nonsense\n");
	assert_int_equal(owners_find(fx->ctx, flags, &pfn, 1, &list), EXIT_OK);
	assert_int_equal(list.unreadable, 3);
	assert_int_equal(list.hidden, 1);
	assert_int_equal(list.denied, 0);
	/* A file less in /proc: that is how a process ends. */
	assert_int_equal(list.ended, 1);
	assert_int_equal(list.n, 2);
	owner_list_release(&list);
	kpage_file_free(flags);
}

static void test_none(void **state)
{
	struct owner_list list = { .n = 42 };
	struct fixture *fx = *state;

	assert_int_equal(owners_find(fx->ctx, NULL, NULL, 0, &list), EXIT_OK);
	assert_int_equal(list.n, 0);
	owner_list_release(&list);
}

static void test_threads(void **state)
{
	static const uint64_t pfns[] = { 100, 101 };
	const uint64_t entries[] = { entry_present(101), 0, entry_present(100) };
	struct fixture *fx = *state;
	struct kpage_file *flags = make_machine(fx);
	struct owner_list one, many;

	for (pid_t pid = 200; pid < 260; pid++) {
		fixture_task(fx, pid);
		fixture_vma(fx, pid, 1024 + (uint64_t)pid, entries, ARRAY_SIZE(entries));
	}
	assert_int_equal(owners_find_by(fx->ctx, flags, pfns, 2, &(struct owner_search){ .threads = 1 },
					&one), EXIT_OK);
	assert_int_equal(owners_find_by(fx->ctx, flags, pfns, 2, &(struct owner_search){ .threads = 7 },
					&many), EXIT_OK);
	assert_int_equal(one.n, 5 + 2 * 60);
	assert_int_equal(many.n, one.n);
	for (size_t i = 0; i < one.n; i++)
		check_owner(&many, i, one.v[i].pfn, one.v[i].pid, one.v[i].address / kpage_page_size());
	owner_list_release(&one);
	owner_list_release(&many);
	kpage_file_free(flags);
}

/* ------------------------------------------------------------- a live process */

#define PAGES 3000

/* Memory of our own, every fifth page of it populated. */
static char *make_memory(void)
{
	size_t size = kpage_page_size();
	char *p = mmap(NULL, PAGES * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	madvise(p, PAGES * size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < PAGES; i += 5)
		p[i * size] = 1;
	return p;
}

static size_t read_pfns(struct kpage_ctx *ctx, const char *p, uint64_t pfns[PAGES])
{
	uint64_t entries[PAGES];
	struct kpage_file *pagemap = NULL;
	size_t n = 0;

	assert_int_equal(kpage_file_open_pagemap(ctx, getpid(), &pagemap), 0);
	assert_int_equal(kpage_file_read(pagemap, (uint64_t)(uintptr_t)p / kpage_page_size(), entries,
					 PAGES), PAGES);
	for (size_t i = 0; i < PAGES; i++)
		if (kpage_pagemap_pfn(entries[i]))
			pfns[n++] = kpage_pagemap_pfn(entries[i]);
	kpage_file_free(pagemap);
	return n;
}

/* Both of them have each page, at the same address. */
static void check_both_have(const struct owner_list *list, const uint64_t *pfns, size_t n, pid_t child)
{
	for (size_t i = 0; i < n; i++) {
		size_t nr, seen = 0;
		const struct owner *v = owners_of(list, pfns[i], &nr);

		assert_int_equal(nr, 2);
		for (size_t k = 0; k < nr; k++)
			seen |= v[k].pid == getpid() ? 1 : v[k].pid == child ? 2 : 4;
		assert_int_equal(seen, 3);
		assert_int_equal(v[0].address, v[1].address);
	}
	assert_int_equal(list->n, 2 * n);
}

static pid_t start_child(void)
{
	pid_t parent = getpid(), pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	fixture_end_with(parent);
	for (;;)
		pause();
}

#ifdef __SANITIZE_ADDRESS__
/* Its shadow of all memory takes minutes to be read whole. */
#define CAN_READ_ALL false
#else
#define CAN_READ_ALL true
#endif

static void test_live(void **state)
{
	static uint64_t pfns[PAGES], now[PAGES];
	char *p = make_memory();
	pid_t child = start_child();
	struct kpage_file *flags = NULL;
	struct kpage_ctx *ctx = NULL;
	struct owner_list scanned = { 0 }, read = { 0 };
	bool moved = false;
	size_t n;

	(void)state;
	assert_int_equal(kpage_ctx_new(NULL, &ctx), 0);
	n = read_pfns(ctx, p, pfns);
	if (n && !kpage_file_open(ctx, KPAGE_SOURCE_FLAGS, &flags)) {
		assert_int_equal(owners_find(ctx, flags, pfns, n, &scanned), EXIT_OK);
		assert_int_equal(owners_find_by(ctx, flags, pfns, n,
						&(struct owner_search){ .read_all = CAN_READ_ALL },
						&read), EXIT_OK);
		/* The kernel may put a page elsewhere. */
		moved = read_pfns(ctx, p, now) != n || memcmp(now, pfns, n * sizeof(*pfns)) != 0;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	munmap(p, PAGES * kpage_page_size());
	kpage_ctx_free(ctx);
	if (!flags || moved) {
		owner_list_release(&scanned);
		owner_list_release(&read);
		kpage_file_free(flags);
		skip();	/* PFNs are hidden here, or not the same any more */
	}
	assert_int_equal(n, PAGES / 5);
	check_both_have(&scanned, pfns, n, child);
	check_both_have(&read, pfns, n, child);
	for (size_t i = 0; i < read.n; i++)
		check_owner(&scanned, i, read.v[i].pfn, read.v[i].pid,
			    read.v[i].address / kpage_page_size());
	owner_list_release(&scanned);
	owner_list_release(&read);
	kpage_file_free(flags);
}

static void test_more_owners(void **state)
{
	struct target v[] = { { .pid = 17, .mapcount = 1 }, { .pid = 0, .mapcount = 0 } };
	struct target_list list = { .v = v, .n = 2 };

	(void)state;
	assert_false(targets_have_more_owners(&list));
	v[0].mapcount = 2;
	assert_true(targets_have_more_owners(&list));
	v[0].mapcount = 0;
	assert_false(targets_have_more_owners(&list));
	v[1].mapcount = 1;
	assert_true(targets_have_more_owners(&list));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_find),
		TREE_TEST(test_unreadable),
		TREE_TEST(test_none),
		TREE_TEST(test_threads),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_more_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
