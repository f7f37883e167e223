# shellcheck shell=bash disable=SC2034 # the package lists are named by their group
# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts of this folder share: packages, the build, messages.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Beside other guests, on a busy machine, a boot takes its time.
export HWPOISON_LAB_BOOT_TIME=${HWPOISON_LAB_BOOT_TIME:-600}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

packages_build="gcc make autoconf automake autoconf-archive libtool pkgconf
	libpopt-dev libjson-c-dev libtracefs-dev libtraceevent-dev libcap-dev libkmod-dev libncurses-dev libzstd-dev
	linux-libc-dev"
packages_lab="qemu-system-x86 busybox-static cpio xz-utils zstd kmod"
packages_test="bats libcmocka-dev jq mandoc shellcheck cppcheck clang-tidy valgrind
	util-linux procps psmisc sysvinit-utils e2fsprogs bash-completion tmux"

# install_packages GROUP…: installs what is missing of the groups' packages.
install_packages() {
	local group name missing=()
	for group; do
		group=packages_$group
		for name in ${!group}; do
			dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed ||
				missing+=("$name")
		done
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "packages are missing, and there is no apt-get: ${missing[*]}"
	[ "$(id -u)" -eq 0 ] || die "packages are missing, run as root or install: ${missing[*]}"
	say "installing ${missing[*]}"
	local log
	log=$(mktemp)
	if ! { apt-get update && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		die "apt-get failed"
	fi
	rm -f "$log"
}

# build_tree DIR [CONFIGURE-OPTION…]: builds out of tree, and installs below DIR/stage.
build_tree() {
	local dir=$1 log=$1/build.log
	shift
	mkdir -p "$dir" || return
	if ! {
		if [ ! -x "$top/configure" ] || [ "$top/configure.ac" -nt "$top/configure" ]; then
			(cd "$top" && autoreconf -fi) || false
		fi &&
		if [ ! -e "$dir/config.status" ] || [ "$top/configure" -nt "$dir/config.status" ]; then
			(cd "$dir" && "$top/configure" -q --prefix=/usr/local "$@") || false
		fi &&
		make -s -C "$dir" -j"$(nproc)" &&
		rm -rf "$dir/stage" &&
		make -s -C "$dir" install DESTDIR="$dir/stage"
	} >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		die "the build failed: $log"
	fi
}

# use_stage DIR: the installed programs and library of that build come first.
use_stage() {
	export STAGE=$1/stage TOP_SRCDIR=$top TOP_BUILDDIR=$1
	export PATH=$STAGE/usr/local/bin:$PATH
	export HWPOISON_LAB_FILES=$STAGE/usr/local/libexec/hwpoison-tools/lab
	export LD_LIBRARY_PATH=$STAGE/usr/local/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# once_more NAME COMMAND…: runs a producer of TAP on real kernels, and shows what it prints.
# Emulated on processors that others use too, a stock kernel may hang, and a signal may come
# before or after what it mostly comes after: a guest that broke down (125), or a run of
# which one or two results failed, is done once more, from a fresh boot. Both are shown, the
# first as comments from "# again:" on, so that none of it is lost: a result that comes and
# goes is an error that waits for its day. What fails in the second run has failed.
once_more() {
	local name=$1 first status=0 failed why
	shift
	first=$(mktemp)
	"$@" >"$first" 2>&1 || status=$?
	failed=$(grep -E '^not ok' "$first" | grep -cviE '# skip')
	if [ $status -eq 125 ]; then
		why="the guest broke down"
	elif [ "$failed" -eq 1 ] || [ "$failed" -eq 2 ]; then
		why="$failed failed"
	else
		cat "$first"
		rm -f "$first"
		return $status
	fi
	echo "# again: $name: $why; what it printed:"
	sed 's/^/# /' "$first"
	rm -f "$first"
	"$@" 2>&1
}
