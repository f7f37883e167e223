// SPDX-License-Identifier: GPL-2.0-or-later
/* Which signal belongs to which failure: every order, what never comes, and too much. */
#include "mcekill/tie.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Before cmocka, which has a macro fail(). */
#include "common/util.h"

#include <cmocka.h>

#define MS UINT64_C(1000000)
/* What the clock on the wall is ahead. */
#define WALL (UINT64_C(1000) * MS)

/* What the machine is like, and what was reported, in words. */
static struct world {
	struct tie tie;
	uint64_t now;
	pid_t owner;		/* of every page that fails */
	uint64_t owner_address;
	pid_t unwanted;		/* a thread that nobody has asked for */
	pid_t pending;		/* a thread that a signal waits for … */
	bool runs_soon;		/* … and that does not block it */
	enum tie_cause touch_cause;
	uint64_t touch_pfn;
	char text[8000];
} w;

static void _printf_(1, 2) note(const char *fmt, ...)
{
	size_t len = strlen(w.text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w.text + len, sizeof(w.text) - len, fmt, ap);
	va_end(ap);
}

static bool ask_task(struct tie_kill *kill, void *arg)
{
	assert_ptr_equal(arg, &w);
	/* Threads of a process have numbers that end in another digit. */
	kill->pid = kill->tid < 1000 ? kill->tid / 10 * 10 : 0;
	return kill->tid != w.unwanted;
}

static void see_failure(struct tie_failure *f, bool has_victim, void *arg)
{
	assert_ptr_equal(arg, &w);
	f->pid = w.owner;
	f->address = w.owner_address;
	f->has_address = w.owner_address;
	note("failure %" PRIu64 " %s: %s%s at %" PRIu64 "\n", f->pfn, f->type, f->result,
	     has_victim ? " hits" : "", (f->wall_ns - WALL) / MS);
}

static void ask_touch(struct tie_kill *kill, void *arg)
{
	assert_ptr_equal(arg, &w);
	assert_true(kill->has_address);
	kill->cause = w.touch_cause;
	kill->pfn = w.touch_pfn;
	kill->has_pfn = w.touch_pfn;
}

static enum tie_wait ask_pending(pid_t tid, void *arg)
{
	assert_ptr_equal(arg, &w);
	if (tid != w.pending)
		return WAIT_NONE;
	return w.runs_soon ? WAIT_COMING : WAIT_HELD;
}

static void see_kill(const struct tie_kill *k, void *arg)
{
	static const char *const causes[] = { "OPEN", "by", "late", "uffd", "unknown" };
	static const char *const actions[] = { "-", "handler", "default", "ignored", "pending" };

	assert_ptr_equal(arg, &w);
	assert_int_equal(k->time.wall_ns - k->time.mono_ns, WALL);
	note("%s %d/%d %s%s", k->code == BUS_MCEERR_AO ? "AO" : k->code ? "AR" : "?", k->pid, k->tid,
	     actions[k->action], k->merged ? " merged" : "");
	note(" %s", causes[k->cause]);
	if (k->has_pfn)
		note(" %" PRIu64, k->pfn);
	if (k->has_address)
		note(" 0x%" PRIx64, k->address);
	if (k->failed_ns)
		note(" failed %" PRIu64, (k->failed_ns - WALL) / MS);
	if (k->pending_ns)
		note(" since %" PRIu64, (k->pending_ns - WALL) / MS);
	note(" at %" PRIu64 "\n", k->time.mono_ns / MS);
}

static int setup(void **state)
{
	static const struct tie_hooks hooks = { ask_task,    see_failure, ask_touch,
						ask_pending, see_kill,    &w };

	(void)state;
	w = (struct world){ .now = 100 * MS };
	tie_init(&w.tie, &hooks);
	return 0;
}

/* ----------------------------------------------------------------- what happens */

/* An event that comes a millisecond after what was before. */
static void happens(struct kpage_event e)
{
	const struct tie_time now = { w.now + MS, w.now + MS + WALL };

	w.now += MS;
	if (!e.time_ns)
		e.time_ns = w.now;
	strcpy(e.comm, "x");
	tie_event(&w.tie, &e, &now);
}

static void fails(uint64_t pfn)
{
	happens((struct kpage_event){ .kind = KPAGE_EVENT_FAILURE, .pfn = pfn, .type = "page",
				      .result = "Recovered" });
}

