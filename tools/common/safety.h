/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must not be poisoned by accident. */
#pragma once

#include "kpage.h"
#include "common/util.h"

/* Whether the kernel itself owns the page, or nobody knows who does: its loss
 * can't be contained, and mostly not be undone. */
bool is_kernel_page(uint64_t kflags);

/* Whether its users lose anything with it: a clean page of a file is dropped and read again. */
bool page_loss_hurts(uint64_t kflags);

/* What a selection would hit, as far as the kernel's own filter lets it. */
struct survey {
	uint64_t pages;		/* pages, without swap entries */
	uint64_t kernel;	/* of the kernel */
	uint64_t init;		/* of PID 1, such that it would be signalled or killed */
	uint64_t self;		/* the same of this process */
};

struct surveyor;

/*
 * filter: the kernel's filter as it is now. Collects the pages of PID 1 and of
 * this process. EXIT_OK, or a status after a message.
 */
int surveyor_new(struct kpage_ctx *ctx, const struct kpage_file *flags,
		 const struct kpage_hwpoison_filter *filter, struct surveyor **out);
void surveyor_free(struct surveyor *s);

/* An emit function for a walk: arg is the surveyor. */
int surveyor_emit(const struct kpage_batch *batch, void *arg);

const struct survey *surveyor_result(const struct surveyor *s);
