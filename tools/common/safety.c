// SPDX-License-Identifier: GPL-2.0-or-later
/* What must not be poisoned by accident. */
#include "common/safety.h"

#include <errno.h>

#define KERNEL_FLAGS                                                                \
	(KPAGE_BIT(SLAB) | KPAGE_BIT(PGTABLE) | KPAGE_BIT(RESERVED) | KPAGE_BIT(OFFLINE) | \
	 KPAGE_BIT(NOPAGE) | KPAGE_BIT(ZERO_PAGE))
/* A page that a user has, or nobody. THP: before 6.12 a tail shows no more than that. */
#define USER_FLAGS                                                                     \
	(KPAGE_BIT(LRU) | KPAGE_BIT(ANON) | KPAGE_BIT(THP) | KPAGE_BIT(SWAPCACHE) |    \
	 KPAGE_BIT(SWAPBACKED) | KPAGE_BIT(HUGE) | KPAGE_BIT(BUDDY) | KPAGE_BIT(HWPOISON))

/* The LRU bit comes late: a fresh page of a file waits in a per-CPU batch first.
 * Being mapped alone says nothing: so are a driver's buffers. */
#define FRESH_FLAGS (KPAGE_BIT(MMAP) | KPAGE_BIT(UPTODATE))

bool is_kernel_page(uint64_t kflags)
{
	if (kflags & KERNEL_FLAGS)
		return true;
	return !(kflags & USER_FLAGS) && (kflags & FRESH_FLAGS) != FRESH_FLAGS;
}

struct pfn_set {
	uint64_t *pfns;
	size_t n, room;
};

struct surveyor {
	struct kpage_hwpoison_filter filter;
	struct pfn_set init, self;
	struct survey survey;
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool set_has(const struct pfn_set *set, uint64_t pfn)
{
	return set->n && bsearch(&pfn, set->pfns, set->n, sizeof(pfn), by_value);
}

bool page_loss_hurts(uint64_t kflags)
{
	return kflags & (KPAGE_BIT(ANON) | KPAGE_BIT(DIRTY) | KPAGE_BIT(SWAPBACKED) |
			 KPAGE_BIT(HUGE));
}

static int collect(const struct kpage_batch *b, void *arg)
{
	struct pfn_set *set = arg;

	for (size_t i = 0; i < b->n; i++) {
		if (kpage_batch_is_swap(b, i) || !page_loss_hurts(b->kflags[i]))
			continue;
		if (set->n == set->room) {
			set->room = set->room ? 2 * set->room : 1024;
			set->pfns = xreallocarray(set->pfns, set->room, sizeof(*set->pfns));
		}
		set->pfns[set->n++] = b->pfn[i];
	}
	return 0;
}

static int collect_task(struct kpage_ctx *ctx, const struct kpage_file *flags, pid_t pid,
			struct pfn_set *set)
{
	struct kpage_walk walk = { .flags = flags, .emit = collect, .arg = set };
	int err = kpage_walk_task(ctx, &walk, pid, NULL, 0);

	if (err == -ESRCH && !kpage_ctx_is_live(ctx))
		err = 0;	/* a tree of copies need not have them */
	if (err)
		return fail_errno(err, "/proc/%d/pagemap", (int)pid);
	if (set->n)
		qsort(set->pfns, set->n, sizeof(*set->pfns), by_value);
	return EXIT_OK;
}

int surveyor_new(struct kpage_ctx *ctx, const struct kpage_file *flags,
		 const struct kpage_hwpoison_filter *filter, struct surveyor **out)
{
	struct surveyor *s = xcalloc(1, sizeof(*s));
	int status;

	s->filter = *filter;
	status = collect_task(ctx, flags, 1, &s->init);
	if (!status)
		status = collect_task(ctx, flags, getpid(), &s->self);
	if (status) {
		surveyor_free(s);
		return status;
	}
	*out = s;
	return EXIT_OK;
}

void surveyor_free(struct surveyor *s)
{
	if (!s)
		return;
	free(s->init.pfns);
	free(s->self.pfns);
	free(s);
}

const struct survey *surveyor_result(const struct surveyor *s)
{
	return &s->survey;
}

/* What the kernel's filter keeps away is safe. Its device condition can't be
 * judged from here: that counts as let through. */
static bool is_filtered(const struct kpage_hwpoison_filter *f, const struct kpage_batch *b,
			size_t i)
{
	if (!f->enable)
		return false;
	/* With the filter on, corrupt-pfn leaves the kernel's pages alone. */
	if (is_kernel_page(b->kflags[i]))
		return true;
	if (f->memcg && b->cgroup && b->cgroup[i] != f->memcg)
		return true;
	return f->flags_mask && (b->kflags[i] & f->flags_mask) != f->flags_value;
}

int surveyor_emit(const struct kpage_batch *b, void *arg)
{
	struct surveyor *s = arg;

	for (size_t i = 0; i < b->n; i++) {
		if (kpage_batch_is_swap(b, i))
			continue;
		s->survey.pages++;
		if (is_filtered(&s->filter, b, i))
			continue;
		s->survey.kernel += is_kernel_page(b->kflags[i]);
		s->survey.init += set_has(&s->init, b->pfn[i]);
		s->survey.self += set_has(&s->self, b->pfn[i]);
	}
	return 0;
}