static void is_sent(pid_t tid, int code, enum kpage_signal_sent sent)
{
	happens((struct kpage_event){ .kind = KPAGE_EVENT_SIGNAL, .tid = tid, .code = code,
				      .sent = sent });
}

static void takes(pid_t tid, int code, bool handler)
{
	happens((struct kpage_event){ .kind = KPAGE_EVENT_DELIVERED, .tid = tid, .code = code,
				      .handler = handler });
}

static void faults(pid_t tid, uint64_t address)
{
	/* The log has a clock of its own. */
	happens((struct kpage_event){ .kind = KPAGE_EVENT_FAULT, .tid = tid, .address = address,
				      .time_ns = 1 });
}

static void passes(uint64_t ms)
{
	w.now += ms * MS;
	tie_tick(&w.tie, w.now);
}

/* All that was reported since the last time. */
static void reported(const char *expected)
{
	assert_string_equal(w.text, expected);
	w.text[0] = '\0';
}

/* ------------------------------------------------------------- a memory failure */

static void test_failure_alone(void **state)
{
	(void)state;
	fails(7);
	reported("failure 7 page: Recovered at 101\n");
	assert_false(tie_is_open(&w.tie));
	assert_int_equal(tie_failed_at(&w.tie, 7), 101 * MS + WALL);
	assert_int_equal(tie_failed_at(&w.tie, 8), 0);
}

static void test_early(void **state)
{
	(void)state;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	assert_true(tie_is_open(&w.tie));
	fails(7);
	reported("failure 7 page: Recovered hits at 102\n");
	takes(20, BUS_MCEERR_AO, true);
	reported("AO 20/20 handler by 7 failed 102 at 101\n");
	assert_false(tie_is_open(&w.tie));
}

/* It runs on another CPU, and is faster than the rest of the kernel's work. */
static void test_taken_before_the_failure(void **state)
{
	(void)state;
	is_sent(21, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	takes(21, BUS_MCEERR_AO, false);
	reported("");
	fails(7);
	reported("failure 7 page: Recovered hits at 103\nAO 20/21 default by 7 failed 103 at 101\n");
}

static void test_several_tasks(void **state)
{
	(void)state;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	is_sent(30, BUS_MCEERR_AO, KPAGE_SENT_IGNORED);
	is_sent(40, BUS_MCEERR_AR, KPAGE_SENT_DELIVERED);
	fails(7);
	reported("failure 7 page: Recovered hits at 104\nAO 30/30 ignored by 7 failed 104 at 102\n");
	takes(40, BUS_MCEERR_AR, false);
	takes(20, BUS_MCEERR_AO, false);
	reported("AR 40/40 default by 7 failed 104 at 103\nAO 20/20 default by 7 failed 104 at 101\n");
}

static void test_several_failures(void **state)
{
	(void)state;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(7);
	fails(8);
	is_sent(30, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(9);
	takes(20, BUS_MCEERR_AO, true);
	takes(30, BUS_MCEERR_AO, true);
	reported("failure 7 page: Recovered hits at 102\n"
		 "failure 8 page: Recovered at 103\n"
		 "failure 9 page: Recovered hits at 105\n"
		 "AO 20/20 handler by 7 failed 102 at 101\n"
		 "AO 30/30 handler by 9 failed 105 at 104\n");
}

static void test_owner(void **state)
{
	(void)state;
	w.owner = 20;
	w.owner_address = 0x5000;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_IGNORED);
	is_sent(30, BUS_MCEERR_AO, KPAGE_SENT_IGNORED);
	fails(7);
	reported("failure 7 page: Recovered hits at 103\n"
		 "AO 20/20 ignored by 7 0x5000 failed 103 at 101\n"
		 "AO 30/30 ignored by 7 failed 103 at 102\n");
	/* Gone already: its thread is the process of the ledger. */
	w.owner = 2000;
	is_sent(2000, BUS_MCEERR_AO, KPAGE_SENT_IGNORED);
	fails(8);
	reported("failure 8 page: Recovered hits at 105\n"
		 "AO 2000/2000 ignored by 8 0x5000 failed 105 at 104\n");
}

static void test_unwanted(void **state)
{
	(void)state;
	w.unwanted = 20;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(7);
	takes(20, BUS_MCEERR_AO, true);
	faults(20, 0x5000);
	is_sent(20, BUS_MCEERR_AR, KPAGE_SENT_DELIVERED);
	passes(2000);
	reported("failure 7 page: Recovered at 102\n");
}

/* ----------------------------------------------------------------- what does not come */

static void test_no_failure(void **state)
{
	(void)state;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	takes(20, BUS_MCEERR_AO, true);
	passes(997);
	reported("");
	passes(1);
	reported("");
	passes(1);
	reported("AO 20/20 handler unknown at 101\n");
}

static void test_failure_too_late(void **state)
{
	(void)state;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_IGNORED);
	w.now += 1000 * MS;
	fails(7);
	reported("failure 7 page: Recovered at 1102\n");
	passes(0);
	reported("AO 20/20 ignored unknown at 101\n");
}

