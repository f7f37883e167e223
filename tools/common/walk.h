/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the walks of several tools share: opening what they read, going through files,
 * and what to say of one that fails. */
#pragma once

#include "kpage.h"
#include "common/util.h"

/* kpage_file_open(), with a message. */
int source_open(struct kpage_ctx *ctx, enum kpage_source source, struct kpage_file **out);

/* The same of map counts or cgroups where it can be done without them: *out stays as it is, and
 * a message says so, if something is mounted over them; or, unless silent, if the kernel has
 * none. */
int source_open_optional(struct kpage_ctx *ctx, enum kpage_source source, bool silent,
			 struct kpage_file **out);

/* How many threads a walk over the machine should have here. */
unsigned int walk_threads(void);

/* The message for a kpage_walk_task() that failed, and the status. option: what named
 * the process, e.g. "--pid". */
int fail_task_walk(struct kpage_ctx *ctx, const struct kpage_file *flags, const char *option,
		   pid_t pid, int err);

/* The same for kpage_walk_pfns(). */
int fail_pfn_walk(const struct kpage_walk *walk, int err);

/* Whether n ranges that were walked lie before the end that the walk met. dump: the
 * path of the copy that was walked; NULL: memory, which ends where it ends. */
int check_walk_end(const char *option, const struct kpage_file *flags,
		   const struct kpage_range *ranges, size_t n, uint64_t end, const char *dump);

/* A walk through the page cache of a file, or of all files below a directory. */
struct file_walk {
	struct kpage_ctx *ctx;
	const struct kpage_walk *walk;
	const struct kpage_range *ranges;	/* of each file */
	size_t nr_ranges;
	bool no_ranges;		/* the choice of ranges is empty: nothing is walked */
	const bool *stop;	/* set meanwhile: no further file */
	/* Called before each file; path is valid until the next call. */
	void (*begin)(const char *path, void *arg);
	void *arg;
};

/* Whether the page cache has that page at an offset (in pages) of the file now. */
bool file_has_page(struct kpage_ctx *ctx, const struct kpage_file *flags, const char *path,
		   uint64_t offset, uint64_t pfn);

/* Neither symbolic links nor mount points are followed. Goes on after a file that can't
 * be walked; EXIT_OK, or the status of the first one, after a message each. */
int walk_files(const struct file_walk *w, char *path);
