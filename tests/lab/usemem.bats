#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# usemem on a real kernel, as root in the lab: its memory is what it says, and it
# tells what happens to it.
# shellcheck disable=SC2030,SC2031 # each test is a process of its own, and meant to be

bats_require_minimum_version 1.5.0

load helper

KSM=/sys/kernel/mm/ksm/run
HUGEPAGES=/proc/sys/vm/nr_hugepages

setup_file() {
	make_disk
}

teardown_file() {
	remove_disk
}

setup() {
	usemem=${USEMEM:-usemem}
	out=$BATS_TEST_TMPDIR/out
	pid=
	cgroup=
	poisoned=()
	read -r ksm < $KSM
	read -r hugepages < $HUGEPAGES
}

teardown() {
	local pfn

	[ -z "$pid" ] || kill -KILL "$pid" 2> /dev/null || true
	[ -z "$pid" ] || wait "$pid" || true
	for pfn in "${poisoned[@]}"; do
		echo "$pfn" > "$HWPOISON"/unpoison-pfn || true
	done
	[ -z "$cgroup" ] || rmdir "$cgroup"
	echo "$ksm" > $KSM
	echo "$hugepages" > $HUGEPAGES
	# For a failure; the lists are long.
	[ ! -e "$out" ] || cut -c 1-200 "$out"
	remove_files
}

# Loops are left to awk and grep: bats looks at each command of the shell.

# Whether usemem has printed so many lines that match.
said() {
	[ "$(grep -c -- "$1" "$out")" = "${2:-1}" ]
}

# Waits until usemem has printed so many lines that match.
wait_for() {
	eventually said "$@"
}

# Starts usemem with 2 MB in the background, until its memory is there.
start() {
	# What an earlier one has left there is not this one's.
	: > "$out"
	"$usemem" -m 2 "$@" > "$out" 2>&1 3>&- &
	pid=$!
	wait_for ready
}

# Has all pages touched once; needs a usemem that survives it.
touch_all() {
	kill -USR1 "$pid"
	wait_for "$1"
}

# Waits for the end of usemem, which shall have that status.
ended_with() {
	local status=0

	wait "$pid" || status=$?
	pid=
	((status == $1))
}

stop() {
	kill "$pid"
	ended_with 143
}

