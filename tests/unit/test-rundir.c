// SPDX-License-Identifier: GPL-2.0-or-later
/* The run directory: who may have it, the lock, the notes. */
#include "common/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/signals.h"
#include "fixture.h"
#include "messages.h"

#define RUN "/run/hwpoison-tools"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT "11111111-2222-3333-4444-555555555555"

static struct rundir *open_rundir(struct fixture *fx)
{
	struct rundir *r = NULL;

	fixture_text(fx, BOOT_ID, BOOT "\n");
	assert_int_equal(rundir_open(fx->ctx, &r), EXIT_OK);
	return r;
}

static mode_t mode_of(struct fixture *fx, const char *path)
{
	struct stat st;

	assert_int_equal(stat(fixture_path(fx, path), &st), 0);
	return st.st_mode & 07777;
}

/* ------------------------------------------------------------------- opening */

static void test_open(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = NULL;

	fixture_text(fx, BOOT_ID, BOOT "\n");
	assert_int_equal(rundir_find(fx->ctx, &r), -ENOENT);
	assert_null(r);
	assert_int_equal(access(fixture_path(fx, "/run"), F_OK), -1);

	r = open_rundir(fx);
	assert_string_equal(rundir_path(r), RUN);
	assert_string_equal(rundir_boot(r), BOOT);
	assert_int_equal(mode_of(fx, RUN), 0700);
	assert_int_equal(fcntl(rundir_fd(r), F_GETFD), FD_CLOEXEC);
	rundir_free(r);

	r = NULL;
	assert_int_equal(rundir_find(fx->ctx, &r), 0);
	rundir_free(r);
	rundir_free(NULL);
}

/* One that others could write to before is theirs no longer. */
static void test_open_mode(void **state)
{
	struct fixture *fx = *state;

	fixture_mkdir(fx, RUN);
	assert_int_equal(chmod(fixture_path(fx, RUN), 0777), 0);
	rundir_free(open_rundir(fx));
	assert_int_equal(mode_of(fx, RUN), 0700);
}

static void test_open_foreign(void **state)
{
	struct fixture *fx = *state;
	char said[MESSAGES_SIZE];
	struct rundir *r = NULL;

	fixture_text(fx, BOOT_ID, BOOT "\n");
	fixture_mkdir(fx, RUN);
	if (chown(fixture_path(fx, RUN), geteuid() + 1, (gid_t)-1))
		skip();
	assert_int_equal(rundir_find(fx->ctx, &r), -EPERM);
	assert_int_equal(HEAR(said, rundir_open(fx->ctx, &r)), EXIT_NOPERM);
	assert_non_null(strstr(said, ": " RUN ": Operation not permitted"));
	assert_null(r);
}

/* A link is no run directory, and /run of a tree is not that of the machine. */
static void test_open_link(void **state)
{
	struct fixture *fx = *state;
	char said[MESSAGES_SIZE];
	struct rundir *r = NULL;

	fixture_text(fx, BOOT_ID, BOOT "\n");
	fixture_mkdir(fx, "/elsewhere");
	fixture_symlink(fx, "../elsewhere", RUN);
	assert_int_equal(HEAR(said, rundir_open(fx->ctx, &r)), EXIT_FAILED);
	fixture_remove(fx, RUN);
	fixture_remove(fx, "/run");
	fixture_symlink(fx, "/elsewhere", "/run");
	assert_int_equal(rundir_open(fx->ctx, &r), EXIT_OK);
	assert_int_equal(mode_of(fx, "/elsewhere/hwpoison-tools"), 0700);
	rundir_free(r);
}

static void test_open_no_boot(void **state)
{
	struct fixture *fx = *state;
	char said[MESSAGES_SIZE];
	struct rundir *r = NULL;

	assert_int_equal(HEAR(said, rundir_open(fx->ctx, &r)), EXIT_CANNOT);
	assert_non_null(strstr(said, BOOT_ID));
	fixture_text(fx, BOOT_ID, "\n");
	assert_int_equal(HEAR(said, rundir_open(fx->ctx, &r)), EXIT_CANNOT);
	assert_null(r);
}

/* ---------------------------------------------------------------------- lock */

static void test_lock(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx), *other = open_rundir(fx);
	char text[32], expected[32];

	assert_false(rundir_is_locked(r));
	assert_int_equal(rundir_lock(r), EXIT_OK);
	assert_int_equal(rundir_lock(r), EXIT_OK);
	assert_true(rundir_is_locked(r));
	snprintf(expected, sizeof(expected), "%d\n", (int)getpid());
	assert_string_equal(fixture_read(fx, RUN "/lock", text, sizeof(text)), expected);
	assert_int_equal(rundir_trylock(other), -EWOULDBLOCK);
	assert_false(rundir_is_locked(other));

	rundir_unlock(r);
	rundir_unlock(r);
	assert_string_equal(fixture_read(fx, RUN "/lock", text, sizeof(text)), "");
	assert_int_equal(rundir_trylock(other), 0);
	assert_int_equal(rundir_trylock(r), -EWOULDBLOCK);
	rundir_free(other);
	assert_int_equal(rundir_trylock(r), 0);
	rundir_free(r);
}

/* Waits for a lock in a child whose messages come by a pipe. */
static pid_t wait_in_child(struct fixture *fx, int *messages)
{
	int pipes[2];
	pid_t parent = getpid(), pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rundir *r = NULL;
		int status;

		fixture_end_with(parent);
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		signals_hold();
		status = rundir_open(fx->ctx, &r);
		if (!status)
			status = rundir_lock(r);
		rundir_free(r);
		_exit(status);
	}
	close(pipes[1]);
	*messages = pipes[0];
	return pid;
}

