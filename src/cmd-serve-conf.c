/*
 * cmd-serve-conf - the configuration that lighttpd is given.
 *
 * All requests are for this program but those for the pages, which lie below the mount path; what is
 * outside of it is answered 404 by the program. lighttpd's document root is the run directory, so
 * nothing MUST be served from there.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cmd-serve.h"
#include "err.h"

#define CONF_FILE_MAX	65536

/* ---- words ---- */

/* A lighttpd string: no quote, backslash or control character gets in. */
static int
add_string(struct buf *b, struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '"' || s.p[i] == '\\' || (unsigned char)s.p[i] < 0x20)
			return -ERR_BAD;
	buf_addc(b, '"');
	buf_adds(b, s);
	buf_addc(b, '"');
	return 0;
}

static int
add_setting(struct buf *b, const char *name, struct str value)
{
	int rc;

	buf_addf(b, "%s = ", name);
	rc = add_string(b, value);
	buf_addc(b, '\n');
	return rc;
}

/* The mount path as it stands before "/www/": nothing for the root. */
static const char *
prefix(const struct serve *s)
{
	return strcmp(s->conf.mount, "/") == 0 ? "" : s->conf.mount;
}

/* The same in a regular expression. Of what a mount path is made of, only the dot means something there. */
static void
add_pattern(struct buf *b, const struct serve *s)
{
	const char *p;

	for (p = prefix(s); *p != '\0'; p++)
		if (*p == '.')
			buf_addz(b, "[.]");
		else
			buf_addc(b, *p);
}

/* ---- the program ---- */

/* What was set for us is set for the backend: every setting, by its environment name, and so no file. */
static int
add_environment(struct buf *b, const struct conf *c)
{
	char value[CONF_STR_MAX], *p, name[80];
	size_t i;
	int rc = 0;

	buf_addz(b, "\t\t\"SIGPOST_CONFIG\" => \"\",\n");
	for (i = 0; i < conf_count && rc == 0; i++) {
		if (conf_from(&conf_rows[i]) == CONF_DEFAULT)
			continue;
		snprintf(name, sizeof name, "SIGPOST_%s", conf_rows[i].name);
		for (p = name; *p != '\0'; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 32);
		conf_show(c, &conf_rows[i], value);
		buf_addf(b, "\t\t\"%s\" => ", name);
		rc = add_string(b, str_from(value));
		buf_addz(b, ",\n");
	}
	return rc;
}

/* To the courier, which hands over to the same hub. */
static int
add_courier(struct buf *b, const struct serve *s)
{
	static char program[PATH_MAX + 1];
	int rc;

	snprintf(program, sizeof program, "%s/", s->courier);
	buf_addz(b, "cgi.assign = ( \".cgi\" => \"\" )\ncgi.upgrade = \"enable\"\n"
	    "server.stream-response-body = 2\n"	/* what a client does not read is not written to disk */
	    "alias.url = ( \"/\" => ");
	rc = add_string(b, str_from(program));
	buf_addz(b, " )\nsetenv.add-environment = (\n\t\t\"SIGPOST_BIN\" => ");
	if (rc == 0)
		rc = add_string(b, str_from(s->self));
	buf_addz(b, ",\n");
	if (rc == 0)
		rc = add_environment(b, &s->conf);
	buf_addz(b, "\t)\n");
	return rc;
}

/*
 * The WebSockets that lighttpd's mod_fastcgi does not pass on go by mod_cgi: all of them before 1.4.74, and until
 * now (1.4.79) those over HTTP/2 (CONNECT, RFC 8441), where it would wait for the end of the request's body.
 */
static int
add_websockets(struct buf *b, const struct serve *s)
{
	int rc = 0;

	if (s->lighttpd.way == LIGHTTPD_CGI) {
		buf_addz(b, "$REQUEST_HEADER[\"Upgrade\"] =~ \"(?i)^websocket$\" {\n");
		rc = add_courier(b, s);
		buf_addz(b, "} else ");
	}
	buf_addz(b, "$HTTP[\"request-method\"] == \"CONNECT\" {\n");
	if (rc == 0)
		rc = add_courier(b, s);
	buf_addz(b, "} else {\n");
	return rc;
}

