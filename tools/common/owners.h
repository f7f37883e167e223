/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The owners: which processes have a page in their page tables, and where. */
#pragma once

#include "kpage.h"
#include "common/targets.h"
#include "common/util.h"

struct owner {
	uint64_t pfn;
	pid_t pid;
	uint64_t address;	/* in bytes */
	bool poisoned;		/* its entry is a hwpoison entry: touching it kills */
};

struct owner_list {
	struct owner *v;	/* ascending by PFN, PID, address */
	size_t n;
	size_t unreadable;	/* processes that could not be looked at, or ended meanwhile: */
	size_t denied;		/* … of these, not permitted */
	size_t hidden;		/* … of these, their PFNs are hidden */
	size_t ended;		/* … of these, they ended */
};

/* How to look. */
struct owner_search {
	unsigned int threads;	/* 0: as walk_threads() says */
	unsigned int max_cpu;	/* as in struct kpage_walk */
	bool read_all;		/* don't ask the kernel which parts are populated */
};

/*
 * Looks for n pages in all processes, in one pass over their page tables. flags: of
 * the same machine, to tell the entry of a poisoned page from that of a swapped one.
 * Several threads share the processes; on a terminal it shows how far it is.
 * EXIT_OK, or a status after a message. A signal (signals_pending()) ends it early, with
 * EXIT_OK. owner_list_release() is due in any case.
 */
int owners_find(struct kpage_ctx *ctx, const struct kpage_file *flags, const uint64_t *pfns,
		size_t n, struct owner_list *out);
/* The same, and how; NULL: as owners_find(). It makes no difference to the result. */
int owners_find_by(struct kpage_ctx *ctx, const struct kpage_file *flags, const uint64_t *pfns,
		   size_t n, const struct owner_search *how, struct owner_list *out);
void owner_list_release(struct owner_list *list);

/* The owners that the targets themselves tell of. */
void owners_from_targets(const struct target_list *list, struct owner_list *out);

/* The *n owners of a page, ascending by PID; NULL: none. */
const struct owner *owners_of(const struct owner_list *list, uint64_t pfn, size_t *n);

/* How many processes they are: one can have a page more than once. */
size_t owners_count(const struct owner_list *list, uint64_t pfn);

/* Whether pages of the list are mapped more often than the list itself knows of: then
 * it takes owners_find() to know by whom. */
bool targets_have_more_owners(const struct target_list *list);
