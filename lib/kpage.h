/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkpage: read the state of memory pages, drive the kernel's hwpoison
 * machinery and watch what it does.
 *
 * Conventions
 *   - A function that can fail returns 0 (or a count) and a negative errno on
 *     failure. Where an object is handed out through a pointer, the pointer is
 *     left alone on failure. Every _free() accepts NULL.
 *   - Units are in the names: a PFN and a page offset count pages of
 *     kpage_page_size() bytes; an address is in bytes.
 *   - Nothing here prints, exits, mounts, loads a module or keeps a global.
 *   - An object may be used by one thread at a time, unless its functions say
 *     otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ context */

/* The machine that is looked at: a root directory below which /proc, /sys and
 * debugfs are opened. */
struct kpage_ctx;

/*
 * root: NULL or "/" for this machine, or a directory with a copy of the files
 * (a --sysroot tree). Errors: -ENOMEM, and those of open(2) on root.
 */
int kpage_ctx_new(const char *root, struct kpage_ctx **out);
void kpage_ctx_free(struct kpage_ctx *ctx);

/* Another context on the same root, for another thread. Errors: -ENOMEM, -EMFILE. */
int kpage_ctx_clone(const struct kpage_ctx *ctx, struct kpage_ctx **out);

/* Whether the context is this machine and not a tree of copies. */
bool kpage_ctx_is_live(const struct kpage_ctx *ctx);

/*
 * The file behind the latest failure of a call that was given this context,
 * e.g. "/proc/17/pagemap"; "" before the first. Borrowed, valid as long as
 * the context; the next failure changes it.
 */
const char *kpage_ctx_error_path(const struct kpage_ctx *ctx);

/*
 * open(2) of an absolute path below the root: in a tree of copies, symbolic links
 * mean the tree. It makes no file (no O_CREAT); O_CLOEXEC is added. Returns a
 * descriptor, which the caller closes, or a negative errno.
 */
int kpage_ctx_open(struct kpage_ctx *ctx, const char *path, int flags);

/* Reads the first line of a file below the root, as far as size - 1 bytes go, without its
 * end: what most files of /proc/sys and /sys hold. Errors: those of open(2) and read(2). */
int kpage_ctx_read_line(struct kpage_ctx *ctx, const char *path, char *buf, size_t size);

/* Bytes in a page of this machine. */
uint64_t kpage_page_size(void);

/* ------------------------------------------------------------------- flags */

/* Bits of /proc/kpageflags: <linux/kernel-page-flags.h>, and below 48 those
 * that the kernel exports for its own developers (fs/proc/page.c). */
enum kpage_bit {
	KPAGE_LOCKED = 0,
	KPAGE_ERROR = 1,
	KPAGE_REFERENCED = 2,
	KPAGE_UPTODATE = 3,
	KPAGE_DIRTY = 4,
	KPAGE_LRU = 5,
	KPAGE_ACTIVE = 6,
	KPAGE_SLAB = 7,
	KPAGE_WRITEBACK = 8,
	KPAGE_RECLAIM = 9,
	KPAGE_BUDDY = 10,
	KPAGE_MMAP = 11,
	KPAGE_ANON = 12,
	KPAGE_SWAPCACHE = 13,
	KPAGE_SWAPBACKED = 14,
	KPAGE_COMPOUND_HEAD = 15,
	KPAGE_COMPOUND_TAIL = 16,
	KPAGE_HUGE = 17,
	KPAGE_UNEVICTABLE = 18,
	KPAGE_HWPOISON = 19,
	KPAGE_NOPAGE = 20,
	KPAGE_KSM = 21,
	KPAGE_THP = 22,
	KPAGE_OFFLINE = 23,
	KPAGE_ZERO_PAGE = 24,
	KPAGE_IDLE = 25,
	KPAGE_PGTABLE = 26,
	KPAGE_RESERVED = 32,
	KPAGE_MLOCKED = 33,
	KPAGE_OWNER_2 = 34,
	KPAGE_PRIVATE = 35,
	KPAGE_PRIVATE_2 = 36,
	KPAGE_OWNER_PRIVATE = 37,
	KPAGE_ARCH = 38,
	KPAGE_UNCACHED = 39,
	KPAGE_SOFTDIRTY = 40,
	KPAGE_ARCH_2 = 41,
	KPAGE_ARCH_3 = 42,
	/* Not from the kernel: made by kpage_flags_expand(). */
	KPAGE_ANON_EXCLUSIVE = 47,
	KPAGE_READAHEAD = 48,
	KPAGE_SLUB_FROZEN = 50,
	KPAGE_SLUB_DEBUG = 51,
	KPAGE_FILE = 61,
	KPAGE_SWAP = 62,
	KPAGE_MMAP_EXCLUSIVE = 63,
};

#define KPAGE_BIT(name) (UINT64_C(1) << KPAGE_##name)

enum kpage_flag_kind {
	KPAGE_FLAG_WELL_KNOWN,	/* a stable bit of /proc/kpageflags */
	KPAGE_FLAG_RAW,		/* for kernel developers: seen in the raw view only */
	KPAGE_FLAG_OVERLOADED,	/* another meaning of a bit, told apart by its neighbours,
				   or a bit of the pagemap entry */
};

struct kpage_flag {
	enum kpage_bit bit;
	char letter;		/* in the symbolic form; 0: the flag has no column there */
	const char *name;
	const char *meaning;
	const char *since;	/* kernel versions that report it */
	enum kpage_flag_kind kind;
};

/* The table of all known flags by ascending bit, *n entries. Static. */
const struct kpage_flag *kpage_flag_table(size_t *n);

/*
 * The two views of page flags that page-types has.
 * expand: for kernel developers: every bit, overloaded ones told apart, and the
 *         bits of the pagemap entry (0 if there is none) that say something
 *         about the page.
 * well_known: without the developers' bits, and without the compound bits of
 *         pages that are not hugetlb.
 */
uint64_t kpage_flags_expand(uint64_t kpageflags, uint64_t pagemap_entry);
uint64_t kpage_flags_well_known(uint64_t kpageflags);

