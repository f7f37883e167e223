#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types where something is missing, broken, forbidden or in the way. Each
# failure has its message and its exit status.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

setup() {
	make_root
	flags=$root/proc/kpageflags
	mem=$BATS_TEST_TMPDIR/mem
	dump "$mem" 'anon*10'
}

# on_root ARGUMENT...
on_root() {
	page-types --sysroot "$root" "$@"
}

# walk_fails_with STATUS MESSAGE ARGUMENT...: a walk over the tree.
walk_fails_with() {
	local expected=$1 message=$2

	shift 2
	run_split on_root -N "$@"
	status_is "$expected"
	stderr_is "page-types: $message"
	stdout_is
}

# ----------------------------------------------------------- dumps and trees

@test "a dump that is not there, no file, or not a whole number of entries" {
	fails_with 1 "page-types: --kpageflags: $mem.not: No such file or directory" \
		page-types -F "$mem.not"
	fails_with 1 "page-types: --kpageflags: $root: Is a directory" page-types -F "$root"
	printf 'seven b' >> "$mem"
	fails_with 1 "page-types: --kpageflags: $mem: truncated, or no dump: not a whole number of 8-byte entries" \
		page-types -F "$mem"
}

@test "a dump that ends before the pages that were asked for" {
	local wanted

	for wanted in 10 0x10+4 '12,'; do
		run_split page-types -F "$mem" -N -a "$wanted"
		status_is 1
		stderr_is "page-types: --addr: page 0x$(printf %x "${wanted%%[+,]*}"): $mem ends at page 0xa"
	done
	run_split page-types -F "$mem" -a 8+4
	status_is 1
	stderr_is "page-types: --addr: pages up to 0xb: $mem ends at page 0xa (it is truncated, or of a part)"
	stdout_has '             total	         2        0'
	run_split page-types -F "$mem" -a 8,
	status_is 0
	stderr_is
}

@test "a dump that ends before a page of the process" {
	task 7
	vma 7 16 "$(present 4)" "$(present 10)"
	walk_fails_with 1 "--pid: 7: $mem ends before one of its pages" -p 7 -F "$mem"
}

@test "a dump that becomes shorter while it is read" {
	# The list fills the pipe; what is not read yet is cut off meanwhile.
	cut_while_listed() {
		page-types -F "$mem" -N -L -j 1 | {
			read -r _
			truncate -s 8000 "$mem"
			cat > "$mem.rows"
		}
		return "${PIPESTATUS[0]}"
	}
	dump "$mem" 'anon*300000'
	run_split cut_while_listed
	status_is 1
	stderr_is "page-types: $mem: became shorter while it was read"
	[ "$(wc -l < "$mem.rows")" -lt 300000 ]
}

@test "a tree that is not there" {
	fails_with 1 "page-types: --sysroot: $root/not: No such file or directory" \
		page-types --sysroot "$root/not"
	fails_with 1 "page-types: --sysroot: $mem: Not a directory" page-types --sysroot "$mem"
}

@test "a kernel without /proc/kpageflags, kpagecount, kpagecgroup, page_idle" {
	fails_with 4 "page-types: /proc/kpageflags: not there (a kernel without CONFIG_PROC_PAGE_MONITOR, or a container's /proc)" on_root
	dump "$flags" anon
	fails_with 4 "page-types: /proc/kpagecount: not there (a kernel without CONFIG_PROC_PAGE_MONITOR, or a container's /proc)" \
		on_root -l -M
	fails_with 4 "page-types: /proc/kpagecgroup: not there (a kernel without CONFIG_MEMCG, or a container's /proc)" \
		on_root -C
	fails_with 4 "page-types: /proc/kpagecgroup: not there (a kernel without CONFIG_MEMCG, or a container's /proc)" \
		on_root -c @7
	fails_with 4 'page-types: /sys/kernel/mm/page_idle/bitmap: not there (a kernel without CONFIG_IDLE_PAGE_TRACKING)' \
		on_root -i -a 0
}

@test "a truncated file in a tree" {
	printf 'seven b' > "$flags"
	fails_with 1 'page-types: /proc/kpageflags: truncated: not a whole number of 8-byte entries' on_root
	dump "$flags" 'anon*10'
	dump "$root/proc/kpagecount" '-*9'
	run_split on_root -l -M -N
	status_is 1
	grep -q '^page-types: .*/proc/kpagecount' "$stderr_file" || complain 'the file that is short is not named'
}

@test "a cgroup that is not there, or no directory" {
	dump "$flags" anon
	: > "$root/file"
	fails_with 1 'page-types: --cgroup: /not: No such file or directory' on_root -c /not
	fails_with 1 'page-types: --cgroup: /file: Not a directory' on_root -c /file
}

# ---------------------------------------------------------------- processes

@test "a process that does not exist, or that hidepid hides" {
	dump "$flags" anon
	walk_fails_with 1 '--pid: 7: no such process: it has ended, or /proc hides it (hidepid)' -p 7
}

@test "a process that ends while it is walked" {
	dump "$flags" 'anon*10'
	task 7
	vma 7 16 "$(present 4)"
	# As after the end: what is open reads as empty, and the rest is gone.
	rm "$root/proc/7/status"
	: > "$root/proc/7/maps"
	walk_fails_with 1 '--pid: 7: no such process: it has ended, or /proc hides it (hidepid)' -p 7
	task 7
	rm "$root/proc/7/maps"
	walk_fails_with 1 '--pid: 7: no such process: it has ended, or /proc hides it (hidepid)' -p 7
}

