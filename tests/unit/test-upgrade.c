/* Upgrades: from whom a WebSocket is taken, and what a handshake that is wrong is answered. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "conn.h"
#include "err.h"
#include "req.h"
#include "upgrade.h"

static struct buf answered;

static void
wrap(struct conn *c, struct buf *out, struct str bytes)
{
	(void)c;
	buf_adds(out, bytes);
}

static void
tail(struct conn *c, struct buf *out)
{
	(void)c, (void)out;
}

static void
hear(struct conn *c, bool yes)
{
	(void)c, (void)yes;
}

static const struct gate cgi = { .name = "cgi", .wrap = wrap, .tail = tail, .hear = hear };
static const struct gate fastcgi = { .name = "fastcgi", .wrap = wrap, .tail = tail, .hear = hear };
static const struct gate deaf = { .name = "cgi", .wrap = wrap, .tail = tail };

/* A request with "NAME=value" variables; its exchange through a gate. */
static struct req *
request(struct conn *c, const struct gate *gate, const char *const *vars, size_t count)
{
	struct req *r = req_new(10000, 10000);
	struct str name, value;

	assert_non_null(r);
	conn_init(c, gate, 10000);
	r->conn = c;
	for (; count > 0 && *vars != NULL; vars++, count--) {
		str_cut(str_from(*vars), '=', &name, &value);
		assert_int_equal(req_var(r, name, value), 0);
	}
	return r;
}

static void
drop(struct req *r)
{
	conn_release(r->conn);
	req_free(r);
}

#define GET	"REQUEST_METHOD=GET"
#define WANTS	"HTTP_UPGRADE=websocket"
#define KEY	"HTTP_SEC_WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ=="
#define WEB(name) "SERVER_SOFTWARE=" name

static void
test_passes(void **state)
{
	static const struct {
		const char *why, *setting;
		const struct gate *gate;
		const char *vars[4];
		bool want;
	} rows[] = {
		{ "lighttpd's CGI hands Upgrade on", "auto", &cgi, { GET, WANTS, WEB("lighttpd/1.4.69") }, true },
		{ "whatever else it says of itself", "auto", &cgi, { GET, WANTS, WEB("lighttpd/1.4.79 (Debian)") }, true },
		{ "only with cgi.upgrade", "auto", &cgi, { GET, KEY, WEB("lighttpd/1.4.69") }, false },
		{ "another protocol", "auto", &cgi, { GET, "HTTP_UPGRADE=h2c", WEB("lighttpd/1.4.69") }, false },
		{ "any case", "auto", &cgi, { GET, "HTTP_UPGRADE=WebSocket", WEB("Lighttpd/1.4.69") }, true },
		{ "FastCGI too old", "auto", &fastcgi, { GET, WANTS, WEB("lighttpd/1.4.73") }, false },
		{ "FastCGI", "auto", &fastcgi, { GET, WANTS, WEB("lighttpd/1.4.74") }, true },
		{ "later", "auto", &fastcgi, { GET, WANTS, WEB("lighttpd/1.5.0") }, true },
		{ "much later", "auto", &fastcgi, { GET, WANTS, WEB("lighttpd/2.0.0") }, true },
		{ "nginx", "auto", &fastcgi, { GET, WANTS, WEB("nginx/1.22.1") }, false },
		{ "Apache", "auto", &cgi, { GET, WANTS, WEB("Apache/2.4.62 (Debian)") }, false },
		{ "a version that is none", "auto", &cgi, { GET, WANTS, WEB("lighttpd/1.4") }, false },
		{ "another", "auto", &cgi, { GET, WANTS, WEB("lighttpd/a.b.c") }, false },
		{ "a name that only begins so", "auto", &cgi, { GET, WANTS, WEB("lighttpd2/1.4.80") }, false },
		{ "nobody says who he is", "auto", &cgi, { GET, WANTS }, false },
		{ "on: nginx, too", "on", &fastcgi, { GET, KEY, WEB("nginx/1.22.1") }, true },
		{ "off: nobody", "off", &cgi, { GET, WANTS, WEB("lighttpd/1.4.69") }, false },
		{ "nothing is heard", "on", &deaf, { GET, WANTS, WEB("lighttpd/1.4.69") }, false },
	};
	struct conf conf;
	struct conn c;
	struct req *r;
	size_t i;

	(void)state;
	conf_init(&conf);
	for (i = 0; i < COUNT(rows); i++) {
		r = request(&c, rows[i].gate, rows[i].vars, COUNT(rows[i].vars));
		strcpy(conf.websocket, rows[i].setting);
		row_assert(upgrade_passes(&conf, r) == rows[i].want, "%s", rows[i].why);
		drop(r);
	}
}

