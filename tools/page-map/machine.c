// SPDX-License-Identifier: GPL-2.0-or-later
/* What is looked at: a machine, a tree of copies of its files, or a dump. */
#include "machine.h"

#include <errno.h>
#include <string.h>

#include "common/caps.h"
#include "common/copy.h"
#include "common/walk.h"

/* A file that not every machine, and not every dump, has. */
static int open_if_there(struct machine *m, enum kpage_source source, struct kpage_file **out)
{
	int err;

	if (!m->copy)
		return source_open_optional(m->ctx, source, true, out);
	if (!m->dump)
		return EXIT_OK;
	err = kpage_dump_file(m->dump, source, out);
	return !err || err == -ENOENT ? EXIT_OK : fail_errno(err, "%s", m->copy);
}

static int open_files(struct machine *m)
{
	int status;

	if (m->copy)
		status = copy_open(m->ctx, "--kpageflags", m->copy, &m->dump, &m->flags);
	else
		status = source_open(m->ctx, KPAGE_SOURCE_FLAGS, &m->flags);
	if (!status)
		status = open_if_there(m, KPAGE_SOURCE_COUNT, &m->mapcount);
	return status ? status : open_if_there(m, KPAGE_SOURCE_CGROUP, &m->cgroup);
}

/* In a tree of copies everything is as it was saved. */
static bool can_see_pfns(const struct machine *m)
{
	struct kpage_file *pagemap = NULL;
	uint64_t entry = 0;
	bool sees = true;

	if (!kpage_ctx_is_live(m->ctx))
		return true;
	if (!kpage_file_open_pagemap(m->ctx, getpid(), &pagemap) &&
	    kpage_file_read(pagemap, (uint64_t)(uintptr_t)&entry / kpage_page_size(), &entry, 1) == 1)
		sees = kpage_pagemap_pfn(entry);
	kpage_file_free(pagemap);
	return sees;
}

void machine_close(struct machine *m)
{
	free(m->ranges);
	kpage_nodes_free(m->nodes);
	kpage_file_free(m->cgroup);
	kpage_file_free(m->mapcount);
	kpage_file_free(m->flags);
	kpage_dump_free(m->dump);
	kpage_ctx_free(m->ctx);
	*m = (struct machine){ 0 };
}

bool machine_has_processes(const struct machine *m)
{
	return !m->copy;
}

uint64_t machine_process_started(const struct machine *m, pid_t pid)
{
	uint64_t started;

	return kpage_task_started(m->ctx, pid, &started) ? 0 : started;
}

int machine_process_check(const struct machine *m, pid_t pid, uint64_t started)
{
	return started && machine_process_started(m, pid) != started ? -ESRCH : 0;
}

char *machine_cgroup_path(const struct machine *m, uint64_t ino)
{
	const char *known = m->dump ? kpage_dump_cgroup_path(m->dump, ino) : NULL;
	char *path = NULL;

	if (m->copy)
		return known ? xstrdup(known) : NULL;
	return kpage_cgroup_path(m->ctx, ino, &path) ? NULL : path;
}

/* ------------------------------------------------------------------------- holes */

/* A copy has an entry for memory that is not there, too; it says so. Looked for in pieces
 * of this size: that of a small memory block. */
#define PIECE 32768

static bool is_empty_piece(const struct kpage_file *flags, uint64_t start, uint64_t end,
			   uint64_t *buf)
{
	/* One page shows for nearly every piece that it is not empty. */
	size_t want = 1;

	while (start < end) {
		ssize_t got = kpage_file_read(flags, start, buf, want);

		if (got <= 0)
			return false;
		for (ssize_t i = 0; i < got; i++)
			if (buf[i] != KPAGE_BIT(NOPAGE))
				return false;
		start += (uint64_t)got;
		want = (size_t)MIN(end - start, (uint64_t)KPAGE_BATCH);
	}
	return true;
}

