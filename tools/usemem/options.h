/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "handler.h"
#include "kinds.h"
#include "touch.h"

struct options {
	const struct kind *kind;
	uint64_t megabytes;
	uint64_t duration_ns;		/* 0: until a signal */
	char *path;
	bool json;
	bool pfns;
	enum handler_mode handler;
	bool handler_thread;
	int policy;			/* PR_MCE_KILL_*, or POLICY_INHERITED */
	enum touch_op touch;
	uint64_t interval_ns;		/* 0: not given */
	unsigned int threads;
};

#define POLICY_INHERITED (-1)
#define INTERVAL_DEFAULT_NS UINT64_C(1000000000)

/*
 * Fills *opt. Returns true to go on; false: what there was to say has been said,
 * and *status is the exit status.
 */
bool options_parse(int argc, char *argv[], struct options *opt, int *status);
void options_free(struct options *opt);
