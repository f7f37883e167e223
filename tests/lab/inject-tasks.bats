#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What hwpoison-inject says of tasks, on a real kernel, as root in the lab: who was
# signalled, how, and what became of it; its COMMAND; its verdicts.
# shellcheck disable=SC2016,SC2034,SC2030,SC2031,SC2154 # $… are jq's variables; bats sets others

bats_require_minimum_version 1.5.0

load inject-targets

CGROUPS=/sys/fs/cgroup

setup() {
	pids=()
	old=$(is_old)
	echo 0 > "$EARLY_KILL"
}

teardown() {
	local name

	echo 0 > "$EARLY_KILL"
	clean_up
	for name in early dies late; do
		[ ! -d $CGROUPS/inject-$name ] || eventually rmdir $CGROUPS/inject-$name
	done
}

# ------------------------------------------------------------------ who is told

@test "early: AO at once, to each page's address, and the handler lives" {
	start target usemem -m 1 --policy early --handler
	inject -p "$pid" --vaddr "$(page 3)"
	ended_with 0
	is_valid
	shows '($tasks | length) == 1 and ($tasks[0] | .pid == $pid and .tid == $pid and
		.comm == "usemem" and .cgroup == "'"$(sed -n 's/^0:://p' "/proc/$pid/cgroup")"'" and
		.signal == "SIGBUS" and .code == "BUS_MCEERR_AO" and .address == at(3) and .lsb == 12 and
		.lsb_source == "page-size" and .sent == 1 and .merged == 0 and .ignored == 0 and
		.action == "handler" and .state == "survived" and .exit_status == null and
		.signal_number == null) and $totals.tasks_signalled == 1 and $totals.tasks_killed == 0'
	said "SIGBUS BUS_MCEERR_AO address $(page 3) lsb 12 thread $pid page 3"
	# Each signal that was sent was taken, or has met one that waited.
	inject -p "$pid" --vaddr "$(first_pages 3)"
	ended_with 0
	shows '$tasks[0] | .sent + .merged == 3 and .address == at(0) and .state == "survived"'
	said SIGBUS $(($(jq 'select(.record == "task").sent' "$report") + 1))
}

@test "early, without a handler: killed" {
	start target usemem -m 1 --policy early
	inject -p "$pid" --vaddr "$(page 3)"
	ended_with 0
	shows '($tasks | length) == 1 and ($tasks[0] | .code == "BUS_MCEERR_AO" and .action == "default" and
		.state == "killed" and .signal_number == 7 and .exit_status == null and
		.address == at(3)) and $totals.tasks_killed == 1'
	ended "$pid" 135
}

@test "the default policy is what the sysctl says" {
	start target usemem -m 1 --handler
	inject --wait 0 -p "$pid" --vaddr "$(page 1)"
	shows '($tasks | length) == 1 and ($tasks[0] | .signal == null and .code == null and
		.state == "untouched" and .address == at(1))'
	said SIGBUS 0
	echo 1 > "$EARLY_KILL"
	inject -p "$pid" --vaddr "$(page 2)"
	shows '($tasks | length) == 1 and ($tasks[0] | .code == "BUS_MCEERR_AO" and
		.state == "survived" and .address == at(2))'
	said "SIGBUS BUS_MCEERR_AO address $(page 2)"
	# Its own policy goes before it.
	inject --wait 0 --late -p "$pid" --vaddr "$(page 3)"
	shows '$tasks[0] | .signal == null and .state == "untouched"'
	said SIGBUS 1
}

@test "ignored: said so, and lives until it touches the page" {
	start target env --ignore-signal=BUS usemem -m 1 --policy early
	inject -p "$pid" --vaddr "$(first_pages 2)"
	ended_with 0
	shows '($tasks | length) == 1 and ($tasks[0] | .code == "BUS_MCEERR_AO" and .sent == 0 and
		.ignored == 2 and .action == null and .state == "ignored" and .address == at(0))'
	kill -USR1 "$pid"
	ended "$pid" 135
}

