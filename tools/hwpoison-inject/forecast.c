// SPDX-License-Identifier: GPL-2.0-or-later
/* What an injection would do to each target: --list-targets and --dry-run. */
#include "hwpoison-inject.h"

#include <json-c/json.h>
#include <string.h>

/* ------------------------------------------------------------------- the forecast */

/* Somebody is there to be told. */
static bool is_mapped(const struct page *page)
{
	return page->target->pid || page->target->mapcount || page->owners;
}

uint64_t target_head_flags(const struct run *run, const struct target *t)
{
	uint64_t kflags = t->kflags;

	if (t->head != t->pfn && kpage_file_read(run->src.flags, t->head, &kflags, 1) != 1)
		kflags = t->kflags;
	return kflags;
}

static void forecast_hard(const struct run *run, const struct page *page, struct forecast *out)
{
	const struct forecast_page p = {
		.kind = page->target->kind,
		.kflags = page->target->kflags,
		.head_kflags = target_head_flags(run, page->target),
		.mapped = is_mapped(page),
		.handles_ksm = page->target->kind != PAGE_KSM || forecast_handles_ksm(run->ctx),
	};

	forecast_error(&p, out);
}

void forecast_page(const struct run *run, const struct page *page, struct forecast *out)
{
	*out = (struct forecast){ 0 };
	if (page->target->poisoned)
		out->result = "already poisoned";
	else if (!run->method->inject.soft)
		forecast_hard(run, page, out);
	else if (forecast_is_handled(page->target->kind))
		out->result = "moved or dropped";
	else
		out->result = "refused by the kernel";
}

/* --------------------------------------------------------------------- the targets */

struct target_row {
	const struct run *run;
	const struct page *page;
	struct forecast forecast;
};

#define TARGET_COLUMN(function, call)                                \
	static void function(const void *row, struct cell *out)      \
	{                                                            \
		const struct target_row *r = row;                    \
		const struct target *t = r->page->target;            \
		(void)t;                                             \
		call;                                                \
	}

static const char *comm_of(const struct target_row *r)
{
	const struct process *p =
		r->page->pid ? process_find(r->run, r->page->pid) : NULL;

	return p ? p->comm : NULL;
}

static void set_owner(const struct target_row *r, struct cell *out)
{
	if (!r->page->pid)
		return;
	snprintf(out->room, sizeof(out->room), "%s[%d]", comm_of(r) ?: "",
		 (int)r->page->pid);
	cell_text(out, out->room);
}

static struct json_object *forecast_json(const struct forecast *f)
{
	struct json_object *o = json_new_object();

	json_set_text(o, "type", f->type);
	json_set_text(o, "result", f->result);
	json_set_text(o, "at_once", f->now);
	json_set_text(o, "on_access", f->later);
	json_set_text(o, "risk", f->risk);
	return o;
}

static void set_forecast_json(const struct target_row *r, struct cell *out)
{
	if (r->run->opt.dry_run)
		cell_json(out, forecast_json(&r->forecast));
}

TARGET_COLUMN(target_pfn, cell_pfn(out, t->pfn))
TARGET_COLUMN(target_address, if (r->page->has_address) cell_hex(out, r->page->address))
TARGET_COLUMN(target_owner, set_owner(r, out))
TARGET_COLUMN(target_pid, if (r->page->pid) cell_number(out, (uint64_t)r->page->pid))
TARGET_COLUMN(target_comm, cell_text(out, comm_of(r)))
TARGET_COLUMN(target_name, cell_text(out, t->name))
TARGET_COLUMN(target_kind, cell_text(out, page_kind_name(t->kind)))
TARGET_COLUMN(target_flags, cell_flags(out, kpage_flags_expand(t->kflags, 0)))
TARGET_COLUMN(target_flags_text, cell_flags(out, kpage_flags_well_known(t->kflags)))
TARGET_COLUMN(target_flags_value, cell_hex(out, t->kflags))
TARGET_COLUMN(target_mapcount, cell_number(out, t->mapcount))
TARGET_COLUMN(target_owners, cell_number(out, r->page->owners))
TARGET_COLUMN(target_node, if (t->node >= 0) cell_number(out, (uint64_t)t->node))
TARGET_COLUMN(target_forecast, set_forecast_json(r, out))
TARGET_COLUMN(target_type, cell_text(out, r->forecast.type))
TARGET_COLUMN(target_result, cell_text(out, r->forecast.result))
TARGET_COLUMN(target_now, cell_text(out, r->forecast.now))
TARGET_COLUMN(target_later, cell_text(out, r->forecast.later))
TARGET_COLUMN(target_risk, cell_text(out, r->page->objection ?: r->forecast.risk))
TARGET_COLUMN(target_objection, cell_text(out, r->page->objection))

static const struct column list_columns[] = {
	{ "pfn", "PFN", -10, target_pfn },
	{ "address", "ADDRESS", -14, target_address },
	{ NULL, "OWNER", -16, target_owner },
	{ "pid", NULL, 0, target_pid },
	{ "comm", NULL, 0, target_comm },
	{ "kind", "KIND", -9, target_kind },
	{ "node", "NODE", 4, target_node },
	{ "mapcount", "MAPS", 4, target_mapcount },
	{ "owners", NULL, 0, target_owners },
	{ "name", "NAME", -16, target_name },
	{ NULL, "FLAGS", 0, target_flags_text },
	{ "flags", NULL, 0, target_flags },
	{ "flags_value", NULL, 0, target_flags_value },
	{ "forecast", NULL, 0, target_forecast },
	{ "objection", NULL, 0, target_objection },
};

/* The same record; the text shows what would happen instead of what it is. */
static const struct column dry_columns[] = {
	{ "pfn", "PFN", -10, target_pfn },
	{ "address", "ADDRESS", -14, target_address },
	{ NULL, "OWNER", -16, target_owner },
	{ "pid", NULL, 0, target_pid },
	{ "comm", NULL, 0, target_comm },
	{ "kind", "KIND", -9, target_kind },
	{ "node", NULL, 0, target_node },
	{ "mapcount", NULL, 0, target_mapcount },
	{ "owners", "OWNERS", 6, target_owners },
	{ "name", NULL, 0, target_name },
	{ NULL, "KERNEL", -20, target_type },
	{ NULL, "RESULT", -9, target_result },
	{ NULL, "AT ONCE", -32, target_now },
	{ NULL, "ON ACCESS", -13, target_later },
	{ NULL, "RISK", 0, target_risk },
	{ "flags", NULL, 0, target_flags },
	{ "flags_value", NULL, 0, target_flags_value },
	{ "forecast", NULL, 0, target_forecast },
	{ "objection", NULL, 0, target_objection },
};

static const struct record_type list_record = { "target", 1, NULL, list_columns,
						ARRAY_SIZE(list_columns) };
static const struct record_type dry_record = { "target", 1, NULL, dry_columns,
					       ARRAY_SIZE(dry_columns) };

void targets_show(struct run *run)
{
	for (size_t i = 0; i < run->targets.n && !stdout_has_failed(); i++) {
		struct target_row row = { .run = run, .page = &run->pages[i] };

		if (run->opt.dry_run)
			forecast_page(run, row.page, &row.forecast);
		record_print(&run->out, run->opt.dry_run ? &dry_record : &list_record, &row);
	}
	if (!run->out.json && run->targets.more)
		printf("(more are chosen: --count took %zu)\n", run->targets.n);
	if (!run->out.json && run->opt.selection.random)
		printf("(--seed %llu chooses the same again)\n",
		       (unsigned long long)run->opt.selection.seed);
}