/* Room for the symbolic form: a column a flag, and unknown bits in hex. */
#define KPAGE_SYMBOLIC_SIZE 80
/* Room for the names of 64 flags. */
#define KPAGE_NAMES_SIZE 1024

/*
 * One column a flag, its letter or '_'. Bits without a column follow in hex:
 * "__RU…+0x8000000". Returns the length.
 */
size_t kpage_flags_symbolic(uint64_t flags, char buf[KPAGE_SYMBOLIC_SIZE]);

/* Names separated by commas; unknown bits in hex, each by itself. Returns the length. */
size_t kpage_flags_names(uint64_t flags, char buf[KPAGE_NAMES_SIZE]);

/* What was wrong with a flag name, for a message. */
struct kpage_name_error {
	char name[64];		/* the part of the text that was not understood */
	char candidates[512];	/* the names that an ambiguous prefix could mean; "" if none */
};

/*
 * Reads "name,name,0x10": names, prefixes of names, numbers. A name matches
 * whole, or as a prefix that is unique among the well-known flags, or else among
 * all of them; "compound" (or a prefix of it of at least "com") means both
 * compound bits. Errors: -EINVAL unknown, -ENOTUNIQ ambiguous, -ERANGE a number
 * above 64 bits; *err (may be NULL) says which.
 */
int kpage_flags_parse(const char *text, uint64_t *out, struct kpage_name_error *err);

/* A condition on page flags (a bits-spec). */
struct kpage_expr {
	uint64_t mask;
	uint64_t bits;
	bool any;	/* any bit of mask set; otherwise (flags & mask) == bits */
};

/*
 * "a,b"     any of the two            "a,b=a"  a and not b
 * "a,~b"    the same: a and not b     "=a,b"   exactly these two
 * Errors as kpage_flags_parse().
 */
int kpage_expr_parse(const char *text, struct kpage_expr *out, struct kpage_name_error *err);

static inline bool kpage_expr_matches(const struct kpage_expr *e, uint64_t flags)
{
	return e->any ? (flags & e->mask) != 0 : (flags & e->mask) == e->bits;
}

/* ------------------------------------------------------------------ ranges */

/* Pages start … end-1. */
struct kpage_range {
	uint64_t start;
	uint64_t end;
};

/*
 * An addr-spec in pages: "N" one page, "N+M" M pages from N, "N,M" N to M-1,
 * "N," N to the end (UINT64_MAX), ",M" 0 to M-1. Numbers as in C: 0x hex, 0 octal.
 * Errors: -EINVAL not such a spec, or it ends before it starts; -ERANGE.
 */
int kpage_range_parse(const char *text, struct kpage_range *out);

/* A whole string as an unsigned number, as in C. Errors: -EINVAL, -ERANGE. */
int kpage_number_parse(const char *text, uint64_t *out);

/*
 * Takes the parts of `range` that no range of set[0 … n) covers; writes at most
 * n + 1 ranges to out (room for that many) and returns how many. So pages that
 * are named twice are walked once, in the order in which they were named.
 */
size_t kpage_range_subtract(struct kpage_range range, const struct kpage_range *set, size_t n,
			    struct kpage_range *out);

/* ----------------------------------------------------- files of u64 a page */

/* How many entries one read moves: large enough that the call's own cost does
 * not show, small enough that memory stays small. */
#define KPAGE_BATCH 8192

/* An open file with one 64-bit entry a page. */
struct kpage_file;

enum kpage_source {
	KPAGE_SOURCE_FLAGS,	/* /proc/kpageflags */
	KPAGE_SOURCE_COUNT,	/* /proc/kpagecount: how often it is mapped */
	KPAGE_SOURCE_CGROUP,	/* /proc/kpagecgroup: inode of its memory cgroup */
};

/* Errors: those of open(2); -ENOMEM. */
int kpage_file_open(struct kpage_ctx *ctx, enum kpage_source source, struct kpage_file **out);

/* A saved kpageflags, by a path outside the root: a copy of the kernel's file, or the
 * flags of a dump, told apart by how it begins. Errors: -EUCLEAN a copy whose size is not
 * a multiple of 8 bytes; those of kpage_dump_open(). */
int kpage_file_open_dump(struct kpage_ctx *ctx, const char *path, struct kpage_file **out);

/* /proc/PID/pagemap. -ESRCH: no such process; -EACCES: ptrace access to it is
 * refused. The file stays that of the memory it was opened on: after the process
 * ended, reads return 0 entries. */
int kpage_file_open_pagemap(struct kpage_ctx *ctx, pid_t pid, struct kpage_file **out);

void kpage_file_free(struct kpage_file *f);

/* The path, for messages. Borrowed. */
const char *kpage_file_path(const struct kpage_file *f);

/* Pages in a dump, 0 for a file of /proc (its end is not known beforehand). */
uint64_t kpage_file_pages(const struct kpage_file *f);

/* The same, for a file of /proc too: its end is looked for by some tens of reads of one
 * entry. Errors: those of read(2). */
int kpage_file_end(const struct kpage_file *f, uint64_t *out);

/*
 * The first pages from `index` on that the file has, in one piece: those that a dump of a
 * part leaves out are not known, and are not 0. A file of /proc has no end here. false:
 * there is no more.
 */
bool kpage_file_next(const struct kpage_file *f, uint64_t index, struct kpage_range *out);

/*
 * Reads n entries from `index` on. Returns how many there were: fewer than n
 * only at the end, and before pages that a dump of a part leaves out. Errors: those of
 * read(2); -EUCLEAN an entry was cut off; -ENODATA a copy became shorter while it was read;
 * -EBADMSG a dump is damaged; -ENOMEM. Safe from several threads.
 */
ssize_t kpage_file_read(const struct kpage_file *f, uint64_t index, uint64_t *buf, size_t n);

/*
 * Reads the entries of n scattered pages, neighbours in one read: out[i] is that
 * of index[i]. -ENODATA: the file ends before one of them. `scratch` holds
 * KPAGE_BATCH entries. Safe from several threads.
 */
int kpage_file_gather(const struct kpage_file *f, const uint64_t *index, size_t n, uint64_t *out,
		      uint64_t *scratch);

/* -------------------------------------------------------------------- dumps */

