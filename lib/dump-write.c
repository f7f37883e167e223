// SPDX-License-Identifier: LGPL-2.1-or-later
/* Writes a dump: blocks of pages as they come, and the index behind them. */
#include "dump.h"

#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <zstd.h>

/* Flags compress to a few percent at any level; the higher ones only take longer. */
#define LEVEL 3

struct kpage_dump_writer {
	int fd;
	ZSTD_CCtx *zstd;
	uint64_t at;			/* bytes written */
	struct dump_meta meta;
	struct dump_block *blocks;
	char *cgroups;
	uint64_t pfn;			/* of the block that is being filled */
	size_t pages;
	uint64_t *columns[DUMP_COLUMNS];/* NULL: not wanted */
	void *frame;			/* room for a compressed column */
	size_t frame_size;
	bool failed;			/* what is written has a gap */
};

static int write_all(struct kpage_dump_writer *w, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(w->fd, (const char *)data + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	w->at += size;
	return 0;
}

static int write_header(struct kpage_dump_writer *w)
{
	struct dump_header header = {
		.order = DUMP_ORDER,
		.version = DUMP_VERSION,
		.page_size = kpage_page_size(),
	};

	memcpy(header.magic, DUMP_MAGIC, DUMP_MAGIC_SIZE);
	return write_all(w, &header, sizeof(header));
}

static int allocate(struct kpage_dump_writer *w)
{
	const size_t size = DUMP_BLOCK * sizeof(uint64_t);

	for (size_t i = 0; i < DUMP_COLUMNS; i++) {
		if (!(w->meta.columns & 1u << i))
			continue;
		w->columns[i] = malloc(size);
		if (!w->columns[i])
			return -ENOMEM;
	}
	w->frame_size = ZSTD_compressBound(size);
	w->frame = malloc(w->frame_size);
	w->zstd = ZSTD_createCCtx();
	if (!w->frame || !w->zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1)))
		return -ENOMEM;
	return 0;
}

KPAGE_EXPORT int kpage_dump_writer_new(int fd, bool mapcount, bool cgroup, const char *release,
				       struct kpage_dump_writer **out)
{
	struct kpage_dump_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->fd = fd;
	w->meta.columns = 1u << KPAGE_SOURCE_FLAGS | (unsigned int)mapcount << KPAGE_SOURCE_COUNT |
			  (unsigned int)cgroup << KPAGE_SOURCE_CGROUP;
	w->meta.time = time(NULL);
	snprintf(w->meta.release, sizeof(w->meta.release), "%s", release);
	err = allocate(w);
	if (!err)
		err = write_header(w);
	if (err) {
		kpage_dump_writer_free(w);
		return err;
	}
	*out = w;
	return 0;
}

KPAGE_EXPORT void kpage_dump_writer_free(struct kpage_dump_writer *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < DUMP_COLUMNS; i++)
		free(w->columns[i]);
	ZSTD_freeCCtx(w->zstd);
	free(w->frame);
	free(w->blocks);
	free(w->cgroups);
	free(w);
}

static int write_column(struct kpage_dump_writer *w, const uint64_t *column, uint64_t *size)
{
	size_t n = ZSTD_compress2(w->zstd, w->frame, w->frame_size, column,
				  w->pages * sizeof(*column));

	if (ZSTD_isError(n))
		return -ENOMEM;
	*size = n;
	return write_all(w, w->frame, n);
}

static int write_block(struct kpage_dump_writer *w)
{
	struct dump_block block = { .pfn = w->pfn, .pages = w->pages, .offset = w->at };
	int err;

	if (!w->pages)
		return 0;
	err = array_grow(&w->blocks, w->meta.blocks, sizeof(*w->blocks));
	for (size_t i = 0; !err && i < DUMP_COLUMNS; i++)
		if (w->columns[i])
			err = write_column(w, w->columns[i], &block.size[i]);
	if (err)
		return err;
	w->blocks[w->meta.blocks++] = block;
	w->pages = 0;
	return 0;
}

