/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger of the pages that a record is to have poisoned. */
#pragma once

#include "common/rundir.h"
#include "mce.h"
#include "options.h"

struct book;

/* Under the lock of the run directory, which must outlive it. EXIT_OK or a status after a
 * message. */
int book_open(struct kpage_ctx *ctx, struct rundir *dir, struct book **out);

/* Notes the page of a record, before it is injected. EXIT_OK or a status after a message. */
int book_note(struct book *b, const struct options *opt, uint64_t pfn);

/* Takes back what was noted of pages that were not poisoned after all. Takes NULL. */
void book_close(struct book *b);
