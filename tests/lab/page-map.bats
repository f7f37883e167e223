#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-map on a real kernel, as root in the lab: what it shows is what is there, a page is
# found, poisoned and seen to be, and looking changes nothing.

# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # bats runs each test in a subshell; run sets stderr

bats_require_minimum_version 1.5.0

load helper

setup() {
	pids=()
	export LANG=C.UTF-8 TERM=xterm-256color HOME=$BATS_TEST_TMPDIR
	unset XDG_STATE_HOME
	screen=(tmux -L page-map -f /dev/null)
}

teardown() {
	"${screen[@]}" kill-server 2> /dev/null || true
	kill_victims
	unpoison_all
	remove_files
}

# once OPTION…: a frame, in $output.
once() {
	run --separate-stderr page-map --once "$@"
	echo "$output"
	echo "$stderr"
	((status == 0))
}

# start OPTION…: page-map on a terminal of 100 columns and 30 lines.
start() {
	"${screen[@]}" new-session -d -x 100 -y 30 "page-map $*; echo status \$?; sleep 600" 3>&-
}

# keys KEY…: as tmux names them, one after the other.
keys() {
	local key

	for key; do
		"${screen[@]}" send-keys "$key"
	done
}

# Waits until a pattern is on the screen; what is there then is in $output.
see() {
	local end=$((SECONDS + 120))

	while ((SECONDS < end)); do
		output=$("${screen[@]}" capture-pane -p "${@:2}")
		! grep -qE -- "$1" <<< "$output" || return 0
		sleep 0.1
	done
	echo "not seen: $1"
	echo "$output"
	return 1
}

# see_no PATTERN: waits until it is not on the screen any more.
see_no() {
	local end=$((SECONDS + 120))

	while ((SECONDS < end)); do
		output=$("${screen[@]}" capture-pane -p)
		grep -qE -- "$1" <<< "$output" || return 0
		sleep 0.1
	done
	echo "still there: $1"
	echo "$output"
	return 1
}

# Until then, going up from its report is refused, or asks it to end.
injection_is_over() {
	! pgrep -x hwpoison-inject > /dev/null
}

@test "a process: its mappings and its pages, as page-types counts them" {
	local anon

	victim anon -m 4 --kind anon
	anon=$(page-types -N -p "$pid" -a "$range" -L -b anon | tail -n +2 | wc -l)
	((anon == 1024))
	once -p "$pid" --keys "g $address Enter Enter" --size 100x40
	has_line '^page-map > [0-9]+ usemem > '
	has_line '^kind: [0-9]+ pages \(.*\), a cell is '
	has_line 'A anon 1024'
	once -p "$pid" --keys "g $address Enter Enter Enter" --size 120x60
	has "in process  $pid at $address, pagemap entry 0x"
	has_line 'kind        anon$'
	has_line 'an error    would be "dirty LRU page: Recovered"$'
	has_line " +$pid  usemem "
}

@test "the machine: as many pages of each kind as page-types sees, within what moves" {
	local shown counted

	once
	shown=$(sed -nE 's/.*  - free ([0-9]+).*|^- free ([0-9]+).*/\1\2/p' <<< "$output")
	counted=$(page-types -b buddy | awk '/total/ {print $2}')
	echo "free: $shown shown, $counted counted"
	((shown > counted * 9 / 10 && shown < counted * 11 / 10))
}