/* As many as fit into the block. */
static size_t fill(struct kpage_dump_writer *w, uint64_t pfn, size_t n, const uint64_t *const *from)
{
	size_t take = MIN(n, DUMP_BLOCK - w->pages);

	if (!w->pages)
		w->pfn = pfn;
	for (size_t i = 0; i < DUMP_COLUMNS; i++)
		if (w->columns[i] && from[i])
			memcpy(w->columns[i] + w->pages, from[i], take * sizeof(*from[i]));
	w->pages += take;
	return take;
}

KPAGE_EXPORT int kpage_dump_write(struct kpage_dump_writer *w, uint64_t pfn, size_t n,
				  const uint64_t *flags, const uint64_t *mapcount,
				  const uint64_t *cgroup)
{
	const uint64_t *from[DUMP_COLUMNS] = {
		[KPAGE_SOURCE_FLAGS] = flags,
		[KPAGE_SOURCE_COUNT] = mapcount,
		[KPAGE_SOURCE_CGROUP] = cgroup,
	};
	uint64_t end = w->pfn + w->pages;
	int err = 0;

	for (size_t i = 0; i < DUMP_COLUMNS; i++)
		if (w->columns[i] && !from[i])
			return -EINVAL;
	if (w->pages && pfn != end)
		err = pfn < end ? -EINVAL : write_block(w);
	else if (w->meta.blocks && !w->pages && pfn < w->pfn + w->blocks[w->meta.blocks - 1].pages)
		err = -EINVAL;
	while (!err && n) {
		size_t take = fill(w, pfn, n, from);

		pfn += take;
		n -= take;
		for (size_t i = 0; i < DUMP_COLUMNS; i++)
			if (from[i])
				from[i] += take;
		if (w->pages == DUMP_BLOCK)
			err = write_block(w);
	}
	w->failed |= err != 0;
	return err;
}

KPAGE_EXPORT int kpage_dump_write_cgroup(struct kpage_dump_writer *w, uint64_t ino, const char *path)
{
	size_t size = sizeof(ino) + strlen(path) + 1;
	char *all = realloc(w->cgroups, w->meta.cgroups_size + size);

	if (!all)
		return -ENOMEM;
	memcpy(all + w->meta.cgroups_size, &ino, sizeof(ino));
	strcpy(all + w->meta.cgroups_size + sizeof(ino), path);
	w->cgroups = all;
	w->meta.cgroups_size += size;
	w->meta.cgroups++;
	return 0;
}

static int write_index(struct kpage_dump_writer *w)
{
	size_t blocks_size = w->meta.blocks * sizeof(*w->blocks);
	size_t size = sizeof(w->meta) + blocks_size + w->meta.cgroups_size;
	struct dump_trailer trailer = { .index_offset = w->at, .index_content = size };
	_cleanup_free_ char *index = malloc(size);
	_cleanup_free_ void *frame = malloc(ZSTD_compressBound(size));
	size_t n;
	int err;

	if (!index || !frame)
		return -ENOMEM;
	memcpy(index, &w->meta, sizeof(w->meta));
	if (blocks_size)
		memcpy(index + sizeof(w->meta), w->blocks, blocks_size);
	if (w->meta.cgroups_size)
		memcpy(index + sizeof(w->meta) + blocks_size, w->cgroups, w->meta.cgroups_size);
	n = ZSTD_compress2(w->zstd, frame, ZSTD_compressBound(size), index, size);
	if (ZSTD_isError(n))
		return -ENOMEM;
	trailer.index_size = n;
	memcpy(trailer.magic, DUMP_END_MAGIC, DUMP_MAGIC_SIZE);
	err = write_all(w, frame, n);
	return err ? err : write_all(w, &trailer, sizeof(trailer));
}

KPAGE_EXPORT int kpage_dump_writer_finish(struct kpage_dump_writer *w)
{
	int err = w->failed ? -EINVAL : write_block(w);

	return err ? err : write_index(w);
}
