/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of a task that is held. */
#pragma once

#include "tracer.h"

/* Instructions of the task that it can be made to run. */
struct remote_code {
	uint64_t syscall;	/* 0: none */
	uint64_t load;
	uint8_t load_bytes[REMOTE_CODE_SIZE];
};

/* The signals that the kernel forces on a task for what it does: these can come while all
 * others are blocked. */
#define REMOTE_SYNC_SIGNALS { SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP }
#define REMOTE_NR_SYNC 6

struct kpage_remote {
	struct tracer tracer;
	struct tracee task;
	struct kpage_ctx *ctx;
	int mem;		/* /proc/PID/mem */
	struct remote_regs regs;/* the task's own */
	uint64_t mask;		/* the task's own blocked signals */
	struct remote_code code;
	siginfo_t kept[REMOTE_NR_SYNC];
	size_t nr_kept;
};

/* Looks through the executable mappings of a task. -EOPNOTSUPP: no system call
 * instruction in them. A load may be missing. */
int remote_code_find(struct kpage_ctx *ctx, pid_t tid, int mem, struct remote_code *out);

/* Takes a task out of a restartable sequence, as the kernel does with one that is
 * preempted there. */
int remote_leave_rseq(struct tracee *t, int mem, struct remote_regs *regs);

/* The value of one line of /proc/TID/status. -ESRCH no such task, -ENOENT no such line. */
int remote_status(struct kpage_ctx *ctx, pid_t tid, const char *key, int base, uint64_t *out);
