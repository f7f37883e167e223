// SPDX-License-Identifier: LGPL-2.1-or-later
/* The flag table, and everything that is said with flag names. */
#include "private.h"

#include <ctype.h>
#include <inttypes.h>
#include <linux/kernel-page-flags.h>
#include <string.h>

#define FLAG(bit, letter, name, kind, since, meaning) \
	{ KPAGE_##bit, letter, name, meaning, since, KPAGE_FLAG_##kind }

static const struct kpage_flag flag_table[] = {
	FLAG(LOCKED, 'L', "locked", WELL_KNOWN, "2.6.31",
	     "locked for exclusive access, e.g. by read or write I/O"),
	FLAG(ERROR, 'E', "error", WELL_KNOWN, "2.6.31 to 6.11", "an I/O error occurred"),
	FLAG(REFERENCED, 'R', "referenced", WELL_KNOWN, "2.6.31",
	     "referenced since it was last on its LRU list's tail"),
	FLAG(UPTODATE, 'U', "uptodate", WELL_KNOWN, "2.6.31",
	     "its contents are valid: read from the device, or newer"),
	FLAG(DIRTY, 'D', "dirty", WELL_KNOWN, "2.6.31",
	     "written to; must be written back, or swapped, before it is reused"),
	FLAG(LRU, 'l', "lru", WELL_KNOWN, "2.6.31", "on one of the LRU lists"),
	FLAG(ACTIVE, 'A', "active", WELL_KNOWN, "2.6.31", "on the active LRU list"),
	FLAG(SLAB, 'S', "slab", WELL_KNOWN, "2.6.31", "kernel memory of the slab allocator"),
	FLAG(WRITEBACK, 'W', "writeback", WELL_KNOWN, "2.6.31", "being written to the device"),
	FLAG(RECLAIM, 'I', "reclaim", WELL_KNOWN, "2.6.31",
	     "to be reclaimed as soon as its writeback ends"),
	FLAG(BUDDY, 'B', "buddy", WELL_KNOWN, "2.6.31",
	     "free: in a block of the buddy allocator"),
	FLAG(MMAP, 'M', "mmap", WELL_KNOWN, "2.6.31", "mapped by a process"),
	FLAG(ANON, 'a', "anonymous", WELL_KNOWN, "2.6.31",
	     "mapped, and not part of a file"),
	FLAG(SWAPCACHE, 's', "swapcache", WELL_KNOWN, "2.6.31",
	     "has an entry in the swap area"),
	FLAG(SWAPBACKED, 'b', "swapbacked", WELL_KNOWN, "2.6.31",
	     "backed by swap: anonymous, shmem or tmpfs"),
	FLAG(COMPOUND_HEAD, 'H', "compound_head", WELL_KNOWN, "2.6.31",
	     "first page of a folio of several pages"),
	FLAG(COMPOUND_TAIL, 'T', "compound_tail", WELL_KNOWN, "2.6.31",
	     "any other page of such a folio"),
	FLAG(HUGE, 'G', "huge", WELL_KNOWN, "2.6.31", "hugetlb page"),
	FLAG(UNEVICTABLE, 'u', "unevictable", WELL_KNOWN, "2.6.31",
	     "can't be reclaimed: mlocked, ramfs, SHM_LOCK, memfd_secret"),
	FLAG(HWPOISON, 'X', "hwpoison", WELL_KNOWN, "2.6.32",
	     "the hardware found this page corrupt, or somebody said so: never used again"),
	FLAG(NOPAGE, 'n', "nopage", WELL_KNOWN, "2.6.31 to 6.15",
	     "no memory here: a hole, or an offline block"),
	FLAG(KSM, 'x', "ksm", WELL_KNOWN, "2.6.32",
	     "shared by several processes with the same contents"),
	FLAG(THP, 't', "thp", WELL_KNOWN, "3.4", "part of a transparent huge page"),
	FLAG(OFFLINE, 'o', "offline", WELL_KNOWN, "5.0",
	     "logically offline, e.g. taken by a balloon"),
	FLAG(ZERO_PAGE, 'z', "zero_page", WELL_KNOWN, "4.0", "the zero page, or the huge one"),
	FLAG(IDLE, 'i', "idle_page", WELL_KNOWN, "4.3",
	     "not accessed since it was marked idle"),
	FLAG(PGTABLE, 'g', "pgtable", WELL_KNOWN, "4.18", "a page table"),

	FLAG(RESERVED, 'r', "reserved", RAW, "2.6.31",
	     "not managed by the allocators: firmware, kernel image, the zero page"),
	FLAG(MLOCKED, 'm', "mlocked", RAW, "2.6.31", "locked in memory by mlock"),
	FLAG(OWNER_2, 'd', "owner_2", RAW, "2.6.31",
	     "its owner's second bit; before 6.12: mapped to disk blocks"),
	FLAG(PRIVATE, 'P', "private", RAW, "2.6.31", "has private data of its file system"),
	FLAG(PRIVATE_2, 'p', "private_2", RAW, "2.6.31", "has more of it"),
	FLAG(OWNER_PRIVATE, 'O', "owner_private", RAW, "2.6.31", "its owner's own bit"),
	FLAG(ARCH, 'h', "arch", RAW, "2.6.31", "the architecture's own bit"),
	/* The kernel's page-types has no column for this one, nor for arch_3. */
	FLAG(UNCACHED, 0, "uncached", RAW, "2.6.31 to 6.11", "mapped uncached"),
	FLAG(SOFTDIRTY, 'f', "softdirty", RAW, "3.11",
	     "pagemap: written since the soft-dirty bits were cleared"),
	FLAG(ARCH_2, 'H', "arch_2", RAW, "5.18", "the architecture's second bit"),
	FLAG(ARCH_3, 0, "arch_3", RAW, "6.3", "the architecture's third bit"),

	FLAG(ANON_EXCLUSIVE, 'd', "anon_exclusive", OVERLOADED, "5.19",
	     "anonymous and owned by one process alone (owner_2)"),
	FLAG(READAHEAD, 'I', "readahead", OVERLOADED, "2.6.31",
	     "the next readahead starts here (reclaim without writeback)"),
	FLAG(SLUB_FROZEN, 'A', "slub_frozen", OVERLOADED, "2.6.31",
	     "a slab in use by one CPU alone (active)"),
	FLAG(SLUB_DEBUG, 'E', "slub_debug", OVERLOADED, "2.6.31",
	     "a slab that is debugged (error)"),
	FLAG(FILE, 'F', "file", OVERLOADED, "3.5",
	     "pagemap: part of a file, or shared anonymous"),
	FLAG(SWAP, 'w', "swap", OVERLOADED, "2.6.25", "pagemap: swapped out"),
	FLAG(MMAP_EXCLUSIVE, '1', "mmap_exclusive", OVERLOADED, "4.2",
	     "pagemap: mapped once"),
};

#define SAME(name) _Static_assert((int)KPAGE_##name == KPF_##name, "kernel-page-flags.h: " #name)
SAME(LOCKED);
SAME(ERROR);
SAME(REFERENCED);
SAME(UPTODATE);
SAME(DIRTY);
SAME(LRU);
SAME(ACTIVE);
SAME(SLAB);
SAME(WRITEBACK);
SAME(RECLAIM);
SAME(BUDDY);
SAME(MMAP);
SAME(ANON);
SAME(SWAPCACHE);
SAME(SWAPBACKED);
SAME(COMPOUND_HEAD);
SAME(COMPOUND_TAIL);
SAME(HUGE);
SAME(UNEVICTABLE);
SAME(HWPOISON);
SAME(NOPAGE);
SAME(KSM);
SAME(THP);
SAME(OFFLINE);
SAME(ZERO_PAGE);
SAME(IDLE);
SAME(PGTABLE);

#define BITS_COMPOUND (KPAGE_BIT(COMPOUND_HEAD) | KPAGE_BIT(COMPOUND_TAIL))
#define BITS_DEVELOPERS (UINT64_C(0xffff) << 32)

KPAGE_EXPORT const struct kpage_flag *kpage_flag_table(size_t *n)
{
	*n = ARRAY_SIZE(flag_table);
	return flag_table;
}

/* Some bits mean something else in the company of others (include/linux/page-flags.h). */
static const struct {
	uint64_t mask, value;	/* the company */
	uint64_t from, to;
} overloads[] = {
	{ KPAGE_BIT(ANON), KPAGE_BIT(ANON), KPAGE_BIT(OWNER_2), KPAGE_BIT(ANON_EXCLUSIVE) },
	{ KPAGE_BIT(SLAB), KPAGE_BIT(SLAB), KPAGE_BIT(ACTIVE), KPAGE_BIT(SLUB_FROZEN) },
	{ KPAGE_BIT(SLAB), KPAGE_BIT(SLAB), KPAGE_BIT(ERROR), KPAGE_BIT(SLUB_DEBUG) },
	{ KPAGE_BIT(WRITEBACK), 0, KPAGE_BIT(RECLAIM), KPAGE_BIT(READAHEAD) },
};

static const struct {
	uint64_t entry, flag;
} pagemap_bits[] = {
	{ KPAGE_PM_SOFT_DIRTY, KPAGE_BIT(SOFTDIRTY) },
	{ KPAGE_PM_FILE, KPAGE_BIT(FILE) },
	{ KPAGE_PM_SWAP, KPAGE_BIT(SWAP) },
	{ KPAGE_PM_MMAP_EXCLUSIVE, KPAGE_BIT(MMAP_EXCLUSIVE) },
};

KPAGE_EXPORT uint64_t kpage_flags_expand(uint64_t flags, uint64_t entry)
{
	for (size_t i = 0; i < ARRAY_SIZE(overloads); i++)
		if ((flags & overloads[i].mask) == overloads[i].value &&
		    (flags & overloads[i].from))
			flags ^= overloads[i].from | overloads[i].to;
	for (size_t i = 0; entry && i < ARRAY_SIZE(pagemap_bits); i++)
		if (entry & pagemap_bits[i].entry)
			flags |= pagemap_bits[i].flag;
	return flags;
}

KPAGE_EXPORT uint64_t kpage_flags_well_known(uint64_t flags)
{
	flags &= ~BITS_DEVELOPERS;
	if (!(flags & KPAGE_BIT(HUGE)))
		flags &= ~BITS_COMPOUND;
	return flags;
}

KPAGE_EXPORT size_t kpage_flags_symbolic(uint64_t flags, char buf[KPAGE_SYMBOLIC_SIZE])
{
	uint64_t unknown = flags;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++) {
		const struct kpage_flag *f = &flag_table[i];

		if (!f->letter)
			continue;
		buf[n++] = (flags >> f->bit) & 1 ? f->letter : '_';
		unknown &= ~(UINT64_C(1) << f->bit);
	}
	buf[n] = '\0';
	if (unknown)
		n += (size_t)sprintf(buf + n, "+0x%" PRIx64, unknown);
	return n;
}

