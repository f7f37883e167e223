// SPDX-License-Identifier: GPL-2.0-or-later
/* --owners: which pages are meant, by the options or by lines of the kernel's log. */
#include <inttypes.h>

#include "common/walk.h"
#include "kernel-lines.h"
#include "owners.h"

/* More are no question of somebody who wants to read the answer. */
#define MAX_PAGES 4096

#define STDIN_NAME "--owners: standard input"

static void add_pfn(struct selection *s, uint64_t pfn)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, pfn);
	selection_add_pfns(s, STDIN_NAME, text);
}

static int add_poisoned(const struct kpage_batch *b, void *arg)
{
	for (size_t i = 0; i < b->n; i++)
		add_pfn(arg, b->pfn[i]);
	return 0;
}

/* All pages that have the flag hwpoison now. */
static int add_all_poisoned(struct ownership *o)
{
	static const struct kpage_range all = { 0, UINT64_MAX };
	static const struct kpage_expr poisoned = { KPAGE_BIT(HWPOISON), KPAGE_BIT(HWPOISON), false };
	_cleanup_free_ struct kpage_hole *holes = NULL;
	struct kpage_walk walk = {
		.flags = o->src.flags,
		.exprs = &poisoned,
		.nr_exprs = 1,
		.max_cpu = o->opt->max_cpu,
		.threads = o->opt->jobs ? o->opt->jobs : walk_threads(),
		.emit = add_poisoned,
		.arg = o->selection,
	};
	int err;

	if (!kpage_holes_find(o->ctx, o->src.flags, &holes, &walk.nr_holes))
		walk.holes = holes;
	else
		walk.nr_holes = 0;
	err = kpage_walk_pfns(&walk, &all, 1, NULL);
	return err ? fail_pfn_walk(&walk, err) : EXIT_OK;
}

static int take_lines(struct ownership *o, const struct kernel_lines *l)
{
	int status;

	if (!l->n && !l->all_poisoned)
		return fail(EXIT_FAILED, STDIN_NAME ": none of %zu lines names a page "
			    "(give kernel log lines, or choose pages: --pfn, --phys, --bits, ...)",
			    l->lines);
	o->selection->has_pfns = true;
	o->selection->pfns_option = STDIN_NAME;
	for (size_t i = 0; i < l->n; i++)
		add_pfn(o->selection, l->pfns[i]);
	if (l->passed_over)
		warn(STDIN_NAME ": %zu of %zu lines name no page", l->passed_over,
		     l->lines);
	status = l->all_poisoned ? add_all_poisoned(o) : EXIT_OK;
	o->none_poisoned = !status && !o->selection->nr_pfns;
	return status;
}

static int read_lines(struct ownership *o)
{
	struct kernel_lines lines;
	int err, status;

	if (isatty(STDIN_FILENO) == 1)
		return fail(EXIT_USAGE, "--owners: of which pages? (--pfn, --phys, --bits, ..., or "
			    "kernel log lines on standard input)");
	err = kernel_lines_read(stdin, &lines);
	status = err ? fail_errno(err, STDIN_NAME) : take_lines(o, &lines);
	kernel_lines_release(&lines);
	return status;
}

int owners_select(struct ownership *o)
{
	const struct target_walk how = { .threads = o->opt->jobs, .max_cpu = o->opt->max_cpu };
	int status = selection_is_empty(o->selection) ? read_lines(o) : EXIT_OK;

	if (!status)
		status = selection_resolve_tree(o->selection, o->ctx);
	if (status)
		return status;
	status = targets_collect_by(o->selection, o->ctx, &o->src, NULL, 0, MAX_PAGES, &how,
				    &o->targets);
	if (!o->targets.over)
		return status;
	o->targets.n = 0;
	return fail(EXIT_REFUSED, "--owners: more than %d pages are chosen: narrow them "
		    "(--bits, --addr, --cgroup, --vaddr, --pfn)", MAX_PAGES);
}
