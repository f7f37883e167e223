// SPDX-License-Identifier: GPL-2.0-or-later
/* A task that is held while it sleeps in a system call goes on sleeping, and what it waits
 * for ends the call as it should. */
#include "victim.h"

#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static int no_word;

static struct sleeper {
	const char *name;
	long nr;
	long (*call)(struct shared *s);
	long result;		/* when the pipe was written to, the signal sent or the time is up */
	int signo;		/* what it waits for; 0: the pipe */
} *sleeper;

static long sleep_read(struct shared *s)
{
	char c;

	return read(s->pipe[0], &c, 1);
}

static long sleep_poll(struct shared *s)
{
	return poll(&(struct pollfd){ .fd = s->pipe[0], .events = POLLIN }, 1, 1000000);
}

static long sleep_poll_forever(struct shared *s)
{
	return poll(&(struct pollfd){ .fd = s->pipe[0], .events = POLLIN }, 1, -1);
}

static long sleep_select(struct shared *s)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s->pipe[0], &set);
	return select(s->pipe[0] + 1, &set, NULL, NULL, NULL);
}

/* A signal that is let through only during the call. */
static sigset_t block_usr1(struct shared *s)
{
	sigset_t usr1, old;

	victim_catch(s, SIGUSR1, 0);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, &old);
	return old;
}

static long sleep_suspend(struct shared *s)
{
	sigset_t old = block_usr1(s);

	return sigsuspend(&old);
}

static long sleep_ppoll(struct shared *s)
{
	struct pollfd fd = { .fd = -1 };
	sigset_t old = block_usr1(s);

	return ppoll(&fd, 1, &(struct timespec){ .tv_sec = 1000 }, &old);
}

static long sleep_pause(struct shared *s)
{
	victim_catch(s, SIGUSR1, 0);
	return pause();
}

static long sleep_futex(struct shared *s)
{
	victim_catch(s, SIGUSR1, 0);
	return syscall(SYS_futex, &no_word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static long sleep_futex_timeout(struct shared *s)
{
	victim_catch(s, SIGUSR1, 0);
	return syscall(SYS_futex, &no_word, FUTEX_WAIT, 0, &(struct timespec){ .tv_sec = 1000 },
		       NULL, 0);
}

static long sleep_nanosleep(struct shared *s)
{
	victim_catch(s, SIGUSR1, 0);
	return nanosleep(&(struct timespec){ .tv_sec = 1000 }, NULL);
}

static long sleep_wait(struct shared *s)
{
	pid_t parent = getpid(), pid = fork();

	victim_catch(s, SIGUSR1, 0);
	if (pid)
		return waitpid(pid, NULL, 0);
	fixture_end_with(parent);
	for (;;)
		pause();
}

#if defined(__x86_64__)
static int make_epoll(struct shared *s)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(0);

	epoll_ctl(fd, EPOLL_CTL_ADD, s->pipe[0], &event);
	return fd;
}

static long sleep_epoll(struct shared *s)
{
	struct epoll_event event;

	return epoll_pwait(make_epoll(s), &event, 1, -1, NULL);
}

static long sleep_epoll_timeout(struct shared *s)
{
	struct epoll_event event;

	return epoll_wait(make_epoll(s), &event, 1, 1000000);
}

static long sleep_timedwait(struct shared *s)
{
	sigset_t usr1;

	block_usr1(s);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	return sigtimedwait(&usr1, NULL, &(struct timespec){ .tv_sec = 1000 });
}

static long sleep_recv(struct shared *s)
{
	struct timeval timeout = { .tv_sec = 1000 };
	int fds[2];
	char c;

	victim_catch(s, SIGUSR1, 0);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return -2;
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return recv(fds[0], &c, 1, 0);
}
#endif

static struct sleeper sleepers[] = {
	{ "read", SYS_read, sleep_read, 1, 0 },
	{ "poll", SYS_poll, sleep_poll, 1, 0 },
	{ "poll for ever", SYS_poll, sleep_poll_forever, 1, 0 },
	{ "select", SYS_pselect6, sleep_select, 1, 0 },
	{ "sigsuspend", SYS_rt_sigsuspend, sleep_suspend, -1, SIGUSR1 },
	{ "ppoll", SYS_ppoll, sleep_ppoll, -1, SIGUSR1 },
	{ "pause", SYS_pause, sleep_pause, -1, SIGUSR1 },
	{ "futex", SYS_futex, sleep_futex, -1, SIGUSR1 },
	{ "futex with timeout", SYS_futex, sleep_futex_timeout, -1, SIGUSR1 },
	{ "nanosleep", SYS_clock_nanosleep, sleep_nanosleep, -1, SIGUSR1 },
	{ "wait", SYS_wait4, sleep_wait, -1, SIGUSR1 },
#if defined(__x86_64__)
	/* Elsewhere any stop ends these. */
	{ "epoll_pwait", SYS_epoll_pwait, sleep_epoll, 1, 0 },
	{ "epoll_wait", SYS_epoll_wait, sleep_epoll_timeout, 1, 0 },
	{ "sigtimedwait", SYS_rt_sigtimedwait, sleep_timedwait, SIGUSR1, SIGUSR1 },
	{ "recv with timeout", SYS_recvfrom, sleep_recv, -1, SIGUSR1 },
#endif
};

static void run_sleeper(struct shared *s)
{
	s->result = sleeper->call(s);
	s->error = errno;
}

static void wake(struct victim *v)
{
	if (sleeper->signo)
		assert_int_equal(kill(v->pid, sleeper->signo), 0);
	else
		assert_int_equal(write(v->shared->pipe[1], "x", 1), 1);
}

static void check_woken(struct victim *v)
{
	wait_value(&v->shared->finished, 1);
	if (v->shared->result != sleeper->result)
		fail_msg("%s: %ld, errno %d", sleeper->name, v->shared->result, v->shared->error);
	if (sleeper->result < 0)
		assert_int_equal(v->shared->error, EINTR);
}

/* A call that sleeps goes on, once and again, and ends as it should. */
static void test_sleeping(void **state)
{
	struct victim *v = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sleepers); i++) {
		sleeper = &sleepers[i];
		memset(v->shared, 0, sizeof(*v->shared));
		victim_start(v, run_sleeper);
		for (int n = 0; n < 3; n++) {
			wait_in_call(v, sleeper->nr);
			disturb(v);
		}
		wait_in_call(v, sleeper->nr);
		assert_int_equal(v->shared->finished, 0);
		wake(v);
		check_woken(v);
		assert_int_equal(victim_wait(v), 0);
		close(v->shared->pipe[1]);
	}
}

