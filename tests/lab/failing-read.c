// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For LD_PRELOAD: reading a trace buffer fails for as long as the file $FAILING_READ is
 * there. The kernel gives no errors there of which a test could have one when it wants.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_trace(int fd)
{
	static const char name[] = "/trace_pipe_raw";
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n >= (ssize_t)strlen(name) &&
	       !memcmp(path + n - strlen(name), name, strlen(name));
}

ssize_t read(int fd, void *buf, size_t size)
{
	const char *file = getenv("FAILING_READ");

	if (file && !access(file, F_OK) && is_trace(fd)) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_read, fd, buf, size);
}