/* A dump: kpageflags, and with it map counts, cgroups and the paths of these, of a
 * machine or of a part of its pages (doc/dump-format.md). */
struct kpage_dump;

/*
 * By a path outside the root. Errors: -ENOMSG it is no dump (perhaps a copy of
 * kpageflags); -EBADMSG truncated or damaged; -EPROTONOSUPPORT a newer version of the
 * format; -EDOM pages of another size than kpage_page_size(); -EILSEQ of a machine of the
 * other byte order; -ENOMEM; those of open(2).
 */
int kpage_dump_open(struct kpage_ctx *ctx, const char *path, struct kpage_dump **out);
void kpage_dump_free(struct kpage_dump *d);

/* One of its columns, which stays when the dump is freed. -ENOENT: it has none of that
 * kind; -ENOMEM. */
int kpage_dump_file(struct kpage_dump *d, enum kpage_source source, struct kpage_file **out);

/* The kernel's release, and when it was made, in seconds since 1970. Borrowed. */
const char *kpage_dump_release(const struct kpage_dump *d);
int64_t kpage_dump_time(const struct kpage_dump *d);

/* The directory that a cgroup had. NULL: the dump does not know. Borrowed. */
const char *kpage_dump_cgroup_path(const struct kpage_dump *d, uint64_t ino);

/* The other way round, as kpage_cgroup_subtree(): those of a directory and of all below it,
 * ascending, *n of them. The caller frees *out. -ENOENT: no page of the dump was charged to
 * any of them; -ENOMEM. */
int kpage_dump_cgroup_subtree(const struct kpage_dump *d, const char *path, uint64_t **out,
			      size_t *n);

/* A dump that is being written. */
struct kpage_dump_writer;

/*
 * fd: written to from where it stands, never closed; a pipe will do. mapcount, cgroup: the
 * columns that it has beside the flags. release: of the kernel; cut off after 95 bytes.
 * Errors: those of write(2); -ENOMEM.
 */
int kpage_dump_writer_new(int fd, bool mapcount, bool cgroup, const char *release,
			  struct kpage_dump_writer **out);

/* n pages from `pfn` on, which ascends from call to call. A column that the dump has not
 * is NULL. Errors: -EINVAL pages that lie before the last ones, or a column is missing; as
 * above. */
int kpage_dump_write(struct kpage_dump_writer *w, uint64_t pfn, size_t n, const uint64_t *flags,
		     const uint64_t *mapcount, const uint64_t *cgroup);

/* What the directory of a cgroup is called. -ENOMEM. */
int kpage_dump_write_cgroup(struct kpage_dump_writer *w, uint64_t ino, const char *path);

/* What was not written yet, and the index, without which it is no dump. Errors: -EINVAL
 * kpage_dump_write() had failed; as above. */
int kpage_dump_writer_finish(struct kpage_dump_writer *w);
void kpage_dump_writer_free(struct kpage_dump_writer *w);

/* ----------------------------------------------------------- pagemap entry */

#define KPAGE_PM_PFN_MASK	((UINT64_C(1) << 55) - 1)
#define KPAGE_PM_SOFT_DIRTY	(UINT64_C(1) << 55)
#define KPAGE_PM_MMAP_EXCLUSIVE	(UINT64_C(1) << 56)
#define KPAGE_PM_FILE		(UINT64_C(1) << 61)
#define KPAGE_PM_SWAP		(UINT64_C(1) << 62)
#define KPAGE_PM_PRESENT	(UINT64_C(1) << 63)

/* The PFN of a present entry; 0 if it is not present, or hidden. */
static inline uint64_t kpage_pagemap_pfn(uint64_t entry)
{
	return entry & KPAGE_PM_PRESENT ? entry & KPAGE_PM_PFN_MASK : 0;
}

/* Offset and type of a swap entry (bits 5-54 and 0-4). */
static inline uint64_t kpage_pagemap_swap_offset(uint64_t entry)
{
	return (entry & KPAGE_PM_PFN_MASK) >> 5;
}

static inline unsigned int kpage_pagemap_swap_type(uint64_t entry)
{
	return entry & 0x1f;
}

/*
 * The PFN that a hwpoison entry would name, or 0 if the entry can't be one. Swap
 * areas have the low type numbers; hwpoison entries have one near the top, which
 * depends on the kernel's configuration, and so have migration entries: it is
 * poison only if the page's flags have KPAGE_HWPOISON.
 */
uint64_t kpage_pagemap_poison_candidate(uint64_t entry);

/*
 * The populated parts of an address space, ascending: what is present, and what has a
 * swap entry or one of that form (poisoned, on its way elsewhere, a marker). Writes the
 * next ones of *todo (pages of the process), at most n, to out, and cuts from *todo what
 * was looked at; returns how many there were. It is over when *todo is empty (start ==
 * end); a return of 0 before that is no end. The process's mappings can't be changed
 * meanwhile: of a large one, ask for a part at a time. It needs no more rights than
 * reading. Errors: -ENOTTY this kernel can't (before 6.7), or the file is a copy: then
 * read it all; -EINVAL n is 0, or the range is beyond all addresses; -ENOMEM. Safe from
 * several threads.
 */
ssize_t kpage_pagemap_scan(const struct kpage_file *pagemap, struct kpage_range *todo,
			   struct kpage_range *out, size_t n);

/* -------------------------------------------------------------------- maps */

/* One line of /proc/PID/maps. */
struct kpage_vma {
	uint64_t start, end;	/* bytes */
	char perms[5];		/* "rw-p" */
	uint64_t offset;	/* bytes into the file */
	unsigned int dev_major, dev_minor;
	uint64_t inode;
	const char *name;	/* path, "[heap]", … or ""; borrowed until the next call */
};

struct kpage_maps;

/* Errors: -ESRCH no such process, -EACCES, those of open(2). */
int kpage_maps_open(struct kpage_ctx *ctx, pid_t pid, struct kpage_maps **out);
void kpage_maps_free(struct kpage_maps *maps);

/* 1 and the next VMA; 0 at the end; -EUCLEAN for a line that is none. */
int kpage_maps_next(struct kpage_maps *maps, struct kpage_vma *out);

