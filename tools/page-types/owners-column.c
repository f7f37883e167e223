// SPDX-License-Identifier: GPL-2.0-or-later
/* --owners with a list: a first walk over what will be listed, to know which pages are to be
 * looked for in the processes. */
#include "page-types.h"

#include <errno.h>

/* Owners are kept for so many pages. */
#define MAX_PAGES (1 << 20)

struct collection {
	struct run *run;
	uint64_t *pfns;
	size_t n;
	bool over;
};

static int collect(const struct kpage_batch *b, void *arg)
{
	struct collection *c = arg;

	for (size_t i = 0; i < b->n && !c->over; i++) {
		if (kpage_batch_is_swap(b, i))
			continue;
		c->over = c->n == MAX_PAGES;
		if (c->over)
			break;
		c->pfns = xgrow(c->pfns, c->n, sizeof(*c->pfns));
		c->pfns[c->n++] = b->pfn[i];
	}
	c->run->stop = c->over;
	return c->over ? -ECANCELED : 0;
}

static int find(struct run *run, const struct collection *c)
{
	const struct owner_search how = {
		.threads = run->opt.jobs,
		.max_cpu = run->opt.max_cpu,
	};
	int status = owners_find_by(run->ctx, run->flags, c->pfns, c->n, &how, &run->owners);

	if (status)
		return status;
	if (run->owners.hidden)
		return fail(EXIT_NOPERM, "--owners: the kernel hides PFNs from this caller: it needs "
			    "CAP_SYS_ADMIN (try as root, outside of a container)");
	if (run->owners.denied)
		warn("--owners: %zu processes could not be looked at: Permission denied",
		     run->owners.denied);
	run->list.owners = &run->owners;
	return EXIT_OK;
}

int owners_column(struct run *run)
{
	struct collection c = { .run = run };
	struct kpage_walk walk;
	int status;

	run_walk(run, &walk);
	walk.emit = collect;
	walk.arg = &c;
	status = walk_selection(run, &walk);
	run->stop = false;
	if (!status && c.over)
		status = fail(EXIT_REFUSED, "--owners: more than %d pages are listed: narrow them", MAX_PAGES);
	if (!status)
		status = find(run, &c);
	free(c.pfns);
	return status;
}