static void add_range(struct kpage_range **ranges, size_t *n, uint64_t start, uint64_t end)
{
	if (*n && (*ranges)[*n - 1].end == start) {
		(*ranges)[*n - 1].end = end;
		return;
	}
	*ranges = xgrow(*ranges, *n, sizeof(**ranges));
	(*ranges)[(*n)++] = (struct kpage_range){ start, end };
}

static void ranges_of_copy(const struct machine *m, uint64_t end, struct kpage_range **out, size_t *n)
{
	_cleanup_free_ uint64_t *buf = xcalloc(KPAGE_BATCH, sizeof(*buf));
	struct kpage_range known;

	for (uint64_t at = 0; at < end && kpage_file_next(m->flags, at, &known); at = known.end) {
		known.end = MIN(known.end, end);
		for (uint64_t p = known.start; p < known.end;) {
			uint64_t stop = MIN((p / PIECE + 1) * PIECE, known.end);

			if (!is_empty_piece(m->flags, p, stop, buf))
				add_range(out, n, p, stop);
			p = stop;
		}
	}
}

static int find_ranges(const struct machine *m, struct kpage_range **out, size_t *n)
{
	_cleanup_free_ struct kpage_hole *holes = NULL;
	size_t nr_holes = 0;
	uint64_t end, at = 0;
	int err = kpage_file_end(m->flags, &end);

	*out = NULL;
	*n = 0;
	if (err)
		return err;
	/* Without memory blocks nothing is known of holes. */
	if (m->copy || kpage_holes_find(m->ctx, m->flags, &holes, &nr_holes)) {
		ranges_of_copy(m, end, out, n);
		return 0;
	}
	for (size_t i = 0; i < nr_holes; i++) {
		if (holes[i].range.start > at)
			add_range(out, n, at, holes[i].range.start);
		at = holes[i].range.end;
	}
	if (at < end)
		add_range(out, n, at, end);
	return 0;
}

static int take_ranges(struct machine *m)
{
	struct kpage_range *ranges;
	size_t n;
	int err = find_ranges(m, &ranges, &n);

	if (err)
		return err;
	free(m->ranges);
	m->ranges = ranges;
	m->nr_ranges = n;
	clock_gettime(CLOCK_MONOTONIC, &m->looked);
	return 0;
}

/* ------------------------------------------------------------------------- nodes */

/* As many as the kernel can have. */
#define MAX_NODES 1024

/* Their numbers may have gaps: 0 and 8. */
static bool are_several(const struct kpage_nodes *nodes)
{
	unsigned int n = 0;

	for (unsigned int node = 0; node < MAX_NODES && n < 2; node++)
		n += kpage_nodes_has(nodes, node);
	return n > 1;
}

static void take_nodes(struct machine *m)
{
	struct kpage_nodes *nodes;

	if (m->copy || kpage_nodes_new(m->ctx, &nodes))
		return;
	kpage_nodes_free(m->nodes);
	m->nodes = nodes;
	m->several_nodes = are_several(nodes);
}

/* It costs some files of sysfs for each memory block. */
#define LOOK_EVERY_S 10

void machine_update(struct machine *m)
{
	/* If it can't be known now, what was known has to do. */
	if (m->copy || seconds_since(&m->looked) < LOOK_EVERY_S)
		return;
	take_ranges(m);
	take_nodes(m);
}

/* --------------------------------------------------------------------- to begin */

int machine_open(struct machine *m, const char *sysroot, const char *copy)
{
	int err, status;

	*m = (struct machine){ .sysroot = sysroot, .copy = copy };
	err = kpage_ctx_new(sysroot, &m->ctx);
	if (err)
		return fail_errno(err, "%s", sysroot ? sysroot : "/");
	status = open_files(m);
	if (status)
		return status;
	take_nodes(m);
	m->sees_pfns = can_see_pfns(m);
	if (m->copy)
		page_kinds_of_copy(&m->kinds, m->flags);
	else
		page_kinds_init(&m->kinds, m->ctx, m->flags);
	err = take_ranges(m);
	return err ? fail_errno(err, "%s", kpage_file_path(m->flags)) : EXIT_OK;
}
