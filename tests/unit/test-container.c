// SPDX-License-Identifier: GPL-2.0-or-later
/* Which container a cgroup is of. */
#include "../../tools/page-types/container.h"

#include "fixture.h"

#include <string.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static void test_containers(void **state)
{
	static const struct {
		const char *id, *path;
	} table[] = {
		{ ID, "/sys/fs/cgroup/system.slice/docker-" ID ".scope" },
		{ ID, "/docker/" ID },
		{ ID, "/docker/" ID "/" },
		{ ID, "/sys/fs/cgroup/memory/docker/" ID "/init.scope" },
		{ ID, "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_34.slice/"
		      "cri-containerd-" ID ".scope" },
		{ ID, "/kubepods/burstable/pod1234-5678/" ID },
		{ ID, "/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope" },
		{ ID, "/machine.slice/libpod-" ID ".scope/container" },
		{ ID, "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope" },
		{ "db", "/lxc/db" },
		{ "db", "/lxc.payload/db/system.slice/cron.service" },
		{ "db-1", "/lxc.payload.db-1" },
		{ "db-1", "/machine.slice/machine-db\\x2d1.scope/payload" },
		{ "db", "/machine.slice/systemd-nspawn@db.service" },
		/* One within another. */
		{ OTHER, "/system.slice/docker-" ID ".scope/docker/" OTHER },
		{ ID, "/lxc/db/docker/" ID "/a" },
	};
	char id[CONTAINER_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_true(container_of_cgroup(table[i].path, id));
		assert_string_equal(id, table[i].id);
	}
}

static void test_none(void **state)
{
	static const char *const paths[] = {
		"",
		"/",
		"/sys/fs/cgroup",
		"/system.slice/docker.service",
		"/user.slice/user-1000.slice/session-2.scope",
		"/system.slice/docker-" ID "0.scope",
		"/system.slice/docker-0123.scope",
		"/machine.slice/libpod-conmon-" ID ".scope",
		"/kubepods.slice/kubepods-pod1.slice",
		"/lxc",
		"/lxc.monitor.db",
		"/machine.slice/machine-.scope",
		"/xlxc/db",
	};
	char id[CONTAINER_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (container_of_cgroup(paths[i], id))
			fail_msg("%s: %s", paths[i], id);
}

static void test_long_name(void **state)
{
	char path[600] = "/lxc/", id[CONTAINER_SIZE];

	(void)state;
	memset(path + 5, 'n', 500);
	assert_true(container_of_cgroup(path, id));
	assert_int_equal(strlen(id), CONTAINER_SIZE - 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
