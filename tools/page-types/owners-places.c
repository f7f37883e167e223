// SPDX-License-Identifier: GPL-2.0-or-later
/* --owners: the mappings in which the pages were found, and whose they are. */
#include <string.h>

#include "owners.h"

/* ------------------------------------------------------------------- processes */

static size_t place_of(const struct ownership *o, pid_t pid)
{
	size_t from = 0, to = o->nr_processes;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (o->processes[middle].pid < pid)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

const struct owner_process *owners_process(const struct ownership *o, pid_t pid)
{
	return &o->processes[place_of(o, pid)];
}

void owners_note_process(struct ownership *o, pid_t pid)
{
	size_t at = place_of(o, pid);
	struct owner_process *p;
	struct kpage_task task;

	if (at < o->nr_processes && o->processes[at].pid == pid)
		return;
	o->processes = xgrow(o->processes, o->nr_processes, sizeof(*o->processes));
	p = &o->processes[at];
	memmove(p + 1, p, (o->nr_processes++ - at) * sizeof(*p));
	*p = (struct owner_process){ .pid = pid };
	if (!kpage_task_read(o->ctx, pid, &task))
		snprintf(p->comm, sizeof(p->comm), "%s", task.comm);
	if (kpage_cgroup_of_task(o->ctx, pid, &p->cgroup))
		p->cgroup = NULL;
}

/* -------------------------------------------------------------------- mappings */

/* Indices of owners, by process and address: as maps has its lines. */
static int by_address(const void *a, const void *b, void *arg)
{
	const struct owner *v = arg, *x = &v[*(const size_t *)a], *y = &v[*(const size_t *)b];

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static void describe(struct owner_place *place, const struct kpage_vma *vma)
{
	*place = (struct owner_place){
		.known = true,
		.start = vma->start,
		.end = vma->end,
		/* The first System V segment has the inode number 0. */
		.has_file = vma->inode || vma->dev_major || vma->dev_minor,
		.offset = vma->offset,
		.name = vma->name[0] ? xstrdup(vma->name) : NULL,
	};
	memcpy(place->perms, vma->perms, sizeof(place->perms));
}

/* n owners of one process, ascending by address. */
static void find_in_process(struct ownership *o, const size_t *order, size_t n)
{
	struct kpage_maps *maps = NULL;
	struct kpage_vma vma;
	size_t i = 0;

	if (kpage_maps_open(o->ctx, o->owners.v[order[0]].pid, &maps))
		return;
	while (i < n && kpage_maps_next(maps, &vma) > 0)
		for (; i < n && o->owners.v[order[i]].address < vma.end; i++)
			if (o->owners.v[order[i]].address >= vma.start)
				describe(&o->places[order[i]], &vma);
	kpage_maps_free(maps);
}

void owners_find_places(struct ownership *o)
{
	const struct owner *v = o->owners.v;
	size_t n = o->owners.n, next;
	_cleanup_free_ size_t *order = xcalloc(n + 1, sizeof(*order));

	o->places = xcalloc(n + 1, sizeof(*o->places));
	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), by_address, o->owners.v);
	for (size_t i = 0; i < n; i = next) {
		for (next = i; next < n && v[order[next]].pid == v[order[i]].pid; next++)
			;
		owners_note_process(o, v[order[i]].pid);
		find_in_process(o, order + i, next - i);
	}
}
