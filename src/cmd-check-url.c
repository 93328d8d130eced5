/*
 * cmd-check-url - short questions to the web server that sigpost is called through.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "cmd-check-url.h"
#include "err.h"

#define ELSEWHERE "https://elsewhere.invalid"	/* a page of another origin (RFC 6761, 6.4) */

/* ---- asking and telling ---- */

int
web_ask(struct web *w, const char *method, const char *target, const char *headers, struct str body)
{
	return http_fetch(&w->h, &w->url, method, target, headers, body, WEB_MS);
}

const char *
web_why(struct web *w, int rc)
{
	static char text[HTTP_WHY_MAX + 40];

	if (rc == -ERR_TIMEOUT)
		return "no whole answer within 5s";
	if (rc == -ERR_BAD || rc == -ERR_TOOBIG)
		return "the answer is no HTTP, or too long";
	snprintf(text, sizeof text, "%s", w->h.why);
	if (text[0] == '\0')
		http_close(&w->h);	/* which hears what openssl has to say */
	snprintf(text, sizeof text, "%s", w->h.why[0] != '\0' ? w->h.why : text[0] != '\0' ? text :
	    "the connection was closed without an answer");
	return text;
}

const char *
web_shown(struct str s)
{
	static char out[2][WEB_SHOWN + 1];
	static int turn;
	size_t i;

	turn = !turn;
	for (i = 0; i < s.n && i < WEB_SHOWN; i++)
		out[turn][i] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
	out[turn][i] = '\0';
	return out[turn];
}

static bool
contains(struct str s, const char *what)
{
	return s.n > 0 && memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static bool
is_type(const struct web *w, const char *type)
{
	return str_starts(http_header(&w->h, "Content-Type", NULL), str_from(type));
}

/* ---- is it there? ---- */

static void
judge_status(struct web *w)
{
	struct str to = http_header(&w->h, "Location", NULL);
	int status = w->h.status;

	if (status == 401)
		check_fail(w->k, "api", "Let the web server ask for no password there", "GET %s/ is answered 401", w->text);
	else if (status == 403)
		check_fail(w->k, "api", web_mend(w, WEB_FORBIDDEN), "GET %s/ is answered 403", w->text);
	else if (status >= 500)
		check_fail(w->k, "api", web_mend(w, WEB_FAILING), "GET %s/ is answered %d", w->text, status);
	else if (status == 404 && is_type(w, "application/problem+json"))
		check_fail(w->k, "api", "Name the address with the path below which it lives, or set mount to this one",
		    "sigpost answers 404 to GET %s/: it lives below another path", w->text);
	else if (status >= 300 && status < 400)
		check_fail(w->k, "api", "Check that address, and give it to clients", "GET %s/ leads to %s", w->text, web_shown(to));
	else
		check_fail(w->k, "api", web_mend(w, WEB_MISSING), "GET %s/ is answered %d, and not by sigpost", w->text, status);
}

/* The program instead of what it says. */
static bool
is_program(struct str body)
{
	return str_starts(body, STR("\x7f" "ELF")) || str_starts(body, STR("#!"));
}

/* false: there is nothing more to ask. */
static bool
check_api(struct web *w)
{
	struct str software;
	int rc = web_ask(w, "GET", "/", "Accept: application/json\r\n", STR_NONE);

	if (rc < 0 && w->h.status == 0) {
		check_fail(w->k, "web server", "See whether it runs, and whether name, port and certificate are right",
		    "%s: %s", w->text, web_why(w, rc));
		return false;
	}
	software = http_header(&w->h, "Server", NULL);
	w->server = web_server_of(software);
	check_ok(w->k, "web server", "%s answers%s%s", w->text, software.n > 0 ? " as " : "", web_shown(software));
	if (w->h.status == 200 && is_type(w, "application/json") && contains(buf_str(&w->h.body), "PeerJS Server")) {
		check_ok(w->k, "api", "PeerJS clients find their server at %s/", w->text);
		return true;
	}
	if (is_program(buf_str(&w->h.body)))
		check_fail(w->k, "api", web_mend(w, WEB_NOT_RUN), "GET %s/ sends the program instead of running it", w->text);
	else
		judge_status(w);
	return false;
}

/* ---- which one is it? ---- */

static const char *
member(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) && json_object_is_type(v, json_type_string) ?
	    json_object_get_string(v) : "";
}