static const struct kpage_flag *flag_of_bit(unsigned int bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++)
		if (flag_table[i].bit == bit)
			return &flag_table[i];
	return NULL;
}

KPAGE_EXPORT size_t kpage_flags_names(uint64_t flags, char buf[KPAGE_NAMES_SIZE])
{
	size_t n = 0;

	buf[0] = '\0';
	while (flags) {
		unsigned int bit = (unsigned int)__builtin_ctzll(flags);
		const struct kpage_flag *f = flag_of_bit(bit);

		n += f ? (size_t)sprintf(buf + n, "%s,", f->name) :
			 (size_t)sprintf(buf + n, "0x%" PRIx64 ",", UINT64_C(1) << bit);
		flags &= flags - 1;
	}
	if (n)
		buf[--n] = '\0';
	return n;
}

static void name_error(struct kpage_name_error *err, const char *name, size_t len)
{
	if (!err)
		return;
	snprintf(err->name, sizeof(err->name), "%.*s", (int)MIN(len, sizeof(err->name)), name);
	err->candidates[0] = '\0';
}

static void add_candidate(struct kpage_name_error *err, const char *name)
{
	size_t used;

	if (!err)
		return;
	used = strlen(err->candidates);
	snprintf(err->candidates + used, sizeof(err->candidates) - used, "%s%s",
		 used ? ", " : "", name);
}

