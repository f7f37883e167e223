// SPDX-License-Identifier: GPL-2.0-or-later
/* What a function of tools/common says on stderr. */
#include "messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int terminal = -1, file = -1;

static void must(int done)
{
	if (!done)
		abort();
}

void messages_begin(void)
{
	fflush(stderr);
	terminal = dup(STDERR_FILENO);
	file = memfd_create("messages", MFD_CLOEXEC);
	must(terminal >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
}

void messages_end(char buf[MESSAGES_SIZE])
{
	ssize_t n;

	fflush(stderr);
	must(dup2(terminal, STDERR_FILENO) >= 0);
	n = pread(file, buf, MESSAGES_SIZE - 1, 0);
	must(n >= 0);
	buf[n] = '\0';
	close(terminal);
	close(file);
}
