// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading a kernel module, with what it depends on. */
#include "common/module.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#ifdef HAVE_LIBKMOD
#include <libkmod.h>
#endif

/* Modules that are part of the kernel have a folder there only if they have
 * parameters. */
static bool is_there(struct kpage_ctx *ctx, const char *name)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;

	if (asprintf(&path, "/sys/module/%s", name) < 0) {
		path = NULL;
		return false;
	}
	for (char *p = path; *p; p++)
		if (*p == '-')
			*p = '_';
	fd = kpage_ctx_open(ctx, path, O_PATH | O_DIRECTORY);
	return fd >= 0;
}

#ifdef HAVE_LIBKMOD

static void cleanup_kmod(struct kmod_ctx **kmod)
{
	kmod_unref(*kmod);
}

static void cleanup_kmod_list(struct kmod_list **list)
{
	kmod_module_unref_list(*list);
}

/* What goes wrong is said by the caller, with what to try. */
static void be_quiet(void *data, int priority, const char *file, int line, const char *fn,
		     const char *format, va_list args)
{
	(void)data;
	(void)priority;
	(void)file;
	(void)line;
	(void)fn;
	(void)format;
	(void)args;
}

static int fail_load(int err, const char *name)
{
	switch (err) {
	case -EKEYREJECTED:
	case -ENOKEY:
		return fail(EXIT_NOPERM, "module %s: %s (its signature; see /sys/kernel/security/lockdown)",
			    name, strerror(-err));
	case -EPERM:
		if (geteuid() == 0)
			return fail(EXIT_NOPERM, "module %s: %s (see the sysctl kernel.modules_disabled, and "
				    "/sys/kernel/security/lockdown)", name, strerror(EPERM));
		break;
	case -ENOEXEC:
		return fail(EXIT_CANNOT, "module %s: made for another kernel", name);
	}
	return fail_errno(err, "module %s", name);
}

static int fail_unknown(const char *name)
{
	struct utsname uts;

	if (uname(&uts))
		return fail_errno(-errno, "module %s", name);
	return fail(EXIT_CANNOT, "module %s: not there in /lib/modules/%s (a kernel that was built "
		    "without it, or its modules are in a package of their own)", name, uts.release);
}

/* As modprobe does it: a module that is named is loaded, blacklisted or not. */
static int insert_one(struct kmod_module *module, bool *loaded)
{
	int state = kmod_module_get_initstate(module);
	int err;

	if (state == KMOD_MODULE_LIVE || state == KMOD_MODULE_BUILTIN)
		return 0;
	err = kmod_module_probe_insert_module(module, 0, NULL, NULL, NULL, NULL);
	if (!err)
		*loaded = true;
	return err == -EEXIST ? 0 : err;
}

static int insert(const char *name, bool *loaded)
{
	__attribute__((cleanup(cleanup_kmod))) struct kmod_ctx *kmod = kmod_new(NULL, NULL);
	__attribute__((cleanup(cleanup_kmod_list))) struct kmod_list *list = NULL;
	struct kmod_list *item;
	int err;

	if (!kmod)
		return fail_errno(-ENOMEM, "module %s", name);
	kmod_set_log_fn(kmod, be_quiet, NULL);
	err = kmod_module_new_from_lookup(kmod, name, &list);
	if ((!err && !list) || err == -ENOENT)
		return fail_unknown(name);
	if (err)
		return fail_load(err, name);
	kmod_list_foreach(item, list) {
		struct kmod_module *module = kmod_module_get_module(item);

		err = insert_one(module, loaded);
		kmod_module_unref(module);
		if (err)
			return fail_load(err, name);
	}
	return EXIT_OK;
}

#else

static int insert(const char *name, bool *loaded)
{
	(void)loaded;
	return fail(EXIT_CANNOT, "module %s: this build has no libkmod to load it with "
		    "(try: modprobe %s)", name, name);
}

#endif

int module_load(struct kpage_ctx *ctx, const char *name, bool *loaded)
{
	bool now = false;
	int status = EXIT_OK;

	if (!is_there(ctx, name)) {
		if (!kpage_ctx_is_live(ctx))
			return fail(EXIT_CANNOT, "module %s: not loaded, and nothing can be loaded below "
				    "another root", name);
		status = insert(name, &now);
	}
	if (loaded)
		*loaded = now;
	return status;
}
