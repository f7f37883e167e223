// SPDX-License-Identifier: GPL-2.0-or-later
/* Another tool of this toolkit, run for a window. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

/* The path of a tool beside this program; NULL: there is none. */
static char *find_beside(const char *tool)
{
	char self[4096], *path = NULL, *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	if (asprintf(&path, "%s/%s", self, tool) < 0)
		return NULL;
	if (access(path, X_OK)) {
		free(path);
		return NULL;
	}
	return path;
}

/* Signals are as a program expects them, not as this one has them. */
static void reset_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	/* A group of its own: what is typed at the terminal is for this program alone. */
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
					       POSIX_SPAWN_SETPGROUP);
}

static int spawn(struct child *c, char *const *argv, int output)
{
	_cleanup_free_ char *path = find_beside(argv[0]);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	reset_signals(&attr);
	if (path)
		err = posix_spawn(&c->pid, path, &actions, &attr, argv, environ);
	else
		err = posix_spawnp(&c->pid, argv[0], &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		c->pid = 0;
	return -err;
}

int child_start(struct child *c, char *const *argv)
{
	int ends[2], err;

	child_stop(c);
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	err = spawn(c, argv, ends[1]);
	close(ends[1]);
	if (err) {
		close(ends[0]);
		return err;
	}
	c->fd = ends[0];
	return 0;
}

static void take(struct child *c, const char *buf, size_t n, void (*line)(const char *, void *),
		 void *arg)
{
	for (size_t i = 0; i < n; i++) {
		c->rest = xgrow(c->rest, c->len, 1);
		c->rest[c->len] = buf[i] == '\n' ? '\0' : buf[i];
		c->len++;
		if (buf[i] != '\n')
			continue;
		line(c->rest, arg);
		c->len = 0;
	}
}

/* Its output is closed first: it must not wait for a reader. */
static void end(struct child *c)
{
	close(c->fd);
	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		;
	free(c->rest);
	*c = (struct child){ .status = c->status };
}

bool child_read(struct child *c, bool wait, void (*line)(const char *text, void *arg), void *arg)
{
	struct pollfd polled = { c->fd, POLLIN, 0 };
	char buf[4096];

	while (c->pid && poll(&polled, 1, wait ? -1 : 0) > 0) {
		ssize_t n = read(c->fd, buf, sizeof(buf));

		if (n > 0) {
			take(c, buf, (size_t)n, line, arg);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (c->len)
			take(c, "\n", 1, line, arg);
		end(c);
	}
	return c->pid;
}

void child_end(struct child *c)
{
	if (c->pid)
		kill(c->pid, SIGTERM);
}

void child_stop(struct child *c)
{
	if (!c->pid)
		return;
	child_end(c);
	end(c);
}