static void test_no_delivery(void **state)
{
	(void)state;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(7);
	reported("failure 7 page: Recovered hits at 102\n");
	passes(1000);
	/* It may have been taken since the events were read. */
	reported("");
	passes(100);
	reported("AO 20/20 - by 7 failed 102 at 101\n");
	/* Reported once. */
	takes(20, BUS_MCEERR_AO, true);
	passes(1000);
	reported("");
}

/* The task takes it between the reading of the events and the look at /proc. */
static void test_taken_meanwhile(void **state)
{
	(void)state;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(7);
	reported("failure 7 page: Recovered hits at 102\n");
	w.pending = 20;
	w.runs_soon = true;
	passes(1500);
	reported("");
	w.pending = 0;
	passes(100);
	reported("");
	takes(20, BUS_MCEERR_AO, false);
	reported("AO 20/20 default by 7 failed 102 at 101\n");
}

static void test_delivery_alone(void **state)
{
	(void)state;
	takes(20, BUS_MCEERR_AO, true);
	passes(2000);
	reported("");
}

/* ------------------------------------------------------------------- pending */

static void test_pending(void **state)
{
	(void)state;
	w.pending = 20;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(7);
	passes(1000);
	reported("failure 7 page: Recovered hits at 102\nAO 20/20 pending by 7 failed 102 at 101\n");
	assert_false(tie_is_open(&w.tie));
	passes(3600 * 1000);
	reported("");
	takes(20, BUS_MCEERR_AO, true);
	reported("AO 20/20 handler by 7 failed 102 since 101 at 3601103\n");
	takes(20, BUS_MCEERR_AO, true);
	tie_end(&w.tie);
	reported("");
}

/* On a busy machine it does not get to run for a while. */
static void test_not_run_yet(void **state)
{
	(void)state;
	w.pending = 20;
	w.runs_soon = true;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(7);
	passes(9000);
	assert_true(tie_is_open(&w.tie));
	takes(20, BUS_MCEERR_AO, true);
	reported("failure 7 page: Recovered hits at 102\nAO 20/20 handler by 7 failed 102 at 101\n");
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(8);
	passes(9000);
	reported("failure 8 page: Recovered hits at 9105\n");
	passes(1000);
	reported("AO 20/20 pending by 8 failed 9105 at 9104\n");
}

static void test_pending_until_the_end(void **state)
{
	(void)state;
	w.pending = 20;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(7);
	passes(1000);
	w.text[0] = '\0';
	tie_end(&w.tie);
	reported("");
}

/* It blocks SIGBUS, and takes it by sigwait(2), which is not seen. */
static void test_pending_taken_unseen(void **state)
{
	(void)state;
	w.pending = 20;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(7);
	passes(1000);
	w.text[0] = '\0';
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(8);
	takes(20, BUS_MCEERR_AO, true);
	reported("failure 8 page: Recovered hits at 1104\nAO 20/20 handler by 8 failed 1104 at 1103\n");
}

static void test_sent_anew(void **state)
{
	(void)state;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	takes(20, BUS_MCEERR_AO, true);
	fails(7);
	reported("failure 7 page: Recovered hits at 104\nAO 20/20 - by 7 failed 104 at 101\n"
		 "AO 20/20 handler by 7 failed 104 at 102\n");
}

static void test_merged(void **state)
{
	(void)state;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(7);
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_PENDING);
	fails(8);
	takes(20, BUS_MCEERR_AO, true);
	reported("failure 7 page: Recovered hits at 102\nfailure 8 page: Recovered hits at 104\n"
		 "AO 20/20 handler by 7 failed 102 at 101\n"
		 "AO 20/20 handler merged by 8 failed 104 at 103\n");
}

