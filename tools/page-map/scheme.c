// SPDX-License-Identifier: GPL-2.0-or-later
/* The schemes: by what the pages of a map are told apart. */
#include "scheme.h"

#include <inttypes.h>
#include <string.h>

#define ABSENT_AND_SWAPPED { '.', HUE_DARK, "not populated" }, { '~', HUE_GREY, "swapped" }

#define IS(p, flag) ((p)->kflags & KPAGE_BIT(flag))
/* Of a tail, what its folio is. */
#define FOLIO_IS(p, flag) (((p)->kflags | (p)->head_kflags) & KPAGE_BIT(flag))

/* -------------------------------------------------------------------------- kind */

/* As enum page_kind. */
static const struct page_class kinds[] = {
	ABSENT_AND_SWAPPED,
	[CLASS_FIRST + PAGE_ANON] = { 'a', HUE_BLUE, "anon" },
	[CLASS_FIRST + PAGE_THP] = { 't', HUE_SKY, "thp" },
	[CLASS_FIRST + PAGE_HUGETLB] = { 'h', HUE_CYAN, "hugetlb" },
	[CLASS_FIRST + PAGE_KSM] = { 'k', HUE_VIOLET, "ksm" },
	[CLASS_FIRST + PAGE_SHM] = { 'm', HUE_LIME, "shm" },
	[CLASS_FIRST + PAGE_FILE] = { 'f', HUE_GREEN, "file" },
	[CLASS_FIRST + PAGE_SWAPCACHE] = { 'c', HUE_TEAL, "swapcache" },
	[CLASS_FIRST + PAGE_FREE] = { '-', HUE_GREY, "free" },
	[CLASS_FIRST + PAGE_SLAB] = { 's', HUE_ORANGE, "slab" },
	[CLASS_FIRST + PAGE_PGTABLE] = { 'p', HUE_YELLOW, "pgtable" },
	[CLASS_FIRST + PAGE_RESERVED] = { 'r', HUE_BROWN, "reserved" },
	[CLASS_FIRST + PAGE_OFFLINE] = { 'o', HUE_DARK, "offline" },
	[CLASS_FIRST + PAGE_ZERO] = { 'z', HUE_WHITE, "zero" },
	[CLASS_FIRST + PAGE_VDSO] = { 'v', HUE_PINK, "vdso" },
	[CLASS_FIRST + PAGE_DRIVER] = { 'd', HUE_MAGENTA, "driver" },
	[CLASS_FIRST + PAGE_OTHER] = { 'e', HUE_PURPLE, "other" },
};
_Static_assert(ARRAY_SIZE(kinds) == CLASS_FIRST + NR_PAGE_KINDS, "each kind has a class");
_Static_assert(ARRAY_SIZE(kinds) <= MAX_CLASSES, "there is room for them");

static unsigned int classify_kind(struct scheme_state *state, const struct page_info *p)
{
	return CLASS_FIRST + page_kind_of(&state->machine->kinds, p->kflags, p->head_kflags,
					  p->vma_name);
}

/* --------------------------------------------------------------------------- age */

enum { AGE_HOT = CLASS_FIRST, AGE_ACTIVE, AGE_TOUCHED, AGE_INACTIVE, AGE_IDLE, AGE_UNEVICTABLE,
       AGE_FREE, AGE_NONE };

static const struct page_class ages[] = {
	ABSENT_AND_SWAPPED,
	[AGE_HOT] = { 'h', HUE_ORANGE, "active, referenced" },
	[AGE_ACTIVE] = { 'a', HUE_YELLOW, "active" },
	[AGE_TOUCHED] = { 'r', HUE_LIME, "inactive, referenced" },
	[AGE_INACTIVE] = { 'i', HUE_TEAL, "inactive" },
	[AGE_IDLE] = { 'd', HUE_BLUE, "idle" },
	[AGE_UNEVICTABLE] = { 'u', HUE_MAGENTA, "unevictable" },
	[AGE_FREE] = { '-', HUE_GREY, "free" },
	[AGE_NONE] = { 'n', HUE_BROWN, "on no LRU list" },
};

static unsigned int classify_age(struct scheme_state *state, const struct page_info *p)
{
	(void)state;
	if (IS(p, BUDDY))
		return AGE_FREE;
	if (FOLIO_IS(p, UNEVICTABLE))
		return AGE_UNEVICTABLE;
	if (!FOLIO_IS(p, LRU))
		return AGE_NONE;
	if (FOLIO_IS(p, IDLE))
		return AGE_IDLE;
	if (FOLIO_IS(p, ACTIVE))
		return FOLIO_IS(p, REFERENCED) ? AGE_HOT : AGE_ACTIVE;
	return FOLIO_IS(p, REFERENCED) ? AGE_TOUCHED : AGE_INACTIVE;
}

/* ------------------------------------------------------------------------- order */

#define LARGEST_ORDER 11

