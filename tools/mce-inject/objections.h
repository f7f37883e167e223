/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must not be injected, or can't be. */
#pragma once

#include "machine.h"
#include "options.h"

/* EXIT_OK, or a status after a message that begins with name. Says also what the record
 * would do that is not to be undone. */
int objections(const struct options *opt, const struct machine *machine, const char *name,
	       const struct mce *m);

/* Whether the kernel takes it for one of the hardware. */
bool is_real(const struct options *opt);

/* Whether the kernel is to poison the page of the record. */
bool poisons(const struct options *opt, const struct machine *machine, const struct mce *m);
