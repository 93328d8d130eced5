/* upgrade - see upgrade.h. */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "conn.h"
#include "err.h"
#include "reply.h"
#include "upgrade.h"
#include "ws.h"

#define HEAD_MAX	512

int64_t
upgrade_lighttpd(struct str software)
{
	struct str name, version, part;
	uint64_t v;
	int64_t n = 0;
	int i;

	str_cut(software, ' ', &software, &part);
	if (!str_cut(software, '/', &name, &version) || !str_eqcase(name, STR("lighttpd")))
		return 0;
	for (i = 0; i < 3; i++) {
		str_cut(version, '.', &part, &version);
		if (str_uint(part, 999, &v) < 0)
			return 0;
		n = n * 1000 + (int64_t)v;
	}
	return n;
}

static bool
can(const struct req *r)
{
	int64_t version = upgrade_lighttpd(req_software(r));

	if (version == 0 || !req_names_upgrade(r))
		return false;
	return strcmp(r->conn->gate->name, "cgi") == 0 || version >= UPGRADE_FASTCGI_SINCE;
}

#ifdef WITH_WEBSOCKET
static const bool built_in = true;
#else
static const bool built_in = false;
#endif

bool
upgrade_passes(const struct conf *conf, const struct req *r)
{
	if (!built_in || r->conn->gate->hear == NULL || strcmp(conf->websocket, "off") == 0)
		return false;
	return strcmp(conf->websocket, "on") == 0 || can(r);
}

const char *
upgrade_forecast(const struct conf *conf, const struct req *r)
{
	if (!built_in)
		return "no";
	if (strcmp(conf->websocket, "auto") != 0)
		return strcmp(conf->websocket, "on") == 0 ? "yes" : "no";
	if (upgrade_lighttpd(req_software(r)) == 0)
		return "no";
	return !req_names_upgrade(r) ? "unknown" : upgrade_passes(conf, r) ? "yes" : "no";
}

int
upgrade_check(struct req *r)
{
	char accept[WS_ACCEPT_SIZE];

	if (!str_eq(req_ws_version(r), STR("13"))) {
		reply_send(r, 426, "application/problem+json",
		    STR("{\"type\":\"about:blank\",\"title\":\"Upgrade Required\",\"status\":426,"
		    "\"detail\":\"Sec-WebSocket-Version is 13.\"}\n"), "Sec-WebSocket-Version: 13\r\n");
		return -ERR_BAD;
	}
	if (ws_accept(req_ws_key(r), accept) < 0) {
		reply_problem(r, -ERR_BAD, "Sec-WebSocket-Key is 16 bytes in base64.");
		return -ERR_BAD;
	}
	return 0;
}

void
upgrade_head(struct req *r)
{
	char accept[WS_ACCEPT_SIZE];
	struct buf b;
	int rc = ws_accept(req_ws_key(r), accept);

	assert(rc == 0);
	(void)rc;
	r->status = 101;
	buf_init(&b, HEAD_MAX);
	buf_adds(&b, STR("Status: 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: "));
	buf_addz(&b, accept);
	buf_adds(&b, STR("\r\n\r\n"));
	conn_add(r->conn, buf_str(&b));
	buf_release(&b);
}
