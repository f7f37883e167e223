#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mcekill --get, --list and --system on --sysroot trees: what is shown of each thread, whom
# the kernel would choose, what is hidden, and the settings. No root needed.

# Set in helper.bash: $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load mcekill

LATE=0x80
EARLY=0x8000080
DEFAULT=0
# What PR_MCE_KILL_CLEAR leaves of an early one.
CLEARED=0x8000000

setup() {
	make_root
	vm=$root/proc/sys/vm
	mkdir -p "$vm"
	echo 0 > "$vm/memory_failure_early_kill"
}

# set_early_kill VALUE
set_early_kill() {
	echo "$1" > "$vm/memory_failure_early_kill"
}

# thread PID TID FLAGS [WHAT...]: a thread of the tree. WHAT: caught, ignored, blocked,
# pending (of SIGBUS), pending-all (of the process), zombie, kernel, name=COMM.
thread() {
	local pid=$1 tid=$2 flags=$3 comm=victim state='S (sleeping)' memory='VmSize:	    4096 kB'
	local caught=0 ignored=0 blocked=0 pending=0 shared=0 what

	shift 3
	for what; do
		case $what in
		caught | ignored | blocked | pending) printf -v "$what" 40 ;;
		pending-all) shared=40 ;;
		zombie) state='Z (zombie)' memory= ;;
		kernel) memory= ;;
		name=*) comm=${what#*=} ;;
		esac
	done
	mkdir -p "$root/proc/$tid" "$root/proc/$pid/task/$tid"
	{
		printf 'Name:\t%s\nState:\t%s\nTgid:\t%d\nPid:\t%d\n' "$comm" "$state" "$pid" "$tid"
		[ -z "$memory" ] || printf '%s\n' "$memory"
		printf 'SigPnd:\t%016d\nShdPnd:\t%016d\nSigBlk:\t%016d\nSigIgn:\t%016d\nSigCgt:\t%016d\n' \
			"$pending" "$shared" "$blocked" "$ignored" "$caught"
	} > "$root/proc/$tid/status"
	printf '%d (%s) S 1 1 1 0 -1 %d 0 0 0 0\n' "$tid" "$comm" $((flags | 0x400000)) > "$root/proc/$tid/stat"
}

# shows ARGUMENT...: mcekill's table of the tree is what stdin says, without a message;
# blanks before, between and behind its columns count as one.
shows() {
	run_split mcekill --sysroot "$root" "$@"
	status_is 0
	stderr_is
	table_is
}

# shows_with MESSAGE ARGUMENT...
shows_with() {
	local message=$1

	shift
	run_split mcekill --sysroot "$root" "$@"
	status_is 0
	stderr_is "$message"
	table_is
}

table_is() {
	diff -u --label expected --label stdout - <(sed -E 's/ +/ /g; s/^ //; s/ $//' "$stdout_file") ||
		complain "not as expected: stdout"
}

HEAD='PID TID COMM POLICY SYSTEM EFFECTIVE WHY SIGBUS BLOCKED PENDING ON-AO ON-AR'

# ------------------------------------------------------------------ what it looks like

@test "the table, as it is printed" {
	thread 17 17 $DEFAULT
	thread 17 18 $EARLY caught
	thread 4711 4711 $LATE 'name=a rather long n'
	prints mcekill --sysroot "$root" --get -p 17,4711 <<- END
		$(printf '%7s  %7s  %-16s  %-7s  %-6s  %-9s  %-6s  %-7s  %-7s  %-7s  %-7s  %s\n' \
			PID TID COMM POLICY SYSTEM EFFECTIVE WHY SIGBUS BLOCKED PENDING ON-AO ON-AR)
		$(printf '%7d  %7d  %-16s  %-7s  %-6s  %-9s  %-6s  %-7s  %-7s  %-7s  %-7s  %s\n' \
			17 17 victim default late late system default no no - killed \
			17 18 victim early late early own caught no no handler handler \
			4711 4711 'a rather long n' late late late own default no no - killed)
	END
}

