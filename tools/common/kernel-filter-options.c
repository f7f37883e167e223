// SPDX-License-Identifier: GPL-2.0-or-later
/* The options of the kernel's filter: the numbers behind them, and what no page can meet. */
#include "common/kernel-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "common/select.h"

enum { OPT_MEMCG = 0x500, OPT_DEV, OPT_FLAGS };

struct poptOption kernel_filter_options[] = {
	{ "memcg", '\0', POPT_ARG_STRING, NULL, OPT_MEMCG,
	  "Only pages that are charged to this memory cgroup", "PATH|@INODE" },
	{ "dev", '\0', POPT_ARG_STRING, NULL, OPT_DEV,
	  "Only pages of files on this device, or on the file system that holds PATH",
	  "MAJ:MIN|PATH" },
	{ "flags", '\0', POPT_ARG_STRING, NULL, OPT_FLAGS,
	  "Only pages whose flags match", "EXPR" },
	POPT_TABLEEND
};

bool is_kernel_filter_option(int val)
{
	return val >= OPT_MEMCG && val <= OPT_FLAGS;
}

int kernel_filter_option(struct kernel_filter *f, int val, const char *arg)
{
	switch (val) {
	case OPT_MEMCG:
		return set_once(&f->memcg, "--memcg", arg);
	case OPT_DEV:
		return set_once(&f->dev, "--dev", arg);
	default:
		return set_once(&f->flags, "--flags", arg);
	}
}

bool kernel_filter_is_given(const struct kernel_filter *f)
{
	return f->memcg || f->dev || f->flags;
}

void kernel_filter_release(struct kernel_filter *f)
{
	free(f->memcg);
	free(f->dev);
	free(f->flags);
	*f = (struct kernel_filter){ 0 };
}

/* -------------------------------------------------------------------- --memcg */

static int refuse_memcg(const struct kernel_filter *f, const char *path)
{
	return fail(EXIT_CANNOT, "--memcg: %s: no memory controller here: no page is charged to it, but "
		    "to an ancestor (enable it: echo +memory > %s/../cgroup.subtree_control)",
		    f->memcg, path);
}

static int resolve_memcg_number(struct kernel_filter *f, struct kpage_ctx *ctx)
{
	_cleanup_free_ char *path = NULL;
	int err;

	if (kpage_number_parse(f->memcg + 1, &f->want.memcg) || !f->want.memcg)
		return fail(EXIT_USAGE, "--memcg: %s: not an inode number", f->memcg);
	err = kpage_cgroup_path(ctx, f->want.memcg, &path);
	if (err)	/* it may be one that this mount namespace does not show */
		warn("--memcg: %s: no cgroup that is seen here has this number", f->memcg);
	else if (!kpage_cgroup_has_memory(ctx, path))
		return refuse_memcg(f, path);
	return EXIT_OK;
}

static int resolve_memcg(struct kernel_filter *f, struct kpage_ctx *ctx)
{
	int err;

	if (f->memcg[0] == '@')
		return resolve_memcg_number(f, ctx);
	err = kpage_cgroup_ino(ctx, f->memcg, &f->want.memcg);
	if (err == -EINVAL)
		return fail(EXIT_FAILED, "--memcg: %s: not a directory of a cgroup hierarchy", f->memcg);
	if (err)
		return fail_errno(err, "--memcg: %s", f->memcg);
	return kpage_cgroup_has_memory(ctx, f->memcg) ? EXIT_OK : refuse_memcg(f, f->memcg);
}

/* ---------------------------------------------------------------------- --dev */

/* The bits that a device number has in the kernel (include/linux/kdev_t.h). */
#define MAJOR_MAX ((1U << 12) - 1)
#define MINOR_MAX ((1U << 20) - 1)

static bool is_device_number(const char *text)
{
	size_t major = strspn(text, "0123456789");
	size_t minor = text[major] == ':' ? strspn(text + major + 1, "0123456789") : 0;

	return major && minor && !text[major + 1 + minor];
}

static int resolve_device_number(struct kernel_filter *f)
{
	unsigned int major, minor;

	if (sscanf(f->dev, "%9u:%9u", &major, &minor) != 2 || major > MAJOR_MAX ||
	    minor > MINOR_MAX)
		return fail(EXIT_USAGE, "--dev: %s: no such device number", f->dev);
	f->want.dev_major = major;
	f->want.dev_minor = minor;
	return EXIT_OK;
}

/* The kernel compares with the superblock's number. stat(2) may give another one (a
 * subvolume's of btrfs), the list of mounts does not. */