/*
 * The devices (st_dev) of the file systems of a type, e.g. "tmpfs" (with its subtypes:
 * "fuse" is "fuse.sshfs", too), that a process sees mounted, *n of them: with these
 * kpage_vma's numbers say what a file is on. The caller frees *out. Errors: -ESRCH no such
 * process; -ENOMEM; those of open(2).
 */
int kpage_mount_devices(struct kpage_ctx *ctx, pid_t pid, const char *type, dev_t **out, size_t *n);

/*
 * Where a file system of a type, e.g. "debugfs", is mounted: the first such place that has
 * the file or directory `has` ("": any), as a path below the root, into buf. Errors: -ENODEV
 * nowhere; -ENAMETOOLONG; those of open(2) on /proc/mounts.
 */
int kpage_mount_find(struct kpage_ctx *ctx, const char *type, const char *has, char *buf,
		     size_t size);

/* -------------------------------------------------------------------- tasks */

/* What /proc/PID/status says of a task. */
struct kpage_task {
	pid_t tid;
	pid_t pid;		/* Tgid */
	pid_t ppid;		/* parent; 0: none, or in another PID namespace */
	char comm[64];
	char state;		/* 'R', 'S', … 'Z' */
	bool is_init;		/* process 1 of its PID namespace */
	bool has_memory;	/* false: a kernel thread, or one that has exited (though other
				   threads of its process may not) */
	bool has_sys_admin;	/* CAP_SYS_ADMIN in its effective set, of its user namespace */
	pid_t tracer;		/* who traces it; 0: nobody */
	bool sigbus_blocked, sigbus_ignored, sigbus_caught, sigbus_pending;
};

/* tid: a process or a thread. -ESRCH: no such task. */
int kpage_task_read(struct kpage_ctx *ctx, pid_t tid, struct kpage_task *out);

/*
 * The task whose files of /proc have the memory of a process: its first thread, whose files
 * are the process's; or, once that has ended and only waits for the others (a zombie: its
 * files are empty), another one. pid may be a thread, too. out: NULL: not wanted. -ESRCH:
 * nobody has any (it has ended, or is a kernel thread), or there is no such process.
 */
int kpage_task_read_memory(struct kpage_ctx *ctx, pid_t pid, struct kpage_task *out);

/* When the task was started, in ticks since boot: with its number it names one task for
 * good. From /proc/TID/stat. -ESRCH; -EUCLEAN the file has no such field. */
int kpage_task_started(struct kpage_ctx *ctx, pid_t tid, uint64_t *out);

/* The number of the CPU that runs it, or ran it last. From the same file; the same errors. */
int kpage_task_cpu(struct kpage_ctx *ctx, pid_t tid, uint64_t *out);

/* A walk over tasks. */
struct kpage_tasks;

/*
 * pid 0: all processes that /proc shows, kernel threads among them; otherwise the
 * threads of that process. Ascending on a live /proc. Errors: -ESRCH no such process;
 * those of open(2).
 */
int kpage_tasks_open(struct kpage_ctx *ctx, pid_t pid, struct kpage_tasks **out);
void kpage_tasks_free(struct kpage_tasks *tasks);

/* 1 and the next task's number; 0 at the end. It may have ended meanwhile. */
int kpage_tasks_next(struct kpage_tasks *tasks, pid_t *out);
/* ----------------------------------------------------- in another task (ptrace) */

/*
 * A task that is held, to run a system call or a load in its place. Its memory is not
 * written: it is made to run instructions that it has. x86-64 and arm64.
 *
 * The task's other threads run on. It sees nothing of it, but for what any stop by a
 * debugger does: a read or write of a pipe or socket that has moved some bytes ends with
 * these, and a timeout that is not an absolute one can start over. On arm64, where the
 * kernel rewinds a call before it stops, every sleep starts over, and epoll_wait(2) ends
 * with EINTR.
 *
 * The calling process gets a SIGCHLD at each stop, unless it has SA_NOCLDSTOP, and must
 * not wait for the task meanwhile: how a task ends while it is held is told to its parent
 * with kpage_remote_detach(). If the caller itself is killed meanwhile, the task goes on
 * with registers that are not its own, and most likely dies.
 */
struct kpage_remote;

/* What counts of a siginfo_t, which is not part of ISO C. */
struct kpage_siginfo {
	int signo;
	int code;
	uint64_t address;	/* bytes: si_addr */
	unsigned int lsb;	/* of a memory error: how large it is, as a power of two */
};

/*
 * Stops a thread. The calls for it may come from any thread, one at a time, and the
 * context must outlive it. Errors:
 *   -ESRCH       there is no such task, or it has ended
 *   -EPERM       it may not be traced: ptrace(2), "access mode"; also the caller's own threads
 *   -EBUSY       somebody else traces it
 *   -EACCES      it has a seccomp filter, and suspending that is not allowed (CAP_SYS_ADMIN
 *                and CONFIG_CHECKPOINT_RESTORE)
 *   -EOPNOTSUPP  a thread of the kernel, a 32-bit task, or one without a system call
 *                instruction in its memory
 *   -ETIMEDOUT   it did not stop: it sleeps uninterruptibly (also: waits for a child of
 *                vfork(2)), or is frozen
 *   -ENOSYS      not on this architecture, or not a live context
 *   -ENOMEM, -EAGAIN (pthread_create(3)), those of open(2) on /proc/PID/mem
 */
int kpage_remote_attach(struct kpage_ctx *ctx, pid_t tid, struct kpage_remote **out);

/*
 * Runs a system call in the task. *result is what it returned: a negative errno if it
 * failed. Not for calls that replace, end or multiply the task, nor for those that sleep
 * for a time (they would take the place of one that is to be resumed). It is interrupted
 * after ten seconds. Errors: -ESRCH the task was killed, or another of its threads called
 * execve(2); -EACCES the task catches its system calls (PR_SET_SYSCALL_USER_DISPATCH);
 * -ETIMEDOUT it was not run: the task is frozen.
 */
int kpage_remote_syscall(struct kpage_remote *r, long nr, const uint64_t args[6], long *result);

