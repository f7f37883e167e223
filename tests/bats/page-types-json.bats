#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types --json: the same rows as the text, as records that match their schemas.

# Set in helper.bash: $root, $stdout_file.
# shellcheck disable=SC2154
load helper

setup() {
	mem=$BATS_TEST_TMPDIR/mem
	command -v jq > /dev/null || skip "needs jq"
	dump "$mem" reserved 'uptodate,lru*3' uptodate,lru,mmap,anon,swapbacked 'bit27*2' lru
}

# A run with --json: it succeeds, and every line is a record as it should be.
json() {
	run_split page-types --json "$@"
	status_is 0
	stderr_is
	"$BATS_TEST_DIRNAME/../check-json" < "$stdout_file"
}

# fields JQ-EXPRESSION: of each record, a line each.
fields() {
	jq -r "[$1] | map(tostring) | join(\" \")" "$stdout_file"
}

@test "the summary: a record for each set of flags, and the sum" {
	json -F "$mem"
	diff -u - <(fields '.record, .flags_value, (.flags // [] | join(",")), .pages, .bytes') <<-'END'
		summary 0x0  1 4096
		summary 0x20 lru 1 4096
		summary 0x28 uptodate,lru 3 12288
		summary 0x5828 uptodate,lru,mmap,anonymous,swapbacked 1 4096
		summary 0x8000000 0x8000000 2 8192
		sum null  8 32768
	END
}

@test "--list: a record for each range, then the summary" {
	json -F "$mem" -l
	diff -u - <(fields '.record, .pfn, .pages, .flags_value, .offset, .pid, .file, .cgroup, .mapcount' |
		grep '^range') <<-'END'
		range 0 1 0x0 null null null null null
		range 1 3 0x28 null null null null null
		range 4 1 0x5828 null null null null null
		range 5 2 0x8000000 null null null null null
		range 7 1 0x20 null null null null null
	END
	[ "$(fields .record | tail -n 1)" = sum ]
}

@test "--list-each: a record for each page; without a summary, nothing else" {
	json -F "$mem" -L -N
	[ "$(fields '.record, .pfn, .pages' | paste -s -d ,)" = \
		"range 0 1,range 1 1,range 2 1,range 3 1,range 4 1,range 5 1,range 6 1,range 7 1" ]
}

@test "nothing is chosen: no row, a sum of 0" {
	json -F "$mem" -l -b hwpoison
	[ "$(fields '.record, .pages, .bytes')" = "sum 0 0" ]
}

@test "processes: whose page it is, and where; cgroup and map count if asked for" {
	make_root
	task 7
	task 8
	vma 7 16 "$(present 3)" "$(present 4)"
	vma 8 32 "$(present 7)" "$(swapped 1 5)"
	cp "$mem" "$root/proc/kpageflags"
	put_u64 "$root/proc/kpagecount" 0 1 1 1 1 2 1 1 3
	put_u64 "$root/proc/kpagecgroup" 0 0 0 0 11 11 0 0 12
	json --sysroot "$root" -p 7,8 -r -L -N -C -M
	diff -u - <(fields '.pid, .offset, .pfn, .cgroup, .mapcount') <<-'END'
		7 16 3 11 1
		7 17 4 11 2
		8 32 7 12 3
		8 33 5 0 0
	END
	[[ ,$(jq -r '.flags | join(",")' "$stdout_file" | tail -n 1), == *,swap,* ]]
}

@test "a file: its name, as it is" {
	needs_pfns
	printf 'some words' > "$BATS_TEST_TMPDIR/a \"file\""
	json -f "$BATS_TEST_TMPDIR/a \"file\"" -l
	[ "$(jq -r 'select(.record == "range").file' "$stdout_file")" = "$BATS_TEST_TMPDIR/a \"file\"" ]
}

@test "the records say what the text says" {
	json -F "$mem" -r
	diff -u <(page-types -F "$mem" -r | sed -nE 's/^0x0*([0-9a-f]+)\t *([0-9]+) .*\t([^\t]*)$/0x\1 \2 \3/p') \
		<(fields 'select(.record == "summary") | .flags_value, .pages, (.flags | join(","))' |
			grep .)
}

@test "what it is not for" {
	fails_with 2 "page-types: --json: not with --hwpoison and --unpoison (hwpoison-inject has it)
Try 'page-types --help'." page-types --json -p 1 -X
	fails_with 2 "page-types: --json: not with --describe
Try 'page-types --help'." page-types --json -d lru
}

@test "a full disk is an error, a closed pipe is quiet" {
	run_split sh -c "page-types --json -F '$mem' -L > /dev/full"
	status_is 1
	stderr_is "page-types: standard output: No space left on device"
	run_split sh -c "page-types --json -F '$mem' -L | head -n 0"
	status_is 0
	stderr_is
}
