// SPDX-License-Identifier: GPL-2.0-or-later
/* By what the pages of a map are told apart. */
#include "page-map/scheme.h"

#include <ctype.h>
#include <string.h>

#include "map.h"

#define BIT KPAGE_BIT
#define NODES "/sys/devices/system/node"

/* The class of a page by a scheme, by its name. */
static const char *class_of(const char *scheme, struct scheme_state *state, const struct page_info *p)
{
	const struct scheme *s = scheme_find(scheme);

	assert_non_null(s);
	return scheme_class_name(s, state, scheme_classify(s, state, p));
}

/* ------------------------------------------------------------------------ the table */

static void test_letters(void **state)
{
	size_t n;
	const struct scheme *table = scheme_table(&n);

	(void)state;
	assert_int_equal(n, 7);
	for (size_t i = 0; i < n; i++) {
		const struct page_class *c = table[i].classes;

		assert_true(table[i].nr_classes <= MAX_CLASSES);
		for (unsigned int k = 0; k < table[i].nr_classes; k++) {
			/* That of poison, and of what the filter leaves out. */
			assert_true(c[k].letter > ' ' && toupper(c[k].letter) != 'X' && c[k].letter != '\'');
			for (unsigned int other = 0; other < k; other++)
				assert_int_not_equal(toupper(c[k].letter), toupper(c[other].letter));
		}
	}
}

static void test_find(void **state)
{
	size_t n;
	const struct scheme *table = scheme_table(&n), *s = table;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(scheme_find(table[i].name), &table[i]);
		assert_ptr_equal(s, &table[i]);
		s = scheme_next(s);
	}
	assert_ptr_equal(s, table);
	assert_null(scheme_find("kin"));
	assert_null(scheme_find(""));
}

/* ---------------------------------------------------------------- each of its classes */

struct sample {
	struct page_info page;
	const char *name;
};

/* Each sample is of its class, and each class has a sample. */
static void check(const char *scheme, struct scheme_state *state, const struct sample *samples, size_t n)
{
	const struct page_info absent = { .state = PAGE_STATE_ABSENT };
	const struct page_info swapped = { .state = PAGE_STATE_SWAPPED, .kflags = BIT(ANON) };
	const struct scheme *s = scheme_find(scheme);
	bool seen[MAX_CLASSES] = { [CLASS_ABSENT] = true, [CLASS_SWAPPED] = true };

	assert_non_null(s);
	assert_string_equal(class_of(scheme, state, &absent), "not populated");
	assert_string_equal(class_of(scheme, state, &swapped), "swapped");
	for (size_t i = 0; i < n; i++) {
		struct page_info p = samples[i].page;

		p.state = PAGE_STATE_PAGE;
		if (!p.head_kflags)
			p.head_kflags = p.kflags;
		assert_string_equal(class_of(scheme, state, &p), samples[i].name);
		seen[scheme_classify(s, state, &p)] = true;
	}
	for (unsigned int c = 0; c < s->nr_classes; c++)
		if (!seen[c])
			fail_msg("%s: no page is of the class %u", scheme, c);
}

#define KFLAGS(flags) { .kflags = (flags) }
#define USER (BIT(LRU) | BIT(MMAP) | BIT(UPTODATE))