static void
judge_health(struct web *w, struct json_object *o)
{
	const char *version = web_shown(str_from(member(o, "version")));

	if (strcmp(version, PACKAGE_VERSION) != 0)
		check_warn(w->k, "version", "Restart what serves, if this one was installed later",
		    "sigpost %s serves there, this is " PACKAGE_VERSION, version);
	else
		check_ok(w->k, "version", "sigpost %s serves there, as this one is", version);
	if (strcmp(member(o, "status"), "pass") == 0)
		check_ok(w->k, "health", "it says that it is well");
	else
		check_fail(w->k, "health", "Its log says more; sigpost check, run as the user that serves, says what mends it",
		    "it says that it is not well: %s", web_shown(str_from(member(o, "output"))));
}

static void
check_health(struct web *w)
{
	struct json_object *o = NULL;
	struct buf *b = &w->h.body;

	if (web_ask(w, "GET", "/health", "", STR_NONE) == 0 && (w->h.status == 200 || w->h.status == 503)) {
		buf_addc(b, '\0');
		o = buf_err(b) == 0 ? json_tokener_parse(b->p) : NULL;
	}
	if (json_object_is_type(o, json_type_object))
		judge_health(w, o);
	else
		check_note(w->k, "health", "it does not say how it does: GET /health is answered %d (the setting health)", w->h.status);
	json_object_put(o);
}

/* ---- do addresses and headers get through? ---- */

/* An id is 36 characters of text. */
static void
check_paths(struct web *w)
{
	int rc = web_ask(w, "GET", "/peerjs/id", "", STR_NONE);
	bool usual = rc == 0 && ((w->h.status == 200 && is_type(w, "text/")) || w->h.status == 401);

	if (!usual) {
		check_fail(w->k, "paths", web_mend(w, WEB_BELOW), "GET %s/peerjs/id is answered %d", w->text, w->h.status);
		return;
	}
	rc = w->h.status;
	if (web_ask(w, "GET", "/peer%6As/id", "", STR_NONE) != 0 || w->h.status != rc)
		check_warn(w->k, "paths", web_mend(w, WEB_BELOW),
		    "an address with an encoded character is answered %d instead of %d: keys and ids with other than letters and "
		    "digits do not work", w->h.status, rc);
	else
		check_ok(w->k, "paths", "what is below %s/ arrives, encoded characters too", w->text);
}

static void
check_cors(struct web *w)
{
	static const char asks[] = "Origin: " ELSEWHERE "\r\nAccess-Control-Request-Method: POST\r\n"
	    "Access-Control-Request-Headers: content-type\r\n";
	int times, rc = web_ask(w, "GET", "/peerjs/id", "Origin: " ELSEWHERE "\r\n", STR_NONE);

	if (rc == 0 && w->h.status == 403 && is_type(w, "application/problem+json")) {
		check_note(w->k, "cors", "only pages of the origins it lists can use it (the setting origins)");
		return;
	}
	http_header(&w->h, "Access-Control-Allow-Origin", &times);
	if (rc == 0 && times > 1) {
		check_fail(w->k, "cors", "Let the web server add no header Access-Control-Allow-Origin: sigpost has its own",
		    "Access-Control-Allow-Origin comes twice, which browsers refuse");
		return;
	}
	if (rc == 0 && times == 1)
		rc = web_ask(w, "OPTIONS", "/sigver", asks, STR_NONE);
	if (rc < 0 || times == 0 || w->h.status / 100 != 2 || http_header(&w->h, "Access-Control-Allow-Methods", NULL).n == 0)
		check_warn(w->k, "cors", "Let the web server pass OPTIONS on and leave headers Access-Control-… alone, unless sigpost is "
		    "meant for the pages of this host only", "pages of other origins cannot use it (OPTIONS is answered %d)", w->h.status);
	else
		check_ok(w->k, "cors", "pages of other origins can use it");
}

/* ---- what is served beside it ---- */

static void
check_www(struct web *w)
{
	int rc = web_ask(w, "GET", "/www/", "Accept: text/html\r\n", STR_NONE);

	if (rc < 0 || w->h.status != 200 || !is_type(w, "text/html")) {
		check_note(w->k, "pages", "GET %s/www/ is answered %d. %s", w->text, w->h.status, web_mend(w, WEB_NO_PAGES));
		return;
	}
	rc = web_ask(w, "GET", "/www/sigver.mjs", "", STR_NONE);
	if (rc == 0 && w->h.status == 200 && !is_type(w, "text/javascript") && !is_type(w, "application/javascript"))
		check_warn(w->k, "pages", web_mend(w, WEB_TYPES), "modules are served as %s",
		    web_shown(http_header(&w->h, "Content-Type", NULL)));
	else
		check_ok(w->k, "pages", "%s/www/", w->text);
}

