/* SPDX-License-Identifier: BSD-3-Clause */
/* The command: verbs, help, errors. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

static const char usage[] =
	"usage: iommufd-user run [OPTION]... [--] PROGRAM [ARG]...\n"
	"       iommufd-user devices\n"
	"\n"
	"run: start PROGRAM with /dev/iommu and devices that are not there\n"
	"  -d, --device MODEL[,KEY=VALUE]...  add a device; repeat for more\n"
	"      --iommu=vtd                    the IOMMU (default vtd)\n"
	"      --memlock=off|kernel           refuse locked memory as Linux\n"
	"                                     does, or only count it (off)\n"
	"      --sync                         devices run inside the store\n"
	"                                     that rings them\n"
	"      --on-fault=report|abort|ignore what a refused DMA does\n"
	"      --error-exitcode=N             exit N when a DMA was refused\n"
	"                                     and PROGRAM exited 0\n"
	"devices: the models and their keys\n"
	"\n"
	"  -h, --help  -V, --version\n";

void cli_error(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	dprintf(STDERR_FILENO, "iommufd-user: %s\n", line);
}

int cli_devices(int argc, char **argv)
{
	if (argc > 1) {
		cli_error("devices: '%s': it takes no arguments", argv[1]);
		return EXIT_WRONG_INPUT;
	}
	machine_print_models(STDOUT_FILENO);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : NULL;

	if (!verb) {
		cli_error("no verb; write \"iommufd-user run [OPTION]... [--] "
			  "PROGRAM [ARG]...\", or --help");
		return EXIT_WRONG_INPUT;
	}
	if (!strcmp(verb, "run"))
		return cli_run(argc - 1, argv + 1);
	if (!strcmp(verb, "devices"))
		return cli_devices(argc - 1, argv + 1);
	if (!strcmp(verb, "-h") || !strcmp(verb, "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (!strcmp(verb, "-V") || !strcmp(verb, "--version")) {
		puts("iommufd-user " IOMMUFD_USER_VERSION);
		return 0;
	}
	cli_error("unknown verb '%s'; there is run and devices (see --help)",
		  verb);
	return EXIT_WRONG_INPUT;
}
