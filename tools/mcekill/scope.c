// SPDX-License-Identifier: GPL-2.0-or-later
/* Which tasks the monitor is asked about, also when they are gone. */
#include "monitor.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define REFRESH_NS UINT64_C(1000000000)
/* So that the snapshot of a large cgroup has an end. */
#define MEMBERS_MAX ((size_t)1 << 16)

bool scope_is_all(const struct scope *s)
{
	return !s->pids->n && !s->cgroup;
}

/* --------------------------------------------------------------------- opening */

/* The directory as it is seen from the root of its hierarchy; NULL: it is none. */
static char *path_in_hierarchy(const char *dir)
{
	_cleanup_free_ char *real = realpath(dir, NULL);
	char *end = real ? real + strlen(real) : NULL;
	struct stat st, up;

	if (!real || stat(real, &st))
		return NULL;
	for (;;) {
		_cleanup_free_ char *parent = xstrdup(real);
		char *slash;

		parent[end - real] = '\0';
		slash = strrchr(parent, '/');
		if (!slash || slash == parent)
			break;
		*slash = '\0';
		if (stat(parent, &up) || up.st_dev != st.st_dev)
			break;
		end = real + (slash - parent);
	}
	return xstrdup(*end ? end : "/");
}

static int resolve_cgroup(struct scope *s, const char *arg)
{
	uint64_t ino = 0;
	int err;

	if (arg[0] == '@' && (kpage_number_parse(arg + 1, &ino) || !ino))
		return fail(EXIT_USAGE, "--cgroup: %s: not an inode number", arg);
	if (ino) {
		err = kpage_cgroup_path(s->ctx, ino, &s->cgroup_dir);
	} else {
		s->cgroup_dir = xstrdup(arg);
		err = kpage_cgroup_ino(s->ctx, arg, &ino);
	}
	if (err == -EINVAL || err == -ENOTDIR)
		return fail(EXIT_FAILED, "--cgroup: %s: not a directory of a cgroup hierarchy", arg);
	if (!err) {
		s->cgroup = path_in_hierarchy(s->cgroup_dir);
		err = s->cgroup ? 0 : -errno;
	}
	return err ? fail_errno(err, "--cgroup: %s", arg) : EXIT_OK;
}

int scope_open(struct scope *s, struct kpage_ctx *ctx, const struct options *opt)
{
	struct process_list checked = { 0 };
	int status = tasks_resolve(ctx, opt, &checked);

	process_list_release(&checked);
	*s = (struct scope){ .ctx = ctx, .pids = &opt->pids };
	return !status && opt->cgroup ? resolve_cgroup(s, opt->cgroup) : status;
}

void scope_close(struct scope *s)
{
	free(s->cgroup_dir);
	free(s->cgroup);
	free(s->members);
}

/* ------------------------------------------------------------------ a snapshot */

struct adding {
	struct scope *scope;
	pid_t pid;
};

static int add_member(pid_t tid, void *arg)
{
	struct adding *a = arg;
	struct scope *s = a->scope;

	if (s->nr_members == MEMBERS_MAX)
		return 0;
	if (s->nr_members == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->members = xreallocarray(s->members, s->room, sizeof(*s->members));
	}
	s->members[s->nr_members++] = (struct member){ tid, a->pid };
	return 0;
}

static void add_process(struct scope *s, pid_t pid)
{
	struct adding a = { s, pid };

	threads_each(s->ctx, pid, add_member, &a);
}

static void add_processes_of(struct scope *s, const char *dir)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[PATH_MAX];
	int pid;

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= (int)sizeof(path))
		return;
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		if (!s->pids->n || is_listed(s->pids, pid))
			add_process(s, pid);
}

static void add_cgroup(struct scope *s)
{
	char *const roots[] = { s->cgroup_dir, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	const FTSENT *entry;

	while (fts && (entry = fts_read(fts)))
		if (entry->fts_info == FTS_D)
			add_processes_of(s, entry->fts_path);
	if (fts)
		fts_close(fts);
}

static int by_tid(const void *a, const void *b)
{
	pid_t x = ((const struct member *)a)->tid, y = ((const struct member *)b)->tid;

	return (x > y) - (x < y);
}

void scope_refresh(struct scope *s, uint64_t now_ns)
{
	if (scope_is_all(s) || (s->refreshed_ns && now_ns - s->refreshed_ns < REFRESH_NS))
		return;
	s->refreshed_ns = now_ns;
	s->nr_members = 0;
	if (s->cgroup)
		add_cgroup(s);
	for (size_t i = 0; !s->cgroup && i < s->pids->n; i++)
		add_process(s, s->pids->v[i]);
	if (s->nr_members)
		qsort(s->members, s->nr_members, sizeof(*s->members), by_tid);
}

static const struct member *find_member(const struct scope *s, pid_t tid)
{
	const struct member key = { .tid = tid };

	if (!s->nr_members)
		return NULL;
	return bsearch(&key, s->members, s->nr_members, sizeof(key), by_tid);
}

/* ------------------------------------------------------------------- questions */

static bool is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return !strcmp(top, "/") || (!strncmp(path, top, len) && (!path[len] || path[len] == '/'));
}

/* Of a task that lives. A zombie is in the root cgroup of v1, and in its own of v2. */
static bool is_in_cgroup(const struct scope *s, pid_t tid)
{
	_cleanup_free_ char *path = NULL;

	return !s->cgroup || (!kpage_cgroup_of_task(s->ctx, tid, &path) && is_below(path, s->cgroup));
}

bool scope_has_task(const struct scope *s, pid_t tid, pid_t *pid)
{
	const struct member *m = find_member(s, tid);
	struct kpage_task task;

	*pid = m ? m->pid : 0;
	if (!kpage_task_read(s->ctx, tid, &task))
		*pid = task.pid;
	if (m || scope_is_all(s))
		return true;
	/* Newer than the snapshot. */
	return *pid && (!s->pids->n || is_listed(s->pids, *pid)) && is_in_cgroup(s, tid);
}

bool scope_has_process(const struct scope *s, pid_t pid)
{
	pid_t its;

	return scope_is_all(s) || (pid && scope_has_task(s, pid, &its)) ||
	       (!s->cgroup && is_listed(s->pids, pid));
}
