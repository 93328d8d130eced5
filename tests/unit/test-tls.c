/* Certificates and keys as files: what they are, and for how long. */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "buf.h"
#include "cmd-tls.h"
#include "err.h"

#define PEM(body) "-----BEGIN CERTIFICATE-----\n" body "-----END CERTIFICATE-----\n"

/* Self-signed, CN=t: 2020-01-02 03:04:05 to 2021-02-03 04:05:06. */
#define OLD_BODY \
    "MIIBAzCBq6ADAgECAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAXQwHhcNMjAw\n" \
    "MTAyMDMwNDA1WhcNMjEwMjAzMDQwNTA2WjAMMQowCAYDVQQDDAF0MFkwEwYHKoZI\n" \
    "zj0CAQYIKoZIzj0DAQcDQgAEyt84mG+yq76uBMVLtx0IrzQSihqf4ih2CF3K5D32\n" \
    "hkQUAo8bbW7dhXgLxCSSckV+Z1z2rhEgceLze63ft3l/uTAKBggqhkjOPQQDAgNH\n" \
    "ADBEAiBLKIJ+DcmZq3SOt7rlzg7AMZ8Wput2y47sTGrWTjXr2gIgZ4Z59dARg56K\n" \
    "fzsx7aZPydmp9P/qA6Jq04JChvY7Oow=\n"

/* 1999-12-31 23:59:59 to 2050-01-01 00:00:00, which is a GeneralizedTime. */
#define LONG_BODY \
    "MIIBBzCBraADAgECAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAXQwIBcNOTkx\n" \
    "MjMxMjM1OTU5WhgPMjA1MDAxMDEwMDAwMDBaMAwxCjAIBgNVBAMMAXQwWTATBgcq\n" \
    "hkjOPQIBBggqhkjOPQMBBwNCAARKfxAK15ViyrbSsLp90EchiBTReZAiQDGz5/4y\n" \
    "nWThGa+h4f56bOkKQLJAo5ReFO/8/1NSmjju3C7yqBv3XCfAMAoGCCqGSM49BAMC\n" \
    "A0kAMEYCIQCLlVTDSZAoKyipL9Dj7kwdLdGSSkpwLwuoT7WVYHIWCwIhAPXsUKxp\n" \
    "qBzyvDFIrmDhSPa5YKM+tXk7WNdu6NbRwRdU\n"

static void
test_validity(void **state)
{
	static const struct {
		const char *why;
		struct str in;
		int rc;
		int64_t from, until;
	} rows[] = {
		{ "UTCTime", S(PEM(OLD_BODY)), 0, 1577934245, 1612325106 },
		{ "the century of UTCTime, and GeneralizedTime", S(PEM(LONG_BODY)), 0, 946684799, 2524608000 },
		{ "text around it, and the first of two", S("# mine\n" PEM(OLD_BODY) PEM(LONG_BODY)), 0, 1577934245, 1612325106 },
		{ "CRLF", S("-----BEGIN CERTIFICATE-----\r\n" OLD_BODY "\r\n-----END CERTIFICATE-----\r\n"), 0, 1577934245,
		    1612325106 },
		{ "nothing", S(""), -ERR_BAD, 0, 0 },
		{ "no end", S("-----BEGIN CERTIFICATE-----\n" OLD_BODY), -ERR_BAD, 0, 0 },
		{ "an empty one", S(PEM("")), -ERR_BAD, 0, 0 },
		{ "no base64", S(PEM("MIIBAz!!\n")), -ERR_BAD, 0, 0 },
		{ "no certificate", S(PEM("MAMCAQE=\n")), -ERR_BAD, 0, 0 },
		{ "a length of no end", S(PEM("MIAAAAAA\n")), -ERR_BAD, 0, 0 },
		{ "a length of five bytes", S(PEM("MIUAAAAAAQA=\n")), -ERR_BAD, 0, 0 },
		{ "a length of four bytes, and too long", S(PEM("MIT/////AAAA\n")), -ERR_BAD, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct str in = tight(rows[i].in);
		int64_t from = 0, until = 0;
		int rc = tls_validity(in, &from, &until);

		row_assert(rc == rows[i].rc, "%s: %d", rows[i].why, rc);
		row_assert(rc < 0 || (from == rows[i].from && until == rows[i].until), "%s: %lld to %lld", rows[i].why,
		    (long long)from, (long long)until);
		free((char *)(uintptr_t)in.p);
	}
}

/* Whatever else stands there: an answer, and no byte read that is not in it. */
static void
test_damage(void **state)
{
	static const char fresh[] = PEM(LONG_BODY), others[] = "A/w=\n-";
	char text[sizeof fresh];
	int64_t from, until;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof fresh - 1; i++)
		for (k = 0; k < sizeof others - 1; k++) {
			struct str in;

			memcpy(text, fresh, sizeof text);
			text[i] = others[k];
			in = tight(str_make(text, sizeof text - 1));
			tls_validity(in, &from, &until);
			free((char *)(uintptr_t)in.p);
			in = tight(str_make(fresh, i));
			assert_int_equal(tls_validity(in, &from, &until), i == sizeof fresh - 2 ? 0 : -ERR_BAD);
			free((char *)(uintptr_t)in.p);
		}
}

