// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing and reading all pages, in one thread or in several. Each page holds a
 * pattern of its own, so that a page in the wrong place is seen, too.
 */
#include "touch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/util.h"
#include "handler.h"
#include "kinds.h"

struct worker {
	struct crew *crew;
	pthread_t thread;
	size_t first, last;		/* its pages: last is not among them */
};

struct crew {
	struct memory *mem;
	unsigned int n;
	struct worker *workers;		/* [0] is the caller's thread */
	atomic_bool stop;		/* leave off the pass */
	pthread_mutex_t lock;
	/* Below: with the lock. */
	pthread_cond_t start, done;
	enum touch_op op;
	unsigned int pass;		/* counts up: there is something to do */
	unsigned int busy;
	bool quit;
};

/* How many pages lie between two looks at the ticker: a megabyte, some 100 µs. */
#define TICK_PAGES 256

/* ----------------------------------------------------------------- a page */

static uint64_t pattern(const struct memory *m, size_t page)
{
	/* An odd constant with its bits well mixed: no two pages share a word. */
	return (m->kind->equal ? 1 : page + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void write_page(uint64_t *words, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		words[i] = value + i;
}

static bool page_holds(const uint64_t *words, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		if (words[i] != value + i)
			return false;
	return true;
}

static void touch_page(struct memory *m, enum touch_op op, size_t page)
{
	uint64_t *words = (void *)(m->addr + page * m->page_size);
	size_t n = m->page_size / sizeof(*words);
	uint64_t value = pattern(m, page);
	bool intact = true;

	guard_enter((uintptr_t)words, (uintptr_t)(words + n));
	if (op == TOUCH_WRITE)
		write_page(words, n, value);
	else
		intact = page_holds(words, n, value);
	guard_leave();
	if (op == TOUCH_WRITE)
		m->state[page] = PAGE_INTACT;
	else if (!intact && m->state[page] == PAGE_INTACT)
		m->state[page] = PAGE_NEW_CHANGE;
}

/* A huge page is lost as a whole. */
static void mark_lost(struct memory *m)
{
	uintptr_t from = MAX(guard.lost_start, memory_start(m));
	uintptr_t to = MIN(guard.lost_end, memory_end(m));

	for (uintptr_t at = from; at < to; at += m->page_size)
		m->state[(at - memory_start(m)) / m->page_size] = PAGE_LOST;
}

/* ----------------------------------------------------------------- a pass */

static bool has_to_stop(struct crew *crew, size_t page, const struct ticker *ticker)
{
	if (page % TICK_PAGES)
		return false;
	if (ticker && ticker->tick(ticker->arg))
		crew->stop = true;
	return crew->stop;
}

/* ticker: only the first worker has one. */
static void touch_pages(struct worker *w, enum touch_op op, const struct ticker *ticker)
{
	struct memory *m = w->crew->mem;
	/* Still valid after the handler's jump back to here. */
	volatile size_t page = w->first;

	if (sigsetjmp(guard.env, 1)) {
		guard_leave();
		mark_lost(m);
	}
	for (; page < w->last; page++) {
		if (has_to_stop(w->crew, page, ticker))
			break;
		if (m->state[page] != PAGE_LOST)
			touch_page(m, op, page);
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct crew *crew = w->crew;
	unsigned int pass = 0;

	pthread_mutex_lock(&crew->lock);
	for (;;) {
		enum touch_op op;

		while (crew->pass == pass && !crew->quit)
			pthread_cond_wait(&crew->start, &crew->lock);
		if (crew->quit)
			break;
		pass = crew->pass;
		op = crew->op;
		pthread_mutex_unlock(&crew->lock);
		touch_pages(w, op, NULL);
		pthread_mutex_lock(&crew->lock);
		if (--crew->busy == 0)
			pthread_cond_signal(&crew->done);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

/* Waits for the others, and looks at the ticker ten times a second meanwhile. */
static void wait_for_workers(struct crew *crew, const struct ticker *ticker)
{
	pthread_mutex_lock(&crew->lock);
	while (crew->busy) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 100 * 1000 * 1000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&crew->done, &crew->lock, &until) == ETIMEDOUT &&
		    ticker->tick(ticker->arg))
			crew->stop = true;
	}
	pthread_mutex_unlock(&crew->lock);
}

bool crew_touch(struct crew *crew, enum touch_op op, const struct ticker *ticker)
{
	pthread_mutex_lock(&crew->lock);
	crew->stop = false;
	crew->op = op;
	crew->busy = crew->n - 1;
	crew->pass++;
	pthread_cond_broadcast(&crew->start);
	pthread_mutex_unlock(&crew->lock);
	touch_pages(&crew->workers[0], op, ticker);
	wait_for_workers(crew, ticker);
	return !crew->stop;
}

/* --------------------------------------------------------------- the crew */

int crew_new(struct memory *m, unsigned int threads, struct crew **out)
{
	struct crew *crew = xcalloc(1, sizeof(*crew));

	crew->mem = m;
	crew->workers = xcalloc(threads, sizeof(*crew->workers));
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->start, NULL);
	pthread_cond_init(&crew->done, NULL);
	for (size_t i = 0; i < threads; i++) {
		struct worker *w = &crew->workers[i];
		int err = 0;

		w->crew = crew;
		w->first = m->pages * i / threads;
		w->last = m->pages * (i + 1) / threads;
		if (i > 0)
			err = -pthread_create(&w->thread, NULL, work, w);
		if (err) {
			crew_free(crew);
			return fail_errno(err, "thread %zu of %u", i + 1, threads);
		}
		crew->n++;
	}
	*out = crew;
	return EXIT_OK;
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->quit = true;
	pthread_cond_broadcast(&crew->start);
	pthread_mutex_unlock(&crew->lock);
	for (unsigned int i = 1; i < crew->n; i++)
		pthread_join(crew->workers[i].thread, NULL);
	free(crew->workers);
	free(crew);
}
