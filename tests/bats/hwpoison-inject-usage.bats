#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject: its command line. What it takes, what it refuses, and why. Nothing of
# the machine is looked at before all of it has been understood.

# Set in helper.bash: $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

# bad_usage MESSAGE ARGUMENT...
bad_usage() {
	local message=$1

	shift
	run_split hwpoison-inject "$@"
	status_is 2
	stderr_is "hwpoison-inject: $message" "Try 'hwpoison-inject --help'."
	stdout_is
}

@test "--help prints the options by group" {
	run_split hwpoison-inject --help
	status_is 0
	stderr_is
	stdout_has 'Usage: hwpoison-inject [OPTION...] [-- COMMAND [ARG...]]' 'Which pages:' \
		'Which of them:' "The kernel's filter (corrupt-filter-*), for this run:" 'The filter by itself:' \
		'How:' 'When, with a COMMAND:' 'What came of it:' 'Undo:' 'Safety:' 'Where:' 'Help:' \
		'FLAGS:' 'BITS-SPEC:'
	cp "$stdout_file" "$BATS_TEST_TMPDIR/help"
	prints hwpoison-inject -h < "$BATS_TEST_TMPDIR/help"
}

@test "--usage is brief, --version names the project" {
	run_split hwpoison-inject --usage
	status_is 0
	stderr_is
	grep -q '^Usage: hwpoison-inject \[' "$stdout_file"
	run_split hwpoison-inject --version
	status_is 0
	stderr_is
	grep -qx 'hwpoison-inject (hwpoison-tools) [0-9]*\.[0-9]*\.[0-9]*' "$stdout_file"
}

@test "an option that does not exist, an argument that is missing" {
	bad_usage '--bogus: unknown option' --bogus
	bad_usage '-Z: unknown option' -Z
	bad_usage '--pid: missing argument' --pid
	bad_usage '-m: missing argument' -m
}

@test "nothing is chosen" {
	local message='nothing is chosen: name processes, pages, a cgroup or a file'

	bad_usage "$message"
	bad_usage "$message" --json
	bad_usage "$message" --dry-run
	bad_usage "$message" --count 3 --random
}

# ------------------------------------------------------------------ which pages

@test "--pid: what is no process number" {
	local pid

	for pid in x 0 -1 1x '' 2147483648; do
		bad_usage "--pid: $pid: not a process number" -p "$pid"
		bad_usage "--pid: $pid: not a process number" -p "7,$pid"
	done
}

@test "--addr, --vaddr, --pfn, --phys: what is no page, address or range of them" {
	local text

	for text in x '' 1+ 5,4 1,2,3; do
		bad_usage "--addr: $text: not a range of pages (N, N+M, N,M, N, or ,M)" -a "$text"
	done
	for text in x '' 5-4 4-4 1+0 1+ 1-x 1+2+3; do
		bad_usage "--vaddr: $text: not an address, ADDR+LEN or ADDR-END (0x… for hex)" -p 7 --vaddr "$text"
	done
	bad_usage '--vaddr: 0xffffffffffffffff+2: out of range' -p 7 --vaddr 0xffffffffffffffff+2
	for text in x '' 5-4 1+0 1+; do
		bad_usage "--pfn: $text: not a PFN, PFN-LAST or PFN+N (0x… for hex)" --pfn "$text"
		bad_usage "--unpoison: $text: not a PFN, PFN-LAST or PFN+N (0x… for hex)" --unpoison "$text"
	done
	bad_usage '--pfn: y: not a PFN, PFN-LAST or PFN+N (0x… for hex)' --pfn 1,2+3,y
	bad_usage '--pfn: 0x10000000000000000: out of range' --pfn 0x10000000000000000
	bad_usage '--phys: 1+1: not an address (0x… for hex)' --phys 1+1
	bad_usage '--phys: 0x10000000000000000: out of range' --phys 4096,0x10000000000000000
}

@test "--pfn -: standard input" {
	bad_usage '--pfn: x: not a PFN, PFN-LAST or PFN+N (0x… for hex)' --pfn - <<< $'1 2,3\nx'
	bad_usage '--unpoison: 1+: not a PFN, PFN-LAST or PFN+N (0x… for hex)' --unpoison - <<< '1+'
	run_split hwpoison-inject --pfn - < /
	status_is 1
	stderr_is 'hwpoison-inject: --pfn: standard input: Is a directory'
}

