/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths, links and listings: the tree and the host's make one system. */
#include <dirent.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <sys/stat.h>
#include "shim_test.h"

#define GROUP_LINK "/sys/bus/pci/devices/" BDF "/iommu_group"

/* How often a name is in a listing. */
static unsigned int dir_count(const char *path, const char *name,
			      unsigned char *type)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, name))
			continue;
		n++;
		if (type)
			*type = entry->d_type;
	}
	closedir(dir);
	return n;
}

static void test_realpath(void **state)
{
	char text[PATH_MAX];
	char *given;

	(void)state;
	assert_string_equal(realpath("/sys/bus/pci/devices/" BDF, text),
			    DEVICE);
	assert_string_equal(realpath(GROUP_LINK, text),
			    "/sys/kernel/iommu_groups/0");
	/* ".." behind a link is where the link leads. */
	assert_string_equal(realpath("/sys/bus/pci/devices/" BDF "/..", text),
			    "/sys/devices/pci0000:00");
	assert_string_equal(realpath("/dev/char/511:0", text), VFIO0);
	given = canonicalize_file_name("/sys/class/vfio-dev/vfio0/../..");
	assert_string_equal(given, DEVICE);
	free(given);
	assert_null(realpath("/sys/bus/pci/devices/nothing", text));
	assert_int_equal(errno, ENOENT);
	assert_null(realpath(DEVICE "/vendor/x", text));
	assert_int_equal(errno, ENOTDIR);
	assert_null(realpath(DEVICE "/vendor/", text));
	assert_int_equal(errno, ENOTDIR);
	/* Those of the host are as ever. */
	assert_string_equal(realpath("/dev/null", text), "/dev/null");
	assert_string_equal(realpath("/usr/./lib/..", text), "/usr");
}

static void test_readlink(void **state)
{
	char text[PATH_MAX];
	ssize_t n;
	int dir;

	(void)state;
	n = readlink(GROUP_LINK, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, "../../../kernel/iommu_groups/0");
	assert_errno(readlink(DEVICE "/vendor", text, sizeof(text)), EINVAL);
	dir = open("/sys/bus/pci/devices", O_RDONLY | O_DIRECTORY);
	n = readlinkat(dir, BDF "/driver", text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, "../../../bus/pci/drivers/vfio-pci");
	close(dir);
}

static void test_working_directory(void **state)
{
	char before[PATH_MAX], text[PATH_MAX];
	struct stat stat_buf;
	char *given;
	int dir;

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir("/sys/bus/pci/devices/" BDF), 0);
	assert_string_equal(getcwd(text, sizeof(text)), DEVICE);
	given = getcwd(NULL, 0);
	assert_string_equal(given, DEVICE);
	free(given);
	assert_null(getcwd(text, 4));
	assert_int_equal(errno, ERANGE);
	assert_int_equal(access("vendor", R_OK), 0);
	assert_int_equal(access("../" BDF "/driver/../vfio-pci", F_OK), 0);
	assert_string_equal(realpath("iommu_group", text),
			    "/sys/kernel/iommu_groups/0");
	assert_true(readlink("/proc/self/cwd", text, sizeof(text)) ==
		    (ssize_t)strlen(DEVICE));
	assert_memory_equal(text, DEVICE, strlen(DEVICE));
	assert_int_equal(chdir("/dev"), 0);
	assert_int_equal(stat("iommu", &stat_buf), 0);
	assert_true(S_ISCHR(stat_buf.st_mode));
	assert_int_equal(stat("null", &stat_buf), 0);
	dir = open("/", O_RDONLY);
	assert_int_equal(fchdir(dir), 0);
	close(dir);
	assert_int_equal(stat("dev/iommu", &stat_buf), 0);
	assert_int_equal(chdir("/usr/lib"), 0);
	assert_int_equal(stat("../../dev/iommu", &stat_buf), 0);
	assert_errno(stat("dev/iommu", &stat_buf), ENOENT);
	assert_int_equal(chdir(before), 0);
}

static void test_listings(void **state)
{
	unsigned char type = DT_UNKNOWN;

	(void)state;
	assert_int_equal(dir_count("/dev", "iommu", &type), 1);
	assert_int_equal(type, DT_CHR);
	assert_int_equal(dir_count("/dev", "vfio", &type), 1);
	assert_int_equal(type, DT_DIR);
	assert_int_equal(dir_count("/dev", "null", &type), 1);
	assert_int_equal(type, DT_CHR);
	assert_int_equal(dir_count("/dev", ".", NULL), 1);
	assert_int_equal(dir_count("/dev/vfio/devices", "vfio0", &type), 1);
	assert_int_equal(type, DT_CHR);
	assert_int_equal(dir_count("/sys/bus/pci/devices", BDF, &type), 1);
	assert_int_equal(type, DT_LNK);
	assert_int_equal(dir_count("/sys/module", "vfio", NULL), 1);
	assert_int_equal(dir_count("/sys/class", "vfio-dev", NULL), 1);
	/* Ours, and not in the tree: the host's is hidden. */
	assert_int_equal(dir_count("/sys/class", "iommu", NULL), 0);
	assert_int_equal(dir_count("/proc", "devices", NULL), 1);
	assert_int_equal(dir_count("/proc", "self", NULL), 1);
	assert_null(opendir("/sys/class/iommu"));
	assert_int_equal(errno, ENOENT);
	assert_null(opendir("/dev/iommu"));
	assert_int_equal(errno, ENOTDIR);
}

