// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads a dump: of the file only what is asked for, a block at a time. The blocks
 * that were read last are kept, for all threads together.
 */
#include "dump.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>
#include <zstd_errors.h>

/* Eight threads on three columns, each in a block of its own. */
#define SLOTS 24

/* What an index may take at most: the blocks of 64 TiB, and a million cgroups. */
#define INDEX_MAX (UINT64_C(256) << 20)

struct slot {
	size_t block;
	size_t column;
	uint64_t *pages;	/* NULL: never used */
	uint64_t used;		/* when, for the choice of the oldest */
	unsigned int readers;
	bool loading;
	int err;		/* why it could not be loaded */
};

struct kpage_dump {
	int fd;
	char *path;
	uint64_t size;			/* of the file */
	char *index;
	struct dump_meta meta;
	struct dump_block *blocks;	/* in the index, as the cgroups are */
	const char *cgroups;

	pthread_mutex_t lock;		/* for all below */
	pthread_cond_t changed;
	unsigned int references;
	uint64_t clock;
	struct slot slots[SLOTS];
};

/* 0, or -EBADMSG where the file ends before. */
static int read_at(int fd, uint64_t offset, void *buf, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, (char *)buf + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EBADMSG;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

int dump_probe(int fd)
{
	char magic[DUMP_MAGIC_SIZE];
	int err = read_at(fd, 0, magic, sizeof(magic));

	/* What can't be read at an offset, or is shorter, is none. */
	if (err)
		return err == -EBADMSG || err == -ESPIPE ? 0 : err;
	return !memcmp(magic, DUMP_MAGIC, sizeof(magic));
}

/* ------------------------------------------------------------------- opening */

static int check_header(const struct kpage_dump *d)
{
	struct dump_header header;
	int err = read_at(d->fd, 0, &header, sizeof(header));

	if (err)
		return err;
	if (header.order == __builtin_bswap32(DUMP_ORDER))
		return -EILSEQ;
	if (header.order != DUMP_ORDER)
		return -EBADMSG;
	if (header.version != DUMP_VERSION)
		return -EPROTONOSUPPORT;
	return header.page_size == kpage_page_size() ? 0 : -EDOM;
}

/* One frame with a checksum, of exactly that size. */
static int decompress(const void *frame, size_t frame_size, void *out, size_t size)
{
	size_t n;

	if (ZSTD_getFrameContentSize(frame, frame_size) != size)
		return -EBADMSG;
	n = ZSTD_decompress(out, size, frame, frame_size);
	if (!ZSTD_isError(n))
		return n == size ? 0 : -EBADMSG;
	return ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
}

static int read_frame(const struct kpage_dump *d, uint64_t offset, uint64_t frame_size, void *out,
		      size_t size)
{
	_cleanup_free_ void *frame = NULL;
	int err;

	/* No frame is larger than zstd makes one: not so much as tried. */
	if (frame_size > ZSTD_compressBound(size))
		return -EBADMSG;
	frame = malloc(frame_size ? frame_size : 1);
	if (!frame)
		return -ENOMEM;
	err = read_at(d->fd, offset, frame, frame_size);
	return err ? err : decompress(frame, frame_size, out, size);
}

/* The blocks ascend, and lie one behind the other between header and index. */
static int check_blocks(const struct kpage_dump *d, uint64_t index_offset)
{
	uint64_t pfn = 0, at = sizeof(struct dump_header);

	for (size_t i = 0; i < d->meta.blocks; i++) {
		const struct dump_block *b = &d->blocks[i];

		if (b->pfn < pfn || !b->pages || b->pages > DUMP_BLOCK || b->offset != at ||
		    b->pfn > UINT64_MAX / sizeof(uint64_t) - DUMP_BLOCK)
			return -EBADMSG;
		pfn = b->pfn + b->pages;
		for (size_t c = 0; c < DUMP_COLUMNS; c++) {
			if (!b->size[c] == dump_has(d, c) || b->size[c] > index_offset - at)
				return -EBADMSG;
			at += b->size[c];
		}
	}
	return at == index_offset ? 0 : -EBADMSG;
}

/* The next cgroup of the table; NULL: it ends, or it is damaged. */
static const char *next_cgroup(const struct kpage_dump *d, size_t *at, uint64_t *ino)
{
	size_t left = d->meta.cgroups_size - *at;
	const char *entry = d->cgroups + *at;
	size_t len;

	if (left <= sizeof(*ino))
		return NULL;
	memcpy(ino, entry, sizeof(*ino));
	len = strnlen(entry + sizeof(*ino), left - sizeof(*ino));
	if (len == left - sizeof(*ino))
		return NULL;
	*at += sizeof(*ino) + len + 1;
	return entry + sizeof(*ino);
}

static int check_cgroups(const struct kpage_dump *d)
{
	size_t at = 0;
	uint64_t ino, n = 0;

	while (next_cgroup(d, &at, &ino))
		n++;
	return at == d->meta.cgroups_size && n == d->meta.cgroups ? 0 : -EBADMSG;
}

static int take_index(struct kpage_dump *d, const struct dump_trailer *trailer)
{
	uint64_t rest = trailer->index_content - sizeof(d->meta);
	int err;

	memcpy(&d->meta, d->index, sizeof(d->meta));
	if (d->meta.blocks > rest / sizeof(*d->blocks) ||
	    d->meta.cgroups_size != rest - d->meta.blocks * sizeof(*d->blocks) ||
	    !memchr(d->meta.release, '\0', sizeof(d->meta.release)) ||
	    !dump_has(d, KPAGE_SOURCE_FLAGS) || d->meta.columns >> DUMP_COLUMNS)
		return -EBADMSG;
	d->blocks = (struct dump_block *)(void *)(d->index + sizeof(d->meta));
	d->cgroups = d->index + sizeof(d->meta) + d->meta.blocks * sizeof(*d->blocks);
	err = check_blocks(d, trailer->index_offset);
	return err ? err : check_cgroups(d);
}

static int load_index(struct kpage_dump *d)
{
	struct dump_trailer trailer;
	uint64_t end;
	int err;

	if (d->size < sizeof(struct dump_header) + sizeof(trailer))
		return -EBADMSG;
	end = d->size - sizeof(trailer);
	err = read_at(d->fd, end, &trailer, sizeof(trailer));
	if (err)
		return err;
	if (memcmp(trailer.magic, DUMP_END_MAGIC, DUMP_MAGIC_SIZE) != 0 ||
	    trailer.index_offset > end || trailer.index_size != end - trailer.index_offset ||
	    trailer.index_content < sizeof(d->meta) || trailer.index_content > INDEX_MAX)
		return -EBADMSG;
	d->index = malloc(trailer.index_content);
	if (!d->index)
		return -ENOMEM;
	err = read_frame(d, trailer.index_offset, trailer.index_size, d->index,
			 trailer.index_content);
	return err ? err : take_index(d, &trailer);
}

static int file_size(int fd, uint64_t *out)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*out = (uint64_t)st.st_size;
	return 0;
}

