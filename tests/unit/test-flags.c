// SPDX-License-Identifier: GPL-2.0-or-later
/* Flags: the table, the two views, what is printed of them and what is read. */
#include "fixture.h"

#include <ctype.h>
#include <string.h>

#define BIT(name) KPAGE_BIT(name)
#define COMPOUND (BIT(COMPOUND_HEAD) | BIT(COMPOUND_TAIL))

/* Bits that no flag has. */
#define UNKNOWN (UINT64_C(1) << 27 | UINT64_C(1) << 46 | UINT64_C(1) << 60)

/* ---------------------------------------------------------------------- table */

static void test_table(void **state)
{
	size_t n = 0;
	const struct kpage_flag *table = kpage_flag_table(&n);

	(void)state;
	assert_true(n > 40);
	for (size_t i = 0; i < n; i++) {
		assert_true(table[i].bit < 64);
		assert_true(i == 0 || table[i - 1].bit < table[i].bit);
		assert_true(table[i].name[0] && islower(table[i].name[0]));
		assert_true(table[i].meaning[0] && table[i].since[0]);
		assert_true(strlen(table[i].name) < sizeof(((struct kpage_name_error *)0)->name));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(table[k].name, table[i].name);
	}
}

static void test_table_kinds(void **state)
{
	size_t n = 0;
	const struct kpage_flag *table = kpage_flag_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		bool well_known = table[i].kind == KPAGE_FLAG_WELL_KNOWN;

		assert_int_equal(well_known, table[i].bit < 32);
		if (table[i].kind == KPAGE_FLAG_RAW)
			assert_true(table[i].bit < 47);
		/* A letter stands for one well-known flag alone. */
		for (size_t k = 0; well_known && k < i; k++)
			assert_int_not_equal(table[k].letter, table[i].letter);
	}
}

/* ---------------------------------------------------------------------- views */

static const struct {
	uint64_t kflags, entry, expanded;
} expansions[] = {
	{ 0, 0, 0 },
	{ BIT(LRU), 0, BIT(LRU) },
	{ BIT(ANON) | BIT(OWNER_2), 0, BIT(ANON) | BIT(ANON_EXCLUSIVE) },
	{ BIT(OWNER_2), 0, BIT(OWNER_2) },
	{ BIT(SLAB) | BIT(ACTIVE), 0, BIT(SLAB) | BIT(SLUB_FROZEN) },
	{ BIT(LRU) | BIT(ACTIVE), 0, BIT(LRU) | BIT(ACTIVE) },
	{ BIT(SLAB) | BIT(ERROR), 0, BIT(SLAB) | BIT(SLUB_DEBUG) },
	{ BIT(ERROR), 0, BIT(ERROR) },
	{ BIT(RECLAIM), 0, BIT(READAHEAD) },
	{ BIT(RECLAIM) | BIT(WRITEBACK), 0, BIT(RECLAIM) | BIT(WRITEBACK) },
	{ BIT(LRU), KPAGE_PM_SOFT_DIRTY | KPAGE_PM_PRESENT, BIT(LRU) | BIT(SOFTDIRTY) },
	{ BIT(LRU), KPAGE_PM_FILE | KPAGE_PM_PRESENT, BIT(LRU) | BIT(FILE) },
	{ 0, KPAGE_PM_SWAP, BIT(SWAP) },
	{ BIT(MMAP), KPAGE_PM_MMAP_EXCLUSIVE | KPAGE_PM_PRESENT,
	  BIT(MMAP) | BIT(MMAP_EXCLUSIVE) },
	/* Neither the PFN nor "present" is a flag. */
	{ BIT(MMAP), KPAGE_PM_PRESENT | KPAGE_PM_PFN_MASK, BIT(MMAP) },
	/* What the kernel may say one day stays as it is. */
	{ UNKNOWN, 0, UNKNOWN },
};

static void test_expand(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expansions); i++)
		assert_int_equal(kpage_flags_expand(expansions[i].kflags, expansions[i].entry),
				 expansions[i].expanded);
}

