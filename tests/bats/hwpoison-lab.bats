#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-lab without booting anything: its command line, its cache, and what it
# asks of QEMU and apt, of which there are stand-ins here.

# Set in helper.bash: $status, $stdout_file, $stderr_file. Programs in single
# quotes are for others to expand.
# shellcheck disable=SC2154,SC2016
load helper

setup() {
	lab=${HWPOISON_LAB_COMMAND:-hwpoison-lab}
	export HWPOISON_LAB_CACHE=$BATS_TEST_TMPDIR/cache TMPDIR=$BATS_TEST_TMPDIR/tmp
	bin=$BATS_TEST_TMPDIR/bin
	mkdir -p "$bin" "$TMPDIR"
	PATH=$bin:$PATH
}

# stand_in NAME: what stdin says is that program.
stand_in() {
	{ echo '#!/bin/bash'; cat; } >"$bin/$1"
	chmod 755 "$bin/$1"
}

# cached VERSION...: kernels with all that an initramfs is made of, and no more.
cached() {
	local version dir name

	for version in "$@"; do
		dir=$HWPOISON_LAB_CACHE/$version/lib/modules/$version
		mkdir -p "$dir/kernel"
		touch "$HWPOISON_LAB_CACHE/$version/vmlinuz" "$HWPOISON_LAB_CACHE/$version/config"
		for name in virtio_pci virtio_console 9pnet_virtio 9p overlay; do
			echo "$name" >"$dir/kernel/$name.ko"
			echo "kernel/$name.ko:"
		done >"$dir/modules.dep"
	done
}

# One that offers what nobody asks for, and has no network.
no_apt() {
	stand_in apt-cache <<<'[ "$1" != search ] || echo "linux-image-5.10.0-1-amd64 - Linux"'
	stand_in apt-get <<<'exit 100'
}

# A QEMU that notes what it was asked for, and dies.
fake_qemu() {
	export HWPOISON_LAB_QEMU=qemu-stand-in
	stand_in qemu-stand-in <<-'END'
	printf '%s\n' "$@" >"$(dirname "$0")/../qemu-args"
	echo 'no such luck' >&2
	exit 1
	END
}

bad_usage() {
	local message=$1

	shift
	run_split "$lab" "$@"
	status_is 2
	file_is "$stdout_file"
	file_is "$stderr_file" "hwpoison-lab: $message" "Try 'hwpoison-lab --help'."
}

stderr_has() {
	grep -qF -e "$1" "$stderr_file" || complain "expected on stderr: $1"
}

qemu_was_asked() {
	grep -qxF -e "$1" "$BATS_TEST_TMPDIR/qemu-args" || { cat "$BATS_TEST_TMPDIR/qemu-args"; return 1; }
}

@test "--help and --version go to stdout" {
	run_split "$lab" --help
	status_is 0
	file_is "$stderr_file"
	grep -q '^Usage: hwpoison-lab' "$stdout_file"
	run_split "$lab" shell --version
	status_is 0
	grep -qE '^hwpoison-lab .+' "$stdout_file"
}

@test "every option is in the help, the man page and the completion" {
	local top option
	top=${TOP_SRCDIR:-$BATS_TEST_DIRNAME/../..}
	run_split "$lab" --help
	for option in kernel modules cpu cpus memory numa append accel timeout env out log fetch \
		verbose help version; do
		grep -q -e "--$option\b" "$stdout_file" || complain "not in the help: $option"
		grep -q -e "Fl -$option\b" "$top/man/hwpoison-lab.1" || complain "not in the man page: $option"
		grep -q -e "--$option\b" "$top/completions/hwpoison-lab" || complain "not in the completion: $option"
	done
}

