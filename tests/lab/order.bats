#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types --order on a real kernel, as root in the lab: folios of every kind, by what
# smaps and the lists of single pages say of them.

# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # programs of other languages; bats runs each test in a subshell

bats_require_minimum_version 1.5.0

load helper

CGROUP=/sys/fs/cgroup/order-test
THP=/sys/kernel/mm/transparent_hugepage
HUGEPAGES=/proc/sys/vm/nr_hugepages

setup_file() {
	make_disk
}

teardown_file() {
	remove_disk
}

setup() {
	pids=()
	hugepages=$(< $HUGEPAGES)
}

teardown() {
	local file

	kill_victims
	for file in "$BATS_TEST_TMPDIR"/was.*; do
		[ ! -e "$file" ] || cat "$file" > "$THP/hugepages-${file##*.}/enabled"
	done
	echo "$hugepages" > $HUGEPAGES
	for file in $CGROUP ${CGROUP}2; do
		[ ! -d "$file" ] || rmdir "$file"
	done
	remove_files
}

# Sets the size's "enabled", until the end of the test.
enable() {
	sed 's/.*\[\(.*\)\].*/\1/' "$THP/hugepages-$1/enabled" > "$BATS_TEST_TMPDIR/was.$1"
	echo "$2" > "$THP/hugepages-$1/enabled"
}

# kind, order, folios, pages, aligned, whole and partial, a row each.
orders() {
	page-types --order --json "$@" | jq -r 'select(.record == "order") | [.kind, .order, .folios,
		.pages, .aligned_pages, .whole_pages, .partial_pages] | map(tostring) | join(" ")'
}

# The sum of a field of smaps, in kB.
smaps() {
	awk -v field="$2:" '$1 == field {sum += $2} END {print sum + 0}' "/proc/$1/smaps"
}

# The same rows for the large folios in a range of a process, from the lists of the
# machine's pages and of the process's: each folio has a place in the address space, and
# is whole if all of its pages are at that place.
counted() {
	perl -e '
		my (%head, %size, %n, %folios, %at, %kind);
		my ($last, $current) = (-1);
		open(my $m, "-|", "page-types", qw(-N -r -L -b compound_head,compound_tail)) or die;
		while (<$m>) {
			my ($pfn, $flags) = /^([0-9a-f]+)\t(\S+)$/ or next;
			$pfn = hex $pfn;
			$current = $pfn if substr($flags, 15, 1) eq "H";
			undef $current if substr($flags, 15, 1) ne "H" && $pfn != $last + 1;
			$last = $pfn;
			defined $current or next;
			$head{$pfn} = $current;
			$size{$current}++;
			$kind{$current} = substr($flags, 17, 1) eq "G" ? "hugetlb" :
				substr($flags, 12, 1) eq "a" ? "anon" :
				substr($flags, 14, 1) eq "b" ? "shm" : "file" if $pfn == $current;
		}
		open(my $p, "-|", "page-types", qw(-N -r -L -p), @ARGV) or die;
		while (<$p>) {
			my ($offset, $pfn) = /^([0-9a-f]+)\t([0-9a-f]+)\t/ or next;
			my $head = $head{hex $pfn} // next;
			$at{hex($offset) - (hex($pfn) - $head), $head}++;
		}
		for (keys %at) {
			my ($place, $head) = split /$;/;
			my $size = $size{$head};
			my $row = $n{$kind{$head}, $size} //= [0, 0, 0, 0, 0];
			$row->[0]++ if !$folios{$head}++;
			$row->[1] += $at{$_};
			$row->[2] += $at{$_} if $place % $size == 0;
			$row->[3] += $size if $place % $size == 0 && $at{$_} == $size;
			$row->[4] += $at{$_} if $at{$_} != $size;
		}
		for (keys %n) {
			my ($kind, $size) = split /$;/;
			print join(" ", $kind, int(log($size) / log(2) + 0.5), @{$n{$_}}), "\n";
		}
	' "$1" -a "$2" | sort
}

# The memory of the victim, in one row, is that; and it is what the lists say.
is_order() {
	local got

	got=$(orders -p "$pid" -a "$range")
	diff -u --label counted --label "$1" <(counted "$pid" "$range") \
		<(grep -v '^[a-z]* 0 ' <<< "$got" | sort) || return
	[ "$got" = "$1" ] || { printf 'expected %s, not\n%s\n' "$1" "$got"; return 1; }
}

@test "memory of each kind" {
	local name expected options

	echo 8 > $HUGEPAGES
	while read -r name expected; do
		options=()
		[[ $name != file-* ]] || options=(--path "$DISK")
		victim "$name" -m 4 --kind "$name" "${options[@]}"
		echo "$name"
		is_order "$expected"
		kill_victims
	done <<- TABLE
		anon        anon 0 1024 1024 1024 1024 0
		mlock       anon 0 1024 1024 1024 1024 0
		thp         anon 9 2 1024 1024 1024 0
		hugetlb     hugetlb 9 2 1024 1024 1024 0
		file-clean  file 0 1024 1024 1024 1024 0
		file-dirty  file 0 1024 1024 1024 1024 0
		tmpfs       shm 0 1024 1024 1024 1024 0
		memfd       shm 0 1024 1024 1024 1024 0
		shm         shm 0 1024 1024 1024 1024 0
	TABLE
}