@test "from a process to a page, which is poisoned and seen to be" {
	victim late -m 4
	start --allow-inject -p "$pid"
	see 'all mappings'
	keys g "$address" Enter Enter
	see "a cell is a page"
	keys g "$address" Enter Enter
	see "in process  $pid at $address"
	see " $pid +usemem "
	keys F9
	see 'this page \(PFN 0x[0-9a-f]+\): type "poison" or "unpoison"'
	keys poison Enter
	see 'poisoned'
	see 'Recovered'
	eventually injection_is_over
	keys Escape
	see 'an error    has happened: the page is poisoned'
	keys Escape
	see 'X poisoned 1 '
	(($(page-types -N -p "$pid" -a "$range" -L -b hwpoison | tail -n +2 | wc -l) == 1))

	# Tagged pages, several at once; and none without the word.
	keys Right Space Space F9
	see "2 tagged pages of process $pid: type \"poison\" or \"unpoison\""
	keys poi Enter
	see 'neither "poison" nor "unpoison" was typed: nothing is done'
	keys F9
	see '2 tagged pages of process'
	keys poison Enter
	see '2  *poisoned|2 poisoned'
	eventually injection_is_over
	keys Escape
	see 'X poisoned 3 '
	keys q
	see 'status 0'
	(($(page-types -N -p "$pid" -a "$range" -L -b hwpoison | tail -n +2 | wc -l) == 3))
}

@test "without --allow-inject nothing is poisoned" {
	local before

	before=$(corrupted)
	victim late -m 1
	start -p "$pid"
	see 'all mappings'
	keys g "$address" Enter Enter
	see 'a cell is a page'
	keys F9
	see 'only with --allow-inject'
	(($(corrupted) == before))
}

@test "a memory failure is said at once, and f goes to its page and who lost it" {
	victim late -m 1
	start
	see 'a cell is'
	see 'CPU$'
	run hwpoison-inject --pid "$pid" --vaddr "$address" --json
	((status == 0))
	pfn=$(jq -r 'select(.record == "page") | .pfn' <<< "$output")
	see "memory failure: PFN 0x$(printf %x "$pfn"): dirty LRU page: Recovered"
	see 'X poisoned 1 '
	keys f
	see "PFN +0x$(printf %x "$pfn") "
	see " $pid +usemem +hwpoison "
}

@test "poison is seen from afar, and found" {
	victim late -m 1
	hwpoison-inject --pid "$pid" --vaddr "$address" > /dev/null
	once
	has_line '^ +0x[0-9a-f]+ .*X'
	has_line '^X poisoned 1 '
	# From cells of many pages down to the page itself.
	once --keys "p Enter Enter" --size 100x50
	has_line 'an error    has happened: the page is poisoned'
	once --keys "Tab p Enter"
	has_line '^page-map > memory blocks > block [0-9]+'
	has_line '^X poisoned 1 '
	once --keys "Tab Tab F3 usemem Enter"
	has_line "^ +$pid +[0-9]+ +1 .* usemem$"
}

@test "a mark shows what has changed since" {
	victim late -m 1
	start -p "$pid"
	see 'all mappings'
	keys g "$address" Enter Enter
	see 'a cell is a page'
	keys m
	see 'marked: what changes from now on stands out'
	hwpoison-inject --pid "$pid" --vaddr "$address" > /dev/null
	# Underlined; and what was said of the mark does not hide why.
	see $'\e\\[[0-9;]*4[;m].*X' -e
	see '^memory failure: PFN 0x'
}

@test "a page that has become another one is not poisoned in its place" {
	victim late -m 1
	start --allow-inject -p "$pid"
	see 'all mappings'
	keys g "$address" Enter Enter
	see 'a cell is a page'
	keys F9
	see "the page at the cursor of process $pid"
	# The data moves, the address stays.
	hwpoison-inject --method soft-offline --pid "$pid" --vaddr "$address" > /dev/null
	keys poison Enter
	see "$address is another page than when it was chosen: nothing is done"
}

@test "unpoisoned from the map" {
	victim late -m 1
	hwpoison-inject --pid "$pid" --vaddr "$address" > /dev/null
	start --allow-inject
	see 'X poisoned 1 '
	keys p
	# At the cursor: that is where the search has ended.
	see ' 1 poisoned'
	keys Enter
	see 'a cell is a page'
	keys Enter
	see 'an error    has happened'
	keys F9
	see 'this page'
	keys unpoison Enter
	see 'unpoisoned'
	eventually injection_is_over
	keys Escape
	see 'an error    would be'
	# Whose it is was looked for anew, and the map of all memory knows it, too.
	see_no 'hwpoison'
	keys Escape
	see 'a cell is a page'
	see_no 'X poisoned'
	keys 0
	see_no 'X poisoned'
}

