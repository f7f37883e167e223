// SPDX-License-Identifier: GPL-2.0-or-later
/* The summary of --sample: each count with its 95% interval. */
#include "sample-show.h"

#include <inttypes.h>
#include <math.h>

struct sample_row {
	const struct sample_result *result;
	const struct estimate_row *row;
	double half;
};

/* Clusters at the end of memory are short, which can make the estimate a few pages more than
 * there are. */
static uint64_t pages_of(const struct sample_row *r)
{
	return MIN((uint64_t)llround(r->row->pages), r->result->pages);
}

/* What was seen is there, whatever the interval says; and so it is with what can't be. */
static uint64_t low_of(const struct sample_row *r)
{
	double low = floor((double)pages_of(r) - r->half);

	return low < (double)r->row->seen ? r->row->seen : (uint64_t)low;
}

static uint64_t high_of(const struct sample_row *r)
{
	return MIN((uint64_t)ceil((double)pages_of(r) + r->half), r->result->pages);
}

/* Of an interval that ends at what was seen, or at all there is, the larger half. */
static uint64_t half_of(const struct sample_row *r)
{
	uint64_t half = MAX(pages_of(r) - low_of(r), high_of(r) - pages_of(r));

	return MIN((uint64_t)ceil(r->half), half);
}

static struct sample_row make_row(const struct sample_result *result, const struct estimate_row *row)
{
	return (struct sample_row){ result, row, estimate_half_width(row, result->may_miss) };
}

static double fraction_of(const struct sample_result *result)
{
	return result->sampled_from ? (double)result->pages_read / (double)result->sampled_from : 1;
}

static void get_flags(const void *row, struct cell *c)
{
	cell_flags(c, ((const struct sample_row *)row)->row->flags);
}

static void get_flags_value(const void *row, struct cell *c)
{
	cell_hex(c, ((const struct sample_row *)row)->row->flags);
}

static void get_pages(const void *row, struct cell *c)
{
	cell_number(c, pages_of(row));
}

static void get_low(const void *row, struct cell *c)
{
	cell_number(c, low_of(row));
}

static void get_high(const void *row, struct cell *c)
{
	cell_number(c, high_of(row));
}

static void get_fraction(const void *row, struct cell *c)
{
	cell_json(c, json_new_real(fraction_of(((const struct sample_row *)row)->result)));
}

static void get_seed(const void *row, struct cell *c)
{
	cell_number(c, ((const struct sample_row *)row)->result->seed);
}

static void get_pages_read(const void *row, struct cell *c)
{
	cell_number(c, ((const struct sample_row *)row)->result->pages_read);
}

static void get_machine_pages(const void *row, struct cell *c)
{
	cell_number(c, ((const struct sample_row *)row)->result->pages);
}

static void get_may_miss(const void *row, struct cell *c)
{
	cell_number(c, ((const struct sample_row *)row)->result->may_miss);
}

static const struct column columns[] = {
	{ "flags", NULL, 0, get_flags },
	{ "flags_value", NULL, 0, get_flags_value },
	{ "pages", NULL, 0, get_pages },
	{ "low", NULL, 0, get_low },
	{ "high", NULL, 0, get_high },
	{ "fraction", NULL, 0, get_fraction },
	{ "seed", NULL, 0, get_seed },
	{ "pages_read", NULL, 0, get_pages_read },
	{ "machine_pages", NULL, 0, get_machine_pages },
	{ "may_miss", NULL, 0, get_may_miss },
};

static const struct record_type sample_record = {
	.name = "sample",
	.version = 1,
	.columns = columns,
	.nr_columns = ARRAY_SIZE(columns) - 2,
};

/* The sum has no flags. */
static const struct record_type sampled_record = {
	.name = "sampled",
	.version = 1,
	.columns = columns + 2,
	.nr_columns = ARRAY_SIZE(columns) - 2,
};

static uint64_t pages_to_mb(uint64_t pages)
{
	return pages * kpage_page_size() >> 20;
}

static void print_numbers(const struct sample_row *r)
{
	printf("%10" PRIu64 " ± %-9" PRIu64 " %8" PRIu64, pages_of(r), half_of(r),
	       pages_to_mb(pages_of(r)));
}

static void print_row(const struct sample_row *r)
{
	char symbolic[KPAGE_SYMBOLIC_SIZE], names[KPAGE_NAMES_SIZE];

	kpage_flags_symbolic(r->row->flags, symbolic);
	kpage_flags_names(r->row->flags, names);
	printf("0x%016" PRIx64 "\t", r->row->flags);
	print_numbers(r);
	printf("  %s\t%s\n", symbolic, names);
}

static void print_end(const struct sample_result *result)
{
	printf("sample: %" PRIu64 " of %" PRIu64 " pages read (%.3g%%), seed %" PRIu64,
	       result->pages_read, result->sampled_from, 100 * fraction_of(result), result->seed);
	if (result->may_miss)
		printf("; intervals of 95%%; a set of flags with fewer than about %" PRIu64
		       " pages may be missing", result->may_miss);
	printf("\n");
}

void sample_show(const struct sample_result *result, struct record_output *json)
{
	const struct estimate *e = result->estimate;
	const struct sample_row sum = make_row(result, &e->sum);

	if (!json)
		printf("             flags\tpage-count ± 95%%             MB  symbolic-flags"
		       "\t\t\tlong-symbolic-flags\n");
	for (size_t i = 0; i < e->n; i++) {
		const struct sample_row row = make_row(result, &e->rows[i]);

		if (json)
			record_print(json, &sample_record, &row);
		else
			print_row(&row);
	}
	if (json) {
		record_print(json, &sampled_record, &sum);
		return;
	}
	printf("             total\t");
	print_numbers(&sum);
	printf("\n");
	print_end(result);
}
