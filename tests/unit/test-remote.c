// SPDX-License-Identifier: GPL-2.0-or-later
/* A system call and a load in another task: what they do, that the task goes on as if
 * nothing had been, and which tasks can't be held. */
#include "victim.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/rseq.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

/* -------------------------------------------------------------------- what it does */

static void pause_forever(struct shared *s)
{
	s->ready = 1;
	for (;;)
		pause();
}

static void start_pausing(struct victim *v)
{
	victim_start(v, pause_forever);
	wait_value(&v->shared->ready, 1);
}

static bool has_mapping(struct victim *v, uint64_t address)
{
	struct kpage_maps *maps;
	struct kpage_vma vma;
	bool found = false;

	assert_int_equal(kpage_maps_open(v->ctx, v->pid, &maps), 0);
	while (kpage_maps_next(maps, &vma) == 1)
		found |= address >= vma.start && address < vma.end;
	kpage_maps_free(maps);
	return found;
}

static void test_syscall(void **state)
{
	struct victim *v = *state;
	uint64_t map[6] = { 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0 };
	const uint64_t bad[6] = { UINT64_MAX };
	struct kpage_remote *r;
	long result, address;

	start_pausing(v);
	r = victim_hold(v, v->pid);
	check_call(v, r);
	assert_int_equal(kpage_remote_syscall(r, SYS_close, bad, &result), 0);
	assert_int_equal(result, -EBADF);
	assert_int_equal(kpage_remote_syscall(r, SYS_mmap, map, &address), 0);
	assert_true(address > 0 && has_mapping(v, (uint64_t)address));
	/* The sixth argument arrives, too. */
	map[5] = 1;
	assert_int_equal(kpage_remote_syscall(r, SYS_mmap, map, &result), 0);
	assert_int_equal(result, -EINVAL);
	map[0] = (uint64_t)address;
	assert_int_equal(kpage_remote_syscall(r, SYS_munmap, map, &result), 0);
	assert_int_equal(result, 0);
	assert_false(has_mapping(v, (uint64_t)address));
	release(r);
	wait_in_call(v, SYS_pause);
}

static uint64_t pagemap_entry(struct victim *v, uint64_t address)
{
	struct kpage_file *f;
	uint64_t entry;

	assert_int_equal(kpage_file_open_pagemap(v->ctx, v->pid, &f), 0);
	assert_int_equal(kpage_file_read(f, address / kpage_page_size(), &entry, 1), 1);
	kpage_file_free(f);
	return entry;
}

/* Three pages: one that can be read, one that can't, one beyond the end of its file. */
static uint8_t *map_load_pages(void)
{
	const size_t size = kpage_page_size();
	uint8_t *pages = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("empty", 0);

	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_true(fd >= 0);
	assert_int_equal(mprotect(pages + size, size, PROT_NONE), 0);
	assert_ptr_equal(mmap(pages + 2 * size, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0),
			 pages + 2 * size);
	close(fd);
	return pages;
}

static void catch_faults(struct shared *s)
{
	victim_catch(s, SIGSEGV, 0);
	victim_catch(s, SIGBUS, 0);
	victim_catch(s, SIGTRAP, 0);
	victim_ready(s);
}

static void check_fault(struct kpage_remote *r, uint64_t address, int signo, int code)
{
	struct kpage_siginfo info = { 0 };

	assert_int_equal(kpage_remote_load(r, address, &info), 1);
	assert_int_equal(info.signo, signo);
	assert_int_equal(info.code, code);
	assert_int_equal(info.address, address);
	assert_int_equal(kpage_remote_load(r, address, NULL), 1);
}

static void test_load(void **state)
{
	struct victim *v = *state;
	const uint64_t size = kpage_page_size();
	const uint64_t pages = (uint64_t)(uintptr_t)map_load_pages();
	struct kpage_remote *r;
	struct kpage_siginfo info;

	victim_start(v, catch_faults);
	wait_value(&v->shared->ready, 1);
	r = victim_hold(v, v->pid);
	/* The victim itself touches the page. */
	assert_false(pagemap_entry(v, pages) & KPAGE_PM_PRESENT);
	assert_int_equal(kpage_remote_load(r, pages + 5, &info), 0);
	assert_true(pagemap_entry(v, pages) & KPAGE_PM_PRESENT);
	assert_int_equal(kpage_remote_load(r, pages + size - 1, &info), 0);
	check_fault(r, pages + size, SIGSEGV, SEGV_ACCERR);
	check_fault(r, pages + 2 * size + 17, SIGBUS, BUS_ADRERR);
	check_fault(r, 8, SIGSEGV, SEGV_MAPERR);
	assert_int_equal(kpage_remote_load(r, pages, NULL), 0);
	check_call(v, r);
	assert_int_equal(kpage_remote_siginfo(r, &info), 0);
	release(r);
	v->shared->go = 1;
	wait_value(&v->shared->finished, 1);
	/* The faults were not its own. */
	assert_int_equal(v->shared->handled, 0);
	munmap((void *)(uintptr_t)pages, 3 * size);
}

