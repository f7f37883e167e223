/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conditions of a selection that a walk does not look at by itself, page by page. */
#pragma once

#include "kpage.h"
#include "common/compound.h"
#include "common/select.h"
#include "common/util.h"
#include "common/vmas.h"

struct narrowing {
	const struct selection *s;
	const struct kpage_file *flags, *cgroups;	/* cgroups: NULL if there are none */
	struct kpage_nodes *nodes;			/* NULL: they are not known */
	struct kpage_range *pfns, *pages;		/* ascending; NULL: any */
	size_t nr_pfns, nr_pages;

	/* Where the walk is. */
	const struct vma_list *vmas;	/* NULL: not in a process */
	const struct vma *vma;		/* of the page that was looked at last; NULL: of none */
	struct compound compound;	/* the same */
};

/*
 * s: by selection_resolve_tree(). machine: the walk goes by --pfn, or else by --addr, so
 * that it need not be looked at again. EXIT_OK, or a status after a message.
 * narrowing_close() is due in any case.
 */
int narrowing_open(struct narrowing *n, const struct selection *s, struct kpage_ctx *ctx,
		   const struct kpage_file *flags, const struct kpage_file *cgroups, bool machine);
void narrowing_close(struct narrowing *n);

/* Why nobody can tell on which node a page is; false: it can be told. */
#define NODES_REASON_SIZE 128
bool nodes_reason(struct kpage_ctx *ctx, char out[NODES_REASON_SIZE]);

/* The next pages are those of a process with these mappings; NULL: of none. */
void narrowing_enter(struct narrowing *n, const struct vma_list *vmas);

/* Looks at page i of a batch: n->vma and n->compound are its own then. Whether the
 * conditions choose it; a swap entry is on no node, in no cgroup, and has no PFN. */
bool narrowing_takes(struct narrowing *n, const struct kpage_batch *b, size_t i);

/* The cgroup of the page that was looked at last, which is this one: before 6.12 the tails
 * of a compound page seem to be charged to nobody. */
uint64_t narrowing_cgroup(const struct narrowing *n, const struct kpage_batch *b, size_t i);

/* Reads the same for a page by itself. 0 also if it can't be read. */
uint64_t cgroup_of_page(const struct kpage_file *flags, const struct kpage_file *cgroups,
			uint64_t pfn, uint64_t kflags);

/* An ascending copy without overlaps; *n changes. The caller frees it. */
struct kpage_range *ranges_sorted(const struct kpage_range *ranges, size_t *n);

/* What a walk of a process is to look at: its chosen mappings within --addr and --vaddr, in
 * the order of these, *n of them. The caller frees it. */
struct kpage_range *ranges_of_vmas(const struct selection *s, const struct vma_list *vmas,
				   size_t *n);
