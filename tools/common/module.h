/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading a kernel module, with what it depends on. */
#pragma once

#include "kpage.h"
#include "common/util.h"

/* What it takes; see common/caps.h. */
#define MODULE_CAPABILITY CAP_SYS_MODULE

/*
 * Loads a module by its name or alias ("hwpoison_inject"). *loaded (may be NULL):
 * whether that was done now; false if it was there already, or is part of the kernel.
 * EXIT_OK, or a status after a message: EXIT_CANNOT the kernel has no such module,
 * or this build no libkmod; EXIT_NOPERM.
 */
int module_load(struct kpage_ctx *ctx, const char *name, bool *loaded);
