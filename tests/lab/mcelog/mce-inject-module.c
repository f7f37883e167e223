// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's own mce-inject, built as it is for a kernel that has /dev/mcelog. */
#define CONFIG_X86_MCELOG_LEGACY 1
#include "inject.c"
