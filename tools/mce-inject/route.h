/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways to hand machine check records to a kernel: a table of them. */
#pragma once

#include "decode.h"
#include "machine.h"
#include "options.h"

/* What a route is asked with. */
struct inject_env {
	struct kpage_ctx *ctx;
	const struct options *opt;
	const struct machine *machine;
	char debugfs[128];	/* where it is mounted: see debugfs_find() */
};

/* Records that are raised together: those with HOLD, and the one behind them. */
struct mce_group {
	const struct mce *records;
	size_t n;
};

struct route {
	const char *name;	/* of --via */
	bool by_module;		/* by the module mce_inject: --load and --fake-panic are for it */
	bool at_process;	/* --pid chooses the CPU */

	/* What the kernel makes of a record that comes this way. */
	void (*judge)(const struct inject_env *env, const struct mce *m, struct mce_judgement *out);

	/* Why record i of the group can't come this way, where leaving something out would do
	 * something else; NULL: it can. */
	const char *(*objection)(const struct inject_env *env, const struct mce_group *group, size_t i);

	/* Says what of a record is left out, and what is taken for what it does not have. */
	void (*say_dropped)(const struct inject_env *env, const struct mce *m);

	/* Prints what inject() would do. */
	void (*show)(const struct inject_env *env, const struct mce_group *group);

	/* Before the module is loaded, and after it. Each may be NULL. EXIT_OK or a status after a
	 * message. */
	int (*open)(const struct inject_env *env, void **state);
	int (*ready)(const struct inject_env *env);
	void (*close)(void *state);

	/* name: of the first record. EXIT_OK or a status after a message. */
	int (*inject)(const struct inject_env *env, void *state, const struct mce_group *group,
		      const char *name);
};

extern const struct route debugfs_route, mcelog_route, virtual_route;

/* NULL: no such name. */
const struct route *route_find(const char *name);

/* ------------------------------------------------------- what routes have in common */

/*
 * Says which fields and words of a record are left out: those that were given and are not
 * among the kept ones, a bit each. why: before their names.
 */
void route_say_left_out(const struct mce *m, uint32_t fields, uint32_t ways, const char *why);

#define FIELD_BIT(name) (UINT32_C(1) << MCE_##name)

/* Says which MCGSTATUS an exception gets whose record has none. */
void route_say_mcgstatus(const struct mce *m, bool exception);

/* Why this machine has no place for the record: no such CPU, no such bank. NULL: it has, or
 * it is another machine's (--dry-run). */
const char *route_place_objection(const struct inject_env *env, const struct mce *m);

/* Intel's CPUs are told of each other's exceptions, unless one is said to be local. */
bool route_is_broadcast(const struct inject_env *env, const struct mce *m, bool exception);

/* Judges a record as the CPU has it; one whose handler waits for CPUs that do not come panics. */
void route_judge(const struct inject_env *env, const struct mce *seen, bool exception, bool alone,
		 struct mce_judgement *out);

/* An exception on one of several of Intel's CPUs of which the others are not told. */
bool route_is_alone(const struct inject_env *env, const struct mce *m, bool exception);

/* For a route that hits whatever the CPU runs: a code segment of a process says nothing. */
void route_forget_user_mode(struct mce *seen);

/* Whether it is the error of what the CPU runs. */
bool route_is_of_a_process(const struct mce_judgement *j);
