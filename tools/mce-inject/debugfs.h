/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Injection by the files of the module mce_inject. */
#pragma once

#include "common/rundir.h"
#include "mce.h"

/* What of the machine is changed for the run. */
struct debugfs {
	struct kpage_ctx *ctx;
	struct rundir *dir;
	const char *type;		/* sw, hw, df, th */
	bool fake_panic;
	char root[128];			/* where it is mounted: see debugfs_find() */
};

/* Finds where the module's files are. Without any, /sys/kernel/debug is named. */
void debugfs_find(struct debugfs *d);

/*
 * Puts back what a run that was killed has left, notes how it is now, and sets the type,
 * and fake_panic where it is wanted. Under the lock of the run directory. EXIT_OK or a
 * status after a message.
 */
int debugfs_begin(struct debugfs *d);

/* Hands a record to the kernel. EXIT_OK or a status after a message. */
int debugfs_inject(struct debugfs *d, const struct mce *m);

/* Puts back what debugfs_begin() has changed. Returns status, or another after a message. */
int debugfs_end(struct debugfs *d, int status);

/* Prints the writes that debugfs_inject() would make. */
void debugfs_show(const struct debugfs *d, const struct mce *m);

/* Says what of the record this route has no file for. */
void debugfs_say_dropped(const struct mce *m, const char *type);