/* What it waits for comes while it is held. */
static void test_sleeping_held(void **state)
{
	struct victim *v = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sleepers); i++) {
		struct kpage_remote *r;

		sleeper = &sleepers[i];
		memset(v->shared, 0, sizeof(*v->shared));
		victim_start(v, run_sleeper);
		wait_in_call(v, sleeper->nr);
		r = victim_hold(v, v->pid);
		wake(v);
		check_call(v, r);
		assert_int_equal(kpage_remote_load(r, (uint64_t)(uintptr_t)v->shared, NULL), 0);
		release(r);
		check_woken(v);
		assert_int_equal(victim_wait(v), 0);
		close(v->shared->pipe[1]);
	}
}

#if defined(__x86_64__)
/* A sleep does not start over: the kernel continues it by a call of its own. */
static void test_rest_of_sleep(void **state)
{
	struct victim *v = *state;

	sleeper = &(struct sleeper){ "nanosleep", SYS_clock_nanosleep, sleep_nanosleep, -1, 0 };
	victim_start(v, run_sleeper);
	wait_in_call(v, sleeper->nr);
	assert_int_equal(current_call(v->pid, NULL), SYS_clock_nanosleep);
	disturb(v);
	wait_in_call(v, SYS_restart_syscall);
}
#endif

static void sleep_shortly(struct shared *s)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	s->ready = 1;
	s->result = nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	s->count = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
	/* It is there to be held, however late that comes. */
	s->number = 1;
	while (!s->go)
		sched_yield();
}

static void test_length_of_sleep(void **state)
{
	struct victim *v = *state;

	victim_start(v, sleep_shortly);
	wait_value(&v->shared->ready, 1);
	disturb(v);
	disturb(v);
	wait_value(&v->shared->number, 1);
	assert_int_equal(v->shared->result, 0);
	assert_true(v->shared->count >= 199);
	v->shared->go = 1;
	assert_int_equal(victim_wait(v), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		VICTIM_TEST(test_sleeping),
		VICTIM_TEST(test_sleeping_held),
#if defined(__x86_64__)
		VICTIM_TEST(test_rest_of_sleep),
#endif
		VICTIM_TEST(test_length_of_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
