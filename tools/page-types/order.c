// SPDX-License-Identifier: GPL-2.0-or-later
/* --order: folios by their kind and their size, of the machine or of processes. */
#include "page-types.h"

#include <errno.h>
#include <inttypes.h>

#include "page-types/order-tally.h"

/* ---------------------------------------------------------------------- records */

struct order_row {
	const struct kpage_task *task;	/* NULL: the machine */
	enum order_kind kind;
	unsigned int order;
	const struct order_cell *cell;
};

static const struct order_row *row_of(const void *row)
{
	return row;
}

static uint64_t size_of(unsigned int order)
{
	return kpage_page_size() << order;
}

static void get_pid(const void *row, struct cell *c)
{
	if (row_of(row)->task)
		cell_number(c, (uint64_t)row_of(row)->task->pid);
}

static void get_comm(const void *row, struct cell *c)
{
	if (row_of(row)->task)
		cell_text(c, row_of(row)->task->comm);
}

static void get_kind(const void *row, struct cell *c)
{
	cell_text(c, order_kind_name(row_of(row)->kind));
}

static void get_order(const void *row, struct cell *c)
{
	cell_number(c, row_of(row)->order);
}

static void get_size(const void *row, struct cell *c)
{
	cell_number(c, size_of(row_of(row)->order));
}

static void get_size_text(const void *row, struct cell *c)
{
	static const char units[] = "KMGTPE";
	uint64_t kb = size_of(row_of(row)->order) >> 10;
	size_t unit = 0;

	for (; kb >= 1024 && !(kb % 1024) && units[unit + 1]; kb /= 1024)
		unit++;
	snprintf(c->room, sizeof(c->room), "%" PRIu64 "%c", kb, units[unit]);
	cell_text(c, c->room);
}

static void get_folios(const void *row, struct cell *c)
{
	cell_number(c, row_of(row)->cell->folios);
}

static void get_pages(const void *row, struct cell *c)
{
	cell_number(c, row_of(row)->cell->pages);
}

static void get_bytes(const void *row, struct cell *c)
{
	cell_number(c, row_of(row)->cell->pages * kpage_page_size());
}

static void get_mb(const void *row, struct cell *c)
{
	cell_number(c, row_of(row)->cell->pages * kpage_page_size() >> 20);
}

static void get_aligned(const void *row, struct cell *c)
{
	if (row_of(row)->task)
		cell_number(c, row_of(row)->cell->aligned);
}

static void get_whole(const void *row, struct cell *c)
{
	if (row_of(row)->task)
		cell_number(c, row_of(row)->cell->whole);
}

static void get_partial(const void *row, struct cell *c)
{
	if (row_of(row)->task)
		cell_number(c, row_of(row)->cell->partial);
}

static void get_cont(const void *row, struct cell *c)
{
	const struct order_row *r = row_of(row);
	struct json_object *array;

	if (!r->task)
		return;
	array = json_new_array();
	for (unsigned int i = 0; i <= r->order; i++)
		json_push_number(array, r->cell->cont[i]);
	cell_json(c, array);
}

#define ORDER_COLUMNS(pid, comm, aligned, whole, partial)                             \
	{                                                                             \
		{ "pid", pid, 7, get_pid }, { "comm", comm, -15, get_comm },          \
		{ "order", "order", -5, get_order }, { "size", NULL, 0, get_size },   \
		{ NULL, "size", -5, get_size_text }, { "kind", "kind", -7, get_kind }, \
		{ "folios", "folios", 9, get_folios }, { "pages", "pages", 9, get_pages }, \
		{ "bytes", NULL, 0, get_bytes }, { NULL, "MB", 7, get_mb },           \
		{ "aligned_pages", aligned, 9, get_aligned },                         \
		{ "whole_pages", whole, 9, get_whole },                               \
		{ "partial_pages", partial, 9, get_partial },                         \
		{ "cont_pages", NULL, 0, get_cont },                                  \
	}

static const struct column machine_columns[] = ORDER_COLUMNS(NULL, NULL, NULL, NULL, NULL);
static const struct column process_columns[] =
	ORDER_COLUMNS(NULL, NULL, "aligned", "whole", "partial");
