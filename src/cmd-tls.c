/* cmd-tls - see cmd-tls.h. A few fields of DER are walked over; every length is held against what is left. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <nettle/base64.h>

#include "cmd-tls.h"
#include "err.h"

#define BEGIN_CERTIFICATE	"-----BEGIN CERTIFICATE-----"
#define END_CERTIFICATE		"-----END CERTIFICATE-----"

enum der {			/* tags (X.690, 8.1.2) */
	DER_INTEGER = 0x02, DER_UTC_TIME = 0x17, DER_TIME = 0x18, DER_SEQUENCE = 0x30, DER_VERSION = 0xa0,
};

/* ---- files ---- */

const char *
tls_read(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "re");
	char part[4096];
	size_t n;
	int failed;

	if (f == NULL)
		return strerror(errno);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(b, part, n);
	failed = ferror(f) ? errno : 0;
	fclose(f);
	if (failed != 0)
		return strerror(failed);
	return buf_err(b) < 0 ? "this file is too large for certificates or a key" : NULL;
}

/* ---- PEM ---- */

/* Where `what` begins in s, and all behind it; empty: nowhere. */
static struct str
find(struct str s, struct str what)
{
	for (; s.n >= what.n; s = str_skip(s, 1))
		if (memcmp(s.p, what.p, what.n) == 0)
			return s;
	return STR_NONE;
}

static bool
holds(struct str s, struct str what)
{
	return find(s, what).n > 0;
}

const char *
tls_certificate_wrong(struct str pem)
{
	struct str begins = find(pem, STR(BEGIN_CERTIFICATE));

	if (begins.n > 0)
		return holds(begins, STR(END_CERTIFICATE)) ? NULL : "the certificate in it has no end";
	if (holds(pem, STR("PRIVATE KEY-----")))
		return "this is a private key and no certificate";
	return "it holds no certificate; in PEM one begins with " BEGIN_CERTIFICATE;
}

const char *
tls_key_wrong(struct str pem)
{
	if (holds(pem, STR("-----BEGIN ENCRYPTED PRIVATE KEY-----")) || holds(pem, STR("Proc-Type: 4,ENCRYPTED")))
		return "this key has a passphrase, and nobody is there to type it; openssl pkey -in FILE -out NEW writes "
		    "one without";
	if (holds(pem, STR("PRIVATE KEY-----")))
		return NULL;
	if (holds(pem, STR(BEGIN_CERTIFICATE)))
		return "this is a certificate and no private key";
	return "it holds no private key; in PEM one begins with -----BEGIN PRIVATE KEY-----";
}

/* ---- DER ---- */

/* Takes the element that s begins with, if it has this tag; *body gets what is in it. */
static bool
take(struct str *s, enum der tag, struct str *body)
{
	const unsigned char *p = (const unsigned char *)s->p;
	size_t head = 2, n, i;

	if (s->n < head || p[0] != tag)
		return false;
	n = p[1];
	if (n > 0x80) {		/* the long form; four bytes of length are more than a file has */
		head += n & 0x7f;
		if (head > 6 || s->n < head)
			return false;
		for (n = 0, i = 2; i < head; i++)
			n = n << 8 | p[i];
	} else if (n == 0x80)
		return false;
	if (n > s->n - head)
		return false;
	*body = str_make(s->p + head, n);
	*s = str_skip(*s, head + n);
	return true;
}

/* Two digits; -1: they are none. */
static int
pair(const char *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + p[1] - '0';
}

/* YYMMDDHHMMSSZ (1950 to 2049), or YYYYMMDDHHMMSSZ. */
static bool
take_time(struct str *s, int64_t *out)
{
	struct str t;
	struct tm tm = { 0 };
	int century = -1, v[6], i;

	if (take(s, DER_TIME, &t) && t.n == 15) {
		century = pair(t.p);
		t = str_skip(t, 2);
		if (century < 0)
			return false;
	} else if (!take(s, DER_UTC_TIME, &t))
		return false;
	if (t.n != 13 || t.p[12] != 'Z')
		return false;
	for (i = 0; i < 6; i++)
		if ((v[i] = pair(t.p + 2 * i)) < 0)
			return false;
	if (century < 0)
		century = v[0] < 50 ? 20 : 19;
	tm.tm_year = century * 100 + v[0] - 1900;
	tm.tm_mon = v[1] - 1;
	tm.tm_mday = v[2];
	tm.tm_hour = v[3];
	tm.tm_min = v[4];
	tm.tm_sec = v[5];
	*out = timegm(&tm);
	return true;
}

/* Certificate, tbsCertificate: [version], serialNumber, signature, issuer, validity (RFC 5280, 4.1). */
static bool
walk(struct str der, int64_t *from, int64_t *until)
{
	struct str all, tbs, skipped, validity;

	if (!take(&der, DER_SEQUENCE, &all) || !take(&all, DER_SEQUENCE, &tbs))
		return false;
	take(&tbs, DER_VERSION, &skipped);
	return take(&tbs, DER_INTEGER, &skipped) && take(&tbs, DER_SEQUENCE, &skipped) &&
	    take(&tbs, DER_SEQUENCE, &skipped) && take(&tbs, DER_SEQUENCE, &validity) &&
	    take_time(&validity, from) && take_time(&validity, until);
}

int
tls_validity(struct str pem, int64_t *from, int64_t *until)
{
	struct base64_decode_ctx ctx;
	struct str text = str_skip(find(pem, STR(BEGIN_CERTIFICATE)), sizeof BEGIN_CERTIFICATE - 1);
	struct str end = find(text, STR(END_CERTIFICATE));
	struct buf der;
	size_t n = BASE64_DECODE_LENGTH(text.n - end.n);
	char *room;
	int rc = -ERR_BAD;

	if (end.n == 0)
		return -ERR_BAD;
	buf_init(&der, TLS_FILE_MAX);
	room = buf_room(&der, n);
	base64_decode_init(&ctx);
	if (room != NULL && base64_decode_update(&ctx, &n, (uint8_t *)room, text.n - end.n, text.p) == 1) {
		buf_grew(&der, n);
		rc = walk(buf_str(&der), from, until) ? 0 : -ERR_BAD;
	}
	buf_release(&der);
	return rc;
}
