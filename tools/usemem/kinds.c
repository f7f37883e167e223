// SPDX-License-Identifier: GPL-2.0-or-later
/* The kinds of memory. A new kind is a row of the table at the end. */
#include "kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "common/util.h"
#include "kpage.h"

#define MEGABYTE (UINT64_C(1) << 20)
/* The huge pages that are asked for, whatever the system's default size is. */
#define HUGETLB_SIZE (2 * MEGABYTE)
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

#define THP_DIR "/sys/kernel/mm/transparent_hugepage"
#define KSM_DIR "/sys/kernel/mm/ksm"

/* The first number in a small file; false: there is none. */
static bool read_number(const char *path, uint64_t *out)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	return f && fscanf(f, "%" SCNu64, out) == 1;
}

/* ------------------------------------------------------------ anonymous */

static int map(struct memory *m, size_t size, int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, m->fd, 0);

	if (p == MAP_FAILED)
		return fail_errno(-errno, "%s: mmap of %zu MB", m->kind->name, size >> 20);
	m->addr = p;
	return EXIT_OK;
}

/* Pages of the base size, also where the system's default is huge pages. A
 * kernel without huge pages refuses, and is right. */
static void want_base_pages(const struct memory *m)
{
	madvise(m->addr, m->size, MADV_NOHUGEPAGE);
}

static int make_anon(struct memory *m, const char *path)
{
	int status;

	(void)path;
	status = map(m, m->size, MAP_PRIVATE | MAP_ANONYMOUS);
	if (!status)
		want_base_pages(m);
	return status;
}

static int drop_private(struct memory *m)
{
	return madvise(m->addr, m->size, MADV_DONTNEED) ? -errno : 0;
}

/* ---------------------------------------------------------------- mlock */

static int lock_pages(struct memory *m)
{
	struct rlimit limit;
	int err;

	if (!mlock2(m->addr, m->size, 0))
		return EXIT_OK;
	err = -errno;
	if (!getrlimit(RLIMIT_MEMLOCK, &limit) && m->size > limit.rlim_cur)
		return fail(EXIT_NOPERM, "mlock: %zu MB: more than RLIMIT_MEMLOCK allows "
			    "(%llu kB): raise it with 'ulimit -l', or try as root",
			    m->size >> 20, (unsigned long long)limit.rlim_cur >> 10);
	return fail_errno(err, "mlock: %zu MB", m->size >> 20);
}

static int make_mlock(struct memory *m, const char *path)
{
	int status = make_anon(m, path);

	return status ? status : lock_pages(m);
}

/* Locked pages are not given up: unlock, drop, and lock what comes then. */
static int drop_mlock(struct memory *m)
{
	int err;

	if (munlock(m->addr, m->size))
		return -errno;
	err = drop_private(m);
	if (mlock2(m->addr, m->size, 0) && !err)
		err = -errno;
	return err;
}

/* ------------------------------------------------------------------ thp */

static uint64_t thp_size(void)
{
	uint64_t size;

	return read_number(THP_DIR "/hpage_pmd_size", &size) ? size : 0;
}

/* Keeps the aligned part of a mapping that is one huge page longer. */
static void trim(struct memory *m, size_t align)
{
	uintptr_t start = memory_start(m);
	size_t head = (align - start % align) % align;

	if (head)
		munmap(m->addr, head);
	m->addr += head;
	if (align - head)
		munmap(m->addr + m->size, align - head);
}

static int make_thp(struct memory *m, const char *path)
{
	size_t align = (size_t)thp_size();
	int status;

	(void)path;
	if (!align)
		return fail(EXIT_CANNOT, "thp: %s: this kernel has no transparent huge pages",
			    THP_DIR);
	status = map(m, m->size + align, MAP_PRIVATE | MAP_ANONYMOUS);
	if (status)
		return status;
	trim(m, align);
	if (madvise(m->addr, m->size, MADV_HUGEPAGE))
		return fail_errno(-errno, "thp: madvise MADV_HUGEPAGE");
	return EXIT_OK;
}

