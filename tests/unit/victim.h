/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child process that a unit test holds, and what both of them see. */
#pragma once

#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "fixture.h"

/* What the C library calls where these are not there. */
#ifndef SYS_pause
#define SYS_pause SYS_ppoll
#endif
#ifndef SYS_poll
#define SYS_poll SYS_ppoll
#endif

/* Shared between the test and its victim. */
struct shared {
	volatile int ready;		/* set by the victim */
	volatile int go;		/* set by the test: do the next step */
	volatile int finished;		/* the victim's main is over */
	volatile long result;		/* of the call that the victim was in … */
	volatile int error;		/* … and its errno */
	volatile long count;		/* grows while it runs */
	volatile pid_t tid;		/* of a second thread */
	volatile int handled;		/* how often the handler ran, and with what */
	siginfo_t info;
	volatile uint64_t ip;
	volatile int pipe[2];
	volatile int number;
};

struct victim {
	struct kpage_ctx *ctx;		/* this machine */
	pid_t pid;			/* 0: none */
	struct shared *shared;
};

int victim_setup(void **state);
int victim_teardown(void **state);
#define VICTIM_TEST(test) cmocka_unit_test_setup_teardown(test, victim_setup, victim_teardown)

/* Starts the victim. It is killed with the test. */
void victim_start(struct victim *v, void (*main)(struct shared *s));

/* In the victim: a handler of that signal that notes what it was called with. */
void victim_catch(struct shared *s, int signo, int flags);

/* In the victim: says that it is ready, and waits until it may go on. */
void victim_ready(struct shared *s);

/* In the test. Each polls, and fails the test after half a minute. */
void wait_value(const volatile int *value, int wanted);
void wait_count(const volatile long *value, long above);
void wait_state(struct victim *v, pid_t tid, char state);
/* … until the task sleeps in that system call (or was resumed in it). */
void wait_in_call(struct victim *v, long nr);

/* The number of the system call that the task sleeps in, and where; -1: in none. */
long current_call(pid_t tid, uint64_t *ip);

/* How the victim ended: a wait status. */
int victim_wait(struct victim *v);

struct kpage_remote *victim_hold(struct victim *v, pid_t tid);
/* Runs getpid in it and checks the result. */
void check_call(struct victim *v, struct kpage_remote *r);
void release(struct kpage_remote *r);
/* … of one that was killed. */
void release_dead(struct kpage_remote *r);
/* All that at once. */
void disturb(struct victim *v);
