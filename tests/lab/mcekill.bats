#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mcekill on a real kernel, as root in the lab: what a policy makes of a memory error, who
# of a process is told of it, what a COMMAND's report says of it, and the settings.
# shellcheck disable=SC2016 # $… are jq's variables, and those of shells that are started
# shellcheck disable=SC2030,SC2031,SC2086,SC2154 # each test is a process of its own; bats sets some; $nobody is several words

bats_require_minimum_version 1.5.0

load inject-targets

VM=/proc/sys/vm
policy_target=$TOP_BUILDDIR/tests/lab/policy-target
records=$BATS_TEST_TMPDIR/records
nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'

setup_file() {
	[ -d $HWPOISON ] || modprobe hwpoison-inject
}

setup() {
	pids=()
	poisoned=()
	old=$(is_old)
	echo 0 > "$EARLY_KILL"
	# shellcheck disable=SC2034 # clean_up and others look at them
	report=$records
}

teardown() {
	local pfn

	echo 0 > "$EARLY_KILL"
	echo 1 > $VM/memory_failure_recovery
	[ ! -e $VM/enable_soft_offline ] || echo 1 > $VM/enable_soft_offline
	filter 0 0
	kill_victims
	# One that has ended may be a moment in going.
	for pfn in "${poisoned[@]}"; do
		echo "$pfn" > $HWPOISON/unpoison-pfn || { rest 0.5; echo "$pfn" > $HWPOISON/unpoison-pfn; }
	done
	remove_files
}

# mce ARGUMENT...: a run of mcekill, its output in $records, its messages in $messages.
mce() {
	run_as '' "$@"
}

# mce_as_nobody ARGUMENT...
mce_as_nobody() {
	run_as "$nobody" "$@"
}

run_as() {
	local as=$1

	shift
	status=0
	$as mcekill "$@" > "$records" 2> "$messages" 3>&- || status=$?
}

# It ended so, and with these messages alone.
exits_with() {
	local code=$1 line all='' read_line

	shift
	((status == code)) || { echo "status $status"; cat "$messages"; return 1; }
	for line; do
		all+=mcekill:\ $line$'\n'
	done
	read_line=$(< "$messages")
	[ "${read_line:+$read_line$'\n'}" = "$all" ] || { echo "messages:"; cat "$messages"; return 1; }
}

# hit PAGE: a memory error in that page of the target; sets pfn.
hit() {
	# od(1) would read up to there.
	pfn=$(dd if="/proc/$pid/pagemap" bs=8 skip=$((at / 4096 + $1)) count=1 status=none | od -A n -t u8)
	pfn=$((pfn & ((1 << 55) - 1)))
	((pfn))
	echo $pfn > $HWPOISON/corrupt-pfn
	poisoned+=("$pfn")
}

# told PAGE [TID]: the target's handler got AO for it (in that thread), and soon.
told() {
	wait_for "$out" "SIGBUS BUS_MCEERR_AO address $(page "$1") lsb 12 thread ${2:-$pid}"
}

# not_told PAGE: it did not.
not_told() {
	rest 0.3
	said "address $(page "$1") " 0
}

# tids_of PID: an array of its threads.
tids_of() {
	mapfile -t tids < <(of_threads "$1" comm)
	tids=("${tids[@]%/comm}")
	tids=("${tids[@]##*/}")
}

# foretold TID: mcekill says that the target's thread would be told ("" : none).
foretold() {
	mce --get -p "$pid" --json
	((status == 0))
	[ "$(jq 'select(.on_ao != null).tid' "$records")" = "$1" ] || { cat "$records" "$messages"; return 1; }
}

# ------------------------------------------------------------- what a policy makes of it

# with_policy EARLY-KILL OPTION OUTCOME: as a command's policy; outcome: told, not_told.
with_policy() {
	echo "$1" > "$EARLY_KILL"
	start "target$1$2" mcekill "$2" usemem -m 1 --handler
	hit 3
	"$3" 3
	# Late or not: who touches it is told by force.
	touch_all '255 pages, 1 lost'
	wait_for "$out" "SIGBUS BUS_MCEERR_AR address $(page 3)"
	kill -KILL "$pid"
	wait "$pid" || true
}

