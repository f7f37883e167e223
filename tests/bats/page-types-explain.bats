#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types: an answer that is empty, or that can't be had, says why.

# Set in helper.bash: $root, $stdout_file.
# shellcheck disable=SC2154
load helper

setup() {
	make_root
	flags=$root/proc/kpageflags
	dump "$flags" anon,lru*4
}

on_root() {
	page-types --sysroot "$root" "$@"
}

# kernel RELEASE: the tree is of that one.
kernel() {
	mkdir -p "$root/proc/sys/kernel"
	printf '%s\n' "$1" > "$root/proc/sys/kernel/osrelease"
}

# notes LINE… -- ARGUMENT…: an empty list, status 0, and these on stderr.
notes() {
	local expected=()

	while [ "$1" != -- ]; do
		expected+=("page-types: $1")
		shift
	done
	run_split on_root -L -N "${@:2}"
	status_is 0
	stderr_is "${expected[@]}"
	[ "$(wc -l < "$stdout_file")" -eq 1 ]
}

# in_mount_namespace SCRIPT: with mounts of its own.
in_mount_namespace() {
	needs_root "mounts"
	unshare -m true 2> /dev/null || skip "no mount namespace can be had here"
	unshare -m sh -c "$1"
}

@test "a flag that this kernel does not report, by its version" {
	kernel 6.18.0-x
	notes '--bits: nopage: this kernel, 6.18.0-x, does not report it (2.6.31 to 6.15)' -- -b nopage
	notes '--bits: error: this kernel, 6.18.0-x, does not report it (2.6.31 to 6.11)' -- -b lru -b error=error
	notes '--bits: uncached: this kernel, 6.18.0-x, does not report it (2.6.31 to 6.11)' -- -r -b uncached
	kernel 6.15.9
	notes -- -b nopage
	kernel 3.3
	notes '--bits: thp: this kernel, 3.3, does not report it (3.4)' \
		'--bits: pgtable: this kernel, 3.3, does not report it (4.18)' -- -b thp -b pgtable
	# One of several will do, and what is not there need not be reported.
	notes -- -b nopage,error
	notes -- -b 'anon,~thp' -b slab
}

@test "a flag that this kernel was built without" {
	kernel 6.1.0
	notes '--bits: hwpoison: this kernel does not have it (no CONFIG_MEMORY_FAILURE)' -- -b hwpoison
	notes '--bits: huge: this kernel does not have it (no CONFIG_HUGETLBFS)' -- -b huge
	mkdir -p "$root/proc/sys/vm" "$root/sys/kernel/mm/hugepages"
	echo 1 > "$root/proc/sys/vm/memory_failure_recovery"
	notes -- -b hwpoison
	notes -- -b huge
}

@test "flags of a copy: nobody knows what kernel it is of" {
	notes -- -b nopage
	kernel 6.18
	cp "$flags" "$BATS_TEST_TMPDIR/mem"
	notes -- -F "$BATS_TEST_TMPDIR/mem" -b nopage
}

@test "an address in bytes where pages are meant, and one where nothing is" {
	task 7
	vma 7 16 "$(present 1)" 0
	vma 7 64 0
	sed -i '2s/$/[heap]/' "$root/proc/7/maps"
	notes "--addr: 0x$(printf %x $((16 * $(page_size)))): process 7 has nothing there (it counts pages; --vaddr takes addresses in bytes)" \
		-- -p 7 -a "$((16 * $(page_size)))"
	notes '--addr: 0x50: process 7 has nothing there' -- -p 7 -a 0x50
	notes '--addr: 0x50: process 7 has nothing there' '--addr: 0x60: process 7 has nothing there' \
		-- -p 7 -a 0x50+1 -a 0x60,
	notes '--addr: 0x10: process 7 has nothing that --vma means there' -- -p 7 -a 0x10 --vma heap
	notes '--vma: process 7 has no such mapping' -- -p 7 --vma stack
	notes '--vma: process 7 has no such mapping' -- -p 7 --vma stack -a 0x50
	notes '--vaddr: 0x10000: process 7 has nothing that --vma means there' -- -p 7 --vma heap --vaddr 0x10000+1
	# Mapped, and not populated.
	notes -- -p 7 -a 17
	notes '--vaddr: 0x50123: process 7 has nothing there' '--addr: 0x80: process 7 has nothing there' \
		-- -p 7 --vaddr 0x50123+16 -a 0x80
}

