// SPDX-License-Identifier: LGPL-2.1-or-later
/* Memory failure without the hwpoison-inject module: offlining by sysfs, the counters
 * of the nodes, and memory blocks that are offline. */
#include "private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>

#define MEMORY MEMORY_DIR

/* sysfs wants the address of the first byte, in contrast to debugfs. */
static int write_address(struct kpage_ctx *ctx, const char *path, uint64_t pfn)
{
	_cleanup_close_ int fd = -1;
	uint64_t address;
	int err;

	if (pfn == 0)
		return -EINVAL;
	if (__builtin_mul_overflow(pfn, kpage_page_size(), &address))
		return ctx_error(ctx, -ENXIO, path);
	fd = ctx_open(ctx, path, O_WRONLY);
	if (fd < 0)
		return fd;
	if (ctx_is_foreign(ctx, fd, SYSFS_MAGIC))
		return ctx_error(ctx, -EXDEV, path);
	err = number_write(fd, address);
	return err ? ctx_error(ctx, err, path) : 0;
}

KPAGE_EXPORT int kpage_offline_hard(struct kpage_ctx *ctx, uint64_t pfn)
{
	return write_address(ctx, MEMORY "/hard_offline_page", pfn);
}

KPAGE_EXPORT int kpage_offline_soft(struct kpage_ctx *ctx, uint64_t pfn)
{
	return write_address(ctx, MEMORY "/soft_offline_page", pfn);
}

static int read_number(struct kpage_ctx *ctx, const char *path, uint64_t *out)
{
	char text[32];
	int err = kpage_ctx_read_line(ctx, path, text, sizeof(text));

	if (err)
		return err;
	return kpage_number_parse(text, out) ? ctx_error(ctx, -EUCLEAN, path) : 0;
}

KPAGE_EXPORT int kpage_offline_check(struct kpage_ctx *ctx)
{
	static const char path[] = MEMORY "/hard_offline_page";

	if (!ctx_exists(ctx, path))
		return ctx_error(ctx, -ENOENT, path);
	return faccessat(ctx->root_fd, path + 1, W_OK, AT_EACCESS) ? ctx_error(ctx, -errno, path) : 0;
}

static int setting_path(struct kpage_ctx *ctx, const char *name, char path[static KPAGE_PATH_MAX])
{
	if (snprintf(path, KPAGE_PATH_MAX, "/proc/sys/vm/%s", name) >= KPAGE_PATH_MAX)
		return ctx_error(ctx, -ENAMETOOLONG, name);
	return 0;
}

KPAGE_EXPORT int kpage_failure_setting(struct kpage_ctx *ctx, const char *name, uint64_t *out)
{
	char path[KPAGE_PATH_MAX];
	int err = setting_path(ctx, name, path);

	return err ? err : read_number(ctx, path, out);
}

KPAGE_EXPORT int kpage_failure_setting_write(struct kpage_ctx *ctx, const char *name,
					     uint64_t value)
{
	char path[KPAGE_PATH_MAX];
	_cleanup_close_ int fd = -1;
	uint64_t now;
	int err = setting_path(ctx, name, path);

	if (err)
		return err;
	fd = ctx_open(ctx, path, O_WRONLY);
	if (fd < 0)
		return fd;
	if (ctx_is_foreign(ctx, fd, PROC_SUPER_MAGIC))
		return ctx_error(ctx, -EXDEV, path);
	err = number_write(fd, value);
	if (err)
		return ctx_error(ctx, err, path);
	err = read_number(ctx, path, &now);
	if (err)
		return err;
	return now == value ? 0 : ctx_error(ctx, -EIO, path);
}

KPAGE_EXPORT int kpage_node_failures(struct kpage_ctx *ctx, unsigned int node,
				     struct kpage_node_failures *out)
{
	struct kpage_node_failures f = { 0 };
	const struct {
		const char *name;
		uint64_t *value;
	} files[] = {
		{ "total", &f.total },	   { "ignored", &f.ignored },
		{ "failed", &f.failed },   { "delayed", &f.delayed },
		{ "recovered", &f.recovered },
	};
	char path[KPAGE_PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int err;

		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/memory_failure/%s",
			 node, files[i].name);
		err = read_number(ctx, path, files[i].value);
		if (err)
			return err;
	}
	*out = f;
	return 0;
}

/* In contrast to nearly all of sysfs, a hexadecimal number without 0x. */
int block_size_read(struct kpage_ctx *ctx, uint64_t *out)
{
	const char *path = MEMORY "/block_size_bytes";
	char text[32];
	int end = 0, err = kpage_ctx_read_line(ctx, path, text, sizeof(text));

	if (err)
		return err;
	if (sscanf(text, "%" SCNx64 "%n", out, &end) != 1 || text[end] || *out < kpage_page_size())
		return ctx_error(ctx, -EUCLEAN, path);
	return 0;
}

KPAGE_EXPORT int kpage_block_is_offline(struct kpage_ctx *ctx, uint64_t pfn)
{
	char path[KPAGE_PATH_MAX], state[32];
	uint64_t size;
	int err = block_size_read(ctx, &size);

	if (err)
		return err;
	snprintf(path, sizeof(path), MEMORY "/memory%" PRIu64 "/state",
		 pfn / (size / kpage_page_size()));
	err = kpage_ctx_read_line(ctx, path, state, sizeof(state));
	if (err)
		return err == -ENOENT ? ctx_error(ctx, -ENXIO, path) : err;
	/* "going-offline": its pages are being emptied. */
	return strcmp(state, "online") != 0;
}