@test "blocked: pending, with what came after it merged, until it touches the page" {
	start target env --block-signal=BUS usemem -m 1 --policy early
	inject -p "$pid" --vaddr "$(first_pages 3)"
	ended_with 0
	shows '($tasks | length) == 1 and ($tasks[0] | .code == "BUS_MCEERR_AO" and .sent == 1 and
		.merged == 2 and .action == null and .state == "pending" and .address == at(0))'
	kill -USR1 "$pid"
	ended "$pid" 135
}

@test "of several threads the one with the early policy is told" {
	local thread

	start target usemem -m 1 --handler-thread --threads 3
	thread=$(policies "$pid" | sed -n 's/ early//p')
	inject -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	shows '($tasks | length) == 1 and ($tasks[0] | .pid == $pid and .tid == '"$thread"' and
		.comm == "usemem" and .code == "BUS_MCEERR_AO" and .address == at(1) and .lsb == 12 and
		.action == "handler" and .state == "survived")'
	said "SIGBUS BUS_MCEERR_AO address $(page 1) lsb 12 thread $thread page 1"
	[ "$thread" != "$pid" ]
}

@test "of several threads with the sysctl's policy the first is told" {
	start target usemem -m 1 --handler --threads 3
	echo 1 > "$EARLY_KILL"
	inject -p "$pid" --vaddr "$(page 200)"
	ended_with 0
	shows '($tasks | length) == 1 and ($tasks[0] | .tid == $pid and .code == "BUS_MCEERR_AO")'
	said "SIGBUS BUS_MCEERR_AO address $(page 200) lsb 12 thread $pid page 200"
}

# ------------------------------------------------------------- shared by several

# Three processes with the same pages, each in a cgroup of its own: $pid handles early,
# $dies dies of it early, $waits is late. Sets dies_at and waits_at, too.
start_three() {
	local ready=3 line name

	start target "$odd_target" "$@"
	while read -r line; do
		[[ $line =~ pid\ ([0-9]+)\ at\ 0x(1[12]0000000000)- ]] || continue
		case ${BASH_REMATCH[2]} in
		11*) dies=${BASH_REMATCH[1]} ;;
		12*) waits=${BASH_REMATCH[1]} ;;
		esac
	done < "$out"
	for name in "early $pid" "dies $dies" "late $waits"; do
		mkdir -p "$CGROUPS/inject-${name% *}"
		echo "${name#* }" > "$CGROUPS/inject-${name% *}/cgroup.procs"
	done
}

# Each of them in the report, whoever was chosen.
has_all_three() {
	shows '($pages | length) == 1 and $pages[0].owners == 3 and $pages[0].outcome == "poisoned" and
		($tasks | length) == 3 and
		(INDEX($tasks[]; .pid | tostring) |
		(."'"$pid"'" | .code == "BUS_MCEERR_AO" and .address == "0x100000002000" and .lsb == 12 and
			.state == "survived" and .cgroup == "/inject-early") and
		(."'"$dies"'" | .code == "BUS_MCEERR_AO" and .address == "0x110000002000" and .lsb == 12 and
			.state == "killed" and .signal_number == 7 and .cgroup == "/inject-dies") and
		(."'"$waits"'" | .signal == null and .address == "0x120000002000" and
			.state == "untouched" and .cgroup == "/inject-late")) and
		$totals.tasks_signalled == 2 and $totals.tasks_killed == 1'
	said "SIGBUS BUS_MCEERR_AO address 0x100000002000 lsb 12 thread $pid"
}

@test "shared memory: all who have the page are reported, where they have it" {
	local dies waits

	start_three share
	inject -p "$pid" --vaddr "$(page 2)"
	ended_with 0
	is_valid
	has_all_three
}

@test "a process that has mapped the file, and not the page, is told by the kernel all the same" {
	local dies waits

	start_three share untouched
	inject -p "$pid" --vaddr "$(page 2)"
	ended_with 0
	# Where it would have the page is known to the kernel alone.
	shows '$pages[0].owners == 1 and ($tasks | length) == 2 and ($tasks[0] | .pid == $pid and
		.address == at(2) and .state == "survived") and ($tasks[1] | .pid == '"$dies"' and
		.comm == "odd-target" and .code == "BUS_MCEERR_AO" and .address == null and .state == "killed")'
}

