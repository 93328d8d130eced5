/*
 * origin - who may use a server from a page elsewhere: lists of origins (RFC 6454), as a browser sends them.
 *
 * A list has blanks or commas between its origins: "https://example.org https://example.net:8443". "*" is
 * any of them; "null" is what pages of files and sandboxed frames send.
 */
#ifndef SIGPOST_ORIGIN_H
#define SIGPOST_ORIGIN_H

#include <stdbool.h>

#include "str.h"

/* Whether the list names it, without regard to case. An empty list names none. */
bool	origin_listed(struct str list, struct str origin);

/* Whether a page of this origin comes from the host that a request is for, as its header Host has it. */
bool	origin_own(struct str origin, struct str host);

/* The first word of the list that is no origin: what a browser never sends, such as a path behind the host, or a
 * star in it. Empty: all of them are. */
struct str	origin_wrong(struct str list);

#endif
