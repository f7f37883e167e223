#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mcekill --monitor, on a real kernel, as root in the lab: what it says of memory failures and
# of the tasks that they hit, and how it lasts.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # $… are jq's variables; bats sets others

bats_require_minimum_version 1.5.0

load inject-targets

TRACING=/sys/kernel/tracing
CGROUPS=/sys/fs/cgroup
instances=$TRACING/instances

setup() {
	pids=()
	monitor=
	old=$(is_old)
	modprobe hwpoison-inject
}

teardown() {
	local name

	[ -z "$monitor" ] || kill -CONT "$monitor" 2> /dev/null || true
	clean_up
	for name in in out; do
		[ ! -d $CGROUPS/monitor-$name ] || find $CGROUPS/monitor-$name -depth -type d -exec rmdir {} +
	done
	mountpoint -q $TRACING || mount -t tracefs tracefs $TRACING
	nothing_is_left
}

# No instance in tracefs.
nothing_is_left() {
	local instance

	for instance in "$instances"/kpage-*; do
		[ ! -d "$instance" ] || { echo "left behind: $instance"; return 1; }
	done
}

# has_log PID: whether the monitor has opened the kernel's log, which is its last step.
has_log() {
	local fd

	for fd in "/proc/$1/fd/"*; do
		[ ! "$fd" -ef /dev/kmsg ] || return 0
	done
	return 1
}

# watch OPTION…: a monitor in the background, with JSON; sets monitor, printed (what it
# prints), words (what it says).
watch() {
	watch_by mcekill "$@"
}

# watch_by COMMAND… OPTION…: the same, started by another command.
watch_by() {
	printed=$BATS_TEST_TMPDIR/printed words=$BATS_TEST_TMPDIR/words
	: > "$printed"
	"$@" --monitor --json > "$printed" 2> "$words" 3>&- &
	monitor=$!
	pids+=("$monitor")
	eventually has_log "$monitor"
}

# has_printed N FILTER: whether so many of its lines pass that filter of jq. A process costs
# a tenth of a second here: jq looks at what is new only.
has_printed() {
	local size

	size=$(stat -c %s "$printed")
	((size != seen)) || return 1
	seen=$size
	(($(jq -c "select($2)" "$printed" | wc -l) == $1))
}

# prints N FILTER: until it has.
prints() {
	local seen=-1

	eventually has_printed "$@" || { cut -c 1-600 "$printed"; return 1; }
}

# start_kept NAME COMMAND…: start, below a parent that leaves it as a zombie when it has
# died, so that the monitor can look at it however late it comes.
start_kept() {
	start "$1" sh -c '"$@" & exec sleep 1000' sh "${@:2}"
	pid=$(pgrep -P "$pid")
	pids+=("$pid")
}

# stop [SIGNAL]: the monitor ends so, with status 0, and what it has printed is valid.
stop() {
	local rc=0

	kill "-${1:-TERM}" "$monitor"
	wait "$monitor" || rc=$?
	((rc == 0)) || { echo "status $rc"; cat "$words"; return 1; }
	"$BATS_TEST_DIRNAME/../check-json" < "$printed"
	[ "$(jq -r .record "$printed" | tail -n 1)" = monitor ]
	[ ! -d "$instances/kpage-$monitor-0" ]
}

# sums EXPRESSION: whether the last line is so.
sums() {
	tail -n 1 "$printed" | jq -e "$1" > /dev/null || { echo "not so: $1"; tail -n 1 "$printed"; return 1; }
}

# poison_foreign PFN: not by a tool of ours.
poison_foreign() {
	echo "$1" > "$HWPOISON"/corrupt-pfn
}

failure='.record == "failure"'
kill='.record == "kill"'

# ------------------------------------------------------------------ who is told at once