/* A touch while it waits: forced on the task, and one delivery for both. */
static void test_pending_then_touched(void **state)
{
	(void)state;
	w.pending = 20;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	fails(7);
	passes(1000);
	w.text[0] = '\0';
	w.touch_cause = CAUSE_LATE;
	w.touch_pfn = 7;
	faults(20, 0x5008);
	is_sent(20, BUS_MCEERR_AR, KPAGE_SENT_PENDING);
	takes(20, BUS_MCEERR_AO, false);
	reported("AO 20/20 default by 7 failed 102 since 101 at 1105\n"
		 "AR 20/20 default merged late 7 0x5008 failed 102 at 1104\n");
	/* One task, though of two signals. */
	assert_int_equal(w.tie.nr_killed, 1);
}

/* ---------------------------------------------------------------------- touches */

static void test_late(void **state)
{
	(void)state;
	fails(7);
	w.text[0] = '\0';
	w.touch_cause = CAUSE_LATE;
	w.touch_pfn = 7;
	faults(20, 0x5008);
	is_sent(20, BUS_MCEERR_AR, KPAGE_SENT_DELIVERED);
	takes(20, BUS_MCEERR_AR, false);
	reported("AR 20/20 default late 7 0x5008 failed 101 at 103\n");
	assert_int_equal(w.tie.nr_killed, 1);
}

/* A failure of another page right after it is not its. */
static void test_late_and_a_failure(void **state)
{
	(void)state;
	w.touch_cause = CAUSE_LATE;
	faults(20, 0x5008);
	is_sent(20, BUS_MCEERR_AR, KPAGE_SENT_DELIVERED);
	fails(8);
	takes(20, BUS_MCEERR_AR, true);
	reported("failure 8 page: Recovered at 103\nAR 20/20 handler late 0x5008 at 102\n");
}

static void test_uffd(void **state)
{
	(void)state;
	w.touch_cause = CAUSE_UFFD;
	faults(20, 0x5008);
	is_sent(20, BUS_MCEERR_AR, KPAGE_SENT_DELIVERED);
	takes(20, BUS_MCEERR_AR, true);
	reported("AR 20/20 handler uffd 0x5008 at 102\n");
}

static void test_faults_in_turn(void **state)
{
	(void)state;
	w.touch_cause = CAUSE_LATE;
	faults(20, 0x5000);
	faults(30, 0x6000);
	is_sent(30, BUS_MCEERR_AR, KPAGE_SENT_DELIVERED);
	faults(20, 0x7000);
	is_sent(20, BUS_MCEERR_AR, KPAGE_SENT_DELIVERED);
	takes(20, BUS_MCEERR_AR, true);
	is_sent(20, BUS_MCEERR_AR, KPAGE_SENT_DELIVERED);
	takes(20, BUS_MCEERR_AR, true);
	takes(30, BUS_MCEERR_AR, true);
	reported("AR 20/20 handler late 0x5000 at 105\nAR 20/20 handler late 0x7000 at 107\n"
		 "AR 30/30 handler late 0x6000 at 103\n");
}

/* The trace has lost the signal; the log has not. */
static void test_fault_alone(void **state)
{
	(void)state;
	w.touch_cause = CAUSE_LATE;
	faults(20, 0x5000);
	assert_true(tie_is_open(&w.tie));
	passes(999);
	reported("");
	passes(1);
	reported("AR 20/20 - late 0x5000 at 101\n");
	assert_false(tie_is_open(&w.tie));
}

/* --------------------------------------------------------------------- too much */

