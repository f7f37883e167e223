// SPDX-License-Identifier: GPL-2.0-or-later
/* How far something is that takes its time: a line on a terminal, which goes away again. */
#include "common/progress.h"

#include <errno.h>
#include <inttypes.h>

/* Seconds until it shows, and between two changes of the line. */
#define PATIENCE 1.0
#define INTERVAL 0.2

void progress_start(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress){
		.what = what,
		.total = total,
		.terminal = isatty(STDERR_FILENO) == 1,
		.shown_at = PATIENCE - INTERVAL,
	};
	if (p->terminal)
		clock_gettime(CLOCK_MONOTONIC, &p->start);
}

void progress_update(struct progress *p, uint64_t done)
{
	double now;

	if (!p->terminal)
		return;
	now = seconds_since(&p->start);
	if (now < p->shown_at + INTERVAL)
		return;
	p->shown_at = now;
	p->width = fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 " %s",
			   program_invocation_short_name, done, p->total, p->what) - 1;
}

void progress_end(struct progress *p)
{
	if (p->width > 0)
		fprintf(stderr, "\r%*s\r", p->width, "");
	p->width = 0;
}
