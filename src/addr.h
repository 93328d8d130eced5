/*
 * addr - network addresses as text, lists of them, and what proxies say of where a request came from.
 *
 * An address is 4 bytes or 16; one of IPv6 that stands for one of IPv4 (::ffff:192.0.2.1) is that one.
 */
#ifndef SIGPOST_ADDR_H
#define SIGPOST_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

#define ADDR_LIST_MAX	64	/* entries of a list */

struct addr {
	uint8_t	n;		/* 4 or 16; 0: no address: a unix socket, or not known */
	uint8_t	bytes[16];
};

/* "192.0.2.1", "2001:db8::1", "fe80::1%eth0"; -ERR_BAD for anything else, and a->n is 0. */
int	addr_parse(struct str text, struct addr *a);

/* The same as proxies write it: also with a port ("192.0.2.1:80"), in brackets, or both ("[::1]:80"). */
int	addr_parse_node(struct str text, struct addr *a);

/* The bytes that stand for whoever has the address: all of IPv4, the first 64 bits of IPv6 (a household has at least
 * those, RFC 6177); empty without an address. Good as long as a is. */
struct str addr_subject(const struct addr *a);

/* Who may speak for others: addresses and prefixes ("10.0.0.0/8"), and whoever comes without an address ("unix"). */
struct addr_list {
	struct { struct addr addr; uint8_t bits; } rows[ADDR_LIST_MAX];
	size_t	n;
	bool	unix_sockets;
};

/* Entries separated by blanks or commas. -ERR_BAD, -ERR_TOOBIG (too many): *wrong is the entry that is. A prefix
 * MUST have no bits behind its length: "10.0.0.1/8" is none. */
int	addr_list_parse(struct str text, struct addr_list *list, struct str *wrong);
bool	addr_list_has(const struct addr_list *list, const struct addr *a);

/*
 * Whose request it is that came from `peer`, by what X-Forwarded-For or Forwarded (RFC 7239) says: the address
 * nearest to us that is none of the proxies. What stands left of it came from outside and counts for
 * nothing. Where a proxy names no address (unknown, a hidden name, garbage), it is the proxy itself.
 */
struct addr addr_forwarded_for(const struct addr_list *proxies, const struct addr *peer, struct str header);
struct addr addr_forwarded(const struct addr_list *proxies, const struct addr *peer, struct str header);

#endif
