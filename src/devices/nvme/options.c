/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for: parsed, checked, and refused with a way out. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "devices/nvme/namespace.h"
#include "devices/nvme/options.h"

const struct model_key nvme_option_keys[] = {
	{ "image", "FILE", "file or block device that holds the namespace" },
	{ "size", "SIZE",
	  "bytes of the namespace (K, M, G, T); without image: in memory" },
	{ "ro", NULL, "writes are refused" },
	{ "queues", "N", "I/O queue pairs, 1 to 64 (16)" },
	{ "serial", "TEXT", "serial number, up to 20 characters" },
	{ "io", "uring|threads", "how an image is read and written" },
	{ NULL, NULL, NULL },
};

printf_like(2, 3) static int options_refuse(struct model_config *config,
					    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(config->error, config->error_len, format, args);
	va_end(args);
	return -EINVAL;
}

/* A decimal number without sign. Return: where it ends, or NULL. */
static const char *number_parse(const char *text, __u64 *value)
{
	const char *at = text;

	for (*value = 0; *at >= '0' && *at <= '9'; at++)
		if (mul_overflow(*value, (__u64)10, value) ||
		    add_overflow(*value, (__u64)(*at - '0'), value))
			return NULL;
	return at == text ? NULL : at;
}

static bool size_parse(const char *text, __u64 *len)
{
	static const char suffixes[] = "KMGT";
	const char *end = number_parse(text, len);
	const char *suffix;

	if (!end || !*end)
		return end;
	suffix = strchr(suffixes, *end);
	if (!suffix || end[1])
		return false;
	return !mul_overflow(*len, 1024ull << 10 * (suffix - suffixes), len);
}

static int option_size(struct nvme_options *options,
		       struct model_config *config, const char *text)
{
	if (!size_parse(text, &options->len))
		return options_refuse(
			config,
			"nvme: size=%s: not a size; use a number with K, M, G or T",
			text);
	if (!options->len || options->len % NVME_BLOCK_LEN)
		return options_refuse(
			config,
			"nvme: size=%s: not a multiple of 512 bytes; use 1M or more",
			text);
	if (options->len > 1ull << 46)
		return options_refuse(config,
				      "nvme: size=%s: too big; use 64T or less",
				      text);
	return 0;
}

static int option_queues(struct nvme_options *options,
			 struct model_config *config, const char *text)
{
	const char *end;
	__u64 n;

	end = number_parse(text, &n);
	if (!end || *end || !n || n > NVME_QUEUES_MAX)
		return options_refuse(
			config,
			"nvme: queues=%s: not a number of queues; use 1 to %u",
			text, NVME_QUEUES_MAX);
	options->n_queues = (unsigned int)n;
	return 0;
}

static int option_serial(struct nvme_options *options,
			 struct model_config *config, const char *text)
{
	size_t len = strlen(text);
	size_t i;

	for (i = 0; i < len && text[i] >= ' ' && text[i] <= '~'; i++)
		;
	if (!len || len > NVME_SERIAL_LEN || i < len)
		return options_refuse(
			config,
			"nvme: serial=%s: not a serial number; use 1 to %u ASCII characters",
			text, NVME_SERIAL_LEN);
	memcpy(options->serial, text, len + 1);
	return 0;
}

static int option_io(struct nvme_options *options, struct model_config *config,
		     const char *text)
{
	if (!strcmp(text, "uring"))
		options->io = NVME_IO_URING;
	else if (!strcmp(text, "threads"))
		options->io = NVME_IO_THREADS;
	else
		return options_refuse(
			config, "nvme: io=%s: unknown; use uring or threads",
			text);
	return 0;
}

static int option_image(struct nvme_options *options,
			struct model_config *config, const char *path)
{
	if (!*path)
		return options_refuse(config,
				      "nvme: image=: no file; name one");
	mem_free(options->image);
	options->image = mem_strdup(path);
	if (!options->image)
		return options_refuse(config, "nvme: out of memory");
	return 0;
}