/* Flags of one kind (or all) that begin with a prefix: the first one, and how many. */
static size_t match_prefix(const char *name, size_t len, bool all, const struct kpage_flag **found,
			   struct kpage_name_error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++) {
		const struct kpage_flag *f = &flag_table[i];

		if (strncmp(f->name, name, len) != 0 || (!all && f->kind != KPAGE_FLAG_WELL_KNOWN))
			continue;
		if (!n++)
			*found = f;
		add_candidate(err, f->name);
	}
	return n;
}

static int parse_name(const char *name, size_t len, uint64_t *out, struct kpage_name_error *err)
{
	const struct kpage_flag *found = NULL;
	size_t n;

	name_error(err, name, len);
	if (len == 0)
		return -EINVAL;
	if (isdigit((unsigned char)name[0]))
		return number_parse(name, len, out);
	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++) {
		if (strlen(flag_table[i].name) == len && !memcmp(flag_table[i].name, name, len)) {
			*out = UINT64_C(1) << flag_table[i].bit;
			return 0;
		}
	}
	/* "compound" is both bits; a shorter form of it is a name of its own. */
	if (len >= 3 && len <= strlen("compound") && !memcmp(name, "compound", len)) {
		*out = BITS_COMPOUND;
		return 0;
	}
	n = match_prefix(name, len, false, &found, err);
	if (n == 0)
		n = match_prefix(name, len, true, &found, err);
	if (n != 1)
		return n ? -ENOTUNIQ : -EINVAL;
	*out = UINT64_C(1) << found->bit;
	return 0;
}

