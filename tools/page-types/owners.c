// SPDX-License-Identifier: GPL-2.0-or-later
/* --owners: who has a page: the processes that map it, its file, its cgroup. */
#include "owners.h"

#include <fcntl.h>
#include <string.h>

#include "common/walk.h"

/* ------------------------------------------------------------ looking for owners */

/* Whether a page table can have it. Pages without a map count of their own can be mapped
 * all the same; the zero page is everybody's, and nobody's. */
static bool may_be_mapped(const struct target *t)
{
	return t->kind != PAGE_ZERO &&
	       (t->mapcount || t->poisoned || t->kind == PAGE_VDSO || t->kind == PAGE_RESERVED ||
		t->kind == PAGE_DRIVER || t->kind == PAGE_OTHER);
}

static int find_mappings(struct ownership *o)
{
	_cleanup_free_ uint64_t *pfns = xcalloc(o->targets.n + 1, sizeof(*pfns));
	const struct owner_search how = {
		.threads = o->opt->jobs,
		.max_cpu = o->opt->max_cpu,
	};
	size_t n = 0;
	int status;

	for (size_t i = 0; i < o->targets.n; i++)
		if (may_be_mapped(&o->targets.v[i]))
			pfns[n++] = o->targets.v[i].pfn;
	status = owners_find_by(o->ctx, o->src.flags, pfns, n, &how, &o->owners);
	if (!status && o->owners.hidden)
		status = fail(EXIT_NOPERM, "--owners: the kernel hides PFNs from this caller: it needs "
			      "CAP_SYS_ADMIN (try as root, outside of a container)");
	return status;
}

/* The kernel's own pages that processes see as well. Of the vdso one mapping more than
 * there are processes was seen (6.1, 6.12): its count proves nothing. */
static bool is_shared_by_kernel(const struct target *t)
{
	return t->kind == PAGE_ZERO || t->kind == PAGE_VDSO || t->kind == PAGE_RESERVED;
}

/* Poison that was contained is in the map count of nobody. The count may have changed
 * while the processes were looked at: what was there all the time is missing. */
static uint64_t missing_mappings(const struct ownership *o, const struct owned_page *page)
{
	const struct target *t = page->target;
	uint64_t now, count = t->mapcount, present = 0;

	if (is_shared_by_kernel(t))
		return 0;
	if (kpage_file_read(o->src.mapcount, t->pfn, &now, 1) == 1)
		count = MIN(count, now);
	for (size_t i = 0; i < page->nr_mappings; i++)
		present += !page->mappings[i].poisoned;
	return count > present ? count - present : 0;
}

static void make_pages(struct ownership *o)
{
	o->pages = xcalloc(o->targets.n + 1, sizeof(*o->pages));
	for (size_t i = 0; i < o->targets.n; i++) {
		struct owned_page *page = &o->pages[i];
		const struct target *t = &o->targets.v[i];

		page->target = t;
		page->mappings = owners_of(&o->owners, t->pfn, &page->nr_mappings);
		page->missing = missing_mappings(o, page);
	}
}

/* -------------------------------------------------------------------------- files */

/* Page cache that not all are known of who map it. */
static bool wants_file(const struct owned_page *page)
{
	enum page_kind kind = page->target->kind;

	return (kind == PAGE_FILE || kind == PAGE_SHM) && (!page->nr_mappings || page->missing);
}

static const struct file_holder *holder_of(const struct file_holders *files, uint64_t pfn)
{
	for (size_t i = 0; i < files->n; i++)
		if (files->v[i].pfn == pfn)
			return &files->v[i];
	return NULL;
}