@test "after fork(2), chosen by the one that waits" {
	local dies waits

	start_three fork
	inject -p "$waits" --vaddr 0x120000002000
	ended_with 0
	has_all_three
	# The question is about the one that was chosen.
	inject --expect survived -p "$waits" --vaddr 0x120000003000
	ended_with 0
}

@test "by the number of the page: the same, and --expect is about all of them" {
	local dies waits pfn

	start_three share
	pfn=$(hwpoison-inject --list-targets --json -p "$waits" --vaddr 0x120000002000 | jq .pfn)
	# Two of them live.
	inject --pfn "$pfn" --expect killed
	ended_with 5
	has_all_three
}

# ---------------------------------------------------------- in the course of a run

@test "a target that exits in the middle: exited, and the rest is not tried" {
	start target usemem -m 4 --policy early --handler=exit
	inject -p "$pid" --vaddr "$(first_pages 1024)"
	ended_with 5
	shows '$totals.pages == 1024 and $totals.outcomes.poisoned >= 1 and $totals.outcomes."not-tried" >= 1 and
		($tasks | length) == 1 and ($tasks[0] | .code == "BUS_MCEERR_AO" and .action == "handler" and
		.address == at(0) and .state == "exited" and .signal_number == null) and
		$totals.tasks_killed == 0'
	ended "$pid" 10
}

@test "a target that touches its memory dies within --wait, which ends early" {
	local start=$EPOCHSECONDS

	start target usemem -m 1 --policy late --touch --interval 0.2
	inject --wait 100 --expect killed -p "$pid" --vaddr "$(page 4)"
	ended_with 0
	shows '($tasks | length) == 1 and ($tasks[0] | .code == "BUS_MCEERR_AR" and .address == touched(at(4)) and
		.lsb == touched(12) and .action == "default" and .state == "killed" and .signal_number == 7)'
	((EPOCHSECONDS - start < 60))
	ended "$pid" 135
}

@test "a thread that is not the first dies of it: its process is killed, and that is the target" {
	start target usemem -m 1 --policy late --touch --interval 0.2 --threads 4
	inject --wait 100 --expect killed -p "$pid" --vaddr "$(page 200)"
	ended_with 0
	shows '($tasks | length) == 1 and ($tasks[0] | .pid == $pid and .tid != $pid and
		.code == "BUS_MCEERR_AR" and .action == "default" and .state == "killed")'
	ended "$pid" 135
}

# touches_earlier HOW EXPECTED PAGE: while tasks are waited for, one of them touches a page that
# an earlier run has poisoned; this one's are from PAGE on to page 5.
touches_earlier() {
	local pfn

	logs_touches || skip "only x86's log tells which page was touched"
	start target "$odd_target" touch "$1"
	inject --wait 0 -p "$pid" --vaddr "$(page 3)"
	ended_with 0
	pfn=$(target_pfn 5)
	inject_in_background --wait 100 --expect "$2" -p "$pid" --vaddr "$(page "$3")-$(page 6)"
	eventually is_marked "$pfn"
	kill -USR1 "$pid"
	wait_for "$messages" "^hwpoison-inject: odd-target\\[$pid\\]: touched a poisoned page at $(printf 0x%x $((at + 3 * 4096 + 8))) that is not one of this run"
}

@test "a touch of what an earlier run has poisoned is not this run's: who survives it" {
	touches_earlier handler handled 5
	said "SIGBUS BUS_MCEERR_AR"
	kill -TERM "$run"
	ended "$run" 143
	is_valid
	shows '($tasks | length) == 1 and ($tasks[0] | .code == null and .state == "untouched") and
		$totals.tasks_signalled == 0 and ($totals.verdict.met | not)'
	kill -0 "$pid"
}

@test "a touch of what an earlier run has poisoned is not this run's: who dies of it" {
	touches_earlier dies killed 3
	ended "$run" 5
	is_valid
	shows '($tasks | length) == 1 and ($tasks[0] | .code == null and .state == "exited") and
		$totals.tasks_killed == 0 and ($totals.verdict.met | not)'
	ended "$pid" 135
}

