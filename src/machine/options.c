/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From option texts to structures. Every refusal is one line that names the
 * cause and the way out.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "devices/nvme/nvme.h"
#include "machine/options.h"

const struct model *const machine_models[] = {
	&nvme_model,
	NULL,
};

void machine_error_set(struct machine_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
}

void pci_address_print(char text[16], const struct pci_address *address)
{
	snprintf(text, 16, "%04x:%02x:%02x.%x", address->domain, address->bus,
		 address->devfn >> 3, address->devfn & 7u);
}

/* DDDD:BB:DD.F, or BB:DD.F in domain 0; nothing else. */
static bool pci_address_parse(const char *text, struct pci_address *address)
{
	unsigned int domain = 0;
	unsigned int bus;
	unsigned int slot;
	unsigned int function;
	int used = 0;

	/*
	 * sscanf() takes signs, spaces and "0x" as well; no number is too big
	 * for it. NOLINTBEGIN(cert-err34-c)
	 */
	if (text[strspn(text, "0123456789abcdefABCDEF:.")])
		return false;
	if (sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function,
		   &used) != 4 ||
	    text[used]) {
		domain = 0;
		used = 0;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function,
			   &used) != 3 ||
		    text[used])
			return false;
	}
	/* NOLINTEND(cert-err34-c) */
	if (slot > 31 || function > 7)
		return false;
	address->domain = (__u16)domain;
	address->bus = (__u8)bus;
	address->devfn = (__u8)(slot << 3 | function);
	return true;
}

static const struct model *model_find(const char *name)
{
	const struct model *const *model;

	for (model = machine_models; *model; model++)
		if (!strcmp((*model)->name, name))
			return *model;
	return NULL;
}

static const struct model_key *key_find(const struct model *model,
					const char *name)
{
	const struct model_key *key;

	for (key = model->keys; key->name; key++)
		if (!strcmp(key->name, name))
			return key;
	return NULL;
}

static int parse_number(const char *text, unsigned long max,
			unsigned long *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoul(text, &end, 10);
	return *end || errno || *value > max ? -EINVAL : 0;
}

static int parse_mmio(struct device_options *device, const char *value,
		      struct machine_error *error)
{
	static const char *const names[] = { "auto", "trap", "poll", "none" };
	unsigned int i;

	for (i = 0; i < array_len(names); i++)
		if (!strcmp(value, names[i])) {
			device->mmio = (enum vfio_pci_mmio)i;
			return 0;
		}
	machine_error_set(error, "-d %s: mmio=%s: use auto, trap, poll or none",
			  device->model->name, value);
	return -EINVAL;
}

static int parse_group(struct device_options *device, const char *value,
		       struct machine_error *error)
{
	unsigned long number;

	if (parse_number(value, INT32_MAX, &number)) {
		machine_error_set(error,
				  "-d %s: group=%s: not a group number; use "
				  "0, 1, 2, ...",
				  device->model->name, value);
		return -EINVAL;
	}
	device->has_group = true;
	device->group = (__u32)number;
	return 0;
}

static int parse_address(struct device_options *device, const char *value,
			 struct machine_error *error)
{
	if (!pci_address_parse(value, &device->address)) {
		machine_error_set(error,
				  "-d %s: addr=%s: not a PCI address; write "
				  "it as 0000:01:00.0 (device 00 to 1f, "
				  "function 0 to 7)",
				  device->model->name, value);
		return -EINVAL;
	}
	device->has_address = true;
	return 0;
}

/* Return: 1 when the key is one of those that all devices have. */
static int parse_common_key(struct device_options *device, const char *key,
			    const char *value, struct machine_error *error)
{
	int err;

	if (strcmp(key, "id") && strcmp(key, "addr") && strcmp(key, "group") &&
	    strcmp(key, "mmio"))
		return 0;
	if (!value || !*value) {
		machine_error_set(error, "-d %s: %s: write %s=VALUE",
				  device->model->name, key, key);
		return -EINVAL;
	}
	switch (key[0]) {
	case 'i':
		device->id = value;
		return 1;
	case 'a':
		err = parse_address(device, value, error);
		break;
	case 'g':
		err = parse_group(device, value, error);
		break;
	default:
		err = parse_mmio(device, value, error);
		break;
	}
	return err ? err : 1;
}

