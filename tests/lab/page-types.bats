#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types on a real kernel, as root in the lab: what it says became of pages
# and tasks is what became of them.

# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; run sets stderr

bats_require_minimum_version 1.5.0

load helper

CGROUP=/sys/fs/cgroup/page-types-test

setup_file() {
	make_disk
}

teardown_file() {
	remove_disk
}

setup() {
	pids=()
	before=$(corrupted)
	old=$(is_old)
}

teardown() {
	kill_victims
	filter 0 0
	rm -f /dev/shm/page-types-test
	unpoison_all
	[ ! -d $CGROUP ] || rmdir $CGROUP
	mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
	[ -d "$HWPOISON" ] || modprobe hwpoison-inject
	remove_files
}

# ------------------------------------------------------ what became of pages

@test "every anonymous page of a process is poisoned, counted and unpoisoned" {
	victim late -m 4
	poison -p "$pid" -a "$range"
	((status == 0))
	has_line '^poison: 1024 pages chosen$'
	has_line '^ +1024  poisoned$'
	has_line '^ +1024  dirty LRU page: Recovered$'
	has "usemem[$pid]: not signalled: alive (SIGBUS BUS_MCEERR_AR when it touches a poisoned page)"
	has "HardwareCorrupted: $before kB before, $((before + 4096)) kB after"
	(($(corrupted) == before + 4096))
	((! ${#stderr}))

	run page-types -b hwpoison -x -N
	((status == 0))
	has_line '^unpoison: 1024 pages chosen$'
	has_line '^ +1024  unpoisoned$'
	has "HardwareCorrupted: $((before + 4096)) kB before, $before kB after"
	(($(corrupted) == before))
}

@test "a poisoned page stays in sight in its process, and is no swap entry" {
	victim late -m 1
	page-types -p "$pid" -a "$range" -L -N > "$BATS_TEST_TMPDIR/before"
	poison -p "$pid" -a "$range"
	run page-types -p "$pid" -a "$range" -L -N
	# The same pages at the same places, each with the flag X.
	diff <(cut -f 1,2 "$BATS_TEST_TMPDIR/before") <(cut -f 1,2 <<< "$output")
	(($(grep -c X <<< "$output") == 256))
	run page-types -r -p "$pid" -a "$range" -b hwpoison
	has_line '^ +total\s+256 '
	# Again: they are poisoned already.
	poison -p "$pid" -a "$range"
	((status == 0))
	has_line '^ +256  poisoned already$'
	run page-types -p "$pid" -a "$range" -x -N
	((status == 0))
	has_line '^ +256  unpoisoned$'
}

# kind REST-OF-TABLE: name, options, pages, the kernel's result, exit status
@test "each kind of memory ends as this kernel ends it" {
	local name options pages result rc failures=0
	local ksm_result="dirty LRU page: Recovered" ksm_rc=0

	[ "$old" = no ] || { ksm_result="unmapping failed page: Ignored" ksm_rc=5; }
	echo 1 > /sys/kernel/mm/ksm/run
	while read -r name pages rc result; do
		options=()
		[[ $name != file-* ]] || options=(--path "$DISK")
		victim "$name" -m 2 --kind "$name" "${options[@]}"
		poison -p "$pid" -a "$range"
		{ ((status == rc)) && has_line "^ +$pages  $result\$"; } ||
			{ echo "^^^ $name: status $status"; failures=$((failures + 1)); }
		kill -KILL "$pid"
		wait "$pid" || true
		page-types -b hwpoison -x -N > /dev/null || true
	done <<- TABLE
		anon        512 0 dirty LRU page: Recovered
		thp         512 0 dirty LRU page: Recovered
		mlock       512 0 dirty LRU page: Recovered
		file-clean  512 0 clean LRU page: Recovered
		file-dirty  512 0 dirty LRU page: Recovered
		shm         512 0 dirty LRU page: Recovered
		memfd       512 0 dirty LRU page: Recovered
		hugetlb     1   0 huge page: Recovered
		ksm         2   $ksm_rc $ksm_result
	TABLE
	echo 2 > /sys/kernel/mm/ksm/run
	((failures == 0))
	# What the kernel took it has given back.
	(($(corrupted) == before))
}

@test "a hugetlb page is counted once, by its head" {
	local free
	free=$(awk '/^HugePages_Total/ {print $2}' /proc/meminfo)
	victim huge -m 4 --kind hugetlb
	poison -p "$pid" -a "$range"
	((status == 0))
	has_line '^poison: 1024 pages chosen$'
	has_line '^ +2  poisoned$'
	has_line '^ +1022  part of a hugetlb page that is counted by its first page$'
	(($(corrupted) == before + 8))
	kill -KILL "$pid"
	wait "$pid" || true
	run page-types -b hwpoison -x -N
	((status == 0))
	(($(corrupted) == before))
	echo "$free" > /proc/sys/vm/nr_hugepages
}

@test "a shared hugetlb page that is still in its file is unpoisoned by its head, or refused" {
	# In the file the page stays poisoned for as long as the file lives.
	victim memfd -m 2 --kind memfd
	poison -p "$pid" -a "$range"
	((status == 0))
	run page-types -b hwpoison -x -N
	((status == 5))
	has_line '^ +512  still poisoned: the kernel refused$'
	has_line '^ +512  error: Device or resource busy'
}

@test "real swap entries stay swap entries, and are not poisoned" {
	local swap=$BATS_TEST_TMPDIR/swap

	modprobe zram num_devices=1 2> /dev/null || skip "no zram module"
	[ -b /dev/zram0 ] || skip "no zram device"
	echo 64M > /sys/block/zram0/disksize
	mkswap /dev/zram0 > /dev/null
	swapon /dev/zram0
	mkdir $CGROUP
	victim late -m 4
	echo "$pid" > $CGROUP/cgroup.procs
	# New pages, all of them there: the former ones are not that cgroup's.
	eventually grep -q recharged "$out"
	echo 8M > $CGROUP/memory.reclaim || true
	page-types -r -p "$pid" -l -N > "$swap"
	run page-types -r -p "$pid" -b swap
	kill -KILL "$pid"
	wait "$pid" || true
	swapoff /dev/zram0
	echo "$output"
	has_line '^0x[0-9a-f]+\s+[0-9]+ .*\sswap$|,swap$|\ssoftdirty,swap$'
	[[ $output != *hwpoison* ]]
}

# ------------------------------------------------------ what became of tasks

@test "early kill with a handler: BUS_MCEERR_AO, its address, and it lives" {
	victim early -m 2 --policy early --handler
	poison -p "$pid" -a "$range"
	((status == 0))
	has_line '^ +512  poisoned$'
	has_line "^  usemem\\[$pid\\]: SIGBUS BUS_MCEERR_AO, [0-9]+ sent.*, first at $address: its handler ran, alive\$"
	# That it runs is known when it begins: before it has printed anything.
	eventually grep -q "SIGBUS BUS_MCEERR_AO address $address" "$out"
	kill -0 "$pid"
}

@test "early kill without a handler: it dies of its first page, the rest is not tried" {
	victim early -m 2 --policy early
	poison -p "$pid" -a "$range"
	((status == 5))
	# Another one may be sent while it dies of the first.
	has_line "^  usemem\\[$pid\\]: SIGBUS BUS_MCEERR_AO, [0-9]+ sent.*, first at $address: died\$"
	has_line '^ +[0-9]+  not tried: their process ended$'
	gone "$pid"
	# Only what was its own was poisoned: the pages that it gave back were not.
	(($(page-types -b hwpoison | awk '/ total/ {print $2}') * 4 == $(corrupted) - before))
}

@test "late kill: a process that goes on touching its memory dies, BUS_MCEERR_AR" {
	local where=", first at 0x[0-9a-f]+"

	logs_touches || where=
	victim late -m 8 --touch --interval 0.01
	poison -p "$pid" -a "$range"
	((status == 0 || status == 5))
	gone "$pid"
	has_line "^  usemem\\[$pid\\]: SIGBUS BUS_MCEERR_AR, 1 sent.*$where: died\$"
}

@test "an ignored SIGBUS is said to be ignored, a blocked one to be pending" {
	local with fate

	for with in ignored blocked; do
		if [ $with = ignored ]; then
			fate="0 sent, 256 ignored, first at 0x[0-9a-f]+: ignores SIGBUS, alive"
			(trap '' BUS; exec usemem -m 1 --policy early > "$BATS_TEST_TMPDIR/$with" 2>&1 3>&-) &
		else
			fate="1 sent, 255 merged .*: blocks SIGBUS, pending, alive"
			perl -MPOSIX -e 'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGBUS)); exec @ARGV' \
				usemem -m 1 --policy early > "$BATS_TEST_TMPDIR/$with" 2>&1 3>&- &
		fi
		pid=$!
		pids+=("$pid")
		eventually grep -q ready "$BATS_TEST_TMPDIR/$with"
		find_range "$BATS_TEST_TMPDIR/$with"
		poison -p "$pid" -a "$range"
		((status == 0))
		has_line "^  usemem\\[$pid\\]: SIGBUS BUS_MCEERR_AO, $fate\$"
		kill -0 "$pid"
	done
}

@test "two processes at once: a row each, and a pid column" {
	victim one -m 1 --policy early --handler
	local first=$pid first_range=$range
	victim two -m 1
	run page-types -p "$first" -p "$pid" -b anon -L
	[[ $output == "pid	voffset	offset	flags"* ]]
	has_line "^$first	"
	has_line "^$pid	"
	poison -p "$first,$pid" -a "$first_range" -a "$range"
	((status == 0))
	has_line "^  usemem\\[$first\\]: SIGBUS BUS_MCEERR_AO"
	has_line "^  usemem\\[$pid\\]: not signalled"
}

@test "without tracefs the kernel's log says it" {
	victim early -m 1 --policy early --handler
	umount /sys/kernel/tracing
	[ ! -d /sys/kernel/debug/tracing/events ] || umount /sys/kernel/debug/tracing 2> /dev/null || true
	poison -p "$pid" -a "$range"
	mount -t tracefs none /sys/kernel/tracing
	((status == 0))
	has_line '^ +256  dirty LRU page: Recovered$'
	has_line "^  usemem\\[$pid\\]: SIGBUS"
}

@test "SIGINT in the middle: a report of what was done, the end by that signal, nothing left" {
	local rc=0
	victim late -m 256
	page-types -N -X -p "$pid" -a "$range" > "$BATS_TEST_TMPDIR/int" 2>&1 3>&- &
	local injector=$!
	eventually has_lost 400 "$before"
	kill -INT "$injector"
	# A background job of a script ignores SIGINT: the shell set it so.
	kill -TERM "$injector" 2> /dev/null || true
	wait "$injector" || rc=$?
	cat "$BATS_TEST_TMPDIR/int"
	((rc == 143 || rc == 130))
	grep -q 'stopped: the rest of the pages was not tried' "$BATS_TEST_TMPDIR/int"
	grep -qE '^ +[0-9]+  poisoned$' "$BATS_TEST_TMPDIR/int"
	[ -z "$(ls /sys/kernel/tracing/instances)" ]
}

# ------------------------------------------------------------------- filters
@test "under the filter a process outside of the cgroup keeps its pages" {
	victim outside -m 1
	filter 12345 1
	poison -p "$pid" -a "$range"
	((status == 5))
	has_line "^ +256  not poisoned: the kernel's filter rejects them\$"
	(($(corrupted) == before))
}

# -------------------------------------------------------------------- safety

@test "the whole machine, PID 1, itself and the kernel are refused" {
	local pfn

	poison
	((status == 6))
	[[ $stderr == *"nothing is selected"* ]]
	poison -p 1
	((status == 6))
	[[ $stderr == *"belong to PID 1"* ]]
	poison -b anon
	((status == 6))
	poison -a 1
	((status == 6))
	[[ $stderr == *"1 of 1 pages belong to the kernel"* ]]
	for flags in slab pgtable; do
		poison -b $flags
		((status == 6))
	done
	# A page of PID 1, by its number.
	pfn=$(page-types -p 1 -b anon -L -N | awk 'NR == 2 {print $2}')
	poison -a "0x$pfn"
	((status == 6))
	[[ $stderr == *"belong to PID 1"* ]]
	(($(corrupted) == before))
}

@test "page 0 is never poisoned, not even by force" {
	run -5 page-types -N -X -a 0 --force
	has "Invalid argument"
	(($(corrupted) == before))
}

@test "a process's vdso is left alone" {
	# It sleeps, and needs none of its pages until it is killed.
	sleep 1000 3>&- &
	pid=$!
	pids+=("$pid")
	eventually grep -q sleep "/proc/$pid/comm"
	eventually has_state "$pid" S
	poison -p "$pid"
	((status == 0))
	has_line '^ +1  left alone: pages of the kernel'
	# A poisoned vdso would kill every program that is started from now on.
	true
	/bin/true
}

# --------------------------------------------------------------- other targets

@test "the page cache of a file: poisoned, told, unpoisoned, and nothing faulted in" {
	local file=$DISK/cached pages

	dd if=/dev/urandom of="$file" bs=4096 count=64 conv=fsync 2> /dev/null
	dd of="$file" oflag=nocache conv=notrunc,fdatasync count=0 2> /dev/null
	dd if="$file" of=/dev/null bs=4096 count=8 skip=16 2> /dev/null
	pages=$(fincore -n -o PAGES "$file")
	run page-types -f "$file"
	((status == 0))
	has_line "^ +total\\s+$pages "
	(($(fincore -n -o PAGES "$file") == pages))
	((pages < 64))
	md5sum "$file" > "$BATS_TEST_TMPDIR/sum"
	poison -f "$file"
	((status == 0))
	has_line '^ +64  clean LRU page: Recovered$'
	# A clean page is dropped, and read again from the disk.
	md5sum -c "$BATS_TEST_TMPDIR/sum"
	rm "$file"
}

@test "poisoned pages of a tmpfs file are said to be there, and can't be looked at" {
	head -c 65536 /dev/urandom > /dev/shm/page-types-test
	poison -f /dev/shm/page-types-test -a 2+3
	((status == 0))
	has_line '^ +3  poisoned$'
	run --separate-stderr page-types -f /dev/shm/page-types-test
	((status == 0))
	[[ $stderr == *"3 cached pages are poisoned and can't be looked at, the first at page 0x2"* ]]
	has_line '^ +total\s+13 '
}

@test "a memory cgroup: its pages, its number" {
	local ino

	mkdir $CGROUP
	ino=$(stat -c %i $CGROUP)
	sh -c "echo \$\$ > $CGROUP/cgroup.procs; exec usemem -m 2" > "$BATS_TEST_TMPDIR/cg.out" 2>&1 3>&- &
	pids+=($!)
	eventually grep -q ready "$BATS_TEST_TMPDIR/cg.out"
	run page-types -c $CGROUP -b anon
	(($(awk '/ total/ {print $2}' <<< "$output") >= 512))
	run page-types -c "@$ino" -b anon -l -C -N
	has_line "^@$ino	"
	run page-types -C -l -M -N -p "${pids[0]}"
	[[ ${lines[0]} == "voffset	cgroup	map-cnt	offset	len	flags" ]]
	kill_victims
	# One that sleeps on, whatever happens to its pages.
	sh -c "echo \$\$ > $CGROUP/cgroup.procs; exec sleep 1000" 3>&- &
	pids+=($!)
	eventually grep -q sleep "/proc/$!/comm"
	eventually has_state $! S
	poison -c $CGROUP -b anon
	((status == 0))
	has_line '^ +[0-9]+  dirty LRU page: Recovered$'
	(($(corrupted) > before))
	kill_victims
}

# has_lru N: whether so many pages of the victim are on an LRU list.
has_lru() {
	[ "$(page-types -p "$pid" -a "$range" -b lru | awk '/ total/ {print $2}')" = "$1" ]
}

@test "pages are marked idle, or the kernel can't" {
	victim late -m 1
	if [ -e /sys/kernel/mm/page_idle/bitmap ]; then
		# Others can't be marked: the latest ones wait on a CPU for their way there.
		eventually has_lru 256
		run page-types -p "$pid" -a "$range" -i
		((status == 0))
		run page-types -p "$pid" -a "$range" -b idle_page
		has_line '^ +total\s+256 '
	else
		run -4 page-types -p "$pid" -a "$range" -i
		has CONFIG_IDLE_PAGE_TRACKING
	fi
}

# ------------------------------------------------------- what is missing here

@test "no debugfs, no module: status 4 and what to try" {
	victim late -m 1
	modprobe -r hwpoison-inject
	poison -p "$pid"
	((status == 4))
	[[ $stderr == *"try: modprobe hwpoison_inject"* ]]
	modprobe hwpoison-inject
	umount /sys/kernel/debug/tracing 2> /dev/null || true
	umount /sys/kernel/debug
	poison -p "$pid"
	mount -t debugfs none /sys/kernel/debug
	((status == 4))
	[[ $stderr == *"debugfs: not mounted"* ]]
}

@test "an unprivileged user is told what he lacks" {
	run -3 setpriv --reuid 65534 --clear-groups page-types
	has "/proc/kpageflags: Permission denied"
	# A copy of kpageflags he may read; the PFNs of his own pages he may not.
	cat /proc/kpageflags > /dev/shm/page-types-test
	run -3 setpriv --reuid 65534 --clear-groups sh -c 'page-types -F /dev/shm/page-types-test -p $$; exit $?'
	has "hides PFNs"
}

@test "hidepid, a kernel thread and a process that is gone: each its message" {
	run -1 page-types -p 2
	has "a kernel thread"
	run -1 page-types -p 4194303
	has "no such process"
	mount -t proc -o hidepid=2 none /proc
	# The group 0 sees through it.
	run setpriv --reuid 65534 --regid 65534 --clear-groups page-types -F /dev/null -p 1
	umount /proc
	echo "$output"
	((status == 3))
	has "hidepid"
}
