/*
 * cmd-serve-tls - the files of TLS, for lighttpd's mod_openssl.
 *
 * What lighttpd would say of them comes late, in its own words, and of a passphrase it would ask the terminal.
 * So they are looked at first, and lighttpd is run once with nothing to do but to load them. All of that is done
 * again when they are to be read again: what is wrong then changes nothing.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd-serve.h"
#include "cmd-tls.h"
#include "err.h"

#define SAID_MAX	16384

/* ---- what is in the files ---- */

static int
complain(const char *what, const char *why)
{
	return serve_fail(CMD_USAGE, what, why);
}

/* Browsers say little of it, so we do. */
static void
warn_of_age(const char *path, struct str pem)
{
	int64_t from, until, now = time(NULL);
	char day[16] = "";
	time_t t;

	if (tls_validity(pem, &from, &until) < 0 || (now >= from && now <= until))
		return;
	t = now > until ? until : from;
	strftime(day, sizeof day, "%Y-%m-%d", gmtime(&t));
	fprintf(stderr, "sigpost serve: %s: warning: this certificate %s %s, clients will refuse it\n", path,
	    now > until ? "expired on" : "is not valid before", day);
}

static int
look_at_certificate(const struct serve *s, struct buf *b)
{
	const char *why = tls_read(s->cert, b);

	if (why == NULL)
		why = tls_certificate_wrong(buf_str(b));
	if (why != NULL)
		return complain(s->cert, why);
	warn_of_age(s->cert, buf_str(b));
	return CMD_OK;
}

/* The key may be in the certificate's own file. */
static int
look_at_key(const struct serve *s)
{
	struct buf b;
	const char *why;

	buf_init(&b, TLS_FILE_MAX);
	why = tls_read(s->key, &b);
	if (why == NULL)
		why = tls_key_wrong(buf_str(&b));
	buf_release(&b);
	if (why != NULL && strcmp(s->key, s->cert) == 0)
		why = "it holds no private key; name the file of that with --tls-key";
	return why != NULL ? complain(s->key, why) : CMD_OK;
}

/* What is sent to clients: the certificate and those between it and the root, in one file. */
static int
write_chain(const struct serve *s, const struct buf *b)
{
	int fd = open(s->chain, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool written = fd >= 0 && write(fd, b->p, b->n) == (ssize_t)b->n;

	if (fd >= 0 && close(fd) < 0)
		written = false;
	return written ? CMD_OK : serve_fail(CMD_FAILED, s->chain, "it could not be written");
}

static int
look_at_chain(const struct serve *s, struct buf *b)
{
	struct buf ca;
	const char *why;

	buf_init(&ca, TLS_FILE_MAX);
	why = tls_read(s->ca, &ca);
	if (why == NULL)
		why = tls_certificate_wrong(buf_str(&ca));
	buf_addc(b, '\n');
	buf_adds(b, buf_str(&ca));
	buf_release(&ca);
	return why != NULL ? complain(s->ca, why) : write_chain(s, b);
}

static int
look(const struct serve *s)
{
	struct buf b;
	int rc;

	buf_init(&b, 2 * TLS_FILE_MAX + 1);
	rc = look_at_certificate(s, &b);
	if (rc == CMD_OK)
		rc = look_at_key(s);
	if (rc == CMD_OK && s->ca != NULL)
		rc = look_at_chain(s, &b);
	buf_release(&b);
	return rc;
}

/* ---- what lighttpd says ---- */

/* With -tt it loads everything and listens nowhere. What it said, and whether it was content. */
static bool
rehearse(const struct serve *s, char said[SAID_MAX])
{
	const char *const args[] = { "lighttpd", "-tt", "-f", s->file, NULL };

	return host_run(s->lighttpd.path, args, STR(""), said, SAID_MAX);
}

/* "2026-01-01 00:00:00: (mod_openssl.c.123) SSL: why": why of the first line, if nothing better is known. */
static const char *
words_of(char *said)
{
	char *words = strstr(said, ") "), *end = strchr(said, '\n');

	if (end != NULL)
		*end = '\0';
	return words != NULL && (end == NULL || words < end) ? words + 2 : said;
}

static int
explain(const struct serve *s, char *said)
{
	if (strstr(said, "does not match") != NULL)
		return complain(s->key, "this key does not belong to the certificate");
	return serve_fail(CMD_FAILED, "lighttpd", words_of(said));
}

int
serve_tls(const struct serve *s)
{
	static char said[SAID_MAX];
	int rc;

	if (s->cert == NULL)
		return CMD_OK;
	rc = look(s);
	return rc != CMD_OK ? rc : rehearse(s, said) ? CMD_OK : explain(s, said);
}