@test "a failure, and its task with a handler: tied by the page" {
	local begun=$EPOCHSECONDS

	start target usemem -m 1 --policy early --handler
	watch
	inject -p "$pid" --vaddr "$(page 3)"
	pfn=$(jq 'select(.record == "page").pfn' "$report")
	prints 1 "$failure"' and .pfn == '"$pfn"' and .type == "dirty LRU page" and .result == "Recovered" and
		.node == 0 and .origin == "ours" and .tool == "hwpoison-inject" and .method == "debugfs" and
		.pid == '"$pid"' and .comm == "usemem" and .kind == "anon" and .address == "'"$(page 3)"'"'
	prints 1 "$kill"' and .pid == '"$pid"' and .tid == .pid and .comm == "usemem" and
		.code == "BUS_MCEERR_AO" and .address == "'"$(page 3)"'" and .pfn == '"$pfn"' and
		.cause == "memory-failure" and .action == "handler" and (.merged | not) and
		.pending_since == null'
	jq -es 'map(select(.record == "failure"))[0].time == map(select(.record == "kill"))[0].failed' "$printed"
	# The clock on the wall: within what the test has taken.
	jq -es --argjson begun "$begun" \
		'.[0].time | sub("\\.[0-9]*"; "") | fromdate | . >= $begun - 2 and . <= now + 2' "$printed"
	stop
	sums '.failures == 1 and .signals == 1 and .killed == 0 and .lost == 0 and .source == "tracefs"'
	[ ! -s "$words" ]
}

@test "killed, ignored, pending" {
	start dies usemem -m 1 --policy early
	dies=$pid dies_at=$(page 1)
	start ignores env --ignore-signal=BUS usemem -m 1 --policy early
	ignores=$pid ignores_at=$(page 1)
	start blocks env --block-signal=BUS usemem -m 1 --policy early
	blocks=$pid blocks_at=$(page 1)
	watch
	inject -p "$dies" --vaddr "$dies_at"
	inject -p "$ignores" --vaddr "$ignores_at"
	inject --wait 0 -p "$blocks" --vaddr "$blocks_at"
	prints 3 "$failure"
	prints 1 "$kill"' and .pid == '"$dies"' and .code == "BUS_MCEERR_AO" and .action == "default"'
	prints 1 "$kill"' and .pid == '"$ignores"' and .code == "BUS_MCEERR_AO" and .action == "ignored"'
	prints 1 "$kill"' and .pid == '"$blocks"' and .code == "BUS_MCEERR_AO" and .action == "pending" and
		.cause == "memory-failure" and .address == "'"$blocks_at"'"'
	stop
	sums '.failures == 3 and .signals == 3 and .killed == 1'
}

@test "pending, then merged with another, then taken: another line each says so" {
	start target env --block-signal=BUS usemem -m 1 --policy early
	watch
	inject --wait 0 -p "$pid" --vaddr "$(page 1)"
	prints 1 "$kill"' and .action == "pending" and (.merged | not)'
	inject --wait 0 -p "$pid" --vaddr "$(page 2)"
	prints 1 "$kill"' and .action == "pending" and .merged'
	# It touches the pages: a signal that it can't block meets the one that waits.
	kill -USR1 "$pid"
	gone "$pid"
	prints 2 "$kill"' and .code == "BUS_MCEERR_AO" and .action == "default" and .pending_since != null'
	prints 1 "$kill"' and .code == "BUS_MCEERR_AR" and .action == "default" and .cause == "late" and .merged'
	jq -es 'map(select(.record == "kill")) | [.[] | select(.action == "pending").time] ==
		[.[] | select(.pending_since).pending_since]' "$printed"
	stop
	sums '.signals == 3 and .killed == 1'
}

@test "a task that is stopped: pending until it is continued" {
	start target usemem -m 1 --policy early --handler
	watch
	kill -STOP "$pid"
	eventually has_state "$pid" T
	inject --wait 0 -p "$pid" --vaddr "$(page 1)"
	prints 1 "$kill"' and .action == "pending"'
	kill -CONT "$pid"
	prints 1 "$kill"' and .action == "handler" and .pending_since != null'
	stop
	sums '.signals == 1 and .killed == 0'
}

