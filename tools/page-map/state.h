/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered from one start to the next, in $XDG_STATE_HOME. */
#pragma once

#include "app.h"

/* Takes what was remembered, as far as it can be understood. */
void state_load(struct settings *settings);
/* A home that can't be written to is no reason to complain: what is lost is a habit. */
void state_save(const struct settings *settings);
