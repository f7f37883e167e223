// SPDX-License-Identifier: GPL-2.0-or-later
/* Why nothing was found, where the reason is not that there is nothing: one line each, on
 * stderr. Nothing is said of a copy that does not tell what kernel it is of. */
#include "page-types.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

/* -------------------------------------------------------------- flags of this kernel */

struct version {
	unsigned int major, minor;
};

/* Reads "6.12.3…" or "2.6.31", whose versions below 3.0 are all older than any here. */
static bool parse_version(const char *text, struct version *out)
{
	return sscanf(text, "%u.%u", &out->major, &out->minor) == 2;
}

static bool is_before(const struct version *a, const struct version *b)
{
	return a->major != b->major ? a->major < b->major : a->minor < b->minor;
}

/* since: "3.4" or "2.6.31 to 6.15". */
static bool is_reported(const struct kpage_flag *flag, const struct version *kernel)
{
	const char *to = strstr(flag->since, " to ");
	struct version first, last;

	if (parse_version(flag->since, &first) && is_before(kernel, &first))
		return false;
	return !to || !parse_version(to + strlen(" to "), &last) || !is_before(&last, kernel);
}

/* Flags that only a kernel of a certain configuration reports, and a file that it has then. */
static const struct {
	enum kpage_bit bit;
	const char *file, *config;
} configured[] = {
	{ KPAGE_HWPOISON, "/proc/sys/vm/memory_failure_recovery", "CONFIG_MEMORY_FAILURE" },
	{ KPAGE_IDLE, "/sys/kernel/mm/page_idle/bitmap", "CONFIG_IDLE_PAGE_TRACKING" },
	{ KPAGE_KSM, "/sys/kernel/mm/ksm/run", "CONFIG_KSM" },
	{ KPAGE_THP, "/sys/kernel/mm/transparent_hugepage/enabled", "CONFIG_TRANSPARENT_HUGEPAGE" },
	{ KPAGE_HUGE, "/sys/kernel/mm/hugepages", "CONFIG_HUGETLBFS" },
};

/* The option that this kernel lacks for it; NULL: none that is known. */
static const char *lacking_config(struct kpage_ctx *ctx, enum kpage_bit bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(configured); i++) {
		_cleanup_close_ int fd = -1;

		if (configured[i].bit != bit)
			continue;
		fd = kpage_ctx_open(ctx, configured[i].file, O_PATH);
		return fd == -ENOENT ? configured[i].config : NULL;
	}
	return NULL;
}

static void explain_flag(struct kpage_ctx *ctx, const struct kpage_flag *flag, const char *release,
			 const struct version *kernel)
{
	const char *config = lacking_config(ctx, flag->bit);

	if (!is_reported(flag, kernel))
		warn("--bits: %s: this kernel, %s, does not report it (%s)", flag->name, release,
		     flag->since);
	else if (config)
		warn("--bits: %s: this kernel does not have it (no %s)", flag->name, config);
}

/* What a page must have to match; any of several flags can be missing. */
static uint64_t needed_flags(const struct kpage_expr *expr)
{
	if (!expr->any)
		return expr->bits;
	return expr->mask & (expr->mask - 1) ? 0 : expr->mask;
}

static void explain_flags(const struct selection *s, struct kpage_ctx *ctx)
{
	const struct kpage_flag *table;
	struct version kernel;
	uint64_t needed = 0;
	char release[80];
	size_t n;

	if (kpage_ctx_read_line(ctx, "/proc/sys/kernel/osrelease", release, sizeof(release)) ||
	    !parse_version(release, &kernel))
		return;
	for (size_t i = 0; i < s->nr_exprs; i++)
		needed |= needed_flags(&s->exprs[i]);
	table = kpage_flag_table(&n);
	for (size_t i = 0; i < n; i++)
		if (needed >> table[i].bit & 1)
			explain_flag(ctx, &table[i], release, &kernel);
}

/* ------------------------------------------------------------------------- cgroups */

/* The memory controller is there and turned off: no page is charged to any cgroup. */
static bool explain_controller(const char *option, struct kpage_ctx *ctx)
{
	_cleanup_close_ int fd = kpage_ctx_open(ctx, "/proc/cgroups", O_RDONLY);
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(dup(fd), "r");
	unsigned int enabled = 1;
	char line[200];

	while (f && enabled && fgets(line, sizeof(line), f))
		sscanf(line, "memory %*u %*u %u", &enabled);
	if (!enabled)
		warn("%s: the memory controller is turned off (cgroup_disable=memory): no page is "
		     "charged to any cgroup", option);
	return !enabled;
}

