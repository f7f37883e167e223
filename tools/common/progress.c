// SPDX-License-Identifier: GPL-2.0-or-later
/* How far a long run is, on a terminal. */
#include "common/progress.h"

#include <errno.h>
#include <inttypes.h>

#define FIRST_MS 1000
#define EVERY_MS 200

void progress_start(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress){ .what = what, .total = isatty(STDERR_FILENO) ? total : 0 };
	clock_gettime(CLOCK_MONOTONIC, &p->start);
	p->next_ms = FIRST_MS;
}

/* "12" or "3.4 million". */
static void format_rate(double rate, char *out, size_t size)
{
	if (rate < 1e6)
		snprintf(out, size, "%.0f", rate);
	else
		snprintf(out, size, "%.1f million", rate / 1e6);
}

static void print(const struct progress *p, uint64_t done, double seconds)
{
	double rate = (double)done / seconds;
	uint64_t left = done ? (uint64_t)((double)(p->total - done) / rate + 0.5) : 0;
	char per_second[32];

	format_rate(rate, per_second, sizeof(per_second));
	/* One write: several threads, and a terminal that shows each at once. */
	fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 " %s, %u%%, %s/s, %" PRIu64 " s left\033[K",
		program_invocation_short_name, done, p->total, p->what,
		(unsigned int)(100.0 * (double)done / (double)p->total), per_second, left);
	fflush(stderr);
}

void progress_update(struct progress *p, uint64_t done)
{
	uint64_t next, ms;
	double seconds;

	if (!p->total)
		return;
	seconds = seconds_since(&p->start);
	ms = (uint64_t)(seconds * 1000);
	next = p->next_ms;
	if (ms < next || !atomic_compare_exchange_strong(&p->next_ms, &next, ms + EVERY_MS))
		return;
	p->shown = true;
	print(p, MIN(done, p->total), seconds);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
	p->total = 0;
}