@test "bad usage is told, with status 2" {
	bad_usage 'run: no command given'
	bad_usage 'run: no command given' run --cpus 1 --
	bad_usage 'options: --nonsense: unknown' --nonsense
	bad_usage 'options: --nonsense: unknown' --nonsense=1 true
	bad_usage 'options: -x: unknown' -x true
	bad_usage 'options: --kernel: needs a value' --kernel
	bad_usage 'options: --cpus: 0: not a number from 1 to 255' --cpus 0 true
	bad_usage 'options: --cpus: two: not a number from 1 to 255' --cpus=two true
	bad_usage 'options: --timeout: 1.5: not a number from 0 to 999999999' --timeout 1.5 true
	bad_usage 'options: --memory: 100: not a size (MiB, or with M or G behind) of at least 256 MiB' \
		--memory 100 true
	bad_usage 'options: --memory: 1T: not a size (MiB, or with M or G behind) of at least 256 MiB' \
		--memory 1T true
	bad_usage 'options: --accel: hvf: not one of tcg, kvm, auto' --accel hvf true
	bad_usage "options: --env: 1a=b: not a variable's name" --env 1a=b true
	bad_usage 'options: --numa: 3: needs as many processors, see --cpus' --numa 3 true
	bad_usage 'options: --out: /nowhere: not a folder that can be written to' --out /nowhere true
	bad_usage 'options: --modules: needs --kernel with the path of a vmlinuz' --modules /tmp true
	bad_usage 'options: --fetch: belongs to hwpoison-lab kernels' --fetch 6.1 true
	bad_usage 'kernels: true: no argument expected' kernels true
}

@test "shell wants a terminal" {
	bad_usage 'shell: standard input and output: not a terminal; use run' shell </dev/null
}

@test "without QEMU: status 4, and what to install" {
	HWPOISON_LAB_QEMU=qemu-nowhere fails_with 4 \
		"hwpoison-lab: qemu: qemu-nowhere: not found; try 'apt-get install qemu-system-x86'" "$lab" true
}

@test "a working directory that the guest has its own of" {
	cd /proc/self
	run_split "$lab" true
	status_is 4
	stderr_has 'the guest has its own; start from another folder'
}

@test "kernels lists the cache and what apt offers, newest first" {
	cached 6.1.0-9-amd64 6.12.1+deb12-amd64
	stand_in apt-cache <<-'END'
	case $1 in
	search)
		echo 'linux-image-6.1.0-10-amd64 - Linux 6.1 for 64-bit PCs (signed)'
		echo 'linux-image-6.1.0-10-cloud-amd64 - Linux 6.1 for x86-64 cloud (signed)'
		echo 'linux-image-6.1.0-10-rt-amd64 - Linux 6.1 for 64-bit PCs, PREEMPT_RT (signed)'
		echo 'linux-image-6.12-amd64 - Linux for 64-bit PCs (meta-package)' ;;
	depends) printf 'linux-image-amd64\n  Depends: linux-image-6.1.0-10-amd64\n' ;;
	esac
	END
	run_split "$lab" kernels
	status_is 0
	file_is "$stderr_file"
	# The host's own kernel is a matter of the host.
	grep -v ' host ' "$stdout_file" | diff -u - <(cat <<-'END'
	VERSION                      SOURCE   DEFAULT
	6.12.1+deb12-amd64           cached   no
	6.1.0-10-amd64               apt      yes
	6.1.0-9-amd64                cached   no
	END
	)
}

@test "a version is matched by its beginning, up to a number's end" {
	cached 6.1.0-9-amd64 6.1.0-10-amd64 6.12.1+deb12-amd64
	no_apt
	fake_qemu
	local wanted expected
	while read -r wanted expected; do
		run_split "$lab" --kernel "$wanted" --verbose true
		stderr_has "kernel $expected,"
	done <<-'END'
	6.1 6.1.0-10-amd64
	6.1.0-9 6.1.0-9-amd64
	6 6.12.1+deb12-amd64
	6.12 6.12.1+deb12-amd64
	6.12.1+deb12-amd64 6.12.1+deb12-amd64
	END
	run_split "$lab" --kernel 6.1.0-1 true
	status_is 4
	stderr_has 'kernel: 6.1.0-1: neither cached nor offered by apt'
}

@test "a kernel of one's own, by its path" {
	fake_qemu
	cached 6.5.0-mine
	mv "$HWPOISON_LAB_CACHE/6.5.0-mine" "$BATS_TEST_TMPDIR/mine"
	run_split "$lab" --kernel "$BATS_TEST_TMPDIR/mine/vmlinuz" --verbose true
	stderr_has 'kernel 6.5.0-mine,'
	run_split "$lab" --kernel "$BATS_TEST_TMPDIR/nowhere/vmlinuz" true
	status_is 4
	run_split "$lab" --kernel "$BATS_TEST_TMPDIR/mine/vmlinuz" --modules "$BATS_TEST_TMPDIR" true
	status_is 4
	stderr_has 'no modules.dep found for it; name the folder by --modules'
}

