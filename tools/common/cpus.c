// SPDX-License-Identifier: GPL-2.0-or-later
/* Being on a CPU. */
#include "common/cpus.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

int cpu_visit(uint64_t cpu)
{
	cpu_set_t *before = CPU_ALLOC(CPU_SETSIZE), *only = CPU_ALLOC(cpu + 1);
	size_t size = CPU_ALLOC_SIZE(CPU_SETSIZE), only_size = CPU_ALLOC_SIZE(cpu + 1);
	int err = before && only ? 0 : -ENOMEM;

	if (!err && sched_getaffinity(0, size, before))
		err = -errno;
	if (!err) {
		CPU_ZERO_S(only_size, only);
		CPU_SET_S(cpu, only_size, only);
		if (sched_setaffinity(0, only_size, only) || sched_setaffinity(0, size, before))
			err = -errno;
	}
	CPU_FREE(before);
	CPU_FREE(only);
	return err;
}

void cpus_visit_all(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	for (long i = 0; i < n; i++)
		cpu_visit((uint64_t)i);
}
