# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of the tools share: running a tool and comparing all that comes
# out of it, and making the dumps and --sysroot trees that it looks at.

bats_require_minimum_version 1.5.0

# ------------------------------------------------------------ run and compare

# Runs a command; its exit status is in $status, its output in two files.
run_split() {
	stdout_file=$BATS_TEST_TMPDIR/stdout
	stderr_file=$BATS_TEST_TMPDIR/stderr
	status=0
	"$@" > "$stdout_file" 2> "$stderr_file" || status=$?
}

# Says all that is known of the latest run, and fails.
complain() {
	printf '%s\n' "$@"
	printf 'status: %s\nstdout:\n' "$status"
	head -n 40 "$stdout_file"
	printf 'stderr:\n'
	head -n 40 "$stderr_file"
	return 1
}

status_is() {
	[ "$status" -eq "$1" ] || complain "expected status: $1"
}

# file_is FILE LINE...: the lines and nothing else; no LINE: empty.
file_is() {
	local file=$1

	shift
	if [ $# -eq 0 ]; then
		[ ! -s "$file" ] || complain "expected nothing in $file"
		return
	fi
	diff -u --label expected --label "$file" <(printf '%s\n' "$@") "$file" ||
		complain "not as expected: $file"
}

stdout_is() {
	file_is "$stdout_file" "$@"
}

stderr_is() {
	file_is "$stderr_file" "$@"
}

# stdout_has LINE...: each of them is one of the lines.
stdout_has() {
	local line

	for line in "$@"; do
		grep -qxF -e "$line" "$stdout_file" || complain "expected on stdout: $line"
	done
}

# prints COMMAND...: it succeeds without a message, and stdout is what stdin says.
prints() {
	run_split "$@"
	status_is 0
	file_is "$stderr_file"
	diff -u --label expected --label stdout - "$stdout_file" || complain "not as expected: stdout"
}

# fails_with STATUS MESSAGE COMMAND...: that status, that message alone, no output.
fails_with() {
	local expected=$1 message=$2

	shift 2
	run_split "$@"
	status_is "$expected"
	file_is "$stderr_file" "$message"
	file_is "$stdout_file"
}

# wait_until COMMAND...: tries for a minute: how long anything takes goes by what else the
# machine has to do.
wait_until() {
	local end=$((SECONDS + 60))

	until "$@"; do
		((SECONDS < end)) || { echo "waited in vain until: $*"; return 1; }
		sleep 0.05
	done
}

# ------------------------------------------------------------- who runs this

needs_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root: $1"
}

# PFNs: root in the initial user namespace, a kernel with CONFIG_PROC_PAGE_MONITOR.
needs_pfns() {
	needs_root "PFNs are hidden from others"
	[ -r /proc/kpageflags ] || skip "no /proc/kpageflags here"
	perl -e '
		my $page = int(unpack("J", pack("P", "x" x 64)) / shift);
		open(my $f, "<", "/proc/self/pagemap") or exit 1;
		sysseek($f, $page * 8, 0);
		exit 1 if sysread($f, my $entry, 8) != 8;
		exit(unpack("Q<", $entry) & ((1 << 55) - 1) ? 0 : 1);
	' "$(page_size)" || skip "the kernel hides PFNs here (a container)"
}

# Runs a command without rights, whoever runs the tests.
unprivileged() {
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
	else
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	fi
}

# needs_unprivileged TOOL: that can be run so, and reaches the test's files.
needs_unprivileged() {
	if [ "$(id -u)" -eq 0 ]; then
		type setpriv > /dev/null 2>&1 || skip "needs setpriv (util-linux) to drop root's rights"
		chmod a+rx "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	fi
	unprivileged test -x "$BATS_TEST_TMPDIR" ||
		skip "$BATS_TEST_TMPDIR can't be reached without root's rights"
	unprivileged "$1" --version > /dev/null 2>&1 ||
		skip "$1 can't be run without root's rights from where it is installed"
}

# ------------------------------------------------- entries of 64 bits, in files

page_size() {
	getconf PAGESIZE
}

# put_u64 FILE INDEX VALUE...: little-endian words from that index on, hex or as
# bash counts (above 2^63 negative); holes read as zeros. All is left to perl: under
# bats a line of bash takes a millisecond.
put_u64() {
	perl -e '
		my ($file, $index) = splice(@ARGV, 0, 2);
		my $f;
		open($f, "+<", $file) or open($f, "+>", $file) or die "$file: $!\n";
		seek($f, $index * 8, 0);
		print $f map { /^0x/ ? pack("Q<", hex) : /^-/ ? pack("q<", $_) : pack("Q<", $_) } @ARGV;
	' "$1" "$(($2))" "${@:3}"
}

