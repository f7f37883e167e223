/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another tool of this toolkit, run for a window: its output is read as it comes. */
#pragma once

#include "common/util.h"

struct child {
	pid_t pid;		/* 0: none runs */
	int fd;			/* what it prints */
	char *rest;		/* of a line that is not whole yet */
	size_t len;
	int status;		/* of wait(2), when it has ended */
};

/* Starts a tool: the one beside this program, else that of PATH. 0 or a negative errno. */
int child_start(struct child *c, char *const *argv);

/*
 * Hands on the lines that it has printed; with `wait` until it has ended. Whether it still
 * runs; when it has ended, status is known.
 */
bool child_read(struct child *c, bool wait, void (*line)(const char *text, void *arg), void *arg);

/* Asks it to end. */
void child_end(struct child *c);

/* Asks it to end, and waits for that: a tool that poisons pages tidies up first. */
void child_stop(struct child *c);
