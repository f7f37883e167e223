# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # bats sets and reads some variables
# SPDX-License-Identifier: GPL-2.0-or-later
# What the lab's tests share.

# Never has anything to read: a sleep that costs no process.
exec {nap}<> <(:)

rest() {
	read -r -t "$1" -u "$nap" || true
}

# eventually COMMAND…: until it succeeds, for two minutes at most: how long a guest takes
# for anything goes by what else its host has to do.
eventually() {
	local end=$((SECONDS + 120))

	until "$@"; do
		((SECONDS < end)) || { echo "waited in vain for: $*"; return 1; }
		rest 0.05
	done
}

HWPOISON=/sys/kernel/debug/hwpoison
SPECIAL_PAGES=${TOP_BUILDDIR:-$BATS_TEST_DIRNAME/../../build}/tests/lab/special-pages

# A small ext4 file system on a loop device, in $DISK: the lab's own root is an
# overlay on tmpfs, whose page cache is of another kind.
make_disk() {
	export DISK=$BATS_FILE_TMPDIR/disk
	modprobe -a loop ext4
	truncate -s 32M "$DISK.image"
	mkfs.ext4 -q "$DISK.image"
	mkdir "$DISK"
	mount -o loop "$DISK.image" "$DISK"
}

remove_disk() {
	umount "$DISK"
	rm "$DISK.image"
}

# Files on a tmpfs, as all are here, stay charged to the cgroup that wrote them, and
# a removed cgroup stays for as long as a page is charged to it.
remove_files() {
	rm -rf "${BATS_TEST_TMPDIR:?}"/*
}

# 6.1 differs from what came later.
is_old() {
	[[ $(uname -r) == 6.1.* ]] && echo yes || echo no
}

# Whether the kernel's log tells of each touch of a poisoned page.
logs_touches() {
	[ "$(uname -m)" = x86_64 ]
}

kill_victims() {
	local pid

	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2> /dev/null || true
		wait "$pid" 2> /dev/null || true
	done
	pids=()
}

unpoison_all() {
	page-types -b hwpoison -x -N > "$BATS_TEST_TMPDIR/unpoison" 2>&1 || cat "$BATS_TEST_TMPDIR/unpoison"
}

corrupted() {
	awk '/^HardwareCorrupted/ {print $2}' /proc/meminfo
}

# Whether the kernel has that page marked as poisoned.
is_marked() {
	local flags

	flags=$(od -A n -t u8 -j $((($1) * 8)) -N 8 /proc/kpageflags)
	((flags >> 19 & 1))
}

# has_lost KB BEFORE: whether more than that was poisoned since "corrupted" said BEFORE.
has_lost() {
	(($(corrupted) > $2 + $1))
}

# filter MEMCG ENABLE
filter() {
	[ ! -d $HWPOISON ] || {
		echo "$1" > $HWPOISON/corrupt-filter-memcg
		echo "$2" > $HWPOISON/corrupt-filter-enable
	}
}

# The memory controller of cgroup v1, at /sys/fs/cgroup/mem; 6.1 is the last to have it.
# A controller is in one hierarchy at a time: it leaves v2 when nobody uses it there
# any more, and a cgroup is used for as long as a page is charged to it. It does not come
# back in this boot.
mount_v1() {
	mkdir -p /sys/fs/cgroup/mem
	! mountpoint -q /sys/fs/cgroup/mem || return 0
	echo -memory > /sys/fs/cgroup/cgroup.subtree_control
	eventually try_v1
}

try_v1() {
	echo 3 > /proc/sys/vm/drop_caches
	mount -t cgroup -o memory none /sys/fs/cgroup/mem 2> /dev/null
}

# victim NAME OPTION…: usemem in the background until its memory is there; sets
# pid, out, range (an addr-spec of its memory).
victim() {
	start_victim "$1" usemem "${@:2}"
}

# special NAME KIND [FILE]: the same with special-pages.
special() {
	start_victim "$1" "$SPECIAL_PAGES" "${@:2}"
}

# is_ready_or_gone: the victim that was started last.
is_ready_or_gone() {
	grep -q ready "$out" || ! kill -0 "$pid"
}

# start_victim NAME COMMAND…
start_victim() {
	out=$BATS_TEST_TMPDIR/$1.out
	shift
	# What an earlier one has left there is not this one's.
	: > "$out"
	"$@" > "$out" 2>&1 3>&- &
	pid=$!
	pids+=("$pid")
	eventually is_ready_or_gone
	grep -q ready "$out" || { cat "$out"; return 1; }
	find_range "$out"
}

# Where usemem's memory lies, from what it printed; its other pages (its stack, its
# data) it needs itself. Sets range and address.
find_range() {
	local line

	line=$(grep -m 1 ' at 0x' "$1")
	[[ $line =~ \ at\ 0x([0-9a-f]+)-0x([0-9a-f]+) ]]
	range=$((0x${BASH_REMATCH[1]} / 4096)),$((0x${BASH_REMATCH[2]} / 4096))
	address=0x${BASH_REMATCH[1]}
}

has_state() {
	[[ $(sed 's/.*) //' "/proc/$1/stat" 2> /dev/null) == $2* ]]
}

has_gone() {
	! kill -0 "$1" 2> /dev/null || has_state "$1" Z
}

# Waits until a process is gone.
gone() {
	eventually has_gone "$1"
}

poison() {
	run --separate-stderr page-types -N -X "$@"
	echo "$output"
	echo "$stderr"
}

has() {
	[[ $output == *"$1"* ]] || { echo "missing: $1"; return 1; }
}

has_line() {
	grep -qE -- "$1" <<< "$output" || { echo "missing line: $1"; return 1; }
}
