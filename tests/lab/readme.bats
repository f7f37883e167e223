#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154,SC2016 # bats sets $output; the quoted backticks are Markdown's
# What README.md has a reader do, run as it is written there.
load helper

teardown() {
	pkill -KILL -x usemem || true
	unpoison_all
}

# The blocks of commands of a section of README.md, one script.
commands_of() {
	awk -v head="## $1" '/^## / { on = $0 == head } /^```/ { block = !block; next } on && block' \
		"$BATS_TEST_DIRNAME/../../README.md"
}

# has_memory PID: its four megabytes are there; its handler and its threads are before.
has_memory() {
	awk '/^Rss(Anon|Shmem):/ { kb += $2 } END { exit kb < 4096 }' "/proc/$1/status" 2> /dev/null
}

# What README.md sleeps for, as long as it takes here: for the usemem that was started last,
# by itself or by mcekill --report.
sleep() {
	local parent=$! pid end=$((SECONDS + 120))

	while ((SECONDS < end)); do
		pid=$parent
		[[ $(< "/proc/$parent/comm") == usemem ]] || pid=$(pgrep -x -P "$parent" usemem)
		! has_memory "${pid:-none}" || return 0
		command sleep 0.1
	done
	return 1
}
export -f has_memory sleep

@test "Test your SIGBUS handler" {
	commands_of "Test your SIGBUS handler" > "$BATS_TEST_TMPDIR/script"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/script")" -ge 15 ]
	run bash "$BATS_TEST_TMPDIR/script" 3>&-
	echo "$output"
	[ "$status" -eq 0 ]
	# The thread that was foretold is the one that was told.
	has_line '^ +[0-9]+ +[0-9]+ +usemem +early .* handler +handler$'
	[ "$(grep -c 'BUS_MCEERR_AO.* survived$' <<< "$output")" -eq 2 ]
	has_line '^mcekill: usemem\[[0-9]+\]: killed by a memory error: BUS_MCEERR_AR at 0x[0-9a-f]+, 4096 bytes lost, PFN 0x[0-9a-f]+, in thread [0-9]+$'
	[ "${lines[-1]}" = "exit status 135" ]
}
