# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Which kernels the lab can boot: those in the cache, the host's own, and those
# apt offers. A cached kernel is a folder VERSION/ with vmlinuz, config and
# lib/modules/VERSION/; it appears there complete or not at all.

# Shared between the files of the lab: options, the kernel, the run's folder.
# shellcheck disable=SC2154,SC2034

cache=${HWPOISON_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/hwpoison-lab}

# The kernel to boot, set by kernel_resolve.
kernel_version='' kernel_image='' kernel_modules=''

# "6.1" means 6.1 and 6.1.anything, never 6.12.
kernel_matches() {
	local wanted=$1 version=$2
	[[ $version == "$wanted" || $version == "$wanted"[!0-9]* ]]
}

kernels_cached() {
	local image
	for image in "$cache"/*/vmlinuz; do
		[[ -r $image ]] || continue
		image=${image%/vmlinuz}
		printf '%s\n' "${image##*/}"
	done | sort -Vr
}

# The host's own kernel serves if an ordinary reader may have it and it can
# poison memory at all.
kernel_host_is_usable() {
	local version
	version=$(uname -r)
	[[ -r /boot/vmlinuz-$version && -r /lib/modules/$version/modules.dep ]] &&
		grep -qsx 'CONFIG_MEMORY_FAILURE=y' "/boot/config-$version"
}

# Kernel images proper: a full version number, and neither the cloud flavour
# (no hwpoison-inject) nor the real-time one (no transparent huge pages).
kernels_in_apt() {
	command -v apt-cache >/dev/null || return 0
	apt-cache search --names-only '^linux-image-[0-9].*-amd64$' 2>/dev/null |
		sed -nE 's/^linux-image-([0-9]+\.[0-9]+\.[0-9]+([-+~][^ ]*)?-amd64) .*/\1/p' |
		grep -vE -e '-(cloud|rt|unsigned|dbg)' | sort -Vr
}

# What Debian's own metapackage names; empty where there is no such thing.
kernel_debian_default() {
	command -v apt-cache >/dev/null || return 0
	apt-cache depends linux-image-amd64 2>/dev/null |
		sed -nE 's/^ *Depends: linux-image-([0-9].*)/\1/p' | head -n 1
}

# Reads versions on stdin, newest first; prints the first that matches.
first_match() {
	local version
	while read -r version; do
		kernel_matches "$1" "$version" || continue
		printf '%s\n' "$version"
		return 0
	done
	return 1
}

kernels_list() {
	local version chosen
	chosen=$(kernel_default)
	printf '%-28s %-8s %s\n' VERSION SOURCE DEFAULT
	{
		kernels_cached | sed 's/$/ cached/'
		if kernel_host_is_usable; then printf '%s host\n' "$(uname -r)"; fi
		kernels_in_apt | sed 's/$/ apt/'
	} | sort -t' ' -k1,1Vr -s | while read -r version source; do
		printf '%-28s %-8s %s\n' "$version" "$source" \
			"$([[ $version == "$chosen" ]] && echo yes || echo no)"
	done
}

kernel_default() {
	local version
	version=$(kernel_debian_default)
	printf '%s\n' "${version:-$(kernels_cached | head -n 1)}"
}

kernel_use_cached() {
	kernel_version=$1
	kernel_image=$cache/$1/vmlinuz
	kernel_modules=$cache/$1/lib/modules/$1
	[[ -r $kernel_image ]]
}

kernel_use_host() {
	kernel_host_is_usable || fail "$EXIT_CANNOT" \
		"kernel: host: /boot/vmlinuz-$(uname -r), its config or its modules are not there or not readable, or it was built without CONFIG_MEMORY_FAILURE; try --kernel 6.1"
	kernel_version=$(uname -r)
	kernel_image=/boot/vmlinuz-$kernel_version
	kernel_modules=/lib/modules/$kernel_version
}

# A kernel of the user's own: the modules' folder names the version.
kernel_use_path() {
	local image=$1 modules=$2 name=${1##*/}
	[[ -r $image ]] || fail "$EXIT_CANNOT" "kernel: $image: not there or not readable"
	if [[ -z $modules ]]; then
		for modules in "${image%/*}/modules" "${image%/*}"/lib/modules/* "/lib/modules/${name#vmlinuz-}" ''; do
			[[ -r $modules/modules.dep ]] && break
		done
	fi
	[[ -r $modules/modules.dep ]] || fail "$EXIT_CANNOT" \
		"kernel: $image: no modules.dep found for it; name the folder by --modules"
	kernel_image=$(realpath -- "$image")
	kernel_modules=$(realpath -- "$modules")
	kernel_version=${kernel_modules##*/}
}