static const struct column processes_columns[] =
	ORDER_COLUMNS("pid", "comm", "aligned", "whole", "partial");

/* One record, of which the text shows what differs between its rows. */
static const struct record_type order_records[] = {
	{ "order", 1, NULL, machine_columns, ARRAY_SIZE(machine_columns) },
	{ "order", 1, NULL, process_columns, ARRAY_SIZE(process_columns) },
	{ "order", 1, NULL, processes_columns, ARRAY_SIZE(processes_columns) },
};

/* The part of it that a mapping has for each kind and order. */
static const struct column part_columns[] = {
	{ "kind", NULL, 0, get_kind },
	{ "order", NULL, 0, get_order },
	{ "size", NULL, 0, get_size },
	{ "pages", NULL, 0, get_pages },
	{ "aligned_pages", NULL, 0, get_aligned },
	{ "whole_pages", NULL, 0, get_whole },
	{ "partial_pages", NULL, 0, get_partial },
	{ "cont_pages", NULL, 0, get_cont },
};

static const struct record_type part_record = {
	"", 0, NULL, part_columns, ARRAY_SIZE(part_columns)
};

/* Calls each(row, arg) for what was counted, by ascending kind and order. */
static void for_each_row(const struct order_tally *t, const struct kpage_task *task,
			 void (*each)(const struct order_row *row, void *arg), void *arg)
{
	for (unsigned int kind = 0; kind < NR_ORDER_KINDS; kind++)
		for (uint64_t left = t->used[kind]; left; left &= left - 1) {
			unsigned int order = (unsigned int)__builtin_ctzll(left);
			const struct order_row row = { task, kind, order, &t->cells[kind][order] };

			each(&row, arg);
		}
}

struct vma_row {
	const struct kpage_task *task;
	const struct kpage_vma *vma;
	const struct order_tally *tally;
	uint64_t pages[NR_ORDERS];	/* of all kinds */
	uint64_t total;
};

static const struct vma_row *vma_row_of(const void *row)
{
	return row;
}

static void get_vma_pid(const void *row, struct cell *c)
{
	cell_number(c, (uint64_t)vma_row_of(row)->task->pid);
}

static void get_vma_comm(const void *row, struct cell *c)
{
	cell_text(c, vma_row_of(row)->task->comm);
}

static void get_start(const void *row, struct cell *c)
{
	cell_hex(c, vma_row_of(row)->vma->start);
}

static void get_end(const void *row, struct cell *c)
{
	cell_hex(c, vma_row_of(row)->vma->end);
}

/* As in /proc/PID/maps. */
static void get_addresses(const void *row, struct cell *c)
{
	snprintf(c->room, sizeof(c->room), "%" PRIx64 "-%" PRIx64, vma_row_of(row)->vma->start,
		 vma_row_of(row)->vma->end);
	cell_text(c, c->room);
}

static void get_perms(const void *row, struct cell *c)
{
	cell_text(c, vma_row_of(row)->vma->perms);
}

static void get_name(const void *row, struct cell *c)
{
	cell_text(c, vma_row_of(row)->vma->name);
}

static uint64_t vma_size(const struct vma_row *r)
{
	return (r->vma->end - r->vma->start) / kpage_page_size();
}

static void get_vma_size(const void *row, struct cell *c)
{
	cell_number(c, vma_size(row));
}

static void get_mapped(const void *row, struct cell *c)
{
	cell_number(c, vma_row_of(row)->total);
}

static uint64_t large_pages(const struct vma_row *r)
{
	return r->total - r->pages[0];
}

static void get_large(const void *row, struct cell *c)
{
	cell_number(c, large_pages(row));
}

static void get_percent(const void *row, struct cell *c)
{
	cell_number(c, large_pages(row) * 100 / vma_row_of(row)->total);
}

/* Of the whole mapping, what is not populated too. */
static void get_vma_percent(const void *row, struct cell *c)
{
	cell_number(c, large_pages(row) * 100 / vma_size(row));
}

