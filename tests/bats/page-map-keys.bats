#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-map --once: that keys do what they say after others were pressed, and what the exit
# status says of them.

# Set in helper.bash: $root, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper
load page-map

setup() {
	unset TERM
	export LC_ALL=C.UTF-8
	make_machine
}

# way TEXT KEYS [ARGUMENT...]: that is the line at the top, without the cost at its right.
way() {
	local got

	run_split page-map --once --sysroot "$root" --keys "$2" "${@:3}"
	status_is 0
	got=$(sed -nE '1s/ +[0-9]+\.[0-9]{3} s, .*$//; 1p' "$stdout_file")
	[ "$got" = "$1" ] || complain "expected at the top: $1"
}

@test "F1: after any number of times, and once is enough" {
	local i keys

	# A view may get the memory of a help that was left.
	for i in 1 5 12 13 14 20; do
		keys=$(yes 'F1 Esc' | head -n "$i" | paste -s -d ' ')
		way 'page-map > memory > page 0x100 > help' "g 0x100 Enter Enter Esc $keys Enter F1"
	done
	way 'page-map > memory > help' 'F1 F1'
	way 'page-map > memory' 'F1 F1 Esc'
	way 'page-map > memory blocks > help' 'F1 Tab F1'
}
