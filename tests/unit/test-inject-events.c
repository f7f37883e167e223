// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose signal is whose page's: the events of an injection in every order, over several
 * readings, with those of others among them. The watch is a script. */
#include "common/inject.h"

#include <signal.h>
#include <string.h>

#include "fixture.h"

#define OURS	UINT64_C(0x1234)
#define FOREIGN UINT64_C(0x4321)
#define ADDRESS UINT64_C(0x7f0000003000)
#define ELSEWHERE UINT64_C(0x7f0000008000)
#define TID	77

/* What the kernel has to say, and what the next readings get of it. */
static struct kpage_event script[16];
static size_t nr_script, nr_read;
static bool has_trace;

int __wrap_kpage_watch_read(struct kpage_watch *w, int (*event)(const struct kpage_event *, void *),
			    void *arg);
bool __wrap_kpage_watch_has_trace(const struct kpage_watch *w);
bool __wrap_kpage_watch_has_kmsg(const struct kpage_watch *w);
uint64_t __wrap_kpage_watch_lost(const struct kpage_watch *w);
void __wrap_kpage_watch_free(struct kpage_watch *w);

int __wrap_kpage_watch_read(struct kpage_watch *w, int (*event)(const struct kpage_event *, void *),
			    void *arg)
{
	(void)w;
	while (nr_read < nr_script)
		assert_int_equal(event(&script[nr_read++], arg), 0);
	return 0;
}

bool __wrap_kpage_watch_has_trace(const struct kpage_watch *w)
{
	(void)w;
	return has_trace;
}

bool __wrap_kpage_watch_has_kmsg(const struct kpage_watch *w)
{
	(void)w;
	return true;
}

uint64_t __wrap_kpage_watch_lost(const struct kpage_watch *w)
{
	(void)w;
	return 0;
}

void __wrap_kpage_watch_free(struct kpage_watch *w)
{
	(void)w;
}

/* ------------------------------------------------------------------ the events */

static struct kpage_event *say(enum kpage_event_kind kind)
{
	struct kpage_event *e = &script[nr_script++];

	*e = (struct kpage_event){ .kind = kind, .tid = TID, .comm = "victim" };
	return e;
}

static void say_failure(uint64_t pfn)
{
	struct kpage_event *e = say(KPAGE_EVENT_FAILURE);

	e->pfn = pfn;
	strcpy(e->type, "dirty LRU page");
	strcpy(e->result, "Recovered");
}

static void say_signal(int code)
{
	say(KPAGE_EVENT_SIGNAL)->code = code;
}

static void say_handler(int code)
{
	struct kpage_event *e = say(KPAGE_EVENT_DELIVERED);

	e->code = code;
	e->handler = true;
}

static void say_fault(uint64_t address)
{
	say(KPAGE_EVENT_FAULT)->address = address;
}

/* The page of ADDRESS is ours. */
static bool is_ours(const struct kpage_event *fault, void *arg)
{
	(void)arg;
	return fault->address == ADDRESS;
}

static const struct inject_method plain = { .name = "plain" };
static const struct inject_method forces = { .name = "forces", .forces = true };

static struct injection *start(struct fixture *fx)
{
	static struct injection inj;

	nr_script = nr_read = 0;
	has_trace = true;
	inj = (struct injection){
		.ctx = fx->ctx,
		.method = &plain,
		.hooks = { .touched = is_ours },
		/* Never looked into. */
		.watch = (void *)&inj,
		.recent = { { OURS, TID, ADDRESS } },
		.nr_recent = 1,
	};
	return &inj;
}

static void check_row(const struct injection *inj, int code, uint64_t sent, uint64_t address, bool handler)
{
	const struct victim *v = inj->victims.list;

	assert_int_equal(inj->victims.n, 1);
	assert_int_equal(v->tid, TID);
	assert_int_equal(v->code, code);
	assert_int_equal(v->sent, sent);
	assert_int_equal(v->has_address, address != 0);
	assert_int_equal(v->address, address);
	assert_int_equal(v->handler_ran, handler);
}

