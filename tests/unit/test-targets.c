// SPDX-License-Identifier: GPL-2.0-or-later
/* The collection of targets, on trees of copied files. */
#include "common/targets.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "fixture.h"
#include "messages.h"

#define PAGES 8192
#define HEAP 1024	/* where the mappings of process 17 are, in pages */
#define FILE_MAP 2048
#define HUGE_MAP 4096

/* Frames 100 … anonymous, 200 … of a file, 300 free, 512 … 1023 a hugetlb page, 1024 a
 * poisoned page, 1025 … an anonymous huge page of 4 as 6.1 shows it. */
static uint64_t kflags_of(uint64_t pfn)
{
	const uint64_t anon = KPAGE_BIT(ANON) | KPAGE_BIT(LRU) | KPAGE_BIT(MMAP) | KPAGE_BIT(SWAPBACKED);

	if (pfn >= 100 && pfn < 200)
		return anon | (pfn % 2 ? KPAGE_BIT(DIRTY) : 0);
	if (pfn >= 200 && pfn < 300)
		return KPAGE_BIT(LRU) | KPAGE_BIT(UPTODATE) | KPAGE_BIT(MMAP);
	if (pfn >= 512 && pfn < 1024)
		return KPAGE_BIT(HUGE) |
		       (pfn == 512 ? KPAGE_BIT(COMPOUND_HEAD) : KPAGE_BIT(COMPOUND_TAIL));
	if (pfn == 1024)
		return KPAGE_BIT(HWPOISON) | KPAGE_BIT(ANON);
	if (pfn == 1025)
		return anon | KPAGE_BIT(THP) | KPAGE_BIT(COMPOUND_HEAD);
	if (pfn > 1025 && pfn < 1029)
		return KPAGE_BIT(ANON) | KPAGE_BIT(MMAP) | KPAGE_BIT(THP) | KPAGE_BIT(COMPOUND_TAIL);
	return pfn == 300 ? KPAGE_BIT(BUDDY) : KPAGE_BIT(RESERVED);
}

static uint64_t cgroup_of(uint64_t pfn)
{
	return kflags_of(pfn) & KPAGE_BIT(COMPOUND_TAIL) ? 0 : pfn < 150 ? 51 : pfn < 200 ? 52 : 53;
}

static void map(struct fixture *fx, pid_t pid, uint64_t page, uint64_t n, const char *rest,
		const uint64_t *entries)
{
	char path[64], line[128];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	snprintf(line, sizeof(line), "%" PRIx64 "-%" PRIx64 " %s\n", page * kpage_page_size(),
		 (page + n) * kpage_page_size(), rest);
	fixture_append(fx, path, line);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fixture_put(fx, path, page, entries, n);
}

static void make_process(struct fixture *fx)
{
	const uint64_t heap[] = { entry_present(105), entry_present(104), 0, entry_swap(1, 103),
				  entry_present(150) | KPAGE_PM_MMAP_EXCLUSIVE,
				  entry_swap(26, 1024) };
	const uint64_t file[] = { entry_present(200), entry_present(201), entry_present(110) };
	uint64_t huge[516];

	for (uint64_t i = 0; i < ARRAY_SIZE(huge); i++)
		huge[i] = entry_present(i < 512 ? 512 + i : 1025 + i - 512);
	fixture_task(fx, 17);
	map(fx, 17, HEAP, ARRAY_SIZE(heap), "rw-p 00000000 00:00 0 [heap]", heap);
	map(fx, 17, FILE_MAP, ARRAY_SIZE(file), "r-xp 00000000 08:01 5 /bin/x", file);
	map(fx, 17, HUGE_MAP, 512, "rw-p 00000000 00:0f 6 /anon_hugepage (deleted)", huge);
	map(fx, 17, HUGE_MAP + 512, 4, "rw-p 00000000 00:00 0 ", huge + 512);
}

struct world {
	struct fixture *fx;
	struct target_sources src;
	struct selection s;
	struct target_list list;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	static uint64_t column[3][PAGES];

	if (!w || fixture_setup((void **)&w->fx))
		return -1;
	for (uint64_t i = 0; i < PAGES; i++) {
		column[0][i] = kflags_of(i);
		column[1][i] = i % 5;
		column[2][i] = cgroup_of(i);
	}
	fixture_put(w->fx, "/proc/kpageflags", 0, column[0], PAGES);
	fixture_put(w->fx, "/proc/kpagecount", 0, column[1], PAGES);
	fixture_put(w->fx, "/proc/kpagecgroup", 0, column[2], PAGES);
	make_process(w->fx);
	if (target_sources_open(&w->src, w->fx->ctx, true))
		return -1;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *fx = w->fx;