static void
test_forecast(void **state)
{
	static const struct {
		const char *why, *setting;
		const struct gate *gate;
		const char *vars[4];
		const char *want;
	} rows[] = {
		{ "on", "on", &fastcgi, { GET, WEB("nginx/1.22.1") }, "yes" },
		{ "off", "off", &cgi, { GET, WANTS, WEB("lighttpd/1.4.69") }, "no" },
		{ "not known to", "auto", &fastcgi, { GET, WEB("nginx/1.22.1") }, "no" },
		{ "nobody says who he is", "auto", &cgi, { GET }, "no" },
		{ "lighttpd: it depends", "auto", &cgi, { GET, WEB("lighttpd/1.4.69") }, "unknown" },
		{ "also where FastCGI cannot: CGI may", "auto", &fastcgi, { GET, WEB("lighttpd/1.4.69") }, "unknown" },
		{ "this one gets through", "auto", &cgi, { GET, WANTS, WEB("lighttpd/1.4.69") }, "yes" },
		{ "this one does not", "auto", &fastcgi, { GET, WANTS, WEB("lighttpd/1.4.69") }, "no" },
	};
	struct conf conf;
	struct conn c;
	struct req *r;
	size_t i;

	(void)state;
	conf_init(&conf);
	for (i = 0; i < COUNT(rows); i++) {
		r = request(&c, rows[i].gate, rows[i].vars, COUNT(rows[i].vars));
		strcpy(conf.websocket, rows[i].setting);
		row_assert(strcmp(upgrade_forecast(&conf, r), rows[i].want) == 0, "%s", rows[i].why);
		drop(r);
	}
}

static void
test_wants(void **state)
{
	static const struct { const char *why, *vars[4]; bool want; } rows[] = {
		{ "Upgrade", { GET, WANTS }, true },
		{ "a key: not every web server hands Upgrade on", { GET, KEY }, true },
		{ "neither", { GET }, false },
		{ "POST", { "REQUEST_METHOD=POST", WANTS, KEY }, false },
		{ "HEAD", { "REQUEST_METHOD=HEAD", WANTS, KEY }, false },
		{ "another protocol", { GET, "HTTP_UPGRADE=h2c" }, false },
	};
	struct conn c;
	struct req *r;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		r = request(&c, &cgi, rows[i].vars, COUNT(rows[i].vars));
		row_assert(req_upgrades(r) == rows[i].want, "%s", rows[i].why);
		drop(r);
	}
}

/* What a handshake is answered; "": it is right. */
static const char *
answer_to(const char *version, const char *key)
{
	const char *vars[] = { GET, WANTS, key, version };
	struct conn c;
	struct req *r = request(&c, &cgi, vars, COUNT(vars));
	int rc = upgrade_check(r);

	buf_clear(&answered);
	buf_adds(&answered, buf_str(&c.out));
	buf_addc(&answered, '\0');
	assert_int_equal(rc, answered.n > 1 ? -ERR_BAD : 0);
	drop(r);
	return answered.p;
}

static void
test_check(void **state)
{
	const char *said;

	(void)state;
	assert_string_equal(answer_to("HTTP_SEC_WEBSOCKET_VERSION=13", KEY), "");
	said = answer_to("HTTP_SEC_WEBSOCKET_VERSION=8", KEY);
	assert_non_null(strstr(said, "Status: 426 "));
	assert_non_null(strstr(said, "\r\nSec-WebSocket-Version: 13\r\n"));
	assert_non_null(strstr(said, "\"status\":426"));
	assert_non_null(strstr(answer_to("X=", KEY), "Status: 426 "));
	assert_non_null(strstr(answer_to("HTTP_SEC_WEBSOCKET_VERSION=013", KEY), "Status: 426 "));
	assert_non_null(strstr(answer_to("HTTP_SEC_WEBSOCKET_VERSION=13", "HTTP_SEC_WEBSOCKET_KEY=short"), "Status: 400 "));
	assert_non_null(strstr(answer_to("HTTP_SEC_WEBSOCKET_VERSION=13", "X="), "Status: 400 "));
}

static void
test_head(void **state)
{
	static const char *const vars[] = { GET, WANTS, KEY };
	struct conn c;
	struct req *r = request(&c, &cgi, vars, COUNT(vars));

	(void)state;
	upgrade_head(r);
	buf_addc(&c.out, '\0');
	assert_string_equal(c.out.p, "Status: 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
	drop(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes), cmocka_unit_test(test_forecast),
		cmocka_unit_test(test_wants), cmocka_unit_test(test_check),
		cmocka_unit_test(test_head),
	};
	int rc;

	buf_init(&answered, 10000);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	buf_release(&answered);
	return rc;
}
