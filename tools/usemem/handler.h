/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SIGBUS handler, and the guard that lets a thread survive a touch. */
#pragma once

#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

enum handler_mode {
	HANDLER_NONE,		/* SIGBUS does what it does by default */
	HANDLER_CONTINUE,
	HANDLER_EXIT,
};

/* Exit statuses of HANDLER_EXIT, and of a fault that can't be gone on from. */
enum {
	EXIT_SIGBUS_AO = 10,
	EXIT_SIGBUS_AR = 11,
	EXIT_SIGBUS_OTHER = 12,
};

/*
 * What a thread is touching. Between guard_enter() and guard_leave(), a fault
 * there ends in a jump to env, with `lost` set to what can't be touched.
 */
struct guard {
	sigjmp_buf env;
	volatile uintptr_t start, end;	/* equal: nothing */
	uintptr_t lost_start, lost_end;
	uintptr_t last_fault;		/* the one that was returned from; 0: none since */
};

extern __thread struct guard guard;

/* The fences keep the compiler from moving the accesses out of the guard. */
static inline void guard_enter(uintptr_t start, uintptr_t end)
{
	guard.end = end;
	guard.start = start;
	guard.last_fault = 0;
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void guard_leave(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	guard.start = guard.end = 0;
}

/* Installs it, for good. Prints what failed; returns an exit status. */
int handler_install(enum handler_mode mode, const struct memory *m, bool json);

/* Starts a thread that has the policy early and does nothing but take signals. */
int handler_start_thread(void);
