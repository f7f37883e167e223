// SPDX-License-Identifier: GPL-2.0-or-later
/* Which container a cgroup is of, by its path. */
#include "container.h"

#include <ctype.h>
#include <string.h>

#define ID_LENGTH 64

static bool is_id(const char *text, size_t len)
{
	if (len != ID_LENGTH)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)text[i]) || isupper((unsigned char)text[i]))
			return false;
	return true;
}

/* A directory's name, or a part of it. */
struct part {
	const char *text;
	size_t len;
};

static bool take_prefix(struct part *p, const char *prefix)
{
	size_t len = strlen(prefix);

	if (p->len <= len || memcmp(p->text, prefix, len) != 0)
		return false;
	p->text += len;
	p->len -= len;
	return true;
}

static bool take_suffix(struct part *p, const char *suffix)
{
	size_t len = strlen(suffix);

	if (p->len <= len || memcmp(p->text + p->len - len, suffix, len) != 0)
		return false;
	p->len -= len;
	return true;
}

/* "docker-ID.scope", "cri-containerd-ID.scope", "crio-ID", "libpod-ID.scope", and the bare
 * ID of the runtimes that do without systemd. */
static bool take_id(struct part *p)
{
	static const char *const runtimes[] = { "docker-", "cri-containerd-", "crio-", "libpod-",
						"nerdctl-" };
	struct part id = *p;

	take_suffix(&id, ".scope");
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++)
		if (take_prefix(&id, runtimes[i]))
			break;
	if (!is_id(id.text, id.len))
		return false;
	*p = id;
	return true;
}

/* "lxc/NAME", "lxc.payload/NAME", "lxc.payload.NAME", "machine-NAME.scope",
 * "systemd-nspawn@NAME.service". */
static bool take_name(struct part *p, const struct part *parent)
{
	struct part name = *p;

	if ((parent->len == 3 && !memcmp(parent->text, "lxc", 3)) ||
	    (parent->len == 11 && !memcmp(parent->text, "lxc.payload", 11)))
		return true;
	if (!(take_prefix(&name, "lxc.payload.") ||
	      (take_prefix(&name, "machine-") && take_suffix(&name, ".scope")) ||
	      (take_prefix(&name, "systemd-nspawn@") && take_suffix(&name, ".service"))))
		return false;
	*p = name;
	return true;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* systemd writes "-" in a name as "\x2d". */
static void copy_unescaped(const struct part *p, char out[static CONTAINER_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < p->len && n + 1 < CONTAINER_SIZE; i++) {
		const char *c = p->text + i;

		if (p->len - i >= 4 && c[0] == '\\' && c[1] == 'x' && isxdigit((unsigned char)c[2]) &&
		    isxdigit((unsigned char)c[3])) {
			out[n++] = (char)(hex_digit(c[2]) << 4 | hex_digit(c[3]));
			i += 3;
		} else {
			out[n++] = *c;
		}
	}
	out[n] = '\0';
}

bool container_of_cgroup(const char *path, char out[static CONTAINER_SIZE])
{
	struct part parent = { "", 0 }, found = { "", 0 };

	while (*path) {
		struct part p, whole;

		path += strspn(path, "/");
		whole = p = (struct part){ path, strcspn(path, "/") };
		if (p.len && (take_id(&p) || take_name(&p, &parent)))
			found = p;
		parent = whole;
		path += whole.len;
	}
	if (!found.len)
		return false;
	copy_unescaped(&found, out);
	return true;
}
