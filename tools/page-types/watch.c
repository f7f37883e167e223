// SPDX-License-Identifier: GPL-2.0-or-later
/* --watch: the summary again and again, with what changed since the round before and
 * since the start. */
#include "page-types.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "common/signals.h"
#include "watch-screen.h"

#define SECOND_NS UINT64_C(1000000000)

/* A set of flags that was seen in one of the rounds. */
struct watch_row {
	uint64_t flags, first, before, now;
};

struct watch {
	struct run *run;
	struct record_output out;
	struct watch_screen *screen;	/* NULL: no terminal */
	uint64_t round;		/* from 1 on */
	char time[32];
	struct watch_row *rows;	/* by ascending flags */
	size_t nr_rows;
	struct watch_row sum;
	struct watch_row others;	/* the sum of those that do not fit the terminal */
	uint64_t nr_others;
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

static void get_nr_others(const void *row, struct cell *c)
{
	const uint64_t n = ((const struct shown *)row)->watch->nr_others;

	snprintf(c->room, sizeof(c->room), "%ju other%s", (uintmax_t)n, n == 1 ? "" : "s");
	cell_text(c, c->room);
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

#define SUM_COLUMNS(what)                                                             \
	{                                                                             \
		{ "round", NULL, 0, get_round }, { "time", NULL, 0, get_time },       \
		{ NULL, "flags", 18, what }, { "pages", "pages", 10, get_pages },     \
		{ "bytes", NULL, 0, get_bytes }, { "change", "change", 11, get_change }, \
		{ "change_total", "since start", 11, get_change_total },              \
		{ NULL, "names", 0, get_nothing },                                    \
	}

/* The sum has no flags; in text it is the last row of the table. */
static const struct column sum_columns[] = SUM_COLUMNS(get_total);

static const struct record_type sum_record = {
	.name = "watch_sum",
	.version = 1,
	.columns = sum_columns,
	.nr_columns = ARRAY_SIZE(sum_columns),
};

/* Of a terminal only: there is no such record in JSON. */
static const struct column others_columns[] = SUM_COLUMNS(get_nr_others);

static const struct record_type others_record = {
	.columns = others_columns,
	.nr_columns = ARRAY_SIZE(others_columns),
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

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* What changed most since the start comes first, then what has most pages. */
static int by_importance(const void *a, const void *b)
{
	const struct watch_row *x = a, *y = b;
	uint64_t of_x = distance(x->now, x->first), of_y = distance(y->now, y->first);

	if (of_x != of_y)
		return of_x > of_y ? -1 : 1;
	if (x->now != y->now)
		return x->now > y->now ? -1 : 1;
	return (x->flags > y->flags) - (x->flags < y->flags);
}

static int by_flags(const void *a, const void *b)
{
	const struct watch_row *x = a, *y = b;

	return (x->flags > y->flags) - (x->flags < y->flags);
}

static void add_to_others(struct watch *w, const struct watch_row *row)
{
	w->nr_others++;
	w->others.first += row->first;
	w->others.before += row->before;
	w->others.now += row->now;
}

/* Leaves as many of n rows as fit with one for the others, in the order that they had. */
static size_t fit_rows(struct watch *w, struct watch_row *rows, size_t n)
{
	size_t fit = w->screen ? watch_screen_rows(w->screen) : n;

	if (n <= fit)
		return n;
	fit -= fit > 0;
	qsort(rows, n, sizeof(*rows), by_importance);
	for (size_t i = fit; i < n; i++)
		add_to_others(w, &rows[i]);
	qsort(rows, fit, sizeof(*rows), by_flags);
	return fit;
}

static size_t rows_to_show(struct watch *w, struct watch_row *rows)
{
	size_t n = 0;

	w->others = (struct watch_row){ 0 };
	w->nr_others = 0;
	for (size_t i = 0; i < w->nr_rows; i++)
		if (is_worth_showing(&w->rows[i]))
			rows[n++] = w->rows[i];
	return fit_rows(w, rows, n);
}

static void show_rows(struct watch *w)
{
	_cleanup_free_ struct watch_row *rows = xcalloc(w->nr_rows + 1, sizeof(*rows));
	size_t n = rows_to_show(w, rows);

	w->out.table = NULL;
	for (size_t i = 0; i < n; i++)
		record_print(&w->out, &flags_record, &(struct shown){ .watch = w, .row = &rows[i] });
	if (w->nr_others)
		record_print(&w->out, &others_record,
			     &(struct shown){ .watch = w, .row = &w->others });
	record_print(&w->out, &sum_record, &(struct shown){ .watch = w, .row = &w->sum });
}

static void show(struct watch *w)
{
	w->out.to = w->screen ? watch_screen_begin(w->screen) : stdout;
	if (!w->screen && !w->out.json && w->round > 1)
		putchar('\n');
	if (!w->out.json)
		fprintf(w->out.to, "%s  round %ju\n", w->time, (uintmax_t)w->round);
	show_rows(w);
	if (w->screen)
		watch_screen_end(w->screen);
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
	struct watch_screen screen = { 0 };
	struct watch w = {
		.run = run,
		.out.json = run->opt.json,
		.screen = !run->opt.json && isatty(STDOUT_FILENO) ? &screen : NULL,
	};
	int status;

	signals_hold_but_pipe();
	status = watch_rounds(&w);
	free(w.rows);
	return status;
}
