// SPDX-License-Identifier: GPL-2.0-or-later
/* Ending in order: a signal asks a loop to stop, so that it can report and tidy up. */
#include "common/signals.h"

#include <signal.h>
#include <stddef.h>

#include "common/util.h"

static volatile sig_atomic_t pending;

static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void note(int sig)
{
	pending = sig;
}

void signals_hold_but_pipe(void)
{
	/* What is being written is written to its end; a wait ends all the same. */
	struct sigaction action = { .sa_handler = note, .sa_flags = SA_RESTART }, old;

	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		/* nohup and background jobs ignore some: that stays. */
		sigaction(held[i], NULL, &old);
		if (old.sa_handler != SIG_IGN)
			sigaction(held[i], &action, NULL);
	}
}

void signals_hold(void)
{
	signals_hold_but_pipe();
	signal(SIGPIPE, SIG_IGN);
}

int signals_pending(void)
{
	return pending;
}

void signals_release(void)
{
	if (!pending)
		return;
	signal(pending, SIG_DFL);
	raise(pending);
}

bool signals_start_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !err;
}
