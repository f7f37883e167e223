// SPDX-License-Identifier: GPL-2.0-or-later
/* The groups of --by, each with its own count. */
#include "groups.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdarg.h>
#include <string.h>

/* What a group is told from another by. */
struct key {
	pid_t pid;
	bool has_number;
	uint64_t number;
	const char *name;	/* NULL: none; then the label is made of the rest */
};

struct kind {
	const char *name;
	struct key (*key)(struct groups *g, const struct group_place *place);
	char *(*label)(const struct groups *g, const struct key *key,
		       const struct group_place *place);
};

/* Like asprintf(), but ends the program when memory is out. */
static _printf_(1, 2) char *text(const char *fmt, ...)
{
	va_list args;
	char *out;

	va_start(args, fmt);
	if (vasprintf(&out, fmt, args) < 0)
		exit(fail(EXIT_FAILED, "out of memory"));
	va_end(args);
	return out;
}

/* --------------------------------------------------------------------- processes */

static struct key key_of_pid(struct groups *g, const struct group_place *place)
{
	(void)g;
	return (struct key){ .pid = place->pid };
}

static char *label_of_pid(const struct groups *g, const struct key *key,
			  const struct group_place *place)
{
	struct kpage_task task;

	(void)place;
	if (kpage_task_read(g->ctx, key->pid, &task))
		return text("pid %d", (int)key->pid);
	return text("pid %d (%s)", (int)key->pid, task.comm);
}

static struct key key_of_vma(struct groups *g, const struct group_place *place)
{
	(void)g;
	const struct vma *vma = place->narrow->vma;

	return (struct key){ .pid = place->pid, .has_number = vma, .number = vma ? vma->start : 0 };
}

static char *label_of_vma(const struct groups *g, const struct key *key,
			  const struct group_place *place)
{
	const struct vma *vma = place->narrow->vma;
	const uint64_t size = kpage_page_size();

	(void)g;
	if (!vma)
		return text("pid %d: mapped meanwhile", (int)key->pid);
	return text("pid %d: %" PRIx64 "-%" PRIx64 " %s%s%s", (int)key->pid, vma->start * size,
		    vma->end * size, vma->perms, vma->name ? " " : "", vma->name ? vma->name : "");
}

/* ------------------------------------------------------------- cgroups, nodes, files */

static struct key key_of_cgroup(struct groups *g, const struct group_place *place)
{
	(void)g;
	return (struct key){
		.has_number = true,
		.number = narrowing_cgroup(place->narrow, place->batch, place->i),
	};
}

static char *label_of_cgroup(const struct groups *g, const struct key *key,
			     const struct group_place *place)
{
	const char *saved = g->dump ? kpage_dump_cgroup_path(g->dump, key->number) : NULL;
	char *path;

	(void)place;
	if (!key->number)
		return text("no cgroup");
	if (saved)
		return xstrdup(saved);
	if (g->dump || kpage_cgroup_path(g->ctx, key->number, &path))
		return text("cgroup @%" PRIu64, key->number);
	return path;
}

static struct key key_of_node(struct groups *g, const struct group_place *place)
{
	(void)g;
	bool swap = kpage_batch_is_swap(place->batch, place->i);
	int node = swap || !place->narrow->nodes ? -1 : kpage_nodes_find(place->narrow->nodes,
									 place->batch->pfn[place->i]);

	return (struct key){ .has_number = node >= 0, .number = node < 0 ? 0 : (uint64_t)node };
}

static char *label_of_node(const struct groups *g, const struct key *key,
			   const struct group_place *place)
{
	(void)g;
	(void)place;
	return key->has_number ? text("node %" PRIu64, key->number) : text("no node");
}

static struct key key_of_order(struct groups *g, const struct group_place *place)
{
	const struct kpage_batch *b = place->batch;

	if (kpage_batch_is_swap(b, place->i))
		return (struct key){ 0 };
	compound_extent(&g->extent, place->narrow->flags, b->pfn[place->i], &b->kflags[place->i], 1);
	return (struct key){ .has_number = true, .number = compound_order(g->extent.pages) };
}

static char *label_of_order(const struct groups *g, const struct key *key,
			    const struct group_place *place)
{
	(void)g;
	(void)place;
	return key->has_number ? text("order %" PRIu64, key->number) : text("swapped out");
}

