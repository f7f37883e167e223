// SPDX-License-Identifier: GPL-2.0-or-later
/* What the ledger says of pages that failed: by whom they were poisoned, and whose they were. */
#include "monitor.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SECOND_NS   INT64_C(1000000000)
/* The ledger is written right before the page is poisoned, in whole seconds. */
#define BEFORE_NS   (11 * SECOND_NS)
#define AFTER_NS    (1 * SECOND_NS)

void origins_close(struct origins *o)
{
	ledger_free(o->ledger);
	rundir_free(o->dir);
	o->ledger = NULL;
	o->dir = NULL;
}

/* The directory is made by the first run that injects, and may be made anew. */
static bool open_ledger(struct origins *o)
{
	struct stat st;

	if (o->dir && (fstat(rundir_fd(o->dir), &st) || !st.st_nlink))
		origins_close(o);
	if (!o->dir && rundir_find(o->ctx, &o->dir))
		return false;
	return o->ledger || !ledger_open(o->dir, &o->ledger);
}

struct search {
	int64_t from_ns, to_ns;		/* when it was poisoned */
	uint64_t address;		/* where */
	struct origin *out;
};

static void copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static void copy_entry(struct origin *out, const struct ledger_entry *entry)
{
	*out = (struct origin){
		.known = true,
		.pid = entry->pid,
		.has_address = entry->has_address,
		.address = entry->address,
		.pfn = entry->pfn,
	};
	copy_text(out->tool, sizeof(out->tool), entry->tool);
	copy_text(out->method, sizeof(out->method), entry->method);
	copy_text(out->kind, sizeof(out->kind), entry->kind);
	copy_text(out->comm, sizeof(out->comm), entry->comm);
}

/* false: no such time. */
static bool parse_time(const char *text, int64_t *ns)
{
	struct tm tm = { 0 };

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
		return false;
	*ns = (int64_t)timegm(&tm) * SECOND_NS;
	return true;
}

static int take_recent(const struct ledger_entry *entry, void *arg)
{
	const struct search *s = arg;
	int64_t ns;

	if (parse_time(entry->time, &ns) && ns >= s->from_ns && ns <= s->to_ns)
		copy_entry(s->out, entry);
	return 0;
}

static int take_address(const struct ledger_entry *entry, void *arg)
{
	const struct search *s = arg;

	if (ledger_entry_is_at(entry, s->address))
		copy_entry(s->out, entry);
	return 0;
}

void origin_of_failure(struct origins *o, uint64_t pfn, uint64_t wall_ns, struct origin *out)
{
	const struct ledger_query query = { .has_pfn = true, .pfn = pfn };
	struct search search = {
		.from_ns = (int64_t)wall_ns - BEFORE_NS,
		.to_ns = (int64_t)wall_ns + AFTER_NS,
		.out = out,
	};

	*out = (struct origin){ 0 };
	if (open_ledger(o) && ledger_search(o->ledger, &query, take_recent, &search))
		origins_close(o);
}

void origin_of_address(struct origins *o, pid_t pid, uint64_t address, struct origin *out)
{
	const struct ledger_query query = { .pid = pid };
	struct search search = { .address = address, .out = out };

	*out = (struct origin){ 0 };
	if (open_ledger(o) && ledger_search(o->ledger, &query, take_address, &search))
		origins_close(o);
}
