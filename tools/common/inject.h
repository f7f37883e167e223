/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Poisoning and unpoisoning pages, and finding out what became of each: look at
 * the page, write its PFN, look again, and hear what the kernel and the tasks say.
 */
#pragma once

#include <pthread.h>

#include "kpage.h"
#include "common/util.h"
#include "common/victims.h"

/* What became of one page. */
enum outcome {
	OUTCOME_POISONED,	/* as asked */
	OUTCOME_OFFLINED,	/* soft-offlined: its data moved, or was dropped */
	OUTCOME_ALREADY,	/* it was poisoned before */
	OUTCOME_SAME_HUGE,	/* part of a hugetlb page that was taken by another part */
	OUTCOME_KERNEL,		/* a page of the kernel: left alone */
	OUTCOME_FILTERED,	/* the kernel took the order and did nothing: its filter */
	OUTCOME_NOT_CONTAINED,	/* marked as poisoned, but the kernel could not get it out of use */
	OUTCOME_FAILED,		/* an error, and not poisoned */
	OUTCOME_CHANGED,	/* moved, freed or swapped out meanwhile: left alone */
	OUTCOME_NOT_TRIED,	/* its process ended first */
	OUTCOME_UNPOISONED,
	OUTCOME_STILL_POISONED,	/* unpoisoning failed */
	NR_OUTCOMES
};

/* How often the kernel said the same. */
struct kernel_result {
	char type[64];
	char result[16];
	uint64_t pages;
};

struct failed_errno {
	int err;
	uint64_t pages;
	uint64_t first_pfn;
};

/* Where a page was found in a process; pagemap NULL: not in one. */
struct page_owner {
	pid_t pid;
	uint64_t offset;	/* in pages */
	const struct kpage_file *pagemap;
};

/* What the process that had the page has in its place, right after. */
enum owner_entry {
	ENTRY_NONE,		/* the page was in no process, or nothing was done to it */
	ENTRY_POISONED,		/* the entry of a poisoned page: an access kills */
	ENTRY_UNMAPPED,		/* nothing: an access faults in what is there then */
	ENTRY_PRESENT,		/* the page itself, still */
	ENTRY_MOVED,		/* another page: that of new_pfn */
	ENTRY_GONE,		/* the process has ended */
};

/* A page as it was seen together with the one before it. */
struct page_sight {
	bool told;		/* what follows holds: */
	uint64_t pfn;
	struct page_owner owner;
	bool has_kflags, has_entry;
	uint64_t kflags, entry;
};

/* What became of one page, in all detail. */
struct page_report {
	enum outcome outcome;
	int err;			/* what the kernel returned; 0 */
	uint64_t kflags_before, kflags_after;
	bool poisoned_before, poisoned_after;
	bool noted;			/* the hook `before` was called */
	enum owner_entry entry;
	uint64_t new_pfn;		/* ENTRY_MOVED */
};

struct injection;

/* A route to the kernel's memory failure handling. */
struct inject_method {
	const char *name;
	bool needs_debugfs;
	bool soft;		/* nothing dies: the data moves. Without events */
	/* Returns what the kernel did: 0 or a negative errno, neither of which says
	 * what became of the page. -ESTALE: nothing was done, the owner has another one. */
	int (*inject)(struct injection *inj, uint64_t pfn, const struct page_owner *owner);
	/* The kernel takes a task for one that has run into the page: it gets an AR. */
	bool forces;
};

/* corrupt-pfn, and its write by itself. */
extern const struct inject_method inject_debugfs;
int inject_by_debugfs(struct injection *inj, uint64_t pfn, const struct page_owner *owner);

/* Hooks of a tool that wants more than the counts. */
struct inject_hooks {
	/* The kernel's event on a page of ours. */
	void (*failure)(const struct kpage_event *event, void *arg);
	/* Whether a page, its flags being these now, would be chosen again; asked right
	 * before it is poisoned. NULL: no matter. */
	bool (*chosen)(uint64_t pfn, uint64_t kflags, void *arg);
	/* Right before the page is handed to the kernel. A negative errno keeps it from
	 * that, and is what injection_poison() returns. */
	int (*before)(uint64_t pfn, const struct page_owner *owner, void *arg);
	/* Holds a process, as process_hold() does, when it can take a signal. For the methods
	 * that are done in a process. */
	int (*hold)(pid_t pid, pid_t *tid, struct kpage_remote **out, void *arg);
	/* A method that holds the task has seen the signal that the kernel sent it. */
	void (*siginfo)(pid_t tid, const struct kpage_siginfo *info, void *arg);
	/* Where the page lies in the process of thread tid, in bytes; 0: not known. */
	uint64_t (*address)(uint64_t pfn, pid_t tid, void *arg);
	/* A task has touched a poisoned page (a FAULT event): whether that is one of ours.
	 * NULL: all are. */
	bool (*touched)(const struct kpage_event *fault, void *arg);
	void *arg;
};

/* Injections whose events were not read yet; see kpage_watch_read(). */
#define INJECT_RECENT 256

