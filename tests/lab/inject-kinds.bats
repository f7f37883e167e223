#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject on pages of every kind that the lab can make: what the kernel does with
# each, what the tasks are told, what the forecast said, and how it is undone.
#
# Here are those that can be undone; inject-kernel-pages.bats has the others. The lab
# can't make: persistent memory (DAX), which its machine has not; 1 GB hugetlb pages,
# which need a processor and a command line of their own; the vdso, without which no
# further program runs; a page on a per-CPU list of free pages, which no flag shows.
#
# Victims cost their time. So all of them are started, poisoned, touched and unpoisoned
# together, in setup_file, and the tests look at what was written down then.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # bats runs each test in a subshell; run sets stderr

bats_require_minimum_version 1.5.0

load helper

KSM=/sys/kernel/mm/ksm/run
SHMEM=/sys/kernel/mm/transparent_hugepage/shmem_enabled
WRITEBACK=/proc/sys/vm/dirty_writeback_centisecs
HUGEPAGES=/proc/sys/vm/nr_hugepages
NAMED=/dev/shm/inject-kinds
NAMED_HUGE=/dev/hugepages/inject-kinds

# --------------------------------------------------------------- all of them at once

# start NAME PAGE COMMAND…: a victim, of which that page will be poisoned.
start() {
	local name=$1 page=$2

	shift 2
	"$@" > "$RUN/$name.out" 2>&1 3>&- &
	echo "$name $page $!" >> "$RUN/started"
}

start_usemem() {
	start "$1" "$2" usemem -m 2 --policy early --handler --no-pfns --kind "${@:3}"
}

start_special() {
	start "$1" "$2" "$SPECIAL_PAGES" "${@:3}"
}

start_victims() {
	start_usemem ksm 0 ksm
	start_usemem anon 3 anon
	start_usemem mlock 3 mlock
	start_special fork 0 fork
	start_special pinned-anon 0 pinned-anon
	start_usemem thp-head 0 thp
	start_usemem thp-tail 7 thp
	start_special thp-pinned 7 pinned-thp
	start_usemem hugetlb-head 0 hugetlb
	start_usemem hugetlb-tail 7 hugetlb
	start_special hugetlb-shared 7 hugetlb-shared
	start_special hugetlb-memfd 7 hugetlb-memfd
	start_special hugetlb-file 7 hugetlb-file $NAMED_HUGE
	start_usemem shm 3 shm
	start_usemem memfd 3 memfd
	start_usemem tmpfs 3 tmpfs --path $NAMED
	start_special tmpfs-read 0 shm-read
	start_special tmpfs-thp-head 0 thp-shm
	start_special tmpfs-thp-tail 7 thp-shm
	start_usemem file-clean 3 file-clean --path "$DISK"
	start_usemem file-dirty 3 file-dirty --path "$DISK"
	start_special swap-clean 0 swapcache-clean
	start_special swap-written 0 swapcache-written
	start_special swap-dirty 0 swapcache-dirty
	start_special driver 0 packet-ring
	start_special zero 0 zero
}

have_said() {
	[ "$(cat "$RUN"/*.out | grep -c -- "$1")" = "$(grep -c . "$RUN/started")" ]
}