@test "--owners and --order of nothing say why, too" {
	task 7
	vma 7 16 "$(present 1)" 0
	put_u64 "$root/proc/kpagecount" 0 0 1 0 0
	bytes=$((16 * $(page_size)))
	hint="page-types: --addr: 0x$(printf %x "$bytes"): process 7 has nothing there (it counts pages; --vaddr takes addresses in bytes)"
	for what in --order --order\ -l; do
		# shellcheck disable=SC2086 # words
		run_split on_root $what -p 7 -a "$bytes"
		status_is 0
		stderr_is "$hint"
		stdout_is
	done
	run_split on_root --owners -p 7 -a "$bytes"
	status_is 0
	stderr_is 'page-types: --owners: no page is chosen: nothing of what was named is in memory' "$hint"
	stdout_is
	run_split on_root --order -p 7 -a 16
	stderr_is
	kernel 6.18
	run_split on_root --order -b nopage
	stderr_is 'page-types: --bits: nopage: this kernel, 6.18, does not report it (2.6.31 to 6.15)'
}

@test "a memory controller that is turned off" {
	put_u64 "$root/proc/kpagecgroup" 0 0 0 0 0
	printf '#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t1\t0\n' > "$root/proc/cgroups"
	notes '--cgroup: the memory controller is turned off (cgroup_disable=memory): no page is charged to any cgroup' \
		-- -c @7
	printf 'memory\t0\t1\t1\n' > "$root/proc/cgroups"
	notes '--cgroup: @7: no cgroup that can be seen here has this inode number' -- -c @7
	# The groups are then one; so are those of nodes that nobody knows.
	run_split on_root -L --by cgroup
	stderr_is
	printf 'memory\t0\t1\t0\n' > "$root/proc/cgroups"
	run_split on_root -L --by cgroup
	status_is 0
	stderr_is 'page-types: --by cgroup: the memory controller is turned off (cgroup_disable=memory): no page is charged to any cgroup'
	# A dump was made elsewhere.
	on_root --dump "$BATS_TEST_TMPDIR/saved" 2> /dev/null
	printf 'memory\t0\t1\t0\n' > "$root/proc/cgroups"
	notes '--cgroup: @7: no cgroup of the dump has this inode number' -- -F "$BATS_TEST_TMPDIR/saved" -c @7
}

@test "--by node without nodes" {
	run_split on_root --by node
	status_is 0
	stderr_is 'page-types: --by node: /sys/devices/system/node: not there (sysfs is not mounted)'
	mkdir -p "$root/sys/devices/system"
	run_split on_root --by node
	status_is 0
	stderr_is 'page-types: --by node: /sys/devices/system/node: not there (the kernel was built without NUMA)'
	mkdir -p "$root/sys/devices/system/node/node0"
	run_split on_root --by node
	stderr_is
}

@test "a node without memory" {
	local node=$root/sys/devices/system/node

	mkdir -p "$node/node0" "$node/node1" "$root/sys/devices/system/memory"
	echo 8000000 > "$root/sys/devices/system/memory/block_size_bytes"
	mkdir "$node/node0/memory0"
	echo 'Node 0 MemTotal:         131072 kB' > "$node/node0/meminfo"
	echo 'Node 1 MemTotal:              0 kB' > "$node/node1/meminfo"
	notes '--node: 1: it has no memory' -- --node 1
	notes -- --node 0 -b locked
	# Something was found.
	run_split on_root -L --node 0,1
	stderr_is
}

