// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The formats of page-types, to the byte those of the kernel's tool. A list has
 * a row a page, so rows are put together by hand: printf() takes longer than the
 * kernel needs to read the page's flags.
 */
#include "show.h"

#include <inttypes.h>
#include <string.h>

/* The longest row: six numbers and the symbolic flags. */
#define ROW_MAX (6 * 21 + KPAGE_SYMBOLIC_SIZE)

static char *put_hex(char *p, uint64_t n, char end)
{
	size_t digits = (67 - (size_t)__builtin_clzll(n | 1)) / 4;

	for (size_t k = digits; k; n >>= 4)
		p[--k] = "0123456789abcdef"[n & 15];
	p[digits] = end;
	return p + digits + 1;
}

static char *put_decimal(char *p, uint64_t n, char end)
{
	char digits[20];
	size_t k = 0;

	do {
		digits[k++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (k)
		*p++ = digits[--k];
	*p++ = end;
	return p;
}

/* Their records: the same rows. */

struct range_row {
	const struct list *list;
	const struct row *row;
};

static const struct row *range_of(const void *row)
{
	return ((const struct range_row *)row)->row;
}

static const struct list *list_of(const void *row)
{
	return ((const struct range_row *)row)->list;
}

static void get_pid(const void *row, struct cell *c)
{
	if (list_of(row)->pid)
		cell_number(c, (uint64_t)list_of(row)->pid);
}

static void get_file(const void *row, struct cell *c)
{
	cell_text(c, list_of(row)->file);
}

static void get_offset(const void *row, struct cell *c)
{
	if (list_of(row)->columns.offset)
		cell_number(c, range_of(row)->offset);
}

static void get_cgroup(const void *row, struct cell *c)
{
	if (list_of(row)->columns.cgroup)
		cell_number(c, range_of(row)->cgroup);
}

static void get_mapcount(const void *row, struct cell *c)
{
	if (list_of(row)->columns.mapcount)
		cell_number(c, range_of(row)->mapcount);
}

/* A process that maps the page twice has two entries, one after the other. */
static bool is_repeated(const struct row *row, size_t i)
{
	return i && row->owners[i].pid == row->owners[i - 1].pid;
}

static void get_owners(const void *row, struct cell *c)
{
	const struct row *r = range_of(row);
	struct json_object *pids;

	if (!list_of(row)->owners)
		return;
	pids = json_new_array();
	for (size_t i = 0; i < r->nr_owners; i++)
		if (!is_repeated(r, i))
			json_push_number(pids, (uint64_t)r->owners[i].pid);
	cell_json(c, pids);
}

static void get_pfn(const void *row, struct cell *c)
{
	cell_pfn(c, range_of(row)->pfn);
}

static void get_pages(const void *row, struct cell *c)
{
	cell_number(c, range_of(row)->count);
}

static void get_flags(const void *row, struct cell *c)
{
	cell_flags(c, range_of(row)->flags);
}

static void get_flags_value(const void *row, struct cell *c)
{
	cell_hex(c, range_of(row)->flags);
}

static const struct column range_columns[] = {
	{ "pid", NULL, 0, get_pid },
	{ "file", NULL, 0, get_file },
	{ "offset", NULL, 0, get_offset },
	{ "cgroup", NULL, 0, get_cgroup },
	{ "mapcount", NULL, 0, get_mapcount },
	{ "owners", NULL, 0, get_owners },
	{ "pfn", NULL, 0, get_pfn },
	{ "pages", NULL, 0, get_pages },
	{ "flags", NULL, 0, get_flags },
	{ "flags_value", NULL, 0, get_flags_value },
};

static const struct record_type range_record = {
	.name = "range",
	.version = 1,
	.columns = range_columns,
	.nr_columns = ARRAY_SIZE(range_columns),
};

static void print_range(const struct list *list, const struct row *row)
{
	const struct range_row r = { .list = list, .row = row };

	record_print(list->json, &range_record, &r);
	stdout_has_failed();
}

static char *put_symbolic(char *p, struct list *list, uint64_t flags)
{
	if (flags != list->symbolic_flags || !list->symbolic_len) {
		list->symbolic_flags = flags;
		list->symbolic_len = kpage_flags_symbolic(flags, list->symbolic);
	}
	/* More than there is: of a known length it takes no call. */
	memcpy(p, list->symbolic, sizeof(list->symbolic));
	return p + list->symbolic_len;
}

/* Whole rows go out together, past stdio's own buffer. */
static void flush_rows(struct list *list)
{
	if (fwrite(list->text, 1, list->len, stdout) < list->len)
		stdout_has_failed();
	list->len = 0;
}

/* The last column: it may be as long as it likes. */
static void print_owners(const struct row *row)
{
	putchar('\t');
	for (size_t i = 0; i < row->nr_owners; i++)
		if (!is_repeated(row, i))
			printf("%s%d", i ? "," : "", (int)row->owners[i].pid);
	puts(row->nr_owners ? "" : "-");
}

static void put_row(struct list *list, const struct row *row)
{
	/* A copy: for all that the compiler knows, text may be written over the original. */
	const struct columns columns = list->columns;
	char *p = list->text + list->len;

	if (list->json) {
		print_range(list, row);
		return;
	}
	if (columns.pid)
		p = put_decimal(p, (uint64_t)list->pid, '\t');
	if (columns.offset)
		p = put_hex(p, row->offset, '\t');
	if (columns.cgroup) {
		*p++ = '@';
		p = put_decimal(p, row->cgroup, '\t');
	}
	if (columns.mapcount)
		p = put_decimal(p, row->mapcount, '\t');
	p = put_hex(p, row->pfn, '\t');
	if (list->mode == LIST_RANGES)
		p = put_hex(p, row->count, '\t');
	p = put_symbolic(p, list, row->flags);
	if (!list->owners)
		*p++ = '\n';
	list->len = (size_t)(p - list->text);
	if (list->owners) {
		flush_rows(list);
		print_owners(row);
	}
	if (list->len > sizeof(list->text) - ROW_MAX)
		flush_rows(list);
}

void list_begin(struct list *list, enum list_mode mode, const struct columns *columns,
		struct record_output *json)
{
	list->mode = mode;
	list->json = json;
	list->columns = *columns;
}

static void put_header(struct list *list)
{
	const struct columns *c = &list->columns;

	if (list->has_header || list->mode == LIST_NONE || list->json)
		return;
	list->has_header = true;
	printf("%s", c->pid ? "pid\t" : "");
	if (c->offset)
		printf("%s\t", c->offset);
	printf("%s%s%s%s\n", c->cgroup ? "cgroup\t" : "", c->mapcount ? "map-cnt\t" : "",
	       list->mode == LIST_RANGES ? "offset\tlen\tflags" : "offset\tflags",
	       list->owners ? "\towners" : "");
}

static void end_range(struct list *list)
{
	if (list->mode == LIST_RANGES && list->row.count)
		put_row(list, &list->row);
	list->row.count = 0;
}

void list_break(struct list *list)
{
	end_range(list);
	flush_rows(list);
}

/* Mapped by the same processes, wherever, and however often by each. */
static bool same_owners(const struct row *a, const struct row *b)
{
	size_t i = 0, k = 0;

	while (i < a->nr_owners && k < b->nr_owners && a->owners[i].pid == b->owners[k].pid) {
		for (i++; i < a->nr_owners && is_repeated(a, i); i++)
			;
		for (k++; k < b->nr_owners && is_repeated(b, k); k++)
			;
	}
	return i == a->nr_owners && k == b->nr_owners;
}

static bool continues(const struct row *range, const struct row *next)
{
	return range->count && next->flags == range->flags && next->cgroup == range->cgroup &&
	       next->mapcount == range->mapcount && next->pfn == range->pfn + range->count &&
	       next->offset == range->offset + range->count && same_owners(range, next);
}

static void add_row(struct list *list, const struct row *row)
{
	if (list->mode == LIST_EACH) {
		put_row(list, row);
	} else if (continues(&list->row, row)) {
		list->row.count++;
	} else {
		end_range(list);
		list->row = *row;
	}
}

void list_add(struct list *list, const struct kpage_batch *b)
{
	if (list->mode == LIST_NONE)
		return;
	put_header(list);
	for (size_t i = 0; i < b->n; i++) {
		struct row row = {
			.offset = b->offset ? b->offset[i] : b->pfn[i],
			.pfn = b->pfn[i],
			.count = 1,
			.flags = b->flags[i],
			.cgroup = list->columns.cgroup ? b->cgroup[i] : 0,
			.mapcount = list->columns.mapcount ? b->mapcount[i] : 0,
		};

		if (list->owners && !kpage_batch_is_swap(b, i))
			row.owners = owners_of(list->owners, row.pfn, &row.nr_owners);
		add_row(list, &row);
	}
}

void list_end(struct list *list)
{
	put_header(list);
	list_break(list);
}

void show_flags(uint64_t flags)
{
	char symbolic[KPAGE_SYMBOLIC_SIZE], names[KPAGE_NAMES_SIZE];

	kpage_flags_symbolic(flags, symbolic);
	kpage_flags_names(flags, names);
	printf("0x%016" PRIx64 "\t%s\t%s\n", flags, symbolic, names);
}
