/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The targets: the pages that the selection options choose, one by one. */
#pragma once

#include "kpage.h"
#include "common/page-kind.h"
#include "common/select.h"
#include "common/util.h"

/* The columns that are read for each page. */
struct target_sources {
	struct kpage_file *flags, *mapcount;
	struct kpage_file *cgroup;	/* NULL: this kernel has none */
};

/* EXIT_OK, or a status after a message. need_cgroup: a kernel without memory cgroups
 * won't do. */
int target_sources_open(struct target_sources *src, struct kpage_ctx *ctx, bool need_cgroup);
void target_sources_close(struct target_sources *src);

struct target {
	uint64_t pfn;
	uint64_t kflags;	/* as the kernel gave them */
	uint64_t head;		/* first page of its compound page; otherwise pfn */
	uint64_t mapcount;
	uint64_t cgroup;	/* inode, for a tail that of the first page; 0: charged to none */
	pid_t pid;		/* where it was found; 0: not in a process */
	bool has_address;
	uint64_t address;	/* in bytes: in the process, else in the file */
	uint64_t entry;		/* of pagemap (a file's: of our own look at it); 0: none */
	const char *name;	/* of the mapping, or the file's path; NULL: none. The list's */
	enum page_kind kind;
	int node;		/* -1: not known */
	bool poisoned;		/* already */
};

/* How the machine is walked. It makes no difference to the result. */
struct target_walk {
	unsigned int threads;	/* 0: as walk_threads() says */
	unsigned int max_cpu;	/* as in struct kpage_walk */
};

struct target_list {
	struct target *v;
	size_t n;
	bool more;		/* there are more than --count */
	bool over;		/* there are more than max: the list is cut there */
	struct page_kinds kinds;
	void *names;		/* of the targets, each once */
};

/*
 * Collects the pages that s (resolved by selection_resolve_tree()) chooses:
 *   - of its processes and of those in `extra` (the COMMAND; with --file they choose
 *     nothing), in this order, by address; else of its file, by offset; else of the
 *     machine, by PFN or in the order of --pfn;
 *   - a page once, however often it is mapped: where it was found first; a hugetlb page
 *     once: the first part of it that was found;
 *   - no swap entries; poisoned pages too, as such;
 *   - with --random in random order: the n-th page that was found gets the n-th number
 *     of splitmix64 from the seed on, and those with the smallest numbers are taken.
 *     So the same pages and the same seed make the same choice.
 * At most `max` are kept. EXIT_OK, or a status after a message: of a process that has
 * ended, hidden PFNs, … Nothing found is no error: n is 0. A signal (signals_pending())
 * ends it early, with EXIT_OK. target_list_release() is due in any case.
 */
int targets_collect(const struct selection *s, struct kpage_ctx *ctx,
		    const struct target_sources *src, const pid_t *extra, size_t nr_extra, size_t max,
		    struct target_list *out);
/* The same, and how; NULL: as targets_collect(). */
int targets_collect_by(const struct selection *s, struct kpage_ctx *ctx,
		       const struct target_sources *src, const pid_t *extra, size_t nr_extra,
		       size_t max, const struct target_walk *how, struct target_list *out);
void target_list_release(struct target_list *list);

/*
 * Looks at a page again: whether its flags and its cgroup would choose it again; that it
 * is where it was, pagemap says. *kflags: what the flags are now; false, too, if they
 * can't be read.
 */
bool target_is_still_chosen(const struct selection *s, const struct target_sources *src,
			    const struct target *t, uint64_t *kflags);
