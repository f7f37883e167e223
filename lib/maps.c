// SPDX-License-Identifier: LGPL-2.1-or-later
/* /proc/PID/maps, line by line, however many there are. */
#include "private.h"

#include <inttypes.h>
#include <string.h>

struct kpage_maps {
	FILE *file;
	char *line;
	size_t size;
};

static int open_task(struct kpage_ctx *ctx, pid_t tid, FILE **out)
{
	return task_errno(ctx_fopenf(ctx, out, "/proc/%d/maps", (int)tid));
}

static bool is_empty(FILE *f)
{
	int c = fgetc(f);

	return c == EOF || ungetc(c, f) == EOF;
}

static int open_process(struct kpage_ctx *ctx, pid_t pid, FILE **out)
{
	int err = open_task(ctx, pid, out);
	pid_t other;

	if ((err && err != -ESRCH) || (!err && !is_empty(*out)) || !task_has_other(ctx, pid, &other))
		return err;
	cleanup_fclose(out);
	return open_task(ctx, other, out);
}

KPAGE_EXPORT int kpage_maps_open(struct kpage_ctx *ctx, pid_t pid, struct kpage_maps **out)
{
	struct kpage_maps *maps = calloc(1, sizeof(*maps));
	int err;

	if (!maps)
		return -ENOMEM;
	err = open_process(ctx, pid, &maps->file);
	if (err) {
		free(maps);
		return err;
	}
	*out = maps;
	return 0;
}

KPAGE_EXPORT void kpage_maps_free(struct kpage_maps *maps)
{
	if (!maps)
		return;
	fclose(maps->file);
	free(maps->line);
	free(maps);
}

KPAGE_EXPORT int kpage_maps_next(struct kpage_maps *maps, struct kpage_vma *out)
{
	int name = 0;
	ssize_t len;

	errno = 0;
	len = getline(&maps->line, &maps->size, maps->file);
	if (len < 0)
		return task_errno(-errno);
	if (len && maps->line[len - 1] == '\n')
		maps->line[len - 1] = '\0';
	if (sscanf(maps->line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &out->start, &out->end, out->perms, &out->offset, &out->dev_major,
		   &out->dev_minor, &out->inode, &name) < 7 ||
	    !name || out->start > out->end)
		return -EUCLEAN;
	out->name = maps->line + name;
	return 1;
}