# said WORD: waits until each victim has printed it.
said() {
	! eventually have_said "$1" || return 0
	grep -L -- "$1" "$RUN"/*.out
	tail -n 3 "$RUN"/*.out
	return 1
}

# Writes down where each page is: "victims" with a line each, NAME PAGE PID START
# ADDRESS, and the same by PID in victims.json.
find_victims() {
	local name page pid line address

	while read -r name page pid; do
		read -r line < "$RUN/$name.out"
		[[ $line =~ \ at\ (0x[0-9a-f]+)- ]]
		printf -v address 0x%x $((BASH_REMATCH[1] + page * 4096))
		echo "$name $page $pid ${BASH_REMATCH[1]} $address"
	done < "$RUN/started" > "$RUN/victims"
	awk '{
		printf "%s\"%s\": {\"name\": \"%s\", \"page\": %s, \"address\": \"%s\"}",
			NR == 1 ? "{" : ",", $3, $1, $2, $5
	} END { print "}" }' "$RUN/victims" > "$RUN/victims.json"
}

# of FILE PROGRAM: jq on records; me is the victim that a record is of.
of() {
	# shellcheck disable=SC2016 # $… are jq's variables
	jq -r --slurpfile victims "$RUN/victims.json" --slurpfile told "$RUN/told.json" \
		--slurpfile forecasts "$RUN/forecast.json" '
		def me: $victims[0][.pid // 0 | tostring] // {};
		def is_mine: .address == me.address;
		'"$2" "$RUN/$1"
}

# The signals that each victim got, by its own words: {"anon": {"AO": {"address":
# "0x…", "lsb": 12}, …}}. Those of the child of fork are its own.
write_told() {
	awk '
		FNR == NR { pid[$1] = $3; next }
		FNR == 1 { name = FILENAME; sub(".*/", "", name); sub(".out$", "", name) }
		/ SIGBUS / && $9 == pid[name] && !seen[name, $3]++ {
			sub("BUS_MCEERR_", "", $3)
			told[name] = told[name] sprintf(", \"%s\": {\"address\": \"%s\", \"lsb\": %s}", $3, $5, $7)
		}
		END {
			for (name in pid)
				printf "%s\"%s\": {%s}", n++ ? "," : "{", name, substr(told[name], 3)
			print "}"
		}' "$RUN/victims" "$RUN"/*.out > "$RUN/told.json"
}

signal_victims() {
	# shellcheck disable=SC2046 # a list of numbers
	kill "$1" $(cut -d ' ' -f 3 "$RUN/started")
}

# Once: their numbers may be another's later.
end_victims() {
	[ -e "$RUN/started" ] || return 0
	signal_victims -KILL 2> /dev/null || true
	wait
	rm "$RUN/started"
}

# column N [NAME…]: of the victims with these names, or of all, as a list.
column() {
	awk -v n="$1" -v names=" ${*:2} " 'names == "  " || index(names, " " $1 " ") { print $n }' \
		"$RUN/victims" | paste -sd ,
}

# inject NAME OPTION…: what it prints goes to NAME.json, its exit status to NAME.rc.
inject() {
	local name=$1 rc=0

	shift
	hwpoison-inject --json "$@" > "$RUN/$name.json" 2> "$RUN/$name.err" || rc=$?
	echo $rc > "$RUN/$name.rc"
}

poison_all() {
	local pfns pids next

	echo '{}' > "$RUN/told.json"
	inject forecast --dry-run -p "$(column 3)" --vaddr "$(column 5)"
	# An address of one may be in use in another: from here on by number.
	pfns=$(of forecast.json 'select(is_mine and .objection == null) | .pfn' | paste -sd ,)
	pids=$(of forecast.json 'select(is_mine and .objection == null) | .pid' | paste -sd ,)
	inject poison -p "$pids" --pfn "$pfns"
	inject refused -p "$(column 3 driver zero)" --vaddr "$(column 5 driver zero)"
	inject driver -p "$(column 3 driver)" --vaddr "$(column 5 driver)" --force
	cat "$RUN/poison.json" "$RUN/driver.json" > "$RUN/pages.json"
	inject list --list
	# Another part of a hugetlb page that was hit.
	next=$(of poison.json 'select(.record == "page" and me.name == "hugetlb-file").pfn + 2')
	inject again --pfn "$next"
}

undo_all() {
	inject undo-alive --unpoison "$(of pages.json 'select(.record == "page").pfn' | paste -sd ,)"
	end_victims
	inject undo-dead --unpoison-all
	rm $NAMED $NAMED_HUGE
	inject undo-removed --unpoison-all
}

# In a file whose pages can't be swapped out themselves, which those of tmpfs can.
make_swap() {
	mkdir "$RUN/ram"
	mount -t ramfs none "$RUN/ram"
	truncate -s 32M "$RUN/ram/swap"
	chmod 600 "$RUN/ram/swap"
	mkswap "$RUN/ram/swap" > /dev/null
	losetup -f --show "$RUN/ram/swap" > "$RUN/swap-device"
	swapon "$(< "$RUN/swap-device")"
}

remove_swap() {
	[ -e "$RUN/swap-device" ] || return 0
	swapoff "$(< "$RUN/swap-device")" || true
	losetup -d "$(< "$RUN/swap-device")"
	umount "$RUN/ram"
	rmdir "$RUN/ram"
	rm "$RUN/swap-device"
}

