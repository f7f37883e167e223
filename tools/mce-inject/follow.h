/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says and does after an injection. */
#pragma once

#include "kpage.h"
#include "options.h"

struct follow;

/* Begins to follow. address: of the page of --pid, in physical memory. *out NULL: nothing can
 * be followed here, which was said. EXIT_OK, or a status after a message. */
int follow_new(struct kpage_ctx *ctx, const struct options *opt, uint64_t address,
	       struct follow **out);

/* Follows for that long, and a little longer if so many memory failures are to come, then
 * prints what the log says about it, each memory failure, each task that was signalled, and
 * the totals. Takes NULL. */
void follow_report(struct follow *f, uint64_t wait_ns, size_t failures);
void follow_free(struct follow *f);