@test "a stranger that UFFDIO_POISON hits meanwhile is not reported" {
	local stranger

	[ "$old" = no ] || skip "6.1 has no UFFDIO_POISON"
	start stranger "$odd_target" uffd-poison handler
	stranger=$pid stranger_out=$out
	start target usemem -m 1 --policy late
	inject_in_background --wait 100 -p "$pid" --vaddr "$(page 1)"
	eventually is_marked "$(pfn_of 1)"
	kill -USR1 "$stranger"
	wait_for "$stranger_out" "SIGBUS BUS_MCEERR_AR"
	kill -TERM "$run"
	ended "$run" 143
	is_valid
	shows '($tasks | length) == 1 and $tasks[0].pid == $pid and $totals.tasks_signalled == 0'
	says "odd-target[$stranger]: touched a poisoned page at"
}

@test "a child that is forked later has the page, too, and dies of it" {
	local before

	before=$(corrupted)
	start target "$odd_target" touch child
	inject_in_background --wait 100 -p "$pid" --vaddr "$(page 3)"
	# Then the kernel has unmapped it; it is marked before.
	eventually has_lost 0 "$before"
	kill -USR1 "$pid"
	wait_for "$out" "child [0-9]* ended with status 0x(8)?7"
	kill -TERM "$run"
	ended "$run" 143
	is_valid
	shows '($tasks | length) == 2 and any($tasks[]; .pid == $pid and .state == "untouched") and
		any($tasks[]; .pid != $pid and .code == "BUS_MCEERR_AR" and .state == "killed" and
			.address == touched('"\"$(printf 0x%x $((at + 3 * 4096 + 8)))\""'))'
	kill -0 "$pid"
}

@test "with a handler it survives that, and --wait ends early, too" {
	local start=$EPOCHSECONDS

	start target usemem -m 1 --policy late --handler --touch=write --interval 0.2
	inject --wait 100 --expect handled -p "$pid" --vaddr "$(page 4)"
	ended_with 0
	shows '($tasks | length) == 1 and ($tasks[0] | .code == "BUS_MCEERR_AR" and .address == touched(at(4)) and
		.sent == 1 and .action == "handler" and .state == "survived")'
	said "SIGBUS BUS_MCEERR_AR address $(page 4) lsb 12 thread $pid page 4"
	((EPOCHSECONDS - start < 60))
}

@test "--wait: as long as it says for one that does nothing, and no longer than that one lives" {
	local start

	start target usemem -m 1 --policy late
	start=$EPOCHREALTIME
	inject --wait 2.5 -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	(($(elapsed_ms "$start") >= 2500))
	shows '$tasks[0].state == "untouched"'

	inject_in_background --wait 100 -p "$pid" --vaddr "$(page 2)"
	eventually is_marked "$(pfn_of 2)"
	kill -KILL "$pid"
	ended "$run" 0
	shows '($tasks | length) == 1 and ($tasks[0] | .signal == null and .state == "exited") and
		$totals.tasks_killed == 0'
}

elapsed_ms() {
	echo $(((${EPOCHREALTIME/./} - ${1/./}) / 1000))
}

# ------------------------------------------------------------------- COMMAND

# The options of a run with one page of usemem's memory.
one_page=(--vma "/memfd:usemem (deleted)" --count 1)
memfd=(usemem -m 1 --kind memfd)

# Takes the lines of the COMMAND out of the report, to $said_by_command, and its pid and
# the address of its first page from it.
find_command() {
	said_by_command=$BATS_TEST_TMPDIR/command
	grep -v '^{' "$report" > "$said_by_command" || true
	grep '^{' "$report" > "$report.json" || true
	mv "$report.json" "$report"
	read -r pid at < <(jq -rs 'map(select(.record == "page"))[0] | "\(.pid) \(.address)"' "$report")
}

inject_command() {
	inject "$@"
	find_command
}

