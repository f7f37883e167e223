// SPDX-License-Identifier: GPL-2.0-or-later
/* --diff: what changed between two copies, page by page. */
#include "page-types.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <string.h>

#include "common/walk.h"

/* How many transitions are shown: the largest. */
#define TOP 20

/* From one set of flags to another. */
struct transition {
	uint64_t before, after, pages;
};

/* Pages alike, one behind the other, that changed. */
struct changed {
	uint64_t pfn, pages, before, after;
};

struct copy {
	const char *path;
	struct kpage_dump *dump;		/* NULL: a copy of kpageflags */
	struct kpage_file *flags, *cgroup;	/* cgroup NULL: not compared */
	struct kpage_tally *by_flags, *by_cgroup;
	uint64_t pages;				/* that were compared */
	uint64_t only;				/* that the other one has not */
	uint64_t room[KPAGE_BATCH], cgroups[KPAGE_BATCH];
};

struct diff {
	const struct options *opt;
	struct record_output out;
	struct copy copies[2];			/* old and new */
	void *transitions;			/* a tree of tsearch(3) */
	size_t nr_transitions;
	uint64_t changed, unchanged;
	struct changed range;			/* --list: the one that may go on */
};

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

/* ------------------------------------------------------------------- comparing */

static int by_pair(const void *a, const void *b)
{
	const struct transition *x = a, *y = b;

	if (x->before != y->before)
		return x->before < y->before ? -1 : 1;
	return (x->after > y->after) - (x->after < y->after);
}

static void count_transition(struct diff *d, uint64_t before, uint64_t after, uint64_t pages)
{
	struct transition key = { .before = before, .after = after };
	struct transition **found = tfind(&key, &d->transitions, by_pair), *t;

	if (found) {
		(*found)->pages += pages;
		return;
	}
	t = xcalloc(1, sizeof(*t));
	*t = (struct transition){ before, after, pages };
	if (!tsearch(t, &d->transitions, by_pair))
		exit(fail(EXIT_FAILED, "%s", strerror(ENOMEM)));
	d->nr_transitions++;
}

static void end_range(struct diff *d)
{
	if (d->range.pages)
		put(d, &range_record, &d->range);
	d->range.pages = 0;
}

static void list_changed(struct diff *d, const struct changed *c)
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

static bool is_selected(const struct diff *d, uint64_t before, uint64_t after)
{
	const struct selection *s = &d->opt->selection;
	bool old = true, new = true;

	for (size_t i = 0; i < s->nr_exprs; i++) {
		old &= kpage_expr_matches(&s->exprs[i], before);
		new &= kpage_expr_matches(&s->exprs[i], after);
	}
	return old || new;
}

static uint64_t view(const struct diff *d, uint64_t kflags)
{
	return d->opt->raw ? kpage_flags_expand(kflags, 0) : kpage_flags_well_known(kflags);
}

static void tally(struct kpage_tally *t, uint64_t key, uint64_t pages)
{
	if (kpage_tally_add(t, key, pages))
		exit(fail(EXIT_FAILED, "%s", strerror(ENOMEM)));
}

/* Pages first … next-1 of a batch that begins at a PFN are alike in both. */
static void compare_run(struct diff *d, uint64_t pfn, size_t first, size_t next)
{
	struct copy *old = &d->copies[0], *new = &d->copies[1];
	const struct changed c = { pfn + first, next - first, view(d, old->room[first]),
				   view(d, new->room[first]) };

	if (!is_selected(d, c.before, c.after))
		return;
	old->pages += c.pages;
	new->pages += c.pages;
	tally(old->by_flags, c.before, c.pages);
	tally(new->by_flags, c.after, c.pages);
	for (size_t i = first; old->cgroup && i < next; i++) {
		tally(old->by_cgroup, old->cgroups[i], 1);
		tally(new->by_cgroup, new->cgroups[i], 1);
	}
	if (c.before == c.after) {
		d->unchanged += c.pages;
		return;
	}
	d->changed += c.pages;
	count_transition(d, c.before, c.after, c.pages);
	list_changed(d, &c);
}

