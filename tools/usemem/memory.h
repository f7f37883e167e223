/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory that is held, as all of usemem sees it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kind;

/* What is known of a page. */
enum page_state {
	PAGE_INTACT,
	PAGE_LOST,	/* touching it raised SIGBUS: it is left alone from then on */
	PAGE_NEW_CHANGE,/* it holds something else than what was written, not reported yet */
	PAGE_CHANGED,	/* the same, reported */
};

struct memory {
	const struct kind *kind;
	unsigned char *addr;
	size_t size;		/* bytes */
	size_t page_size;
	size_t pages;		/* of page_size, huge or not */
	int fd;			/* of the file behind it, or -1 */
	char *name;		/* a file to be removed at the end, or NULL */
	/* One a page: workers share the pages of a huge page that is lost. */
	_Atomic unsigned char *state;
};

static inline uintptr_t memory_start(const struct memory *m)
{
	return (uintptr_t)m->addr;
}

static inline uintptr_t memory_end(const struct memory *m)
{
	return (uintptr_t)m->addr + m->size;
}

static inline bool memory_has(const struct memory *m, uintptr_t address)
{
	return address >= memory_start(m) && address < memory_end(m);
}

/*
 * Asked now and then by whatever takes long. It looks after signals, the end of
 * the time and the cgroup; true: leave off.
 */
struct ticker {
	bool (*tick)(void *arg);
	void *arg;
};
