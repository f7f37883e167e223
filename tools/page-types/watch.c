// SPDX-License-Identifier: GPL-2.0-or-later
/* --watch: the summary again and again, with what changed since the round before and
 * since the start. */
#include "page-types.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "common/signals.h"

#define SECOND_NS UINT64_C(1000000000)

/* A set of flags that was seen in one of the rounds. */
struct watch_row {
	uint64_t flags, first, before, now;
};

struct watch {
	struct run *run;
	struct record_output out;
	bool redraw;
	uint64_t round;		/* from 1 on */
	char time[32];
	struct watch_row *rows;	/* by ascending flags */
	size_t nr_rows;
	struct watch_row sum;
};

/* What a record is made of. */
struct shown {
	const struct watch *watch;
	const struct watch_row *row;
};

static const struct watch_row *row_of(const void *row)
{
	return ((const struct shown *)row)->row;
}

static void get_round(const void *row, struct cell *c)
{
	cell_number(c, ((const struct shown *)row)->watch->round);
}

static void get_time(const void *row, struct cell *c)
{
	cell_text(c, ((const struct shown *)row)->watch->time);
}

static void get_flags(const void *row, struct cell *c)
{
	cell_flags(c, row_of(row)->flags);
}

static void get_value(const void *row, struct cell *c)
{
	cell_hex(c, row_of(row)->flags);
}

static void get_pages(const void *row, struct cell *c)
{
	cell_number(c, row_of(row)->now);
}

static void get_bytes(const void *row, struct cell *c)
{
	cell_number(c, row_of(row)->now * kpage_page_size());
}

/* In the first round there is nothing to compare with. */
static void get_change(const void *row, struct cell *c)
{
	if (((const struct shown *)row)->watch->round > 1)
		cell_signed(c, (int64_t)(row_of(row)->now - row_of(row)->before));
}

static void get_change_total(const void *row, struct cell *c)
{
	if (((const struct shown *)row)->watch->round > 1)
		cell_signed(c, (int64_t)(row_of(row)->now - row_of(row)->first));
}

static void get_total(const void *row, struct cell *c)
{
	(void)row;
	cell_text(c, "total");
}

static void get_nothing(const void *row, struct cell *c)
{
	(void)row;
	(void)c;
}

static const struct column flags_columns[] = {
	{ "round", NULL, 0, get_round },
	{ "time", NULL, 0, get_time },
	{ "flags_value", "flags", 18, get_value },
	{ "pages", "pages", 10, get_pages },
	{ "bytes", NULL, 0, get_bytes },
	{ "change", "change", 11, get_change },
	{ "change_total", "since start", 11, get_change_total },
	{ "flags", "names", 0, get_flags },
};

static const struct record_type flags_record = {
	.name = "watch_flags",
	.version = 1,
	.columns = flags_columns,
	.nr_columns = ARRAY_SIZE(flags_columns),
};

/* The sum has no flags; in text it is the last row of the table. */
static const struct column sum_columns[] = {
	{ "round", NULL, 0, get_round },
	{ "time", NULL, 0, get_time },
	{ NULL, "flags", 18, get_total },
	{ "pages", "pages", 10, get_pages },
	{ "bytes", NULL, 0, get_bytes },
	{ "change", "change", 11, get_change },
	{ "change_total", "since start", 11, get_change_total },
	{ NULL, "names", 0, get_nothing },
};

static const struct record_type sum_record = {
	.name = "watch_sum",
	.version = 1,
	.columns = sum_columns,
	.nr_columns = ARRAY_SIZE(sum_columns),
};

/* ---------------------------------------------------------------------- a round */

static void add_row(struct watch *w, size_t at, uint64_t flags)
{
	w->rows = xgrow(w->rows, w->nr_rows, sizeof(*w->rows));
	memmove(w->rows + at + 1, w->rows + at, (w->nr_rows - at) * sizeof(*w->rows));
	w->rows[at] = (struct watch_row){ .flags = flags };
	w->nr_rows++;
}

/* Both ascend. What is gone stays, with no pages. */
static void take_rows(struct watch *w, const struct kpage_tally_row *rows, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < w->nr_rows; i++) {
		w->rows[i].before = w->rows[i].now;
		w->rows[i].now = 0;
	}
	for (size_t i = 0; i < n; i++) {
		while (at < w->nr_rows && w->rows[at].flags < rows[i].flags)
			at++;
		if (at == w->nr_rows || w->rows[at].flags != rows[i].flags)
			add_row(w, at, rows[i].flags);
		w->rows[at].now = rows[i].pages;
		if (w->round == 1)
			w->rows[at].first = rows[i].pages;
	}
}

