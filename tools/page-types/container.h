/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which container a cgroup is of, by its path. */
#pragma once

#include "common/util.h"

/* Room for an id or a name, a file's name at most. */
#define CONTAINER_SIZE 256

/*
 * The id (of docker, containerd, CRI-O, podman and others) or the name (lxc, machinectl)
 * of the innermost container in the path of a cgroup. false: the path shows none.
 */
bool container_of_cgroup(const char *path, char out[static CONTAINER_SIZE]);
