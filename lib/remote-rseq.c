// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Restartable sequences (rseq(2)) of a task that is held. When a task that was preempted
 * within one runs on, the kernel sends it to the sequence's abort handler. It can't
 * where the task ran something else in between: it finds the task outside of the
 * sequence, forgets about it, and the sequence would go on as if it had not been
 * interrupted.
 */
#include "remote.h"

#include <linux/rseq.h>
#include <sys/ptrace.h>

#ifndef PTRACE_GET_RSEQ_CONFIGURATION
#define PTRACE_GET_RSEQ_CONFIGURATION 0x420f
#endif

/* The kernel's struct ptrace_rseq_configuration. */
struct rseq_configuration {
	uint64_t abi_pointer;
	uint32_t abi_size;
	uint32_t signature;
	uint32_t flags;
	uint32_t pad;
};

static bool read_exactly(int mem, void *buf, size_t size, uint64_t address)
{
	return pread(mem, buf, size, (off_t)address) == (ssize_t)size;
}

int remote_leave_rseq(struct tracee *t, int mem, struct remote_regs *regs)
{
	struct rseq_configuration conf = { 0 };
	struct rseq_cs cs;
	uint64_t address;
	int n;

	n = tracee_ptrace(t, PTRACE_GET_RSEQ_CONFIGURATION, sizeof(conf), &conf);
	if (n == -ESRCH)
		return n;
	if (n < 0 || !conf.abi_pointer)
		return 0;
	if (!read_exactly(mem, &address, sizeof(address),
			  conf.abi_pointer + offsetof(struct rseq, rseq_cs)) ||
	    !address || !read_exactly(mem, &cs, sizeof(cs), address))
		return 0;
	if (remote_regs_ip(regs) - cs.start_ip < cs.post_commit_offset)
		remote_regs_jump(regs, cs.abort_ip);
	return 0;
}
