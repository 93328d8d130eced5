/*
 * fs - what lies under a path: SQLite's write-ahead log needs memory that processes share, and locks that hold, which
 * network and user-space file systems do not have.
 */
#ifndef SIGPOST_FS_H
#define SIGPOST_FS_H

#include <stdint.h>

/* The name of such a file system, by what statfs(2) calls f_type; NULL: it is none of these. */
const char	*fs_remote_name(uint32_t type);

/* The same for the file system of a path. NULL also where that is not known. */
const char	*fs_remote(const char *path);

#endif
