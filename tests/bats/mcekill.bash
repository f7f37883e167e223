# shellcheck shell=bash disable=SC2034,SC2154 # the tests use what is set here
# SPDX-License-Identifier: GPL-2.0-or-later
# What the tests of mcekill share: runs on this machine, whatever its kernel has, and the
# threads of a --sysroot tree.

load helper

NO_MEMORY_FAILURE='mcekill: this kernel has no vm.memory_failure_early_kill: it does not handle memory failures (CONFIG_MEMORY_FAILURE)'

# run_split, without the message that this kernel handles no memory failures, which a
# machine that runs the tests may be told; of a tree of copies it is as it is.
run_split() {
	stdout_file=$BATS_TEST_TMPDIR/stdout
	stderr_file=$BATS_TEST_TMPDIR/stderr
	status=0
	"$@" > "$stdout_file" 2> "$stderr_file.all" || status=$?
	if [[ " $* " == *" --sysroot "* ]]; then
		mv "$stderr_file.all" "$stderr_file"
	else
		grep -vxF "$NO_MEMORY_FAILURE" "$stderr_file.all" > "$stderr_file" || true
	fi
}

# policies PID: each thread of a process with its policy, from the flags that the kernel
# shows.
policies() {
	awk '{
		split(FILENAME, path, "/")
		sub(/.*\) /, "")
		own = int($7 / 128) % 2
		early = int($7 / 134217728) % 2
		print path[5], own ? early ? "early" : "late" : "default"
	}' "/proc/$1"/task/*/stat
}

# all_have POLICY PID: whether each thread of the process has that.
all_have() {
	! policies "$2" | grep -qv " $1\$"
}

# needs_tracing: a task can be held here, and made to set its policy.
needs_tracing() {
	local pid rc=0

	sleep 60 3>&- &
	pid=$!
	mcekill --late -p "$pid" > "$BATS_TEST_TMPDIR/tracing" 2>&1 || rc=$?
	kill "$pid"
	[ "$rc" -eq 0 ] || skip "tasks can't be traced here: $(tail -n 1 "$BATS_TEST_TMPDIR/tracing")"
}

needs_jq() {
	command -v jq > /dev/null || skip "needs jq"
}
