// SPDX-License-Identifier: GPL-2.0-or-later
/* A child process that a unit test holds: starting it, waiting for what it does. */
#include "victim.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* A test that fails does not let go of it, and what is held does not end. */
static struct kpage_remote *held;

int victim_setup(void **state)
{
	struct victim *v = calloc(1, sizeof(*v));

	assert_non_null(v);
	assert_int_equal(kpage_ctx_new(NULL, &v->ctx), 0);
	v->shared = mmap(NULL, sizeof(*v->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(v->shared, MAP_FAILED);
	*state = v;
	return 0;
}

int victim_teardown(void **state)
{
	struct victim *v = *state;

	if (v->pid) {
		kill(v->pid, SIGKILL);
		kpage_remote_detach(held);
		held = NULL;
		waitpid(v->pid, NULL, 0);
	}
	munmap(v->shared, sizeof(*v->shared));
	kpage_ctx_free(v->ctx);
	free(v);
	return 0;
}

void victim_start(struct victim *v, void (*main)(struct shared *s))
{
	pid_t parent = getpid();
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	v->shared->pipe[0] = fds[0];
	v->shared->pipe[1] = fds[1];
	v->pid = fork();
	assert_true(v->pid >= 0);
	if (v->pid) {
		close(fds[0]);
		return;
	}
	fixture_end_with(parent);
	/* In an orphaned process group, which is what setsid starts, SIGTSTP stops nobody. */
	setpgid(0, 0);
	main(v->shared);
	v->shared->finished = 1;
	_exit(0);
}

static struct shared *handler_shared;

static void note_signal(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	(void)signo;
	handler_shared->info = *info;
#if defined(__x86_64__)
	handler_shared->ip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	handler_shared->ip = uc->uc_mcontext.pc;
#endif
	handler_shared->handled++;
}

void victim_catch(struct shared *s, int signo, int flags)
{
	struct sigaction sa = { .sa_sigaction = note_signal, .sa_flags = SA_SIGINFO | flags };

	handler_shared = s;
	sigaction(signo, &sa, NULL);
}

void victim_ready(struct shared *s)
{
	s->ready = 1;
	while (!s->go)
		sched_yield();
}

/* Whether the polling may go on; a short pause. */
static bool patience(unsigned int *round)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return ++*round < 30000;
}

void wait_value(const volatile int *value, int wanted)
{
	unsigned int round = 0;

	while (*value != wanted)
		assert_true(patience(&round));
}

void wait_count(const volatile long *value, long above)
{
	unsigned int round = 0;

	while (*value <= above)
		assert_true(patience(&round));
}

void wait_state(struct victim *v, pid_t tid, char state)
{
	unsigned int round = 0;
	struct kpage_task task;

	for (;;) {
		assert_int_equal(kpage_task_read(v->ctx, tid, &task), 0);
		if (task.state == state)
			return;
		assert_true(patience(&round));
	}
}

long current_call(pid_t tid, uint64_t *ip)
{
	char path[64], text[256] = "";
	uint64_t pc = 0;
	long nr = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)tid);
	f = fopen(path, "r");
	assert_non_null(f);
	if (fgets(text, sizeof(text), f) && sscanf(text, "%ld", &nr) == 1 && strrchr(text, ' '))
		sscanf(strrchr(text, ' '), " %" SCNx64, &pc);
	fclose(f);
	if (ip)
		*ip = pc;
	return nr;
}

void wait_in_call(struct victim *v, long nr)
{
	unsigned int round = 0;
	long now;

	do {
		assert_true(patience(&round));
		wait_state(v, v->pid, 'S');
		now = current_call(v->pid, NULL);
	} while (now != nr && now != SYS_restart_syscall);
}

int victim_wait(struct victim *v)
{
	int status = 0;

	assert_int_equal(waitpid(v->pid, &status, 0), v->pid);
	v->pid = 0;
	return status;
}

struct kpage_remote *victim_hold(struct victim *v, pid_t tid)
{
	struct kpage_remote *r = NULL;

	assert_int_equal(kpage_remote_attach(v->ctx, tid, &r), 0);
	assert_non_null(r);
	held = r;
	return r;
}

void check_call(struct victim *v, struct kpage_remote *r)
{
	const uint64_t none[6] = { 0 };
	long result = 0;

	assert_int_equal(kpage_remote_syscall(r, SYS_getpid, none, &result), 0);
	assert_int_equal(result, v->pid);
}

void release(struct kpage_remote *r)
{
	held = NULL;
	assert_int_equal(kpage_remote_detach(r), 0);
}

void release_dead(struct kpage_remote *r)
{
	held = NULL;
	assert_int_equal(kpage_remote_detach(r), -ESRCH);
}

void disturb(struct victim *v)
{
	struct kpage_remote *r = victim_hold(v, v->pid);

	check_call(v, r);
	assert_int_equal(kpage_remote_load(r, (uint64_t)(uintptr_t)v->shared, NULL), 0);
	check_call(v, r);
	release(r);
}