/* "0:12 9:512": pages by order, largest orders left out where they are too many. */
static void get_orders_text(const void *row, struct cell *c)
{
	size_t len = 0;

	for (unsigned int i = 0; i < NR_ORDERS; i++) {
		uint64_t pages = vma_row_of(row)->pages[i];

		if (!pages)
			continue;
		int n = snprintf(c->room + len, sizeof(c->room) - len, "%s%u:%" PRIu64,
				 len ? " " : "", i, pages);

		if ((size_t)n >= sizeof(c->room) - len) {
			c->room[len] = '\0';
			break;
		}
		len += (size_t)n;
	}
	cell_text(c, c->room);
}

static void push_part(const struct order_row *row, void *array)
{
	json_push(array, record_to_json(&part_record, row));
}

static void get_orders(const void *row, struct cell *c)
{
	struct json_object *array = json_new_array();

	for_each_row(vma_row_of(row)->tally, vma_row_of(row)->task, push_part, array);
	cell_json(c, array);
}

#define VMA_COLUMNS(pid, comm)                                                        \
	{                                                                             \
		{ "pid", pid, 7, get_vma_pid }, { "comm", comm, -15, get_vma_comm },  \
		{ "start", NULL, 0, get_start }, { "end", NULL, 0, get_end },         \
		{ NULL, "addresses", -25, get_addresses },                            \
		{ "perms", "perms", -5, get_perms },                                  \
		{ "vma_pages", "vma", 9, get_vma_size },                              \
		{ "pages", "pages", 9, get_mapped },                                  \
		{ "large_pages", "large", 9, get_large },                             \
		{ "percent", "%", 3, get_percent },                                   \
		{ "vma_percent", "%vma", 4, get_vma_percent },                        \
		{ "orders", NULL, 0, get_orders },                                    \
		{ NULL, "order:pages", -20, get_orders_text },                        \
		{ "name", "name", 0, get_name },                                      \
	}

static const struct column vma_columns[] = VMA_COLUMNS(NULL, NULL);
static const struct column vmas_columns[] = VMA_COLUMNS("pid", "comm");

static const struct record_type vma_records[] = {
	{ "order_vma", 1, NULL, vma_columns, ARRAY_SIZE(vma_columns) },
	{ "order_vma", 1, NULL, vmas_columns, ARRAY_SIZE(vmas_columns) },
};

/* -------------------------------------------------------------------------- a run */

struct order_run {
	struct run *run;
	uint64_t page_size;
	struct order_tally *tally, *vma_tally;
	bool narrowed;			/* the machine's pages are to be looked at */
	bool *chosen;			/* of a batch of the machine; NULL: all of them */
	struct order_machine machine;
	/* The process whose pages come now; pid 0: none yet. */
	struct kpage_task task;
	struct order_process process;
	struct compound_extent extent;
	struct kpage_maps *maps;
	struct kpage_vma vma;		/* the last one read from there; end 0: none */
	bool inside;			/* the last page was in it */
	/* The kind of the last folio, and what made it so. */
	uint64_t kflags;
	const char *name;
	enum order_kind kind;
	uint64_t chosen_pages;		/* of the machine; of processes those that are swapped out */
	bool shown;			/* something was printed */
};

/* The text has an empty line between two tables. */
static void print_record(struct order_run *o, const struct record_type *type, const void *row)
{
	struct record_output *out = &o->run->out;

	if (!out->json && out->table && out->table != type)
		putchar('\n');
	record_print(out, type, row);
	o->shown = true;
}

/* Whether the rows are of several processes. */
static bool has_several(const struct order_run *o)
{
	return o->run->opt.selection.nr_pids > 1 || o->run->opt.selection.tree;
}

static void print_row(const struct order_row *row, void *arg)
{
	struct order_run *o = arg;
	size_t i = !row->task ? 0 : has_several(o) ? 2 : 1;

	print_record(o, &order_records[i], row);
}

static void print_rows(struct order_run *o, const struct kpage_task *task)
{
	if (!o->run->opt.no_summary)
		for_each_row(o->tally, task, print_row, o);
}

