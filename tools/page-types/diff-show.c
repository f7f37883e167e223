// SPDX-License-Identifier: GPL-2.0-or-later
/* What --diff shows: the list of what changed, and the tables. */
#include "diff.h"

#include <errno.h>
#include <search.h>
#include <string.h>

/* How many transitions are shown: the largest. */
#define TOP 20

/* A row of the tables by flags and by cgroup. */
struct delta {
	uint64_t key, old, new;
	const char *path;			/* of a cgroup */
};

struct sum {
	uint64_t old, new, unchanged, changed, only_old, only_new;
};

static int64_t change_of(const struct delta *d)
{
	return (int64_t)(d->new - d->old);
}

/* -------------------------------------------------------------------- records */

static void get_flags(const void *row, struct cell *c)
{
	cell_flags(c, ((const struct delta *)row)->key);
}

static void get_value(const void *row, struct cell *c)
{
	cell_hex(c, ((const struct delta *)row)->key);
}

static void get_ino(const void *row, struct cell *c)
{
	cell_number(c, ((const struct delta *)row)->key);
}

static void get_path(const void *row, struct cell *c)
{
	cell_text(c, ((const struct delta *)row)->path);
}

static void get_old(const void *row, struct cell *c)
{
	cell_number(c, ((const struct delta *)row)->old);
}

static void get_new(const void *row, struct cell *c)
{
	cell_number(c, ((const struct delta *)row)->new);
}

static void get_delta(const void *row, struct cell *c)
{
	cell_signed(c, change_of(row));
}

static const struct column flags_columns[] = {
	{ "flags_value", "flags", 18, get_value },
	{ "old", "old", 10, get_old },
	{ "new", "new", 10, get_new },
	{ "delta", "delta", 11, get_delta },
	{ "flags", "names", 0, get_flags },
};

static const struct record_type flags_record = {
	.name = "diff_flags",
	.version = 1,
	.title = "pages by flags, where their number changed:",
	.columns = flags_columns,
	.nr_columns = ARRAY_SIZE(flags_columns),
};

static const struct column cgroup_columns[] = {
	{ "cgroup", "cgroup", 10, get_ino },
	{ "old", "old", 10, get_old },
	{ "new", "new", 10, get_new },
	{ "delta", "delta", 11, get_delta },
	{ "path", "path", 0, get_path },
};

static const struct record_type cgroup_record = {
	.name = "diff_cgroup",
	.version = 1,
	.title = "pages by cgroup, where their number changed:",
	.columns = cgroup_columns,
	.nr_columns = ARRAY_SIZE(cgroup_columns),
};

static void get_before(const void *row, struct cell *c)
{
	cell_flags(c, ((const struct transition *)row)->before);
}

static void get_before_value(const void *row, struct cell *c)
{
	cell_hex(c, ((const struct transition *)row)->before);
}

static void get_after(const void *row, struct cell *c)
{
	cell_flags(c, ((const struct transition *)row)->after);
}

static void get_after_value(const void *row, struct cell *c)
{
	cell_hex(c, ((const struct transition *)row)->after);
}

static void get_moved(const void *row, struct cell *c)
{
	cell_number(c, ((const struct transition *)row)->pages);
}

static void get_arrow(const void *row, struct cell *c)
{
	(void)row;
	cell_text(c, "->");
}

static const struct column transition_columns[] = {
	{ "pages", "pages", 10, get_moved },
	{ "before", "before", -32, get_before },
	{ "before_value", NULL, 0, get_before_value },
	{ NULL, "  ", 0, get_arrow },
	{ "after", "after", 0, get_after },
	{ "after_value", NULL, 0, get_after_value },
};

static const struct record_type transition_record = {
	.name = "diff_transition",
	.version = 1,
	.title = "the largest transitions, flags before -> flags after:",
	.columns = transition_columns,
	.nr_columns = ARRAY_SIZE(transition_columns),
};

static void get_pfn(const void *row, struct cell *c)
{
	cell_pfn(c, ((const struct changed *)row)->pfn);
}

static void get_pages(const void *row, struct cell *c)
{
	cell_number(c, ((const struct changed *)row)->pages);
}