static int parse_model_key(struct device_options *device, const char *key,
			   const char *value, struct machine_error *error)
{
	const struct model_key *known = key_find(device->model, key);

	if (!known) {
		machine_error_set(error,
				  "-d %s: unknown key '%s'; "
				  "\"iommufd-user devices\" lists the keys",
				  device->model->name, key);
		return -EINVAL;
	}
	if (!known->value != !value || (value && !*value)) {
		machine_error_set(error, "-d %s: %s: write %s%s%s",
				  device->model->name, key, key,
				  known->value ? "=" : " without a value",
				  known->value ? known->value : "");
		return -EINVAL;
	}
	if (device->n_options == DEVICE_MAX_OPTIONS) {
		machine_error_set(error, "-d %s: more than %u keys",
				  device->model->name, DEVICE_MAX_OPTIONS);
		return -EINVAL;
	}
	device->options[device->n_options].key = key;
	device->options[device->n_options++].value = value;
	return 0;
}

static int parse_key(struct device_options *device, char *text,
		     struct machine_error *error)
{
	char *value = strchr(text, '=');
	int is_common;

	if (value)
		*value++ = '\0';
	is_common = parse_common_key(device, text, value, error);
	if (is_common)
		return is_common < 0 ? is_common : 0;
	return parse_model_key(device, text, value, error);
}

static int parse_model(struct device_options *device, const char *name,
		       struct machine_error *error)
{
	char names[128] = "";
	const struct model *const *model;

	device->model = model_find(name);
	if (device->model)
		return 0;
	for (model = machine_models; *model; model++) {
		if (*names)
			strncat(names, ", ", sizeof(names) - strlen(names) - 1);
		strncat(names, (*model)->name,
			sizeof(names) - strlen(names) - 1);
	}
	machine_error_set(error,
			  "-d %s: unknown device model; there is %s "
			  "(\"iommufd-user devices\" tells more)",
			  *name ? name : "(nothing)", names);
	return -EINVAL;
}

static int parse_device(struct machine_options *options, const char *text,
			struct machine_error *error)
{
	struct device_options *device;
	char *rest;
	char *key;
	int err;

	if (options->n_devices == MACHINE_MAX_DEVICES) {
		machine_error_set(error, "more than %u devices",
				  MACHINE_MAX_DEVICES);
		return -EINVAL;
	}
	device = &options->devices[options->n_devices];
	device->text = mem_strdup(text);
	if (!device->text) {
		machine_error_set(error, "out of memory");
		return -ENOMEM;
	}
	options->n_devices++;
	rest = device->text;
	err = parse_model(device, strsep(&rest, ","), error);
	while (!err && (key = strsep(&rest, ",")))
		err = parse_key(device, key, error);
	return err;
}

static int parse_exitcode(struct machine_options *options, const char *value,
			  struct machine_error *error)
{
	unsigned long number;

	if (parse_number(value, 255, &number) || !number) {
		machine_error_set(error,
				  "--error-exitcode=%s: not an exit status; "
				  "use 1 to 255",
				  value);
		return -EINVAL;
	}
	options->error_exitcode = (int)number;
	return 0;
}

/* Which of @names is @value? @names ends with NULL. Return: -EINVAL: none. */
static int parse_choice(const char *option, const char *value,
			const char *const *names, struct machine_error *error)
{
	char list[96] = "";
	int i;

	for (i = 0; names[i]; i++) {
		if (!strcmp(names[i], value))
			return i;
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
			 "%s%s", i ? ", " : "", names[i]);
	}
	machine_error_set(error, "%s=%s: unknown; there is %s", option, value,
			  list);
	return -EINVAL;
}

/* Return: what follows "--name=", or NULL. */
static const char *option_value(const char *text, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(text, name, len) && text[len] == '=' ? text + len + 1
							     : NULL;
}

static int parse_option(struct machine_options *options, const char *text,
			struct machine_error *error)
{
	static const char *const iommus[] = { "vtd", NULL };
	static const char *const memlocks[] = { "off", "kernel", NULL };
	static const char *const faults[] = { "report", "abort", "ignore",
					      NULL };
	const char *value;
	int choice = 0;

