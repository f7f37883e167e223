/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine check record with every bit named, as text and as JSON. */
#pragma once

#include "decode.h"

/* rules: of the machine that reads it. source: the name of its text, or NULL. */
void show_record(const struct mce *m, const struct mce_rules *rules, const struct mce_judgement *j,
		 const char *source, bool json);

/* The words of the record language for how to inject, separated by blanks; "" for none. */
void way_words(uint32_t way, char *out, size_t size);
