#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mcekill: its command line. What it takes, what excludes what, and each exit status.
# Nothing of the machine is changed here.

# Set in helper.bash: $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load mcekill

TASK='no task is named: --pid, --tid, or a COMMAND after a policy'
MODES='a policy, --get, --list, --system and --monitor exclude each other'
NOTHING='nothing is asked for: a policy, --get, --list, --system or --monitor'

# bad_usage MESSAGE ARGUMENT...
bad_usage() {
	local message=$1

	shift
	run_split mcekill "$@"
	status_is 2
	stderr_is "mcekill: $message" "Try 'mcekill --help'."
	stdout_is
}

# A number that no process has here.
free_pid() {
	cat /proc/sys/kernel/pid_max
}

@test "--help prints the options by group" {
	run_split mcekill --help
	status_is 0
	stderr_is
	stdout_has 'Usage: mcekill [OPTION...] [-- COMMAND [ARG...]]' \
		'Which policy, for COMMAND or for tasks that run:' 'Which tasks:' 'With a COMMAND:' \
		'Who has which:' 'The system:' 'Live:' 'Output:' 'Help:'
	cp "$stdout_file" "$BATS_TEST_TMPDIR/help"
	prints mcekill -h < "$BATS_TEST_TMPDIR/help"
	# Of what comes with it, nothing is looked at.
	prints mcekill --early --help --bogus < "$BATS_TEST_TMPDIR/help"
}

@test "--usage is brief, --version names the project" {
	run_split mcekill --usage
	status_is 0
	stderr_is
	grep -q '^Usage: mcekill \[' "$stdout_file"
	run_split mcekill --version
	status_is 0
	stderr_is
	grep -qx 'mcekill (hwpoison-tools) [0-9]*\.[0-9]*\.[0-9]*' "$stdout_file"
}

@test "an option that does not exist, an argument that is missing or too much" {
	bad_usage '--bogus: unknown option' --bogus
	bad_usage '-Z: unknown option' -Z
	bad_usage '--pid: missing argument' --early --pid
	bad_usage '-t: missing argument' --early -t
	bad_usage '--early-kill: missing argument' --system --early-kill
	run_split mcekill --early=yes -p 1
	status_is 2
	stdout_is
}

@test "nothing is asked for" {
	bad_usage "$NOTHING"
	bad_usage "$NOTHING" --json
	bad_usage "$NOTHING" --
	bad_usage "$NOTHING" --sysroot "$BATS_TEST_TMPDIR"
}

@test "the policies exclude each other; one may be given twice" {
	bad_usage '--early and --late exclude each other' --early --late -p 1
	bad_usage '--late and --default exclude each other' --late --default -p 1
	bad_usage '--default and --clear exclude each other' --default --clear true
	bad_usage '--clear and --early exclude each other' --clear --early -t 1
	run_split mcekill --early --early true
	status_is 0
	stderr_is
}

@test "what is asked for excludes each other" {
	bad_usage "$MODES" --early --get -p 1
	bad_usage "$MODES" --get --list
	bad_usage "$MODES" --list --system
	bad_usage "$MODES" --system --monitor
	bad_usage "$MODES" --monitor --late
	bad_usage "$MODES" --system --clear true
	bad_usage "$MODES" --get --list --system
}

@test "a COMMAND needs a policy, and nothing but --report" {
	bad_usage 'COMMAND: needs --early, --late, --default or --clear' true
	bad_usage 'COMMAND: needs --early, --late, --default or --clear' -- true
	bad_usage 'COMMAND: needs --early, --late, --default or --clear' --get true
	bad_usage 'COMMAND: needs --early, --late, --default or --clear' --system true
	bad_usage 'COMMAND: needs --early, --late, --default or --clear' --report true
	bad_usage 'COMMAND, and --pid or --tid, exclude each other' --early -p 1 true
	bad_usage 'COMMAND, and --pid or --tid, exclude each other' --late -t 1 -- true
	bad_usage '--json: a COMMAND has standard output for itself' --early --json true
	bad_usage 'COMMAND: runs on this machine: not with --sysroot' --early --sysroot / true
	bad_usage '--report: needs a COMMAND' --early -p 1 --report
	bad_usage '--report: needs a COMMAND' --list --report
	bad_usage '--tree: needs --pid' --early --tree true
	bad_usage '--all-threads: needs --pid' --early -a true
}

@test "the options of the COMMAND are its own" {
	prints mcekill --early echo --late -p --list <<< '--late -p --list'
	prints mcekill --early -- echo -- --late <<< '-- --late'
	prints mcekill --late -- printf '%s\n' '' 'a  b' < <(printf '\na  b\n')
}

@test "a policy or --get without a task" {
	bad_usage "$TASK" --early
	bad_usage "$TASK" --clear --
	bad_usage "$TASK" --get
	bad_usage "$TASK" --late --all-threads
}

@test "which task options go with what" {
	local pid=$$

	bad_usage '--pid and --tid: not with --list or --system' --list -p 1
	bad_usage '--pid and --tid: not with --list or --system' --system -t 1
	bad_usage '--monitor: follows processes with all of their threads: of the tasks it takes --pid alone' \
		--monitor -t 1
	bad_usage '--monitor: follows processes with all of their threads: of the tasks it takes --pid alone' \
		--monitor -p 1 --tree
	bad_usage '--tree: needs --pid' --get -t 1 --tree
	bad_usage '--tree: needs --pid' --list --tree
	bad_usage '--all-threads: needs --pid' --early -t 1 -a
	bad_usage '--all-threads and --tid exclude each other' --early -p 1 -t 1 -a
	bad_usage '--all-threads: all of them are shown without it' --get -p "$pid" -a
	bad_usage '--all-threads: all of them are shown without it' -p "$pid" -a
}

