/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of the module mce_inject. */
#pragma once

#include "route.h"

struct debugfs_path {
	char text[192];
};

/* Finds where the module's files are: env->debugfs. Without any, /sys/kernel/debug. */
void debugfs_find(struct inject_env *env);

/* file: "mce-inject/flags" */
struct debugfs_path debugfs_path(const struct inject_env *env, const char *file);

/* Writes a line. 0 or a negative errno. */
int debugfs_write(struct kpage_ctx *ctx, const char *path, const char *text);

/* Says what an error of such a file means, and returns a status. */
int debugfs_fail(int err, const char *path);
