#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject and the kernel's filter, as root in the lab: what each condition lets
# through, that two runs never judge by the same filter, and that it is put back, whatever
# ends the run.

# Bats runs each test in a subshell, helpers set variables, and jq has some of its own.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

bats_require_minimum_version 1.5.0

load helper
load inject

CGROUP=/sys/fs/cgroup/inject-filters
FILES=(enable dev-major dev-minor flags-mask flags-value memcg)
ANY="0 4294967295 4294967295 0 0 0"
# What somebody has set before: on, and let through is whatever is uptodate.
SOMEBODY="1 4294967295 4294967295 8 8 0"
NOTE=$RUN_DIRECTORY/filter
PAGES=64

setup_file() {
	local name

	make_disk
	mkdir "$CGROUP"
	for name in inside outside; do
		dd if=/dev/urandom of="$DISK/$name" bs=4096 count=$PAGES conv=fsync 2> /dev/null
	done
}

teardown_file() {
	rmdir "$CGROUP"
	remove_disk
}

setup() {
	pids=()
	old=$(is_old)
	read_corrupted
	before=$corrupt
}

teardown() {
	local i

	kill_victims
	[ -d "$HWPOISON" ] || modprobe hwpoison-inject
	set_filter "$ANY"
	rm -f "$NOTE"
	unpoison_all
	for i in "$CGROUP"/*/; do
		[ ! -d "$i" ] || rmdir "$i"
	done
	[ ! -w $CGROUP/cgroup.subtree_control ] || echo -memory > $CGROUP/cgroup.subtree_control
	remove_files
}

# set_filter "ENABLE MAJOR MINOR MASK VALUE MEMCG"
set_filter() {
	local -a values
	local i

	read -r -a values <<< "$1"
	for i in 1 2 3 4 5 0; do
		echo "${values[i]}" > "$HWPOISON/corrupt-filter-${FILES[i]}"
	done
}

# filter_is "ENABLE MAJOR MINOR MASK VALUE MEMCG"
filter_is() {
	local file number found=

	for file in "${FILES[@]}"; do
		read -r number < "$HWPOISON/corrupt-filter-$file"
		found+="${found:+ }$number"
	done
	[ "$found" = "$1" ] || { echo "the kernel's filter: $found, expected: $1"; return 1; }
}

# Has the file's pages in memory anew, clean, and charged to that cgroup.
read_in() {
	dd of="$DISK/$2" oflag=nocache conv=notrunc,fdatasync count=0 2> /dev/null
	sh -c 'echo $$ > "$1/cgroup.procs"; exec cat "$2"' sh "$1" "$DISK/$2" > /dev/null
}

# Waits until a run is in the midst of its pages: under its filter, some are poisoned.
in_the_midst() {
	read_number "$HWPOISON"/corrupt-filter-flags-mask
	((number == 4096)) || return 1
	read_corrupted
	((corrupt >= before + 40))
}

has_corrupted() {
	read_corrupted
	((corrupt > before))
}

# A run over all of the victim's pages, with a filter, in the background: sets injector.
# A background job of a script ignores SIGINT and SIGQUIT, which is undone here.
start_long() {
	env --default-signal=INT,QUIT hwpoison-inject --json --max 100000 --flags anonymous -p "$pid" -a "$range" \
		> "$BATS_TEST_TMPDIR/records" 2> "$BATS_TEST_TMPDIR/messages" 3>&- &
	injector=$!
}

# ------------------------------------------------------ what it lets through

@test "each condition, alone and with the others: what passes, and what is rejected" {
	local device ino loop i=0 expected options failures=0
	local -a anon other inside outside

	device=$(mountpoint -d "$DISK")
	loop=$(findmnt -n -o SOURCE "$DISK")
	ino=$(stat -c %i $CGROUP)
	victim_in $CGROUP inside -m 1
	pfns_of anon -p "$pid" -a "$range" --count 21
	victim outside -m 1
	pfns_of other -p "$pid" -a "$range" --count 21
	read_in $CGROUP inside
	read_in /sys/fs/cgroup outside
	pfns_of inside -f "$DISK/inside"
	pfns_of outside -f "$DISK/outside"
	# An anonymous page and one of a file of the cgroup, the same from outside.
	while read -r expected options; do
		# shellcheck disable=SC2086 # a list of options
		inject --pfn "${anon[i]},${inside[i]},${other[i]},${outside[i]}" ${options//+/ }
		{ ends_with 5 && silent && yields "${expected//-/ }" '[of("page").outcome[0:1]] | join(" ")'; } ||
			{ echo "^^^ $options"; failures=$((failures + 1)); }
		filter_is "$ANY"
		i=$((i + 1))
	done <<- TABLE
		p-p-f-f --memcg+$CGROUP
		p-p-f-f --memcg+@$ino
		f-p-f-p --dev+$device
		f-p-f-p --dev+$DISK
		f-p-f-p --dev+$DISK/outside
		f-p-f-p --dev+$loop
		p-f-p-f --flags+anonymous
		f-p-f-p --flags+lru,~anonymous
		f-f-f-f --flags+lru,dirty,writeback=lru,dirty,writeback
		f-p-f-f --memcg+$CGROUP+--dev+$DISK
		p-f-f-f --memcg+$CGROUP+--flags+anonymous
		f-p-f-p --dev+$DISK+--flags+uptodate
		f-f-f-f --dev+$DISK+--flags+anonymous
		f-p-f-f --memcg+$CGROUP+--dev+$DISK+--flags+uptodate
		f-f-f-f --memcg+$CGROUP+--dev+/dev/shm+--flags+uptodate
	TABLE
	((failures == 0))
	# What was rejected is as it was.
	inject --pfn "${outside[0]},${other[2]}" --memcg $CGROUP
	yields "false,false,null" \
		'[of("page") | .hwp_after] + [of("page") | select(.type) | .type] + [of("totals").verdict] | map(tostring) | join(",")'
	inject --pfn "${anon[20]},${inside[20]}" --memcg $CGROUP
	ends_with 0
	outcomes "poisoned poisoned"
}

@test "what the kernel has during the run is what was asked for" {
	local device

	device=$(mountpoint -d "$DISK")
	victim_in $CGROUP inside -m 1
	inject --memcg $CGROUP --dev "$DISK" --flags uptodate,~anonymous -p "$pid" -a "$range" --count 1
	ends_with 5
	# The record has what was read back from the kernel.
	yields "{\"enable\":true,\"dev_major\":${device%:*},\"dev_minor\":${device#*:},\"flags_mask\":\"0x1008\",\"flags_value\":\"0x8\",\"memcg\":$(stat -c %i $CGROUP),\"memcg_path\":\"$CGROUP\"}" \
		'of("run").filter | tojson'
	filter_is "$ANY"
	inject -p "$pid" -a "$range" --count 1
	ends_with 0
	yields false 'of("run").filter.enable'
}

# Pages that a process has freed can wait in a list of the CPU that they were new on.
drain() {
	echo 1 > /proc/sys/vm/compact_memory
}

@test "--memcg alone: the cgroup's own pages, and not those of the cgroups below" {
	# Processes are in the leaves only; what has been charged here stays so.
	read_in $CGROUP inside
	echo +memory > $CGROUP/cgroup.subtree_control
	mkdir $CGROUP/below
	victim_in $CGROUP/below below -m 1
	drain
	inject --memcg $CGROUP
	ends_with 0
	yields "true file poisoned" \
		'[of("page") | select(.outcome != "refused")] | (length >= 64), (map(.kind) | unique[]), (map(.outcome) | unique[])'
	# The victim lost nothing.
	inject -p "$pid" -a "$range" -b hwpoison --list-targets
	ends_with 1
	warns "no page is chosen"
	# --cgroup has those below, too.
	inject --cgroup $CGROUP -b anonymous --list-targets
	ends_with 0
	yields true '[of("target")] | length >= 256'
}

@test "--memcg alone poisons all of it but the kernel's pages, one by one" {
	# One that sleeps on, whatever happens to its pages.
	sh -c 'echo $$ > "$1/cgroup.procs"; exec sleep 1000' sh $CGROUP > /dev/null 2>&1 3>&- &
	pid=$!
	pids+=("$pid")
	eventually grep -q sleep "/proc/$pid/comm"
	eventually grep -q '^State:.S' "/proc/$pid/status"
	drain
	inject --memcg $CGROUP
	ends_with 0
	silent
	yields "poisoned refused" '[of("page").outcome] | unique[]'
	yields "true" '[of("page") | select(.outcome == "refused") | .error] | all(startswith("it is the kernel"))'
	yields "true" '[of("page") | select(.kind == "anon") | .outcome] | length > 20 and all(. == "poisoned")'
	kill -0 "$pid"
}

@test "soft-offline and hard-offline under a filter" {
	local inside

	victim_in $CGROUP inside -m 1
	pfns_of inside -p "$pid" -a "$range" --count 2
	victim outside -m 1
	pfns_of outside -p "$pid" -a "$range" --count 2
	inject -m soft-offline --memcg $CGROUP --pfn "${inside[0]},${outside[0]}"
	ends_with 5
	outcomes "migrated filtered"
	# In contrast to the others, it says so.
	yields "null 95" 'of("page").errno'
	filter_is "$ANY"
	inject -m hard-offline --memcg $CGROUP --pfn "${inside[1]},${outside[1]}"
	ends_with 5
	outcomes "poisoned filtered"
	yields "null null" 'of("page").errno'
	filter_is "$ANY"
}

# ------------------------------------------------- what it is before and after

@test "what somebody else has set stays, and is in force where no filter is given" {
	local mine="1 4294967295 4294967295 4096 4096 12345"

	victim late -m 1
	# Off, and yet not empty.
	set_filter "0 7 3 32 32 99"
	inject --flags anonymous -p "$pid" -a "$range" --count 1
	ends_with 0
	silent
	outcomes poisoned
	filter_is "0 7 3 32 32 99"
	inject -p "$pid" -a "$range" --count 1
	ends_with 0
	outcomes already
	warns "a filter is set, but corrupt-filter-enable is 0"
	set_filter "$mine"
	inject -p "$pid" -a "$range" --count 2
	ends_with 5
	outcomes "already filtered"
	yields "12345 null" 'of("run").filter | .memcg, .memcg_path'
	# Another condition takes its place, as a whole.
	inject --flags anonymous -p "$pid" -a "$range" --count 2
	ends_with 0
	outcomes "already poisoned"
	yields null 'of("run").filter.memcg'
	filter_is "$mine"
	[ ! -e "$NOTE" ]
}

@test "while tasks are waited for, the filter is as it was: real errors are handled" {
	victim_in $CGROUP inside -m 1
	env --default-signal=INT hwpoison-inject --json --wait 100 --memcg $CGROUP -p "$pid" -a "$range" \
		--count 1 > "$BATS_TEST_TMPDIR/records" 2> "$BATS_TEST_TMPDIR/messages" 3>&- &
	injector=$!
	eventually has_corrupted
	eventually filter_is "$ANY"
	eventually eval '[ ! -e "$NOTE" ]'
	kill -0 "$injector"
	kill -INT "$injector"
	wait "$injector" || true
	filter_is "$ANY"
}

@test "SIGINT, SIGTERM, SIGHUP, SIGQUIT in the midst: a report, and the filter as it was" {
	local signal rc

	victim late -m 16
	for signal in INT TERM HUP QUIT; do
		set_filter "$SOMEBODY"
		read_corrupted
		before=$corrupt
		start_long
		eventually in_the_midst
		[ -e "$NOTE" ]
		kill -s "$signal" "$injector"
		rc=0
		wait "$injector" || rc=$?
		((rc == 128 + $(kill -l "$signal")))
		filter_is "$SOMEBODY"
		[ ! -e "$NOTE" ]
		# The totals; of the pages, there are many.
		tail -n 1 "$BATS_TEST_TMPDIR/records" > "$BATS_TEST_TMPDIR/totals"
		latest "$rc" totals
		yields "true true 4096" \
			'of("totals") | .interrupted, (.outcomes | has("not-tried") and .poisoned > 5), ([.outcomes[]] | add)'
	done
}

@test "SIGKILL in the midst: the note stays, and the next run puts the filter back" {
	local note

	victim late -m 16
	set_filter "$SOMEBODY"
	start_long
	eventually in_the_midst
	kill -KILL "$injector"
	wait "$injector" || true
	filter_is "1 4294967295 4294967295 4096 4096 0"
	diff -u "$NOTE" - <<- END
		boot=$(< /proc/sys/kernel/random/boot_id)
		enable=1
		dev-major=4294967295
		dev-minor=4294967295
		flags-mask=0x8
		flags-value=0x8
		memcg=0
	END
	note=$(< "$NOTE")
	# What only looks changes nothing.
	inject -p "$pid" -a "$range" --list-targets --count 1
	inject -p "$pid" -a "$range" --dry-run --count 1
	inject --list
	[ -e "$NOTE" ]
	# Every page that it poisoned is in the ledger.
	read_corrupted
	yields "$(((corrupt - before) / 4))" '[of("poisoned") | select(.method == "debugfs")] | length'

	local next
	for next in "-p $pid -a $range --count 1" "-p $pid -a $range --count 1 --dev $DISK" "--unpoison 1" \
		"-m hard-offline -p $pid -a $range --count 1"; do
		set_filter "1 4294967295 4294967295 4096 4096 0"
		echo "$note" > "$NOTE"
		# shellcheck disable=SC2086 # a list of options
		inject $next
		((status == 0 || status == 5)) || complain "$next"
		warns "the kernel's filter was left behind by a run that was killed: put back"
		filter_is "$SOMEBODY"
		[ ! -e "$NOTE" ]
	done
	# Clearing is not putting back.
	echo "$note" > "$NOTE"
	inject --filter-clear
	ends_with 0
	filter_is "$ANY"
	[ ! -e "$NOTE" ]
	# Of an earlier boot: the kernel has forgotten it, too.
	echo "${note/boot=/boot=x}" > "$NOTE"
	inject -p "$pid" -a "$range" --count 1
	ends_with 0
	silent
	filter_is "$ANY"
	[ ! -e "$NOTE" ]
}

@test "a note that is not understood ends the run before anything is done" {
	victim late -m 1
	mkdir -p "$RUN_DIRECTORY"
	echo "enable=1" > "$NOTE"
	inject -p "$pid" -a "$range" --count 1
	ends_with 1
	warns "$NOTE: not understood"
	read_corrupted
	((corrupt == before))
	inject --filter-clear
	ends_with 0
	[ ! -e "$NOTE" ]
}

# ------------------------------------------------------------- two at a time

@test "two runs with different filters: the second waits, says so, and neither mixes" {
	local inside inside_range first rc=0
	local -a other file

	read_in /sys/fs/cgroup outside
	pfns_of file -f "$DISK/outside" --count 1
	victim_in $CGROUP inside -m 8
	inside=$pid inside_range=$range
	victim outside -m 1
	pfns_of other -p "$pid" -a "$range" --count 1
	hwpoison-inject --json --max 100000 --memcg $CGROUP -p "$inside" -a "$inside_range" --wait 0 \
		> "$BATS_TEST_TMPDIR/first" 2> "$BATS_TEST_TMPDIR/first-messages" 3>&- &
	first=$!
	eventually test -e "$NOTE"
	inject --flags anonymous --pfn "${other[0]},${file[0]}"
	ends_with 5
	warns "waiting for another run (PID $first)"
	outcomes "poisoned filtered"
	yields "4096 null" 'of("run").filter | (if .flags_mask == "0x1000" then 4096 else .flags_mask end), .memcg'
	wait "$first" || rc=$?
	# The file's page is none of that cgroup, nor is the other process's: had one of
	# the filters been the other's, some page had been judged otherwise.
	latest "$rc" first first-messages
	ends_with 0
	silent
	yields "{\"poisoned\":2048} 0x0" 'of("totals").outcomes, of("run").filter.flags_mask | if type == "object" then tojson else . end'
	filter_is "$ANY"
}

@test "a run that waits for another can be interrupted, and has changed nothing" {
	local waiting rc=0

	mkdir -p "$RUN_DIRECTORY"
	victim late -m 1
	exec {lock}> "$RUN_DIRECTORY/lock"
	flock "$lock"
	hwpoison-inject --flags anonymous -p "$pid" -a "$range" > "$BATS_TEST_TMPDIR/records" \
		2> "$BATS_TEST_TMPDIR/messages" 3>&- &
	waiting=$!
	eventually grep -q "waiting for another run" "$BATS_TEST_TMPDIR/messages"
	kill -TERM $waiting
	wait $waiting || rc=$?
	exec {lock}>&-
	((rc == 143))
	grep -q "Terminated: stopped while another run was waited for" "$BATS_TEST_TMPDIR/messages"
	filter_is "$ANY"
	read_corrupted
	((corrupt == before))
}

# --------------------------------------------------- what can never match

@test "conditions that no page can meet are refused, with the reason" {
	local options why rc failures=0

	while IFS='|' read -r rc options why; do
		# shellcheck disable=SC2086 # a list of options
		inject --pfn 1000 $options
		{ ends_with "$rc" && warns "no page can match: $why"; } || failures=$((failures + 1))
		[ ! -s "$records" ]
	done <<- TABLE
		2|--flags locked|locked: the kernel asks before it locks the page
		2|--flags anonymous,~locked|no locked: the kernel has locked the page when it asks
		2|--flags hwpoison|hwpoison: the kernel asks before it marks the page as poisoned
		2|--flags anonymous,~hwpoison|no hwpoison: the kernel has marked the page as poisoned when it asks
		2|--flags =anonymous|no locked: the kernel has locked the page when it asks
		2|--flags compound_tail|compound_tail: corrupt-pfn asks for the first page of a folio, which is no tail
		2|--flags slab|slab: with the filter on, corrupt-pfn leaves the kernel's own pages alone
		2|--flags pgtable|pgtable: with the filter on, corrupt-pfn leaves the kernel's own pages alone
		2|--flags nopage|nopage: there is no page to ask for
		2|--flags softdirty|softdirty: /proc/kpageflags never has it
		2|-m hard-offline --flags ~hwpoison,anonymous|no hwpoison: the kernel has marked the page as poisoned when it asks
		2|-m soft-offline --flags locked|locked: the kernel asks before it locks the page
	TABLE
	((failures == 0))
	inject --pfn 1000 --flags lru,anonymous
	ends_with 2
	warns "--flags: lru,anonymous: the kernel's filter has no \"any of these\""
	read_corrupted
	((corrupt == before))
	filter_is "$ANY"
}

@test "what only some routes and free pages can meet is let through" {
	victim late -m 1
	# The kernel has locked the page when it asks, and marked it.
	inject -m hard-offline --flags anonymous,locked,hwpoison=anonymous,locked,hwpoison -p "$pid" -a "$range" --count 1
	ends_with 0
	outcomes poisoned
	# A free page is asked about once, as it lies there.
	inject --flags buddy,~locked -b buddy --count 1 --random --seed 1
	ends_with 0
	outcomes poisoned
	yields "free buddy page" 'of("page").type'
}

@test "--flags thp: refused on 6.1, which splits the huge page first; later it works" {
	victim late -m 2 --kind thp
	inject --flags thp -p "$pid" -a "$range" -b thp --count 1
	if [ "$old" = yes ]; then
		ends_with 4
		warns "no page can match: thp: this kernel asks when it has split the huge page already"
		# Asked nevertheless, the kernel would have split it.
		run page-types -p "$pid" -a "$range" -b thp
		has_line '^ +total\s+512 '
	else
		ends_with 0
		outcomes poisoned
	fi
}

@test "a filter for what is not there: no controller, no cgroup, an overlay, no module" {
	mkdir $CGROUP/below
	inject --memcg $CGROUP/below
	ends_with 4
	warns "--memcg: $CGROUP/below: no memory controller here: no page is charged to it"
	inject --memcg /dev/shm
	ends_with 1
	warns "--memcg: /dev/shm: not a directory of a cgroup hierarchy"
	# The lab's root, whose files belong to what it lies on.
	inject --pfn 1000 --dev "$BATS_TEST_TMPDIR"
	ends_with 4
	warns "--dev: $BATS_TEST_TMPDIR: an overlay"
	inject --dev /dev/shm
	ends_with 2
	warns "nothing is chosen: --dev and --flags only narrow down what is"
	modprobe -r hwpoison-inject
	victim late -m 1
	inject -m hard-offline --flags anonymous -p "$pid" -a "$range" --count 1
	ends_with 4
	warns "the kernel's filter is not there: it needs debugfs and the module hwpoison_inject"
	modprobe hwpoison-inject
	read_corrupted
	((corrupt == before))
}

# --------------------------------------------------------- show and clear

@test "--filter-show and --filter-clear" {
	local ino

	ino=$(stat -c %i $CGROUP)
	inject_text --filter-show
	ends_with 0
	# Its head, and one row.
	[ "$(grep -c . "$records")" = 3 ]
	grep -qxE 'no +- +- +- +- +- +-' "$records"
	set_filter "1 7 0 4128 32 $ino"
	inject_text --filter-show
	grep -qxE "yes +7 +0 +lru,anonymous +lru +$ino +$CGROUP" "$records"
	inject --filter-show
	yields "{\"record\":\"filter\",\"version\":1,\"enable\":true,\"dev_major\":7,\"dev_minor\":0,\"flags_mask\":\"0x1020\",\"flags_value\":\"0x20\",\"memcg\":$ino,\"memcg_path\":\"$CGROUP\"}" \
		'$all[] | tojson'
	filter_is "1 7 0 4128 32 $ino"
	inject_text --filter-clear
	ends_with 0
	silent
	[ ! -s "$records" ]
	filter_is "$ANY"
	set_filter "0 4294967295 4294967295 0 0 4000000000"
	inject_text --filter-show
	grep -qxE 'no +- +- +- +- +4000000000 +-' "$records"
}

@test "all records match their schemas" {
	records_are_valid
}