@test "a QEMU that lets go of its streams before it is gone is no reader that has gone" {
	cached 6.1.0-9-amd64
	no_apt
	export HWPOISON_LAB_QEMU=qemu-stand-in
	stand_in qemu-stand-in <<-'END'
	dir=$(printf '%s\n' "$@" | sed -n 's,^pipe\,id=ctl\,path=\(.*\)/ctl$,\1,p')
	exec 4>"$dir/ctl.out" 5>"$dir/stdout.out" 6>"$dir/stderr.out"
	printf 'up\nstart\n' >&4
	echo printed >&5
	echo 'Kernel panic - not syncing: a test' >>"$dir/console"
	exec 5>&- 6>&-
	# The guest is heard of until the control channel goes, too.
	for i in 1 2 3 4 5 6; do
		echo alive >&4
		sleep 0.2
	done
	END
	run_split "$lab" --accel tcg true
	status_is 125
	file_is "$stdout_file" printed
	stderr_has ': panic while the command ran'
	[ -z "$(ls -A "$TMPDIR")" ]
}

@test "what QEMU is asked for, and what is said if it does not start" {
	cached 6.1.0-9-amd64
	no_apt
	fake_qemu
	run_split "$lab" --accel tcg --cpus 4 --memory 3G --numa 2 --append 'a=1 b' --append c true
	status_is 1
	file_is "$stdout_file"
	stderr_has 'did not start'
	stderr_has 'no such luck'
	qemu_was_asked 3072M
	qemu_was_asked 4
	qemu_was_asked tcg,thread=single
	qemu_was_asked Cascadelake-Server
	qemu_was_asked memory-backend-ram,id=mem1,size=1536M
	qemu_was_asked 'console=ttyS0 panic=-1 loglevel=4 hugepagesz=2M hugepages=16  a=1 b c'
	[ -z "$(ls -A "$TMPDIR")" ]
}

@test "a guest that dies while booting gets two more tries" {
	cached 6.1.0-9-amd64
	no_apt
	fake_qemu
	stand_in qemu-stand-in <<-'END'
	echo >>"$(dirname "$0")/../boots"
	for arg; do
		case $arg in file,id=console,path=*) echo 'Kernel panic - not syncing: x' >"${arg#*path=}" ;; esac
	done
	END
	run_split "$lab" --accel tcg --verbose true
	status_is 1
	stderr_has 'the guest died while booting (attempt 3)'
	stderr_has 'hwpoison-lab: guest: 6.1.0-9-amd64: panic before the command started'
	[ "$(wc -l <"$BATS_TEST_TMPDIR/boots")" -eq 3 ]
}

@test "what the guest says may come in pieces" {
	cached 6.1.0-9-amd64
	no_apt
	fake_qemu
	stand_in qemu-stand-in <<-'END'
	for arg; do
		case $arg in pipe,id=ctl,path=*) dir=${arg#*path=} dir=${dir%/ctl} ;; esac
	done
	exec 3<>"$dir/stdout.out" 4<>"$dir/stderr.out" 5<>"$dir/stdin.in" 6<>"$dir/monitor.in" 7<>"$dir/monitor.out" \
		8<>"$dir/qmp.in" 9<>"$dir/qmp.out"
	{ echo up; echo start; printf 'ex'; sleep 2.5; printf 'it 3 '; sleep 1.5; echo '0 0'; } >"$dir/ctl.out"
	exec sleep 60
	END
	run_split "$lab" --accel tcg --kernel 6.1.0-9-amd64 true
	status_is 3
	file_is "$stderr_file"
}

# A guest that runs, as its launcher shows it: $guest_dir. Whoever is its monitor has the
# requests on descriptor 7.
fake_guest() {
	guest_dir=$TMPDIR/hwpoison-lab.fake
	mkdir "$guest_dir"
	mkfifo "$guest_dir/monitor.out"
	exec 7<>"$guest_dir/monitor.out"
	: >"$guest_dir/console"
	echo "$$ 6.1.0-9-amd64 2 Cascadelake-Server" >"$guest_dir/guest"
}

