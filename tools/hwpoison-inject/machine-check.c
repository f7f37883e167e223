// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The method "mce": a machine check of the virtual machine that this runs in, of the kind
 * that a memory scrub finds ("action optional"). For the kernel it is one of the hardware.
 */
#include "hwpoison-inject.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "common/signals.h"
#include "common/vm-monitor.h"

/* How long the kernel has to mark a page that its filter may reject, … */
#define FILTER_S 2
/* … and to get one out of use, which it does not with all. */
#define UNMAP_S 5

/* A bank of the memory controller; valid, uncorrected, enabled, with address and MISC, found
 * by a scrub; the processor can go on; the address is physical and that of a page of 4 kB. */
#define SCRUB_BANK 9
#define SCRUB_STATUS UINT64_C(0xbd000000000000c0)
#define SCRUB_MCGSTATUS 5
#define SCRUB_MISC 0x8c

static bool is_marked(const struct injection *inj, uint64_t pfn)
{
	uint64_t kflags;

	return !injection_read_flags(inj, pfn, &kflags) && injection_is_poisoned(inj, pfn, kflags);
}

static bool is_mapped(const struct page_owner *owner, uint64_t pfn)
{
	uint64_t entry;

	return owner->pagemap && kpage_file_read(owner->pagemap, owner->offset, &entry, 1) == 1 &&
	       kpage_pagemap_pfn(entry) == pfn;
}

/* The handler only passes the page on; the kernel takes it out of use at its leisure. */
static void wait_for_kernel(const struct injection *inj, uint64_t pfn, const struct page_owner *owner)
{
	const double mark_s = inj->filter_known && !inj->filter.enable ? INJECTION_LATE_S : FILTER_S;
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!is_marked(inj, pfn) && !signals_pending() && seconds_since(&start) < mark_s)
		nanosleep(&tick, NULL);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		nanosleep(&tick, NULL);
	while (is_marked(inj, pfn) && is_mapped(owner, pfn) && seconds_since(&start) < UNMAP_S);
}

int inject_by_machine_check(struct injection *inj, uint64_t pfn, const struct page_owner *owner)
{
	const struct vm_check check = {
		.bank = SCRUB_BANK,
		.status = SCRUB_STATUS,
		.mcgstatus = SCRUB_MCGSTATUS,
		.addr = pfn * kpage_page_size(),
		.misc = SCRUB_MISC,
		.broadcast = true,
	};
	struct vm_monitor *vm = NULL;
	int err = vm_monitor_open(inj->ctx, &vm);

	if (!err)
		err = vm_monitor_raise(vm, &check);
	vm_monitor_free(vm);
	if (!err)
		wait_for_kernel(inj, pfn, owner);
	return err;
}

const char *explain_machine_check(int err)
{
	switch (err) {
	case -EREMOTEIO:
		return "the virtual machine refuses the machine check";
	case -ENODEV:
		return "this is no virtual machine of hwpoison-lab any more";
	case -EBUSY:
		return "somebody else is using the virtual machine's monitor";
	case -ETIMEDOUT:
		return "the virtual machine does not answer";
	default:
		return strerror(-err);
	}
}

/* Others panic by an uncorrected error. */
static bool is_intel(struct kpage_ctx *ctx)
{
	_cleanup_close_ int fd = kpage_ctx_open(ctx, "/proc/cpuinfo", O_RDONLY);
	char text[256];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return strstr(text, "GenuineIntel");
}

int check_machine_check(struct kpage_ctx *ctx, bool quiet)
{
	struct vm_monitor *vm = NULL;
	int err = vm_monitor_open(ctx, &vm);

	vm_monitor_free(vm);
	if (quiet)
		return err || !is_intel(ctx) ? EXIT_CANNOT : EXIT_OK;
	if (err == -ENODEV)
		return fail(EXIT_CANNOT, "--method mce: this is no virtual machine of hwpoison-lab, which "
			    "has a device for it (try: hwpoison-lab run -- hwpoison-inject ...)");
	if (err)
		return fail_errno(err, "--method mce: %s", kpage_ctx_error_path(ctx));
	if (!is_intel(ctx))
		return fail(EXIT_CANNOT, "--method mce: the processor is none of Intel's: the kernel would "
			    "panic (try: hwpoison-lab run without --cpu)");
	warn("--method mce: a machine check counts as one of the hardware: no page can be unpoisoned "
	     "until the next boot");
	return EXIT_OK;
}