@test "of several threads: the one that was told" {
	local thread

	start target usemem -m 1 --handler-thread --threads 3
	thread=$(policies "$pid" | sed -n 's/ early//p')
	watch
	inject -p "$pid" --vaddr "$(page 1)"
	prints 1 "$kill"' and .pid == '"$pid"' and .tid == '"$thread"' and .action == "handler" and
		.address == "'"$(page 1)"'"'
	[ "$thread" != "$pid" ]
	stop
}

@test "several tasks of one page: all of them tied to it" {
	ready=3 start target "$odd_target" share
	watch
	inject --wait 0 -p "$pid" --vaddr "$(page 5)"
	pfn=$(jq 'select(.record == "page").pfn' "$report")
	prints 1 "$failure"
	prints 1 "$kill"' and .action == "handler" and .pid == '"$pid"' and .pfn == '"$pfn"
	prints 1 "$kill"' and .action == "default" and .pid != '"$pid"' and .pfn == '"$pfn"' and
		.cause == "memory-failure"'
	stop
}

@test "madvise: from 6.12 on, AR at once, tied to the failure and not a touch" {
	start target usemem -m 1 --handler
	watch
	inject --wait 0 -m madvise -p "$pid" --vaddr "$(page 2)"
	prints 1 "$failure"' and .method == "madvise"'
	if [ "$old" = yes ]; then
		rest 1.5
		prints 0 "$kill"
	else
		# Seen by the injector in the task, which did not get it.
		prints 1 "$kill"' and .code == "BUS_MCEERR_AR" and .cause == "memory-failure" and
			.address == "'"$(page 2)"'"'
	fi
	stop
}

# --------------------------------------------------------------------------- late

@test "late: who survives it is tied to the page by its page table" {
	start target "$odd_target" touch handler
	watch
	# Nothing of it is in the ledger.
	pfn=$(target_pfn 3)
	poison_foreign "$pfn"
	prints 1 "$failure"' and .pfn == '"$pfn"' and .origin == "other" and .tool == null and .pid == null and
		.address == null'
	kill -USR1 "$pid"
	prints 1 "$kill"' and .pid == '"$pid"' and .code == "BUS_MCEERR_AR" and .cause == "late" and
		.action == "handler" and .pfn == '"$pfn"' and
		.address == "'"$(printf 0x%x $((at + 3 * 4096 + 8)))"'"'
	jq -es 'map(select(.record == "failure"))[0].time == map(select(.record == "kill"))[0].failed' "$printed"
	kill -USR1 "$pid"
	prints 2 "$kill"' and .cause == "late" and .pfn == '"$pfn"
	stop
	sums '.failures == 1 and .signals == 2 and .killed == 0 and .lost == 0'
	kill_victims
	echo "$pfn" > "$HWPOISON"/unpoison-pfn
}

@test "late: who dies of it is tied to the page by the ledger" {
	start target "$odd_target" touch dies
	watch
	inject --wait 0 -p "$pid" --vaddr "$(page 3)"
	pfn=$(jq 'select(.record == "page").pfn' "$report")
	prints 1 "$failure"' and .origin == "ours"'
	kill -USR1 "$pid"
	gone "$pid"
	prints 1 "$kill"' and .pid == '"$pid"' and .code == "BUS_MCEERR_AR" and .cause == "late" and
		.action == "default" and .pfn == '"$pfn"' and .failed != null and
		.address == "'"$(printf 0x%x $((at + 3 * 4096 + 8)))"'"'
	stop
	sums '.killed == 1'
}

@test "late: also if the page failed before the monitor began" {
	start target "$odd_target" touch dies
	inject --wait 0 -p "$pid" --vaddr "$(page 3)"
	pfn=$(jq 'select(.record == "page").pfn' "$report")
	watch
	kill -USR1 "$pid"
	gone "$pid"
	prints 1 "$kill"' and .cause == "late" and .action == "default" and .pfn == '"$pfn"' and .failed == null'
	stop
	sums '.failures == 0 and .signals == 1 and .killed == 1'
}

