#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types --hwpoison and --unpoison on a --sysroot tree whose hwpoison files
# are plain files: what is refused, what is written, what is said. Nothing is
# poisoned by that, so the outcome is never what was asked for (status 5).

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file.
# shellcheck disable=SC2154,SC2030,SC2031
load helper

# What a kernel that does nothing is taken for.
REJECTED="not poisoned: the kernel took the order and did nothing"
NO_RESULTS='kernel: its action results are not known (No such device)'

setup() {
	make_root
	make_hwpoison
	flags=$root/proc/kpageflags
}

# on_root ARGUMENT...
on_root() {
	page-types --sysroot "$root" -N "$@"
}

# injected PFN...: what was written to corrupt-pfn, in that order.
injected() {
	local pfn
	local -a lines=()

	for pfn in "$@"; do
		lines+=("0x$(printf %x "$pfn")")
	done
	file_is "$hwpoison/corrupt-pfn" "${lines[@]}"
}

# refuses REASON ARGUMENT...: status 6, and nothing was written.
refuses() {
	local reason=$1

	shift
	fails_with 6 "page-types: --hwpoison: refused: $reason (--force does it all the same)" \
		on_root "$@"
	injected
}

# ----------------------------------------------------------- what is written

@test "--hwpoison writes the chosen pages and reports what became of them" {
	dump "$flags" - 'anon,lru*4' buddy
	run_split on_root -X -a 2+3
	status_is 5
	stderr_is
	injected 2 3 4
	stdout_is 'poison: 3 pages chosen' "             3  $REJECTED" "$NO_RESULTS"
}

@test "--hwpoison with a list: the list, the summary, then the report" {
	dump "$flags" - anon,lru
	run_split page-types --sysroot "$root" --hwpoison --list -b anon
	status_is 5
	stderr_is
	injected 1
	stdout_is $'offset\tlen\tflags' $'1\t1\t_____l______a______________________________' '' '' \
		$'             flags\tpage-count       MB  symbolic-flags\t\t\tlong-symbolic-flags' \
		$'0x0000000000001020\t         1        0  _____l______a______________________________\tlru,anonymous' \
		$'             total\t         1        0' \
		'poison: 1 pages chosen' "             1  $REJECTED" "$NO_RESULTS"
}

@test "--hwpoison: a poisoned page is left as it is" {
	dump "$flags" - hwpoison anon,hwpoison
	run_split on_root -X -a 1+2
	status_is 0
	stderr_is
	injected
	stdout_is 'poison: 2 pages chosen' '             2  poisoned already' "$NO_RESULTS"
}

@test "--hwpoison: a hugetlb page is poisoned and counted once, by its head" {
	dump "$flags" - huge,head,lru 'huge,tail*3' huge,head,lru huge,tail
	run_split on_root -X -b huge
	status_is 5
	stderr_is
	injected 1 5
	stdout_is 'poison: 6 pages chosen' \
		'             4  part of a hugetlb page that is counted by its first page' \
		"             2  $REJECTED" "$NO_RESULTS"
}

@test "--hwpoison: the tails of a hugetlb page without its head: one of them" {
	dump "$flags" - huge,head 'huge,tail*3'
	run_split on_root -X -a 3+2
	status_is 5
	injected 3
}

@test "--hwpoison: overlapping ranges poison a page once" {
	dump "$flags" - 'anon*8'
	run_split on_root -X -a 1+3 -a 2+3 -a 3
	status_is 5
	injected 1 2 3 4
}

@test "--hwpoison: what the kernel refuses is counted, named and in the status" {
	[ -w /dev/full ] || skip "no /dev/full here"
	dump "$flags" - 'anon*3'
	rm "$hwpoison/corrupt-pfn"
	mknod "$hwpoison/corrupt-pfn" c 1 7 || skip "needs the right to make /dev/full"
	run_split on_root -X -a 1+3
	status_is 5
	stderr_is
	stdout_is 'poison: 3 pages chosen' '             3  not poisoned: the kernel refused' \
		'             3  error: No space left on device (first at PFN 0x1)' "$NO_RESULTS"
}

