// SPDX-License-Identifier: GPL-2.0-or-later
/* The lists that there are: of processes, of a process's mappings, of memory blocks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "list.h"
#include "views.h"
#include "common/vmas.h"

/* The row of all mappings comes before the first of them. */
static uint64_t row_by_start(const struct row *r)
{
	return r->id ? r->range.start + 1 : 0;
}

static uint64_t row_by_id(const struct row *r)
{
	return r->id;
}

static uint64_t value_resident(const struct row *r)
{
	return r->resident;
}

static uint64_t value_start(const struct row *r)
{
	return r->range.start;
}

static uint64_t value_size(const struct row *r)
{
	return r->range.end - r->range.start;
}

#define COUNT(name)                                             \
	static uint64_t value_##name(const struct row *r)       \
	{                                                       \
		return r->counted ? r->counts.name : UINT64_MAX; \
	}
COUNT(there)
COUNT(swapped)
COUNT(poisoned)
COUNT(huge)
COUNT(free)
COUNT(user)

/* ------------------------------------------------------------------- processes */

static const struct list_column process_columns[] = {
	{ "PID", 8, false, row_by_id, NULL },
	{ "RESIDENT", 10, true, value_resident, NULL },
	{ "POISONED", 9, true, value_poisoned, NULL },
	{ "HUGE", 9, true, value_huge, NULL },
	{ "SWAPPED", 9, true, value_swapped, NULL },
	{ "COMMAND", 0, false, NULL, NULL },
};

/* In pages; of /proc/TID/statm. */
static uint64_t read_resident(struct kpage_ctx *ctx, pid_t tid)
{
	char path[64], line[128];
	unsigned long long size, resident;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)tid);
	if (kpage_ctx_read_line(ctx, path, line, sizeof(line)) < 0 ||
	    sscanf(line, "%llu %llu", &size, &resident) != 2)
		return UINT64_MAX;
	return resident;
}

static int load_processes(struct list *l)
{
	struct kpage_ctx *ctx = l->view.app->machine.ctx;
	struct kpage_tasks *tasks = NULL;
	struct kpage_task task, memory;
	pid_t pid;
	int err = kpage_tasks_open(ctx, 0, &tasks), more = 0;

	while (!err && (more = kpage_tasks_next(tasks, &pid)) > 0) {
		struct row *r;

		/* It has ended meanwhile, or has no memory. */
		if (kpage_task_read(ctx, pid, &task) || kpage_task_read_memory(ctx, pid, &memory))
			continue;
		r = list_add(l);
		r->id = (uint64_t)pid;
		r->name = xstrdup(task.comm);
		r->resident = read_resident(ctx, memory.tid);
	}
	kpage_tasks_free(tasks);
	return err ? err : more;
}

static int open_process(const struct list *l, const struct row *r, struct space *out)
{
	return space_of_process(&l->view.app->machine, (pid_t)r->id, NULL, out);
}

static struct view *enter_process(const struct list *l, const struct row *r)
{
	const struct machine *m = &l->view.app->machine;

	return list_of_vmas(l->view.app, (pid_t)r->id, machine_process_started(m, (pid_t)r->id));
}

static const struct list_kind processes = {
	"processes", process_columns, ARRAY_SIZE(process_columns), 1, row_by_id,
	load_processes, open_process, enter_process,
};

struct view *list_of_processes(struct app *app)
{
	return list_new(app, &processes, processes.title, 0, 0);
}

/* -------------------------------------------------------------------- mappings */

static void show_start(const struct row *r, char *out, size_t size)
{
	if (r->id)
		snprintf(out, size, "0x%" PRIx64, r->range.start * kpage_page_size());
	else
		snprintf(out, size, "all");
}

static void show_note(const struct row *r, char *out, size_t size)
{
	snprintf(out, size, "%s", r->note);
}

static void show_pages(const struct row *r, char *out, size_t size)
{
	list_show_number(r->id ? value_size(r) : UINT64_MAX, out, size);
}

