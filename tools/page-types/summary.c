// SPDX-License-Identifier: GPL-2.0-or-later
/* The summary of page-types, to the byte that of the kernel's tool; and its records. */
#include "summary.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define HEAD "             flags\tpage-count       MB  symbolic-flags\t\t\tlong-symbolic-flags\n"

/* ----------------------------------------------------------------------- records */

/* A row of the summary, or a sum, which has no flags. */
struct summary_row {
	enum group_by by;		/* BY_NONE: of all pages */
	const struct group *group;	/* NULL: of all groups that are not shown */
	struct kpage_tally_row count;
	size_t sets;			/* of flags, whose sum it is */
};

static const struct summary_row *row_of(const void *row)
{
	return row;
}

static void get_by(const void *row, struct cell *c)
{
	cell_text(c, group_by_name(row_of(row)->by));
}

static void get_group(const void *row, struct cell *c)
{
	if (row_of(row)->group)
		cell_text(c, row_of(row)->group->label);
}

static void get_pid(const void *row, struct cell *c)
{
	if (row_of(row)->group && row_of(row)->group->pid)
		cell_number(c, (uint64_t)row_of(row)->group->pid);
}

static void get_number(const void *row, struct cell *c)
{
	if (row_of(row)->group && row_of(row)->group->has_number)
		cell_number(c, row_of(row)->group->number);
}

static void get_flags(const void *row, struct cell *c)
{
	cell_flags(c, row_of(row)->count.flags);
}

static void get_value(const void *row, struct cell *c)
{
	cell_hex(c, row_of(row)->count.flags);
}

static void get_pages(const void *row, struct cell *c)
{
	cell_number(c, row_of(row)->count.pages);
}

static void get_bytes(const void *row, struct cell *c)
{
	cell_number(c, row_of(row)->count.pages * kpage_page_size());
}

static void get_sets(const void *row, struct cell *c)
{
	cell_number(c, row_of(row)->sets);
}

#define FLAG_COLUMNS 2

static const struct column summary_columns[] = {
	{ "flags", NULL, 0, get_flags },
	{ "flags_value", NULL, 0, get_value },
	{ "by", NULL, 0, get_by },
	{ "group", NULL, 0, get_group },
	{ "pid", NULL, 0, get_pid },
	{ "number", NULL, 0, get_number },
	{ "pages", NULL, 0, get_pages },
	{ "bytes", NULL, 0, get_bytes },
};

static const struct record_type summary_record = {
	.name = "summary",
	.version = 1,
	.columns = summary_columns,
	.nr_columns = ARRAY_SIZE(summary_columns),
};

static const struct record_type sum_record = {
	.name = "sum",
	.version = 1,
	.columns = summary_columns + FLAG_COLUMNS,
	.nr_columns = ARRAY_SIZE(summary_columns) - FLAG_COLUMNS,
};

static const struct column others_columns[] = {
	{ "sets", NULL, 0, get_sets },
	{ "pages", NULL, 0, get_pages },
	{ "bytes", NULL, 0, get_bytes },
};

/* What --top leaves out of a summary without groups. */
static const struct record_type others_record = {
	.name = "others",
	.version = 1,
	.columns = others_columns,
	.nr_columns = ARRAY_SIZE(others_columns),
};

/* ------------------------------------------------------------------------- rows */

static uint64_t pages_to_mb(uint64_t pages)
{
	return pages * kpage_page_size() >> 20;
}

static void print_row(const struct kpage_tally_row *row)
{
	char symbolic[KPAGE_SYMBOLIC_SIZE], names[KPAGE_NAMES_SIZE];

	kpage_flags_symbolic(row->flags, symbolic);
	kpage_flags_names(row->flags, names);
	printf("0x%016" PRIx64 "\t%10" PRIu64 " %8" PRIu64 "  %s\t%s\n", row->flags, row->pages,
	       pages_to_mb(row->pages), symbolic, names);
}

static void print_sum(const char *what, uint64_t pages)
{
	printf("%18s\t%10" PRIu64 " %8" PRIu64 "\n", what, pages, pages_to_mb(pages));
}

static int by_pages(const void *a, const void *b)
{
	const struct kpage_tally_row *x = a, *y = b;

	if (x->pages != y->pages)
		return x->pages > y->pages ? -1 : 1;
	return (x->flags > y->flags) - (x->flags < y->flags);
}