/* Cgroups are made and memory goes online while it runs: what was found out about them for
 * the round before is forgotten. */
static int look_again(struct run *run)
{
	int status = selection_resolve_again(&run->opt.selection, run->ctx);

	free(run->holes);
	run->holes = NULL;
	run->nr_holes = 0;
	if (status)
		return status;
	/* It knows the nodes. */
	narrowed_close(run);
	return narrowed_open(run);
}

static int count(struct watch *w)
{
	struct kpage_tally *tally = NULL;
	_cleanup_free_ struct kpage_tally_row *rows = NULL;
	struct kpage_walk walk;
	size_t n = 0;
	int status = w->round ? look_again(w->run) : EXIT_OK;

	if (status)
		return status;
	if (kpage_tally_new(&tally))
		return fail(EXIT_FAILED, "%s", strerror(ENOMEM));
	run_walk(w->run, &walk);
	walk.tally = tally;
	walk.arg = w->run;
	status = walk_selection(w->run, &walk);
	if (!status && kpage_tally_rows(tally, &rows, &n))
		status = fail(EXIT_FAILED, "%s", strerror(ENOMEM));
	if (!status) {
		w->round++;
		take_rows(w, rows, n);
		w->sum.before = w->sum.now;
		w->sum.now = kpage_tally_total(tally);
		if (w->round == 1)
			w->sum.first = w->sum.now;
	}
	kpage_tally_free(tally);
	return status;
}

static void note_time(struct watch *w)
{
	time_t now = time(NULL);
	struct tm tm;

	strcpy(w->time, "?");
	if (gmtime_r(&now, &tm))
		strftime(w->time, sizeof(w->time), "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* A set of flags that has no pages, had none before and none at the start is not shown
 * any more. */
static bool is_worth_showing(const struct watch_row *r)
{
	return r->now || r->before || r->first;
}

static void show(struct watch *w)
{
	if (w->redraw)
		printf("\033[H\033[2J");
	else if (!w->out.json && w->round > 1)
		putchar('\n');
	if (!w->out.json)
		printf("%s  round %ju\n", w->time, (uintmax_t)w->round);
	w->out.table = NULL;
	for (size_t i = 0; i < w->nr_rows; i++)
		if (is_worth_showing(&w->rows[i]))
			record_print(&w->out, &flags_record,
				     &(struct shown){ .watch = w, .row = &w->rows[i] });
	record_print(&w->out, &sum_record, &(struct shown){ .watch = w, .row = &w->sum });
	fflush(stdout);
}

/* -------------------------------------------------------------------- the watch */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* Until then, or a signal, also one that comes right before the wait. */
static void wait_until(uint64_t when)
{
	sigset_t held, before;
	uint64_t now;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigprocmask(SIG_BLOCK, &held, &before);
	while (!signals_pending() && (now = now_ns()) < when) {
		const struct timespec left = {
			.tv_sec = (time_t)((when - now) / SECOND_NS),
			.tv_nsec = (long)((when - now) % SECOND_NS),
		};

		ppoll(NULL, 0, &left, &before);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static int watch_rounds(struct watch *w)
{
	const struct options *opt = &w->run->opt;
	uint64_t next = now_ns();
	int status = EXIT_OK;

	for (;;) {
		note_time(w);
		status = count(w);
		if (status || signals_pending())
			return status;
		show(w);
		if (stdout_has_failed())
			return EXIT_FAILED;
		if (w->round == opt->watch_rounds)
			return EXIT_OK;
		/* A round that takes longer than the time between two puts them all off. */
		next = MAX(next + opt->watch_ns, now_ns());
		wait_until(next);
		if (signals_pending())
			return EXIT_OK;
	}
}

int watch_summary(struct run *run)
{
	struct watch w = {
		.run = run,
		.out.json = run->opt.json,
		.redraw = !run->opt.json && isatty(STDOUT_FILENO),
	};
	int status;

	signals_hold();
	status = watch_rounds(&w);
	free(w.rows);
	return status;
}
