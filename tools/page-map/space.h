/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A space: the pages that a map shows, one after the other, without the holes between
 * them: physical memory, or what a process has in its page tables. A page has an index
 * in the space, from 0 on, and a place: its PFN, or its page number in the process.
 */
#pragma once

#include "machine.h"

/* So many neighbours are read at a time. */
#define CHUNK 512

/* What a reader wants to know beyond the flags. */
enum page_needs {
	NEED_HEAD = 1,		/* head_kflags */
	NEED_ORDER = 2,
	NEED_MAPCOUNT = 4,
	NEED_CGROUP = 8,
};

enum page_state {
	PAGE_STATE_ABSENT,	/* nothing is there: a small hole in a process */
	PAGE_STATE_SWAPPED,
	PAGE_STATE_PAGE,
};

struct page_info {
	uint64_t place;
	enum page_state state;
	unsigned int order;	/* of its folio, of a PAGE */
	uint64_t pfn;		/* the rest is of a PAGE; SWAPPED: the offset in its area */
	uint64_t kflags;
	uint64_t entry;		/* of pagemap; 0 in physical memory */
	uint64_t head_kflags;	/* of the first page of its folio; else its own */
	uint64_t mapcount;	/* UINT64_MAX: not known */
	uint64_t cgroup;	/* inode; 0: none; UINT64_MAX: not known */
	const char *vma_name;	/* "[vdso]" where the kernel has mapped its own pages; else NULL */
};

struct space_run {
	uint64_t start, end;	/* places */
	uint64_t index;		/* of start */
};

struct space {
	const struct machine *machine;
	pid_t pid;			/* 0: physical memory */
	struct kpage_file *pagemap;
	struct kpage_range within;	/* of the process: what it was made of */
	struct kpage_range kernel[4];	/* of the process: what the kernel has mapped there */
	size_t nr_kernel;
	struct space_run *runs;		/* ascending */
	size_t nr_runs;
	uint64_t pages;			/* of all runs */
};

/* Physical memory, or the part of it that lies within a range. 0. */
int space_of_machine(const struct machine *m, const struct kpage_range *within, struct space *out);

/*
 * What is populated of a process within a range of its pages. Holes that are small beside
 * what is left of the space are taken in, so that the number of runs has a limit.
 * -ESRCH: it has ended; -EACCES; -EPERM: PFNs are hidden.
 */
int space_of_process(const struct machine *m, pid_t pid, const struct kpage_range *within,
		     struct space *out);

/* The same for one mapping, of which the caller has the range and the name (NULL: none):
 * the list of all mappings is not read for it. */
int space_of_vma(const struct machine *m, pid_t pid, const struct kpage_range *vma, const char *name,
		 struct space *out);

/* Makes the same space anew: what is populated may have changed. */
int space_again(const struct space *s, struct space *out);
void space_release(struct space *s);

/* From an index to the place, and back; UINT64_MAX: there is no such place. */
uint64_t space_place(const struct space *s, uint64_t index);
uint64_t space_index(const struct space *s, uint64_t place);
/* The index of the first page at or behind a place; s->pages: there is none. */
uint64_t space_index_from(const struct space *s, uint64_t place);

/* The CPU time of this thread so far. */
uint64_t cpu_time_ns(void);

/*
 * Reads n pages (at most CHUNK) from an index on. Returns how many there were, or a
 * negative errno (-ESRCH: the process has ended).
 */
ssize_t space_read(const struct space *s, uint64_t index, size_t n, unsigned int needs,
		   struct page_info *out);