static void test_kind(void **state)
{
	static const struct sample samples[] = {
		{ KFLAGS(USER | BIT(ANON) | BIT(SWAPBACKED)), "anon" },
		{ KFLAGS(USER | BIT(ANON) | BIT(THP)), "thp" },
		{ { .kflags = BIT(COMPOUND_TAIL),
		    .head_kflags = USER | BIT(ANON) | BIT(THP) | BIT(COMPOUND_HEAD) }, "thp" },
		{ KFLAGS(BIT(HUGE) | BIT(MMAP)), "hugetlb" },
		{ KFLAGS(USER | BIT(ANON) | BIT(KSM)), "ksm" },
		{ KFLAGS(USER | BIT(SWAPBACKED)), "shm" },
		{ KFLAGS(USER), "file" },
		{ KFLAGS(USER | BIT(ANON) | BIT(SWAPCACHE)), "swapcache" },
		{ KFLAGS(BIT(BUDDY)), "free" },
		{ KFLAGS(BIT(SLAB)), "slab" },
		{ KFLAGS(BIT(PGTABLE)), "pgtable" },
		{ KFLAGS(BIT(RESERVED)), "reserved" },
		{ KFLAGS(BIT(OFFLINE)), "offline" },
		{ KFLAGS(BIT(NOPAGE)), "offline" },
		{ KFLAGS(BIT(ZERO_PAGE)), "zero" },
		{ { .kflags = BIT(RESERVED), .vma_name = "[vdso]" }, "vdso" },
		{ KFLAGS(BIT(MMAP)), "driver" },
		{ KFLAGS(0), "other" },
	};
	const struct machine machine = { 0 };
	struct scheme_state classes = { .machine = &machine };

	(void)state;
	check("kind", &classes, samples, ARRAY_SIZE(samples));
}

static void test_age(void **state)
{
	static const struct sample samples[] = {
		{ KFLAGS(BIT(LRU) | BIT(ACTIVE) | BIT(REFERENCED)), "active, referenced" },
		{ KFLAGS(BIT(LRU) | BIT(ACTIVE)), "active" },
		{ KFLAGS(BIT(LRU) | BIT(REFERENCED)), "inactive, referenced" },
		{ KFLAGS(BIT(LRU)), "inactive" },
		{ KFLAGS(BIT(LRU) | BIT(ACTIVE) | BIT(IDLE)), "idle" },
		{ KFLAGS(BIT(LRU) | BIT(UNEVICTABLE)), "unevictable" },
		{ KFLAGS(BIT(BUDDY)), "free" },
		{ KFLAGS(BIT(SLAB)), "on no LRU list" },
		/* A tail is where its head is. */
		{ { .kflags = BIT(COMPOUND_TAIL), .head_kflags = BIT(LRU) | BIT(ACTIVE) }, "active" },
	};
	struct scheme_state classes = { 0 };

	(void)state;
	check("age", &classes, samples, ARRAY_SIZE(samples));
}

static void test_order(void **state)
{
	struct sample samples[14] = {
		{ { .kflags = BIT(BUDDY) }, "free" },
		{ { .order = 25 }, "larger" },
	};
	char names[12][16];
	struct scheme_state classes = { 0 };

	(void)state;
	for (unsigned int order = 0; order < 11; order++) {
		snprintf(names[order], sizeof(names[order]), "order %u", order);
		samples[order + 2] = (struct sample){ { .order = order }, names[order] };
	}
	samples[13] = (struct sample){ { .order = 11 }, "larger" };
	check("order", &classes, samples, ARRAY_SIZE(samples));
}

static void test_mapcount(void **state)
{
	static const struct sample samples[] = {
		{ { .mapcount = 0 }, "not mapped" },	 { { .mapcount = 1 }, "once" },
		{ { .mapcount = 2 }, "twice" },		 { { .mapcount = 3 }, "3 to 4 times" },
		{ { .mapcount = 4 }, "3 to 4 times" },	 { { .mapcount = 5 }, "5 to 8 times" },
		{ { .mapcount = 8 }, "5 to 8 times" },	 { { .mapcount = 9 }, "9 to 32 times" },
		{ { .mapcount = 32 }, "9 to 32 times" }, { { .mapcount = 33 }, "more often" },
		{ { .mapcount = UINT64_MAX - 1 }, "more often" },
		{ { .mapcount = UINT64_MAX }, "not known" },
	};
	struct scheme_state classes = { 0 };

	(void)state;
	check("mapcount", &classes, samples, ARRAY_SIZE(samples));
}

