/* token - libuuid makes them, nettle hashes and compares them. A hash costs about 1 µs. */
#include "config.h"

#include <string.h>
#include <uuid/uuid.h>

#include <nettle/hmac.h>
#include <nettle/memops.h>

#include "token.h"

_Static_assert(HASH_SIZE == SHA256_DIGEST_SIZE, "a hash is one HMAC-SHA-256");
_Static_assert(sizeof(uuid_t) == TOKEN_SIZE, "a token is one UUID");

void
token_make(unsigned char token[TOKEN_SIZE])
{
	uuid_generate_random(token);
}

void
token_text(const unsigned char token[TOKEN_SIZE], char out[TOKEN_TEXT])
{
	str_hex(token, TOKEN_SIZE, out);
}

void
token_hash(const struct store *s, const char *use, struct str secret, unsigned char out[HASH_SIZE])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, HASH_SIZE, s->secret);
	hmac_sha256_update(&ctx, strlen(use) + 1, (const uint8_t *)use);
	hmac_sha256_update(&ctx, secret.n, (const uint8_t *)secret.p);
	hmac_sha256_digest(&ctx, HASH_SIZE, out);
}

bool
token_same(const unsigned char a[HASH_SIZE], const unsigned char b[HASH_SIZE])
{
	return memeql_sec(a, b, HASH_SIZE) != 0;
}