@test "a command with each policy: at once, or when it touches the page" {
	with_policy 0 --early told
	with_policy 1 --late not_told
	with_policy 0 --default not_told
	with_policy 1 --default told
	with_policy 0 --clear not_told
	with_policy 1 --clear told
}

@test "a command without a handler: killed at once, or when it touches the page" {
	start early mcekill --early usemem -m 1
	hit 0
	ended "$pid" 135
	start late mcekill --late usemem -m 1
	hit 0
	rest 0.3
	kill -USR1 "$pid"
	ended "$pid" 135
}

@test "a task that runs: each policy, each way to name it" {
	local n=0 way

	start target usemem -m 1 --handler
	hit $((++n))
	not_told $n
	for way in "-p $pid" "-t $pid" "--tree -p $pid" "--all-threads -p $pid"; do
		mce --early $way
		exits_with 0
		hit $((++n))
		told $n
		mce --late $way
		exits_with 0
		hit $((++n))
		not_told $n
	done
	echo 1 > "$EARLY_KILL"
	hit $((++n))
	not_told $n
	mce --default -p "$pid"
	exits_with 0
	hit $((++n))
	told $n
	mce --early -p "$pid"
	mce --clear -p "$pid"
	exits_with 0
	grep -qE "^ *$pid +$pid +usemem +early +default\$" "$records"
	hit $((++n))
	told $n
	echo 0 > "$EARLY_KILL"
	hit $((++n))
	not_told $n
	# What it was told of is gone, the rest is as it was.
	touch_all "$((256 - n)) pages, $n lost, 0 changed"
}

@test "children that are there, and those that come" {
	start target sh -c 'usemem -m 1 --handler & wait'
	wait_for "$out" ready
	[[ $(< "$out") =~ pid\ ([0-9]+) ]]
	mce --early --tree -p "$pid"
	exits_with 0
	pid=${BASH_REMATCH[1]}
	pids+=("$pid")
	hit 1
	told 1
	kill_victims
	# The policy comes along by fork and exec.
	start target mcekill --early sh -c 'sh -c "exec usemem -m 1 --handler" & wait'
	[[ $(< "$out") =~ pid\ ([0-9]+) ]]
	pid=${BASH_REMATCH[1]}
	pids+=("$pid")
	hit 1
	told 1
}

# ---------------------------------------------------------------------- several threads

@test "one of the threads is early: it is told, as --get foretells" {
	start target usemem -m 1 --handler --threads 3
	tids_of "$pid"
	foretold ""
	mce --early -t "${tids[2]}"
	exits_with 0
	foretold "${tids[2]}"
	hit 1
	told 1 "${tids[2]}"
	# Of two, the one that was created first.
	mce --early -t "${tids[1]}"
	foretold "${tids[1]}"
	hit 2
	told 2 "${tids[1]}"
	# Where the system is early, the first that is not late.
	echo 1 > "$EARLY_KILL"
	foretold "$pid"
	hit 3
	told 3 "$pid"
	mce --late -t "$pid"
	foretold "${tids[1]}"
	hit 4
	told 4 "${tids[1]}"
	mce --late -a -p "$pid"
	foretold ""
	hit 5
	not_told 5
}

@test "the thread that is told blocks SIGBUS: it is chosen all the same" {
	start target env --block-signal=BUS mcekill --early usemem -m 1
	mce --get -p "$pid" --json
	jq -e '.sigbus == "default" and .blocked and .on_ao == "pending" and .on_ar == "killed" and
		(.pending | not)' "$records" > /dev/null
	hit 1
	rest 0.3
	mce --get -p "$pid" --json
	jq -e '.blocked and .pending and .on_ao == "pending"' "$records" > /dev/null
	kill -USR1 "$pid"
	ended "$pid" 135
	start target env --ignore-signal=BUS mcekill --early usemem -m 1
	mce --get -p "$pid" --json
	jq -e '.sigbus == "ignored" and .on_ao == "ignored" and .on_ar == "killed"' "$records" > /dev/null
	hit 1
	rest 0.3
	kill -0 "$pid"
	kill -USR1 "$pid"
	ended "$pid" 135
}