# dump FILE FLAGS[*COUNT]...: a copy of kpageflags, page after page. FLAGS are
# names separated by commas, numbers, or "-" for none. The numbers of the flags
# are those of <linux/kernel-page-flags.h>, written down once more on purpose.
dump() {
	local file=$1

	shift
	perl -e '
		my %bit = (
			locked => 0, error => 1, referenced => 2, uptodate => 3, dirty => 4,
			lru => 5, active => 6, slab => 7, writeback => 8, reclaim => 9,
			buddy => 10, mmap => 11, anon => 12, swapcache => 13, swapbacked => 14,
			head => 15, tail => 16, huge => 17, unevictable => 18, hwpoison => 19,
			nopage => 20, ksm => 21, thp => 22, offline => 23, zero => 24,
			idle => 25, pgtable => 26, reserved => 32, mlocked => 33, owner_2 => 34,
			private => 35, private_2 => 36, owner_private => 37, arch => 38,
			uncached => 39, arch_2 => 41, arch_3 => 42,
		);
		open(my $f, ">", shift @ARGV) or die;
		for (@ARGV) {
			my ($names, $count) = /^([^*]*)(?:\*(\d+))?$/ or die "$_?\n";
			my @bits = (0) x 64;
			for (split /,/, $names) {
				next if $_ eq "-";
				my $n = /^bit(\d+)$/ ? $1 : $bit{$_};
				defined $n or die "$_?\n";
				$bits[$n] = 1;
			}
			print $f pack("b64", join("", @bits)) x ($count // 1);
		}
	' "$file" "$@"
}

# ------------------------------------------------------------ --sysroot trees

# A tree with a /proc; its path is in $root.
make_root() {
	root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/proc"
}

# Pagemap entries: a page that is present, one that is swapped out (or, with a
# high type, the kernel's mark of a poisoned page).
present() {
	printf '0x%x\n' $((1 << 63 | $1 | ${2:-0}))
}

swapped() {
	printf '0x%x\n' $((1 << 62 | $2 << 5 | $1 | ${3:-0}))
}

PM_SOFT_DIRTY=$((1 << 55))
PM_EXCLUSIVE=$((1 << 56))
PM_FILE=$((1 << 61))
export PM_SOFT_DIRTY PM_EXCLUSIVE PM_FILE

# task PID [COMM]: a process of the tree, without memory so far.
task() {
	mkdir -p "$root/proc/$1"
	: > "$root/proc/$1/maps"
	: > "$root/proc/$1/pagemap"
	printf 'Name:\t%s\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\nVmSize:\t    4096 kB\n' \
		"${2:-victim}" "$1" "$1" > "$root/proc/$1/status"
	printf 'SigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000000\n' \
		>> "$root/proc/$1/status"
	printf 'SigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n' >> "$root/proc/$1/status"
}

# vma PID PAGE ENTRY...: one more mapping of a task, from that page on, with those
# pagemap entries (0: not populated).
vma() {
	local pid=$1 page=$2 size

	shift 2
	size=$(page_size)
	printf '%x-%x rw-p 00000000 00:00 0 \n' $((page * size)) $(((page + $#) * size)) \
		>> "$root/proc/$pid/maps"
	put_u64 "$root/proc/$pid/pagemap" "$page" "$@"
}

# A debugfs with the files of hwpoison-inject, as the kernel has them after boot.
# They are plain files: what a tool writes there stays there, and no page is
# poisoned. Their directory is in $hwpoison.
make_hwpoison() {
	local filter

	hwpoison=$root/sys/kernel/debug/hwpoison
	mkdir -p "$hwpoison"
	echo 'none /sys/kernel/debug debugfs rw,relatime 0 0' > "$root/proc/mounts"
	for filter in enable flags-mask flags-value memcg; do
		echo 0 > "$hwpoison/corrupt-filter-$filter"
	done
	echo 4294967295 > "$hwpoison/corrupt-filter-dev-major"
	echo 4294967295 > "$hwpoison/corrupt-filter-dev-minor"
	: > "$hwpoison/corrupt-pfn"
	: > "$hwpoison/unpoison-pfn"
}

set_filter() {
	echo "$2" > "$hwpoison/corrupt-filter-$1"
}

# ------------------------------------------------------------- the completions

# complete_words WORD...: candidates for the last word of a command line of $tool, on one
# line, sorted. $completion: its file.
complete_words() {
	(
		# shellcheck source=/dev/null disable=SC2154
		. "$completion"
		COMP_WORDS=("$tool" "$@")
		COMP_CWORD=$#
		COMPREPLY=()
		"_${tool//-/_}"
		printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -s -d ' '
	)
}

# completes EXPECTED WORD...
completes() {
	local expected=$1 got

	shift
	got=$(complete_words "$@")
	[ "$got" = "$expected" ] || {
		printf 'words: %s\nexpected: %s\ngot: %s\n' "$*" "$expected" "$got"
		return 1
	}
}
