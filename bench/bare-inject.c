// SPDX-License-Identifier: GPL-2.0-or-later
/* bare-inject: writes the PFNs of standard input, one a line, to corrupt-pfn, and
 * nothing else: the kernel's own work. Prints how many, and the milliseconds. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	int fd = open("/sys/kernel/debug/hwpoison/corrupt-pfn", O_WRONLY);
	struct timespec start, end;
	double ns = 0;
	char line[64];
	long pages = 0;

	if (fd < 0) {
		perror("corrupt-pfn");
		return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		size_t n = strlen(line);

		clock_gettime(CLOCK_MONOTONIC, &start);
		if (write(fd, line, n) < 0)
			perror(line);
		clock_gettime(CLOCK_MONOTONIC, &end);
		ns += (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
		pages++;
	}
	printf("%ld %.0f\n", pages, ns / 1e6);
	return 0;
}
