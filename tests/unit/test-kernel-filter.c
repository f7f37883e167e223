// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's filter, as plain files: set for a run, put back, shown, cleared. */
#include "common/kernel-filter.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/caps.h"
#include "fixture.h"
#include "messages.h"

#define DIR "/sys/kernel/debug/hwpoison"
#define RUN "/run/hwpoison-tools"
#define NOTE RUN "/filter"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT "11111111-2222-3333-4444-555555555555"

/* What the machine's owner had set by hand. */
#define OWN_NOTE \
	"boot=" BOOT "\nenable=1\ndev-major=8\ndev-minor=4294967295\n" \
	"flags-mask=0x20\nflags-value=0x20\nmemcg=77\n"

static const struct kpage_hwpoison_filter own = {
	.enable = true, .dev_major = 8, .dev_minor = UINT32_MAX,
	.flags_mask = 0x20, .flags_value = 0x20, .memcg = 77, .has_memcg = true,
};

static const struct kpage_hwpoison_filter any = {
	.dev_major = UINT32_MAX, .dev_minor = UINT32_MAX, .has_memcg = true,
};

struct bench {
	struct kpage_hwpoison *hp;
	struct rundir *r;
};

static struct bench make_bench(struct fixture *fx)
{
	struct bench b = { 0 };

	fixture_text(fx, BOOT_ID, BOOT "\n");
	fixture_text(fx, "/proc/mounts", "none /sys/kernel/debug debugfs rw 0 0\n");
	fixture_text(fx, DIR "/corrupt-filter-enable", "1\n");
	fixture_text(fx, DIR "/corrupt-filter-dev-major", "8\n");
	fixture_text(fx, DIR "/corrupt-filter-dev-minor", "4294967295\n");
	fixture_text(fx, DIR "/corrupt-filter-flags-mask", "0x0000000000000020\n");
	fixture_text(fx, DIR "/corrupt-filter-flags-value", "0x0000000000000020\n");
	fixture_text(fx, DIR "/corrupt-filter-memcg", "77\n");
	assert_int_equal(kpage_hwpoison_open(fx->ctx, &b.hp), 0);
	assert_int_equal(rundir_open(fx->ctx, &b.r), EXIT_OK);
	return b;
}

static void end_bench(struct bench *b)
{
	kpage_hwpoison_free(b->hp);
	rundir_free(b->r);
}

static void expect_filter(struct bench *b, const struct kpage_hwpoison_filter *expected)
{
	struct kpage_hwpoison_filter f;

	assert_int_equal(kpage_hwpoison_filter_read(b->hp, &f), 0);
	assert_int_equal(f.enable, expected->enable);
	assert_int_equal(f.dev_major, expected->dev_major);
	assert_int_equal(f.dev_minor, expected->dev_minor);
	assert_int_equal(f.flags_mask, expected->flags_mask);
	assert_int_equal(f.flags_value, expected->flags_value);
	assert_int_equal(f.memcg, expected->memcg);
	assert_int_equal(f.has_memcg, expected->has_memcg);
}

static void expect_note(struct fixture *fx, const char *expected)
{
	char text[512];

	if (expected)
		assert_string_equal(fixture_read(fx, NOTE, text, sizeof(text)), expected);
	else
		assert_int_equal(access(fixture_path(fx, NOTE), F_OK), -1);
}

/* --flags=dirty, resolved. */
static void want_dirty(struct fixture *fx, struct kernel_filter *f)
{
	f->flags = xstrdup("dirty");
	assert_int_equal(kernel_filter_resolve(f, fx->ctx, FILTER_DEBUGFS), EXIT_OK);
}

static const struct kpage_hwpoison_filter dirty = {
	.enable = true, .dev_major = UINT32_MAX, .dev_minor = UINT32_MAX,
	.flags_mask = 0x10, .flags_value = 0x10, .has_memcg = true,
};

/* ------------------------------------------------------------------ for a run */

static void test_apply(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	struct kernel_filter f = { 0 };

	want_dirty(fx, &f);
	assert_int_equal(rundir_lock(b.r), EXIT_OK);
	assert_int_equal(kernel_filter_apply(&f, fx->ctx, b.hp, b.r), EXIT_OK);
	expect_filter(&b, &dirty);
	expect_note(fx, OWN_NOTE);
	assert_int_equal(f.found.memcg, 77);
	assert_int_equal(kernel_filter_restore(&f, fx->ctx, b.hp, b.r), EXIT_OK);
	expect_filter(&b, &own);
	expect_note(fx, NULL);
	/* Once is enough. */
	fixture_text(fx, DIR "/corrupt-filter-memcg", "5\n");
	assert_int_equal(kernel_filter_restore(&f, fx->ctx, b.hp, b.r), EXIT_OK);
	fixture_text(fx, DIR "/corrupt-filter-memcg", "77\n");
	expect_filter(&b, &own);
	kernel_filter_release(&f);
	end_bench(&b);
}

