/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says and does after an injection. */
#pragma once

#include "kpage.h"

struct follow;

/* Begins to follow. NULL: nothing can be followed here, which was said. */
struct follow *follow_new(struct kpage_ctx *ctx);

/* Follows for that long, prints each line of the log about it, each memory failure and
 * each signal, and at last the totals. Takes NULL. */
void follow_report(struct follow *f, uint64_t wait_ns);
void follow_free(struct follow *f);
