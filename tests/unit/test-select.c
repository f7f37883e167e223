// SPDX-License-Identifier: GPL-2.0-or-later
/* The selection options: what they take, and what they say of the rest. */
#include "common/select.h"

#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "messages.h"

#define MAX_ARGS 16

/* Parses a command line as a tool does: the arguments, separated by blanks. */
static int parse(struct selection *s, const char *line)
{
	struct poptOption options[] = {
		{ NULL, 0, POPT_ARG_INCLUDE_TABLE, selection_options, 0, NULL, NULL },
		{ NULL, 0, POPT_ARG_INCLUDE_TABLE, narrowing_options, 0, NULL, NULL },
		{ NULL, 0, POPT_ARG_INCLUDE_TABLE, choice_options, 0, NULL, NULL },
		POPT_TABLEEND
	};
	const char *argv[MAX_ARGS] = { "tool" };
	_cleanup_free_ char *copy = xstrdup(line);
	int argc = 1, val, status = EXIT_OK;
	char *state = NULL;
	poptContext popt;

	*s = (struct selection){ 0 };
	for (char *arg = strtok_r(copy, " ", &state); arg; arg = strtok_r(NULL, " ", &state))
		argv[argc++] = arg;
	popt = poptGetContext("tool", argc, argv, options, 0);
	while (!status && (val = poptGetNextOpt(popt)) > 0) {
		_cleanup_free_ char *arg = poptGetOptArg(popt);

		assert_true(is_selection_option(val));
		status = selection_option(s, val, arg);
	}
	assert_true(status || val == -1);
	poptFreeContext(popt);
	return status;
}

static struct selection parsed(const char *line)
{
	struct selection s;

	assert_int_equal(parse(&s, line), EXIT_OK);
	return s;
}

/* What is refused, with this message. */
static void check_bad(const char *line, const char *message)
{
	char said[MESSAGES_SIZE], wanted[MESSAGES_SIZE];
	struct selection s;

	assert_int_equal(HEAR(said, parse(&s, line)), EXIT_USAGE);
	selection_release(&s);
	snprintf(wanted, sizeof(wanted), "test-select: %s\n", message);
	assert_string_equal(said, wanted);
}

static void check_range(const struct kpage_range *range, uint64_t start, uint64_t end)
{
	assert_int_equal(range->start, start);
	assert_int_equal(range->end, end);
}

/* -------------------------------------------------------------------- addresses */

static void test_vaddr(void **state)
{
	const uint64_t size = kpage_page_size();
	struct selection s;
	char line[160];

	(void)state;
	snprintf(line, sizeof(line), "--vaddr=%#lx,%#lx+%#lx --vaddr %#lx-%#lx -a 3", (long)(5 * size + 17),
		 (long)(10 * size - 1), (long)(size + 2), (long)(20 * size), (long)(22 * size));
	s = parsed(line);
	assert_true(s.has_ranges && s.has_vaddr);
	assert_int_equal(s.nr_ranges, 4);
	check_range(&s.ranges[0], 5, 6);
	check_range(&s.ranges[1], 9, 12);
	check_range(&s.ranges[2], 20, 22);
	check_range(&s.ranges[3], 3, 4);
	selection_release(&s);
	/* Named twice, walked once. */
	snprintf(line, sizeof(line), "-a 5,7 --vaddr=%#lx+%#lx", (long)(6 * size), (long)(2 * size));
	s = parsed(line);
	assert_int_equal(s.nr_ranges, 2);
	check_range(&s.ranges[1], 7, 8);
	selection_release(&s);
}

static void test_bad_vaddr(void **state)
{
	static const char *const bad[] = { "",	  "x",	  "0x10+",	 "0x10-",     "+5",
					   "-5",  "10+0", "0x20-0x10",	 "0x10-0x10", "7f00-7fff",
					   "1-2-3" };
	char line[64], message[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "--vaddr=%s", bad[i]);
		snprintf(message, sizeof(message),
			 "--vaddr: %s: not an address, ADDR+LEN or ADDR-END (0x… for hex)", bad[i]);
		if (bad[i][0])
			check_bad(line, message);
	}
	check_bad("--vaddr=1,,2", "--vaddr: : not an address, ADDR+LEN or ADDR-END (0x… for hex)");
	check_bad("--vaddr=0x10000000000000000", "--vaddr: 0x10000000000000000: out of range");
	check_bad("--vaddr=16+0xffffffffffffffff", "--vaddr: 16+0xffffffffffffffff: out of range");
}

/* ------------------------------------------------------------------------- PFNs */

