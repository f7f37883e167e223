// SPDX-License-Identifier: GPL-2.0-or-later
/* The targets: the pages that the selection options choose, one by one. */
#include "common/targets.h"

#include <errno.h>
#include <search.h>
#include <string.h>

#include "common/narrow.h"
#include "common/page-set.h"
#include "common/processes.h"
#include "common/sample.h"
#include "common/signals.h"
#include "common/walk.h"

int target_sources_open(struct target_sources *src, struct kpage_ctx *ctx, bool need_cgroup)
{
	int status;

	*src = (struct target_sources){ 0 };
	status = source_open(ctx, KPAGE_SOURCE_FLAGS, &src->flags);
	if (!status)
		status = source_open(ctx, KPAGE_SOURCE_COUNT, &src->mapcount);
	if (!status)
		/* Without memory cgroups no page is charged to any. */
		status = need_cgroup ? source_open(ctx, KPAGE_SOURCE_CGROUP, &src->cgroup) :
				       source_open_optional(ctx, KPAGE_SOURCE_CGROUP, true, &src->cgroup);
	if (status)
		target_sources_close(src);
	return status;
}

void target_sources_close(struct target_sources *src)
{
	kpage_file_free(src->flags);
	kpage_file_free(src->mapcount);
	kpage_file_free(src->cgroup);
	*src = (struct target_sources){ 0 };
}

struct collector {
	const struct selection *s;
	struct kpage_ctx *ctx;
	const struct target_sources *src;
	struct target_list *out;
	size_t limit;			/* of the list */
	struct target_walk how;
	struct narrowing narrow;
	struct page_set seen;
	struct sample sample;
	bool done;			/* no further page */

	/* Where the walk is. */
	pid_t pid;
	const char *file;		/* the list's */
};

/* ------------------------------------------------------------------------ names */

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The list's own copy, the same for equal names. */
static const char *keep_name(struct target_list *list, const char *name)
{
	char **node = tfind(name, &list->names, by_text);

	if (!node) {
		/* What the tree holds is the text; the caller's is not to be kept. */
		node = tsearch(xstrdup(name), &list->names, by_text);
		if (!node)
			exit(fail(EXIT_FAILED, "out of memory"));
	}
	return *node;
}

/* ----------------------------------------------------------------- taking a page */

static struct target describe(struct collector *c, const struct kpage_batch *b, size_t i)
{
	const struct narrowing *n = &c->narrow;
	const char *name = n->vma ? n->vma->name : NULL;
	bool huge = b->kflags[i] & KPAGE_BIT(HUGE);
	int node = n->nodes ? kpage_nodes_find(n->nodes, b->pfn[i]) : -1;

	return (struct target){
		.pfn = b->pfn[i],
		.kflags = b->kflags[i],
		.head = n->compound.head,
		.mapcount = b->mapcount ? b->mapcount[i] : 0,
		.cgroup = narrowing_cgroup(n, b, i),
		.pid = c->pid,
		.entry = b->pme ? b->pme[i] : 0,
		.has_address = b->offset != NULL,
		.address = b->offset ? b->offset[i] * kpage_page_size() : 0,
		.name = name ? keep_name(c->out, name) : c->file,
		.kind = page_kind_of(&c->out->kinds, b->kflags[i], n->compound.kflags, name),
		.node = node < 0 ? -1 : node,
		/* Before 6.12 a hugetlb page shows it at its head alone. */
		.poisoned = (b->kflags[i] | (huge ? n->compound.kflags : 0)) & KPAGE_BIT(HWPOISON),
	};
}

/* Where the next page goes; SIZE_MAX: it is not taken. */
static size_t find_place(struct collector *c)
{
	struct target_list *out = c->out;

	if (c->s->random) {
		size_t slot = sample_offer(&c->sample);

		if (c->sample.seen > c->limit)
			out->more = true;
		return slot;
	}
	if (out->n < c->limit)
		return out->n;
	out->more = true;
	c->done = true;
	return SIZE_MAX;
}

static void take(struct collector *c, const struct kpage_batch *b, size_t i)
{
	struct target_list *out = c->out;
	size_t place = find_place(c);

	if (place == SIZE_MAX)
		return;
	if (place == out->n) {
		out->v = xgrow(out->v, out->n, sizeof(*out->v));
		out->n++;
	}
	out->v[place] = describe(c, b, i);
}

