# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the lab's tests share.

# A small ext4 file system on a loop device, in $DISK: the lab's own root is an
# overlay on tmpfs, whose page cache is of another kind.
make_disk() {
	export DISK=$BATS_FILE_TMPDIR/disk
	modprobe -a loop ext4
	truncate -s 32M "$DISK.image"
	mkfs.ext4 -q "$DISK.image"
	mkdir "$DISK"
	mount -o loop "$DISK.image" "$DISK"
}

remove_disk() {
	umount "$DISK"
}
