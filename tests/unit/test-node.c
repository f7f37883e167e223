// SPDX-License-Identifier: GPL-2.0-or-later
/* Which node a page is on. */
#include "fixture.h"

#define NODES "/sys/devices/system/node"
#define BLOCK_SIZE "/sys/devices/system/memory/block_size_bytes"

/* Pages of a block of 128 MB. */
static uint64_t block_pages(void)
{
	return 0x8000000 / kpage_page_size();
}

static void add_block(struct fixture *fx, unsigned int node, unsigned int block)
{
	char path[96], target[96];

	snprintf(path, sizeof(path), NODES "/node%u/memory%u", node, block);
	snprintf(target, sizeof(target), "../../memory/memory%u", block);
	fixture_symlink(fx, target, path);
}

static struct kpage_nodes *read_nodes(struct fixture *fx)
{
	struct kpage_nodes *nodes = NULL;

	assert_int_equal(kpage_nodes_new(fx->ctx, &nodes), 0);
	return nodes;
}

static void test_two_nodes(void **state)
{
	struct fixture *fx = *state;
	const uint64_t size = block_pages();
	struct kpage_nodes *nodes;

	fixture_text(fx, BLOCK_SIZE, "8000000\n");
	for (unsigned int i = 0; i < 24; i++)
		add_block(fx, i < 16 ? 0 : 12, i < 20 ? i : i + 4);
	/* What else is there. */
	fixture_text(fx, NODES "/online", "0,12\n");
	fixture_text(fx, NODES "/node0/meminfo", "");
	fixture_mkdir(fx, NODES "/node0/memory_failure");
	nodes = read_nodes(fx);
	assert_int_equal(kpage_nodes_find(nodes, 0), 0);
	assert_int_equal(kpage_nodes_find(nodes, 16 * size - 1), 0);
	assert_int_equal(kpage_nodes_find(nodes, 16 * size), 12);
	assert_int_equal(kpage_nodes_find(nodes, 20 * size - 1), 12);
	assert_int_equal(kpage_nodes_find(nodes, 20 * size), -ENXIO);
	assert_int_equal(kpage_nodes_find(nodes, 24 * size), 12);
	assert_int_equal(kpage_nodes_find(nodes, 28 * size), -ENXIO);
	assert_int_equal(kpage_nodes_find(nodes, UINT64_MAX), -ENXIO);
	assert_true(kpage_nodes_has(nodes, 0));
	assert_true(kpage_nodes_has(nodes, 12));
	assert_false(kpage_nodes_has(nodes, 1));
	kpage_nodes_free(nodes);
}

static void test_shared_block(void **state)
{
	struct fixture *fx = *state;
	struct kpage_nodes *nodes;

	fixture_text(fx, BLOCK_SIZE, "8000000\n");
	add_block(fx, 1, 0);
	add_block(fx, 0, 0);
	add_block(fx, 1, 1);
	nodes = read_nodes(fx);
	assert_int_equal(kpage_nodes_find(nodes, 1), 0);
	assert_int_equal(kpage_nodes_find(nodes, block_pages()), 1);
	kpage_nodes_free(nodes);
}

/* Nodes 0 and 1 meet in block 0; node 2 lies within node 1, in block 1. */
static void test_shared_block_zones(void **state)
{
	struct fixture *fx = *state;
	const uint64_t size = block_pages();
	char text[1024];
	struct kpage_nodes *nodes;

	fixture_text(fx, BLOCK_SIZE, "8000000\n");
	add_block(fx, 0, 0);
	add_block(fx, 1, 0);
	add_block(fx, 1, 1);
	add_block(fx, 2, 1);
	snprintf(text, sizeof(text),
		 "Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 3\n"
		 "        spanned  4095\n        present  3998\n  start_pfn:           1\n"
		 "Node 0, zone   Normal\n        spanned  0\n        present  0\n"
		 "Node 1, zone   Normal\n        spanned  %llu\n  start_pfn:           4196\n"
		 "Node 2, zone   Normal\n        spanned  7\n  start_pfn:           %llu\n",
		 (unsigned long long)(2 * size - 4196), (unsigned long long)(size + 9));
	fixture_text(fx, "/proc/zoneinfo", text);
	nodes = read_nodes(fx);
	assert_int_equal(kpage_nodes_find(nodes, 0), 0);
	assert_int_equal(kpage_nodes_find(nodes, 4095), 0);
	/* In none. */
	assert_int_equal(kpage_nodes_find(nodes, 4150), 0);
	assert_int_equal(kpage_nodes_find(nodes, 4196), 1);
	assert_int_equal(kpage_nodes_find(nodes, size + 8), 1);
	assert_int_equal(kpage_nodes_find(nodes, size + 9), 2);
	assert_int_equal(kpage_nodes_find(nodes, size + 15), 2);
	assert_int_equal(kpage_nodes_find(nodes, size + 16), 1);
	assert_int_equal(kpage_nodes_find(nodes, 2 * size), -ENXIO);
	kpage_nodes_free(nodes);
}

static void test_without_blocks(void **state)
{
	struct fixture *fx = *state;
	struct kpage_nodes *nodes;

	fixture_mkdir(fx, NODES "/node3");
	nodes = read_nodes(fx);
	assert_int_equal(kpage_nodes_find(nodes, 12345), 3);
	kpage_nodes_free(nodes);
	fixture_mkdir(fx, NODES "/node0");
	nodes = read_nodes(fx);
	assert_int_equal(kpage_nodes_find(nodes, 12345), -ENXIO);
	assert_true(kpage_nodes_has(nodes, 0));
	kpage_nodes_free(nodes);
}

static void test_errors(void **state)
{
	static const char *const sizes[] = { "", "x", "8000000x", "0", "10", "ffffffffffffffffff" };
	struct fixture *fx = *state;
	struct kpage_nodes *nodes = NULL;

	assert_int_equal(kpage_nodes_new(fx->ctx, &nodes), -ENOENT);
	assert_string_equal(kpage_ctx_error_path(fx->ctx), NODES);
	fixture_text(fx, NODES "/online", "\n");
	assert_int_equal(kpage_nodes_new(fx->ctx, &nodes), -ENOENT);
	fixture_mkdir(fx, NODES "/node0");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fixture_text(fx, BLOCK_SIZE, sizes[i]);
		assert_int_equal(kpage_nodes_new(fx->ctx, &nodes), -EUCLEAN);
		assert_string_equal(kpage_ctx_error_path(fx->ctx), BLOCK_SIZE);
	}
	assert_null(nodes);
	kpage_nodes_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_two_nodes),
		TREE_TEST(test_shared_block),
		TREE_TEST(test_shared_block_zones),
		TREE_TEST(test_without_blocks),
		TREE_TEST(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
