// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files with one 64-bit entry a page: /proc/kpage*, a dump of one, pagemap. */
#include "dump.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRY sizeof(uint64_t)

struct kpage_file {
	int fd;
	uint64_t pages;		/* of a dump */
	struct kpage_dump *dump;/* NULL: the file itself has the entries */
	enum kpage_source source;	/* the column of the dump */
	char path[];
};

static int file_new(int fd, const char *path, uint64_t pages, struct kpage_file **out)
{
	struct kpage_file *f = malloc(sizeof(*f) + strlen(path) + 1);

	if (!f) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	f->fd = fd;
	f->pages = pages;
	f->dump = NULL;
	f->source = KPAGE_SOURCE_FLAGS;
	strcpy(f->path, path);
	*out = f;
	return 0;
}

/* In a tree of copies the files are regular: they are dumps. */
static int copy_pages(struct kpage_ctx *ctx, int fd, const char *path, uint64_t *pages)
{
	struct stat st;

	*pages = 0;
	if (fstat(fd, &st))
		return ctx_error(ctx, -errno, path);
	if (S_ISDIR(st.st_mode))
		return ctx_error(ctx, -EISDIR, path);
	if (!S_ISREG(st.st_mode))
		return 0;
	if ((uint64_t)st.st_size % ENTRY)
		return ctx_error(ctx, -EUCLEAN, path);
	*pages = (uint64_t)st.st_size / ENTRY;
	return 0;
}

static int file_adopt(struct kpage_ctx *ctx, int fd, const char *path, struct kpage_file **out)
{
	uint64_t pages;
	int err;

	if (fd < 0)
		return fd;
	err = copy_pages(ctx, fd, path, &pages);
	if (err) {
		close(fd);
		return err;
	}
	return file_new(fd, path, pages, out);
}

KPAGE_EXPORT int kpage_file_open(struct kpage_ctx *ctx, enum kpage_source source,
				 struct kpage_file **out)
{
	static const char *const paths[] = {
		[KPAGE_SOURCE_FLAGS] = "/proc/kpageflags",
		[KPAGE_SOURCE_COUNT] = "/proc/kpagecount",
		[KPAGE_SOURCE_CGROUP] = "/proc/kpagecgroup",
	};

	return file_adopt(ctx, ctx_open(ctx, paths[source], O_RDONLY), paths[source], out);
}

int file_of_dump(struct kpage_dump *d, enum kpage_source source, struct kpage_file **out)
{
	int err = file_new(-1, dump_path(d), dump_end(d), out);

	if (err)
		return err;
	(*out)->dump = dump_ref(d);
	(*out)->source = source;
	return 0;
}

static int open_flags_of_dump(struct kpage_ctx *ctx, int fd, const char *path,
			      struct kpage_file **out)
{
	struct kpage_dump *dump = NULL;
	int err = dump_adopt(ctx, fd, path, &dump);

	if (err)
		return err;
	/* The file has a reference of its own. */
	err = file_of_dump(dump, KPAGE_SOURCE_FLAGS, out);
	kpage_dump_free(dump);
	return err;
}

KPAGE_EXPORT int kpage_file_open_dump(struct kpage_ctx *ctx, const char *path,
				      struct kpage_file **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	int is_dump;

	if (fd < 0)
		return ctx_error(ctx, -errno, path);
	is_dump = dump_probe(fd);
	/* What can't be looked into (a directory) is reported as a file of entries is. */
	if (is_dump <= 0)
		return file_adopt(ctx, fd, path, out);
	return open_flags_of_dump(ctx, fd, path, out);
}

static int open_pagemap(struct kpage_ctx *ctx, pid_t tid, struct kpage_file **out)
{
	char path[KPAGE_PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)tid);
	return task_errno(file_adopt(ctx, ctx_open(ctx, path, O_RDONLY), path, out));
}

KPAGE_EXPORT int kpage_file_open_pagemap(struct kpage_ctx *ctx, pid_t pid, struct kpage_file **out)
{
	struct kpage_file *own = NULL;
	uint64_t entry;
	pid_t other;
	int err = open_pagemap(ctx, pid, &own);

	if ((err && err != -ESRCH) || (!err && kpage_file_read(own, 0, &entry, 1) != 0) ||
	    !task_has_other(ctx, pid, &other)) {
		*out = own;
		return err;
	}
	kpage_file_free(own);
	return open_pagemap(ctx, other, out);
}

