/* req - CGI variables (RFC 3875) into a request; one growing buffer for all kept values. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "rate.h"
#include "req.h"

enum var {
	VAR_METHOD, VAR_URI, VAR_SCRIPT, VAR_MOUNT, VAR_LENGTH, VAR_TYPE, VAR_ENCODING, VAR_ACCEPT, VAR_ORIGIN,
	VAR_LAST_EVENT_ID, VAR_ASK_METHOD, VAR_ASK_HEADERS, VAR_REMOTE, VAR_SOFTWARE, VAR_UPGRADE,
	VAR_WS_KEY, VAR_WS_VERSION, VAR_HOST, VAR_AUTHORIZATION, VAR_FORWARDED_FOR, VAR_FORWARDED, VAR__MAX
};

static const struct { enum var var; struct str name; } wanted[VAR__MAX] = {
	{ VAR_METHOD, { "REQUEST_METHOD", 14 } },
	{ VAR_URI, { "REQUEST_URI", 11 } },
	{ VAR_SCRIPT, { "SCRIPT_NAME", 11 } },
	{ VAR_MOUNT, { "SIGPOST_MOUNT", 13 } },
	{ VAR_LENGTH, { "CONTENT_LENGTH", 14 } },
	{ VAR_TYPE, { "CONTENT_TYPE", 12 } },
	{ VAR_ENCODING, { "HTTP_CONTENT_ENCODING", 21 } },
	{ VAR_ACCEPT, { "HTTP_ACCEPT", 11 } },
	{ VAR_ORIGIN, { "HTTP_ORIGIN", 11 } },
	{ VAR_LAST_EVENT_ID, { "HTTP_LAST_EVENT_ID", 18 } },
	{ VAR_ASK_METHOD, { "HTTP_ACCESS_CONTROL_REQUEST_METHOD", 34 } },
	{ VAR_ASK_HEADERS, { "HTTP_ACCESS_CONTROL_REQUEST_HEADERS", 35 } },
	{ VAR_REMOTE, { "REMOTE_ADDR", 11 } },
	{ VAR_SOFTWARE, { "SERVER_SOFTWARE", 15 } },
	{ VAR_UPGRADE, { "HTTP_UPGRADE", 12 } },
	{ VAR_WS_KEY, { "HTTP_SEC_WEBSOCKET_KEY", 22 } },
	{ VAR_WS_VERSION, { "HTTP_SEC_WEBSOCKET_VERSION", 26 } },
	{ VAR_HOST, { "HTTP_HOST", 9 } },
	{ VAR_AUTHORIZATION, { "HTTP_AUTHORIZATION", 18 } },
	{ VAR_FORWARDED_FOR, { "HTTP_X_FORWARDED_FOR", 20 } },
	{ VAR_FORWARDED, { "HTTP_FORWARDED", 14 } },
};

struct req *
req_new(size_t max_vars, size_t max_body)
{
	struct req *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->length = -1;
	r->max_vars = (uint32_t)max_vars;
	buf_init(&r->vars, max_vars);
	buf_init(&r->bytes, max_body);
	list_init(&r->parked);
	return r;
}

void
req_free(struct req *r)
{
	if (r == NULL)
		return;
	if (r->session != NULL)
		rate_leave(r->session, r->who);
	list_del(&r->parked);
	buf_release(&r->vars);
	buf_release(&r->bytes);
	free(r);
}

int
req_var(struct req *r, struct str name, struct str value)
{
	int i;

	if (name.n + value.n > r->max_vars - r->seen)
		return -ERR_TOOBIG;
	r->seen += (uint32_t)(name.n + value.n);
	for (i = 0; i < VAR__MAX; i++) {
		if (!str_eq(name, wanted[i].name))
			continue;
		r->at[i] = r->vars.n + 1;
		r->len[i] = (uint32_t)value.n;
		buf_adds(&r->vars, value);
		return buf_err(&r->vars);
	}
	return 0;
}

static struct str
var(const struct req *r, enum var v)
{
	if (r->at[v] == 0 || r->len[v] == 0)
		return STR_NONE;
	return str_make(r->vars.p + r->at[v] - 1, r->len[v]);
}

int
req_length(struct req *r, int64_t *length)
{
	struct str text = var(r, VAR_LENGTH);
	uint64_t v;

	*length = -1;
	if (text.n == 0)
		return 0;
	if (str_uint(text, INT64_MAX, &v) < 0)
		return -ERR_BAD;
	if (v > r->bytes.max)
		return -ERR_TOOBIG;
	*length = r->length = (int64_t)v;
	return 0;
}

int
req_body(struct req *r, struct str bytes)
{
	if (r->length >= 0 && bytes.n > (uint64_t)r->length - r->bytes.n)
		return -ERR_TOOBIG;
	buf_adds(&r->bytes, bytes);
	return buf_err(&r->bytes);
}

const char *
req_method(const struct req *r)
{
	static const char *const methods[M__MAX] = {
		[M_GET] = "GET", [M_HEAD] = "HEAD", [M_POST] = "POST", [M_OPTIONS] = "OPTIONS", [M_OTHER] = "other",
	};

	return methods[r->method];
}

bool
req_brings_body(const struct req *r)
{
	return str_eq(var(r, VAR_METHOD), STR("POST"));
}

static enum method
method_of(struct str name)
{
	static const struct str names[M_OTHER] = {
		[M_GET] = { "GET", 3 }, [M_HEAD] = { "HEAD", 4 },
		[M_POST] = { "POST", 4 }, [M_OPTIONS] = { "OPTIONS", 7 },
	};
	int i;

	for (i = 0; i < M_OTHER; i++)
		if (str_eq(name, names[i]))
			return (enum method)i;
	return M_OTHER;
}

/*
 * With mount "auto" a program named in the address is taken off: /cgi-bin/sigpost.cgi/sigver. Where the web
 * server leads a directory's addresses to the program in it (/folder/sigver to /folder/sigpost.cgi, as
 * .htaccess of the kit does), the directory is.
 */
