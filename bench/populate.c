// SPDX-License-Identifier: GPL-2.0-or-later
/* populate MIB [thp]: holds that much memory in 4 KiB pages, or in transparent huge
 * ones, prints "ready" and waits to be killed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t size = argc >= 2 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	int advice = argc == 3 && !strcmp(argv[2], "thp") ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
	char *p;

	if (!size) {
		fprintf(stderr, "usage: populate MIB [thp]\n");
		return 2;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || madvise(p, size, advice)) {
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
