/* cmd-check-mend - what mends what, by web server; docs/web-servers.md has the configurations. */
#include "config.h"

#include "cmd-check-url.h"

enum web_server
web_server_of(struct str software)
{
	static const struct { const char *begins; enum web_server server; } known[] = {
		{ "lighttpd", WEB_LIGHTTPD }, { "nginx", WEB_NGINX }, { "openresty", WEB_NGINX },
		{ "Apache", WEB_APACHE }, { "LiteSpeed", WEB_LITESPEED }, { "cloudflare", WEB_CLOUDFLARE },
	};
	size_t i, n;

	for (i = 0; i < sizeof known / sizeof known[0]; i++) {
		n = str_from(known[i].begins).n;
		if (software.n >= n && str_eqcase(str_make(software.p, n), str_from(known[i].begins)))
			return known[i].server;
	}
	return WEB_OTHER;
}

/* WEB_OTHER is what is said where a web server has no sentence of its own. */
static const char *const mends[WEB_TROUBLE__MAX][WEB__MAX] = {
	[WEB_NOT_RUN] = {
		[WEB_OTHER] = "Let the web server run it as a CGI program",
		[WEB_LIGHTTPD] = "Let mod_cgi run it: cgi.assign = ( \".cgi\" => \"\" )",
		[WEB_APACHE] = "Let Apache run it: Options +ExecCGI and AddHandler cgi-script .cgi, or ScriptAlias",
		[WEB_LITESPEED] = "Let it be run: Options +ExecCGI and AddHandler cgi-script .cgi in .htaccess",
	},
	[WEB_FORBIDDEN] = {
		[WEB_OTHER] = "Look at the web server's log; the program must be executable (chmod 755) and allowed to run there",
		[WEB_APACHE] = "Look at Apache's error log: Options +ExecCGI, Require all granted, or chmod 755 is missing",
	},
	[WEB_MISSING] = {
		[WEB_OTHER] = "Name the address that the web server gives to sigpost; if this is it, mend its alias or location, "
		    "and the setting mount",
		[WEB_APACHE] = "Name the address of the ScriptAlias or ProxyPass; if this is it, set SIGPOST_MOUNT to its path with SetEnv",
		[WEB_NGINX] = "Name the address of the location; if this is it, set SIGPOST_MOUNT to its path with fastcgi_param",
		[WEB_LIGHTTPD] = "Name the address in fastcgi.server or cgi.assign; if this is it, set SIGPOST_MOUNT to its path with "
		    "bin-environment",
	},
	[WEB_FAILING] = {
		[WEB_OTHER] = "Look at the web server's log; sigpost check, run as the user that serves, says what it lacks",
	},
	[WEB_BELOW] = {
		[WEB_OTHER] = "Give all that is below this address to sigpost, too",
		[WEB_APACHE] = "Use ScriptAlias or ProxyPass for the whole path, and AcceptPathInfo On",
		[WEB_NGINX] = "Use a location that is a prefix, without a file extension and without try_files",
		[WEB_LIGHTTPD] = "Use a path that begins with / in fastcgi.server, with \"check-local\" => \"disable\"",
	},
	[WEB_HELD] = {
		[WEB_OTHER] = "Let the web server, and each proxy before it, pass answers on as they come; until then clients with "
		    "sigpost.js fall back to long poll",
		[WEB_LIGHTTPD] = "Set server.stream-response-body = 1",
		[WEB_NGINX] = "Set fastcgi_buffering off, or proxy_buffering off, and gzip off for this location",
		[WEB_APACHE] = "Set FcgidOutputBufferSize 0 with mod_fcgid, flushpackets=on with mod_proxy_fcgi, and SetEnv no-gzip 1 for this path",
		[WEB_CLOUDFLARE] = "Turn off compression and buffering for this path; until then clients with sigpost.js fall back to long poll",
	},
	[WEB_PACKED] = {
		[WEB_OTHER] = "Do not compress text/event-stream: an event would wait for more to compress",
		[WEB_LIGHTTPD] = "Take text/event-stream out of deflate.mimetypes",
		[WEB_NGINX] = "Take text/event-stream out of gzip_types, or set gzip off for this location",
		[WEB_APACHE] = "Set SetEnv no-gzip 1 for this path",
	},
	[WEB_NO_BODY] = {
		[WEB_OTHER] = "Let the web server pass bodies of POST on, with their Content-Length",
		[WEB_NGINX] = "Pass CONTENT_LENGTH and CONTENT_TYPE on: include fastcgi_params; and look at client_max_body_size",
		[WEB_APACHE] = "Look at LimitRequestBody and mod_security",
		[WEB_LIGHTTPD] = "Look at server.max-request-size",
	},
	[WEB_NO_ID] = {
		[WEB_OTHER] = "Let the web server pass the header Last-Event-ID on; without it messages are lost when a stream breaks, "
		    "except for clients with sigpost.js",
	},
	[WEB_NO_SOCKET] = {
		[WEB_OTHER] = "Use a web server that passes WebSockets on, or nothing: clients with sigpost.js use an event stream",
		[WEB_LIGHTTPD] = "Set \"upgrade\" => \"enable\" in fastcgi.server (1.4.74 on) or cgi.upgrade = \"enable\"; or nothing: clients "
		    "with sigpost.js use an event stream",
		[WEB_NGINX] = "Put sigpost serve behind proxy_pass with the headers Upgrade and Connection; or nothing: clients with "
		    "sigpost.js use an event stream",
		[WEB_APACHE] = "Put sigpost serve behind ProxyPass with upgrade=websocket; or nothing: clients with sigpost.js use an "
		    "event stream",
	},
	[WEB_NO_PAGES] = {
		[WEB_OTHER] = "Serve the directory www of sigpost below www/ of this address, if you want its pages and clients there",
	},
	[WEB_TYPES] = {
		[WEB_OTHER] = "Serve .mjs as text/javascript: browsers refuse modules of another type",
		[WEB_LIGHTTPD] = "Add \".mjs\" => \"text/javascript\" to mimetype.assign",
		[WEB_NGINX] = "Add text/javascript mjs to types",
		[WEB_APACHE] = "Add AddType text/javascript .mjs",
	},
	[WEB_CUT] = {
		[WEB_OTHER] = "Raise the time-outs on the way, or lower heartbeat_max_ms below what the connection lasted",
		[WEB_NGINX] = "Raise fastcgi_read_timeout or proxy_read_timeout, or lower heartbeat_max_ms",
		[WEB_APACHE] = "Raise Timeout or ProxyTimeout, or lower heartbeat_max_ms",
		[WEB_LIGHTTPD] = "Raise server.max-write-idle and the read-timeout of the backend, or lower heartbeat_max_ms",
	},
	[WEB_LOGS] = {
		[WEB_OTHER] = "log the path without the query",
		[WEB_LIGHTTPD] = "use %U for %r in accesslog.format",
		[WEB_NGINX] = "use $uri for $request in log_format",
		[WEB_APACHE] = "use %m %U for %r in LogFormat",
	},
};

const char *
web_mend(const struct web *w, enum web_trouble t)
{
	const char *own = mends[t][w->server];

	return own != NULL ? own : mends[t][WEB_OTHER];
}
