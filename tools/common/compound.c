// SPDX-License-Identifier: GPL-2.0-or-later
/* From any page of a compound page to its first one. */
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
