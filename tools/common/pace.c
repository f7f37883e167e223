// SPDX-License-Identifier: GPL-2.0-or-later
/* A long run that is limited to a share of one CPU. */
#include "common/pace.h"

#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void pace_start(struct pace *p, unsigned int max_cpu)
{
	*p = (struct pace){
		.max_cpu = max_cpu,
		.begin_ns = now_ns(CLOCK_MONOTONIC),
		.begin_cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID),
	};
}

void pace_keep(const struct pace *p)
{
	struct timespec until;
	uint64_t due;

	if (!p->max_cpu)
		return;
	due = p->begin_ns +
	      (now_ns(CLOCK_PROCESS_CPUTIME_ID) - p->begin_cpu_ns) * 100 / p->max_cpu;
	until.tv_sec = (time_t)(due / NS_PER_S);
	until.tv_nsec = (long)(due % NS_PER_S);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}
