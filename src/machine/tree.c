/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The files that programs find in /dev, /sys and /proc, laid out as real ones
 * below one directory. Links are relative, as sysfs has them, so that a walk
 * from any descriptor stays inside.
 *
 * A writer remembers its first error and does nothing from then on, so the
 * layout reads as a list.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "iommu/driver.h"
#include "machine/internal.h"

static void tree_fail(struct tree *tree, const char *path)
{
	tree->err = -errno;
	snprintf(tree->path, sizeof(tree->path), "%s", path);
}

/* Make every directory of @path; with @all also the last component. */
static void tree_make_dirs(struct tree *tree, char *path, bool all)
{
	char *slash = path;

	while (!tree->err && (slash = strchr(slash, '/'))) {
		*slash = '\0';
		if (mkdirat(tree->dir, path, 0755) && errno != EEXIST)
			tree_fail(tree, path);
		*slash++ = '/';
	}
	if (!tree->err && all && mkdirat(tree->dir, path, 0755) &&
	    errno != EEXIST)
		tree_fail(tree, path);
}

void tree_dir(struct tree *tree, const char *format, ...)
{
	char path[256];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	tree_make_dirs(tree, path, true);
}

void tree_bytes(struct tree *tree, const char *path, const void *bytes,
		size_t len)
{
	char copy[256];
	int fd;

	if (tree->err)
		return;
	snprintf(copy, sizeof(copy), "%s", path);
	tree_make_dirs(tree, copy, false);
	if (tree->err)
		return;
	fd = openat(tree->dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0644);
	if (fd < 0) {
		tree_fail(tree, path);
		return;
	}
	errno = ENOSPC;
	if (write(fd, bytes, len) != (ssize_t)len)
		tree_fail(tree, path);
	close(fd);
}

void tree_text(struct tree *tree, const char *dir, const char *name,
	       const char *format, ...)
{
	char path[256];
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	tree_bytes(tree, path, text, strlen(text));
}