static int find_mount_device(int fd, dev_t *out)
{
	_cleanup_fclose_ FILE *mounts = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	struct statx stx;
	size_t room = 0;

	if (!mounts || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) ||
	    !(stx.stx_mask & STATX_MNT_ID))
		return -ENOENT;
	while (getline(&line, &room, mounts) > 0) {
		unsigned int major, minor;
		unsigned long long id;

		if (sscanf(line, "%llu %*u %u:%u ", &id, &major, &minor) == 3 &&
		    id == stx.stx_mnt_id) {
			*out = makedev(major, minor);
			return 0;
		}
	}
	return -ENOENT;
}

static int device_of_mount(const struct kernel_filter *f, bool live, int fd, dev_t *out)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return fail_errno(-errno, "--dev: %s", f->dev);
	if (fs.f_type == OVERLAYFS_SUPER_MAGIC)
		return fail(EXIT_CANNOT, "--dev: %s: an overlay: the pages of its files belong to the file "
			    "systems that it lies on (give a path there: see upperdir and lowerdir in "
			    "/proc/self/mountinfo)", f->dev);
	if (!live || !find_mount_device(fd, out))
		return EXIT_OK;
	if (fs.f_type == BTRFS_SUPER_MAGIC)
		return fail(EXIT_CANNOT, "--dev: %s: btrfs, and its mount is not in /proc/self/mountinfo: "
			    "the kernel's number of it can't be known", f->dev);
	return EXIT_OK;
}

static int resolve_device_path(struct kernel_filter *f, struct kpage_ctx *ctx)
{
	_cleanup_close_ int fd = f->dev[0] == '/' ? kpage_ctx_open(ctx, f->dev, O_PATH) :
						    open(f->dev, O_PATH | O_CLOEXEC);
	struct stat st;
	dev_t dev;
	int status = EXIT_OK;

	/* Both have set errno. */
	if (fd < 0 || fstat(fd, &st))
		return fail_errno(-errno, "--dev: %s", f->dev);
	dev = st.st_dev;
	/* A disk by its name means what is on it, not /dev, which has no pages. */
	if (S_ISBLK(st.st_mode))
		dev = st.st_rdev;
	else
		status = device_of_mount(f, kpage_ctx_is_live(ctx), fd, &dev);
	f->want.dev_major = major(dev);
	f->want.dev_minor = minor(dev);
	return status;
}

static int resolve_dev(struct kernel_filter *f, struct kpage_ctx *ctx)
{
	return is_device_number(f->dev) ? resolve_device_number(f) : resolve_device_path(f, ctx);
}

/* -------------------------------------------------------------------- --flags */

#define ROUTE(name) (1U << FILTER_##name)
#define ALL_ROUTES (ROUTE(DEBUGFS) | ROUTE(HARD) | ROUTE(SOFT))

static const char kernels_page[] = "with the filter on, corrupt-pfn leaves the kernel's own pages alone";

/*
 * Conditions that no page meets. corrupt-pfn asks twice: for the first page of the
 * folio as it lies there, then, as all that is not soft, for the page, which is locked
 * and marked by then.
 */
static const struct rule {
	uint64_t flag;
	bool want;
	bool not_if_free;	/* free pages are asked about once only */
	bool old_kernel;	/* before 6.11 */
	unsigned int routes;
	const char *why;
} rules[] = {
	{ KPAGE_BIT(LOCKED), false, true, false, ROUTE(DEBUGFS) | ROUTE(HARD),
	  "the kernel has locked the page when it asks" },
	{ KPAGE_BIT(LOCKED), true, false, false, ROUTE(DEBUGFS) | ROUTE(SOFT),
	  "the kernel asks before it locks the page" },
	{ KPAGE_BIT(HWPOISON), false, true, false, ROUTE(DEBUGFS) | ROUTE(HARD),
	  "the kernel has marked the page as poisoned when it asks" },
	{ KPAGE_BIT(HWPOISON), true, false, false, ROUTE(DEBUGFS) | ROUTE(SOFT),
	  "the kernel asks before it marks the page as poisoned" },
	{ KPAGE_BIT(COMPOUND_TAIL), true, false, false, ROUTE(DEBUGFS),
	  "corrupt-pfn asks for the first page of a folio, which is no tail" },
	{ KPAGE_BIT(THP), true, false, true, ROUTE(DEBUGFS) | ROUTE(HARD),
	  "this kernel asks when it has split the huge page already" },
	{ KPAGE_BIT(NOPAGE), true, false, false, ALL_ROUTES, "there is no page to ask for" },
	{ KPAGE_BIT(SLAB), true, false, false, ROUTE(DEBUGFS), kernels_page },
	{ KPAGE_BIT(PGTABLE), true, false, false, ROUTE(DEBUGFS), kernels_page },
	{ KPAGE_BIT(RESERVED), true, false, false, ROUTE(DEBUGFS), kernels_page },
	{ KPAGE_BIT(OFFLINE), true, false, false, ROUTE(DEBUGFS), kernels_page },
	{ KPAGE_BIT(ZERO_PAGE), true, false, false, ROUTE(DEBUGFS), kernels_page },
};

