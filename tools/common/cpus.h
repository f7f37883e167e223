/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Being on a CPU. */
#pragma once

#include <stdint.h>

/*
 * Runs on that CPU for a moment: whoever gets there does so after the interrupts and
 * exceptions that it had to handle. 0 or a negative errno (-EINVAL: there is no such CPU, or
 * it is not ours).
 */
int cpu_visit(uint64_t cpu);

/* Runs on that CPU from now on. The same errors. */
int cpu_stay(uint64_t cpu);

/* cpu_visit() on each CPU that there may be, one after the other; those that can't be visited
 * are left out. */
void cpus_visit_all(void);
