// SPDX-License-Identifier: GPL-2.0-or-later
/* --sample: the summary of the machine from a part of it. */
#include "page-types.h"

#include "common/walk.h"
#include "estimate.h"
#include "sample-plan.h"
#include "sample-show.h"

/* Strata that are walked at a time: bounds memory, and the threads' start costs nothing. */
#define GROUP 4096

struct sampler {
	struct run *run;
	struct sample_plan plan;
	struct estimate estimate;
	uint64_t first, nr;			/* the strata of the group */
	struct kpage_range clusters[2 * GROUP];	/* ascending */
	uint64_t sizes[GROUP];
	size_t at;				/* the cluster whose pages come now */
	struct counts counts[2];		/* of both of its stratum */
	uint64_t pages_read;
};

/* The cluster that was `at` is complete. */
static void next_cluster(struct sampler *s)
{
	if (s->at % 2) {
		estimate_add_stratum(&s->estimate, s->sizes[s->at / 2], &s->counts[0], &s->counts[1]);
		counts_clear(&s->counts[0]);
		counts_clear(&s->counts[1]);
	}
	s->at++;
}

static int take(const struct kpage_batch *b, void *arg)
{
	struct sampler *s = arg;
	size_t i = 0, next;

	while (b->pfn[0] >= s->clusters[s->at].end)
		next_cluster(s);
	/* A batch is of one range. */
	for (; i < b->n; i = next) {
		for (next = i + 1; next < b->n && b->flags[next] == b->flags[i]; next++)
			;
		counts_add(&s->counts[s->at % 2], b->flags[i], next - i);
	}
	return 0;
}

static int walk_ranges(struct sampler *s, const struct kpage_walk *walk,
		       const struct kpage_range *ranges, size_t n)
{
	struct kpage_walk narrowed;

	narrowed_walk(s->run, walk, &narrowed);
	return kpage_walk_pfns(&narrowed, ranges, n, NULL);
}

static int walk_group(struct sampler *s, struct kpage_walk *walk)
{
	int err;

	for (uint64_t i = 0; i < s->nr; i++) {
		struct kpage_range *pair = &s->clusters[2 * i];

		s->sizes[i] = sample_plan_stratum(&s->plan, s->first + i, pair);
		s->pages_read += pair[0].end - pair[0].start + pair[1].end - pair[1].start;
	}
	s->at = 0;
	err = walk_ranges(s, walk, s->clusters, 2 * s->nr);
	while (!err && s->at < 2 * s->nr)
		next_cluster(s);
	return err;
}

static int walk_strata(struct sampler *s, struct kpage_walk *walk)
{
	int err = 0;

	walk->emit = take;
	walk->arg = s;
	for (s->first = 0; !err && s->first < s->plan.strata; s->first += GROUP) {
		s->nr = MIN(s->plan.strata - s->first, (uint64_t)GROUP);
		err = walk_group(s, walk);
	}
	return err;
}

static int walk_known(struct sampler *s, struct kpage_walk *walk, const struct kpage_range *ranges,
		      size_t n)
{
	int err;

	walk->tally = s->run->tally;
	err = n ? walk_ranges(s, walk, ranges, n) : 0;
	walk->tally = NULL;
	return err;
}

static int add_known(struct sampler *s)
{
	_cleanup_free_ struct kpage_tally_row *rows = NULL;
	size_t n = 0;
	int err = kpage_tally_rows(s->run->tally, &rows, &n);

	for (size_t i = 0; !err && i < n; i++)
		estimate_add_known(&s->estimate, rows[i].flags, rows[i].pages);
	return err;
}

/* What needs no sample: memory that is not there, and on so small a machine, or with so
 * large a share, the rest. */
static int count_known(struct sampler *s, struct kpage_walk *walk, const struct kpage_range *holes)
{
	int err;

	walk->holes = s->run->holes;
	walk->nr_holes = s->run->nr_holes;
	err = walk_known(s, walk, holes, walk->nr_holes);
	walk->nr_holes = 0;
	if (!err && !s->plan.strata) {
		err = walk_known(s, walk, s->plan.ranges, s->plan.nr_ranges);
		s->pages_read = s->plan.pages;
	}
	return err ? err : add_known(s);
}

/* Without a condition it is known how many pages there are. */
static void fix_sum(struct sampler *s, uint64_t pages)
{
	const struct selection *selection = &s->run->opt.selection;

	if (!selection->nr_exprs && !selection->cgroup)
		s->estimate.sum = (struct estimate_row){ .seen = s->estimate.sum.seen,
							 .pages = (double)pages,
							 .exact = true };
}

static void show(const struct sampler *s, uint64_t end)
{
	const struct sample_result result = {
		.estimate = &s->estimate,
		.pages = end,
		.sampled_from = s->plan.pages,
		.pages_read = s->pages_read,
		.seed = s->run->opt.seed,
		.may_miss = sample_plan_may_miss(&s->plan),
	};

	sample_show(&result, s->run->opt.json ? &s->run->out : NULL);
}

static int sample_pages(struct sampler *s, const struct kpage_range *holes, uint64_t end)
{
	struct kpage_walk walk;
	int err;

	run_walk(s->run, &walk);
	err = count_known(s, &walk, holes);
	if (!err)
		err = walk_strata(s, &walk);
	if (err)
		return fail_pfn_walk(&walk, err);
	fix_sum(s, end);
	show(s, end);
	return EXIT_OK;
}

static uint64_t nr_pages(const struct kpage_range *ranges, size_t n)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < n; i++)
		pages += ranges[i].end - ranges[i].start;
	return pages;
}

static int sample_up_to(struct run *run, uint64_t end)
{
	_cleanup_free_ struct sampler *s = xcalloc(1, sizeof(*s));
	_cleanup_free_ struct kpage_range *holes = xcalloc(run->nr_holes + 1, sizeof(*holes));
	_cleanup_free_ struct kpage_range *ranges = xcalloc(run->nr_holes + 1, sizeof(*ranges));
	double fraction = run->opt.fraction;
	size_t n;
	int status;

	for (size_t i = 0; i < run->nr_holes; i++)
		holes[i] = run->holes[i].range;
	n = kpage_range_subtract((struct kpage_range){ 0, end }, holes, run->nr_holes, ranges);
	s->run = run;
	if (fraction <= 0)
		fraction = sample_fraction(nr_pages(ranges, n));
	sample_plan_make(&s->plan, ranges, n, fraction, run->opt.seed);
	status = sample_pages(s, holes, end);
	estimate_release(&s->estimate);
	sample_plan_release(&s->plan);
	counts_release(&s->counts[0]);
	counts_release(&s->counts[1]);
	return status;
}

int sample_machine(struct run *run)
{
	const struct kpage_range all = { 0, UINT64_MAX };
	uint64_t end;
	int err;

	/* What a dump of a part leaves out would be taken for pages without any. */
	err = check_dump_parts(run, "--sample", &all, 1);
	if (err)
		return err;
	err = kpage_file_end(run->flags, &end);
	if (err)
		return fail_errno(err, "%s", kpage_file_path(run->flags));
	if (!run->opt.has_seed && seed_make("--sample", &run->opt.seed))
		return EXIT_FAILED;
	find_holes(run);
	run->out.json = run->opt.json;
	return sample_up_to(run, end);
}
