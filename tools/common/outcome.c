// SPDX-License-Identifier: GPL-2.0-or-later
/* The report of an injection, as text. */
#include "common/outcome.h"

#include <inttypes.h>
#include <string.h>

static const struct {
	const char *text;
	bool as_asked;
} outcomes[NR_OUTCOMES] = {
	[OUTCOME_POISONED] = { "poisoned", true },
	[OUTCOME_OFFLINED] = { "soft-offlined", true },
	[OUTCOME_ALREADY] = { "poisoned already", true },
	[OUTCOME_SAME_HUGE] = { "part of a hugetlb page that is counted by its first page", true },
	[OUTCOME_KERNEL] = { "left alone: pages of the kernel (--force takes them too)", true },
	[OUTCOME_FILTERED] = { "not poisoned: the kernel took the order and did nothing", false },
	[OUTCOME_NOT_CONTAINED] = { "marked as poisoned, but still in use: the kernel failed", false },
	[OUTCOME_FAILED] = { "not poisoned: the kernel refused", false },
	[OUTCOME_CHANGED] = { "left alone: moved or freed meanwhile", false },
	[OUTCOME_NOT_TRIED] = { "not tried: their process ended", false },
	[OUTCOME_UNPOISONED] = { "unpoisoned", true },
	[OUTCOME_STILL_POISONED] = { "still poisoned: the kernel refused", false },
};

enum exit_status outcome_status(const struct injection *inj)
{
	for (size_t i = 0; i < NR_OUTCOMES; i++)
		if (inj->counts[i] && !outcomes[i].as_asked)
			return EXIT_OUTCOME;
	return EXIT_OK;
}

static const char *outcome_text(const struct injection *inj, enum outcome outcome)
{
	if (outcome == OUTCOME_FILTERED && inj->filter.enable)
		return "not poisoned: the kernel's filter rejects them";
	return outcomes[outcome].text;
}

static void print_pages(const struct injection *inj, const char *verb)
{
	uint64_t total = 0;

	for (size_t i = 0; i < NR_OUTCOMES; i++)
		total += inj->counts[i];
	printf("%s: %" PRIu64 " pages chosen\n", verb, total);
	for (size_t i = 0; i < NR_OUTCOMES; i++)
		if (inj->counts[i])
			printf("%14" PRIu64 "  %s\n", inj->counts[i], outcome_text(inj, i));
	for (size_t i = 0; i < inj->nr_errors; i++)
		printf("%14" PRIu64 "  error: %s (first at PFN 0x%" PRIx64 ")\n",
		       inj->errors[i].pages, strerror(-inj->errors[i].err),
		       inj->errors[i].first_pfn);
}

static void print_results(const struct injection *inj)
{
	if (!inj->was_watched) {
		printf("kernel: its action results are not known (%s)\n",
		       strerror(-inj->watch_error));
		return;
	}
	if (inj->nr_results)
		printf("kernel: its own action results\n");
	for (size_t i = 0; i < inj->nr_results; i++)
		printf("%14" PRIu64 "  %s: %s\n", inj->results[i].pages, inj->results[i].type,
		       inj->results[i].result);
	if (inj->events_lost)
		printf("%14" PRIu64 "  events were lost: the results and the tasks are incomplete\n",
		       inj->events_lost);
}

static void print_victim(const struct victim *v)
{
	printf("  ");
	put_name(stdout, v->comm);
	printf("[%d]", (int)(v->pid ? v->pid : v->tid));
	if (v->pid && v->pid != v->tid)
		printf(" thread %d", (int)v->tid);
	printf(": SIGBUS %s, %" PRIu64 " sent", signal_code_name(v->code) ?: "code not known", v->sent);
	if (v->merged)
		printf(", %" PRIu64 " merged with a pending one", v->merged);
	if (v->ignored)
		printf(", %" PRIu64 " ignored", v->ignored);
	if (v->has_address)
		printf(", first at 0x%" PRIx64, v->address);
	printf(": %s\n", fate_text(v->fate));
}

static bool was_signalled(const struct injection *inj, pid_t pid)
{
	for (size_t i = 0; i < inj->victims.n; i++)
		if (inj->victims.list[i].pid == pid || inj->victims.list[i].tid == pid)
			return true;
	return false;
}

static void print_survivor(const struct injection *inj, pid_t pid)
{
	struct kpage_task task;

	if (kpage_task_read(inj->ctx, pid, &task) || kpage_task_read_memory(inj->ctx, pid, NULL)) {
		printf("  [%d]: no signal seen: ended\n", (int)pid);
		return;
	}
	printf("  ");
	put_name(stdout, task.comm);
	printf("[%d]: not signalled: alive%s\n", (int)pid,
	       inj->counts[OUTCOME_POISONED] ?
		       " (SIGBUS BUS_MCEERR_AR when it touches a poisoned page)" : "");
}

static void print_tasks(const struct injection *inj, const pid_t *pids, size_t nr_pids)
{
	size_t silent = 0;

	for (size_t i = 0; i < nr_pids; i++)
		silent += !was_signalled(inj, pids[i]);
	if (inj->victims.n || silent)
		printf("tasks:\n");
	for (size_t i = 0; i < inj->victims.n; i++)
		print_victim(&inj->victims.list[i]);
	for (size_t i = 0; i < nr_pids; i++)
		if (!was_signalled(inj, pids[i]))
			print_survivor(inj, pids[i]);
}

void outcome_print(const struct injection *inj, bool unpoison, const pid_t *pids, size_t nr_pids)
{
	print_pages(inj, unpoison ? "unpoison" : "poison");
	if (!unpoison) {
		print_results(inj);
		print_tasks(inj, pids, nr_pids);
	}
	if (inj->has_corrupted)
		printf("HardwareCorrupted: %" PRIu64 " kB before, %" PRIu64 " kB after\n",
		       inj->corrupted_before, inj->corrupted_after);
}
