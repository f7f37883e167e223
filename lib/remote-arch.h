/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the architectures say of a task's registers: how a system call and a load of
 * one byte look, and where their operands go. There is a section for each; without
 * one, no task can be held.
 */
#pragma once

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/user.h>

/*
 * remote_code_is_syscall(), remote_code_is_load(): whether the instruction at the start
 * of REMOTE_CODE_SIZE bytes is one that can be used.
 * remote_regs_call(), remote_regs_load(): make the task run such an instruction at ip.
 * remote_regs_result(): what the system call returned.
 * remote_regs_restart(): has the kernel repeat an interrupted system call that it would
 * end with EINTR, unless a signal handler runs.
 * REMOTE_REWINDS: whether the kernel has rewound an interrupted call before a tracer sees
 * the task, and no longer knows of it.
 */

#if defined(__x86_64__)

#define REMOTE_SUPPORTED  1
#define REMOTE_CODE_SIZE  2U
#define REMOTE_CODE_ALIGN 1U
#define REMOTE_REWINDS    0

struct remote_regs {
	struct user_regs_struct raw;
};

static inline bool remote_code_is_syscall(const uint8_t *code)
{
	return code[0] == 0x0f && code[1] == 0x05;
}

/* mov (%reg64),%reg8, where the ModRM byte has no displacement and no SIB byte. */
static inline bool remote_code_is_load(const uint8_t *code)
{
	return code[0] == 0x8a && code[1] < 0x40 && (code[1] & 7) != 4 && (code[1] & 7) != 5;
}

static inline uint64_t remote_regs_ip(const struct remote_regs *regs)
{
	return regs->raw.rip;
}

static inline void remote_regs_jump(struct remote_regs *regs, uint64_t ip)
{
	regs->raw.rip = ip;
	/* Not in a system call: the kernel must not restart one from here. */
	regs->raw.orig_rax = UINT64_MAX;
}

static inline void remote_regs_call(struct remote_regs *regs, uint64_t ip, long nr,
				    const uint64_t args[6])
{
	remote_regs_jump(regs, ip);
	regs->raw.rax = (unsigned long)nr;
	regs->raw.rdi = args[0];
	regs->raw.rsi = args[1];
	regs->raw.rdx = args[2];
	regs->raw.r10 = args[3];
	regs->raw.r8 = args[4];
	regs->raw.r9 = args[5];
}

static inline long remote_regs_result(const struct remote_regs *regs)
{
	return (long)regs->raw.rax;
}

static inline void remote_regs_load(struct remote_regs *regs, uint64_t ip, const uint8_t *code,
				    uint64_t address)
{
	remote_regs_jump(regs, ip);
	switch (code[1] & 7) {
	case 0:
		regs->raw.rax = address;
		break;
	case 1:
		regs->raw.rcx = address;
		break;
	case 2:
		regs->raw.rdx = address;
		break;
	case 3:
		regs->raw.rbx = address;
		break;
	case 6:
		regs->raw.rsi = address;
		break;
	default:
		regs->raw.rdi = address;
		break;
	}
}

/*
 * Calls that a stop by ptrace ends with EINTR though no handler runs (signal(7)), and
 * that have done nothing then, so that they can be repeated.
 */
static inline bool remote_call_is_repeatable(uint64_t nr)
{
	static const uint16_t calls[] = {
		SYS_accept, SYS_accept4, SYS_epoll_pwait,
		SYS_epoll_pwait2, SYS_epoll_wait, SYS_io_getevents,
		SYS_io_pgetevents, SYS_io_uring_enter, SYS_read,
		SYS_recvfrom, SYS_recvmmsg, SYS_recvmsg,
		SYS_rt_sigtimedwait, SYS_semop, SYS_semtimedop,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == nr)
			return true;
	return false;
}

static inline void remote_regs_restart(struct remote_regs *regs)
{
	const long erestartnohand = 514;

	if (remote_regs_result(regs) == -EINTR && remote_call_is_repeatable(regs->raw.orig_rax))
		regs->raw.rax = (unsigned long)-erestartnohand;
}

#elif defined(__aarch64__)

#define REMOTE_SUPPORTED  1
#define REMOTE_CODE_SIZE  4U
#define REMOTE_CODE_ALIGN 4U
#define REMOTE_REWINDS    1

struct remote_regs {
	struct user_regs_struct raw;
};

static inline uint32_t remote_code_word(const uint8_t *code)
{
	return (uint32_t)code[0] | (uint32_t)code[1] << 8 | (uint32_t)code[2] << 16 |
	       (uint32_t)code[3] << 24;
}

/* svc #0 */
static inline bool remote_code_is_syscall(const uint8_t *code)
{
	return remote_code_word(code) == 0xd4000001;
}

static inline unsigned int remote_load_base(const uint8_t *code)
{
	return remote_code_word(code) >> 5 & 31;
}

/* ldrb wT, [xN, #offset], where xN is not the stack pointer. */
static inline bool remote_code_is_load(const uint8_t *code)
{
	return (remote_code_word(code) & 0xffc00000) == 0x39400000 &&
	       remote_load_base(code) != 31;
}

static inline uint64_t remote_regs_ip(const struct remote_regs *regs)
{
	return regs->raw.pc;
}

static inline void remote_regs_jump(struct remote_regs *regs, uint64_t ip)
{
	regs->raw.pc = ip;
}

static inline void remote_regs_call(struct remote_regs *regs, uint64_t ip, long nr,
				    const uint64_t args[6])
{
	remote_regs_jump(regs, ip);
	regs->raw.regs[8] = (uint64_t)nr;
	for (size_t i = 0; i < 6; i++)
		regs->raw.regs[i] = args[i];
}

static inline long remote_regs_result(const struct remote_regs *regs)
{
	return (long)regs->raw.regs[0];
}

static inline void remote_regs_load(struct remote_regs *regs, uint64_t ip, const uint8_t *code,
				    uint64_t address)
{
	remote_regs_jump(regs, ip);
	regs->raw.regs[remote_load_base(code)] = address - (remote_code_word(code) >> 10 & 0xfff);
}

/* Of a call that ended with EINTR the first argument is lost: it can't be repeated. */
static inline void remote_regs_restart(struct remote_regs *regs)
{
	(void)regs;
}

#else

#define REMOTE_SUPPORTED  0
#define REMOTE_CODE_SIZE  1U
#define REMOTE_CODE_ALIGN 1U
#define REMOTE_REWINDS    0

struct remote_regs {
	uint64_t raw;
};

static inline bool remote_code_is_syscall(const uint8_t *code)
{
	(void)code;
	return false;
}

static inline bool remote_code_is_load(const uint8_t *code)
{
	(void)code;
	return false;
}

static inline uint64_t remote_regs_ip(const struct remote_regs *regs)
{
	return regs->raw;
}

static inline void remote_regs_jump(struct remote_regs *regs, uint64_t ip)
{
	regs->raw = ip;
}

static inline void remote_regs_call(struct remote_regs *regs, uint64_t ip, long nr,
				    const uint64_t args[6])
{
	(void)nr;
	(void)args;
	remote_regs_jump(regs, ip);
}

static inline long remote_regs_result(const struct remote_regs *regs)
{
	(void)regs;
	return -ENOSYS;
}

static inline void remote_regs_load(struct remote_regs *regs, uint64_t ip, const uint8_t *code,
				    uint64_t address)
{
	(void)code;
	(void)address;
	remote_regs_jump(regs, ip);
}

static inline void remote_regs_restart(struct remote_regs *regs)
{
	(void)regs;
}

#endif