static void test_well_known(void **state)
{
	(void)state;
	assert_int_equal(kpage_flags_well_known(0), 0);
	assert_int_equal(kpage_flags_well_known(BIT(LRU) | BIT(RESERVED) | BIT(ARCH_3)), BIT(LRU));
	assert_int_equal(kpage_flags_well_known(BIT(THP) | COMPOUND), BIT(THP));
	assert_int_equal(kpage_flags_well_known(BIT(HUGE) | BIT(COMPOUND_HEAD)),
			 BIT(HUGE) | BIT(COMPOUND_HEAD));
	assert_int_equal(kpage_flags_well_known(BIT(HUGE) | BIT(COMPOUND_TAIL)),
			 BIT(HUGE) | BIT(COMPOUND_TAIL));
	assert_int_equal(kpage_flags_well_known(UINT64_C(1) << 27 | UINT64_C(1) << 31),
			 UINT64_C(1) << 27 | UINT64_C(1) << 31);
}

/* ---------------------------------------------------------------- what is printed */

static void check_symbolic(uint64_t flags, const char *expected)
{
	char *buf = guarded_alloc(KPAGE_SYMBOLIC_SIZE);
	size_t n;

	memset(buf, '?', KPAGE_SYMBOLIC_SIZE);
	n = kpage_flags_symbolic(flags, buf);
	assert_string_equal(buf, expected);
	assert_int_equal(n, strlen(expected));
	guarded_free(buf, KPAGE_SYMBOLIC_SIZE);
}

static void test_symbolic(void **state)
{
	(void)state;
	check_symbolic(0, "___________________________________________");
	check_symbolic(BIT(REFERENCED) | BIT(UPTODATE) | BIT(LRU),
		       "__RU_l_____________________________________");
	check_symbolic(BIT(LOCKED) | BIT(HWPOISON) | BIT(MMAP_EXCLUSIVE),
		       "L__________________X______________________1");
}

static void test_symbolic_unknown(void **state)
{
	char buf[KPAGE_SYMBOLIC_SIZE];
	size_t n;

	(void)state;
	n = kpage_flags_symbolic(BIT(LOCKED) | UINT64_C(0x8000000), buf);
	assert_int_equal(n, strlen(buf));
	assert_int_equal(buf[0], 'L');
	assert_string_equal(strchr(buf, '+'), "+0x8000000");
	/* A flag without a column is not lost. */
	kpage_flags_symbolic(BIT(UNCACHED), buf);
	assert_string_equal(strchr(buf, '+'), "+0x8000000000");
	kpage_flags_symbolic(UNKNOWN, buf);
	assert_string_equal(strchr(buf, '+'), "+0x1000400008000000");
}

static void test_names(void **state)
{
	char buf[KPAGE_NAMES_SIZE];

	(void)state;
	assert_int_equal(kpage_flags_names(0, buf), 0);
	assert_string_equal(buf, "");
	assert_int_equal(kpage_flags_names(BIT(LRU), buf), 3);
	assert_string_equal(buf, "lru");
	assert_int_equal(kpage_flags_names(BIT(LOCKED) | BIT(MMAP_EXCLUSIVE), buf), 21);
	assert_string_equal(buf, "locked,mmap_exclusive");
	kpage_flags_names(UNKNOWN | BIT(DIRTY), buf);
	assert_string_equal(buf, "dirty,0x8000000,0x400000000000,0x1000000000000000");
}

/* Every bit by itself, each pair of neighbours, all, and all unknown ones: within the
 * buffers, and nothing is lost. */
static void check_buffers(uint64_t flags)
{
	char *symbolic = guarded_alloc(KPAGE_SYMBOLIC_SIZE);
	char *names = guarded_alloc(KPAGE_NAMES_SIZE);
	size_t n = kpage_flags_symbolic(flags, symbolic);
	uint64_t again = 0;

	assert_int_equal(n, strlen(symbolic));
	n = kpage_flags_names(flags, names);
	assert_int_equal(n, strlen(names));
	if (flags)
		assert_int_equal(kpage_flags_parse(names, &again, NULL), 0);
	assert_int_equal(again, flags);
	guarded_free(symbolic, KPAGE_SYMBOLIC_SIZE);
	guarded_free(names, KPAGE_NAMES_SIZE);
}

