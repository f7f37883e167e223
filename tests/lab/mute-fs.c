// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mute-fs: a FUSE file system with one file, "file", of 16 pages; a process below it has
 * that open and cached. Prints "ready", with that process's number; from SIGUSR1 on it
 * answers nothing any more, until it is killed.
 * Usage: mute-fs MOUNTPOINT
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SIZE	 (16 * 4096)
#define FILE_ID	 2
#define VALID_S	 100000
/* At least a request of the largest write that is offered. */
#define REQUESTS (1 << 20)

static volatile sig_atomic_t mute;
static char request[REQUESTS], content[SIZE];

static void die(const char *what)
{
	fprintf(stderr, "mute-fs: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void on_usr1(int signo)
{
	(void)signo;
	mute = 1;
}

static void answer(int fd, const struct fuse_in_header *in, int error, const void *data, size_t len)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + len), .error = -error, .unique = in->unique,
	};
	const struct iovec iov[] = { { &out, sizeof(out) }, { (void *)data, len } };

	/* ENOENT: nobody waits for it any more. */
	if (writev(fd, iov, 2) < 0 && errno != ENOENT)
		die("answer");
}

static struct fuse_attr attr_of(uint64_t id)
{
	return (struct fuse_attr){
		.ino = id,
		.size = id == FILE_ID ? SIZE : 0,
		.mode = id == FILE_ID ? S_IFREG | 0444 : S_IFDIR | 0555,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void answer_read(int fd, const struct fuse_in_header *in)
{
	const struct fuse_read_in *arg = (const void *)(in + 1);
	uint64_t from = arg->offset < SIZE ? arg->offset : SIZE;
	size_t left = (size_t)(SIZE - from);

	answer(fd, in, 0, content + from, arg->size < left ? arg->size : left);
}

static void serve(int fd, const struct fuse_in_header *in)
{
	const struct fuse_init_in *init = (const void *)(in + 1);
	const struct fuse_init_out init_out = {
		.major = FUSE_KERNEL_VERSION, .minor = init->minor, .max_write = 65536,
	};
	const struct fuse_entry_out entry = {
		.nodeid = FILE_ID, .entry_valid = VALID_S, .attr_valid = VALID_S, .attr = attr_of(FILE_ID),
	};
	const struct fuse_attr_out attr = { .attr_valid = VALID_S, .attr = attr_of(in->nodeid) };
	const struct fuse_open_out open_out = { .open_flags = FOPEN_KEEP_CACHE };
	const struct fuse_statfs_out statfs_out = { .st.bsize = 4096, .st.namelen = 255 };

	switch (in->opcode) {
	case FUSE_INIT:
		answer(fd, in, 0, &init_out, sizeof(init_out));
		break;
	case FUSE_LOOKUP:
		if (strcmp((const char *)(in + 1), "file") != 0)
			answer(fd, in, ENOENT, NULL, 0);
		else
			answer(fd, in, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(fd, in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(fd, in, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_READ:
		answer_read(fd, in);
		break;
	case FUSE_STATFS:
		answer(fd, in, 0, &statfs_out, sizeof(statfs_out));
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		answer(fd, in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(fd, in, ENOSYS, NULL, 0);
	}
}

/* Reads the file, and keeps it open. */
static void be_reader(const char *dir, int fuse, pid_t parent)
{
	char path[4096], buf[SIZE];
	int fd;

	close(fuse);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		exit(1);
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, buf, SIZE) != SIZE)
		die(path);
	printf("mute-fs: ready, reader %d\n", (int)getpid());
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const struct sigaction usr1 = { .sa_handler = on_usr1 };
	pid_t parent = getpid();
	char options[128];
	int fd;

	if (argc != 2)
		return 2;
	memset(content, 'x', sizeof(content));
	sigaction(SIGUSR1, &usr1, NULL);
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (mount("mute-fs", argv[1], "fuse.mute", MS_NOSUID | MS_NODEV, options))
		die(argv[1]);
	if (fork() == 0)
		be_reader(argv[1], fd, parent);
	while (!mute) {
		ssize_t n = read(fd, request, sizeof(request));

		if (n >= (ssize_t)sizeof(struct fuse_in_header) && !mute)
			serve(fd, (const struct fuse_in_header *)(const void *)request);
		else if (n < 0 && errno != EINTR && errno != ENOENT && errno != EAGAIN)
			die("/dev/fuse");
	}
	for (;;)
		pause();
}
