// SPDX-License-Identifier: GPL-2.0-or-later
/* What is read: the files of the machine, a copy of kpageflags, or a dump. */
#include "page-types.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/walk.h"

/* Another column than the flags: that of the dump, if one is read. */
static int open_column(struct run *run, enum kpage_source source, struct kpage_file **out)
{
	int err;

	if (!run->saved)
		return source_open(run->ctx, source, out);
	err = kpage_dump_file(run->saved, source, out);
	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "--kpageflags: %s: the dump has no %s", run->opt.dump,
			    source == KPAGE_SOURCE_COUNT ? "map counts" : "cgroups");
	return err ? fail_errno(err, "--kpageflags: %s", run->opt.dump) : EXIT_OK;
}

/* A path is that of the machine that was saved; a number without one stands for itself. */
static int resolve_in_dump(struct run *run)
{
	struct selection *s = &run->opt.selection;
	const char *path = s->cgroup;
	int err;

	if (!s->cgroup)
		return EXIT_OK;
	if (s->cgroup_ino)
		path = kpage_dump_cgroup_path(run->saved, s->cgroup_ino);
	if (!path)
		return selection_take_cgroup(s, s->cgroup_ino);
	err = kpage_dump_cgroup_subtree(run->saved, path, &s->cgroup_inos, &s->nr_cgroup_inos);
	if (err == -ENOENT)
		return fail(EXIT_FAILED, "--cgroup: %s: not in the dump %s: no page was charged to it",
			    path, run->opt.dump);
	return err ? fail_errno(err, "--cgroup: %s", path) : EXIT_OK;
}

static int open_copy(struct run *run)
{
	static const char option[] = "--kpageflags";
	int status = copy_open(run->ctx, option, run->opt.dump, &run->saved, &run->flags);

	if (!status)
		copy_warn_if_empty(option, run->opt.dump, run->flags);
	return status;
}

int sources_open(struct run *run)
{
	const struct options *opt = &run->opt;
	int status = EXIT_OK;

	if (opt->dump)
		status = open_copy(run);
	if (!status)
		status = run->saved ? resolve_in_dump(run) :
				      selection_resolve_tree(&run->opt.selection, run->ctx);
	if (!status && !opt->dump)
		status = source_open(run->ctx, KPAGE_SOURCE_FLAGS, &run->flags);
	if (!status && (opt->selection.cgroup || opt->list_cgroup || opt->by == BY_CGROUP))
		status = open_column(run, KPAGE_SOURCE_CGROUP, &run->cgroup);
	if (!status && opt->list != LIST_NONE && opt->list_mapcount)
		status = open_column(run, KPAGE_SOURCE_COUNT, &run->mapcount);
	return status;
}

/* How many pages of a range the file leaves out, up to its end. */
static uint64_t missing_pages(const struct kpage_file *flags, struct kpage_range r)
{
	uint64_t at = r.start, end = MIN(r.end, kpage_file_pages(flags)), missing = 0;
	struct kpage_range known;

	while (at < end && kpage_file_next(flags, at, &known)) {
		missing += MIN(known.start, end) - at;
		at = known.end;
	}
	return missing;
}

int check_dump_parts(const struct run *run, const char *option, const struct kpage_range *ranges,
		     size_t n)
{
	uint64_t missing = 0;

	if (!run->saved)
		return EXIT_OK;
	for (size_t i = 0; i < n; i++)
		missing += missing_pages(run->flags, ranges[i]);
	return missing ? fail(EXIT_FAILED, "%s: %" PRIu64 " of the pages are not in the dump %s, "
			      "which is one of a part", option, missing, run->opt.dump) : EXIT_OK;
}
