#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mce-inject: usage, what is read and printed, what is refused, and the files that are
# written, below a --sysroot. No root.

# Set in helper.bash: $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

setup() {
	top=$BATS_TEST_DIRNAME/../..
	root=$BATS_TEST_TMPDIR/root
	mce=$root/sys/kernel/debug/mce-inject
	mkdir -p "$mce" "$root/sys/kernel/debug/mce" "$root/proc/sys/kernel/random" "$root/run"
	for file in cpu status misc addr synd ipid bank; do
		echo 7 > "$mce/$file"
	done
	echo th > "$mce/flags"
	: > "$root/proc/kpageflags"
	echo 0 > "$root/sys/kernel/debug/mce/fake_panic"
	echo 0b6f3c1e-58f0-4a5c-9a50-3c1d2e4f5a6b > "$root/proc/sys/kernel/random/boot_id"
	cpus GenuineIntel hypervisor
}

# cpus VENDOR FLAGS: two of them.
cpus() {
	for n in 0 1; do
		printf 'processor\t: %s\nvendor_id\t: %s\nflags\t\t: fpu %s mce\n\n' "$n" "$1" "$2"
	done > "$root/proc/cpuinfo"
}

inject() {
	run_split mce-inject --sysroot "$root" "$@"
}

stderr_matches() {
	grep -qE -e "$1" "$stderr_file" || complain "expected on stderr: $1"
}

stdout_matches() {
	grep -qE -e "$1" "$stdout_file" || complain "expected on stdout: $1"
}

@test "usage: what does not go together" {
	local line

	while read -r line; do
		# shellcheck disable=SC2086 # words
		inject $line < /dev/null
		status_is 2
		stdout_is
		stderr_matches "^mce-inject: "
		stderr_matches "^Try 'mce-inject --help'.$"
	done <<- 'END'
		--decode --dry-run
		--decode --load
		--json --dry-run
		--dry-run --wait 1
		--decode --via machine
		--via mcelog --type hw
		--via machine --load
		--via machine --fake-panic
		--via nowhere
		--via machine --type hw
		--via machine --load
		--via machine --fake-panic
		--vendor amd
		--vendor via --decode
		--type xx
		--srao
		--srao --srar --phys 0x1000000
		--srao --pfn 1 --phys 0x1000000
		--srao --pid 1
		--srao --vaddr 0x1000
		--srao --pfn 0x1000 file
		--pfn 0x1000
		--cpu 1
		--bank 256 --fatal
		--wait x
		--nonsense
	END
}

@test "decode: what a kernel has logged" {
	run_split mce-inject --decode --sysroot "$root" <<- 'END'
		[   12.3] mce: [Hardware Error]: CPU 1: Machine Check Exception: 5 Bank 9: bd000000000000c0
		[   12.3] mce: [Hardware Error]: TSC 0 ADDR 3fdbd000 MISC 8c
		[   12.3] mce: [Hardware Error]: PROCESSOR 0:50657 TIME 1764370000 SOCKET 0 APIC 1 microcode 0
	END
	status_is 0
	stderr_is
	stdout_is "machine check" \
		"  source          <stdin>" \
		"  line            1" \
		"  cpu             1" \
		"  bank            9" \
		"  status          0xbd000000000000c0" \
		"  status_bits     VAL UC EN MISCV ADDRV S" \
		"  code            0xc0" \
		"  code_text       memory controller, scrub, channel 0" \
		"  model_code      0x0" \
		"  corrected_count 0" \
		"  mcgstatus       0x5" \
		"  mcgstatus_bits  MCIP RIPV" \
		"  addr            0x3fdbd000" \
		"  misc            0x8c" \
		"  address_mode    physical" \
		"  lsb             12" \
		"  tsc             0x0" \
		"  time            1764370000" \
		"  socketid        0" \
		"  apicid          1" \
		"  vendor          intel" \
		"  cpuid           0x50657" \
		"  microcode       0x0" \
		"  class           srao" \
		"  action          memory-failure" \
		"  because         action optional, of a page"
}

