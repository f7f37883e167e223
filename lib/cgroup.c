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

/* Depth first; a directory that goes away meanwhile is passed over. */
static int find_below(struct kpage_ctx *ctx, const char *dir, uint64_t ino, char **out)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *entry;
	struct stat st;
	int fd;

	if (!stat_below(ctx, dir, &st) && st.st_ino == ino) {
		*out = strdup(dir);
		return *out ? 0 : -ENOMEM;
	}
	fd = openat(ctx->root_fd, dir + strspn(dir, "/"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(d))) {
		_cleanup_free_ char *path = NULL;
		int err;

		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		if (asprintf(&path, "%s/%s", dir, entry->d_name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		err = find_below(ctx, path, ino, out);
		if (err != -ENOENT)
			return err;
	}
	return -ENOENT;
}

KPAGE_EXPORT int kpage_cgroup_path(struct kpage_ctx *ctx, uint64_t ino, char **out)
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
			err = find_below(ctx, mount, ino, out);
		if (err != -ENOENT && err != -ENODEV)
			return err;
	}
	return -ENOENT;
}
