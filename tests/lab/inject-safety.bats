#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject, as root in the lab: what it refuses, what it leaves untouched when
# something is missing or full, and the ledger and the way back.
# With --force the kernel's own pages could be poisoned for good, and the vdso would
# take the machine with it: that is done to pages that can be lost only.

# Bats runs each test in a subshell, helpers set variables, and jq has some of its own.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

bats_require_minimum_version 1.5.0

load helper
load inject

setup() {
	pids=()
	# Other files' ledger is not this one's.
	rm -rf "$RUN_DIRECTORY"
	read_corrupted
	before=$corrupt
}

teardown() {
	kill_victims
	! mountpoint -q "$RUN_DIRECTORY" || umount "$RUN_DIRECTORY"
	rm -rf /dev/shm/inject-safety
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
	mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing
	[ -d "$HWPOISON" ] || modprobe hwpoison-inject
	unpoison_all
	rm -rf "$RUN_DIRECTORY"
	remove_files
}

# Nothing was poisoned, noted or changed.
nothing_happened() {
	read_corrupted
	((corrupt == before)) || complain "HardwareCorrupted: $before before, $corrupt now"
	[ ! -s "$RUN_DIRECTORY"/ledger ] || complain "in the ledger: $(< "$RUN_DIRECTORY"/ledger)"
	[[ ! -e $RUN_DIRECTORY/filter && ! -e $RUN_DIRECTORY/policy ]] || complain "a note was left"
}

# refuses REASON OPTION…: status 6, that reason, no record, and nothing has happened.
refuses() {
	local reason=$1

	shift
	inject "$@"
	{ ends_with 6 && warns "refused: $reason"; } || { echo "^^^ $*"; return 1; }
	[ ! -s "$records" ] || complain "no record was expected"
	nothing_happened
}