static void test_buffers(void **state)
{
	uint64_t known = 0;
	size_t n = 0;
	const struct kpage_flag *table = kpage_flag_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		known |= UINT64_C(1) << table[i].bit;
	for (unsigned int bit = 0; bit < 64; bit++)
		check_buffers(UINT64_C(1) << bit);
	for (unsigned int bit = 0; bit < 63; bit++)
		check_buffers(UINT64_C(3) << bit);
	check_buffers(0);
	check_buffers(known);
	check_buffers(~known);
	check_buffers(UINT64_MAX);
}

/* -------------------------------------------------------------------- names read */

static const struct {
	const char *text;
	uint64_t flags;
} good_names[] = {
	{ "lru", BIT(LRU) },
	{ "lru,dirty", BIT(LRU) | BIT(DIRTY) },
	{ "lru,lru", BIT(LRU) },
	/* unique among the well-known */
	{ "lo", BIT(LOCKED) },
	{ "hw", BIT(HWPOISON) },
	{ "anon", BIT(ANON) },
	{ "m", BIT(MMAP) },
	{ "idle", BIT(IDLE) },
	/* unique among all */
	{ "ml", BIT(MLOCKED) },
	{ "soft", BIT(SOFTDIRTY) },
	{ "mmap_", BIT(MMAP_EXCLUSIVE) },
	{ "slub_f", BIT(SLUB_FROZEN) },
	{ "rea", BIT(READAHEAD) },
	/* whole, though others begin with it */
	{ "mmap", BIT(MMAP) },
	{ "swap", BIT(SWAP) },
	{ "private", BIT(PRIVATE) },
	{ "arch", BIT(ARCH) },
	{ "owner_2", BIT(OWNER_2) },
	/* both compound bits */
	{ "compound", COMPOUND },
	{ "compou", COMPOUND },
	{ "com", COMPOUND },
	{ "compound_h", BIT(COMPOUND_HEAD) },
	{ "compound_tail", BIT(COMPOUND_TAIL) },
	{ "com,lru", COMPOUND | BIT(LRU) },
	/* numbers */
	{ "0x10", BIT(DIRTY) },
	{ "16", BIT(DIRTY) },
	{ "020", BIT(DIRTY) },
	{ "0", 0 },
	{ "lru,0x8000000", BIT(LRU) | UINT64_C(0x8000000) },
	{ "0xffffffffffffffff", UINT64_MAX },
	{ "18446744073709551615", UINT64_MAX },
};

static void test_parse(void **state)
{
	struct kpage_name_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good_names); i++) {
		uint64_t flags = ~good_names[i].flags;

		if (kpage_flags_parse(good_names[i].text, &flags, &err))
			fail_msg("\"%s\" is refused", good_names[i].text);
		assert_int_equal(flags, good_names[i].flags);
	}
}

static void test_parse_every_name(void **state)
{
	size_t n = 0;
	const struct kpage_flag *table = kpage_flag_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		uint64_t flags = 0;

		assert_int_equal(kpage_flags_parse(table[i].name, &flags, NULL), 0);
		assert_int_equal(flags, UINT64_C(1) << table[i].bit);
	}
}