/* That the filter looks before a huge page is split, and that this file is there, is
 * of about the same age: a version number says less, distributions backport. */
static bool is_old_kernel(struct kpage_ctx *ctx)
{
	_cleanup_close_ int fd = kpage_ctx_open(ctx, "/proc/sys/vm/enable_soft_offline", O_PATH);

	return fd < 0;
}

static bool applies(const struct rule *rule, const struct kpage_hwpoison_filter *f,
		    struct kpage_ctx *ctx, enum filter_route route)
{
	if (!(rule->routes & 1U << route) || !(f->flags_mask & rule->flag) ||
	    !!(f->flags_value & rule->flag) != rule->want)
		return false;
	if (rule->not_if_free && (f->flags_mask & f->flags_value & KPAGE_BIT(BUDDY)))
		return false;
	return !rule->old_kernel || is_old_kernel(ctx);
}

static int refuse_flag(const struct kernel_filter *f, enum exit_status status, uint64_t flag,
		       bool want, const char *why)
{
	char name[KPAGE_NAMES_SIZE];

	kpage_flags_names(flag, name);
	return fail(status, "--flags: %s: no page can match: %s%s: %s", f->flags, want ? "" : "no ",
		    name, why);
}

/* Flags that are not in /proc/kpageflags, but made of others or of pagemap's. */
static uint64_t made_up_flags(void)
{
	size_t n;
	const struct kpage_flag *table = kpage_flag_table(&n);
	uint64_t flags = KPAGE_BIT(SOFTDIRTY);

	for (size_t i = 0; i < n; i++)
		if (table[i].kind == KPAGE_FLAG_OVERLOADED)
			flags |= UINT64_C(1) << table[i].bit;
	return flags;
}

static int judge_flags(const struct kernel_filter *f, struct kpage_ctx *ctx, enum filter_route route)
{
	uint64_t made_up = f->want.flags_value & made_up_flags();

	if (f->want.flags_value & ~f->want.flags_mask)
		return refuse_flag(f, EXIT_USAGE, f->want.flags_value & ~f->want.flags_mask, true,
				   "wanted, but not in the mask");
	if (made_up)
		return refuse_flag(f, EXIT_USAGE, made_up, true, "/proc/kpageflags never has it");
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (applies(&rules[i], &f->want, ctx, route))
			return refuse_flag(f, rules[i].old_kernel ? EXIT_CANNOT : EXIT_USAGE,
					   rules[i].flag, rules[i].want, rules[i].why);
	return EXIT_OK;
}

static int resolve_flags(struct kernel_filter *f, struct kpage_ctx *ctx, enum filter_route route)
{
	struct kpage_name_error name;
	struct kpage_expr expr;
	int err = kpage_expr_parse(f->flags, &expr, &name);

	if (err)
		return bad_flag_name("--flags", err, &name);
	/* "any" of one flag is that flag. */
	if (expr.any && __builtin_popcountll(expr.mask) > 1)
		return fail(EXIT_USAGE, "--flags: %s: the kernel's filter has no \"any of these\" (both of a "
			    "and b: a,b=a,b; a without b: a,~b)", f->flags);
	f->want.flags_mask = expr.mask;
	f->want.flags_value = expr.any ? expr.mask : expr.bits;
	if (!expr.mask)
		return fail(EXIT_USAGE, "--flags: %s: no flag at all", f->flags);
	return judge_flags(f, ctx, route);
}

int kernel_filter_resolve(struct kernel_filter *f, struct kpage_ctx *ctx, enum filter_route route)
{
	int status = EXIT_OK;

	f->want = (struct kpage_hwpoison_filter){
		.enable = true,
		.dev_major = UINT32_MAX,
		.dev_minor = UINT32_MAX,
	};
	if (f->memcg)
		status = resolve_memcg(f, ctx);
	if (!status && f->dev)
		status = resolve_dev(f, ctx);
	if (!status && f->flags)
		status = resolve_flags(f, ctx, route);
	return status;
}
