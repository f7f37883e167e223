/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an uncorrected error in a page of each kind would do. */
#pragma once

#include "common/page-kind.h"

struct kind_forecast {
	const char *type, *result;	/* in the kernel's words; NULL: they vary */
	bool early;			/* early policy: signalled at once */
	bool access;			/* an access kills */
	const char *risk;		/* NULL: no further one */
};

/* As kernels from 6.4 on do it, with a page that is mapped and clean. */
const struct kind_forecast *forecast_of_kind(enum page_kind kind);
