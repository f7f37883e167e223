// SPDX-License-Identifier: GPL-2.0-or-later
/* A temporary tree of copied kernel files, as the unit tests need it. */
#include "fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

int fixture_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *fx = calloc(1, sizeof(*fx));

	if (!fx)
		return -1;
	if (!tmp || strlen(tmp) > 32)
		tmp = "/tmp";
	snprintf(fx->dir, sizeof(fx->dir), "%s/kpage-unit-XXXXXX", tmp);
	if (!mkdtemp(fx->dir) || kpage_ctx_new(fx->dir, &fx->ctx)) {
		free(fx);
		return -1;
	}
	*state = fx;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

int fixture_teardown(void **state)
{
	struct fixture *fx = *state;
	int err = nftw(fx->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);

	kpage_ctx_free(fx->ctx);
	free(fx);
	return err;
}

static void must(bool done, const char *what, const char *path)
{
	if (!done)
		fail_msg("%s: %s: %s", what, path, strerror(errno));
}

const char *fixture_path(const struct fixture *fx, const char *path)
{
	static char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", fx->dir, path);
	return full;
}

static void make_parents(const struct fixture *fx, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", fx->dir, path);
	for (char *p = full + strlen(fx->dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		must(!mkdir(full, 0755) || errno == EEXIST, "mkdir", full);
		*p = '/';
	}
}

static int open_new(const struct fixture *fx, const char *path, int flags)
{
	int fd;

	make_parents(fx, path);
	fd = open(fixture_path(fx, path), flags | O_CREAT | O_CLOEXEC, 0644);
	must(fd >= 0, "open", path);
	return fd;
}

void fixture_mkdir(const struct fixture *fx, const char *path)
{
	make_parents(fx, path);
	must(!mkdir(fixture_path(fx, path), 0755), "mkdir", path);
}

static void write_text(const struct fixture *fx, const char *path, const char *text, int flags)
{
	_cleanup_close_ int fd = open_new(fx, path, O_WRONLY | flags);

	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "write", path);
}

void fixture_text(const struct fixture *fx, const char *path, const char *text)
{
	write_text(fx, path, text, O_TRUNC);
}

void fixture_append(const struct fixture *fx, const char *path, const char *text)
{
	write_text(fx, path, text, O_APPEND);
}

void fixture_symlink(const struct fixture *fx, const char *target, const char *path)
{
	make_parents(fx, path);
	must(!symlink(target, fixture_path(fx, path)), "symlink", path);
}

void fixture_remove(const struct fixture *fx, const char *path)
{
	must(!remove(fixture_path(fx, path)), "remove", path);
}

void fixture_truncate(const struct fixture *fx, const char *path, off_t size)
{
	must(!truncate(fixture_path(fx, path), size), "truncate", path);
}

char *fixture_read(const struct fixture *fx, const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(fixture_path(fx, path), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	must(fd >= 0, "open", path);
	n = read(fd, buf, size - 1);
	must(n >= 0, "read", path);
	buf[n] = '\0';
	return buf;
}

ino_t fixture_ino(const struct fixture *fx, const char *path)
{
	struct stat st;

	must(!stat(fixture_path(fx, path), &st), "stat", path);
	return st.st_ino;
}

void fixture_put(const struct fixture *fx, const char *path, uint64_t index,
		 const uint64_t *values, size_t n)
{
	_cleanup_close_ int fd = open_new(fx, path, O_WRONLY);

	must(pwrite(fd, values, n * sizeof(*values), (off_t)(index * sizeof(*values))) ==
		     (ssize_t)(n * sizeof(*values)),
	     "pwrite", path);
}

void fixture_task(const struct fixture *fx, pid_t pid)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	fixture_text(fx, path, "");
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fixture_text(fx, path, "");
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	snprintf(text, sizeof(text),
		 "Name:\tvictim\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\nVmSize:\t    4096 kB\n",
		 (int)pid, (int)pid);
	fixture_text(fx, path, text);
}

void fixture_vma(const struct fixture *fx, pid_t pid, uint64_t page, const uint64_t *entries,
		 size_t n)
{
	uint64_t size = kpage_page_size();
	char path[64], text[128];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	snprintf(text, sizeof(text), "%" PRIx64 "-%" PRIx64 " rw-p 00000000 00:00 0 \n",
		 page * size, (page + n) * size);
	fixture_append(fx, path, text);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fixture_put(fx, path, page, entries, n);
}

static size_t guarded_room(size_t size)
{
	size_t page = kpage_page_size();

	return (size + page - 1) / page * page;
}

void fixture_end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

void *guarded_alloc(size_t size)
{
	size_t room = guarded_room(size);
	char *base = mmap(NULL, room + kpage_page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(base != MAP_FAILED, "mmap", "guarded buffer");
	must(!mprotect(base + room, kpage_page_size(), PROT_NONE), "mprotect", "guard page");
	return base + room - size;
}

void guarded_free(void *buf, size_t size)
{
	size_t room = guarded_room(size);

	if (buf)
		munmap((char *)buf + size - room, room + kpage_page_size());
}