static void test_too_many_kills(void **state)
{
	(void)state;
	for (int i = 0; i < TIE_KILLS; i++)
		is_sent(1000 + i, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	reported("");
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	reported("AO 0/1000 - unknown at 101\n");
	tie_end(&w.tie);
	assert_non_null(strstr(w.text, "AO 0/1001 - unknown at 102\n"));
	assert_non_null(strstr(w.text, "AO 20/20 - unknown at 357\n"));
}

/* Those that were reported as pending go first, without a word. */
static void test_too_many_with_pending(void **state)
{
	(void)state;
	is_sent(30, BUS_MCEERR_AO, KPAGE_SENT_IGNORED);
	w.pending = 20;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	passes(1000);
	w.text[0] = '\0';
	for (int i = 0; i < TIE_KILLS; i++)
		is_sent(1000 + i, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	reported("");
	takes(20, BUS_MCEERR_AO, true);
	reported("");
}

static void test_too_many_faults(void **state)
{
	(void)state;
	w.touch_cause = CAUSE_LATE;
	for (int i = 0; i < TIE_FAULTS; i++)
		faults(1000 + i, 0x5000);
	reported("");
	faults(20, 0x6000);
	reported("AR 0/1000 - late 0x5000 at 101\n");
	tie_end(&w.tie);
	assert_non_null(strstr(w.text, "AR 20/20 - late 0x6000 at 165\n"));
}

static void test_too_many_failures(void **state)
{
	(void)state;
	for (uint64_t pfn = 1; pfn <= TIE_FAILURES + 1; pfn++)
		fails(pfn);
	fails(2);
	assert_int_equal(tie_failed_at(&w.tie, 1), 0);
	assert_int_equal(tie_failed_at(&w.tie, 2), w.now + WALL);
	assert_int_equal(tie_failed_at(&w.tie, 3), 103 * MS + WALL);
}

/* ----------------------------------------------------------------- the log alone */

static void test_log(void **state)
{
	(void)state;
	tie_set_log_only(&w.tie, true);
	w.touch_cause = CAUSE_LATE;
	w.touch_pfn = 7;
	happens((struct kpage_event){ .kind = KPAGE_EVENT_SIGNAL, .tid = 20, .pfn = 7, .time_ns = 1 });
	fails(8);
	reported("failure 8 page: Recovered at 102\n");
	happens((struct kpage_event){ .kind = KPAGE_EVENT_FAILURE, .pfn = 7, .type = "page",
				      .result = "Delayed", .time_ns = 2 });
	reported("failure 7 page: Delayed hits at 103\n? 20/20 - by 7 failed 103 at 101\n");
	faults(30, 0x5000);
	reported("AR 30/30 - late 7 0x5000 failed 103 at 104\n");
}

static void test_log_pending(void **state)
{
	(void)state;
	tie_set_log_only(&w.tie, true);
	w.pending = 20;
	happens((struct kpage_event){ .kind = KPAGE_EVENT_SIGNAL, .tid = 20, .pfn = 7, .time_ns = 1 });
	passes(1000);
	/* No delivery will be seen: it is not kept. */
	reported("? 20/20 - unknown 7 at 101\n");
	assert_int_equal(w.tie.nr_kills, 0);
}

static void test_source_changes(void **state)
{
	(void)state;
	w.touch_cause = CAUSE_LATE;
	is_sent(20, BUS_MCEERR_AO, KPAGE_SENT_DELIVERED);
	faults(30, 0x5000);
	tie_set_log_only(&w.tie, false);
	reported("");
	tie_set_log_only(&w.tie, true);
	reported("AR 30/30 - late 0x5000 at 102\nAO 20/20 - unknown at 101\n");
	assert_false(tie_is_open(&w.tie));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_failure_alone, setup),
		cmocka_unit_test_setup(test_early, setup),
		cmocka_unit_test_setup(test_taken_before_the_failure, setup),
		cmocka_unit_test_setup(test_several_tasks, setup),
		cmocka_unit_test_setup(test_several_failures, setup),
		cmocka_unit_test_setup(test_owner, setup),
		cmocka_unit_test_setup(test_unwanted, setup),
		cmocka_unit_test_setup(test_no_failure, setup),
		cmocka_unit_test_setup(test_failure_too_late, setup),
		cmocka_unit_test_setup(test_no_delivery, setup),
		cmocka_unit_test_setup(test_taken_meanwhile, setup),
		cmocka_unit_test_setup(test_delivery_alone, setup),
		cmocka_unit_test_setup(test_pending, setup),
		cmocka_unit_test_setup(test_not_run_yet, setup),
		cmocka_unit_test_setup(test_pending_until_the_end, setup),
		cmocka_unit_test_setup(test_pending_taken_unseen, setup),
		cmocka_unit_test_setup(test_sent_anew, setup),
		cmocka_unit_test_setup(test_merged, setup),
		cmocka_unit_test_setup(test_pending_then_touched, setup),
		cmocka_unit_test_setup(test_late, setup),
		cmocka_unit_test_setup(test_late_and_a_failure, setup),
		cmocka_unit_test_setup(test_uffd, setup),
		cmocka_unit_test_setup(test_faults_in_turn, setup),
		cmocka_unit_test_setup(test_fault_alone, setup),
		cmocka_unit_test_setup(test_too_many_kills, setup),
		cmocka_unit_test_setup(test_too_many_with_pending, setup),
		cmocka_unit_test_setup(test_too_many_faults, setup),
		cmocka_unit_test_setup(test_too_many_failures, setup),
		cmocka_unit_test_setup(test_log, setup),
		cmocka_unit_test_setup(test_log_pending, setup),
		cmocka_unit_test_setup(test_source_changes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
