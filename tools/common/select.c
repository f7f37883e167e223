// SPDX-License-Identifier: GPL-2.0-or-later
/* Which pages: the selection options, the same in every tool. */
#include "common/select.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>

/* A number that JSON readers keep exactly: doubles have 53 bits. */
#define SEED_MAX ((UINT64_C(1) << 53) - 1)

/* Options without a letter; no tool has values like these of its own. */
enum {
	OPT_TREE = 0x400,
	OPT_VADDR,
	OPT_PFN,
	OPT_PHYS,
	OPT_VMA,
	OPT_NODE,
	OPT_COUNT,
	OPT_RANDOM,
	OPT_SEED,
	OPT_END
};

struct poptOption selection_options[] = {
	{ "pid", 'p', POPT_ARG_STRING, NULL, 'p', "Pages of processes, by their page tables",
	  "PID[,PID...]" },
	{ "file", 'f', POPT_ARG_STRING, NULL, 'f',
	  "Page cache of a file, or of all files below a directory", "FILE" },
	{ "cgroup", 'c', POPT_ARG_STRING, NULL, 'c', "Pages charged to a memory cgroup",
	  "PATH|@INODE" },
	{ "addr", 'a', POPT_ARG_STRING, NULL, 'a', "A range of pages", "ADDR-SPEC" },
	{ "bits", 'b', POPT_ARG_STRING, NULL, 'b', "Pages with these flags", "BITS-SPEC" },
	POPT_TABLEEND
};

struct poptOption narrowing_options[] = {
	{ "tree", 0, POPT_ARG_NONE, NULL, OPT_TREE, "And of all their descendants", NULL },
	{ "vaddr", 0, POPT_ARG_STRING, NULL, OPT_VADDR, "Pages that hold these bytes of the process",
	  "ADDR[+LEN]|ADDR-END[,...]" },
	{ "vma", 0, POPT_ARG_STRING, NULL, OPT_VMA, "Pages of these mappings of the process",
	  "KIND[,...]" },
	{ "pfn", 0, POPT_ARG_STRING, NULL, OPT_PFN, "Pages by number; -: read from stdin",
	  "PFN|PFN-LAST|PFN+N[,...]|-" },
	{ "phys", 0, POPT_ARG_STRING, NULL, OPT_PHYS, "Pages by physical address in bytes",
	  "ADDR[,...]" },
	{ "node", 0, POPT_ARG_STRING, NULL, OPT_NODE, "Pages of NUMA nodes", "N[,N...]" },
	POPT_TABLEEND
};

struct poptOption choice_options[] = {
	{ "count", 0, POPT_ARG_STRING, NULL, OPT_COUNT, "At most so many of them", "N" },
	{ "random", 0, POPT_ARG_NONE, NULL, OPT_RANDOM, "Chosen at random, in random order", NULL },
	{ "seed", 0, POPT_ARG_STRING, NULL, OPT_SEED, "Make the same random choice again", "SEED" },
	POPT_TABLEEND
};

bool is_selection_option(int val)
{
	return (val > 0 && val < 0x80 && strchr("pfcab", val)) || (val >= OPT_TREE && val < OPT_END);
}

static int for_each_of(struct selection *s, const char *arg, int (*each)(char *part, void *arg))
{
	_cleanup_free_ char *list = xstrdup(arg);

	return for_each_part(list, each, s);
}

static int add_pid(char *part, void *arg)
{
	struct selection *s = arg;
	pid_t pid;

	if (parse_pid(part, &pid))
		return fail(EXIT_USAGE, "--pid: %s: not a process number", part);
	for (size_t i = 0; i < s->nr_pids; i++)
		if (s->pids[i] == pid)
			return EXIT_OK;
	s->pids = xreallocarray(s->pids, s->nr_pids + 1, sizeof(*s->pids));
	s->pids[s->nr_pids++] = pid;
	return EXIT_OK;
}

/* Only what no earlier range has: a page is walked once. */
static void add_range(struct selection *s, struct kpage_range range)
{
	s->ranges = xreallocarray(s->ranges, 2 * s->nr_ranges + 1, sizeof(*s->ranges));
	s->nr_ranges += kpage_range_subtract(range, s->ranges, s->nr_ranges,
					     s->ranges + s->nr_ranges);
	s->has_ranges = true;
}

static int add_pages(struct selection *s, const char *arg)
{
	struct kpage_range range;
	int err = kpage_range_parse(arg, &range);

	if (err)
		return fail(EXIT_USAGE, "--addr: %s: %s", arg,
			    err == -ERANGE ? "out of range" : "not a range of pages (N, N+M, N,M, N, or ,M)");
	add_range(s, range);
	return EXIT_OK;
}

