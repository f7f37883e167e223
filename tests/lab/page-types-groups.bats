#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types on a real kernel: conditions and groups. What one way of choosing pages
# says must agree with what another says, and with the kernel's own numbers.

# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; run sets stderr
bats_require_minimum_version 1.5.0

load helper

CGROUP=/sys/fs/cgroup/page-types-groups

setup() {
	pids=()
}

teardown() {
	kill_victims
	[ ! -d $CGROUP ] || rmdir $CGROUP/a/b $CGROUP/a $CGROUP
}

# total ARGUMENT…: the pages in all.
total() {
	page-types "$@" | awk '/^ +total/ {n = $2} END {print n + 0}'
}

# in_cgroup CGROUP COMMAND…: a victim in there.
in_cgroup() {
	# shellcheck disable=SC2016 # for the shell that is started
	start_victim in-cgroup sh -c 'echo $$ > "$0/cgroup.procs" && exec "$@"' "$@"
}

# Pages by their PFN and address, without the flags: the latest pages of a process come to
# an LRU list only some time later. Both name those that the process has there.
@test "--vaddr, --pfn and --phys choose the pages that --addr chose" {
	local pfns

	victim one -m 1
	page-types -p "$pid" -a "$range" -L -N | cut -f 1,2 > "$BATS_TEST_TMPDIR/by-addr"
	(($(wc -l < "$BATS_TEST_TMPDIR/by-addr") == 257))
	page-types -p "$pid" --vaddr "$address+0x100000" -L -N | cut -f 1,2 | diff - "$BATS_TEST_TMPDIR/by-addr"
	pfns=$(sed 1d "$BATS_TEST_TMPDIR/by-addr" | cut -f 2 | sed 's/^/0x/' | paste -s -d ,)
	page-types -L -N --pfn "$pfns" | sed 1d | cut -f 1 |
		diff - <(sed 1d "$BATS_TEST_TMPDIR/by-addr" | cut -f 2 | perl -e 'print sort {hex $a <=> hex $b} <>')
	(($(total --phys "$((${pfns%%,*} * 4096 + 5))") == 1))
	page-types -p "$pid" --pfn "$pfns" -L -N | cut -f 1,2 | diff - "$BATS_TEST_TMPDIR/by-addr"
}

@test "--vma: its parts make up the process" {
	local all parts=0 kind

	victim one -m 4
	# On its way to sleep it may still touch a page for the first time.
	eventually has_state "$pid" S
	all=$(total -p "$pid")
	(($(total -p "$pid" --vma anon) >= 1024))
	for kind in heap stack anon file '[vdso],[vvar]'; do
		((parts += $(total -p "$pid" --vma "$kind"))) || true
	done
	((parts == all))
	(($(total -p "$pid" --vma text) > 0))
	(($(total -p "$pid" --vma "file:*/libc.so*") > 0))
	(($(total -p "$pid" --vma hugetlb) == 0))
}

@test "--by vma: each mapping as smaps says" {
	local start rss

	victim one -m 4
	start=$(printf '%x' $((address)))
	rss=$(awk -v start="$start" '$1 ~ "^" start "-" {found = 1} found && /^Rss/ {print $2; exit}' \
		"/proc/$pid/smaps")
	((rss == 4096))
	page-types -p "$pid" --by vma --json | jq -s -e --argjson page $((address / 4096)) \
		'any(.record == "sum" and .number == $page and .pages == 1024)'
	# The sum of the groups is the whole.
	page-types -p "$pid" --by vma --json | jq -s -e \
		'([.[] | select(.record == "sum" and .by) | .pages] | add) == .[-1].pages'
}

@test "--tree and --by pid: a shell and what it started" {
	local child

	sh -c 'usemem -m 2 > '"$BATS_TEST_TMPDIR/out"' & wait' 3>&- &
	pid=$!
	pids+=("$pid")
	eventually grep -qs ready "$BATS_TEST_TMPDIR/out"
	child=$(pgrep -P "$pid" usemem)
	pids+=("$child")
	page-types -p "$pid" --tree --by pid --json |
		jq -r 'select(.record == "sum") | [.pid, .group, .pages] | map(. // "-" | tostring) | join(" ")' \
		> "$BATS_TEST_TMPDIR/sums"
	cat "$BATS_TEST_TMPDIR/sums"
	grep -q "^$pid pid $pid (sh) " "$BATS_TEST_TMPDIR/sums"
	(($(awk -v pid="$child" '$1 == pid {print $5}' "$BATS_TEST_TMPDIR/sums") >= 512))
	(($(wc -l < "$BATS_TEST_TMPDIR/sums") == 3))
}

@test "--cgroup with those below it, and --by cgroup" {
	local a b ino_a ino_b

	echo +memory > /sys/fs/cgroup/cgroup.subtree_control
	mkdir -p $CGROUP/a
	echo +memory > $CGROUP/cgroup.subtree_control
	echo +memory > $CGROUP/a/cgroup.subtree_control
	mkdir $CGROUP/a/b
	in_cgroup $CGROUP/a/b usemem -m 8
	eventually has_state "$pid" S
	ino_a=$(stat -c %i $CGROUP/a)
	ino_b=$(stat -c %i $CGROUP/a/b)
	a=$(total -c $CGROUP/a -b anon)
	b=$(total -c $CGROUP/a/b -b anon)
	((a == b && a >= 2048))
	(($(total -c "@$ino_a" -b anon) == a))
	page-types -b anon --by cgroup --json | jq -s -e --argjson ino "$ino_b" --argjson pages "$b" \
		'any(.record == "sum" and .number == $ino and .pages == $pages and
		.group == "/sys/fs/cgroup/page-types-groups/a/b")'
	(($(awk '/^anon / {print $2 / 4096}' $CGROUP/a/b/memory.stat) - b < 64))
}

@test "--cgroup: all of a transparent huge page, on kernels whose tails are charged to nobody, too" {
	echo +memory > /sys/fs/cgroup/cgroup.subtree_control
	mkdir -p $CGROUP/a/b
	echo +memory > $CGROUP/cgroup.subtree_control
	in_cgroup $CGROUP/a usemem --kind thp -m 8
	(($(total -p "$pid" -a "$range" -b thp) >= 512)) || skip "no transparent huge page was to be had"
	(($(total -p "$pid" -a "$range" -c $CGROUP/a) == $(total -p "$pid" -a "$range")))
}

@test "--node and --by node: the only node has all of the memory blocks" {
	(($(total --node 0 -b reserved,lru,buddy,slab --raw) > 0))
	page-types --by node --json | jq -s -e 'any(.record == "sum" and .number == 0 and .pages > 100000)'
	run page-types --node 7
	((status == 1))
}