/*
 * Lets the task itself load the byte at an address, in user mode. Returns 0: it did; 1: it
 * met SIGBUS or SIGSEGV, which *info (may be NULL) describes. A memory error stays with the
 * task and is delivered after kpage_remote_detach(); any other fault is forgotten. Where the
 * task ignores or blocks SIGBUS, the kernel restores its default action at any SIGBUS.
 * Errors: -ESRCH; -EOPNOTSUPP no instruction for it was found, or the task ignores SIGTRAP
 * or SIGSEGV; -ETIMEDOUT after ten seconds (frozen, or the page does not come).
 */
int kpage_remote_load(struct kpage_remote *r, uint64_t address, struct kpage_siginfo *info);

/* 1 and the memory error (SIGBUS with BUS_MCEERR_AR or _AO) that waits for the task; 0:
 * there is none; -ESRCH. */
int kpage_remote_siginfo(struct kpage_remote *r, struct kpage_siginfo *out);

/* Whether the task itself blocks that signal, as it does while a handler for it runs. What the
 * kernel forces on it then (BUS_MCEERR_AR) ends it, whatever handler it has. */
bool kpage_remote_blocks(const struct kpage_remote *r, int signo);

/*
 * Lets the task go on where it was, with its own registers and blocked signals, and takes
 * the signals that came meanwhile there; if its process was stopped, it stops. Frees r
 * (may be NULL) in any case. -ESRCH: the task was killed. With any other error a signal
 * may have been lost.
 */
int kpage_remote_detach(struct kpage_remote *r);

/*
 * How often a signal of a memory error (SIGBUS of that code, BUS_MCEERR_AR or _AO) that a
 * thread was about to take while it was held in this context was queued anew for it, with
 * kpage_remote_detach(): by that much the kernel's signal:signal_generate, and with it
 * KPAGE_EVENT_SIGNAL, shows more of them than a memory error has sent.
 */
uint64_t kpage_remote_resent(const struct kpage_ctx *ctx, pid_t tid, int code);

/* -------------------------------------------------------------- kill policy */

/* When a thread is signalled about a poisoned page: the values of PR_MCE_KILL_*. */
enum kpage_policy {
	KPAGE_POLICY_LATE = 0,		/* when it touches the page */
	KPAGE_POLICY_EARLY = 1,		/* as soon as the kernel knows */
	KPAGE_POLICY_DEFAULT = 2,	/* as vm.memory_failure_early_kill says */
};

/* From /proc/TID/stat; no right is needed. Errors: -ESRCH; -EUCLEAN the file holds no flags. */
int kpage_policy_get(struct kpage_ctx *ctx, pid_t tid, enum kpage_policy *out);

/*
 * Has the thread set its own policy, which is that of one thread, inherited by those that
 * it creates, and kept over execve(2). Errors: -EINVAL no such policy; -EIO the kernel
 * holds another one afterwards; those of kpage_remote_attach() and kpage_remote_syscall(),
 * unless tid is the calling thread.
 */
int kpage_policy_set(struct kpage_ctx *ctx, pid_t tid, enum kpage_policy policy);

/* The same with PR_MCE_KILL_CLEAR: the policy is KPAGE_POLICY_DEFAULT afterwards. */
int kpage_policy_clear(struct kpage_ctx *ctx, pid_t tid);

/* ------------------------------------------------------------------- tally */

/* Page counts by flags. */
struct kpage_tally;

struct kpage_tally_row {
	uint64_t flags;
	uint64_t pages;
};

int kpage_tally_new(struct kpage_tally **out);
void kpage_tally_free(struct kpage_tally *t);
int kpage_tally_add(struct kpage_tally *t, uint64_t flags, uint64_t pages);
/* Adds all of src to dst. */
int kpage_tally_merge(struct kpage_tally *dst, const struct kpage_tally *src);
uint64_t kpage_tally_total(const struct kpage_tally *t);
/* The rows by ascending flags, *n of them. The caller frees the array with free(3). */
int kpage_tally_rows(const struct kpage_tally *t, struct kpage_tally_row **out, size_t *n);

/* -------------------------------------------------------------------- walk */

/*
 * Pages travel in batches. Arrays that were not asked for are NULL.
 */
struct kpage_batch {
	size_t n;
	uint64_t *offset;	/* page offset in the address space or file; NULL: same as pfn */
	uint64_t *pfn;		/* for a swap entry: its offset in the swap area */
	uint64_t *kflags;	/* as the kernel gave them; 0 for a swap entry */
	uint64_t *flags;	/* in the view that was asked for */
	uint64_t *mapcount;
	uint64_t *cgroup;
	uint64_t *pme;		/* pagemap entries; NULL in a walk by PFN */
};

/* Whether entry i of a batch is a swap entry and no page (a hwpoison entry is a page). */
static inline bool kpage_batch_is_swap(const struct kpage_batch *b, size_t i)
{
	return b->pme && (b->pme[i] & KPAGE_PM_SWAP) && !(b->kflags[i] & KPAGE_BIT(HWPOISON));
}

/* Puts entry `from` in the place of entry `to`: an emit function may so cut its batch down,
 * in place. */
static inline void kpage_batch_move(const struct kpage_batch *b, size_t to, size_t from)
{
	if (to == from)
		return;
	b->pfn[to] = b->pfn[from];
	b->kflags[to] = b->kflags[from];
	b->flags[to] = b->flags[from];
	if (b->mapcount)
		b->mapcount[to] = b->mapcount[from];
	if (b->cgroup)
		b->cgroup[to] = b->cgroup[from];
	if (b->offset)
		b->offset[to] = b->offset[from];
	if (b->pme)
		b->pme[to] = b->pme[from];
}
/* Pages whose entry in the flags file is known without reading it: they have no struct
 * page, or their memory block is offline. Nobody maps them, no cgroup is charged. */
struct kpage_hole {
	struct kpage_range range;
	uint64_t kflags;	/* of each of them */
};

/*
 * Finds them: what lies between the ranges of kpage_online_ranges() and below the end of
 * the flags file, if three of its pages read as the kernel's mark of such memory: nopage,
 * or from Linux 6.16 on no flag at all (which is not believed in a tree of copies). Other
 * parts have to be read. Ascending, *n of them, maybe 0; the caller frees *out. Errors:
 * those of kpage_online_ranges() and of read(2) on the flags file.
 */
