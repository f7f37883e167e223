// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way to the monitor is a port: a line "ID COMMAND" there, lines "ID line TEXT" back, at
 * last "ID end" or "ID error TEXT". See tools/hwpoison-lab/monitor.sh.
 */
#include "common/vm-monitor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "common/cpus.h"
#include "common/util.h"

#define PORTS "/sys/class/virtio-ports"
#define CHECK_INTERVAL "/sys/devices/system/machinecheck/machinecheck0/check_interval"
#define PORT_NAME "lab.monitor"
/* How long the monitor looks for the moment, and we for its answer. */
#define AIM_S 10
#define ANSWER_S 60
#define BUSY_TRIES 100

struct vm_monitor {
	struct kpage_ctx *ctx;
	int fd;
	char words[256];	/* of its answer */
	char buf[512];		/* what was read of it */
	size_t length;
};

void vm_check_text(const struct vm_check *c, char buf[VM_CHECK_TEXT])
{
	char cpu[24] = "%", aim[96] = "", any[24] = "any", vaddr[24] = "-";

	if (!c->user_mode || !c->any_cpu) {
		snprintf(cpu, sizeof(cpu), "%" PRIu64, c->cpu);
		snprintf(any, sizeof(any), "%" PRIu64, c->cpu);
	}
	if (c->has_vaddr)
		snprintf(vaddr, sizeof(vaddr), "0x%" PRIx64, c->vaddr);
	if (c->user_mode)
		snprintf(aim, sizeof(aim), "aim %s %s 0x%" PRIx64 " %d ", any, vaddr, c->addr, AIM_S);
	snprintf(buf, VM_CHECK_TEXT,
		 "%smce %s%s %" PRIu64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64, aim,
		 c->broadcast ? "-b " : "", cpu, c->bank, c->status, c->mcgstatus, c->addr, c->misc);
}

/* ------------------------------------------------------------------------- the port */

static bool is_port(struct kpage_ctx *ctx, const char *name)
{
	char path[320], text[64];

	snprintf(path, sizeof(path), PORTS "/%s/name", name);
	return !kpage_ctx_read_line(ctx, path, text, sizeof(text)) && !strcmp(text, PORT_NAME);
}

static int find_port(struct kpage_ctx *ctx, char *path, size_t size)
{
	int fd = kpage_ctx_open(ctx, PORTS, O_RDONLY | O_DIRECTORY), err = -ENODEV;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return fd == -ENOENT ? -ENODEV : fd < 0 ? fd : -ENOMEM;
	}
	while (err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && is_port(ctx, entry->d_name)) {
			snprintf(path, size, "/dev/%s", entry->d_name);
			err = 0;
		}
	closedir(dir);
	return err;
}

/* It has room for one at a time, which is all the locking there is. */
static int open_port(struct kpage_ctx *ctx, const char *path)
{
	const struct timespec nap = { .tv_nsec = 100 * 1000 * 1000 };
	int fd;

	for (int i = 0; i < BUSY_TRIES; i++) {
		fd = kpage_ctx_open(ctx, path, O_RDWR);
		if (fd != -EBUSY)
			break;
		nanosleep(&nap, NULL);
	}
	return fd;
}

int vm_monitor_open(struct kpage_ctx *ctx, struct vm_monitor **out)
{
	char path[320];
	int err = find_port(ctx, path, sizeof(path)), fd;

	if (err)
		return err;
	fd = open_port(ctx, path);
	if (fd < 0)
		return fd;
	*out = xcalloc(1, sizeof(**out));
	(*out)->fd = fd;
	(*out)->ctx = ctx;
	return 0;
}

void vm_monitor_free(struct vm_monitor *vm)
{
	if (!vm)
		return;
	close(vm->fd);
	free(vm);
}

const char *vm_monitor_words(const struct vm_monitor *vm)
{
	return vm->words;
}

/* ---------------------------------------------------------------------- the answer */