# Sets left, how many pages are poisoned that nobody could unpoison: an earlier file's,
# or what the kernel holds; and undone, the status of --unpoison-all that leaves them.
look_for_left() {
	local -a lines

	mapfile -t lines < <(hwpoison-inject --list --json 3>&-)
	left=${#lines[@]}
	undone=$((left ? 5 : 0))
}

# without_rights COMMAND…
without_rights() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# ------------------------------------------------------------- what is refused

@test "pages of the kernel, by flag and by number" {
	local text force=" (--force does it all the same)"

	refuses "it is the kernel's: slab$force" -b slab --count 1
	refuses "it is the kernel's: a page table$force" -b pgtable --count 1
	refuses "it is the kernel's: reserved$force" -b reserved -a 1, --count 1
	refuses "it is the zero page, which everybody has$force" -b zero_page
	# The kernel's own program.
	text=$(awk '/Kernel code/ {sub(/-.*/, "", $1); print "0x" $1}' /proc/iomem)
	refuses "it is the kernel's: reserved$force" --phys "$text"
	refuses "it is the kernel's: reserved$force" --phys "$text" -m hard-offline
	# One page of many is enough.
	victim late -m 1
	refuses "it is the kernel's: reserved$force" --pfn "$(($(pfn_of "$address"))),$((text / 4096))"
}

# The PFN at an address of the victim.
pfn_of() {
	local -a found

	pfns_of found -p "$pid" --vaddr "$1"
	echo "${found[0]}"
}

@test "PFN 0, which hidden PFNs read as, by no means" {
	local way

	for way in "--pfn 0" "--phys 0xfff" "-a 0" "--pfn 0 -m hard-offline" "--pfn 0 -m soft-offline"; do
		# shellcheck disable=SC2086 # a list of options
		refuses "it is PFN 0, which is what hidden PFNs read as" $way
		# shellcheck disable=SC2086
		refuses "it is PFN 0, which is what hidden PFNs read as" $way --force
	done
	victim late -m 1
	refuses "it is PFN 0" --pfn "$(pfn_of "$address"),0" --force
}

@test "PID 1, the shell that it is started from, the tool itself" {
	local -a pfn

	refuses "it belongs to PID 1 (--force does it all the same)" -p 1
	pfns_of pfn -p 1 -b anonymous --count 1
	refuses "it belongs to PID 1" --pfn "${pfn[0]}"
	refuses "it belongs to the shell, or what else hwpoison-inject was started from" -p $$ -b anonymous --count 1
	pfns_of pfn -p $$ -b anonymous --count 1
	refuses "it belongs to the shell, or what else" --pfn "${pfn[0]}"
	refuses "it belongs to the shell, or what else" -p $$ --tree -b anonymous --max 100000
	# Its process number is that of the shell that it takes the place of.
	status=0
	sh -c 'exec hwpoison-inject -p $$ --vma stack' > "$records" 2> "$messages" 3>&- || status=$?
	ends_with 6
	warns "it belongs to hwpoison-inject itself"
	nothing_happened
	# A clean page of a file is read again, and nobody's loss; so is one that moves.
	inject -p $$ --vma 'file:*/libc.so.6' -b lru,~dirty --count 1
	ends_with 0
	yields "poisoned clean LRU page" 'of("page") | .outcome, .type'
	inject -p $$ --vma heap -b anonymous --count 1 -m soft-offline
	ends_with 0
	outcomes migrated
}

@test "--force: what is refused otherwise" {
	# A shell that can be lost: of what it starts, it is the ancestor.
	records=$BATS_TEST_TMPDIR/records messages=$BATS_TEST_TMPDIR/messages status=0
	bash -c 'hwpoison-inject --json --wait 0 -p $$ --vma heap -b anonymous --random --count 1 > "$1" 2> "$2"
		echo $? > "$3"' bash "$records" "$messages" "$BATS_TEST_TMPDIR/status" 3>&-
	read -r status < "$BATS_TEST_TMPDIR/status"
	ends_with 6
	nothing_happened
	bash -c 'hwpoison-inject --json --wait 0 -p $$ --vma heap -b anonymous --random --count 1 --force > "$1" 2> "$2"
		kill -KILL $$' bash "$records" "$messages" 3>&- || true
	status=0
	silent
	outcomes poisoned
}

@test "more pages than --max allows, also by force; without it, some are too many" {
	victim late -m 12
	refuses "more than 10 pages are chosen (--max allows more, --count takes fewer)" -p "$pid" -a "$range" --max 10
	refuses "more than 10 pages are chosen" -p "$pid" -a "$range" --max 10 --force
	# A hundredth of the machine's memory.
	refuses "more than $(($(getconf _PHYS_PAGES) / 100)) pages are chosen" -p "$pid" -a "$range"
	refuses "more than" -b anonymous
	inject -p "$pid" -a "$range" --count 10 --max 10
	ends_with 0
	yields '{"poisoned":10}' 'of("totals").outcomes | tojson'
	# By force alone there is no limit; nothing of it is touched.
	inject -p "$pid" -a "$range" --force --dry-run
	ends_with 0
	(($(grep -c '"record":"target"' "$records") == 3072))
}

@test "a process's vdso is left alone, and the rest of it is not" {
	# It sleeps, and needs none of its pages until it is killed.
	sleep 1000 3>&- &
	pid=$!
	pids+=("$pid")
	eventually grep -q sleep "/proc/$pid/comm"
	eventually grep -q '^State:.S' "/proc/$pid/status"
	# Not what it shares with all the others: that would be read again for minutes.
	inject -p "$pid" --vma '[vdso],[vvar],anon'
	ends_with 0
	silent
	yields "vdso it is the vdso: every program that is started from then on dies" \
		'[of("page") | select(.outcome == "refused" and (.name | startswith("[vdso")))][0] | .kind, .error'
	yields "poisoned" '[of("page") | select(.kind == "anon") | .outcome] | unique[]'
	# A poisoned vdso would kill every program that is started from now on.
	/bin/true
	inject -p "$pid" --vma '[vdso]' --dry-run
	ends_with 0
	yields true '[of("target").objection] | all(startswith("it is the vdso"))'
	yields "every program that is started from then on dies" '[of("target").forecast.risk] | unique[]'
}

# ------------------------------------------------------------------- --dry-run

@test "--dry-run changes nothing" {
	victim late -m 1
	echo 32 > "$HWPOISON/corrupt-filter-flags-mask"
	inject -p "$pid" -a "$range" --count 20 --dry-run --flags anonymous --early --consume
	ends_with 0
	yields "20 dirty LRU page Recovered" \
		'[of("target")] | length, (map(.forecast.type) | unique[]), (map(.forecast.result) | unique[])'
	nothing_happened
	[ ! -e "$RUN_DIRECTORY" ]
	read_number "$HWPOISON/corrupt-filter-flags-mask"
	((number == 32))
	echo 0 > "$HWPOISON/corrupt-filter-flags-mask"
	read_number "$HWPOISON/corrupt-filter-enable"
	((number == 0))
	# Its policy is what it was: the ninth field, PF_MCE_PROCESS and PF_MCE_EARLY.
	(($(cut -d ' ' -f 9 "/proc/$pid/stat") & 0x08000080)) && return 1
	inject -p "$pid" -a "$range" -b hwpoison --list-targets
	ends_with 1
	# What would be refused is shown, and refused.
	inject -b slab --count 1 --dry-run
	ends_with 6
	yields "slab it is the kernel's: slab" 'of("target") | .kind, .objection'
	nothing_happened
	inject_text -p "$pid" -a "$range" --count 1 --dry-run
	grep -qE '^PFN +ADDRESS +OWNER +KIND +OWNERS +KERNEL +RESULT +AT ONCE +ON ACCESS +RISK$' "$records"
	grep -qE "^0x[0-9a-f]+ +$address +usemem\[$pid\] +anon +1 +dirty LRU page +Recovered +BUS_MCEERR_AO to early processes +BUS_MCEERR_AR " "$records"
}

# ---------------------------------------------------------- what is missing here

@test "an unprivileged caller is told so, whatever he asks for" {
	local options

	victim late -m 1
	for options in "-p $pid" "--pfn 1000 --dry-run" "--list" "--unpoison-all" "--filter-show" "--filter-clear" \
		"-m auto -p $pid"; do
		records=$BATS_TEST_TMPDIR/records messages=$BATS_TEST_TMPDIR/messages status=0
		# shellcheck disable=SC2086 # a list of options
		without_rights hwpoison-inject $options > "$records" 2> "$messages" 3>&- || status=$?
		ends_with 3 || { echo "^^^ $options"; return 1; }
		warns "Permission denied (try as root)"
		[ ! -s "$records" ]
	done
	nothing_happened
	[ ! -e "$RUN_DIRECTORY" ]
	# Root of a container: no CAP_SYS_ADMIN.
	status=0
	setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
		hwpoison-inject -p "$pid" -a "$range" > "$records" 2> "$messages" 3>&- || status=$?
	ends_with 3
	warns "--pid: $pid: the kernel hides PFNs from this caller: it needs CAP_SYS_ADMIN"
	nothing_happened
	status=0
	setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
		hwpoison-inject --pfn "$(pfn_of "$address")" > "$records" 2> "$messages" 3>&- || status=$?
	ends_with 3
	warns "it needs CAP_SYS_ADMIN"
	read_corrupted
	((corrupt == before))
}

@test "without the module: what to do about it; --load does, and says so" {
	look_for_left
	victim late -m 1
	modprobe -r hwpoison-inject
	for options in "-p $pid" "--unpoison-all" "--filter-show"; do
		# shellcheck disable=SC2086 # a list of options
		inject $options
		ends_with 4
		warns "the kernel's module hwpoison_inject is missing (try: --load; or --method hard-offline; or in hwpoison-lab)"
	done
	nothing_happened
	# What needs no module goes on without it.
	inject --list
	ends_with 0
	inject -p "$pid" -a "$range" --count 1 -m auto
	ends_with 0
	yields "hard-offline poisoned null" '(of("run").method), (of("page").outcome), (of("run").module_loaded)'
	inject -p "$pid" -a "$range" --count 2 --load
	ends_with 0
	outcomes "already poisoned"
	yields "debugfs hwpoison_inject" 'of("run") | .method, .module_loaded'
	grep -q '^hwpoison_inject ' /proc/modules
	# It is there now, and stays.
	inject -p "$pid" -a "$range" --count 3 --load
	yields null 'of("run").module_loaded'
	modprobe -r hwpoison-inject
	inject_text --unpoison-all --load
	ends_with $undone
	grep -qx "3 unpoisoned, $left still poisoned" "$records"
}

@test "without debugfs: what to do about it; hard-offline goes on, and auto takes it" {
	victim late -m 1
	umount /sys/kernel/debug/tracing 2> /dev/null || true
	umount /sys/kernel/debug
	inject -p "$pid" -a "$range" --count 1
	ends_with 4
	warns "debugfs: not mounted (try: mount -t debugfs none /sys/kernel/debug; or --method hard-offline)"
	nothing_happened
	inject -p "$pid" -a "$range" --count 1 -m hard-offline
	ends_with 0
	outcomes poisoned
	inject_text -p "$pid" -a "$range" --count 2 -m auto
	ends_with 0
	grep -qE '^6[^ ]* +hard-offline ' "$records"
	inject -p "$pid" --flags anonymous -m hard-offline
	ends_with 4
	warns "the kernel's filter is not there"
}

@test "without tracefs: the kernel's log is read, and that is said" {
	victim early -m 1 --policy early --handler
	umount /sys/kernel/tracing
	umount /sys/kernel/debug/tracing 2> /dev/null || true
	# Looked for below debugfs, it comes back.
	mount -t tmpfs -o size=4k none /sys/kernel/debug/tracing
	inject -p "$pid" -a "$range" --count 2
	umount /sys/kernel/debug/tracing
	mount -t tracefs none /sys/kernel/tracing
	ends_with 0
	warns "the kernel's events can't be had from tracefs: its log is read instead"
	yields "dirty LRU page Recovered dirty LRU page Recovered" 'of("page") | .type, .result'
	yields "SIGBUS null survived" 'of("task") | .signal, .code, .state'
}

# ----------------------------------------------------------- what is full or closed

@test "no room for the ledger: nothing is poisoned" {
	victim late -m 1
	mkdir -p "$RUN_DIRECTORY"
	# The lock takes the one page.
	mount -t tmpfs -o size=4k,mode=700 none "$RUN_DIRECTORY"
	inject -p "$pid" -a "$range" --count 3
	ends_with 1
	warns "$RUN_DIRECTORY/ledger: No space left on device: what can't be recorded is not poisoned"
	yields '{"not-tried":3}' 'of("totals").outcomes | tojson'
	nothing_happened
	# Neither is the filter changed: what it was could not be noted.
	inject -p "$pid" -a "$range" --count 3 --flags anonymous
	ends_with 1
	warns "$RUN_DIRECTORY/filter: No space left on device"
	[ ! -s "$records" ]
	nothing_happened
	read_number "$HWPOISON/corrupt-filter-enable"
	((number == 0))
}

@test "the ledger's room ends in the midst: what is poisoned is in it, the rest is not" {
	local poisoned

	victim late -m 1
	mkdir -p "$RUN_DIRECTORY"
	mount -t tmpfs -o size=8k,mode=700 none "$RUN_DIRECTORY"
	inject -p "$pid" -a "$range"
	ends_with 1
	warns "No space left on device: what can't be recorded is not poisoned"
	read_corrupted
	poisoned=$(((corrupt - before) / 4))
	((poisoned > 0 && poisoned < 256))
	yields "{\"poisoned\":$poisoned,\"not-tried\":$((256 - poisoned))}" 'of("totals").outcomes | tojson'
	inject --list
	ends_with 0
	silent
	yields "$poisoned hwpoison-inject" '[of("poisoned") | select(.tool)] | length, (map(.tool) | unique[])'
}

@test "somebody else's run directory is not trusted" {
	victim late -m 1
	mkdir -p "$RUN_DIRECTORY"
	chown 65534 "$RUN_DIRECTORY"
	inject -p "$pid" -a "$range" --count 1
	ends_with 3
	warns "$RUN_DIRECTORY: Operation not permitted"
	nothing_happened
}

@test "standard output full or closed: said, or not; what was done is in the ledger" {
	victim late -m 1
	records=$BATS_TEST_TMPDIR/records messages=$BATS_TEST_TMPDIR/messages status=0
	: > "$records"
	hwpoison-inject --json --wait 0 -p "$pid" -a "$range" --count 20 > /dev/full 2> "$messages" 3>&- || status=$?
	ends_with 1
	warns "20 pages were poisoned of 20 chosen: the report could not be written"
	warns "standard output: No space left on device"
	status=0
	hwpoison-inject --json --wait 0 -p "$pid" -a "$range" --count 25 2> "$messages" 3>&- | true
	status=${PIPESTATUS[0]}
	ends_with 1
	warns "5 pages were poisoned of 25 chosen"
	run ! grep -q "standard output" "$messages"
	status=0
	hwpoison-inject --json -p "$pid" --list-targets 2> "$messages" 3>&- | true
	status=${PIPESTATUS[0]}
	ends_with 1
	silent
	inject --list
	yields 25 '[of("poisoned") | select(.tool == "hwpoison-inject")] | length'
}

# ----------------------------------------------------------- ledger and way back

@test "--list: who did it, how and to whom; who is not in the ledger" {
	local -a pfn

	look_for_left
	inject_text --list
	ends_with 0
	((left)) || [ "$(< "$records")" = "no page is poisoned" ]
	victim late -m 1
	pfns_of pfn -p "$pid" -a "$range" --count 5
	inject -p "$pid" --pfn "${pfn[0]}"
	ends_with 0
	inject -m hard-offline --pfn "${pfn[1]}"
	ends_with 0
	page-types -N -X -p "$pid" -a "$((address / 4096 + 2))" > /dev/null
	echo "${pfn[3]}" > "$HWPOISON/corrupt-pfn"
	inject -m soft-offline -p "$pid" --pfn "${pfn[4]}"
	ends_with 0
	inject --list
	ends_with 0
	yields "$pid usemem $address debugfs hwpoison-inject" \
		"of(\"poisoned\") | select(.pfn == ${pfn[0]}) | .pid, .comm, .address, .method, .tool"
	# Chosen by its number: whose it was is known nevertheless.
	yields "$pid $(printf '0x%x' $((address + 4096))) hard-offline hwpoison-inject" \
		"of(\"poisoned\") | select(.pfn == ${pfn[1]}) | .pid, .address, .method, .tool"
	yields "$pid debugfs page-types" "of(\"poisoned\") | select(.pfn == ${pfn[2]}) | .pid, .method, .tool"
	yields "null null null null" "of(\"poisoned\") | select(.pfn == ${pfn[3]}) | .pid, .method, .time, .tool"
	yields "soft-offline" "of(\"poisoned\") | select(.pfn == ${pfn[4]}) | .method"
	yields "$((left + 5))" '[of("poisoned")] | length'
	inject_text --list
	grep -qE "^$(printf '0x%x' "${pfn[3]}") .* not in the ledger$" "$records"
	grep -qE "^$(printf '0x%x' "${pfn[2]}") .* usemem\[$pid\] .* page-types$" "$records"

	# The way back, of each.
	inject --unpoison "${pfn[0]},${pfn[3]}" --unpoison "$(printf '0x%x' "${pfn[2]}")"
	ends_with 0
	yields "${pfn[0]} ${pfn[3]} ${pfn[2]} unpoisoned" '[of("unpoison")] | (.[].pfn), (map(.outcome) | unique[])'
	inject --unpoison-all
	ends_with $undone
	yields 2 '[of("unpoison") | select(.outcome == "unpoisoned")] | length'
	read_corrupted
	((corrupt == before))
	# Poisoned by somebody else after that, it is not ours any more.
	kill_victims
	inject --list
	yields "" 'of("poisoned").tool | values'
	victim late -m 1
	pfns_of pfn -p "$pid" -a "$range" --count 1
	inject --pfn "${pfn[0]}"
	inject --unpoison "${pfn[0]}"
	echo "${pfn[0]}" > "$HWPOISON/corrupt-pfn"
	inject --list
	yields "null" "of(\"poisoned\") | select(.pfn == ${pfn[0]}) | .tool"
}

@test "the ledger after a crash: a line without a poisoned page, and half a line" {
	local boot
	local -a pfn

	victim late -m 1
	pfns_of pfn -p "$pid" -a "$range" --count 2
	inject --pfn "${pfn[0]}"
	read -r boot < /proc/sys/kernel/random/boot_id
	{
		echo "{\"event\":\"poison\",\"time\":\"2026-01-01T00:00:00Z\",\"boot\":\"$boot\",\"pfn\":${pfn[1]},\"method\":\"debugfs\",\"tool\":\"x\"}"
		printf '{"event":"poison","bo'
	} >> "$RUN_DIRECTORY"/ledger
	inject --list
	ends_with 0
	warns "$RUN_DIRECTORY/ledger: line 3: broken, passed over"
	yields "${pfn[0]}" 'of("poisoned") | select(.tool).pfn'
	# The next run mends it.
	inject --pfn "${pfn[1]}"
	ends_with 0
	inject --list
	silent
	yields "hwpoison-inject hwpoison-inject" 'of("poisoned").tool | values'
}

@test "--unpoison of what is not poisoned, of what is not there, of what can't be" {
	local file=/dev/shm/inject-safety/file hit huge this

	look_for_left
	mkdir /dev/shm/inject-safety
	inject --unpoison 1000+2
	ends_with 0
	yields "1000 not-poisoned 1001 not-poisoned" 'of("unpoison") | .pfn, .outcome'
	inject --unpoison 0x7fffffff
	ends_with 1
	warns "--unpoison: PFN 0x7fffffff: there is no such page"
	inject --unpoison 0
	((status == 0 || status == 1)) || complain "PFN 0"
	# In the file the page stays poisoned, whoever has it mapped.
	head -c 16384 /dev/urandom > $file
	inject -f $file -a 1
	ends_with 0
	this=$(jq 'select(.record == "page").pfn' "$records")
	inject --unpoison-all
	ends_with 5
	yields "still-poisoned 16 it is still part of a file on tmpfs, or of shared memory: remove or truncate that first" \
		"of(\"unpoison\") | select(.pfn == $this) | .outcome, .errno, .error"
	inject_text --unpoison-all
	ends_with 5
	grep -qx "0 unpoisoned, $((left + 1)) still poisoned" "$records"
	rm $file
	inject --unpoison-all
	ends_with $undone
	yields unpoisoned "of(\"unpoison\") | select(.pfn == $this) | .outcome"
	# A hugetlb page by one of its tails, when it is in no use any more.
	huge=$(< /proc/sys/vm/nr_hugepages)
	victim huge -m 2 --kind hugetlb
	inject -p "$pid" -a "$((address / 4096 + 5))"
	ends_with 0
	outcomes poisoned
	hit=$(jq 'select(.record == "page").pfn' "$records")
	inject --list
	yields "$pid $(printf '0x%x' $((address + 5 * 4096)))" 'of("poisoned") | select(.tool) | .pid, .address'
	kill_victims
	inject --unpoison "$hit"
	ends_with 0
	yields unpoisoned 'of("unpoison").outcome'
	echo "$huge" > /proc/sys/vm/nr_hugepages
	read_corrupted
	((corrupt == before))
}

@test "all records match their schemas" {
	records_are_valid
}