int kpage_holes_find(struct kpage_ctx *ctx, const struct kpage_file *flags,
		     struct kpage_hole **out, size_t *n);

/* What to read, what to keep, where to. */
struct kpage_walk {
	const struct kpage_file *flags;		/* needed */
	const struct kpage_file *mapcount;	/* NULL: not read */
	const struct kpage_file *cgroup;	/* NULL: not read */
	bool raw;				/* the view: expand, or well_known */
	const struct kpage_expr *exprs;		/* all of them must match */
	size_t nr_exprs;
	uint64_t cgroup_ino;			/* only pages charged there (needs cgroup); 0: any */
	unsigned int threads;			/* of a walk by PFN; 0: one */
	/* The rest is for a walk by PFN, too. holes: of kpage_holes_find(); they are
	 * taken as read. */
	const struct kpage_hole *holes;
	size_t nr_holes;
	/* At most this share of one CPU, in percent, is used by the process on average over
	 * the walk: its threads sleep in between. 0: no limit. */
	unsigned int max_cpu;
	/* Called after each part, by any of the threads, with how many pages were walked or
	 * passed so far; fewer than an earlier call said may come after it. May be NULL. */
	void (*progress)(uint64_t pages, void *arg);
	void *progress_arg;
	struct kpage_tally *tally;		/* counts what matched; may be NULL */
	/* Called for each batch of matching pages, in order and one at a time; a
	 * nonzero return ends the walk and is its result. May be NULL. */
	int (*emit)(const struct kpage_batch *batch, void *arg);
	void *arg;				/* for emit */
};

/*
 * Physical pages of n ranges, one after the other. A range may reach past the
 * end of memory. *end (may be NULL) is set to the end of a dump that a range met; for
 * a file of /proc to the first page at which a read found nothing more; else to
 * UINT64_MAX. Errors: -ENODATA a dump became shorter while it
 * was read; -ERANGE the map counts or the cgroups end before the flags.
 */
int kpage_walk_pfns(const struct kpage_walk *walk, const struct kpage_range *ranges, size_t n,
		    uint64_t *end);

/*
 * The pages in a process's page tables, within n ranges of page offsets (n = 0:
 * all). Pages that are not populated are passed over; swap entries count as
 * pages with no kernel flags. A hwpoison entry is the page that it names.
 * Errors: -ESRCH the process ended (before or meanwhile); -EACCES; -EPERM the
 * kernel hides PFNs from this caller (no CAP_SYS_ADMIN in the initial user
 * namespace); -ENODATA the flags file (a dump) ends before one of its pages.
 */
int kpage_walk_task(struct kpage_ctx *ctx, const struct kpage_walk *walk, pid_t pid,
		    const struct kpage_range *ranges, size_t n);

/* What a walk of a file's page cache could not show. */
struct kpage_cache_report {
	uint64_t poisoned;	/* cached pages that the kernel refuses to map: poisoned */
	uint64_t first_poisoned;/* the first one's page offset */
	bool shrunk;		/* the file became shorter meanwhile */
};

/*
 * The page-cache pages of an open regular file, within n ranges of page offsets
 * (n = 0: the whole file, with its last partial page). Only pages that are
 * cached already are mapped, by madvise(MADV_POPULATE_READ): nothing is read
 * from the disk. Needs a live context. Errors: -EPERM PFNs are hidden; -EACCES
 * mincore(2) does not tell this caller what is cached (neither root nor owner,
 * and no write access); -EOPNOTSUPP no MADV_POPULATE_READ (before 5.14).
 */
int kpage_walk_cache(struct kpage_ctx *ctx, const struct kpage_walk *walk, int fd,
		     const struct kpage_range *ranges, size_t n, struct kpage_cache_report *report);

/* ------------------------------------------------------------------ cgroups */

/*
 * The number that /proc/kpagecgroup and corrupt-filter-memcg use for a cgroup:
 * the inode of its directory. Errors: those of stat(2), -ENOTDIR,
 * -EINVAL a directory of no cgroup hierarchy (on a live context).
 */
int kpage_cgroup_ino(struct kpage_ctx *ctx, const char *path, uint64_t *out);

/*
 * Whether pages are charged to this very directory. On cgroup v2, without the
 * memory controller in the parent's cgroup.subtree_control they are charged to
 * an ancestor.
 */
bool kpage_cgroup_has_memory(struct kpage_ctx *ctx, const char *path);

/*
 * The directory with that inode in any mounted cgroup hierarchy that has memory.
 * The caller frees *out. -ENOENT: none (removed, or not visible here).
 */
int kpage_cgroup_path(struct kpage_ctx *ctx, uint64_t ino, char **out);

/*
 * Hands every directory of the mounted hierarchies that have memory to `each`; a nonzero
 * return ends it and is the result. The path is valid during the call. -ENOMEM.
 */
int kpage_cgroup_each(struct kpage_ctx *ctx, int (*each)(const char *dir, uint64_t ino, void *arg),
		      void *arg);

/*
 * The inodes of a cgroup's directory and of all below it, ascending, *n of them. The
 * caller frees *out. One that is removed meanwhile is passed over. Errors: as
 * kpage_cgroup_ino(); -ENOMEM.
 */
int kpage_cgroup_subtree(struct kpage_ctx *ctx, const char *path, uint64_t **out, size_t *n);

/*
 * The cgroup that a task's memory is charged to, as /proc/PID/cgroup names it: by its
 * path in the hierarchy, "/" for the root. That of the v1 memory hierarchy where there
 * is one, else that of v2, of which an ancestor may be charged instead: see
 * kpage_cgroup_has_memory(). The caller frees *out. Errors: -ESRCH no such task;
 * -ENOENT the kernel has no such hierarchy.
 */
int kpage_cgroup_of_task(struct kpage_ctx *ctx, pid_t tid, char **out);

/* --------------------------------------------------------------- NUMA nodes */

/* Which node each page is on, as it was when this was made. */
struct kpage_nodes;

/*
 * From the memory blocks of /sys/devices/system/node, and where nodes share one from
 * /proc/zoneinfo. Errors: -ENOENT the kernel knows no nodes (no CONFIG_NUMA); -EUCLEAN the
 * size of a memory block is no number; -ENOMEM.
 */