/* Reads up to the end of a line, or of the file. */
static void read_line(int fd, char line[256])
{
	size_t n = 0;

	while (n < 255 && read(fd, line + n, 1) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = '\0';
}

static int wait_status(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_lock_waits(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx);
	char line[256], expected[64];
	int messages = -1;
	pid_t pid;

	assert_int_equal(rundir_lock(r), EXIT_OK);
	pid = wait_in_child(fx, &messages);
	read_line(messages, line);
	snprintf(expected, sizeof(expected), ": waiting for another run (PID %d)\n", (int)getpid());
	assert_non_null(strstr(line, expected));
	rundir_unlock(r);
	assert_int_equal(wait_status(pid), EXIT_OK);
	/* It was said once. */
	read_line(messages, line);
	assert_string_equal(line, "");
	close(messages);
	rundir_free(r);
}

static void test_lock_interrupted(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx);
	char line[256];
	int messages = -1;
	pid_t pid;

	assert_int_equal(rundir_lock(r), EXIT_OK);
	pid = wait_in_child(fx, &messages);
	read_line(messages, line);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(wait_status(pid), EXIT_FAILED);
	read_line(messages, line);
	assert_non_null(strstr(line, ": Terminated: stopped while another run was waited for\n"));
	close(messages);
	rundir_free(r);
}

/* A run that is killed leaves no lock, and its number to no later one. */
static void test_lock_of_the_dead(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx);
	int status, ready[2];
	char text[32], expected[32], c;
	pid_t parent = getpid(), pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fixture_end_with(parent);
		if (rundir_trylock(r) || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	rundir_free(r);
	r = open_rundir(fx);
	assert_int_equal(rundir_trylock(r), -EWOULDBLOCK);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(rundir_trylock(r), 0);
	snprintf(expected, sizeof(expected), "%d\n", (int)getpid());
	assert_string_equal(fixture_read(fx, RUN "/lock", text, sizeof(text)), expected);
	close(ready[0]);
	close(ready[1]);
	rundir_free(r);
}

/* --------------------------------------------------------------------- notes */

static void expect_note(struct rundir *r, const char *name, const char *expected)
{
	char *text = NULL;

	assert_int_equal(rundir_note_read(r, name, &text), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void test_notes(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx);
	char *text = NULL;

	assert_int_equal(rundir_lock(r), EXIT_OK);
	assert_int_equal(rundir_note_read(r, "filter", &text), -ENOENT);
	assert_int_equal(rundir_note_write(r, "filter", "one\ntwo\n"), 0);
	expect_note(r, "filter", "one\ntwo\n");
	assert_int_equal(mode_of(fx, RUN "/filter"), 0600);
	assert_int_equal(rundir_note_write(r, "filter", "3\n"), 0);
	expect_note(r, "filter", "3\n");
	assert_int_equal(rundir_note_write(r, "empty", ""), 0);
	expect_note(r, "empty", "");
	assert_int_equal(rundir_note_remove(r, "filter"), 0);
	assert_int_equal(rundir_note_remove(r, "filter"), 0);
	assert_int_equal(rundir_note_read(r, "filter", &text), -ENOENT);
	assert_null(text);
	rundir_free(r);
}

static void test_notes_need_the_lock(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx);

	fixture_text(fx, RUN "/filter", "old\n");
	assert_int_equal(rundir_note_write(r, "filter", "new\n"), -ENOLCK);
	assert_int_equal(rundir_note_remove(r, "filter"), -ENOLCK);
	expect_note(r, "filter", "old\n");
	rundir_free(r);
}

/* What can't be written whole leaves the old one. */
static void test_note_kept(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx);

	assert_int_equal(rundir_lock(r), EXIT_OK);
	assert_int_equal(rundir_note_write(r, "filter", "old\n"), 0);
	fixture_symlink(fx, "/dev/full", RUN "/.filter.new");
	assert_int_equal(rundir_note_write(r, "filter", "new\n"), -ELOOP);
	expect_note(r, "filter", "old\n");
	/* That was cleared out of the way. */
	assert_int_equal(rundir_note_write(r, "filter", "new\n"), 0);
	expect_note(r, "filter", "new\n");
	rundir_free(r);
}

static void test_note_strange(void **state)
{
	struct fixture *fx = *state;
	struct rundir *r = open_rundir(fx);
	char *text = NULL;

	fixture_text(fx, RUN "/large", "");
	fixture_truncate(fx, RUN "/large", 17 << 20);
	assert_int_equal(rundir_note_read(r, "large", &text), -EFBIG);
	fixture_mkdir(fx, RUN "/dir");
	assert_int_equal(rundir_note_read(r, "dir", &text), -EFBIG);
	fixture_symlink(fx, "large", RUN "/link");
	assert_int_equal(rundir_note_read(r, "link", &text), -ELOOP);
	assert_null(text);
	rundir_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(test_open),
		TREE_TEST(test_open_mode),
		TREE_TEST(test_open_foreign),
		TREE_TEST(test_open_link),
		TREE_TEST(test_open_no_boot),
		TREE_TEST(test_lock),
		TREE_TEST(test_lock_waits),
		TREE_TEST(test_lock_interrupted),
		TREE_TEST(test_lock_of_the_dead),
		TREE_TEST(test_notes),
		TREE_TEST(test_notes_need_the_lock),
		TREE_TEST(test_note_kept),
		TREE_TEST(test_note_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