remember() {
	local file

	for file in $KSM $WRITEBACK $HUGEPAGES; do
		echo "$(< "$file") $file"
	done > "$RUN/settings"
	sed 's/.*\[\(.*\)\].*/\1 '"${SHMEM//\//\\/}"'/' $SHMEM >> "$RUN/settings"
}

put_back() {
	local value file

	while read -r value file; do
		echo "$value" > "$file"
	done < "$RUN/settings"
}

setup_file() {
	export RUN=$BATS_FILE_TMPDIR/run
	mkdir "$RUN"
	make_disk
	modprobe af_packet
	remember
	make_swap
	echo 1 > $KSM
	echo advise > $SHMEM
	# What is dirty is to stay so.
	echo 0 > $WRITEBACK
	corrupted > "$RUN/corrupted"

	start_victims
	said ready
	find_victims
	poison_all
	signal_victims -USR1
	said touched
	write_told
	undo_all
	remove_swap
	corrupted >> "$RUN/corrupted"
	# Not before: bats takes it for done where the shell gives up on it.
	touch "$RUN/complete"
}

teardown_file() {
	end_victims
	rm -f $NAMED $NAMED_HUGE
	hwpoison-inject --unpoison-all || true
	remove_swap
	put_back
	remove_disk
	# Files on a tmpfs stay charged to who wrote them.
	rm -rf "$RUN"
}

setup() {
	[ -e "$RUN/complete" ]
	pids=()
	before=$(corrupted)
	old=$(is_old)
}

teardown() {
	kill_victims
	(($(corrupted) == before)) || unpoison_all
	remove_files
}

# table: lines of stdin with one space between columns, in order.
table() {
	tr -s '\t ' ' ' | sed 's/^ //; s/ $//; /^$/d' | sort
}

# ------------------------------------------------------------------- the big table