static void get_range_before(const void *row, struct cell *c)
{
	cell_flags(c, ((const struct changed *)row)->before);
}

static void get_range_before_value(const void *row, struct cell *c)
{
	cell_hex(c, ((const struct changed *)row)->before);
}

static void get_range_after(const void *row, struct cell *c)
{
	cell_flags(c, ((const struct changed *)row)->after);
}

static void get_range_after_value(const void *row, struct cell *c)
{
	cell_hex(c, ((const struct changed *)row)->after);
}

static const struct column range_columns[] = {
	{ "pfn", "pfn", -12, get_pfn },
	{ "pages", "pages", 8, get_pages },
	{ "before", "before", -32, get_range_before },
	{ "before_value", NULL, 0, get_range_before_value },
	{ NULL, "  ", 0, get_arrow },
	{ "after", "after", 0, get_range_after },
	{ "after_value", NULL, 0, get_range_after_value },
};

static const struct record_type range_record = {
	.name = "diff_range",
	.version = 1,
	.columns = range_columns,
	.nr_columns = ARRAY_SIZE(range_columns),
};

static void get_sum_old(const void *row, struct cell *c)
{
	cell_number(c, ((const struct sum *)row)->old);
}

static void get_sum_new(const void *row, struct cell *c)
{
	cell_number(c, ((const struct sum *)row)->new);
}

static void get_unchanged(const void *row, struct cell *c)
{
	cell_number(c, ((const struct sum *)row)->unchanged);
}

static void get_changed(const void *row, struct cell *c)
{
	cell_number(c, ((const struct sum *)row)->changed);
}

static void get_only_old(const void *row, struct cell *c)
{
	cell_number(c, ((const struct sum *)row)->only_old);
}

static void get_only_new(const void *row, struct cell *c)
{
	cell_number(c, ((const struct sum *)row)->only_new);
}

static const struct column sum_columns[] = {
	{ "old", "old", 10, get_sum_old },
	{ "new", "new", 10, get_sum_new },
	{ "unchanged", "unchanged", 10, get_unchanged },
	{ "changed", "changed", 10, get_changed },
	{ "only_old", "only in old", 11, get_only_old },
	{ "only_new", "only in new", 11, get_only_new },
};

static const struct record_type sum_record = {
	.name = "diff_sum",
	.version = 1,
	.title = "pages:",
	.columns = sum_columns,
	.nr_columns = ARRAY_SIZE(sum_columns),
};

/* An empty line comes between two tables. */
static void put(struct diff *d, const struct record_type *type, const void *row)
{
	if (!d->out.json && d->out.table && d->out.table != type)
		putchar('\n');
	record_print(&d->out, type, row);
}

/* ---------------------------------------------------------------------- the list */

static void end_range(struct diff *d)
{
	if (d->range.pages)
		put(d, &range_record, &d->range);
	d->range.pages = 0;
}

void diff_list(struct diff *d, const struct changed *c)
{
	struct changed *r = &d->range;

	if (d->opt->list == LIST_NONE)
		return;
	if (d->opt->list == LIST_RANGES && r->pages && r->before == c->before &&
	    r->after == c->after && r->pfn + r->pages == c->pfn) {
		r->pages += c->pages;
		return;
	}
	end_range(d);
	*r = *c;
	for (; d->opt->list == LIST_EACH && r->pages > 1; r->pages--) {
		const struct changed one = { r->pfn, 1, r->before, r->after };

		put(d, &range_record, &one);
		r->pfn++;
	}
}

/* -------------------------------------------------------------------- the tables */

