// SPDX-License-Identifier: GPL-2.0-or-later
/* --owners: the report: one record a page, one a place where a task has it. */
#include "owners.h"

#include <inttypes.h>
#include <string.h>

#include "container.h"

/* -------------------------------------------------------------------------- pages */

struct page_row {
	const struct ownership *o;
	const struct owned_page *page;
};

static const char *held_by_word(enum held_by held_by)
{
	static const char *const words[] = {
		[HELD_BY_PROCESSES] = "processes", [HELD_BY_FILE] = "file",
		[HELD_BY_KERNEL] = "kernel",	   [HELD_BY_NOBODY] = "nobody",
		[HELD_FREE] = "free",		   [HELD_UNKNOWN] = "unknown",
	};

	return words[held_by];
}

static uint64_t flags_of(const struct target *t)
{
	return kpage_flags_expand(t->kflags, 0);
}

static void cell_container(struct cell *out, const char *cgroup)
{
	char id[CONTAINER_SIZE];

	if (!cgroup || !container_of_cgroup(cgroup, id))
		return;
	snprintf(out->room, sizeof(out->room), "%.127s", id);
	cell_text(out, out->room);
}

#define PAGE_COLUMN(function, call)                                         \
	static void function(const void *row, struct cell *out)             \
	{                                                                   \
		const struct page_row *r = row;                             \
		const struct target *t = r->page->target;                   \
		(void)t;                                                    \
		call;                                                       \
	}

PAGE_COLUMN(page_pfn, cell_pfn(out, t->pfn))
PAGE_COLUMN(page_physical, cell_hex(out, t->pfn * kpage_page_size()))
PAGE_COLUMN(page_kind, cell_text(out, page_kind_name(t->kind)))
PAGE_COLUMN(page_node, if (t->node >= 0) cell_number(out, (uint64_t)t->node))
PAGE_COLUMN(page_flags, cell_flags(out, flags_of(t)))
PAGE_COLUMN(page_flags_value, cell_hex(out, t->kflags))
PAGE_COLUMN(page_mapcount, cell_number(out, t->mapcount))
PAGE_COLUMN(page_cgroup, if (t->cgroup) cell_number(out, t->cgroup))
PAGE_COLUMN(page_cgroup_path, cell_text(out, r->page->cgroup_path))
PAGE_COLUMN(page_container, cell_container(out, r->page->cgroup_path))
PAGE_COLUMN(page_held_by, cell_text(out, held_by_word(r->page->held_by)))
PAGE_COLUMN(page_found, cell_number(out, r->page->nr_mappings))
PAGE_COLUMN(page_missing, cell_number(out, r->page->missing))
PAGE_COLUMN(page_reason, if (r->page->missing) cell_text(out, r->o->reason))

static const struct column page_columns[] = {
	{ "pfn", NULL, 0, page_pfn },
	{ "physical", NULL, 0, page_physical },
	{ "kind", NULL, 0, page_kind },
	{ "node", NULL, 0, page_node },
	{ "flags", NULL, 0, page_flags },
	{ "flags_value", NULL, 0, page_flags_value },
	{ "mapcount", NULL, 0, page_mapcount },
	{ "cgroup", NULL, 0, page_cgroup },
	{ "cgroup_path", NULL, 0, page_cgroup_path },
	{ "container", NULL, 0, page_container },
	{ "held_by", NULL, 0, page_held_by },
	{ "found", NULL, 0, page_found },
	{ "missing", NULL, 0, page_missing },
	{ "reason", NULL, 0, page_reason },
};

static const struct record_type page_record = { "owned_page", 1, NULL, page_columns,
						ARRAY_SIZE(page_columns) };

/* ------------------------------------------------------------------------- owners */

/* A mapping (and its place), or a file. */
struct owner_row {
	const struct owned_page *page;
	const struct owner_process *process;
	const struct owner *owner;
	const struct owner_place *place;
	const struct file_holder *file;
};

static const char *how_word(const struct owner_row *r)
{
	if (r->file)
		return r->file->fd < 0 ? "file-mapped" : "file-open";
	return r->owner->poisoned ? "hwpoison" : "present";
}

static void cell_vma(const struct owner_row *r, struct cell *out)
{
	if (!r->place || !r->place->known)
		return;
	snprintf(out->room, sizeof(out->room), "%" PRIx64 "-%" PRIx64 " %s", r->place->start,
		 r->place->end, r->place->perms);
	cell_text(out, out->room);
}

/* A private page in the mapping of a file is no part of the file. */
static void cell_offset(const struct owner_row *r, struct cell *out)
{
	const struct owner_place *p = r->place;

	if (r->file)
		cell_hex(out, r->file->offset);
	else if (p->known && p->has_file && !(r->page->target->kflags & KPAGE_BIT(ANON)))
		cell_hex(out, p->offset + r->owner->address - p->start);
}