/* A signal that is forced on a task that ignores it would not be ignored any more. */
static void ignore_trap(struct shared *s)
{
	signal(SIGTRAP, SIG_IGN);
	pause_forever(s);
}

static void test_load_refused(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r;

	victim_start(v, ignore_trap);
	wait_value(&v->shared->ready, 1);
	r = victim_hold(v, v->pid);
	assert_int_equal(kpage_remote_load(r, (uint64_t)(uintptr_t)v->shared, NULL), -EOPNOTSUPP);
	check_call(v, r);
	release(r);
}

/* ------------------------------------------------------------- as if nothing had been */

static uint64_t step(uint64_t x, double *f)
{
	*f = *f * 0.5 + (double)(x >> 40);
	x ^= x << 13;
	x ^= x >> 7;
	return x ^ x << 17;
}

/* The same computation twice; a register that is not put back makes them differ. */
static void compute(struct shared *s)
{
	uint64_t a = 88172645463325252, b = a;
	double f = 1, g = 1;

	s->ready = 1;
	while (!s->go) {
		for (int i = 0; i < 1000; i++)
			a = step(a, &f);
		for (int i = 0; i < 1000; i++)
			b = step(b, &g);
		if (a != b || f != g)
			_exit(9);
		s->count++;
	}
}

static void test_running(void **state)
{
	struct victim *v = *state;

	victim_start(v, compute);
	wait_value(&v->shared->ready, 1);
	for (int i = 0; i < 200; i++)
		disturb(v);
	wait_count(&v->shared->count, v->shared->count + 1);
	v->shared->go = 1;
	assert_int_equal(victim_wait(v), 0);
}

static void *count_on(void *arg)
{
	struct shared *s = arg;

	s->tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		s->count++;
	return NULL;
}

static void run_two_threads(struct shared *s)
{
	pthread_t thread;

	pthread_create(&thread, NULL, count_on, s);
	wait_count(&s->count, 0);
	pause_forever(s);
}

/* Each thread by itself; the other runs on. */
static void test_threads(void **state)
{
	struct victim *v = *state;
	const uint64_t none[6] = { 0 };
	struct kpage_remote *r;
	long result;

	victim_start(v, run_two_threads);
	wait_value(&v->shared->ready, 1);
	r = victim_hold(v, v->pid);
	check_call(v, r);
	wait_count(&v->shared->count, v->shared->count);
	release(r);
	r = victim_hold(v, v->shared->tid);
	assert_int_equal(kpage_remote_syscall(r, SYS_gettid, none, &result), 0);
	assert_int_equal(result, v->shared->tid);
	release(r);
	wait_count(&v->shared->count, v->shared->count);
}

#if defined(__x86_64__)
static struct rseq *own_rseq(void)
{
	extern const ptrdiff_t __rseq_offset;
	extern const unsigned int __rseq_size;

	return __rseq_size ? (void *)((char *)__builtin_thread_pointer() + __rseq_offset) : NULL;
}

/* Waits for `go` within a restartable sequence. If it is aborted, it is counted, and tried
 * once more. 0x53053053 is the signature that glibc registers on x86. */
static void run_sequence(struct shared *s)
{
	struct rseq *rseq = own_rseq();

	if (!rseq)
		_exit(77);
	s->ready = 1;
	__asm__ volatile(".pushsection .data.rel, \"aw\"\n"
			 ".balign 32\n"
			 "3: .long 0, 0\n"
			 ".quad 1f, 2f - 1f, 4f\n"
			 ".popsection\n"
			 ".pushsection .text.unlikely, \"ax\"\n"
			 ".long 0x53053053\n"
			 "4: addq $1, %[count]\n"
			 "jmp 5f\n"
			 ".popsection\n"
			 "5: leaq 3b(%%rip), %%rax\n"
			 "movq %%rax, %[cs]\n"
			 "1: cmpl $0, %[go]\n"
			 "je 1b\n"
			 "2: movq $0, %[cs]\n"
			 : [cs] "=m"(rseq->rseq_cs), [count] "+m"(s->count)
			 : [go] "m"(s->go)
			 : "rax", "memory", "cc");
}