	if (!strncmp(text, "-d ", 3))
		return parse_device(options, text + 3, error);
	if ((value = option_value(text, "--error-exitcode")))
		return parse_exitcode(options, value, error);
	if (!strcmp(text, "--sync")) {
		options->is_synchronous = true;
	} else if ((value = option_value(text, "--iommu"))) {
		choice = parse_choice("--iommu", value, iommus, error);
	} else if ((value = option_value(text, "--memlock"))) {
		choice = parse_choice("--memlock", value, memlocks, error);
		options->enforce_memlock = choice == 1;
	} else if ((value = option_value(text, "--on-fault"))) {
		choice = parse_choice("--on-fault", value, faults, error);
		if (choice >= 0)
			options->on_fault = (enum observe_on_fault)choice;
	} else {
		machine_error_set(error, "unknown option '%s'", text);
		return -EINVAL;
	}
	return choice < 0 ? choice : 0;
}

static bool address_is_taken(const struct machine_options *options,
			     const struct device_options *except,
			     const struct pci_address *address)
{
	unsigned int i;

	for (i = 0; i < options->n_devices; i++) {
		const struct device_options *device = &options->devices[i];

		if (device != except && device->has_address &&
		    device->address.domain == address->domain &&
		    device->address.bus == address->bus &&
		    device->address.devfn == address->devfn)
			return true;
	}
	return false;
}

/* Each device that says nothing gets a bus of its own, from 01 up. */
static int assign_address(struct machine_options *options,
			  struct device_options *device,
			  struct machine_error *error)
{
	struct pci_address address = { .bus = 1 };
	char text[16];

	if (device->has_address) {
		if (!address_is_taken(options, device, &device->address))
			return 0;
		pci_address_print(text, &device->address);
		machine_error_set(error,
				  "-d %s: addr=%s: in use by another device; "
				  "choose another address",
				  device->model->name, text);
		return -EINVAL;
	}
	while (address_is_taken(options, device, &address))
		address.bus++;
	device->address = address;
	device->has_address = true;
	return 0;
}

static bool group_is_taken(const struct machine_options *options, __u32 group)
{
	unsigned int i;

	for (i = 0; i < options->n_devices; i++)
		if (options->devices[i].has_group &&
		    options->devices[i].group == group)
			return true;
	return false;
}

static void assign_group(struct machine_options *options,
			 struct device_options *device)
{
	if (device->has_group)
		return;
	while (group_is_taken(options, device->group))
		device->group++;
	device->has_group = true;
}

static int check_id(const struct machine_options *options,
		    const struct device_options *device,
		    struct machine_error *error)
{
	unsigned int i;

	for (i = 0; device->id && i < options->n_devices; i++) {
		const struct device_options *other = &options->devices[i];

		if (other == device || !other->id ||
		    strcmp(other->id, device->id))
			continue;
		machine_error_set(error,
				  "-d %s: id=%s: in use by another device; "
				  "choose another id",
				  device->model->name, device->id);
		return -EINVAL;
	}
	return 0;
}

static int options_complete(struct machine_options *options,
			    struct machine_error *error)
{
	unsigned int i;
	int err;

	for (i = 0; i < options->n_devices; i++) {
		err = assign_address(options, &options->devices[i], error);
		if (!err)
			err = check_id(options, &options->devices[i], error);
		if (err)
			return err;
	}
	for (i = 0; i < options->n_devices; i++)
		assign_group(options, &options->devices[i]);
	return 0;
}

int options_parse(struct machine_options *options, const char *const *texts,
		  unsigned int n_texts, struct machine_error *error)
{
	unsigned int i;
	int err = 0;

	memset(options, 0, sizeof(*options));
	for (i = 0; i < n_texts && !err; i++)
		err = parse_option(options, texts[i], error);
	if (!err)
		err = options_complete(options, error);
	if (err)
		options_deinit(options);
	return err;
}

void options_deinit(struct machine_options *options)
{
	while (options->n_devices)
		mem_free(options->devices[--options->n_devices].text);
}