struct injection {
	struct kpage_ctx *ctx;
	struct kpage_hwpoison *hp;	/* NULL: not there, and the method can do without */
	const struct inject_method *method;
	struct inject_hooks hooks;	/* each may be NULL */
	const struct kpage_file *flags;
	bool force;			/* the kernel's pages too */
	bool all_pages;			/* of the events: also those on pages that we did not poison */
	bool recent_read;		/* the next injection begins `recent` anew */
	struct kpage_watch *watch;	/* NULL: it has ended, or see watch_error */
	int watch_error;
	bool was_watched;		/* to the end, with so many events lost: */
	uint64_t events_lost;
	pthread_t unwatcher;		/* unwatching: to be joined */
	bool unwatching;
	struct kpage_hwpoison_filter filter;
	bool filter_known;		/* false: it can't be read, and the method can do without */

	uint64_t counts[NR_OUTCOMES];
	struct failed_errno *errors;
	size_t nr_errors;
	struct kernel_result *results;
	size_t nr_results;
	struct victims victims;
	bool has_corrupted;
	uint64_t corrupted_before, corrupted_after;	/* kB */

	uint64_t huge_next;		/* the next tail of the hugetlb page taken last */
	struct page_sight now, next;	/* see injection_next() */
	struct {
		uint64_t pfn;
		pid_t pid;
		uint64_t address;
	} recent[INJECT_RECENT];
	size_t nr_recent;
	size_t recent_next;		/* behind the one that an event was about last */
	struct kpage_event *waiting;	/* signals whose page is not named yet */
	size_t nr_waiting;
	size_t nr_waited;		/* of them: since the reading before */
	struct kpage_event *faults;	/* whose signals were not seen yet */
	size_t nr_faults;
};

/*
 * Opens the hwpoison files. flags: the live kpageflags; borrowed. EXIT_OK, or a
 * status after a message; a method that can do without them makes no fuss.
 */
int injection_open(struct injection *inj, struct kpage_ctx *ctx, const struct kpage_file *flags,
		   const struct inject_method *method);

/*
 * Before pages are poisoned: reads the kernel's filter (with a warning where it is
 * set and not enabled) and starts to watch. Returns as above.
 */
int injection_start(struct injection *inj);

/*
 * Before injection_poison(): the page that will be poisoned after that one, with nothing
 * in between. Where one read can serve both, the look at the one right after it was
 * poisoned is the look at the other right before. owner: as for that; without a pagemap
 * if it is another's.
 */
void injection_next(struct injection *inj, uint64_t pfn, const struct page_owner *owner);

/* Poisons one page; kflags: as the walk saw it. 0, or -ESRCH the owner has
 * ended, or another negative errno after which going on makes no sense. report: may
 * be NULL; filled in if 0 is returned. */
int injection_poison(struct injection *inj, uint64_t pfn, uint64_t kflags,
		     const struct page_owner *owner, struct page_report *report);

/* Unpoisons one page, if it is poisoned. Returns as above; report: may be NULL, its
 * outcome stays as it is if the page is not poisoned. */
int injection_unpoison(struct injection *inj, uint64_t pfn, uint64_t kflags,
		       struct page_report *report);

/* The first page of a hugetlb page, by any of its pages; others stay as they are. */
uint64_t injection_head(const struct injection *inj, uint64_t pfn, uint64_t kflags);

/* log2 of the size of the folio with this first page, in bytes: what is lost with any of it. */
unsigned int injection_folio_bits(const struct injection *inj, uint64_t head);

/* Whether the page is poisoned, as far as its flags and those of its head say. */
bool injection_is_poisoned(const struct injection *inj, uint64_t pfn, uint64_t kflags);

/* Takes a page's flags as they are now. 0 or a negative errno (-ENXIO: no such page). */
int injection_read_flags(const struct injection *inj, uint64_t pfn, uint64_t *kflags);

/* Reads the events so far. */
void injection_read_events(struct injection *inj);

/* Whether a signal was read that waits for what it was sent for, or the other way round. */
bool injection_has_halves(const struct injection *inj);

/* Whether one was, or it is not known what a signal did to its task. */
bool injection_has_open(struct injection *inj);

/* Whether one was, or a task has a signal to take as soon as it runs: more will be known. */
bool injection_has_coming(struct injection *inj);

/* How long what is on its way is waited for, also when a time is up that somebody has given.
 * On a busy machine it is late, and what is told without it is not so. */
#define INJECTION_LATE_S 10

/* Whether to wait on, by the seconds that were asked for (negative: as long as it takes; 0:
 * not at all), those that have passed, and whether something is on its way. */
static inline bool injection_waits(double limit, double passed, bool is_on_its_way)
{
	return limit < 0 || passed < limit ||
	       (limit > 0 && passed < limit + INJECTION_LATE_S && is_on_its_way);
}

/* Waits until the fate of every signalled task is known, and ends the watch. seconds: how
 * long at most, by injection_waits(). A signal to us ends it, too. */
void injection_settle(struct injection *inj, double seconds);

void injection_close(struct injection *inj);