static void test_rseq(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r;
	long aborted;
	int status;

	if (!own_rseq())
		skip();
	victim_start(v, run_sequence);
	wait_value(&v->shared->ready, 1);
	/* It is in the sequence nearly all of the time; once in some tries is enough. */
	for (int i = 0; i < 20; i++) {
		r = victim_hold(v, v->pid);
		aborted = v->shared->count;
		check_call(v, r);
		release(r);
		wait_count(&v->shared->count, aborted);
	}
	v->shared->go = 1;
	status = victim_wait(v);
	assert_int_equal(status, 0);
}
#endif

/* ---------------------------------------------------------------- what can't be held */

static int try_to_hold(struct victim *v, pid_t tid)
{
	struct kpage_remote *untouched = (void *)v, *r = untouched;
	int err = kpage_remote_attach(v->ctx, tid, &r);

	if (err)
		assert_ptr_equal(r, untouched);
	else
		kpage_remote_detach(r);
	return err;
}

static void exit_at_once(struct shared *s)
{
	(void)s;
}

static void test_none(void **state)
{
	struct victim *v = *state;
	struct kpage_task task;

	assert_int_equal(try_to_hold(v, 0x7ffffff0), -ESRCH);
	assert_string_equal(kpage_ctx_error_path(v->ctx), "/proc/2147483632/status");
	/* The own thread. */
	assert_int_equal(try_to_hold(v, getpid()), -EPERM);
	victim_start(v, exit_at_once);
	wait_state(v, v->pid, 'Z');
	assert_int_equal(try_to_hold(v, v->pid), -ESRCH);
	if (kpage_task_read(v->ctx, 2, &task) || task.has_memory)
		skip();
	assert_int_equal(try_to_hold(v, 2), -EOPNOTSUPP);
	assert_int_equal(kpage_remote_detach(NULL), 0);
}

static void test_tree(void **state)
{
	struct fixture *fx = *state;
	struct kpage_remote *r;

	assert_int_equal(kpage_remote_attach(fx->ctx, 1, &r), -ENOSYS);
}

static void test_traced(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r;

	start_pausing(v);
	r = victim_hold(v, v->pid);
	assert_int_equal(try_to_hold(v, v->pid), -EBUSY);
	release(r);
	assert_int_equal(try_to_hold(v, v->pid), 0);
}

static void wait_for_vfork_child(struct shared *s)
{
	pid_t parent = getpid(), pid = vfork();

	if (!pid) {
		fixture_end_with(parent);
		victim_ready(s);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* It can't be stopped; given up, it is not traced any more. */
static void test_vfork(void **state)
{
	struct victim *v = *state;

	victim_start(v, wait_for_vfork_child);
	wait_value(&v->shared->ready, 1);
	wait_state(v, v->pid, 'D');
	assert_int_equal(try_to_hold(v, v->pid), -ETIMEDOUT);
	assert_int_equal(try_to_hold(v, v->pid), -ETIMEDOUT);
	v->shared->go = 1;
	assert_int_equal(victim_wait(v), 0);
}

static void test_killed(void **state)
{
	struct victim *v = *state;
	const uint64_t none[6] = { 0 };
	struct kpage_remote *r;
	struct kpage_siginfo info;
	long result;
	int status;

	start_pausing(v);
	r = victim_hold(v, v->pid);
	assert_int_equal(kill(v->pid, SIGKILL), 0);
	assert_int_equal(kpage_remote_syscall(r, SYS_getpid, none, &result), -ESRCH);
	assert_int_equal(kpage_remote_load(r, 0, NULL), -ESRCH);
	assert_int_equal(kpage_remote_siginfo(r, &info), -ESRCH);
	release_dead(r);
	/* How it ended is still there for its parent. */
	status = victim_wait(v);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

	start_pausing(v);
	r = victim_hold(v, v->pid);
	assert_int_equal(kill(v->pid, SIGKILL), 0);
	release_dead(r);
	victim_wait(v);
}

static void *pause_thread(void *arg)
{
	struct shared *s = arg;

	s->tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

static void *exec_thread(void *arg)
{
	victim_ready(arg);
	execl("/bin/sleep", "sleep", "1000", (char *)NULL);
	_exit(8);
}

static void exec_in_leader(struct shared *s)
{
	pthread_t thread;

	pthread_create(&thread, NULL, pause_thread, s);
	while (!s->tid)
		sched_yield();
	exec_thread(s);
}

static void exec_in_thread(struct shared *s)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_thread, s);
	for (;;)
		pause();
}

/* Another thread replaces the process, which ends the one that is held. */
static void check_exec(struct victim *v, void (*main)(struct shared *), bool leader)
{
	const uint64_t none[6] = { 0 };
	struct kpage_remote *r;
	unsigned int round = 0;
	long result;
	int err;

	memset(v->shared, 0, sizeof(*v->shared));
	victim_start(v, main);
	wait_value(&v->shared->ready, 1);
	r = victim_hold(v, leader ? v->pid : v->shared->tid);
	v->shared->go = 1;
	do {
		err = kpage_remote_syscall(r, SYS_gettid, none, &result);
		assert_true(round++ < 1000000);
	} while (!err);
	assert_int_equal(err, -ESRCH);
	release_dead(r);
	wait_in_call(v, SYS_clock_nanosleep);
	r = victim_hold(v, v->pid);
	check_call(v, r);
	release(r);
	wait_in_call(v, SYS_clock_nanosleep);
	kill(v->pid, SIGKILL);
	victim_wait(v);
}

static void test_exec(void **state)
{
	check_exec(*state, exec_in_leader, false);
	check_exec(*state, exec_in_thread, true);
}

/* ------------------------------------------------------------------------- sandboxes */

/* Kills for getpid, which the test will call. */
static void forbid_getpid(struct shared *s)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(77);
	victim_ready(s);
	syscall(SYS_getpid);
}

