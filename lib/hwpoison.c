// SPDX-License-Identifier: LGPL-2.1-or-later
/* The files of the hwpoison-inject module in debugfs. */
#include "private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>

struct kpage_hwpoison {
	struct kpage_ctx *ctx;
	int corrupt_fd, unpoison_fd;	/* opened when first needed */
	char dir[KPAGE_PATH_MAX];
};

KPAGE_EXPORT int kpage_hwpoison_open(struct kpage_ctx *ctx, struct kpage_hwpoison **out)
{
	struct kpage_hwpoison *hp = calloc(1, sizeof(*hp));
	char mount[KPAGE_PATH_MAX];
	size_t len;
	int err;

	if (!hp)
		return -ENOMEM;
	hp->ctx = ctx;
	hp->corrupt_fd = hp->unpoison_fd = -1;
	err = ctx_find_mount(ctx, "debugfs", "hwpoison", mount);
	if (err == -ENOENT)
		err = -ENODEV;	/* no /proc/mounts */
	/* Without the right to look into debugfs (mode 0700) nothing is found there. */
	if (err == -ENODEV && !ctx_find_mount(ctx, "debugfs", "", mount)) {
		err = faccessat(ctx->root_fd, mount + strspn(mount, "/"), X_OK, AT_EACCESS) ?
			      -errno : -ENOENT;
		ctx_error(ctx, err, mount);
	}
	if (err) {
		free(hp);
		return err;
	}
	len = strlen(mount);
	memcpy(hp->dir, mount, MIN(len, sizeof(hp->dir) - sizeof("/hwpoison")));
	strcat(hp->dir, "/hwpoison");
	*out = hp;
	return 0;
}

KPAGE_EXPORT void kpage_hwpoison_free(struct kpage_hwpoison *hp)
{
	if (!hp)
		return;
	if (hp->corrupt_fd >= 0)
		close(hp->corrupt_fd);
	if (hp->unpoison_fd >= 0)
		close(hp->unpoison_fd);
	free(hp);
}

KPAGE_EXPORT const char *kpage_hwpoison_dir(const struct kpage_hwpoison *hp)
{
	return hp->dir;
}

