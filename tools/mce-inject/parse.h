/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From text to machine check records: the record language, and what kernels and mcelog print. */
#pragma once

#include "mce.h"

struct mce_list {
	struct mce *records;
	size_t n;
	size_t passed_over;	/* lines of a log that are about something else */
	size_t first_passed;	/* the first of them */
};

/* Where a text is wrong, and what was expected. Lines and columns (bytes) count from 1. */
struct mce_error {
	size_t line, column;
	char text[160];
};

/*
 * Appends the records of a text to the list. 0, or -EINVAL: then *err says where, and
 * the list is as it was: all records of a text are handed over, or none.
 */
int mce_parse(const char *text, size_t length, struct mce_list *list, struct mce_error *err);

void mce_list_release(struct mce_list *list);