@test "the first thread has ended: none of the others is told, early or not" {
	start target "$odd_target" leaderless
	eventually has_state "$pid" Z
	tids_of "$pid"
	mce --early -p "$pid"
	exits_with 1 "--early: thread $pid: it has ended"
	mce --early --all-threads -p "$pid"
	exits_with 0
	grep -qE "^ *$pid +${tids[1]} +odd-target +default +early\$" "$records"
	mce --get -p "$pid" --json
	exits_with 0 "process $pid: its first thread has ended: the kernel tells none of the others early"
	jq -e -n --argjson tid "${tids[1]}" '[inputs] | map(.on_ao) == [null, null] and .[1].tid == $tid and
		.[1].effective == "early" and .[1].on_ar == "handler"' "$records" > /dev/null
	# Its memory can only be seen from a thread that has some.
	first=$pid
	pid=${tids[1]}
	hit 1
	not_told 1
	is_marked "$pfn"
	pid=$first
}

@test "threads that come and go all have it" {
	start target "$policy_target" relay 200
	mce --early --all-threads -p "$pid"
	exits_with 0
	policies "$pid" > "$BATS_TEST_TMPDIR/policies" 2> /dev/null || true
	grep -q ' early$' "$BATS_TEST_TMPDIR/policies"
	[ "$(grep -cv ' early$' "$BATS_TEST_TMPDIR/policies")" = 0 ]
}

# ------------------------------------------------------------------------- without rights

@test "without rights: one's own can be set, others' not, all can be seen" {
	local text rights

	start own $nobody usemem -m 1 --no-pfns --handler
	own=$pid
	mce_as_nobody --early -p "$own"
	exits_with 0
	hit 1
	told 1
	start others mcekill --late usemem -m 1
	text="thread $pid: it may not be traced by this user (try as root; see also kernel.yama.ptrace_scope)"
	mce_as_nobody --early -p "$pid"
	exits_with 3 "--early: $text"
	mce_as_nobody --clear -p "$pid" -a
	exits_with 3 "--clear: $text"
	[ "$(policies "$pid")" = "$pid late" ]
	mce_as_nobody --get -p "$pid" -p "$own" --json
	exits_with 0
	[ "$(jq -r .policy "$records")" = $'late\nearly' ]
	mce_as_nobody --list
	exits_with 0
	grep -qE "^ *$pid +$pid +usemem +late +late +late +own +default +no +no +- +killed\$" "$records"
	grep -qE "^ *$own +$own +usemem +early +late +early +own +caught +no +no +handler +handler\$" "$records"
	# With the right to trace, and the one to read any file, and no other.
	run_as "$nobody --inh-caps +sys_ptrace --ambient-caps +sys_ptrace" --early -p "$pid"
	exits_with 3 "--early: $text"
	rights=+sys_ptrace,+dac_read_search
	run_as "$nobody --inh-caps $rights --ambient-caps $rights" --early -p "$pid"
	exits_with 0
	[ "$(policies "$pid")" = "$pid early" ]
}

