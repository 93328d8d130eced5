/*
 * origin - web origins (RFC 6454) that may use a key, as a list: "https://example.org, http://localhost:8080".
 *
 * An entry is SCHEME://HOST[:PORT] as a browser sends it in the header Origin: in lower case, without the port that is
 * the scheme's own, without a path. A host that begins with "*." is any name below what follows, however deep, and not
 * that itself. The list "*" is every origin.
 *
 * "null", which pages from files and in sandboxed frames send, whoever made them, is in no list but "*".
 */
#ifndef SIGPOST_ORIGIN_H
#define SIGPOST_ORIGIN_H

#include <stdbool.h>

#include "str.h"

#define ORIGINS_MAX	64	/* entries of a list */

/* NULL: a list, of 1 to ORIGINS_MAX entries. Else why not: a sentence without a full stop. */
const char	*origins_wrong(struct str list);

/* true: the list is "*", or this origin is in it. Of what is no list, only entries that are good count. */
bool		 origins_allow(struct str list, struct str origin);
bool		 origins_any(struct str list);	/* it is "*" */

#endif