@test "--hwpoison: PFN 0, which hidden PFNs read as, is never written" {
	dump "$flags" anon anon
	run_split on_root -X -a 0+2
	status_is 5
	injected 1
	stdout_is 'poison: 2 pages chosen' "             1  $REJECTED" \
		'             1  not poisoned: the kernel refused' \
		'             1  error: Invalid argument (first at PFN 0x0)' "$NO_RESULTS"
}

@test "--hwpoison: HardwareCorrupted before and after" {
	dump "$flags" - anon
	printf 'MemTotal:       4096 kB\nHardwareCorrupted:     8 kB\n' > "$root/proc/meminfo"
	run_split on_root -X -a 1
	status_is 5
	stdout_is 'poison: 1 pages chosen' "             1  $REJECTED" "$NO_RESULTS" \
		'HardwareCorrupted: 8 kB before, 8 kB after'
}

@test "--hwpoison: nothing chosen is nothing done" {
	dump "$flags" - anon
	run_split on_root -X -b buddy
	status_is 0
	stderr_is
	injected
	stdout_is 'poison: 0 pages chosen' "$NO_RESULTS"
	run_split on_root -X -a 1+0
	status_is 0
	injected
}

# ------------------------------------------------------------------ processes

@test "--hwpoison --pid: its pages, and the task in the report" {
	dump "$flags" - 'anon,lru*8'
	task 7 my-victim
	vma 7 16 "$(present 5)" 0 "$(present 3)"
	run_split on_root -X -p 7
	status_is 5
	stderr_is
	injected 5 3
	stdout_is 'poison: 2 pages chosen' "             2  $REJECTED" "$NO_RESULTS" \
		'tasks:' '  my-victim[7]: not signalled: alive'
}

@test "--hwpoison --pid: a swap entry is no page, its number is poisoned nowhere" {
	dump "$flags" - 'anon,lru*8'
	task 7
	# The kernel's tool poisons page 2, whosever that is.
	vma 7 16 "$(swapped 0 2)" "$(present 5)"
	run_split on_root -X -p 7
	status_is 5
	injected 5
	stdout_has 'poison: 1 pages chosen'
}

@test "--hwpoison --pid: the page behind a hwpoison entry counts as poisoned" {
	dump "$flags" - 'anon,lru*8' hwpoison
	task 7
	vma 7 16 "$(swapped 26 9)"
	run_split on_root -X -p 7
	status_is 0
	injected
	stdout_has 'poison: 1 pages chosen' '             1  poisoned already'
}

@test "--hwpoison --pid: the kernel's pages in a process are left alone" {
	dump "$flags" - anon,lru reserved zero,mmap - slab
	task 7
	vma 7 16 "$(present 1)" "$(present 2)" "$(present 3)" "$(present 4)" "$(present 5)"
	run_split on_root -X -p 7
	status_is 5
	stderr_is
	injected 1
	stdout_is 'poison: 5 pages chosen' \
		'             4  left alone: pages of the kernel (--force takes them too)' \
		"             1  $REJECTED" "$NO_RESULTS" 'tasks:' '  victim[7]: not signalled: alive'
}

@test "--hwpoison --pid: within addresses" {
	dump "$flags" - 'anon,lru*8'
	task 7
	vma 7 16 "$(present 1)" "$(present 2)" "$(present 3)"
	run_split on_root -X -p 7 -a 0x11
	status_is 5
	injected 2
}

@test "--hwpoison --pid: a process that is gone" {
	dump "$flags" - anon
	run_split on_root -X -p 7
	status_is 1
	stderr_is 'page-types: --pid: 7: no such process: it has ended, or /proc hides it (hidepid)'
	injected
}

# ------------------------------------------------------------------ the rules

