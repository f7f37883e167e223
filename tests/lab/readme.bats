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