/* The next line, without its end. 1, 0 none yet, or a negative errno. */
static int take_line(struct vm_monitor *vm, char *line, size_t size)
{
	char *end = memchr(vm->buf, '\n', vm->length);
	size_t length;

	if (!end && vm->length == sizeof(vm->buf))
		end = vm->buf + vm->length - 1;
	if (!end)
		return 0;
	length = (size_t)(end - vm->buf);
	snprintf(line, size, "%.*s", (int)length, vm->buf);
	vm->length -= length + 1;
	memmove(vm->buf, end + 1, vm->length);
	return 1;
}

static int read_more(struct vm_monitor *vm, const struct timespec *since)
{
	struct pollfd pfd = { .fd = vm->fd, .events = POLLIN };
	double left = ANSWER_S - seconds_since(since);
	ssize_t n;

	if (left <= 0 || poll(&pfd, 1, (int)(left * 1000)) == 0)
		return -ETIMEDOUT;
	n = read(vm->fd, vm->buf + vm->length, sizeof(vm->buf) - vm->length);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (!n)
		return -EPIPE;
	vm->length += (size_t)n;
	return 0;
}

/* A line of our answer: 1 there is more to come, 0 it is the end, or a negative errno. What
 * is left of an answer that nobody waited for has another number. */
static int take_answer(struct vm_monitor *vm, const char *line)
{
	char word[8] = "";
	int id, at = 0;

	if (sscanf(line, "%d %7s %n", &id, word, &at) < 2 || id != getpid())
		return 1;
	if (!strcmp(word, "end"))
		return *vm->words ? -EREMOTEIO : 0;
	if (!at)
		at = (int)strlen(line);
	snprintf(vm->words, sizeof(vm->words), "%s", line + at);
	return strcmp(word, "error") != 0 ? 1 : -EREMOTEIO;
}

static int wait_answer(struct vm_monitor *vm)
{
	char line[sizeof(vm->buf)];
	struct timespec start;
	int result = 1;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (result > 0) {
		int err = take_line(vm, line, sizeof(line));

		if (err > 0)
			result = take_answer(vm, line);
		else
			err = read_more(vm, &start);
		if (err < 0)
			return err;
	}
	return result;
}

static int write_interval(struct kpage_ctx *ctx, unsigned long seconds)
{
	_cleanup_close_ int fd = kpage_ctx_open(ctx, CHECK_INTERVAL, O_WRONLY);

	if (fd < 0)
		return fd;
	return dprintf(fd, "%lu\n", seconds) < 0 ? -errno : 0;
}

/*
 * Another interval makes the kernel look at all banks, log what is there and clear them: the
 * corrected error that has just been put there, and the first bank of each CPU that a
 * broadcast came to. The kernel leaves that alone, as one that was not signalled, and a
 * second error there would be one with lost events.
 */
static int have_banks_polled(struct kpage_ctx *ctx)
{
	char text[32];
	unsigned long seconds;
	int err = kpage_ctx_read_line(ctx, CHECK_INTERVAL, text, sizeof(text)), back;

	if (err)
		return err;
	seconds = strtoul(text, NULL, 10);
	err = write_interval(ctx, seconds + 1);
	back = write_interval(ctx, seconds);
	return err ? err : back;
}

static void settle(struct vm_monitor *vm)
{
	int err;

	/* The machine knows no second one while the first is handled: it would be reset. */
	cpus_visit_all();
	err = have_banks_polled(vm->ctx);
	if (err)
		warn(CHECK_INTERVAL ": %s: the kernel looks at its banks when it is time to",
		     strerror(-err));
}

int vm_monitor_raise(struct vm_monitor *vm, const struct vm_check *check)
{
	char text[VM_CHECK_TEXT], line[VM_CHECK_TEXT + 16];
	int length, err;

	vm_check_text(check, text);
	length = snprintf(line, sizeof(line), "%d %s\n", (int)getpid(), text);
	*vm->words = '\0';
	if (write(vm->fd, line, (size_t)length) != length)
		return -errno;
	err = wait_answer(vm);
	settle(vm);
	return err;
}
