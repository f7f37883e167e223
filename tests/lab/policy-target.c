// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * policy-target: a process whose threads come and go, or that meets a bus error, for the
 * tests of mcekill. What waits prints "ready" before, and is ended by a signal.
 * Usage: policy-target KIND [ARGUMENT...]
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "policy-target: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

static const char *own_policy(void)
{
	static const char *const names[] = { "late", "early", "default" };
	int policy = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);

	return policy < 0 ? "unknown" : names[policy];
}

static pthread_t start(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, run, arg);
	if (errno)
		die("pthread_create");
	return thread;
}

/* -------------------------------------------------------------------- inheritance */

static void *say_policy(void *arg)
{
	printf("%s: %s\n", (const char *)arg, own_policy());
	fflush(stdout);
	return NULL;
}

static void run_inherit(char **args)
{
	(void)args;
	say_policy((void *)"process");
	pthread_join(start(say_policy, (void *)"thread"), NULL);
	if (fork() == 0) {
		say_policy((void *)"child");
		pthread_join(start(say_policy, (void *)"its thread"), NULL);
		_exit(0);
	}
	wait(NULL);
}

static void *exec_args(void *arg)
{
	char **args = arg;

	execvp(args[0], args);
	die(args[0]);
	return NULL;
}

/* Becomes another program from a thread that is not the first. */
static void run_exec(char **args)
{
	pthread_join(start(exec_args, args), NULL);
}

/* --------------------------------------------------------------- threads come and go */

static useconds_t lifetime;

/* Each starts the next one before it ends. */
static void *relay(void *arg)
{
	usleep(lifetime);
	pthread_detach(start(relay, arg));
	return NULL;
}

/* args: how many milliseconds a thread lives */
static void run_relay(char **args)
{
	lifetime = args[0] ? (useconds_t)atoi(args[0]) * 1000 : 1000;
	for (int i = 0; i < 3; i++)
		pthread_detach(start(relay, NULL));
	say("ready");
	for (;;)
		pause();
}

/* Ends as soon as it has a policy of its own; its parent does not wait for it. */
static void run_quit(char **args)
{
	(void)args;
	if (fork() == 0) {
		printf("%d\nready\n", (int)getpid());
		fflush(stdout);
		while (!strcmp(own_policy(), "default"))
			usleep(100);
		_exit(0);
	}
	for (;;)
		pause();
}

/* -------------------------------------------------------------------------- SIGBUS */

static sigjmp_buf back;

static void jump_back(int signo)
{
	siglongjmp(back, signo);
}

static volatile char *memory_behind_the_end(void)
{
	char *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, memfd_create("empty", MFD_CLOEXEC), 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static void *touch(void *arg)
{
	(void)*(volatile char *)arg;
	return NULL;
}

/* An address with nothing behind it. */
static void run_adrerr(char **args)
{
	(void)args;
	touch((void *)memory_behind_the_end());
}

static void run_adrerr_thread(char **args)
{
	(void)args;
	pthread_join(start(touch, (void *)memory_behind_the_end()), NULL);
}

static void run_adrerr_handled(char **args)
{
	(void)args;
	signal(SIGBUS, jump_back);
	if (!sigsetjmp(back, 1))
		touch((void *)memory_behind_the_end());
	say("survived");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(char **args);
	} kinds[] = {
		{ "inherit", run_inherit },
		{ "exec", run_exec },
		{ "relay", run_relay },
		{ "quit", run_quit },
		{ "adrerr", run_adrerr },
		{ "adrerr-thread", run_adrerr_thread },
		{ "adrerr-handled", run_adrerr_handled },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].name))
			continue;
		kinds[i].run(argv + 2);
		return 0;
	}
	fprintf(stderr, "usage: policy-target KIND [ARGUMENT...]\n");
	return 2;
}
