// SPDX-License-Identifier: GPL-2.0-or-later
/* What the walks of several tools share: opening what they read, going through files,
 * and what to say of one that fails. */
#include "common/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

/* What a kernel must have been built with. */
static const char *const configs[] = {
	[KPAGE_SOURCE_FLAGS] = "CONFIG_PROC_PAGE_MONITOR",
	[KPAGE_SOURCE_COUNT] = "CONFIG_PROC_PAGE_MONITOR",
	[KPAGE_SOURCE_CGROUP] = "CONFIG_MEMCG",
};

static int fail_source(struct kpage_ctx *ctx, enum kpage_source source, int err)
{
	const char *path = kpage_ctx_error_path(ctx);

	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "%s: not there (a kernel without %s, or a container's /proc)",
			    path, configs[source]);
	if (err == -EUCLEAN)
		return fail(EXIT_FAILED, "%s: truncated: not a whole number of 8-byte entries", path);
	if (err == -EACCES && geteuid() == 0)
		return fail(EXIT_NOPERM, "%s: Permission denied (it takes root of the initial user "
			    "namespace, not of a container)", path);
	return fail_errno(err, "%s", path);
}

/* The kernel's own has an entry for page 0, whatever is there. */
static bool is_masked(struct kpage_ctx *ctx, const struct kpage_file *file, const char *result)
{
	uint64_t entry;

	if (!kpage_ctx_is_live(ctx) || kpage_file_read(file, 0, &entry, 1) != 0)
		return false;
	warn("%s: empty: something else is mounted over it (a container masks it?)%s",
	     kpage_file_path(file), result);
	return true;
}

int source_open(struct kpage_ctx *ctx, enum kpage_source source, struct kpage_file **out)
{
	struct kpage_file *file;
	int err = kpage_file_open(ctx, source, &file);

	if (err)
		return fail_source(ctx, source, err);
	if (is_masked(ctx, file, "")) {
		kpage_file_free(file);
		return EXIT_CANNOT;
	}
	*out = file;
	return EXIT_OK;
}

int source_open_optional(struct kpage_ctx *ctx, enum kpage_source source, bool silent,
			 struct kpage_file **out)
{
	static const char *const what[] = {
		[KPAGE_SOURCE_COUNT] = ": it goes without map counts",
		[KPAGE_SOURCE_CGROUP] = ": it goes without cgroups",
	};
	struct kpage_file *file;
	int err = kpage_file_open(ctx, source, &file);

	if (err == -ENOENT) {
		if (!silent)
			warn("%s: not there%s", kpage_ctx_error_path(ctx), what[source]);
		return EXIT_OK;
	}
	if (err)
		return fail_source(ctx, source, err);
	if (is_masked(ctx, file, what[source]))
		kpage_file_free(file);
	else
		*out = file;
	return EXIT_OK;
}

/* More threads than this wait for the kernel, not for a CPU. */
#define MAX_THREADS 8

unsigned int walk_threads(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return 1;
	return (unsigned int)MIN(CPU_COUNT(&cpus), MAX_THREADS);
}

/* ---------------------------------------------------------------- processes */

/* The process that all threads of the kernel are children of. */
#define KTHREADD 2

/* With hidepid=1 its files are refused, with more its folder is not there; but a process
 * that can be signalled, or could be by another user, is. */
static bool is_hidden(struct kpage_ctx *ctx, pid_t pid)
{
	struct kpage_task task;
	int err = kpage_task_read(ctx, pid, &task);

	return kpage_ctx_is_live(ctx) &&
	       (err == -EPERM || (err == -ESRCH && (!kill(pid, 0) || errno == EPERM)));
}

static int fail_hidden(const char *option, pid_t pid)
{
	return fail(EXIT_NOPERM, "%s: %d: /proc hides this process (it is mounted with hidepid): it "
		    "takes root, or the group that gid= of the mount names", option, (int)pid);
}

static int fail_damaged(const struct kpage_file *flags)
{
	return fail(EXIT_FAILED, "%s: truncated or damaged dump", kpage_file_path(flags));
}

int fail_task_walk(struct kpage_ctx *ctx, const struct kpage_file *flags, const char *option,
		   pid_t pid, int err)
{
	struct kpage_task task;

	switch (err) {
	case -ESRCH:
		/* One that ends has none either, for a moment; kthreadd is their parent. */
		if (!kpage_task_read(ctx, pid, &task) && !task.has_memory &&
		    (task.ppid == KTHREADD || pid == KTHREADD))
			return fail(EXIT_FAILED, "%s: %d: a kernel thread: it has no memory of its own",
				    option, (int)pid);
		if (is_hidden(ctx, pid))
			return fail_hidden(option, pid);
		return fail(EXIT_FAILED, "%s: %d: no such process: it has ended, or /proc hides it "
			    "(hidepid)", option, (int)pid);
	case -EACCES:
		return fail(EXIT_NOPERM, "%s: %d: %s: Permission denied (it is another user's, or may not "
			    "be traced: CAP_SYS_PTRACE is needed%s)", option, (int)pid,
			    kpage_ctx_error_path(ctx), geteuid() ? "; try as root" : "");
	case -EPERM:
		if (is_hidden(ctx, pid))
			return fail_hidden(option, pid);
		return fail(EXIT_NOPERM, "%s: %d: the kernel hides PFNs from this caller: it needs "
			    "CAP_SYS_ADMIN (try as root, outside of a container)", option, (int)pid);
	case -ENODATA:
		return fail(EXIT_FAILED, "%s: %d: %s ends before one of its pages", option, (int)pid,
			    kpage_file_path(flags));
	case -EBADMSG:
		return fail_damaged(flags);
	case -EUCLEAN:
		return fail(EXIT_FAILED, "%s: %d: /proc/%d/maps or pagemap: not in the expected format",
			    option, (int)pid, (int)pid);
	default:
		return fail_errno(err, "%s: %d: %s", option, (int)pid, kpage_ctx_error_path(ctx));
	}
}