@test "each kind of page ends as this kernel ends it" {
	local ksm thp driver

	if [ "$old" = yes ]; then
		ksm="ksm flagged-only 16 present unmapping failed page: Ignored"
		thp="flagged-only 16 present unsplit thp: Ignored"
		driver="unknown page: Ignored"
	else
		# This kernel calls every anonymous page one of KSM.
		ksm="anon poisoned - poisoned dirty LRU page: Recovered"
		thp="flagged-only 133 present unsplit thp: Failed"
		driver="get hwpoison page: Ignored"
	fi
	of pages.json 'select(.record == "page") | "\(me.name) \(.kind) \(.outcome) \(.errno // "-")
		\(.owner_entry // "-") \(.type // "-"): \(.result // "-")" | gsub("\\s+"; " ")' |
		table > "$BATS_TEST_TMPDIR/got"
	table > "$BATS_TEST_TMPDIR/wanted" <<- TABLE
		anon           anon      poisoned - poisoned dirty LRU page: Recovered
		mlock          anon      poisoned - poisoned dirty LRU page: Recovered
		fork           anon      poisoned - poisoned dirty LRU page: Recovered
		pinned-anon    anon      poisoned - poisoned dirty LRU page: Recovered
		thp-head       thp       poisoned - poisoned dirty LRU page: Recovered
		thp-tail       thp       poisoned - poisoned dirty LRU page: Recovered
		thp-pinned     thp       $thp
		hugetlb-head   hugetlb   poisoned - unmapped huge page: Recovered
		hugetlb-tail   hugetlb   poisoned - unmapped huge page: Recovered
		hugetlb-shared hugetlb   poisoned - unmapped huge page: Recovered
		hugetlb-memfd  hugetlb   poisoned - unmapped huge page: Recovered
		hugetlb-file   hugetlb   poisoned - unmapped huge page: Recovered
		shm            shm       poisoned - poisoned dirty LRU page: Recovered
		memfd          shm       poisoned - poisoned dirty LRU page: Recovered
		tmpfs          shm       poisoned - poisoned dirty LRU page: Recovered
		tmpfs-read     shm       poisoned - poisoned clean LRU page: Recovered
		tmpfs-thp-head shm       poisoned - unmapped dirty LRU page: Recovered
		tmpfs-thp-tail shm       poisoned - unmapped dirty LRU page: Recovered
		file-clean     file      poisoned - unmapped clean LRU page: Recovered
		file-dirty     file      poisoned - poisoned dirty LRU page: Recovered
		ksm            $ksm
		swap-clean     swapcache poisoned - unmapped clean swapcache page: Recovered
		swap-written   swapcache delayed  - unmapped dirty swapcache page: Delayed
		swap-dirty     swapcache delayed  - unmapped dirty swapcache page: Delayed
		driver         driver    flagged-only 16 present $driver
	TABLE
	diff -u "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/got"
}

@test "whatever the answer was, the page is marked, and the counters say the same" {
	local pages marked

	pages=$(of pages.json 'select(.record == "page").pfn' | wc -l)
	marked=$(of pages.json 'select(.record == "page" and .hwp_before == false and .hwp_after).pfn' | wc -l)
	((pages == 25 && marked == pages))
	of poison.json 'select(.record == "totals") |
		.hardware_corrupted_after - .hardware_corrupted_before == 4 * .pages and
		.pages == .pages_lost and .pages == 24 and .events_lost == 0' | grep -x true
	# An outcome that was not asked for.
	[ "$(< "$RUN/poison.rc")" = 5 ]
	if [ "$old" = yes ]; then
		of poison.json 'select(.record == "totals").nodes' | grep -x null
	else
		# The pinned one failed; those in the swap cache are delayed.
		of poison.json 'select(.record == "totals").nodes[0] |
			[.after.total - .before.total, .after.recovered - .before.recovered,
			.after.delayed - .before.delayed, .after.failed - .before.failed,
			.after.ignored - .before.ignored] | join(" ")' | grep -x '24 21 2 1 0'
	fi
}

# ---------------------------------------------------------------------- the tasks

# By the words of the victims themselves: at once, the size and where (the page itself or
# the head of it); when they touch it, the size; and then the state that the tool told.
@test "early killers of each kind are told what this kernel tells, and later accesses end as they end" {
	local hugetlb ksm thp

	if [ "$old" = yes ]; then
		hugetlb="AO 21 head" thp="-" ksm="- ok unharmed"
	else
		hugetlb="AO 21 page" thp="AO 21 page" ksm="AO 12 some AR 12 survived"
	fi
	# shellcheck disable=SC2016 # $… are jq's variables
	of pages.json 'select(.record == "task") | me as $me | select($me.name) | .state as $state |
		$told[0][$me.name] |
		def where: if $me.name == "ksm" then "some" elif .address == $me.address then "page" else "head" end;
		"\($me.name) \(if .AO then "AO \(.AO.lsb) \(.AO | where)" else "-" end)
		\(if .AR then "AR \(.AR.lsb)" else "ok" end) \($state)" | gsub("\\s+"; " ")' |
		table > "$BATS_TEST_TMPDIR/got"
	table > "$BATS_TEST_TMPDIR/wanted" <<- TABLE
		anon           AO 12 page AR 12 survived
		mlock          AO 12 page AR 12 survived
		fork           AO 12 page AR 12 survived
		pinned-anon    AO 12 page AR 12 survived
		thp-head       AO 12 page AR 12 survived
		thp-tail       AO 12 page AR 12 survived
		thp-pinned     $thp       ok    $([ "$old" = yes ] && echo unharmed || echo survived)
		hugetlb-head   AO 21 page AR 21 survived
		hugetlb-tail   $hugetlb   AR 21 survived
		hugetlb-shared $hugetlb   AR 21 survived
		hugetlb-memfd  $hugetlb   AR 21 survived
		hugetlb-file   $hugetlb   AR 21 survived
		shm            AO 12 page AR 12 survived
		memfd          AO 12 page AR 12 survived
		tmpfs          AO 12 page AR 12 survived
		tmpfs-read     -          AR 12 untouched
		tmpfs-thp-head -          AR 12 untouched
		tmpfs-thp-tail -          AR 12 untouched
		file-clean     -          ok    unharmed
		file-dirty     AO 12 page AR 12 survived
		ksm            $ksm
		swap-clean     -          ok    unharmed
		swap-written   AO 12 page AR 12 survived
		swap-dirty     AO 12 page AR 12 survived
		driver         -          ok    unharmed
	TABLE
	diff -u "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/got"
}

@test "the address and the size that the tool tells of a signal are those that the task was told" {
	of poison.json 'select(.record == "task" and .code == "BUS_MCEERR_AO" and me.name) |
		"\(me.name) \(.address) \(.lsb) \(.sent) \(.action)"' | table > "$BATS_TEST_TMPDIR/tool"
	jq -r 'to_entries[] | select(.value.AO) |
		"\(.key) \(.value.AO.address) \(.value.AO.lsb) 1 handler"' "$RUN/told.json" |
		# Of a merged page that is there many times, nobody else knows the address.
		sed 's/^ksm .* 1 /ksm null null 1 /' | table > "$BATS_TEST_TMPDIR/task"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/task")" -ge 17 ]
	diff -u "$BATS_TEST_TMPDIR/task" "$BATS_TEST_TMPDIR/tool"
}

