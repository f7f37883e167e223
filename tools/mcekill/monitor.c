// SPDX-License-Identifier: GPL-2.0-or-later
/* --monitor: follows the kernel's memory failures, and whom they hit, for as long as it is let. */
#include "monitor.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "common/caps.h"
#include "common/record.h"
#include "common/signals.h"

#define SECOND_NS UINT64_C(1000000000)
#define MS_NS	  UINT64_C(1000000)

/* A wait without an event: a signal, --for and the end of the reader are looked for. */
#define WAIT_MS	     1000
/* … while an event waits for its other half. */
#define OPEN_WAIT_MS 100
/* After what was not for us: the log has lines about anything. */
#define REST_MS	     50
/* Between two tries to get the trace (again): it may fail each time. */
#define RETRY_NS     (5 * SECOND_NS)

struct monitor {
	struct kpage_ctx *ctx;
	const struct options *opt;
	struct record_output out;
	struct kpage_watch *watch;	/* NULL: there is none at the moment */
	struct kpage_nodes *nodes;	/* NULL: the kernel knows none */
	struct scope scope;
	struct origins origins;
	struct tie tie;
	struct monitor_row sums;
	uint64_t lost;			/* of this watch, that were told */
	uint64_t tried_ns;
	uint64_t start_ns;
	uint64_t wall_ahead_ns;		/* of CLOCK_MONOTONIC, at the latest reading */
	bool has_event;			/* in the latest reading */
};

/* CAP_SYS_ADMIN: PFNs; CAP_SYS_PTRACE: the pagemap of others; CAP_SYSLOG: /dev/kmsg. */
static const cap_value_t needed_caps[] = {
	CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SYSLOG, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
};

/* ----------------------------------------------------------------------- times */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* ---------------------------------------------------------------------- reports */

/* Each line at once: who reads it waits for it. */
static void print(struct monitor *m, const struct record_type *type, const void *row)
{
	record_print(&m->out, type, row);
	fflush(stdout);
	stdout_has_failed();
}

static void print_lost(struct monitor *m, bool has_events, uint64_t events)
{
	const struct lost_row row = {
		.wall_ns = clock_ns(CLOCK_REALTIME),
		.has_events = has_events,
		.events = events,
	};

	m->sums.lost += events;
	m->sums.has_lost &= has_events;
	print(m, &lost_record, &row);
}

static void report_lost(struct monitor *m)
{
	uint64_t lost = m->watch ? kpage_watch_lost(m->watch) : m->lost;

	if (lost > m->lost)
		print_lost(m, true, lost - m->lost);
	m->lost = lost;
}

static int node_of(struct monitor *m, uint64_t pfn)
{
	int node = m->nodes ? kpage_nodes_find(m->nodes, pfn) : -ENOENT;

	if (node >= 0 || !m->nodes)
		return node;
	/* Memory that was plugged in since. */
	kpage_nodes_free(m->nodes);
	m->nodes = NULL;
	return kpage_nodes_new(m->ctx, &m->nodes) ? -ENOENT : kpage_nodes_find(m->nodes, pfn);
}

static bool take_task(struct tie_kill *kill, void *arg)
{
	struct monitor *m = arg;

	return scope_has_task(&m->scope, kill->tid, &kill->pid);
}

static void take_failure(struct tie_failure *f, bool has_victim, void *arg)
{
	struct monitor *m = arg;
	struct failure_row row = { .failure = f };

	origin_of_failure(&m->origins, f->pfn, f->wall_ns, &row.origin);
	f->pid = row.origin.pid;
	f->has_address = row.origin.has_address;
	f->address = row.origin.address;
	if (!has_victim && !scope_has_process(&m->scope, row.origin.pid))
		return;
	row.node = node_of(m, f->pfn);
	m->sums.failures++;
	print(m, &failure_record, &row);
}

static void take_touch(struct tie_kill *kill, void *arg)
{
	struct monitor *m = arg;

	cause_of_touch(m->ctx, &m->origins, m->tie.nr_failures, kill);
}

static enum tie_wait wait_of(pid_t tid, void *arg)
{
	struct monitor *m = arg;
	struct kpage_task task;

	if (kpage_task_read(m->ctx, tid, &task) || !task.sigbus_pending)
		return WAIT_NONE;
	return task.sigbus_blocked || task.state == 'T' || task.state == 't' ? WAIT_HELD : WAIT_COMING;
}

static void take_kill(const struct tie_kill *kill, void *arg)
{
	struct monitor *m = arg;

	if (!kill->pending_ns)
		m->sums.signals++;
	print(m, &kill_record, kill);
}

/* ------------------------------------------------------------------- the watch */

/* Takes a watch in place of the one that was. */
static void take_watch(struct monitor *m, struct kpage_watch *watch)
{
	kpage_watch_free(m->watch);
	m->watch = watch;
	m->lost = 0;
	m->sums.has_trace = kpage_watch_has_trace(watch);
	m->sums.has_killed &= m->sums.has_trace;
	tie_set_log_only(&m->tie, !m->sums.has_trace);
}

static void say_what_is_missing(const struct monitor *m)
{
	if (!kpage_watch_has_trace(m->watch))
		warn("%s: can't be followed: it goes by the kernel's log alone, which has neither the "
		     "codes of the signals nor what they did", kpage_ctx_error_path(m->ctx));
	else if (!kpage_watch_has_kmsg(m->watch))
		warn("/dev/kmsg: can't be read: which page was touched late, and where, is not known");
}

