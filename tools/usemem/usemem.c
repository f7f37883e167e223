// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usemem: holds memory of a chosen kind, says where it is, and tells what happens
 * to it. Here is its life: populate, report, wait and touch, end.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "common/util.h"
#include "handler.h"
#include "kinds.h"
#include "kpage.h"
#include "options.h"
#include "report.h"
#include "touch.h"
#include "where.h"

#define SECOND_NS UINT64_C(1000000000)
/* How often it looks whether it was moved to another cgroup. */
#define CGROUP_NS (SECOND_NS / 10)

struct life {
	const struct options *opt;
	struct kpage_ctx *ctx;
	struct memory mem;
	struct crew *crew;
	struct where where;
	struct ticker ticker;
	bool shows_pfns;	/* wanted, and not hidden */
	char cgroup[PATH_MAX];	/* where the memory is charged */
	bool moved;		/* it is in another one now */
	int signal_fd;
	int end_signal;		/* the signal that ended it, or 0 */
	unsigned int asked;	/* passes that SIGUSR1 asked for */
	bool over;
	uint64_t end_ns, next_touch_ns, next_cgroup_ns;	/* 0: never */
	int status;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

/* ------------------------------------------------------------------- tick */

static void read_signals(struct life *life)
{
	struct signalfd_siginfo info;

	while (read(life->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1) {
			life->asked++;
			continue;
		}
		life->end_signal = (int)info.ssi_signo;
		life->over = true;
	}
}

static void look_at_cgroup(struct life *life, uint64_t now)
{
	char cgroup[sizeof(life->cgroup)];

	if (now < life->next_cgroup_ns)
		return;
	life->next_cgroup_ns = now + CGROUP_NS;
	cgroup_read(cgroup, sizeof(cgroup));
	if (strcmp(cgroup, life->cgroup))
		life->moved = true;
}

/* Whether the pass that is under way has to be left. */
static bool tick(void *arg)
{
	struct life *life = arg;
	uint64_t now = now_ns();

	read_signals(life);
	look_at_cgroup(life, now);
	if (life->end_ns && now >= life->end_ns)
		life->over = true;
	return life->over || life->moved;
}

/* ----------------------------------------------------------------- report */

static void end_with(struct life *life, int status)
{
	if (!life->status)
		life->status = status;
	life->over = true;
}

/* What nobody can read any more is the end: what else would it be for? */
static void check_output(struct life *life, bool ok)
{
	int err = errno;

	if (ok)
		return;
	/* Said here, with its reason, and once: at the end that is gone. */
	clearerr(stdout);
	if (!life->over && err != EPIPE)
		warn("standard output: %s", strerror(err));
	end_with(life, EXIT_FAILED);
}

static void record(struct life *life, const char *type, const struct field *fields, size_t n)
{
	check_output(life, report_record(life->opt->json, type, fields, n));
}

static const char *policy_name(void)
{
	static const char *const names[] = {
		[PR_MCE_KILL_LATE] = "late",
		[PR_MCE_KILL_EARLY] = "early",
		[PR_MCE_KILL_DEFAULT] = "default",
	};
	int policy = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);

	return policy >= 0 && policy < (int)ARRAY_SIZE(names) ? names[policy] : "unknown";
}

/* type: "memory" for the first time, "recharged" for another. */
static void report_memory(struct life *life, const char *type)
{
	const struct memory *m = &life->mem;
	bool first = !strcmp(type, "memory");
	const struct field fields[] = {
		{ "pid", first ? " pid " : " recharged pid ", .type = FIELD_NUMBER,
		  .number = (uint64_t)getpid() },
		{ "kind", " kind ", .type = FIELD_TEXT, .text = m->kind->name },
		{ "megabytes", " ", " MB", .type = FIELD_NUMBER, .number = m->size >> 20 },
		{ "pages", " ", " pages", .type = FIELD_NUMBER, .number = m->pages },
		{ "page_size", NULL, .type = FIELD_NUMBER, .number = m->page_size },
		{ "start", " at ", .type = FIELD_HEX, .number = memory_start(m) },
		{ "end", "-", .type = FIELD_HEX, .number = memory_end(m) },
		{ "threads", NULL, .type = FIELD_NUMBER, .number = life->opt->threads },
		{ "policy", NULL, .type = FIELD_TEXT, .text = policy_name() },
		{ "cgroup", first ? NULL : " cgroup ", .type = FIELD_TEXT, .text = life->cgroup },
	};

	record(life, type, fields, ARRAY_SIZE(fields));
}

static void report_place(struct life *life)
{
	if (life->shows_pfns)
		check_output(life, report_pfns(life->opt->json, &life->where));
}