/* Takes CAP_SYS_ADMIN out of this thread's effective set, or gives it back. */
static bool allow_admin(bool allowed)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	const uint32_t bit = UINT32_C(1) << CAP_SYS_ADMIN;

	assert_int_equal(syscall(SYS_capget, &head, data), 0);
	if (!(data[0].permitted & bit))
		return false;
	data[0].effective = allowed ? data[0].effective | bit : data[0].effective & ~bit;
	assert_int_equal(syscall(SYS_capset, &head, data), 0);
	return true;
}

static void test_seccomp(void **state)
{
	struct victim *v = *state;
	int status;

	victim_start(v, forbid_getpid);
	wait_value(&v->shared->ready, 1);
	if (allow_admin(false)) {
		int err = try_to_hold(v, v->pid);

		allow_admin(true);
		assert_int_equal(err, -EACCES);
		disturb(v);
	} else {
		assert_int_equal(try_to_hold(v, v->pid), -EACCES);
	}
	/* The filter is in force again. */
	v->shared->go = 1;
	status = victim_wait(v);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static char dispatch_all = 1;

static void catch_all_calls(struct shared *s)
{
	victim_catch(s, SIGSYS, 0);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &dispatch_all))
		s->number = 77;
	s->ready = 1;
	while (!s->go)
		;
	dispatch_all = 0;
}

static void test_user_dispatch(void **state)
{
	struct victim *v = *state;
	const uint64_t none[6] = { 0 };
	struct kpage_remote *r;
	long result;

	victim_start(v, catch_all_calls);
	wait_value(&v->shared->ready, 1);
	if (v->shared->number)
		skip();
	r = victim_hold(v, v->pid);
	assert_int_equal(kpage_remote_syscall(r, SYS_getpid, none, &result), -EACCES);
	assert_int_equal(kpage_remote_load(r, (uint64_t)(uintptr_t)v->shared, NULL), 0);
	release(r);
	v->shared->go = 1;
	assert_int_equal(victim_wait(v), 0);
	assert_int_equal(v->shared->handled, 0);
}

#if defined(__x86_64__)
/* Jumps to a loop in a 32-bit code segment. */
static void run_32bit(struct shared *s)
{
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (code == MAP_FAILED)
		_exit(77);
	/* jmp to itself */
	memcpy(code, "\xeb\xfe", 2);
	s->ready = 1;
	__asm__ volatile("pushq $0x23; pushq %0; lretq" : : "r"((uint64_t)code));
}

static void test_32bit(void **state)
{
	struct victim *v = *state;
	unsigned int round = 0;
	int err;

	victim_start(v, run_32bit);
	wait_value(&v->shared->ready, 1);
	/* It may not have got there yet. */
	do
		err = try_to_hold(v, v->pid);
	while (!err && round++ < 1000);
	assert_int_equal(err, -EOPNOTSUPP);
	assert_int_equal(waitpid(v->pid, NULL, WNOHANG), 0);
}
#endif

int main(void)
{
	static const struct CMUnitTest tests[] = {
		VICTIM_TEST(test_syscall),
		VICTIM_TEST(test_load),
		VICTIM_TEST(test_load_refused),
		VICTIM_TEST(test_running),
#if defined(__x86_64__)
		VICTIM_TEST(test_rseq),
		VICTIM_TEST(test_32bit),
#endif
		VICTIM_TEST(test_threads),
		VICTIM_TEST(test_none),
		TREE_TEST(test_tree),
		VICTIM_TEST(test_traced),
		VICTIM_TEST(test_vfork),
		VICTIM_TEST(test_killed),
		VICTIM_TEST(test_exec),
		VICTIM_TEST(test_seccomp),
		VICTIM_TEST(test_user_dispatch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