@test "all of a process: as much as smaps says" {
	local huge

	victim thp -m 8 --kind thp
	# On its way to sleep it may still touch a page for the first time.
	eventually has_state "$pid" S
	huge=$(smaps "$pid" AnonHugePages)
	((huge == 8192))
	[ "$(orders -p "$pid" | awk '$1 == "anon" && $2 == 9 {print $6 * 4}')" -eq "$huge" ]
	[ "$(orders -p "$pid" | awk '$1 == "anon" {n += $4} END {print n * 4}')" -eq \
		"$(smaps "$pid" Anonymous)" ]
}

@test "a part of a huge page" {
	victim thp -m 2 --kind thp
	range=$((${range%,*} + 100))+200
	[ "$(orders -p "$pid" -a "$range")" = "anon 9 1 200 200 0 200" ]
	[ "$(page-types --order --json -p "$pid" -a "$range" | jq -c .cont_pages)" = \
		"[200,200,200,192,176,160,128,128,0,0]" ]
	[ "$(counted "$pid" "$range")" = "anon 9 1 200 200 0 200" ]
}

@test "the mappings" {
	victim thp -m 4 --kind thp
	eventually has_state "$pid" S
	page-types --order -l -N -p "$pid" > "$BATS_TEST_TMPDIR/list"
	cat "$BATS_TEST_TMPDIR/list"
	grep -qE "^${address#0x}-[0-9a-f]+ +rw-p +[0-9]+ +1024 +1024 +100 +[0-9]+  9:1024 " "$BATS_TEST_TMPDIR/list"
	grep -qE ' r-xp .* /.*usemem$' "$BATS_TEST_TMPDIR/list"
	# Rss of each, which the data of the vdso is no part of.
	diff -u <(awk '/^[0-9a-f]+-[0-9a-f]+ / {name = $1} $1 == "Rss:" && $2 > 0 {print name, $2 / 4}' \
			"/proc/$pid/smaps") \
		<(awk 'NR > 1 && !/\[vvar/ {print $1, $4}' "$BATS_TEST_TMPDIR/list")
}

@test "the machine, from a copy: as many as its list has" {
	local copy=$BATS_TEST_TMPDIR/copy

	echo 4 > $HUGEPAGES
	victim thp -m 4 --kind thp
	cat /proc/kpageflags > "$copy"
	[ "$(orders -F "$copy" | awk '$1 == "hugetlb" {print $2, $3, $4}')" = "9 4 2048" ]
	orders -F "$copy" | awk '$1 == "anon" && $2 == 9 {exit !($3 >= 2)}'
	diff -u <(page-types -F "$copy" -N -r -L -b compound_head,compound_tail | awk '
			function end() { if (size) n[size]++ }
			NR > 1 && substr($2, 16, 1) == "H" { end(); size = 0 }
			NR > 1 { size++ }
			END { end(); for (size in n) print size, n[size] }' | sort -n) \
		<(orders -F "$copy" | awk '$2 {n[2 ^ $2] += $3} END {for (size in n) print size, n[size]}' |
			sort -n)
	# Live, and by threads.
	[ "$(orders | awk '$1 == "hugetlb" {print $2, $3, $4}')" = "9 4 2048" ]
	[ "$(orders -j 7 -F "$copy")" = "$(orders -j 1 -F "$copy")" ]
}

@test "a cgroup: all pages of its folios" {
	mkdir $CGROUP ${CGROUP}2
	start_victim cgroup sh -c 'echo $$ > '$CGROUP'/cgroup.procs; exec usemem -m 4 --kind thp'
	[ "$(orders -c $CGROUP | awk '$1 == "anon" && $2 == 9 {print $3, $4}')" = "2 1024" ]
	[ "$(orders -p "$pid" -a "$range" -c $CGROUP)" = "anon 9 2 1024 1024 1024 0" ]
	[ "$(orders -p "$pid" -a "$range" -c ${CGROUP}2)" = "" ]
}

@test "folios of 64 kB" {
	[ -d "$THP/hugepages-64kB" ] || skip "this kernel has no folios of several sizes (before 6.8)"
	enable 64kB always
	enable 2048kB never
	start_victim perl perl -e '
		my $memory = "x" x (8 << 20);
		open(my $maps, "<", "/proc/self/maps");
		my $at = unpack("J", pack("p", $memory));
		while (<$maps>) {
			my ($start, $end) = /^([0-9a-f]+)-([0-9a-f]+) /;
			next if $at < hex $start || $at >= hex $end;
			printf("memory at 0x%s-0x%s\nready\n", $start, $end);
		}
		$| = 1;
		print "";
		sleep 1000;'
	orders -p "$pid" -a "$range"
	diff -u <(counted "$pid" "$range") \
		<(orders -p "$pid" -a "$range" | grep -v '^[a-z]* 0 ' | sort)
	# All of 8 MB but for what is around it.
	orders -p "$pid" -a "$range" | awk '$1 == "anon" && $2 == 4 {n = $6} END {exit !(n >= 1984)}'
	page-types --order --json -p "$pid" -a "$range" |
		jq -se 'map(select(.order == 4)) | .[0].cont_pages[4] == .[0].whole_pages' > /dev/null
}