@test "JSON: a record a thread, with the same" {
	needs_jq
	thread 17 17 $EARLY caught blocked pending
	thread 17 18 $DEFAULT ignored
	prints mcekill --sysroot "$root" --get -p 17 --json <<- 'END'
		{"record":"thread","version":1,"pid":17,"tid":17,"comm":"victim","policy":"early","system":"late","effective":"early","reason":"own","sigbus":"caught","blocked":true,"pending":true,"on_ao":"pending","on_ar":"killed"}
		{"record":"thread","version":1,"pid":17,"tid":18,"comm":"victim","policy":"default","system":"late","effective":"late","reason":"system","sigbus":"ignored","blocked":false,"pending":false,"on_ao":null,"on_ar":"killed"}
	END
	rm "$vm/memory_failure_early_kill"
	run_split mcekill --sysroot "$root" --get -p 17 --json
	status_is 0
	stderr_is "$NO_MEMORY_FAILURE"
	jq -e -n '[inputs] | length == 2 and all(.system == null and .effective == null and
		.reason == null and .on_ao == null and .on_ar == null)' "$stdout_file" > /dev/null || complain
}

# ------------------------------------------------------------------------ each policy

@test "each policy under each system default" {
	thread 11 11 $DEFAULT name=default
	thread 12 12 $LATE name=late
	thread 13 13 $EARLY name=early
	thread 14 14 $CLEARED name=cleared
	shows --get -p 11,12,13,14 <<- END
		$HEAD
		11 11 default default late late system default no no - killed
		12 12 late late late late own default no no - killed
		13 13 early early late early own default no no killed killed
		14 14 cleared default late late system default no no - killed
	END
	set_early_kill 1
	shows -p 11 -p 12 -p 13,14 <<- END
		$HEAD
		11 11 default default early early system default no no killed killed
		12 12 late late early late own default no no - killed
		13 13 early early early early own default no no killed killed
		14 14 cleared default early early system default no no killed killed
	END
}

@test "what SIGBUS does: caught, ignored, blocked, pending" {
	thread 11 11 $EARLY caught
	thread 12 12 $EARLY ignored
	thread 13 13 $EARLY blocked
	thread 14 14 $EARLY caught blocked pending
	thread 15 15 $EARLY ignored blocked
	thread 16 16 $EARLY caught blocked pending-all
	thread 17 17 $LATE caught
	thread 18 18 $LATE ignored
	thread 19 19 $LATE caught blocked
	shows -p 11,12,13,14,15,16,17,18,19 <<- END
		$HEAD
		11 11 victim early late early own caught no no handler handler
		12 12 victim early late early own ignored no no ignored killed
		13 13 victim early late early own default yes no pending killed
		14 14 victim early late early own caught yes yes pending killed
		15 15 victim early late early own ignored yes no pending killed
		16 16 victim early late early own caught yes yes pending killed
		17 17 victim late late late own caught no no - handler
		18 18 victim late late late own ignored no no - killed
		19 19 victim late late late own caught yes no - killed
	END
}

@test "PID 1: the kernel drops what is not forced" {
	thread 1 1 $EARLY name=init
	shows -p 1 <<- END
		$HEAD
		1 1 init early late early own default no no ignored killed
	END
	thread 1 1 $EARLY caught name=init
	shows -p 1 <<- END
		$HEAD
		1 1 init early late early own caught no no handler handler
	END
}

@test "this kernel handles no memory failures: nothing comes of a policy" {
	rm "$vm/memory_failure_early_kill"
	thread 11 11 $EARLY caught
	shows_with "$NO_MEMORY_FAILURE" -p 11 <<- END
		$HEAD
		11 11 victim early - - - caught no no - -
	END
}

@test "a setting that can't be read" {
	thread 11 11 $EARLY
	set_early_kill maybe
	fails_with 1 "mcekill: /proc/sys/vm/memory_failure_early_kill: Structure needs cleaning" \
		mcekill --sysroot "$root" -p 11
	fails_with 1 "mcekill: /proc/sys/vm/memory_failure_early_kill: Structure needs cleaning" \
		mcekill --sysroot "$root" --list
}

# --------------------------------------------------------------------- who is chosen

@test "one thread of a process is told: the first that is early" {
	thread 20 20 $DEFAULT caught
	thread 20 21 $LATE caught
	thread 20 22 $EARLY caught
	thread 20 23 $EARLY caught
	shows -p 20 <<- END
		$HEAD
		20 20 victim default late late system caught no no - handler
		20 21 victim late late late own caught no no - handler
		20 22 victim early late early own caught no no handler handler
		20 23 victim early late early own caught no no - handler
	END
	# Where the system is early, the first that is not late.
	set_early_kill 1
	shows -t 20,22 <<- END
		$HEAD
		20 20 victim default early early system caught no no handler handler
		20 22 victim early early early own caught no no - handler
	END
	thread 20 20 $LATE caught
	shows -p 20 <<- END
		$HEAD
		20 20 victim late early late own caught no no - handler
		20 21 victim late early late own caught no no - handler
		20 22 victim early early early own caught no no handler handler
		20 23 victim early early early own caught no no - handler
	END
}

