// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's own /dev/mcelog, which Debian's kernels are built without, as a module of such
 * a kernel: dev-mcelog.c of its source, unchanged. It is no module there, so that what it asks
 * of the firmware's log (APEI) is not exported; the stubs for kernels without APEI do.
 */
#undef CONFIG_ACPI_APEI
#define CONFIG_X86_MCELOG_LEGACY 1
#include "dev-mcelog.c"

MODULE_DESCRIPTION("/dev/mcelog");
MODULE_LICENSE("GPL");
