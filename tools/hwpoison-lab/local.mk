# SPDX-License-Identifier: GPL-2.0-or-later
bin_SCRIPTS = tools/hwpoison-lab/hwpoison-lab
labdir = $(pkglibexecdir)/lab
dist_lab_DATA = \
	tools/hwpoison-lab/host.sh \
	tools/hwpoison-lab/initramfs.sh \
	tools/hwpoison-lab/kernels.sh \
	tools/hwpoison-lab/monitor.sh \
	tools/hwpoison-lab/vm.sh
dist_lab_SCRIPTS = \
	tools/hwpoison-lab/guest-init \
	tools/hwpoison-lab/guest-job \
	tools/hwpoison-lab/guest-monitor
EXTRA_DIST += tools/hwpoison-lab/hwpoison-lab.in
CLEANFILES += tools/hwpoison-lab/hwpoison-lab
dist_man_MANS += man/hwpoison-lab.1
dist_bashcompletion_DATA += completions/hwpoison-lab

tools/hwpoison-lab/hwpoison-lab: tools/hwpoison-lab/hwpoison-lab.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	sed -e 's|@PACKAGE_VERSION[@]|$(PACKAGE_VERSION)|g' \
		-e 's|@pkglibexecdir[@]|$(pkglibexecdir)|g' \
		$(srcdir)/tools/hwpoison-lab/hwpoison-lab.in >$@.tmp && \
	chmod +x $@.tmp && \
	if test $(srcdir) != .; then cp -pf $(lab_parts:%=$(srcdir)/%) $(@D); fi && \
	mv -f $@.tmp $@

# It looks for its parts beside itself first: so it runs from the build tree. They are named
# by the source's folder, since make would find the copies before them.
lab_parts = $(dist_lab_DATA) $(dist_lab_SCRIPTS)
tools/hwpoison-lab/hwpoison-lab: $(lab_parts:%=$(srcdir)/%)

clean-local:
	if test $(srcdir) != .; then rm -f $(lab_parts); fi