static int
add_fastcgi(struct buf *b, const struct serve *s)
{
	char path[128];
	int rc;

	buf_addz(b, "fastcgi.server = ( \"/\" => ((\n\t\"bin-path\" => ");
	rc = add_string(b, str_from(s->self));
	snprintf(path, sizeof path, "%s/fcgi", s->dir);
	buf_addz(b, ",\n\t\"socket\" => ");
	if (rc == 0)
		rc = add_string(b, str_from(path));
	buf_addf(b, ",\n\t\"check-local\" => \"disable\",\n\t\"max-procs\" => %s,\n"
	    "\t\"tcp-fin-propagate\" => \"enable\",\n\t\"bin-environment\" => (\n", s->procs);
	if (rc == 0)
		rc = add_environment(b, &s->conf);
	buf_addf(b, "\t),\n%s)) )\n", s->lighttpd.way == LIGHTTPD_FASTCGI ? "\t\"upgrade\" => \"enable\",\n" : "");
	return rc;
}

static int
add_program(struct buf *b, const struct serve *s)
{
	bool couriers = s->courier[0] != '\0';
	int rc = 0;

	buf_addz(b, "$HTTP[\"url\"] !~ \"^");
	add_pattern(b, s);
	/* Of a request that fails it would write the query, where PeerJS has its token. What stopped says so itself. */
	buf_addz(b, "/www/\" {\nserver.errorlog = \"/dev/null\"\n");
	if (couriers)
		rc = add_websockets(b, s);
	if (rc == 0)
		rc = add_fastcgi(b, s);
	buf_addz(b, couriers ? "}\n}\n" : "}\n");
	return rc;
}

/* ---- the rest ---- */

static const char *const fixed =
    "server.modules += ( \"mod_alias\", \"mod_redirect\", \"mod_access\", \"mod_setenv\", \"mod_fastcgi\", \"mod_cgi\" )\n"
    "server.stream-response-body = 1\n"	/* an event leaves when it comes */
    "server.max-keep-alive-requests = 65535\n"
    "server.max-keep-alive-idle = 30\n"
    "index-file.names = ( \"index.html\" )\n"
    "mimetype.assign = ( \".html\" => \"text/html; charset=utf-8\", \".css\" => \"text/css; charset=utf-8\",\n"
    "\t\".mjs\" => \"text/javascript; charset=utf-8\", \".js\" => \"text/javascript; charset=utf-8\",\n"
    "\t\".ts\" => \"text/plain; charset=utf-8\", \".svg\" => \"image/svg+xml\", \".png\" => \"image/png\",\n"
    "\t\".json\" => \"application/json\", \".webmanifest\" => \"application/manifest+json\" )\n";

static const char *const page_headers =
    "\tsetenv.add-response-header = ( \"Cache-Control\" => \"no-cache\", \"X-Content-Type-Options\" => \"nosniff\",\n"
    "\t\t\"Content-Security-Policy\" => \"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'\",\n"
    "\t\t\"Permissions-Policy\" => \"camera=(self), microphone=(), geolocation=(), payment=(), usb=()\",\n"
    "\t\t\"Referrer-Policy\" => \"no-referrer\" )\n";

static int
add_pages(struct buf *b, const struct serve *s)
{
	char www[PATH_MAX + 1];
	int rc;

	snprintf(www, sizeof www, "%s/", s->www);
	buf_addf(b, "alias.url = ( \"%s/www/\" => ", prefix(s));
	rc = add_string(b, str_from(www));
	buf_addz(b, " )\n$HTTP[\"url\"] =~ \"^");
	add_pattern(b, s);
	buf_addf(b, "/www/\" {\n%s}\n", page_headers);
	if (prefix(s)[0] != '\0')	/* who types the host alone */
		buf_addf(b, "url.redirect-code = 302\nurl.redirect = ( \"^/$\" => \"%s/\" )\n", prefix(s));
	return rc;
}

