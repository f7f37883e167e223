// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading modules, as far as it shows without loading one. */
#include "common/module.h"

#include <string.h>

#include "fixture.h"
#include "messages.h"

static void test_there_already(void **state)
{
	static const char *const names[] = { "hwpoison_inject", "hwpoison-inject" };
	struct fixture *fx = *state;

	fixture_mkdir(fx, "/sys/module/hwpoison_inject");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		bool loaded = true;

		assert_int_equal(module_load(fx->ctx, names[i], &loaded), EXIT_OK);
		assert_false(loaded);
		assert_int_equal(module_load(fx->ctx, names[i], NULL), EXIT_OK);
	}
}

/* A tree of copies is no reason to load anything into this kernel. */
static void test_tree(void **state)
{
	struct fixture *fx = *state;
	char said[MESSAGES_SIZE];
	bool loaded = true;

	assert_int_equal(HEAR(said, module_load(fx->ctx, "hwpoison_inject", &loaded)), EXIT_CANNOT);
	assert_non_null(strstr(said, ": module hwpoison_inject: not loaded"));
}

static void test_unknown(void **state)
{
	struct kpage_ctx *ctx = NULL;
	char said[MESSAGES_SIZE];
	bool loaded = true;
	int status;

	(void)state;
	assert_int_equal(kpage_ctx_new(NULL, &ctx), 0);
	status = HEAR(said, module_load(ctx, "no_such_module_anywhere", &loaded));
	kpage_ctx_free(ctx);
	assert_int_equal(status, EXIT_CANNOT);
	assert_false(loaded);
	assert_non_null(strstr(said, ": module no_such_module_anywhere: "));
	/* One message, ours. */
	assert_string_equal(strchr(said, '\n'), "\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_there_already),
		TREE_TEST(test_tree),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
