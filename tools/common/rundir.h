/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run directory, /run/hwpoison-tools below the root: one run at a time that
 * changes the machine, and what it has to put back.
 */
#pragma once

#include "kpage.h"
#include "common/util.h"

struct rundir;

/* Opens it, and makes it where it is not there. ctx must outlive it. EXIT_OK, or a
 * status after a message. */
int rundir_open(struct kpage_ctx *ctx, struct rundir **out);

/* Opens it as it is, without a message. 0 or a negative errno: -ENOENT no run has
 * been here since boot; -EPERM it belongs to somebody else; -EACCES. */
int rundir_find(struct kpage_ctx *ctx, struct rundir **out);

/* Gives the lock back. */
void rundir_free(struct rundir *r);
DEFINE_CLEANUP(rundir)

/* The directory, for messages, as seen below the root. Borrowed. */
const char *rundir_path(const struct rundir *r);

/* The directory itself. Borrowed. */
int rundir_fd(const struct rundir *r);

/* The number of this boot (/proc/sys/kernel/random/boot_id). Borrowed. */
const char *rundir_boot(const struct rundir *r);

/*
 * Waits until no other run has the lock; says so once. A signal that is held
 * (common/signals.h) ends the waiting. EXIT_OK, also if it is held already, or a
 * status after a message. A child that is forked meanwhile has a part in the lock
 * until it calls exec.
 */
int rundir_lock(struct rundir *r);

/* The same without waiting or a message: 0, -EWOULDBLOCK, or another negative errno. */
int rundir_trylock(struct rundir *r);
void rundir_unlock(struct rundir *r);
bool rundir_is_locked(const struct rundir *r);

/*
 * Notes: small texts that outlive the run that wrote them, if it is killed. A note
 * is written whole or not at all. 0 or a negative errno; -ENOENT: there is no such
 * note (removing: no matter, 0). The caller frees *text. Written and removed under
 * the lock only: -ENOLCK.
 */
int rundir_note_write(struct rundir *r, const char *name, const char *text);
int rundir_note_read(struct rundir *r, const char *name, char **text);
int rundir_note_remove(struct rundir *r, const char *name);
