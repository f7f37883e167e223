// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which NUMA node a page is on: sysfs links each memory block to its node, or nodes. */
#include "private.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define NODE_DIR "/sys/devices/system/node"

struct block {
	uint64_t number;
	unsigned int node;
	bool shared;		/* by several nodes; node is the lowest */
};

struct zone {
	uint64_t start, end;
	unsigned int node;
};

struct kpage_nodes {
	uint64_t block_pages;	/* 0: there are no memory blocks */
	struct block *blocks;	/* ascending */
	size_t nr_blocks;
	struct zone *zones;	/* ascending; only if a block is shared */
	size_t nr_zones;
	unsigned int *nodes;
	size_t nr_nodes;
};

static int read_block_size(struct kpage_ctx *ctx, struct kpage_nodes *nodes)
{
	static const char path[] = "/sys/devices/system/memory/block_size_bytes";
	char text[32], *end;
	uint64_t bytes;
	int err;

	err = kpage_ctx_read_line(ctx, path, text, sizeof(text));
	if (err == -ENOENT)
		return 0;	/* no CONFIG_MEMORY_HOTPLUG */
	if (err)
		return err;
	/* Hexadecimal, and without a 0x. */
	bytes = strtoull(text, &end, 16);
	if (end == text || *end || bytes < kpage_page_size() || bytes == ULLONG_MAX)
		return ctx_error(ctx, -EUCLEAN, path);
	nodes->block_pages = bytes / kpage_page_size();
	return 0;
}

static int read_blocks(struct kpage_ctx *ctx, struct kpage_nodes *nodes, unsigned int node)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *entry;
	uint64_t number;
	int err;

	err = ctx_opendirf(ctx, &d, NODE_DIR "/node%u", node);
	if (err)
		return err == -ENOENT ? 0 : err;	/* unplugged meanwhile */
	while ((entry = readdir(d))) {
		if (!entry_number(entry->d_name, "memory", &number))
			continue;
		err = array_grow(&nodes->blocks, nodes->nr_blocks, sizeof(*nodes->blocks));
		if (err)
			return err;
		nodes->blocks[nodes->nr_blocks++] = (struct block){ number, node, false };
	}
	return 0;
}

static int read_nodes(struct kpage_ctx *ctx, struct kpage_nodes *nodes)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *entry;
	uint64_t number;
	int err;

	err = ctx_opendirf(ctx, &d, NODE_DIR);
	while (!err && (entry = readdir(d))) {
		if (!entry_number(entry->d_name, "node", &number) || number > INT_MAX)
			continue;
		err = array_grow(&nodes->nodes, nodes->nr_nodes, sizeof(*nodes->nodes));
		if (err)
			break;
		nodes->nodes[nodes->nr_nodes++] = (unsigned int)number;
		err = read_blocks(ctx, nodes, (unsigned int)number);
	}
	return err;
}

static int by_number(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

/* Each block once. Returns whether nodes share one. */
static bool sort_blocks(struct kpage_nodes *nodes)
{
	struct block *blocks = nodes->blocks;
	bool shared = false;
	size_t kept = 0;

	if (!nodes->nr_blocks)
		return false;
	qsort(blocks, nodes->nr_blocks, sizeof(*blocks), by_number);
	for (size_t i = 1; i < nodes->nr_blocks; i++) {
		if (blocks[i].number != blocks[kept].number)
			blocks[++kept] = blocks[i];
		else
			shared = blocks[kept].shared = true;
	}
	nodes->nr_blocks = kept + 1;
	return shared;
}

static int by_start(const void *a, const void *b)
{
	const struct zone *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Where the zones of each node lie. Without the file nothing is known of them. */
static int read_zones(struct kpage_ctx *ctx, struct kpage_nodes *nodes)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	uint64_t start, pages = 0;
	unsigned int node = 0;
	size_t size = 0;
	int err;

	if (ctx_fopenf(ctx, &f, "/proc/zoneinfo"))
		return 0;
	while (getline(&line, &size, f) > 0) {
		if (sscanf(line, "Node %u, zone", &node) == 1 ||
		    sscanf(line, " spanned %" SCNu64, &pages) == 1 ||
		    sscanf(line, " start_pfn: %" SCNu64, &start) != 1)
			continue;
		err = array_grow(&nodes->zones, nodes->nr_zones, sizeof(*nodes->zones));
		if (err)
			return err;
		nodes->zones[nodes->nr_zones++] = (struct zone){ start, start + pages, node };
	}
	if (nodes->nr_zones)
		qsort(nodes->zones, nodes->nr_zones, sizeof(*nodes->zones), by_start);
	return 0;
}

KPAGE_EXPORT int kpage_nodes_new(struct kpage_ctx *ctx, struct kpage_nodes **out)
{
	struct kpage_nodes *nodes = calloc(1, sizeof(*nodes));
	int err;

	if (!nodes)
		return -ENOMEM;
	err = read_nodes(ctx, nodes);
	if (!err && !nodes->nr_nodes)
		err = ctx_error(ctx, -ENOENT, NODE_DIR);
	if (!err)
		err = read_block_size(ctx, nodes);
	if (!err && sort_blocks(nodes))
		err = read_zones(ctx, nodes);
	if (err) {
		kpage_nodes_free(nodes);
		return err;
	}
	*out = nodes;
	return 0;
}

KPAGE_EXPORT void kpage_nodes_free(struct kpage_nodes *nodes)
{
	if (!nodes)
		return;
	free(nodes->blocks);
	free(nodes->zones);
	free(nodes->nodes);
	free(nodes);
}

KPAGE_EXPORT bool kpage_nodes_has(const struct kpage_nodes *nodes, unsigned int node)
{
	for (size_t i = 0; i < nodes->nr_nodes; i++)
		if (nodes->nodes[i] == node)
			return true;
	return false;
}

static int by_block(const void *key, const void *element)
{
	const struct block *block = element;
	uint64_t number = *(const uint64_t *)key;

	return (number > block->number) - (number < block->number);
}

/* A zone may span memory of another node: then the other one's begins later. */
static unsigned int node_of_shared(const struct kpage_nodes *nodes, const struct block *block, uint64_t pfn)
{
	for (size_t i = nodes->nr_zones; i-- > 0;)
		if (pfn >= nodes->zones[i].start && pfn < nodes->zones[i].end)
			return nodes->zones[i].node;
	return block->node;
}

KPAGE_EXPORT int kpage_nodes_find(const struct kpage_nodes *nodes, uint64_t pfn)
{
	const struct block *block;
	uint64_t number;

	if (!nodes->block_pages || !nodes->nr_blocks)
		return nodes->nr_nodes == 1 ? (int)nodes->nodes[0] : -ENXIO;
	number = pfn / nodes->block_pages;
	block = bsearch(&number, nodes->blocks, nodes->nr_blocks, sizeof(*block), by_block);
	if (!block)
		return -ENXIO;
	return (int)(block->shared ? node_of_shared(nodes, block, pfn) : block->node);
}
