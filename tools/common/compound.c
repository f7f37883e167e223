// SPDX-License-Identifier: GPL-2.0-or-later
/* From any page of a compound page to its first one, and to its last. */
#include "common/compound.h"

/* So many are read at a time. */
#define LOOK_BACK 512

static bool find_head(const struct kpage_file *flags, uint64_t pfn, struct compound *out)
{
	uint64_t buf[LOOK_BACK];

	for (uint64_t end = pfn; end;) {
		uint64_t start = end > LOOK_BACK ? end - LOOK_BACK : 0;
		size_t n = (size_t)(end - start);

		if (kpage_file_read(flags, start, buf, n) != (ssize_t)n)
			return false;
		while (n && (buf[n - 1] & KPAGE_BIT(COMPOUND_TAIL)))
			n--;
		if (n) {
			out->head = start + n - 1;
			out->kflags = buf[n - 1];
			return out->kflags & KPAGE_BIT(COMPOUND_HEAD);
		}
		end = start;
	}
	return false;
}

void compound_find(struct compound *c, const struct kpage_file *flags,
		   const struct kpage_file *cgroups, uint64_t pfn, uint64_t kflags, uint64_t cgroup)
{
	bool tail = kflags & KPAGE_BIT(COMPOUND_TAIL);
	bool same = tail && c->next == pfn && (c->kflags & KPAGE_BIT(COMPOUND_HEAD));

	if (!tail || (!same && !find_head(flags, pfn, c)))
		*c = (struct compound){ .head = pfn, .kflags = kflags, .cgroup = cgroup };
	else if (!same && (!cgroups || kpage_file_read(cgroups, c->head, &c->cgroup, 1) != 1))
		c->cgroup = 0;
	c->next = pfn + 1;
}

/* ------------------------------------------------------------------- how large it is */

unsigned int compound_order(uint64_t pages)
{
	return pages > 1 ? 64 - (unsigned int)__builtin_clzll(pages - 1) : 0;
}

static uint64_t count_tails(const uint64_t *kflags, size_t n)
{
	size_t i = 0;

	while (i < n && (kflags[i] & KPAGE_BIT(COMPOUND_TAIL)))
		i++;
	return i;
}

uint64_t compound_extend(const struct kpage_file *flags, uint64_t head, uint64_t pages)
{
	uint64_t buf[LOOK_BACK];

	for (;;) {
		/* Its size is a power of two: to the next one, and one page to see it end. */
		uint64_t rest = (UINT64_C(1) << compound_order(pages)) - pages + 1;
		size_t want = (size_t)MIN(rest, (uint64_t)LOOK_BACK);
		ssize_t got = kpage_file_read(flags, head + pages, buf, want);
		uint64_t tails = count_tails(buf, got > 0 ? (size_t)got : 0);

		pages += tails;
		if (tails < want)
			return pages;
	}
}

static bool is_in(const struct compound_extent *e, uint64_t pfn, uint64_t kflags)
{
	if (kflags & KPAGE_BIT(COMPOUND_HEAD))
		return pfn == e->head && e->pages;
	return pfn > e->head && pfn - e->head < e->pages;
}

void compound_extent(struct compound_extent *e, const struct kpage_file *flags, uint64_t pfn,
		     const uint64_t *kflags, size_t n)
{
	struct compound c;
	uint64_t tails;

	if (!(kflags[0] & (KPAGE_BIT(COMPOUND_HEAD) | KPAGE_BIT(COMPOUND_TAIL)))) {
		*e = (struct compound_extent){ pfn, 1, kflags[0] };
		return;
	}
	if (is_in(e, pfn, kflags[0]))
		return;
	*e = (struct compound_extent){ pfn, 1, kflags[0] };
	if (kflags[0] & KPAGE_BIT(COMPOUND_TAIL)) {
		if (!find_head(flags, pfn, &c))
			return;
		*e = (struct compound_extent){ c.head, pfn - c.head + 1, c.kflags };
	}
	tails = count_tails(kflags + 1, n - 1);
	e->pages += tails;
	if (tails == n - 1)
		e->pages = compound_extend(flags, e->head, e->pages);
}
