// SPDX-License-Identifier: GPL-2.0-or-later
/* The pages that a map shows, one after the other. */
#include "space.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/compound.h"

uint64_t cpu_time_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ------------------------------------------------------------------ what there is */

/* Of a process: more runs than this, and small holes are taken in. */
#define MAX_RUNS 16384

static void add_run(struct space *s, uint64_t start, uint64_t end, uint64_t small)
{
	struct space_run *last = s->nr_runs ? &s->runs[s->nr_runs - 1] : NULL;

	if (last && start - last->end <= small) {
		last->end = end;
		return;
	}
	s->runs = xgrow(s->runs, s->nr_runs, sizeof(*s->runs));
	s->runs[s->nr_runs++] = (struct space_run){ .start = start, .end = end };
}

/* In place: there are more runs than that already. */
static void close_small_holes(struct space *s, uint64_t small)
{
	size_t n = 1;

	for (size_t i = 1; i < s->nr_runs; i++) {
		if (s->runs[i].start - s->runs[n - 1].end <= small)
			s->runs[n - 1].end = s->runs[i].end;
		else
			s->runs[n++] = s->runs[i];
	}
	s->nr_runs = n;
}

static void number_runs(struct space *s)
{
	s->pages = 0;
	for (size_t i = 0; i < s->nr_runs; i++) {
		s->runs[i].index = s->pages;
		s->pages += s->runs[i].end - s->runs[i].start;
	}
}

/* Adds a populated piece; where there are too many of them, *small grows. */
static void add_piece(struct space *s, uint64_t start, uint64_t end, uint64_t *small)
{
	add_run(s, start, end, *small);
	while (s->nr_runs >= MAX_RUNS) {
		*small = *small ? *small * 2 : 1;
		close_small_holes(s, *small);
	}
}

/* Reads all entries: the kernel can't say which parts are populated. */
static int find_by_reading(struct space *s, struct kpage_range todo, uint64_t *small)
{
	_cleanup_free_ uint64_t *buf = xcalloc(KPAGE_BATCH, sizeof(*buf));

	while (todo.start < todo.end) {
		size_t want = (size_t)MIN(todo.end - todo.start, (uint64_t)KPAGE_BATCH);
		ssize_t got = kpage_file_read(s->pagemap, todo.start, buf, want);

		if (got <= 0)
			return (int)got;
		for (ssize_t i = 0; i < got; i++)
			if (buf[i] & (KPAGE_PM_PRESENT | KPAGE_PM_SWAP))
				add_piece(s, todo.start + (uint64_t)i, todo.start + (uint64_t)i + 1, small);
		todo.start += (uint64_t)got;
	}
	return 0;
}

static int find_populated(struct space *s, struct kpage_range todo, uint64_t *small)
{
	struct kpage_range found[64];

	while (todo.start < todo.end) {
		ssize_t n = kpage_pagemap_scan(s->pagemap, &todo, found, ARRAY_SIZE(found));

		if (n == -ENOTTY)
			return find_by_reading(s, todo, small);
		if (n < 0)
			return (int)n;
		for (ssize_t i = 0; i < n; i++)
			add_piece(s, found[i].start, found[i].end, small);
	}
	return 0;
}

/* Its flags don't tell what the kernel has mapped: there are up to four such mappings. */
static void note_kernel_mapping(struct space *s, const char *name, const struct kpage_range *range)
{
	if (s->nr_kernel < ARRAY_SIZE(s->kernel) && page_kind_is_kernel_mapping(name))
		s->kernel[s->nr_kernel++] = *range;
}

static const char *vma_name_at(const struct space *s, uint64_t place)
{
	for (size_t i = 0; i < s->nr_kernel; i++)
		if (place >= s->kernel[i].start && place < s->kernel[i].end)
			return "[vdso]";
	return NULL;
}

/* The vsyscall page is beyond what pagemap knows. */
#define BEYOND_PAGEMAP ((UINT64_C(1) << 63) / kpage_page_size())

