#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The example of the kernel's Documentation/mm/hwpoison.rst, word for word, with the
# places that it names. The last of the lab's tests by its name: on 6.1 it takes the
# memory controller away from cgroup v2.
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; run sets stderr

bats_require_minimum_version 1.5.0

load helper


setup() {
	pids=()
	old=$(is_old)
}

teardown() {
	kill_victims
	filter 0 0
	unpoison_all
	remove_files
}

run_example() {
	page-types -p "$(pidof init)" --hwpoison > "$BATS_TEST_TMPDIR/init" 2>&1 && init=0 || init=$?
	page-types -p "$(pidof usemem)" --hwpoison > "$BATS_TEST_TMPDIR/usemem" 2>&1 && victim=0 || victim=$?
	cat "$BATS_TEST_TMPDIR/init" "$BATS_TEST_TMPDIR/usemem"
}

has_all() {
	(($(page-types -c /sys/fs/cgroup/mem/hwpoison | awk '/ total/ {print $2}') >= 25600))
}

start_example() {
	mkdir -p /debug
	mountpoint -q /debug || mount -t debugfs none /debug
	if [ "$old" = yes ]; then
		mount_v1
		tasks=tasks
	else
		# There is no v1 memory hierarchy any more; the names are the same.
		mkdir -p /sys/fs/cgroup/mem
		echo +memory > /sys/fs/cgroup/mem/cgroup.subtree_control
		tasks=cgroup.procs
	fi
	mkdir /sys/fs/cgroup/mem/hwpoison

	usemem -m 100 -s 1000 > "$BATS_TEST_TMPDIR/example.out" 2>&1 3>&- &
	pids+=($!)
	# What it needs itself, its heap and stack, is to be charged outside: it would die of
	# the loss before the rest is poisoned.
	eventually grep -q ready "$BATS_TEST_TMPDIR/example.out"
	jobs -p | tail -n 1 > /sys/fs/cgroup/mem/hwpoison/$tasks

	# shellcheck disable=SC2012 # as the document has it
	memcg_ino=$(ls -id /sys/fs/cgroup/mem/hwpoison | cut -f1 -d' ')
	echo "$memcg_ino" > /debug/hwpoison/corrupt-filter-memcg
	# Until it has taken its memory anew, inside.
	eventually has_all
}

end_example() {
	kill_victims
	echo 0 > /debug/hwpoison/corrupt-filter-enable
	echo 0 > /debug/hwpoison/corrupt-filter-memcg
	unpoison_all
	rmdir /sys/fs/cgroup/mem/hwpoison
	umount /debug
}

@test "the kernel documentation's example, with the filter enabled" {
	local init victim=0

	start_example
	echo 1 > /debug/hwpoison/corrupt-filter-enable
	run_example
	# shall do nothing
	((init == 5))
	grep -qE '^ +[0-9]+  not poisoned: the kernel.s filter rejects them$' "$BATS_TEST_TMPDIR/init"
	run ! grep -qE '^ +[0-9]+  poisoned$' "$BATS_TEST_TMPDIR/init"
	# poison its pages; those of its files belong to whoever read them first
	((victim == 0 || victim == 5))
	(($(awk '$2 == "poisoned" && NF == 2 {print $1}' "$BATS_TEST_TMPDIR/usemem") >= 25600))
	kill -0 1
	end_example
}

@test "the same without corrupt-filter-enable: the kernel does not look at the filter, and is said not to" {
	local init

	start_example
	run_example
	grep -q 'a filter is set, but corrupt-filter-enable is 0' "$BATS_TEST_TMPDIR/init"
	# PID 1 is not for the filter to save here: that takes --force.
	((init == 6))
	grep -q 'belong to PID 1' "$BATS_TEST_TMPDIR/init"
	grep -q 'a filter is set, but corrupt-filter-enable is 0' "$BATS_TEST_TMPDIR/usemem"
	end_example

	# And a process that the filter would have saved is poisoned.
	victim outside -m 1
	filter 12345 0
	poison -p "$pid" -a "$range"
	((status == 0))
	has_line '^ +256  poisoned$'
	[[ $stderr == *"corrupt-filter-enable is 0"* ]]
}
