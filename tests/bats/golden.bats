#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types prints what the kernel's tool prints (see tests/golden/README.md).

GOLDEN=$BATS_TEST_DIRNAME/../golden

# The list, as it is; the summary, sorted.
normalize() {
	awk -v list="$2.list" '/^ +flags\tpage-count/ { summary = 1 }
		{ if (summary) print; else print > list }' "$1" | LC_ALL=C sort > "$2.summary"
	touch "$2.list"
}

@test "every case of the kernel's tool" {
	local number want args got failed=0 n=0

	cd "$GOLDEN"
	while read -r number want args; do
		got=0
		# shellcheck disable=SC2086 # the arguments are words
		page-types $args > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" < /dev/null 3>&- || got=$?
		normalize "$number.out" "$BATS_TEST_TMPDIR/want"
		normalize "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/got"
		if ((got != want)) ||
			! diff "$BATS_TEST_TMPDIR/want.list" "$BATS_TEST_TMPDIR/got.list" > "$BATS_TEST_TMPDIR/diff" ||
			! diff "$BATS_TEST_TMPDIR/want.summary" "$BATS_TEST_TMPDIR/got.summary" > "$BATS_TEST_TMPDIR/diff"; then
			echo "case $number: page-types $args (exit status $got, should be $want)"
			head -n 5 "$BATS_TEST_TMPDIR/diff"
			failed=$((failed + 1))
		fi
		rm -f "$BATS_TEST_TMPDIR"/{want,got}.*
		n=$((n + 1))
	done < cases
	((n == 42))
	((failed == 0))
}
