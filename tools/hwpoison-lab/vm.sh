# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# One virtual machine: start QEMU, carry the command's streams, watch over it,
# clear up. Every stream is a pair of FIFOs, NAME.in towards the guest and
# NAME.out from it, which QEMU opens for both reading and writing: it never sees
# an end of file, and we see one when it dies.

# Shared between the files of the lab: options, the kernel, the run's folder.
# Commas are QEMU's (SC2054).
# shellcheck disable=SC2154,SC2034,SC2054

run_dir='' qemu_pid='' relay_pids=() tty_settings='' phase=''

hang_after=${HWPOISON_LAB_HEARTBEAT:-60}
boot_within=${HWPOISON_LAB_BOOT_TIME:-120}

run_dir_make() {
	run_dir=$(mktemp -d "${TMPDIR:-/tmp}/hwpoison-lab.XXXXXX") ||
		fail "$EXIT_FAILED" "run: ${TMPDIR:-/tmp}: no room for a temporary folder"
	trap cleanup EXIT
	trap 'die_of INT' INT
	trap 'die_of TERM' TERM
	trap 'die_of HUP' HUP
	[[ $mode != shell ]] || trap terminal_follow_size WINCH
	start_reaper
}

# Outlives us even if we are killed, and then does what cleanup() would have done.
# QEMU itself needs no reaper: it dies with its parent.
start_reaper() {
	local terminal=''
	if [[ $mode == shell ]]; then
		tty_settings=$(stty -g) terminal=$(tty)
	fi
	# shellcheck disable=SC2016
	setsid bash -c '
		tail --pid="$1" -s 0.2 -f /dev/null
		[[ -d $2 ]] || exit 0
		[[ -z $4 ]] || { stty "$3"; printf %b "$5"; } <"$4" >"$4"
		xargs -r kill -KILL <"$2/pids"
		rm -rf -- "$2"
	' reaper $$ "$run_dir" "$tty_settings" "$terminal" "$tty_reset" \
		</dev/null >/dev/null 2>&1 3>&- &
	disown
}

# The caller's shell is to see which signal it was.
die_of() {
	screen_reset
	cleanup
	trap - "$1" EXIT
	kill -s "$1" $$
}

cleanup() {
	qemu_stop
	terminal_restore
	[[ -z $run_dir ]] || rm -rf -- "$run_dir"
	run_dir=''
}

# Waits for each, or bash would tell of them as "Killed".
qemu_stop() {
	children_end "$qemu_pid" "${relay_pids[@]}"
	qemu_pid='' relay_pids=()
}

children_end() {
	local pid
	for pid; do
		[[ -z $pid ]] || { kill -KILL "$pid"; wait "$pid"; }
	done 2>/dev/null
}

# Leaves the alternate screen, shows the cursor, ends colours, keypad, mouse and
# bracketed paste: what a full-screen program would have done had it ended itself.
tty_reset='\e[?1049l\e[?25h\e[0m\e[?1l\e>\e[?1000l\e[?1002l\e[?1006l\e[?2004l\r\n'

terminal_restore() {
	[[ -z $tty_settings ]] || stty "$tty_settings"
}

screen_reset() {
	[[ -z $tty_settings || $phase != running ]] || printf '%b' "$tty_reset"
}

terminal_follow_size() {
	local rows columns
	[[ $phase == running ]] || return 0
	read -r rows columns < <(stty size)
	printf 'winch %d %d\n' "$rows" "$columns" >"$run_dir/ctl.in"
}

