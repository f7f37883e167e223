// SPDX-License-Identifier: GPL-2.0-or-later
/* Walks whose pages are looked at once more: for the conditions that a walk does not know,
 * and for the groups of --by. */
#include "page-types.h"

#include <errno.h>

/* A walk by --pfn and one by --addr need it only for both of them together. */
static bool is_narrowed(const struct selection *s)
{
	return s->nr_vmas || s->nr_nodes || s->cgroup ||
	       (s->has_pfns && (s->nr_pids || s->file || s->has_ranges));
}

static bool needs_narrowing(const struct options *opt)
{
	return opt->by != BY_NONE || is_narrowed(&opt->selection);
}

int narrowed_open(struct run *run)
{
	const struct selection *s = &run->opt.selection;

	if (!needs_narrowing(&run->opt))
		return EXIT_OK;
	run->groups.by = run->opt.by;
	run->groups.ctx = run->ctx;
	run->groups.dump = run->saved;
	run->narrowed.on = true;
	return narrowing_open(&run->narrowed.conditions, s, run->ctx, run->flags, run->cgroup,
			      !s->nr_pids && !s->file);
}

void narrowed_close(struct run *run)
{
	narrowing_close(&run->narrowed.conditions);
	groups_release(&run->groups);
}

/* Counts and groups a page that was taken. */
static int count(struct run *run, const struct kpage_batch *b, size_t i)
{
	const struct group_place place = {
		.pid = run->list.pid,
		.file = run->list.file,
		.narrow = &run->narrowed.conditions,
		.batch = b,
		.i = i,
	};
	struct kpage_tally *tally = run->narrowed.walk->tally;

	if (tally && kpage_tally_add(tally, b->flags[i], 1))
		return -ENOMEM;
	return tally && run->groups.by != BY_NONE ? groups_add(&run->groups, &place) : 0;
}

static int emit_taken(const struct kpage_batch *batch, void *arg)
{
	struct run *run = arg;
	struct kpage_batch b = *batch;
	int err = 0;

	b.n = 0;
	for (size_t i = 0; !err && i < batch->n; i++) {
		if (!narrowing_takes(&run->narrowed.conditions, batch, i))
			continue;
		err = count(run, batch, i);
		kpage_batch_move(batch, b.n++, i);
	}
	if (err || !b.n || !run->narrowed.walk->emit)
		return err;
	return run->narrowed.walk->emit(&b, run->narrowed.walk->arg);
}

void narrowed_walk(struct run *run, const struct kpage_walk *walk, struct kpage_walk *out)
{
	*out = *walk;
	if (!run->narrowed.on)
		return;
	run->narrowed.walk = walk;
	out->tally = NULL;
	out->emit = emit_taken;
	out->arg = run;
}

int narrowed_walk_task(struct run *run, const struct kpage_walk *walk, pid_t pid)
{
	const struct selection *s = &run->opt.selection;
	_cleanup_free_ struct kpage_range *ranges = NULL;
	struct vma_list vmas;
	size_t n;
	int err;

	err = vma_list_read(run->ctx, pid, s->vmas, s->nr_vmas, &vmas);
	if (err)
		return err;
	ranges = ranges_of_vmas(s, &vmas, &n);
	narrowing_enter(&run->narrowed.conditions, &vmas);
	/* To the walk, no ranges mean all. */
	if (n)
		err = kpage_walk_task(run->ctx, walk, pid, ranges, n);
	else
		err = kpage_task_read_memory(run->ctx, pid, NULL);
	narrowing_enter(&run->narrowed.conditions, NULL);
	vma_list_release(&vmas);
	return err;
}