@test "a number that no cgroup has" {
	local ino

	put_u64 "$root/proc/kpagecgroup" 0 0 0 0 0
	mkdir -p "$root/sys/fs/cgroup/db"
	: > "$root/sys/fs/cgroup/cgroup.controllers"
	echo 'none /sys/fs/cgroup cgroup2 rw 0 0' > "$root/proc/mounts"
	ino=$(stat -c %i "$root/sys/fs/cgroup/db")
	notes -- -c "@$ino"
	notes '--cgroup: @99999999999: no cgroup that can be seen here has this inode number' -- -c @99999999999
	put_u64 "$root/proc/kpagecgroup" 0 "$ino"
	on_root --dump "$BATS_TEST_TMPDIR/saved" 2> /dev/null
	notes '--cgroup: @99999999999: no cgroup of the dump has this inode number' -- -F "$BATS_TEST_TMPDIR/saved" -c @99999999999
}

@test "a list of pages that has none" {
	notes '--pfn: standard input names no page' -- --pfn - < /dev/null
	run_split on_root --order --pfn - < /dev/null
	status_is 0
	stderr_is 'page-types: --pfn: standard input names no page'
}

@test "--order of pages that are of no folio" {
	dump "$flags" 'buddy*3' reserved
	run_split on_root --order --pfn 1,3
	status_is 0
	stdout_is
	stderr_is 'page-types: --order: all of the pages, 2, are of no folio: free, or single ones of the kernel, or no memory'
	task 7
	vma 7 16 "$(swapped 1 2)"
	run_split on_root --order -p 7
	status_is 0
	stderr_is 'page-types: --order: all of the pages, 1, are swapped out'
}

@test "a file of /proc that is masked" {
	needs_pfns
	for file in kpageflags kpagecgroup kpagecount; do
		run_split in_mount_namespace "mount --bind /dev/null /proc/$file &&
			exec page-types -l -C -M -a 1"
		status_is 4
		stderr_is "page-types: /proc/$file: empty: something else is mounted over it (a container masks it?)"
		stdout_is
	done
}

@test "map counts and cgroups that are masked: a dump goes without, and owners are found" {
	needs_pfns
	local file what dump=$BATS_TEST_TMPDIR/dump

	for file in kpagecount kpagecgroup; do
		[ -e "/proc/$file" ] || continue
		what="map counts"
		[ $file = kpagecount ] || what=cgroups
		run_split in_mount_namespace "mount --bind /dev/null /proc/$file && exec page-types --dump $dump -a 0+64"
		status_is 0
		stderr_is "page-types: /proc/$file: empty: something else is mounted over it (a container masks it?): it goes without $what"
		page-types -F "$dump" -a 0+64 > "$stdout_file"
		rm "$dump"
	done
	[ -e /proc/kpagecgroup ] || return 0
	run_split in_mount_namespace "mount --bind /dev/null /proc/kpagecgroup && exec page-types --owners --pfn 0"
	status_is 0
	stderr_is "page-types: /proc/kpagecgroup: empty: something else is mounted over it (a container masks it?): it goes without cgroups"
	grep -q '^page 0x0 ' "$stdout_file"
}

@test "a process that hidepid hides" {
	needs_pfns
	needs_unprivileged page-types
	cp "$flags" "$BATS_TEST_TMPDIR/mem"
	chmod a+r "$BATS_TEST_TMPDIR/mem"
	for how in noaccess invisible; do
		run_split in_mount_namespace "mount -t proc -o hidepid=$how proc /proc &&
			exec setpriv --reuid=65534 --regid=65534 --clear-groups \
			page-types -N -F $BATS_TEST_TMPDIR/mem -p 1"
		status_is 3
		stderr_is 'page-types: --pid: 1: /proc hides this process (it is mounted with hidepid): it takes root, or the group that gid= of the mount names'
	done
}

@test "map counts that are masked: the map does not take them for none" {
	needs_pfns
	[ -e /proc/kpagecount ] || skip "no map counts here"
	run_split in_mount_namespace "mount --bind /dev/null /proc/kpagecount &&
		exec page-map --once --letters --scheme mapcount --size 80x24"
	status_is 0
	stderr_is "page-map: /proc/kpagecount: empty: something else is mounted over it (a container masks it?): it goes without map counts"
	grep -q 'not known [0-9]' "$stdout_file"
	run ! grep -q 'not mapped' "$stdout_file"
}
