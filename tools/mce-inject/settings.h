/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The module's settings, which are everybody's: the type of injection, and fake_panic. */
#pragma once

#include "common/rundir.h"
#include "route.h"

struct settings {
	const struct inject_env *env;
	struct rundir *dir;
};

/*
 * Puts back what a run that was killed has left, notes how it is now, and sets the type and
 * fake_panic as far as the options want them. Under the lock of the run directory. EXIT_OK or
 * a status after a message.
 */
int settings_begin(const struct settings *s);

/* Puts back what settings_begin() has changed. Returns status, or another after a message. */
int settings_end(const struct settings *s, int status);

/* Prints the writes of settings_begin(). */
void settings_show(const struct inject_env *env);
