/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of page-map's views share: the viewer without a terminal, on a tree. */
#pragma once

#include "page-map/app.h"

#include "map.h"

struct viewer {
	struct map *map;
	struct app app;
	struct frame frame;
};

/* cmocka's setup and teardown: an empty tree, nothing is opened yet. */
int viewer_setup(void **state);
int viewer_teardown(void **state);

/* pid 0: the machine. */
void viewer_open(struct viewer *v, pid_t pid);

/* All that was asked for is done, and shown. */
void viewer_settle(struct viewer *v);

/* Presses keys, as --keys. */
void viewer_press(struct viewer *v, const char *keys);

/* A line of what is shown, without the blanks at its end. */
void viewer_line(const struct viewer *v, int y, char out[MIN_WIDTH + 1]);
bool viewer_shows(const struct viewer *v, const char *text);

/* "stat" of a process that has begun then. */
void viewer_put_started(const struct viewer *v, pid_t pid, unsigned int started);