@test "refused: no selection" {
	dump "$flags" - anon
	refuses 'nothing is selected: that is the whole machine' -X
	refuses 'nothing is selected: that is the whole machine' --hwpoison -l -r
}

@test "refused: pages of the kernel" {
	dump "$flags" - anon slab reserved pgtable offline nopage zero lru head,tail
	refuses '1 of 1 pages belong to the kernel' -X -a 0
	refuses '1 of 2 pages belong to the kernel' -X -a 1+2
	refuses '7 of 9 pages belong to the kernel' -X -a 1+9
	refuses '1 of 1 pages belong to the kernel' -X -b pgtable
}

@test "refused: pages of PID 1" {
	dump "$flags" - anon lru lru,dirty,mmap anon
	task 1 init
	vma 1 16 "$(present 1)" "$(present 2)" "$(present 3)"
	refuses '1 of the pages belong to PID 1' -X -a 1
	refuses '2 of the pages belong to PID 1' -X -p 1
	refuses '2 of the pages belong to PID 1' -X -a 1,
}

@test "a clean file page that PID 1 has too is nobody's loss" {
	dump "$flags" - anon lru,mmap
	task 1 init
	vma 1 16 "$(present 1)" "$(present 2)"
	run_split on_root -X -a 2
	status_is 5
	stderr_is
	injected 2
}

@test "refused: pages of the tool itself" {
	dump "$flags" - 'anon*4'
	# The tool runs under the number of the shell that it replaces.
	as_itself() (
		task "$BASHPID" page-types
		vma "$BASHPID" 16 "$(present 3)"
		exec page-types --sysroot "$root" "$@"
	)
	run_split as_itself -X -a 2+2
	status_is 6
	stderr_is 'page-types: --hwpoison: refused: 1 of the pages belong to page-types itself (--force does it all the same)'
	stdout_is
	injected
}

@test "--force does it all the same" {
	dump "$flags" - anon slab anon
	task 1 init
	vma 1 16 "$(present 1)"
	run_split on_root -X --force -a 1+2
	status_is 5
	stderr_is
	injected 1 2
	: > "$hwpoison/corrupt-pfn"
	run_split on_root --force -X -p 1
	status_is 5
	stderr_is
	injected 1
	: > "$hwpoison/corrupt-pfn"
	run_split on_root --force -X
	status_is 5
	stderr_is
	injected 1 2 3
}

@test "the kernel's own filter makes a wide selection safe" {
	dump "$flags" - anon,lru slab lru reserved
	put_u64 "$root/proc/kpagecgroup" 0 0 42 42 7 0
	task 1 init
	vma 1 16 "$(present 3)"
	set_filter memcg 42
	set_filter enable 1
	# The kernel's pages are kept away by the filter, those of PID 1 by its cgroup.
	run_split on_root -X -a 1,
	status_is 5
	stderr_is
	grep -qx 0x1 "$hwpoison/corrupt-pfn"
	: > "$hwpoison/corrupt-pfn"
	set_filter memcg 0
	set_filter flags-mask 4096
	set_filter flags-value 4096
	run_split on_root -X -a 1,
	status_is 5
	stderr_is
	grep -qx 0x1 "$hwpoison/corrupt-pfn"
}

@test "a filter that lets pages of PID 1 through makes nothing safe" {
	dump "$flags" - anon,lru slab
	put_u64 "$root/proc/kpagecgroup" 0 0 42 42
	task 1 init
	vma 1 16 "$(present 1)"
	set_filter memcg 42
	set_filter enable 1
	refuses '1 of the pages belong to PID 1' -X -a 1,
}