shell_quote() {
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

shell_quote_all() {
	local word
	for word; do
		shell_quote "$word"
		printf ' '
	done
}

# What the guest must know of this run, as files in an archive of their own.
job_write() {
	local job=$run_dir/job
	mkdir -- "$job"
	{
		printf 'LAB_CWD=%s\n' "$(shell_quote "$PWD")"
		printf 'LAB_MODULES=%s\n' "$(shell_quote "$kernel_modules")"
		printf 'LAB_OUT=%s\nLAB_LOG=%s\n' "${opt_out:+yes}" "${opt_log:+yes}"
		[[ $mode != shell ]] || echo LAB_TERMINAL=yes
	} >"$job/settings"
	job_write_command >"$job/command"
	[[ $mode != shell ]] || job_write_terminal >"$job/terminal"
	chmod 755 "$job"/*
}

# The host's own sh looks the command up: busybox would take its applets.
# shellcheck disable=SC2016
job_write_command() {
	printf '#!/run/hwpoison-lab/lib/busybox sh\n'
	printf 'cd %s || exit 125\n' "$(shell_quote "$PWD")"
	printf 'exec env -i '
	job_environment
	printf '/bin/sh -c %s sh ' "$(shell_quote 'exec "$@"')"
	shell_quote_all "${command[@]}"
	printf '\n'
}

job_environment() {
	local name path=${PATH:-/usr/bin:/bin}
	[[ :$path: == *:/usr/sbin:* ]] || path+=:/usr/local/sbin:/usr/sbin:/sbin
	shell_quote_all "PATH=$path:/run/hwpoison-lab/bin" "HOME=${HOME:-/root}" USER=root LOGNAME=root HWPOISON_LAB=1
	for name in TERM COLORTERM LANG LANGUAGE TZ "${!LC_@}"; do
		[[ ! -v $name ]] || shell_quote_all "$name=${!name}"
	done
	shell_quote_all "${opt_env[@]}"
}

job_write_terminal() {
	local rows columns
	read -r rows columns < <(stty size)
	printf '#!/run/hwpoison-lab/lib/busybox sh\n'
	printf 'tty >/run/hwpoison-lab/lib/tty\n'
	printf 'stty sane rows %d columns %d\n' "$rows" "$columns"
	printf 'exec /run/hwpoison-lab/lib/command\n'
}

# QEMU takes a comma for the end of a value unless it is doubled.
qemu_quote() {
	printf '%s' "${1//,/,,}"
}

qemu_args_channel() {
	mkfifo -- "$run_dir/$1.in" "$run_dir/$1.out"
	qemu_args+=(-chardev "pipe,id=$1,path=$(qemu_quote "$run_dir/$1")")
	[[ $2 != port ]] || qemu_args+=(-device "virtserialport,chardev=$1,name=lab.$1")
}

qemu_args_numa() {
	local node share=$((opt_memory / opt_numa)) size
	for ((node = 0; node < opt_numa; node++)); do
		size=$share
		((node > 0)) || size=$((opt_memory - share * (opt_numa - 1)))
		qemu_args+=(-object "memory-backend-ram,id=mem$node,size=${size}M"
			-numa "node,nodeid=$node,memdev=mem$node")
	done
}

qemu_args_make() {
	local channel append='console=ttyS0 panic=-1 loglevel=4 hugepagesz=2M hugepages=16'
	qemu_args=(-no-user-config -nodefaults -display none -no-reboot
		-machine pc -accel "$accel" -cpu "$opt_cpu" -smp "$opt_cpus" -m "${opt_memory}M"
		-kernel "$boot_image" -initrd "$run_dir/initrd" -append "$append $opt_append"
		-chardev "file,id=console,path=$(qemu_quote "$run_dir/console")" -serial chardev:console
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap
		-device virtio-9p-pci,fsdev=root,mount_tag=lab.root
		-device virtio-serial-pci)
	((opt_numa < 2)) || qemu_args_numa
	for channel in ctl stdin stdout stderr monitor; do qemu_args_channel "$channel" port; done
	[[ -z $opt_log ]] || qemu_args_channel log port
	qemu_args_channel qmp none
	qemu_args+=(-mon chardev=qmp,mode=control)
	[[ -z $opt_out ]] || qemu_args+=(
		-fsdev "local,id=out,path=$(qemu_quote "$opt_out"),security_model=none,multidevs=remap"
		-device virtio-9p-pci,fsdev=out,mount_tag=lab.out)
}

vm_start() {
	local qemu_args=()
	rm -f -- "$run_dir"/*.in "$run_dir"/*.out
	: >"$run_dir/console"
	qemu_args_make
	# A session of its own keeps Ctrl-C on the terminal from QEMU.
	setpriv --pdeathsig KILL setsid "$qemu" "${qemu_args[@]}" \
		</dev/null >"$run_dir/qemu.log" 2>&1 3>&- &
	qemu_pid=$!
	# Opened for writing too until QEMU surely has it: else this would block.
	# shellcheck disable=SC2094
	exec {ctl_hold}<>"$run_dir/ctl.out" {ctl}<"$run_dir/ctl.out"
	relays_start
}

# Their copies of our end of the control channel would keep us from seeing QEMU's.
relays_start() {
	dd bs=64k status=none <"$run_dir/stdout.out" {ctl_hold}>&- 2>/dev/null &
	stdout_pid=$!
	dd bs=64k status=none <"$run_dir/stderr.out" >&2 {ctl_hold}>&- &
	stderr_pid=$!
	relay_pids=("$stdout_pid" "$stderr_pid")
	[[ $mode == shell ]] || stdin_start
	monitor_serve {ctl_hold}>&- &
	relay_pids+=($!)
	log_pid=''
	if [[ $opt_log ]]; then
		# Appended: the monitor's server writes there, too.
		: >"$opt_log"
		cat <"$run_dir/log.out" >>"$opt_log" {ctl_hold}>&- &
		log_pid=$!
		relay_pids+=("$log_pid")
	fi
	echo "${relay_pids[@]}" >"$run_dir/pids"
}

# An ordinary input goes over in base64, with a dot for its end, and a second one
# because the guest's sed reads a line ahead. A terminal is
# not read: that is what the subcommand shell is for, which starts this when its
# terminal is raw.
stdin_start() {
	local send='setpriv --pdeathsig KILL base64 2>/dev/null; echo .; echo .'
	if [[ $mode == shell ]]; then
		send='exec dd bs=1k status=none'
	elif [[ -t 0 ]]; then
		send='echo .; echo .'
	fi
	setpriv --pdeathsig KILL bash -c "$send" <&"$stdin_fd" >"$run_dir/stdin.in" {ctl_hold}>&- &
	relay_pids+=($!)
}

# The guest has handed the last byte to its virtual port; QEMU may still hold it
# back for a slow reader. All has passed when our relay has written as many.
relay_drain() {
	local pid=$1 expected=$2 word number
	while [[ -r /proc/$pid/io ]]; do
		while read -r word number; do
			[[ $word != wchar: ]] || ((number < expected)) || return 0
		done 2>/dev/null <"/proc/$pid/io"
		sleep 0.02
	done
}

# Watches the guest from its first instruction to its end. Leaves in phase how
# far it came (booting, up, running), and in reason why it ended: ended, with
# the command's status; gone (QEMU has), lost (the guest lives, the command's
# keeper does not), oops, hang, timeout, reader (nobody reads our output).
vm_watch() {
	local line heard='' silent=0
	phase=booting status='' reason=''
	while [[ -z $reason ]]; do
		if IFS='' read -rt 1 -u "$ctl" line; then
			silent=0
			vm_heard "$heard$line"
			heard=''
		elif (($? > 128)); then
			# The second may be over in the middle of a line: its rest comes yet.
			heard+=$line
			# Counted, not measured: a host that slept is not a guest that hung.
			vm_silent $((++silent))
		else
			reason=gone
		fi
		[[ $reason || $phase != running ]] || vm_check_running
	done
	exec {ctl}<&-
	[[ $phase != booting ]] || exec {ctl_hold}>&-
}

vm_heard() {
	local word rest
	read -r word rest <<<"$1"
	case $word in
	up)
		phase=up
		exec {ctl_hold}>&-
		verbose 'the guest is up'
		;;
	start)
		phase=running run_since=$SECONDS
		verbose 'the command starts'
		printf '%d %s %d %s\n' $$ "$kernel_version" "$opt_cpus" "$opt_cpu" >"$run_dir/guest"
		if [[ $mode == shell ]]; then
			stty raw -echo
			stdin_start
		fi
		;;
	exit)
		read -r status out_bytes err_bytes <<<"$rest"
		reason=ended
		;;
	lost) reason=lost ;;
	esac
}

vm_silent() {
	if ! kill -0 "$qemu_pid" 2>/dev/null; then
		reason=gone
	elif [[ $phase == booting ]]; then
		# An emulated second processor may trip over code being patched.
		! grep -qs 'Oops: int3' "$run_dir/console" || reason=oops
		(($1 < boot_within)) || reason=hang
	else
		(($1 < hang_after)) || reason=hang
	fi
}

# A reader that has gone ends the command, as SIGPIPE would have. Its relay has failed then;
# one that has met the end is ahead of a QEMU that is about to go.
vm_check_running() {
	if ((opt_timeout > 0 && SECONDS - run_since >= opt_timeout)); then
		reason=timeout
	elif ! kill -0 "$stdout_pid" 2>/dev/null && ! wait "$stdout_pid"; then
		reason=reader
	fi
}

# The guest writes to its console what its tasks are doing, as fast as the host lets it. One
# that is too ill for that says nothing for twenty seconds, or comes to no end in two minutes.
vm_ask_tasks() {
	local i silent=0 size=0 before
	kill -0 "$qemu_pid" 2>/dev/null || return 0
	# Opened both ways it does not wait for a QEMU that has gone just now.
	echo tasks 1<>"$run_dir/ctl.in"
	for ((i = 0; i < 1200 && silent < 200; i++)); do
		! console_says '^hwpoison-lab: end of tasks' || break
		sleep 0.1
		before=$size size=$(stat -c %s -- "$run_dir/console")
		if ((size > before)); then silent=0; else ((++silent)); fi
	done
}

vm_finish() {
	if [[ $reason == ended ]]; then
		relay_drain "$stdout_pid" "$out_bytes"
		relay_drain "$stderr_pid" "$err_bytes"
	fi
	children_end "$qemu_pid"
	# They end by themselves, having passed on what was under way; not so those that
	# still wait for a QEMU that never opened their FIFOs.
	[[ $phase == booting || $reason == reader ]] || wait "$stdout_pid" "$stderr_pid" ${log_pid:+"$log_pid"}
	qemu_stop
	terminal_restore
}

# Boots, and boots again if the guest died before there was anything to run.
vm_run() {
	local attempt
	for attempt in 1 2 3; do
		vm_start
		vm_watch
		[[ $reason != timeout ]] || vm_ask_tasks
		vm_finish
		[[ $phase != running && $reason =~ ^(gone|oops)$ && -s $run_dir/console ]] || return 0
		verbose "the guest died while booting (attempt $attempt)"
	done
}

console_says() {
	grep -qs "$1" "$run_dir/console"
}

# Its tasks as it told them; 1: it did not.
tasks_show() {
	console_says '^hwpoison-lab: tasks' || return
	printf 'Its tasks, with their states, and where those in D (uninterruptible) wait:\n'
	sed -n '/^hwpoison-lab: tasks/,/^hwpoison-lab: end of tasks/ { /^hwpoison-lab:/d; p }' \
		"$run_dir/console" | tr -d '\r\000'
} >&2

# Behind a panic's own line there is a long trace of no use: what counts is
# before and just behind it.
console_show() {
	if console_says 'Kernel panic'; then
		printf 'From its console:\n'
		grep -B 14 -A 5 'Kernel panic' "$run_dir/console" | tr -d '\r\000'
	elif [[ -s $run_dir/console ]]; then
		printf 'The last lines of its console:\n'
		tail -n 20 "$run_dir/console" | tr -d '\r\000'
	elif [[ -s $run_dir/qemu.log ]]; then
		grep -v "TCG doesn't support" "$run_dir/qemu.log" | tail -n 20
	fi >&2
}

# Says what went wrong, and returns the exit status for it.
vm_report() {
	local when='before the command started'
	[[ $phase != running ]] || when='while the command ran'
	case $reason in
	ended) return "$status" ;;
	reader) return 141 ;;
	esac
	screen_reset
	if [[ $reason == timeout ]]; then
		say "run: ${command[0]}: still running after $opt_timeout s; see --timeout"
		tasks_show || console_show
		return "$EXIT_TIMEOUT"
	elif console_says 'Kernel panic'; then
		say "guest: $kernel_version: panic $when"
	elif [[ $reason == hang ]]; then
		say "guest: $kernel_version: hang $when: no sign of life for $([[ $phase == booting ]] && echo "$boot_within" || echo "$hang_after") s"
	elif [[ $reason == lost ]]; then
		say "guest: $kernel_version: the command's keeper was killed $when"
	elif [[ ! -s $run_dir/console ]]; then
		say "guest: $qemu: did not start:"
		console_show
		return "$EXIT_FAILED"
	else
		say "guest: $kernel_version: switched off $when"
	fi
	console_show
	[[ $phase == running ]] || return "$EXIT_FAILED"
	return "$EXIT_GUEST"
}
