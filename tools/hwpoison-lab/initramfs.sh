# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The initramfs: a static busybox, our guest scripts, and the few modules a
# guest needs before it sees the host's file system. It is built once for each
# kernel and kept in the cache; what differs from run to run (the command, its
# environment) is a second, small archive put behind it.

# Shared between the files of the lab: options, the kernel, the run's folder.
# shellcheck disable=SC2154,SC2034

# Without the first the guest is deaf or blind; the others a kernel may lack.
modules_needed=(virtio_pci virtio_console 9pnet_virtio 9p overlay)
modules_wished=(hwpoison-inject mce-inject)

busybox_find() {
	local file
	file=$(PATH=$PATH:/usr/sbin:/sbin:/usr/lib/klibc type -P busybox) &&
		! ldd "$file" >/dev/null 2>&1 && printf '%s\n' "$file"
}

# The relative paths of the named modules and all they need, in the order in
# which they must be loaded. Names may be written with - or _.
modules_in_order() {
	awk -v wanted="$*" '
	function key(path) {
		sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path)
		return path
	}
	function visit(path,   need, n, i) {
		if (path in done) return
		done[path] = 1
		n = split(needs[path], need, " ")
		for (i = n; i > 0; i--) visit(need[i])
		print path
	}
	{ path = $1; sub(/:$/, "", path); $1 = ""; needs[path] = $0; paths[key(path)] = path }
	END { n = split(wanted, names, " ")
	      for (i = 1; i <= n; i++) if (key(names[i]) in paths) visit(paths[key(names[i])]) }
	' "$kernel_modules/modules.dep"
}

module_is_known() {
	local name=${1//[-_]/[-_]}
	grep -qsE "(^|/)$name\.ko" "$kernel_modules/modules.dep" "$kernel_modules/modules.builtin"
}

module_unpack() {
	case $1 in
	*.ko) cat -- "$1" ;;
	*.ko.xz) xz -dc -- "$1" ;;
	*.ko.zst) zstd -qdc -- "$1" ;;
	*.ko.gz) gzip -dc -- "$1" ;;
	*) return 1 ;;
	esac
}

# Prints where the initramfs for this kernel is, building it if need be.
initramfs_get() {
	local busybox=$1 key file
	key=$(cat -- "$busybox" "$kernel_modules/modules.dep" "$lab_files"/guest-* \
		"$lab_files/initramfs.sh" | sha256sum | cut -c1-16)
	file=$cache/initramfs/$kernel_version-$key.cpio
	if [[ ! -e $file ]]; then
		mkdir -p -- "$cache/initramfs" || return
		initramfs_build "$busybox" "$file" || return
		find "$cache/initramfs" -name "$kernel_version-*" -mtime +1 -delete
	fi
	# Tells the sweep above that it is in use.
	touch -c -- "$file" 2>/dev/null
	printf '%s\n' "$file"
}

initramfs_build() {
	local busybox=$1 file=$2 tree=$run_dir/initramfs name module n=0
	for name in "${modules_needed[@]}"; do
		module_is_known "$name" || fail "$EXIT_CANNOT" \
			"kernel: $kernel_version: has no $name, without which the lab cannot use it"
	done
	mkdir -p "$tree"/{bin,modules,proc,sys,dev,lower,rw,newroot,job}
	cp -- "$busybox" "$tree/bin/busybox"
	cp -- "$lab_files"/guest-* "$tree/bin/"
	mv -- "$tree/bin/guest-init" "$tree/init"
	chmod 755 "$tree/init" "$tree"/bin/*
	while read -r module; do
		# The number keeps the order for the guest's shell.
		printf -v name '%02d-%s.ko' $((n++)) "$(basename "${module%%.ko*}")"
		module_unpack "$kernel_modules/$module" >"$tree/modules/$name" || return
	done < <(modules_in_order "${modules_needed[@]}" "${modules_wished[@]}")
	archive_make "$tree" >"$file.$$" && mv -- "$file.$$" "$file"
	rm -rf -- "$tree"
}

# Not compressed: unpacking would cost an emulated processor more than copying.
archive_make() {
	local top=$1
	shift
	(cd -- "$top" && find "${@:-.}" -print0 | cpio --quiet --null -o -H newc -R 0:0)
}