/* The order of the letters, so that the same ones are together. */
static uint64_t value_perms(const struct row *r)
{
	uint64_t value = 0;

	for (const char *c = r->note; *c; c++)
		value = value << 8 | (unsigned char)*c;
	return value;
}

static const struct list_column vma_columns[] = {
	{ "START", 14, false, value_start, show_start },
	{ "PERM", -4, false, value_perms, show_note },
	{ "PAGES", 7, true, value_size, show_pages },
	{ "PRESENT", 8, true, value_there, NULL },
	{ "POISONED", 9, true, value_poisoned, NULL },
	{ "HUGE", 7, true, value_huge, NULL },
	{ "SWAPPED", 8, true, value_swapped, NULL },
	{ "MAPPING", 0, false, NULL, NULL },
};

static int load_vmas(struct list *l)
{
	const struct machine *m = &l->view.app->machine;
	struct vma_list vmas;
	int err = vma_list_read(m->ctx, l->pid, NULL, 0, &vmas);
	struct row *r;

	if (!err && machine_process_check(m, l->pid, l->started)) {
		vma_list_release(&vmas);
		err = -ESRCH;
	}
	if (err)
		return err;
	r = list_add(l);
	r->all = true;
	r->name = xstrdup("all mappings");
	r->range.end = UINT64_MAX;
	for (size_t i = 0; i < vmas.n; i++) {
		r = list_add(l);
		r->id = i + 1;
		r->name = xstrdup(vmas.v[i].name ? vmas.v[i].name : "anonymous");
		r->range = (struct kpage_range){ vmas.v[i].start, vmas.v[i].end };
		snprintf(r->note, sizeof(r->note), "%s", vmas.v[i].perms);
	}
	vma_list_release(&vmas);
	return 0;
}

static int open_vma(const struct list *l, const struct row *r, struct space *out)
{
	const struct machine *m = &l->view.app->machine;
	int err = r->id ? space_of_vma(m, l->pid, &r->range, r->name, out) :
			  space_of_process(m, l->pid, NULL, out);

	if (!err && machine_process_check(m, l->pid, l->started)) {
		space_release(out);
		*out = (struct space){ 0 };
		err = -ESRCH;
	}
	return err;
}

static struct view *enter_vma(const struct list *l, const struct row *r)
{
	return grid_of_process(l->view.app, l->pid, l->started, r->name, &r->range);
}

static const struct list_kind mappings = {
	"mappings", vma_columns, ARRAY_SIZE(vma_columns), 0, row_by_start, load_vmas, open_vma, enter_vma,
};

struct view *list_of_vmas(struct app *app, pid_t pid, uint64_t started)
{
	struct kpage_task task;
	char name[96];

	if (!app->machine.sees_pfns) {
		snprintf(name, sizeof(name), "process %d", (int)pid);
		app_alert_errno(app, name, -EPERM);
		return NULL;
	}
	if (kpage_task_read(app->machine.ctx, pid, &task))
		snprintf(name, sizeof(name), "process %d", (int)pid);
	else
		snprintf(name, sizeof(name), "%d %s", (int)pid, task.comm);
	return list_new(app, &mappings, name, pid, started);
}

/* ---------------------------------------------------------------------- blocks */

static uint64_t value_node(const struct row *r)
{
	return r->node < 0 ? UINT64_MAX : (uint64_t)r->node;
}

/* "0,1": the block is of both. */
static void show_node(const struct row *r, char *out, size_t size)
{
	if (*r->note)
		show_note(r, out, size);
	else
		list_show_number(value_node(r), out, size);
}

static void show_pfn(const struct row *r, char *out, size_t size)
{
	snprintf(out, size, "0x%" PRIx64, r->range.start);
}