@test "a page that two processes share by a fork is told to both" {
	of poison.json 'select(.record == "page" and me.name == "fork").owners' | grep -x 2
	[ "$(grep -c 'SIGBUS BUS_MCEERR_AO' "$RUN/fork.out")" = 2 ]
	# The child was not chosen, and has a line of its own.
	of poison.json 'select(.record == "task" and me.name == null) |
		"\(.comm) \(.code) \(.state)"' | grep -x 'special-pages BUS_MCEERR_AO survived'
}

# ------------------------------------------------------------------- the forecast

@test "the forecast of each kind comes true, but for what no flag shows" {
	# shellcheck disable=SC2016 # $… are jq's variables
	of pages.json 'select(.record == "page") | me.name as $name | $told[0][$name] as $told |
		([$forecasts[] | select(is_mine and me.name == $name)][0].forecast) as $f |
		if $f.type and $f.type != .type then "\($name) type \($f.type), then \(.type)" else empty end,
		if $f.result != .result then "\($name) result \($f.result), then \(.result)" else empty end,
		if ($f.at_once != null) != ($told.AO != null) then "\($name) at_once" else empty end,
		if ($f.on_access != null) != ($told.AR != null) then "\($name) on_access" else empty end' |
		table > "$BATS_TEST_TMPDIR/got"
	{
		# A reference that keeps it from being split.
		echo "thp-pinned type dirty LRU page, then unsplit thp"
		echo "thp-pinned on_access"
		if [ "$old" = yes ]; then
			echo "thp-pinned at_once"
			echo "thp-pinned result Recovered, then Ignored"
		else
			echo "thp-pinned result Recovered, then Failed"
		fi
		# That it was written to, only the page table knows; the risk says so.
		echo "swap-written type clean swapcache page, then dirty swapcache page"
		echo "swap-written result Recovered, then Delayed"
		echo "swap-written at_once"
		echo "swap-written on_access"
	} | table > "$BATS_TEST_TMPDIR/wanted"
	diff -u "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/got"
	[ "$(of forecast.json 'select(is_mine).pfn' | wc -l)" = 26 ]
	of forecast.json 'select(me.name == "swap-written").forecast.risk' | grep 'written to since'
}

@test "a forecast touches nothing" {
	of poison.json 'select(.record == "page" and .hwp_before)' > "$BATS_TEST_TMPDIR/poisoned"
	[ ! -s "$BATS_TEST_TMPDIR/poisoned" ]
	[ "$(of poison.json 'select(.record == "totals").hardware_corrupted_before')" = "$(head -n 1 "$RUN/corrupted")" ]
}

# --------------------------------------------------------------------- left alone

@test "the zero page and a driver's buffer in a process are left alone without --force" {
	of refused.json 'select(.record == "page" and is_mine) |
		"\(me.name) \(.outcome) \(.errno) \(.hwp_after) \(.error)"' | sort > "$BATS_TEST_TMPDIR/got"
	diff -u - "$BATS_TEST_TMPDIR/got" <<- TABLE
		driver refused null false it is a driver's buffer
		zero refused null false it is the zero page, which everybody has
	TABLE
	of forecast.json 'select(is_mine and .objection) | "\(me.name) \(.kind) \(.forecast.result)"' |
		sort | diff -u - <(printf '%s\n' "driver driver Ignored" "zero zero Ignored")
	of refused.json 'select(.record == "totals") |
		.hardware_corrupted_after == .hardware_corrupted_before and .pages_lost == 0' | grep -x true
}

@test "another part of a poisoned hugetlb page is poisoned already" {
	of again.json 'select(.record == "page") | "\(.kind) \(.outcome) \(.errno)"' | grep -x 'hugetlb already null'
	of again.json 'select(.record == "totals") |
		.hardware_corrupted_after == .hardware_corrupted_before' | grep -x true
}

# ----------------------------------------------------------------------- the undo

