# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# hwpoison-lab mce: machine checks for a guest that runs, from the host. mce-inject turns a
# record into what the monitor is to do.

# Shared between the files of the lab: options.
# shellcheck disable=SC2154

guest_dir='' guest_pid='' guest_kernel='' guest_cpus='' guest_model=''

# Prints a line a guest: the launcher's PID, kernel, number and model of processors, folder.
# A guest has the file "guest" in its folder while its command runs. Others' folders do not
# count, whoever we are.
guests_list() {
	local file pid rest
	for file in "${TMPDIR:-/tmp}"/hwpoison-lab.*/guest; do
		[[ -O $file && -O ${file%/guest} ]] || continue
		read -r pid rest <"$file" || continue
		[[ $opt_guest && $pid != "$opt_guest" ]] || ! kill -0 "$pid" 2>/dev/null ||
			printf '%d %s %s\n' "$pid" "$rest" "${file%/guest}"
	done
}

guest_choose() {
	local found
	mapfile -t found < <(guests_list)
	((${#found[@]} > 0)) || fail "$EXIT_FAILED" "mce: ${opt_guest:+$opt_guest: }no guest of yours runs a command"
	((${#found[@]} == 1)) || fail "$EXIT_FAILED" 'mce: several guests run; choose one with --guest:' \
		"$(printf '\n  %s' "${found[@]}")"
	read -r guest_pid guest_kernel guest_cpus guest_model guest_dir <<<"${found[0]}"
}

# The rules of the guest's processor, which is not that of the host.
guest_vendor() {
	case ${guest_model,,} in
	epyc* | opteron* | phenom* | athlon* | max* | qemu* | kvm*) echo amd ;;
	*) echo intel ;;
	esac
}

# mce_command RECORD: prints the monitor's command.
mce_command() {
	local record=$1 args=(--via machine --dry-run --force --vendor "$(guest_vendor)") text status
	case $record in
	corrected | ucna | srao | srao-ewb | srar | srar-fetch | fatal | *@0x*)
		args+=("--${record%@*}")
		[[ $record != *@* ]] || args+=("--phys=${record#*@}")
		;;
	*) args+=(-- "$record") ;;
	esac
	text=$(mce-inject "${args[@]}")
	status=$?
	((status == 0)) || return $status
	sed -n 's/^would have the machine do: //p' <<<"$text"
}

# mce_adapt COMMAND: with the --cpu and --broadcast of the command line.
mce_adapt() {
	local aim='' rest=$1 flag=''
	if [[ $rest == aim\ * ]]; then
		aim=${rest%% mce *}' ' rest=mce\ ${rest#* mce }
	fi
	rest=${rest#mce }
	if [[ $rest == '-b '* ]]; then flag='-b ' rest=${rest#-b }; fi
	[[ ! $opt_broadcast ]] || flag='-b '
	if [[ $opt_cpu ]]; then
		rest="$opt_cpu ${rest#* }"
		[[ ! $aim ]] || aim="aim $opt_cpu ${aim#aim * }"
	fi
	[[ ${rest%% *} == % ]] || ((${rest%% *} < guest_cpus)) ||
		fail "$EXIT_CANNOT" "mce: ${rest%% *}: the guest has no such processor, it has $guest_cpus"
	printf '%smce %s%s\n' "$aim" "$flag" "$rest"
}

# mce_ask COMMAND: the server in the guest's launcher does it.
mce_ask() {
	local id=host$BASHPID answers line heard='' word text reply='' tries=0
	mkfifo -- "$guest_dir/$id" || return
	exec {answers}<>"$guest_dir/$id"
	printf '%s %s\n' "$id" "$1" 1<>"$guest_dir/monitor.out"
	while ((tries < 60)); do
		if ! IFS='' read -rt 1 -u "$answers" line; then
			[[ -d $guest_dir ]] || return 0
			# The second may be over in the middle of a line: its rest comes yet.
			heard+=$line
			((++tries))
			continue
		fi
		read -r _ word text <<<"$heard$line"
		heard=''
		[[ $word != end ]] || break
		reply=$text
		[[ $word != error ]] || break
	done
	rm -f -- "$guest_dir/$id"
	((tries < 60)) || fail "$EXIT_FAILED" 'mce: the guest does not answer'
	[[ ! $reply ]] || fail "$EXIT_CANNOT" "mce: the machine: $reply"
}

# Prints what the guest's console says of it, for a while: whole lines, what is behind the
# last one's end only when its rest has come. A panic is a result.
mce_follow() {
	local console=$1 until=$((SECONDS + opt_timeout)) text='' more rest='' alive=yes
	while [[ $alive ]] && ((SECONDS <= until)); do
		sleep 0.2
		[[ -d $guest_dir ]] || alive=''
		# The dot keeps the newlines at the end.
		more=$rest$(cat <&"$console" | tr -d '\r\000'; echo .)
		more=${more%.}
		rest=${more##*$'\n'}
		more=${more%"$rest"}
		printf '%s' "$more"
		text+=$more
	done
	[[ ! $rest ]] || printf '%s\n' "$rest"
	text+=$rest
	[[ $text != *'Kernel panic'* ]] || fail "$EXIT_GUEST" "guest: $guest_kernel: panic"
	[[ $alive ]] || say "guest: $guest_kernel: its command has ended"
}

mce() {
	local record text commands=() console
	((${#command[@]} > 0)) || bad_usage 'mce: no record given'
	[[ ! $opt_cpu ]] || opt_cpu=$(number --cpu "$opt_cpu" 0 254) || exit
	opt_timeout=${opt_timeout:-3}
	type -P mce-inject >/dev/null || fail "$EXIT_CANNOT" 'mce: mce-inject: not found'
	guest_choose
	[[ $(guest_vendor) == intel ]] || say "mce: $guest_model: a processor that does not recover;" \
		"the default of --cpu, Cascadelake-Server, does"
	# All of them, before the first is raised.
	for record in "${command[@]}"; do
		text=$(mce_command "$record") || exit
		while read -r text; do
			text=$(mce_adapt "$text") || exit
			commands+=("$text")
		done <<<"$text"
	done
	exec {console}<"$guest_dir/console"
	cat <&"$console" >/dev/null
	for text in "${commands[@]}"; do
		verbose "guest $guest_pid, $guest_model: $text"
		mce_ask "$text"
	done
	mce_follow "$console"
}