static void test_pfn(void **state)
{
	struct selection s = parsed("--pfn=0x10,17-0x14,5+3 --pfn 7,9");

	(void)state;
	assert_true(s.has_pfns);
	assert_string_equal(s.pfns_option, "--pfn");
	assert_int_equal(s.nr_pfns, 4);
	check_range(&s.pfns[0], 16, 21);	/* next to each other: one */
	check_range(&s.pfns[1], 5, 8);
	check_range(&s.pfns[2], 7, 8);
	check_range(&s.pfns[3], 9, 10);
	assert_false(selection_is_empty(&s));
	selection_release(&s);
	check_bad("--pfn=5-3", "--pfn: 5-3: not a PFN, PFN-LAST or PFN+N (0x… for hex)");
	check_bad("--pfn=1f00", "--pfn: 1f00: not a PFN, PFN-LAST or PFN+N (0x… for hex)");
	check_bad("--pfn=5+0", "--pfn: 5+0: not a PFN, PFN-LAST or PFN+N (0x… for hex)");
	check_bad("--pfn=0xffffffffffffffff", "--pfn: 0xffffffffffffffff: out of range");
	check_bad("--pfn=1,-", "--pfn: -: not a PFN, PFN-LAST or PFN+N (0x… for hex)");
}

static void test_phys(void **state)
{
	const uint64_t size = kpage_page_size();
	struct selection s;
	char line[96];

	(void)state;
	snprintf(line, sizeof(line), "--phys=%#lx,%#lx", (long)(100 * size + 5), (long)(7 * size - 1));
	s = parsed(line);
	assert_string_equal(s.pfns_option, "--phys");
	assert_int_equal(s.nr_pfns, 2);
	check_range(&s.pfns[0], 100, 101);
	check_range(&s.pfns[1], 6, 7);
	selection_release(&s);
	check_bad("--phys=abc", "--phys: abc: not an address (0x… for hex)");
	check_bad("--phys=0x10000000000000000", "--phys: 0x10000000000000000: out of range");
}

/* stdin, as it is given. */
static int parse_stdin(struct selection *s, struct fixture *fx, const char *text)
{
	fixture_text(fx, "/stdin", text);
	assert_non_null(freopen(fixture_path(fx, "/stdin"), "re", stdin));
	return parse(s, "--pfn=-");
}

static void test_pfn_stdin(void **state)
{
	char said[MESSAGES_SIZE];
	struct selection s;

	assert_int_equal(parse_stdin(&s, *state, "0x10 17\t18\n\n20+2,30-31,,\r\n40"), EXIT_OK);
	assert_int_equal(s.nr_pfns, 4);
	check_range(&s.pfns[0], 16, 19);
	check_range(&s.pfns[1], 20, 22);
	check_range(&s.pfns[2], 30, 32);
	check_range(&s.pfns[3], 40, 41);
	selection_release(&s);
	assert_int_equal(parse_stdin(&s, *state, ""), EXIT_OK);
	assert_true(s.has_pfns);
	assert_int_equal(s.nr_pfns, 0);
	assert_false(selection_is_empty(&s));
	selection_release(&s);
	assert_int_equal(HEAR(said, parse_stdin(&s, *state, "1 2 x 3")), EXIT_USAGE);
	assert_string_equal(said, "test-select: --pfn: x: not a PFN, PFN-LAST or PFN+N (0x… for hex)\n");
	selection_release(&s);
}

static void test_pfn_stdin_many(void **state)
{
	const size_t n = 100000;
	char *text = xcalloc(n, 8), *p = text;
	struct selection s;

	for (size_t i = 0; i < n; i++)
		p += sprintf(p, "%zu\n", 2 * i);
	assert_int_equal(parse_stdin(&s, *state, text), EXIT_OK);
	assert_int_equal(s.nr_pfns, n);
	check_range(&s.pfns[n - 1], 2 * n - 2, 2 * n - 1);
	selection_release(&s);
	free(text);
}

/* ----------------------------------------------------------------------- others */

static void test_vma(void **state)
{
	struct selection s = parsed("--vma=heap,file:*.so* --vma [vdso]");

	(void)state;
	assert_int_equal(s.nr_vmas, 3);
	assert_int_equal(s.vmas[0].want, VMA_HEAP);
	assert_int_equal(s.vmas[1].want, VMA_FILE);
	assert_string_equal(s.vmas[1].pattern, "*.so*");
	assert_int_equal(s.vmas[2].want, VMA_NAME);
	selection_release(&s);
	check_bad("--vma=heap,x", "--vma: x: neither heap, stack, anon, shm, file, file:GLOB, hugetlb or "
				  "text, nor a name as in /proc/PID/maps ([…] or /…)");
}

