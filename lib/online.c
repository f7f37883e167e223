// SPDX-License-Identifier: LGPL-2.1-or-later
/* Memory that is not there: which memory blocks are online, and what the flags file
 * says of the pages between them. */
#include "private.h"

#include <inttypes.h>
#include <string.h>

static int push(struct kpage_range **ranges, size_t *n, struct kpage_range range)
{
	int err = array_grow(ranges, *n, sizeof(**ranges));

	if (!err)
		(*ranges)[(*n)++] = range;
	return err;
}

/* A block that is on its way in or out has pages that can be looked at. */
static int is_away(struct kpage_ctx *ctx, uint64_t number)
{
	char path[KPAGE_PATH_MAX], state[32];
	int err;

	snprintf(path, sizeof(path), MEMORY_DIR "/memory%" PRIu64 "/state", number);
	err = kpage_ctx_read_line(ctx, path, state, sizeof(state));
	if (err)
		return err == -ENOENT ? 1 : err;	/* unplugged meanwhile */
	return strcmp(state, "offline") == 0;
}

static int read_blocks(struct kpage_ctx *ctx, uint64_t pages, struct kpage_range **ranges,
		       size_t *n)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *entry;
	uint64_t number;
	bool any = false;
	int err = ctx_opendirf(ctx, &d, MEMORY_DIR);

	while (!err && (entry = readdir(d))) {
		int away;

		if (!entry_number(entry->d_name, "memory", &number) || number >= UINT64_MAX / pages)
			continue;
		any = true;
		away = is_away(ctx, number);
		if (away < 0)
			err = away;
		else if (!away)
			err = push(ranges, n, (struct kpage_range){ number * pages,
								    (number + 1) * pages });
	}
	return err || any ? err : ctx_error(ctx, -ENOENT, MEMORY_DIR);
}

static int by_start(const void *a, const void *b)
{
	const struct kpage_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static size_t join(struct kpage_range *ranges, size_t n)
{
	size_t kept = 0;

	if (!n)
		return 0;
	qsort(ranges, n, sizeof(*ranges), by_start);
	for (size_t i = 1; i < n; i++) {
		if (ranges[i].start == ranges[kept].end)
			ranges[kept].end = ranges[i].end;
		else
			ranges[++kept] = ranges[i];
	}
	return kept + 1;
}

KPAGE_EXPORT int kpage_online_ranges(struct kpage_ctx *ctx, struct kpage_range **out, size_t *n)
{
	_cleanup_free_ struct kpage_range *ranges = NULL;
	size_t found = 0;
	uint64_t bytes;
	int err = block_size_read(ctx, &bytes);

	if (!err)
		err = read_blocks(ctx, bytes / kpage_page_size(), &ranges, &found);
	if (err)
		return err;
	*n = join(ranges, found);
	*out = TAKE_PTR(ranges);
	return 0;
}

/* ------------------------------------------------------------- the flags there */

static int has_page(const struct kpage_file *f, uint64_t index)
{
	uint64_t entry;
	ssize_t got = kpage_file_read(f, index, &entry, 1);

	return got < 0 ? (int)got : got == 1;
}

KPAGE_EXPORT int kpage_file_end(const struct kpage_file *f, uint64_t *out)
{
	uint64_t low = 0, high = 1;	/* below low there are pages, at high there is none */
	int has;

	if (kpage_file_pages(f)) {
		*out = kpage_file_pages(f);
		return 0;
	}
	while ((has = has_page(f, high - 1)) > 0) {
		low = high;
		high *= 2;
	}
	high--;
	while (has >= 0 && low < high) {
		uint64_t middle = low + (high - low) / 2;

		has = has_page(f, middle);
		if (has > 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (has < 0)
		return has;
	*out = low;
	return 0;
}

/*
 * The kernel gives the same entry for every page without an online section: nopage, or
 * from 6.16 on nothing at all. Three pages show which. Nothing at all is also what
 * many pages that are there have, so in a tree of copies it proves nothing.
 */
static int probe(const struct kpage_ctx *ctx, const struct kpage_file *flags,
		 const struct kpage_range *r, uint64_t *kflags)
{
	const uint64_t at[] = { r->start, r->start + (r->end - r->start) / 2, r->end - 1 };
	uint64_t entry = 0;

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		ssize_t got = kpage_file_read(flags, at[i], &entry, 1);

		if (got < 0)
			return (int)got;
		if (got != 1 || (i && entry != *kflags))
			return 0;
		*kflags = entry;
	}
	return entry == KPAGE_BIT(NOPAGE) || (!entry && ctx->live);
}

KPAGE_EXPORT int kpage_holes_find(struct kpage_ctx *ctx, const struct kpage_file *flags,
				  struct kpage_hole **out, size_t *n)
{
	_cleanup_free_ struct kpage_range *online = NULL;
	_cleanup_free_ struct kpage_range *gaps = NULL;
	_cleanup_free_ struct kpage_hole *holes = NULL;
	size_t nr_online = 0, nr_gaps, found = 0;
	uint64_t end;
	int err = kpage_online_ranges(ctx, &online, &nr_online);

	if (!err)
		err = kpage_file_end(flags, &end);
	if (err)
		return err;
	gaps = calloc(nr_online + 1, sizeof(*gaps));
	holes = calloc(nr_online + 1, sizeof(*holes));
	if (!gaps || !holes)
		return -ENOMEM;
	nr_gaps = kpage_range_subtract((struct kpage_range){ 0, end }, online, nr_online, gaps);
	for (size_t i = 0; i < nr_gaps; i++) {
		int known = probe(ctx, flags, &gaps[i], &holes[found].kflags);

		if (known < 0)
			return known;
		holes[found].range = gaps[i];
		found += known > 0;
	}
	*out = TAKE_PTR(holes);
	*n = found;
	return 0;
}
