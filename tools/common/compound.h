/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From any page of a compound page to its first one, which has the flags and the cgroup
 * of all of it. */
#pragma once

#include "kpage.h"
#include "common/util.h"

struct compound {
	uint64_t head;		/* first page; of any other page: itself */
	uint64_t kflags;	/* of the first page */
	uint64_t cgroup;	/* of the first page */
	uint64_t next;		/* behind the page that was asked for last */
};

/*
 * Finds it for a page with these flags and this cgroup. c: what was found for another
 * page before, or zeros; asking for one page after the other costs nothing. cgroups: NULL
 * if there are none. If it changes meanwhile, the page stands for itself.
 */
void compound_find(struct compound *c, const struct kpage_file *flags,
		   const struct kpage_file *cgroups, uint64_t pfn, uint64_t kflags, uint64_t cgroup);
