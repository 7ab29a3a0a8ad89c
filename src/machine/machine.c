/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making a machine from its options: one IOMMU, a group each number, a device
 * each -d, and the nodes that open them.
 *
 * Nothing of a device runs before a program binds it. The command line makes
 * a machine to check it and to lay out its files, and throws it away; the
 * preload library makes the same again in the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "iommu/vtd/vtd.h"
#include "iommufd/framework.h"
#include "machine/internal.h"
#include "mm/mm.h"
#include "observe/observe.h"

static struct iommu_group *machine_find_group(struct machine *machine, __u32 id)
{
	unsigned int i;

	for (i = 0; i < machine->n_devices; i++)
		if (machine->devices[i].group->id == id)
			return machine->devices[i].group;
	return NULL;
}

/* The first device of a group in the list is the one that frees it. */
static bool device_owns_group(const struct machine_device *device)
{
	const struct machine_device *other = device->machine->devices;

	for (; other < device; other++)
		if (other->group == device->group)
			return false;
	return true;
}

static void device_deinit(struct machine_device *device)
{
	if (device->pci)
		vfio_pci_destroy(device->pci);
	if (device->endpoint)
		iommu_endpoint_destroy(device->endpoint);
}

static int device_init_endpoint(struct machine_device *device)
{
	const struct pci_address *address = &device->options->address;
	struct machine *machine = device->machine;

	device->group = machine_find_group(machine, device->options->group);
	if (!device->group)
		device->group = iommu_group_create(device->options->group);
	if (!device->group)
		return -ENOMEM;
	device->endpoint = iommu_endpoint_create(
		machine->unit, device->group,
		(__u16)(address->bus << 8 | address->devfn), device->address);
	if (device->endpoint)
		return 0;
	if (device_owns_group(device))
		iommu_group_destroy(device->group);
	return -ENOMEM;
}

static int device_init_pci(struct machine_device *device,
			   struct machine_error *error)
{
	const struct model *model = device->options->model;
	struct vfio_pci_description description;
	char text[400] = "";
	struct model_config config = {
		.options = device->options->options,
		.n_options = device->options->n_options,
		.error = text,
		.error_len = sizeof(text),
	};
	void *priv;

	memset(&description, 0, sizeof(description));
	priv = model->create(&config, &description);
	if (!priv) {
		/* The model's text begins with its name. */
		if (*text)
			machine_error_set(error, "-d %s", text);
		else
			machine_error_set(error, "-d %s: out of memory",
					  model->name);
		return -EINVAL;
	}
	device->pci = vfio_pci_create(&description, model->ops, priv,
				      device->endpoint, device->options->mmio);
	if (!is_err(device->pci))
		return 0;
	device->pci = NULL;
	if (model->ops->destroy)
		model->ops->destroy(priv);
	machine_error_set(error, "-d %s: out of memory", model->name);
	return -ENOMEM;
}

static void device_place_bars(struct machine_device *device, __u64 *next)
{
	const struct vfio_pci_description *description =
		vfio_pci_get_description(device->pci);
	unsigned int i;

	for (i = 0; i < VFIO_PCI_N_BARS; i++) {
		__u64 len = description->bars[i].len;

		if (!len)
			continue;
		*next = align_up(*next, len);
		device->bar_address[i] = *next;
		vfio_pci_set_bar_address(device->pci, i, *next);
		*next += len;
	}
}

static int machine_add_device(struct machine *machine,
			      const struct device_options *options,
			      __u64 *next_bar, struct machine_error *error)
{
	struct machine_device *device = &machine->devices[machine->n_devices];
	struct vfio_device *vfio;
	int err;

	device->machine = machine;
	device->options = options;
	device->index = machine->n_devices;
	device->claim_fd = -1;
	pci_address_print(device->address, &options->address);
	err = device_init_endpoint(device);
	if (err) {
		machine_error_set(error, "-d %s: out of memory",
				  options->model->name);
		return err;
	}
	machine->n_devices++;
	err = device_init_pci(device, error);
	if (err)
		return err;
	vfio = vfio_pci_to_device(device->pci);
	vfio_device_set_index(vfio, device->index,
			      makedev(VFIO_DEV_MAJOR, device->index));
	vfio_pci_set_synchronous(device->pci, machine->options.is_synchronous);
	device_set_claim(device);
	device_place_bars(device, next_bar);
	return 0;
}