int kpage_nodes_new(struct kpage_ctx *ctx, struct kpage_nodes **out);
void kpage_nodes_free(struct kpage_nodes *nodes);

/* Whether there is a node of that number. */
bool kpage_nodes_has(const struct kpage_nodes *nodes, unsigned int node);

/*
 * The node of a page; in a memory block that nodes share, that whose zone it is in, or
 * the lowest of them if no zone is known. -ENXIO: of none, or not known (a kernel with
 * several nodes and without memory blocks).
 */
int kpage_nodes_find(const struct kpage_nodes *nodes, uint64_t pfn);

/* --------------------------------------------------------------- idle pages */

/* /sys/kernel/mm/page_idle/bitmap: pages marked there lose the mark (flag idle)
 * when they are accessed. */
struct kpage_idle;

/* -ENOENT: the kernel was built without CONFIG_IDLE_PAGE_TRACKING. */
int kpage_idle_open(struct kpage_ctx *ctx, struct kpage_idle **out);

/* Marks a page, together with its neighbours: what is still to be written is
 * written by kpage_idle_flush(). -ENXIO: no such page. */
int kpage_idle_mark(struct kpage_idle *idle, uint64_t pfn);
int kpage_idle_flush(struct kpage_idle *idle);
void kpage_idle_free(struct kpage_idle *idle);

/* ----------------------------------------------------------------- hwpoison */

/* The files of the hwpoison-inject module, <debugfs>/hwpoison/. */
struct kpage_hwpoison;

/*
 * Finds debugfs among the mounts. Errors: -ENODEV debugfs is not mounted;
 * -ENOENT it has no hwpoison directory (the module is not loaded); -EACCES.
 */
int kpage_hwpoison_open(struct kpage_ctx *ctx, struct kpage_hwpoison **out);
void kpage_hwpoison_free(struct kpage_hwpoison *hp);

/* The directory, for messages. Borrowed. */
const char *kpage_hwpoison_dir(const struct kpage_hwpoison *hp);

/*
 * Writes a PFN to corrupt-pfn. Synchronous: on return the signals are sent.
 * The result says little: 0 can mean "filtered", -EBUSY and -EHWPOISON can mean
 * that the page is poisoned now. Look at its flags. Errors: -EPERM lockdown or
 * no CAP_SYS_ADMIN; -ENXIO no such page; -EINVAL for PFN 0, which is never
 * written (it is what hidden PFNs read as).
 */
int kpage_hwpoison_inject(struct kpage_hwpoison *hp, uint64_t pfn);

/*
 * Writes a PFN to unpoison-pfn. -EBUSY: not poisoned, still mapped or used, or a
 * hugetlb tail (give the head); -EOPNOTSUPP: a hardware memory failure has
 * happened since boot; -EIO: not online.
 */
int kpage_hwpoison_unpoison(struct kpage_hwpoison *hp, uint64_t pfn);

/* corrupt-filter-*: which failures the kernel lets through. */
struct kpage_hwpoison_filter {
	bool enable;		/* false: the kernel looks at none of the others */
	uint32_t dev_major;	/* UINT32_MAX: any */
	uint32_t dev_minor;
	uint64_t flags_mask;	/* 0: any */
	uint64_t flags_value;
	uint64_t memcg;		/* 0: any */
	bool has_memcg;		/* this kernel has the file */
};

/* -EUCLEAN: a file holds no number. */
int kpage_hwpoison_filter_read(struct kpage_hwpoison *hp, struct kpage_hwpoison_filter *out);

/*
 * Writes all fields, enable first when it is turned off and last when it is
 * turned on, and reads them back. -EIO: the kernel holds something else;
 * -EOPNOTSUPP: memcg is wanted and the kernel has no such file.
 */
int kpage_hwpoison_filter_write(struct kpage_hwpoison *hp, const struct kpage_hwpoison_filter *f);

/* Whether any condition is set, enabled or not. */
bool kpage_hwpoison_filter_is_set(const struct kpage_hwpoison_filter *f);

/* HardwareCorrupted of /proc/meminfo, in kB. -ENOENT: the kernel was built
 * without memory failure handling. */
int kpage_hardware_corrupted(struct kpage_ctx *ctx, uint64_t *kb);

/* ----------------------------------------------- offlining, and its counters */

/*
 * Writes the page's address to hard_offline_page of sysfs: the kernel treats it as
 * an uncorrected memory error that was found, without the hwpoison-inject module.
 * Synchronous. As with kpage_hwpoison_inject(), the page's flag is the truth: 0 can
 * mean "filtered", and -EBUSY and -EHWPOISON that it is poisoned now. Errors: -EPERM
 * no CAP_SYS_ADMIN; -ENOENT the kernel was built without memory failure handling;
 * -ENXIO no such page, or it is in an offline block (-EBUSY from 7.3 on, where there
 * is no struct page); -EHWPOISON poisoned already; -EINVAL for PFN 0, which is never
 * written (it is what hidden PFNs read as); -EXDEV the context is a tree of copies
 * that leads to the machine's own files.
 */
int kpage_offline_hard(struct kpage_ctx *ctx, uint64_t pfn);

/*
 * The same with soft_offline_page: the page's contents move to another page, and it
 * is taken out of use and marked as poisoned; nobody is hurt. 0 also for a page that
 * was poisoned before. Errors: -EOPNOTSUPP the kernel's filter, or
 * vm.enable_soft_offline, forbids it; -EIO not such a page (slab, reserved, page
 * table, zero page: not marked), or it is in an offline block; -ENOTRECOVERABLE
 * reserved, from 7.3 on; -EBUSY it is in use in a way that it can't be moved; -ENXIO
 * no such page; -EPERM, -ENOENT, -EINVAL and -EXDEV as above.
 */
int kpage_offline_soft(struct kpage_ctx *ctx, uint64_t pfn);

/* Whether the caller may write to those files: 0; -ENOENT the kernel was built without
 * memory failure handling; -EACCES. */
int kpage_offline_check(struct kpage_ctx *ctx);

/*
 * A setting of memory failure handling, /proc/sys/vm/<name>: memory_failure_early_kill,
 * memory_failure_recovery, enable_soft_offline (6.11), … -ENOENT: this kernel has none
 * of that name.
 */