/* What the bytes are, if they are of ours; NULL: nothing of the kind. */
static const char *
secret_in(struct str body)
{
	if (str_starts(body, STR("SQLite format 3")))
		return "the database";
	if (str_starts(body, STR("\x37\x7f\x06\x82")) || str_starts(body, STR("\x37\x7f\x06\x83")))
		return "the write-ahead log of the database";
	if (str_starts(body, STR("time=")) || str_starts(body, STR("{\"time\":")))
		return "the log of a hub";
	return contains(body, "hold_ms") && contains(body, "max_streams") ? "the file of settings" : NULL;
}

/* The path in whose place a file may have been put: below the host's root, beside the program, below it. */
static int
look_for(struct web *w, const char *base, const char *directory, const char *file)
{
	const char *found;
	struct http_url at = w->url;
	char target[HTTP_PATH_MAX];

	at.path[0] = '\0';
	if ((size_t)snprintf(target, sizeof target, "%s%s/%s", base, directory, file) >= sizeof target)
		return 0;
	if (http_fetch(&w->h, &at, "GET", target, "Range: bytes=0-4095\r\n", STR_NONE, WEB_MS) < 0 && w->h.body.n == 0)
		return 0;
	found = w->h.status / 100 == 2 ? secret_in(buf_str(&w->h.body)) : NULL;
	if (found == NULL)
		return 0;
	check_fail(w->k, "secrets", "Move it, with all beside it, out of what the web server serves, at once",
	    "anybody may fetch %s at %s", found, target);
	return 1;
}

static int
look_below(struct web *w, const char *base, const char *name)
{
	static const char *const directories[] = { "", "/db", "/data", "/run", "/private" };
	static const char *const suffixes[] = { "", "-wal", ".hub.log" };
	char file[300];
	size_t d, s;
	int found = 0;

	for (d = 0; d < sizeof directories / sizeof directories[0]; d++) {
		for (s = 0; s < sizeof suffixes / sizeof suffixes[0]; s++) {
			snprintf(file, sizeof file, "%.200s%s", name, suffixes[s]);
			found += look_for(w, base, directories[d], file);
		}
		found += look_for(w, base, directories[d], "sigpost.conf");
	}
	return found;
}

static void
check_secrets(struct web *w)
{
	const char *slash = strrchr(w->k->conf.db, '/'), *name = slash != NULL ? slash + 1 : w->k->conf.db;
	char beside[HTTP_PATH_MAX];
	int found;

	snprintf(beside, sizeof beside, "%s", w->url.path);
	if (strrchr(beside, '/') != NULL)
		*strrchr(beside, '/') = '\0';
	found = look_below(w, "", name);
	if (beside[0] != '\0')
		found += look_below(w, beside, name);
	if (found == 0)
		check_ok(w->k, "secrets", "%s and what is beside it are not to be had at the usual places", name);
}

/* ---- all of it ---- */

static void
tell_limits(struct web *w)
{
	if (!w->url.tls && strcmp(w->url.host, "localhost") != 0 && strncmp(w->url.host, "127.", 4) != 0 &&
	    strcmp(w->url.host, "::1") != 0)
		check_note(w->k, "tls", "this is http: browsers give pages camera and microphone by https only");
	check_note(w->k, "logs", "whether the web server logs tokens cannot be seen from here; PeerJS puts its token into the query: %s",
	    web_mend(w, WEB_LOGS));
	if (w->idle_ms == 0)
		check_note(w->k, "idle", "whether a silent stream lasts was not tried; --idle 65s does");
}

void
check_url(struct check *k, const struct http_url *url, const char *text, int64_t idle_ms)
{
	static struct web w;
	static char plain[HTTP_PATH_MAX + 300];

	w = (struct web){ .k = k, .url = *url, .text = plain, .idle_ms = idle_ms };
	snprintf(plain, sizeof plain, "%s", text);
	while (plain[strlen(plain) - 1] == '/')
		plain[strlen(plain) - 1] = '\0';
	signal(SIGPIPE, SIG_IGN);
	http_init(&w.h);
	if (check_api(&w)) {
		check_health(&w);
		check_paths(&w);
		check_cors(&w);
		check_www(&w);
		check_secrets(&w);
		web_check_talk(&w);
		web_check_socket(&w);
		if (idle_ms > 0)
			web_check_idle(&w);
		tell_limits(&w);
	}
	http_close(&w.h);
}