@test "a filter that is set and not enabled: a warning, and no safety" {
	local filter warning="page-types: /sys/kernel/debug/hwpoison: a filter is set, but corrupt-filter-enable is 0: the kernel does not look at it (enable it: echo 1 > /sys/kernel/debug/hwpoison/corrupt-filter-enable)"

	dump "$flags" - anon,lru slab
	dump "$root/proc/kpagecgroup" '-*3'
	for filter in memcg flags-mask dev-major dev-minor; do
		set_filter $filter 8
		run_split on_root -X -a 1
		status_is 5
		stderr_is "$warning"
		run_split on_root -X -a 2
		status_is 6
		stderr_is "$warning" \
			'page-types: --hwpoison: refused: 1 of 1 pages belong to the kernel (--force does it all the same)'
		injected 1
		: > "$hwpoison/corrupt-pfn"
		make_hwpoison
	done
}

# ----------------------------------------------------------------- unpoisoning

@test "--unpoison writes the poisoned pages and only those" {
	dump "$flags" - hwpoison anon hwpoison,reserved slab
	run_split on_root -x
	status_is 5
	stderr_is
	file_is "$hwpoison/unpoison-pfn" 0x1 0x3
	injected
	stdout_is 'unpoison: 2 pages chosen' '             2  still poisoned: the kernel refused'
}

@test "--unpoison: no page is poisoned" {
	dump "$flags" - anon
	run_split on_root --unpoison -a 1
	status_is 0
	stderr_is
	file_is "$hwpoison/unpoison-pfn"
	stdout_is 'unpoison: 0 pages chosen'
}

@test "--unpoison: a hugetlb page by its head, once" {
	dump "$flags" - huge,head,hwpoison 'huge,tail,hwpoison*3'
	run_split on_root -x -b hwpoison
	status_is 5
	file_is "$hwpoison/unpoison-pfn" 0x1
	stdout_is 'unpoison: 4 pages chosen' \
		'             3  part of a hugetlb page that is counted by its first page' \
		'             1  still poisoned: the kernel refused'
	: > "$hwpoison/unpoison-pfn"
	# Asked for by a tail: the kernel takes the head only.
	run_split on_root -x -a 3
	status_is 5
	file_is "$hwpoison/unpoison-pfn" 0x1
}

@test "--unpoison: what the kernel refuses is counted, named and in the status" {
	[ -w /dev/full ] || skip "no /dev/full here"
	dump "$flags" - 'hwpoison*2'
	rm "$hwpoison/unpoison-pfn"
	mknod "$hwpoison/unpoison-pfn" c 1 7 || skip "needs the right to make /dev/full"
	run_split on_root -x
	status_is 5
	stderr_is
	stdout_is 'unpoison: 2 pages chosen' '             2  still poisoned: the kernel refused' \
		'             2  error: No space left on device (first at PFN 0x1)'
}

@test "--unpoison --pid: the pages behind hwpoison entries" {
	dump "$flags" - 'hwpoison*4'
	task 7
	vma 7 16 "$(swapped 26 3)" "$(swapped 26 2)" "$(swapped 0 4)"
	run_split on_root -x -p 7
	status_is 5
	file_is "$hwpoison/unpoison-pfn" 0x3 0x2
}

# --------------------------------------------------- what is missing, forbidden

@test "debugfs is not mounted, or the module is not loaded" {
	dump "$flags" - anon
	rm -r "$hwpoison"
	fails_with 4 'page-types: /sys/kernel/debug/hwpoison: not there (try: modprobe hwpoison_inject)' \
		on_root -X -a 1
	fails_with 4 'page-types: /sys/kernel/debug/hwpoison: not there (try: modprobe hwpoison_inject)' \
		on_root -x
	: > "$root/proc/mounts"
	fails_with 4 'page-types: debugfs: not mounted (try: mount -t debugfs none /sys/kernel/debug)' \
		on_root -X -a 1
}

@test "debugfs that is mounted somewhere else" {
	dump "$flags" - anon
	mkdir -p "$root/d"
	mv "$hwpoison" "$root/d/hwpoison"
	hwpoison=$root/d/hwpoison
	echo 'none /d debugfs rw,relatime 0 0' >> "$root/proc/mounts"
	run_split on_root -X -a 1
	status_is 5
	injected 1
}