/* Names up to '=' or the end. positive: all but those with a '~'; negative: only
 * those, without it. */
static int parse_names(const char *text, uint64_t *positive, uint64_t *negative,
		       struct kpage_name_error *err)
{
	uint64_t flag;
	int result;

	*positive = 0;
	if (negative)
		*negative = 0;
	for (;;) {
		size_t len = strcspn(text, ",=");
		bool not = negative && *text == '~';

		result = parse_name(text + not, len - not, &flag, err);
		if (result)
			return result;
		*(not ? negative : positive) |= flag;
		if (text[len] != ',')
			return 0;
		text += len + 1;
	}
}

KPAGE_EXPORT int kpage_flags_parse(const char *text, uint64_t *out, struct kpage_name_error *err)
{
	uint64_t flags;
	int result;

	if (strchr(text, '=')) {
		name_error(err, text, strlen(text));
		return -EINVAL;
	}
	result = parse_names(text, &flags, NULL, err);
	if (!result)
		*out = flags;
	return result;
}

KPAGE_EXPORT int kpage_expr_parse(const char *text, struct kpage_expr *out,
				  struct kpage_name_error *err)
{
	const char *equals = strchr(text, '=');
	struct kpage_expr e = { 0 };
	uint64_t negative = 0;
	int result = 0;

	if (equals == text) {
		e.mask = UINT64_MAX;
	} else {
		result = parse_names(text, &e.mask, equals ? NULL : &negative, err);
		if (result)
			return result;
	}
	if (equals) {
		/* "=": exactly no flag at all. */
		result = equals[1] ? kpage_flags_parse(equals + 1, &e.bits, err) : 0;
	} else if (negative) {
		e.bits = e.mask;
		e.mask |= negative;
	} else {
		e.any = true;
	}
	if (!result)
		*out = e;
	return result;
}
