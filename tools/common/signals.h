/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ending in order: a signal asks a loop to stop, so that it can report and tidy up. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP are noted; a closed pipe shows as a
 * write error. */
void signals_hold(void);

/* The same for who leaves nothing behind: a closed pipe ends it, as it ends others. */
void signals_hold_but_pipe(void);

/* The signal that came, 0 if none. */
int signals_pending(void);

/* Dies of the signal that came, if any: the caller has tidied up. */
void signals_release(void);

/* Starts a thread that takes none of the signals: it is the caller's wait that they end. */
bool signals_start_thread(pthread_t *thread, void *(*run)(void *), void *arg);