static int open_watch(struct monitor *m)
{
	struct kpage_watch *watch = NULL;
	int err = kpage_watch_new(m->ctx, &watch);

	m->tried_ns = now_ns();
	if (err)
		return fail_errno(err, "%s", kpage_ctx_error_path(m->ctx));
	take_watch(m, watch);
	say_what_is_missing(m);
	return EXIT_OK;
}

static int take_event(const struct kpage_event *event, void *arg)
{
	struct monitor *m = arg;
	uint64_t mono_ns = now_ns();
	const struct tie_time now = { mono_ns, mono_ns + m->wall_ahead_ns };

	m->has_event = true;
	tie_event(&m->tie, event, &now);
	return 0;
}

/* What happens until there is another one, nobody knows. */
static void give_up_watch(struct monitor *m, int err)
{
	warn("%s: %s: it is tried again", kpage_ctx_error_path(m->ctx), strerror(-err));
	report_lost(m);
	print_lost(m, false, 0);
	kpage_watch_free(m->watch);
	m->watch = NULL;
	m->lost = 0;
}

static void read_watch(struct monitor *m)
{
	int err;

	m->has_event = false;
	if (!m->watch)
		return;
	m->wall_ahead_ns = clock_ns(CLOCK_REALTIME) - now_ns();
	err = kpage_watch_read(m->watch, take_event, m);
	if (err)
		give_up_watch(m, err);
	else
		report_lost(m);
}

/* Takes the trace where there was none, or the log meanwhile. */
static void retry_watch(struct monitor *m)
{
	struct kpage_watch *watch = NULL;
	bool had_none = !m->watch;

	if ((m->watch && kpage_watch_has_trace(m->watch)) ||
	    (m->tried_ns && now_ns() - m->tried_ns < RETRY_NS))
		return;
	m->tried_ns = now_ns();
	if (kpage_watch_new(m->ctx, &watch))
		return;
	if (!had_none && !kpage_watch_has_trace(watch)) {
		kpage_watch_free(watch);
		return;
	}
	read_watch(m);
	take_watch(m, watch);
	if (kpage_watch_has_trace(watch))
		warn("tracefs: is followed from here on");
	say_what_is_missing(m);
}

/* -------------------------------------------------------------------- following */

/* Nobody reads any more: with nothing to print it would not be noticed. */
static bool has_reader(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	return poll(&p, 1, 0) <= 0 || !(p.revents & POLLERR);
}

static bool is_over(const struct monitor *m)
{
	return signals_pending() || stdout_has_failed() || !has_reader() ||
	       (m->opt->has_for &&
		(double)(now_ns() - m->start_ns) >= m->opt->seconds * (double)SECOND_NS);
}

static int wait_ms(const struct monitor *m)
{
	int ms = tie_is_open(&m->tie) ? OPEN_WAIT_MS : WAIT_MS;
	double left;

	if (!m->opt->has_for)
		return ms;
	left = m->opt->seconds * 1000 - (double)(now_ns() - m->start_ns) / (double)MS_NS;
	return left < 0 ? 0 : left < ms ? (int)left + 1 : ms;
}

static void rest(int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void follow_once(struct monitor *m)
{
	int ready = 0;

	if (m->watch)
		ready = kpage_watch_wait(m->watch, wait_ms(m));
	else
		rest(wait_ms(m));
	caps_raise();
	if (ready < 0)
		give_up_watch(m, ready);
	read_watch(m);
	tie_tick(&m->tie, now_ns());
	scope_refresh(&m->scope, now_ns());
	retry_watch(m);
	caps_lower();
	if (ready > 0 && !m->has_event)
		rest(REST_MS);
}

static int follow(struct monitor *m)
{
	while (!is_over(m))
		follow_once(m);
	caps_raise();
	read_watch(m);
	tie_end(&m->tie);
	/* Its directory in tracefs goes, whatever comes of the rest. */
	kpage_watch_free(m->watch);
	m->watch = NULL;
	caps_lower();
	m->sums.killed = m->tie.nr_killed;
	m->sums.until_ns = clock_ns(CLOCK_REALTIME);
	if (!has_reader())
		return EXIT_FAILED;
	print(m, &monitor_record, &m->sums);
	return EXIT_OK;
}

static int open_all(struct monitor *m)
{
	int status = scope_open(&m->scope, m->ctx, m->opt);

	if (status)
		return status;
	scope_refresh(&m->scope, now_ns());
	status = open_watch(m);
	if (status)
		return status;
	if (kpage_nodes_new(m->ctx, &m->nodes))
		m->nodes = NULL;
	return EXIT_OK;
}

static int run(struct monitor *m)
{
	int status = caps_begin(needed_caps, ARRAY_SIZE(needed_caps));

	if (status)
		return status;
	signals_hold();
	caps_raise();
	status = open_all(m);
	caps_lower();
	return status ? status : follow(m);
}

int monitor_run(struct kpage_ctx *ctx, const struct options *opt)
{
	struct monitor *m = xcalloc(1, sizeof(*m));
	const struct tie_hooks hooks = { take_task,   take_failure, take_touch,
					 wait_of, take_kill,    m };
	int status;

	m->ctx = m->origins.ctx = ctx;
	m->opt = opt;
	m->out.json = opt->json;
	m->start_ns = now_ns();
	m->sums.since_ns = clock_ns(CLOCK_REALTIME);
	m->sums.has_lost = m->sums.has_killed = true;
	tie_init(&m->tie, &hooks);
	status = run(m);
	kpage_watch_free(m->watch);
	kpage_nodes_free(m->nodes);
	scope_close(&m->scope);
	origins_close(&m->origins);
	free(m);
	return status;
}