@test "COMMAND: injected into when its memory is there, whole; its end is in the report" {
	inject_command --vma "/memfd:usemem (deleted)" --early -- \
		sh -c 'sleep 1; exec usemem -m 1 --kind memfd --handler=exit'
	# Of its first page; the others are not tried. Its own status is not the run's.
	ended_with 5
	shows '$totals.pages == 256 and ($tasks | length) == 1 and ($tasks[0] | .comm == "usemem" and
		.code == "BUS_MCEERR_AO" and .state == "exited" and .exit_status == 10 and
		.signal_number == null)'
}

@test "COMMAND gets the policy by itself: early, late, or what it inherits" {
	# In its own hands, before its memory is there: nothing is done to it by ptrace.
	inject_command "${one_page[@]}" --early --expect killed -- "${memfd[@]}"
	ended_with 0
	is_valid
	shows '$tasks[0] | .code == "BUS_MCEERR_AO" and .state == "killed" and .signal_number == 7 and
		.exit_status == null'
	echo 1 > "$EARLY_KILL"
	inject_command "${one_page[@]}" --late --wait 0 --expect survived -- "${memfd[@]}"
	ended_with 0
	shows '$tasks[0] | .signal == null and .state == "untouched"'
	# It may be gone before the kernel is done with its page, which fails then.
	inject_command "${one_page[@]}" --expect handled -- "${memfd[@]}" --handler=exit
	ended_with 0
	shows '$tasks[0] | .code == "BUS_MCEERR_AO" and .exit_status == 10'
	# None of them outlives its run.
	run ! pidof usemem
}

@test "COMMAND, --consume: it need not touch its memory by itself" {
	inject_command "${one_page[@]}" --consume --late --expect handled -- "${memfd[@]}" --handler=exit
	ended_with 0
	shows '$tasks[0] | .code == "BUS_MCEERR_AR" and .exit_status == 11 and .state == "exited" and
		.address == at(0)'
	grep -q "SIGBUS BUS_MCEERR_AR address $at lsb 12 thread $pid" "$said_by_command"
}

@test "--after: not before that time" {
	local start=$EPOCHREALTIME

	inject_command "${one_page[@]}" --after 6 --wait 0 -- "${memfd[@]}"
	ended_with 0
	(($(elapsed_ms "$start") >= 6000))
	shows '$pages[0].outcome == "poisoned" and $tasks[0].comm == "usemem"'
	# Too soon: there is nothing of it yet.
	inject "${one_page[@]}" --after 0 --wait 0 -- sleep 1000
	ended_with 1
	says "no page is chosen"
}

@test "--ready-fd: when it is written to, or closed" {
	local how

	for how in "echo >&9" "exec 9>&-"; do
		rm -f "$BATS_TEST_TMPDIR/reached"
		# Its stack is there from the first moment.
		inject_command --vma stack --count 1 --late --ready-fd 9 --wait 0 -- \
			bash -c "sleep 1.5; : > $BATS_TEST_TMPDIR/reached; $how; kill -STOP \$\$"
		ended_with 0
		[ -e "$BATS_TEST_TMPDIR/reached" ]
		shows '$pages[0].outcome == "poisoned" and $tasks[0].comm == "bash"'
	done
}

@test "a COMMAND that has become another user is ended all the same" {
	inject --wait 0 --ready-fd 9 --vma heap --count 1 --late -- setpriv --reuid=65534 --clear-groups \
		bash -c 'echo $$ > /tmp/inject-tasks.pid; echo >&9; while :; do sleep 1; done'
	ended_with 0
	run ! kill -0 "$(< /tmp/inject-tasks.pid)"
	rm /tmp/inject-tasks.pid
}

@test "a COMMAND that does not exist, or may not be run: status 1, and nothing else" {
	local before

	before=$(corrupted)
	inject "${one_page[@]}" -- "$BATS_TEST_TMPDIR/nothing"
	ended_with 1
	says "$BATS_TEST_TMPDIR/nothing: No such file or directory"
	: > "$BATS_TEST_TMPDIR/file"
	inject "${one_page[@]}" -- "$BATS_TEST_TMPDIR/file"
	ended_with 1
	says "$BATS_TEST_TMPDIR/file: Permission denied"
	[ ! -s "$report" ]
	(($(corrupted) == before))
}