static const struct list_column block_columns[] = {
	{ "BLOCK", 7, false, row_by_id, NULL },
	{ "NODE", 5, false, value_node, show_node },
	{ "PFN", 10, false, value_start, show_pfn },
	{ "PAGES", 8, true, value_there, NULL },
	{ "FREE", 8, true, value_free, NULL },
	{ "USER", 8, true, value_user, NULL },
	{ "HUGE", 8, true, value_huge, NULL },
	{ "POISONED", 9, true, value_poisoned, NULL },
	{ "STATE", 0, false, NULL, NULL },
};

#define MEMORY_DIR "/sys/devices/system/memory"

/* Where the kernel has no memory blocks, and in a copy, pieces of this size stand for them. */
#define PIECE_PAGES 32768

static uint64_t read_block_pages(const struct machine *m)
{
	char line[32], number[40];
	uint64_t bytes = 0;

	if (!m->copy && kpage_ctx_read_line(m->ctx, MEMORY_DIR "/block_size_bytes", line, sizeof(line)) >= 0) {
		snprintf(number, sizeof(number), "0x%s", line);
		if (kpage_number_parse(number, &bytes))
			bytes = 0;
	}
	bytes /= kpage_page_size();
	return bytes ? bytes : PIECE_PAGES;
}

static const char *block_state(const struct machine *m, uint64_t pfn)
{
	int offline = m->copy ? -ENOENT : kpage_block_is_offline(m->ctx, pfn);

	return offline < 0 ? "" : offline ? "offline" : "online";
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The blocks that the kernel has, those that are offline too; none: it has no blocks. */
static uint64_t *find_blocks(const struct machine *m, size_t *n)
{
	int fd = m->copy ? -ENOENT : kpage_ctx_open(m->ctx, MEMORY_DIR, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t *blocks = NULL, number;

	*n = 0;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "memory", 6) || kpage_number_parse(entry->d_name + 6, &number))
			continue;
		blocks = xgrow(blocks, *n, sizeof(*blocks));
		blocks[(*n)++] = number;
	}
	closedir(dir);
	if (*n)
		qsort(blocks, *n, sizeof(*blocks), by_value);
	return blocks;
}

static void add_block(struct list *l, uint64_t block, uint64_t pages)
{
	const struct machine *m = &l->view.app->machine;
	struct row *r = list_add(l);
	int last;

	r->id = block;
	r->range = (struct kpage_range){ block * pages, (block + 1) * pages };
	r->node = m->nodes ? kpage_nodes_find(m->nodes, r->range.start) : -1;
	last = m->nodes ? kpage_nodes_find(m->nodes, r->range.end - 1) : -1;
	if (r->node >= 0 && last >= 0 && last != r->node)
		snprintf(r->note, sizeof(r->note), "%d,%d", r->node, last);
	r->name = xstrdup(block_state(m, r->range.start));
}

static int load_blocks(struct list *l)
{
	const struct machine *m = &l->view.app->machine;
	uint64_t pages = read_block_pages(m), last = UINT64_MAX;
	_cleanup_free_ uint64_t *blocks = NULL;
	size_t n;

	blocks = find_blocks(m, &n);
	for (size_t i = 0; i < n; i++)
		add_block(l, blocks[i], pages);
	for (size_t i = 0; !n && i < m->nr_ranges; i++) {
		const struct kpage_range *range = &m->ranges[i];

		for (uint64_t block = range->start / pages; block * pages < range->end; block++)
			if (block != last)
				add_block(l, last = block, pages);
	}
	return 0;
}

static int open_block(const struct list *l, const struct row *r, struct space *out)
{
	return space_of_machine(&l->view.app->machine, &r->range, out);
}

static struct view *enter_block(const struct list *l, const struct row *r)
{
	char name[48];

	snprintf(name, sizeof(name), "block %" PRIu64, r->id);
	return grid_of_machine(l->view.app, name, &r->range);
}

static const struct list_kind blocks = {
	"memory blocks", block_columns, ARRAY_SIZE(block_columns), 0, row_by_id,
	load_blocks, open_block, enter_block,
};

struct view *list_of_blocks(struct app *app)
{
	return list_new(app, &blocks, blocks.title, 0, 0);
}