@test "mce: the machine's answer and the console may come in pieces" {
	local id guest

	fake_guest
	{
		read -rt 120 id _ <&7
		{ printf '%s er' "$id"; sleep 2.5; echo 'ror no such luck'; } 1<>"$guest_dir/$id"
		read -rt 120 id _ <&7
		echo "$id end" 1<>"$guest_dir/$id"
		{ printf 'one li'; sleep 1.5; printf 'ne\nanother'; } >>"$guest_dir/console"
		# Then it is over, whatever its --timeout.
		rm -r "$guest_dir"
	} 3>&- &
	# A process substitution has a $! of its own.
	guest=$!
	fails_with 4 'hwpoison-lab: mce: the machine: no such luck' "$lab" mce fatal
	run_split "$lab" mce --timeout 60 fatal
	status_is 0
	file_is "$stdout_file" 'one line' another
	wait "$guest"
}

@test "a kernel without what the lab needs" {
	cached 6.1.0-9-amd64
	no_apt
	fake_qemu
	sed -i /overlay/d "$HWPOISON_LAB_CACHE"/*/lib/modules/*/modules.dep
	fails_with 4 \
		'hwpoison-lab: kernel: 6.1.0-9-amd64: has no overlay, without which the lab cannot use it' \
		"$lab" true
	[ -z "$(ls -A "$TMPDIR")" ]
}

@test "a fetch that fails leaves nothing behind" {
	stand_in apt-cache <<<'[ "$1" != search ] || echo "linux-image-6.1.0-10-amd64 - Linux"'
	stand_in apt-get <<<'echo half >half.deb; exit 100'
	run_split "$lab" kernels --fetch 6.1
	status_is 4
	stderr_has 'kernel: 6.1.0-10-amd64: could not be fetched'
	[ "$(ls -A "$HWPOISON_LAB_CACHE")" = .lock ]
	run_split "$lab" kernels --fetch 5.10
	status_is 4
	stderr_has 'kernel: 5.10: not offered by apt'
}

@test "without package lists they are updated; a run whose kernel cannot be fetched ends" {
	fake_qemu
	stand_in apt-cache <<-'END'
	[ "$1" != search ] || [ ! -e "$(dirname "$0")/updated" ] || echo "linux-image-6.1.0-10-amd64 - Linux"
	END
	stand_in apt-get <<<'[[ $* != *update ]] || { touch "$(dirname "$0")/updated"; exit 0; }; exit 100'
	run_split "$lab" --kernel 6.1 true
	status_is 4
	stderr_has 'apt has no package lists, updating them'
	stderr_has 'kernel: 6.1.0-10-amd64: could not be fetched'
	cached 6.0.0-1-amd64
	stand_in apt-cache <<<'[ "$1" != depends ] || echo " Depends: linux-image-6.1.0-10-amd64"'
	run_split "$lab" --verbose true
	stderr_has 'kernel: 6.1.0-10-amd64: taking 6.0.0-1-amd64 from the cache instead'
	stderr_has 'kernel 6.0.0-1-amd64,'
}

@test "two fetches at once: one of them works, both succeed" {
	command -v dpkg-deb || skip 'needs dpkg-deb'
	command -v depmod || PATH=$PATH:/sbin:/usr/sbin command -v depmod || skip 'needs depmod'
	local pkg=$BATS_TEST_TMPDIR/pkg version=6.1.0-10-amd64
	mkdir -p "$pkg"/{DEBIAN,boot,"lib/modules/$version/kernel"}
	touch "$pkg"/boot/{vmlinuz,config,System.map}-$version "$pkg/lib/modules/$version"/modules.{order,builtin}
	printf 'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' \
		>"$pkg/DEBIAN/control"
	dpkg-deb -b "$pkg" "$BATS_TEST_TMPDIR/x.deb" >/dev/null
	stand_in apt-cache <<<'[ "$1" != search ] || echo "linux-image-6.1.0-10-amd64 - Linux"'
	stand_in apt-get <<<'sleep 0.5; echo >>"$(dirname "$0")/../fetched"; cp "$(dirname "$0")/../x.deb" .'
	"$lab" kernels --fetch 6.1 >"$BATS_TEST_TMPDIR/other" 2>&1 3>&- &
	run_split "$lab" kernels --fetch 6.1
	status_is 0
	wait $!
	[ "$(wc -l <"$BATS_TEST_TMPDIR/fetched")" -eq 1 ]
	(cd "$HWPOISON_LAB_CACHE" && find . -type f | sort) | diff -u - <(
		printf './%s\n' .lock $version/config
		(cd "$HWPOISON_LAB_CACHE" && find . -path '*/lib/modules/*' -type f | sort)
		echo ./$version/vmlinuz)
}