int dump_adopt(struct kpage_ctx *ctx, int fd, const char *path, struct kpage_dump **out)
{
	struct kpage_dump *d = calloc(1, sizeof(*d));
	int err;

	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	d->fd = fd;
	d->references = 1;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	d->path = strdup(path);
	err = d->path ? file_size(fd, &d->size) : -ENOMEM;
	if (!err)
		err = check_header(d);
	if (!err)
		err = load_index(d);
	if (err) {
		kpage_dump_free(d);
		return ctx_error(ctx, err, path);
	}
	*out = d;
	return 0;
}

KPAGE_EXPORT int kpage_dump_open(struct kpage_ctx *ctx, const char *path, struct kpage_dump **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int is_dump;

	if (fd < 0)
		return ctx_error(ctx, -errno, path);
	is_dump = dump_probe(fd);
	if (is_dump > 0)
		return dump_adopt(ctx, fd, path, out);
	close(fd);
	return ctx_error(ctx, is_dump ? is_dump : -ENOMSG, path);
}

struct kpage_dump *dump_ref(struct kpage_dump *d)
{
	pthread_mutex_lock(&d->lock);
	d->references++;
	pthread_mutex_unlock(&d->lock);
	return d;
}

KPAGE_EXPORT void kpage_dump_free(struct kpage_dump *d)
{
	unsigned int left;

	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	left = --d->references;
	pthread_mutex_unlock(&d->lock);
	if (left)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		free(d->slots[i].pages);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	close(d->fd);
	free(d->index);
	free(d->path);
	free(d);
}

/* ---------------------------------------------------------- what is known of it */

const char *dump_path(const struct kpage_dump *d)
{
	return d->path;
}

bool dump_has(const struct kpage_dump *d, enum kpage_source source)
{
	return d->meta.columns & 1u << source;
}

uint64_t dump_end(const struct kpage_dump *d)
{
	const struct dump_block *last = d->blocks + d->meta.blocks - 1;

	return d->meta.blocks ? last->pfn + last->pages : 0;
}

KPAGE_EXPORT int kpage_dump_file(struct kpage_dump *d, enum kpage_source source,
				 struct kpage_file **out)
{
	return dump_has(d, source) ? file_of_dump(d, source, out) : -ENOENT;
}

KPAGE_EXPORT const char *kpage_dump_release(const struct kpage_dump *d)
{
	return d->meta.release;
}

KPAGE_EXPORT int64_t kpage_dump_time(const struct kpage_dump *d)
{
	return d->meta.time;
}

