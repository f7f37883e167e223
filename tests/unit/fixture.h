/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A temporary tree of copied kernel files (a --sysroot), as the unit tests need it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

/* tools/common has macros of its own of the same names as the library: a test of
 * those files includes theirs first. */
#ifdef DEFINE_CLEANUP
#include "kpage.h"
#else
#include "private.h"
#endif

struct fixture {
	char dir[64];
	struct kpage_ctx *ctx;	/* the tree as root */
};

/* cmocka's setup and teardown of a test: an empty tree, and a context on it. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
#define TREE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

/* All paths are those that the library sees: "/proc/kpageflags". Folders are made
 * as they are needed. What can't be done fails the test. */
const char *fixture_path(const struct fixture *fx, const char *path);
void fixture_mkdir(const struct fixture *fx, const char *path);
void fixture_text(const struct fixture *fx, const char *path, const char *text);
void fixture_append(const struct fixture *fx, const char *path, const char *text);
void fixture_symlink(const struct fixture *fx, const char *target, const char *path);
void fixture_remove(const struct fixture *fx, const char *path);
void fixture_truncate(const struct fixture *fx, const char *path, off_t size);
char *fixture_read(const struct fixture *fx, const char *path, char *buf, size_t size);
ino_t fixture_ino(const struct fixture *fx, const char *path);

/* Writes n entries from `index` on; what lies before them is a hole. */
void fixture_put(const struct fixture *fx, const char *path, uint64_t index,
		 const uint64_t *values, size_t n);

/* A process with memory, an empty maps and an empty pagemap. */
void fixture_task(const struct fixture *fx, pid_t pid);

/* One more mapping of a process, from that page on, with those pagemap entries. */
void fixture_vma(const struct fixture *fx, pid_t pid, uint64_t page, const uint64_t *entries,
		 size_t n);

/* Pagemap entries. */
static inline uint64_t entry_present(uint64_t pfn)
{
	return KPAGE_PM_PRESENT | pfn;
}

static inline uint64_t entry_swap(unsigned int type, uint64_t offset)
{
	return KPAGE_PM_SWAP | offset << 5 | type;
}

/* In a child of that process: it ends with it, also if that is before. A child that stays
 * keeps the test's output open, which somebody waits for the end of. */
void fixture_end_with(pid_t parent);

/*
 * A buffer whose last byte lies before a page that can't be touched: writing past
 * its end is seen, with or without a sanitizer. NULL-safe free.
 */
void *guarded_alloc(size_t size);
void guarded_free(void *buf, size_t size);