static void test_stream_positions(void **state)
{
	int fd = open("/dev", O_RDONLY | O_DIRECTORY);
	DIR *dir = fdopendir(fd);
	unsigned int n = 0, again = 0;
	struct dirent *entry;
	char name[256];
	long position;

	(void)state;
	while (readdir(dir))
		n++;
	rewinddir(dir);
	position = telldir(dir);
	entry = readdir(dir);
	strcpy(name, entry->d_name);
	readdir(dir);
	seekdir(dir, position);
	assert_string_equal(readdir(dir)->d_name, name);
	rewinddir(dir);
	while (readdir(dir))
		again++;
	assert_int_equal(n, again);
	assert_int_equal(openat(dirfd(dir), "iommu", O_PATH) >= 0, 1);
	closedir(dir);
	assert_errno(fcntl(fd, F_GETFD), EBADF);
}

static int choose_vfio(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "vfio", 4);
}

static void test_scandir(void **state)
{
	struct dirent **list;
	int n;

	(void)state;
	n = scandir(DEVICE "/vfio-dev", &list, choose_vfio, alphasort);
	assert_int_equal(n, 1);
	assert_string_equal(list[0]->d_name, "vfio0");
	free(list[0]);
	free(list);
	n = scandir("/dev", &list, choose_vfio, alphasort);
	assert_int_equal(n, 1);
	assert_string_equal(list[0]->d_name, "vfio");
	free(list[0]);
	free(list);
	assert_errno(scandir("/dev/vfio/x", &list, NULL, NULL), ENOENT);
}

static void test_glob(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob("/sys/bus/pci/devices/*/v*r", 0, NULL, &found),
			 0);
	assert_int_equal(found.gl_pathc, 1);
	assert_string_equal(found.gl_pathv[0],
			    "/sys/bus/pci/devices/" BDF "/vendor");
	globfree(&found);
	assert_int_equal(glob("/d[e]v/iomm?", 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	assert_string_equal(found.gl_pathv[0], IOMMU);
	globfree(&found);
	assert_int_equal(glob("/dev/vfio/nothing*", 0, NULL, &found),
			 GLOB_NOMATCH);
}

static unsigned int n_visited, n_devices, n_links;

static int visit(const char *path, const struct stat *stat, int type,
		 struct FTW *where)
{
	assert_int_equal(strncmp(path, "/dev/vfio", 9) &&
				 strncmp(path, "/sys/kernel/iommu_groups", 24),
			 0);
	assert_int_equal(path[where->base - 1], '/');
	n_visited++;
	n_devices += S_ISCHR(stat->st_mode);
	n_links += type == FTW_SL;
	return 0;
}

static void test_nftw(void **state)
{
	(void)state;
	n_visited = n_devices = n_links = 0;
	assert_int_equal(nftw("/dev/vfio", visit, 8, FTW_PHYS), 0);
	assert_int_equal(n_visited, 4);
	assert_int_equal(n_devices, 2);
	assert_int_equal(nftw("/sys/kernel/iommu_groups", visit, 8,
			      FTW_PHYS | FTW_DEPTH),
			 0);
	assert_int_equal(n_visited, 8);
	assert_int_equal(n_links, 1);
}

/* Files of the tree can be written, as those of sysfs. */
static void test_writing(void **state)
{
	int fd = open(DEVICE "/vendor", O_RDWR);
	char text[8] = "";

	(void)state;
	assert_int_equal(pwrite(fd, "0x8086\n", 7, 0), 7);
	close(fd);
	fd = openat(AT_FDCWD, "/sys/bus/pci/devices/" BDF "/vendor", O_RDONLY);
	assert_int_equal(read(fd, text, 7), 7);
	assert_string_equal(text, "0x8086\n");
	close(fd);
}

/* Too long is too long, though the name that it means is short. */
static void test_too_long(void **state)
{
	char path[PATH_MAX + 8];

	(void)state;
	memset(path, '/', sizeof(path));
	strcpy(path + sizeof(path) - sizeof("dev/iommu"), "dev/iommu");
	assert_int_equal(open(path, O_RDWR), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(access(path + 16, F_OK), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_realpath),
		cmocka_unit_test(test_readlink),
		cmocka_unit_test(test_working_directory),
		cmocka_unit_test(test_listings),
		cmocka_unit_test(test_stream_positions),
		cmocka_unit_test(test_scandir),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_nftw),
		cmocka_unit_test(test_writing),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
