/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each CPU's registers are to hold for /dev/mcelog, and which CPU raises it all. */
#pragma once

#include "mcelog-record.h"
#include "route.h"

struct volley {
	struct mcelog_record *records;	/* in the order of machine->cpus */
	bool *armed;			/* those that hold something */
	size_t n;
	size_t raiser;
};

/* Whether the record is an exception there; otherwise it is found by polling. */
bool volley_is_exception(const struct inject_env *env, const struct mce *m);

/* Whether it is raised in the process that injects; otherwise in what its CPU runs. */
bool volley_is_own(const struct inject_env *env, const struct mce *m);

/* A group without objections. The caller gives it to volley_release(). */
void volley_make(const struct inject_env *env, const struct mce_group *group, struct volley *out);
void volley_release(struct volley *v);
