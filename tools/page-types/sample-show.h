/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The summary of --sample. */
#pragma once

#include "common/record.h"
#include "estimate.h"

struct sample_result {
	const struct estimate *estimate;
	uint64_t pages;		/* of the machine */
	uint64_t sampled_from;	/* those of them whose flags were not known without reading */
	uint64_t pages_read;
	uint64_t seed;
	uint64_t may_miss;	/* sample_plan_may_miss() */
};

/* json: where records go instead of text, or NULL. */
void sample_show(const struct sample_result *result, struct record_output *json);
