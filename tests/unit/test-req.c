/* Requests: CGI variables in, method, path, query and body out; every ceiling at n and n+1. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "err.h"
#include "req.h"

#define VARS 4096
#define BODY 1024

static struct req *
made(const char *method, struct str uri, const char *script)
{
	struct req *r = req_new(VARS, BODY);

	assert_non_null(r);
	if (method != NULL)
		assert_int_equal(req_var(r, STR("REQUEST_METHOD"), str_from(method)), 0);
	assert_int_equal(req_var(r, STR("REQUEST_URI"), uri), 0);
	if (script != NULL)
		assert_int_equal(req_var(r, STR("SCRIPT_NAME"), str_from(script)), 0);
	return r;
}

static const struct {
	const char *why;
	struct str uri;
	const char *script, *setting;
	int rc;
	const char *path, *query, *mount;
} uris[] = {
	{ "the root", S("/"), NULL, "auto", 0, "/", "", "" },
	{ "a path", S("/sigver"), NULL, "auto", 0, "/sigver", "", "" },
	{ "a query", S("/sigver?a=b&c"), NULL, "auto", 0, "/sigver", "a=b&c", "" },
	{ "an empty query", S("/sigver?"), NULL, "auto", 0, "/sigver", "", "" },
	{ "two question marks", S("/a?b?c"), NULL, "auto", 0, "/a", "b?c", "" },
	{ "escapes stay", S("/a%2Fb%00/"), NULL, "auto", 0, "/a%2Fb%00/", "", "" },
	{ "two slashes", S("//a"), NULL, "auto", 0, "//a", "", "" },
	{ "raw UTF-8", S("/\xc3\xa4"), NULL, "auto", 0, "/\xc3\xa4", "", "" },

	{ "absolute", S("http://host/a?b"), NULL, "auto", 0, "/a", "b", "" },
	{ "absolute, TLS", S("https://host:443/a"), NULL, "auto", 0, "/a", "", "" },
	{ "absolute, capitals", S("HTTPS://host/a"), NULL, "auto", 0, "/a", "", "" },
	{ "absolute, no path", S("http://host"), NULL, "auto", 0, "/", "", "" },
	{ "absolute, query only", S("http://host?a=/b"), NULL, "auto", 0, "/", "a=/b", "" },
	{ "absolute, mounted", S("http://host/m/a"), NULL, "/m", 0, "/a", "", "/m" },
	{ "other scheme", S("ftp://host/a"), NULL, "auto", -ERR_BAD, "", "", "" },
	{ "asterisk", S("*"), NULL, "auto", -ERR_BAD, "", "", "" },
	{ "authority", S("host:80"), NULL, "auto", -ERR_BAD, "", "", "" },
	{ "no slash first", S("a/b"), NULL, "auto", -ERR_BAD, "", "", "" },
	{ "query only", S("?a"), NULL, "auto", -ERR_BAD, "", "", "" },
	{ "empty", S(""), NULL, "auto", -ERR_BAD, "", "", "" },
	{ "NUL in the path", S("/a\0b"), NULL, "auto", -ERR_BAD, "", "", "" },
	{ "CR in the path", S("/a\rb"), NULL, "auto", -ERR_BAD, "", "", "" },
	{ "LF in the query", S("/a?b\nc"), NULL, "auto", -ERR_BAD, "", "", "" },
	{ "delete", S("/\x7f"), NULL, "auto", -ERR_BAD, "", "", "" },
	{ "LF in the host", S("http://h\n/a"), NULL, "auto", -ERR_BAD, "", "", "" },

	{ "mounted", S("/m/n/a?b"), NULL, "/m/n", 0, "/a", "b", "/m/n" },
	{ "mounted, slash in the setting", S("/m/n/a"), NULL, "/m/n/", 0, "/a", "", "/m/n" },
	{ "the mount itself", S("/m?b"), NULL, "/m", 0, "/", "b", "/m" },
	{ "the mount with a slash", S("/m/"), NULL, "/m", 0, "/", "", "/m" },
	{ "mounted at the root", S("/a"), NULL, "/", 0, "/a", "", "" },
	{ "not below", S("/n/a"), NULL, "/m", -ERR_NOTFOUND, "", "", "" },
	{ "only begins like it", S("/mm/a"), NULL, "/m", -ERR_NOTFOUND, "", "", "" },
	{ "above", S("/"), NULL, "/m", -ERR_NOTFOUND, "", "", "" },
	{ "a directory that leads to its program", S("/f/sigver"), "/f/sigpost.cgi", "auto", 0, "/sigver", "", "/f" },
	{ "the directory itself", S("/f/"), "/f/sigpost.cgi", "auto", 0, "/", "", "/f" },
	{ "the root, led to its program", S("/sigver"), "/sigpost.cgi", "auto", 0, "/sigver", "", "" },
	{ "another directory", S("/g/sigver"), "/f/sigpost.cgi", "auto", 0, "/g/sigver", "", "" },
	{ "a setting beats the script", S("/x.cgi/a"), "/x.cgi", "/", 0, "/x.cgi/a", "", "" },

	{ "auto below a program", S("/cgi-bin/x.cgi/a?b"), "/cgi-bin/x.cgi", "auto", 0, "/a", "b",
	    "/cgi-bin/x.cgi" },
	{ "auto, fcgi", S("/x.fcgi/a"), "/x.fcgi", "auto", 0, "/a", "", "/x.fcgi" },
	{ "auto, the program itself", S("/x.cgi"), "/x.cgi", "auto", 0, "/", "", "/x.cgi" },
	{ "auto, no program", S("/app/a"), "/app", "auto", 0, "/app/a", "", "" },
	{ "auto, a FastCGI server's script is the path", S("/sigver"), "/sigver", "auto", 0,
	    "/sigver", "", "" },
	{ "auto, rewritten address", S("/a"), "/x.cgi", "auto", 0, "/a", "", "" },
	{ "auto, longer name", S("/x.cgi2"), "/x.cgi", "auto", -ERR_NOTFOUND, "", "", "" },
	{ "auto, empty script", S("/a"), "", "auto", 0, "/a", "", "" },
};

static void
paths_below_the_mount(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(uris); i++) {
		struct req *r = made("GET", uris[i].uri, uris[i].script);

		row_assert(req_ready(r, uris[i].setting) == uris[i].rc, "%s", uris[i].why);
		if (uris[i].rc == 0) {
			row_assert(str_eq(r->path, str_from(uris[i].path)), "%s: %.*s", uris[i].why,
			    (int)r->path.n, r->path.p);
			row_assert(str_eq(r->query, str_from(uris[i].query)), "%s: %.*s",
			    uris[i].why,
			    (int)r->query.n, r->query.p);
			row_assert(str_eq(r->mount, str_from(uris[i].mount)), "%s: %.*s",
			    uris[i].why,
			    (int)r->mount.n, r->mount.p);
		}
		req_free(r);
	}
}

static void
knows_methods(void **state)
{
	static const struct { const char *name; int rc; enum method want; } rows[] = {
		{ "GET", 0, M_GET }, { "HEAD", 0, M_HEAD }, { "POST", 0, M_POST }, { "OPTIONS", 0,
		    M_OPTIONS },
		{ "PUT", 0, M_OTHER }, { "get", 0, M_OTHER }, { "GETS", 0, M_OTHER }, { "GE", 0,
		    M_OTHER },
		{ "", -ERR_BAD, M_OTHER }, { NULL, -ERR_BAD, M_OTHER },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct req *r = made(rows[i].name, STR("/"), NULL);

		row_assert(req_ready(r, "auto") == rows[i].rc, "%zu", i);
		row_assert(r->method == rows[i].want, "%zu", i);
		req_free(r);
	}
}

static void
keeps_what_is_read(void **state)
{
	struct req *r = made("POST", STR("/"), NULL);
	static const struct { const char *name; size_t offset; } rows[] = {
		{ "CONTENT_TYPE", offsetof(struct req, content_type) },
		{ "HTTP_ACCEPT", offsetof(struct req, accept) },
		{ "HTTP_ORIGIN", offsetof(struct req, origin) },
		{ "HTTP_LAST_EVENT_ID", offsetof(struct req, last_event_id) },
		{ "HTTP_ACCESS_CONTROL_REQUEST_METHOD", offsetof(struct req, ask_method) },
		{ "HTTP_ACCESS_CONTROL_REQUEST_HEADERS", offsetof(struct req, ask_headers) },
		{ "REMOTE_ADDR", offsetof(struct req, remote_addr) },
	};
	const struct str *got;
	char value[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(req_var(r, str_from(rows[i].name), STR("another")), 0);
		snprintf(value, sizeof value, "value of %s", rows[i].name);
		assert_int_equal(req_var(r, str_from(rows[i].name), str_from(value)), 0);
		assert_int_equal(req_var(r, str_make(rows[i].name, strlen(rows[i].name) - 1),
		    STR("x")), 0);
	}
	assert_int_equal(req_var(r, STR("HTTP_COOKIE"), STR("secret")), 0);
	assert_int_equal(req_ready(r, "auto"), 0);
	for (i = 0; i < COUNT(rows); i++) {
		got = (const struct str *)(const void *)((char *)r + rows[i].offset);
		snprintf(value, sizeof value, "value of %s", rows[i].name);
		row_assert(str_eq(*got, str_from(value)), "%s: the last one", rows[i].name);
	}
	assert_null(memmem(r->vars.p, r->vars.n, "secret", 6));
	req_free(r);

	r = made("GET", STR("/"), NULL);
	assert_int_equal(req_var(r, STR("HTTP_ORIGIN"), STR("https://a")), 0);
	assert_int_equal(req_var(r, STR("HTTP_ORIGIN"), STR_NONE), 0);
	assert_int_equal(req_ready(r, "auto"), 0);
	assert_int_equal(r->origin.n, 0);
	assert_int_equal(r->accept.n, 0);
	req_free(r);
	req_free(NULL);
}

/* Names and values together count, kept or not, repeated or not. */
static void
variables_have_a_ceiling(void **state)
{
	static const char *const names[] = { "REQUEST_URI", "HTTP_COOKIE" };
	char value[101];
	size_t i, room;

	(void)state;
	memset(value, 'v', sizeof value);
	for (i = 0; i < COUNT(names); i++) {
		struct str name = str_from(names[i]);
		struct req *r = req_new(100, BODY);

		room = 100 - name.n;
		row_assert(req_var(r, name, str_make(value, room + 1)) == -ERR_TOOBIG, "%s",
		    names[i]);
		row_assert(req_var(r, name, str_make(value, room)) == 0, "%s", names[i]);
		row_assert(req_var(r, STR(""), STR("")) == 0, "%s", names[i]);
		row_assert(req_var(r, STR("x"), STR("")) == -ERR_TOOBIG, "%s", names[i]);
		req_free(r);

		r = req_new(100, BODY);
		room = 50 - name.n;
		row_assert(req_var(r, name, str_make(value, room)) == 0, "%s", names[i]);
		row_assert(req_var(r, name, str_make(value, room)) == 0, "%s again", names[i]);
		row_assert(req_var(r, name, STR_NONE) == -ERR_TOOBIG, "%s again", names[i]);
		req_free(r);
	}
}