@test "late, dead, and not in the ledger: what can't be known is not said" {
	start target "$odd_target" touch dies
	watch
	pfn=$(target_pfn 3)
	poison_foreign "$pfn"
	prints 1 "$failure"
	# It looks when there is nothing to be seen any more.
	kill -STOP "$monitor"
	eventually has_state "$monitor" T
	kill -USR1 "$pid"
	gone "$pid"
	kill -CONT "$monitor"
	# A kernel without UFFDIO_POISON leaves one cause.
	prints 1 "$kill"' and .action == "default" and .pfn == null and
		.cause == "'"$([ "$old" = yes ] && echo late || echo unknown)"'"'
	stop
	wait "$pid" || true
	echo "$pfn" > "$HWPOISON"/unpoison-pfn
}

@test "UFFDIO_POISON: a kill, and no page is poisoned" {
	[ "$old" = no ] || skip "6.1 has no UFFDIO_POISON"
	start target "$odd_target" uffd-poison handler
	watch
	kill -USR1 "$pid"
	prints 1 "$kill"' and .pid == '"$pid"' and .code == "BUS_MCEERR_AR" and .cause == "uffd" and .action == "handler" and
		.pfn == null and .failed == null and .address == "'"$(printf 0x%x $((at + 3 * 4096 + 8)))"'"'
	# Its page table tells, also while a page is poisoned.
	start other usemem -m 1
	inject --wait 0 -p "$pid" --vaddr "$(page 1)"
	prints 1 "$failure"
	kill -USR1 "${pids[0]}"
	prints 2 "$kill"' and .cause == "uffd" and .pfn == null'
	stop
	sums '.failures == 1 and .signals == 2 and .killed == 0'
}

@test "UFFDIO_POISON: who dies of it, when nothing is poisoned at all" {
	[ "$old" = no ] || skip "6.1 has no UFFDIO_POISON"
	start_kept target "$odd_target" uffd-poison dies
	[ "$(corrupted)" = 0 ]
	watch
	kill -USR1 "$pid"
	gone "$pid"
	prints 1 "$kill"' and .pid == '"$pid"' and .cause == "uffd" and .action == "default" and .pfn == null'
	stop
	sums '.failures == 0 and .killed == 1'
}

# --------------------------------------------------------------------- only some

@test "-p: its tasks, and failures that concern it" {
	start one usemem -m 1 --policy early --handler
	one=$pid one_at=$(page 1)
	start late usemem -m 1
	late=$pid late_at=$(page 1)
	start other usemem -m 1 --policy early --handler
	watch -p "$one,$late"
	inject -p "$pid" --vaddr "$(page 1)"
	inject -p "$one" --vaddr "$one_at"
	inject --wait 0 -p "$late" --vaddr "$late_at"
	prints 2 "$failure"
	prints 1 "$failure"' and .pid == '"$one"
	# Nobody was told; the ledger says whose it is.
	prints 1 "$failure"' and .pid == '"$late"
	prints 1 "$kill"
	kill -USR1 "$late"
	gone "$late"
	prints 1 "$kill"' and .pid == '"$late"' and .cause == "late" and .action == "default"'
	stop
	sums '.failures == 2 and .signals == 2'
}

@test "--cgroup: tasks in it and below, also when they are gone" {
	mkdir -p $CGROUPS/monitor-in/below $CGROUPS/monitor-out
	start inner sh -c 'echo $$ > '$CGROUPS/monitor-in/below/cgroup.procs'; exec usemem -m 1 --policy early'
	inner=$pid inner_at=$(page 1)
	start outer sh -c 'echo $$ > '$CGROUPS/monitor-out/cgroup.procs'; exec usemem -m 1 --policy early'
	watch --cgroup $CGROUPS/monitor-in
	inject -p "$pid" --vaddr "$(page 1)"
	inject -p "$inner" --vaddr "$inner_at"
	prints 1 "$failure"
	prints 1 "$failure"' and .pid == '"$inner"
	prints 1 "$kill"
	prints 1 "$kill"' and .pid == '"$inner"' and .action == "default"'
	stop
	# By its number, and one that came after the monitor.
	watch --cgroup "@$(stat -c %i $CGROUPS/monitor-in)"
	start_kept inner sh -c 'echo $$ > '$CGROUPS/monitor-in/cgroup.procs'; exec usemem -m 1 --policy early'
	inject -p "$pid" --vaddr "$(page 1)"
	prints 1 "$failure"
	prints 1 "$kill"' and .pid == '"$pid"
	stop
	kill_victims
}