@test "--vma, --node, --count, --seed, --bits, --cgroup: what they can't be" {
	local kind

	for kind in '' x file: heap2 [ /; do
		bad_usage "--vma: $kind: neither heap, stack, anon, shm, file, file:GLOB, hugetlb or text, nor a name as in /proc/PID/maps ([…] or /…)" \
			-p 7 --vma "$kind"
	done
	bad_usage '--vma: x: neither heap, stack, anon, shm, file, file:GLOB, hugetlb or text, nor a name as in /proc/PID/maps ([…] or /…)' \
		-p 7 --vma heap,x
	bad_usage '--node: x: not a node number' --node 0,x
	bad_usage '--node: 2147483648: not a node number' --node 2147483648
	bad_usage '--count: 0: not a number from 1 on' --count 0
	bad_usage '--count: x: not a number from 1 on' --count x
	bad_usage '--count: given twice' --count 1 --count 2
	bad_usage '--seed: x: not a number below 2^53' --seed x
	bad_usage '--seed: 0x20000000000000: not a number below 2^53' --seed 0x20000000000000
	bad_usage '--seed: given twice' --seed 1 --seed 1
	bad_usage '--bits: nonsense: no such flag (--help lists them)' -b nonsense
	bad_usage '--cgroup: @x: not an inode number' -c @x
	bad_usage '--cgroup: @0: not an inode number' -c @0
	bad_usage '--cgroup: given twice' -c /a -c /b
	bad_usage '--file: given twice' -f /a -f /b
}

@test "options that go by process or by the order need one" {
	bad_usage '--tree: needs --pid or a COMMAND' --tree --pfn 1
	bad_usage '--vaddr: needs --pid or a COMMAND' --vaddr 4096
	bad_usage '--vma: needs --pid or a COMMAND' --vma heap --pfn 1
	bad_usage '--seed: needs --random' --pfn 1 --seed 1
	bad_usage "--file: can't be combined with --pid" -f /a -p 7
}

# ------------------------------------------------------------------ how, and when

@test "the method, the verdict, the times and numbers: what they can't be" {
	local text

	bad_usage '--method: x: none of debugfs, madvise, hard-offline, soft-offline, soft-madvise, mce, auto' -m x --pfn 1
	bad_usage '--method: : none of debugfs, madvise, hard-offline, soft-offline, soft-madvise, mce, auto' -m '' --pfn 1
	bad_usage '--expect: x: none of killed, handled, survived, poisoned, none' --expect x --pfn 1
	for text in x '' -1 1. .5 1e3 4294967297; do
		bad_usage "--wait: $text: not a time in seconds" --wait "$text" --pfn 1
		bad_usage "--after: $text: not a time in seconds" --after "$text" -- true
	done
	for text in x '' -1 256; do
		bad_usage "--ready-fd: $text: not a number that it can be" --ready-fd "$text" -- true
	done
	for text in x '' 0 16777217; do
		bad_usage "--max: $text: not a number that it can be" --max "$text" --pfn 1
	done
	bad_usage '--sysroot: given twice' --sysroot /a --sysroot /b
	bad_usage '--memcg: given twice' --memcg /a --memcg /b
	bad_usage '--dev: given twice' --dev 8:1 --dev 8:1
	bad_usage '--flags: given twice' --flags anon --flags lru
}

@test "--early and --late exclude each other; given twice, they don't" {
	bad_usage '--early and --late exclude each other' -p 7 --early --late
	bad_usage '--early and --late exclude each other' -p 7 --late --early
	bad_usage '--early and --late need --pid or a COMMAND' --pfn 1 --early
	bad_usage '--early and --late need --pid or a COMMAND' --pfn 1 --late --late
}

@test "what runs in the process needs one" {
	local method

	for method in madvise soft-madvise; do
		bad_usage '--method: madvise runs in the process: it needs --pid or a COMMAND' -m $method --pfn 1
	done
	bad_usage '--consume: needs --pid or a COMMAND' --consume --pfn 1
	for method in soft-offline soft-madvise; do
		bad_usage '--consume: soft offlining poisons nothing that could be read' --consume -p 7 -m $method
	done
}

@test "ends that exclude each other, and what can't be combined with them" {
	local message='--filter-show, --filter-clear, --list, --unpoison, --unpoison-all, --list-targets and --dry-run exclude each other'
	local end

	bad_usage "$message" --list --unpoison-all
	bad_usage "$message" --filter-show --filter-clear
	bad_usage "$message" --unpoison 1 --unpoison-all
	bad_usage "$message" --list-targets --dry-run --pfn 1
	for end in --list '--list-targets --pfn 1' '--dry-run --pfn 1'; do
		# shellcheck disable=SC2086 # a list of options
		bad_usage '--load: nothing is to be changed that a module were needed for' --load $end
	done
	for end in --filter-show --filter-clear --list --unpoison-all '--unpoison=1'; do
		bad_usage 'COMMAND: there is nothing to inject into it' $end -- true
		bad_usage 'pages are chosen, but nothing is to be injected' $end --pfn 1
		bad_usage 'pages are chosen, but nothing is to be injected' $end -p 7
	done
}

@test "a COMMAND, and what needs one or can't have one" {
	bad_usage '--after and --ready-fd need a COMMAND' --after 1 --pfn 1
	bad_usage '--after and --ready-fd need a COMMAND' --ready-fd 3 -p 7
	bad_usage '--after and --ready-fd exclude each other' --after 1 --ready-fd 3 -- true
	bad_usage 'COMMAND and --pid exclude each other' -p 7 -- true
	bad_usage 'COMMAND and --file exclude each other' -f /a -- true
	bad_usage 'COMMAND: runs on this machine: not with --sysroot' --sysroot / -- true
	bad_usage '--sysroot: there is no process in a copy that could be held: not with --early, --late, --consume or madvise' \
		--sysroot / -p 1 --early
	bad_usage '--file: the page cache is only to be had on the running machine, without --sysroot' --sysroot / -f /a
	# The first word that is no option begins it; what follows is its own.
	bad_usage 'COMMAND and --pid exclude each other' -p 7 true --bogus
}