static void
lengths_have_a_ceiling(void **state)
{
	static const struct { const char *text; int rc; int64_t want; } rows[] = {
		{ NULL, 0, -1 }, { "", 0, -1 }, { "0", 0, 0 }, { "7", 0, 7 }, { "1024", 0, 1024 },
		{ "1025", -ERR_TOOBIG, -1 }, { "9223372036854775807", -ERR_TOOBIG, -1 },
		{ "9223372036854775808", -ERR_BAD, -1 }, { "-1", -ERR_BAD, -1 }, { "+7", -ERR_BAD,
		    -1 },
		{ " 7", -ERR_BAD, -1 }, { "7,7", -ERR_BAD, -1 }, { "0x7", -ERR_BAD, -1 }, { "x",
		    -ERR_BAD, -1 },
	};
	int64_t got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct req *r = made("POST", STR("/"), NULL);

		if (rows[i].text != NULL)
			assert_int_equal(req_var(r, STR("CONTENT_LENGTH"), str_from(rows[i].text)),
			    0);
		got = 4711;
		row_assert(req_length(r, &got) == rows[i].rc, "%s", rows[i].text);
		row_assert(got == rows[i].want && r->length == rows[i].want, "%s", rows[i].text);
		req_free(r);
	}
}

/* length: CONTENT_LENGTH or NULL; the body comes in two parts */
static const struct {
	const char *why;
	const char *length;
	size_t first, second;
	int body, ready;
} bodies[] = {
	{ "none, none announced", NULL, 0, 0, 0, 0 },
	{ "none announced", NULL, 5, 5, 0, 0 },
	{ "none announced, at the ceiling", NULL, 1000, 24, 0, 0 },
	{ "none announced, above", NULL, 1000, 25, -ERR_TOOBIG, 0 },
	{ "whole", "10", 5, 5, 0, 0 },
	{ "whole at once", "10", 10, 0, 0, 0 },
	{ "at the ceiling", "1024", 1000, 24, 0, 0 },
	{ "short", "10", 5, 4, 0, -ERR_BAD },
	{ "missing", "10", 0, 0, 0, -ERR_BAD },
	{ "long", "10", 5, 6, -ERR_TOOBIG, 0 },
	{ "one after none", "0", 0, 1, -ERR_TOOBIG, 0 },
	{ "none, none", "0", 0, 0, 0, 0 },
};

