/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A long run that is limited to a share of one CPU. */
#pragma once

#include <stdint.h>

struct pace {
	unsigned int max_cpu;	/* percent, of all threads together; 0: no limit */
	uint64_t begin_ns, begin_cpu_ns;
};

void pace_start(struct pace *p, unsigned int max_cpu);

/* Called by any thread now and then: sleeps until what the process has used since the start
 * is that share on average. A signal ends the sleep; the next one makes up for it. */
void pace_keep(const struct pace *p);
