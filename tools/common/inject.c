// SPDX-License-Identifier: GPL-2.0-or-later
/* Poisoning and unpoisoning pages, and finding out what became of each. */
#include "common/inject.h"

#include <errno.h>
#include <string.h>

#include "common/kernel-filter.h"
#include "common/safety.h"

int inject_by_debugfs(struct injection *inj, uint64_t pfn, const struct page_owner *owner)
{
	(void)owner;
	return kpage_hwpoison_inject(inj->hp, pfn);
}

const struct inject_method inject_debugfs = {
	.name = "debugfs",
	.needs_debugfs = true,
	.inject = inject_by_debugfs,
};

static void warn_of_idle_filter(const struct injection *inj)
{
	if (inj->filter_known && !inj->filter.enable && kpage_hwpoison_filter_is_set(&inj->filter))
		warn("%s: a filter is set, but corrupt-filter-enable is 0: the kernel does not look at "
		     "it (enable it: echo 1 > %s/corrupt-filter-enable)",
		     kpage_hwpoison_dir(inj->hp), kpage_hwpoison_dir(inj->hp));
}

static int open_debugfs(struct injection *inj)
{
	int err = kpage_hwpoison_open(inj->ctx, &inj->hp);

	if (!err || !inj->method->needs_debugfs)
		return EXIT_OK;
	if (err == -ENODEV)
		return fail(EXIT_CANNOT, "debugfs: not mounted (try: mount -t debugfs none /sys/kernel/debug)");
	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "%s/hwpoison: not there (try: modprobe hwpoison_inject)",
			    kpage_ctx_error_path(inj->ctx));
	return fail_errno(err, "%s", kpage_ctx_error_path(inj->ctx));
}

int injection_open(struct injection *inj, struct kpage_ctx *ctx, const struct kpage_file *flags,
		   const struct inject_method *method)
{
	int status;

	*inj = (struct injection){ .ctx = ctx, .flags = flags, .method = method };
	status = open_debugfs(inj);
	if (status)
		return status;
	inj->has_corrupted = !kpage_hardware_corrupted(ctx, &inj->corrupted_before);
	inj->corrupted_after = inj->corrupted_before;
	return EXIT_OK;
}

/* Under lockdown the filter can't be seen by a method that works there. */
static int read_filter(struct injection *inj)
{
	if (inj->method->needs_debugfs) {
		int status = kernel_filter_read(inj->ctx, inj->hp, &inj->filter);

		inj->filter_known = !status;
		return status;
	}
	inj->filter_known = inj->hp && !kpage_hwpoison_filter_read(inj->hp, &inj->filter);
	return EXIT_OK;
}

int injection_start(struct injection *inj)
{
	int status = read_filter(inj);

	if (status)
		return status;
	if (inj->method->inject)
		warn_of_idle_filter(inj);
	inj->watch_error = kpage_watch_new(inj->ctx, &inj->watch);
	return EXIT_OK;
}

/* -------------------------------------------------------------------- pages */

static void count_error(struct injection *inj, int err, uint64_t pfn)
{
	for (size_t i = 0; i < inj->nr_errors; i++)
		if (inj->errors[i].err == err) {
			inj->errors[i].pages++;
			return;
		}
	inj->errors = xreallocarray(inj->errors, inj->nr_errors + 1, sizeof(*inj->errors));
	inj->errors[inj->nr_errors++] =
		(struct failed_errno){ .err = err, .pages = 1, .first_pfn = pfn };
}

/* Errors that the next page would meet too. */
static bool is_fatal(int err)
{
	return err == -EPERM || err == -EACCES || err == -ENOENT || err == -EMFILE || err == -ENFILE;
}

/* Tails follow their head, and a hugetlb page is poisoned and unpoisoned as one. */
static bool is_same_huge(struct injection *inj, uint64_t pfn, uint64_t kflags)
{
	bool tail = (kflags & KPAGE_BIT(HUGE)) && (kflags & KPAGE_BIT(COMPOUND_TAIL));
	bool same = tail && pfn == inj->huge_next;

	inj->huge_next = kflags & KPAGE_BIT(HUGE) ? pfn + 1 : 0;
	return same;
}

/* The owner's entry of the page. 1, 0 the process has ended, or a negative errno. */
static int read_entry(const struct page_owner *owner, uint64_t *entry)
{
	return (int)kpage_file_read(owner->pagemap, owner->offset, entry, 1);
}

