// SPDX-License-Identifier: LGPL-2.1-or-later
/* /sys/kernel/mm/page_idle/bitmap: one bit a page, written in words of 64. */
#include "private.h"

#include <fcntl.h>

#define WORD_BITS 64

struct kpage_idle {
	int fd;
	uint64_t word, bits;	/* what is still to be written */
};

KPAGE_EXPORT int kpage_idle_open(struct kpage_ctx *ctx, struct kpage_idle **out)
{
	struct kpage_idle *idle;
	int fd = ctx_open(ctx, "/sys/kernel/mm/page_idle/bitmap", O_WRONLY);

	if (fd < 0)
		return fd;
	idle = calloc(1, sizeof(*idle));
	if (!idle) {
		close(fd);
		return -ENOMEM;
	}
	idle->fd = fd;
	*out = idle;
	return 0;
}

KPAGE_EXPORT int kpage_idle_flush(struct kpage_idle *idle)
{
	uint64_t bits = idle->bits;

	idle->bits = 0;
	if (!bits)
		return 0;
	/* Zero bits change nothing: only pages that were asked for are marked. */
	while (pwrite(idle->fd, &bits, sizeof(bits), (off_t)(idle->word * sizeof(bits))) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

KPAGE_EXPORT int kpage_idle_mark(struct kpage_idle *idle, uint64_t pfn)
{
	int err = 0;

	if (pfn / WORD_BITS != idle->word)
		err = kpage_idle_flush(idle);
	idle->word = pfn / WORD_BITS;
	idle->bits |= UINT64_C(1) << (pfn % WORD_BITS);
	return err;
}

KPAGE_EXPORT void kpage_idle_free(struct kpage_idle *idle)
{
	if (!idle)
		return;
	close(idle->fd);
	free(idle);
}