/* Bytes of m that are mapped by huge pages. */
static int huge_bytes(const struct memory *m, uint64_t *out)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/smaps", "re");
	_cleanup_free_ char *line = NULL;
	uint64_t start, end, kb;
	bool inside = false;
	size_t room = 0;

	if (!f)
		return -errno;
	*out = 0;
	while (getline(&line, &room, f) > 0) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2)
			inside = start >= memory_start(m) && end <= memory_end(m);
		else if (inside && sscanf(line, "AnonHugePages: %" SCNu64, &kb) == 1)
			*out += kb << 10;
	}
	return 0;
}

static int settle_thp(struct memory *m, const struct ticker *ticker)
{
	uint64_t huge = 0;
	int err = huge_bytes(m, &huge);

	if (err)
		return fail_errno(err, "thp: /proc/self/smaps");
	/* After a cgroup change or a signal half of it may not be there yet. */
	if (huge >= m->size || ticker->tick(ticker->arg))
		return EXIT_OK;
	return fail(EXIT_OUTCOME, "thp: only %" PRIu64 " of %zu MB are in huge pages: see %s, "
		    "or memory is fragmented (echo 1 > /proc/sys/vm/compact_memory)",
		    huge >> 20, m->size >> 20, THP_DIR "/enabled");
}

/* -------------------------------------------------------------- hugetlb */

static int make_hugetlb(struct memory *m, const char *path)
{
	void *p;

	(void)path;
	/* Without MAP_NORESERVE all pages are set aside here: no SIGBUS later. */
	p = mmap(NULL, m->size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);
	if (p == MAP_FAILED && errno == ENOMEM)
		return fail(EXIT_CANNOT, "hugetlb: %zu huge pages of 2 MB: not that many are free: "
			    "echo N > /proc/sys/vm/nr_hugepages", m->size / HUGETLB_SIZE);
	if (p == MAP_FAILED)
		return fail(EXIT_CANNOT, "hugetlb: huge pages of 2 MB: %s", strerror(errno));
	m->addr = p;
	return EXIT_OK;
}

/* ------------------------------------------------------------------ ksm */

static int make_ksm(struct memory *m, const char *path)
{
	uint64_t run;
	int status;

	if (!read_number(KSM_DIR "/run", &run))
		return fail(EXIT_CANNOT, "ksm: %s: this kernel does not merge pages", KSM_DIR);
	if (run != 1)
		return fail(EXIT_CANNOT, "ksm: %s is %" PRIu64 ": merging is off: "
			    "echo 1 > %s", KSM_DIR "/run", run, KSM_DIR "/run");
	status = make_anon(m, path);
	if (status)
		return status;
	if (madvise(m->addr, m->size, MADV_MERGEABLE))
		return fail_errno(-errno, "ksm: madvise MADV_MERGEABLE");
	return EXIT_OK;
}

/* How many pages of this process are merged. */
static uint64_t merged_pages(void)
{
	uint64_t n;

	return read_number("/proc/self/ksm_merging_pages", &n) ? n : 0;
}

/*
 * The daemon merges a page at its second visit at the earliest, and by default
 * visits 100 pages every 20 ms; there may be others to visit.
 */
#define KSM_PATIENCE_S 30
#define KSM_PAGES_A_S 1000

static int settle_ksm(struct memory *m, const struct ticker *ticker)
{
	const struct timespec nap = { .tv_nsec = 20 * 1000 * 1000 };
	time_t end = time(NULL) + KSM_PATIENCE_S + (time_t)(m->pages / KSM_PAGES_A_S);

	while (merged_pages() < m->pages) {
		if (ticker->tick(ticker->arg))
			return EXIT_OK;
		if (time(NULL) > end)
			return fail(EXIT_OUTCOME, "ksm: only %" PRIu64 " of %zu pages were merged: "
				    "see %s", merged_pages(), m->pages, KSM_DIR);
		nanosleep(&nap, NULL);
	}
	return EXIT_OK;
}

/* ---------------------------------------------------------------- files */

