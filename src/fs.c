/* fs - see fs.h. */
#include "config.h"

#include <stddef.h>
#ifdef __linux__
#include <sys/statfs.h>
#endif

#include "fs.h"

const char *
fs_remote_name(uint32_t type)
{
	static const struct { uint32_t type; const char *name; } known[] = {
		{ 0x6969, "NFS" }, { 0x517b, "SMB" }, { 0xff534d42, "CIFS" }, { 0xfe534d42, "SMB" },
		{ 0x01021997, "9P" }, { 0x65735546, "FUSE" }, { 0x786f4256, "a shared folder" },
		{ 0x5346414f, "AFS" }, { 0x6b414653, "AFS" }, { 0x73757245, "Coda" }, { 0x0bd00bd0, "Lustre" },
		{ 0x00c36400, "Ceph" }, { 0x01161970, "GFS2" }, { 0x7461636f, "OCFS2" }, { 0x47504653, "GPFS" },
	};
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (type == known[i].type)
			return known[i].name;
	return NULL;
}

const char *
fs_remote(const char *path)
{
#ifdef __linux__
	struct statfs fs;

	return statfs(path, &fs) < 0 ? NULL : fs_remote_name((uint32_t)fs.f_type);
#else
	(void)path;
	return NULL;
#endif
}
