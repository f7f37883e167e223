/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formats of page-types: lists of pages and of ranges. */
#pragma once

#include "common/owners.h"
#include "kpage.h"
#include "common/record.h"
#include "common/util.h"

enum list_mode {
	LIST_NONE,
	LIST_RANGES,	/* -l: pages alike in one row */
	LIST_EACH,	/* -L */
};

/* Which columns the list has. */
struct columns {
	bool pid;	/* more than one process is listed */
	const char *offset;	/* title of the page offset column; NULL: none */
	bool cgroup;
	bool mapcount;
};

struct row {
	uint64_t offset, pfn, count, flags, cgroup, mapcount;
	const struct owner *owners;	/* of each of its pages; NULL: none, or no such column */
	size_t nr_owners;
};

struct list {
	enum list_mode mode;
	struct columns columns;
	struct record_output *json;	/* NULL: text */
	const struct owner_list *owners;	/* a column for them; NULL: none. Borrowed */
	const char *file;	/* whose pages come now; NULL: no file's. Borrowed */
	bool has_header;	/* it comes with the first row */
	pid_t pid;		/* whose pages come now */
	struct row row;		/* LIST_RANGES: the range so far; count 0: none */
	uint64_t symbolic_flags;/* the flags whose text is kept, since neighbours are alike */
	size_t symbolic_len;
	char symbolic[KPAGE_SYMBOLIC_SIZE];
	size_t len;		/* rows that are ready to be written */
	char text[32 << 10];
};

/* list: all zero. json: where records go instead of text, or NULL. */
void list_begin(struct list *list, enum list_mode mode, const struct columns *columns,
		struct record_output *json);
void list_add(struct list *list, const struct kpage_batch *batch);
/* A range ends here whatever comes next (another file, another process); the rows
 * so far are handed to stdio. */
void list_break(struct list *list);
/* The end; a list without rows gets its header. */
void list_end(struct list *list);

void show_flags(uint64_t flags);