static const struct {
	const char *text;
	int err;
	const char *name, *candidates;
} bad_names[] = {
	{ "", -EINVAL, "", "" },
	{ ",", -EINVAL, "", "" },
	{ "lru,", -EINVAL, "", "" },
	{ ",lru", -EINVAL, "", "" },
	{ "lru,,dirty", -EINVAL, "", "" },
	{ "nonsense", -EINVAL, "nonsense", "" },
	{ "lru,nonsense,dirty", -EINVAL, "nonsense", "" },
	{ "LRU", -EINVAL, "LRU", "" },
	{ "lrux", -EINVAL, "lrux", "" },
	{ " lru", -EINVAL, " lru", "" },
	{ "lru ", -EINVAL, "lru ", "" },
	{ "~lru", -EINVAL, "~lru", "" },
	{ "lru=dirty", -EINVAL, "lru=dirty", "" },
	{ "0x", -EINVAL, "0x", "" },
	{ "08", -EINVAL, "08", "" },
	{ "1x", -EINVAL, "1x", "" },
	{ "-1", -EINVAL, "-1", "" },
	{ "compoundx", -EINVAL, "compoundx", "" },
	{ "0x10000000000000000", -ERANGE, "0x10000000000000000", "" },
	{ "lru,18446744073709551616", -ERANGE, "18446744073709551616", "" },
	/* well-known flags only, where there are some */
	{ "l", -ENOTUNIQ, "l", "locked, lru" },
	{ "swa", -ENOTUNIQ, "swa", "swapcache, swapbacked" },
	{ "h", -ENOTUNIQ, "h", "huge, hwpoison" },
	{ "dirty,u", -ENOTUNIQ, "u", "uptodate, unevictable" },
	{ "co", -ENOTUNIQ, "co", "compound_head, compound_tail" },
	{ "compound_", -ENOTUNIQ, "compound_", "compound_head, compound_tail" },
	/* … or all */
	{ "slub", -ENOTUNIQ, "slub", "slub_frozen, slub_debug" },
	{ "ar", -ENOTUNIQ, "ar", "arch, arch_2, arch_3" },
	{ "priv", -ENOTUNIQ, "priv", "private, private_2" },
};

static void test_parse_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_names); i++) {
		struct kpage_name_error err = { "unset", "unset" };
		uint64_t flags = 42;

		assert_int_equal(kpage_flags_parse(bad_names[i].text, &flags, &err),
				 bad_names[i].err);
		assert_int_equal(flags, 42);
		assert_string_equal(err.name, bad_names[i].name);
		assert_string_equal(err.candidates, bad_names[i].candidates);
		assert_int_equal(kpage_flags_parse(bad_names[i].text, &flags, NULL),
				 bad_names[i].err);
	}
}

/* A name of any length is refused, and as much of it shown as there is room for. */
static void test_parse_long_name(void **state)
{
	struct kpage_name_error *err = guarded_alloc(sizeof(*err));
	char text[1001] = { 0 };
	uint64_t flags = 42;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(kpage_flags_parse(text, &flags, err), -EINVAL);
	assert_int_equal(strlen(err->name), sizeof(err->name) - 1);
	assert_string_equal(err->candidates, "");
	guarded_free(err, sizeof(*err));
}

/* Neither are numbers with many digits something else than numbers. */
static void test_parse_long_number(void **state)
{
	uint64_t flags = 42;

	(void)state;
	assert_int_equal(kpage_flags_parse("99999999999999999999999999999999999999999999", &flags,
					   NULL),
			 -ERANGE);
	assert_int_equal(flags, 42);
	assert_int_equal(kpage_flags_parse("lru,0x0000000000000000000000000000000000000010,active",
					   &flags, NULL),
			 0);
	assert_int_equal(flags, BIT(LRU) | BIT(DIRTY) | BIT(ACTIVE));
}

/* ------------------------------------------------------------------- expressions */