# ----------------------------------------------------------------------- it lasts

# rss PID: in kB, without what is mapped of its files, which comes as it is touched. The
# counters of /proc/PID/status are behind by what each CPU has not added to them.
rss() {
	awk '/^Anonymous/ { print $2 }' "/proc/$1/smaps_rollup"
}

# ticks PID: of CPU time.
ticks() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"
}

@test "500 injections: nothing is lost, each page is there once, memory stays" {
	local i first=0 last

	start target usemem -m 2 --policy early --handler
	watch
	for ((i = 0; i < 10; i++)); do
		# Of the first fifty it hears at once: more of them at a time do not come later.
		((i)) || kill -STOP "$monitor"
		inject --wait 0 -p "$pid" --vaddr "$(printf 0x%x+0x%x $((at + i * 50 * 4096)) $((50 * 4096)))"
		kill -CONT "$monitor"
		jq -r 'select(.record == "page" and .outcome == "poisoned").pfn' "$report" >> "$BATS_TEST_TMPDIR/pfns"
		eventually eval '(($(grep -c "\"record\":\"failure\"" "$printed") == (i + 1) * 50))'
		((i)) || first=$(rss "$monitor")
	done
	last=$(rss "$monitor")
	echo "# anonymous memory after 50: $first kB, after 500: $last kB" >&3
	# What the allocator does by itself.
	((last - first <= 64))
	[ "$(wc -l < "$BATS_TEST_TMPDIR/pfns")" = 500 ]
	diff <(sort "$BATS_TEST_TMPDIR/pfns") <(jq -r "select($failure).pfn" "$printed" | sort)
	prints 500 "$kill"' and .code == "BUS_MCEERR_AO" and .action == "handler"'
	stop
	# Each signal is tied to its page.
	diff <(sort "$BATS_TEST_TMPDIR/pfns") <(jq -r "select($kill and .cause == \"memory-failure\").pfn" "$printed" | sort)
	sums '.failures == 500 and .signals == 500 and .killed == 0 and .lost == 0'
}

@test "the module is unloaded and loaded again meanwhile" {
	start target usemem -m 1 --policy early --handler
	watch
	inject --wait 0 -p "$pid" --vaddr "$(page 1)"
	prints 1 "$failure"
	rmmod hwpoison_inject
	inject --wait 0 -m hard-offline -p "$pid" --vaddr "$(page 2)"
	prints 1 "$failure"' and .method == "hard-offline"'
	modprobe hwpoison-inject
	inject --wait 0 -p "$pid" --vaddr "$(page 3)"
	prints 3 "$failure"
	prints 3 "$kill"' and .action == "handler"'
	stop
	sums '.lost == 0'
	[ ! -s "$words" ]
}

@test "tracefs is unmounted and mounted again meanwhile" {
	start target usemem -m 1 --policy early --handler
	watch
	inject --wait 0 -p "$pid" --vaddr "$(page 1)"
	prints 1 "$failure"
	umount -l $TRACING
	inject --wait 0 -p "$pid" --vaddr "$(page 2)"
	prints 2 "$kill"' and .action == "handler"'
	mount -t tracefs tracefs $TRACING
	inject --wait 0 -p "$pid" --vaddr "$(page 3)"
	prints 3 "$failure"
	prints 3 "$kill"' and .action == "handler" and .cause == "memory-failure"'
	stop
	sums '.lost == 0 and .source == "tracefs"'
	[ ! -s "$words" ]
}

