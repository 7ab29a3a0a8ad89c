/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of the command line, checked and in structures. */
#ifndef MACHINE_OPTIONS_H
#define MACHINE_OPTIONS_H

#include "devices/model.h"
#include "machine/machine.h"
#include "observe/observe.h"

#define MACHINE_MAX_DEVICES 64u
#define DEVICE_MAX_OPTIONS 16u

/* Domain, bus, device, function as one number that sorts. */
struct pci_address {
	__u16 domain;
	__u8 bus;
	__u8 devfn;
};

/**
 * struct device_options - one -d
 * @text: the option's own copy, cut into pieces that the others point to
 * @model: which model
 * @id: id=, or NULL
 * @has_address: addr= was given
 * @address: addr=, or given by the machine
 * @has_group: group= was given
 * @group: group=, or given by the machine
 * @mmio: mmio=
 * @options: the model's own keys
 * @n_options: their number
 */
struct device_options {
	char *text;
	const struct model *model;
	const char *id;
	bool has_address;
	struct pci_address address;
	bool has_group;
	__u32 group;
	enum vfio_pci_mmio mmio;
	struct model_option options[DEVICE_MAX_OPTIONS];
	unsigned int n_options;
};

/**
 * struct machine_options - all of them
 * @devices: one each -d
 * @n_devices: their number
 * @enforce_memlock: --memlock=kernel
 * @is_synchronous: --sync
 * @on_fault: --on-fault
 * @error_exitcode: --error-exitcode, 0: none
 */
struct machine_options {
	struct device_options devices[MACHINE_MAX_DEVICES];
	unsigned int n_devices;
	bool enforce_memlock;
	bool is_synchronous;
	enum observe_on_fault on_fault;
	int error_exitcode;
};

/**
 * options_parse() - check all options
 *
 * Addresses, groups and indices that were not given are filled in. Return: 0,
 * -EINVAL or -ENOMEM with @error set; nothing is left allocated then.
 */
int options_parse(struct machine_options *options, const char *const *texts,
		  unsigned int n_texts, struct machine_error *error);
void options_deinit(struct machine_options *options);

/* Write "0000:01:00.0". */
void pci_address_print(char text[16], const struct pci_address *address);

/* All models, ended by NULL. */
extern const struct model *const machine_models[];

void machine_error_set(struct machine_error *error, const char *format, ...)
	printf_like(2, 3);

#endif /* MACHINE_OPTIONS_H */
