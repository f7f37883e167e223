# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of page-map --once share: what it shows of a tree, and says.

# Set in helper.bash: $root, $stdout_file, $stderr_file.
# shellcheck disable=SC2154

# Without what the look has cost, and with one blank line for many.
bare() {
	sed -E '1s/ +[0-9]+\.[0-9]{3} s, .*$//' "$@" | cat -s
}

# shot ARGUMENT...: one frame; it is in $stdout_file.
shot() {
	run_split page-map --once "$@"
	status_is 0
	file_is "$stderr_file"
	[ "$(wc -l < "$stdout_file")" -eq 24 ] || complain "not 24 lines"
	bare "$stdout_file" > "$BATS_TEST_TMPDIR/bare"
}

# shows ARGUMENT...: the frame of the tree is what stdin says.
shows() {
	shot --sysroot "$root" "$@"
	diff -u --label expected --label shown - "$BATS_TEST_TMPDIR/bare"
}

# line N: of what was shown, from 1 on; negative: from the end.
line() {
	if [ "$1" -lt 0 ]; then
		tail -n "${1#-}" "$stdout_file" | head -n 1
	else
		sed -n "${1}p" "$stdout_file"
	fi
}

# row N ARGUMENT...: a line of the frame of the tree.
row() {
	shot --sysroot "$root" "${@:2}"
	line "$1"
}

# says TEXT KEYS [ARGUMENT...]: that is on the line for messages.
says() {
	local got

	got=$(row -2 --keys "$2" "${@:3}")
	[ "$got" = "$1" ] || {
		printf 'expected: %s\nsaid: %s\n' "$1" "$got"
		return 1
	}
}

# alerts TEXT KEYS [ARGUMENT...]: the last key has come to nothing, the frame is shown.
alerts() {
	run_split page-map --once --sysroot "$root" --keys "$2" "${@:3}"
	status_is "${alert_status:-1}"
	stderr_is "page-map: $1"
	[ "$(wc -l < "$stdout_file")" -eq 24 ] || complain "not 24 lines"
	[ "$(line -2)" = "$1" ] || complain "not on the line for messages: $1"
}

# at TEXT KEYS [ARGUMENT...]: the line of what is at the cursor begins so.
at() {
	local got

	got=$(row -3 --keys "$2" "${@:3}")
	[[ $got == "$1"* ]] || {
		printf 'expected: %s\nat the cursor: %s\n' "$1" "$got"
		return 1
	}
}