/* A tree of copies has no page cache. */
static void find_files(struct ownership *o)
{
	struct page_set wanted = { 0 };
	bool poisoned = false;
	size_t n = 0;

	for (size_t i = 0; i < o->targets.n; i++)
		if (wants_file(&o->pages[i]) && page_set_add(&wanted, o->pages[i].target->pfn)) {
			poisoned |= o->pages[i].target->poisoned;
			n++;
		}
	if (n && kpage_ctx_is_live(o->ctx))
		owners_find_files(o, &wanted, n, poisoned, &o->files);
	for (size_t i = 0; i < o->files.n; i++)
		owners_note_process(o, o->files.v[i].pid);
	for (size_t i = 0; i < o->targets.n; i++)
		o->pages[i].file = holder_of(&o->files, o->pages[i].target->pfn);
	page_set_release(&wanted);
}

/* ---------------------------------------------------------------- cgroups, verdict */

/* Neighbours mostly are of one cgroup, and the search for one goes through all of them. */
static void find_cgroups(struct ownership *o)
{
	for (size_t i = 0; i < o->targets.n; i++) {
		struct owned_page *page = &o->pages[i];
		size_t k = 0;

		if (!page->target->cgroup)
			continue;
		while (k < i && o->pages[k].target->cgroup != page->target->cgroup)
			k++;
		if (k < i)
			page->cgroup_path = o->pages[k].cgroup_path ? xstrdup(o->pages[k].cgroup_path) :
								      NULL;
		else if (kpage_cgroup_path(o->ctx, page->target->cgroup, &page->cgroup_path))
			page->cgroup_path = NULL;
	}
}

static enum held_by held_by(const struct owned_page *page)
{
	static const enum held_by by_kind[NR_PAGE_KINDS] = {
		[PAGE_ANON] = HELD_BY_NOBODY,	   [PAGE_THP] = HELD_BY_NOBODY,
		[PAGE_HUGETLB] = HELD_BY_NOBODY,   [PAGE_KSM] = HELD_BY_NOBODY,
		[PAGE_SHM] = HELD_BY_NOBODY,	   [PAGE_FILE] = HELD_BY_NOBODY,
		[PAGE_SWAPCACHE] = HELD_BY_NOBODY, [PAGE_FREE] = HELD_FREE,
		[PAGE_SLAB] = HELD_BY_KERNEL,	   [PAGE_PGTABLE] = HELD_BY_KERNEL,
		[PAGE_RESERVED] = HELD_BY_KERNEL,  [PAGE_OFFLINE] = HELD_BY_NOBODY,
		[PAGE_ZERO] = HELD_BY_KERNEL,	   [PAGE_VDSO] = HELD_BY_KERNEL,
		[PAGE_DRIVER] = HELD_BY_KERNEL,	   [PAGE_OTHER] = HELD_BY_KERNEL,
	};

	if (page->nr_mappings)
		return HELD_BY_PROCESSES;
	if (page->file)
		return HELD_BY_FILE;
	if (page->missing)
		return HELD_UNKNOWN;
	/* What the kernel took out of use looks so; its own pages stay in use. */
	if (page->target->poisoned && page->target->kind == PAGE_OTHER)
		return HELD_BY_NOBODY;
	return by_kind[page->target->kind];
}

/* --------------------------------------------------------------- why one is missing */

/* Of the initial one: PROC_PID_INIT_INO in include/linux/proc_ns.h. */
#define INITIAL_PID_NAMESPACE "pid:[4026531836]"

static bool is_in_other_pid_namespace(const struct ownership *o)
{
	char name[64];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

	if (n < 0 || !kpage_ctx_is_live(o->ctx))
		return false;
	name[n] = '\0';
	return strcmp(name, INITIAL_PID_NAMESPACE) != 0;
}

/* "hidepid=2", "hidepid=invisible": of this mount of /proc. */
static bool is_hidepid_set(struct kpage_ctx *ctx)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int fd = kpage_ctx_open(ctx, "/proc/mounts", O_RDONLY);
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	bool set = false;

	while (f && !set && getline(&line, &size, f) > 0) {
		const char *option = strstr(line, "hidepid=");

		set = strstr(line, " /proc proc ") && option && strncmp(option, "hidepid=0", 9) != 0 &&
		      strncmp(option, "hidepid=off", 11) != 0;
	}
	return set;
}