# undone FILE: "NAME OUTCOME WHY" of each page; hugetlb pages go by their heads.
undone() {
	# shellcheck disable=SC2016 # $… are jq's variables
	jq -r --slurpfile victims "$RUN/victims.json" --slurpfile pages "$RUN/pages.json" '
		([$pages[] | select(.record == "page") | . as $page | $victims[0][.pid | tostring] |
			{key: ($page.pfn | tostring), value: .name},
			(select($page.kind == "hugetlb") | {key: ($page.pfn - .page | tostring), value: .name})]
			| from_entries) as $names |
		"\($names[.pfn | tostring]) \(.outcome) \(.error // "-")"' "$RUN/$1.json" | table
}

@test "while the victim lives: unpoisoned, or the reason why not" {
	local file="still-poisoned it is still part of a file on tmpfs, or of shared memory: remove or truncate that first"
	local huge="still-poisoned it is still part of a hugetlbfs file: remove or truncate that first"
	local mapped="still-poisoned it is still mapped by a process: end that first"
	local used="still-poisoned it is still in use: mapped, part of a file, or held by the kernel"

	undone undo-alive > "$BATS_TEST_TMPDIR/got"
	table > "$BATS_TEST_TMPDIR/wanted" <<- TABLE
		anon           unpoisoned -
		mlock          unpoisoned -
		fork           unpoisoned -
		pinned-anon    $used
		thp-head       unpoisoned -
		thp-tail       unpoisoned -
		thp-pinned     $mapped
		hugetlb-head   unpoisoned -
		hugetlb-tail   unpoisoned -
		hugetlb-shared $huge
		hugetlb-memfd  $huge
		hugetlb-file   $huge
		shm            $file
		memfd          $file
		tmpfs          $file
		tmpfs-read     $file
		tmpfs-thp-head $file
		tmpfs-thp-tail $file
		file-clean     unpoisoned -
		file-dirty     unpoisoned -
		ksm            $([ "$old" = yes ] && echo "$mapped" || echo "unpoisoned -")
		swap-clean     unpoisoned -
		swap-written   $used
		swap-dirty     $used
		driver         $mapped
	TABLE
	diff -u "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/got"
	[ "$(< "$RUN/undo-alive.rc")" = 5 ]
	# All of these are EBUSY.
	jq -r 'select(.outcome == "still-poisoned").errno' "$RUN/undo-alive.json" | sort -u | grep -x 16
}

@test "when the victims are gone, only what has a file stays; when the file is gone, nothing does" {
	local file="still-poisoned it is still part of a file on tmpfs, or of shared memory: remove or truncate that first"
	local huge="still-poisoned it is still part of a hugetlbfs file: remove or truncate that first"

	undone undo-dead > "$BATS_TEST_TMPDIR/got"
	table > "$BATS_TEST_TMPDIR/wanted" <<- TABLE
		pinned-anon    unpoisoned -
		thp-pinned     unpoisoned -
		hugetlb-shared unpoisoned -
		hugetlb-memfd  unpoisoned -
		hugetlb-file   $huge
		shm            unpoisoned -
		memfd          unpoisoned -
		tmpfs          $file
		tmpfs-read     unpoisoned -
		tmpfs-thp-head unpoisoned -
		tmpfs-thp-tail unpoisoned -
		$([ "$old" = no ] || echo "ksm unpoisoned -")
		swap-written   unpoisoned -
		swap-dirty     unpoisoned -
		driver         unpoisoned -
	TABLE
	diff -u "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/got"
	[ "$(< "$RUN/undo-dead.rc")" = 5 ]

	undone undo-removed | diff -u <(printf '%s\n' "hugetlb-file unpoisoned -" "tmpfs unpoisoned -") -
	[ "$(< "$RUN/undo-removed.rc")" = 0 ]
	[ "$(head -n 1 "$RUN/corrupted")" = "$(tail -n 1 "$RUN/corrupted")" ]
}

@test "unpoisoning mends no page table: who touches the place dies all the same" {
	local pfn

	victim late -m 2
	run hwpoison-inject --json -p "$pid" --vaddr "$address" --wait 0
	((status == 0))
	pfn=$(jq 'select(.record == "page").pfn' <<< "$output")
	hwpoison-inject --unpoison "$pfn"
	(($(corrupted) == before))
	kill -USR1 "$pid"
	gone "$pid"
	run wait "$pid"
	# Of SIGBUS.
	((status == 135))
}

