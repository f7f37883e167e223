// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --owners: file systems that a server is behind, over the network or of FUSE. Who asks one
 * that does not answer waits, maybe for ever, and can't be interrupted. So a child asks
 * first, once for each file system.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

#include "owners.h"

/*
 * How long a server may take: two seconds. Counted, not measured: a machine that stood still
 * meanwhile has not let the child ask, either.
 */
#define ANSWER_NAPS 200
#define NAP_MS	    10

struct server {
	dev_t dev;
	bool answers;
};

static bool is_behind_server(struct kpage_ctx *ctx, dev_t dev, pid_t pid)
{
	static const char *const types[] = {
		"nfs", "nfs4", "cifs", "smb3", "ceph", "afs", "9p", "fuse", "fuseblk",
	};
	bool found = false;

	/* That of a disk has a major number. */
	for (size_t i = 0; i < ARRAY_SIZE(types) && !major(dev) && !found; i++) {
		_cleanup_free_ dev_t *devices = NULL;
		size_t n = 0;

		if (kpage_mount_devices(ctx, pid, types[i], &devices, &n))
			return false;
		for (size_t k = 0; k < n; k++)
			found |= devices[k] == dev;
	}
	return found;
}

static bool has_ended(pid_t child, int naps)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000 * 1000 };

	while (waitpid(child, NULL, WNOHANG) == 0) {
		if (naps-- == 0)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

/* What is done with each of its files. */
static void ask(const char *link)
{
	struct statfs fs;
	struct stat st;
	int fd = statfs(link, &fs) ? -1 : open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOATIME);

	_exit(fd < 0 || fstat(fd, &st) ? 1 : 0);
}

static bool is_answered(const char *link)
{
	pid_t child = fork();

	if (child == 0)
		ask(link);
	if (child < 0 || has_ended(child, ANSWER_NAPS))
		return child > 0;
	/* It may not even die of that. */
	kill(child, SIGKILL);
	has_ended(child, 1);
	return false;
}

static void warn_of(const char *link)
{
	char path[PATH_MAX];
	ssize_t len = readlink(link, path, sizeof(path) - 1);

	path[MAX(len, 0)] = '\0';
	warn("--owners: %s: the server of its file system does not answer: that file system's files "
	     "are not looked at", path);
}

bool server_answers(struct servers *s, dev_t dev, pid_t pid, const char *link)
{
	struct server server = { .dev = dev, .answers = true };

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].dev == dev)
			return s->v[i].answers;
	if (is_behind_server(s->ctx, dev, pid))
		server.answers = is_answered(link);
	if (!server.answers)
		warn_of(link);
	s->v = xgrow(s->v, s->n, sizeof(*s->v));
	s->v[s->n++] = server;
	return server.answers;
}

void servers_release(struct servers *s)
{
	free(s->v);
	*s = (struct servers){ 0 };
}
