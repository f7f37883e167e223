// SPDX-License-Identifier: GPL-2.0-or-later
/* bare-pagemaps: reads the pagemap of each process, mapping by mapping, and does nothing
 * with it: the least that a search for a page's owners could cost without PAGEMAP_SCAN. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#define ENTRIES 8192

static uint64_t buffer[ENTRIES];

static void read_span(int fd, uint64_t start, uint64_t end)
{
	while (start < end) {
		uint64_t n = end - start < ENTRIES ? end - start : ENTRIES;

		if (pread(fd, buffer, n * sizeof(*buffer), (off_t)(start * sizeof(*buffer))) <= 0)
			return;
		start += n;
	}
}

static void read_process(const char *pid)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start, end;
	char path[300];
	FILE *maps;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	fd = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "r");
	while (maps && fd >= 0 && fscanf(maps, "%" SCNx64 "-%" SCNx64 "%*[^\n]", &start, &end) == 2)
		read_span(fd, start / page, end / page);
	if (maps)
		fclose(maps);
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return 1;
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			read_process(entry->d_name);
	closedir(proc);
	return 0;
}