#define OWNER_COLUMN(function, call)                                        \
	static void function(const void *row, struct cell *out)             \
	{                                                                   \
		const struct owner_row *r = row;                            \
		call;                                                       \
	}

OWNER_COLUMN(owner_pfn, cell_pfn(out, r->page->target->pfn))
OWNER_COLUMN(owner_pid, cell_number(out, (uint64_t)r->process->pid))
OWNER_COLUMN(owner_comm, cell_text(out, r->process->comm))
OWNER_COLUMN(owner_how, cell_text(out, how_word(r)))
OWNER_COLUMN(owner_address, if (r->owner) cell_hex(out, r->owner->address))
OWNER_COLUMN(owner_vma, cell_vma(r, out))
OWNER_COLUMN(owner_start, if (r->place && r->place->known) cell_hex(out, r->place->start))
OWNER_COLUMN(owner_end, if (r->place && r->place->known) cell_hex(out, r->place->end))
OWNER_COLUMN(owner_perms, if (r->place && r->place->known) cell_text(out, r->place->perms))
OWNER_COLUMN(owner_offset, cell_offset(r, out))
OWNER_COLUMN(owner_name, cell_text(out, r->file ? r->file->path : r->place->name))
OWNER_COLUMN(owner_fd, if (r->file && r->file->fd >= 0) cell_number(out, (uint64_t)r->file->fd))
OWNER_COLUMN(owner_processes, if (r->file) cell_number(out, r->file->processes))
OWNER_COLUMN(owner_cgroup, cell_text(out, r->process->cgroup))
OWNER_COLUMN(owner_container, cell_container(out, r->process->cgroup))

/* The width of the first column sets the table off from the page that it is of. */
static const struct column owner_columns[] = {
	{ "pfn", NULL, 0, owner_pfn },
	{ "pid", "PID", 10, owner_pid },
	{ "comm", "COMM", -15, owner_comm },
	{ "how", "HOW", -11, owner_how },
	{ "address", "ADDRESS", -14, owner_address },
	{ NULL, "VMA", -30, owner_vma },
	{ "vma_start", NULL, 0, owner_start },
	{ "vma_end", NULL, 0, owner_end },
	{ "perms", NULL, 0, owner_perms },
	{ "offset", "OFFSET", -10, owner_offset },
	{ "name", "NAME", 0, owner_name },
	{ "fd", NULL, 0, owner_fd },
	{ "processes", NULL, 0, owner_processes },
	{ "cgroup", NULL, 0, owner_cgroup },
	{ "container", NULL, 0, owner_container },
};

static const struct record_type owner_record = { "owner", 1, NULL, owner_columns,
						 ARRAY_SIZE(owner_columns) };

/* --------------------------------------------------------------------------- text */

static void print_head(const struct owned_page *page)
{
	const struct target *t = page->target;
	char names[KPAGE_NAMES_SIZE];

	kpage_flags_names(flags_of(t), names);
	printf("page 0x%" PRIx64 " (physical 0x%" PRIx64 "): %s, ", t->pfn,
	       t->pfn * kpage_page_size(), page_kind_name(t->kind));
	if (t->node >= 0)
		printf("node %d, ", t->node);
	if (t->mapcount)
		printf("mapped %" PRIu64 " %s, ", t->mapcount, t->mapcount == 1 ? "time" : "times");
	else
		printf("not mapped, ");
	printf("flags %s\n", names[0] ? names : "none");
}

static void print_cgroup_path(const char *path)
{
	char id[CONTAINER_SIZE];

	put_name(stdout, path);
	if (!container_of_cgroup(path, id))
		return;
	/* An id is known by its first twelve digits; a name is shown whole. */
	printf(" (container ");
	id[strlen(id) == 64 ? 12 : strlen(id)] = '\0';
	put_name(stdout, id);
	putchar(')');
}

static void print_cgroup(const struct owned_page *page)
{
	if (!page->target->cgroup)
		return;
	printf("  cgroup ");
	if (page->cgroup_path)
		print_cgroup_path(page->cgroup_path);
	else
		printf("@%" PRIu64 " (removed, or not to be seen here)", page->target->cgroup);
	putchar('\n');
}

/* The kernel does not give up its own pages. What it did give up has no flags that tell it
 * from such a page of its own as has none either. */
static const char *text_of_poisoned(const struct owned_page *page)
{
	if (page->held_by == HELD_BY_KERNEL)
		return "poisoned, and still in use by the kernel";
	/* A dirty one: the kernel delays what it does. A clean one is not in it any more. */
	if (page->target->kind == PAGE_SWAPCACHE)
		return "poisoned, in the swap cache: processes have it as a swap entry, which does "
		       "not name the page; who touches it is killed";
	if (page->target->kind == PAGE_OTHER)
		return "poisoned: out of use, or still the kernel's; the action result in its log "
		       "tells (page tables don't show who had a hugetlb page)";
	return "poisoned, and in no page table any more (page tables don't show who had a "
	       "hugetlb page)";
}

