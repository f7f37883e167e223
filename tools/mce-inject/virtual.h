/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as real machine checks of the virtual machine that this runs in. */
#pragma once

#include "common/vm-monitor.h"
#include "options.h"
#include "machine.h"

/* What the virtual machine is to do for a record. */
void virtual_check(const struct options *opt, const struct machine *machine, const struct mce *m,
		   struct vm_check *out);

/* The record as the CPU will have it, for its judgement. */
void virtual_as_seen(const struct mce *m, struct mce *out);

/* Says what of the record this route has no room for, and what it takes instead of what the
 * record does not have. */
void virtual_say_dropped(const struct mce *m, const struct vm_check *check);

/* Opens the way to the monitor. EXIT_OK or a status after a message. */
int virtual_open(struct kpage_ctx *ctx, struct vm_monitor **out);

/* Raises it. name: of the record. EXIT_OK or a status after a message. */
int virtual_raise(struct vm_monitor *vm, const struct vm_check *check, const char *name);

/* Prints what virtual_raise() would give to the monitor. */
void virtual_show(const struct vm_check *check);