@test "a COMMAND that ends too soon: status 1, however it is waited for" {
	local option

	for option in --json --after=100 --ready-fd=5; do
		inject "${one_page[@]}" $option -- true
		ended_with 1
		says "true: ended before anything was injected"
		[ ! -s "$report" ]
	done
}

@test "COMMAND has the standard streams" {
	# Stopped, it stays as it is until it is killed.
	inject_command --vma stack --count 1 --late --ready-fd 9 --wait 0 -- \
		bash -c 'read -r line; echo "out: $line"; echo "err: $line" >&2; echo >&9; kill -STOP $$' \
		<<< "from stdin"
	ended_with 0
	[ "$(< "$said_by_command")" = "out: from stdin" ]
	says "err: from stdin"
	shows '$pages[0].outcome == "poisoned"'
}

no_usemem() {
	! pidof usemem
}

@test "^C: both end, the report says interrupted, and nothing is left" {
	local before

	before=$(corrupted)
	# As a shell starts it in the foreground: a group of its own, SIGINT not ignored.
	setsid env --default-signal=INT hwpoison-inject --json "${one_page[@]}" --late -- \
		"${memfd[@]}" > "$report" 2> "$messages" 3>&- < /dev/null &
	run=$!
	pids+=("$run")
	eventually eval '(($(corrupted) != before))'
	kill -INT -- "-$run"
	ended "$run" 130
	eventually no_usemem
	find_command
	# It may need a moment to obey, which the report does not wait for.
	shows '$totals.interrupted and $pages[0].outcome == "poisoned" and ($tasks | length) == 1 and
		($tasks[0] | .signal == null and (.state == "untouched" or
		(.state == "exited" and .signal_number == 2)))'
	is_valid
}

# ------------------------------------------------------------------ --expect

# expects STATUS VERDICT ARG…: the run ends so, and the report says the same.
expects() {
	local met=false

	inject --expect "$2" -p "$pid" "${@:3}"
	ended_with "$1"
	(($1 != 0)) || met=true
	grep -qF "\"verdict\":{\"expected\":\"$2\",\"met\":$met}" "$report"
}

@test "--expect of a target that handles: handled, survived, poisoned; not killed, not none" {
	start target usemem -m 1 --policy early --handler
	expects 0 handled --vaddr "$(page 0)"
	expects 0 survived --vaddr "$(page 1)"
	expects 0 poisoned --vaddr "$(first_pages 3)"
	is_valid
	expects 5 killed --vaddr "$(page 3)"
	expects 5 none --vaddr "$(page 4)"
	# The kernel rejects them.
	expects 0 none --vaddr "$(page 5)" --flags huge
	shows '$totals.outcomes == {"filtered": 1}'
	expects 5 poisoned --vaddr "$(page 5)" --flags huge
	# Nobody touches it.
	expects 5 handled --late --wait 0 --vaddr "$(page 6)"
	expects 0 survived --late --wait 0 --vaddr "$(page 7)"
}

@test "--expect of a target that dies: killed, poisoned; not survived, not handled" {
	local verdict

	for verdict in "0 killed" "0 poisoned" "5 survived" "5 handled"; do
		start target usemem -m 1 --policy early
		expects "${verdict% *}" "${verdict#* }" --vaddr "$(page 1)"
		ended "$pid" 135
	done
}

@test "--expect survived is not met by any other signal either; killed only by SIGBUS" {
	local before

	start target usemem -m 1 --policy late
	inject_in_background --expect killed --wait 100 -p "$pid" --vaddr "$(page 2)"
	eventually is_marked "$(pfn_of 2)"
	kill -KILL "$pid"
	ended "$run" 5
	# Of a COMMAND it is known what ended it.
	before=$(corrupted)
	inject_command "${one_page[@]}" --late --expect survived -- \
		sh -c "(while grep -q '^HardwareCorrupted: *$before kB' /proc/meminfo; do sleep 0.1; done
			kill -KILL \$\$) & exec ${memfd[*]}"
	ended_with 5
	shows '$tasks[0] | .state == "exited" and .signal_number == 9 and .signal == null'
}