/* Nothing waits at the end, and what is there is as before. */
static void end(struct injection *inj)
{
	size_t n = inj->victims.n;

	injection_settle(inj, 0);
	assert_int_equal(inj->victims.n, n);
	assert_false(injection_has_halves(inj));
	injection_close(inj);
}

/* ------------------------------------------------------------------------- early */

static void test_early(void **state)
{
	struct injection *inj = start(*state);

	say_signal(BUS_MCEERR_AO);
	say_failure(OURS);
	say_handler(BUS_MCEERR_AO);
	injection_read_events(inj);
	check_row(inj, BUS_MCEERR_AO, 1, ADDRESS, true);
	assert_int_equal(inj->nr_results, 1);
	end(inj);
}

static void test_taken_before_the_failure(void **state)
{
	struct injection *inj = start(*state);

	say_signal(BUS_MCEERR_AO);
	say_handler(BUS_MCEERR_AO);
	say_failure(OURS);
	injection_read_events(inj);
	check_row(inj, BUS_MCEERR_AO, 1, ADDRESS, true);
	end(inj);
}

static void test_foreign(void **state)
{
	struct injection *inj = start(*state);

	say_signal(BUS_MCEERR_AO);
	say_handler(BUS_MCEERR_AO);
	say_failure(FOREIGN);
	say_signal(BUS_MCEERR_AO);
	say_failure(FOREIGN);
	say_handler(BUS_MCEERR_AO);
	injection_read_events(inj);
	assert_int_equal(inj->victims.n, 0);
	assert_int_equal(inj->nr_results, 0);
	end(inj);
}

static void test_all_pages(void **state)
{
	struct injection *inj = start(*state);

	inj->all_pages = true;
	say_signal(BUS_MCEERR_AO);
	say_failure(FOREIGN);
	injection_read_events(inj);
	check_row(inj, BUS_MCEERR_AO, 1, 0, false);
	assert_int_equal(inj->nr_results, 1);
	end(inj);
}

static void test_two_readings(void **state)
{
	struct injection *inj = start(*state);

	say_signal(BUS_MCEERR_AO);
	injection_read_events(inj);
	assert_int_equal(inj->victims.n, 0);
	assert_true(injection_has_halves(inj));
	say_failure(OURS);
	injection_read_events(inj);
	check_row(inj, BUS_MCEERR_AO, 1, ADDRESS, false);
	end(inj);
}

static void test_foreign_in_two_readings(void **state)
{
	struct injection *inj = start(*state);

	say_signal(BUS_MCEERR_AO);
	injection_read_events(inj);
	say_failure(FOREIGN);
	injection_read_events(inj);
	assert_int_equal(inj->victims.n, 0);
	end(inj);
}

/* The kernel signals, too, without a failure of its own. */
static void test_no_failure(void **state)
{
	struct injection *inj = start(*state);

	say_signal(BUS_MCEERR_AO);
	injection_read_events(inj);
	injection_read_events(inj);
	check_row(inj, BUS_MCEERR_AO, 1, 0, false);
	end(inj);
}

static void test_no_failure_at_the_end(void **state)
{
	struct injection *inj = start(*state);

	say_signal(BUS_MCEERR_AO);
	injection_settle(inj, 0);
	check_row(inj, BUS_MCEERR_AO, 1, 0, false);
	injection_close(inj);
}

/* -------------------------------------------------------------------------- late */

static void test_touch(void **state)
{
	struct injection *inj = start(*state);

	say_fault(ADDRESS);
	say_signal(BUS_MCEERR_AR);
	say_handler(BUS_MCEERR_AR);
	injection_read_events(inj);
	check_row(inj, BUS_MCEERR_AR, 1, ADDRESS, true);
	end(inj);
}

static void test_foreign_touch(void **state)
{
	struct injection *inj = start(*state);

	say_fault(ELSEWHERE);
	say_signal(BUS_MCEERR_AR);
	say_handler(BUS_MCEERR_AR);
	injection_read_events(inj);
	assert_int_equal(inj->victims.n, 0);
	end(inj);
}

