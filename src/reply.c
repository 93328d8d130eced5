/* reply - CGI response heads (RFC 3875, 6.3) and problem documents. */
#include "config.h"

#include <stdio.h>

#include "conn.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "reply.h"
#include "ws.h"

#define HEAD_MAX	2048
#define PROBLEM_MAX	2048
#define ORIGIN_MAX	512	/* longer ones are not echoed */

static bool
echoed(const struct req *r)
{
	return r->pages != PAGES_FOREIGN && (r->credentials || r->pages == PAGES_LISTED) && r->origin.n > 0 && r->origin.n <= ORIGIN_MAX && str_printable(r->origin);
}

void
reply_cors(struct buf *head, const struct req *r)
{
	if (r->credentials || r->pages != PAGES_ALL)
		buf_adds(head, STR("Vary: Origin\r\n"));
	if (echoed(r)) {
		buf_adds(head, STR("Access-Control-Allow-Origin: "));
		buf_adds(head, r->origin);
		buf_adds(head, STR("\r\n"));
		if (r->credentials)
			buf_adds(head, STR("Access-Control-Allow-Credentials: true\r\n"));
	} else if (r->pages == PAGES_ALL)
		buf_adds(head, STR("Access-Control-Allow-Origin: *\r\n"));
}

static void
head_start(struct buf *b, struct req *r, int status, const char *type)
{
	r->status = status;
	buf_adds(b, STR("Status: "));
	buf_addu(b, (uint64_t)status);
	buf_addc(b, ' ');
	buf_addz(b, err_reason(status));
	if (type != NULL) {
		buf_adds(b, STR("\r\nContent-Type: "));
		buf_addz(b, type);
	}
	buf_adds(b, STR("\r\n"));
	reply_cors(b, r);
}

/* On a WebSocket a message that was lost ends it: its client must not believe that it arrived. */
static void
close_spoken(struct req *r, const char *reason)
{
	struct buf b;

	buf_init(&b, HEAD_MAX);
	ws_put_close(&b, WS_TRY_AGAIN, str_from(reason));
	conn_add(r->conn, buf_str(&b));
	conn_finish(r->conn);
	buf_release(&b);
}

void
reply_send(struct req *r, int status, const char *type, struct str body, const char *extra)
{
	struct buf b;

	if (r->spoken) {
		conn_finish(r->conn);
		return;
	}
	buf_init(&b, HEAD_MAX + body.n);
	head_start(&b, r, status, type);
	if (status != 204) {
		buf_adds(&b, STR("Content-Length: "));
		buf_addu(&b, body.n);
		buf_adds(&b, STR("\r\n"));
	}
	buf_adds(&b, STR("Cache-Control: no-store\r\n"));
	buf_addz(&b, extra);
	buf_adds(&b, STR("\r\n"));
	if (r->method != M_HEAD)
		buf_adds(&b, body);
	if (buf_err(&b) == 0)
		conn_add(r->conn, buf_str(&b));
	conn_finish(r->conn);
	buf_release(&b);
}

#define RETRY_MAX 96
#define EXPOSED "Access-Control-Expose-Headers: Retry-After\r\n"	/* to scripts of other origins */

static const char *
retry_after(const struct req *r, int status, char out[RETRY_MAX])
{
	unsigned seconds = r->retry_after != 0 ? r->retry_after : status == 507 ? 30 : 1;

	if (status != 429 && status != 503 && status != 507)
		return NULL;
	snprintf(out, RETRY_MAX, "Retry-After: %u\r\n" EXPOSED, seconds);
	return out;
}

/* A failure of ours is in the log under this name: for who tells the admin of it. */
static void
add_request(struct buf *b, const struct req *r)
{
	char name[LOG_NAME_MAX];

	log_name(r->id, name);
	buf_addz(b, ",\"request\":");
	json_quote(b, str_from(name));
}

static void
problem(struct req *r, int status, const char *title, const char *detail, bool ours)
{
	char later[RETRY_MAX];
	struct buf b;

	buf_init(&b, PROBLEM_MAX);
	buf_adds(&b, STR("{\"type\":\"about:blank\",\"title\":"));
	json_quote(&b, str_from(title));
	buf_addf(&b, ",\"status\":%d", status);
	if (detail != NULL) {
		buf_adds(&b, STR(",\"detail\":"));
		json_quote(&b, str_from(detail));
	}
	if (ours && r->id != 0)
		add_request(&b, r);
	buf_adds(&b, STR("}\n"));
	reply_send(r, status, "application/problem+json", buf_str(&b), retry_after(r, status, later));
	buf_release(&b);
}

void
reply_problem_as(struct req *r, int status, const char *title, const char *detail)
{
	problem(r, status, title, detail, false);
}

void
reply_problem(struct req *r, int err, const char *detail)
{
	const struct err_row *row = err_row(err);

	if (r->spoken && row->status >= 500) {
		close_spoken(r, row->title);
		return;
	}
	problem(r, row->status, row->title, detail, row->status >= 500);
}

void
reply_stream_head(struct req *r, const char *type)
{
	struct buf b;

	buf_init(&b, HEAD_MAX);
	head_start(&b, r, 200, type);
	buf_adds(&b, STR("Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\n\r\n"));
	conn_add(r->conn, buf_str(&b));
	buf_release(&b);
}
