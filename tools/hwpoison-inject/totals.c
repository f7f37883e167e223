// SPDX-License-Identifier: GPL-2.0-or-later
/* The sums of a run: pages by outcome, the kernel's counters, the tasks, the verdict. */
#include "hwpoison-inject.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

static const struct totals *totals_of(const void *row)
{
	return row;
}

static void count_word(struct totals *t, const char *word)
{
	for (size_t i = 0; i < t->nr_counts; i++)
		if (!strcmp(t->counts[i].word, word)) {
			t->counts[i].pages++;
			return;
		}
	t->counts[t->nr_counts++] = (struct outcome_count){ word, 1 };
}

static void count_pages(struct totals *t)
{
	const struct run *run = t->run;

	for (size_t i = 0; i < run->targets.n; i++) {
		const struct page *page = &run->pages[i];

		count_word(t, outcome_word(page));
		t->lost += page->done && page->report.poisoned_after && !page->report.poisoned_before;
	}
}

static size_t count_processes(const struct task_row *rows, size_t n, bool killed)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		bool counted = false;

		if (killed ? rows[i].state != STATE_KILLED : !rows[i].signalled)
			continue;
		/* A process has a row for each thread and code. */
		for (size_t k = 0; k < i && !counted; k++)
			counted = rows[k].pid == rows[i].pid &&
				  (killed ? rows[k].state == STATE_KILLED : rows[k].signalled);
		found += !counted;
	}
	return found;
}

static void totals_pages(const void *row, struct cell *out)
{
	cell_number(out, totals_of(row)->run->targets.n);
}

static void totals_outcomes(const void *row, struct cell *out)
{
	struct json_object *o = json_new_object();

	for (size_t i = 0; i < totals_of(row)->nr_counts; i++)
		json_set_number(o, totals_of(row)->counts[i].word, totals_of(row)->counts[i].pages);
	cell_json(out, o);
}

static void totals_before(const void *row, struct cell *out)
{
	if (totals_of(row)->run->inj.has_corrupted)
		cell_number(out, totals_of(row)->run->inj.corrupted_before);
}

static void totals_after(const void *row, struct cell *out)
{
	if (totals_of(row)->run->inj.has_corrupted)
		cell_number(out, totals_of(row)->run->inj.corrupted_after);
}

static struct json_object *node_json(const struct node_failures *n)
{
	const struct {
		const char *name;
		const struct kpage_node_failures *f;
	} sides[] = { { "before", &n->before }, { "after", &n->after } };
	struct json_object *o = json_new_object();

	json_set_number(o, "node", n->node);
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
		struct json_object *side = json_new_object();

		json_set_number(side, "total", sides[i].f->total);
		json_set_number(side, "ignored", sides[i].f->ignored);
		json_set_number(side, "failed", sides[i].f->failed);
		json_set_number(side, "delayed", sides[i].f->delayed);
		json_set_number(side, "recovered", sides[i].f->recovered);
		json_set(o, sides[i].name, side);
	}
	return o;
}

static void totals_nodes(const void *row, struct cell *out)
{
	const struct run *run = totals_of(row)->run;
	struct json_object *array;

	if (!run->nr_nodes)
		return;
	array = json_new_array();
	for (size_t i = 0; i < run->nr_nodes; i++)
		json_push(array, node_json(&run->nodes[i]));
	cell_json(out, array);
}

static void totals_lost(const void *row, struct cell *out)
{
	cell_number(out, totals_of(row)->lost);
}

static void totals_signalled(const void *row, struct cell *out)
{
	cell_number(out, totals_of(row)->signalled);
}

static void totals_killed(const void *row, struct cell *out)
{
	cell_number(out, totals_of(row)->killed);
}

static void totals_events_lost(const void *row, struct cell *out)
{
	const struct run *run = totals_of(row)->run;

	if (run->inj.was_watched)
		cell_number(out, run->inj.events_lost);
}