/* The mappings of the process that lie within the range. */
static int find_runs(struct space *s)
{
	const uint64_t size = kpage_page_size();
	struct kpage_maps *maps = NULL;
	struct kpage_vma vma;
	uint64_t small = 0;
	int more, err = kpage_maps_open(s->machine->ctx, s->pid, &maps);

	if (err)
		return err;
	while (!err && (more = kpage_maps_next(maps, &vma)) > 0) {
		struct kpage_range todo = { MAX(vma.start / size, s->within.start),
					    MIN(vma.end / size, s->within.end) };

		note_kernel_mapping(s, vma.name,
				    &(struct kpage_range){ vma.start / size, vma.end / size });
		if (todo.start < todo.end && todo.start < BEYOND_PAGEMAP)
			err = find_populated(s, todo, &small);
	}
	if (!err && more < 0)
		err = more;
	kpage_maps_free(maps);
	return err;
}

int space_of_machine(const struct machine *m, const struct kpage_range *within, struct space *out)
{
	struct space s = { .machine = m, .within = { 0, UINT64_MAX } };

	if (within)
		s.within = *within;
	for (size_t i = 0; i < m->nr_ranges; i++) {
		uint64_t start = MAX(m->ranges[i].start, s.within.start);
		uint64_t end = MIN(m->ranges[i].end, s.within.end);

		if (start < end)
			add_run(&s, start, end, 0);
	}
	number_runs(&s);
	*out = s;
	return 0;
}

int space_of_process(const struct machine *m, pid_t pid, const struct kpage_range *within,
		     struct space *out)
{
	struct space s = { .machine = m, .pid = pid, .within = { 0, UINT64_MAX } };
	int err;

	if (!m->sees_pfns)
		return -EPERM;
	if (within)
		s.within = *within;
	err = kpage_file_open_pagemap(m->ctx, pid, &s.pagemap);
	if (!err)
		err = find_runs(&s);
	if (err) {
		space_release(&s);
		return err;
	}
	number_runs(&s);
	*out = s;
	return 0;
}

int space_of_vma(const struct machine *m, pid_t pid, const struct kpage_range *vma, const char *name,
		 struct space *out)
{
	struct space s = { .machine = m, .pid = pid, .within = *vma };
	uint64_t small = 0;
	int err;

	if (!m->sees_pfns)
		return -EPERM;
	err = kpage_file_open_pagemap(m->ctx, pid, &s.pagemap);
	if (!err && vma->start < BEYOND_PAGEMAP)
		err = find_populated(&s, *vma, &small);
	if (err) {
		space_release(&s);
		return err;
	}
	note_kernel_mapping(&s, name, vma);
	number_runs(&s);
	*out = s;
	return 0;
}

int space_again(const struct space *s, struct space *out)
{
	return s->pid ? space_of_process(s->machine, s->pid, &s->within, out) :
			space_of_machine(s->machine, &s->within, out);
}

void space_release(struct space *s)
{
	kpage_file_free(s->pagemap);
	free(s->runs);
	s->pagemap = NULL;
	s->runs = NULL;
	s->nr_runs = 0;
	s->pages = 0;
}

/* --------------------------------------------------------------- index and place */

/* The last run that begins at or before an index. */
static const struct space_run *find_run(const struct space *s, uint64_t index)
{
	size_t low = 0, high = s->nr_runs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->runs[middle].index <= index)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &s->runs[low - 1] : NULL;
}

uint64_t space_place(const struct space *s, uint64_t index)
{
	const struct space_run *run = index < s->pages ? find_run(s, index) : NULL;

	return run ? run->start + (index - run->index) : UINT64_MAX;
}

uint64_t space_index_from(const struct space *s, uint64_t place)
{
	size_t low = 0, high = s->nr_runs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->runs[middle].end <= place)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == s->nr_runs)
		return s->pages;
	return s->runs[low].index + (place > s->runs[low].start ? place - s->runs[low].start : 0);
}

uint64_t space_index(const struct space *s, uint64_t place)
{
	uint64_t index = space_index_from(s, place);

	return index < s->pages && space_place(s, index) == place ? index : UINT64_MAX;
}

/* ---------------------------------------------------------------------- the pages */

/* The chunk at hand. */
struct chunk {
	const struct space *space;
	unsigned int needs;
	struct page_info *pages;
	size_t n;
};

static void set_place(struct page_info *p, uint64_t place)
{
	*p = (struct page_info){ .place = place, .mapcount = UINT64_MAX, .cgroup = UINT64_MAX };
}