static void test_dirty(void **state)
{
	static const struct sample samples[] = {
		{ { .kflags = USER | BIT(WRITEBACK) | BIT(DIRTY), .entry = KPAGE_PM_SOFT_DIRTY }, "writeback" },
		{ { .kflags = USER | BIT(DIRTY), .entry = KPAGE_PM_SOFT_DIRTY }, "soft-dirty" },
		{ KFLAGS(USER | BIT(DIRTY)), "dirty" },
		{ KFLAGS(USER), "clean" },
		{ KFLAGS(BIT(HUGE)), "clean" },
		{ KFLAGS(BIT(SLAB)), "no user page" },
		{ { .kflags = BIT(COMPOUND_TAIL), .head_kflags = USER | BIT(DIRTY) }, "dirty" },
	};
	struct scheme_state classes = { 0 };

	(void)state;
	check("dirty", &classes, samples, ARRAY_SIZE(samples));
}

/* One block of memory a node, from node 0 to 14; 15 and above have none. */
static void test_node(void **state)
{
	static char names[13][16];
	struct sample samples[16] = { { { .pfn = 0 }, "not known" } };
	struct map *map = *state;
	struct scheme_state classes = { .machine = &map->machine };
	uint64_t size = UINT64_C(0x8000000) / kpage_page_size();

	fixture_text(map->fx, "/sys/devices/system/memory/block_size_bytes", "8000000\n");
	for (unsigned int node = 0; node < 15; node++) {
		char path[128];

		snprintf(path, sizeof(path), NODES "/node%u/memory%u", node, node);
		fixture_mkdir(map->fx, path);
		if (node < ARRAY_SIZE(names))
			snprintf(names[node], sizeof(names[node]), "node %u", node);
		samples[node] = (struct sample){ { .pfn = node * size + 3 },
						 node < 13 ? names[node] : "node 13 and above" };
	}
	samples[15] = (struct sample){ { .pfn = 20 * size }, "not known" };
	map_put(map, 0, 0, 10);
	map_open(map);
	check("node", &classes, samples, ARRAY_SIZE(samples));
	/* Where nothing is known of nodes. */
	machine_close(&map->machine);
	assert_string_equal(class_of("node", &classes, &(struct page_info){ .state = PAGE_STATE_PAGE }),
			    "not known");
}

/* The first that are met have a class of their own, and keep it. */
static void test_cgroup(void **state)
{
	struct sample samples[18] = { { { .cgroup = 0 }, "charged to none" },
				      { { .cgroup = UINT64_MAX }, "not known" } };
	static char names[18][16];
	struct map *map = *state;
	struct scheme_state classes = { .machine = &map->machine };
	uint64_t ino;

	fixture_text(map->fx, "/proc/mounts", "none /sys/fs/cgroup cgroup2 rw 0 0\n");
	fixture_text(map->fx, "/sys/fs/cgroup/cgroup.controllers", "");
	fixture_text(map->fx, "/sys/fs/cgroup/cgroup.procs", "");
	fixture_text(map->fx, "/sys/fs/cgroup/memory.stat", "");
	fixture_text(map->fx, "/sys/fs/cgroup/mine/cgroup.controllers", "");
	fixture_text(map->fx, "/sys/fs/cgroup/mine/cgroup.type", "");
	fixture_text(map->fx, "/sys/fs/cgroup/mine/memory.stat", "");
	ino = fixture_ino(map->fx, "/sys/fs/cgroup/mine");
	map_put(map, 0, 0, 10);
	map_open(map);
	samples[2] = (struct sample){ { .cgroup = ino }, "/sys/fs/cgroup/mine" };
	for (unsigned int i = 3; i < ARRAY_SIZE(samples); i++) {
		/* No inode of this tree. */
		snprintf(names[i], sizeof(names[i]), "@%u", i);
		samples[i] = (struct sample){ { .cgroup = i }, i < 15 ? names[i] : "other cgroups" };
	}
	check("cgroup", &classes, samples, ARRAY_SIZE(samples));
	check("cgroup", &classes, samples, ARRAY_SIZE(samples));
	scheme_state_release(&classes);
	/* Anew, the first one is another. */
	assert_string_equal(class_of("cgroup", &classes,
				     &(struct page_info){ .state = PAGE_STATE_PAGE, .cgroup = 17 }),
			    "@17");
	scheme_state_release(&classes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_mapcount),
		cmocka_unit_test(test_dirty),
		MAP_TEST(test_node),
		MAP_TEST(test_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