static void
bodies_have_their_length(void **state)
{
	char bytes[BODY];
	int64_t length;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7);
	for (i = 0; i < COUNT(bodies); i++) {
		struct req *r = made("POST", STR("/"), NULL);

		if (bodies[i].length != NULL)
			assert_int_equal(req_var(r, STR("CONTENT_LENGTH"),
			    str_from(bodies[i].length)), 0);
		assert_int_equal(req_length(r, &length), 0);
		row_assert(req_body(r, str_make(bytes, bodies[i].first)) == 0, "%s", bodies[i].why);
		row_assert(req_body(r, str_make(bytes + bodies[i].first,
		    bodies[i].second)) == bodies[i].body,
		    "%s", bodies[i].why);
		if (bodies[i].body == 0) {
			row_assert(req_ready(r, "auto") == bodies[i].ready, "%s", bodies[i].why);
			row_assert(str_eq(r->body, str_make(bytes,
			    bodies[i].first + bodies[i].second)), "%s",
			    bodies[i].why);
		}
		req_free(r);
	}
}

static const struct {
	const char *why;
	struct str query;
	size_t size;
	int rc;
	const char *want;
} queries[] = {
	{ "plain", S("name=value"), 16, 0, "value" },
	{ "among others", S("a=b&name=value&c=d"), 16, 0, "value" },
	{ "the first of two", S("name=1&name=2"), 16, 0, "1" },
	{ "empty pairs", S("&&name=v&"), 16, 0, "v" },
	{ "empty", S("name="), 16, 0, "" },
	{ "no value", S("name"), 16, 0, "" },
	{ "'=' in the value", S("name=a=b"), 16, 0, "a=b" },
	{ "plus", S("name=a+b"), 16, 0, "a b" },
	{ "escapes", S("name=%61%2Bb%2f%C3%A4"), 16, 0, "a+b/\xc3\xa4" },
	{ "escaped ampersand", S("name=a%26b"), 16, 0, "a&b" },
	{ "escaped line end", S("name=a%0d%0Ab"), 16, 0, "a\r\nb" },
	{ "not decoded twice", S("name=%2541"), 16, 0, "%41" },
	{ "fits", S("name=abcd"), 5, 0, "abcd" },
	{ "fits, escaped", S("name=%61%62%63%64"), 5, 0, "abcd" },
	{ "one too long", S("name=abcde"), 5, -ERR_TOOBIG, "" },
	{ "absent", S("a=b"), 16, -ERR_NOTFOUND, "" },
	{ "longer name", S("names=v"), 16, -ERR_NOTFOUND, "" },
	{ "other case", S("Name=v"), 16, -ERR_NOTFOUND, "" },
	{ "only as a value", S("a=name"), 16, -ERR_NOTFOUND, "" },
	{ "no query", S(""), 16, -ERR_NOTFOUND, "" },
	{ "bad digits", S("name=a%4g"), 16, -ERR_BAD, "" },
	{ "cut escape", S("name=a%4"), 16, -ERR_BAD, "" },
	{ "percent alone", S("name=a%"), 16, -ERR_BAD, "" },
	{ "escape cut by '&'", S("name=%4&1"), 16, -ERR_BAD, "" },
	{ "NUL", S("name=a%00b"), 16, -ERR_BAD, "" },
	{ "bad elsewhere", S("a=%zz&name=v"), 16, 0, "v" },
};