#define KEY(label) "-----BEGIN " label "-----\nMAA=\n-----END " label "-----\n"

static void
test_kinds(void **state)
{
	static const struct {
		struct str in;
		const char *certificate, *key;	/* a word of the sentence; NULL: none */
	} rows[] = {
		{ S(PEM(OLD_BODY)), NULL, "certificate and no" },
		{ S(KEY("PRIVATE KEY")), "private key and no", NULL },
		{ S(KEY("EC PRIVATE KEY")), "private key and no", NULL },
		{ S(KEY("RSA PRIVATE KEY")), "private key and no", NULL },
		{ S(KEY("PRIVATE KEY") PEM(OLD_BODY)), NULL, NULL },
		{ S(KEY("ENCRYPTED PRIVATE KEY")), "private key and no", "passphrase" },
		{ S("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMAA=\n-----END EC PRIVATE KEY-----\n"),
		    "private key and no", "passphrase" },
		{ S("-----BEGIN CERTIFICATE-----\n" OLD_BODY), "no end", "certificate and no" },
		{ S(KEY("PUBLIC KEY")), "no certificate", "no private key" },
		{ S("\x30\x03\x02\x01\x01"), "no certificate", "no private key" },
		{ S(""), "no certificate", "no private key" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const char *certificate = tls_certificate_wrong(rows[i].in), *key = tls_key_wrong(rows[i].in);

		row_assert((certificate == NULL) == (rows[i].certificate == NULL) &&
		    (certificate == NULL || strstr(certificate, rows[i].certificate) != NULL), "row %zu: %s", i, certificate);
		row_assert((key == NULL) == (rows[i].key == NULL) &&
		    (key == NULL || strstr(key, rows[i].key) != NULL), "row %zu: %s", i, key);
	}
}

static void
test_read(void **state)
{
	char path[] = "/tmp/sigpost-tls-XXXXXX";
	int fd = mkstemp(path);
	struct buf b;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "12345678", 8), 8);
	buf_init(&b, 8);
	assert_null(tls_read(path, &b));
	assert_int_equal(b.n, 8);
	buf_clear(&b);
	assert_int_equal(write(fd, "9", 1), 1);
	assert_non_null(strstr(tls_read(path, &b), "too large"));
	buf_clear(&b);
	assert_non_null(strstr(tls_read("/nowhere/at-all", &b), "No such file"));
	assert_non_null(strstr(tls_read("/", &b), "directory"));
	buf_release(&b);
	close(fd);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_validity), cmocka_unit_test(test_damage), cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
