// SPDX-License-Identifier: GPL-2.0-or-later
/* The conditions of a selection that a walk does not look at by itself, page by page. */
#include "common/narrow.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* ----------------------------------------------------------------------- ranges */

static int by_start(const void *a, const void *b)
{
	const struct kpage_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

struct kpage_range *ranges_sorted(const struct kpage_range *ranges, size_t *n)
{
	struct kpage_range *copy = xcalloc(*n + 1, sizeof(*copy));
	size_t kept = 0;

	if (!*n)
		return copy;
	memcpy(copy, ranges, *n * sizeof(*copy));
	qsort(copy, *n, sizeof(*copy), by_start);
	for (size_t i = 1; i < *n; i++) {
		if (copy[i].start <= copy[kept].end)
			copy[kept].end = MAX(copy[kept].end, copy[i].end);
		else
			copy[++kept] = copy[i];
	}
	*n = kept + 1;
	return copy;
}

static int in_range(const void *key, const void *element)
{
	uint64_t page = *(const uint64_t *)key;
	const struct kpage_range *r = element;

	return page < r->start ? -1 : page >= r->end;
}

static bool is_within(const struct kpage_range *ranges, size_t n, uint64_t page)
{
	return !ranges || (n && bsearch(&page, ranges, n, sizeof(*ranges), in_range));
}

struct kpage_range *ranges_of_vmas(const struct selection *s, const struct vma_list *vmas,
				   size_t *n)
{
	static const struct kpage_range all = { 0, UINT64_MAX };
	const struct kpage_range *ranges = s->has_ranges ? s->ranges : &all;
	size_t nr_ranges = s->has_ranges ? s->nr_ranges : 1;
	struct kpage_range *out = NULL;

	*n = 0;
	for (size_t k = 0; k < nr_ranges; k++)
		for (size_t i = 0; i < vmas->n; i++) {
			const struct vma *v = &vmas->v[i];
			struct kpage_range piece = { MAX(v->start, ranges[k].start),
						     MIN(v->end, ranges[k].end) };

			if (!v->chosen || piece.start >= piece.end)
				continue;
			if (*n && out[*n - 1].end == piece.start) {
				out[*n - 1].end = piece.end;
				continue;
			}
			out = xgrow(out, *n, sizeof(*out));
			out[(*n)++] = piece;
		}
	return out;
}

/* ---------------------------------------------------------------- opening, closing */

static bool is_there(struct kpage_ctx *ctx, const char *path)
{
	_cleanup_close_ int fd = kpage_ctx_open(ctx, path, O_PATH);

	return fd >= 0;
}

bool nodes_reason(struct kpage_ctx *ctx, char out[NODES_REASON_SIZE])
{
	static const char nodes[] = "/sys/devices/system/node";

	if (is_there(ctx, nodes))
		return false;
	snprintf(out, NODES_REASON_SIZE, "%s: not there (%s)", nodes,
		 is_there(ctx, "/sys/devices/system") ? "the kernel was built without NUMA" :
							"sysfs is not mounted");
	return true;
}

static int find_nodes(struct narrowing *n, struct kpage_ctx *ctx)
{
	int err = kpage_nodes_new(ctx, &n->nodes);
	char reason[NODES_REASON_SIZE];

	if (!n->s->nr_nodes)
		return EXIT_OK;
	if (err == -ENOENT && nodes_reason(ctx, reason))
		return fail(EXIT_CANNOT, "--node: %s", reason);
	if (err)
		return fail_errno(err, "--node: %s", kpage_ctx_error_path(ctx));
	for (size_t i = 0; i < n->s->nr_nodes; i++)
		if (!kpage_nodes_has(n->nodes, n->s->nodes[i]))
			return fail(EXIT_FAILED, "--node: %u: no such node", n->s->nodes[i]);
	return EXIT_OK;
}

int narrowing_open(struct narrowing *n, const struct selection *s, struct kpage_ctx *ctx,
		   const struct kpage_file *flags, const struct kpage_file *cgroups, bool machine)
{
	*n = (struct narrowing){
		.s = s,
		.flags = flags,
		.cgroups = cgroups,
		.nr_pfns = s->nr_pfns,
		.nr_pages = s->nr_ranges,
	};
	if (s->has_pfns && !machine)
		n->pfns = ranges_sorted(s->pfns, &n->nr_pfns);
	if (s->has_ranges && s->has_pfns && machine)
		n->pages = ranges_sorted(s->ranges, &n->nr_pages);
	return find_nodes(n, ctx);
}

void narrowing_close(struct narrowing *n)
{
	kpage_nodes_free(n->nodes);
	free(n->pfns);
	free(n->pages);
	*n = (struct narrowing){ 0 };
}

/* -------------------------------------------------------------------- page by page */

void narrowing_enter(struct narrowing *n, const struct vma_list *vmas)
{
	n->vmas = vmas;
	n->vma = NULL;
}

static void look(struct narrowing *n, const struct kpage_batch *b, size_t i)
{
	if (n->vmas && !(n->vma && b->offset[i] >= n->vma->start && b->offset[i] < n->vma->end))
		n->vma = vma_list_find(n->vmas, b->offset[i]);
	compound_find(&n->compound, n->flags, n->cgroups, b->pfn[i], b->kflags[i],
		      b->cgroup ? b->cgroup[i] : 0);
}

static bool is_on_node(const struct narrowing *n, uint64_t pfn)
{
	int node = n->s->nr_nodes ? kpage_nodes_find(n->nodes, pfn) : 0;

	for (size_t i = 0; i < n->s->nr_nodes; i++)
		if ((int)n->s->nodes[i] == node)
			return true;
	return !n->s->nr_nodes;
}

uint64_t narrowing_cgroup(const struct narrowing *n, const struct kpage_batch *b, size_t i)
{
	uint64_t own = b->cgroup ? b->cgroup[i] : 0;

	return own ? own : n->compound.cgroup;
}

bool narrowing_takes(struct narrowing *n, const struct kpage_batch *b, size_t i)
{
	const struct selection *s = n->s;

	look(n, b, i);
	if (s->nr_vmas && !(n->vma && vma_chooses(n->vma, b->kflags[i])))
		return false;
	if (kpage_batch_is_swap(b, i))
		return !s->has_pfns && !s->nr_nodes && !s->cgroup;
	return selection_has_cgroup(s, narrowing_cgroup(n, b, i)) &&
	       is_within(n->pfns, n->nr_pfns, b->pfn[i]) &&
	       is_within(n->pages, n->nr_pages, b->pfn[i]) && is_on_node(n, b->pfn[i]);
}

uint64_t cgroup_of_page(const struct kpage_file *flags, const struct kpage_file *cgroups,
			uint64_t pfn, uint64_t kflags)
{
	struct compound compound = { 0 };
	uint64_t cgroup;

	if (!cgroups || kpage_file_read(cgroups, pfn, &cgroup, 1) != 1)
		return 0;
	if (!cgroup)
		compound_find(&compound, flags, cgroups, pfn, kflags, cgroup);
	return cgroup ? cgroup : compound.cgroup;
}