@test "a process that became a zombie" {
	dump "$flags" 'anon*10'
	task 7
	sed -i -e '/^VmSize/d' -e 's/^State:.*/State:\tZ (zombie)/' "$root/proc/7/status"
	walk_fails_with 1 '--pid: 7: no such process: it has ended, or /proc hides it (hidepid)' -p 7
}

@test "a kernel thread" {
	dump "$flags" anon
	task 7 kthread
	sed -i 's/^VmSize.*/PPid:\t2/' "$root/proc/7/status"
	walk_fails_with 1 '--pid: 7: a kernel thread: it has no memory of its own' -p 7
}

@test "PFNs that the kernel hides" {
	dump "$flags" 'anon*10'
	task 7
	# Present, and page 0: the kernel's tool shows nothing at all.
	vma 7 16 "$(present 0)" "$(present 0)"
	walk_fails_with 3 '--pid: 7: the kernel hides PFNs from this caller: it needs CAP_SYS_ADMIN (try as root, outside of a container)' \
		-p 7
}

@test "a pagemap or maps that is none" {
	dump "$flags" 'anon*10'
	task 7
	vma 7 16 "$(present 4)"
	printf 'seven b' >> "$root/proc/7/pagemap"
	walk_fails_with 1 '--pid: 7: /proc/7/maps or pagemap: not in the expected format' -p 7
	task 7
	echo 'what is this' > "$root/proc/7/maps"
	walk_fails_with 1 '--pid: 7: /proc/7/maps or pagemap: not in the expected format' -p 7
}

# ------------------------------------------------------------- missing rights

@test "without rights: /proc/kpageflags, a dump" {
	needs_unprivileged page-types
	[ -e /proc/kpageflags ] || skip "no /proc/kpageflags here"
	fails_with 3 'page-types: /proc/kpageflags: Permission denied (try as root)' unprivileged page-types
	chmod 000 "$mem"
	fails_with 3 "page-types: --kpageflags: $mem: Permission denied (try as root)" \
		unprivileged page-types -F "$mem"
}

@test "without rights: PFNs are hidden, and that is said" {
	needs_unprivileged page-types
	# shellcheck disable=SC2016 # that shell's own number
	run_split unprivileged bash -c 'page-types -F "$1" -N -p $$; exit $?' bash "$mem"
	status_is 3
	stdout_is
	grep -qx 'page-types: --pid: [0-9]*: the kernel hides PFNs from this caller: it needs CAP_SYS_ADMIN (try as root, outside of a container)' \
		"$stderr_file" || complain 'expected: the kernel hides PFNs'
}

@test "without rights: somebody else's process" {
	needs_unprivileged page-types
	needs_root "somebody else's process is one of root's"
	# Of this very shell, which is root's.
	run_split unprivileged page-types -F "$mem" -N -p $$
	status_is 3
	stderr_is "page-types: --pid: $$: /proc/$$/pagemap: Permission denied (it is another user's, or may not be traced: CAP_SYS_PTRACE is needed; try as root)"
	stdout_is
}

# ------------------------------------------------------------ where it prints

@test "a full disk is an error" {
	local what

	[ -w /dev/full ] || skip "no /dev/full here"
	dump "$mem" 'anon*50000'
	for what in "-F $mem" "-F $mem -L" "-F $mem -l" --help --usage --version "-d anon"; do
		run_split bash -c "page-types $what > /dev/full"
		status_is 1
		stderr_is 'page-types: standard output: No space left on device'
	done
}

@test "a closed pipe is quiet" {
	first_row() {
		page-types -F "$mem" -L | head -n 1
		return "${PIPESTATUS[0]}"
	}
	# As in a service manager: a write fails, and no signal comes.
	first_row_without_signal() (
		trap '' PIPE
		first_row
	)
	dump "$mem" 'anon*300000'
	run_split first_row
	status_is 141
	stderr_is
	stdout_is $'offset\tflags'
	run_split first_row_without_signal
	status_is 1
	stderr_is
	stdout_is $'offset\tflags'
}

@test "a closed pipe ends --watch and --dump as it ends a list" {
	local what

	until_closed() {
		page-types --sysroot "$BATS_TEST_TMPDIR/tree" "$@" | true
		return "${PIPESTATUS[0]}"
	}
	until_closed_without_signal() (
		trap '' PIPE
		until_closed "$@"
	)
	mkdir -p "$BATS_TEST_TMPDIR/tree/proc"
	# No pipe holds a dump of that.
	perl -e 'srand(1); print pack("Q<", 1 << int(rand(12))) for 1 .. 1 << 18' \
		> "$BATS_TEST_TMPDIR/tree/proc/kpageflags"
	for what in '--watch 0.1' '--dump -'; do
		# shellcheck disable=SC2086 # words
		run_split until_closed $what
		status_is 141
		# shellcheck disable=SC2086 # words
		run_split until_closed_without_signal $what
		status_is 1
		run ! grep -v 'not there: it goes without' "$stderr_file"
	done
}

@test "SIGINT ends a walk at once" {
	local pid rows=$BATS_TEST_TMPDIR/rows

	dump "$mem" 'anon*300000'
	mkfifo "$rows"
	exec 4<> "$rows"
	# Background jobs of a script ignore SIGINT: undo it.
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' page-types -F "$mem" -L > "$rows" 3>&- 4>&- \
		2> "$BATS_TEST_TMPDIR/errors" &
	pid=$!
	# It prints, and soon waits for a reader.
	read -r -t 60 -u 4 line
	[ "$line" = $'offset\tflags' ]
	kill -INT $pid
	run_split wait $pid
	exec 4>&-
	status_is 130
	file_is "$BATS_TEST_TMPDIR/errors"
}