/*
 * "A", "A+N": N from A on, "A-B": to B, which is left out (last_too: which is in it).
 * -EINVAL not of this form, or nothing in it; -ERANGE.
 */
static int parse_span(const char *text, bool last_too, struct kpage_range *out)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *sign = copy + strcspn(copy, "+-"), how = *sign;
	uint64_t start, n = 1;
	int err;

	*sign = '\0';
	err = kpage_number_parse(copy, &start);
	if (!err && how)
		err = kpage_number_parse(sign + 1, &n);
	if (err)
		return err;
	if (how == '-') {
		if (n < start || (n == start && !last_too))
			return -EINVAL;
		n = n - start + last_too;
	}
	if (start + n < start)
		return -ERANGE;
	*out = (struct kpage_range){ start, start + n };
	return n ? 0 : -EINVAL;
}

static int add_vaddr(char *part, void *arg)
{
	struct selection *s = arg;
	struct kpage_range bytes;
	int err = parse_span(part, false, &bytes);

	if (err)
		return fail(EXIT_USAGE, "--vaddr: %s: %s", part,
			    err == -ERANGE ? "out of range" : "not an address, ADDR+LEN or ADDR-END (0x… for hex)");
	add_range(s, (struct kpage_range){ bytes.start / kpage_page_size(),
					   (bytes.end - 1) / kpage_page_size() + 1 });
	s->has_vaddr = true;
	s->vaddrs = xgrow(s->vaddrs, s->nr_vaddrs, sizeof(*s->vaddrs));
	s->vaddrs[s->nr_vaddrs++] = bytes;
	return EXIT_OK;
}

static void add_pfns(struct selection *s, struct kpage_range range)
{
	struct kpage_range *last = s->nr_pfns ? &s->pfns[s->nr_pfns - 1] : NULL;

	if (last && last->end == range.start) {
		last->end = range.end;
		return;
	}
	s->pfns = xgrow(s->pfns, s->nr_pfns, sizeof(*s->pfns));
	s->pfns[s->nr_pfns++] = range;
}

static int add_pfn(char *part, void *arg)
{
	struct selection *s = arg;
	struct kpage_range range;
	int err = parse_span(part, true, &range);

	if (err)
		return fail(EXIT_USAGE, "%s: %s: %s", s->pfns_option, part,
			    err == -ERANGE ? "out of range" : "not a PFN, PFN-LAST or PFN+N (0x… for hex)");
	add_pfns(s, range);
	return EXIT_OK;
}

/* White space and commas separate them. */
static int read_pfns(struct selection *s)
{
	static const char separators[] = ", \t\r\n";
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int status = EXIT_OK;

	errno = 0;
	while (!status && getline(&line, &size, stdin) > 0) {
		char *state = NULL;

		for (char *part = strtok_r(line, separators, &state); part && !status;
		     part = strtok_r(NULL, separators, &state))
			status = add_pfn(part, s);
	}
	if (!status && ferror(stdin))
		return fail_errno(errno ? -errno : -EIO, "%s: standard input", s->pfns_option);
	return status;
}

int selection_add_pfns(struct selection *s, const char *option, const char *arg)
{
	s->has_pfns = true;
	s->pfns_option = option;
	return strcmp(arg, "-") != 0 ? for_each_of(s, arg, add_pfn) : read_pfns(s);
}

static int add_phys(char *part, void *arg)
{
	struct selection *s = arg;
	uint64_t address, pfn;
	int err = kpage_number_parse(part, &address);

	if (err)
		return fail(EXIT_USAGE, "--phys: %s: %s", part,
			    err == -ERANGE ? "out of range" : "not an address (0x… for hex)");
	s->has_pfns = true;
	s->pfns_option = "--phys";
	pfn = address / kpage_page_size();
	add_pfns(s, (struct kpage_range){ pfn, pfn + 1 });
	return EXIT_OK;
}

static int add_vma(char *part, void *arg)
{
	struct selection *s = arg;
	struct vma_condition condition;

	if (vma_condition_parse(part, &condition))
		return fail(EXIT_USAGE, "--vma: %s: neither heap, stack, anon, shm, file, file:GLOB, "
			    "hugetlb or text, nor a name as in /proc/PID/maps ([…] or /…)", part);
	s->vmas = xreallocarray(s->vmas, s->nr_vmas + 1, sizeof(*s->vmas));
	s->vmas[s->nr_vmas++] = condition;
	return EXIT_OK;
}

