// SPDX-License-Identifier: LGPL-2.1-or-later
/* The context: where the machine's files are, and which of them failed last. */
#include "private.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <mntent.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

static bool is_root(int fd)
{
	struct stat here, root;

	return !fstat(fd, &here) && !stat("/", &root) && here.st_dev == root.st_dev &&
	       here.st_ino == root.st_ino;
}

KPAGE_EXPORT int kpage_ctx_new(const char *root, struct kpage_ctx **out)
{
	struct kpage_ctx *ctx;

	if (!root)
		root = "/";
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	ctx->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ctx->root_fd < 0) {
		int err = -errno;

		free(ctx);
		return err;
	}
	ctx->live = is_root(ctx->root_fd);
	*out = ctx;
	return 0;
}

KPAGE_EXPORT void kpage_ctx_free(struct kpage_ctx *ctx)
{
	if (!ctx)
		return;
	close(ctx->root_fd);
	free(ctx->resent);
	free(ctx);
}

KPAGE_EXPORT int kpage_ctx_clone(const struct kpage_ctx *ctx, struct kpage_ctx **out)
{
	struct kpage_ctx *clone = calloc(1, sizeof(*clone));

	if (!clone)
		return -ENOMEM;
	clone->live = ctx->live;
	clone->root_fd = fcntl(ctx->root_fd, F_DUPFD_CLOEXEC, 0);
	if (clone->root_fd < 0) {
		int err = -errno;

		free(clone);
		return err;
	}
	*out = clone;
	return 0;
}

KPAGE_EXPORT bool kpage_ctx_is_live(const struct kpage_ctx *ctx)
{
	return ctx->live;
}

KPAGE_EXPORT const char *kpage_ctx_error_path(const struct kpage_ctx *ctx)
{
	return ctx->error_path;
}

KPAGE_EXPORT uint64_t kpage_page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

KPAGE_EXPORT const char *kpage_version(void)
{
	return PACKAGE_VERSION;
}

int ctx_error(struct kpage_ctx *ctx, int err, const char *path)
{
	snprintf(ctx->error_path, sizeof(ctx->error_path), "%s", path);
	return err;
}

/* In a tree of copies an absolute symbolic link means the tree, not the machine. */
static int open_below(const struct kpage_ctx *ctx, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned int)flags, .resolve = RESOLVE_IN_ROOT };

	if (!*path)
		path = ".";
	if (ctx->live)
		return openat(ctx->root_fd, path, flags);
	return (int)syscall(SYS_openat2, ctx->root_fd, path, &how, sizeof(how));
}

int ctx_open(struct kpage_ctx *ctx, const char *path, int flags)
{
	int fd = open_below(ctx, path + strspn(path, "/"), flags | O_CLOEXEC);

	return fd < 0 ? ctx_error(ctx, -errno, path) : fd;
}

KPAGE_EXPORT int kpage_ctx_open(struct kpage_ctx *ctx, const char *path, int flags)
{
	return ctx_open(ctx, path, flags);
}

static int format_path(char path[static KPAGE_PATH_MAX], const char *fmt, va_list ap)
{
	int n = vsnprintf(path, KPAGE_PATH_MAX, fmt, ap);

	return n < KPAGE_PATH_MAX ? 0 : -ENAMETOOLONG;
}

int ctx_openf(struct kpage_ctx *ctx, int flags, const char *fmt, ...)
{
	char path[KPAGE_PATH_MAX];
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = format_path(path, fmt, ap);
	va_end(ap);
	return err ? ctx_error(ctx, err, fmt) : ctx_open(ctx, path, flags);
}

int ctx_fopenf(struct kpage_ctx *ctx, FILE **out, const char *fmt, ...)
{
	char path[KPAGE_PATH_MAX];
	va_list ap;
	int err, fd;
	FILE *f;

	va_start(ap, fmt);
	err = format_path(path, fmt, ap);
	va_end(ap);
	if (err)
		return ctx_error(ctx, err, fmt);
	fd = ctx_open(ctx, path, O_RDONLY);
	if (fd < 0)
		return fd;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return ctx_error(ctx, -ENOMEM, path);
	}
	*out = f;
	return 0;
}

int ctx_opendirf(struct kpage_ctx *ctx, DIR **out, const char *fmt, ...)
{
	char path[KPAGE_PATH_MAX];
	va_list ap;
	int err, fd;
	DIR *d;

	va_start(ap, fmt);
	err = format_path(path, fmt, ap);
	va_end(ap);
	if (err)
		return ctx_error(ctx, err, fmt);
	fd = ctx_open(ctx, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return ctx_error(ctx, -ENOMEM, path);
	}
	*out = d;
	return 0;
}

int array_grow(void *array, size_t n, size_t size)
{
	void **p = array, *more;

	if (n & (n - 1))
		return 0;
	more = reallocarray(*p, n ? 2 * n : 1, size);
	if (!more)
		return -ENOMEM;
	*p = more;
	return 0;
}

bool entry_number(const char *name, const char *prefix, uint64_t *out)
{
	size_t len = strlen(prefix);

	if (strncmp(name, prefix, len) != 0)
		return false;
	name += len;
	/* Plain decimal, as the kernel writes it. */
	if (name[0] < '0' || name[0] > '9' || (name[0] == '0' && name[1]))
		return false;
	return strspn(name, "0123456789") == strlen(name) && !kpage_number_parse(name, out);
}

bool ctx_exists(struct kpage_ctx *ctx, const char *path)
{
	_cleanup_close_ int fd = open_below(ctx, path + strspn(path, "/"), O_PATH | O_CLOEXEC);

	return fd >= 0;
}

bool ctx_is_foreign(const struct kpage_ctx *ctx, int fd, long magic)
{
	struct statfs fs;

	return !ctx->live && !fstatfs(fd, &fs) && fs.f_type == magic;
}

int ctx_find_mount(struct kpage_ctx *ctx, const char *type, const char *has,
		   char out[static KPAGE_PATH_MAX])
{
	_cleanup_fclose_ FILE *mounts = NULL;
	char line[4096], path[KPAGE_PATH_MAX];
	struct mntent entry;
	int err, n;

	err = ctx_fopenf(ctx, &mounts, "/proc/mounts");
	if (err)
		return err;
	while (getmntent_r(mounts, &entry, line, sizeof(line))) {
		if (strcmp(entry.mnt_type, type) != 0)
			continue;
		n = snprintf(path, sizeof(path), "%s%s%s", entry.mnt_dir, *has ? "/" : "", has);
		if (n >= (int)sizeof(path) || !ctx_exists(ctx, path))
			continue;
		snprintf(out, KPAGE_PATH_MAX, "%.*s", (int)strlen(entry.mnt_dir), path);
		return 0;
	}
	return ctx_error(ctx, -ENODEV, type);
}

KPAGE_EXPORT int kpage_ctx_read_line(struct kpage_ctx *ctx, const char *path, char *buf,
				     size_t size)
{
	_cleanup_close_ int fd = ctx_open(ctx, path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return ctx_error(ctx, -errno, path);
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int task_errno(int err)
{
	return err == -ENOENT ? -ESRCH : err;
}
