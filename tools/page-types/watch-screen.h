/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A round of --watch on a terminal: no more lines than it has, and none longer. */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct watch_screen {
	unsigned int lines, columns;	/* 0: not known, and not cut */
	FILE *to;
	char *text;			/* what was printed there */
	size_t size;
};

/* Where the round is to be printed, for a terminal of the size that it has now. */
FILE *watch_screen_begin(struct watch_screen *s);

/* How many rows a table fits that has a line above it, its head, and a sum. */
size_t watch_screen_rows(const struct watch_screen *s);

/* Draws it from the terminal's top. */
void watch_screen_end(struct watch_screen *s);
