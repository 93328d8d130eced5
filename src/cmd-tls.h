/*
 * cmd-tls - what can be seen of the files of certificates and keys before a TLS library has them: whether they
 * are what they should be, and for how long. Nothing is verified here.
 *
 * A sentence returned is static; NULL means that nothing is wrong.
 */
#ifndef SIGPOST_CMD_TLS_H
#define SIGPOST_CMD_TLS_H

#include <stdint.h>

#include "buf.h"

#define TLS_FILE_MAX	1048576		/* bytes of a file */

/* The bytes of a file, behind what b holds. */
const char	*tls_read(const char *path, struct buf *b);

/* For PEM (RFC 7468). A key MUST be without a passphrase: nobody is there to type it. */
const char	*tls_certificate_wrong(struct str pem);
const char	*tls_key_wrong(struct str pem);

/* From when until when the first certificate is valid (RFC 5280, 4.1.2.5), in seconds since 1970. 0, or -ERR_BAD:
 * that cannot be read. */
int		 tls_validity(struct str pem, int64_t *from, int64_t *until);

#endif
