// SPDX-License-Identifier: GPL-2.0-or-later
/* Which memory cgroup this process is in: /proc/self/cgroup. */
#include "cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util.h"

/* Whether a list "cpu,cpuacct" names the memory controller. */
static bool has_memory(char *list)
{
	char *part;

	while ((part = strsep(&list, ",")))
		if (!strcmp(part, "memory"))
			return true;
	return false;
}

void cgroup_read(char *buf, size_t size)
{
	/* Of the process, not of the thread: memory is charged to its leader's. */
	_cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	buf[0] = '\0';
	while (f && getline(&line, &room, f) > 0) {
		char *at = line, *controllers;

		line[strcspn(line, "\n")] = '\0';
		strsep(&at, ":");
		controllers = strsep(&at, ":");
		if (!at)
			continue;
		/* "0::/path" is version 2, which counts where version 1 doesn't. */
		if (!*controllers && !*buf)
			snprintf(buf, size, "%s", at);
		if (has_memory(controllers)) {
			snprintf(buf, size, "%s", at);
			return;
		}
	}
}