static bool is_tmpfs(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* A file that nobody else sees: its name is gone at once. */
static int open_unnamed(struct memory *m, const char *dir)
{
	_cleanup_free_ char *name = NULL;

	if (asprintf(&name, "%s/usemem-XXXXXX", dir) < 0) {
		name = NULL;
		return fail_errno(-ENOMEM, "%s", dir);
	}
	m->fd = mkostemp(name, O_CLOEXEC);
	if (m->fd < 0)
		return fail_errno(-errno, "%s: %s", m->kind->name, dir);
	unlink(name);
	return EXIT_OK;
}

static int open_named(struct memory *m, const char *path)
{
	/* Never an existing file: it would be overwritten. */
	m->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (m->fd < 0)
		return fail_errno(-errno, "%s: %s", m->kind->name, path);
	m->name = xstrdup(path);
	return EXIT_OK;
}

static int open_file(struct memory *m, const char *path)
{
	struct stat st;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return open_unnamed(m, path);
	return open_named(m, path);
}

static int map_file(struct memory *m, const char *path)
{
	int err, status;

	/* A disk that is full shows here, and not as a SIGBUS later. */
	err = posix_fallocate(m->fd, 0, (off_t)m->size);
	if (err)
		return fail_errno(-err, "%s: %s: %zu MB", m->kind->name, path, m->size >> 20);
	status = map(m, m->size, MAP_SHARED);
	if (!status)
		want_base_pages(m);
	return status;
}

static int make_file(struct memory *m, const char *path)
{
	int status;

	if (!path)
		path = getenv("TMPDIR");
	if (!path || !*path)
		path = "/tmp";
	status = open_file(m, path);
	if (status)
		return status;
	if (is_tmpfs(m->fd))
		return fail(EXIT_CANNOT, "%s: %s: is a tmpfs, whose pages are never written back: "
			    "choose a --path on a disk, or --kind tmpfs", m->kind->name, path);
	return map_file(m, path);
}

static int make_tmpfs(struct memory *m, const char *path)
{
	int status;

	if (!path)
		path = "/dev/shm";
	status = open_file(m, path);
	if (status)
		return status;
	if (!is_tmpfs(m->fd))
		return fail(EXIT_CANNOT, "tmpfs: %s: is no tmpfs: choose a --path on one", path);
	return map_file(m, path);
}

static int make_memfd(struct memory *m, const char *path)
{
	(void)path;
	m->fd = memfd_create("usemem", MFD_CLOEXEC);
	if (m->fd < 0)
		return fail_errno(-errno, "memfd: memfd_create");
	return map_file(m, "memfd");
}

/* Written through the mapping, and now written back: the pages are clean, and
 * the next write fault would dirty them again. */
static int settle_clean(struct memory *m, const struct ticker *ticker)
{
	(void)ticker;
	if (fsync(m->fd))
		return fail_errno(-errno, "%s: fsync", m->kind->name);
	return EXIT_OK;
}

/* Pages that a truncation cuts off leave the page cache. */
static int drop_file(struct memory *m)
{
	if (ftruncate(m->fd, 0))
		return -errno;
	return -posix_fallocate(m->fd, 0, (off_t)m->size);
}

/* ------------------------------------------------------------------ shm */

static int make_shm(struct memory *m, const char *path)
{
	int id = shmget(IPC_PRIVATE, m->size, IPC_CREAT | 0600);
	void *p;
	int err;

	(void)path;
	if (id < 0)
		return fail_errno(-errno, "shm: shmget of %zu MB", m->size >> 20);
	p = shmat(id, NULL, 0);
	err = -errno;
	/* It lives as long as somebody is attached. */
	shmctl(id, IPC_RMID, NULL);
	if (p == (void *)-1)
		return fail_errno(err, "shm: shmat");
	m->addr = p;
	want_base_pages(m);
	return EXIT_OK;
}

static int drop_shm(struct memory *m)
{
	return madvise(m->addr, m->size, MADV_REMOVE) ? -errno : 0;
}

static void unmap_shm(struct memory *m)
{
	shmdt(m->addr);
}

/* ---------------------------------------------------------------- table */

#define BIT(name) KPAGE_BIT(name)

static const struct kind kinds[] = {
	{
		.name = "anon",
		.what = "private anonymous pages of the base size",
		.flags_set = BIT(ANON), .flags_clear = BIT(HUGE) | BIT(THP),
		.make = make_anon, .drop = drop_private,
	}, {
		.name = "thp", .huge = true,
		.what = "anonymous transparent huge pages",
		.flags_set = BIT(ANON) | BIT(THP),
		.make = make_thp, .settle = settle_thp, .drop = drop_private,
	}, {
		.name = "file-clean", .alias = "file", .has_path = true, .reread = true,
		.what = "page cache of a file on disk, written back, mapped shared",
		.flags_clear = BIT(ANON) | BIT(SWAPBACKED) | BIT(DIRTY),
		.make = make_file, .settle = settle_clean, .drop = drop_file,
	}, {
		.name = "file-dirty", .has_path = true,
		.what = "page cache of a file on disk, written through the mapping, not synced",
		/* Not DIRTY: the kernel may have begun to write it back. */
		.flags_clear = BIT(ANON) | BIT(SWAPBACKED),
		.make = make_file, .drop = drop_file,
	}, {
		.name = "tmpfs", .has_path = true,
		.what = "a file on tmpfs, mapped shared",
		.flags_set = BIT(SWAPBACKED), .flags_clear = BIT(ANON),
		.make = make_tmpfs, .drop = drop_file,
	}, {
		.name = "memfd",
		.what = "a memfd, mapped shared",
		.flags_set = BIT(SWAPBACKED), .flags_clear = BIT(ANON),
		.make = make_memfd, .drop = drop_file,
	}, {
		.name = "shm",
		.what = "System V shared memory",
		.flags_set = BIT(SWAPBACKED), .flags_clear = BIT(ANON),
		.make = make_shm, .drop = drop_shm, .unmap = unmap_shm,
	}, {
		.name = "hugetlb", .huge = true,
		.what = "private huge pages of 2 MB from the pool",
		.flags_set = BIT(HUGE),
		.make = make_hugetlb, .drop = drop_private,
	}, {
		.name = "mlock",
		.what = "anonymous pages, locked in memory",
		.flags_set = BIT(ANON) | BIT(MLOCKED), .flags_clear = BIT(HUGE) | BIT(THP),
		.make = make_mlock, .drop = drop_mlock,
	}, {
		.name = "ksm", .equal = true,
		.what = "anonymous pages of equal contents, merged by the kernel",
		/* Not KSM: some kernels show it on every anonymous page. */
		.flags_set = BIT(ANON), .flags_clear = BIT(HUGE) | BIT(THP),
		.make = make_ksm, .settle = settle_ksm, .drop = drop_private,
	},
};

const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(name, kinds[i].name) ||
		    (kinds[i].alias && !strcmp(name, kinds[i].alias)))
			return &kinds[i];
	return NULL;
}