int kpage_failure_setting(struct kpage_ctx *ctx, const char *name, uint64_t *out);

/*
 * Writes one and reads it back. The kernel asks for user 0, not for a capability.
 * Errors: -ENOENT; -EACCES, -EPERM; -EROFS (a container's /proc/sys); -EINVAL not a value
 * that it can have; -EIO the kernel holds another one afterwards; -EXDEV the context is a
 * tree of copies that leads to the machine's own files.
 */
int kpage_failure_setting_write(struct kpage_ctx *ctx, const char *name, uint64_t value);

/* What the kernel counts for a NUMA node since boot. A soft offline is not counted,
 * nor a page that was poisoned before; unpoisoning lowers nothing. */
struct kpage_node_failures {
	uint64_t total;
	uint64_t ignored, failed, delayed, recovered;	/* results */
};

/* -ENOENT: no such node, or the kernel does not count (before 6.3); -EUCLEAN: a file
 * holds no number. */
int kpage_node_failures(struct kpage_ctx *ctx, unsigned int node,
			struct kpage_node_failures *out);

/*
 * Whether the page is in a memory block that is offline (or going so): 1 or 0.
 * Errors: -ENXIO there is no block for that page; -ENOENT the kernel has no blocks
 * (no memory hotplug); -EUCLEAN.
 */
int kpage_block_is_offline(struct kpage_ctx *ctx, uint64_t pfn);

/*
 * The pages of all memory blocks but those that are offline: ascending, neighbours joined,
 * *n of them. The numbers of blocks have gaps, where there is no memory. The caller frees
 * *out (NULL if *n is 0). Errors: -ENOENT the kernel has no blocks (no memory hotplug), so
 * that nothing is known; -EUCLEAN the size of a block is no number; -ENOMEM; those of
 * open(2).
 */
int kpage_online_ranges(struct kpage_ctx *ctx, struct kpage_range **out, size_t *n);

/* -------------------------------------------------------------------- watch */

enum kpage_event_kind {
	KPAGE_EVENT_FAILURE,	/* the kernel handled a page: pfn, type, result */
	KPAGE_EVENT_SIGNAL,	/* a SIGBUS with a memory error code was sent: tid, comm, code, sent */
	KPAGE_EVENT_DELIVERED,	/* a task took such a signal: tid, comm, code, handler */
	KPAGE_EVENT_FAULT,	/* a task touched a poisoned page and is killed: tid, comm, address */
};

/* What became of the sending of a signal (include/trace/events/signal.h). */
enum kpage_signal_sent {
	KPAGE_SENT_DELIVERED,	/* queued */
	KPAGE_SENT_IGNORED,	/* the task ignores it */
	KPAGE_SENT_PENDING,	/* merged with one that was pending already */
	KPAGE_SENT_OVERFLOW,	/* queue full, not sent */
	KPAGE_SENT_LOST_INFO,	/* sent, without its code and address */
};

struct kpage_event {
	enum kpage_event_kind kind;
	uint64_t time_ns;	/* the trace clock, or kmsg's; only differences mean something */
	uint64_t pfn;		/* FAILURE; SIGNAL from kmsg, else 0 */
	char type[64];		/* FAILURE: the kernel's words, e.g. "dirty LRU page" */
	char result[16];	/* FAILURE: "Recovered", "Delayed", "Failed", "Ignored" */
	pid_t tid;		/* the receiver, in the initial PID namespace */
	char comm[16];
	int code;		/* BUS_MCEERR_AO, BUS_MCEERR_AR; 0: this source does not say */
	enum kpage_signal_sent sent;
	bool handler;		/* DELIVERED: to a handler; otherwise it is the default action */
	uint64_t address;	/* FAULT: bytes */
};

/* Follows the kernel's memory failures from its creation on. */
struct kpage_watch;

/*
 * Uses an instance of its own in tracefs (events signal_generate,
 * signal_deliver and memory_failure_event) and /dev/kmsg for the addresses of
 * faults; where tracefs is not there, /dev/kmsg alone. Errors: -ENODEV neither
 * can be had on this system (also: not a live context); -EACCES or -EPERM both
 * are refused; -ENOMEM. kpage_ctx_error_path() names what was missing. The context
 * must outlive the watch.
 */
int kpage_watch_new(struct kpage_ctx *ctx, struct kpage_watch **out);

/* Removes the instance. */
void kpage_watch_free(struct kpage_watch *w);

/* Whether events come from tracefs. If not, signals carry no code and no
 * KPAGE_EVENT_DELIVERED is seen. */
bool kpage_watch_has_trace(const struct kpage_watch *w);

/* Whether fault addresses can be known (/dev/kmsg is readable). */
bool kpage_watch_has_kmsg(const struct kpage_watch *w);

/*
 * Hands every event that happened until now to `event`, ordered within each source, and a
 * KPAGE_EVENT_FAULT before the signal that it explains; does not block. A nonzero return of
 * `event` ends it and is the result; the rest comes with the next call. An error is returned
 * after what could be read was handed out. A loss is not an error: see kpage_watch_lost().
 * To lose nothing, call it at least once every 300 injections: the kernel's log is short.
 */
int kpage_watch_read(struct kpage_watch *w, int (*event)(const struct kpage_event *, void *),
		     void *arg);

/*
 * Waits until there may be something to read, timeout_ms at most (negative: without an
 * end). 1: there may be; 0: the time is over, or a signal was caught. 1 does not promise
 * an event: the kernel's log has lines about anything. Errors: -ENOMEM, those of poll(2).
 */
int kpage_watch_wait(struct kpage_watch *w, int timeout_ms);

/*
 * How many events were overwritten before they were read, since the start: trace
 * records, plus records of the kernel's log, whatever they were about. With
 * kpage_watch_has_trace() only fault addresses can be among the latter, and where the
 * trace shows that there was no fault, none counts as lost.
 */
uint64_t kpage_watch_lost(const struct kpage_watch *w);

/* ------------------------------------------------------------------ version */

/* "MAJOR.MINOR.PATCH" of the library. */
const char *kpage_version(void);

#ifdef __cplusplus
}
#endif
