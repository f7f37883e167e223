/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of page-map's model share: a tree, opened as a machine. */
#pragma once

#include "page-map/machine.h"

#include "fixture.h"

struct map {
	struct fixture *fx;
	struct machine machine;		/* open from map_open() on */
};

/* cmocka's setup and teardown: an empty tree. */
int map_setup(void **state);
int map_teardown(void **state);
#define MAP_TEST(test) cmocka_unit_test_setup_teardown(test, map_setup, map_teardown)

/* n pages with these flags, from that PFN on. */
void map_put(const struct map *map, uint64_t pfn, uint64_t kflags, size_t n);

/* Opens what was put so far. */
void map_open(struct map *map);
