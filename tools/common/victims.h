/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tasks that paid for an injection: who was signalled, how, and what became of them. */
#pragma once

#include "kpage.h"
#include "common/util.h"

enum fate {
	FATE_UNKNOWN,
	FATE_COMING,	/* it takes the signal as soon as it runs */
	FATE_ALIVE,	/* not signalled */
	FATE_HANDLED,	/* its handler ran; it lives */
	FATE_IGNORED,	/* it ignores SIGBUS; it lives */
	FATE_PENDING,	/* it blocks SIGBUS; it lives, so far */
	FATE_STOPPED,	/* the signal waits until it is continued */
	FATE_DIED,
};

struct victim {
	pid_t tid, pid;		/* pid 0: not known, it was gone too soon */
	char comm[16];
	int code;		/* BUS_MCEERR_AO, BUS_MCEERR_AR, 0: not known */
	uint64_t sent;		/* signals that were queued */
	uint64_t merged;	/* … that met one that was still pending */
	uint64_t ignored;
	bool handler_ran, default_action;
	uint64_t address;	/* of the first signal, in bytes */
	bool has_address;
	enum fate fate;
};

struct victims {
	struct victim *list;
	size_t n;
	/* Whose a thread is or was, for one that may have ended since; 0: not known. NULL: /proc
	 * is asked. */
	pid_t (*process_of)(pid_t tid, void *arg);
	void *arg;
};

/* Takes a SIGNAL, DELIVERED or FAULT event. address: where the page lies in the
 * receiver's address space, 0 if that is not known. */
void victims_add(struct victims *v, struct kpage_ctx *ctx, const struct kpage_event *event,
		 uint64_t address);

/* What is known of all of them. */
enum fates {
	FATES_KNOWN,
	FATES_OPEN,	/* of one it is not known, or not yet */
	FATES_COMING,	/* one takes its signal as soon as it runs: more will be known */
};

/* Looks at each once, does not wait. */
enum fates victims_look(struct victims *v, struct kpage_ctx *ctx);

/* The end: what is still open stays as it is now. */
void victims_close(struct victims *v, struct kpage_ctx *ctx);

/* Whether it is the signal that it died of. */
bool victim_died_of_it(const struct victim *v);

const char *fate_text(enum fate fate);

/* "BUS_MCEERR_AO", "BUS_MCEERR_AR"; NULL: not known. */
const char *signal_code_name(int code);

void victims_release(struct victims *v);
