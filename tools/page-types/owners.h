/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --owners: what its parts share. */
#pragma once

#include "common/owners.h"
#include "common/page-set.h"
#include "common/record.h"
#include "common/targets.h"
#include "page-types.h"

/* A task that has a page, or a file with it. */
struct owner_process {
	pid_t pid;
	char comm[64];		/* "": it has ended */
	char *cgroup;		/* as kpage_cgroup_of_task(); NULL: not known */
};

/* Where a mapping of the page is, next to its struct owner. */
struct owner_place {
	bool known;		/* false: the mapping was gone when it was looked up */
	uint64_t start, end;	/* bytes */
	char perms[5];
	bool has_file;
	uint64_t offset;	/* of start, in the file, in bytes */
	char *name;		/* NULL: none */
};

/* A file that has the page in its cache, and a process that has the file. */
struct file_holder {
	uint64_t pfn;
	uint64_t offset;	/* bytes */
	char *path;
	pid_t pid;		/* the first one; */
	int fd;			/* there it is open as this; -1: it is mapped there */
	size_t processes;	/* how many have it open or mapped */
};

struct file_holders {
	struct file_holder *v;	/* ascending by PFN, one a page */
	size_t n;
};

enum held_by {
	HELD_BY_PROCESSES,
	HELD_BY_FILE,		/* by a file alone */
	HELD_BY_KERNEL,
	HELD_BY_NOBODY,		/* a user's page without an owner that is known */
	HELD_FREE,
	HELD_UNKNOWN,		/* mapped, and nobody was found */
};

/* What was found out about one page. */
struct owned_page {
	const struct target *target;
	const struct owner *mappings;
	size_t nr_mappings;
	const struct file_holder *file;	/* NULL: none was found, or looked for */
	uint64_t missing;	/* mappings by its map count that nobody was found for */
	char *cgroup_path;	/* NULL: charged to none, or not to be found */
	enum held_by held_by;
};

struct ownership {
	const struct options *opt;
	struct kpage_ctx *ctx;
	struct target_sources src;
	struct selection *selection;
	bool none_poisoned;		/* all poisoned pages were asked for, and there are none */
	struct target_list targets;
	struct owner_list owners;
	struct owner_place *places;	/* of owners.v */
	struct owner_process *processes;	/* ascending by PID */
	size_t nr_processes;
	struct file_holders files;
	struct owned_page *pages;	/* of targets.v */
	char *reason;			/* why somebody may not have been seen */
	struct record_output out;
};

/* page-types --owners. The exit status. */
int owners_run(struct options *opt);

/* owners-select.c: fills in the targets. EXIT_OK, or a status after a message; there may
 * be targets all the same. */
int owners_select(struct ownership *o);

/* owners-places.c: the mappings of all owners, and the processes. */
void owners_find_places(struct ownership *o);
void owners_note_process(struct ownership *o, pid_t pid);
const struct owner_process *owners_process(const struct ownership *o, pid_t pid);

/* owners-files.c: looks for pages in the caches of all files that some process has open
 * or mapped. Needs a live context. */
void owners_find_files(const struct ownership *o, const struct page_set *wanted, size_t n,
		       bool poisoned, struct file_holders *out);
void file_holders_release(struct file_holders *files);

/* owners-servers.c: the file systems that were met, and whether they can be asked. */
struct servers {
	struct kpage_ctx *ctx;
	struct server *v;
	size_t n;
};

/* Whether a file of the file system can be opened: no server is behind it, or one that
 * answers; else, the first time, a message. link: to the file, below /proc; pid: a process
 * that sees the file system mounted. */
bool server_answers(struct servers *s, dev_t dev, pid_t pid, const char *link);
void servers_release(struct servers *s);

/* owners-report.c */
void owners_report(struct ownership *o);