/* What there is to say where no process has it. */
static const char *text_without_mappings(const struct owned_page *page)
{
	static const char *const kinds[NR_PAGE_KINDS] = {
		[PAGE_ANON] = "nobody has it mapped: it is on its way, or held by the kernel alone",
		[PAGE_THP] = "nobody has it mapped: it is on its way, or held by the kernel alone",
		[PAGE_KSM] = "nobody has it mapped any more",
		[PAGE_HUGETLB] = "nobody has it mapped: in the pool, or of a file on hugetlbfs",
		[PAGE_SHM] = "page cache of a tmpfs file or memfd that no process seen here has open",
		[PAGE_FILE] = "page cache of a file that no process seen here has open or mapped",
		[PAGE_SWAPCACHE] = "swap cache: nobody has it mapped",
		[PAGE_FREE] = "free: nobody owns it",
		[PAGE_SLAB] = "kernel: slab",
		[PAGE_PGTABLE] = "kernel: page table",
		[PAGE_RESERVED] = "kernel: reserved",
		[PAGE_OFFLINE] = "offline (a balloon has it), or no memory",
		[PAGE_ZERO] = "kernel: the zero page, which all processes share",
		[PAGE_VDSO] = "kernel: vdso",
		[PAGE_DRIVER] = "kernel: a driver",
		[PAGE_OTHER] = "kernel, or free on a list of one CPU",
	};

	if (page->target->poisoned &&
	    (page->held_by == HELD_BY_NOBODY || page->held_by == HELD_BY_KERNEL))
		return text_of_poisoned(page);
	return kinds[page->target->kind];
}

static void print_missing(const struct ownership *o, const struct owned_page *page)
{
	if (!page->missing)
		return;
	printf("  map count %" PRIu64 ", found %zu: ", page->target->mapcount, page->nr_mappings);
	if (page->missing == 1)
		printf("one owner is not visible to you (%s)\n", o->reason);
	else
		printf("%" PRIu64 " owners are not visible to you (%s)\n", page->missing, o->reason);
}

static void print_others(const struct owned_page *page)
{
	if (page->file && page->file->processes > 1)
		printf("  %zu more %s that file\n", page->file->processes - 1,
		       page->file->processes == 2 ? "process has" : "processes have");
}

/* ------------------------------------------------------------------- all of it */

static void print_owners(struct ownership *o, const struct owned_page *page)
{
	for (size_t i = 0; i < page->nr_mappings; i++) {
		const struct owner *owner = &page->mappings[i];
		const struct owner_row row = {
			.page = page,
			.process = owners_process(o, owner->pid),
			.owner = owner,
			.place = &o->places[owner - o->owners.v],
		};

		record_print(&o->out, &owner_record, &row);
	}
	if (page->file) {
		const struct owner_row row = {
			.page = page,
			.process = owners_process(o, page->file->pid),
			.file = page->file,
		};

		record_print(&o->out, &owner_record, &row);
	}
}

/* A page is charged to the cgroup of who had it first; who maps it can be in others. */
static bool is_cgroup_of_page(const struct owned_page *page, const char *cgroup)
{
	size_t path = page->cgroup_path ? strlen(page->cgroup_path) : 0, len = strlen(cgroup);

	return len > 1 && path > len && !strcmp(page->cgroup_path + path - len, cgroup);
}

/* Unless it is told of the page already. */
static void print_cgroup_of_task(struct ownership *o, const struct owned_page *page, pid_t pid)
{
	const char *cgroup = owners_process(o, pid)->cgroup;

	if (!cgroup || !strcmp(cgroup, "/") || is_cgroup_of_page(page, cgroup))
		return;
	printf("  %d is in cgroup ", (int)pid);
	print_cgroup_path(cgroup);
	putchar('\n');
}

/* The mappings of a page ascend by process. */
static void print_cgroups_of_tasks(struct ownership *o, const struct owned_page *page)
{
	for (size_t i = 0; i < page->nr_mappings; i++)
		if (!i || page->mappings[i].pid != page->mappings[i - 1].pid)
			print_cgroup_of_task(o, page, page->mappings[i].pid);
	if (page->file)
		print_cgroup_of_task(o, page, page->file->pid);
}

static void report_text(struct ownership *o, const struct owned_page *page)
{
	print_head(page);
	print_cgroup(page);
	/* Each page has a table of its own. */
	o->out.table = NULL;
	print_owners(o, page);
	print_cgroups_of_tasks(o, page);
	print_others(page);
	if (!page->nr_mappings && !page->file && !page->missing)
		printf("  %s\n", text_without_mappings(page));
	print_missing(o, page);
}

void owners_report(struct ownership *o)
{
	for (size_t i = 0; i < o->targets.n; i++) {
		const struct page_row row = { o, &o->pages[i] };

		if (o->opt->json) {
			record_print(&o->out, &page_record, &row);
			print_owners(o, &o->pages[i]);
		} else {
			report_text(o, &o->pages[i]);
		}
	}
}
