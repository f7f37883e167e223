/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that traces a task, and what it can do with the task. */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "private.h"
#include "remote-arch.h"

/*
 * ptrace belongs to a thread, and only a stopped task can be let go. A thread of its
 * own is the way out where a task does not stop, or dies: when the thread ends, the
 * kernel detaches it from whatever the task is doing, and a zombie goes to its parent.
 */
struct tracer {
	pthread_t thread;
	pid_t tid;
	sem_t todo, done;
	int (*call)(void *arg);	/* NULL: end */
	void *arg;
	int result;
};

int tracer_start(struct tracer *t);

/* Runs call(arg) in the thread; its result. */
int tracer_call(struct tracer *t, int (*call)(void *arg), void *arg);

/* On return the kernel has detached it. */
void tracer_stop(struct tracer *t);

/* The rest runs in the tracer's thread. -ESRCH, and `gone`: the task was killed, or
 * another thread of its process executes a new program. */
struct tracee {
	pid_t tid;
	bool gone;
};

enum stop_kind {
	STOP_TRAP,	/* asked for, or the stop (or the end of it) of the whole process */
	STOP_SIGNAL,	/* about to take a signal */
	STOP_SYSCALL,	/* at the entry or the exit of a system call */
};

struct stop {
	enum stop_kind kind;
	siginfo_t info;		/* of STOP_SIGNAL */
};

/* Attaches and asks the task to stop; it has not stopped yet. Errors: those of PTRACE_SEIZE. */
int tracee_seize(struct tracee *t);

/* Waits for the next stop. -ETIMEDOUT. */
int tracee_wait(struct tracee *t, unsigned int timeout_ms, struct stop *out);

/* request: PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SINGLESTEP or PTRACE_DETACH; signo: the
 * signal that the task takes, 0 for none. */
int tracee_resume(struct tracee *t, int request, int signo);

/* Asks a running or a stopped task for one more stop of kind STOP_TRAP. */
int tracee_interrupt(struct tracee *t);

/* -EOPNOTSUPP: a task of another word size. */
int tracee_regs_get(struct tracee *t, struct remote_regs *out);
int tracee_regs_set(struct tracee *t, const struct remote_regs *regs);

/* Blocked signals, bit signo - 1. */
int tracee_mask_get(struct tracee *t, uint64_t *mask);
int tracee_mask_set(struct tracee *t, uint64_t mask);

/* Any other request. */
int tracee_ptrace(struct tracee *t, int request, uintptr_t addr, void *data);