static struct key key_of_file(struct groups *g, const struct group_place *place)
{
	(void)g;
	const struct vma *vma = place->narrow->vma;

	if (place->file)
		return (struct key){ .name = place->file };
	return (struct key){ .name = vma && vma->has_file && vma->name ? vma->name : NULL };
}

static char *label_of_file(const struct groups *g, const struct key *key,
			   const struct group_place *place)
{
	(void)g;
	(void)place;
	return text("%s", key->name ? key->name : "no file");
}

static const struct kind kinds[] = {
	[BY_PID] = { "pid", key_of_pid, label_of_pid },
	[BY_VMA] = { "vma", key_of_vma, label_of_vma },
	[BY_CGROUP] = { "cgroup", key_of_cgroup, label_of_cgroup },
	[BY_NODE] = { "node", key_of_node, label_of_node },
	[BY_ORDER] = { "order", key_of_order, label_of_order },
	[BY_FILE] = { "file", key_of_file, label_of_file },
};

const char *group_by_name(enum group_by by)
{
	return kinds[by].name;
}

enum group_by group_by_find(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].name && !strcmp(word, kinds[i].name))
			return (enum group_by)i;
	return BY_NONE;
}

/* -------------------------------------------------------------------- the groups */

/* What is searched for, and what the tree holds. */
struct node {
	struct group group;	/* first: a node is a group */
	char *name;		/* NULL: none */
	struct key key;
};

static int by_key(const void *a, const void *b)
{
	const struct key *x = &((const struct node *)a)->key, *y = &((const struct node *)b)->key;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->has_number != y->has_number)
		return x->has_number ? 1 : -1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (!x->name || !y->name)
		return (x->name != NULL) - (y->name != NULL);
	return strcmp(x->name, y->name);
}

static void free_node(void *p)
{
	struct node *node = p;

	kpage_tally_free(node->group.tally);
	free(node->group.label);
	free(node->name);
	free(node);
}

/* NULL: out of memory. */
static struct group *add_group(struct groups *g, const struct key *key,
			       const struct group_place *place)
{
	struct node *node = xcalloc(1, sizeof(*node));

	node->key = *key;
	node->name = key->name ? xstrdup(key->name) : NULL;
	node->key.name = node->name;
	node->group = (struct group){
		.pid = key->pid,
		.has_number = key->has_number,
		.number = key->number,
		.label = kinds[g->by].label(g, key, place),
		.order = g->n,
	};
	if (kpage_tally_new(&node->group.tally) || !tsearch(node, &g->tree, by_key)) {
		free_node(node);
		return NULL;
	}
	g->n++;
	return &node->group;
}

/* Neighbours are mostly of the same one. */
static struct group *find_group(struct groups *g, const struct group_place *place)
{
	const struct node wanted = { .key = kinds[g->by].key(g, place) };
	struct node **found;

	if (g->last && !by_key(g->last, &wanted))
		return g->last;
	found = tfind(&wanted, &g->tree, by_key);
	g->last = found ? &(*found)->group : add_group(g, &wanted.key, place);
	return g->last;
}

int groups_add(struct groups *g, const struct group_place *place)
{
	struct group *group = find_group(g, place);

	return group ? kpage_tally_add(group->tally, place->batch->flags[place->i], 1) : -ENOMEM;
}

struct collected {
	struct group *v;
	size_t n;
};

static void collect(const void *node, VISIT which, void *arg)
{
	struct collected *c = arg;

	if (which == postorder || which == leaf)
		c->v[c->n++] = (*(const struct node *const *)node)->group;
}

static int by_order(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

struct group *groups_list(const struct groups *g)
{
	struct collected c = { .v = xcalloc(g->n + 1, sizeof(*c.v)) };

	/* By its key: nodes and orders are in order then. */
	twalk_r(g->tree, collect, &c);
	if (g->by != BY_NODE && g->by != BY_ORDER)
		qsort(c.v, c.n, sizeof(*c.v), by_order);
	return c.v;
}

void groups_release(struct groups *g)
{
	tdestroy(g->tree, free_node);
	*g = (struct groups){ 0 };
}
