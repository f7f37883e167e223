// SPDX-License-Identifier: GPL-2.0-or-later
/* Signals and stops that reach a task while it is held: none is lost, each is taken at the
 * task's own place, and memory errors are told. */
#include "victim.h"

#include "remote-arch.h"

#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* --------------------------------------------------------------- at its own place */

static bool with_restart;
static int interrupting;

static void read_interrupted(struct shared *s)
{
	char c;

	victim_catch(s, interrupting, with_restart ? SA_RESTART : 0);
	s->result = read(s->pipe[0], &c, 1);
	s->error = errno;
}

/* A handler runs on the registers of the task, in the call that it was in. */
static void test_handler_place(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r;
	uint64_t ip;

	for (int i = 0; i < 4; i++) {
		with_restart = i % 2;
		/* One that is blocked while the task is held, and one that is kept for it. */
		interrupting = i / 2 ? SIGBUS : SIGUSR1;
		memset(v->shared, 0, sizeof(*v->shared));
		victim_start(v, read_interrupted);
		wait_in_call(v, SYS_read);
		current_call(v->pid, &ip);
		r = victim_hold(v, v->pid);
		assert_int_equal(kill(v->pid, interrupting), 0);
		check_call(v, r);
		assert_int_equal(v->shared->handled, 0);
		release(r);
		wait_value(&v->shared->handled, 1);
		assert_int_equal(v->shared->info.si_pid, getpid());
		/* Before the system call's instruction if it is to be restarted. */
		assert_int_equal(v->shared->ip, with_restart ? ip - REMOTE_CODE_SIZE : ip);
		if (with_restart) {
			wait_in_call(v, SYS_read);
			assert_int_equal(write(v->shared->pipe[1], "x", 1), 1);
		}
		assert_int_equal(victim_wait(v), 0);
		assert_int_equal(v->shared->result, with_restart ? 1 : -1);
		if (!with_restart)
			assert_int_equal(v->shared->error, EINTR);
		close(v->shared->pipe[1]);
	}
}

struct masks {
	char pending[32], shared_pending[32], blocked[32], ignored[32], caught[32];
};

static void read_masks(pid_t tid, struct masks *m)
{
	char path[64], line[256];
	FILE *f;

	memset(m, 0, sizeof(*m));
	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "SigPnd: %31s", m->pending);
		sscanf(line, "ShdPnd: %31s", m->shared_pending);
		sscanf(line, "SigBlk: %31s", m->blocked);
		sscanf(line, "SigIgn: %31s", m->ignored);
		sscanf(line, "SigCgt: %31s", m->caught);
	}
	fclose(f);
}