static int option_parse(struct nvme_options *options,
			struct model_config *config,
			const struct model_option *option)
{
	const char *value = option->value;

	if (!strcmp(option->key, "ro")) {
		options->is_read_only = true;
		return 0;
	}
	if (!value)
		return options_refuse(config,
				      "nvme: %s: needs a value; use %s=…",
				      option->key, option->key);
	if (!strcmp(option->key, "image"))
		return option_image(options, config, value);
	if (!strcmp(option->key, "size"))
		return option_size(options, config, value);
	if (!strcmp(option->key, "queues"))
		return option_queues(options, config, value);
	if (!strcmp(option->key, "serial"))
		return option_serial(options, config, value);
	if (!strcmp(option->key, "io"))
		return option_io(options, config, value);
	return options_refuse(config,
			      "nvme: %s: unknown key; see iommufd-user devices",
			      option->key);
}

static int image_refuse_open(const struct nvme_options *options,
			     struct model_config *config, int err)
{
	const char *path = options->image;

	switch (err) {
	case -ENOENT:
		return options_refuse(
			config,
			"nvme: image=%s: no such file; create it with \"truncate -s 1G %s\"",
			path, path);
	case -EBUSY:
		return options_refuse(
			config,
			"nvme: image=%s: in use by another process; end that, or use ro in both",
			path);
	case -EACCES:
	case -EROFS:
	case -EPERM:
		return options_refuse(
			config, "nvme: image=%s: %s", path,
			options->is_read_only
				? "not readable; change its permissions"
				: "not writable: add ro to use it read-only");
	case -EINVAL:
		return options_refuse(
			config,
			"nvme: image=%s: neither a file nor a block device; name one",
			path);
	default:
		return options_refuse(config,
				      "nvme: image=%s: %s; use another file",
				      path, strerror(-err));
	}
}

/* The image can be opened and is long enough; @options->len is then final. */
static int image_check(struct nvme_options *options,
		       struct model_config *config)
{
	__u64 len = 0;
	int fd;

	fd = nvme_image_open(options->image, options->is_read_only, &len);
	if (fd < 0)
		return image_refuse_open(options, config, fd);
	close(fd);
	if (options->len && len < options->len)
		return options_refuse(
			config,
			"nvme: image=%s: shorter than size=; use \"truncate -s %llu %s\"",
			options->image, options->len, options->image);
	if (!options->len && (!len || len % NVME_BLOCK_LEN))
		return options_refuse(
			config,
			"nvme: image=%s: its %llu bytes are no multiple of 512; use \"truncate -s 1G %s\"",
			options->image, len, options->image);
	if (!options->len)
		options->len = len;
	return 0;
}

static int options_check(struct nvme_options *options,
			 struct model_config *config)
{
	if (options->image)
		return image_check(options, config);
	if (!options->len)
		return options_refuse(
			config,
			"nvme: no namespace; use size=1G (in memory) or image=FILE");
	if (options->is_read_only)
		return options_refuse(
			config,
			"nvme: ro: memory holds nothing to read; use it with image=FILE");
	if (options->io != NVME_IO_ANY)
		return options_refuse(
			config,
			"nvme: io: memory needs none; use it with image=FILE");
	return 0;
}

int nvme_options_parse(struct nvme_options *options,
		       struct model_config *config)
{
	unsigned int i;
	int err = 0;

	memset(options, 0, sizeof(*options));
	options->n_queues = NVME_QUEUES_DEFAULT;
	for (i = 0; i < config->n_options && !err; i++)
		err = option_parse(options, config, &config->options[i]);
	if (!err)
		err = options_check(options, config);
	if (err)
		nvme_options_deinit(options);
	return err;
}

void nvme_options_deinit(struct nvme_options *options)
{
	mem_free(options->image);
	options->image = NULL;
}
