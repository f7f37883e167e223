#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mcekill --monitor where nothing can be followed, and its systemd unit. What it prints of
# failures takes a kernel that has some: see tests/lab.

# Set in helper.bash: $status, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

unit=systemd/mcekill-monitor.service

@test "a process that is not there" {
	fails_with 1 "mcekill: process 2147483647: No such process" mcekill --monitor -p 2147483647
}

@test "what is no cgroup" {
	fails_with 1 "mcekill: --cgroup: /: not a directory of a cgroup hierarchy" \
		mcekill --monitor --cgroup /
	fails_with 1 "mcekill: --cgroup: $BATS_TEST_TMPDIR/none: No such file or directory" \
		mcekill --monitor --cgroup "$BATS_TEST_TMPDIR/none"
	fails_with 2 "mcekill: --cgroup: @0: not an inode number" mcekill --monitor --cgroup @0
	fails_with 2 "mcekill: --cgroup: @x: not an inode number" mcekill --monitor --cgroup @x
}

@test "without the right to follow: says what is missing, and prints nothing" {
	run_split unprivileged mcekill --monitor --for 0.1
	# Anybody may read the log here.
	[ "$status" -ne 0 ] || skip "/dev/kmsg is open to all: kernel.dmesg_restrict is 0"
	stdout_is
	[ "$(wc -l < "$stderr_file")" -eq 1 ]
	case $status in
	3) grep -qE '^mcekill: /.*: (Permission denied|Operation not permitted) \(try as root\)$' "$stderr_file" ;;
	4) grep -qE '^mcekill: .*: No such device$' "$stderr_file" ;;
	*) complain "expected status: 3 or 4" ;;
	esac
}

# ------------------------------------------------------------------------ the unit

installed_unit() {
	[ -n "${STAGE:-}" ] || skip "STAGE is not set: nothing is installed"
	file=$STAGE/usr/local/lib/$unit
	file=${file/systemd\//systemd/system/}
	[ -f "$file" ] || skip "the unit is not installed: $file"
}

@test "the unit starts the installed program, with options that it has" {
	local word words

	installed_unit
	run ! grep -q '@[a-z]*@' "$file"
	words=$(sed -n 's|^ExecStart=/usr/local/bin/mcekill ||p' "$file")
	[ "$words" = "--monitor --json" ]
	for word in $words; do
		mcekill --help | grep -qE "^ +(-., )?$word( |\$)" || { echo "no such option: $word"; return 1; }
	done
}

@test "systemd takes the unit" {
	installed_unit
	command -v systemd-analyze > /dev/null || skip "needs systemd-analyze"
	# The program is not where it will be.
	sed "s|^ExecStart=/usr/local|ExecStart=$STAGE/usr/local|" "$file" > "$BATS_TEST_TMPDIR/mcekill-monitor.service"
	run_split systemd-analyze verify --man=no "$BATS_TEST_TMPDIR/mcekill-monitor.service"
	status_is 0
	stderr_is
}