# Sets kernel_* for what the user asked for, fetching it where needed.
kernel_resolve() {
	local wanted=$1 modules=$2 version
	case $wanted in
	host) kernel_use_host; return ;;
	*/*) kernel_use_path "$wanted" "$modules"; return ;;
	'') kernel_resolve_default; return ;;
	esac
	if ! version=$(kernels_cached | first_match "$wanted"); then
		apt_lists_fill
		version=$(kernels_in_apt | first_match "$wanted") || fail "$EXIT_CANNOT" \
			"kernel: $wanted: neither cached nor offered by apt; 'hwpoison-lab kernels' lists what there is, 'apt-get update' may bring more"
		kernel_fetch "$version" || exit
	fi
	kernel_use_cached "$version"
}

kernel_resolve_default() {
	local version newest
	version=$(kernel_default)
	if [[ -z $version ]]; then
		apt_lists_fill
		version=$(kernel_default)
	fi
	[[ $version ]] || fail "$EXIT_CANNOT" \
		'kernel: linux-image-amd64: not offered by apt, and none cached; name one by --kernel'
	kernel_use_cached "$version" && return
	newest=$(kernels_cached | head -n 1)
	kernel_fetch "$version" || {
		# Without a network an older kernel is better than none.
		[[ $newest ]] || exit
		say "kernel: $version: taking $newest from the cache instead"
		version=$newest
	}
	kernel_use_cached "$version"
}

# --fetch K: the newest that apt offers, whatever older one is cached.
kernel_fetch_newest() {
	local version
	apt_lists_fill
	version=$(kernels_in_apt | first_match "$1") || fail "$EXIT_CANNOT" \
		"kernel: $1: not offered by apt; 'hwpoison-lab kernels' lists what is"
	kernel_fetch "$version"
}

apt_lists_fill() {
	command -v apt-get >/dev/null || fail "$EXIT_CANNOT" \
		"kernel: apt-get: not on this machine; put a kernel of your own by --kernel PATH"
	[[ -z $(kernels_in_apt | head -n 1) ]] || return 0
	say 'kernel: apt has no package lists, updating them'
	apt-get -qq -o APT::Sandbox::User=root update >&2 || fail "$EXIT_CANNOT" \
		"kernel: apt-get update: failed; try it as root"
}

# In a subshell, so that its lock and its traps end with it.
kernel_fetch() (
	local version=$1 work
	mkdir -p -- "$cache" || fail "$EXIT_FAILED" "cache: $cache: cannot be made"
	exec {lock}>"$cache/.lock"
	flock "$lock"
	# Another launcher may have been quicker.
	[[ ! -e $cache/$version/vmlinuz ]] || exit 0
	# Who holds the lock is alone: what lies here was left by a fetch that was killed.
	rm -rf -- "$cache"/.fetch.*
	work=$(mktemp -d "$cache/.fetch.XXXXXX")
	# shellcheck disable=SC2064
	trap "$(printf 'rm -rf -- %q' "$work")" EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	say "kernel: $version: fetching it into $cache"
	kernel_download "$version" "$work" && kernel_unpack "$version" "$work" &&
		mv -T -- "$work/tree" "$cache/$version" && exit 0
	fail "$EXIT_CANNOT" "kernel: $version: could not be fetched; is there a network? 'hwpoison-lab kernels' lists what is cached"
)

# From 7.0 on the image package is a shell around linux-binary-* and
# linux-modules-*; before that it has no such dependencies.
kernel_download() {
	local version=$1 work=$2 parts
	mapfile -t parts < <(apt-cache depends "linux-image-$version" |
		sed -nE 's/^ *(Pre)?Depends: (linux-(binary|modules)-[^ <>]+)$/\2/p')
	# apt's own sandbox user cannot write to the cache, and warns of it.
	(cd -- "$work" && apt-get -qq -o APT::Sandbox::User=root \
		download "linux-image-$version" "${parts[@]}" >&2)
}

kernel_unpack() {
	local version=$1 work=$2 deb dir
	for deb in "$work"/*.deb; do
		dpkg -x "$deb" "$work/all" || return
	done
	mkdir -p "$work/tree/lib/modules"
	for dir in "$work/all/lib/modules" "$work/all/usr/lib/modules"; do
		[[ -d $dir/$version ]] && mv -- "$dir/$version" "$work/tree/lib/modules/"
	done
	kernel_unpack_file "$work" "$version" vmlinuz && kernel_unpack_file "$work" "$version" config ||
		return
	# Debian makes modules.dep when the package is installed.
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$work/tree" "$version"
}

kernel_unpack_file() {
	local all=$1/all version=$2 name=$3 file
	for file in "$all/boot/$name-$version" "$all"{,/usr}"/lib/modules/$version/$name" \
		"$1/tree/lib/modules/$version/$name"; do
		[[ -f $file ]] && { cp -- "$file" "$1/tree/$name"; return; }
	done
	return 1
}

# Prints the path of what QEMU is to start. An emulated processor takes seconds
# to unpack a kernel, so we do it, once; QEMU then enters it as a PVH guest.
kernel_boot_image() {
	local config=/boot/config-$kernel_version image
	[[ $kernel_image != "$cache"/* ]] || config=${kernel_image%/*}/config
	image=$cache/unpacked/$kernel_version-$(stat -L -c %Y-%s -- "$kernel_image")
	if [[ $accel != tcg* ]] || ! grep -qsx CONFIG_PVH=y "$config"; then
		printf '%s\n' "$kernel_image"
	elif [[ -r $image ]] || kernel_extract "$image"; then
		printf '%s\n' "$image"
	else
		printf '%s\n' "$kernel_image"
	fi
}

# The boot protocol's header tells where the compressed ELF file lies (0x248) and
# how long it is; before it come a sector and setup_sects (0x1f1) more, behind it
# four bytes that say how large it becomes.
kernel_extract() {
	local image=$1 sectors offset length work unpack
	sectors=$(od -An -tu1 -j 497 -N 1 -- "$kernel_image")
	read -r offset length < <(od -An -tu4 -j 584 -N 8 -- "$kernel_image")
	mkdir -p -- "${image%/*}" && work=$(mktemp "$image.XXXXXX") || return
	tail -c +$(((sectors + 1) * 512 + offset + 1)) -- "$kernel_image" |
		head -c $((length - 4)) >"$run_dir/payload"
	for unpack in 'xz -dc' 'zstd -qdc' 'gzip -dc' 'lz4 -dc'; do
		$unpack <"$run_dir/payload" >"$work" 2>/dev/null && [[ -s $work ]] &&
			chmod 644 -- "$work" && mv -- "$work" "$image" && return
	done
	rm -f -- "$work"
	return 1
}
