// SPDX-License-Identifier: LGPL-2.1-or-later
/* The thread that traces, and the ptrace requests that it makes. */
#include "tracer.h"

#include <sched.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

/* ------------------------------------------------------------------ the thread */

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem))
		;
}

static void *tracer_main(void *arg)
{
	struct tracer *t = arg;

	t->tid = (pid_t)syscall(SYS_gettid);
	for (;;) {
		wait_for(&t->todo);
		if (!t->call)
			return NULL;
		t->result = t->call(t->arg);
		sem_post(&t->done);
	}
}

/* The program's signals are for its other threads. */
static int create_without_signals(pthread_t *thread, void *(*main)(void *), void *arg)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(thread, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

int tracer_start(struct tracer *t)
{
	int err;

	sem_init(&t->todo, 0, 0);
	sem_init(&t->done, 0, 0);
	err = create_without_signals(&t->thread, tracer_main, t);
	if (err) {
		sem_destroy(&t->todo);
		sem_destroy(&t->done);
	}
	return err;
}

int tracer_call(struct tracer *t, int (*call)(void *arg), void *arg)
{
	t->call = call;
	t->arg = arg;
	sem_post(&t->todo);
	wait_for(&t->done);
	return t->result;
}

void tracer_stop(struct tracer *t)
{
	t->call = NULL;
	sem_post(&t->todo);
	pthread_join(t->thread, NULL);
	/* It is joined shortly before the kernel detaches it. */
	while (!syscall(SYS_tgkill, getpid(), t->tid, 0))
		sched_yield();
	sem_destroy(&t->todo);
	sem_destroy(&t->done);
}

/* -------------------------------------------------------------------- the task */

int tracee_ptrace(struct tracee *t, int request, uintptr_t addr, void *data)
{
	long result = syscall(SYS_ptrace, (long)request, (long)t->tid, addr, data);
	int err = -errno;

	if (result >= 0)
		return (int)result;
	/* Every request but the first is made of a stopped task: it was killed. */
	t->gone |= err == -ESRCH;
	return err;
}

int tracee_interrupt(struct tracee *t)
{
	return tracee_ptrace(t, PTRACE_INTERRUPT, 0, NULL);
}

int tracee_seize(struct tracee *t)
{
	const uintptr_t options = PTRACE_O_TRACESYSGOOD;
	int err = tracee_ptrace(t, PTRACE_SEIZE, 0, (void *)options);

	return err < 0 ? err : tracee_interrupt(t);
}

int tracee_resume(struct tracee *t, int request, int signo)
{
	return tracee_ptrace(t, request, 0, (void *)(uintptr_t)signo);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A stop comes within microseconds, unless the task is in a long call. */
static void wait_a_little(unsigned int round)
{
	if (round < 100)
		sched_yield();
	else
		nanosleep(&(struct timespec){ .tv_nsec = round < 200 ? 100000 : 2000000 }, NULL);
}

/*
 * How a task ended is left for its parent, which may be another thread of this program.
 * Only what this thread traces counts: after an exec by another thread, the task's
 * number can belong to a process that nobody traces.
 */
static int next_change(const struct tracee *t, siginfo_t *info)
{
	const int flags = WSTOPPED | WNOHANG | __WALL | __WNOTHREAD;

	info->si_pid = 0;
	if (waitid(P_PID, (id_t)t->tid, info, flags | WEXITED | WNOWAIT))
		return errno == ECHILD ? -ESRCH : -errno;
	if (!info->si_pid)
		return -EAGAIN;
	if (info->si_code != CLD_TRAPPED && info->si_code != CLD_STOPPED)
		return -ESRCH;
	info->si_pid = 0;
	if (waitid(P_PID, (id_t)t->tid, info, flags))
		return errno == ECHILD ? -ESRCH : -errno;
	return info->si_pid ? 0 : -EAGAIN;
}

static int describe_stop(struct tracee *t, int status, struct stop *out)
{
	if (status == (SIGTRAP | 0x80)) {
		out->kind = STOP_SYSCALL;
		return 0;
	}
	if (status >> 8 == PTRACE_EVENT_STOP) {
		out->kind = STOP_TRAP;
		return 0;
	}
	out->kind = STOP_SIGNAL;
	return tracee_ptrace(t, PTRACE_GETSIGINFO, 0, &out->info);
}

int tracee_wait(struct tracee *t, unsigned int timeout_ms, struct stop *out)
{
	const uint64_t deadline = now_ms() + timeout_ms;

	for (unsigned int round = 0;; round++) {
		siginfo_t info;
		int err = next_change(t, &info);

		if (!err)
			return describe_stop(t, info.si_status, out);
		if (err != -EAGAIN && err != -EINTR) {
			t->gone |= err == -ESRCH;
			return err;
		}
		if (now_ms() >= deadline)
			return -ETIMEDOUT;
		wait_a_little(round);
	}
}

int tracee_regs_get(struct tracee *t, struct remote_regs *out)
{
	struct iovec iov = { &out->raw, sizeof(out->raw) };
	int err = tracee_ptrace(t, PTRACE_GETREGSET, NT_PRSTATUS, &iov);

	if (err)
		return err;
	return iov.iov_len == sizeof(out->raw) ? 0 : -EOPNOTSUPP;
}

int tracee_regs_set(struct tracee *t, const struct remote_regs *regs)
{
	struct remote_regs copy = *regs;
	struct iovec iov = { &copy.raw, sizeof(copy.raw) };

	return tracee_ptrace(t, PTRACE_SETREGSET, NT_PRSTATUS, &iov);
}

int tracee_mask_get(struct tracee *t, uint64_t *mask)
{
	return tracee_ptrace(t, PTRACE_GETSIGMASK, sizeof(*mask), mask);
}

int tracee_mask_set(struct tracee *t, uint64_t mask)
{
	return tracee_ptrace(t, PTRACE_SETSIGMASK, sizeof(mask), &mask);
}
