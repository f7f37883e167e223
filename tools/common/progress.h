/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far something is that takes its time: a line on a terminal, which goes away again. */
#pragma once

#include "common/util.h"

struct progress {
	const char *what;	/* "processes" */
	uint64_t total;
	struct timespec start;
	double shown_at;	/* seconds after start */
	int width;		/* of the line that is on the terminal; 0: none is */
	bool terminal;
};

/* what must outlive it. Nothing is printed where standard error is no terminal, and in
 * the first second. One thread at a time may use it. */
void progress_start(struct progress *p, const char *what, uint64_t total);
void progress_update(struct progress *p, uint64_t done);

/* Erases the line. */
void progress_end(struct progress *p);