static const struct page_class orders[] = {
	ABSENT_AND_SWAPPED,
	{ '0', HUE_GREY, "order 0" },
	{ '1', HUE_PURPLE, "order 1" },
	{ '2', HUE_BLUE, "order 2" },
	{ '3', HUE_SKY, "order 3" },
	{ '4', HUE_CYAN, "order 4" },
	{ '5', HUE_TEAL, "order 5" },
	{ '6', HUE_GREEN, "order 6" },
	{ '7', HUE_LIME, "order 7" },
	{ '8', HUE_YELLOW, "order 8" },
	{ '9', HUE_ORANGE, "order 9" },
	{ 'A', HUE_BROWN, "order 10" },
	{ 'B', HUE_PINK, "larger" },
	{ '-', HUE_DARK, "free" },
};

static unsigned int classify_order(struct scheme_state *state, const struct page_info *p)
{
	(void)state;
	if (IS(p, BUDDY))
		return CLASS_FIRST + LARGEST_ORDER + 1;
	return CLASS_FIRST + MIN(p->order, (unsigned int)LARGEST_ORDER);
}
_Static_assert(ARRAY_SIZE(orders) == CLASS_FIRST + LARGEST_ORDER + 2, "each order has a class");

/* -------------------------------------------------------------------------- node */

#define MAX_NODES 14

static const struct page_class nodes[] = {
	ABSENT_AND_SWAPPED,
	{ '0', HUE_BLUE, "node 0" },	  { '1', HUE_GREEN, "node 1" },
	{ '2', HUE_ORANGE, "node 2" },	  { '3', HUE_MAGENTA, "node 3" },
	{ '4', HUE_CYAN, "node 4" },	  { '5', HUE_LIME, "node 5" },
	{ '6', HUE_YELLOW, "node 6" },	  { '7', HUE_VIOLET, "node 7" },
	{ '8', HUE_SKY, "node 8" },	  { '9', HUE_TEAL, "node 9" },
	{ 'A', HUE_BROWN, "node 10" },	  { 'B', HUE_PURPLE, "node 11" },
	{ 'C', HUE_PINK, "node 12" },	  { 'D', HUE_WHITE, "node 13 and above" },
	{ '?', HUE_GREY, "not known" },
};
_Static_assert(ARRAY_SIZE(nodes) == CLASS_FIRST + MAX_NODES + 1, "each node has a class");

static unsigned int classify_node(struct scheme_state *state, const struct page_info *p)
{
	int node = state->machine->nodes ? kpage_nodes_find(state->machine->nodes, p->pfn) : -1;

	if (node < 0)
		return CLASS_FIRST + MAX_NODES;
	return CLASS_FIRST + (unsigned int)MIN(node, MAX_NODES - 1);
}

/* --------------------------------------------------------------------- map count */

enum { COUNT_0 = CLASS_FIRST, COUNT_1, COUNT_2, COUNT_4, COUNT_8, COUNT_32, COUNT_MANY,
       COUNT_UNKNOWN };

static const struct page_class mapcounts[] = {
	ABSENT_AND_SWAPPED,
	[COUNT_0] = { '0', HUE_GREY, "not mapped" },
	[COUNT_1] = { '1', HUE_BLUE, "once" },
	[COUNT_2] = { '2', HUE_SKY, "twice" },
	[COUNT_4] = { '4', HUE_GREEN, "3 to 4 times" },
	[COUNT_8] = { '8', HUE_LIME, "5 to 8 times" },
	[COUNT_32] = { 't', HUE_YELLOW, "9 to 32 times" },
	[COUNT_MANY] = { 'm', HUE_ORANGE, "more often" },
	[COUNT_UNKNOWN] = { '?', HUE_DARK, "not known" },
};

static unsigned int classify_mapcount(struct scheme_state *state, const struct page_info *p)
{
	static const struct {
		uint64_t most;
		unsigned int class;
	} steps[] = {
		{ 0, COUNT_0 }, { 1, COUNT_1 }, { 2, COUNT_2 },
		{ 4, COUNT_4 }, { 8, COUNT_8 }, { 32, COUNT_32 },
	};

	(void)state;
	if (p->mapcount == UINT64_MAX)
		return COUNT_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (p->mapcount <= steps[i].most)
			return steps[i].class;
	return COUNT_MANY;
}

/* ------------------------------------------------------------------------- dirty */

enum { DIRTY_WRITEBACK = CLASS_FIRST, DIRTY_SOFT, DIRTY_DIRTY, DIRTY_CLEAN, DIRTY_NONE };

static const struct page_class dirts[] = {
	ABSENT_AND_SWAPPED,
	[DIRTY_WRITEBACK] = { 'w', HUE_MAGENTA, "writeback" },
	[DIRTY_SOFT] = { 's', HUE_YELLOW, "soft-dirty" },
	[DIRTY_DIRTY] = { 'd', HUE_ORANGE, "dirty" },
	[DIRTY_CLEAN] = { 'c', HUE_GREEN, "clean" },
	[DIRTY_NONE] = { 'n', HUE_GREY, "no user page" },
};