static int by_name(const void *a, const void *b)
{
	char x[KPAGE_NAMES_SIZE], y[KPAGE_NAMES_SIZE];

	kpage_flags_names(((const struct kpage_tally_row *)a)->flags, x);
	kpage_flags_names(((const struct kpage_tally_row *)b)->flags, y);
	return strcmp(x, y);
}

static void sort_rows(struct kpage_tally_row *rows, size_t n, enum sort_by sort)
{
	if (n && sort == SORT_PAGES)
		qsort(rows, n, sizeof(*rows), by_pages);
	else if (n && sort == SORT_NAME)
		qsort(rows, n, sizeof(*rows), by_name);
}

static void show_row(const struct summary_row *row, const struct summary_style *style)
{
	if (style->json)
		record_print(style->json, &summary_record, row);
	else
		print_row(&row->count);
}

static void show_sum(const struct summary_row *row, const char *what,
		     const struct summary_style *style)
{
	if (style->json)
		record_print(style->json, &sum_record, row);
	else
		print_sum(what, row->count.pages);
}

static void show_others(uint64_t pages, size_t sets, const struct summary_style *style)
{
	const struct summary_row row = { .count.pages = pages, .sets = sets };

	if (!sets)
		return;
	if (style->json)
		record_print(style->json, &others_record, &row);
	else
		print_sum("others", pages);
}

/* The rows of a tally, at most `top` of them, and their sum. */
static int show_tally(const struct kpage_tally *tally, enum group_by by, const struct group *group,
		      uint64_t top, const struct summary_style *style)
{
	_cleanup_free_ struct kpage_tally_row *rows = NULL;
	struct summary_row row = { .by = by, .group = group };
	uint64_t others = kpage_tally_total(tally);
	size_t n = 0, shown;
	int err = kpage_tally_rows(tally, &rows, &n);

	if (err)
		return err;
	shown = top && top < n ? (size_t)top : n;
	sort_rows(rows, n, top && style->sort == SORT_DEFAULT ? SORT_PAGES : style->sort);
	if (!style->json)
		printf("%s", HEAD);
	for (size_t i = 0; i < shown; i++) {
		row.count = rows[i];
		others -= rows[i].pages;
		show_row(&row, style);
	}
	show_others(others, n - shown, style);
	row.count = (struct kpage_tally_row){ .pages = kpage_tally_total(tally) };
	show_sum(&row, "total", style);
	return 0;
}

int show_summary(const struct kpage_tally *tally, const struct summary_style *style)
{
	return show_tally(tally, BY_NONE, NULL, style->top, style);
}

/* ----------------------------------------------------------------------- groups */

static uint64_t pages_of(const struct group *group)
{
	return kpage_tally_total(group->tally);
}

static int by_group_pages(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (pages_of(x) != pages_of(y))
		return pages_of(x) > pages_of(y) ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static int by_group_label(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	int order = strcmp(x->label, y->label);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void sort_groups(struct group *v, size_t n, const struct summary_style *style)
{
	if (n && (style->sort == SORT_PAGES || (style->top && style->sort == SORT_DEFAULT)))
		qsort(v, n, sizeof(*v), by_group_pages);
	else if (n && style->sort == SORT_NAME)
		qsort(v, n, sizeof(*v), by_group_label);
}

static void show_other_groups(const struct groups *groups, const struct group *v, size_t n,
			      const struct summary_style *style)
{
	struct summary_row row = { .by = groups->by };

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		row.count.pages += pages_of(&v[i]);
	if (!style->json)
		printf("%zu other group%s\n", n, n == 1 ? "" : "s");
	show_sum(&row, "total", style);
	if (!style->json)
		printf("\n");
}

int show_groups(const struct groups *groups, const struct kpage_tally *all,
		const struct summary_style *style)
{
	_cleanup_free_ struct group *v = groups_list(groups);
	const struct summary_row sum = { .count = { .pages = kpage_tally_total(all) } };
	size_t shown = style->top && style->top < groups->n ? (size_t)style->top : groups->n;
	int err = 0;

	sort_groups(v, groups->n, style);
	for (size_t i = 0; i < shown && !err; i++) {
		if (!style->json) {
			put_name(stdout, v[i].label);
			putchar('\n');
		}
		err = show_tally(v[i].tally, groups->by, &v[i], 0, style);
		if (!style->json)
			printf("\n");
	}
	show_other_groups(groups, v + shown, groups->n - shown, style);
	if (!style->json)
		printf("%zu group%s in all\n", groups->n, groups->n == 1 ? "" : "s");
	show_sum(&sum, "total", style);
	return err;
}
