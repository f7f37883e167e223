// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The walk over physical pages: threads take one chunk after the other; each reads and
 * filters by itself. Results are handed on in order, by whichever thread has the next one,
 * and with it those that were done before their turn: to wait for the turn would leave a
 * processor idle while another one reads pages that take the kernel longer.
 */
#include "batch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

#define MAX_THREADS 64
/* Chunks that may be done before their turn, beyond one a thread. */
#define AHEAD 4
#define MAX_BATCHES (MAX_THREADS + AHEAD)

struct chunk {
	uint64_t number;	/* its place in the order */
	uint64_t start, pages;
	const struct kpage_hole *hole;	/* that it lies in: nothing is to be read */
	struct batch *batch;	/* what was found there */
};

/* A chunk that was read. */
struct result {
	struct batch *batch;	/* NULL: not yet */
	int err;
};

struct pfn_walk {
	const struct kpage_walk *walk;
	const struct kpage_range *ranges;
	size_t nr_ranges;
	uint64_t begin_ns, begin_cpu_ns;

	struct batch batches[MAX_BATCHES];
	size_t nr_batches;

	pthread_mutex_t lock;	/* for all below */
	pthread_cond_t spared;	/* there is a batch to be had, or an end */
	struct batch *spare[MAX_BATCHES];	/* the last one was used last: it is still in a cache */
	size_t nr_spare;
	/* By their numbers: each has a batch, so there are no more of them than of these. */
	struct result results[MAX_BATCHES];
	bool emitting;		/* somebody is */
	uint64_t next_number;	/* of the next chunk to be taken */
	size_t range;		/* … which lies here, */
	uint64_t at;		/* this far */
	uint64_t turn;		/* the chunk that is to be emitted next */
	uint64_t end;		/* of the file, when somebody met it */
	int result;
	_Atomic uint64_t done;	/* pages, without the lock */
};

/* The first hole that does not end before that page; NULL: none. */
static const struct kpage_hole *hole_from(const struct kpage_walk *walk, uint64_t pfn)
{
	size_t from = 0, to = walk->nr_holes;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (walk->holes[middle].range.end <= pfn)
			from = middle + 1;
		else
			to = middle;
	}
	return from < walk->nr_holes ? &walk->holes[from] : NULL;
}

static uint64_t hole_flags(const struct kpage_walk *walk, const struct kpage_hole *hole)
{
	return walk->raw ? kpage_flags_expand(hole->kflags, 0) : kpage_flags_well_known(hole->kflags);
}

static bool hole_matches(const struct kpage_walk *walk, const struct kpage_hole *hole)
{
	return !walk->cgroup_ino && batch_matches(walk, hole_flags(walk, hole));
}

/* How far the next chunk goes: a hole that is not handed on page by page is one. */
static void measure_chunk(const struct kpage_walk *walk, uint64_t end, struct chunk *c)
{
	const struct kpage_hole *hole = hole_from(walk, c->start);
	bool within = hole && hole->range.start <= c->start;

	if (hole)
		end = MIN(end, within ? hole->range.end : hole->range.start);
	c->hole = within ? hole : NULL;
	c->pages = end - c->start;
	if (!within || (walk->emit && hole_matches(walk, hole)))
		c->pages = MIN(c->pages, (uint64_t)KPAGE_BATCH);
}

/* Moves to the next page of a range that the flags have: a dump of a part has gaps.
 * false: the range is done. *end: how far the pages go on. */
static bool skip_gap(struct pfn_walk *w, const struct kpage_range *r, uint64_t *end)
{
	struct kpage_range known;

	w->at = MAX(w->at, r->start);
	*end = MIN(r->end, w->end);
	if (w->at >= *end)
		return false;
	if (!kpage_file_next(w->walk->flags, w->at, &known)) {
		w->end = MIN(w->end, kpage_file_pages(w->walk->flags));
		return false;
	}
	w->at = known.start;
	/* A range that reaches behind the end meets it there. */
	if (known.end < kpage_file_pages(w->walk->flags))
		*end = MIN(*end, known.end);
	return w->at < *end;
}

