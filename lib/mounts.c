// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a process sees mounted: /proc/PID/mountinfo. */
#include "private.h"

#include <string.h>
#include <sys/sysmacros.h>

/* "36 35 98:0 / /mnt rw shared:1 - tmpfs none rw": blanks within a field are escaped. */
static bool is_of_type(const char *line, const char *type, dev_t *dev)
{
	const char *dash = strstr(line, " - ");
	unsigned int major, minor;
	size_t len = strlen(type);

	if (!dash || strncmp(dash + 3, type, len) != 0 ||
	    (dash[3 + len] != ' ' && dash[3 + len] != '.') ||
	    sscanf(line, "%*u %*u %u:%u ", &major, &minor) != 2)
		return false;
	*dev = makedev(major, minor);
	return true;
}

KPAGE_EXPORT int kpage_mount_devices(struct kpage_ctx *ctx, pid_t pid, const char *type,
				     dev_t **out, size_t *n)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	_cleanup_free_ dev_t *devices = NULL;
	size_t size = 0, found = 0;
	pid_t other;
	dev_t dev;
	int err;

	err = ctx_fopenf(ctx, &f, "/proc/%d/mountinfo", (int)pid);
	/* A zombie has none. */
	if (err && task_has_other(ctx, pid, &other))
		err = ctx_fopenf(ctx, &f, "/proc/%d/mountinfo", (int)other);
	if (err)
		return task_errno(err);
	while (getline(&line, &size, f) > 0) {
		if (!is_of_type(line, type, &dev))
			continue;
		err = array_grow(&devices, found, sizeof(*devices));
		if (err)
			return err;
		devices[found++] = dev;
	}
	*out = TAKE_PTR(devices);
	*n = found;
	return 0;
}

KPAGE_EXPORT int kpage_mount_find(struct kpage_ctx *ctx, const char *type, const char *has,
				  char *buf, size_t size)
{
	char mount[KPAGE_PATH_MAX];
	int err = ctx_find_mount(ctx, type, has, mount);

	if (err)
		return err;
	return snprintf(buf, size, "%s", mount) < (int)size ? 0 : -ENAMETOOLONG;
}
