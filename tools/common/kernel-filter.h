/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own filter (corrupt-filter-*): for one run, and put back after it. */
#pragma once

#include <popt.h>

#include "kpage.h"
#include "common/rundir.h"
#include "common/util.h"

struct json_object;

struct kernel_filter {
	char *memcg, *dev, *flags;	/* as given; NULL: not */
	struct kpage_hwpoison_filter want;	/* see kernel_filter_resolve() */
	struct kpage_hwpoison_filter found;	/* what the kernel had; see kernel_filter_apply() */
	bool applied;
};

/* --memcg, --dev and --flags. Include it in a tool's table with
 * POPT_ARG_INCLUDE_TABLE; hand every option of it that poptGetNextOpt() returns to
 * kernel_filter_option(). */
extern struct poptOption kernel_filter_options[];
bool is_kernel_filter_option(int val);

/* Takes an option and its argument (not kept). EXIT_OK or, after a message, EXIT_USAGE. */
int kernel_filter_option(struct kernel_filter *f, int val, const char *arg);

/* Whether any of the options was given: without one, the kernel's filter is left as
 * it is: resolving, applying and restoring have nothing to do. */
bool kernel_filter_is_given(const struct kernel_filter *f);

/* Where the kernel asks the filter depends on how a page is brought to it. */
enum filter_route {
	FILTER_DEBUGFS,		/* corrupt-pfn: asked twice, of the head and of the page */
	FILTER_HARD,		/* hard_offline_page, madvise(MADV_HWPOISON): once, of the locked page */
	FILTER_SOFT,		/* soft_offline_page, madvise(MADV_SOFT_OFFLINE): once, of the page */
};

/*
 * Finds the numbers behind the options, and refuses conditions that no page can
 * meet. A condition that is not given is "any". EXIT_OK, or a status after a message.
 */
int kernel_filter_resolve(struct kernel_filter *f, struct kpage_ctx *ctx, enum filter_route route);

/* Reads the filter as it is. EXIT_OK, or a status after a message, which knows of lockdown. */
int kernel_filter_read(struct kpage_ctx *ctx, struct kpage_hwpoison *hp,
		       struct kpage_hwpoison_filter *out);

/*
 * Under the lock: what a run before left behind is put back; what the kernel has is
 * kept in the note "filter"; then the filter that is wanted is written. If that
 * fails, it is as it was. EXIT_OK, or a status after a message.
 */
int kernel_filter_apply(struct kernel_filter *f, struct kpage_ctx *ctx, struct kpage_hwpoison *hp,
			struct rundir *r);

/* Puts back what the kernel had, if it was changed. The note stays if that fails. */
int kernel_filter_restore(struct kernel_filter *f, struct kpage_ctx *ctx,
			  struct kpage_hwpoison *hp, struct rundir *r);

/*
 * Puts back what a run that is gone left behind, and says so. Takes the lock itself
 * if this run does not have it; if another has it, the note is a living run's and
 * left alone. EXIT_OK, or a status after a message.
 */
int kernel_filter_recover(struct kpage_ctx *ctx, struct kpage_hwpoison *hp, struct rundir *r);

/* Prints the filter as it is, as text or as a JSON record. Returns as above. */
int kernel_filter_show(struct kpage_ctx *ctx, struct kpage_hwpoison *hp, bool json);

/* The fields of that record, without "record" and "version". The caller puts it. */
struct json_object *kernel_filter_json(struct kpage_ctx *ctx,
				       const struct kpage_hwpoison_filter *filter);

/* Switches the filter off, sets all of it to "any", and drops the note. Under the lock. */
int kernel_filter_clear(struct kpage_ctx *ctx, struct kpage_hwpoison *hp, struct rundir *r);

void kernel_filter_release(struct kernel_filter *f);