static int add_node(char *part, void *arg)
{
	struct selection *s = arg;
	uint64_t node;

	if (kpage_number_parse(part, &node) || node > INT_MAX)
		return fail(EXIT_USAGE, "--node: %s: not a node number", part);
	s->nodes = xreallocarray(s->nodes, s->nr_nodes + 1, sizeof(*s->nodes));
	s->nodes[s->nr_nodes++] = (unsigned int)node;
	return EXIT_OK;
}

static int set_count(struct selection *s, const char *arg)
{
	if (s->count)
		return fail(EXIT_USAGE, "--count: given twice");
	if (kpage_number_parse(arg, &s->count) || !s->count)
		return fail(EXIT_USAGE, "--count: %s: not a number from 1 on", arg);
	return EXIT_OK;
}

int seed_parse(const char *arg, uint64_t *seed, bool *given)
{
	if (*given)
		return fail(EXIT_USAGE, "--seed: given twice");
	if (kpage_number_parse(arg, seed) || *seed > SEED_MAX)
		return fail(EXIT_USAGE, "--seed: %s: not a number below 2^53", arg);
	*given = true;
	return EXIT_OK;
}

int seed_make(const char *option, uint64_t *seed)
{
	if (getrandom(seed, sizeof(*seed), 0) != sizeof(*seed))
		return fail_errno(-errno, "%s", option);
	*seed &= SEED_MAX;
	return EXIT_OK;
}

int bad_flag_name(const char *option, int err, const struct kpage_name_error *name)
{
	if (err == -ENOTUNIQ)
		return fail(EXIT_USAGE, "%s: %s: ambiguous, it could be %s", option, name->name,
			    name->candidates);
	return fail(EXIT_USAGE, "%s: %s: %s", option, name->name,
		    err == -ERANGE ? "out of range" : "no such flag (--help lists them)");
}

static uint64_t raw_only_flags(uint64_t flags)
{
	size_t n;
	const struct kpage_flag *table = kpage_flag_table(&n);
	uint64_t raw = 0;

	for (size_t i = 0; i < n; i++)
		if (table[i].kind != KPAGE_FLAG_WELL_KNOWN)
			raw |= UINT64_C(1) << table[i].bit;
	return flags & raw;
}

static int add_expr(struct selection *s, const char *arg)
{
	struct kpage_name_error name;
	struct kpage_expr expr;
	int err = kpage_expr_parse(arg, &expr, &name);

	if (err)
		return bad_flag_name("--bits", err, &name);
	s->raw_only |= raw_only_flags(expr.any ? expr.mask : expr.bits);
	s->exprs = xreallocarray(s->exprs, s->nr_exprs + 1, sizeof(*s->exprs));
	s->exprs[s->nr_exprs++] = expr;
	return EXIT_OK;
}

static int set_cgroup(struct selection *s, const char *arg)
{
	if (arg[0] == '@' && (kpage_number_parse(arg + 1, &s->cgroup_ino) || !s->cgroup_ino))
		return fail(EXIT_USAGE, "--cgroup: %s: not an inode number", arg);
	return set_once(&s->cgroup, "--cgroup", arg);
}

int selection_option(struct selection *s, int val, const char *arg)
{
	switch (val) {
	case 'p':
		return for_each_of(s, arg, add_pid);
	case 'f':
		return set_once(&s->file, "--file", arg);
	case 'c':
		return set_cgroup(s, arg);
	case 'a':
		return add_pages(s, arg);
	case 'b':
		return add_expr(s, arg);
	case OPT_VADDR:
		return for_each_of(s, arg, add_vaddr);
	case OPT_PFN:
		return selection_add_pfns(s, "--pfn", arg);
	case OPT_PHYS:
		return for_each_of(s, arg, add_phys);
	case OPT_VMA:
		return for_each_of(s, arg, add_vma);
	case OPT_NODE:
		return for_each_of(s, arg, add_node);
	case OPT_COUNT:
		return set_count(s, arg);
	case OPT_SEED:
		return seed_parse(arg, &s->seed, &s->has_seed);
	case OPT_TREE:
		s->tree = true;
		return EXIT_OK;
	default:
		s->random = true;
		return EXIT_OK;
	}
}