static int emit(const struct kpage_batch *b, void *arg)
{
	struct collector *c = arg;

	for (size_t i = 0; i < b->n && !c->done; i++) {
		if (kpage_batch_is_swap(b, i) || !narrowing_takes(&c->narrow, b, i))
			continue;
		/* A hugetlb page is lost as one. */
		if (page_set_add(&c->seen, b->kflags[i] & KPAGE_BIT(HUGE) ?
						   c->narrow.compound.head : b->pfn[i]))
			take(c, b, i);
	}
	c->done |= signals_pending() != 0;
	return c->done ? -ECANCELED : 0;
}

static struct kpage_walk make_walk(struct collector *c)
{
	return (struct kpage_walk){
		.flags = c->src->flags,
		.mapcount = c->src->mapcount,
		.cgroup = c->src->cgroup,
		.raw = c->s->raw_only != 0,
		.exprs = c->s->exprs,
		.nr_exprs = c->s->nr_exprs,
		.threads = c->how.threads ? c->how.threads : walk_threads(),
		.max_cpu = c->how.max_cpu,
		.emit = emit,
		.arg = c,
	};
}

/* -------------------------------------------------------------------- processes */

static int walk_vmas(struct collector *c, pid_t pid, const struct vma_list *vmas)
{
	const struct selection *s = c->s;
	const struct kpage_walk walk = make_walk(c);
	_cleanup_free_ struct kpage_range *made = NULL;
	const struct kpage_range *ranges = s->ranges;
	size_t n = s->nr_ranges;

	if (s->nr_vmas) {
		made = ranges_of_vmas(s, vmas, &n);
		ranges = made;
	}
	/* To the walk, no ranges mean all. */
	if (!n && (s->nr_vmas || s->has_ranges))
		return kpage_task_read_memory(c->ctx, pid, NULL);
	return kpage_walk_task(c->ctx, &walk, pid, ranges, n);
}

static int walk_process(struct collector *c, pid_t pid)
{
	struct vma_list vmas;
	int err;

	err = vma_list_read(c->ctx, pid, c->s->vmas, c->s->nr_vmas, &vmas);
	if (err)
		return err;
	c->pid = pid;
	narrowing_enter(&c->narrow, &vmas);
	err = walk_vmas(c, pid, &vmas);
	narrowing_enter(&c->narrow, NULL);
	c->pid = 0;
	vma_list_release(&vmas);
	return err == -ECANCELED ? 0 : err;
}

static int walk_processes(struct collector *c, const pid_t *extra, size_t nr_extra)
{
	struct process_list list = { 0 };
	size_t nr_named, nr_pids = c->s->nr_pids;
	int err = 0, status = EXIT_OK;

	for (size_t i = 0; i < nr_pids; i++)
		process_list_add(&list, c->s->pids[i]);
	for (size_t i = 0; i < nr_extra; i++)
		process_list_add(&list, extra[i]);
	nr_named = list.n;
	if (c->s->tree)
		err = process_list_add_descendants(&list, c->ctx);
	if (err)
		status = fail_errno(err, "--tree: %s", kpage_ctx_error_path(c->ctx));
	for (size_t i = 0; !err && i < list.n && !c->done; i++) {
		int one = walk_process(c, list.v[i]);

		/* Nobody named a descendant that has ended, or a kernel thread. */
		if (!one || (one == -ESRCH && i >= nr_named))
			continue;
		one = fail_task_walk(c->ctx, c->src->flags,
				     i < nr_pids ? "--pid" : i < nr_named ? "COMMAND" : "--tree",
				     list.v[i], one);
		status = status ? status : one;
	}
	process_list_release(&list);
	return status;
}

/* ---------------------------------------------------------- files, and the machine */

static void begin_file(const char *path, void *arg)
{
	struct collector *c = arg;

	c->file = keep_name(c->out, path);
}

