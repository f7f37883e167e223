// SPDX-License-Identifier: GPL-2.0-or-later
/* The run directory: the lock, and notes of what has to be put back. */
#include "common/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "common/signals.h"

#define PARENT "/run"
#define NAME "hwpoison-tools"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Larger than any note; a file that is larger is none. */
/* Room for the policies of half a million threads. */
#define NOTE_MAX (16 << 20)

struct rundir {
	int fd, lock_fd;
	bool locked;
	char boot[64];
};

void rundir_free(struct rundir *r)
{
	if (!r)
		return;
	rundir_unlock(r);
	if (r->lock_fd >= 0)
		close(r->lock_fd);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

const char *rundir_path(const struct rundir *r)
{
	(void)r;
	return PARENT "/" NAME;
}

int rundir_fd(const struct rundir *r)
{
	return r->fd;
}

const char *rundir_boot(const struct rundir *r)
{
	return r->boot;
}

bool rundir_is_locked(const struct rundir *r)
{
	return r->locked;
}

/* ------------------------------------------------------------------- opening */

static int read_boot(struct kpage_ctx *ctx, struct rundir *r)
{
	_cleanup_close_ int fd = kpage_ctx_open(ctx, BOOT_ID, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, r->boot, sizeof(r->boot) - 1);
	if (n < 0)
		return -errno;
	r->boot[n] = '\0';
	r->boot[strcspn(r->boot, "\n")] = '\0';
	return r->boot[0] ? 0 : -EUCLEAN;
}

/* A tree of copies need not have /run. */
static int make_parent(struct kpage_ctx *ctx)
{
	_cleanup_close_ int root = kpage_ctx_open(ctx, "/", O_PATH | O_DIRECTORY);

	if (root < 0)
		return root;
	if (mkdirat(root, PARENT + 1, 0755) && errno != EEXIST)
		return -errno;
	return kpage_ctx_open(ctx, PARENT, O_PATH | O_DIRECTORY);
}

/* What is read here is trusted: nobody else may have written it. */
static int check_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_uid != geteuid())
		return -EPERM;
	if ((st.st_mode & 07777) != 0700 && fchmod(fd, 0700))
		return -errno;
	return 0;
}

static int open_dir(struct kpage_ctx *ctx, bool create)
{
	_cleanup_close_ int parent = kpage_ctx_open(ctx, PARENT, O_PATH | O_DIRECTORY);
	int fd;

	if (parent == -ENOENT && create)
		parent = make_parent(ctx);
	if (parent < 0)
		return parent;
	if (create && mkdirat(parent, NAME, 0700) && errno != EEXIST)
		return -errno;
	fd = openat(parent, NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int rundir_new(struct kpage_ctx *ctx, bool create, struct rundir **out)
{
	_cleanup_(rundir) struct rundir *r = xcalloc(1, sizeof(*r));
	int err;

	r->fd = r->lock_fd = -1;
	err = read_boot(ctx, r);
	if (err)
		return err;
	r->fd = open_dir(ctx, create);
	if (r->fd < 0)
		return r->fd;
	err = check_owner(r->fd);
	if (err)
		return err;
	*out = r;
	r = NULL;
	return 0;
}

int rundir_find(struct kpage_ctx *ctx, struct rundir **out)
{
	return rundir_new(ctx, false, out);
}

int rundir_open(struct kpage_ctx *ctx, struct rundir **out)
{
	int err = rundir_new(ctx, true, out);

	/* Without the boot's number nothing that is found there means anything. */
	if (err == -ENOENT || err == -EUCLEAN)
		return fail(EXIT_CANNOT, "%s: the number of this boot is not there", BOOT_ID);
	return err ? fail_errno(err, "%s/%s", PARENT, NAME) : EXIT_OK;
}

/* ---------------------------------------------------------------------- lock */

static int open_lock(struct rundir *r)
{
	if (r->lock_fd >= 0)
		return 0;
	r->lock_fd = openat(r->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return r->lock_fd < 0 ? -errno : 0;
}

/* For the message of those who wait; nothing else relies on it. */
static void sign_lock(struct rundir *r)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (!ftruncate(r->lock_fd, 0) && pwrite(r->lock_fd, text, (size_t)len, 0) != len)
		warn("%s/lock: %s", rundir_path(r), strerror(errno));
}

int rundir_trylock(struct rundir *r)
{
	int err;

	if (r->locked)
		return 0;
	err = open_lock(r);
	if (err)
		return err;
	while (flock(r->lock_fd, LOCK_EX | LOCK_NB))
		if (errno != EINTR)
			return -errno;
	r->locked = true;
	sign_lock(r);
	return 0;
}

void rundir_unlock(struct rundir *r)
{
	if (!r->locked)
		return;
	/* A later holder that has not signed yet must not be taken for this one. */
	if (ftruncate(r->lock_fd, 0))
		warn("%s/lock: %s", rundir_path(r), strerror(errno));
	flock(r->lock_fd, LOCK_UN);
	r->locked = false;
}

static void say_who_has_it(const struct rundir *r)
{
	char text[16] = "";
	pid_t pid;
	ssize_t n = pread(r->lock_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (parse_pid(text, &pid))
		warn("waiting for another run");
	else
		warn("waiting for another run (PID %d)", (int)pid);
}

int rundir_lock(struct rundir *r)
{
	/* A held signal does not end flock(2), which is restarted, but a sleep. */
	const struct timespec interval = { .tv_nsec = 20000000 };
	int err = rundir_trylock(r);

	if (err == -EWOULDBLOCK)
		say_who_has_it(r);
	while (err == -EWOULDBLOCK && !signals_pending()) {
		nanosleep(&interval, NULL);
		err = rundir_trylock(r);
	}
	if (err == -EWOULDBLOCK)
		return fail(EXIT_FAILED, "%s: stopped while another run was waited for",
			    strsignal(signals_pending()));
	return err ? fail_errno(err, "%s/lock", rundir_path(r)) : EXIT_OK;
}

/* --------------------------------------------------------------------- notes */

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_file(struct rundir *r, const char *name, const char *text)
{
	_cleanup_close_ int fd =
		openat(r->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, text);
	/* Before the rename: what takes the old one's place must be whole. */
	return !err && fsync(fd) ? -errno : err;
}

int rundir_note_write(struct rundir *r, const char *name, const char *text)
{
	char tmp[NAME_MAX];
	int err;

	if (!r->locked)
		return -ENOLCK;
	/* What could not be read back must not be relied on. */
	if (strlen(text) > NOTE_MAX)
		return -EFBIG;
	if (snprintf(tmp, sizeof(tmp), ".%s.new", name) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	err = write_file(r, tmp, text);
	if (!err && renameat(r->fd, tmp, r->fd, name))
		err = -errno;
	if (err)
		unlinkat(r->fd, tmp, 0);
	return err;
}

int rundir_note_read(struct rundir *r, const char *name, char **text)
{
	_cleanup_close_ int fd = openat(r->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *buf = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > NOTE_MAX)
		return -EFBIG;
	buf = xcalloc(1, (size_t)st.st_size + 1);
	/* A note is never changed in place: this file has the size that it had. */
	n = read(fd, buf, (size_t)st.st_size);
	if (n < 0)
		return -errno;
	*text = buf;
	buf = NULL;
	return 0;
}

int rundir_note_remove(struct rundir *r, const char *name)
{
	if (!r->locked)
		return -ENOLCK;
	return unlinkat(r->fd, name, 0) && errno != ENOENT ? -errno : 0;
}