static bool is_chosen(struct order_run *o, const struct kpage_batch *b, size_t i)
{
	const struct selection *s = &o->run->opt.selection;

	for (size_t k = 0; k < s->nr_exprs; k++)
		if (!kpage_expr_matches(&s->exprs[k], b->flags[i]))
			return false;
	return !o->narrowed || narrowing_takes(&o->run->narrowed.conditions, b, i);
}

/* Nobody reads on. */
static int check_stdout(struct run *run)
{
	if (!stdout_has_failed())
		return 0;
	run->stop = true;
	return -ECANCELED;
}

static uint64_t count_chosen(const struct order_run *o, size_t n)
{
	uint64_t count = 0;

	for (size_t i = 0; o->chosen && i < n; i++)
		count += o->chosen[i];
	return o->chosen ? count : n;
}

static int emit_machine(const struct kpage_batch *b, void *arg)
{
	struct order_run *o = arg;

	for (size_t i = 0; o->chosen && i < b->n; i++)
		o->chosen[i] = is_chosen(o, b, i);
	o->chosen_pages += count_chosen(o, b->n);
	order_machine_add(&o->machine, b->pfn[0], b->kflags, o->chosen, b->n);
	return 0;
}

/* ---------------------------------------------------------------------- processes */

static void print_vma(struct order_run *o)
{
	struct vma_row row = { .task = &o->task, .vma = &o->vma, .tally = o->vma_tally };

	for (size_t kind = 0; kind < NR_ORDER_KINDS; kind++)
		for (uint64_t left = o->vma_tally->used[kind]; left; left &= left - 1) {
			unsigned int order = (unsigned int)__builtin_ctzll(left);
			uint64_t pages = o->vma_tally->cells[kind][order].pages;

			row.pages[order] += pages;
			row.total += pages;
		}
	if (row.total)
		print_record(o, &vma_records[has_several(o)], &row);
	order_tally_clear(o->vma_tally);
}

static void end_vma(struct order_run *o)
{
	order_process_break(&o->process);
	if (o->run->opt.list != LIST_NONE)
		print_vma(o);
}

static void leave_vma(struct order_run *o)
{
	o->inside = false;
	o->process.vma = NULL;
	o->name = NULL;
	o->kflags = UINT64_MAX;
}

/* Goes on to the mapping of an address. Both walks go through the mappings in the same
 * order, each at its own time: an address can be in none. */
static void seek_vma(struct order_run *o, uint64_t address)
{
	if (o->inside && address < o->vma.end)
		return;
	while (o->maps && address >= o->vma.end) {
		end_vma(o);
		leave_vma(o);
		if (kpage_maps_next(o->maps, &o->vma) <= 0) {
			kpage_maps_free(o->maps);
			o->maps = NULL;
			o->vma = (struct kpage_vma){ .start = UINT64_MAX, .end = UINT64_MAX };
		}
	}
	if (address < o->vma.start)
		return;
	order_process_break(&o->process);
	o->inside = true;
	o->process.vma = o->run->opt.list != LIST_NONE ? o->vma_tally : NULL;
	o->name = o->vma.name;
	o->kflags = UINT64_MAX;
}

static void end_process(struct order_run *o)
{
	if (!o->task.pid)
		return;
	end_vma(o);
	kpage_maps_free(o->maps);
	o->maps = NULL;
	print_rows(o, &o->task);
	order_tally_clear(o->tally);
	order_process_release(&o->process);
}

static void begin_process(struct order_run *o, pid_t pid)
{
	end_process(o);
	if (kpage_task_read(o->run->ctx, pid, &o->task))
		o->task = (struct kpage_task){ 0 };
	o->task.pid = pid;
	o->vma = (struct kpage_vma){ 0 };
	leave_vma(o);
	o->extent = (struct compound_extent){ 0 };
	/* If it has ended, the walk says so. */
	if (kpage_maps_open(o->run->ctx, pid, &o->maps))
		o->maps = NULL;
}