@test "a /proc that hides processes: said" {
	local how

	start target mcekill --early usemem -m 1
	hidden() {
		status=0
		unshare --mount sh -c 'option=$1; shift; mount -t proc -o "hidepid=$option" proc /proc; exec "$@"' \
			sh "$@" > "$records" 2> "$messages" 3>&- || status=$?
	}
	for how in 1 2; do
		hidden $how $nobody mcekill --list
		((status == 0))
		[ ! -s "$records" ]
		case $how in
		1) grep -qE "^mcekill: [0-9]+ processes can't be looked at \(try as root\)\$" "$messages" ;;
		2) exits_with 0 "/proc is mounted with hidepid: other users' processes are not seen (try as root)" ;;
		esac
		hidden $how $nobody mcekill --get -p "$pid"
		case $how in
		1) exits_with 3 "process $pid: Operation not permitted (try as root)" ;;
		2) exits_with 1 "process $pid: No such process" ;;
		esac
		# Not from root.
		hidden $how mcekill --list
		exits_with 0
		grep -q " usemem " "$records"
	done
	hidden 2 $nobody mcekill --early sh -c 'exit 4'
	exits_with 4
}

@test "a target that filters its own system calls" {
	start target "$odd_target" seccomp
	mce --early -p "$pid"
	exits_with 0
	[ "$(policies "$pid")" = "$pid early" ]
	hit 1
	wait_for "$out" "SIGBUS BUS_MCEERR_AO address $(page 1)"
	kill "$pid"
	wait_for "$out" 'odd-target: alive'
	# Without CAP_SYS_ADMIN the filter can't be suspended.
	start target $nobody "$odd_target" seccomp
	mce_as_nobody --early -p "$pid"
	exits_with 3 "--early: thread $pid: it filters its own system calls"
	[ "$(policies "$pid")" = "$pid default" ]
	kill -0 "$pid"
}

# --------------------------------------------------------------------------- the settings

# setting NAME: its value, into $value.
setting() {
	read -r value < "$VM/$1"
}

@test "--system: each setting, off and on, with what it was" {
	mce --system
	exits_with 0
	grep -qE '^vm.memory_failure_early_kill +- +0 ' "$records"
	grep -qE '^vm.memory_failure_recovery +- +1 ' "$records"
	mce --system --early-kill on
	exits_with 0
	grep -qE '^vm.memory_failure_early_kill +0 +1 ' "$records"
	setting memory_failure_early_kill
	((value == 1))
	mce --system --early-kill on --json
	exits_with 0
	jq -e -n '[inputs][0] | .name == "vm.memory_failure_early_kill" and .before == 1 and .value == 1' "$records" > /dev/null
	mce --system --early-kill off --recovery off --json
	exits_with 0 'vm.memory_failure_recovery is 0: the next injection panics this machine'
	setting memory_failure_recovery
	((value == 0))
	mce --system --recovery on
	exits_with 0
	grep -qE '^vm.memory_failure_recovery +0 +1 ' "$records"
	setting memory_failure_recovery
	((value == 1))
	setting memory_failure_early_kill
	((value == 0))
}

@test "--system: settings that not every kernel has" {
	local text='--soft-offline: this kernel has no vm.enable_soft_offline (6.11 and later have it)'

	if [ "$old" = yes ]; then
		mce --system --soft-offline off --early-kill on
		exits_with 4 "$text"
		grep -q 0 "$EARLY_KILL"
	else
		mce --system --soft-offline off
		exits_with 0
		grep -qE '^vm.enable_soft_offline +1 +0 ' "$records"
		setting enable_soft_offline
		((value == 0))
		mce --system --soft-offline on
		exits_with 0
		setting enable_soft_offline
		((value == 1))
	fi
	mce --system --panic-on-unrecoverable on
	exits_with 4 '--panic-on-unrecoverable: this kernel has no vm.panic_on_unrecoverable_memory_failure (7.3 and later have it)'
	[ ! -s "$records" ]
}

