// SPDX-License-Identifier: GPL-2.0-or-later
/* --dump: saves the machine, or ranges of it, as doc/dump-format.md says. */
#include "page-types.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "common/signals.h"
#include "common/walk.h"

/* The file on its way. */
struct saving {
	struct run *run;
	const char *name;		/* as given, for messages */
	char *path;			/* what it will be; NULL: standard output */
	char *temporary;		/* what it is until then; NULL: there is none */
	int fd;
	struct kpage_dump_writer *writer;
	struct kpage_tally *cgroups;	/* pages by inode */
	int err;			/* of writing */
};

static int fail_writing(const struct saving *s, int err)
{
	/* A reader that went away knows. */
	return err == -EPIPE ? EXIT_FAILED : fail_errno(err, "--dump: %s", s->name);
}

/* ------------------------------------------------------------------- the file */

static int use_stdout(struct saving *s)
{
	if (isatty(STDOUT_FILENO))
		return fail(EXIT_USAGE, "--dump: -: standard output is a terminal");
	s->name = "standard output";
	s->fd = STDOUT_FILENO;
	return EXIT_OK;
}

/* Beside the file, so that it can take its place; readable as kpageflags is. */
static int make_temporary(struct saving *s)
{
	size_t size = strlen(s->path) + sizeof(".XXXXXX");

	s->temporary = xcalloc(size, 1);
	snprintf(s->temporary, size, "%s.XXXXXX", s->path);
	s->fd = mkostemp(s->temporary, O_CLOEXEC);
	if (s->fd >= 0)
		return EXIT_OK;
	free(s->temporary);
	s->temporary = NULL;
	return fail_errno(-errno, "--dump: %s", s->name);
}

static int make_file(struct saving *s)
{
	struct stat st;

	if (!strcmp(s->name, "-"))
		return use_stdout(s);
	if (!stat(s->name, &st)) {
		if (!S_ISREG(st.st_mode))
			return fail(EXIT_FAILED, "--dump: %s: not a regular file ('-' is standard output)",
				    s->name);
		s->path = realpath(s->name, NULL);
	}
	if (!s->path)
		s->path = xstrdup(s->name);
	return make_temporary(s);
}

static int sync_folder(const char *path)
{
	_cleanup_free_ char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');
	_cleanup_close_ int fd = -1;

	if (slash)
		slash[slash == folder] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A folder that may be written to and not read, or a file system that does not
	 * sync folders, does no harm. */
	if (fd >= 0 && fsync(fd) && errno != EINVAL)
		return -errno;
	return 0;
}

/* All of it is on the disk before it is there under its name. */
static int publish(struct saving *s)
{
	if (!s->path)
		return 0;
	if (fsync(s->fd) || rename(s->temporary, s->path))
		return -errno;
	free(s->temporary);
	s->temporary = NULL;
	return sync_folder(s->path);
}

static void release(struct saving *s)
{
	kpage_dump_writer_free(s->writer);
	kpage_tally_free(s->cgroups);
	if (s->temporary)
		unlink(s->temporary);
	if (s->path && s->fd >= 0)
		close(s->fd);
	free(s->temporary);
	free(s->path);
}

/* ------------------------------------------------------------------ the pages */

static int count_cgroups(struct saving *s, const struct kpage_batch *b)
{
	size_t next;
	int err = 0;

	for (size_t i = 0; !err && b->cgroup && i < b->n; i = next) {
		for (next = i + 1; next < b->n && b->cgroup[next] == b->cgroup[i]; next++)
			;
		if (b->cgroup[i])
			err = kpage_tally_add(s->cgroups, b->cgroup[i], next - i);
	}
	return err;
}

static int save_batch(const struct kpage_batch *b, void *arg)
{
	struct saving *s = arg;

	if (signals_pending())
		return -ECANCELED;
	s->err = kpage_dump_write(s->writer, b->pfn[0], b->n, b->kflags, b->mapcount, b->cgroup);
	if (!s->err)
		s->err = count_cgroups(s, b);
	return s->err ? -ECANCELED : 0;
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = ((const struct kpage_range *)a)->start;
	uint64_t y = ((const struct kpage_range *)b)->start;

	return (x > y) - (x < y);
}

static int save_pages(struct saving *s)
{
	struct selection *selection = &s->run->opt.selection;
	struct kpage_walk walk;
	int status;

	if (selection->nr_ranges)
		qsort(selection->ranges, selection->nr_ranges, sizeof(*selection->ranges), by_start);
	run_walk(s->run, &walk);
	walk.emit = save_batch;
	walk.arg = s;
	status = walk_selection(s->run, &walk);
	return s->err ? fail_writing(s, s->err) : status;
}

static bool is_used(const struct kpage_tally_row *rows, size_t n, uint64_t ino)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (rows[middle].flags < ino)
			from = middle + 1;
		else
			to = middle;
	}
	return from < n && rows[from].flags == ino;
}

struct naming {
	struct kpage_dump_writer *writer;
	struct kpage_tally_row *rows;	/* by ascending inode */
	size_t n;
};

static int name_cgroup(const char *dir, uint64_t ino, void *arg)
{
	struct naming *naming = arg;

	return is_used(naming->rows, naming->n, ino) ?
		       kpage_dump_write_cgroup(naming->writer, ino, dir) : 0;
}

/* One that was removed, or is not visible here, stays without a path. */
static int save_cgroups(struct saving *s)
{
	struct naming naming = { .writer = s->writer };
	int err = kpage_tally_rows(s->cgroups, &naming.rows, &naming.n);

	if (!err && naming.n)
		err = kpage_cgroup_each(s->run->ctx, name_cgroup, &naming);
	free(naming.rows);
	return err;
}

static int begin(struct saving *s)
{
	char release[96] = "";
	struct utsname name;
	int err;

	/* Of a tree of copies nobody knows where it comes from. */
	if (kpage_ctx_is_live(s->run->ctx) && !uname(&name))
		snprintf(release, sizeof(release), "%s", name.release);
	err = kpage_tally_new(&s->cgroups);
	if (!err)
		err = kpage_dump_writer_new(s->fd, s->run->mapcount, s->run->cgroup, release, &s->writer);
	return err ? fail_writing(s, err) : EXIT_OK;
}

static int end(struct saving *s)
{
	int err = save_cgroups(s);

	if (!err)
		err = kpage_dump_writer_finish(s->writer);
	if (!err && !signals_pending())
		err = publish(s);
	return err ? fail_writing(s, err) : EXIT_OK;
}

int save_dump(struct run *run)
{
	struct saving s = { .run = run, .name = run->opt.save, .fd = -1 };
	int status;

	/* Whatever ends it, the unfinished file goes; standard output is none. */
	if (!strcmp(s.name, "-"))
		signals_hold_but_pipe();
	else
		signals_hold();
	status = source_open_optional(run->ctx, KPAGE_SOURCE_COUNT, false, &run->mapcount);
	if (!status)
		status = source_open_optional(run->ctx, KPAGE_SOURCE_CGROUP, false, &run->cgroup);
	if (!status)
		status = make_file(&s);
	if (!status)
		status = begin(&s);
	if (!status)
		status = save_pages(&s);
	if (!status && !signals_pending())
		status = end(&s);
	release(&s);
	return status;
}
