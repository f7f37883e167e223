// SPDX-License-Identifier: GPL-2.0-or-later
/* The COMMAND: started for this run, injected into when it is ready, waited for. */
#include "hwpoison-inject.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "common/caps.h"
#include "common/signals.h"

#define TICK_MS 20

/* What the child may have left of us: nothing but the reason why it could not start. */
static _noreturn_ void child_run(const struct run *run, int ready, int failed)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	const struct options *opt = &run->opt;
	int err;

	if (run->files.rlim_max)
		setrlimit(RLIMIT_NOFILE, &run->files);
	/* What nohup and the like made ignored stays so; only what is ours goes. */
	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		struct sigaction old;

		sigaction(held[i], NULL, &old);
		if (old.sa_handler != SIG_IGN || held[i] == SIGPIPE)
			signal(held[i], SIG_DFL);
	}
	if (opt->has_policy)
		prctl(PR_MCE_KILL, PR_MCE_KILL_SET, opt->policy, 0, 0);
	if (ready >= 0 && ready != opt->ready_fd)
		dup3(ready, opt->ready_fd, 0);
	else if (ready >= 0)
		fcntl(ready, F_SETFD, 0);
	execvp(opt->command[0], opt->command);
	err = errno;
	if (write(failed, &err, sizeof(err)) < 0)
		_exit(EXIT_FAILED);
	_exit(EXIT_FAILED);
}

static int reap_failed(struct run *run, int err)
{
	waitpid(run->child, NULL, 0);
	run->child = 0;
	return fail(err == ENOENT || err == EACCES ? EXIT_FAILED : status_of(-err), "%s: %s",
		    run->opt.command[0], strerror(err));
}

/* Waits for its exec: until then its memory is a copy of ours. */
static int wait_exec(struct run *run, int fd)
{
	int err = 0;
	ssize_t n;

	do
		n = read(fd, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	return n > 0 ? reap_failed(run, err) : EXIT_OK;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A pipe whose end for writing is out of the way of --ready-fd. */
static int pipe_above(int ends[2])
{
	int fd;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	fd = fcntl(ends[1], F_DUPFD_CLOEXEC, READY_FD_MAX + 1);
	if (fd < 0) {
		fd = -errno;
		close(ends[0]);
	}
	close(ends[1]);
	ends[1] = fd;
	return fd < 0 ? fd : 0;
}

int command_start(struct run *run)
{
	int failed[2];
	int err = pipe_above(failed), status;

	if (err)
		return fail_errno(err, "pipe");
	if (run->opt.has_ready_fd && pipe2(run->ready_pipe, O_CLOEXEC)) {
		close(failed[0]);
		close(failed[1]);
		return fail_errno(-errno, "pipe");
	}
	fflush(NULL);
	run->child = fork();
	if (run->child == 0)
		child_run(run, run->ready_pipe[1], failed[1]);
	close(failed[1]);
	close_end(&run->ready_pipe[1]);
	status = run->child < 0 ? fail_errno(-errno, "fork") : wait_exec(run, failed[0]);
	close(failed[0]);
	if (run->child < 0)
		run->child = 0;
	return status;
}

void command_poll(struct run *run)
{
	if (run->child && !run->child_ended &&
	    waitpid(run->child, &run->child_status, WNOHANG) == run->child)
		run->child_ended = true;
}

static int ended_too_soon(const struct run *run)
{
	return fail(EXIT_FAILED, "%s: ended before anything was injected", run->opt.command[0]);
}

static void sleep_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* A byte, or the end: either means that it is ready. */
static int wait_fd(struct run *run)
{
	struct pollfd p = { .fd = run->ready_pipe[0], .events = POLLIN };

	while (!signals_pending()) {
		command_poll(run);
		if (run->child_ended)
			return ended_too_soon(run);
		if (poll(&p, 1, TICK_MS) > 0) {
			/* Its end closes the descriptor too. */
			sleep_ms(TICK_MS);
			command_poll(run);
			return run->child_ended ? ended_too_soon(run) : EXIT_OK;
		}
	}
	return EXIT_OK;
}

static int wait_time(struct run *run)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (seconds_since(&start) < run->opt.after && !signals_pending()) {
		command_poll(run);
		if (run->child_ended)
			return ended_too_soon(run);
		sleep_ms(TICK_MS);
	}
	return EXIT_OK;
}

/* Ready is when what is chosen is there, and does not become more: twice the same
 * number of pages, a moment apart. */
static int wait_targets(struct run *run)
{
	size_t before = 0;

	while (!signals_pending()) {
		struct target_list list = { 0 };
		int status;
		size_t n;

		command_poll(run);
		if (run->child_ended)
			return ended_too_soon(run);
		caps_raise();
		status = targets_collect(&run->opt.selection, run->ctx, &run->src, &run->child, 1,
					 TARGETS_MAX, &list);
		caps_lower();
		n = list.n;
		target_list_release(&list);
		/* One that is about to end has no memory any more, and is no zombie yet. */
		if (status)
			sleep_ms(TICK_MS);
		command_poll(run);
		if (run->child_ended)
			return ended_too_soon(run);
		if (status || (n && n == before))
			return status;
		before = n;
		sleep_ms(5 * TICK_MS);
	}
	return EXIT_OK;
}

int command_wait_ready(struct run *run)
{
	int status;

	if (run->opt.has_ready_fd)
		status = wait_fd(run);
	else
		status = run->opt.has_after ? wait_time(run) : wait_targets(run);
	close_end(&run->ready_pipe[0]);
	return status;
}

/* It may have become another user's. */
static void send_signal(pid_t pid, int sig)
{
	int err;

	caps_raise();
	err = kill(pid, sig) ? errno : 0;
	caps_lower();
	if (err && err != ESRCH)
		warn("the command (process %d) can't be ended: %s", (int)pid, strerror(err));
}

void command_end(struct run *run)
{
	static const int signals[] = { SIGTERM, SIGKILL };

	close_end(&run->ready_pipe[0]);
	for (size_t i = 0; i < ARRAY_SIZE(signals) && run->child; i++) {
		command_poll(run);
		if (run->child_ended)
			return;
		send_signal(run->child, signals[i]);
		for (int ticks = 0; ticks < 1000 / TICK_MS && !run->child_ended; ticks++) {
			sleep_ms(TICK_MS);
			command_poll(run);
		}
	}
}