/* -------------------------------------------------------------- the machine */

/* The one of the two that made the walk fail. */
static const struct kpage_file *shorter_column(const struct kpage_walk *walk)
{
	bool mapcount = walk->mapcount && (!walk->cgroup || kpage_file_pages(walk->mapcount) <
								    kpage_file_pages(walk->flags));

	return mapcount ? walk->mapcount : walk->cgroup;
}

int fail_pfn_walk(const struct kpage_walk *walk, int err)
{
	const char *flags = kpage_file_path(walk->flags);

	if (err == -ENODATA)
		return fail(EXIT_FAILED, "%s: became shorter while it was read", flags);
	if (err == -EBADMSG)
		return fail_damaged(walk->flags);
	if (err == -ERANGE)
		return fail(EXIT_FAILED, "%s: ends before %s", kpage_file_path(shorter_column(walk)),
			    flags);
	return fail_errno(err, "%s", flags);
}

static int check_range_end(const char *option, const struct kpage_file *flags,
			   const struct kpage_range *r, uint64_t end, const char *dump)
{
	if (r->start >= r->end || (r->start < end && (r->end == UINT64_MAX || r->end <= end)))
		return EXIT_OK;
	/* The end of /proc/kpageflags is only known to lie before what was tried. */
	if (r->start >= end && !kpage_file_pages(flags))
		return fail(EXIT_FAILED, "%s: page 0x%" PRIx64 ": %s ends before it", option,
			    r->start, kpage_file_path(flags));
	if (r->start >= end)
		return fail(EXIT_FAILED, "%s: page 0x%" PRIx64 ": %s ends at page 0x%" PRIx64, option,
			    r->start, kpage_file_path(flags), end);
	/* Memory ends where it ends; a copy may be cut short. */
	if (dump)
		return fail(EXIT_FAILED, "%s: pages up to 0x%" PRIx64 ": %s ends at page 0x%" PRIx64
			    " (it is truncated, or of a part)", option, r->end - 1, dump, end);
	return EXIT_OK;
}

int check_walk_end(const char *option, const struct kpage_file *flags,
		   const struct kpage_range *ranges, size_t n, uint64_t end, const char *dump)
{
	int status = EXIT_OK;

	for (size_t i = 0; !status && i < n; i++)
		status = check_range_end(option, flags, &ranges[i], end, dump);
	return status;
}

/* -------------------------------------------------------------------- files */

static int fail_cache_walk(const struct kpage_file *flags, const char *path, int err)
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
			    kpage_file_path(flags));
	case -EBADMSG:
		return fail_damaged(flags);
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
static int walk_file(const struct file_walk *w, const char *path, int flags)
{
	struct kpage_cache_report report = { 0 };
	_cleanup_close_ int fd = open_file(path, flags);
	int err;

	if (fd < 0)
		return fail_errno(-errno, "--file: %s", path);
	w->begin(path, w->arg);
	if (w->no_ranges)
		return EXIT_OK;
	err = kpage_walk_cache(w->ctx, w->walk, fd, w->ranges, w->nr_ranges, &report);
	return err ? fail_cache_walk(w->walk->flags, path, err) : judge(path, &report);
}

static int take_pfn(const struct kpage_batch *batch, void *arg)
{
	*(uint64_t *)arg = batch->pfn[0];
	return 0;
}

bool file_has_page(struct kpage_ctx *ctx, const struct kpage_file *flags, const char *path,
		   uint64_t offset, uint64_t pfn)
{
	const struct kpage_range range = { offset, offset + 1 };
	_cleanup_close_ int fd = open_file(path, 0);
	struct kpage_cache_report report;
	uint64_t found = UINT64_MAX;
	const struct kpage_walk walk = { .flags = flags, .emit = take_pfn, .arg = &found };

	return fd >= 0 && !kpage_walk_cache(ctx, &walk, fd, &range, 1, &report) && found == pfn;
}

static int walk_entry(const struct file_walk *w, const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_F:
		return S_ISREG(entry->fts_statp->st_mode) ? walk_file(w, entry->fts_path, O_NOFOLLOW) :
							    EXIT_OK;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return fail_errno(-entry->fts_errno, "--file: %s", entry->fts_path);
	default:
		return EXIT_OK;
	}
}

static int walk_directory(const struct file_walk *w, char *path)
{
	char *roots[] = { path, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR | FTS_COMFOLLOW, NULL);
	int status = EXIT_OK;
	FTSENT *entry;

	if (!tree)
		return fail_errno(-errno, "--file: %s", path);
	while (!*w->stop && (entry = fts_read(tree))) {
		int one = walk_entry(w, entry);

		status = status ? status : one;
	}
	fts_close(tree);
	return status;
}

int walk_files(const struct file_walk *w, char *path)
{
	struct stat st;

	if (stat(path, &st))
		return fail_errno(-errno, "--file: %s", path);
	if (S_ISREG(st.st_mode))
		return walk_file(w, path, 0);
	if (S_ISDIR(st.st_mode))
		return walk_directory(w, path);
	return fail(EXIT_FAILED, "--file: %s: neither a regular file nor a directory", path);
}