static void compare_batch(struct diff *d, uint64_t pfn, size_t n)
{
	const uint64_t *old = d->copies[0].room, *new = d->copies[1].room;
	size_t next;

	for (size_t i = 0; i < n; i = next) {
		for (next = i + 1; next < n && old[next] == old[i] && new[next] == new[i]; next++)
			;
		compare_run(d, pfn, i, next);
	}
}

static void count_only(struct diff *d, struct copy *copy, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t flags = view(d, copy->room[i]);

		copy->only += is_selected(d, flags, flags);
	}
}

/* ------------------------------------------------------------------- reading */

static int fail_reading(const struct copy *copy, int err)
{
	if (err == -EBADMSG)
		return fail(EXIT_FAILED, "--diff: %s: truncated or damaged dump", copy->path);
	if (err == -ENODATA)
		return fail(EXIT_FAILED, "--diff: %s: became shorter while it was read", copy->path);
	return fail_errno(err, "--diff: %s", copy->path);
}

static int read_column(const struct copy *copy, const struct kpage_file *file, uint64_t pfn,
		       uint64_t *out, size_t n)
{
	ssize_t got = kpage_file_read(file, pfn, out, n);

	if (got >= 0 && (size_t)got < n)
		got = -ENODATA;
	return got < 0 ? fail_reading(copy, (int)got) : EXIT_OK;
}

static int read_copy(struct copy *copy, uint64_t pfn, size_t n)
{
	int status = read_column(copy, copy->flags, pfn, copy->room, n);

	if (!status && copy->cgroup)
		status = read_column(copy, copy->cgroup, pfn, copy->cgroups, n);
	return status;
}

/* The next pages from `at` on that one of them has, or both, up to `end`. */
struct piece {
	uint64_t start, end;
	bool has[2];
};

static bool next_piece(const struct diff *d, uint64_t at, uint64_t end, struct piece *out)
{
	struct kpage_range known[2];

	*out = (struct piece){ .start = end, .end = end };
	for (size_t i = 0; i < 2; i++) {
		if (!kpage_file_next(d->copies[i].flags, at, &known[i]))
			known[i] = (struct kpage_range){ UINT64_MAX, UINT64_MAX };
		out->start = MIN(out->start, known[i].start);
	}
	for (size_t i = 0; i < 2; i++) {
		out->has[i] = known[i].start <= out->start && out->start < known[i].end;
		out->end = MIN(out->end, out->has[i] ? known[i].end : known[i].start);
	}
	return out->start < out->end;
}

static int compare_piece(struct diff *d, const struct piece *p)
{
	int status = EXIT_OK;

	for (uint64_t at = p->start; !status && at < p->end;) {
		size_t n = (size_t)MIN(p->end - at, (uint64_t)KPAGE_BATCH);

		for (size_t i = 0; !status && i < 2; i++)
			if (p->has[i])
				status = read_copy(&d->copies[i], at, n);
		if (!status && p->has[0] && p->has[1])
			compare_batch(d, at, n);
		else if (!status)
			count_only(d, &d->copies[p->has[1]], n);
		if (stdout_has_failed())
			status = EXIT_FAILED;
		at += n;
	}
	return status;
}

static int compare_range(struct diff *d, const struct kpage_range *r)
{
	uint64_t at = r->start;
	struct piece piece;
	int status = EXIT_OK;

	while (!status && next_piece(d, at, r->end, &piece)) {
		status = compare_piece(d, &piece);
		at = piece.end;
	}
	return status;
}

static int compare(struct diff *d)
{
	static const struct kpage_range all = { 0, UINT64_MAX };
	const struct selection *s = &d->opt->selection;
	int status = EXIT_OK;

	if (!s->has_ranges)
		return compare_range(d, &all);
	for (size_t i = 0; !status && i < s->nr_ranges; i++)
		status = compare_range(d, &s->ranges[i]);
	return status;
}

/* ---------------------------------------------------------- what was asked for */

/* How many pages of a range neither copy has, up to the end of the longer one. */
static uint64_t missing_pages(const struct diff *d, const struct kpage_range *r, uint64_t end)
{
	uint64_t at = r->start, missing = 0;
	struct piece piece;

	end = MIN(r->end, end);
	while (at < end) {
		next_piece(d, at, end, &piece);
		missing += piece.start - at;
		at = piece.end;
	}
	return missing;
}

