// SPDX-License-Identifier: GPL-2.0-or-later
/* bare-read FILE THREADS: reads the file from end to end with that many threads,
 * 64 KiB at a time, and does nothing else: what any reader of it has to pay. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK 65536
#define MAX_THREADS 64

static int fd;
static atomic_long next;

static void *work(void *arg)
{
	char *buf = malloc(CHUNK);

	(void)arg;
	while (buf && pread(fd, buf, CHUNK, atomic_fetch_add(&next, 1) * CHUNK) == CHUNK)
		;
	free(buf);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[MAX_THREADS];
	long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (n < 1 || n > MAX_THREADS) {
		fprintf(stderr, "usage: bare-read FILE THREADS\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	for (long i = 1; i < n; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			return 1;
	work(NULL);
	for (long i = 1; i < n; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