/* All faults of a reading come before its signals. */
static void test_touches(void **state)
{
	struct injection *inj = start(*state);

	say_fault(ELSEWHERE);
	say_fault(ADDRESS);
	say_fault(ELSEWHERE);
	for (int i = 0; i < 3; i++)
		say_signal(BUS_MCEERR_AR);
	injection_read_events(inj);
	check_row(inj, BUS_MCEERR_AR, 1, ADDRESS, false);
	end(inj);
}

static void test_touch_in_two_readings(void **state)
{
	struct injection *inj = start(*state);

	say_fault(ADDRESS);
	injection_read_events(inj);
	assert_int_equal(inj->victims.n, 0);
	assert_true(injection_has_halves(inj));
	say_signal(BUS_MCEERR_AR);
	injection_read_events(inj);
	check_row(inj, BUS_MCEERR_AR, 1, ADDRESS, false);
	end(inj);
}

static void test_touch_without_a_signal(void **state)
{
	struct injection *inj = start(*state);

	say_fault(ADDRESS);
	say_fault(ELSEWHERE);
	injection_settle(inj, 0);
	check_row(inj, BUS_MCEERR_AR, 0, ADDRESS, false);
	injection_close(inj);
}

/* ------------------------------------------------------- AR that nobody's touch explains */

static void test_forced(void **state)
{
	struct injection *inj = start(*state);

	inj->method = &forces;
	say_signal(BUS_MCEERR_AR);
	say_failure(OURS);
	say_signal(BUS_MCEERR_AR);
	say_failure(FOREIGN);
	injection_read_events(inj);
#if defined(__x86_64__)
	check_row(inj, BUS_MCEERR_AR, 1, ADDRESS, false);
#else
	/* It could as well have touched the page, of which no log tells. */
	check_row(inj, BUS_MCEERR_AR, 2, 0, false);
#endif
	end(inj);
}

/* KVM's: the log has no line of it. */
static void test_without_a_line(void **state)
{
	struct injection *inj = start(*state);

	say_signal(BUS_MCEERR_AR);
	say_failure(FOREIGN);
	say_failure(OURS);
	injection_read_events(inj);
	check_row(inj, BUS_MCEERR_AR, 1, 0, false);
	end(inj);
}

/* ------------------------------------------------------------------- the log alone */

static void test_log_only(void **state)
{
	struct injection *inj = start(*state);

	has_trace = false;
	say_signal(0);
	script[nr_script - 1].pfn = FOREIGN;
	say_failure(FOREIGN);
	say_fault(ELSEWHERE);
	injection_read_events(inj);
	assert_int_equal(inj->victims.n, 0);
	say_signal(0);
	script[nr_script - 1].pfn = OURS;
	say_failure(OURS);
	injection_read_events(inj);
	check_row(inj, 0, 1, ADDRESS, false);
	end(inj);
}

static void test_touch_log_only(void **state)
{
	struct injection *inj = start(*state);

	has_trace = false;
	say_fault(ADDRESS);
	injection_read_events(inj);
	check_row(inj, BUS_MCEERR_AR, 0, ADDRESS, false);
	end(inj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_early),
		TREE_TEST(test_taken_before_the_failure),
		TREE_TEST(test_foreign),
		TREE_TEST(test_all_pages),
		TREE_TEST(test_two_readings),
		TREE_TEST(test_foreign_in_two_readings),
		TREE_TEST(test_no_failure),
		TREE_TEST(test_no_failure_at_the_end),
		TREE_TEST(test_touch),
		TREE_TEST(test_foreign_touch),
		TREE_TEST(test_touches),
		TREE_TEST(test_touch_in_two_readings),
		TREE_TEST(test_touch_without_a_signal),
		TREE_TEST(test_forced),
		TREE_TEST(test_without_a_line),
		TREE_TEST(test_log_only),
		TREE_TEST(test_touch_log_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