@test "the rest of the options, where they mean nothing" {
	bad_usage '--all: needs --list' --all --get -p 1
	bad_usage '--all: needs --list' --all --early true
	bad_usage 'a setting is changed with --system' --early-kill on
	bad_usage 'a setting is changed with --system' --recovery on --list
	bad_usage 'a setting is changed with --system' --soft-offline on --early true
	bad_usage '--cgroup and --for need --monitor' --cgroup / --list
	bad_usage '--cgroup and --for need --monitor' --for 1 --system
	bad_usage '--sysroot: there is no task and no kernel in a copy: only with --get, --list and --system' \
		--sysroot / --early -p 1
	bad_usage '--sysroot: there is no task and no kernel in a copy: only with --get, --list and --system' \
		--sysroot / --monitor
	bad_usage '--sysroot: the settings of a copy are only shown' --sysroot / --system --early-kill on
	bad_usage '--sysroot: given twice' --sysroot / --sysroot / --list
	bad_usage '--cgroup: given twice' --monitor -c a -c b
}

@test "bad numbers and words" {
	local bad

	for bad in '' 0 -1 1x x 1.5 ' 1' 4294967296 99999999999999999999 1,,2 '1,' ',1'; do
		run_split mcekill --get "--pid=$bad"
		status_is 2
		grep -qx 'mcekill: .*: not the number of a process or thread' "$stderr_file" || complain "$bad"
		stdout_is
		run_split mcekill --early -t "$bad"
		status_is 2
	done
	bad_usage '1x: not the number of a process or thread' --early -p 1,1x
	bad_usage '--early-kill: 1: neither on nor off' --system --early-kill 1
	bad_usage '--early-kill: On: neither on nor off' --system --early-kill On
	bad_usage '--panic-on-unrecoverable: : neither on nor off' --system --panic-on-unrecoverable=
	bad_usage '--for: 1x: not a time in seconds' --monitor --for 1x
	bad_usage '--for: -1: not a time in seconds' --monitor --for -1
}

@test "no such process or thread" {
	local pid

	pid=$(free_pid)
	fails_with 1 "mcekill: process $pid: No such process" mcekill --get -p "$pid"
	fails_with 1 "mcekill: thread $pid: No such process" mcekill --get -t "$pid"
	fails_with 1 "mcekill: process $pid: No such process" mcekill --early -p "$pid"
	fails_with 1 "mcekill: thread $pid: No such process" mcekill --early -t "$pid"
	fails_with 1 "mcekill: process $pid: No such process" mcekill --early -a --tree -p "$pid"
	fails_with 1 "mcekill: process $pid: No such process" mcekill -p "$$,$pid" --late
}

@test "threads of the kernel" {
	local text='has no memory: it has ended, or is a thread of the kernel'

	! grep -q ^VmSize /proc/2/status 2> /dev/null || skip "PID 2 is a process here"
	[ -e /proc/2 ] || skip "no thread of the kernel is seen here"
	fails_with 1 "mcekill: process 2: $text" mcekill --get -p 2
	fails_with 1 "mcekill: thread 2: $text" mcekill --get -t 2
	fails_with 1 "mcekill: process 2: $text" mcekill --early -p 2
	fails_with 1 "mcekill: thread 2: $text" mcekill --late -t 2
}

@test "no such tree" {
	fails_with 1 "mcekill: --sysroot: $BATS_TEST_TMPDIR/none: No such file or directory" \
		mcekill --list --sysroot "$BATS_TEST_TMPDIR/none"
}

@test "another's process: it can be shown, and not set" {
	local pid

	needs_root "another's process"
	needs_unprivileged mcekill
	sleep 60 3>&- &
	pid=$!
	run_split unprivileged mcekill --get -p "$pid"
	status_is 0
	stderr_is
	[ "$(wc -l < "$stdout_file")" = 2 ] || complain
	fails_with 3 "mcekill: --early: thread $pid: it may not be traced by this user (try as root; see also kernel.yama.ptrace_scope)" \
		unprivileged mcekill --early -p "$pid"
	fails_with 3 "mcekill: --early: thread $pid: it may not be traced by this user (try as root; see also kernel.yama.ptrace_scope)" \
		unprivileged mcekill --early -t "$pid"
	fails_with 3 "mcekill: --late: thread $pid: it may not be traced by this user (try as root; see also kernel.yama.ptrace_scope)" \
		unprivileged mcekill --late -a -p "$pid"
	kill "$pid"
}

@test "without rights the settings can be shown, and not changed" {
	local text value

	needs_unprivileged mcekill
	[ -e /proc/sys/vm/memory_failure_early_kill ] || skip "this kernel handles no memory failures"
	run_split unprivileged mcekill --system
	status_is 0
	value=$(cat /proc/sys/vm/memory_failure_early_kill)
	run_split unprivileged mcekill --system --early-kill "$([ "$value" = 1 ] && echo on || echo off)"
	status_is 3
	stdout_is
	text='mcekill: --early-kill: /proc/sys/vm/memory_failure_early_kill: '
	grep -qE "^$text(Permission denied|Operation not permitted|Read-only file system)" \
		"$stderr_file" || complain
	[ "$(cat /proc/sys/vm/memory_failure_early_kill)" = "$value" ]
}
