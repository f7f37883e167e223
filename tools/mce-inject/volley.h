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

/* Whether the kernel takes the interrupted code from the record: there and in an interrupt. */
bool volley_has_code(const struct inject_env *env, const struct mce *m);

/* Whether all CPUs are to come to the handler of the record, or of one of the group. */
bool volley_is_broadcast(const struct inject_env *env, const struct mce *m);
bool volley_has_broadcast(const struct inject_env *env, const struct mce_group *group);

/* Whether the other CPUs' are raised by an interrupt; otherwise by an NMI. */
bool volley_wants_interrupt(const struct mce_group *group);

/* A group without objections. The caller gives it to volley_release(). */
void volley_make(const struct inject_env *env, const struct mce_group *group, struct volley *out);
void volley_release(struct volley *v);