void injection_next(struct injection *inj, uint64_t pfn, const struct page_owner *owner)
{
	inj->now = inj->next;
	inj->next = (struct page_sight){ .told = true, .pfn = pfn, .owner = *owner };
}

/* The page that the process has there now: the walk was a moment ago, and after
 * the first kill nothing of its memory is where it was. */
static int check_owner(const struct injection *inj, const struct page_owner *owner, uint64_t pfn,
		       enum outcome *outcome)
{
	uint64_t entry = inj->now.entry;
	int n = 1;

	if (!owner->pagemap)
		return 0;
	if (!inj->now.has_entry)
		n = read_entry(owner, &entry);
	if (n <= 0)
		return n ? n : -ESRCH;
	if (kpage_pagemap_pfn(entry) != pfn)
		*outcome = kpage_pagemap_poison_candidate(entry) == pfn ? OUTCOME_ALREADY :
									  OUTCOME_CHANGED;
	return 0;
}

static bool has_ended(const struct page_owner *owner)
{
	uint64_t entry;

	return owner->pagemap && read_entry(owner, &entry) == 0;
}

/* Its entry right after; that of the next page, too, if it is the next one there. */
static int read_entry_and_next(struct injection *inj, const struct page_owner *owner,
			       uint64_t *entry)
{
	struct page_sight *next = &inj->next;
	uint64_t entries[2];
	ssize_t n;

	if (!next->told || next->owner.pagemap != owner->pagemap ||
	    next->owner.offset != owner->offset + 1)
		return read_entry(owner, entry);
	n = kpage_file_read(owner->pagemap, owner->offset, entries, ARRAY_SIZE(entries));
	if (n <= 0)
		return (int)n;
	*entry = entries[0];
	next->has_entry = n > 1;
	next->entry = n > 1 ? entries[1] : 0;
	return 1;
}

/* The same right after: whether the process lost this page, or had another one by then. */
static void look_at_owner(struct injection *inj, const struct page_owner *owner, uint64_t pfn,
			  struct page_report *report)
{
	uint64_t entry;
	int n = owner->pagemap ? read_entry_and_next(inj, owner, &entry) : -ENOENT;

	if (n <= 0)
		report->entry = n ? ENTRY_NONE : ENTRY_GONE;
	else if (kpage_pagemap_poison_candidate(entry) == pfn)
		report->entry = ENTRY_POISONED;
	else if (!(entry & KPAGE_PM_PRESENT))
		report->entry = ENTRY_UNMAPPED;
	else if (kpage_pagemap_pfn(entry) == pfn)
		report->entry = ENTRY_PRESENT;
	else {
		report->entry = ENTRY_MOVED;
		report->new_pfn = kpage_pagemap_pfn(entry);
	}
}

int injection_read_flags(const struct injection *inj, uint64_t pfn, uint64_t *kflags)
{
	ssize_t n = kpage_file_read(inj->flags, pfn, kflags, 1);

	return n == 1 ? 0 : n < 0 ? (int)n : -ENXIO;
}

/* What lies between two pages and is read for nothing: a system call costs more. */
#define SPAN_MAX 32

/* A page's flags right after; those of the next page, too, if it is near. */
static int read_flags_and_next(struct injection *inj, uint64_t pfn, uint64_t *kflags)
{
	struct page_sight *next = &inj->next;
	uint64_t first = MIN(pfn, next->pfn), span = MAX(pfn, next->pfn) - first + 1;
	uint64_t buf[SPAN_MAX];

	if (!next->told || span > SPAN_MAX ||
	    kpage_file_read(inj->flags, first, buf, span) != (ssize_t)span)
		return injection_read_flags(inj, pfn, kflags);
	*kflags = buf[pfn - first];
	next->kflags = buf[next->pfn - first];
	next->has_kflags = true;
	return 0;
}

/* … right before. */
static int read_flags_now(const struct injection *inj, uint64_t pfn, uint64_t *kflags)
{
	if (!inj->now.has_kflags)
		return injection_read_flags(inj, pfn, kflags);
	*kflags = inj->now.kflags;
	return 0;
}