void tree_link(struct tree *tree, const char *dir, const char *name,
	       const char *format, ...)
{
	char path[256];
	char target[256];
	va_list args;

	if (tree->err)
		return;
	va_start(args, format);
	vsnprintf(target, sizeof(target), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	tree_make_dirs(tree, path, false);
	if (!tree->err && symlinkat(target, tree->dir, path))
		tree_fail(tree, path);
}

static void tree_write_node(void *arg, const struct file_node *node)
{
	tree_bytes(arg, node->path + 1, "", 0);
}

static const char *resv_kind_name(enum iommu_resv_kind kind)
{
	static const char *const names[] = {
		[IOMMU_RESV_DIRECT] = "direct",
		[IOMMU_RESV_DIRECT_RELAXABLE] = "direct-relaxable",
		[IOMMU_RESV_RESERVED] = "reserved",
		[IOMMU_RESV_MSI] = "msi",
	};

	return names[kind];
}

static void group_print_reserved(const struct machine_device *device,
				 char *text, size_t len)
{
	struct iommu_resv_region regions[8];
	unsigned int n = iommu_endpoint_resv_regions(device->endpoint, regions,
						     array_len(regions));
	unsigned int i;

	*text = '\0';
	for (i = 0; i < n && i < array_len(regions); i++)
		snprintf(text + strlen(text), len - strlen(text),
			 "0x%016llx 0x%016llx %s\n",
			 (unsigned long long)regions[i].start,
			 (unsigned long long)regions[i].last,
			 resv_kind_name(regions[i].kind));
}

/* /sys/kernel/iommu_groups/N, with the first of its devices; then the rest. */
static void group_write(struct tree *tree, const struct machine_device *device)
{
	bool is_first = true;
	const struct machine_device *other;
	char dir[64];
	char text[512];

	for (other = device->machine->devices; other < device; other++)
		is_first = is_first && other->group != device->group;
	snprintf(dir, sizeof(dir), "sys/kernel/iommu_groups/%u",
		 device->group->id);
	if (is_first) {
		group_print_reserved(device, text, sizeof(text));
		tree_text(tree, dir, "reserved_regions", "%s", text);
		tree_text(tree, dir, "type", "DMA-FQ\n");
	}
	snprintf(dir, sizeof(dir), "sys/kernel/iommu_groups/%u/devices",
		 device->group->id);
	tree_link(tree, dir, device->address,
		  "../../../../devices/pci%04x:%02x/%s",
		  device->options->address.domain, device->options->address.bus,
		  device->address);
}

static void unit_emit(void *arg, const char *file, const char *text)
{
	tree_text(arg, "sys/devices/virtual/iommu/dmar0", file, "%s", text);
}

static void unit_write(struct tree *tree, const struct machine *machine)
{
	const struct iommu_unit *unit = machine->unit;
	const char *dir = "sys/devices/virtual/iommu/dmar0";
	unsigned int i;

	unit->ops->sysfs(unit, unit_emit, tree);
	tree_link(tree, dir, "subsystem", "../../../../class/iommu");
	tree_link(tree, "sys/class/iommu", "dmar0",
		  "../../devices/virtual/iommu/dmar0");
	for (i = 0; i < machine->n_devices; i++) {
		const struct machine_device *device = &machine->devices[i];

		tree_link(tree, "sys/devices/virtual/iommu/dmar0/devices",
			  device->address, "../../../../pci%04x:%02x/%s",
			  device->options->address.domain,
			  device->options->address.bus, device->address);
	}
}

/* What a machine shows that has the modules loaded and no device yet. */
static void tree_write_fixed(struct tree *tree)
{
	tree_dir(tree, "dev/vfio/devices");
	tree_dir(tree, "sys/kernel/iommu_groups");
	tree_dir(tree, "sys/bus/pci/devices");
	tree_dir(tree, "sys/bus/pci/drivers/vfio-pci");
	tree_dir(tree, "sys/class/iommu");
	tree_dir(tree, "sys/class/vfio-dev");
	tree_text(tree, "sys/bus/pci/drivers/vfio-pci", "bind", "%s", "");
	tree_text(tree, "sys/bus/pci/drivers/vfio-pci", "unbind", "%s", "");
	tree_text(tree, "sys/bus/pci/drivers/vfio-pci", "new_id", "%s", "");
	tree_text(tree, "sys/bus/pci/drivers/vfio-pci", "remove_id", "%s", "");
	tree_link(tree, "sys/bus/pci/drivers/vfio-pci", "module",
		  "../../../../module/vfio_pci");
	tree_text(tree, "sys/bus/pci", "drivers_probe", "%s", "");
	tree_text(tree, "sys/bus/pci", "drivers_autoprobe", "1\n");
	tree_text(tree, "sys/bus/pci", "rescan", "%s", "");
	tree_text(tree, "sys/module/vfio/parameters",
		  "enable_unsafe_noiommu_mode", "N\n");
	tree_link(tree, "sys/module/vfio_pci/drivers", "pci:vfio-pci",
		  "../../../bus/pci/drivers/vfio-pci");
	tree_text(tree, "sys/module/iommufd/parameters",
		  "allow_unsafe_interrupts", "N\n");
	tree_text(tree, "sys/class/misc/iommu", "dev", "%u:%u\n", MISC_MAJOR,
		  IOMMU_MINOR);
}

/* The host's list, and the one major number that is ours. */
static void tree_write_proc_devices(struct tree *tree)
{
	char text[8192] = "";
	size_t len = 0;
	char line[32];
	char *block;
	int fd = open("/proc/devices", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 64);

	if (fd >= 0)
		close(fd);
	if (n > 0)
		len = (size_t)n;
	text[len] = '\0';
	snprintf(line, sizeof(line), "%3u vfio-dev\n", VFIO_DEV_MAJOR);
	block = strstr(text, "\nBlock devices:");
	if (block) { /* character devices come first */
		memmove(block + strlen(line), block, strlen(block) + 1);
		memcpy(block, line, strlen(line));
	} else {
		snprintf(text, sizeof(text), "Character devices:\n%s", line);
	}
	tree_bytes(tree, "proc/devices", text, strlen(text));
}

int machine_write_tree(struct machine *machine, int dir,
		       struct machine_error *error)
{
	struct tree tree = { .dir = dir };
	unsigned int i;

	tree_write_fixed(&tree);
	tree_write_proc_devices(&tree);
	machine_nodes(machine, tree_write_node, &tree);
	for (i = 0; i < machine->n_devices; i++) {
		group_write(&tree, &machine->devices[i]);
		sysfs_pci_write(&tree, &machine->devices[i]);
	}
	unit_write(&tree, machine);
	if (tree.err)
		machine_error_set(error,
				  "cannot lay out %s in the run directory: %s",
				  tree.path, strerror(-tree.err));
	return tree.err;
}