@test "the one that is told blocks SIGBUS: it waits there" {
	thread 20 20 $EARLY caught blocked
	thread 20 21 $EARLY caught
	shows -p 20 <<- END
		$HEAD
		20 20 victim early late early own caught yes no pending killed
		20 21 victim early late early own caught no no - handler
	END
}

@test "the first thread has ended: nobody is told" {
	thread 20 20 $EARLY zombie
	thread 20 21 $EARLY caught
	shows_with 'mcekill: process 20: its first thread has ended: the kernel tells none of the others early' \
		--get -p 20 <<- END
		$HEAD
		20 20 victim early late early own default no no - -
		20 21 victim early late early own caught no no - handler
	END
}

@test "another thread has ended, and is not waited for" {
	thread 20 20 $DEFAULT
	thread 20 21 $LATE zombie
	shows -p 20 <<- END
		$HEAD
		20 20 victim default late late system default no no - killed
		20 21 victim late late late own default no no - -
	END
}

# ---------------------------------------------------------------------- which tasks

@test "--tid: the threads alone, with what their process makes of them" {
	thread 20 20 $EARLY
	thread 20 21 $EARLY
	thread 30 30 $LATE
	shows --get -t 21 -t 30 <<- END
		$HEAD
		20 21 victim early late early own default no no - killed
		30 30 victim late late late own default no no - killed
	END
	shows -p 20 -t 21 <<- END
		$HEAD
		20 21 victim early late early own default no no - killed
	END
	fails_with 1 'mcekill: thread 21: is one of process 20, which was not named' \
		mcekill --sysroot "$root" -p 30 -t 21
}

@test "a process is named by its first thread" {
	thread 20 20 $EARLY
	thread 20 21 $EARLY
	fails_with 1 'mcekill: 21: a thread of process 20 (try: --tid 21)' mcekill --sysroot "$root" -p 21
	fails_with 1 'mcekill: process 22: No such process' mcekill --sysroot "$root" -p 20,22
}

@test "--tree: all descendants, each once" {
	thread 20 20 $DEFAULT
	thread 21 21 $EARLY
	thread 22 22 $LATE
	thread 23 23 $EARLY
	echo 'PPid:	20' >> "$root/proc/21/status"
	echo 'PPid:	21' >> "$root/proc/22/status"
	echo 'PPid:	1' >> "$root/proc/23/status"
	shows --get --tree -p 20,21 <<- END
		$HEAD
		20 20 victim default late late system default no no - killed
		21 21 victim early late early own default no no killed killed
		22 22 victim late late late own default no no - killed
	END
}

@test "threads of the kernel, and what has ended" {
	local text='has no memory: it has ended, or is a thread of the kernel'

	thread 2 2 $DEFAULT kernel
	thread 20 20 $EARLY zombie
	fails_with 1 "mcekill: process 2: $text" mcekill --sysroot "$root" -p 2
	fails_with 1 "mcekill: thread 2: $text" mcekill --sysroot "$root" -t 2
	fails_with 1 "mcekill: process 20: $text" mcekill --sysroot "$root" -p 20
	shows --list --all < /dev/null
}

@test "a process that ends while it is looked at is left out" {
	thread 20 20 $EARLY
	thread 20 21 $EARLY
	rm -r "$root/proc/21"
	thread 30 30 $EARLY
	rm "$root/proc/30/stat"
	shows --list <<- END
		$HEAD
		20 20 victim early late early own default no no killed killed
	END
}

# ----------------------------------------------------------------------------- --list

@test "--list: who has a policy of his own, or is told early" {
	thread 2 2 $DEFAULT kernel
	thread 11 11 $DEFAULT
	thread 12 12 $CLEARED
	thread 13 13 $EARLY caught
	thread 13 14 $DEFAULT caught
	thread 13 15 $LATE caught
	run_split mcekill --sysroot "$root" --list
	status_is 0
	stderr_is
	table_is <<- END
		$HEAD
		13 13 victim early late early own caught no no handler handler
		13 15 victim late late late own caught no no - handler
	END
	set_early_kill 1
	mcekill --sysroot "$root" -l --json | sed -E 's/.*"tid":([0-9]+).*/\1/' | sort | diff - <(printf '%d\n' 11 12 13 14 15)
	thread 11 11 $LATE
	thread 12 12 $LATE
	mcekill --sysroot "$root" -l --json | sed -E 's/.*"tid":([0-9]+).*/\1/' | sort | diff - <(printf '%d\n' 11 12 13 14 15)
}