static void test_numbers(void **state)
{
	struct selection s = parsed("--node=0,3 --node 1 --count=5 --random --seed 0 --tree -p 5");

	(void)state;
	assert_int_equal(s.nr_nodes, 3);
	assert_int_equal(s.nodes[1], 3);
	assert_int_equal(s.count, 5);
	assert_true(s.random && s.has_seed && s.tree);
	assert_int_equal(s.seed, 0);
	selection_release(&s);
	s = parsed("--random --seed=0x1fffffffffffff");
	assert_int_equal(s.seed, 0x1fffffffffffff);
	selection_release(&s);
	check_bad("--node=x", "--node: x: not a node number");
	check_bad("--node=0x80000000", "--node: 0x80000000: not a node number");
	check_bad("--node=1,", "--node: : not a node number");
	check_bad("--count=0", "--count: 0: not a number from 1 on");
	check_bad("--count=-1", "--count: -1: not a number from 1 on");
	check_bad("--count=1 --count=2", "--count: given twice");
	check_bad("--seed=x", "--seed: x: not a number below 2^53");
	check_bad("--seed=0x20000000000000", "--seed: 0x20000000000000: not a number below 2^53");
	check_bad("--seed=1 --seed=1", "--seed: given twice");
}

static void test_is_option(void **state)
{
	(void)state;
	for (const char *letter = "pfcab"; *letter; letter++)
		assert_true(is_selection_option(*letter));
	assert_false(is_selection_option('x'));
	assert_false(is_selection_option(0));
	assert_false(is_selection_option(-1));
	assert_false(is_selection_option(0x100));
	assert_false(is_selection_option(0x3ff));
	assert_false(is_selection_option(0x500));
}

/* ----------------------------------------------------------- what excludes what */

static void check_conflict(const char *line, enum selection_command command, const char *message)
{
	char said[MESSAGES_SIZE], wanted[MESSAGES_SIZE];
	struct selection s = parsed(line);

	assert_int_equal(HEAR(said, selection_check(&s, command)), message ? EXIT_USAGE : EXIT_OK);
	selection_release(&s);
	snprintf(wanted, sizeof(wanted), "test-select: %s\n", message);
	assert_string_equal(said, message ? wanted : "");
}

static void test_conflicts(void **state)
{
	(void)state;
	check_conflict("", COMMAND_MISSING, NULL);
	check_conflict("-p 5 --tree --vma=heap --vaddr=1 --pfn=1 --node=0", COMMAND_MISSING, NULL);
	check_conflict("--tree --vma=heap --vaddr=1", COMMAND_GIVEN, NULL);
	check_conflict("-f x --pfn=1 --phys=1 -a 1", COMMAND_GIVEN, NULL);
	check_conflict("-f x -p 5", COMMAND_MISSING, "--file: can't be combined with --pid");
	check_conflict("--tree", COMMAND_MISSING, "--tree: needs --pid or a COMMAND");
	check_conflict("--vaddr=1", COMMAND_MISSING, "--vaddr: needs --pid or a COMMAND");
	check_conflict("--vma=heap", COMMAND_MISSING, "--vma: needs --pid or a COMMAND");
	check_conflict("--tree", COMMAND_UNKNOWN, "--tree: needs --pid");
	check_conflict("-f x --vma=heap", COMMAND_GIVEN, "--vma: needs --pid or a COMMAND");
	check_conflict("--seed=1", COMMAND_MISSING, "--seed: needs --random");
}

/* ------------------------------------------------------------------- resolution */