# Sets pfn to the PFN of a page, by its number in the latest list.
find_pfn() {
	pfn=$(awk -v page="$1" '
		/^usemem: pfns / { $1 = $2 = ""; list = $0 }
		END {
			n = split(list, runs)
			for (i = 1; i <= n; i++) {
				split(runs[i], run, "+")
				if (page < at + run[2]) {
					print run[1] " + " page - at
					exit
				}
				at += run[2]
			}
		}' "$out")
	pfn=$((pfn))
}

# Sets address to that of a page, as usemem prints it.
find_address() {
	local line

	read -r line < "$out"
	[[ $line =~ \ at\ (0x[0-9a-f]+)- ]]
	printf -v address 0x%x $((BASH_REMATCH[1] + $1 * 4096))
}

# Poisons the page with that number; sets pfn and address.
poison() {
	find_pfn "$1"
	find_address "$1"
	# 0 is what hidden PFNs read as.
	((pfn > 0))
	poisoned+=("$pfn")
	echo "$pfn" > "$HWPOISON"/corrupt-pfn
}

entry_of() {
	dd if="$1" bs=8 skip="$2" count=1 status=none | od -A n -t u8
}

# Whether the page with that number has all of these flags / none of these flags.
has_flags() {
	local flags bit

	find_pfn "$1"
	flags=$(entry_of /proc/kpageflags "$pfn")
	for bit in "${@:2}"; do
		((flags >> bit & 1)) || return 1
	done
}

lacks_flags() {
	local flags bit

	find_pfn "$1"
	flags=$(entry_of /proc/kpageflags "$pfn")
	for bit in "${@:2}"; do
		((!(flags >> bit & 1))) || return 1
	done
}

# Prints some numbers of kB of the memory's entry in smaps, in the file's order.
smaps() {
	find_address 0
	awk -v start="${address#0x}-" -v names=" $* " '
		/^[0-9a-f]+-[0-9a-f]+ / { inside = index($0, start) == 1 }
		inside && index(names, " " substr($1, 1, length($1) - 1) " ") {
			printf "%s%s", sep, $2
			sep = " "
		}' "/proc/$pid/smaps"
}

# ------------------------------------------------------------------- kinds

@test "anon: base pages, written" {
	start --kind anon
	[ "$(smaps Anonymous AnonHugePages)" = "2048 0" ]
	has_flags 0 12
	lacks_flags 511 17 22
}

@test "thp: huge pages, or status 5" {
	local enabled=/sys/kernel/mm/transparent_hugepage/enabled was first

	start --kind thp
	[ "$(smaps AnonHugePages)" = 2048 ]
	has_flags 0 12 22
	first=$pfn
	find_pfn 511
	((pfn - first == 511))
	stop

	was=$(sed 's/.*\[\(.*\)\].*/\1/' $enabled)
	echo never > $enabled
	run "$usemem" -m 2 --kind thp -s 1
	echo "$was" > $enabled
	((status == 5))
	[[ $output == *"thp: only 0 of 2 MB are in huge pages"* ]]
}

@test "file-clean: page cache without a difference to the disk" {
	start --kind file --path "$DISK"
	[ "$(smaps Rss Shared_Dirty Private_Dirty)" = "2048 0 0" ]
	has_flags 0 11
	lacks_flags 0 4 12 14
}

@test "file-dirty: page cache that was not written back" {
	start --kind file-dirty --path "$DISK/new"
	[ -f "$DISK/new" ]
	[ "$(smaps Private_Dirty)" = 2048 ]
	has_flags 0 4 11
	lacks_flags 0 12 14
	stop
	[ ! -e "$DISK/new" ]
}

@test "file kinds: a tmpfs below an overlay is seen" {
	run -5 "$usemem" -m 1 -s 1 --kind file-clean --path "$BATS_TEST_TMPDIR"
	[[ $output == *swapbacked* ]]
}

@test "tmpfs, memfd, shm: shared, swap backed, and no file on disk" {
	local kind

	for kind in tmpfs:/dev/shm/usemem memfd:/memfd:usemem shm:/SYSV; do
		start --kind "${kind%%:*}"
		[ "$(smaps Rss)" = 2048 ]
		find_address 0
		grep -q "^${address#0x}-.* rw-s .*${kind#*:}" "/proc/$pid/maps"
		has_flags 0 14
		lacks_flags 0 12
		stop
	done
	run ! grep -w 2097152 /proc/sysvipc/shm
}

@test "hugetlb: from the pool, or status 4" {
	local first

	start --kind hugetlb
	[ "$(smaps Private_Hugetlb)" = 2048 ]
	has_flags 0 17
	first=$pfn
	find_pfn 511
	((pfn - first == 511))

	run -4 "$usemem" -m 800 --kind hugetlb -s 1
	[[ $output == *"400 huge pages of 2 MB"*nr_hugepages* ]]
}

@test "mlock: locked" {
	start --kind mlock
	[ "$(smaps Locked)" = 2048 ]
	has_flags 0 12 33
}

@test "ksm: merged into a few pages, or status 4" {
	local merged first now

	echo 1 > $KSM
	start --kind ksm
	read -r merged < "/proc/$pid/ksm_merging_pages"
	((merged == 512))
	has_flags 0 12 21
	first=$pfn
	find_pfn 1
	((pfn == first))
	# Reading does not part them.
	touch_all "touched 512 pages, 0 lost, 0 changed"
	read -r merged < "/proc/$pid/ksm_merging_pages"
	((merged == 512))

	echo 0 > $KSM
	run -4 "$usemem" -m 1 --kind ksm -s 1
	[[ $output == *"echo 1 > $KSM"* ]]
	read -r now < $KSM
	((now == 0))
}

@test "PFNs are hidden from an unprivileged user, who is told" {
	run -0 --separate-stderr setpriv --reuid 65534 --clear-groups "$usemem" -m 1 -s 0.1
	[[ $output != *pfns* ]]
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *hidden*root* ]]
}

