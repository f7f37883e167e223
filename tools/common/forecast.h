/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an uncorrected error in a page would do. */
#pragma once

#include "common/page-kind.h"

/* What it depends on. */
struct forecast_page {
	enum page_kind kind;
	uint64_t kflags;
	uint64_t head_kflags;	/* of the first page of its folio: before 6.10 a tail shows little
				   by itself */
	bool mapped;		/* somebody is there to be told */
	bool handles_ksm;	/* forecast_handles_ksm() */
};

struct forecast {
	const char *type;	/* the kernel's words for it; NULL: they vary */
	const char *result;
	const char *now;	/* what the processes that have it get at once */
	const char *later;	/* … and when they touch it */
	const char *risk;	/* NULL: none beyond that */
};

/* As far as is known of this kernel. */
void forecast_error(const struct forecast_page *page, struct forecast *out);

/* Whether this kernel gets pages of KSM out of use. */
bool forecast_handles_ksm(struct kpage_ctx *ctx);

/* Whether the kernel does anything with an error in such a page. */
bool forecast_is_handled(enum page_kind kind);
