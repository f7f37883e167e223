// SPDX-License-Identifier: GPL-2.0-or-later
/* --diff: what changed between two copies, page by page. */
#include "diff.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <string.h>

#include "common/walk.h"

/* ------------------------------------------------------------------- comparing */

static void count_transition(struct diff *d, uint64_t before, uint64_t after, uint64_t pages)
{
	struct transition key = { .before = before, .after = after };
	struct transition **found = tfind(&key, &d->transitions, diff_by_pair), *t;

	if (found) {
		(*found)->pages += pages;
		return;
	}
	t = xcalloc(1, sizeof(*t));
	*t = (struct transition){ before, after, pages };
	if (!tsearch(t, &d->transitions, diff_by_pair))
		exit(fail(EXIT_FAILED, "%s", strerror(ENOMEM)));
	d->nr_transitions++;
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
	diff_list(d, &c);
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
		if (at >= d->copies[i].end || !kpage_file_next(d->copies[i].flags, at, &known[i]))
			known[i] = (struct kpage_range){ UINT64_MAX, UINT64_MAX };
		else
			known[i].end = MIN(known[i].end, d->copies[i].end);
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

	if (d->copies[1].end > longer->end)
		longer = &d->copies[1];
	end = longer->end;
	status = check_walk_end("--addr", longer->flags, s->ranges, s->nr_ranges, end, longer->path);
	for (size_t i = 0; !status && i < s->nr_ranges; i++)
		missing += missing_pages(d, &s->ranges[i], end);
	return missing ? fail(EXIT_FAILED, "--addr: %" PRIu64 " of the pages are in neither of the "
			      "copies, which are of a part", missing) : status;
}

/* --------------------------------------------------------------------- the run */

/* An empty file does not say where it ends, nor does /proc/kpageflags itself. */
static int open_flags(struct run *run, struct copy *copy)
{
	int status = copy_open(run->ctx, "--diff", copy->path, &copy->dump, &copy->flags), err;

	if (status)
		return status;
	copy_warn_if_empty("--diff", copy->path, copy->flags);
	err = kpage_file_end(copy->flags, &copy->end);
	return err ? fail_reading(copy, err) : EXIT_OK;
}

static int open_copies(struct run *run, struct diff *d)
{
	int status = EXIT_OK;

	for (size_t i = 0; !status && i < 2; i++) {
		struct copy *copy = &d->copies[i];

		copy->path = run->opt.copies[i];
		status = open_flags(run, copy);
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
		diff_report(d);
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