int selection_check(const struct selection *s, enum selection_command command)
{
	/* With --file a command's pages are not looked at. */
	bool process = s->nr_pids || (command == COMMAND_GIVEN && !s->file);
	const char *or_command = command == COMMAND_UNKNOWN ? "" : " or a COMMAND";
	const struct {
		bool wrong;
		const char *text, *more;
	} conflicts[] = {
		{ s->file && s->nr_pids, "--file: can't be combined with --pid", "" },
		{ s->tree && !process, "--tree: needs --pid", or_command },
		{ s->has_vaddr && !process, "--vaddr: needs --pid", or_command },
		{ s->nr_vmas && !process, "--vma: needs --pid", or_command },
		{ s->has_seed && !s->random, "--seed: needs --random", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++)
		if (conflicts[i].wrong)
			return fail(EXIT_USAGE, "%s%s", conflicts[i].text, conflicts[i].more);
	return EXIT_OK;
}

int selection_resolve(struct selection *s, struct kpage_ctx *ctx)
{
	int err;

	if (!s->cgroup || s->cgroup_ino)
		return EXIT_OK;
	err = kpage_cgroup_ino(ctx, s->cgroup, &s->cgroup_ino);
	if (err == -EINVAL)
		return fail(EXIT_FAILED, "--cgroup: %s: not a directory of a cgroup hierarchy", s->cgroup);
	if (err)
		return fail_errno(err, "--cgroup: %s", s->cgroup);
	if (!kpage_cgroup_has_memory(ctx, s->cgroup))
		warn("--cgroup: %s: no memory controller here: its pages are charged to an ancestor "
		     "(enable it: echo +memory > %s/../cgroup.subtree_control)",
		     s->cgroup, s->cgroup);
	return EXIT_OK;
}

int selection_take_cgroup(struct selection *s, uint64_t ino)
{
	s->cgroup_inos = xreallocarray(s->cgroup_inos, 1, sizeof(*s->cgroup_inos));
	s->cgroup_inos[0] = ino;
	s->nr_cgroup_inos = 1;
	return EXIT_OK;
}

static int find_subtree(struct selection *s, struct kpage_ctx *ctx)
{
	_cleanup_free_ char *path = NULL;
	int err = 0;

	if (s->cgroup_alone)
		return selection_take_cgroup(s, s->cgroup_ino);
	if (s->cgroup[0] == '@')
		err = kpage_cgroup_path(ctx, s->cgroup_ino, &path);
	if (!err)
		err = kpage_cgroup_subtree(ctx, path ? path : s->cgroup, &s->cgroup_inos,
					   &s->nr_cgroup_inos);
	/* One that no hierarchy shows has none below it that could be found. */
	if (err == -ENOENT)
		return selection_take_cgroup(s, s->cgroup_ino);
	return err ? fail_errno(err, "--cgroup: %s", s->cgroup) : EXIT_OK;
}

int selection_resolve_tree(struct selection *s, struct kpage_ctx *ctx)
{
	int status = selection_resolve(s, ctx);

	if (!status && s->cgroup && !s->cgroup_inos)
		status = find_subtree(s, ctx);
	if (!status && s->random && !s->has_seed)
		status = seed_make("--random", &s->seed);
	return status;
}

int selection_resolve_again(struct selection *s, struct kpage_ctx *ctx)
{
	free(s->cgroup_inos);
	s->cgroup_inos = NULL;
	s->nr_cgroup_inos = 0;
	return s->cgroup ? find_subtree(s, ctx) : EXIT_OK;
}

bool selection_is_empty(const struct selection *s)
{
	return !s->nr_pids && !s->has_ranges && !s->nr_exprs && !s->cgroup && !s->file &&
	       !s->has_pfns && !s->nr_nodes;
}

bool selection_has_cgroup(const struct selection *s, uint64_t ino)
{
	size_t from = 0, to = s->nr_cgroup_inos;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (s->cgroup_inos[middle] < ino)
			from = middle + 1;
		else
			to = middle;
	}
	return !s->cgroup || (from < s->nr_cgroup_inos && s->cgroup_inos[from] == ino);
}

bool selection_matches(const struct selection *s, uint64_t kflags, uint64_t entry, uint64_t cgroup)
{
	uint64_t flags;

	/* A hwpoison entry is a swap entry by its form only. */
	if (kflags & KPAGE_BIT(HWPOISON))
		entry &= ~KPAGE_PM_SWAP;
	/* A flag that is seen in the raw view only asks for that view. */
	flags = s->raw_only ? kpage_flags_expand(kflags, entry) : kpage_flags_well_known(kflags);

	for (size_t i = 0; i < s->nr_exprs; i++)
		if (!kpage_expr_matches(&s->exprs[i], flags))
			return false;
	return selection_has_cgroup(s, cgroup);
}

void selection_release(struct selection *s)
{
	for (size_t i = 0; i < s->nr_vmas; i++)
		vma_condition_release(&s->vmas[i]);
	free(s->vmas);
	free(s->pids);
	free(s->pfns);
	free(s->nodes);
	free(s->cgroup_inos);
	free(s->ranges);
	free(s->vaddrs);
	free(s->exprs);
	free(s->cgroup);
	free(s->file);
	*s = (struct selection){ 0 };
}