static void test_apply_nothing(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	struct kernel_filter f = { 0 };

	assert_false(kernel_filter_is_given(&f));
	assert_int_equal(kernel_filter_apply(&f, fx->ctx, b.hp, b.r), EXIT_OK);
	assert_int_equal(kernel_filter_restore(&f, fx->ctx, b.hp, b.r), EXIT_OK);
	expect_filter(&b, &own);
	expect_note(fx, NULL);
	end_bench(&b);
}

static void test_apply_needs_the_lock(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	struct kernel_filter f = { 0 };
	char said[MESSAGES_SIZE];

	want_dirty(fx, &f);
	assert_int_equal(HEAR(said, kernel_filter_apply(&f, fx->ctx, b.hp, b.r)), EXIT_FAILED);
	assert_int_equal(HEAR(said, kernel_filter_clear(fx->ctx, b.hp, b.r)), EXIT_FAILED);
	expect_filter(&b, &own);
	expect_note(fx, NULL);
	kernel_filter_release(&f);
	end_bench(&b);
}

static void test_apply_without_memcg(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	struct kernel_filter f = { .memcg = xstrdup("@5"), .want = { .memcg = 5 } };
	char said[MESSAGES_SIZE];

	fixture_remove(fx, DIR "/corrupt-filter-memcg");
	assert_int_equal(rundir_lock(b.r), EXIT_OK);
	assert_int_equal(HEAR(said, kernel_filter_apply(&f, fx->ctx, b.hp, b.r)), EXIT_CANNOT);
	assert_non_null(strstr(said, ": --memcg: " DIR "/corrupt-filter-memcg: not there"));
	expect_note(fx, NULL);
	kernel_filter_release(&f);

	/* What does not ask for it works there. */
	want_dirty(fx, &f);
	assert_int_equal(kernel_filter_apply(&f, fx->ctx, b.hp, b.r), EXIT_OK);
	assert_int_equal(kernel_filter_restore(&f, fx->ctx, b.hp, b.r), EXIT_OK);
	expect_note(fx, NULL);
	kernel_filter_release(&f);
	end_bench(&b);
}

/* The second half of a filter can't be written, nor put back. */
static void apply_without_rights(struct fixture *fx, struct bench *b)
{
	struct kernel_filter f = { 0 };

	f.flags = xstrdup("dirty");
	if (kernel_filter_resolve(&f, fx->ctx, FILTER_DEBUGFS) || rundir_lock(b->r) ||
	    caps_begin(NULL, 0))
		_exit(100);
	_exit(kernel_filter_apply(&f, fx->ctx, b->hp, b->r));
}

static int exit_status(pid_t pid)
{
	int status = 0;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_apply_fails(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	struct kpage_hwpoison_filter half = own;
	char said[MESSAGES_SIZE];
	int status;
	pid_t pid;

	assert_int_equal(chmod(fixture_path(fx, DIR "/corrupt-filter-flags-mask"), 0444), 0);
	messages_begin();
	pid = fork();
	if (pid == 0)
		apply_without_rights(fx, &b);
	status = exit_status(pid);
	messages_end(said);
	assert_int_equal(status, EXIT_NOPERM);
	assert_non_null(strstr(said, ": " DIR "/corrupt-filter-flags-mask: Permission denied"));
	assert_non_null(strstr(said, ": the kernel's filter could not be put back: what it was is in "
			       NOTE "\n"));
	half.enable = false;	/* never half a filter that counts */
	expect_filter(&b, &half);
	expect_note(fx, OWN_NOTE);

	assert_int_equal(chmod(fixture_path(fx, DIR "/corrupt-filter-flags-mask"), 0644), 0);
	assert_int_equal(HEAR(said, kernel_filter_recover(fx->ctx, b.hp, b.r)), EXIT_OK);
	expect_filter(&b, &own);
	end_bench(&b);
}

/* ------------------------------------------------------------------ left behind */

/* A run that ends between apply and restore. */
static void leave_behind(struct fixture *fx, struct bench *b)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct kernel_filter f = { 0 };

		want_dirty(fx, &f);
		if (rundir_lock(b->r) || kernel_filter_apply(&f, fx->ctx, b->hp, b->r))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(exit_status(pid), 0);
	expect_filter(b, &dirty);
	expect_note(fx, OWN_NOTE);
}

static void test_recover(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	char said[MESSAGES_SIZE];

	leave_behind(fx, &b);
	assert_int_equal(HEAR(said, kernel_filter_recover(fx->ctx, b.hp, b.r)), EXIT_OK);
	assert_non_null(strstr(said, ": the kernel's filter was left behind"));
	assert_false(rundir_is_locked(b.r));
	expect_filter(&b, &own);
	expect_note(fx, NULL);
	assert_int_equal(HEAR(said, kernel_filter_recover(fx->ctx, b.hp, b.r)), EXIT_OK);
	assert_string_equal(said, "");
	end_bench(&b);
}