static struct str
auto_mount(struct str path, struct str script)
{
	if (!str_ends(script, STR(".cgi")) && !str_ends(script, STR(".fcgi")))
		return STR_NONE;
	if (str_starts(path, script))
		return script;
	while (script.n > 0 && script.p[script.n - 1] != '/')
		script.n--;
	return str_starts(path, script) ? script : STR_NONE;
}

static int
unmount(struct req *r, struct str path, struct str m)
{
	if (str_eq(m, STR("auto")))
		m = auto_mount(path, var(r, VAR_SCRIPT));
	while (m.n > 0 && m.p[m.n - 1] == '/')
		m.n--;
	if (!str_starts(path, m))
		return -ERR_NOTFOUND;
	r->mount = m;
	r->path = str_skip(path, m.n);
	if (r->path.n == 0)
		r->path = STR("/");
	return r->path.p[0] == '/' ? 0 : -ERR_NOTFOUND;
}

static bool
skip_scheme(struct str *uri, struct str scheme)
{
	if (uri->n < scheme.n || !str_eqcase(str_make(uri->p, scheme.n), scheme))
		return false;
	*uri = str_skip(*uri, scheme.n);
	return true;
}

/* REQUEST_URI may be in absolute form (RFC 9112, 3.2.2); its path may then be empty. */
static void
split_uri(struct str uri, struct str *path, struct str *query)
{
	bool absolute = skip_scheme(&uri, STR("http://")) || skip_scheme(&uri, STR("https://"));

	str_cut(uri, '?', path, query);
	if (!absolute)
		return;
	while (path->n > 0 && path->p[0] != '/')
		*path = str_skip(*path, 1);
	if (path->n == 0)
		*path = STR("/");
}

int
req_ready(struct req *r, const char *mount)
{
	struct str path, uri = var(r, VAR_URI);

	r->body = buf_str(&r->bytes);
	r->content_type = var(r, VAR_TYPE);
	r->content_encoding = var(r, VAR_ENCODING);
	r->accept = var(r, VAR_ACCEPT);
	r->origin = var(r, VAR_ORIGIN);
	r->host = var(r, VAR_HOST);
	r->last_event_id = var(r, VAR_LAST_EVENT_ID);
	r->ask_method = var(r, VAR_ASK_METHOD);
	r->ask_headers = var(r, VAR_ASK_HEADERS);
	r->remote_addr = var(r, VAR_REMOTE);
	r->method = method_of(var(r, VAR_METHOD));
	split_uri(uri, &path, &r->query);
	if (path.n == 0 || path.p[0] != '/' || !str_printable(uri) || var(r, VAR_METHOD).n == 0)
		return -ERR_BAD;
	if (r->length >= 0 && (uint64_t)r->length != r->bytes.n)
		return -ERR_BAD;
	return unmount(r, path, var(r, VAR_MOUNT).n > 0 ? var(r, VAR_MOUNT) : str_from(mount));
}