KPAGE_EXPORT const char *kpage_dump_cgroup_path(const struct kpage_dump *d, uint64_t ino)
{
	const char *path;
	uint64_t one;
	size_t at = 0;

	while ((path = next_cgroup(d, &at, &one)))
		if (one == ino)
			return path;
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

KPAGE_EXPORT int kpage_dump_cgroup_subtree(const struct kpage_dump *d, const char *path,
					   uint64_t **out, size_t *n)
{
	size_t len = strlen(path), at = 0, found = 0;
	uint64_t *inos = NULL, ino;
	const char *one;

	while (len && path[len - 1] == '/')
		len--;
	while ((one = next_cgroup(d, &at, &ino))) {
		if (strncmp(one, path, len) != 0 || (one[len] && one[len] != '/'))
			continue;
		if (array_grow(&inos, found, sizeof(*inos))) {
			free(inos);
			return -ENOMEM;
		}
		inos[found++] = ino;
	}
	if (!found)
		return -ENOENT;
	qsort(inos, found, sizeof(*inos), by_number);
	*out = inos;
	*n = found;
	return 0;
}

/* The first block that ends behind a page; meta.blocks: none does. */
static size_t find_block(const struct kpage_dump *d, uint64_t pfn)
{
	size_t from = 0, to = d->meta.blocks;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (d->blocks[middle].pfn + d->blocks[middle].pages <= pfn)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

bool dump_next(const struct kpage_dump *d, uint64_t pfn, struct kpage_range *out)
{
	size_t i = find_block(d, pfn);

	if (i == d->meta.blocks)
		return false;
	out->start = MAX(pfn, d->blocks[i].pfn);
	do
		out->end = d->blocks[i].pfn + d->blocks[i].pages;
	while (++i < d->meta.blocks && d->blocks[i].pfn == out->end);
	return true;
}

/* ------------------------------------------------------------------- reading */

static int load(const struct kpage_dump *d, size_t block, size_t column, uint64_t *pages)
{
	const struct dump_block *b = &d->blocks[block];
	uint64_t offset = b->offset;

	for (size_t c = 0; c < column; c++)
		offset += b->size[c];
	return read_frame(d, offset, b->size[column], pages, b->pages * sizeof(*pages));
}

/* The slot that has it; else the one that was not used for longest, NULL if all are
 * being read. */
static struct slot *choose_slot(struct kpage_dump *d, size_t block, size_t column)
{
	struct slot *oldest = NULL;

	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *s = &d->slots[i];

		if (s->used && s->block == block && s->column == column)
			return s;
		if (!s->readers && (!oldest || s->used < oldest->used))
			oldest = s;
	}
	return oldest;
}

/* With the lock held, which is given away meanwhile. */
static void fill_slot(struct kpage_dump *d, struct slot *s, size_t block, size_t column)
{
	s->block = block;
	s->column = column;
	s->loading = true;
	pthread_mutex_unlock(&d->lock);
	if (!s->pages)
		s->pages = malloc(DUMP_BLOCK * sizeof(*s->pages));
	s->err = s->pages ? load(d, block, column, s->pages) : -ENOMEM;
	pthread_mutex_lock(&d->lock);
	s->loading = false;
	pthread_cond_broadcast(&d->changed);
}

static struct slot *get_block(struct kpage_dump *d, size_t block, size_t column)
{
	struct slot *s;
	bool hit;

	pthread_mutex_lock(&d->lock);
	while (!(s = choose_slot(d, block, column)))
		pthread_cond_wait(&d->changed, &d->lock);
	hit = s->used && s->block == block && s->column == column;
	s->readers++;
	s->used = ++d->clock;
	if (!hit)
		fill_slot(d, s, block, column);
	while (s->loading)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
	return s;
}

static void put_block(struct kpage_dump *d, struct slot *s)
{
	pthread_mutex_lock(&d->lock);
	/* What failed for want of memory may do later: it is not kept. */
	if (!--s->readers && s->err)
		s->used = 0;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

ssize_t dump_read(struct kpage_dump *d, enum kpage_source source, uint64_t pfn, uint64_t *buf,
		  size_t n)
{
	size_t done = 0;

	for (size_t i = find_block(d, pfn); done < n && i < d->meta.blocks; i++) {
		const struct dump_block *b = &d->blocks[i];
		uint64_t from, take;
		struct slot *s;
		int err;

		if (b->pfn > pfn + done)
			break;
		from = pfn + done - b->pfn;
		take = MIN(b->pages - from, (uint64_t)(n - done));
		s = get_block(d, i, source);
		err = s->err;
		if (!err)
			memcpy(buf + done, s->pages + from, take * sizeof(*buf));
		put_block(d, s);
		if (err)
			return err;
		done += take;
	}
	return (ssize_t)done;
}
