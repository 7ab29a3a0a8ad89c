/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The door of every PCI model: one constant table. The machine knows them all
 * by name; "iommufd-user devices" prints what is here.
 */
#ifndef DEVICES_MODEL_H
#define DEVICES_MODEL_H

#include "base/compiler.h"
#include "vfio/pci.h"

/**
 * struct model_key - a key of -d MODEL,key=value
 * @name: the key
 * @value: what its value is, for help: "FILE", "SIZE", or NULL: a flag
 * @help: one line
 */
struct model_key {
	const char *name;
	const char *value;
	const char *help;
};

/**
 * struct model_option - one key that the user gave
 * @key: one of the model's
 * @value: its text, or NULL for a flag
 */
struct model_option {
	const char *key;
	const char *value;
};

/**
 * struct model_config - what the user asked
 * @options: the model's own keys, checked to be known
 * @n_options: their number
 * @error: the model writes here why it refuses: one line, the cause and the
 *	way out, without "iommufd-user:" and newline
 * @error_len: its bytes
 */
struct model_config {
	const struct model_option *options;
	unsigned int n_options;
	char *error;
	size_t error_len;
};

/**
 * struct model - a PCI device model
 * @name: what -d calls it
 * @help: one line
 * @keys: its keys, ended by a NULL name
 * @ops: callbacks; priv is what @create returns
 * @create: check the options (files are opened to see that they can be, and
 *	closed: they are opened for good by ops->open) and fill in
 *	@description. Return: priv, or NULL with config->error set
 */
struct model {
	const char *name;
	const char *help;
	const struct model_key *keys;
	const struct vfio_pci_ops *ops;
	void *(*create)(struct model_config *config,
			struct vfio_pci_description *description);
};

#endif /* DEVICES_MODEL_H */
