// SPDX-License-Identifier: GPL-2.0-or-later
/* --file: the page cache of a file, or of all files below a directory. */
#include "page-types.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

#include "common/walk.h"

static void begin_file(const char *path, void *arg)
{
	struct run *run = arg;

	list_break(&run->list);
	run->list.file = path;
}

int walk_cache(struct run *run, const struct kpage_walk *walk)
{
	const struct selection *s = &run->opt.selection;
	const struct file_walk w = {
		.ctx = run->ctx,
		.walk = walk,
		.ranges = s->ranges,
		.nr_ranges = s->nr_ranges,
		.no_ranges = s->has_ranges && !s->nr_ranges,
		.stop = &run->stop,
		.begin = begin_file,
		.arg = run,
	};

	int status = walk_files(&w, s->file);

	/* The path of the last file goes with the walk. */
	list_break(&run->list);
	run->list.file = NULL;
	return status;
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
	put_name(stdout, path);
	printf("\tInode: %ju\tSize: %" PRIu64 " (%" PRIu64 " pages)\n", (uintmax_t)st.st_ino, size, pages);
	show_time("Modify", st.st_mtime, now);
	show_time("Access", st.st_atime, now);
	printf("\n");
}