/* A path is looked for at the start; a number stands for itself. */
static void explain_cgroup(const struct selection *s, struct kpage_ctx *ctx,
			   const struct kpage_dump *saved)
{
	_cleanup_free_ char *path = NULL;

	/* A dump has the cgroups of the machine that it was made on. */
	if ((!saved && explain_controller("--cgroup", ctx)) || s->cgroup[0] != '@')
		return;
	if (saved ? !kpage_dump_cgroup_path(saved, s->cgroup_ino) :
		    kpage_cgroup_path(ctx, s->cgroup_ino, &path) == -ENOENT)
		warn("--cgroup: %s: no cgroup %s has this inode number", s->cgroup,
		     saved ? "of the dump" : "that can be seen here");
}

/* --------------------------------------------------------------------------- nodes */

static void explain_empty_nodes(const struct selection *s, struct kpage_ctx *ctx)
{
	char path[64], line[64];
	uint64_t kb;

	for (size_t i = 0; i < s->nr_nodes; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/meminfo", s->nodes[i]);
		if (!kpage_ctx_read_line(ctx, path, line, sizeof(line)) &&
		    sscanf(line, "Node %*u MemTotal: %" SCNu64, &kb) == 1 && !kb)
			warn("--node: %u: it has no memory", s->nodes[i]);
	}
}

/* ----------------------------------------------------------------------- addresses */

/* chosen: by one that --vma means. */
static bool is_mapped(const struct vma_list *vmas, const struct kpage_range *r, bool chosen)
{
	for (size_t i = 0; i < vmas->n; i++)
		if (vmas->v[i].start < r->end && vmas->v[i].end > r->start &&
		    (vmas->v[i].chosen || !chosen))
			return true;
	return false;
}

/* Where a range of pages begins, in bytes, if --vaddr named it. */
static bool find_vaddr(const struct selection *s, const struct kpage_range *r, uint64_t *out)
{
	for (size_t i = 0; i < s->nr_vaddrs; i++) {
		const struct kpage_range *bytes = &s->vaddrs[i];

		if (r->start < bytes->start / kpage_page_size() ||
		    r->start > (bytes->end - 1) / kpage_page_size())
			continue;
		*out = MAX(bytes->start, r->start * kpage_page_size());
		return true;
	}
	return false;
}

/* An address in bytes, where pages are meant, lies far beyond everything. */
static void explain_range(const struct selection *s, const struct vma_list *vmas,
			  const struct kpage_range *r, pid_t pid)
{
	const char *what = is_mapped(vmas, r, false) ? "nothing that --vma means" : "nothing";
	uint64_t vaddr;

	if (is_mapped(vmas, r, true))
		return;
	if (find_vaddr(s, r, &vaddr)) {
		warn("--vaddr: 0x%" PRIx64 ": process %d has %s there", vaddr, (int)pid, what);
		return;
	}
	warn("--addr: 0x%" PRIx64 ": process %d has %s there%s", r->start, (int)pid, what,
	     vma_list_find(vmas, r->start / kpage_page_size()) ?
		     " (it counts pages; --vaddr takes addresses in bytes)" :
		     "");
}

static void explain_places(const struct selection *s, struct kpage_ctx *ctx)
{
	static const struct kpage_range all = { 0, UINT64_MAX };
	struct vma_list vmas;

	for (size_t i = 0; i < s->nr_pids; i++) {
		if (vma_list_read(ctx, s->pids[i], s->vmas, s->nr_vmas, &vmas))
			continue;
		if (s->nr_vmas && !is_mapped(&vmas, &all, true))
			warn("--vma: process %d has no such mapping", (int)s->pids[i]);
		else
			for (size_t k = 0; k < s->nr_ranges; k++)
				explain_range(s, &vmas, &s->ranges[k], s->pids[i]);
		vma_list_release(&vmas);
	}
}

/* ------------------------------------------------------------------- what is said */

/* Nodes can't be told either where sysfs is not mounted. */
static void explain_nodes(struct kpage_ctx *ctx)
{
	char reason[NODES_REASON_SIZE];

	if (nodes_reason(ctx, reason))
		warn("--by node: %s", reason);
}

void explain_groups(const struct options *opt, struct kpage_ctx *ctx,
		    const struct kpage_dump *saved)
{
	if (opt->by == BY_CGROUP && !saved)
		explain_controller("--by cgroup", ctx);
	if (opt->by == BY_NODE)
		explain_nodes(ctx);
}

void explain_nothing(const struct options *opt, struct kpage_ctx *ctx,
		     const struct kpage_dump *saved)
{
	const struct selection *s = &opt->selection;

	if (s->nr_exprs && !opt->dump)
		explain_flags(s, ctx);
	if (s->cgroup)
		explain_cgroup(s, ctx, saved);
	if (s->nr_nodes)
		explain_empty_nodes(s, ctx);
	if (s->has_pfns && !s->nr_pfns)
		warn("%s: standard input names no page", s->pfns_option);
	if (s->nr_pids && (s->has_ranges || s->nr_vmas))
		explain_places(s, ctx);
}
