# shellcheck shell=bash disable=SC2034,SC2154 # bats and the tests set and read some variables
# SPDX-License-Identifier: GPL-2.0-or-later
# What the lab's tests of machine checks share, on top of helper.bash. The test sets $ROUTE
# (of --via), $TRACE (an instance of the kernel's trace), $out (what its victim prints) and
# $at (the address of the victim's first page).

# The PFNs of the victim's pages, as usemem has said, a line each.
all_pfns() {
	local run n

	# shellcheck disable=SC2013 # words
	for run in $(sed -n 's/^usemem: pfns //p' "$out"); do
		for ((n = 0; n < ${run#*+}; n++)); do
			echo $((${run%+*} + n))
		done
	done
}

page() {
	printf '0x%x\n' $((at + $1 * 4096))
}

run_mce() {
	run --separate-stderr mce-inject --via "$ROUTE" "$@"
	echo "status $status"
	echo "$output"
	echo "$stderr"
}

# record OPTION… -- LINE…: a record of the language.
record() {
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	printf '%s\n' "$@" > "$BATS_TEST_TMPDIR/record"
	: > "$TRACE/trace"
	run_mce "${options[@]}" "$BATS_TEST_TMPDIR/record"
}

# came_to STATUS FAILURES SIGNALLED: the exit status, and the last line of the report.
came_to() {
	[ "$status" -eq "$1" ]
	[[ $(tail -n 1 <<< "$output") =~ ^\ *[0-9]+\ +$2\ +$3\ + ]]
}

# said TEXT: whether the victim prints that, in some seconds.
said() {
	eventually grep -qF -- "$1" "$out" || { cat "$out"; return 1; }
}
