// SPDX-License-Identifier: GPL-2.0-or-later
/* --expect: whether what came of it is what was asked for. */
#include "hwpoison-inject.h"

#include <string.h>

struct expectation {
	const char *name;
	bool (*is_met)(const struct verdict_facts *facts);
};

/* The processes that the question is about: those that were chosen, or, where pages
 * were chosen otherwise, all that had one. */
static bool is_subject(const struct verdict_facts *f, const struct task_row *row)
{
	const struct run *run = f->run;

	return row->selected || (!run->opt.selection.nr_pids && !run->child);
}

/* A process has a row for each thread and code: it was told early, and killed later. */
static bool is_killed(const struct verdict_facts *f, pid_t pid)
{
	for (size_t i = 0; i < f->nr_rows; i++)
		if (f->rows[i].pid == pid && f->rows[i].state == STATE_KILLED)
			return true;
	return false;
}

static bool are_all_killed(const struct verdict_facts *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nr_rows; i++) {
		if (!is_subject(f, &f->rows[i]))
			continue;
		n++;
		if (!is_killed(f, f->rows[i].pid))
			return false;
	}
	return n > 0;
}

static bool is_any_killed(const struct verdict_facts *f)
{
	for (size_t i = 0; i < f->nr_rows; i++)
		if (is_subject(f, &f->rows[i]) && f->rows[i].state == STATE_KILLED)
			return true;
	return false;
}

static bool is_handled(const struct verdict_facts *f)
{
	if (is_any_killed(f))
		return false;
	for (size_t i = 0; i < f->nr_rows; i++)
		if (is_subject(f, &f->rows[i]) && f->rows[i].action &&
		    !strcmp(f->rows[i].action, "handler"))
			return true;
	return false;
}

static bool has_survived(const struct verdict_facts *f)
{
	for (size_t i = 0; i < f->nr_rows; i++)
		if (is_subject(f, &f->rows[i]) &&
		    (f->rows[i].state == STATE_KILLED || f->rows[i].signal))
			return false;
	return true;
}

static bool are_all_poisoned(const struct verdict_facts *f)
{
	for (size_t i = 0; i < f->run->targets.n; i++)
		if (!f->run->pages[i].done || !f->run->pages[i].report.poisoned_after)
			return false;
	return f->run->targets.n > 0;
}

static bool has_nothing_happened(const struct verdict_facts *f)
{
	for (size_t i = 0; i < f->run->targets.n; i++) {
		const struct page_report *r = &f->run->pages[i].report;

		if (f->run->pages[i].done && r->poisoned_after && !r->poisoned_before)
			return false;
	}
	return f->run->inj.victims.n == 0;
}

static const struct expectation expectations[] = {
	{ "killed", are_all_killed },
	{ "handled", is_handled },
	{ "survived", has_survived },
	{ "poisoned", are_all_poisoned },
	{ "none", has_nothing_happened },
};

const struct expectation *expect_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(expectations); i++)
		if (!strcmp(expectations[i].name, name))
			return &expectations[i];
	return NULL;
}

const char *expect_name(const struct expectation *e)
{
	return e->name;
}

bool expect_is_met(const struct expectation *e, const struct verdict_facts *facts)
{
	return e->is_met(facts);
}