KPAGE_EXPORT void kpage_file_free(struct kpage_file *f)
{
	if (!f)
		return;
	kpage_dump_free(f->dump);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

int file_fd(const struct kpage_file *f)
{
	return f->fd;
}

KPAGE_EXPORT const char *kpage_file_path(const struct kpage_file *f)
{
	return f->path;
}

KPAGE_EXPORT uint64_t kpage_file_pages(const struct kpage_file *f)
{
	return f->pages;
}

KPAGE_EXPORT bool kpage_file_next(const struct kpage_file *f, uint64_t index,
				  struct kpage_range *out)
{
	uint64_t end = f->pages ? f->pages : UINT64_MAX;

	if (f->dump)
		return dump_next(f->dump, index, out);
	if (index >= end)
		return false;
	*out = (struct kpage_range){ index, end };
	return true;
}

KPAGE_EXPORT ssize_t kpage_file_read(const struct kpage_file *f, uint64_t index, uint64_t *buf,
				     size_t n)
{
	size_t want, done = 0;

	if (f->dump)
		return dump_read(f->dump, f->source, index, buf, n);
	if (index > (uint64_t)INT64_MAX / ENTRY)
		return 0;
	/* Past this the offset itself would overflow. */
	want = (size_t)MIN((uint64_t)n, (uint64_t)INT64_MAX / ENTRY - index) * ENTRY;
	while (done < want) {
		ssize_t got = pread(f->fd, (char *)buf + done, want - done,
				    (off_t)(index * ENTRY + done));

		if (got < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (got == 0)
			break;
		done += (size_t)got;
		/* /proc only takes whole entries: a part of one can't be completed. */
		if (done % ENTRY && !f->pages)
			return -EUCLEAN;
	}
	if (done % ENTRY)
		return -EUCLEAN;
	if (f->pages && done < want && index + done / ENTRY < f->pages)
		return -ENODATA;
	return (ssize_t)(done / ENTRY);
}

/*
 * How many entries from `index` on one read serves. Pages that were allocated
 * together lie together, ascending, descending or mixed; a read costs a system
 * call, an entry that nobody wants costs the kernel some tens of instructions.
 * So a read may take up to twice the pages that it is for, and a few.
 */
static size_t clump(const uint64_t *index, size_t n, uint64_t *first, size_t *span)
{
	uint64_t low = index[0], high = index[0];
	size_t i;

	for (i = 1; i < n; i++) {
		uint64_t new_low = MIN(low, index[i]), new_high = MAX(high, index[i]);

		if (new_high - new_low >= KPAGE_BATCH || new_high - new_low > 2 * i + 16)
			break;
		low = new_low;
		high = new_high;
	}
	*first = low;
	*span = (size_t)(high - low) + 1;
	return i;
}

KPAGE_EXPORT int kpage_file_gather(const struct kpage_file *f, const uint64_t *index, size_t n,
				   uint64_t *out, uint64_t *scratch)
{
	size_t done = 0;

	while (done < n) {
		uint64_t first;
		size_t span, take = clump(index + done, n - done, &first, &span);
		ssize_t got = kpage_file_read(f, first, scratch, span);

		if (got < 0)
			return (int)got;
		for (size_t i = done; i < done + take; i++) {
			if (index[i] - first >= (uint64_t)got)
				return -ENODATA;
			out[i] = scratch[index[i] - first];
		}
		done += take;
	}
	return 0;
}

KPAGE_EXPORT uint64_t kpage_pagemap_poison_candidate(uint64_t entry)
{
	/* SWP_HWPOISON is one of the reserved types at the top of 32 (include/linux/swap.h);
	 * 31 are markers, which carry bits and no PFN. */
	unsigned int type = kpage_pagemap_swap_type(entry);

	if (!(entry & KPAGE_PM_SWAP) || (entry & KPAGE_PM_PRESENT) || type < 23 || type == 31)
		return 0;
	return kpage_pagemap_swap_offset(entry);
}