static void add_reason(struct ownership *o, const char *text)
{
	size_t old = o->reason ? strlen(o->reason) : 0, size = old + strlen(text) + sizeof("; ");
	char *joined = xcalloc(size, 1);

	snprintf(joined, size, "%s%s%s", old ? o->reason : "", old ? "; " : "", text);
	free(o->reason);
	o->reason = joined;
}

static void add_count(struct ownership *o, size_t n, const char *what)
{
	char text[128];

	snprintf(text, sizeof(text), "%zu %s %s", n, n == 1 ? "process" : "processes", what);
	if (n)
		add_reason(o, text);
}

static void find_reasons(struct ownership *o)
{
	const struct owner_list *l = &o->owners;

	add_count(o, l->denied, "may not be looked at: permission denied");
	add_count(o, l->ended, "ended meanwhile");
	add_count(o, l->unreadable - l->denied - l->ended - l->hidden, "could not be read");
	if (is_in_other_pid_namespace(o))
		add_reason(o, "processes outside of this PID namespace are not seen");
	if (is_hidepid_set(o->ctx))
		add_reason(o, "/proc may hide processes (hidepid)");
	if (!o->reason)
		add_reason(o, "mapped by the kernel or a driver, or changed meanwhile");
}

/* ----------------------------------------------------------------- all of it */

static int find_owners(struct ownership *o)
{
	int status = find_mappings(o);

	if (status)
		return status;
	make_pages(o);
	owners_find_places(o);
	find_files(o);
	find_cgroups(o);
	find_reasons(o);
	for (size_t i = 0; i < o->targets.n; i++)
		o->pages[i].held_by = held_by(&o->pages[i]);
	return EXIT_OK;
}

static void explain_none(const struct ownership *o)
{
	if (o->none_poisoned) {
		warn("--owners: standard input: HardwareCorrupted: no page is poisoned");
		return;
	}
	warn("--owners: no page is chosen: nothing of what was named is in memory");
	explain_nothing(o->opt, o->ctx, NULL);
}

static int run_all(struct ownership *o)
{
	int status = kpage_ctx_new(o->opt->sysroot, &o->ctx), selected;

	if (status)
		return fail_errno(status, "--sysroot: %s", o->opt->sysroot ? o->opt->sysroot : "/");
	status = target_sources_open(&o->src, o->ctx, o->selection->cgroup != NULL);
	if (status)
		return status;
	/* What could not be found is said; of the others the owners are told. */
	selected = owners_select(o);
	if (!selected && !o->targets.n)
		explain_none(o);
	if (!o->targets.n)
		return selected;
	status = find_owners(o);
	if (status)
		return status;
	owners_report(o);
	for (size_t i = 0; !selected && i < o->targets.n; i++)
		if (o->pages[i].missing)
			selected = EXIT_OUTCOME;
	return selected;
}

static void release(struct ownership *o)
{
	for (size_t i = 0; o->places && i < o->owners.n; i++)
		free(o->places[i].name);
	for (size_t i = 0; o->pages && i < o->targets.n; i++)
		free(o->pages[i].cgroup_path);
	for (size_t i = 0; i < o->nr_processes; i++)
		free(o->processes[i].cgroup);
	free(o->reason);
	free(o->places);
	free(o->pages);
	free(o->processes);
	file_holders_release(&o->files);
	owner_list_release(&o->owners);
	target_list_release(&o->targets);
	target_sources_close(&o->src);
	kpage_ctx_free(o->ctx);
}

int owners_run(struct options *opt)
{
	struct ownership o = {
		.opt = opt,
		.selection = &opt->selection,
		.out = { .json = opt->json },
	};
	int status = run_all(&o);

	release(&o);
	return status;
}