static const struct {
	const char *text;
	uint64_t flags;
	bool matches;
} cases[] = {
	/* any */
	{ "lru", BIT(LRU), true },
	{ "lru", BIT(LRU) | BIT(DIRTY), true },
	{ "lru", BIT(DIRTY), false },
	{ "lru", 0, false },
	{ "lru,dirty", BIT(DIRTY), true },
	{ "lru,dirty", BIT(LRU), true },
	{ "lru,dirty", BIT(ACTIVE), false },
	{ "compound", BIT(COMPOUND_TAIL), true },
	{ "0x10", BIT(DIRTY), true },
	{ "0", UINT64_MAX, false },
	/* a and not b */
	{ "lru,~dirty", BIT(LRU), true },
	{ "lru,~dirty", BIT(LRU) | BIT(ACTIVE), true },
	{ "lru,~dirty", BIT(LRU) | BIT(DIRTY), false },
	{ "lru,~dirty", 0, false },
	{ "~dirty,lru", BIT(LRU), true },
	{ "~dirty,lru", BIT(LRU) | BIT(DIRTY), false },
	{ "lru,active,~dirty", BIT(LRU), false },
	{ "lru,active,~dirty", BIT(LRU) | BIT(ACTIVE), true },
	{ "~dirty", 0, true },
	{ "~dirty", BIT(LRU), true },
	{ "~dirty", BIT(DIRTY), false },
	{ "~dirty,~lru", BIT(LRU), false },
	{ "~0x10", BIT(DIRTY), false },
	/* the same with mask and bits */
	{ "lru,dirty=lru", BIT(LRU), true },
	{ "lru,dirty=lru", BIT(LRU) | BIT(ACTIVE), true },
	{ "lru,dirty=lru", BIT(LRU) | BIT(DIRTY), false },
	{ "lru,dirty=lru", 0, false },
	{ "lru,dirty=lru,dirty", BIT(LRU) | BIT(DIRTY) | BIT(ACTIVE), true },
	{ "lru,dirty=lru,dirty", BIT(LRU), false },
	{ "lru,dirty=", 0, true },
	{ "lru,dirty=", BIT(ACTIVE), true },
	{ "lru,dirty=", BIT(DIRTY), false },
	{ "lru=0", BIT(DIRTY), true },
	/* exactly */
	{ "=lru,dirty", BIT(LRU) | BIT(DIRTY), true },
	{ "=lru,dirty", BIT(LRU), false },
	{ "=lru,dirty", BIT(LRU) | BIT(DIRTY) | BIT(ACTIVE), false },
	{ "=lru,dirty", BIT(LRU) | BIT(DIRTY) | UINT64_C(1) << 63, false },
	{ "=", 0, true },
	{ "=", BIT(LRU), false },
	{ "=0", 0, true },
};

static void test_expr(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kpage_expr expr = { 1, 2, true };

		assert_int_equal(kpage_expr_parse(cases[i].text, &expr, NULL), 0);
		if (kpage_expr_matches(&expr, cases[i].flags) != cases[i].matches)
			fail_msg("\"%s\" on %#llx: expected %d", cases[i].text,
				 (unsigned long long)cases[i].flags, cases[i].matches);
	}
}

static const struct {
	const char *text;
	int err;
	const char *name, *candidates;
} bad_exprs[] = {
	{ "", -EINVAL, "", "" },
	{ "~", -EINVAL, "", "" },
	{ "lru,~", -EINVAL, "", "" },
	{ "~~lru", -EINVAL, "~lru", "" },
	{ "nonsense", -EINVAL, "nonsense", "" },
	{ "lru=nonsense", -EINVAL, "nonsense", "" },
	{ "=nonsense", -EINVAL, "nonsense", "" },
	{ "nonsense=lru", -EINVAL, "nonsense", "" },
	{ "lru=dirty=active", -EINVAL, "dirty=active", "" },
	{ "==", -EINVAL, "=", "" },
	{ "~lru=dirty", -EINVAL, "~lru", "" },
	{ "lru=~dirty", -EINVAL, "~dirty", "" },
	{ "lru,=dirty", -EINVAL, "", "" },
	{ "lru=l", -ENOTUNIQ, "l", "locked, lru" },
	{ "~l", -ENOTUNIQ, "l", "locked, lru" },
	{ "=0x10000000000000000", -ERANGE, "0x10000000000000000", "" },
};

static void test_expr_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_exprs); i++) {
		struct kpage_name_error err = { "unset", "unset" };
		struct kpage_expr expr = { 1, 2, true };

		assert_int_equal(kpage_expr_parse(bad_exprs[i].text, &expr, &err),
				 bad_exprs[i].err);
		assert_int_equal(expr.mask, 1);
		assert_int_equal(expr.bits, 2);
		assert_true(expr.any);
		assert_string_equal(err.name, bad_exprs[i].name);
		assert_string_equal(err.candidates, bad_exprs[i].candidates);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_kinds),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_well_known),
		cmocka_unit_test(test_symbolic),
		cmocka_unit_test(test_symbolic_unknown),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_buffers),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_every_name),
		cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_parse_long_name),
		cmocka_unit_test(test_parse_long_number),
		cmocka_unit_test(test_expr),
		cmocka_unit_test(test_expr_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
