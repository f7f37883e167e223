// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --owners: the files that have a page in their cache. The kernel does not say which file
 * a page is of; so each file that a process has open or mapped is looked through, as far
 * as it is cached. Nothing is read from a disk, and no file is opened whose opening means
 * something to the kernel.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "common/page-set.h"
#include "common/pace.h"
#include "common/progress.h"
#include "owners.h"

/* A file, and who has it. */
struct file {
	dev_t dev;
	uint64_t ino;
	char link[64];		/* below /proc, to open it */
	pid_t pid, last;	/* the first and the latest process that has it */
	int fd;
	size_t processes;
};

struct file_table {
	struct file *v;
	size_t n;
	size_t *slots;		/* a hash table of indices + 1 */
	size_t nr_slots;
};

struct file_search {
	const struct ownership *o;
	const struct page_set *wanted;
	size_t nr_wanted;
	struct page_set found;
	struct file_holders *out;
	const struct file *file;	/* the one that is looked through */
	struct servers servers;
};

/* ------------------------------------------------------------ which files there are */

static size_t slot_of(const struct file_table *t, dev_t dev, uint64_t ino)
{
	size_t slot = (size_t)((ino * UINT64_C(0x9e3779b97f4a7c15) ^ dev) % t->nr_slots);

	while (t->slots[slot] && (t->v[t->slots[slot] - 1].ino != ino || t->v[t->slots[slot] - 1].dev != dev))
		slot = (slot + 1) % t->nr_slots;
	return slot;
}

static void make_room(struct file_table *t)
{
	if (2 * t->n < t->nr_slots)
		return;
	free(t->slots);
	t->nr_slots = t->nr_slots ? 2 * t->nr_slots : 1024;
	t->slots = xcalloc(t->nr_slots, sizeof(*t->slots));
	for (size_t i = 0; i < t->n; i++)
		t->slots[slot_of(t, t->v[i].dev, t->v[i].ino)] = i + 1;
}

static void add_file(struct file_table *t, const struct file *file)
{
	struct file *known;
	size_t slot;

	make_room(t);
	slot = slot_of(t, file->dev, file->ino);
	if (!t->slots[slot]) {
		t->v = xgrow(t->v, t->n, sizeof(*t->v));
		t->v[t->n++] = *file;
		t->slots[slot] = t->n;
		return;
	}
	known = &t->v[t->slots[slot] - 1];
	known->processes += known->last != file->pid;
	known->last = file->pid;
}

/* A regular file with something in it. The file's server, if it has one, is not asked. */
static void consider(struct file_table *t, pid_t pid, const char *link, int fd)
{
	struct file file = { .pid = pid, .last = pid, .fd = fd, .processes = 1 };
	struct statx st;

	if (statx(AT_FDCWD, link, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO | STATX_SIZE, &st) ||
	    !S_ISREG(st.stx_mode) || !st.stx_size)
		return;
	file.dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	file.ino = st.stx_ino;
	snprintf(file.link, sizeof(file.link), "%s", link);
	add_file(t, &file);
}

/* Entries of /proc/TID/fd or /proc/TID/map_files. */
static void add_links(struct file_table *t, const struct kpage_task *task, const char *which,
		      bool has_fds)
{
	char dir[32], link[64];
	const struct dirent *entry;
	DIR *d;

	snprintf(dir, sizeof(dir), "/proc/%d/%s", (int)task->tid, which);
	d = opendir(dir);
	if (!d)
		return;
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.' ||
		    snprintf(link, sizeof(link), "%s/%s", dir, entry->d_name) >= (int)sizeof(link))
			continue;
		consider(t, task->pid, link, has_fds ? (int)strtol(entry->d_name, NULL, 10) : -1);
	}
	closedir(d);
}

static void list_files(struct kpage_ctx *ctx, struct file_table *t)
{
	struct kpage_tasks *tasks = NULL;
	struct kpage_task task;
	pid_t pid;

	if (kpage_tasks_open(ctx, 0, &tasks))
		return;
	while (kpage_tasks_next(tasks, &pid) > 0) {
		/* What was handed down to us is somebody else's. */
		if (pid == getpid() || kpage_task_read_memory(ctx, pid, &task))
			continue;
		add_links(t, &task, "fd", true);
		add_links(t, &task, "map_files", false);
	}
	kpage_tasks_free(tasks);
}

/* ------------------------------------------------------------- looking through one */

