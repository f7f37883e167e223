/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The summary of page-types: a row for each set of flags, for all pages or for each group. */
#pragma once

#include "groups.h"
#include "kpage.h"
#include "common/record.h"
#include "common/util.h"

enum sort_by {
	SORT_DEFAULT,	/* rows by flags, groups as they come */
	SORT_FLAGS,
	SORT_PAGES,	/* most first */
	SORT_NAME,	/* of the flags, of the group */
};

struct summary_style {
	enum sort_by sort;
	uint64_t top;			/* 0: all */
	struct record_output *json;	/* NULL: text */
};

/* 0 or -ENOMEM. */
int show_summary(const struct kpage_tally *tally, const struct summary_style *style);

/* One for each group, and what they all sum up to. 0 or -ENOMEM. */
int show_groups(const struct groups *groups, const struct kpage_tally *all,
		const struct summary_style *style);
