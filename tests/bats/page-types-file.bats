#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types --file: the page cache of real files on this machine. Its pages are
# named by PFN, which only root sees: without it all but a few tests are skipped.

# Set in helper.bash: $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

setup() {
	file=$BATS_TEST_TMPDIR/file
	mem=$BATS_TEST_TMPDIR/mem
	size=$(page_size)
}

# fill FILE BYTES: a file whose pages are all cached and clean.
fill() {
	head -c "$2" /dev/zero > "$1"
	sync "$1"
}

# evict FILE PAGE COUNT: drops these pages from the cache.
evict() {
	dd if="$1" of=/dev/null iflag=nocache bs="$size" skip="$2" count="$3" status=none
}

# cached FILE: how many pages of it are cached, by another program's count.
cached() {
	fincore --noheadings --output PAGES "$1" | tr -d ' '
}

needs_eviction() {
	type fincore > /dev/null 2>&1 || skip "needs fincore (util-linux)"
	fill "$file" $((32 * size))
	evict "$file" 0 32
	[ "$(cached "$file")" -eq 0 ] ||
		skip "the cache of $(stat -f -c %T "$BATS_TEST_TMPDIR") can't be dropped page by page"
}

# pages_are PAGE...: the first column of a list.
pages_are() {
	[ "$(sed 1d "$stdout_file" | cut -f 1 | paste -s -d ' ')" = "$*" ] ||
		complain "expected pages: $*"
}

@test "--file: the cached pages of a file, in its order" {
	needs_pfns
	fill "$file" $((4 * size))
	run_split page-types -f "$file" -N -L
	status_is 0
	stderr_is
	head -n 1 "$stdout_file" | grep -qx $'foffset\toffset\tflags'
	pages_are 0 1 2 3
	! grep -vE $'^(foffset|[0-3]\t[0-9a-f]+\t[^\t]{43})' "$stdout_file" || complain 'expected rows'
}

@test "--file: ranges in the list" {
	needs_pfns
	fill "$file" $((4 * size))
	run_split page-types --file "$file" -N -l
	status_is 0
	stderr_is
	head -n 1 "$stdout_file" | grep -qx $'foffset\toffset\tlen\tflags'
	# However they lie in memory, together they are the four pages.
	[ "$(sed 1d "$stdout_file" | cut -f 3 | paste -s -d +)" ] &&
		[ $(($(sed 1d "$stdout_file" | cut -f 3 | sed 's/^/0x/' | paste -s -d +))) -eq 4 ] ||
		complain 'expected 4 pages'
}

@test "--file: the last partial page is walked" {
	needs_pfns
	fill "$file" $((2 * size + 1))
	run_split page-types -f "$file" -N -L
	status_is 0
	stderr_is
	pages_are 0 1 2
	# The kernel's tool shows nothing of a file that is smaller than a page.
	fill "$file" 1
	run_split page-types -f "$file" -N -L
	status_is 0
	pages_are 0
}

@test "--file: an empty file" {
	needs_pfns
	: > "$file"
	run_split page-types -f "$file" -N -L
	status_is 0
	stderr_is
	stdout_is $'foffset\toffset\tflags'
}

@test "--file: what the file is, before the summary" {
	local summary

	needs_pfns
	fill "$file" $((size + 1))
	run_split page-types -f "$file"
	status_is 0
	stderr_is
	summary=$file$'\t'"Inode: $(stat -c %i "$file")"$'\t'"Size: $((size + 1)) (2 pages)"
	[ "$(head -n 1 "$stdout_file")" = "$summary" ] || complain "expected first: $summary"
	sed -n 2p "$stdout_file" | grep -qE '^Modify: .* \(-?[0-9]+ seconds ago\)$'
	sed -n 3p "$stdout_file" | grep -qE '^Access: .* \(-?[0-9]+ seconds ago\)$'
	[ -z "$(sed -n 4p "$stdout_file")" ]
	sed -n 5p "$stdout_file" | grep -q '^ *flags'
	stdout_has $'             total\t         2        0'
}

@test "--file --addr: pages of the file" {
	needs_pfns
	fill "$file" $((20 * size))
	run_split page-types -f "$file" -N -L -a 5 -a 0x10+2 -a 4+2
	status_is 0
	stderr_is
	pages_are 5 10 11 4
	run_split page-types -f "$file" -N -L -a 18,
	pages_are 12 13
	run_split page-types -f "$file" -N -L -a 100
	status_is 0
	pages_are
}