/* As lighttpd writes it before a port: an address of IPv6 has brackets. */
static void
bracket(const struct serve *s, char out[300])
{
	snprintf(out, 300, strchr(s->host, ':') != NULL ? "[%s]" : "%s", s->host);
}

/* "::" is all addresses, of IPv4, too. */
static int
add_address(struct buf *b, const struct serve *s)
{
	char host[300];

	bracket(s, host);
	buf_addf(b, "server.port = %s\n", s->port);
	if (strcmp(s->host, "::") == 0)
		buf_addz(b, "server.v4mapped = \"enable\"\n");
	if (s->passed >= 0)
		buf_addz(b, "server.systemd-socket-activation = \"enable\"\n");
	return add_setting(b, "server.bind", str_from(host));
}

/*
 * Plain HTTP beside TLS does nothing but say where else. 308: the method stays what it is. What names no host is
 * refused; it MUST not get as far as the program.
 */
static void
add_redirect(struct buf *b, const struct serve *s)
{
	char host[300], port[16] = "";

	bracket(s, host);
	if (strcmp(s->port, "443") != 0)
		snprintf(port, sizeof port, ":%s", s->port);
	buf_addf(b, "$SERVER[\"socket\"] == \"%s:%s\" {\nssl.engine = \"disable\"\nurl.access-deny = ( \"\" )\n"
	    "url.redirect-code = 308\nurl.redirect = ()\n$HTTP[\"host\"] =~ \"^(\\[[0-9a-fA-F:.]+\\]|[^:]+)\" {\n"
	    "url.redirect = ( \"\" => \"https://%%1%s${url.path}${qsa}\" )\n}\n}\n", host, s->http_port, port);
}

static int
add_tls(struct buf *b, const struct serve *s)
{
	int rc;

	if (s->cert == NULL)
		return 0;
	buf_addz(b, "server.modules += ( \"mod_openssl\" )\nssl.engine = \"enable\"\n");
	rc = add_setting(b, "ssl.pemfile", str_from(s->ca != NULL ? s->chain : s->cert));
	if (rc == 0)
		rc = add_setting(b, "ssl.privkey", str_from(s->key));
	if (s->http_port != NULL)
		add_redirect(b, s);
	return rc;
}

static int
write_all(struct buf *b, const struct serve *s)
{
	int rc = add_address(b, s);

	if (rc == 0)
		rc = add_setting(b, "server.document-root", str_from(s->dir));
	buf_addf(b, "server.max-fds = %llu\nserver.max-connections = %llu\n",
	    (unsigned long long)s->fds, (unsigned long long)(s->fds * 10 / SERVE_STREAM_FDS));
	buf_addf(b, "server.feature-flags = ( \"server.graceful-shutdown-timeout\" => 2, \"server.h2proto\" => \"%s\" )\n",
	    strcmp(s->http2, "on") == 0 ? "enable" : "disable");
	if (rc == 0)
		rc = add_tls(b, s);
	buf_addz(b, fixed);
	if (rc == 0)
		rc = add_pages(b, s);
	if (rc == 0)
		rc = add_program(b, s);
	return rc < 0 ? rc : buf_err(b);
}

int
serve_configure(const struct serve *s)
{
	struct buf b;
	FILE *f;
	int rc;

	buf_init(&b, CONF_FILE_MAX);
	rc = write_all(&b, s);
	if (rc < 0) {
		buf_release(&b);
		return serve_fail(CMD_FAILED, "the configuration",
		    "a path or setting holds a quote, a backslash or a control character");
	}
	f = fopen(s->file, "we");
	if (f == NULL || fwrite(b.p, 1, b.n, f) != b.n)
		rc = -ERR_IO;
	if (f != NULL && fclose(f) != 0)
		rc = -ERR_IO;
	buf_release(&b);
	return rc < 0 ? serve_fail(CMD_FAILED, s->file, "the configuration could not be written") : CMD_OK;
}
