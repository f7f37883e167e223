// SPDX-License-Identifier: GPL-2.0-or-later
/* What counts of this machine's CPUs, from /proc/cpuinfo, and their banks. */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/util.h"

static bool has_flag(const char *flags, const char *flag)
{
	size_t length = strlen(flag);

	for (const char *at = flags; (at = strstr(at, flag)); at += length)
		if (at > flags && at[-1] == ' ' && strchr(" \n", at[length]))
			return true;
	return false;
}

static uint64_t vendor_of(const char *line)
{
	static const struct {
		const char *id;
		uint64_t vendor;
	} vendors[] = {
		{ "GenuineIntel", VENDOR_INTEL }, { "AuthenticAMD", VENDOR_AMD },
		{ "HygonGenuine", VENDOR_HYGON }, { "Shanghai", VENDOR_ZHAOXIN },
		{ "CentaurHauls", VENDOR_ZHAOXIN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(vendors); i++)
		if (strstr(line, vendors[i].id))
			return vendors[i].vendor;
	return VENDOR_INTEL;
}

static void take_cpu(const char *line, struct machine *m)
{
	unsigned int cpu;

	if (sscanf(line, "processor : %u", &cpu) != 1)
		return;
	m->cpus = xgrow(m->cpus, m->nr_cpus, sizeof(*m->cpus));
	m->cpus[m->nr_cpus++] = cpu;
}

static void take_line(const char *line, struct machine *m)
{
	if (!strncmp(line, "processor", 9))
		take_cpu(line, m);
	else if (!strncmp(line, "vendor_id", 9))
		m->rules.vendor = vendor_of(line);
	else if (!strncmp(line, "flags", 5)) {
		m->hypervisor = has_flag(line, "hypervisor");
		m->rules.succor = has_flag(line, "succor");
		m->smca = has_flag(line, "smca");
		m->rules.overflow_recov = has_flag(line, "overflow_recov");
	}
}

#define MSR_MCG_CAP 0x179
#define MCG_SER_P (UINT64_C(1) << 24)

static void read_ser(struct kpage_ctx *ctx, struct machine *m)
{
	_cleanup_close_ int fd = kpage_ctx_open(ctx, "/dev/cpu/0/msr", O_RDONLY);
	uint64_t cap;

	m->knows_ser = fd >= 0 && pread(fd, &cap, sizeof(cap), MSR_MCG_CAP) == sizeof(cap);
	m->has_ser = m->knows_ser && cap & MCG_SER_P;
}

int machine_read(struct kpage_ctx *ctx, struct machine *out)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	size_t room = 0;
	int fd = kpage_ctx_open(ctx, "/proc/cpuinfo", O_RDONLY);

	*out = (struct machine){ .rules.vendor = VENDOR_INTEL };
	if (fd < 0)
		return fail_errno(fd, "/proc/cpuinfo");
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return fail_errno(-ENOMEM, "/proc/cpuinfo");
	}
	while (getline(&line, &room, f) > 0)
		take_line(line, out);
	read_ser(ctx, out);
	return ferror(f) ? fail_errno(-EIO, "/proc/cpuinfo") : EXIT_OK;
}

void machine_release(struct machine *m)
{
	free(m->cpus);
}

size_t machine_find_cpu(const struct machine *m, uint64_t cpu)
{
	size_t i = 0;

	while (i < m->nr_cpus && m->cpus[i] != cpu)
		i++;
	return i;
}

enum bank_state machine_bank(struct kpage_ctx *ctx, uint64_t cpu, uint64_t bank)
{
	char path[96], control[32];
	_cleanup_close_ int folder = -1;
	int n = snprintf(path, sizeof(path), "/sys/devices/system/machinecheck/machinecheck%" PRIu64, cpu);
	int err;

	folder = kpage_ctx_open(ctx, path, O_PATH | O_DIRECTORY);
	if (folder < 0)
		return BANK_UNKNOWN;
	snprintf(path + n, sizeof(path) - (size_t)n, "/bank%" PRIu64, bank);
	err = kpage_ctx_read_line(ctx, path, control, sizeof(control));
	if (err == -ENOENT)
		return BANK_MISSING;
	/* One that the kernel does not use can't be read. */
	return err || !strcmp(control, "0") ? BANK_OFF : BANK_ON;
}