void kinds_list(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		printf("%-12s%s%s%s%s\n", kinds[i].name, kinds[i].what,
		       kinds[i].alias ? " (also: " : "", kinds[i].alias ?: "",
		       kinds[i].alias ? ")" : "");
}

/* --------------------------------------------------------------- memory */

static uint64_t unit_of(const struct kind *kind)
{
	uint64_t thp;

	if (!kind->huge)
		return kpage_page_size();
	thp = thp_size();
	return thp > HUGETLB_SIZE ? thp : HUGETLB_SIZE;
}

int memory_make(struct memory *m, const struct kind *kind, uint64_t bytes, const char *path)
{
	uint64_t unit = unit_of(kind);
	int status;

	*m = (struct memory){
		.kind = kind, .fd = -1, .page_size = (size_t)kpage_page_size(),
		.size = (size_t)((bytes + unit - 1) / unit * unit),
	};
	m->pages = m->size / m->page_size;
	status = kind->make(m, path);
	if (status)
		memory_release(m);
	else
		m->state = xcalloc(m->pages, sizeof(*m->state));
	return status;
}

int memory_drop(struct memory *m)
{
	int err = m->kind->drop(m);

	for (size_t i = 0; !err && i < m->pages; i++)
		m->state[i] = PAGE_INTACT;
	return err;
}

void memory_release(struct memory *m)
{
	if (m->addr && m->kind->unmap)
		m->kind->unmap(m);
	else if (m->addr)
		munmap(m->addr, m->size);
	if (m->fd >= 0)
		close(m->fd);
	if (m->name)
		unlink(m->name);
	free(m->name);
	free((void *)m->state);
	*m = (struct memory){ .fd = -1 };
}
