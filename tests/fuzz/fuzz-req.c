/*
 * A request as a gate fills it: lines NAME=VALUE up to an empty one, then the body. What becomes
 * ready has a path of printable characters that is the end of the URI it came with, a body as
 * long as it was announced, and a query whose values decode without a NUL inside.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "fuzz.h"
#include "req.h"

#define VARS_MAX	4096
#define BODY_MAX	512

static int
fill(struct req *r, struct str *rest)
{
	struct str line, name, value;
	int rc;

	while (str_cut(*rest, '\n', &line, rest) && line.n > 0) {
		str_cut(line, '=', &name, &value);
		rc = req_var(r, name, value);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void
check_query(const struct req *r)
{
	static const char *const names[] = { "transport", "n", "key", "" };
	char out[32];
	size_t i;
	int rc;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		memset(out, 'x', sizeof out);
		rc = req_query(r, names[i], out, sizeof out);
		FUZZ_CHECK(rc == 0 || rc == -ERR_NOTFOUND || rc == -ERR_BAD || rc == -ERR_TOOBIG);
		FUZZ_CHECK(memchr(out, '\0', sizeof out) != NULL);
	}
}

static void
check_ready(const struct req *r)
{
	FUZZ_CHECK(r->path.n > 0 && r->path.p[0] == '/');
	FUZZ_CHECK(str_printable(r->path) && str_printable(r->query) && str_printable(r->mount));
	FUZZ_CHECK(memchr(r->path.p, '?', r->path.n) == NULL);
	FUZZ_CHECK(r->length < 0 || (uint64_t)r->length == r->body.n);
	FUZZ_CHECK(r->body.n <= BODY_MAX);
	req_accepts(r, STR("text/html"));
	req_media_type(r);
	check_query(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make((const char *)data, size);
	struct req *r = req_new(VARS_MAX, BODY_MAX);
	int64_t length;
	int rc;

	if (r == NULL)
		return 0;
	rc = fill(r, &rest);
	if (rc == 0)
		rc = req_length(r, &length);
	if (rc == 0)
		rc = req_body(r, rest);
	if (rc == 0)
		rc = req_ready(r, size % 2 == 0 ? "/" : "auto");
	FUZZ_CHECK(rc == 0 || rc == -ERR_BAD || rc == -ERR_TOOBIG || rc == -ERR_NOTFOUND);
	if (rc == 0)
		check_ready(r);
	req_free(r);
	return 0;
}