static ssize_t read_physical(struct chunk *c, uint64_t pfn, size_t n)
{
	uint64_t buf[CHUNK];
	ssize_t got = kpage_file_read(c->space->machine->flags, pfn, buf, n);

	for (ssize_t i = 0; i < got; i++) {
		struct page_info *p = &c->pages[i];

		set_place(p, pfn + (uint64_t)i);
		p->state = PAGE_STATE_PAGE;
		p->pfn = p->place;
		p->kflags = buf[i];
	}
	return got;
}

static ssize_t read_entries(struct chunk *c, uint64_t place, size_t n)
{
	uint64_t buf[CHUNK];
	ssize_t got = kpage_file_read(c->space->pagemap, place, buf, n);

	for (ssize_t i = 0; i < got; i++) {
		struct page_info *p = &c->pages[i];
		uint64_t poison = kpage_pagemap_poison_candidate(buf[i]);

		set_place(p, place + (uint64_t)i);
		p->entry = buf[i];
		p->vma_name = vma_name_at(c->space, p->place);
		if (buf[i] & KPAGE_PM_PRESENT) {
			p->state = PAGE_STATE_PAGE;
			p->pfn = kpage_pagemap_pfn(buf[i]);
		} else if (buf[i] & KPAGE_PM_SWAP) {
			p->state = PAGE_STATE_SWAPPED;
			/* Perhaps a page; its flags will tell. */
			p->pfn = poison ? poison : kpage_pagemap_swap_offset(buf[i]);
		}
	}
	return got;
}

/* The pages of a chunk by PFN, so that neighbours share a read. */
struct lookup {
	uint64_t pfn[CHUNK];
	uint16_t page[CHUNK];
	uint64_t value[CHUNK];
	uint64_t scratch[KPAGE_BATCH];
	size_t n;
};

static int by_pfn(const void *a, const void *b, void *arg)
{
	const struct page_info *pages = arg;
	uint64_t x = pages[*(const uint16_t *)a].pfn, y = pages[*(const uint16_t *)b].pfn;

	return (x > y) - (x < y);
}

static bool may_be_page(const struct page_info *p)
{
	return p->state == PAGE_STATE_PAGE ||
	       (p->state == PAGE_STATE_SWAPPED && kpage_pagemap_poison_candidate(p->entry));
}

static void collect(const struct chunk *c, struct lookup *l)
{
	l->n = 0;
	for (size_t i = 0; i < c->n; i++)
		if (may_be_page(&c->pages[i]))
			l->page[l->n++] = (uint16_t)i;
	qsort_r(l->page, l->n, sizeof(l->page[0]), by_pfn, c->pages);
	for (size_t i = 0; i < l->n; i++)
		l->pfn[i] = c->pages[l->page[i]].pfn;
}

/* One by one where one of them is beyond the file: the guess at a poisoned page was none. */
static int gather(const struct kpage_file *f, struct lookup *l)
{
	int err = kpage_file_gather(f, l->pfn, l->n, l->value, l->scratch);

	if (err != -ENODATA)
		return err;
	for (size_t i = 0; i < l->n; i++)
		if (kpage_file_read(f, l->pfn[i], &l->value[i], 1) != 1)
			l->value[i] = 0;
	return 0;
}

/* A swap entry of that form is a page only if that one is poisoned. */
static void take_flags(const struct chunk *c, const struct lookup *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct page_info *p = &c->pages[l->page[i]];

		if (p->state == PAGE_STATE_SWAPPED) {
			if (!(l->value[i] & KPAGE_BIT(HWPOISON)))
				continue;
			p->state = PAGE_STATE_PAGE;
		}
		p->kflags = l->value[i];
	}
}

static void take_mapcount(struct page_info *p, uint64_t value)
{
	p->mapcount = value;
}

static void take_cgroup(struct page_info *p, uint64_t value)
{
	p->cgroup = value;
}

static int read_column(const struct chunk *c, struct lookup *l, const struct kpage_file *f,
		       void (*take)(struct page_info *p, uint64_t value))
{
	int err = f ? gather(f, l) : 0;

	for (size_t i = 0; f && !err && i < l->n; i++)
		take(&c->pages[l->page[i]], l->value[i]);
	return err;
}

/* The columns beside the flags. */
static int read_columns(const struct chunk *c, struct lookup *l)
{
	const struct machine *m = c->space->machine;
	int err = 0;

	if (c->needs & NEED_MAPCOUNT)
		err = read_column(c, l, m->mapcount, take_mapcount);
	if (!err && (c->needs & NEED_CGROUP))
		err = read_column(c, l, m->cgroup, take_cgroup);
	return err;
}