static int file_error(struct kpage_hwpoison *hp, int err, const char *name)
{
	char path[KPAGE_PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", hp->dir, name);
	return ctx_error(hp->ctx, err, path);
}

static int open_file(struct kpage_hwpoison *hp, const char *name, int flags)
{
	int fd = ctx_openf(hp->ctx, flags, "%s/%s", hp->dir, name);

	/* A tree of copies that leads to the real files is none. */
	if (fd >= 0 && ctx_is_foreign(hp->ctx, fd, DEBUGFS_MAGIC)) {
		close(fd);
		return ctx_error(hp->ctx, -EXDEV, hp->dir);
	}
	return fd;
}

static int write_pfn(struct kpage_hwpoison *hp, int *fd, const char *name, uint64_t pfn)
{
	int err;

	if (pfn == 0)
		return -EINVAL;
	if (*fd < 0) {
		int opened = open_file(hp, name, O_WRONLY);

		if (opened < 0)
			return opened;
		*fd = opened;
	}
	err = number_write(*fd, pfn);
	return err ? file_error(hp, err, name) : 0;
}

KPAGE_EXPORT int kpage_hwpoison_inject(struct kpage_hwpoison *hp, uint64_t pfn)
{
	return write_pfn(hp, &hp->corrupt_fd, "corrupt-pfn", pfn);
}

KPAGE_EXPORT int kpage_hwpoison_unpoison(struct kpage_hwpoison *hp, uint64_t pfn)
{
	return write_pfn(hp, &hp->unpoison_fd, "unpoison-pfn", pfn);
}

/* ------------------------------------------------------------------ filters */

enum filter_file { ENABLE, DEV_MAJOR, DEV_MINOR, FLAGS_MASK, FLAGS_VALUE, MEMCG, NR_FILTERS };

static const char *const filter_files[NR_FILTERS] = {
	[ENABLE] = "corrupt-filter-enable",
	[DEV_MAJOR] = "corrupt-filter-dev-major",
	[DEV_MINOR] = "corrupt-filter-dev-minor",
	[FLAGS_MASK] = "corrupt-filter-flags-mask",
	[FLAGS_VALUE] = "corrupt-filter-flags-value",
	[MEMCG] = "corrupt-filter-memcg",
};

static int read_value(struct kpage_hwpoison *hp, enum filter_file i, uint64_t *out)
{
	_cleanup_close_ int fd = open_file(hp, filter_files[i], O_RDONLY);
	char text[32];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return file_error(hp, -errno, filter_files[i]);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return kpage_number_parse(text, out) ? file_error(hp, -EUCLEAN, filter_files[i]) : 0;
}

/* CONFIG_MEMCG=n: the file is not there, and the kernel asks for nothing. */
static bool is_missing_memcg(enum filter_file i, int err)
{
	return err == -ENOENT && i == MEMCG;
}

KPAGE_EXPORT int kpage_hwpoison_filter_read(struct kpage_hwpoison *hp,
					    struct kpage_hwpoison_filter *out)
{
	uint64_t v[NR_FILTERS] = { 0 };
	bool has_memcg = true;

	for (enum filter_file i = 0; i < NR_FILTERS; i++) {
		int err = read_value(hp, i, &v[i]);

		if (is_missing_memcg(i, err))
			has_memcg = false;
		else if (err)
			return err;
	}
	*out = (struct kpage_hwpoison_filter){
		.enable = v[ENABLE] != 0,
		.dev_major = (uint32_t)v[DEV_MAJOR],
		.dev_minor = (uint32_t)v[DEV_MINOR],
		.flags_mask = v[FLAGS_MASK],
		.flags_value = v[FLAGS_VALUE],
		.memcg = v[MEMCG],
		.has_memcg = has_memcg,
	};
	return 0;
}

static int write_value(struct kpage_hwpoison *hp, enum filter_file i, uint64_t value)
{
	_cleanup_close_ int fd = open_file(hp, filter_files[i], O_WRONLY | O_TRUNC);
	uint64_t now = 0;
	int err;

	if (is_missing_memcg(i, fd))
		return value ? -EOPNOTSUPP : 0;
	if (fd < 0)
		return fd;
	err = number_write(fd, value);
	if (!err)
		err = read_value(hp, i, &now);
	if (!err && now != value)
		err = -EIO;
	return err ? file_error(hp, err, filter_files[i]) : 0;
}

KPAGE_EXPORT int kpage_hwpoison_filter_write(struct kpage_hwpoison *hp,
					     const struct kpage_hwpoison_filter *f)
{
	const uint64_t v[NR_FILTERS] = {
		[DEV_MAJOR] = f->dev_major,
		[DEV_MINOR] = f->dev_minor,
		[FLAGS_MASK] = f->flags_mask,
		[FLAGS_VALUE] = f->flags_value,
		[MEMCG] = f->memcg,
	};
	int err = 0;

	/* Off first, on last: the kernel never judges by half a filter. */
	for (enum filter_file i = 0; !err && i < NR_FILTERS; i++)
		err = write_value(hp, i, v[i]);
	if (!err && f->enable)
		err = write_value(hp, ENABLE, 1);
	return err;
}

KPAGE_EXPORT bool kpage_hwpoison_filter_is_set(const struct kpage_hwpoison_filter *f)
{
	return f->dev_major != UINT32_MAX || f->dev_minor != UINT32_MAX || f->flags_mask || f->memcg;
}

KPAGE_EXPORT int kpage_hardware_corrupted(struct kpage_ctx *ctx, uint64_t *kb)
{
	_cleanup_fclose_ FILE *f = NULL;
	char line[128];
	int err;

	err = ctx_fopenf(ctx, &f, "/proc/meminfo");
	if (err)
		return err;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "HardwareCorrupted: %" SCNu64, kb) == 1)
			return 0;
	return ctx_error(ctx, -ENOENT, "/proc/meminfo");
}