@test "--file --bits: only pages with these flags" {
	needs_pfns
	fill "$file" $((4 * size))
	run_split page-types -f "$file" -N -L -b uptodate
	status_is 0
	pages_are 0 1 2 3
	run_split page-types -f "$file" -N -L -b uptodate=
	status_is 0
	pages_are
}

@test "--file --list-mapcnt: the tool's own mapping does not count" {
	needs_pfns
	fill "$file" $((2 * size))
	run_split page-types -f "$file" -N -L -M
	status_is 0
	stderr_is
	[ "$(sed 1d "$stdout_file" | cut -f 2 | sort -u)" = 0 ] || complain 'expected map count 0'
}

@test "--file: a walk reads nothing from the disk" {
	needs_pfns
	needs_eviction
	run_split page-types -f "$file" -N -L
	status_is 0
	stderr_is
	pages_are
	[ "$(cached "$file")" -eq 0 ] || complain 'pages were read in'
	# Nor the neighbours of one that is cached.
	printf x | dd of="$file" bs="$size" seek=7 conv=notrunc status=none
	run_split page-types -f "$file" -N -L
	status_is 0
	pages_are 7
	[ "$(cached "$file")" -eq 1 ] || complain 'pages were read in'
}

@test "--file: a directory stands for all files below it" {
	local dir=$BATS_TEST_TMPDIR/dir

	needs_pfns
	mkdir -p "$dir/sub"
	fill "$dir/one" $((2 * size))
	fill "$dir/sub/two" "$size"
	# A link is not followed, and a pipe not waited for.
	fill "$file" $((8 * size))
	ln -s "$file" "$dir/link"
	mkfifo "$dir/pipe"
	run_split page-types -f "$dir"
	status_is 0
	stderr_is
	stdout_has $'             total\t         3        0'
}

@test "--file: no file, or one of another kind" {
	dump "$mem" anon
	fails_with 1 "page-types: --file: $file: No such file or directory" page-types -F "$mem" -N -f "$file"
	fails_with 1 'page-types: --file: /dev/null: neither a regular file nor a directory' \
		page-types -F "$mem" -N -f /dev/null
}

@test "--file: a dump that ends before one of its pages" {
	needs_pfns
	fill "$file" "$size"
	dump "$mem" anon
	run_split page-types -F "$mem" -N -f "$file"
	status_is 1
	stderr_is "page-types: --file: $file: $mem ends before one of its pages"
	stdout_is
}

@test "--file: one that becomes shorter while it is walked" {
	needs_pfns
	# The list fills the pipe; what is not walked yet is cut off meanwhile.
	cut_while_listed() {
		page-types -f "$file" -N -L | {
			read -r _
			truncate -s "$size" "$file"
			cat > "$file.rows"
		}
		return "${PIPESTATUS[0]}"
	}
	fill "$file" $((20000 * size))
	run_split cut_while_listed
	status_is 1
	stderr_is "page-types: --file: $file: became shorter while it was walked"
	[ "$(wc -l < "$file.rows")" -lt 20000 ]
}

@test "without rights: a directory that can't be read" {
	local dir=$BATS_TEST_TMPDIR/dir

	needs_unprivileged page-types
	dump "$mem" anon
	mkdir -p "$dir/closed"
	chmod 755 "$dir"
	chmod 000 "$dir/closed"
	run_split unprivileged page-types -F "$mem" -N -f "$dir"
	chmod 755 "$dir/closed"
	status_is 3
	stderr_is "page-types: --file: $dir/closed: Permission denied (try as root)"
	stdout_is
}

@test "without rights: PFNs are hidden, or what is cached" {
	needs_unprivileged page-types
	dump "$mem" anon
	run_split unprivileged page-types -F "$mem" -N -f /etc/passwd
	status_is 3
	stderr_is 'page-types: --file: /etc/passwd: the kernel does not say what is cached to one who does not own the file and can'\''t write it (try as root)'
	stdout_is
	fill "$file" "$size"
	chmod 666 "$file"
	run_split unprivileged page-types -F "$mem" -N -f "$file"
	status_is 3
	stderr_is "page-types: --file: $file: the kernel hides PFNs from this caller: it needs CAP_SYS_ADMIN (try as root, outside of a container)"
	stdout_is
}
