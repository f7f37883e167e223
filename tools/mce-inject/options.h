/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of mce-inject. */
#pragma once

#include "common/options.h"
#include "kpage.h"
#include "mce.h"
#include "ready.h"

struct route;

struct options {
	bool decode, json, dry_run, load, force, fake_panic;
	const struct route *route;	/* --via */
	const struct ready *ready;	/* a ready-made record; NULL: from files */
	bool has_address;
	uint64_t address;		/* physical */
	pid_t pid;			/* 0: none */
	bool has_vaddr;
	uint64_t vaddr;
	bool has_cpu, has_bank, has_vendor, has_wait, has_type, has_via;
	uint64_t cpu, bank, vendor;
	const char *type;		/* sw, hw, df, th; NULL: not by debugfs */
	uint64_t wait_ns;
	char *sysroot;
	char **files;			/* NULL: none was named */
};

enum parse_result options_parse(int argc, const char **argv, struct options *opt, int *status);
void options_release(struct options *opt);