@test "without rights: debugfs, and the files in it" {
	needs_unprivileged page-types
	dump "$flags" - 'anon*2'
	chmod -R a+rX "$root"
	chmod 000 "$hwpoison/corrupt-pfn"
	run_split unprivileged page-types --sysroot "$root" -N -X -a 1
	status_is 3
	stderr_is 'page-types: /sys/kernel/debug/hwpoison/corrupt-pfn: Permission denied (try as root)'
	stdout_is 'poison: 0 pages chosen' "$NO_RESULTS"
	chmod 700 "${hwpoison%/*}"
	[ "$(id -u)" -eq 0 ] || chmod 000 "${hwpoison%/*}"
	run_split unprivileged page-types --sysroot "$root" -N -X -a 1
	chmod 700 "${hwpoison%/*}"
	status_is 3
	stderr_is 'page-types: /sys/kernel/debug: Permission denied (try as root)'
	stdout_is
}

# --------------------------------------------------------------------- signals

# poison_until SIGNAL: the hwpoison file is a pipe that nobody empties; when the
# tool waits there, the signal comes.
poison_until() {
	local pid line

	dump "$flags" - 'anon*60000'
	rm "$hwpoison/corrupt-pfn"
	mkfifo "$hwpoison/corrupt-pfn"
	exec 4<> "$hwpoison/corrupt-pfn"
	# Background jobs of a script ignore SIGINT, and all that nohup starts SIGHUP: undo it.
	env --default-signal=INT,HUP page-types --sysroot "$root" -N -X -a 1, 3>&- 4>&- \
		> "$BATS_TEST_TMPDIR/report" 2> "$BATS_TEST_TMPDIR/errors" &
	pid=$!
	read -r -t 60 -u 4 line
	[ "$line" = 0x1 ]
	kill "-$1" $pid
	while kill -0 $pid 2> /dev/null; do
		read -r -t 0.1 -N 60000 -u 4 line || true
	done
	run_split wait $pid
	exec 4>&-
}

@test "a signal stops the poisoning; the report says how far it came" {
	local signal

	for signal in INT TERM HUP; do
		make_hwpoison
		poison_until $signal
		status_is $((128 + $(kill -l $signal)))
		grep -qx 'page-types: .*: stopped: the rest of the pages was not tried' "$BATS_TEST_TMPDIR/errors" ||
			complain 'expected: stopped'
		grep -qE '^poison: [1-9][0-9]* pages chosen$' "$BATS_TEST_TMPDIR/report" ||
			complain 'expected a report'
		! grep -qx 'poison: 60000 pages chosen' "$BATS_TEST_TMPDIR/report" ||
			complain 'expected it to stop'
		rm "$hwpoison/corrupt-pfn"
	done
}

@test "--hwpoison: what can't go on stops at once, for all processes" {
	local i
	local -a pids=()

	dump "$flags" - anon,lru anon,lru
	for i in {2..301}; do
		task "$i" victim
		vma "$i" 0x10 "$(present 1)"
		pids+=("-p" "$i")
	done
	rm "$hwpoison/corrupt-pfn"
	run_split on_root -X "${pids[@]}"
	status_is 1
	stderr_is "page-types: /sys/kernel/debug/hwpoison/corrupt-pfn: No such file or directory"
}

@test "--hwpoison: pages that are only mapped are a driver's, and left alone" {
	dump "$flags" - mmap mmap,referenced anon,lru,mmap
	task 7 victim
	vma 7 0x10 "$(present 1)" "$(present 2)" "$(present 3)"
	run_split on_root -X -p 7
	injected 3
	stdout_has '             2  left alone: pages of the kernel (--force takes them too)'
	: > "$hwpoison/corrupt-pfn"
	refuses "1 of 1 pages belong to the kernel" -X -a 1
}