/* The first page of a hugetlb page, by one of its others. */
static int find_head(const struct injection *inj, uint64_t *pfn)
{
	uint64_t kflags;
	int err;

	do {
		err = *pfn ? injection_read_flags(inj, --*pfn, &kflags) : -ENXIO;
		if (err || !(kflags & KPAGE_BIT(HUGE)))
			return -ENXIO;
	} while (!(kflags & KPAGE_BIT(COMPOUND_HEAD)));
	return 0;
}

/* Before 6.12 a poisoned hugetlb page shows it at its head alone. */
bool injection_is_poisoned(const struct injection *inj, uint64_t pfn, uint64_t kflags)
{
	uint64_t head_flags;

	if (kflags & KPAGE_BIT(HWPOISON))
		return true;
	if (!(kflags & KPAGE_BIT(HUGE)) || !(kflags & KPAGE_BIT(COMPOUND_TAIL)))
		return false;
	return !find_head(inj, &pfn) && !injection_read_flags(inj, pfn, &head_flags) &&
	       (head_flags & KPAGE_BIT(HWPOISON));
}

uint64_t injection_head(const struct injection *inj, uint64_t pfn, uint64_t kflags)
{
	uint64_t head = pfn;

	if ((kflags & KPAGE_BIT(HUGE)) && (kflags & KPAGE_BIT(COMPOUND_TAIL)) && !find_head(inj, &head))
		return head;
	return pfn;
}

unsigned int injection_folio_bits(const struct injection *inj, uint64_t head)
{
	uint64_t kflags, pages = 1;

	while (!injection_read_flags(inj, head + pages, &kflags) && (kflags & KPAGE_BIT(COMPOUND_TAIL)))
		pages++;
	return (unsigned int)__builtin_ctzl(kpage_page_size()) + 63 -
	       (unsigned int)__builtin_clzll(pages);
}

/* The result of the write says little; the page's flag is the truth. */
static enum outcome judge(const struct injection *inj, int err, bool poisoned)
{
	if (poisoned && !err)
		return inj->method->soft ? OUTCOME_OFFLINED : OUTCOME_POISONED;
	if (poisoned)
		return OUTCOME_NOT_CONTAINED;
	/* Unlike the others, soft offlining says so when the filter rejects a page. */
	if (inj->method->soft && err == -EOPNOTSUPP && inj->filter.enable)
		return OUTCOME_FILTERED;
	return err ? OUTCOME_FAILED : OUTCOME_FILTERED;
}

static int write_and_look(struct injection *inj, uint64_t pfn, const struct page_owner *owner,
			  struct page_report *report)
{
	int err = inj->method->inject(inj, pfn, owner);

	if (err == -ESTALE) {
		report->outcome = OUTCOME_CHANGED;
		return 0;
	}
	if (is_fatal(err))
		return err;
	report->err = err;
	if (err)
		count_error(inj, err, pfn);
	report->poisoned_after = !read_flags_and_next(inj, pfn, &report->kflags_after) &&
				 injection_is_poisoned(inj, pfn, report->kflags_after);
	report->outcome = judge(inj, err, report->poisoned_after);
	look_at_owner(inj, owner, pfn, report);
	return 0;
}

static void remember(struct injection *inj, uint64_t pfn, const struct page_owner *owner)
{
	if (inj->recent_read)
		inj->nr_recent = inj->recent_next = 0;
	inj->recent_read = false;
	inj->recent[inj->nr_recent].pfn = pfn;
	inj->recent[inj->nr_recent].pid = owner->pid;
	inj->recent[inj->nr_recent].address = owner->offset * kpage_page_size();
	inj->nr_recent++;
}

/* Flags that a page keeps for as long as it is the same page of the same owner. It
 * is not when it was freed meanwhile, and maybe taken by the kernel. */
#define IDENTITY_FLAGS                                                                    \
	(KPAGE_BIT(ANON) | KPAGE_BIT(SLAB) | KPAGE_BIT(BUDDY) | KPAGE_BIT(HUGE) |          \
	 KPAGE_BIT(PGTABLE) | KPAGE_BIT(RESERVED) | KPAGE_BIT(OFFLINE) | KPAGE_BIT(NOPAGE) | \
	 KPAGE_BIT(ZERO_PAGE))

/* Whether a page would be chosen again: others may have got it since it was. */
static bool is_still_chosen(const struct injection *inj, uint64_t pfn, uint64_t now)
{
	return !inj->hooks.chosen || inj->hooks.chosen(pfn, now, inj->hooks.arg);
}