/* Before 6.12 the tails of a folio show little by themselves. */
static void find_heads(const struct chunk *c)
{
	const struct machine *m = c->space->machine;
	const struct kpage_file *cgroups = c->needs & NEED_CGROUP ? m->cgroup : NULL;
	struct compound folio = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		struct page_info *p = &c->pages[i];

		p->head_kflags = p->kflags;
		if (p->state != PAGE_STATE_PAGE)
			continue;
		if (p->kflags & KPAGE_BIT(COMPOUND_HEAD)) {
			folio = (struct compound){ p->pfn, p->kflags, p->cgroup, p->pfn + 1 };
		} else if (p->kflags & KPAGE_BIT(COMPOUND_TAIL)) {
			compound_find(&folio, m->flags, cgroups, p->pfn, p->kflags, p->cgroup);
			p->head_kflags = folio.kflags;
			if (cgroups)
				p->cgroup = folio.cgroup;
		}
	}
}

/* How many of the flags that follow a page are those of its neighbours in memory. */
static size_t neighbours(const struct chunk *c, size_t i, uint64_t *kflags)
{
	size_t n = 0;

	while (i + n < c->n && c->pages[i + n].state == PAGE_STATE_PAGE &&
	       c->pages[i + n].pfn == c->pages[i].pfn + n) {
		kflags[n] = c->pages[i + n].kflags;
		n++;
	}
	return n;
}

static void find_orders(const struct chunk *c)
{
	struct compound_extent folio = { 0 };
	uint64_t kflags[CHUNK];

	for (size_t i = 0; i < c->n; i++) {
		struct page_info *p = &c->pages[i];

		if (p->state != PAGE_STATE_PAGE ||
		    !(p->kflags & (KPAGE_BIT(COMPOUND_HEAD) | KPAGE_BIT(COMPOUND_TAIL))))
			continue;
		if (!(p->pfn > folio.head && p->pfn < folio.head + folio.pages &&
		      (p->kflags & KPAGE_BIT(COMPOUND_TAIL))))
			compound_extent(&folio, c->space->machine->flags, p->pfn, kflags,
					neighbours(c, i, kflags));
		p->order = compound_order(folio.pages);
	}
}

static int complete(struct chunk *c)
{
	struct lookup *l = NULL;
	int err = 0;

	if (c->space->pid || c->needs & (NEED_MAPCOUNT | NEED_CGROUP)) {
		l = xcalloc(1, sizeof(*l));
		collect(c, l);
	}
	if (c->space->pid) {
		err = gather(c->space->machine->flags, l);
		if (!err)
			take_flags(c, l);
	}
	if (!err && l)
		err = read_columns(c, l);
	free(l);
	if (err)
		return err;
	if (c->needs & (NEED_HEAD | NEED_CGROUP))
		find_heads(c);
	if (c->needs & NEED_ORDER)
		find_orders(c);
	return 0;
}

/* A process that has ended reads as empty. */
static int gone_or_empty(const struct space *s)
{
	return s->pid && kpage_ctx_is_live(s->machine->ctx) ?
		       kpage_task_read_memory(s->machine->ctx, s->pid, NULL) : 0;
}

static ssize_t read_piece(const struct space *s, uint64_t place, size_t n, unsigned int needs,
			  struct page_info *out)
{
	struct chunk c = { .space = s, .needs = needs, .pages = out };
	ssize_t got = s->pid ? read_entries(&c, place, n) : read_physical(&c, place, n);
	int err;

	if (got < 0)
		return got;
	if (!got)
		return gone_or_empty(s);
	c.n = (size_t)got;
	err = complete(&c);
	return err ? err : got;
}

ssize_t space_read(const struct space *s, uint64_t index, size_t n, unsigned int needs,
		   struct page_info *out)
{
	size_t done = 0;

	while (done < n && index + done < s->pages) {
		const struct space_run *run = find_run(s, index + done);
		uint64_t place, left;
		size_t want;
		ssize_t got;

		if (!run)
			break;
		place = run->start + (index + done - run->index);
		left = run->end - place;
		want = (size_t)MIN(left, (uint64_t)(n - done));
		got = read_piece(s, place, want, needs, out + done);

		if (got < 0)
			return got;
		done += (size_t)got;
		if ((size_t)got < want)
			break;
	}
	return (ssize_t)done;
}