@test "--list --all: every thread with memory" {
	thread 2 2 $DEFAULT kernel
	thread 13 13 $DEFAULT
	thread 13 15 $LATE
	shows --list --all <<- END
		$HEAD
		13 13 victim default late late system default no no - killed
		13 15 victim late late late own default no no - killed
	END
}

@test "--list of nobody, and without a kernel that handles memory failures" {
	thread 13 13 $DEFAULT
	shows --list < /dev/null
	rm "$vm/memory_failure_early_kill"
	shows_with "$NO_MEMORY_FAILURE" --list < /dev/null
	thread 14 14 $LATE
	shows_with "$NO_MEMORY_FAILURE" --list <<- END
		$HEAD
		14 14 victim late - - - default no no - -
	END
}

@test "--list: processes that may not be looked at are counted" {
	[ "$(id -u)" -ne 0 ] || needs_unprivileged mcekill
	thread 11 11 $EARLY
	thread 12 12 $EARLY
	thread 13 13 $EARLY
	chmod 0 "$root/proc/12/task"
	run_split unprivileged mcekill --sysroot "$root" --list
	chmod 755 "$root/proc/12/task"
	status_is 0
	stderr_is "mcekill: 1 process can't be looked at (try as root)"
	[ "$(wc -l < "$stdout_file")" = 3 ] || complain
	chmod 0 "$root/proc/12/task" "$root/proc/13/task"
	run_split unprivileged mcekill --sysroot "$root" --list
	chmod 755 "$root/proc/12/task" "$root/proc/13/task"
	status_is 0
	stderr_is "mcekill: 2 processes can't be looked at (try as root)"
	# One that was named is an error.
	chmod 0 "$root/proc/13/task"
	run_split unprivileged mcekill --sysroot "$root" --get -p 13
	chmod 755 "$root/proc/13/task"
	status_is 3
	stderr_is "mcekill: process 13: Permission denied (try as root)"
	stdout_is
}

@test "--list: a /proc that hides processes is told of" {
	local option text="mcekill: /proc is mounted with hidepid: other users' processes are not seen (try as root)"

	[ "$(id -u)" -ne 0 ] || needs_unprivileged mcekill
	for option in hidepid=2 hidepid=invisible hidepid=ptraceable; do
		echo "proc /proc proc rw,nosuid,$option 0 0" > "$root/proc/mounts"
		run_split unprivileged mcekill --sysroot "$root" --list
		status_is 0
		stderr_is "$text"
	done
	for option in rw hidepid=0 hidepid=off; do
		echo "proc /proc proc rw,nosuid,$option 0 0" > "$root/proc/mounts"
		run_split unprivileged mcekill --sysroot "$root" --list
		status_is 0
		stderr_is
	done
	# Another /proc is no matter; what is mounted last counts.
	printf '%s\n' 'proc /proc proc rw,hidepid=2 0 0' 'proc /proc proc rw 0 0' \
		'proc /other/proc proc rw,hidepid=2 0 0' > "$root/proc/mounts"
	run_split unprivileged mcekill --sysroot "$root" --list
	status_is 0
	stderr_is
}

@test "a full disk, a closed pipe, a closed standard output" {
	thread 11 11 $EARLY
	[ -c /dev/full ] || skip "no /dev/full here"
	full() { mcekill --sysroot "$root" "$@" > /dev/full; }
	fails_with 1 'mcekill: standard output: No space left on device' full --get -p 11
	fails_with 1 'mcekill: standard output: No space left on device' full --list --json
	fails_with 1 'mcekill: standard output: No space left on device' full --system
	mcekill --sysroot "$root" --list 2> "$stderr_file" >&- && return 1
	grep -qx 'mcekill: standard output: Bad file descriptor' "$stderr_file"
	# The reader is gone before anything is written.
	status=0
	perl -e 'pipe(my $r, my $w); close $r; open(STDOUT, ">&", $w); exec @ARGV' \
		mcekill --sysroot "$root" --list 2> "$stderr_file" || status=$?
	[[ $status == 1 || $status == 141 ]]
	[ ! -s "$stderr_file" ] || complain
}

