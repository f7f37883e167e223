# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154 # the tests set, read and call
# SPDX-License-Identifier: GPL-2.0-or-later
# What the tests of hwpoison-inject on a --sysroot tree share: the tree, a run, and
# questions to what it wrote and said. Nothing is poisoned by that, so an injection ends
# as if the kernel's filter had rejected the pages (status 5). No root needed.

load helper

BOOT=0b6f3c1e-58f0-4a5c-9a50-3c1d2e4f5a6b
RUN=/run/hwpoison-tools
FORCE='(--force does it all the same)'

setup() {
	make_root
	make_hwpoison
	rundir=$root$RUN
	offline=$root/sys/devices/system/memory
}

# machine FLAGS[*COUNT]...: a tree with these pages, mapped by nobody, charged to none.
machine() {
	dump "$root/proc/kpageflags" "$@"
	truncate -s "$(stat -c %s "$root/proc/kpageflags")" "$root/proc/kpagecount" "$root/proc/kpagecgroup"
	mkdir -p "$root/proc/sys/kernel/random"
	echo $BOOT > "$root/proc/sys/kernel/random/boot_id"
	printf 'MemTotal:       4096 kB\nHardwareCorrupted:     8 kB\n' > "$root/proc/meminfo"
}

# inject ARGUMENT...: on the tree.
inject() {
	run_split hwpoison-inject --sysroot "$root" "$@"
}

# all_kinds: a machine with a page of each kind, from PFN 1 on.
all_kinds() {
	machine - uptodate,lru,mmap,anon,swapbacked anon,lru,swapcache,swapbacked \
		anon,lru,swapcache,swapbacked,dirty uptodate,lru uptodate,lru,dirty uptodate,mmap \
		lru,swapbacked huge,head,lru 'huge,tail*3' head,thp,anon,lru tail,thp,anon buddy hwpoison \
		slab pgtable reserved offline nopage zero mmap -
}

# wrote FILE LINE...: what is in a file of the tree.
wrote() {
	file_is "$@"
}

# injected PFN...: what was written to corrupt-pfn, in that order.
injected() {
	file_is "$hwpoison/corrupt-pfn" "$@"
}

# column N: that column of the table on standard output, joined.
column() {
	awk -v n="$1" '/^0x/ {print $n}' "$stdout_file" | paste -s -d ' '
}

# ledger_is "EVENT PFN METHOD"...: the lines of the ledger.
ledger_is() {
	needs_jq
	diff -u --label expected --label ledger <(printf '%s\n' "$@") \
		<(jq -r '"\(.event) \(.pfn) \(.method // "-")"' "$rundir/ledger")
}

needs_jq() {
	command -v jq > /dev/null || skip "needs jq"
}

# valid: what is on standard output matches the schemas.
valid() {
	"$BATS_TEST_DIRNAME/../check-json" < "$stdout_file" || complain "not as the schemas have it"
}

# refuses REASON ARGUMENT...: status 6, that message, and nothing was written.
refuses() {
	local reason=$1

	shift
	inject "$@"
	status_is 6
	stderr_is "hwpoison-inject: $reason"
	stdout_is
	injected
}
