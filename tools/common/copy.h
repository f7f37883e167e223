/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine that was saved: a dump, or a copy of kpageflags. */
#pragma once

#include "kpage.h"
#include "common/util.h"

/* A dump, or a copy of kpageflags (then *dump stays NULL). option: for messages. EXIT_OK,
 * or a status after a message. */
int copy_open(struct kpage_ctx *ctx, const char *option, const char *path,
	      struct kpage_dump **dump, struct kpage_file **flags);

/* A copy without a page is one, though mostly of a command that failed. */
void copy_warn_if_empty(const char *option, const char *path, const struct kpage_file *flags);
