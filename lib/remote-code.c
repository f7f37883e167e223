// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds instructions in the memory of a task, so that none has to be written there: any
 * bytes that decode as the instruction do, wherever they are.
 */
#include "remote.h"

#include <string.h>

#define CHUNK ((size_t)64 << 10)

static bool is_complete(const struct remote_code *code)
{
	return code->syscall && code->load;
}

static void scan(const uint8_t *bytes, size_t n, uint64_t address, struct remote_code *code)
{
	for (size_t i = 0; i + REMOTE_CODE_SIZE <= n && !is_complete(code); i += REMOTE_CODE_ALIGN) {
		if (!code->syscall && remote_code_is_syscall(bytes + i))
			code->syscall = address + i;
		if (!code->load && remote_code_is_load(bytes + i)) {
			code->load = address + i;
			memcpy(code->load_bytes, bytes + i, REMOTE_CODE_SIZE);
		}
	}
}

/* What can't be read (it is poisoned, or its file was cut) is passed over. */
static void scan_mapping(int mem, const struct kpage_vma *vma, uint8_t *buf,
			 struct remote_code *code)
{
	for (uint64_t at = vma->start; at < vma->end && !is_complete(code); at += CHUNK) {
		ssize_t n = pread(mem, buf, MIN(CHUNK, vma->end - at), (off_t)at);

		if (n > 0)
			scan(buf, (size_t)n, at, code);
	}
}

/* The vDSO has a system call, is small, and every task has it: first there. */
static int scan_mappings(struct kpage_ctx *ctx, pid_t tid, int mem, bool vdso, uint8_t *buf,
			 struct remote_code *code)
{
	struct kpage_maps *maps;
	struct kpage_vma vma;
	int err;

	err = kpage_maps_open(ctx, tid, &maps);
	if (err)
		return err;
	while (!is_complete(code) && (err = kpage_maps_next(maps, &vma)) > 0)
		/* The vsyscall page is not memory: running it traps into the kernel. */
		if (vma.perms[2] == 'x' && vdso == !strcmp(vma.name, "[vdso]") &&
		    strcmp(vma.name, "[vsyscall]") != 0)
			scan_mapping(mem, &vma, buf, code);
	kpage_maps_free(maps);
	return MIN(err, 0);
}

int remote_code_find(struct kpage_ctx *ctx, pid_t tid, int mem, struct remote_code *out)
{
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	struct remote_code code = { 0 };
	int err;

	if (!buf)
		return -ENOMEM;
	err = scan_mappings(ctx, tid, mem, true, buf, &code);
	if (!err)
		err = scan_mappings(ctx, tid, mem, false, buf, &code);
	if (err)
		return err;
	*out = code;
	return code.syscall ? 0 : -EOPNOTSUPP;
}
