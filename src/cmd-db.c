/* cmd-db - see cmd-db.h. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd-db.h"
#include "err.h"

#define STEP_MS		10
#define HEAD_SIZE	20
#define HEAD_JOURNAL	18	/* its byte: 2 is WAL (SQLite file format, 1.3.3) */

/* Read before SQLite has the file: closing a descriptor of it later would drop SQLite's locks. */
static bool
has_wal(const char *path)
{
	unsigned char head[HEAD_SIZE] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof head);

	if (fd >= 0)
		close(fd);
	return n == HEAD_SIZE && head[HEAD_JOURNAL] == 2;
}

int
cmd_db_open(const struct conf *c, bool make, struct store **out, const char **why)
{
	struct store_conf sc = {
		.path = c->db,
		.create = make,
		.wal = make ? strcmp(c->journal, "auto") == 0 : has_wal(c->db),
		.max_bytes = c->max_db_bytes,
		.max_pending = (uint32_t)c->max_pending,
		.max_pending_bytes = (uint32_t)c->max_pending_bytes,
		.away_ms = (uint32_t)c->away_ms,
	};

	return store_sqlite_open(&sc, out, why);
}

int
cmd_db_begin(struct store *s)
{
	const struct timespec step = { 0, STEP_MS * 1000000L };
	int tries = CMD_DB_WAIT_MS / STEP_MS, rc;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	while ((rc = store_begin(s, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000)) == -ERR_BUSY && tries-- > 0)
		nanosleep(&step, NULL);
	return rc;
}

int
cmd_db_stat(struct store *s, struct store_stat *out)
{
	const struct timespec step = { 0, STEP_MS * 1000000L };
	int tries = CMD_DB_WAIT_MS / STEP_MS, rc;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	rc = store_stat(s, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, out);
	while (rc == -ERR_BUSY && tries-- > 0) {
		nanosleep(&step, NULL);
		rc = store_stat(s, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, out);
	}
	return rc;
}

void
cmd_db_directory(const struct conf *c, char *out)
{
	const char *slash = strrchr(c->db, '/');

	if (slash == NULL)
		snprintf(out, CONF_STR_MAX, ".");
	else if (slash == c->db)
		snprintf(out, CONF_STR_MAX, "/");
	else
		snprintf(out, CONF_STR_MAX, "%.*s", (int)(slash - c->db), c->db);
}