struct machine *machine_create(const char *const *options,
			       unsigned int n_options,
			       struct machine_error *error)
{
	struct machine *machine = mem_alloc(sizeof(*machine));
	__u64 next_bar = BAR_WINDOW_START;
	unsigned int i;

	if (!machine) {
		machine_error_set(error, "out of memory");
		return NULL;
	}
	if (options_parse(&machine->options, options, n_options, error)) {
		mem_free(machine);
		return NULL;
	}
	machine->unit = vtd_unit();
	iommufd_node_init(&machine->iommu_node,
			  makedev(MISC_MAJOR, IOMMU_MINOR));
	for (i = 0; i < machine->options.n_devices; i++)
		if (machine_add_device(machine, &machine->options.devices[i],
				       &next_bar, error))
			goto err_destroy;
	return machine;

err_destroy:
	machine_destroy(machine);
	return NULL;
}

void machine_destroy(struct machine *machine)
{
	unsigned int i;

	if (!machine)
		return;
	for (i = machine->n_devices; i-- > 0;) {
		struct machine_device *device = &machine->devices[i];
		struct iommu_group *group = device->group;
		bool is_owner = device_owns_group(device);

		device_deinit(device);
		if (is_owner)
			iommu_group_destroy(group);
	}
	options_deinit(&machine->options);
	mem_free(machine->run_dir);
	mem_free(machine);
}

void machine_start(struct machine *machine)
{
	observe_start(machine->options.on_fault);
	if (machine->options.enforce_memlock)
		mm_enforce_limit();
}

void machine_nodes(struct machine *machine,
		   void (*visit)(void *arg, const struct file_node *node),
		   void *arg)
{
	unsigned int i;

	visit(arg, &machine->iommu_node);
	for (i = 0; i < machine->n_devices; i++)
		visit(arg, vfio_device_node(vfio_pci_to_device(
				   machine->devices[i].pci)));
}

struct file *machine_open(struct machine *machine, const char *path, int flags)
{
	struct file_node *node = &machine->iommu_node;
	unsigned int i;

	if (!strcmp(path, node->path))
		return node->open(node, flags);
	for (i = 0; i < machine->n_devices; i++) {
		node = vfio_device_node(
			vfio_pci_to_device(machine->devices[i].pci));
		if (!strcmp(path, node->path))
			return node->open(node, flags);
	}
	return err_ptr(-ENOENT);
}

int machine_error_exitcode(const struct machine *machine)
{
	return machine->options.error_exitcode;
}

int machine_use_run_dir(struct machine *machine, const char *path)
{
	machine->run_dir = mem_strdup(path);
	return machine->run_dir ? 0 : -ENOMEM;
}

void machine_print_models(int fd)
{
	const struct model *const *model;
	const struct model_key *key;

	for (model = machine_models; *model; model++) {
		dprintf(fd, "%-12s %s\n", (*model)->name, (*model)->help);
		for (key = (*model)->keys; key->name; key++)
			dprintf(fd, "    %s%s%-*s %s\n", key->name,
				key->value ? "=" : "",
				(int)(18 - strlen(key->name) - !!key->value),
				key->value ? key->value : "", key->help);
	}
	dprintf(fd, "keys of every device\n"
		    "    id=NAME            a name of your own\n"
		    "    addr=DDDD:BB:DD.F  PCI address; default: a bus each, "
		    "from 0000:01:00.0\n"
		    "    group=N            IOMMU group; default: one each\n"
		    "    mmio=auto|trap|poll|none\n"
		    "                       how mapped doorbells are noticed; "
		    "none: no mmap\n");
}
