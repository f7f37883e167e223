/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of page-map. */
#pragma once

#include "app.h"
#include "common/options.h"

struct options {
	pid_t pid;
	char *copy, *sysroot;
	bool once, sample, ascii, allow_inject, letters;
	int width, height;
	char *svg, *keys;
	const struct scheme *scheme;	/* NULL: as remembered */
	double delay;
};

enum parse_result options_parse(int argc, const char **argv, struct options *opt, int *status);
void options_release(struct options *opt);
