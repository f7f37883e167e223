// SPDX-License-Identifier: LGPL-2.1-or-later
/* What /proc/PID/status and /proc/PID/stat say of a task. */
#include "private.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>

static bool has_sigbus(const char *hex)
{
	return (strtoull(hex, NULL, 16) >> (SIGBUS - 1)) & 1;
}

/* Its number in its own PID namespace stands behind those in the namespaces above. */
static long number_of_last(const char *value)
{
	const char *tab = strrchr(value, '\t');

	return strtol(tab ? tab + 1 : value, NULL, 10);
}

static void parse_line(struct kpage_task *t, const char *key, char *value)
{
	value[strcspn(value, "\n")] = '\0';
	if (!strcmp(key, "Name"))
		snprintf(t->comm, sizeof(t->comm), "%s", value);
	else if (!strcmp(key, "State"))
		t->state = value[0];
	else if (!strcmp(key, "Tgid"))
		t->is_init = (t->pid = (pid_t)strtol(value, NULL, 10)) == 1;
	else if (!strcmp(key, "NStgid"))
		t->is_init = number_of_last(value) == 1;
	else if (!strcmp(key, "PPid"))
		t->ppid = (pid_t)strtol(value, NULL, 10);
	else if (!strcmp(key, "TracerPid"))
		t->tracer = (pid_t)strtol(value, NULL, 10);
	else if (!strcmp(key, "CapEff"))
		t->has_sys_admin = (strtoull(value, NULL, 16) >> CAP_SYS_ADMIN) & 1;
	else if (!strcmp(key, "VmSize"))
		t->has_memory = true;
	else if (!strcmp(key, "SigPnd") || !strcmp(key, "ShdPnd"))
		t->sigbus_pending |= has_sigbus(value);
	else if (!strcmp(key, "SigBlk"))
		t->sigbus_blocked = has_sigbus(value);
	else if (!strcmp(key, "SigIgn"))
		t->sigbus_ignored = has_sigbus(value);
	else if (!strcmp(key, "SigCgt"))
		t->sigbus_caught = has_sigbus(value);
}

KPAGE_EXPORT int kpage_task_read(struct kpage_ctx *ctx, pid_t tid, struct kpage_task *out)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	struct kpage_task t = { .tid = tid };
	size_t size = 0;
	int err;

	err = ctx_fopenf(ctx, &f, "/proc/%d/status", (int)tid);
	if (err)
		return task_errno(err);
	while (getline(&line, &size, f) > 0) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		*value++ = '\0';
		parse_line(&t, line, value + (*value == '\t'));
	}
	if (!t.pid)
		return -ESRCH;
	*out = t;
	return 0;
}

/* The first that has memory. */
static int read_other_thread(struct kpage_ctx *ctx, pid_t pid, struct kpage_task *out)
{
	struct kpage_tasks *threads = NULL;
	struct kpage_task thread = { 0 };
	int err = kpage_tasks_open(ctx, pid, &threads);
	pid_t tid;

	if (err)
		return err;
	err = -ESRCH;
	while (err && kpage_tasks_next(threads, &tid) > 0)
		if (!kpage_task_read(ctx, tid, &thread) && thread.has_memory)
			err = 0;
	kpage_tasks_free(threads);
	if (!err && out)
		*out = thread;
	return err;
}

KPAGE_EXPORT int kpage_task_read_memory(struct kpage_ctx *ctx, pid_t pid, struct kpage_task *out)
{
	struct kpage_task task = { 0 };
	int err = kpage_task_read(ctx, pid, &task);

	if (err)
		return err;
	if (!task.has_memory)
		return task.state == 'Z' && task.pid == pid ? read_other_thread(ctx, pid, out) : -ESRCH;
	if (out)
		*out = task;
	return 0;
}

bool task_has_other(struct kpage_ctx *ctx, pid_t pid, pid_t *tid)
{
	char error_path[sizeof(ctx->error_path)];
	struct kpage_task task = { 0 };

	/* What failed before is still what failed. */
	memcpy(error_path, ctx->error_path, sizeof(error_path));
	if (!kpage_task_read_memory(ctx, pid, &task) && task.tid != pid) {
		*tid = task.tid;
		return true;
	}
	memcpy(ctx->error_path, error_path, sizeof(error_path));
	return false;
}

/* Field `number` of /proc/TID/stat, counted from 1 as in proc(5); not the name. */
static int stat_field(struct kpage_ctx *ctx, pid_t tid, unsigned int number, uint64_t *out)
{
	_cleanup_fclose_ FILE *f = NULL;
	char text[1024], *rest, *word;
	size_t n;
	int err;

	err = ctx_fopenf(ctx, &f, "/proc/%d/stat", (int)tid);
	if (err)
		return task_errno(err);
	n = fread(text, 1, sizeof(text) - 1, f);
	if (ferror(f))
		return -ESRCH;
	text[n] = '\0';
	/* The name (2) is in parentheses and may have some itself. */
	rest = strrchr(text, ')');
	if (rest)
		rest += strcspn(rest, " ");
	/* Each field (3 is the first here) stands behind one blank. */
	for (unsigned int i = 2; rest && i < number; i++)
		strsep(&rest, " ");
	if (!rest)
		return -EUCLEAN;
	word = strsep(&rest, " \n");
	return kpage_number_parse(word, out) ? -EUCLEAN : 0;
}

int task_flags(struct kpage_ctx *ctx, pid_t tid, uint64_t *out)
{
	return stat_field(ctx, tid, 9, out);
}

KPAGE_EXPORT int kpage_task_started(struct kpage_ctx *ctx, pid_t tid, uint64_t *out)
{
	return stat_field(ctx, tid, 22, out);
}

KPAGE_EXPORT int kpage_task_cpu(struct kpage_ctx *ctx, pid_t tid, uint64_t *out)
{
	return stat_field(ctx, tid, 39, out);
}
