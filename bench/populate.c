// SPDX-License-Identifier: GPL-2.0-or-later
/* populate MIB: holds that much memory in 4 KiB pages (no huge ones), prints
 * "ready" and waits to be killed. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t size = argc == 2 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	char *p;

	if (!size) {
		fprintf(stderr, "usage: populate MIB\n");
		return 2;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || madvise(p, size, MADV_NOHUGEPAGE)) {
		perror("populate");
		return 1;
	}
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
