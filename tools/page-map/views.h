/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The views that there are. Each function makes one; NULL: it can't be made, and the app
 * has said why. */
#pragma once

#include "app.h"

/* Physical memory, or a part of it. name: on the way at the top. */
struct view *grid_of_machine(struct app *app, const char *name, const struct kpage_range *within);
/* What a process has in its page tables, or a part of it. started: of the process, as
 * machine_process_started(): that of another is not shown. */
struct view *grid_of_process(struct app *app, pid_t pid, uint64_t started, const char *name,
			     const struct kpage_range *within);

struct view *list_of_processes(struct app *app);
struct view *list_of_vmas(struct app *app, pid_t pid, uint64_t started);
struct view *list_of_blocks(struct app *app);

/* One page: pid 0: by its PFN. */
struct view *page_view(struct app *app, pid_t pid, uint64_t started, uint64_t place);

/* The keys. */
struct view *help_view(struct app *app);

/* What a program prints, which is started for it. argv: ends with NULL, copied. */
struct view *report_view(struct app *app, const char *title, char *const *argv);
