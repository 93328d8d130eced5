/*
 * handoff - what a courier (courier.h) says to a hub and what the hub answers.
 *
 * The courier connects to the hub's Unix stream socket and sends one message: a head of
 * HANDOFF_HEAD bytes, its fd 0 and fd 1 attached to the first of them (SCM_RIGHTS), then a
 * block of "NAME=VALUE" variables, each ended by a NUL. The body is not sent: the hub reads
 * it from the passed fd 0, so nothing is lost with a hub that dies before it accepts. The
 * hub answers one byte (enum handoff_answer) and closes. Only HANDOFF_ACCEPTED makes the
 * request the hub's; whoever sees the connection end without it still owns the request.
 *
 * Head: 8 bytes magic, 4 bytes version, 4 bytes length of the block (big-endian). Magic and
 * version stay where they are in every version to come. A block longer than
 * HANDOFF_VARS_MAX does not follow: its length alone lets the hub refuse the request.
 *
 * libc only: the courier links nothing else.
 */
#ifndef SIGPOST_HANDOFF_H
#define SIGPOST_HANDOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HANDOFF_HEAD		16
#define HANDOFF_VERSION		1
#define HANDOFF_VARS_MAX	32768	/* conf.def: the default of max_vars_bytes */
#define HANDOFF_SUFFIX		".hub"	/* the socket, beside the database */
#define HANDOFF_LOCK_SUFFIX	".hub.lock"

enum handoff_answer {
	HANDOFF_ACCEPTED = 'A',	/* the request is the hub's now */
	HANDOFF_FULL = 'F',	/* no room for it; do it yourself */
	HANDOFF_OTHER = 'V'	/* not my version; do it yourself */
};

/* ---- the head ---- */

void	handoff_head_make(unsigned char out[HANDOFF_HEAD], uint32_t length);

/* The first n bytes of a message: 1 and *length once the head is whole, 0 while it is not,
 * -ERR_BAD (magic) or -ERR_VERSION as soon as that is certain. */
int	handoff_head_read(const unsigned char *p, size_t n, uint32_t *length);

/* ---- the variables ---- */

/* true for the names of RFC 3875, what the client's header fields became (HTTP_...), and what
 * web servers add about the request; the rest of an environment is the web server's own. */
bool	handoff_wanted(const char *name, size_t n);

/* Copies the wanted variables of an environment as a block into out[size]. Returns the length of
 * the whole block, which may be above size; out is then cut at a variable. */
size_t	handoff_pack(char *const *environ_list, char *out, size_t size);

/* Takes the next variable off the block *p of *n bytes. 1: name and value, pointing into the block;
 * 0: none is left; -ERR_BAD: no NUL at the end, no '=', or no name. */
int	handoff_next(const char **p, size_t *n, const char **name, size_t *name_n,
	    const char **value, size_t *value_n);

/* ---- sockets ---- */

/* sendmsg of the n bytes at p with descriptors 0 and 1 attached if with_stdio. As send(2), never
 * a signal. */
ssize_t	handoff_send(int fd, const void *p, size_t n, bool with_stdio);

/* recvmsg. Descriptors that came are put into fds where that holds -1, others are closed, all
 * close-on-exec; *cut is set if some did not fit into this process. As recv(2). */
ssize_t	handoff_recv(int fd, void *p, size_t n, int fds[2], bool *cut);

/* true if the process at the other end of a Unix socket runs as our effective user */
bool	handoff_same_user(int fd);

/* ---- the place ---- */

/* Opens (makes) a lock file and takes it exclusively, without waiting: a descriptor, -ERR_CONFLICT
 * if somebody has it, -ERR_IO. The lock is gone with the last copy of the descriptor. */
int	handoff_lock(const char *path);

/* A listening socket in the place of whatever was at path, for our user only: a descriptor or
 * -ERR_IO (path too long for a socket address, too). Only for who holds the lock. */
int	handoff_listen(const char *path);

/* true if path names the file that fd is */
bool	handoff_same_file(int fd, const char *path);

#endif