# --------------------------------------------------------------------- the records

@test "every page stands in the ledger, with its process and address" {
	of list.json '"\(.pid) \(.address) \(.method) \(.tool)"' | sort > "$BATS_TEST_TMPDIR/list"
	awk '$1 != "zero" { print $3, $5, "debugfs hwpoison-inject" }' "$RUN/victims" | sort |
		diff -u - "$BATS_TEST_TMPDIR/list"
}

@test "all records are as they are described" {
	cat "$RUN"/{forecast,poison,refused,driver,list,again,undo-*}.json > "$BATS_TEST_TMPDIR/all"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/all")" -gt 100 ]
	"$BATS_TEST_DIRNAME"/../check-json < "$BATS_TEST_TMPDIR/all"
	cat "$RUN"/*.err
	[ -z "$(cat "$RUN"/{forecast,poison,driver,list,again,undo-*}.err)" ]
}

# -------------------------------------------------------------- pages without a process

# both TARGET…: the forecast, then the injection; sets forecast and page, their records.
both() {
	run hwpoison-inject --json --dry-run "$@"
	echo "$output"
	forecast=$output
	run hwpoison-inject --json "$@"
	echo "$output"
	page=$(grep '"record":"page"' <<< "$output")
}

@test "cached pages of files that nobody has mapped: nobody is told, and what was written is lost" {
	local dir=$DISK/unmapped forecast page pfns

	mkdir "$dir"
	head -c 65536 /dev/urandom > "$dir/clean"
	head -c 65536 /dev/urandom > "$dir/dirty"
	sync "$dir"/*
	cp "$dir"/* "$BATS_TEST_TMPDIR"
	tr '\0' x < /dev/zero | head -c 65536 | dd of="$dir/dirty" bs=64K conv=notrunc iflag=fullblock 2> /dev/null

	both -f "$dir" -a 2
	((status == 0))
	jq -r '"\(.name) \(.forecast.type) \(.forecast.at_once)"' <<< "$forecast" | sort |
		diff -u - <(printf '%s\n' "$dir/clean clean LRU page null" "$dir/dirty dirty LRU page null")
	jq -r '"\(.name) \(.address) \(.outcome) \(.type) \(.result) \(.pid) \(.owners)"' <<< "$page" | sort |
		diff -u - <(printf '%s\n' "$dir/clean 0x2000 poisoned clean LRU page Recovered null 0" \
			"$dir/dirty 0x2000 poisoned dirty LRU page Recovered null 0")

	cmp "$dir/clean" "$BATS_TEST_TMPDIR/clean"
	# Once, and then it is as if it had never been written.
	run sync "$dir/dirty"
	((status == 1))
	[[ $output == *"Input/output error"* ]]
	sync "$dir/dirty"
	cmp <(dd if="$dir/dirty" bs=4096 skip=2 count=1 status=none) \
		<(dd if="$BATS_TEST_TMPDIR/dirty" bs=4096 skip=2 count=1 status=none)
	run cmp "$dir/dirty" "$BATS_TEST_TMPDIR/dirty"
	[[ $output == *"differ: byte 1, line 1"* ]]

	hwpoison-inject --unpoison "$(jq .pfn <<< "$page" | paste -sd ,)"
	(($(corrupted) == before))
	rm -r "$dir"
}

@test "a page of tmpfs that nobody has mapped: read(2) fails until it has left the file" {
	local forecast page pfn

	head -c 65536 /dev/urandom > $NAMED
	both -f $NAMED -a 2
	((status == 0))
	jq -e '.kind == "shm" and .forecast.type == "dirty LRU page" and .forecast.at_once == null' <<< "$forecast"
	jq -e '.outcome == "poisoned" and .type == "dirty LRU page" and .result == "Recovered"' <<< "$page"
	pfn=$(jq .pfn <<< "$page")
	run cat $NAMED
	((status == 1))
	run hwpoison-inject --json --unpoison "$pfn"
	((status == 5))
	[[ $output == *"part of a file on tmpfs"* ]]
	fallocate -p -o 8192 -l 4096 $NAMED
	hwpoison-inject --unpoison "$pfn"
	(($(corrupted) == before))
	cat $NAMED > /dev/null
	rm $NAMED
}

@test "a dirty page of the swap cache that nobody has mapped: who touches it is told of" {
	local pfn other swapper run rc=0

	make_swap
	special swap swapcache-unmapped
	swapper=$pid
	pfn=$(hwpoison-inject --json --list-targets -b swapcache,~mmap,dirty | jq .pfn)
	[[ $pfn =~ ^[0-9]+$ ]]
	# As long as this one has touched nothing, tasks are waited for.
	victim other -m 1 --policy late
	other=$(hwpoison-inject --json --list-targets -p "$pid" --vaddr "$address" | jq .pfn)
	hwpoison-inject --json --wait 100 --pfn "$pfn,$other" > "$BATS_TEST_TMPDIR/report" 3>&- &
	run=$!
	eventually is_marked "$other"
	kill -USR1 "$swapper"
	eventually grep -q 'touched, 1 lost' "$BATS_TEST_TMPDIR/swap.out"
	kill -TERM "$run"
	wait "$run" || rc=$?
	cat "$BATS_TEST_TMPDIR/report"
	((rc == 143))
	jq -es --argjson swapper "$swapper" --argjson other "$pid" '
		map(select(.record == "page") | .kind) == ["swapcache", "anon"] and
		(map(select(.record == "task")) | length == 2 and
			any(.[]; .pid == $swapper and .code == "BUS_MCEERR_AR" and .state == "survived") and
			any(.[]; .pid == $other and .code == null and .state == "untouched"))' \
		"$BATS_TEST_TMPDIR/report" > /dev/null
	kill_victims
	hwpoison-inject --unpoison-all || true
	remove_swap
}

@test "a free page" {
	local forecast page

	for _ in 1 2 3; do
		both -b buddy --count 1
		# The kernel may have taken it in between.
		[[ $output == *'"outcome":"moved"'* ]] || break
	done
	((status == 0))
	jq -e '.kind == "free" and .forecast.type == "free buddy page" and .forecast.at_once == null and
		.forecast.on_access == null and .objection == null' <<< "$forecast"
	jq -e '.kind == "free" and .outcome == "poisoned" and .type == "free buddy page" and
		.result == "Recovered" and .errno == null and .pid == null and .owner_entry == null' <<< "$page"
	hwpoison-inject --unpoison "$(jq .pfn <<< "$page")"
	(($(corrupted) == before))
}

@test "a free hugetlb page, by its head and by a tail: it leaves the pool" {
	local forecast page bits huge=/proc/sys/vm/nr_hugepages was

	was=$(< $huge)
	# Pages that were never used: of others nobody can say that they are free.
	echo 0 > $huge
	echo "$was" > $huge
	for bits in compound_head compound_tail; do
		both -b huge,$bits=huge,$bits --count 1
		((status == 0))
		jq -e '.kind == "hugetlb" and .forecast.type == "free huge page" and
			.forecast.result == "Recovered" and .forecast.at_once == null and
			.forecast.on_access == null' <<< "$forecast"
		jq -e '.kind == "hugetlb" and .outcome == "poisoned" and .type == "free huge page" and
			.result == "Recovered"' <<< "$page"
		# Only the one that was hit is left of it.
		hwpoison-inject --unpoison "$(jq .pfn <<< "$page")"
	done
	(($(< $huge) == was - 2))
	echo "$was" > $huge
	(($(corrupted) == before))
}

@test "a page in a memory block that is offline, and one beyond the end of memory" {
	local sys=/sys/devices/system/memory block pfn forecast page

	for block in 7 6 5 4 3 2 1; do
		! echo offline 2> /dev/null > "$sys/memory$block/state" || break
	done
	[ "$(< "$sys/memory$block/state")" = offline ] || skip "no block of memory can be taken offline"
	pfn=$((block * 0x$(< $sys/block_size_bytes) / 4096 + 5))
	run -6 hwpoison-inject --pfn $pfn
	both --pfn $pfn --force
	echo online > "$sys/memory$block/state"
	((status == 5))
	jq -e '.kind == "offline" and .forecast.result == null and .objection' <<< "$forecast"
	jq -e '.kind == "offline" and .outcome == "failed" and .errno == 6 and (.hwp_after | not)' <<< "$page"

	run --separate-stderr -1 hwpoison-inject --pfn 0x80000000
	[[ $stderr == *"ends before it"* ]]
	(($(corrupted) == before))
}
