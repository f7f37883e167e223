/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger: which pages were poisoned since boot, by whom and whose they were. A
 * file "ledger" of JSON Lines in the run directory. Whether a page is still poisoned
 * is for its flag to say.
 */
#pragma once

#include "common/rundir.h"

struct ledger;

/* How many lines about pages that were unpoisoned since are kept. */
#define LEDGER_HISTORY 1024

struct ledger_entry {
	uint64_t pfn;
	const char *time;	/* RFC 3339, UTC; NULL when it is added: now */
	const char *method;	/* all strings: NULL if it is not known */
	pid_t pid;		/* the owner; 0: none */
	const char *comm;
	bool has_address;
	uint64_t address;	/* bytes, in the owner */
	const char *kind;	/* of page */
	const char *tool;	/* NULL when it is added: this program */
};

/* Whether the page that was poisoned lay there in its owner; of hugetlb: any part of it. */
bool ledger_entry_is_at(const struct ledger_entry *entry, uint64_t address);

/*
 * Under the lock, lines of earlier boots, lines that are broken and, where they are more
 * than LEDGER_HISTORY, those of pages that were unpoisoned since are dropped from the file
 * first; without it the ledger can be read only. r must outlive it.
 * EXIT_OK, or a status after a message.
 */
int ledger_open(struct rundir *r, struct ledger **out);

/* Drops such lines once more if pages were unpoisoned. Still under the lock, if it was. */
void ledger_free(struct ledger *l);
DEFINE_CLEANUP(ledger)

/* Call it before the page is poisoned: a crash in between must not lose it. One
 * write; an entry that does not fit on the disk leaves nothing behind. 0 or a
 * negative errno; -ENOLCK: not under the lock. */
int ledger_add(struct ledger *l, const struct ledger_entry *entry);

/* After a page was unpoisoned. Returns as above. */
int ledger_add_unpoison(struct ledger *l, uint64_t pfn);

/*
 * Hands out the latest entry of each page that was poisoned in this boot and not
 * unpoisoned after that, by ascending PFN. A nonzero return of each ends it and is
 * the result. Broken lines are passed over, with a message. 0 or a negative errno.
 */
int ledger_read(struct ledger *l, int (*each)(const struct ledger_entry *entry, void *arg),
		void *arg);

/* Which lines are looked for. */
struct ledger_query {
	bool has_pfn;
	uint64_t pfn;
	pid_t pid;	/* of the owner; 0: any */
};

/*
 * Hands out every entry of this boot that fits, the oldest first, also of pages that were
 * unpoisoned after that (while they are kept) or poisoned again. Broken lines are passed
 * over. Needs no more memory for a long ledger than for a short one. Returns as
 * ledger_read().
 */
int ledger_search(struct ledger *l, const struct ledger_query *query,
		  int (*each)(const struct ledger_entry *entry, void *arg), void *arg);