/* What is kept for later is the owner's filter, not what was left behind. */
static void test_apply_recovers(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	struct kernel_filter f = { 0 };
	char said[MESSAGES_SIZE];

	leave_behind(fx, &b);
	want_dirty(fx, &f);
	assert_int_equal(rundir_lock(b.r), EXIT_OK);
	assert_int_equal(HEAR(said, kernel_filter_apply(&f, fx->ctx, b.hp, b.r)), EXIT_OK);
	assert_non_null(strstr(said, "left behind"));
	expect_note(fx, OWN_NOTE);
	assert_int_equal(kernel_filter_restore(&f, fx->ctx, b.hp, b.r), EXIT_OK);
	expect_filter(&b, &own);
	kernel_filter_release(&f);
	end_bench(&b);
}

static void test_recover_from_the_living(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	struct kernel_filter f = { 0 };
	struct rundir *other = NULL;
	char said[MESSAGES_SIZE];

	want_dirty(fx, &f);
	assert_int_equal(rundir_lock(b.r), EXIT_OK);
	assert_int_equal(kernel_filter_apply(&f, fx->ctx, b.hp, b.r), EXIT_OK);
	assert_int_equal(rundir_open(fx->ctx, &other), EXIT_OK);
	assert_int_equal(HEAR(said, kernel_filter_recover(fx->ctx, b.hp, other)), EXIT_OK);
	assert_string_equal(said, "");
	expect_filter(&b, &dirty);
	expect_note(fx, OWN_NOTE);
	rundir_free(other);
	kernel_filter_release(&f);
	end_bench(&b);
}

static void test_recover_after_boot(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	char said[MESSAGES_SIZE];

	fixture_text(fx, NOTE, "boot=older\nenable=0\ndev-major=1\ndev-minor=2\n"
			       "flags-mask=0x0\nflags-value=0x0\nmemcg=0\n");
	assert_int_equal(HEAR(said, kernel_filter_recover(fx->ctx, b.hp, b.r)), EXIT_OK);
	assert_string_equal(said, "");
	expect_filter(&b, &own);
	expect_note(fx, NULL);
	end_bench(&b);
}

/* Without the module there is no filter, yet. */
static void test_recover_later(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	char said[MESSAGES_SIZE];

	leave_behind(fx, &b);
	assert_int_equal(HEAR(said, kernel_filter_recover(fx->ctx, NULL, b.r)), EXIT_OK);
	assert_string_equal(said, "");
	expect_note(fx, OWN_NOTE);
	end_bench(&b);
}

static void test_recover_broken(void **state)
{
	static const char *const notes[] = {
		"", "boot=" BOOT "\n", OWN_NOTE "x", " " OWN_NOTE,
		"boot=" BOOT "\nenable=1\ndev-major=-1\ndev-minor=1\nflags-mask=0x0\nflags-value=0x0\nmemcg=0\n",
		"boot=" BOOT "\nenable=2\ndev-major=1\ndev-minor=1\nflags-mask=0x0\nflags-value=0x0\nmemcg=0\n",
	};
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	char said[MESSAGES_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(notes); i++) {
		fixture_text(fx, NOTE, notes[i]);
		assert_int_equal(HEAR(said, kernel_filter_recover(fx->ctx, b.hp, b.r)), EXIT_FAILED);
		assert_non_null(strstr(said, ": " NOTE ": not understood"));
		expect_filter(&b, &own);
		expect_note(fx, notes[i]);
	}
	/* That is the way out. */
	assert_int_equal(rundir_lock(b.r), EXIT_OK);
	assert_int_equal(kernel_filter_clear(fx->ctx, b.hp, b.r), EXIT_OK);
	expect_filter(&b, &any);
	expect_note(fx, NULL);
	end_bench(&b);
}

static void test_restore_fails(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	struct kernel_filter f = { 0 };
	char said[MESSAGES_SIZE];
	int status;

	want_dirty(fx, &f);
	assert_int_equal(rundir_lock(b.r), EXIT_OK);
	assert_int_equal(kernel_filter_apply(&f, fx->ctx, b.hp, b.r), EXIT_OK);
	fixture_remove(fx, DIR "/corrupt-filter-enable");
	status = HEAR(said, kernel_filter_restore(&f, fx->ctx, b.hp, b.r));
	assert_int_equal(status, EXIT_FAILED);
	assert_non_null(strstr(said, ": the kernel's filter could not be put back"));
	assert_true(f.applied);
	expect_note(fx, OWN_NOTE);
	kernel_filter_release(&f);
	end_bench(&b);
}

/* ---------------------------------------------------------------------- showing */