@test "ended while tracefs is not mounted: its instance goes all the same" {
	watch
	umount -l $TRACING
	stop
	mount -t tracefs tracefs $TRACING
	nothing_is_left
}

@test "what is lost is counted, and said" {
	local lost

	start target usemem -m 2
	watch
	echo 4 > "$instances/kpage-$monitor-0/buffer_size_kb"
	# Each CPU has a buffer: this one's is to be too small.
	taskset -p -c 0 $BASHPID
	kill -STOP "$monitor"
	inject --wait 0 -p "$pid" --vaddr "$(first_pages 512)"
	kill -CONT "$monitor"
	eventually grep -q '"record":"lost"' "$printed"
	rest 1
	stop
	lost=$(jq -s 'map(select(.record == "lost").events) | add' "$printed")
	sums ".lost == $lost and .failures + .lost >= 512"
	# What is not lost is right.
	[ "$(jq -r "select($failure).pfn" "$printed" | sort | uniq -d)" = "" ]
}

@test "the trace can't be read: it says so, counts it as lost, and tries again" {
	local fail=$BATS_TEST_TMPDIR/fail

	start target usemem -m 1 --policy early --handler
	watch_by env FAILING_READ="$fail" LD_PRELOAD="$TOP_BUILDDIR/tests/lab/.libs/failing-read.so" mcekill
	inject --wait 0 -p "$pid" --vaddr "$(page 1)"
	prints 1 "$kill"
	: > "$fail"
	eventually grep -q 'Input/output error: it is tried again$' "$words"
	eventually grep -q '"record":"lost".*"events":null' "$printed"
	# Again and again, but not all the time.
	rest 8
	(($(grep -c 'it is tried again$' "$words") <= 4))
	rm "$fail"
	eventually eval '[[ $(tail -n 1 "$words") == "mcekill: tracefs: is followed from here on" ]]'
	rest 1
	inject --wait 0 -p "$pid" --vaddr "$(page 2)"
	prints 2 "$kill"' and .action == "handler"'
	stop
	sums '.lost == null and .failures == 2 and .source == "tracefs"'
}

@test "with no more capabilities than its systemd unit has" {
	local caps

	caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$BATS_TEST_DIRNAME/../../systemd/mcekill-monitor.service.in")
	caps=-all$(tr '[:upper:]' '[:lower:]' <<< " $caps" | sed 's/ cap_/,+/g')
	start target "$odd_target" touch handler
	watch_by setpriv --no-new-privs --bounding-set "$caps" --inh-caps -all mcekill
	inject --wait 0 -p "$pid" --vaddr "$(page 3)"
	pfn=$(jq 'select(.record == "page").pfn' "$report")
	prints 1 "$failure"' and .origin == "ours" and .node == 0'
	kill -USR1 "$pid"
	prints 1 "$kill"' and .cause == "late" and .pfn == '"$pfn"' and .action == "handler"'
	# What it does not need at the moment is not in force.
	eventually grep -qE '^CapEff:[[:space:]]0+$' "/proc/$monitor/status"
	stop
	[ ! -s "$words" ]
}

# Its time in five seconds. What else a busy machine does in them can count as its own.
is_idle() {
	local before after

	before=$(ticks "$monitor")
	rest 5
	after=$(ticks "$monitor")
	echo "# $((after - before)) ticks of $(getconf CLK_TCK) in 5 s" >&3
	((after - before <= $(getconf CLK_TCK) / 20))
}

@test "idle, it takes next to no time" {
	watch
	rest 2
	eventually is_idle
	stop
}

@test "it ends by SIGINT and SIGHUP too, and after --for" {
	# In the background, and by nohup, these are ignored.
	watch_by env --default-signal=INT,HUP mcekill
	stop INT
	watch_by env --default-signal=INT,HUP mcekill
	stop HUP
	run mcekill --monitor --for 1
	[ "$status" = 0 ]
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[0]} == "TIME "*" EVENT "*" WHAT "*BY ]]
	[[ ${lines[1]} == *" end "*"0 failures, 0 signals "*"0 killed, 0 lost" ]]
}

