// SPDX-License-Identifier: GPL-2.0-or-later
/* --file: the page cache of a file, or of all files below a directory. */
#include "page-types.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>


static int walk_error(const struct run *run, const char *path, int err)
{
	switch (err) {
	case -EPERM:
		return fail(EXIT_NOPERM, "--file: %s: the kernel hides PFNs from this caller: it needs "
			    "CAP_SYS_ADMIN (try as root, outside of a container)", path);
	case -EACCES:
		return fail(EXIT_NOPERM, "--file: %s: the kernel does not say what is cached to one who "
			    "does not own the file and can't write it (try as root)", path);
	case -EOPNOTSUPP:
		return fail(EXIT_CANNOT, "--file: %s: this kernel has no MADV_POPULATE_READ (5.14)", path);
	case -ENODATA:
		return fail(EXIT_FAILED, "--file: %s: %s ends before one of its pages", path,
			    kpage_file_path(run->flags));
	case -ECANCELED:
		return EXIT_OK;
	default:
		return fail_errno(err, "--file: %s", path);
	}
}

/* What could not be shown is said; the rest goes on. */
static int judge(const char *path, const struct kpage_cache_report *report)
{
	if (report->poisoned)
		warn("--file: %s: %" PRIu64 " cached pages are poisoned and can't be looked at, the "
		     "first at page 0x%" PRIx64, path, report->poisoned, report->first_poisoned);
	if (report->shrunk)
		return fail(EXIT_FAILED, "--file: %s: became shorter while it was walked", path);
	return EXIT_OK;
}

static int open_file(const char *path, int flags)
{
	flags |= O_RDONLY | O_NONBLOCK | O_CLOEXEC;
	/* Looking at a file is no access; only its owner may say so. */
	int fd = open(path, flags | O_NOATIME);

	return fd < 0 && errno == EPERM ? open(path, flags) : fd;
}

/* flags: O_NOFOLLOW for a file that was found below a directory: it may have been
 * exchanged since. */
static int walk_file(struct run *run, const struct kpage_walk *walk, const char *path, int flags)
{
	const struct selection *s = &run->opt.selection;
	struct kpage_cache_report report = { 0 };
	_cleanup_close_ int fd = open_file(path, flags);
	int err;

	if (fd < 0)
		return fail_errno(-errno, "--file: %s", path);
	list_break(&run->list);
	if (s->has_ranges && !s->nr_ranges)
		return EXIT_OK;
	err = kpage_walk_cache(run->ctx, walk, fd, s->ranges, s->nr_ranges, &report);
	return err ? walk_error(run, path, err) : judge(path, &report);
}

static int walk_entry(struct run *run, const struct kpage_walk *walk, const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_F:
		return S_ISREG(entry->fts_statp->st_mode) ? walk_file(run, walk, entry->fts_path, O_NOFOLLOW) :
							    EXIT_OK;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return fail_errno(-entry->fts_errno, "--file: %s", entry->fts_path);
	default:
		return EXIT_OK;
	}
}

/* Neither symbolic links nor mount points are followed. */
static int walk_directory(struct run *run, const struct kpage_walk *walk, char *path)
{
	char *roots[] = { path, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR | FTS_COMFOLLOW, NULL);
	int status = EXIT_OK;
	FTSENT *entry;

	if (!tree)
		return fail_errno(-errno, "--file: %s", path);
	while (!run->stop && (entry = fts_read(tree))) {
		int one = walk_entry(run, walk, entry);

		status = status ? status : one;
	}
	fts_close(tree);
	return status;
}

int walk_files(struct run *run, const struct kpage_walk *walk)
{
	char *path = run->opt.selection.file;
	struct stat st;

	if (stat(path, &st))
		return fail_errno(-errno, "--file: %s", path);
	if (S_ISREG(st.st_mode))
		return walk_file(run, walk, path, 0);
	if (S_ISDIR(st.st_mode))
		return walk_directory(run, walk, path);
	return fail(EXIT_FAILED, "--file: %s: neither a regular file nor a directory", path);
}

static void show_time(const char *what, time_t when, time_t now)
{
	char text[64] = "?";
	struct tm tm;

	if (localtime_r(&when, &tm))
		strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
	printf("%s: %s (%ld seconds ago)\n", what, text, (long)(now - when));
}

void show_file(const struct options *opt)
{
	const char *path = opt->selection.file;
	uint64_t size, pages;
	time_t now = time(NULL);
	struct stat st;

	if (stat(path, &st))
		return;
	size = (uint64_t)st.st_size;
	pages = (size + kpage_page_size() - 1) / kpage_page_size();
	printf("%s\tInode: %ju\tSize: %" PRIu64 " (%" PRIu64 " pages)\n", path,
	       (uintmax_t)st.st_ino, size, pages);
	show_time("Modify", st.st_mtime, now);
	show_time("Access", st.st_atime, now);
	printf("\n");
}