static void totals_interrupted(const void *row, struct cell *out)
{
	cell_bool(out, totals_of(row)->run->interrupted);
}

static void totals_verdict(const void *row, struct cell *out)
{
	const struct totals *t = row;
	struct json_object *o;

	if (!t->run->opt.expect)
		return;
	o = json_new_object();
	json_set_text(o, "expected", expect_name(t->run->opt.expect));
	json_set(o, "met", json_object_new_boolean(t->verdict));
	cell_json(out, o);
}

static const struct column totals_columns[] = {
	{ "pages", NULL, 0, totals_pages },
	{ "outcomes", NULL, 0, totals_outcomes },
	{ "pages_lost", NULL, 0, totals_lost },
	{ "hardware_corrupted_before", NULL, 0, totals_before },
	{ "hardware_corrupted_after", NULL, 0, totals_after },
	{ "nodes", NULL, 0, totals_nodes },
	{ "tasks_signalled", NULL, 0, totals_signalled },
	{ "tasks_killed", NULL, 0, totals_killed },
	{ "events_lost", NULL, 0, totals_events_lost },
	{ "interrupted", NULL, 0, totals_interrupted },
	{ "verdict", NULL, 0, totals_verdict },
};

static const struct record_type totals_record = { "totals", 1, NULL, totals_columns,
						  ARRAY_SIZE(totals_columns) };

static void print_node(const struct node_failures *n)
{
	printf("node %u: %" PRIu64 " failures before, %" PRIu64 " after: recovered %+" PRId64
	       ", delayed %+" PRId64 ", failed %+" PRId64 ", ignored %+" PRId64 "\n",
	       n->node, n->before.total, n->after.total,
	       (int64_t)(n->after.recovered - n->before.recovered),
	       (int64_t)(n->after.delayed - n->before.delayed),
	       (int64_t)(n->after.failed - n->before.failed),
	       (int64_t)(n->after.ignored - n->before.ignored));
}

static void print_watch(const struct run *run)
{
	if (!run->inj.was_watched)
		printf("the kernel's own results and its signals are not known: %s\n",
		       strerror(-run->inj.watch_error));
	else if (run->inj.events_lost)
		printf("%" PRIu64 " of the kernel's events were lost: results and tasks are incomplete\n",
		       run->inj.events_lost);
}

/* The same as the record, for people. */
static void print_totals(const struct totals *t)
{
	const struct run *run = t->run;

	printf("\ntotal: %zu pages", run->targets.n);
	for (size_t i = 0; i < t->nr_counts; i++)
		printf("%s%" PRIu64 " %s", i ? ", " : ": ", t->counts[i].pages, t->counts[i].word);
	printf("; tasks: %zu signalled, %zu killed\n", t->signalled, t->killed);
	if (run->inj.has_corrupted)
		printf("HardwareCorrupted: %" PRIu64 " kB before, %" PRIu64 " kB after\n",
		       run->inj.corrupted_before, run->inj.corrupted_after);
	for (size_t i = 0; i < run->nr_nodes; i++)
		print_node(&run->nodes[i]);
	print_watch(run);
	if (run->interrupted)
		printf("interrupted: what was not tried is said so\n");
	if (run->opt.expect)
		printf("verdict: %s was expected: %s\n", expect_name(run->opt.expect),
		       t->verdict ? "met" : "not met");
}

void totals_make(const struct run *run, const struct task_row *rows, size_t n, struct totals *out)
{
	const struct verdict_facts facts = { run, rows, n };

	*out = (struct totals){ .run = run };
	count_pages(out);
	out->signalled = count_processes(rows, n, false);
	out->killed = count_processes(rows, n, true);
	out->verdict = run->opt.expect && expect_is_met(run->opt.expect, &facts);
}

void totals_print(struct record_output *out, const struct totals *totals)
{
	if (out->json)
		record_print(out, &totals_record, totals);
	else
		print_totals(totals);
}
