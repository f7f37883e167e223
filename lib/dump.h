/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The format of a dump (doc/dump-format.md): what its writer and its reader share. */
#pragma once

#include "private.h"

#define DUMP_MAGIC	"\x89kpd\r\n\x1a\n"
#define DUMP_END_MAGIC	"kpd-end\n"
#define DUMP_MAGIC_SIZE 8
#define DUMP_ORDER	UINT32_C(0x01020304)
#define DUMP_VERSION	1
#define DUMP_BLOCK	32768	/* pages */
#define DUMP_COLUMNS	3	/* one for each enum kpage_source */

/* At the start of the file. All numbers are in the byte order of the machine. */
struct dump_header {
	char magic[DUMP_MAGIC_SIZE];
	uint32_t order;
	uint32_t version;
	uint64_t page_size;
};

/* Where a block lies: its columns are zstd frames, one behind the other. */
struct dump_block {
	uint64_t pfn;
	uint64_t pages;
	uint64_t offset;
	uint64_t size[DUMP_COLUMNS];	/* 0: the dump has no such column */
};

/* The index begins with this; then come the blocks, then the cgroups. */
struct dump_meta {
	uint64_t columns;	/* a bit for each enum kpage_source */
	uint64_t blocks;
	uint64_t cgroups;
	uint64_t cgroups_size;	/* bytes: each a 64-bit inode and a path with its NUL */
	int64_t time;		/* seconds since 1970 */
	char release[96];	/* of the kernel */
};

/* At the end of the file. */
struct dump_trailer {
	uint64_t index_offset;
	uint64_t index_size;		/* of the zstd frame */
	uint64_t index_content;		/* of what is in it */
	char magic[DUMP_MAGIC_SIZE];
};

/* Whether the file begins as a dump does: 1 or 0, or a negative errno. */
int dump_probe(int fd);

/* Takes the descriptor over, also on failure. */
int dump_adopt(struct kpage_ctx *ctx, int fd, const char *path, struct kpage_dump **out);

struct kpage_dump *dump_ref(struct kpage_dump *d);
const char *dump_path(const struct kpage_dump *d);
bool dump_has(const struct kpage_dump *d, enum kpage_source source);

/* One behind the last page. */
uint64_t dump_end(const struct kpage_dump *d);

/* The first run of pages that the dump has, from a PFN on. false: none. */
bool dump_next(const struct kpage_dump *d, uint64_t pfn, struct kpage_range *out);

/* As kpage_file_read(). */
ssize_t dump_read(struct kpage_dump *d, enum kpage_source source, uint64_t pfn, uint64_t *buf,
		  size_t n);

/* file.c: a file on a column; takes a reference. */
int file_of_dump(struct kpage_dump *d, enum kpage_source source, struct kpage_file **out);