static bool take_chunk(struct pfn_walk *w, struct chunk *out)
{
	const struct kpage_range *r;
	uint64_t end;
	bool taken = false;

	pthread_mutex_lock(&w->lock);
	while (!w->result && !w->nr_spare)
		pthread_cond_wait(&w->spared, &w->lock);
	while (!w->result && w->range < w->nr_ranges) {
		r = &w->ranges[w->range];
		if (skip_gap(w, r, &end)) {
			out->number = w->next_number++;
			out->batch = w->spare[--w->nr_spare];
			out->start = w->at;
			measure_chunk(w->walk, end, out);
			w->at += out->pages;
			taken = true;
			break;
		}
		/* A range may lie past the end and still must be looked for: the end
		 * of /proc/kpageflags is only known by reading there. */
		w->range++;
		w->at = 0;
	}
	pthread_mutex_unlock(&w->lock);
	return taken;
}

static void note_end(struct pfn_walk *w, uint64_t end)
{
	if (kpage_file_pages(w->walk->flags))
		end = MIN(end, kpage_file_pages(w->walk->flags));
	pthread_mutex_lock(&w->lock);
	w->end = MIN(w->end, end);
	pthread_mutex_unlock(&w->lock);
}

static int read_column(const struct kpage_file *file, const struct chunk *c, size_t n,
		       uint64_t *out)
{
	ssize_t got;

	if (!file)
		return 0;
	got = kpage_file_read(file, c->start, out, n);
	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : -ERANGE;
}

static int load(struct pfn_walk *w, const struct chunk *c, struct batch *batch)
{
	const struct kpage_walk *walk = w->walk;
	ssize_t n;
	int err;

	n = kpage_file_read(walk->flags, c->start, batch->b.kflags, c->pages);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n < c->pages)
		note_end(w, c->start + (uint64_t)n);
	batch->b.n = (size_t)n;
	err = read_column(walk->mapcount, c, batch->b.n, batch->b.mapcount);
	if (!err)
		err = read_column(walk->cgroup, c, batch->b.n, batch->b.cgroup);
	for (size_t i = 0; walk->emit && i < batch->b.n; i++)
		batch->b.pfn[i] = c->start + i;
	return err;
}

/* What reading them would give. */
static void fill(const struct chunk *c, struct batch *batch)
{
	struct kpage_batch *b = &batch->b;

	b->n = (size_t)c->pages;
	for (size_t i = 0; i < b->n; i++) {
		b->pfn[i] = c->start + i;
		b->kflags[i] = c->hole->kflags;
	}
	if (b->mapcount)
		memset(b->mapcount, 0, b->n * sizeof(*b->mapcount));
	if (b->cgroup)
		memset(b->cgroup, 0, b->n * sizeof(*b->cgroup));
}

static int pass_hole(struct pfn_walk *w, const struct chunk *c, struct batch *batch,
		     struct kpage_tally *tally)
{
	batch->b.n = 0;
	if (!hole_matches(w->walk, c->hole))
		return 0;
	if (!w->walk->emit)
		return tally ? kpage_tally_add(tally, hole_flags(w->walk, c->hole), c->pages) : 0;
	fill(c, batch);
	return batch_filter(batch, w->walk, tally);
}

static int read_chunk(struct pfn_walk *w, const struct chunk *c, struct batch *batch,
		      struct kpage_tally *tally)
{
	int err = load(w, c, batch);

	return !err && batch->b.n ? batch_filter(batch, w->walk, tally) : err;
}

/* Most walks are over before they have used all batches. */
static int walk_chunk(struct pfn_walk *w, const struct chunk *c, struct kpage_tally *tally)
{
	int err = c->batch->storage ? 0 : batch_init(c->batch, w->walk, false);

	return err ? err : (c->hole ? pass_hole : read_chunk)(w, c, c->batch, tally);
}

/* With the lock. */
static void put_back(struct pfn_walk *w, struct batch *batch)
{
	w->spare[w->nr_spare++] = batch;
	pthread_cond_signal(&w->spared);
}

/* The first error ends the walk for all. With the lock. */
static void note_result(struct pfn_walk *w, int err)
{
	if (w->result || !err)
		return;
	w->result = err;
	pthread_cond_broadcast(&w->spared);
}

/* An error has its turn like anything else: what lies before it is still to come out, and
 * nothing behind it. With the lock, which the emit function is called without. */
static void emit_next(struct pfn_walk *w, struct result *r)
{
	struct batch *batch = r->batch;
	int err = r->err;

	r->batch = NULL;
	pthread_mutex_unlock(&w->lock);
	if (!err && batch->b.n)
		err = w->walk->emit(&batch->b, w->walk->arg);
	pthread_mutex_lock(&w->lock);
	note_result(w, err);
	w->turn++;
	put_back(w, batch);
}