# ----------------------------------------------------------- memory errors

@test "early policy: AO at once, AR when touched, and on it goes" {
	start --policy early --handler
	poison 3
	wait_for "SIGBUS BUS_MCEERR_AO address $address lsb 12 thread $pid page 3\$"
	touch_all "touched 511 pages, 1 lost, 0 changed"
	said "SIGBUS BUS_MCEERR_AR address $address lsb 12 thread $pid page 3\$"
	# Another pass leaves the page alone.
	kill -USR1 "$pid"
	wait_for touched 2
	said SIGBUS 2
	stop
}

@test "late policy: nothing until the page is touched" {
	start --policy late --handler=continue
	poison 0
	said SIGBUS 0
	touch_all "touched 511 pages, 1 lost"
	said "SIGBUS BUS_MCEERR_AR address $address"
}

@test "default policy follows the sysctl" {
	local early_kill=/proc/sys/vm/memory_failure_early_kill was

	read -r was < $early_kill
	echo 1 > $early_kill
	start --policy default --handler
	poison 5
	echo "$was" > $early_kill
	wait_for "BUS_MCEERR_AO address $address"
}

@test "--handler=exit: status 10 after AO, 11 after AR, and the file is removed" {
	start --policy early --handler=exit --kind file-dirty --path "$DISK/new"
	# EBUSY if the file, which goes with its process, still held the page when the kernel was
	# about to let go of it.
	poison 7 || true
	ended_with 10
	said BUS_MCEERR_AO
	[ ! -e "$DISK/new" ]
	start --policy late --handler=exit
	poison 7
	kill -USR1 "$pid"
	ended_with 11
	said BUS_MCEERR_AR
}

@test "without a handler SIGBUS kills: early at once, late when touched" {
	start --policy early
	poison 9
	ended_with 135
	start --policy late
	poison 9
	kill -0 "$pid"
	kill -USR1 "$pid"
	ended_with 135
}

@test "--handler-thread takes the AO, the toucher the AR" {
	local tid

	start --handler-thread
	poison 2
	wait_for BUS_MCEERR_AO
	tid=$(sed -n 's/.*BUS_MCEERR_AO.* thread \([0-9]*\).*/\1/p' "$out")
	((tid != pid))
	[ -d "/proc/$pid/task/$tid" ]
	touch_all "touched 511 pages, 1 lost"
	said "BUS_MCEERR_AR.* thread $pid "
}

