// SPDX-License-Identifier: GPL-2.0-or-later
/* Being on a CPU. */
#include "common/cpus.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

int cpu_stay(uint64_t cpu)
{
	cpu_set_t *only = CPU_ALLOC(cpu + 1);
	size_t size = CPU_ALLOC_SIZE(cpu + 1);
	int err = 0;

	if (!only)
		return -ENOMEM;
	CPU_ZERO_S(size, only);
	CPU_SET_S(cpu, size, only);
	if (sched_setaffinity(0, size, only))
		err = -errno;
	CPU_FREE(only);
	return err;
}

int cpu_visit(uint64_t cpu)
{
	cpu_set_t *before = CPU_ALLOC(CPU_SETSIZE);
	size_t size = CPU_ALLOC_SIZE(CPU_SETSIZE);
	int err = before ? 0 : -ENOMEM;

	if (!err && sched_getaffinity(0, size, before))
		err = -errno;
	if (!err)
		err = cpu_stay(cpu);
	if (!err && sched_setaffinity(0, size, before))
		err = -errno;
	CPU_FREE(before);
	return err;
}

void cpus_visit_all(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	for (long i = 0; i < n; i++)
		cpu_visit((uint64_t)i);
}
