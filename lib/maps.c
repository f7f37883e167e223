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

KPAGE_EXPORT int kpage_maps_open(struct kpage_ctx *ctx, pid_t pid, struct kpage_maps **out)
{
	struct kpage_maps *maps = calloc(1, sizeof(*maps));
	int err;

	if (!maps)
		return -ENOMEM;
	err = ctx_fopenf(ctx, &maps->file, "/proc/%d/maps", (int)pid);
	if (err) {
		free(maps);
		return task_errno(err);
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
