/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must not be injected, or can't be. */
#pragma once

#include "route.h"

/*
 * Looks at record i of the group before anything is injected, and says what stays of it. name:
 * of the record. EXIT_OK, EXIT_CANNOT the route can't do it, EXIT_REFUSED it would panic,
 * after a message.
 */
int objections(const struct inject_env *env, const char *name, const struct mce_group *group,
	       size_t i);

/* Whether the kernel may take the page of ADDR out of use; also one that is to panic, since it
 * may have done so before, or be kept from the panic. */
bool poisons(const struct inject_env *env, const struct mce *m);