/* Soft-dirty is of the page table, so it is known of a process's pages alone. */
static unsigned int classify_dirty(struct scheme_state *state, const struct page_info *p)
{
	(void)state;
	if (FOLIO_IS(p, WRITEBACK))
		return DIRTY_WRITEBACK;
	if (p->entry & KPAGE_PM_SOFT_DIRTY)
		return DIRTY_SOFT;
	if (FOLIO_IS(p, DIRTY))
		return DIRTY_DIRTY;
	return FOLIO_IS(p, LRU) || FOLIO_IS(p, MMAP) || FOLIO_IS(p, HUGE) ? DIRTY_CLEAN :
									   DIRTY_NONE;
}

/* ------------------------------------------------------------------------ cgroup */

#define MAX_CGROUPS 13

enum { CGROUP_MORE = CLASS_FIRST + MAX_CGROUPS, CGROUP_NONE, CGROUP_UNKNOWN };

static const struct page_class cgroups[] = {
	ABSENT_AND_SWAPPED,
	{ 'a', HUE_BLUE, NULL },     { 'b', HUE_GREEN, NULL },	{ 'c', HUE_ORANGE, NULL },
	{ 'd', HUE_MAGENTA, NULL },  { 'e', HUE_CYAN, NULL },	{ 'f', HUE_LIME, NULL },
	{ 'g', HUE_YELLOW, NULL },   { 'h', HUE_VIOLET, NULL }, { 'i', HUE_SKY, NULL },
	{ 'j', HUE_TEAL, NULL },     { 'k', HUE_BROWN, NULL },	{ 'l', HUE_PURPLE, NULL },
	{ 'm', HUE_PINK, NULL },
	[CGROUP_MORE] = { '+', HUE_GREY, "other cgroups" },
	[CGROUP_NONE] = { '-', HUE_DARK, "charged to none" },
	[CGROUP_UNKNOWN] = { '?', HUE_WHITE, "not known" },
};
_Static_assert(ARRAY_SIZE(cgroups) <= MAX_CLASSES, "there is room for them");

static unsigned int classify_cgroup(struct scheme_state *state, const struct page_info *p)
{
	struct cgroup_classes *known = &state->cgroups;
	char number[32];

	if (p->cgroup == UINT64_MAX)
		return CGROUP_UNKNOWN;
	if (!p->cgroup)
		return CGROUP_NONE;
	for (size_t i = 0; i < known->n; i++)
		if (known->inos[i] == p->cgroup)
			return CLASS_FIRST + (unsigned int)i;
	if (known->n == MAX_CGROUPS)
		return CGROUP_MORE;
	known->inos[known->n] = p->cgroup;
	known->names[known->n] = machine_cgroup_path(state->machine, p->cgroup);
	if (!known->names[known->n]) {
		snprintf(number, sizeof(number), "@%" PRIu64, p->cgroup);
		known->names[known->n] = xstrdup(number);
	}
	return CLASS_FIRST + (unsigned int)known->n++;
}

/* -------------------------------------------------------------------------- all */

static const struct scheme schemes[] = {
	{ "kind", "kind", NEED_HEAD, ARRAY_SIZE(kinds), kinds, classify_kind },
	{ "age", "LRU age", NEED_HEAD, ARRAY_SIZE(ages), ages, classify_age },
	{ "order", "folio order", NEED_ORDER, ARRAY_SIZE(orders), orders, classify_order },
	{ "node", "NUMA node", 0, ARRAY_SIZE(nodes), nodes, classify_node },
	{ "mapcount", "map count", NEED_MAPCOUNT, ARRAY_SIZE(mapcounts), mapcounts,
	  classify_mapcount },
	{ "dirty", "dirty and soft-dirty", NEED_HEAD, ARRAY_SIZE(dirts), dirts, classify_dirty },
	{ "cgroup", "memory cgroup", NEED_CGROUP, ARRAY_SIZE(cgroups), cgroups, classify_cgroup },
};

const struct scheme *scheme_table(size_t *n)
{
	*n = ARRAY_SIZE(schemes);
	return schemes;
}

const struct scheme *scheme_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (!strcmp(schemes[i].name, name))
			return &schemes[i];
	return NULL;
}

const struct scheme *scheme_next(const struct scheme *scheme)
{
	return scheme + 1 == schemes + ARRAY_SIZE(schemes) ? schemes : scheme + 1;
}

unsigned int scheme_classify(const struct scheme *scheme, struct scheme_state *state,
			     const struct page_info *p)
{
	switch (p->state) {
	case PAGE_STATE_ABSENT:
		return CLASS_ABSENT;
	case PAGE_STATE_SWAPPED:
		return CLASS_SWAPPED;
	case PAGE_STATE_PAGE:
		break;
	}
	return scheme->classify(state, p);
}

const char *scheme_class_name(const struct scheme *scheme, const struct scheme_state *state,
			      unsigned int class)
{
	const char *name = scheme->classes[class].name;

	return name ? name : state->cgroups.names[class - CLASS_FIRST];
}

void scheme_state_release(struct scheme_state *state)
{
	for (size_t i = 0; i < state->cgroups.n; i++)
		free(state->cgroups.names[i]);
	state->cgroups = (struct cgroup_classes){ 0 };
}
