// SPDX-License-Identifier: LGPL-2.1-or-later
/* Memory cgroups: a directory's inode is the number that the kernel counts pages by. */
#include "private.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static int stat_below(struct kpage_ctx *ctx, const char *path, struct stat *st)
{
	/* A relative path is the user's own, from his working directory. */
	int dir = path[0] == '/' ? ctx->root_fd : AT_FDCWD;

	if (path[0] == '/') {
		path += strspn(path, "/");
		if (!*path)
			path = ".";
	}
	return fstatat(dir, path, st, 0) ? -errno : 0;
}

static bool is_cgroup_fs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) &&
	       (fs.f_type == CGROUP2_SUPER_MAGIC || fs.f_type == CGROUP_SUPER_MAGIC);
}

KPAGE_EXPORT int kpage_cgroup_ino(struct kpage_ctx *ctx, const char *path, uint64_t *out)
{
	struct stat st;
	int err = stat_below(ctx, path, &st);

	if (err)
		return ctx_error(ctx, err, path);
	if (!S_ISDIR(st.st_mode))
		return ctx_error(ctx, -ENOTDIR, path);
	/* Any other directory has an inode too: /dev/shm that of the root cgroup. */
	if (ctx->live && !is_cgroup_fs(path))
		return ctx_error(ctx, -EINVAL, path);
	*out = st.st_ino;
	return 0;
}

static bool has_file(struct kpage_ctx *ctx, const char *dir, const char *name)
{
	char path[KPAGE_PATH_MAX];
	struct stat st;

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
	       !stat_below(ctx, path, &st);
}

KPAGE_EXPORT bool kpage_cgroup_has_memory(struct kpage_ctx *ctx, const char *path)
{
	/* The root of v2, whose pages are charged to it, has no cgroup.type; a root
	 * without memory.stat there is an old one (before 5.12). */
	return has_file(ctx, path, "memory.stat") ||
	       (has_file(ctx, path, "cgroup.controllers") && !has_file(ctx, path, "cgroup.type"));
}

/* NULL and errno. */
static DIR *open_directory(struct kpage_ctx *ctx, const char *path)
{
	int dir = path[0] == '/' ? ctx->root_fd : AT_FDCWD;
	int fd = openat(dir, path + (path[0] == '/' ? strspn(path, "/") : 0),
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0) {
		close(fd);
		errno = ENOMEM;
	}
	return d;
}

/* What is done with each directory; a nonzero return ends the walk, and is its result. */
typedef int (*visit_fn)(const char *dir, uint64_t ino, void *arg);

static int visit_below(struct kpage_ctx *ctx, const char *dir, visit_fn visit, void *arg);

static int visit_children(struct kpage_ctx *ctx, DIR *d, const char *dir, visit_fn visit, void *arg)
{
	struct dirent *entry;
	int err = 0;

	while (!err && (entry = readdir(d))) {
		_cleanup_free_ char *path = NULL;

		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		if (asprintf(&path, "%s/%s", dir, entry->d_name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		err = visit_below(ctx, path, visit, arg);
	}
	return err;
}

/* Depth first; a directory that goes away meanwhile is passed over. */
static int visit_below(struct kpage_ctx *ctx, const char *dir, visit_fn visit, void *arg)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct stat st;
	int err;

	err = stat_below(ctx, dir, &st) ? 0 : visit(dir, st.st_ino, arg);
	if (err)
		return err;
	d = open_directory(ctx, dir);
	if (!d)
		return errno == ENOMEM ? -ENOMEM : 0;
	return visit_children(ctx, d, dir, visit, arg);
}

KPAGE_EXPORT int kpage_cgroup_each(struct kpage_ctx *ctx,
				   int (*each)(const char *dir, uint64_t ino, void *arg), void *arg)
{
	/* v2 has a file of its own; the v1 memory hierarchy is known by its files. */
	static const struct {
		const char *type, *has;
	} hierarchies[] = {
		{ "cgroup2", "cgroup.controllers" },
		{ "cgroup", "memory.stat" },
	};
	char mount[KPAGE_PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++) {
		int err = ctx_find_mount(ctx, hierarchies[i].type, hierarchies[i].has, mount);

		if (!err)
			err = visit_below(ctx, mount, each, arg);
		if (err && err != -ENODEV && err != -ENOENT)
			return err;
	}
	return 0;
}

struct search {
	uint64_t ino;
	char *path;
};

static int compare_ino(const char *dir, uint64_t ino, void *arg)
{
	struct search *search = arg;

	if (ino != search->ino)
		return 0;
	search->path = strdup(dir);
	return search->path ? 1 : -ENOMEM;
}

KPAGE_EXPORT int kpage_cgroup_path(struct kpage_ctx *ctx, uint64_t ino, char **out)
{
	struct search search = { .ino = ino };
	int err = kpage_cgroup_each(ctx, compare_ino, &search);

	if (err <= 0)
		return err ? err : -ENOENT;
	*out = search.path;
	return 0;
}

struct inodes {
	uint64_t *v;
	size_t n;
};

static int add_inode(const char *dir, uint64_t ino, void *arg)
{
	struct inodes *set = arg;
	int err = array_grow(&set->v, set->n, sizeof(*set->v));

	(void)dir;
	if (!err)
		set->v[set->n++] = ino;
	return err;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

KPAGE_EXPORT int kpage_cgroup_subtree(struct kpage_ctx *ctx, const char *path, uint64_t **out,
				      size_t *n)
{
	struct inodes set = { 0 };
	uint64_t ino = 0;
	int err;

	err = kpage_cgroup_ino(ctx, path, &ino);
	if (!err)
		err = visit_below(ctx, path, add_inode, &set);
	/* Removed since: what is charged to it is still charged to it. */
	if (!err && !set.n)
		err = add_inode(path, ino, &set);
	if (err) {
		free(set.v);
		return err;
	}
	qsort(set.v, set.n, sizeof(*set.v), by_number);
	*out = set.v;
	*n = set.n;
	return 0;
}

/* Whether one of the controllers "a,b,c" is the memory controller. */
static bool has_memory_controller(const char *controllers)
{
	static const char memory[] = "memory";
	const size_t len = sizeof(memory) - 1;

	for (const char *p = controllers; *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == len && !strncmp(p, memory, len))
			return true;
	return false;
}

/* "HIERARCHY:CONTROLLERS:PATH"; v2 is hierarchy 0, without a controller. Returns the
 * path, and whether it is that of v1. */
static char *memory_path(char *line, bool *v1)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return NULL;
	*path++ = '\0';
	*controllers++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	*v1 = has_memory_controller(controllers);
	return *v1 || (!*controllers && !strcmp(line, "0")) ? path : NULL;
}

KPAGE_EXPORT int kpage_cgroup_of_task(struct kpage_ctx *ctx, pid_t tid, char **out)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	_cleanup_free_ char *found = NULL;
	bool v1 = false;
	size_t size = 0;
	int err;

	err = ctx_fopenf(ctx, &f, "/proc/%d/cgroup", (int)tid);
	if (err)
		return task_errno(err);
	while (!v1 && getline(&line, &size, f) > 0) {
		const char *path = memory_path(line, &v1);

		if (!path)
			continue;
		free(found);
		found = strdup(path);
		if (!found)
			return -ENOMEM;
	}
	if (!found)
		return -ENOENT;
	*out = TAKE_PTR(found);
	return 0;
}
