/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records on stdout: one model, printed as a line of text or of JSON. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "where.h"

enum field_type {
	FIELD_NUMBER,
	FIELD_HEX,	/* an address: in JSON a string, as it may not fit a double */
	FIELD_TEXT,
};

/* A field: its name in JSON, and what stands before and after it in the text. */
struct field {
	const char *name;
	const char *before;	/* NULL: not in the text */
	const char *after;	/* NULL: nothing */
	enum field_type type;
	uint64_t number;
	const char *text;
};

/* A record of type "usemem.<type>". false: stdout can't be written to. */
bool report_record(bool json, const char *type, const struct field *fields, size_t n);

/* The PFNs, as records of type usemem.pfns: long lists are several. */
bool report_pfns(bool json, const struct where *w);

/*
 * Lines of the signal handler and of the rest of the program, in one thread or in
 * several, never mix: who prints holds this lock, and SIGBUS is blocked meanwhile.
 * Both are safe in a signal handler.
 */
void report_lock(sigset_t *saved);
void report_unlock(const sigset_t *saved);
