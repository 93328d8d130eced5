/*
 * upgrade - a request that wants to become a WebSocket (RFC 6455, 4.2).
 *
 * Whether a 101 reaches the client, and what it sends then reaches us, is the web server's
 * business; docs/web-servers.md has what was measured.
 */
#ifndef SIGPOST_UPGRADE_H
#define SIGPOST_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "req.h"

/* What of lighttpd can pass a WebSocket on, since when: 1.4.46 and 1.4.74. */
#define UPGRADE_CGI_SINCE	1004046
#define UPGRADE_FASTCGI_SINCE	1004074

/* "lighttpd/1.4.79 (ssl) …", as SERVER_SOFTWARE and `lighttpd -v` have it, as 1004079; 0: another server,
 * or no version. */
int64_t	upgrade_lighttpd(struct str software);

/*
 * true if a WebSocket gets through to this request, as far as can be told: behind lighttpd's mod_cgi
 * with cgi.upgrade (without, the program does not see the header Upgrade) and behind its
 * mod_fastcgi from 1.4.74 on. The setting `websocket` may say on or off for all.
 */
bool	upgrade_passes(const struct conf *conf, const struct req *r);

/*
 * The same of WebSockets to come, told from any request: "yes" if the setting says so, or this request is a
 * handshake that gets through; "no" if not, or behind a web server that is not known to let one through;
 * "unknown" behind lighttpd otherwise, where that depends on its configuration, and on the address.
 */
const char	*upgrade_forecast(const struct conf *conf, const struct req *r);

/* 0: the handshake is right. Otherwise -ERR_BAD, and the request is answered (400, or 426 for another
 * version). */
int	upgrade_check(struct req *r);

/* The head of the answer that makes a WebSocket of an exchange. The handshake MUST be right. */
void	upgrade_head(struct req *r);

#endif