# --------------------------------------------------------------------------- --system

SETTINGS_HEAD='SETTING BEFORE VALUE MEANING'
LATE_TEXT='the default is late: signalled when the page is touched'
EARLY_TEXT='the default is early: signalled as soon as the kernel knows'

@test "--system: each value in words" {
	echo 1 > "$vm/memory_failure_recovery"
	echo 1 > "$vm/enable_soft_offline"
	echo 0 > "$vm/panic_on_unrecoverable_memory_failure"
	prints mcekill --sysroot "$root" --system <<- END
		SETTING                                   BEFORE  VALUE  MEANING
		vm.memory_failure_early_kill                   -      0  $LATE_TEXT
		vm.memory_failure_recovery                     -      1  the kernel contains a memory error and goes on
		vm.enable_soft_offline                         -      1  a page can be emptied and taken out of use
		vm.panic_on_unrecoverable_memory_failure       -      0  an error in a page of the kernel itself is ignored: the page stays in use
	END
	set_early_kill 1
	echo 0 > "$vm/enable_soft_offline"
	shows --system <<- END
		$SETTINGS_HEAD
		vm.memory_failure_early_kill - 1 $EARLY_TEXT
		vm.memory_failure_recovery - 1 the kernel contains a memory error and goes on
		vm.enable_soft_offline - 0 no page is taken out of use for its corrected errors, nor by a request
		vm.panic_on_unrecoverable_memory_failure - 0 an error in a page of the kernel itself is ignored: the page stays in use
	END
}

@test "--system: values that panic the machine are warned of" {
	echo 0 > "$vm/memory_failure_recovery"
	echo 1 > "$vm/panic_on_unrecoverable_memory_failure"
	run_split mcekill --sysroot "$root" --system
	status_is 0
	stderr_is 'mcekill: vm.memory_failure_recovery is 0: the next injection panics this machine' \
		'mcekill: vm.panic_on_unrecoverable_memory_failure is 1: the next injection into a page of the kernel panics this machine'
	table_is <<- END
		$SETTINGS_HEAD
		vm.memory_failure_early_kill - 0 $LATE_TEXT
		vm.memory_failure_recovery - 0 every memory error panics the machine
		vm.enable_soft_offline - - not in this kernel (6.11 and later have it)
		vm.panic_on_unrecoverable_memory_failure - 1 an error in a page of the kernel itself panics the machine
	END
	needs_jq
	run_split mcekill --sysroot "$root" --system --json
	status_is 0
	diff - <(jq -r '[.record, .version, .name, .before, .value, .warning] | map(tostring) | join(" ")' "$stdout_file") <<- 'END'
		setting 1 vm.memory_failure_early_kill null 0 null
		setting 1 vm.memory_failure_recovery null 0 the next injection panics this machine
		setting 1 vm.enable_soft_offline null null null
		setting 1 vm.panic_on_unrecoverable_memory_failure null 1 the next injection into a page of the kernel panics this machine
	END
}

@test "--system: nothing of it in this kernel, a value that nobody knows, one that is none" {
	rm "$vm/memory_failure_early_kill"
	shows --system <<- END
		$SETTINGS_HEAD
		vm.memory_failure_early_kill - - not in this kernel (those with CONFIG_MEMORY_FAILURE have it)
		vm.memory_failure_recovery - - not in this kernel (those with CONFIG_MEMORY_FAILURE have it)
		vm.enable_soft_offline - - not in this kernel (6.11 and later have it)
		vm.panic_on_unrecoverable_memory_failure - - not in this kernel (7.3 and later have it)
	END
	set_early_kill 7
	run_split mcekill --sysroot "$root" --system
	status_is 0
	grep -qE '^vm.memory_failure_early_kill +- +7  -$' "$stdout_file" || complain
	set_early_kill -1
	fails_with 1 'mcekill: /proc/sys/vm/memory_failure_early_kill: Structure needs cleaning' \
		mcekill --sysroot "$root" --system
}

@test "--system: a filter that swallows memory errors is warned of" {
	make_hwpoison
	run_split mcekill --sysroot "$root" --system
	status_is 0
	stderr_is
	set_filter enable 1
	run_split mcekill --sysroot "$root" --system
	status_is 0
	stderr_is 'mcekill: /sys/kernel/debug/hwpoison/corrupt-filter-enable is 1: the kernel ignores memory errors that the filter rejects, real ones, too (try: hwpoison-inject --filter-show)'
}