static struct result *result_of(struct pfn_walk *w, uint64_t number)
{
	return &w->results[number % w->nr_batches];
}

/* Hands on what was read, and what comes behind it, unless it is not its turn yet, or another
 * thread is about to. */
static void emit_in_turn(struct pfn_walk *w, const struct chunk *c, int err)
{
	*result_of(w, c->number) = (struct result){ .batch = c->batch, .err = err };
	if (w->emitting)
		return;
	w->emitting = true;
	while (!w->result && result_of(w, w->turn)->batch)
		emit_next(w, result_of(w, w->turn));
	w->emitting = false;
}

static int hand_on(struct pfn_walk *w, const struct chunk *c, int err)
{
	int result;

	pthread_mutex_lock(&w->lock);
	if (w->walk->emit) {
		emit_in_turn(w, c, err);
	} else {
		note_result(w, err);
		put_back(w, c->batch);
	}
	result = w->result;
	pthread_mutex_unlock(&w->lock);
	return result;
}

static int merge(struct pfn_walk *w, struct kpage_tally *tally)
{
	int err;

	pthread_mutex_lock(&w->lock);
	err = kpage_tally_merge(w->walk->tally, tally);
	pthread_mutex_unlock(&w->lock);
	return err;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* All threads see the CPU time of all: they sleep until it is the share that is allowed.
 * A signal ends a sleep; the next one makes up for it. */
static void pace(const struct pfn_walk *w)
{
	struct timespec until;
	uint64_t due;

	if (!w->walk->max_cpu)
		return;
	due = w->begin_ns +
	      (now_ns(CLOCK_PROCESS_CPUTIME_ID) - w->begin_cpu_ns) * 100 / w->walk->max_cpu;
	until.tv_sec = (time_t)(due / NS_PER_S);
	until.tv_nsec = (long)(due % NS_PER_S);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void note_progress(struct pfn_walk *w, const struct chunk *c)
{
	uint64_t done = atomic_fetch_add(&w->done, c->pages) + c->pages;

	if (w->walk->progress)
		w->walk->progress(done, w->walk->progress_arg);
}

static int work(struct pfn_walk *w)
{
	struct kpage_tally *tally = NULL;
	struct chunk c;
	int err = 0;

	if (w->walk->tally)
		err = kpage_tally_new(&tally);
	while (!err && take_chunk(w, &c)) {
		err = hand_on(w, &c, walk_chunk(w, &c, tally));
		note_progress(w, &c);
		pace(w);
	}
	if (tally && !err)
		err = merge(w, tally);
	kpage_tally_free(tally);
	return err;
}

static void *worker(void *arg)
{
	struct pfn_walk *w = arg;
	int err = work(w);

	pthread_mutex_lock(&w->lock);
	note_result(w, err);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Without an order to keep, nobody is ever before his turn. */
static void share_out(struct pfn_walk *w, unsigned int threads)
{
	w->nr_batches = w->walk->emit && threads > 1 ? threads + AHEAD : threads;
	while (w->nr_spare < w->nr_batches) {
		w->spare[w->nr_spare] = &w->batches[w->nr_spare];
		w->nr_spare++;
	}
}

KPAGE_EXPORT int kpage_walk_pfns(const struct kpage_walk *walk, const struct kpage_range *ranges,
				 size_t n, uint64_t *end)
{
	struct pfn_walk w = {
		.walk = walk,
		.ranges = ranges,
		.nr_ranges = n,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.spared = PTHREAD_COND_INITIALIZER,
		.begin_ns = now_ns(CLOCK_MONOTONIC),
		.begin_cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID),
		.end = UINT64_MAX,
	};
	unsigned int wanted = MIN(MAX(walk->threads, 1u), (unsigned int)MAX_THREADS);
	pthread_t threads[MAX_THREADS];
	unsigned int started = 0;

	share_out(&w, wanted);
	/* This thread is one of them. With fewer than wanted it only takes longer. */
	while (started + 1 < wanted && !pthread_create(&threads[started], NULL, worker, &w))
		started++;
	worker(&w);
	while (started)
		pthread_join(threads[--started], NULL);
	for (size_t i = 0; i < w.nr_batches; i++)
		batch_release(&w.batches[i]);
	pthread_cond_destroy(&w.spared);
	pthread_mutex_destroy(&w.lock);
	if (end)
		*end = w.end;
	return w.result;
}