static void
decodes_the_query(void **state)
{
	char out[16];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(queries); i++) {
		struct req r = { .query = tight(queries[i].query) };

		memset(out, 'x', sizeof out);
		row_assert(req_query(&r, "name", out, queries[i].size) == queries[i].rc, "%s",
		    queries[i].why);
		row_assert(memchr(out, '\0', queries[i].size) != NULL, "%s: ends", queries[i].why);
		row_assert(strcmp(out, queries[i].want) == 0, "%s: %s", queries[i].why, out);
		loosen(r.query);
	}
}

static void
reads_media_types(void **state)
{
	static const struct { const char *accept; bool want; } accepts[] = {
		{ "text/event-stream", true }, { "Text/Event-Stream", true },
		{ "*/*, text/event-stream;q=0.5", true }, { "text/html , text/event-stream ;q=1",
		    true },
		{ "text/event-stream2", false }, { "text/*", false }, { "*/*", false }, { "",
		    false },
		{ "a;b=text/event-stream", false }, { ",,", false },
	};
	static const struct { const char *type, *want; } types[] = {
		{ "application/json", "application/json" }, { " text/plain ; charset=utf-8",
		    "text/plain" },
		{ ";", "" }, { "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(accepts); i++) {
		struct req r = { .accept = str_from(accepts[i].accept) };

		row_assert(req_accepts(&r, STR("text/event-stream")) == accepts[i].want, "%s",
		    accepts[i].accept);
	}
	for (i = 0; i < COUNT(types); i++) {
		struct req r = { .content_type = str_from(types[i].type) };

		row_assert(str_eq(req_media_type(&r), str_from(types[i].want)), "%s",
		    types[i].type);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_below_the_mount),
		cmocka_unit_test(knows_methods),
		cmocka_unit_test(keeps_what_is_read),
		cmocka_unit_test(variables_have_a_ceiling),
		cmocka_unit_test(lengths_have_a_ceiling),
		cmocka_unit_test(bodies_have_their_length),
		cmocka_unit_test(decodes_the_query),
		cmocka_unit_test(reads_media_types),
	};

	return cmocka_run_group_tests_name("req", tests, NULL, NULL);
}