static int by_change(const void *a, const void *b)
{
	const struct delta *x = a, *y = b;
	uint64_t dx = (uint64_t)llabs(change_of(x)), dy = (uint64_t)llabs(change_of(y));

	if (dx != dy)
		return dx > dy ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

int diff_by_pair(const void *a, const void *b)
{
	const struct transition *x = a, *y = b;

	if (x->before != y->before)
		return x->before < y->before ? -1 : 1;
	return (x->after > y->after) - (x->after < y->after);
}

static int by_pages(const void *a, const void *b)
{
	const struct transition *x = a, *y = b;

	if (x->pages != y->pages)
		return x->pages > y->pages ? -1 : 1;
	return diff_by_pair(a, b);
}

static struct kpage_tally_row *rows_of(const struct kpage_tally *t, size_t *n)
{
	struct kpage_tally_row *rows = NULL;

	if (kpage_tally_rows(t, &rows, n))
		exit(fail(EXIT_FAILED, "%s", strerror(ENOMEM)));
	return rows;
}

/* Both tables as one, the largest change first; what did not change is left out. */
static struct delta *merge(const struct kpage_tally *old, const struct kpage_tally *new, size_t *n)
{
	size_t nr_old, nr_new, i = 0, k = 0;
	_cleanup_free_ struct kpage_tally_row *a = rows_of(old, &nr_old);
	_cleanup_free_ struct kpage_tally_row *b = rows_of(new, &nr_new);
	struct delta *rows = xcalloc(nr_old + nr_new + 1, sizeof(*rows));

	*n = 0;
	while (i < nr_old || k < nr_new) {
		bool in_old = i < nr_old && (k == nr_new || a[i].flags <= b[k].flags);
		bool in_new = k < nr_new && (i == nr_old || b[k].flags <= a[i].flags);
		struct delta row = {
			.key = in_old ? a[i].flags : b[k].flags,
			.old = in_old ? a[i].pages : 0,
			.new = in_new ? b[k].pages : 0,
		};

		i += in_old;
		k += in_new;
		if (row.old != row.new)
			rows[(*n)++] = row;
	}
	qsort(rows, *n, sizeof(*rows), by_change);
	return rows;
}

static void print_flags(struct diff *d)
{
	size_t n;
	_cleanup_free_ struct delta *rows = merge(d->copies[0].by_flags, d->copies[1].by_flags, &n);

	for (size_t i = 0; i < n; i++)
		put(d, &flags_record, &rows[i]);
}

static const char *path_of(const struct diff *d, uint64_t ino)
{
	const char *path = kpage_dump_cgroup_path(d->copies[1].dump, ino);

	return path ? path : kpage_dump_cgroup_path(d->copies[0].dump, ino);
}

/* Pages that are charged to none have the number 0, and are no cgroup's. */
static void print_cgroups(struct diff *d)
{
	size_t n;
	_cleanup_free_ struct delta *rows = merge(d->copies[0].by_cgroup, d->copies[1].by_cgroup, &n);

	for (size_t i = 0; i < n; i++) {
		if (!rows[i].key)
			continue;
		rows[i].path = path_of(d, rows[i].key);
		put(d, &cgroup_record, &rows[i]);
	}
}

struct collecting {
	struct transition *rows;
	size_t n;
};

static void collect(const void *node, VISIT which, void *arg)
{
	struct collecting *c = arg;

	if (which == postorder || which == leaf)
		c->rows[c->n++] = **(struct transition *const *)node;
}

static void print_transitions(struct diff *d)
{
	_cleanup_free_ struct transition *rows = xcalloc(d->nr_transitions + 1, sizeof(*rows));
	struct collecting c = { .rows = rows };

	twalk_r(d->transitions, collect, &c);
	qsort(rows, c.n, sizeof(*rows), by_pages);
	for (size_t i = 0; i < MIN(c.n, TOP); i++)
		put(d, &transition_record, &rows[i]);
	if (c.n > TOP && !d->out.json)
		printf("(and %zu smaller ones)\n", c.n - TOP);
}

void diff_report(struct diff *d)
{
	const struct sum sum = {
		.old = d->copies[0].pages + d->copies[0].only,
		.new = d->copies[1].pages + d->copies[1].only,
		.unchanged = d->unchanged,
		.changed = d->changed,
		.only_old = d->copies[0].only,
		.only_new = d->copies[1].only,
	};

	end_range(d);
	if (d->opt->no_summary)
		return;
	if (d->changed) {
		print_flags(d);
		print_transitions(d);
	}
	if (d->copies[0].cgroup)
		print_cgroups(d);
	put(d, &sum_record, &sum);
}
