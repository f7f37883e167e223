#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types: the conditions that it has in common with hwpoison-inject, on a --sysroot tree.

# Set in helper.bash: $root, $stdout_file.
# shellcheck disable=SC2154
load helper

setup() {
	make_root
	flags=$root/proc/kpageflags
	dump "$flags" -*4 anon,lru*4 lru*4
	task 7
	vma 7 16 "$(present 4)" "$(present 5)"
	vma 7 32 "$(present 8)" "$(swapped 0 4)"
	# Ranges of pages and names; the fixture's mappings have none.
	sed -i -e '1s/$/[heap]/' -e '2s|.*|20000-22000 r--p 00000000 08:01 99 /lib/x.so|' \
		"$root/proc/7/maps"
}

on_root() {
	page-types --sysroot "$root" "$@"
}

# chosen ARGUMENT...: the rows of a list of each page, without the flags.
chosen() {
	run_split on_root -L -N "$@"
	status_is 0
	stderr_is
	sed 1d "$stdout_file" | cut -f 1-"${columns:-2}" | tr '\t' : | paste -s -d ' '
}

@test "--pfn: pages by number, each once and in order, whatever the order given" {
	columns=1
	[ "$(chosen --pfn 9,4-5,0x4+2)" = "4 5 9" ]
	[ "$(chosen --pfn 9 --pfn 1)" = "1 9" ]
	[ "$(printf '5 9\n4\n' | chosen --pfn -)" = "4 5 9" ]
	fails_with 1 'page-types: --pfn: page 0x64: /proc/kpageflags ends at page 0xc' on_root -L -N --pfn 100
}

@test "--phys: pages by their addresses" {
	columns=1
	[ "$(chosen --phys "$((4 * $(page_size) + 17)),$((9 * $(page_size)))")" = "4 9" ]
}

@test "--pfn and --addr narrow each other in memory" {
	columns=1
	[ "$(chosen --pfn 4-9 -a 5,8)" = "5 6 7" ]
	[ "$(chosen --pfn 4-9 -a 100)" = "" ]
}

@test "--pfn narrows a process; a swap entry has none" {
	[ "$(chosen -p 7)" = "10:4 11:5 20:8 21:4" ]
	[ "$(chosen -p 7 --pfn 4,8)" = "10:4 20:8" ]
}

@test "--vma: by kind, by name, several" {
	[ "$(chosen -p 7 --vma heap)" = "10:4 11:5" ]
	[ "$(chosen -p 7 --vma file)" = "20:8 21:4" ]
	[ "$(chosen -p 7 --vma 'file:*/x.so')" = "20:8 21:4" ]
	[ "$(chosen -p 7 --vma /lib/x.so,heap)" = "10:4 11:5 20:8 21:4" ]
	fails_with 0 'page-types: --vma: process 7 has no such mapping' on_root -N -p 7 --vma stack
	[ "$(chosen -p 7 --vma heap -a 0x11)" = "11:5" ]
}

@test "--vaddr: bytes of the process" {
	[ "$(chosen -p 7 --vaddr "$((17 * $(page_size) + 100))")" = "11:5" ]
	[ "$(chosen -p 7 --vaddr "$((16 * $(page_size)))+1,$((32 * $(page_size)))")" = "10:4 20:8" ]
}

@test "--tree: descendants, too, with a column for the process" {
	columns=3
	task 9
	printf 'PPid:\t7\n' >> "$root/proc/9/status"
	vma 9 16 "$(present 6)"
	task 10
	printf 'PPid:\t9\n' >> "$root/proc/10/status"
	vma 10 16 "$(present 7)"
	task 11
	printf 'PPid:\t1\n' >> "$root/proc/11/status"
	[ "$(chosen -p 9 --tree)" = "9:10:6 10:10:7" ]
	[ "$(chosen -p 7 --tree -b lru,anon=lru,anon --vma anon)" = "9:10:6 10:10:7" ]
	fails_with 2 $'page-types: --tree: needs --pid\nTry \'page-types --help\'.' on_root --tree
}

@test "--node: the pages of its memory blocks" {
	local memory=$root/sys/devices/system/memory node=$root/sys/devices/system/node

	columns=1
	mkdir -p "$memory" "$node/node0/memory0" "$node/node2/memory1"
	printf '%x\n' $((6 * $(page_size))) > "$memory/block_size_bytes"
	[ "$(chosen --node 2)" = "6 7 8 9 a b" ]
	[ "$(chosen --node 0 -b anon)" = "4 5" ]
	[ "$(chosen --node 0,2 --pfn 5-6)" = "5 6" ]
	columns=2
	# A swap entry is on none.
	[ "$(chosen -p 7 --node 0)" = "10:4 11:5" ]
	fails_with 1 'page-types: --node: 1: no such node' on_root --node 1
}

@test "--node and --by node: not of a copy, whose machine is not this one" {
	local option mem=$BATS_TEST_TMPDIR/mem

	dump "$mem" 'lru*4'
	for option in '--node 0' '--by node'; do
		# shellcheck disable=SC2086 # words
		fails_with 2 "page-types: --kpageflags: a copy does not know the nodes of its pages: not with --node and --by node (unless --sysroot names a tree that does)
Try 'page-types --help'." page-types -F "$mem" $option
	done
	mkdir -p "$root/sys/devices/system/memory" "$root/sys/devices/system/node/node0/memory0"
	printf '%x\n' $((2 * $(page_size))) > "$root/sys/devices/system/memory/block_size_bytes"
	run_split on_root -F "$mem" --node 0 -l -N
	status_is 0
	stdout_is $'offset\tlen\tflags' $'0\t2\t_____l_____________________________________'
}

@test "--cgroup: with those below it; the tails of a folio go with its head" {
	local group=$root/sys/fs/cgroup/group a b

	columns=1
	mkdir -p "$group/below"
	: > "$group/memory.stat"
	: > "$group/below/memory.stat"
	a=$(stat -c %i "$group")
	b=$(stat -c %i "$group/below")
	dump "$flags" anon head,thp,anon tail,thp*2 anon anon
	put_u64 "$root/proc/kpagecgroup" 0 "$a" "$b" 0 0 42 "$b"
	[ "$(chosen -c /sys/fs/cgroup/group)" = "0 1 2 3 5" ]
	[ "$(chosen -c /sys/fs/cgroup/group/below)" = "1 2 3 5" ]
	[ "$(chosen -c @42)" = "4" ]
	# As the summary counts them.
	run_split on_root -c /sys/fs/cgroup/group/below
	stdout_has "             total	         4        0"
}
