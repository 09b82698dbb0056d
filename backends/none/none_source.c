/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline: traces nothing. It takes the same path as every backend (session, drain thread, gates, ledger), so
 * what remains between it and another backend is that backend.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "source.h"

#define NS_PER_US 1000L
#define US_PER_S  1000000u

struct tb_source {
	char nothing; /* an open source needs an address, and has no state */
};

static int none__check(const struct tb_source_config *config, struct tb_error *err)
{
	if (config->abi != TB_SOURCE_ABI)
		return tb_error__set(err, -EPROTO, "source ABI %u, want %u", config->abi, TB_SOURCE_ABI);
	if (strcmp(config->variant, "") != 0)
		return tb_error__set(err, -EINVAL, "none has no variant '%s'", config->variant);
	if (config->paths)
		return tb_error__set(err, -EOPNOTSUPP, "nothing is traced, so no string is read");
	return 0;
}

static int none__probe(const struct tb_source_config *config, struct tb_error *err)
{
	int rc = none__check(config, err);

	return rc ? rc : 1;
}

static int none__open(const struct tb_source_config *config, struct tb_source **source,
		      struct tb_geometry *geometry, struct tb_error *err)
{
	int rc = none__check(config, err);

	if (rc)
		return rc;
	*source = calloc(1, sizeof(**source));
	if (!*source)
		return tb_error__set(err, -ENOMEM, "no memory for the source");
	memset(geometry, 0, sizeof(*geometry));
	return 0;
}

/* Fails for a target that is gone, as every other backend does. */
static int none__arm(struct tb_source *source, pid_t pid, struct tb_error *err)
{
	(void)source;
	if (kill(pid, 0) != 0 && errno == ESRCH)
		return tb_error__set(err, -ESRCH, "the target (pid %d) is gone", pid);
	return 0;
}

static int none__drain(struct tb_source *source, struct tb_record *out, uint32_t capacity,
		       uint32_t timeout_us, struct tb_round *round, struct tb_error *err)
{
	struct timespec pause = {timeout_us / US_PER_S, (long)(timeout_us % US_PER_S) * NS_PER_US};

	(void)source;
	(void)out;
	(void)capacity;
	(void)err;
	round->visible_ns = 0;
	round->per_record_visible = 0;
	/* Interrupted by a signal: the session calls again, as after any empty round. */
	if (timeout_us)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	return 0;
}

static int none__disarm(struct tb_source *source, struct tb_error *err)
{
	(void)source;
	(void)err;
	return 0;
}

static int none__stats(struct tb_source *source, struct tb_counter *out, uint32_t capacity,
		       struct tb_error *err)
{
	(void)source;
	(void)out;
	(void)capacity;
	(void)err;
	return 0;
}

static void none__close(struct tb_source *source)
{
	free(source);
}

const struct tb_source_ops tb_none_source = {
	.abi = TB_SOURCE_ABI,
	.name = "none",
	.probe = none__probe,
	.open = none__open,
	.arm = none__arm,
	.drain = none__drain,
	.disarm = none__disarm,
	.stats = none__stats,
	.close = none__close,
};