/* Until here nothing may touch the memory that a script has in view. */
static void report_ready(struct life *life)
{
	const struct field field = { "pid", " ready pid ", .type = FIELD_NUMBER,
				     .number = (uint64_t)getpid() };

	record(life, "ready", &field, 1);
}

static void report_change(struct life *life, size_t page)
{
	const struct memory *m = &life->mem;
	const struct field fields[] = {
		{ "page", " page ", .type = FIELD_NUMBER, .number = page },
		{ "address", " at ", ": contents changed", .type = FIELD_HEX,
		  .number = memory_start(m) + page * m->page_size },
	};

	record(life, "changed", fields, ARRAY_SIZE(fields));
	if (!life->status)
		life->status = EXIT_FAILED;
}

static void report_touched(struct life *life, const size_t count[PAGE_CHANGED + 1])
{
	const struct field fields[] = {
		{ "pages", " touched ", " pages", .type = FIELD_NUMBER,
		  .number = life->mem.pages - count[PAGE_LOST] },
		{ "lost", ", ", " lost", .type = FIELD_NUMBER, .number = count[PAGE_LOST] },
		{ "changed", ", ", " changed", .type = FIELD_NUMBER,
		  .number = count[PAGE_CHANGED] },
	};

	record(life, "touched", fields, ARRAY_SIZE(fields));
}

/* ------------------------------------------------------------------ place */

/* false: it can't be read, which is said once and no reason to end. */
static bool find_place(struct life *life, struct where *w)
{
	int err;

	if (!life->shows_pfns)
		return false;
	err = where_read(life->ctx, &life->mem, w);
	if (!err)
		return true;
	life->shows_pfns = false;
	if (err == -EPERM)
		warn("PFNs: hidden from this process: try as root (CAP_SYS_ADMIN), or --no-pfns");
	else
		warn("PFNs: %s: %s", kpage_ctx_error_path(life->ctx), strerror(-err));
	return false;
}

/* Where flags can be read, they have to be those of the kind. */
static void check_place(struct life *life)
{
	char names[KPAGE_NAMES_SIZE];
	uint64_t count, odd;

	if (where_check(life->ctx, &life->mem, &life->where, &count, &odd) || !count)
		return;
	kpage_flags_names(odd, names);
	end_with(life, fail(EXIT_OUTCOME, "%s: %llu of %zu pages are of another kind: flags that "
			    "differ: %s", life->mem.kind->name, (unsigned long long)count,
			    life->mem.pages, names));
}

/* -------------------------------------------------------------- populating */

/* New pages in the cgroup that we are in now. */
static void renew(struct life *life)
{
	int err = memory_drop(&life->mem);

	if (err)
		warn("%s: can't be given up: %s: it stays charged to the former cgroup",
		     life->mem.kind->name, strerror(-err));
}

/* One attempt; true: all pages are there, and as they should be. */
static bool fill(struct life *life)
{
	const struct kind *kind = life->mem.kind;
	int status = EXIT_OK;

	if (!crew_touch(life->crew, TOUCH_WRITE, &life->ticker))
		return false;
	if (kind->settle)
		status = kind->settle(&life->mem, &life->ticker);
	if (status)
		end_with(life, status);
	if (kind->reread && !life->over)
		crew_touch(life->crew, TOUCH_READ, &life->ticker);
	tick(life);
	return !life->over && !life->moved;
}

/* Again from the start when it is moved meanwhile. */
static void populate(struct life *life)
{
	for (;;) {
		life->moved = false;
		cgroup_read(life->cgroup, sizeof(life->cgroup));
		if (fill(life) || life->over)
			break;
		renew(life);
	}
}

static void settle_in(struct life *life, const char *type)
{
	populate(life);
	if (life->over)
		return;
	if (find_place(life, &life->where))
		check_place(life);
	if (life->over)
		return;
	report_memory(life, type);
	report_place(life);
	report_ready(life);
}

/* ----------------------------------------------------------------- waiting */

static void count_states(struct life *life, size_t count[PAGE_CHANGED + 1])
{
	struct memory *m = &life->mem;

	for (size_t i = 0; i < m->pages; i++) {
		if (m->state[i] == PAGE_NEW_CHANGE) {
			report_change(life, i);
			m->state[i] = PAGE_CHANGED;
		}
		count[m->state[i]]++;
	}
}

/* The pages may have moved since they were printed. */
static void report_if_moved(struct life *life)
{
	struct where now = { 0 };

	if (find_place(life, &now) && !where_equal(&now, &life->where)) {
		struct where old = life->where;

		life->where = now;
		now = old;
		report_place(life);
	}
	where_free(&now);
}