/* Neighbours mostly have the same flags. */
static enum order_kind kind_of(struct order_run *o, uint64_t kflags)
{
	if (kflags != o->kflags) {
		o->kflags = kflags;
		o->kind = order_kind_of(kflags, o->name);
	}
	return o->kind;
}

static bool is_mapped(const struct kpage_batch *b, size_t i)
{
	return b->pme[i] & KPAGE_PM_PRESENT;
}

/* Where pages that follow each other in memory end: of those nothing has to be read. */
static size_t neighbours_end(const struct kpage_batch *b, size_t i)
{
	size_t end = i + 1;

	while (end < b->n && is_mapped(b, end) && b->pfn[end] == b->pfn[end - 1] + 1)
		end++;
	return end;
}

static int emit_process(const struct kpage_batch *b, void *arg)
{
	struct order_run *o = arg;
	size_t end = 0;

	if (o->task.pid != o->run->list.pid)
		begin_process(o, o->run->list.pid);
	for (size_t i = 0; i < b->n; i++) {
		if (!is_mapped(b, i)) {
			o->chosen_pages += kpage_batch_is_swap(b, i);
			continue;
		}
		if (i >= end)
			end = neighbours_end(b, i);
		seek_vma(o, b->offset[i] * o->page_size);
		compound_extent(&o->extent, o->run->flags, b->pfn[i], b->kflags + i, end - i);
		order_process_add(&o->process, b->offset[i], b->pfn[i], &o->extent,
				  kind_of(o, o->extent.kflags));
	}
	return check_stdout(o->run);
}

/* ------------------------------------------------------------------------- the walk */

static int by_start(const void *a, const void *b)
{
	const struct kpage_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* What a folio is shows in the flags of all of its pages: the walk hands over each of them,
 * and which are chosen is looked at here. */
static int walk_machine(struct order_run *o, struct kpage_walk *walk)
{
	struct run *run = o->run;
	int status;

	o->narrowed = run->narrowed.on;
	if (walk->nr_exprs || o->narrowed)
		o->chosen = xcalloc(KPAGE_BATCH, sizeof(*o->chosen));
	run->narrowed.on = false;
	walk->nr_exprs = 0;
	walk->emit = emit_machine;
	status = walk_selection(run, walk);
	run->narrowed.on = o->narrowed;
	order_machine_end(&o->machine, !run->opt.selection.has_ranges &&
				       !run->opt.selection.has_pfns);
	/* Half of it is none. */
	if (!run->torn)
		print_rows(o, NULL);
	free(o->chosen);
	return status;
}

static int walk_processes(struct order_run *o, struct kpage_walk *walk)
{
	int status;

	walk->emit = emit_process;
	status = walk_selection(o->run, walk);
	end_process(o);
	return status;
}

/* Pages were chosen, and none of them is of a folio. */
static void explain_order(const struct order_run *o)
{
	const char *what = o->run->opt.selection.nr_pids ?
				   "swapped out" :
				   "of no folio: free, or single ones of the kernel, or no memory";

	if (o->chosen_pages && !o->run->opt.no_summary)
		warn("--order: all of the pages, %" PRIu64 ", are %s", o->chosen_pages, what);
	else
		explain_nothing(&o->run->opt, o->run->ctx, o->run->saved);
}

int order_show(struct run *run)
{
	struct order_run o = { .run = run, .page_size = kpage_page_size() };
	struct selection *s = &run->opt.selection;
	struct kpage_walk walk;
	int status;

	run->out.json = run->opt.json;
	o.tally = o.machine.tally = o.process.tally = xcalloc(1, sizeof(*o.tally));
	o.vma_tally = xcalloc(1, sizeof(*o.vma_tally));
	o.machine.flags = run->flags;
	/* None of them overlap; in order, no folio and no mapping is met twice. */
	if (s->nr_ranges)
		qsort(s->ranges, s->nr_ranges, sizeof(*s->ranges), by_start);
	run_walk(run, &walk);
	walk.arg = &o;
	status = s->nr_pids ? walk_processes(&o, &walk) : walk_machine(&o, &walk);
	if (!status && !o.shown)
		explain_order(&o);
	free(o.vma_tally);
	free(o.tally);
	return status;
}
