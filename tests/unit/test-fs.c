/* fs: what is a network file system. */
#include "unit.h"

#include <linux/magic.h>
#include <string.h>

#include "fs.h"

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(fs_remote_name(NFS_SUPER_MAGIC), "NFS");
	assert_string_equal(fs_remote_name(SMB_SUPER_MAGIC), "SMB");
	assert_string_equal(fs_remote_name(CIFS_SUPER_MAGIC), "CIFS");
	assert_string_equal(fs_remote_name(V9FS_MAGIC), "9P");
	assert_string_equal(fs_remote_name(FUSE_SUPER_MAGIC), "FUSE");
	assert_string_equal(fs_remote_name(AFS_SUPER_MAGIC), "AFS");
	assert_string_equal(fs_remote_name(CODA_SUPER_MAGIC), "Coda");
	assert_string_equal(fs_remote_name(CEPH_SUPER_MAGIC), "Ceph");
	assert_string_equal(fs_remote_name(OCFS2_SUPER_MAGIC), "OCFS2");
}

static void
test_local(void **state)
{
	(void)state;
	assert_null(fs_remote_name(EXT4_SUPER_MAGIC));
	assert_null(fs_remote_name(XFS_SUPER_MAGIC));
	assert_null(fs_remote_name(BTRFS_SUPER_MAGIC));
	assert_null(fs_remote_name(TMPFS_MAGIC));
	assert_null(fs_remote_name(0));
	assert_null(fs_remote("/proc"));
	assert_null(fs_remote("/nowhere at all"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
