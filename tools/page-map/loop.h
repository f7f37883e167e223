/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The viewer on a terminal: keys, signals and time. */
#pragma once

#include "app.h"

/* Until the user quits, or a signal ends it. EXIT_OK, or a status after a message. */
int loop_run(struct app *app, bool ascii);