/* plus: a '+' is a blank, as in a query. */
static int
unescape(struct str s, bool plus, char *out, size_t size)
{
	unsigned char byte;
	size_t n = 0;

	while (s.n > 0) {
		size_t used = 1;

		byte = (unsigned char)s.p[0];
		if (plus && byte == '+')
			byte = ' ';
		else if (byte == '%') {
			if (s.n < 3 || str_unhex(str_make(s.p + 1, 2), &byte, 1) < 0)
				return -ERR_BAD;
			used = 3;
		}
		if (byte == '\0')
			return -ERR_BAD;
		if (n + 1 >= size)
			return -ERR_TOOBIG;
		out[n++] = (char)byte;
		s = str_skip(s, used);
	}
	out[n] = '\0';
	return 0;
}

int
req_query(const struct req *r, const char *name, char *out, size_t size)
{
	struct str rest = r->query, pair, key, value;
	int rc = -ERR_NOTFOUND;

	while (rest.n > 0 && rc == -ERR_NOTFOUND) {
		str_cut(rest, '&', &pair, &rest);
		str_cut(pair, '=', &key, &value);
		if (str_eq(key, str_from(name)))
			rc = unescape(value, true, out, size);
	}
	if (rc < 0)
		out[0] = '\0';
	return rc;
}

int
req_number(const struct req *r, const char *name, int64_t least, int64_t *v)
{
	char text[24];
	uint64_t n;
	int rc = req_query(r, name, text, sizeof text);

	*v = 0;
	if (rc == -ERR_NOTFOUND)
		return rc;
	if (rc < 0 || str_uint(str_from(text), INT64_MAX, &n) < 0 || (int64_t)n < least)
		return -ERR_BAD;
	*v = (int64_t)n;
	return 0;
}

int
req_segment(const struct req *r, int i, char *out, size_t size)
{
	struct str rest = str_skip(r->path, 1), segment = STR_NONE;
	int rc = -ERR_NOTFOUND;

	for (; i >= 0 && rest.n > 0; i--)
		str_cut(rest, '/', &segment, &rest);
	if (i < 0)
		rc = unescape(segment, false, out, size);
	if (rc < 0)
		out[0] = '\0';
	return rc;
}

bool
req_names_upgrade(const struct req *r)
{
	return str_eqcase(var(r, VAR_UPGRADE), STR("websocket"));
}

struct str
req_ws_key(const struct req *r)
{
	return var(r, VAR_WS_KEY);
}

struct str
req_ws_version(const struct req *r)
{
	return var(r, VAR_WS_VERSION);
}

bool
req_authorized(const struct req *r)
{
	return var(r, VAR_AUTHORIZATION).n > 0;
}

struct str
req_software(const struct req *r)
{
	return var(r, VAR_SOFTWARE);
}

struct addr
req_subject(const struct req *r, const struct addr_list *proxies, bool standard)
{
	struct addr peer;

	addr_parse(var(r, VAR_REMOTE), &peer);
	return standard ? addr_forwarded(proxies, &peer, var(r, VAR_FORWARDED)) :
	    addr_forwarded_for(proxies, &peer, var(r, VAR_FORWARDED_FOR));
}

/* Not every web server hands the Upgrade header on; the key is only ever sent with it. */
bool
req_upgrades(const struct req *r)
{
	return str_eq(var(r, VAR_METHOD), STR("GET")) && !r->spoken && (req_names_upgrade(r) || req_ws_key(r).n > 0);
}

bool
req_accepts(const struct req *r, struct str type)
{
	struct str rest = r->accept, item, params;

	while (rest.n > 0) {
		str_cut(rest, ',', &item, &rest);
		str_cut(item, ';', &item, &params);
		if (str_eqcase(str_trim(item), type))
			return true;
	}
	return false;
}

struct str
req_media_type(const struct req *r)
{
	struct str type, params;

	str_cut(r->content_type, ';', &type, &params);
	return str_trim(type);
}

struct req *
req_said(const struct req_address *of, struct str body)
{
	struct req *r = req_new(of->path.n + of->query.n + 1, body.n + 1);

	if (r == NULL)
		return NULL;
	buf_adds(&r->vars, of->path);
	buf_adds(&r->vars, of->query);
	buf_adds(&r->bytes, body);
	if (buf_err(&r->vars) < 0 || buf_err(&r->bytes) < 0) {
		req_free(r);
		return NULL;
	}
	r->method = M_POST;
	r->spoken = true;
	r->length = (int64_t)body.n;
	r->path = str_make(r->vars.p, of->path.n);
	r->query = str_make(r->vars.p + of->path.n, of->query.n);
	r->body = buf_str(&r->bytes);
	return r;
}