@test "--system: without rights, and where /proc/sys is read-only" {
	local change='mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; exec "$@"'

	mce_as_nobody --system --early-kill on
	exits_with 3 "--early-kill: $EARLY_KILL: Permission denied (try as root)"
	mce_as_nobody --system
	exits_with 0
	status=0
	unshare --mount sh -c "$change" sh mcekill --system --early-kill on > "$records" 2> "$messages" || status=$?
	exits_with 1 "--early-kill: $EARLY_KILL: Read-only file system"
	[ ! -s "$records" ]
	# The second can't be changed: the first is put back.
	change="mount --bind $VM/memory_failure_recovery $VM/memory_failure_recovery
		mount -o remount,bind,ro $VM/memory_failure_recovery; exec \"\$@\""
	status=0
	unshare --mount sh -c "$change" sh mcekill --system --early-kill on --recovery on > "$records" \
		2> "$messages" || status=$?
	exits_with 1 "--recovery: $VM/memory_failure_recovery: Read-only file system"
	setting memory_failure_early_kill
	((value == 0))
}

@test "--system: a filter that is on is warned of" {
	filter 0 1
	mce --system
	filter 0 0
	exits_with 0 "$HWPOISON/corrupt-filter-enable is 1: the kernel ignores memory errors that the filter rejects, real ones, too (try: hwpoison-inject --filter-show)"
}

# ---------------------------------------------------------------------- a command's report

# start_reported NAME POLICY ARGUMENT...: usemem with a report, which goes to $out as well;
# sets launcher, and pid of usemem.
start_reported() {
	start "$1" ${as:-} mcekill "$2" --report usemem -m 1 "${@:3}"
	launcher=$pid
	[[ $(< "$out") =~ pid\ ([0-9]+) ]]
	pid=${BASH_REMATCH[1]}
	((pid != launcher))
}

@test "--report: killed by a memory error, early and late" {
	start_reported early --early
	hit 3
	ended "$launcher" 135
	said "mcekill: usemem[$pid]: killed by a memory error: BUS_MCEERR_AO at $(page 3), 4096 bytes lost, PFN $(printf 0x%x "$pfn"), in thread $pid"
	start_reported late --late
	hit 7
	rest 0.3
	kill -0 "$pid"
	kill -USR1 "$pid"
	ended "$launcher" 135
	said "mcekill: usemem[$pid]: killed by a memory error: BUS_MCEERR_AR at $(page 7), 4096 bytes lost, PFN $(printf 0x%x "$pfn"), in thread $pid"
}

@test "--report: a handler that survives, and what came of it" {
	start_reported target --early --handler
	hit 1
	told 1
	hit 5
	told 5
	# To mcekill, which passes it on.
	kill -TERM "$launcher"
	ended "$launcher" 143
	said "mcekill: usemem[$pid]: killed by SIGTERM; 2 signals of memory errors, the latest: BUS_MCEERR_AO at $(page 5), 4096 bytes lost, PFN $(printf 0x%x "$pfn")"
	start_reported target --late --handler=exit --threads 2
	hit 200
	kill -USR1 "$pid"
	wait_for "$out" 'exit status'
	grep -qF "exit status $(sed -n 's/.*exit status \([0-9]*\);.*/\1/p' "$out"); 1 signal of memory errors, the latest: BUS_MCEERR_AR at $(page 200), 4096 bytes lost, PFN $(printf 0x%x "$pfn")" "$out"
}

@test "--report: in any thread of it, and no PFN without rights" {
	start_reported target --default --handler --threads 3
	tids_of "$pid"
	# The command's tracer is mcekill, so that no other can set its policy.
	mce --early -t "${tids[2]}"
	exits_with 1 "--early: thread ${tids[2]}: another program traces it"
	echo 1 > "$EARLY_KILL"
	hit 1
	told 1
	kill -KILL "$pid"
	ended "$launcher" 137
	said "mcekill: usemem[$pid]: killed by SIGKILL; 1 signal of memory errors, the latest: BUS_MCEERR_AO at $(page 1), 4096 bytes lost, PFN $(printf 0x%x "$pfn")"
	as=$nobody
	start_reported target --early --no-pfns
	hit 2
	ended "$launcher" 135
	said "mcekill: usemem[$pid]: killed by a memory error: BUS_MCEERR_AO at $(page 2), 4096 bytes lost, in thread $pid"
}
