/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mappings of a process: what each is of, and which of them --vma means. */
#pragma once

#include "kpage.h"
#include "common/util.h"

/* A condition of --vma. */
enum vma_want {
	VMA_HEAP,	/* [heap] */
	VMA_STACK,	/* [stack], the main thread's */
	VMA_ANON,	/* private and of no file: neither heap nor stack */
	VMA_SHM,	/* shared anonymous, memfd, System V, a file on tmpfs */
	VMA_FILE,	/* of any other file */
	VMA_HUGETLB,	/* of hugetlb pages, whatever it is of */
	VMA_TEXT,	/* of a file, and executable */
	VMA_NAME,	/* by its name in /proc/PID/maps */
};

struct vma_condition {
	enum vma_want want;
	char *pattern;	/* VMA_FILE: a glob, NULL: any; VMA_NAME: the name */
};

/* "heap", "file:GLOB", "[vvar]", "/lib/x.so". -EINVAL: no such kind, and no name. */
int vma_condition_parse(const char *text, struct vma_condition *out);
void vma_condition_release(struct vma_condition *c);

struct vma {
	uint64_t start, end;	/* pages */
	char perms[5];		/* "rw-p" */
	char *name;		/* NULL: none */
	bool private, executable;
	bool has_file;		/* the kernel's nameless files for shared memory, too */
	bool tmpfs;		/* … and that is one on tmpfs */
	bool chosen;		/* by the conditions, as far as the mapping alone can tell */
	bool only_hugetlb;	/* … and only if its pages are hugetlb pages */
	bool never_hugetlb;	/* … and only if they are not */
};

/* A process's mappings, ascending. */
struct vma_list {
	struct vma *v;
	size_t n;
};

/*
 * Reads them, and judges them by n conditions (none: all are chosen). Errors: those of
 * kpage_maps_open() and kpage_maps_next().
 */
int vma_list_read(struct kpage_ctx *ctx, pid_t pid, const struct vma_condition *conditions,
		  size_t n, struct vma_list *out);
void vma_list_release(struct vma_list *list);

/* The mapping of a page; NULL: there was none when the list was read. */
const struct vma *vma_list_find(const struct vma_list *list, uint64_t page);

/* Whether the conditions choose a page there, with these flags. */
bool vma_chooses(const struct vma *vma, uint64_t kflags);
