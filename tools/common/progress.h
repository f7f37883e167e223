/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far a long run is, on a terminal. */
#pragma once

#include <stdatomic.h>

#include "common/util.h"

struct progress {
	const char *what;		/* "pages"; borrowed */
	uint64_t total;			/* 0: nothing is shown */
	struct timespec start;
	_Atomic uint64_t next_ms;	/* since the start: when to print again */
	_Atomic bool shown;
};

/* Nothing is ever shown if stderr is no terminal. total: of what is counted. */
void progress_start(struct progress *p, const char *what, uint64_t total);

/* May be called as often as one likes, and from several threads: a line is printed after
 * the first second, and then a few a second, over the one before. */
void progress_update(struct progress *p, uint64_t done);

/* Erases it. After the last update, and before anything else is printed. */
void progress_end(struct progress *p);