/* Pages that were asked for, and that one of the copies at least should have. */
static int check_ranges(const struct diff *d)
{
	const struct selection *s = &d->opt->selection;
	const struct copy *longer = &d->copies[0];
	uint64_t end, missing = 0;
	int status;

	if (kpage_file_pages(d->copies[1].flags) > kpage_file_pages(longer->flags))
		longer = &d->copies[1];
	end = kpage_file_pages(longer->flags);
	status = check_walk_end("--addr", longer->flags, s->ranges, s->nr_ranges, end, longer->path);
	for (size_t i = 0; !status && i < s->nr_ranges; i++)
		missing += missing_pages(d, &s->ranges[i], end);
	return missing ? fail(EXIT_FAILED, "--addr: %" PRIu64 " of the pages are in neither of the "
			      "copies, which are of a part", missing) : status;
}

/* ------------------------------------------------------------------- reporting */

static int by_change(const void *a, const void *b)
{
	const struct delta *x = a, *y = b;
	uint64_t dx = (uint64_t)llabs(change_of(x)), dy = (uint64_t)llabs(change_of(y));

	if (dx != dy)
		return dx > dy ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

static int by_pages(const void *a, const void *b)
{
	const struct transition *x = a, *y = b;

	if (x->pages != y->pages)
		return x->pages > y->pages ? -1 : 1;
	return by_pair(a, b);
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

static void report(struct diff *d)
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

/* --------------------------------------------------------------------- the run */

static int open_copies(struct run *run, struct diff *d)
{
	int status = EXIT_OK;

	for (size_t i = 0; !status && i < 2; i++) {
		struct copy *copy = &d->copies[i];

		copy->path = run->opt.copies[i];
		status = copy_open(run->ctx, "--diff", copy->path, &copy->dump, &copy->flags);
		if (!status && (kpage_tally_new(&copy->by_flags) || kpage_tally_new(&copy->by_cgroup)))
			status = fail(EXIT_FAILED, "%s", strerror(ENOMEM));
	}
	return status;
}

/* Only if both know them. */
static int open_cgroups(struct diff *d)
{
	struct kpage_file *files[2] = { NULL };
	int err = 0;

	if (!d->copies[0].dump || !d->copies[1].dump)
		return EXIT_OK;
	for (size_t i = 0; !err && i < 2; i++)
		err = kpage_dump_file(d->copies[i].dump, KPAGE_SOURCE_CGROUP, &files[i]);
	for (size_t i = 0; i < 2; i++) {
		if (!err)
			d->copies[i].cgroup = files[i];
		else
			kpage_file_free(files[i]);
	}
	return err && err != -ENOENT ? fail_errno(err, "--diff") : EXIT_OK;
}

static void release(struct diff *d)
{
	tdestroy(d->transitions, free);
	for (size_t i = 0; i < 2; i++) {
		kpage_tally_free(d->copies[i].by_flags);
		kpage_tally_free(d->copies[i].by_cgroup);
		kpage_file_free(d->copies[i].flags);
		kpage_file_free(d->copies[i].cgroup);
		kpage_dump_free(d->copies[i].dump);
	}
	free(d);
}

/* Pages that were asked for and are not there leave nothing, or the others, to report. */
static int finish(struct diff *d)
{
	int status = check_ranges(d);

	if (!status || d->copies[0].pages || d->copies[0].only || d->copies[1].only)
		report(d);
	return status;
}

int diff_copies(struct run *run)
{
	struct diff *d = xcalloc(1, sizeof(*d));
	int status = EXIT_OK, err = kpage_ctx_new(NULL, &run->ctx);

	d->opt = &run->opt;
	d->out.json = run->opt.json;
	if (err)
		status = fail_errno(err, "/");
	if (!status)
		status = open_copies(run, d);
	if (!status)
		status = open_cgroups(d);
	if (!status)
		status = compare(d);
	/* Half of a comparison is none: the message says why there is no more. */
	if (!status)
		status = finish(d);
	release(d);
	return status;
}