static void test_cgroups(void **state)
{
	struct fixture *fx = *state;
	char line[64], said[MESSAGES_SIZE];
	struct selection s;
	uint64_t ino;

	fixture_text(fx, "/proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
	fixture_text(fx, "/sys/fs/cgroup/cgroup.controllers", "memory\n");
	fixture_text(fx, "/sys/fs/cgroup/a/memory.stat", "");
	fixture_text(fx, "/sys/fs/cgroup/a/b/memory.stat", "");
	ino = fixture_ino(fx, "/sys/fs/cgroup/a");
	s = parsed("-c /sys/fs/cgroup/a");
	assert_int_equal(selection_resolve_tree(&s, fx->ctx), EXIT_OK);
	assert_int_equal(s.cgroup_ino, ino);
	assert_int_equal(s.nr_cgroup_inos, 2);
	assert_true(selection_has_cgroup(&s, ino));
	assert_true(selection_has_cgroup(&s, fixture_ino(fx, "/sys/fs/cgroup/a/b")));
	assert_false(selection_has_cgroup(&s, fixture_ino(fx, "/sys/fs/cgroup")));
	assert_false(selection_has_cgroup(&s, 0));
	selection_release(&s);
	snprintf(line, sizeof(line), "-c @%lu", (unsigned long)ino);
	s = parsed(line);
	assert_int_equal(selection_resolve_tree(&s, fx->ctx), EXIT_OK);
	assert_int_equal(s.nr_cgroup_inos, 2);
	selection_release(&s);
	/* Without those below it. */
	s = parsed("-c /sys/fs/cgroup/a");
	s.cgroup_alone = true;
	assert_int_equal(selection_resolve_tree(&s, fx->ctx), EXIT_OK);
	assert_int_equal(s.nr_cgroup_inos, 1);
	assert_true(selection_has_cgroup(&s, ino));
	selection_release(&s);
	/* One that is not seen from here: it alone. */
	s = parsed("-c @987654321987");
	assert_int_equal(selection_resolve_tree(&s, fx->ctx), EXIT_OK);
	assert_int_equal(s.nr_cgroup_inos, 1);
	assert_true(selection_has_cgroup(&s, 987654321987));
	selection_release(&s);
	s = parsed("-c /sys/fs/cgroup/x");
	assert_int_equal(HEAR(said, selection_resolve_tree(&s, fx->ctx)), EXIT_FAILED);
	assert_string_equal(said, "test-select: --cgroup: /sys/fs/cgroup/x: No such file or directory\n");
	selection_release(&s);
	s = parsed("");
	assert_true(selection_has_cgroup(&s, 0));
	selection_release(&s);
}

static void test_seed(void **state)
{
	struct fixture *fx = *state;
	struct selection a = parsed("--random"), b = parsed("--random"), c = parsed("--random --seed=7");

	assert_int_equal(selection_resolve_tree(&a, fx->ctx), EXIT_OK);
	assert_int_equal(selection_resolve_tree(&b, fx->ctx), EXIT_OK);
	assert_int_equal(selection_resolve_tree(&c, fx->ctx), EXIT_OK);
	assert_false(a.has_seed);
	assert_true(a.seed != b.seed);
	assert_true((a.seed | b.seed) <= 0x1fffffffffffff);
	assert_int_equal(c.seed, 7);
}

static void test_matches(void **state)
{
	const uint64_t lru = KPAGE_BIT(LRU), reserved = KPAGE_BIT(RESERVED);
	struct selection s = parsed("-b lru -b dirty,anon");

	(void)state;
	assert_true(selection_matches(&s, lru | KPAGE_BIT(ANON), 0, 0));
	assert_false(selection_matches(&s, lru, 0, 0));
	assert_false(selection_matches(&s, KPAGE_BIT(ANON), 0, 0));
	selection_release(&s);
	/* The well-known view, unless a flag is named that is not in it. */
	s = parsed("-b =lru");
	assert_true(selection_matches(&s, lru | KPAGE_BIT(ARCH), 0, 0));
	selection_release(&s);
	s = parsed("-b reserved");
	assert_true(selection_matches(&s, reserved, 0, 0));
	assert_false(selection_matches(&s, lru, 0, 0));
	selection_release(&s);
	/* What the page table says. */
	s = parsed("-b mmap_exclusive,~swap");
	assert_true(selection_matches(&s, lru, KPAGE_PM_PRESENT | KPAGE_PM_MMAP_EXCLUSIVE, 0));
	assert_false(selection_matches(&s, lru, KPAGE_PM_PRESENT, 0));
	assert_true(selection_matches(&s, KPAGE_BIT(HWPOISON), KPAGE_PM_SWAP | KPAGE_PM_MMAP_EXCLUSIVE, 0));
	selection_release(&s);
	s = parsed("-c @5");
	s.cgroup_inos = xcalloc(1, sizeof(*s.cgroup_inos));
	s.cgroup_inos[s.nr_cgroup_inos++] = 5;
	assert_true(selection_matches(&s, 0, 0, 5));
	assert_false(selection_matches(&s, 0, 0, 6));
	selection_release(&s);
}

static void test_empty(void **state)
{
	static const char *const some[] = { "-p 5", "-f x", "-c @5", "-a 1", "-b lru", "--pfn=1",
					    "--phys=1", "--node=0" };
	struct selection s = parsed("--count=5 --random");

	(void)state;
	assert_true(selection_is_empty(&s));
	selection_release(&s);
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		s = parsed(some[i]);
		assert_false(selection_is_empty(&s));
		selection_release(&s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vaddr),
		cmocka_unit_test(test_bad_vaddr),
		cmocka_unit_test(test_pfn),
		cmocka_unit_test(test_phys),
		TREE_TEST(test_pfn_stdin),
		TREE_TEST(test_pfn_stdin_many),
		cmocka_unit_test(test_vma),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_is_option),
		cmocka_unit_test(test_conflicts),
		TREE_TEST(test_cgroups),
		TREE_TEST(test_seed),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