/* What the walk and a fresh look say against it; NR_OUTCOMES: nothing. */
static enum outcome objection(struct injection *inj, uint64_t pfn, uint64_t kflags,
			      struct page_report *report)
{
	uint64_t now;

	if (is_same_huge(inj, pfn, kflags))
		return OUTCOME_SAME_HUGE;
	if (read_flags_now(inj, pfn, &now))
		return OUTCOME_CHANGED;
	report->kflags_before = report->kflags_after = now;
	report->poisoned_before = report->poisoned_after = injection_is_poisoned(inj, pfn, now);
	if (report->poisoned_before)
		return OUTCOME_ALREADY;
	if (((now ^ kflags) & IDENTITY_FLAGS) || is_kernel_page(now) != is_kernel_page(kflags) ||
	    !is_still_chosen(inj, pfn, now))
		return OUTCOME_CHANGED;
	return is_kernel_page(now) && !inj->force ? OUTCOME_KERNEL : NR_OUTCOMES;
}

static bool is_same_place(const struct page_owner *a, const struct page_owner *b)
{
	return a->pid == b->pid && a->offset == b->offset && a->pagemap == b->pagemap;
}

int injection_poison(struct injection *inj, uint64_t pfn, uint64_t kflags,
		     const struct page_owner *owner, struct page_report *report)
{
	struct page_report r = { .kflags_before = kflags, .kflags_after = kflags };
	int err = 0;

	/* Seen for another page, or in another place: not seen. */
	if (inj->now.pfn != pfn || !is_same_place(&inj->now.owner, owner))
		inj->now = (struct page_sight){ 0 };
	r.outcome = objection(inj, pfn, kflags, &r);
	if (r.outcome == NR_OUTCOMES)
		err = check_owner(inj, owner, pfn, &r.outcome);
	else if (r.outcome == OUTCOME_CHANGED && has_ended(owner))
		err = -ESRCH;	/* that is why */
	if (!err && r.outcome == NR_OUTCOMES && inj->hooks.before) {
		err = inj->hooks.before(pfn, owner, inj->hooks.arg);
		r.noted = !err;
	}
	if (!err && r.outcome == NR_OUTCOMES) {
		remember(inj, pfn, owner);
		err = write_and_look(inj, pfn, owner, &r);
		if (err)
			inj->nr_recent--;
	}
	inj->now = (struct page_sight){ 0 };
	if (err)
		return err;
	inj->counts[r.outcome]++;
	if (report)
		*report = r;
	if (inj->nr_recent == INJECT_RECENT)
		injection_read_events(inj);
	return 0;
}

int injection_unpoison(struct injection *inj, uint64_t pfn, uint64_t kflags,
		       struct page_report *report)
{
	struct page_report r = { .kflags_before = kflags };
	uint64_t now;

	if (is_same_huge(inj, pfn, kflags)) {
		if (kflags & KPAGE_BIT(HWPOISON))
			inj->counts[OUTCOME_SAME_HUGE]++;
		return 0;
	}
	if (injection_read_flags(inj, pfn, &now) || !injection_is_poisoned(inj, pfn, now))
		return 0;
	r.poisoned_before = true;
	/* The kernel unpoisons a hugetlb page by its head only. */
	r.err = kpage_hwpoison_unpoison(inj->hp, injection_head(inj, pfn, now));
	if (is_fatal(r.err))
		return r.err;
	if (r.err)
		count_error(inj, r.err, pfn);
	r.poisoned_after = injection_read_flags(inj, pfn, &r.kflags_after) ||
			   injection_is_poisoned(inj, pfn, r.kflags_after);
	r.outcome = r.poisoned_after ? OUTCOME_STILL_POISONED : OUTCOME_UNPOISONED;
	inj->counts[r.outcome]++;
	if (report)
		*report = r;
	return 0;
}

void injection_close(struct injection *inj)
{
	if (inj->unwatching)
		pthread_join(inj->unwatcher, NULL);
	kpage_watch_free(inj->watch);
	kpage_hwpoison_free(inj->hp);
	victims_release(&inj->victims);
	free(inj->errors);
	free(inj->results);
	free(inj->waiting);
	free(inj->faults);
	*inj = (struct injection){ 0 };
}
