// SPDX-License-Identifier: LGPL-2.1-or-later
/* The walk over the tasks that /proc lists. */
#include "private.h"

#include <limits.h>

struct kpage_tasks {
	DIR *dir;
};

KPAGE_EXPORT int kpage_tasks_open(struct kpage_ctx *ctx, pid_t pid, struct kpage_tasks **out)
{
	struct kpage_tasks *tasks = calloc(1, sizeof(*tasks));
	int err;

	if (!tasks)
		return -ENOMEM;
	err = pid ? ctx_opendirf(ctx, &tasks->dir, "/proc/%d/task", (int)pid) :
		    ctx_opendirf(ctx, &tasks->dir, "/proc");
	if (err) {
		free(tasks);
		return pid ? task_errno(err) : err;
	}
	*out = tasks;
	return 0;
}

KPAGE_EXPORT void kpage_tasks_free(struct kpage_tasks *tasks)
{
	if (!tasks)
		return;
	closedir(tasks->dir);
	free(tasks);
}

KPAGE_EXPORT int kpage_tasks_next(struct kpage_tasks *tasks, pid_t *out)
{
	struct dirent *entry;
	uint64_t number;

	while ((entry = readdir(tasks->dir))) {
		if (!entry_number(entry->d_name, "", &number) || !number || number > INT_MAX)
			continue;
		*out = (pid_t)number;
		return 1;
	}
	return 0;
}