@test "after a search for what is not there it goes on to look" {
	victim late -m 1
	start --delay 0.2
	see 'CPU$'
	keys p
	see 'there is none here'
	hwpoison-inject --pid "$pid" --vaddr "$address" > /dev/null
	see 'X poisoned 1 '
	see 'memory failure: PFN'
}

# start_as PID COMMAND...: a process of that number; $! is its number.
start_as() {
	local try

	for try in {1..50}; do
		echo "$(($1 - 1))" > /proc/sys/kernel/ns_last_pid
		"${@:2}" 3>&- &
		[ "$!" -ne "$1" ] || return 0
		kill -KILL "$!"
		wait "$!" || true
	done
	echo "the number $1 was not to be had"
	return 1
}

@test "another process that has taken the number is not shown" {
	local old

	[ -w /proc/sys/kernel/ns_last_pid ] || skip "no CONFIG_CHECKPOINT_RESTORE"
	victim late -m 1
	old=$pid
	start --delay 0.2 -p "$pid"
	see 'all mappings'
	keys g "$address" Enter Enter z
	see 'anon 256'
	kill -KILL "$old"
	wait "$old" || true
	start_as "$old" sleep 1000
	keys F5
	see "the last picture: process $old: it has ended"
	see 'anon 256'
	keys Escape F5
	see "^page-map > $old usemem: it has ended"
	keys Enter
	see "process $old: it has ended"
	kill -KILL "$old"
	wait "$old" || true
}

@test "a process that ends is said, and its last picture stays" {
	victim late -m 1
	start --delay 0.2 -p "$pid"
	see 'all mappings'
	keys g "$address" Enter Enter
	see 'A? ?.* anon 256'
	kill -KILL "$pid"
	wait "$pid" || true
	see "the last picture: process $pid: it has ended"
	see ' anon 256'
}

# soft_dirty: of the victim's memory, by the kernel's own view.
soft_dirty() {
	page-types -N -r -p "$pid" -a "$range" -L -b softdirty | tail -n +2 | wc -l
}

@test "looking changes nothing: neither soft-dirty bits nor what is populated" {
	local dirty resident

	victim late -m 4
	# On its way to sleep it may still touch a page for the first time.
	eventually has_state "$pid" S
	echo 4 > "/proc/$pid/clear_refs"
	dirty=$(soft_dirty)
	resident=$(awk '/^Rss/ {print $2}' "/proc/$pid/smaps_rollup")
	once -p "$pid" --keys "Enter c c c c c c"
	once -p "$pid" --keys "Enter F3 lru Enter n n N m"
	once --keys "Tab Tab"
	(($(soft_dirty) == dirty))
	(($(awk '/^Rss/ {print $2}' "/proc/$pid/smaps_rollup") == resident))
}

ticks() {
	awk '{print $14 + $15}' "/proc/$(pidof page-map)/stat"
}

# Whether it takes that little for five seconds.
is_idle() {
	local before used

	before=$(ticks)
	sleep 5
	used=$(($(ticks) - before))
	echo "$used ticks in 5 s"
	((used <= 5 * $(getconf CLK_TCK) / 100))
}

@test "an idle map takes less than one percent of a processor" {
	start --delay 1
	see 'CPU$'
	# It is charged, too, for what the guest's host takes from it.
	eventually is_idle
}

@test "PFNs that are hidden are said to be, with the way out" {
	run --separate-stderr setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
		--reuid 65534 --clear-groups page-map --once
	((status == 3))
	[[ $stderr == *"/proc/kpageflags"* ]]
}
