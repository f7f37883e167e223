// SPDX-License-Identifier: GPL-2.0-or-later
/* A tree of copied kernel files, opened as page-map opens it. */
#include "map.h"

int map_setup(void **state)
{
	struct map *map = calloc(1, sizeof(*map));
	void *fx = NULL;

	if (!map || fixture_setup(&fx)) {
		free(map);
		return -1;
	}
	map->fx = fx;
	*state = map;
	return 0;
}

int map_teardown(void **state)
{
	struct map *map = *state;
	void *fx = map->fx;

	if (map->machine.ctx)
		machine_close(&map->machine);
	free(map);
	return fixture_teardown(&fx);
}

void map_put(const struct map *map, uint64_t pfn, uint64_t kflags, size_t n)
{
	uint64_t *values = calloc(n, sizeof(*values));

	assert_non_null(values);
	for (size_t i = 0; i < n; i++)
		values[i] = kflags;
	fixture_put(map->fx, "/proc/kpageflags", pfn, values, n);
	free(values);
}

void map_open(struct map *map)
{
	if (map->machine.ctx)
		machine_close(&map->machine);
	assert_int_equal(machine_open(&map->machine, map->fx->dir, NULL), EXIT_OK);
}
