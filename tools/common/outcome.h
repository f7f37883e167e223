/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report of an injection, as text. */
#pragma once

#include "common/inject.h"

/* Prints what became of the pages and the tasks to stdout. pids: the processes
 * that were chosen; one that was not signalled gets its line too. */
void outcome_print(const struct injection *inj, bool unpoison, const pid_t *pids, size_t nr_pids);

/* EXIT_OK if every page became what was asked for, else EXIT_OUTCOME. */
enum exit_status outcome_status(const struct injection *inj);
