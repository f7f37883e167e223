// SPDX-License-Identifier: GPL-2.0-or-later
/* The mappings of a process: what each is of, and which of them --vma means. */
#include "common/vmas.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/sysmacros.h>

static const struct {
	const char *text;
	enum vma_want want;
} wants[] = {
	{ "heap", VMA_HEAP }, { "stack", VMA_STACK },	  { "anon", VMA_ANON }, { "shm", VMA_SHM },
	{ "file", VMA_FILE }, { "hugetlb", VMA_HUGETLB }, { "text", VMA_TEXT },
};

int vma_condition_parse(const char *text, struct vma_condition *out)
{
	static const char file[] = "file:";

	*out = (struct vma_condition){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++)
		if (!strcmp(text, wants[i].text)) {
			out->want = wants[i].want;
			return 0;
		}
	if (!strncmp(text, file, strlen(file)) && text[strlen(file)]) {
		out->want = VMA_FILE;
		out->pattern = xstrdup(text + strlen(file));
		return 0;
	}
	if ((text[0] != '[' && text[0] != '/') || !text[1])
		return -EINVAL;
	out->want = VMA_NAME;
	out->pattern = xstrdup(text);
	return 0;
}

void vma_condition_release(struct vma_condition *c)
{
	free(c->pattern);
	*c = (struct vma_condition){ 0 };
}

/* --------------------------------------------------------- what a mapping is of */

/* The devices of the file systems on tmpfs that the process sees. */
struct devices {
	dev_t *v;
	size_t n;
};

static bool has_device(const struct devices *devices, dev_t dev)
{
	for (size_t i = 0; i < devices->n; i++)
		if (devices->v[i] == dev)
			return true;
	return false;
}

/* Shared memory whose file nobody mounted, by the names that the kernel gives it.
 * Such a file can be one of hugetlbfs as well; its pages tell. */
static bool is_kernel_shm(const char *name)
{
	static const char *const prefixes[] = { "/memfd:", "/SYSV", "/dev/zero (deleted)",
						"[anon_shmem:" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* The first System V segment has the inode number 0. */
static bool is_file(const struct kpage_vma *v)
{
	return v->inode || v->dev_major || v->dev_minor;
}

static struct vma describe(const struct kpage_vma *v, const struct devices *tmpfs)
{
	const uint64_t size = kpage_page_size();
	struct vma out = {
		.start = v->start / size,
		.end = v->end / size,
		.name = v->name[0] ? xstrdup(v->name) : NULL,
		.private = v->perms[3] == 'p',
		.executable = v->perms[2] == 'x',
		.has_file = is_file(v),
		.tmpfs = is_file(v) && (is_kernel_shm(v->name) ||
				      has_device(tmpfs, makedev(v->dev_major, v->dev_minor))),
	};

	memcpy(out.perms, v->perms, sizeof(out.perms));
	return out;
}

/* --------------------------------------------------------------- the conditions */

/* The name without the kernel's " (deleted)". */
static bool same_name(const char *name, const char *pattern)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(pattern);

	return !strncmp(name, pattern, len) && (!name[len] || !strcmp(name + len, deleted));
}

static bool matches_glob(const char *name, const char *glob)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(name), tail = strlen(deleted);
	_cleanup_free_ char *bare = NULL;

	if (!fnmatch(glob, name, 0))
		return true;
	if (len < tail || strcmp(name + len - tail, deleted) != 0)
		return false;
	bare = xstrdup(name);
	bare[len - tail] = '\0';
	return !fnmatch(glob, bare, 0);
}

static bool is_named(const struct vma *v, const char *name)
{
	return v->name && same_name(v->name, name);
}

/* No file, and none of the kernel's own mappings; a name may have been given to it. */
static bool is_anon(const struct vma *v)
{
	return !v->has_file && v->private && (!v->name || !strncmp(v->name, "[anon:", 6));
}

static bool holds(const struct vma_condition *c, const struct vma *v)
{
	switch (c->want) {
	case VMA_HEAP:
		return is_named(v, "[heap]");
	case VMA_STACK:
		return is_named(v, "[stack]");
	case VMA_ANON:
		return is_anon(v);
	case VMA_SHM:
		return v->tmpfs;
	case VMA_FILE:
		return v->has_file && !v->tmpfs && v->name &&
		       (!c->pattern || matches_glob(v->name, c->pattern));
	case VMA_HUGETLB:
		return v->has_file;
	case VMA_TEXT:
		return v->has_file && v->executable;
	case VMA_NAME:
		return is_named(v, c->pattern);
	}
	return false;
}

/* A mapping does not say whether it is of hugetlb pages, which is all the same to the
 * conditions that name one: there the pages decide. */
static void judge(struct vma *v, const struct vma_condition *conditions, size_t n)
{
	bool any = !n, hugetlb = false, others = false;

	for (size_t i = 0; i < n; i++) {
		if (!holds(&conditions[i], v))
			continue;
		if (conditions[i].want == VMA_HUGETLB)
			hugetlb = true;
		else if (conditions[i].want == VMA_SHM || conditions[i].want == VMA_FILE)
			others = true;
		else
			any = true;
	}
	v->chosen = any || hugetlb || others;
	v->only_hugetlb = !any && hugetlb && !others;
	v->never_hugetlb = !any && !hugetlb && others;
}

bool vma_chooses(const struct vma *v, uint64_t kflags)
{
	bool hugetlb = kflags & KPAGE_BIT(HUGE);

	return v->chosen && !(v->only_hugetlb && !hugetlb) && !(v->never_hugetlb && hugetlb);
}

/* ------------------------------------------------------------------- the list */

static int read_vmas(struct kpage_maps *maps, const struct devices *tmpfs, struct vma_list *out)
{
	struct kpage_vma v;
	int more;

	while ((more = kpage_maps_next(maps, &v)) > 0) {
		out->v = xgrow(out->v, out->n, sizeof(*out->v));
		out->v[out->n++] = describe(&v, tmpfs);
	}
	return more;
}

int vma_list_read(struct kpage_ctx *ctx, pid_t pid, const struct vma_condition *conditions,
		  size_t n, struct vma_list *out)
{
	struct devices tmpfs = { 0 };
	struct kpage_maps *maps = NULL;
	int err;

	*out = (struct vma_list){ 0 };
	err = kpage_maps_open(ctx, pid, &maps);
	if (err)
		return err;
	/* A copy of /proc need not have the mounts: then the kernel's own names tell. */
	if (n && kpage_mount_devices(ctx, pid, "tmpfs", &tmpfs.v, &tmpfs.n))
		tmpfs = (struct devices){ 0 };
	err = read_vmas(maps, &tmpfs, out);
	kpage_maps_free(maps);
	free(tmpfs.v);
	if (err) {
		vma_list_release(out);
		return err;
	}
	for (size_t i = 0; i < out->n; i++)
		judge(&out->v[i], conditions, n);
	return 0;
}

void vma_list_release(struct vma_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].name);
	free(list->v);
	*list = (struct vma_list){ 0 };
}

static int by_page(const void *key, const void *element)
{
	uint64_t page = *(const uint64_t *)key;
	const struct vma *v = element;

	return page < v->start ? -1 : page >= v->end;
}

const struct vma *vma_list_find(const struct vma_list *list, uint64_t page)
{
	return list->n ? bsearch(&page, list->v, list->n, sizeof(*list->v), by_page) : NULL;
}