/*
 * Files that the kernel makes up have no page cache, and to open one can do something:
 * reading a trace stops it. hugetlbfs: to map a file there takes pages from the pool,
 * and mincore(2) says nothing of what it has.
 */
static bool is_passed_over(const char *link)
{
	static const long types[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC,	DEBUGFS_MAGIC,	  TRACEFS_MAGIC,
		CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC, SECURITYFS_MAGIC,
		SELINUX_MAGIC,	  SMACK_MAGIC,	EFIVARFS_MAGIC,	  PSTOREFS_MAGIC,
		NSFS_MAGIC,	  BINFMTFS_MAGIC, RDTGROUP_SUPER_MAGIC, HUGETLBFS_MAGIC,
		0x62656570 /* configfs */,
	};
	struct statfs fs;

	if (statfs(link, &fs))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((long)fs.f_type == types[i])
			return true;
	return false;
}

static int open_file(const struct file *file)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = is_passed_over(file->link) ? -1 : open(file->link, flags | O_NOATIME);
	struct stat st;

	if (fd < 0)
		return -1;
	/* The process may have another one there by now. */
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_ino == file->ino)
		return fd;
	close(fd);
	return -1;
}

static void add_holder(struct file_search *s, uint64_t pfn, uint64_t offset)
{
	char path[PATH_MAX];
	ssize_t len = readlink(s->file->link, path, sizeof(path) - 1);
	struct file_holder *h;

	path[MAX(len, 0)] = '\0';
	s->out->v = xgrow(s->out->v, s->out->n, sizeof(*s->out->v));
	h = &s->out->v[s->out->n++];
	*h = (struct file_holder){
		.pfn = pfn,
		.offset = offset * kpage_page_size(),
		.path = xstrdup(path),
		.pid = s->file->pid,
		.fd = s->file->fd,
		.processes = s->file->processes,
	};
}

static int take_pages(const struct kpage_batch *b, void *arg)
{
	struct file_search *s = arg;

	for (size_t i = 0; i < b->n; i++)
		if (page_set_has(s->wanted, b->pfn[i]) && page_set_add(&s->found, b->pfn[i]))
			add_holder(s, b->pfn[i], b->offset[i]);
	return s->out->n == s->nr_wanted ? -ECANCELED : 0;
}

/* The kernel maps no poisoned page: which of them it is can't be told. */
static void tell_of_poison(const struct file *file, const struct kpage_cache_report *report)
{
	char path[PATH_MAX];
	ssize_t len = readlink(file->link, path, sizeof(path) - 1);

	path[MAX(len, 0)] = '\0';
	warn("--owners: %s: has %" PRIu64 " poisoned pages, the first at offset 0x%" PRIx64
	     ": perhaps of those that were asked for", path, report->poisoned,
	     report->first_poisoned * kpage_page_size());
}

static void look_through(struct file_search *s, const struct file *file, bool poisoned)
{
	const struct kpage_walk walk = { .flags = s->o->src.flags, .emit = take_pages, .arg = s };
	struct kpage_cache_report report = { 0 };
	int fd = server_answers(&s->servers, file->dev, file->pid, file->link) ? open_file(file) : -1;

	if (fd < 0)
		return;
	s->file = file;
	if (!kpage_walk_cache(s->o->ctx, &walk, fd, NULL, 0, &report) && poisoned && report.poisoned)
		tell_of_poison(file, &report);
	close(fd);
}

static int by_pfn(const void *a, const void *b)
{
	const struct file_holder *x = a, *y = b;

	return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

void owners_find_files(const struct ownership *o, const struct page_set *wanted, size_t n,
		       bool poisoned, struct file_holders *out)
{
	struct file_search s = {
		.o = o, .wanted = wanted, .nr_wanted = n, .out = out, .servers = { .ctx = o->ctx },
	};
	struct file_table files = { 0 };
	struct progress progress;
	struct pace pace;

	pace_start(&pace, o->opt->max_cpu);
	list_files(o->ctx, &files);
	progress_start(&progress, "files", files.n);
	for (size_t i = 0; i < files.n && out->n < n; i++) {
		progress_update(&progress, i);
		look_through(&s, &files.v[i], poisoned);
		pace_keep(&pace);
	}
	progress_end(&progress);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_pfn);
	page_set_release(&s.found);
	servers_release(&s.servers);
	free(files.slots);
	free(files.v);
}

void file_holders_release(struct file_holders *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->v[i].path);
	free(files->v);
	*files = (struct file_holders){ 0 };
}