@test "decode: JSON as its schema says, by the rules of the record, the option, the machine" {
	local vendor

	command -v jq > /dev/null || skip "needs jq"
	printf '%s\n' 'CPU 0 STATUS val uc en poison' 'CPU 0 STATUS val PROCESSOR 2:1 IPID 0x9600050f00 HOLD' \
		> "$BATS_TEST_TMPDIR/records"
	inject --decode --json "$BATS_TEST_TMPDIR/records"
	status_is 0
	"$top/tests/check-json" < "$stdout_file"
	[ "$(jq -c '[.vendor, .class, .ipid_hardware, .way]' "$stdout_file")" = \
		'["intel","ucna",null,null]
["amd","corrected","0x96","HOLD"]' ]
	inject --decode --json --vendor amd "$BATS_TEST_TMPDIR/records"
	[ "$(jq -r 'select(.line == 1) | .status_bits | join(" ")' "$stdout_file")" = "VAL UC EN POISON" ]
	cpus AuthenticAMD succor
	inject --decode --json "$BATS_TEST_TMPDIR/records"
	vendor=$(jq -r 'select(.line == 1) | .vendor' "$stdout_file")
	[ "$vendor" = amd ]
}

@test "decode: bits without a name, and AMD's parts of registers" {
	inject --decode <<< 'CPU 0 STATUS 0xa000001f00000005 MCGSTATUS 0x3f'
	status_is 0
	stdout_matches '^  status_bits     VAL UC 0x1f00000000$'
	stdout_matches '^  mcgstatus_bits  LMCES MCIP EIPV RIPV 0x30$'
	inject --decode --vendor amd <<< 'CPU 0 STATUS 0x9d000005060b0000 ADDR 0xc000000001234040 IPID 0x1095006300f0'
	status_is 0
	stdout_matches '^  status_bits     VAL EN MISCV ADDRV COREIDV 0x6000000$'
	stdout_matches '^  core            5$'
	stdout_matches '^  ipid_hardware   0x95$'
	stdout_matches '^  ipid_instance   0x1006300f0$'
	run ! grep -q '^  lsb ' "$stdout_file"
	inject --decode --vendor amd <<< 'CPU 0 STATUS 0x9d00000000000000 ADDR 0x0600000001234040'
	stdout_matches '^  lsb             6$'
}

@test "an error in one text stops everything" {
	printf 'CPU 0 STATUS corrected\n' > "$BATS_TEST_TMPDIR/good"
	printf 'CPU 0 STATUS corrected\n  ADDR xyz\n' > "$BATS_TEST_TMPDIR/bad"
	inject "$BATS_TEST_TMPDIR/good" "$BATS_TEST_TMPDIR/bad"
	status_is 1
	stdout_is
	stderr_is "mce-inject: $BATS_TEST_TMPDIR/bad:2:8: expected a number"
	[ "$(cat "$mce/bank")" = 7 ]
	inject "$BATS_TEST_TMPDIR/nowhere"
	status_is 1
	inject - < /dev/null
	status_is 1
	stderr_is "mce-inject: <stdin>: no record"
}

@test "lines of a log that are of no record are counted" {
	run_split mce-inject --decode --sysroot "$root" <<- 'END'
		[    1.0] usb 1-1: new device
		[    2.0] mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 1: 8000000000000000
		[    2.0] mce: [Hardware Error]: Machine check events logged
	END
	status_is 0
	stderr_is "mce-inject: <stdin>:1: 2 lines are of no record: passed over"
}

@test "dry run: the writes, in order; nothing is written" {
	inject --srao --pfn 0x1000 --cpu 1 --dry-run --fake-panic
	status_is 0
	[ "$(sed -n '/^would/p' "$stdout_file")" = "would write 1 to /sys/kernel/debug/mce/fake_panic
would write sw to /sys/kernel/debug/mce-inject/flags
would write 1 to /sys/kernel/debug/mce-inject/cpu
would write 0xbd000000000000c0 to /sys/kernel/debug/mce-inject/status
would write 0x8c to /sys/kernel/debug/mce-inject/misc
would write 0x1000000 to /sys/kernel/debug/mce-inject/addr
would write 0x0 to /sys/kernel/debug/mce-inject/synd
would write 9 to /sys/kernel/debug/mce-inject/bank" ]
	stderr_is
	[ "$(cat "$mce/flags" "$mce/status")" = "th
7" ]
	inject --dry-run <<< "CPU 0 BANK 9 STATUS corrected MCGSTATUS 0"
	stderr_is "mce-inject: debugfs has no file for these, they are left out: MCGSTATUS"
}

@test "dry run: what comes of it by this route" {
	inject --srao --pfn 0x1000 --dry-run
	stdout_matches '^  action          logged$'
	stdout_matches '^  because         handed to the log$'
	inject --srao --pfn 0x1000 --dry-run --via machine
	stdout_matches '^  action          memory-failure$'
	inject --srao --pfn 0x1000 --dry-run --type hw --force
	stdout_matches '^  action          panic$'
}

@test "the files are written, and the type is put back" {
	inject --corrected --phys 0x1234000 --wait 0
	status_is 0
	[ "$(cat "$mce"/{flags,cpu,status,misc,addr,synd,ipid,bank})" = "th
0
0x9c00000000000091
0x8c
0x1234000
0x0
7
9" ]
	[ "$(cat "$root/sys/kernel/debug/mce/fake_panic")" = 0 ]
	stderr_matches 'soft-offlines the page at its second corrected error$'
	[ ! -e "$root/run/hwpoison-tools/mce-inject" ]
}

@test "debugfs that is mounted elsewhere" {
	local files=$root/mnt/debug/mce-inject

	mkdir -p "$root/mnt"
	mv "$root/sys/kernel/debug" "$root/mnt/debug"
	echo "none /mnt/debug debugfs rw 0 0" > "$root/proc/mounts"
	inject --corrected --wait 0 --fake-panic
	status_is 0
	[ "$(cat "$files"/{flags,status,bank})" = "th
0x9000000000000091
9" ]
	[ "$(cat "$root/mnt/debug/mce/fake_panic")" = 0 ]
	inject --corrected --dry-run
	stdout_matches '^would write sw to /mnt/debug/mce-inject/flags$'
}

@test "what a run that was killed has left is put back first" {
	mkdir -m 0700 "$root/run/hwpoison-tools"
	inject --corrected --wait 0
	status_is 0
	echo hw > "$mce/flags"
	echo 1 > "$root/sys/kernel/debug/mce/fake_panic"
	printf 'df 0' > "$root/run/hwpoison-tools/mce-inject"
	inject --corrected --wait 0
	status_is 0
	[ "$(cat "$mce/flags" "$root/sys/kernel/debug/mce/fake_panic")" = "df
0" ]
}

@test "what would panic is refused" {
	inject --fatal --type hw --wait 0
	status_is 6
	stderr_is "mce-inject: --fatal: would panic this kernel: processor context corrupt (see --fake-panic, --force)"
	inject --srao --type hw --pfn 0x1000 --wait 0
	status_is 6
	stderr_matches "the others do not come"
	inject --corrected --type hw --wait 0
	status_is 6
	stderr_matches "an exception by a corrected error: unknown source"
	[ "$(cat "$mce/bank")" = 7 ]
	inject --srao --type hw --pfn 0x1000 --wait 0 --fake-panic
	status_is 0
	stderr_matches "no page can be unpoisoned until the next boot$"
	inject --fatal --type hw --wait 0 --force
	status_is 0
	inject --fatal --wait 0
	status_is 0
}

@test "what this route or machine can't do is refused" {
	run_split mce-inject --sysroot "$root" --wait 0 <<< 'CPU broadcast STATUS corrected'
	status_is 4
	run_split mce-inject --sysroot "$root" --wait 0 <<< 'CPU 0 STATUS corrected HOLD'
	status_is 4
	run_split mce-inject --sysroot "$root" --wait 0 <<< 'CPU 0 STATUS uc'
	status_is 4
	stderr_is "mce-inject: <stdin>:1: STATUS without VAL: the kernel would set it"
	inject --corrected --type df --wait 0
	status_is 4
	cpus GenuineIntel sse
	inject --corrected --type hw --wait 0
	status_is 4
	stderr_matches 'this CPU faults'
	rm "$mce/flags"
	inject --corrected --wait 0
	status_is 4
	stderr_matches 'the module mce_inject is not loaded \(try --load\)'
	[ "$(cat "$mce/bank")" = 7 ]
}

@test "a bank or a CPU that is not there stops everything before the first" {
	local banks=$root/sys/devices/system/machinecheck/machinecheck0

	mkdir -p "$banks"
	echo ffffffffffffffff > "$banks/bank9"
	echo 0 > "$banks/bank8"
	printf '%s\n' 'CPU 0 BANK 9 STATUS corrected 0x91' 'CPU 0 BANK 12 STATUS corrected' > "$BATS_TEST_TMPDIR/records"
	inject --wait 0 "$BATS_TEST_TMPDIR/records"
	status_is 4
	stderr_is "mce-inject: $BATS_TEST_TMPDIR/records:2: this CPU has no such bank"
	[ "$(cat "$mce/bank")" = 7 ]
	inject --via machine --wait 0 "$BATS_TEST_TMPDIR/records"
	status_is 4
	stderr_is "mce-inject: $BATS_TEST_TMPDIR/records:2: this CPU has no such bank"
	# Another machine's.
	inject --dry-run "$BATS_TEST_TMPDIR/records"
	status_is 0
	printf '%s\n' 'CPU 0 BANK 8 STATUS corrected 0x91' 'CPU 2 BANK 9 STATUS corrected' > "$BATS_TEST_TMPDIR/records"
	inject --wait 0 "$BATS_TEST_TMPDIR/records"
	status_is 4
	stderr_is "mce-inject: $BATS_TEST_TMPDIR/records:2: the machine has no such CPU, or it is offline"
	[ "$(cat "$mce/bank")" = 7 ]
	# Off, but only the log is meant.
	run_split mce-inject --sysroot "$root" --wait 0 <<< 'CPU 0 BANK 8 STATUS corrected 0x91'
	status_is 0
	[ "$(cat "$mce/bank")" = 8 ]
}

@test "IPID is left out where no bank has one" {
	run_split mce-inject --sysroot "$root" --wait 0 <<< 'CPU 0 STATUS corrected IPID 0x6'
	status_is 0
	stderr_matches "^mce-inject: IPID is only taken with --type sw, of a CPU with SMCA: it is left out$"
	[ "$(cat "$mce/ipid")" = 7 ]
	cpus AuthenticAMD "smca succor"
	run_split mce-inject --sysroot "$root" --wait 0 <<< 'CPU 0 STATUS corrected IPID 0x6'
	status_is 0
	run ! grep -q IPID "$stderr_file"
	[ "$(cat "$mce/ipid")" = 0x6 ]
}

# machine_does: what the machine would be asked for.
machine_does() {
	local words

	words=$(sed -n 's/^would have the machine do: //p' "$stdout_file")
	[ "$words" = "$1" ] || { echo "expected: $1"; echo "got: $words"; return 1; }
}

@test "the machine: what it is asked for" {
	inject --via machine --dry-run --srao --pfn 0x1000
	status_is 0
	machine_does "mce -b 0 9 0xbd000000000000c0 0x5 0x1000000 0x8c"
	stderr_is "mce-inject: --srao: a machine check counts as one of the hardware: no page can be unpoisoned until the next boot"
	inject --via machine --dry-run --srao-ewb --pfn 0x1000
	machine_does "mce -b 0 9 0xbd0000000000017a 0x5 0x1000000 0x8c"
	inject --via machine --dry-run --srar --pfn 0x1000
	machine_does "aim any - 0x1000000 10 mce -b % 1 0xbd80000000000134 0x7 0x1000000 0x8c"
	inject --via machine --dry-run --srar-fetch --pfn 0x1000 --cpu 1
	machine_does "aim 1 - 0x1000000 10 mce -b 1 0 0xbd80000000000150 0x7 0x1000000 0x8c"
	inject --via machine --dry-run --corrected
	machine_does "mce 0 9 0x9000000000000091 0x0 0x0 0x0"
	stderr_is
	mkdir -p "$root/proc/17"
	printf '\x34\x12\0\0\0\0\0\x80' > "$root/proc/17/pagemap"
	inject --via machine --dry-run --srar --pid 17 --vaddr 0x10
	machine_does "aim any 0x10 0x1234010 10 mce -b % 1 0xbd80000000000134 0x7 0x1234010 0x8c"
}

@test "a ready-made record of Intel's on AMD" {
	cpus AuthenticAMD "succor hypervisor"
	inject --dry-run --srar --pfn 0x1000
	status_is 0
	stderr_matches "^mce-inject: --srar: a record of Intel's CPUs"
	inject --dry-run --corrected
	status_is 0
	run ! grep -q "Intel's" "$stderr_file"
}

@test "words of Intel's status on AMD" {
	cpus AuthenticAMD "succor hypervisor"
	record="CPU 0 BANK 1 STATUS UNCORRECTED SRAR MCGSTATUS RIPV"
	inject --decode <<< "$record"
	status_is 0
	stderr_is "mce-inject: <stdin>:1: a record of Intel's CPUs (S, AR), which AMD's read otherwise (to judge it by Intel's rules: --vendor intel)"
	inject --decode --vendor intel <<< "$record"
	status_is 0
	stderr_is
	# Bits that AMD has for something else, given as a number, are what they are.
	inject --decode <<< "CPU 0 BANK 1 STATUS 0xbd80000000000134"
	status_is 0
	stderr_is
}

@test "the machine: broadcast, unless it is local, told not to, or AMD's" {
	inject --via machine --dry-run <<- 'END'
		CPU 1 BANK 2
		STATUS 0xbd80000000000134 MCGSTATUS 0xf ADDR 0x5000 MISC 0x8c
	END
	status_is 0
	machine_does "aim 1 - 0x5000 10 mce 1 2 0xbd80000000000134 0xf 0x5000 0x8c"
	inject --via machine --dry-run <<- 'END'
		CPU 0 BANK 9 NOBROADCAST STATUS 0xbd000000000000c0 ADDR 0x5000 MISC 0x8c
	END
	status_is 6
	machine_does "mce 0 9 0xbd000000000000c0 0x5 0x5000 0x8c"
	stderr_matches 'the others do not come \(see --force\)'
	inject --via machine --dry-run <<< 'CPU broadcast BANK 9 STATUS corrected'
	status_is 0
	machine_does "mce -b 0 9 0x9000000000000000 0x0 0x0 0x0"
	cpus AuthenticAMD "succor hypervisor"
	inject --via machine --dry-run --srao --pfn 0x1000
	machine_does "aim any - 0x1000000 10 mce % 9 0xbd000000000000c0 0x5 0x1000000 0x8c"
	# As another machine does it.
	inject --via machine --dry-run --srao --pfn 0x1000 --vendor intel
	machine_does "mce -b 0 9 0xbd000000000000c0 0x5 0x1000000 0x8c"
}

@test "the machine: what it does not take is said" {
	inject --via machine --dry-run <<- 'END'
		CPU 0 BANK 9 IN_PROC EXCP
		STATUS 0xbd000000000000c0 ADDR 0x5000 MISC 0x8c
		RIP 0x33:0x401000 TSC 5 SYND 6 SOCKETID 0
	END
	status_is 0
	stderr_matches "they are left out: SYND RIP TSC SOCKETID IN_PROC EXCP$"
	stderr_matches "no MCGSTATUS is given: 0x5 is taken$"
	# The code of the kernel: not in user mode, which is asked for.
	inject --via machine --dry-run --force <<- 'END'
		CPU 0 BANK 1 STATUS 0xbd80000000000134 ADDR 0x5000 MISC 0x8c RIP 0x10:0
	END
	status_is 0
	machine_does "mce -b 0 1 0xbd80000000000134 0x7 0x5000 0x8c"
	run ! grep -q 'left out' "$stderr_file"
	inject --via machine --dry-run <<< 'CPU 0 STATUS corrected HOLD'
	status_is 4
	inject --via machine --dry-run <<< 'CPU 0 STATUS uc'
	status_is 4
}

@test "the machine: what would panic is refused" {
	local kind

	for kind in --fatal "--ucna --pfn 0x1000"; do
		# shellcheck disable=SC2086 # words
		inject --via machine --dry-run $kind
		status_is 6
		stderr_matches 'would panic this kernel: .* \(see --force\)$'
		# shellcheck disable=SC2086 # words
		inject --via machine --dry-run --force $kind
		status_is 0
	done
}

@test "the machine: a process's code counts where the machine waits for it" {
	inject --via machine --dry-run <<- 'END'
		CPU 0 BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 6 ADDR 0x5000 MISC 0x8c RIP 0x33:0
	END
	status_is 6
	stderr_matches 'in the kernel, and no restart IP'
	inject --via mcelog --dry-run <<- 'END'
		CPU broadcast BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 6 ADDR 0x5000 MISC 0x8c RIP 0x33:0
	END
	status_is 6
	inject --via machine --dry-run <<- 'END'
		CPU 0 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 6 ADDR 0x5000 MISC 0x8c RIP 0x33:0
	END
	status_is 0
}

@test "the machine: one that is not hwpoison-lab's" {
	inject --via machine --srao --pfn 0x1000
	status_is 4
	stdout_is
	stderr_matches '^mce-inject: --via machine: this is no virtual machine of hwpoison-lab'
	mkdir -p "$root/sys/class/virtio-ports/vport0p1" "$root/dev"
	echo lab.ctl > "$root/sys/class/virtio-ports/vport0p1/name"
	inject --via machine --srao --pfn 0x1000
	status_is 4
	# The port is named, but there is no device.
	echo lab.monitor > "$root/sys/class/virtio-ports/vport0p1/name"
	inject --via machine --srao --pfn 0x1000
	status_is 1
	stderr_matches '^mce-inject: /dev/vport0p1: '
}

# mcelog_gets: what would be written to /dev/mcelog, in order, without what it begins with.
mcelog_gets() {
	local writes

	writes=$(sed -n 's,^would write to /dev/mcelog: ,,p' "$stdout_file")
	[ "$writes" = "$1" ] || { echo "expected: $1"; echo "got: $writes"; return 1; }
}

SCRUB="BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 0x5 ADDR 0x5000 MISC 0x8c"
NOTHING="BANK 0 STATUS 0x0 MCGSTATUS 0x5 ADDR 0x0 MISC 0x0 RIP 0x0:0x0"

@test "mcelog: an exception in what its CPU runs; the other CPU raises it, and has none" {
	inject --via mcelog --dry-run <<< "CPU 0 $SCRUB"
	status_is 0
	mcelog_gets "CPU 0 $SCRUB RIP 0x0:0x0 inject_flags 0x8
CPU 1 $NOTHING inject_flags 0xd"
	stderr_is "mce-inject: <stdin>:1: a machine check counts as one of the hardware: no page can be unpoisoned until the next boot"
	inject --via mcelog --dry-run <<< "CPU 0 $SCRUB IRQBROADCAST"
	mcelog_gets "CPU 0 $SCRUB RIP 0x0:0x0 inject_flags 0x8
CPU 1 $NOTHING inject_flags 0x19"
	# Told to one CPU alone: the other one only raises it.
	inject --via mcelog --dry-run <<< "CPU 1 ${SCRUB/0x5/0xd}"
	status_is 0
	mcelog_gets "CPU 1 ${SCRUB/0x5/0xd} RIP 0x0:0x0 inject_flags 0x8
CPU 0 BANK 0 STATUS 0x0 MCGSTATUS 0x0 ADDR 0x0 MISC 0x0 RIP 0x0:0x0 inject_flags 0x5"
	cpus AuthenticAMD "succor hypervisor"
	inject --via mcelog --dry-run <<< "CPU 1 BANK 1 STATUS 0xb400000000000135 MCGSTATUS 7 ADDR 0x5000 RIP 0x33:1"
	status_is 0
	mcelog_gets "CPU 1 BANK 1 STATUS 0xb400000000000135 MCGSTATUS 0x7 ADDR 0x5000 MISC 0x0 RIP 0x33:0x1 inject_flags 0x9"
}

@test "mcelog: in the process that injects: IN_PROC, IN_IRQ, a code segment, one CPU" {
	local own="CPU 1 $NOTHING inject_flags 0x8
CPU 0 $SCRUB RIP 0x0:0x0 inject_flags 0xd"

	inject --via mcelog --dry-run <<< "CPU 0 $SCRUB IN_PROC"
	mcelog_gets "$own"
	inject --via mcelog --dry-run <<< "CPU 0 $SCRUB IN_IRQ"
	mcelog_gets "${own/%d/e}"
	inject --via mcelog --dry-run <<< "CPU 0 $SCRUB RIP 0x33:0x401000"
	mcelog_gets "${own/%0x0:0x0 inject_flags 0xd/0x33:0x401000 inject_flags 0xd}"
	printf 'processor\t: 0\nvendor_id\t: GenuineIntel\n' > "$root/proc/cpuinfo"
	inject --via mcelog --dry-run <<< "CPU 0 $SCRUB"
	mcelog_gets "CPU 0 $SCRUB RIP 0x0:0x0 inject_flags 0x9"
}

@test "mcelog: by polling what is no exception, and what POLL and EXCP say" {
	local ucna="BANK 9 STATUS 0xbc00000000000091 MCGSTATUS 0x0 ADDR 0x5000 MISC 0x8c"

	inject --via mcelog --dry-run <<< "CPU 1 BANK 9 STATUS 0xbc00000000000091 ADDR 0x5000 MISC 0x8c"
	status_is 0
	mcelog_gets "CPU 1 $ucna RIP 0x0:0x0 inject_flags 0x1"
	inject --via mcelog --dry-run <<< "CPU 1 $SCRUB POLL"
	status_is 0
	mcelog_gets "CPU 1 $SCRUB RIP 0x0:0x0 inject_flags 0x1"
	stderr_is "mce-inject: <stdin>:1: the kernel will ignore it: found by polling: left to the handler of its exception"
	inject --via mcelog --dry-run <<< "CPU 1 BANK 9 STATUS 0xbc00000000000091 ADDR 0x5000 MISC 0x8c EXCP"
	status_is 6
	mcelog_gets "CPU 1 ${ucna/US 0x0/US 0x5} RIP 0x0:0x0 inject_flags 0x8
CPU 0 $NOTHING inject_flags 0xd"
	stderr_matches 'no MCGSTATUS is given: 0x5 is taken$|would panic this kernel: an exception by an error without S'
}

@test "mcelog: HOLD and CPU broadcast" {
	inject --via mcelog --dry-run <<- END
		CPU 1 $SCRUB HOLD
		CPU 0 ${SCRUB/0x5000/0x6000}
	END
	status_is 0
	mcelog_gets "CPU 1 $SCRUB RIP 0x0:0x0 inject_flags 0x8
CPU 0 ${SCRUB/0x5000/0x6000} RIP 0x0:0x0 inject_flags 0xd"
	inject --via mcelog --dry-run <<< "CPU broadcast BANK 3 STATUS corrected"
	status_is 0
	mcelog_gets "CPU 1 BANK 3 STATUS 0x9000000000000000 MCGSTATUS 0x0 ADDR 0x0 MISC 0x0 RIP 0x0:0x0 inject_flags 0x0
CPU 0 BANK 3 STATUS 0x9000000000000000 MCGSTATUS 0x0 ADDR 0x0 MISC 0x0 RIP 0x0:0x0 inject_flags 0x5"
}

@test "mcelog: what can't be is refused, and what is left out is said" {
	local record

	while read -r record; do
		inject --via mcelog --dry-run <<< "${record//;/$'\n'}"
		status_is 4
		mcelog_gets ""
	done <<- END
		CPU 0 STATUS uc
		CPU 2 STATUS corrected
		CPU 0 STATUS corrected HOLD
		CPU 0 STATUS corrected HOLD;CPU 0 STATUS corrected
		CPU 0 STATUS corrected HOLD IN_PROC;CPU 1 STATUS corrected
		CPU 0 STATUS corrected HOLD RIP 0x33:0;CPU 1 STATUS corrected
		CPU 0 STATUS corrected HOLD;CPU broadcast STATUS corrected
		CPU broadcast $SCRUB IRQBROADCAST RIP 0x33:0
		CPU broadcast STATUS corrected IRQBROADCAST
		CPU 0 STATUS corrected HOLD IRQBROADCAST;CPU 1 STATUS corrected
		CPU 0 STATUS corrected HOLD;CPU 1 $SCRUB
		CPU 0 $SCRUB HOLD;CPU 1 STATUS corrected
		CPU 0 ${SCRUB/0x5/0xd} HOLD;CPU 1 $SCRUB
		CPU 0 STATUS corrected POLL EXCP
		CPU 0 STATUS corrected IN_PROC IN_IRQ
		CPU 0 STATUS corrected RIP 0x133:0
	END
	: > "$root/proc/cpuinfo"
	inject --via mcelog --dry-run <<< "CPU broadcast STATUS corrected"
	status_is 4
	cpus GenuineIntel hypervisor
	inject --via mcelog --dry-run <<< "CPU 0 $SCRUB RIP 0x401000 TSC 5 SYND 6 TIME 7"
	status_is 0
	stderr_matches "^mce-inject: the kernel takes none of these from a record, they are left out: SYND RIP TSC TIME$"
	inject --via mcelog --dry-run <<< "CPU 0 $SCRUB RIP 0x401000 IRQBROADCAST"
	mcelog_gets "CPU 0 $SCRUB RIP 0x0:0x401000 inject_flags 0x8
CPU 1 $NOTHING inject_flags 0x19"
}

@test "mcelog: a bank that a CPU has, and that is on" {
	local banks=$root/sys/devices/system/machinecheck

	mkdir -p "$banks/machinecheck0" "$banks/machinecheck1"
	echo ffffffffffffffff > "$banks/machinecheck0/bank9"
	echo 0 > "$banks/machinecheck1/bank9"
	inject --via mcelog --dry-run --corrected
	status_is 0
	inject --via mcelog --dry-run --corrected --cpu 1
	status_is 4
	inject --via mcelog --dry-run --corrected --bank 8
	status_is 4
	inject --via mcelog --dry-run <<< "CPU broadcast BANK 9 STATUS corrected"
	status_is 4
	stderr_is "mce-inject: <stdin>:1: this CPU has no such bank, or it is off: the kernel would find nothing"
}

@test "mcelog: a CPU that does not recover, or is not known to" {
	cpus GenuineIntel sse
	inject --via mcelog --dry-run --srao --pfn 0x1000
	status_is 6
	stderr_matches 'does not recover from errors, or is not known to \(the module msr tells\)'
	inject --via mcelog --dry-run --ucna --pfn 0x1000
	status_is 0
	mkdir -p "$root/dev/cpu/0"
	printf '\0\0\0\1\0\0\0\0' | dd of="$root/dev/cpu/0/msr" bs=1 seek=$((0x179)) status=none
	inject --via mcelog --dry-run --srao --pfn 0x1000
	status_is 0
	cpus GenuineIntel hypervisor
	printf '\0\0\0\0\0\0\0\0' | dd of="$root/dev/cpu/0/msr" bs=1 seek=$((0x179)) status=none
	inject --via mcelog --dry-run --srao --pfn 0x1000
	status_is 6
}

@test "mcelog: what would panic is refused" {
	local record

	while read -r record; do
		inject --via mcelog --dry-run <<< "$record"
		status_is 6
	done <<- END
		CPU 0 STATUS corrected EXCP
		CPU 0 STATUS corrected MCGSTATUS 5
		CPU 0 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 7 ADDR 0x5000 MISC 0x8c IRQBROADCAST
		CPU 0 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 7 ADDR 0x5000 MISC 0x8c IN_PROC RIP 0x31:0
	END
	cpus AuthenticAMD "succor hypervisor"
	inject --via mcelog --dry-run <<< "CPU 0 STATUS val uc en MCGSTATUS 7"
	status_is 6
	cpus GenuineIntel hypervisor

	inject --via mcelog --fatal
	status_is 6
	inject --via mcelog --srar --pfn 0x1000
	status_is 6
	stderr_matches 'whatever the CPU runs then, which may be the kernel \(see --fake-panic, --force\)$'
	run_split mce-inject --sysroot "$root" --via mcelog <<< "CPU 0 $SCRUB NOBROADCAST"
	status_is 6
	stderr_matches 'the others do not come'
	# Its code is that of the kernel.
	run_split mce-inject --sysroot "$root" --via mcelog <<< \
		"CPU 0 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 7 ADDR 0x5000 MISC 0x8c IN_PROC"
	status_is 6
	stderr_matches 'action required in the kernel'
}

@test "mcelog: what is written; what is missing" {
	local device=$root/dev/mcelog

	inject --via mcelog --srao --pfn 0x1000 --wait 0
	status_is 4
	stderr_matches '^mce-inject: /dev/mcelog: not there: .*CONFIG_X86_MCELOG_LEGACY'
	mkdir -p "$root/dev"
	: > "$device"
	inject --via mcelog --srao --pfn 0x1000 --cpu 1 --wait 0 --fake-panic
	status_is 0
	[ "$(cat "$mce/flags" "$root/sys/kernel/debug/mce/fake_panic")" = "th
0" ]
	# Of 128 bytes: STATUS, MISC, ADDR, MCGSTATUS; inject_flags, bank and CPU.
	[ "$(stat -c %s "$device")" = 256 ]
	[ "$(od -A n -t x8 -N 32 "$device" | xargs)" = \
		"bd000000000000c0 000000000000008c 0000000001000000 0000000000000005" ]
	[ "$(od -A n -t x1 -j 57 -N 1 "$device" | xargs)$(od -A n -t x1 -j 65 -N 1 "$device" | xargs)" = 0809 ]
	[ "$(od -A n -t u4 -j 68 -N 4 "$device" | xargs)" = 1 ]
	[ "$(od -A n -t x1 -j 185 -N 1 "$device" | xargs)" = 0d ]
	: > "$device"
	rm -r "$mce"
	inject --via mcelog --srao --pfn 0x1000 --wait 0
	status_is 4
	stderr_matches '^mce-inject: the module mce_inject is not loaded \(try --load\): '
	[ ! -s "$device" ]
	mkdir -p "$root/sys/module/mce_inject"
	inject --via mcelog --srao --pfn 0x1000 --wait 0
	status_is 0
	rm "$device"
	mkdir "$device"
	inject --via mcelog --srao --pfn 0x1000 --wait 0
	status_is 1
}

@test "mcelog: an action required comes to the CPU that runs the process" {
	mkdir -p "$root/proc/17"
	printf '\0\0\0\0\0\0\0\0\x34\x12\0\0\0\0\0\x80' > "$root/proc/17/pagemap"
	inject --via mcelog --dry-run --force --srar --pid 17 --vaddr 0x1000
	status_is 1
	{
		printf '17 (cat) R'
		printf ' %s' {4..38} 1 0 0
	} > "$root/proc/17/stat"
	inject --via mcelog --dry-run --force --srar --pid 17 --vaddr 0x1000
	status_is 0
	mcelog_gets "CPU 1 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 0x7 ADDR 0x1234000 MISC 0x8c RIP 0x0:0x0 inject_flags 0x8
CPU 0 $NOTHING inject_flags 0xd"
	inject --via mcelog --dry-run --force --srar --pid 17 --vaddr 0x1000 --cpu 0
	stdout_matches '^would write to /dev/mcelog: CPU 0 BANK 1 '
}

@test "an address by process" {
	mkdir -p "$root/proc/17"
	: > "$root/proc/17/pagemap"
	inject --srao --pid 17 --vaddr 0x1000 --dry-run
	status_is 1
	# Page offset 1: present, PFN 0x1234.
	printf '\0\0\0\0\0\0\0\0\x34\x12\0\0\0\0\0\x80' > "$root/proc/17/pagemap"
	inject --srao --pid 17 --vaddr 0x1080 --dry-run
	status_is 0
	stdout_matches '^  addr            0x1234080$'
	inject --srao --pid 17 --vaddr 0x0 --dry-run
	status_is 1
	inject --srao --pfn 0 --dry-run
	status_is 2
}

@test "completion: words of options" {
	# shellcheck disable=SC2034,SC2100 # used by helper.bash; a name
	tool=mce-inject completion=$top/completions/mce-inject
	completes 'df hw sw th' --type ''
	completes 'intel' --vendor = i
	completes 'mcelog' --via mc
	completes '--fake-panic --fatal' --fa
}

@test "the man page names the words of the record" {
	local word

	for word in $(jq -r '.properties.class.enum[], .properties.action.enum[]' "$top/doc/schema/mce.json"); do
		grep -qx "\.It Sy $word" "$top/man/mce-inject.1" || { echo "not there: $word"; false; }
	done
}