@test "--threads: each gets the AR of its own part" {
	local tasks

	start --policy late --handler --threads 4
	tasks=("/proc/$pid/task"/*)
	((${#tasks[@]} == 4))
	poison 500
	poison 1
	touch_all "touched 510 pages, 2 lost, 0 changed"
	said "BUS_MCEERR_AR address $address lsb 12 thread $pid page 1\$"
	said "BUS_MCEERR_AR .* page 500\$"
	said "BUS_MCEERR_AR .* thread $pid page 500\$" 0
}

@test "--touch=write finds it by itself" {
	start --policy late --handler --touch=write --interval 0.1
	poison 100
	wait_for "BUS_MCEERR_AR address $address"
	touch_all "touched 511 pages, 1 lost, 0 changed"
}

@test "hugetlb: the whole huge page is lost, lsb 21" {
	start -m 4 --kind hugetlb --policy late --handler
	poison 0
	touch_all "touched 512 pages, 512 lost, 0 changed"
	said "BUS_MCEERR_AR address $address lsb 21"
}

@test "thp: one page of it is lost" {
	start --kind thp --policy early --handler
	poison 17
	wait_for "BUS_MCEERR_AO address $address lsb 12"
	touch_all "touched 511 pages, 1 lost, 0 changed"
}

@test "memfd and shm: lost until it is over" {
	local kind

	for kind in memfd shm; do
		start --kind $kind --policy early --handler
		poison 4
		wait_for "BUS_MCEERR_AO address $address"
		touch_all "touched 511 pages, 1 lost, 0 changed"
		stop
	done
}

@test "file-clean: read again from the disk, elsewhere" {
	local was

	start --kind file-clean --path "$DISK" --policy early --handler
	poison 6
	was=$pfn
	touch_all "touched 512 pages, 0 lost, 0 changed"
	said SIGBUS 0
	said pfns 2
	find_pfn 6
	((pfn != was))
}

@test "soft offline: the page moves, its contents stay" {
	local was

	start --handler --policy early
	find_pfn 8
	was=$pfn
	poisoned+=("$pfn")
	printf '0x%x' $((pfn * 4096)) > /sys/devices/system/memory/soft_offline_page
	touch_all "touched 512 pages, 0 lost, 0 changed"
	find_pfn 8
	((pfn != was))
	said SIGBUS 0
}

@test "contents that were changed are seen" {
	start
	find_address 12
	printf changed | dd of="/proc/$pid/mem" bs=1 seek=$((address)) conv=notrunc status=none
	touch_all "touched 512 pages, 0 lost, 1 changed"
	said "^usemem: page 12 at $address: contents changed\$"
}

@test "JSON: the signal, written by the handler, parses" {
	"$usemem" -m 2 --json --policy early --handler > "$out" 3>&- &
	pid=$!
	wait_for usemem.ready
	pfn=$(jq -r 'select(.record == "usemem.pfns") | .runs[0].pfn' "$out")
	((pfn > 0))
	poisoned+=("$pfn")
	echo "$pfn" > "$HWPOISON"/corrupt-pfn
	wait_for usemem.sigbus
	jq -es --argjson pid "$pid" '
		(map(select(.record == "usemem.memory"))[0]) as $memory |
		map(select(.record == "usemem.sigbus"))[0] |
		.version == 1 and .code == "BUS_MCEERR_AO" and .lsb == 12 and .page == 0 and
		.pid == $pid and .tid == $pid and .address == $memory.start' "$out"
}

# ----------------------------------------------------------------- cgroups

make_cgroup() {
	grep -qw memory /sys/fs/cgroup/cgroup.controllers || skip "no memory controller in v2"
	echo +memory > /sys/fs/cgroup/cgroup.subtree_control
	cgroup=/sys/fs/cgroup/usemem-test
	mkdir "$cgroup"
}

# Starts usemem, moves it as the kernel's documentation does, and sees that all
# pages are charged where it lives now.
is_recharged() {
	local ino

	ino=$(stat -c %i "$cgroup")
	start --handler "$@"
	find_pfn 0
	(($(entry_of /proc/kpagecgroup "$pfn") != ino))
	echo "$pid" > "$cgroup/cgroup.procs"
	wait_for ready 2
	said "recharged pid $pid .* cgroup /usemem-test\$"
	find_pfn 0
	(($(entry_of /proc/kpagecgroup "$pfn") == ino))
	# Some kernels show it at the head of a huge page only.
	if [[ $* != *thp* ]]; then
		find_pfn 511
		(($(entry_of /proc/kpagecgroup "$pfn") == ino))
	fi
	touch_all "touched 512 pages, 0 lost, 0 changed"
	stop
}

@test "moved to another cgroup (v2), its memory follows" {
	local kind

	make_cgroup
	for kind in anon thp mlock memfd shm; do
		is_recharged --kind $kind
	done
	is_recharged --kind file-clean --path "$DISK"
}

@test "poisoned memory can be renewed, too" {
	make_cgroup
	start --policy early --handler
	poison 3
	touch_all "touched 511 pages, 1 lost"
	echo "$pid" > "$cgroup/cgroup.procs"
	wait_for ready 2
	touch_all "touched 512 pages, 0 lost, 0 changed"
	stop
}
