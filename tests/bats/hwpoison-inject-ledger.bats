#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject on a --sysroot tree: the ledger, and what is missing.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file, $status.
# shellcheck disable=SC2154,SC2030,SC2031
load inject

# ------------------------------------------------------------------- the ledger

@test "--list: the poisoned pages, with what the ledger has of them" {
	machine - hwpoison anon,hwpoison lru huge,head,hwpoison 'huge,tail,hwpoison*3' hwpoison
	mkdir -p "$root/run"
	mkdir -m 700 "$rundir"
	inject --list
	status_is 0
	[ "$(grep -c 'not in the ledger$' "$stdout_file")" = 4 ] || complain
	cat > "$rundir/ledger" <<- END
		{"event":"poison","time":"2026-11-23T10:00:00Z","boot":"$BOOT","pfn":1,"method":"debugfs","pid":7,"comm":"db: writer","address":"0x7f00","kind":"anon","tool":"hwpoison-inject"}
		{"event":"poison","time":"2026-11-23T10:00:01Z","boot":"$BOOT","pfn":2,"method":"debugfs","pid":null,"comm":null,"address":null,"kind":"anon","tool":"hwpoison-inject"}
		{"event":"unpoison","time":"2026-11-23T10:00:02Z","boot":"$BOOT","pfn":2,"tool":"hwpoison-inject"}
		{"event":"poison","time":"2026-11-23T10:00:03Z","boot":"$BOOT","pfn":3,"method":"debugfs","pid":null,"comm":null,"address":null,"kind":"file","tool":"hwpoison-inject"}
		{"event":"poison","time":"2026-11-23T10:00:04Z","boot":"$BOOT","pfn":6,"method":"hard-offline","pid":8,"comm":"vm","address":"0x2000","kind":"hugetlb","tool":"page-types"}
		{"event":"poison","time":"2026-11-22T10:00:00Z","boot":"another","pfn":8,"method":"debugfs","pid":9,"comm":"x","address":null,"kind":"anon","tool":"hwpoison-inject"}
		{"event":"poison","time":"2026-11-23T10:0
	END
	inject --list
	status_is 0
	stderr_is "hwpoison-inject: $RUN/ledger: line 7: broken, passed over"
	stdout_is \
		'PFN         KIND NOW   TIME                  METHOD        OWNER THEN        ADDRESS         BY' \
		'0x1         other      2026-11-23T10:00:00Z  debugfs       db: writer[7]     0x7f00          hwpoison-inject' \
		'0x2         anon       -                     -             -                 -               not in the ledger' \
		'0x4         hugetlb    2026-11-23T10:00:04Z  hard-offline  vm[8]             0x2000          page-types' \
		'0x8         other      -                     -             -                 -               not in the ledger'
	needs_jq
	inject --list --json
	valid
	[ "$(jq -c '[.pfn, .kind, .time, .method, .pid, .comm, .address, .tool]' "$stdout_file" | head -n 2)" = \
		'[1,"other","2026-11-23T10:00:00Z","debugfs",7,"db: writer","0x7f00","hwpoison-inject"]
[2,"anon",null,null,null,null,null,null]' ] || complain
	# It only looks.
	[ "$(wc -l < "$rundir/ledger")" = 7 ]
}

@test "--list without a run directory, and where nothing is poisoned" {
	machine - lru hwpoison
	inject --list
	status_is 0
	stderr_is
	[ "$(grep -c 'not in the ledger$' "$stdout_file")" = 1 ] || complain
	[ ! -e "$root/run" ]
	machine - lru
	inject --list
	status_is 0
	stdout_is 'no page is poisoned'
	inject --list --json
	status_is 0
	stdout_is
}

@test "the next run drops what is of another boot, and what is broken" {
	machine - anon,lru
	mkdir -p "$root/run"
	mkdir -m 700 "$rundir"
	cat > "$rundir/ledger" <<- END
		{"event":"poison","time":"2026-11-22T10:00:00Z","boot":"another","pfn":8,"method":"debugfs","tool":"hwpoison-inject"}
		{"event":"poison","time":"2026-11-23T10:00:00Z","boot":"$BOOT","pfn":9,"method":"debugfs","tool":"hwpoison-inject"}
		half a line
	END
	inject --pfn 1
	status_is 5
	stderr_is "hwpoison-inject: $RUN/ledger: line 3: broken, passed over"
	ledger_is "poison 9 debugfs" "poison 1 debugfs" "unpoison 1 -"
}

@test "--unpoison and --unpoison-all: what is written, and what is said" {
	machine - hwpoison lru huge,head,hwpoison 'huge,tail*3' hwpoison
	# By a tail, of which 6.1 says nothing: the head is what the kernel wants.
	inject --unpoison 2,5
	status_is 5
	stderr_is
	wrote "$hwpoison/unpoison-pfn" 0x3
	stdout_is 'PFN         OUTCOME         WHY' '0x2         not-poisoned    -' '0x3         still-poisoned  -' \
		'0 unpoisoned, 1 still poisoned' 'HardwareCorrupted: 8 kB before, 8 kB after'
	: > "$hwpoison/unpoison-pfn"
	inject --unpoison 2
	status_is 0
	wrote "$hwpoison/unpoison-pfn"
	inject --unpoison-all
	status_is 5
	wrote "$hwpoison/unpoison-pfn" 0x1 0x3 0x7
	: > "$hwpoison/unpoison-pfn"
	inject --unpoison 1+7
	status_is 5
	wrote "$hwpoison/unpoison-pfn" 0x1 0x3 0x7
	inject --unpoison - <<< $'1 7\n'
	status_is 5
	inject --unpoison 77
	status_is 1
	stderr_is 'hwpoison-inject: --unpoison: PFN 0x4d: there is no such page'
	needs_jq
	inject --unpoison-all --json
	valid
	[ "$(jq -c '[.pfn, .outcome]' "$stdout_file" | paste -s -d ' ')" = \
		'[1,"still-poisoned"] [3,"still-poisoned"] [7,"still-poisoned"]' ] || complain
	machine - lru
	inject --unpoison-all
	status_is 0
	stdout_is '0 unpoisoned, 0 still poisoned' 'HardwareCorrupted: 8 kB before, 8 kB after'
}

# ------------------------------------------------------------- what is missing

@test "what is missing: the message says what, and what to try" {
	machine - anon,lru
	mv "$hwpoison" "$BATS_TEST_TMPDIR/hwpoison"
	for end in '--pfn 1' --unpoison-all --filter-show; do
		# shellcheck disable=SC2086 # a list of options
		fails_with 4 "hwpoison-inject: /sys/kernel/debug/hwpoison: not there: the kernel's module hwpoison_inject is missing (try: --load; or --method hard-offline; or in hwpoison-lab)" \
			hwpoison-inject --sysroot "$root" $end
	done
	fails_with 4 'hwpoison-inject: module hwpoison_inject: not loaded, and nothing can be loaded below another root' \
		hwpoison-inject --sysroot "$root" --pfn 1 --load
	: > "$root/proc/mounts"
	fails_with 4 'hwpoison-inject: debugfs: not mounted (try: mount -t debugfs none /sys/kernel/debug; or --method hard-offline)' \
		hwpoison-inject --sysroot "$root" --pfn 1
	# What needs neither goes on.
	inject --list
	status_is 0
	inject --pfn 1 --dry-run
	status_is 0
	make_hwpoison
	rm "$root/proc/sys/kernel/random/boot_id"
	fails_with 4 'hwpoison-inject: /proc/sys/kernel/random/boot_id: the number of this boot is not there' \
		hwpoison-inject --sysroot "$root" --pfn 1
	rm "$root/proc/kpageflags"
	fails_with 4 "hwpoison-inject: /proc/kpageflags: not there (a kernel without CONFIG_PROC_PAGE_MONITOR, or a container's /proc)" \
		hwpoison-inject --sysroot "$root" --pfn 1
	fails_with 1 'hwpoison-inject: --sysroot: /none: No such file or directory' \
		hwpoison-inject --sysroot /none --list
	injected
}

@test "the run directory: somebody else's place, no room, no right" {
	machine - anon,lru
	mkdir -p "$root/run"
	echo x > "$rundir"
	inject --pfn 1
	status_is 1
	stderr_is "hwpoison-inject: $RUN: Not a directory"
	rm "$rundir"
	ln -s "$BATS_TEST_TMPDIR" "$rundir"
	inject --pfn 1
	status_is 1
	injected
	rm "$rundir"
	# A note that is not understood stops everything that would change something.
	mkdir -m 700 "$rundir"
	echo nonsense > "$rundir/filter"
	inject --pfn 1
	status_is 1
	stderr_is "hwpoison-inject: $RUN/filter: not understood: look at the kernel's filter, and clear it"
	injected
	inject --filter-clear
	status_is 0
	inject --pfn 1
	status_is 5
}

@test "without rights: the status says so, and root is what to try" {
	needs_unprivileged hwpoison-inject
	machine - anon,lru
	chmod 600 "$root/proc/kpageflags"
	[ "$(id -u)" -eq 0 ] || chmod 0 "$root/proc/kpageflags"
	fails_with 3 'hwpoison-inject: /proc/kpageflags: Permission denied (try as root)' \
		unprivileged hwpoison-inject --sysroot "$root" --pfn 1
	fails_with 3 'hwpoison-inject: /proc/kpageflags: Permission denied (try as root)' \
		unprivileged hwpoison-inject --sysroot "$root" --list
	injected
}

@test "standard output that is full or closed" {
	[ -w /dev/full ] || skip "no /dev/full here"
	machine - 'anon,lru*4'
	status=0
	hwpoison-inject --sysroot "$root" --pfn 1+3 > /dev/full 2> "$BATS_TEST_TMPDIR/stderr" || status=$?
	stderr_file=$BATS_TEST_TMPDIR/stderr stdout_file=/dev/null
	status_is 5
	stderr_is 'hwpoison-inject: 0 pages were poisoned of 3 chosen: the report could not be written' \
		'hwpoison-inject: standard output: No space left on device'
	injected 0x1 0x2 0x3
	status=0
	hwpoison-inject --sysroot "$root" --pfn 1 --list-targets > /dev/full 2> "$stderr_file" || status=$?
	status_is 1
	stderr_is 'hwpoison-inject: standard output: No space left on device'
}