static void touch(struct life *life)
{
	enum touch_op op = life->opt->touch == TOUCH_NONE ? TOUCH_READ : life->opt->touch;
	size_t count[PAGE_CHANGED + 1] = { 0 };
	bool asked = life->asked > 0;
	bool whole = crew_touch(life->crew, op, &life->ticker);

	life->next_touch_ns = life->opt->touch == TOUCH_NONE ? 0 :
			      now_ns() + life->opt->interval_ns;
	count_states(life, count);
	if (!whole || !asked)
		return;
	life->asked--;
	report_if_moved(life);
	report_touched(life, count);
}

static void sleep_until(struct life *life)
{
	struct pollfd fd = { .fd = life->signal_fd, .events = POLLIN };
	uint64_t until = life->next_cgroup_ns, now = now_ns();
	struct timespec ts;

	if (life->end_ns)
		until = MIN(until, life->end_ns);
	if (life->next_touch_ns)
		until = MIN(until, life->next_touch_ns);
	if (until <= now)
		return;
	ts.tv_sec = (time_t)((until - now) / SECOND_NS);
	ts.tv_nsec = (long)((until - now) % SECOND_NS);
	ppoll(&fd, 1, &ts, NULL);
}

static void recharge(struct life *life)
{
	renew(life);
	settle_in(life, "recharged");
}

static void wait_and_touch(struct life *life)
{
	const struct options *opt = life->opt;

	if (opt->duration_ns)
		life->end_ns = now_ns() + opt->duration_ns;
	if (opt->touch != TOUCH_NONE)
		life->next_touch_ns = now_ns() + opt->interval_ns;
	while (!life->over) {
		if (life->moved)
			recharge(life);
		else if (life->asked || (life->next_touch_ns && now_ns() >= life->next_touch_ns))
			touch(life);
		else
			sleep_until(life);
		tick(life);
	}
}

/* ------------------------------------------------------------ begin and end */

/* Lest a file that is opened becomes stdout, and reports are written to it. */
static void open_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			_exit(EXIT_FAILED);
}

/* Before anything else: threads and memory come after it. */
static int set_policy(int policy)
{
	if (policy == POLICY_INHERITED)
		return EXIT_OK;
	if (prctl(PR_MCE_KILL, PR_MCE_KILL_SET, policy, 0, 0))
		return fail(EXIT_CANNOT, "--policy: prctl PR_MCE_KILL: %s", strerror(errno));
	return EXIT_OK;
}

/* Threads that are started later block them, too: all signals come here. */
static int take_signals(struct life *life)
{
	static const int taken[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP };
	struct sigaction hup;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		sigaddset(&set, taken[i]);
	/* Of nohup(1). SIGINT is ignored in every background job of a script, and
	 * taken all the same: there it means that the script is at an end. */
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler == SIG_IGN)
		sigdelset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	life->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return life->signal_fd < 0 ? fail_errno(-errno, "signalfd") : EXIT_OK;
}

static int begin(struct life *life)
{
	const struct options *opt = life->opt;
	int status = take_signals(life), err;

	if (status)
		return status;
	err = kpage_ctx_new(NULL, &life->ctx);
	if (err)
		return fail_errno(err, "/");
	status = memory_make(&life->mem, opt->kind, opt->megabytes << 20, opt->path);
	if (!status && opt->handler != HANDLER_NONE)
		status = handler_install(opt->handler, &life->mem, opt->json);
	if (!status && opt->handler_thread)
		status = handler_start_thread();
	if (!status)
		status = crew_new(&life->mem, opt->threads, &life->crew);
	return status;
}

static void end(struct life *life)
{
	crew_free(life->crew);
	memory_release(&life->mem);
	where_free(&life->where);
	kpage_ctx_free(life->ctx);
	if (life->signal_fd >= 0)
		close(life->signal_fd);
}

/* Who sent the signal shall see that it was obeyed. */
static void die_of(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	signal(sig, SIG_DFL);
	raise(sig);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int main(int argc, char *argv[])
{
	struct options opt;
	struct life life = { .opt = &opt, .signal_fd = -1 };
	int status;

	open_standard_files();
	if (!options_parse(argc, argv, &opt, &status)) {
		options_free(&opt);
		return close_stdout(status);
	}
	life.ticker = (struct ticker){ tick, &life };
	life.shows_pfns = opt.pfns;
	life.mem.fd = -1;
	life.status = set_policy(opt.policy);
	if (!life.status)
		life.status = begin(&life);
	if (!life.status) {
		settle_in(&life, "memory");
		wait_and_touch(&life);
	}
	end(&life);
	options_free(&opt);
	status = close_stdout(life.status);
	if (life.end_signal)
		die_of(life.end_signal);
	return status;
}
