/*
 * token - secrets: made from libuuid's random UUIDs, stored only as HMAC-SHA-256.
 *
 * A token on the wire is 32 lower-case hexadecimal digits (122 random bits). The hash is
 * keyed by the database's own secret and bound to its use, so a stolen database gives no
 * token, and a resume handle can never pass for an auth token.
 */
#ifndef SIGPOST_TOKEN_H
#define SIGPOST_TOKEN_H

#include <stdbool.h>

#include "store.h"
#include "str.h"

#define TOKEN_SIZE	16		/* random bytes */
#define TOKEN_TEXT	33		/* hexadecimal with the NUL */

void	token_make(unsigned char token[TOKEN_SIZE]);
void	token_text(const unsigned char token[TOKEN_SIZE], char out[TOKEN_TEXT]);

/* use: a constant naming what the secret is for ("auth", "handle"). */
void	token_hash(const struct store *s, const char *use, struct str secret, unsigned char out[HASH_SIZE]);

/* In constant time. */
bool	token_same(const unsigned char a[HASH_SIZE], const unsigned char b[HASH_SIZE]);

#endif
