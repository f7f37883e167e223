/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is looked at: a machine, a tree of copies of its files, or a dump. */
#pragma once

#include "kpage.h"
#include "common/page-kind.h"
#include "common/util.h"

struct machine {
	struct kpage_ctx *ctx;
	const char *sysroot;		/* NULL: this machine */
	const char *copy;		/* the path of a dump or a copy; NULL: neither */
	struct kpage_dump *dump;	/* NULL: a copy of kpageflags, or no copy */
	struct kpage_file *flags;
	struct kpage_file *mapcount;	/* NULL: there are none */
	struct kpage_file *cgroup;
	struct kpage_nodes *nodes;	/* NULL: not known */
	bool several_nodes;
	struct page_kinds kinds;
	bool sees_pfns;			/* pagemap shows them to this caller */
	struct kpage_range *ranges;	/* the physical pages that there are: ascending, without */
	size_t nr_ranges;		/* the holes */
	struct timespec looked;		/* when they were looked for */
};

/* EXIT_OK, or a status after a message. sysroot, copy: may be NULL; kept. */
int machine_open(struct machine *m, const char *sysroot, const char *copy);
void machine_close(struct machine *m);

/* Whether it has processes, and not pages alone. */
bool machine_has_processes(const struct machine *m);

/* When a process began: what tells it from another that has its number. 0: not known. */
uint64_t machine_process_started(const struct machine *m, pid_t pid);

/* Whether the number is still that process's: 0 or -ESRCH. What was opened by the number
 * before is of that process then, too. started 0: nothing is known, 0. */
int machine_process_check(const struct machine *m, pid_t pid, uint64_t started);

/* The path of a cgroup; NULL: not known. The caller frees it. */
char *machine_cgroup_path(const struct machine *m, uint64_t ino);

/* Looks for holes and nodes again, now and then: memory may have gone offline, or been added. */
void machine_update(struct machine *m);
