/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which memory cgroup this process is in. */
#pragma once

#include <stddef.h>

/*
 * Its path in the hierarchy that counts memory ("/" is the root), "" where there
 * is none or /proc does not tell. A path that is too long is cut off.
 */
void cgroup_read(char *buf, size_t size);
