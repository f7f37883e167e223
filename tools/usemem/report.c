// SPDX-License-Identifier: GPL-2.0-or-later
/* Records on stdout: one model, printed as a line of text or of JSON. */
#include "report.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/util.h"

#define RECORD_VERSION 1

static atomic_flag printing = ATOMIC_FLAG_INIT;

void report_lock(sigset_t *saved)
{
	sigset_t sigbus;

	sigemptyset(&sigbus);
	sigaddset(&sigbus, SIGBUS);
	pthread_sigmask(SIG_BLOCK, &sigbus, saved);
	/* Not a mutex: they are not for signal handlers. It is held for a line. */
	while (atomic_flag_test_and_set(&printing))
		sched_yield();
}

/* Leaves errno alone. */
void report_unlock(const sigset_t *saved)
{
	atomic_flag_clear(&printing);
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

static void out_of_memory(void)
{
	exit(fail(EXIT_FAILED, "JSON: out of memory"));
}

static void json_add(struct json_object *o, const char *name, struct json_object *value)
{
	if (!value || json_object_object_add(o, name, value))
		out_of_memory();
}

static struct json_object *json_record(const char *type)
{
	struct json_object *o = json_object_new_object();
	char name[64];

	if (!o)
		out_of_memory();
	snprintf(name, sizeof(name), "usemem.%s", type);
	json_add(o, "record", json_object_new_string(name));
	json_add(o, "version", json_object_new_int(RECORD_VERSION));
	return o;
}

static void json_print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
					       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static struct json_object *json_field(const struct field *f)
{
	char hex[32];

	switch (f->type) {
	case FIELD_NUMBER:
		return json_object_new_uint64(f->number);
	case FIELD_HEX:
		snprintf(hex, sizeof(hex), "0x%" PRIx64, f->number);
		return json_object_new_string(hex);
	case FIELD_TEXT:
		break;
	}
	return json_object_new_string(f->text);
}

static void print_json(const char *type, const struct field *fields, size_t n)
{
	struct json_object *o = json_record(type);

	for (size_t i = 0; i < n; i++)
		json_add(o, fields[i].name, json_field(&fields[i]));
	json_print(o);
}

static void print_text(const struct field *fields, size_t n)
{
	fputs("usemem:", stdout);
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];

		if (!f->before)
			continue;
		fputs(f->before, stdout);
		if (f->type == FIELD_TEXT)
			fputs(f->text, stdout);
		else
			printf(f->type == FIELD_HEX ? "0x%" PRIx64 : "%" PRIu64, f->number);
		fputs(f->after ?: "", stdout);
	}
	putchar('\n');
}

bool report_record(bool json, const char *type, const struct field *fields, size_t n)
{
	sigset_t saved;
	bool ok;

	report_lock(&saved);
	if (json)
		print_json(type, fields, n);
	else
		print_text(fields, n);
	ok = !fflush(stdout);
	report_unlock(&saved);
	return ok;
}

/* Runs in a line: what a reader that works line by line can be asked to hold. */
#define RUNS_A_LINE 4096

static struct json_object *json_run(const struct run *run)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		out_of_memory();
	/* null: these pages have no PFN. */
	if (run->pfn)
		json_add(o, "pfn", json_object_new_uint64(run->pfn));
	else if (json_object_object_add(o, "pfn", NULL))
		out_of_memory();
	json_add(o, "pages", json_object_new_uint64(run->pages));
	return o;
}

static void pfns_json(const struct run *runs, size_t n, uint64_t page)
{
	struct json_object *o = json_record("pfns"), *list = json_object_new_array();

	json_add(o, "page", json_object_new_uint64(page));
	json_add(o, "runs", list);
	for (size_t i = 0; i < n; i++)
		if (json_object_array_add(list, json_run(&runs[i])))
			out_of_memory();
	json_print(o);
}

static void pfns_text(const struct run *runs, size_t n)
{
	fputs("usemem: pfns", stdout);
	for (size_t i = 0; i < n; i++) {
		if (runs[i].pfn)
			printf(" 0x%" PRIx64 "+%" PRIu64, runs[i].pfn, runs[i].pages);
		else
			printf(" -+%" PRIu64, runs[i].pages);
	}
	putchar('\n');
}

bool report_pfns(bool json, const struct where *w)
{
	uint64_t page = 0;
	sigset_t saved;
	bool ok;

	report_lock(&saved);
	for (size_t i = 0; i < w->n; i += RUNS_A_LINE) {
		size_t n = MIN(w->n - i, (size_t)RUNS_A_LINE);

		if (json)
			pfns_json(w->runs + i, n, page);
		else
			pfns_text(w->runs + i, n);
		for (size_t k = i; k < i + n; k++)
			page += w->runs[k].pages;
	}
	ok = !fflush(stdout);
	report_unlock(&saved);
	return ok;
}
