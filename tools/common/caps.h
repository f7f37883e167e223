/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities: only those that a tool needs, and only while it needs them. */
#pragma once

#include <sys/capability.h>

#include "common/util.h"

/*
 * Drops all others from the permitted and inheritable sets, and all from the
 * effective set. Those that this process has not got are not missed here: what needs
 * them fails later, with a better message. The bounding set stays as it is: a command
 * that root starts has all of root's capabilities. Call it before any thread is
 * started: the sets are a thread's own, and a new thread has its creator's. EXIT_OK,
 * or a status after a message.
 */
int caps_begin(const cap_value_t *needed, size_t n);

/*
 * Into, and out of, the effective set. Without caps_begin() they do nothing. They do
 * not nest. Mind who asks when: the kernel looks at CAP_SYS_ADMIN for a file of
 * /proc/PID/pagemap when it is opened, for corrupt-pfn when it is written.
 */
void caps_raise(void);
void caps_lower(void);