	target_list_release(&w->list);
	selection_release(&w->s);
	target_sources_close(&w->src);
	free(w);
	return fixture_teardown(&fx);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* "--name=value …", the long options of both tables, without popt. */
static void choose(struct world *w, const char *line)
{
	struct poptOption options[] = {
		{ NULL, 0, POPT_ARG_INCLUDE_TABLE, selection_options, 0, NULL, NULL },
		{ NULL, 0, POPT_ARG_INCLUDE_TABLE, narrowing_options, 0, NULL, NULL },
		{ NULL, 0, POPT_ARG_INCLUDE_TABLE, choice_options, 0, NULL, NULL },
		POPT_TABLEEND
	};
	const char *argv[16] = { "tool" };
	_cleanup_free_ char *copy = xstrdup(line);
	char *state = NULL;
	int argc = 1, val;
	poptContext popt;

	target_list_release(&w->list);
	selection_release(&w->s);
	for (char *arg = strtok_r(copy, " ", &state); arg; arg = strtok_r(NULL, " ", &state))
		argv[argc++] = arg;
	popt = poptGetContext("tool", argc, argv, options, 0);
	while ((val = poptGetNextOpt(popt)) > 0) {
		_cleanup_free_ char *arg = poptGetOptArg(popt);

		assert_int_equal(selection_option(&w->s, val, arg), EXIT_OK);
	}
	assert_int_equal(val, -1);
	poptFreeContext(popt);
	assert_int_equal(selection_resolve_tree(&w->s, w->fx->ctx), EXIT_OK);
}

static int collect(struct world *w, const char *line, size_t max)
{
	choose(w, line);
	return targets_collect(&w->s, w->fx->ctx, &w->src, NULL, 0, max, &w->list);
}

static void check_pfns(const struct world *w, const uint64_t *pfns, size_t n)
{
	for (size_t i = 0; i < MIN(n, w->list.n); i++)
		assert_int_equal(w->list.v[i].pfn, pfns[i]);
	assert_int_equal(w->list.n, n);
}

/* What is chosen, in this order. */
#define CHECK(w, line, ...)                                                               \
	do {                                                                              \
		const uint64_t wanted[] = { __VA_ARGS__ };                                 \
		assert_int_equal(collect(w, line, 100), EXIT_OK);                          \
		check_pfns(w, wanted, ARRAY_SIZE(wanted));                                 \
	} while (0)
#define CHECK_NONE(w, line)                                                               \
	do {                                                                              \
		assert_int_equal(collect(w, line, 100), EXIT_OK);                          \
		assert_int_equal((w)->list.n, 0);                                          \
	} while (0)

/* -------------------------------------------------------------------- processes */

static void check_target(const struct target *t, uint64_t page, const char *name,
			 enum page_kind kind)
{
	assert_int_equal(t->pid, 17);
	assert_true(t->has_address);
	assert_int_equal(t->address, page * kpage_page_size());
	if (name)
		assert_string_equal(t->name, name);
	else
		assert_null(t->name);
	assert_string_equal(page_kind_name(t->kind), page_kind_name(kind));
	assert_int_equal(t->kflags, kflags_of(t->pfn));
	assert_int_equal(t->mapcount, t->pfn % 5);
}

static void test_process(void **state)
{
	struct world *w = *state;
	const struct target *t;

	CHECK(w, "-p 17", 105, 104, 150, 1024, 200, 201, 110, 512, 1025, 1026, 1027, 1028);
	t = w->list.v;
	check_target(&t[0], HEAP, "[heap]", PAGE_ANON);
	check_target(&t[2], HEAP + 4, "[heap]", PAGE_ANON);
	check_target(&t[3], HEAP + 5, "[heap]", PAGE_ANON);
	assert_true(t[3].poisoned);
	assert_false(t[2].poisoned);
	check_target(&t[4], FILE_MAP, "/bin/x", PAGE_FILE);
	check_target(&t[6], FILE_MAP + 2, "/bin/x", PAGE_ANON);
	check_target(&t[7], HUGE_MAP, "/anon_hugepage (deleted)", PAGE_HUGETLB);
	check_target(&t[8], HUGE_MAP + 512, NULL, PAGE_THP);
	check_target(&t[11], HUGE_MAP + 515, NULL, PAGE_THP);
	assert_int_equal(t[11].head, 1025);
	assert_int_equal(t[0].head, 105);
	/* Equal names are one. */
	assert_ptr_equal(t[0].name, t[1].name);
	assert_int_equal(t[0].node, -1);
	assert_false(w->list.more || w->list.over);
}

static void test_vmas(void **state)
{
	struct world *w = *state;

	CHECK(w, "-p 17 --vma=heap", 105, 104, 150, 1024);
	CHECK(w, "-p 17 --vma=text", 200, 201, 110);
	CHECK(w, "-p 17 --vma=hugetlb", 512);
	CHECK(w, "-p 17 --vma=file", 200, 201, 110);
	CHECK(w, "-p 17 --vma=anon", 1025, 1026, 1027, 1028);
	CHECK(w, "-p 17 --vma=anon,heap --bits=dirty", 105);
	CHECK_NONE(w, "-p 17 --vma=stack");
	CHECK_NONE(w, "-p 17 --vma=[vdso]");
}

static void test_ranges(void **state)
{
	struct world *w = *state;
	char line[160];

	CHECK(w, "-p 17 --addr=1025,1029", 104, 150);
	CHECK(w, "-p 17 --addr=2049 --addr=1024", 201, 105);
	CHECK(w, "-p 17 --addr=1024,2050 --vma=text", 200, 201);
	CHECK(w, "-p 17 --addr=2049, --addr=1025 --vma=text,heap", 201, 110, 104);
	CHECK_NONE(w, "-p 17 --addr=1024,1024");
	CHECK_NONE(w, "-p 17 --addr=1024,1025 --vma=text");
	snprintf(line, sizeof(line), "-p 17 --vaddr=%#lx,%#lx+2", (long)(HEAP * kpage_page_size() + 5),
		 (long)((FILE_MAP + 1) * kpage_page_size() - 1));
	CHECK(w, line, 105, 200, 201);
}

/* The part that is addressed is the target, and the only one. */
static void test_hugetlb_parts(void **state)
{
	struct world *w = *state;
	char line[96];

	snprintf(line, sizeof(line), "-p 17 --addr=%d,%d", HUGE_MAP + 7, HUGE_MAP + 20);
	CHECK(w, line, 519);
	assert_int_equal(w->list.v[0].head, 512);
	snprintf(line, sizeof(line), "-p 17 --addr=%d --addr=%d", HUGE_MAP + 7, HUGE_MAP);
	CHECK(w, line, 519);
	CHECK(w, "--pfn=600-700,512", 600);
	/* Of a transparent huge page each page is its own. */
	CHECK(w, "--pfn=1026-1027", 1026, 1027);
	assert_int_equal(w->list.v[1].head, 1025);
}

/* Before 6.12 only the first page of a poisoned hugetlb page shows it. */
static void test_poisoned_hugetlb(void **state)
{
	const uint64_t head = kflags_of(512) | KPAGE_BIT(HWPOISON);
	struct world *w = *state;

	fixture_put(w->fx, "/proc/kpageflags", 512, &head, 1);
	CHECK(w, "--pfn=600", 600);
	assert_true(w->list.v[0].poisoned);
}

static void test_shared(void **state)
{
	const uint64_t entries[] = { entry_present(104), entry_present(120), entry_present(104) };
	struct world *w = *state;

	fixture_task(w->fx, 18);
	map(w->fx, 18, 5000, ARRAY_SIZE(entries), "rw-p 00000000 00:00 0", entries);
	CHECK(w, "-p 17,18 --vma=heap,anon --bits=~dirty,anon,~thp,~hwpoison", 104, 150, 120);
	assert_int_equal(w->list.v[0].pid, 17);
	assert_int_equal(w->list.v[2].pid, 18);
	CHECK(w, "-p 18,17 --vma=heap,anon --bits=~dirty,anon,~thp,~hwpoison", 104, 120, 150);
	assert_int_equal(w->list.v[0].pid, 18);
	assert_int_equal(w->list.v[0].address, 5000 * kpage_page_size());
}

static void test_command(void **state)
{
	const uint64_t entry = entry_present(120);
	const pid_t extra[] = { 18, 17 };
	struct world *w = *state;

	fixture_task(w->fx, 18);
	map(w->fx, 18, 5000, 1, "rw-p 00000000 00:00 0", &entry);
	choose(w, "--vma=heap,anon --bits=~dirty,anon,~thp,~hwpoison");
	assert_int_equal(targets_collect(&w->s, w->fx->ctx, &w->src, extra, 2, 100, &w->list), EXIT_OK);
	check_pfns(w, (const uint64_t[]){ 120, 104, 150 }, 3);
}

static void test_tree(void **state)
{
	const uint64_t entry = entry_present(120);
	struct world *w = *state;

	fixture_task(w->fx, 18);
	map(w->fx, 18, 5000, 1, "rw-p 00000000 00:00 0", &entry);
	fixture_text(w->fx, "/proc/18/status",
		     "Name:\tx\nState:\tS\nTgid:\t18\nPPid:\t17\nVmSize:\t 4 kB\n");
	/* A child that has no memory any more is passed over: nobody named it. */
	fixture_text(w->fx, "/proc/19/status", "Name:\tx\nState:\tZ\nTgid:\t19\nPPid:\t18\n");
	CHECK(w, "-p 17 --vma=heap,anon --tree --bits=~dirty,anon,~thp,~hwpoison", 104, 150, 120);
	assert_int_equal(w->list.v[2].pid, 18);
}

/* ---------------------------------------------------------------- other conditions */

static void test_narrowing(void **state)
{
	struct world *w = *state;

	CHECK(w, "-p 17 --pfn=100-149,1026", 105, 104, 110, 1026);
	CHECK(w, "-p 17 --pfn=200,200-201,150", 150, 200, 201);
	CHECK(w, "--pfn=150,100-103 --addr=102,160", 150, 102, 103);
	CHECK(w, "--addr=298,302 --bits=buddy", 300);
	CHECK_NONE(w, "-p 17 --pfn=300");
}

static void test_pfns(void **state)
{
	struct world *w = *state;
	const struct target *t;

	CHECK(w, "--pfn=300,100-102,101", 300, 100, 101, 102);
	t = w->list.v;
	assert_int_equal(t[0].kind, PAGE_FREE);
	assert_int_equal(t[0].pid, 0);
	assert_false(t[0].has_address);
	assert_null(t[0].name);
	assert_int_equal(t[1].cgroup, 51);
	CHECK(w, "--bits=buddy", 300);
	CHECK(w, "--bits=hwpoison", 1024);
	/* A flag that only the raw view has. */
	CHECK(w, "--bits=reserved --addr=298,302", 301);
}

static void test_cgroup(void **state)
{
	struct world *w = *state;

	/* Process 17 is partly in 51, partly in 53; the tails are their head's. */
	CHECK(w, "-p 17 --cgroup=@51", 105, 104, 110);
	CHECK(w, "-p 17 --cgroup=@53 --vma=anon,file", 200, 201, 1025, 1026, 1027, 1028);
	assert_int_equal(w->list.v[5].cgroup, 53);
	CHECK(w, "-p 17 --cgroup=@52", 150);
	CHECK_NONE(w, "--cgroup=@54");
}

static void test_without_cgroups(void **state)
{
	struct world *w = *state;
	struct target_sources src;
	char said[MESSAGES_SIZE];

	fixture_remove(w->fx, "/proc/kpagecgroup");
	assert_int_equal(target_sources_open(&src, w->fx->ctx, false), EXIT_OK);
	assert_null(src.cgroup);
	target_sources_close(&w->src);
	w->src = src;
	CHECK(w, "-p 17 --vma=anon", 1025, 1026, 1027, 1028);
	assert_int_equal(w->list.v[1].cgroup, 0);
	assert_int_equal(HEAR(said, target_sources_open(&src, w->fx->ctx, true)), EXIT_CANNOT);
	assert_string_equal(said, "test-targets: /proc/kpagecgroup: not there (a kernel without "
				  "CONFIG_MEMCG, or a container's /proc)\n");
	assert_null(src.flags);
}

static void test_nodes(void **state)
{
	struct world *w = *state;
	char said[MESSAGES_SIZE], size[32];

	assert_int_equal(HEAR(said, collect(w, "--node=0", 100)), EXIT_CANNOT);
	assert_string_equal(said, "test-targets: --node: /sys/devices/system/node: not there (sysfs is "
				  "not mounted)\n");
	fixture_text(w->fx, "/sys/devices/system/cpu/present", "0\n");
	assert_int_equal(HEAR(said, collect(w, "--node=0", 100)), EXIT_CANNOT);
	assert_string_equal(said, "test-targets: --node: /sys/devices/system/node: not there (the kernel "
				  "was built without NUMA)\n");
	snprintf(size, sizeof(size), "%" PRIx64 "\n", 128 * kpage_page_size());
	fixture_text(w->fx, "/sys/devices/system/memory/block_size_bytes", size);
	fixture_symlink(w->fx, "x", "/sys/devices/system/node/node0/memory0");
	fixture_symlink(w->fx, "x", "/sys/devices/system/node/node2/memory1");
	CHECK(w, "-p 17 --node=0", 105, 104, 110);
	assert_int_equal(w->list.v[0].node, 0);
	CHECK(w, "-p 17 --node=2,0", 105, 104, 150, 200, 201, 110);
	assert_int_equal(w->list.v[2].node, 2);
	CHECK(w, "--pfn=256", 256);
	assert_int_equal(w->list.v[0].node, -1);
	assert_int_equal(HEAR(said, collect(w, "--node=0,1", 100)), EXIT_FAILED);
	assert_string_equal(said, "test-targets: --node: 1: no such node\n");
}

/* ------------------------------------------------------------- how many, which of them */

static void test_count(void **state)
{
	struct world *w = *state;

	CHECK(w, "-p 17 --count=2", 105, 104);
	assert_true(w->list.more);
	CHECK(w, "-p 17 --vma=heap --count=4", 105, 104, 150, 1024);
	assert_false(w->list.more || w->list.over);
	CHECK(w, "-p 17 --vma=heap --count=5", 105, 104, 150, 1024);
	CHECK(w, "--addr=100, --count=2", 100, 101);
	assert_true(w->list.more);
}

static void test_max(void **state)
{
	struct world *w = *state;

	assert_int_equal(collect(w, "-p 17 --vma=heap", 4), EXIT_OK);
	assert_int_equal(w->list.n, 4);
	assert_false(w->list.over);
	assert_int_equal(collect(w, "-p 17 --vma=heap", 3), EXIT_OK);
	assert_int_equal(w->list.n, 3);
	assert_true(w->list.over);
	assert_false(w->list.more);
	assert_int_equal(collect(w, "--count=5", 3), EXIT_OK);
	assert_int_equal(w->list.n, 3);
	assert_true(w->list.over);
	assert_int_equal(collect(w, "--random", 3), EXIT_OK);
	assert_int_equal(w->list.n, 3);
	assert_true(w->list.over);
	assert_int_equal(collect(w, "-p 17 --vma=heap --random --count=5", 3), EXIT_OK);
	assert_true(w->list.over);
	assert_int_equal(collect(w, "-p 17 --vma=heap --random --count=3", 3), EXIT_OK);
	assert_true(w->list.more);
	assert_false(w->list.over);
}

static void test_random(void **state)
{
	struct world *w = *state;
	uint64_t first[8], all = 0;

	assert_int_equal(collect(w, "--random --seed=5 --count=8", 100), EXIT_OK);
	assert_int_equal(w->list.n, 8);
	assert_true(w->list.more);
	for (size_t i = 0; i < 8; i++)
		first[i] = w->list.v[i].pfn;
	/* The same again, whatever the threads do; fewer are its beginning. */
	for (int round = 0; round < 20; round++) {
		assert_int_equal(collect(w, "--random --seed=5 --count=8", 100), EXIT_OK);
		check_pfns(w, first, 8);
	}
	assert_int_equal(collect(w, "--random --seed=5 --count=3", 100), EXIT_OK);
	check_pfns(w, first, 3);
	assert_int_equal(collect(w, "--random --seed=6 --count=8", 100), EXIT_OK);
	assert_int_not_equal(w->list.v[0].pfn, first[0]);
	/* All of them, in another order. */
	assert_int_equal(collect(w, "--random --seed=5 --pfn=100-109", 100), EXIT_OK);
	assert_int_equal(w->list.n, 10);
	for (size_t i = 0; i < 10; i++)
		all |= UINT64_C(1) << (w->list.v[i].pfn - 100);
	assert_int_equal(all, 0x3ff);
	assert_int_not_equal(w->list.v[0].pfn, 100);
}

/* ----------------------------------------------------------------------- failures */

static void check_failure(struct world *w, const char *line, const char *message)
{
	char said[MESSAGES_SIZE], wanted[MESSAGES_SIZE];

	assert_int_equal(HEAR(said, collect(w, line, 100)), EXIT_FAILED);
	snprintf(wanted, sizeof(wanted), "test-targets: %s\n", message);
	assert_string_equal(said, wanted);
}

static void test_failures(void **state)
{
	struct world *w = *state;
	char said[MESSAGES_SIZE];
	const pid_t extra = 99;

	fixture_text(w->fx, "/proc/2/status", "Name:\tkthreadd\nState:\tS\nTgid:\t2\n");
	fixture_text(w->fx, "/proc/2/maps", "");
	check_failure(w, "-p 99", "--pid: 99: no such process: it has ended, or /proc hides it (hidepid)");
	check_failure(w, "-p 2 --vma=heap", "--pid: 2: a kernel thread: it has no memory of its own");
	check_failure(w, "--pfn=100,9000", "--pfn: page 0x2328: /proc/kpageflags ends at page 0x2000");
	check_failure(w, "--phys=0x100000000", "--phys: page 0x100000: /proc/kpageflags ends at page 0x2000");
	check_failure(w, "--addr=9000", "--addr: page 0x2328: /proc/kpageflags ends at page 0x2000");
	/* What the others have is found all the same. */
	check_failure(w, "-p 99,17 --vma=heap",
		      "--pid: 99: no such process: it has ended, or /proc hides it (hidepid)");
	assert_int_equal(w->list.n, 4);
	choose(w, "");
	assert_int_equal(HEAR(said, targets_collect(&w->s, w->fx->ctx, &w->src, &extra, 1, 100, &w->list)),
			 EXIT_FAILED);
	assert_non_null(strstr(said, "COMMAND: 99: no such process"));
}

static void test_hidden(void **state)
{
	const uint64_t entries[] = { KPAGE_PM_PRESENT, KPAGE_PM_PRESENT };
	struct world *w = *state;
	char said[MESSAGES_SIZE];

	fixture_task(w->fx, 18);
	map(w->fx, 18, 5000, ARRAY_SIZE(entries), "rw-p 00000000 00:00 0", entries);
	assert_int_equal(HEAR(said, collect(w, "-p 18", 100)), EXIT_NOPERM);
	assert_non_null(strstr(said, "--pid: 18: the kernel hides PFNs from this caller"));
}

static void test_still_chosen(void **state)
{
	const uint64_t other = KPAGE_BIT(SLAB);
	struct world *w = *state;
	uint64_t kflags = 0;

	CHECK(w, "--pfn=1027 --bits=thp --cgroup=@53", 1027);
	assert_true(target_is_still_chosen(&w->s, &w->src, &w->list.v[0], &kflags));
	assert_int_equal(kflags, kflags_of(1027));
	/* By a flag that only the page table has. */
	assert_int_equal(collect(w, "-p 17 --vma=heap --bits=mmap_exclusive", 100), EXIT_OK);
	check_pfns(w, (const uint64_t[]){ 150 }, 1);
	assert_true(target_is_still_chosen(&w->s, &w->src, &w->list.v[0], &kflags));
	CHECK(w, "--pfn=1027 --bits=thp --cgroup=@53", 1027);
	fixture_put(w->fx, "/proc/kpageflags", 1027, &other, 1);
	assert_false(target_is_still_chosen(&w->s, &w->src, &w->list.v[0], &kflags));
	assert_int_equal(kflags, other);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WORLD_TEST(test_process),
		WORLD_TEST(test_vmas),
		WORLD_TEST(test_ranges),
		WORLD_TEST(test_hugetlb_parts),
		WORLD_TEST(test_poisoned_hugetlb),
		WORLD_TEST(test_shared),
		WORLD_TEST(test_command),
		WORLD_TEST(test_tree),
		WORLD_TEST(test_narrowing),
		WORLD_TEST(test_pfns),
		WORLD_TEST(test_cgroup),
		WORLD_TEST(test_without_cgroups),
		WORLD_TEST(test_nodes),
		WORLD_TEST(test_count),
		WORLD_TEST(test_max),
		WORLD_TEST(test_random),
		WORLD_TEST(test_failures),
		WORLD_TEST(test_hidden),
		WORLD_TEST(test_still_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