static int walk_caches(struct collector *c)
{
	const struct selection *s = c->s;
	const struct kpage_walk walk = make_walk(c);
	const struct file_walk w = {
		.ctx = c->ctx,
		.walk = &walk,
		.ranges = s->ranges,
		.nr_ranges = s->nr_ranges,
		.no_ranges = s->has_ranges && !s->nr_ranges,
		.stop = &c->done,
		.begin = begin_file,
		.arg = c,
	};

	return walk_files(&w, s->file);
}

static int walk_machine(struct collector *c)
{
	static const struct kpage_range all = { 0, UINT64_MAX };
	const struct selection *s = c->s;
	_cleanup_free_ struct kpage_hole *holes = NULL;
	struct kpage_walk walk = make_walk(c);
	const struct kpage_range *ranges = s->has_pfns ? s->pfns : s->has_ranges ? s->ranges : &all;
	size_t n = s->has_pfns ? s->nr_pfns : s->has_ranges ? s->nr_ranges : 1;
	uint64_t end;
	int err;

	/* Memory that is not there is not read; where nothing is known of it, all is. */
	if (ranges == &all && !kpage_holes_find(c->ctx, c->src->flags, &holes, &walk.nr_holes))
		walk.holes = holes;
	else
		walk.nr_holes = 0;
	err = kpage_walk_pfns(&walk, ranges, n, &end);
	if (err == -ECANCELED)
		return EXIT_OK;
	if (err)
		return fail_pfn_walk(&walk, err);
	return ranges == &all ? EXIT_OK :
				check_walk_end(s->has_pfns ? s->pfns_option : "--addr", c->src->flags,
					       ranges, n, end, NULL);
}

/* ------------------------------------------------------------------ the collection */

static int prepare(struct collector *c, bool processes)
{
	const struct selection *s = c->s;

	c->sample = (struct sample){ .seed = s->seed, .k = c->limit };
	page_kinds_init(&c->out->kinds, c->ctx, c->src->flags);
	return narrowing_open(&c->narrow, s, c->ctx, c->src->flags, c->src->cgroup,
			      !processes && !s->file);
}

/* Puts the targets in the order of the choice. */
static void shuffle(struct collector *c)
{
	struct target_list *out = c->out;
	struct target *v = xcalloc(out->n + 1, sizeof(*v));

	sample_order(&c->sample);
	for (size_t i = 0; i < out->n; i++)
		v[i] = out->v[c->sample.heap[i].slot];
	free(out->v);
	out->v = v;
}

static void release(struct collector *c)
{
	narrowing_close(&c->narrow);
	page_set_release(&c->seen);
	sample_release(&c->sample);
}

int targets_collect_by(const struct selection *s, struct kpage_ctx *ctx,
		       const struct target_sources *src, const pid_t *extra, size_t nr_extra,
		       size_t max, const struct target_walk *how, struct target_list *out)
{
	bool processes = !s->file && (s->nr_pids || nr_extra), counted = s->count && s->count <= max;
	struct collector c = {
		.s = s,
		.ctx = ctx,
		.src = src,
		.out = out,
		.limit = counted ? (size_t)s->count : max,
		.how = how ? *how : (struct target_walk){ 0 },
	};
	int status;

	*out = (struct target_list){ 0 };
	status = prepare(&c, processes);
	if (!status && processes)
		status = walk_processes(&c, extra, nr_extra);
	else if (!status)
		status = s->file ? walk_caches(&c) : walk_machine(&c);
	if (s->random)
		shuffle(&c);
	if (out->more && !counted) {
		out->more = false;
		out->over = true;
	}
	release(&c);
	return status;
}

int targets_collect(const struct selection *s, struct kpage_ctx *ctx,
		    const struct target_sources *src, const pid_t *extra, size_t nr_extra, size_t max,
		    struct target_list *out)
{
	return targets_collect_by(s, ctx, src, extra, nr_extra, max, NULL, out);
}

void target_list_release(struct target_list *list)
{
	tdestroy(list->names, free);
	free(list->v);
	*list = (struct target_list){ 0 };
}

bool target_is_still_chosen(const struct selection *s, const struct target_sources *src,
			    const struct target *t, uint64_t *kflags)
{
	if (kpage_file_read(src->flags, t->pfn, kflags, 1) != 1)
		return false;
	return selection_matches(s, *kflags, t->entry,
				 cgroup_of_page(src->flags, src->cgroup, t->pfn, *kflags));
}