/* What show prints, from a file in stdout's place. */
static const char *shown(struct fixture *fx, struct bench *b, bool json, char text[1024])
{
	int out, status;

	fflush(stdout);
	out = dup(STDOUT_FILENO);
	fixture_text(fx, "/out", "");
	assert_non_null(freopen(fixture_path(fx, "/out"), "w", stdout));
	status = kernel_filter_show(fx->ctx, b->hp, json);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	assert_int_equal(status, EXIT_OK);
	return fixture_read(fx, "/out", text, 1024);
}

static void test_show(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	char text[1024];

	assert_string_equal(shown(fx, &b, false, text),
			    "The kernel's filter (-: any):\n"
			    "ENABLED  MAJOR    MINOR  MASK              VALUE                MEMCG  CGROUP\n"
			    "yes          8        -  lru               lru                     77  -\n");
	assert_string_equal(shown(fx, &b, true, text),
			    "{\"record\":\"filter\",\"version\":1,\"enable\":true,\"dev_major\":8,"
			    "\"dev_minor\":null,\"flags_mask\":\"0x20\",\"flags_value\":\"0x20\","
			    "\"memcg\":77,\"memcg_path\":null}\n");
	end_bench(&b);
}

static void test_show_cgroup(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	char text[1024], number[32], expected[128];

	fixture_text(fx, "/proc/mounts", "none /sys/kernel/debug debugfs rw 0 0\n"
					 "none /sys/fs/cgroup cgroup2 rw 0 0\n");
	fixture_text(fx, "/sys/fs/cgroup/cgroup.controllers", "memory\n");
	fixture_text(fx, "/sys/fs/cgroup/a/memory.stat", "");
	snprintf(number, sizeof(number), "%ju\n", (uintmax_t)fixture_ino(fx, "/sys/fs/cgroup/a"));
	fixture_text(fx, DIR "/corrupt-filter-memcg", number);
	number[strlen(number) - 1] = '\0';
	shown(fx, &b, false, text);
	snprintf(expected, sizeof(expected), "  %s  /sys/fs/cgroup/a\n", number);
	assert_non_null(strstr(text, expected));
	shown(fx, &b, true, text);
	snprintf(expected, sizeof(expected), "\"memcg\":%s,\"memcg_path\":\"/sys/fs/cgroup/a\"}\n",
		 number);
	assert_non_null(strstr(text, expected));
	end_bench(&b);
}

static void test_clear(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	char text[1024];

	assert_int_equal(rundir_lock(b.r), EXIT_OK);
	assert_int_equal(kernel_filter_clear(fx->ctx, b.hp, b.r), EXIT_OK);
	expect_filter(&b, &any);
	assert_string_equal(shown(fx, &b, false, text),
			    "The kernel's filter (-: any):\n"
			    "ENABLED  MAJOR    MINOR  MASK              VALUE                MEMCG  CGROUP\n"
			    "no           -        -  -                 -                        -  -\n");
	assert_string_equal(shown(fx, &b, true, text),
			    "{\"record\":\"filter\",\"version\":1,\"enable\":false,\"dev_major\":null,"
			    "\"dev_minor\":null,\"flags_mask\":\"0x0\",\"flags_value\":\"0x0\","
			    "\"memcg\":null,\"memcg_path\":null}\n");
	fixture_remove(fx, DIR "/corrupt-filter-memcg");
	assert_int_equal(kernel_filter_clear(fx->ctx, b.hp, b.r), EXIT_OK);
	assert_non_null(strstr(shown(fx, &b, true, text), "\"memcg\":null,\"memcg_path\":null}\n"));
	end_bench(&b);
}

static void test_show_fails(void **state)
{
	struct fixture *fx = *state;
	struct bench b = make_bench(fx);
	char said[MESSAGES_SIZE];

	fixture_text(fx, DIR "/corrupt-filter-enable", "perhaps\n");
	assert_int_equal(HEAR(said, kernel_filter_show(fx->ctx, b.hp, false)), EXIT_FAILED);
	assert_non_null(strstr(said, ": " DIR "/corrupt-filter-enable: "));
	end_bench(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_apply),
		TREE_TEST(test_apply_nothing),
		TREE_TEST(test_apply_needs_the_lock),
		TREE_TEST(test_apply_without_memcg),
		TREE_TEST(test_apply_fails),
		TREE_TEST(test_recover),
		TREE_TEST(test_apply_recovers),
		TREE_TEST(test_recover_from_the_living),
		TREE_TEST(test_recover_after_boot),
		TREE_TEST(test_recover_later),
		TREE_TEST(test_recover_broken),
		TREE_TEST(test_restore_fails),
		TREE_TEST(test_show),
		TREE_TEST(test_show_cgroup),
		TREE_TEST(test_clear),
		TREE_TEST(test_show_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
