// SPDX-License-Identifier: GPL-2.0-or-later
/* Which pages: the selection options, the same in every tool. */
#include "common/select.h"

#include <errno.h>
#include <string.h>

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

bool is_selection_option(int val)
{
	return val > 0 && val < 0x80 && strchr("pfcab", val);
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

static int add_pids(struct selection *s, const char *arg)
{
	_cleanup_free_ char *list = xstrdup(arg);

	return for_each_part(list, add_pid, s);
}

/* Only what no earlier range has: a page is walked once. */
static int add_range(struct selection *s, const char *arg)
{
	struct kpage_range range;
	int err = kpage_range_parse(arg, &range);

	if (err)
		return fail(EXIT_USAGE, "--addr: %s: %s", arg,
			    err == -ERANGE ? "out of range" : "not a range of pages (N, N+M, N,M, N, or ,M)");
	s->ranges = xreallocarray(s->ranges, 2 * s->nr_ranges + 1, sizeof(*s->ranges));
	s->nr_ranges += kpage_range_subtract(range, s->ranges, s->nr_ranges,
					     s->ranges + s->nr_ranges);
	s->has_ranges = true;
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
		return add_pids(s, arg);
	case 'f':
		return set_once(&s->file, "--file", arg);
	case 'c':
		return set_cgroup(s, arg);
	case 'a':
		return add_range(s, arg);
	default:
		return add_expr(s, arg);
	}
}

int selection_check(const struct selection *s)
{
	if (s->file && s->nr_pids)
		return fail(EXIT_USAGE, "--file: can't be combined with --pid");
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

bool selection_is_empty(const struct selection *s)
{
	return !s->nr_pids && !s->has_ranges && !s->nr_exprs && !s->cgroup_ino && !s->file;
}

void selection_release(struct selection *s)
{
	free(s->pids);
	free(s->ranges);
	free(s->exprs);
	free(s->cgroup);
	free(s->file);
	*s = (struct selection){ 0 };
}