@test "its reader goes: so does it" {
	local begun=$SECONDS

	mcekill --monitor | true
	((SECONDS - begun < 20))
	mcekill --monitor --json > /dev/full 2> "$BATS_TEST_TMPDIR/words" &
	monitor=$!
	eventually has_log "$monitor"
	start target usemem -m 1
	inject --wait 0 -p "$pid" --vaddr "$(page 1)"
	ended "$monitor" 1
	grep -q 'standard output: No space left on device' "$BATS_TEST_TMPDIR/words"
	monitor=
}

@test "the text: one table, with one head" {
	start target usemem -m 1 --policy early --handler
	mcekill --monitor > "$BATS_TEST_TMPDIR/text" 3>&- &
	monitor=$!
	pids+=("$monitor")
	eventually has_log "$monitor"
	inject --wait 0 -p "$pid" --vaddr "$(page 1)"
	wait_for "$BATS_TEST_TMPDIR/text" ' signal '
	inject --wait 0 -p "$pid" --vaddr "$(page 2)"
	wait_for "$BATS_TEST_TMPDIR/text" ' signal ' 2
	kill -TERM "$monitor"
	wait "$monitor"
	monitor=
	[ "$(grep -c '^TIME ' "$BATS_TEST_TMPDIR/text")" = 1 ]
	[ "$(awk '{ print $2 }' "$BATS_TEST_TMPDIR/text" | tr '\n' ' ')" = "EVENT failure signal failure signal end " ]
	grep -qE "^20[-0-9]+T[0-9:.]+Z +failure +0x[0-9a-f]+ +0 +$pid +- +usemem +$(page 1) +dirty LRU page: Recovered +hwpoison-inject, debugfs\$" "$BATS_TEST_TMPDIR/text"
	grep -qE "Z +signal +0x[0-9a-f]+ +- +$pid +$pid +usemem +$(page 1) +BUS_MCEERR_AO, a handler took it +memory failure\$" "$BATS_TEST_TMPDIR/text"
}

# ------------------------------------------------------------------ without the trace

@test "without tracefs: by the log, and says what it can't know; with it, once it comes" {
	start target usemem -m 1 --policy early --handler
	start touches "$odd_target" touch dies
	touches=$pid touches_at=$(page 3)
	pid=${pids[0]} at=$(sed -n '/ at 0x/ { s/.* at \(0x[0-9a-f]*\)-.*/\1/p; q }' "$BATS_TEST_TMPDIR/target.out")
	# In a mount namespace of its own, where it is neither here nor below debugfs.
	watch_by unshare -m sh -c 'umount -l /sys/kernel/debug /sys/kernel/tracing; exec mcekill "$@"' sh
	eventually grep -q "goes by the kernel's log alone" "$words"
	inject --wait 0 -p "$pid" --vaddr "$(page 1)"
	prints 1 "$failure"' and .origin == "ours" and .result == "Recovered"'
	prints 1 "$kill"' and .pid == '"$pid"' and .code == null and .action == null and .cause == "memory-failure" and
		.pfn != null and .address == "'"$(page 1)"'"'
	inject --wait 0 -p "$touches" --vaddr "$touches_at"
	kill -USR1 "$touches"
	gone "$touches"
	prints 1 "$kill"' and .pid == '"$touches"' and .code == "BUS_MCEERR_AR" and .action == null and .cause == "late" and
		.pfn != null'
	nsenter -m -t "$monitor" mount -t tracefs tracefs /sys/kernel/tracing
	eventually grep -q "tracefs: is followed from here on" "$words"
	inject --wait 0 -p "$pid" --vaddr "$(page 2)"
	prints 1 "$kill"' and .code == "BUS_MCEERR_AO" and .action == "handler"'
	stop
	sums '.source == "tracefs" and .killed == null and .failures == 3 and .signals == 3 and .lost == 0'
}
