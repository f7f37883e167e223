/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor of the virtual machine that this runs in, one of hwpoison-lab: it raises
 * machine checks that are real for everything in the machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpage.h"

/* A machine check, and the moment for it. */
struct vm_check {
	uint64_t cpu, bank, status, mcgstatus, addr, misc;
	bool broadcast;		/* the other CPUs are told of it, too */
	bool user_mode;		/* not before the CPU is in user mode: */
	bool any_cpu;		/* … one of the CPUs, whatever .cpu is */
	bool has_vaddr;		/* … of a process that has the page of .addr there: */
	uint64_t vaddr;
};

#define VM_CHECK_TEXT 192

/* What the monitor is given for it. */
void vm_check_text(const struct vm_check *check, char buf[VM_CHECK_TEXT]);

struct vm_monitor;

/* Opens the device to it; ctx is borrowed. Errors: -ENODEV this is no machine of hwpoison-lab; -EBUSY somebody
 * else has it; others of open(2). The caller frees *out. */
int vm_monitor_open(struct kpage_ctx *ctx, struct vm_monitor **out);
void vm_monitor_free(struct vm_monitor *vm);

/*
 * Has the machine check raised, and comes back when the CPUs have handled it, and the kernel
 * has looked at the banks for one without an exception. 0, or a
 * negative errno: -EREMOTEIO the monitor refuses, -ETIMEDOUT it does not answer;
 * vm_monitor_words() then has its words.
 */
int vm_monitor_raise(struct vm_monitor *vm, const struct vm_check *check);
const char *vm_monitor_words(const struct vm_monitor *vm);