static void block_some(struct shared *s)
{
	const int blocked[] = { SIGUSR1, SIGSEGV, SIGTRAP, SIGRTMIN + 1 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(blocked); i++) {
		victim_catch(s, blocked[i], 0);
		sigaddset(&set, blocked[i]);
	}
	signal(SIGUSR2, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->ready = 1;
	for (;;)
		pause();
}

/* Blocked and pending signals, handlers: all as before, also where the kernel forced the
 * signal of a fault or a step meanwhile. */
static void test_signal_state(void **state)
{
	struct victim *v = *state;
	struct masks before, after;
	struct kpage_remote *r;

	victim_start(v, block_some);
	wait_value(&v->shared->ready, 1);
	wait_in_call(v, SYS_pause);
	assert_int_equal(kill(v->pid, SIGUSR1), 0);
	assert_int_equal(kill(v->pid, SIGRTMIN + 1), 0);
	assert_int_equal(syscall(SYS_tgkill, v->pid, v->pid, SIGSEGV), 0);
	read_masks(v->pid, &before);
	r = victim_hold(v, v->pid);
	check_call(v, r);
	assert_int_equal(kpage_remote_load(r, 8, NULL), 1);
	assert_int_equal(kpage_remote_load(r, (uint64_t)(uintptr_t)v->shared, NULL), 0);
	release(r);
	wait_in_call(v, SYS_pause);
	read_masks(v->pid, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(v->shared->handled, 0);
}

/* ------------------------------------------------------------------ memory errors */

static bool block_bus;

static void take_bus(struct shared *s)
{
	sigset_t set;

	victim_catch(s, SIGBUS, 0);
	victim_catch(s, SIGSEGV, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	sigaddset(&set, SIGSEGV);
	if (block_bus)
		sigprocmask(SIG_BLOCK, &set, NULL);
	victim_ready(s);
	if (block_bus)
		sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* A task may send itself what only the kernel else can. */
static void forge(struct victim *v, struct kpage_remote *r, int code)
{
	const uint64_t pid = (uint64_t)v->pid;
	siginfo_t *info = &v->shared->info;
	const uint64_t args[6] = { pid, pid, SIGBUS, (uint64_t)(uintptr_t)info };
	long result;

	memset(info, 0, sizeof(*info));
	info->si_signo = SIGBUS;
	info->si_code = code;
	info->si_addr = (void *)0x5000;
	info->si_addr_lsb = 12;
	assert_int_equal(kpage_remote_syscall(r, SYS_rt_tgsigqueueinfo, args, &result), 0);
	assert_int_equal(result, 0);
	memset(info, 0, sizeof(*info));
}

static void check_info(const siginfo_t *info, int code)
{
	assert_int_equal(info->si_signo, SIGBUS);
	assert_int_equal(info->si_code, code);
	assert_ptr_equal(info->si_addr, (void *)0x5000);
	assert_int_equal(info->si_addr_lsb, 12);
}

static void check_memory_error(struct kpage_remote *r, int code)
{
	struct kpage_siginfo info = { 0 };

	assert_int_equal(kpage_remote_siginfo(r, &info), 1);
	assert_int_equal(info.signo, SIGBUS);
	assert_int_equal(info.code, code);
	assert_int_equal(info.address, 0x5000);
	assert_int_equal(info.lsb, 12);
}

static struct kpage_remote *hold_and_forge(struct victim *v, int code)
{
	struct kpage_remote *r;
	struct kpage_siginfo info;

	memset(v->shared, 0, sizeof(*v->shared));
	victim_start(v, take_bus);
	wait_value(&v->shared->ready, 1);
	r = victim_hold(v, v->pid);
	assert_int_equal(kpage_remote_siginfo(r, &info), 0);
	forge(v, r, code);
	check_memory_error(r, code);
	return r;
}

static void end(struct victim *v)
{
	v->shared->go = 1;
	assert_int_equal(victim_wait(v), 0);
	close(v->shared->pipe[1]);
}

/* It is told, and taken after the end, whatever was done in between. */
static void test_memory_error(void **state)
{
	static const int codes[] = { BUS_MCEERR_AO, BUS_MCEERR_AR };
	struct victim *v = *state;
	struct kpage_remote *r;

	block_bus = false;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(codes); i++) {
		const int code = codes[i / 2];

		r = hold_and_forge(v, code);
		if (i % 2) {
			/* Not what the load met. */
			assert_int_equal(kpage_remote_load(r, (uint64_t)(uintptr_t)v->shared, NULL),
					 0);
			assert_int_equal(kpage_remote_load(r, 8, NULL), 1);
			check_call(v, r);
			check_memory_error(r, code);
		}
		assert_int_equal(v->shared->handled, 0);
		assert_int_equal(kpage_remote_resent(v->ctx, v->pid, code), 0);
		release(r);
		wait_value(&v->shared->handled, 1);
		check_info(&v->shared->info, code);
		/* It was about to take it while it ran for us. */
		assert_int_equal(kpage_remote_resent(v->ctx, v->pid, code), i % 2);
		end(v);
		assert_int_equal(v->shared->handled, 1);
	}
}

/* A task that blocks SIGBUS takes it when it lets it in. */
static void test_blocked_memory_error(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r;

	block_bus = true;
	r = hold_and_forge(v, BUS_MCEERR_AO);
	assert_true(kpage_remote_blocks(r, SIGBUS));
	assert_false(kpage_remote_blocks(r, SIGTERM));
	check_call(v, r);
	check_memory_error(r, BUS_MCEERR_AO);
	release(r);
	disturb(v);
	assert_int_equal(v->shared->handled, 0);
	end(v);
	assert_int_equal(v->shared->handled, 1);
	check_info(&v->shared->info, BUS_MCEERR_AO);
}

/* Of two, the one that can't be ignored is taken, whichever came first. */
static void test_two_memory_errors(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r;

	block_bus = false;
	for (int i = 0; i < 2; i++) {
		r = hold_and_forge(v, i ? BUS_MCEERR_AO : BUS_MCEERR_AR);
		check_call(v, r);
		forge(v, r, i ? BUS_MCEERR_AR : BUS_MCEERR_AO);
		check_call(v, r);
		check_memory_error(r, BUS_MCEERR_AR);
		release(r);
		wait_value(&v->shared->handled, 1);
		check_info(&v->shared->info, BUS_MCEERR_AR);
		end(v);
		assert_int_equal(v->shared->handled, 1);
	}
}

/* A signal that any process can send, of a number that is not blocked meanwhile, together
 * with a memory error. */
static void test_several(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r;

	for (int blocked = 0; blocked < 2; blocked++) {
		block_bus = blocked;
		r = hold_and_forge(v, BUS_MCEERR_AO);
		assert_int_equal(syscall(SYS_tgkill, v->pid, v->pid, SIGSEGV), 0);
		check_call(v, r);
		assert_int_equal(kpage_remote_load(r, (uint64_t)(uintptr_t)v->shared, NULL), 0);
		check_memory_error(r, BUS_MCEERR_AO);
		release(r);
		if (!blocked)
			wait_value(&v->shared->handled, 2);
		else
			assert_int_equal(v->shared->handled, 0);
		end(v);
		assert_int_equal(v->shared->handled, 2);
	}
}

#ifdef __NR_userfaultfd
/* Names of Linux 6.6, for older headers. */
#define FEATURE_POISON (UINT64_C(1) << 14)
struct poison {
	struct uffdio_range range;
	uint64_t mode;
	int64_t updated;
};
#define IOCTL_POISON _IOWR(UFFDIO, 0x08, struct poison)

enum bus_action { BUS_CAUGHT, BUS_BLOCKED, BUS_IGNORED };
static enum bus_action bus_action;

static bool poison(uint8_t *page)
{
	const uint64_t size = kpage_page_size();
	struct uffdio_api api = { .api = UFFD_API, .features = FEATURE_POISON };
	struct uffdio_register reg = { .range = { (uint64_t)(uintptr_t)page, size },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct poison how = { .range = reg.range };
	int fd = (int)syscall(__NR_userfaultfd, UFFD_USER_MODE_ONLY);

	return fd >= 0 && !ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &reg) &&
	       !ioctl(fd, IOCTL_POISON, &how);
}

/* A page that the kernel treats as poisoned, and no memory is harmed. */
static void have_poison(struct shared *s)
{
	uint8_t *page = mmap(NULL, kpage_page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigset_t bus;

	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	victim_catch(s, SIGBUS, 0);
	if (bus_action == BUS_BLOCKED)
		sigprocmask(SIG_BLOCK, &bus, NULL);
	if (bus_action == BUS_IGNORED)
		signal(SIGBUS, SIG_IGN);
	s->number = poison(page);
	s->result = (long)(uintptr_t)page;
	victim_ready(s);
}

static bool start_poisoned(struct victim *v, enum bus_action action)
{
	memset(v->shared, 0, sizeof(*v->shared));
	bus_action = action;
	victim_start(v, have_poison);
	wait_value(&v->shared->ready, 1);
	return v->shared->number;
}

/* Whether the load met a memory error: a kernel without memory failure handling has none. */
static bool load_poison(struct victim *v, struct kpage_remote *r)
{
	const uint64_t address = (uint64_t)v->shared->result + 100;
	struct kpage_siginfo info = { 0 }, told = { 0 };

	assert_int_equal(kpage_remote_load(r, address, &info), 1);
	assert_int_equal(info.signo, SIGBUS);
	if (info.code != BUS_MCEERR_AR)
		return false;
	assert_int_equal(kpage_remote_siginfo(r, &told), 1);
	assert_int_equal(told.code, BUS_MCEERR_AR);
	assert_int_equal(told.address, info.address);
	/* It does not go away by what is done next. */
	check_call(v, r);
	assert_int_equal(kpage_remote_siginfo(r, &told), 1);
	return true;
}

static void test_poison(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r;
	bool met;

	if (!start_poisoned(v, BUS_CAUGHT))
		skip();
	r = victim_hold(v, v->pid);
	met = load_poison(v, r);
	release(r);
	if (!met)
		skip();
	wait_value(&v->shared->handled, 1);
	assert_int_equal(v->shared->info.si_code, BUS_MCEERR_AR);
	v->shared->go = 1;
	assert_int_equal(victim_wait(v), 0);
	assert_int_equal(v->shared->handled, 1);
}

/* As when the task had touched the page itself: no way around it. */
static void check_poison_kills(struct victim *v, enum bus_action action)
{
	struct kpage_remote *r;
	bool met;
	int status;

	if (!start_poisoned(v, action))
		skip();
	r = victim_hold(v, v->pid);
	met = load_poison(v, r);
	release(r);
	if (!met)
		skip();
	status = victim_wait(v);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	assert_int_equal(v->shared->handled, 0);
}

static void test_poison_blocked(void **state)
{
	check_poison_kills(*state, BUS_BLOCKED);
}

static void test_poison_ignored(void **state)
{
	check_poison_kills(*state, BUS_IGNORED);
}
#endif

/* -------------------------------------------------------------------- stopped tasks */

static void pause_counting(struct shared *s)
{
	victim_catch(s, SIGCONT, SA_RESTART);
	s->ready = 1;
	while (!s->go)
		s->count++;
}

static struct kpage_remote *hold_counting(struct victim *v)
{
	victim_start(v, pause_counting);
	wait_value(&v->shared->ready, 1);
	return victim_hold(v, v->pid);
}

static void check_continues(struct victim *v)
{
	const long count = v->shared->count;

	wait_state(v, v->pid, 'T');
	assert_int_equal(v->shared->count, count);
	assert_int_equal(kill(v->pid, SIGCONT), 0);
	wait_count(&v->shared->count, count);
	v->shared->go = 1;
	assert_int_equal(victim_wait(v), 0);
	assert_int_equal(v->shared->handled, 1);
}

static void test_stopped(void **state)
{
	struct victim *v = *state;

	victim_start(v, pause_counting);
	wait_value(&v->shared->ready, 1);
	assert_int_equal(kill(v->pid, SIGSTOP), 0);
	wait_state(v, v->pid, 'T');
	disturb(v);
	wait_state(v, v->pid, 'T');
	disturb(v);
	check_continues(v);
}

static void test_stop_while_held(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r = hold_counting(v);
	const long count = v->shared->count;

	assert_int_equal(kill(v->pid, SIGSTOP), 0);
	check_call(v, r);
	assert_int_equal(kpage_remote_load(r, (uint64_t)(uintptr_t)v->shared, NULL), 0);
	check_call(v, r);
	release(r);
	wait_state(v, v->pid, 'T');
	assert_int_equal(v->shared->count, count);
	check_continues(v);
}

/* Nothing was run in it after the signal came. */
static void test_stop_at_release(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r = hold_counting(v);

	assert_int_equal(kill(v->pid, SIGTSTP), 0);
	release(r);
	check_continues(v);
}

static void test_continued_while_held(void **state)
{
	struct victim *v = *state;
	struct kpage_remote *r;
	long count;

	victim_start(v, pause_counting);
	wait_value(&v->shared->ready, 1);
	assert_int_equal(kill(v->pid, SIGSTOP), 0);
	wait_state(v, v->pid, 'T');
	r = victim_hold(v, v->pid);
	assert_int_equal(kill(v->pid, SIGCONT), 0);
	check_call(v, r);
	count = v->shared->count;
	release(r);
	wait_count(&v->shared->count, count);
	v->shared->go = 1;
	assert_int_equal(victim_wait(v), 0);
	assert_int_equal(v->shared->handled, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		VICTIM_TEST(test_handler_place),
		VICTIM_TEST(test_signal_state),
		VICTIM_TEST(test_memory_error),
		VICTIM_TEST(test_blocked_memory_error),
		VICTIM_TEST(test_two_memory_errors),
		VICTIM_TEST(test_several),
#ifdef __NR_userfaultfd
		VICTIM_TEST(test_poison),
		VICTIM_TEST(test_poison_blocked),
		VICTIM_TEST(test_poison_ignored),
#endif
		VICTIM_TEST(test_stopped),
		VICTIM_TEST(test_stop_while_held),
		VICTIM_TEST(test_stop_at_release),
		VICTIM_TEST(test_continued_while_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
