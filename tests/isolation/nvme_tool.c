/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: nvme_tool COMMAND...
 *
 * Drives the first controller word by word and prints a line for each, so
 * that a test can act between them:
 *
 *	write:LBA:BYTE	a block of one byte
 *	read:LBA	... and the first byte
 *	flush
 *	stray:IOVA	a read of the device from where nothing is mapped
 *	journal		number blocks, flush each, print it, for ever
 *	wait		for a line on standard input
 *	exit:STATUS
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness/nvme_client.h"

#define IOVA 0x200000ull
#define N_JOURNAL 1024u

static struct client client;
static uint8_t *page;

static unsigned int tool_write(uint64_t lba, uint64_t value)
{
	memset(page, (int)value, CLIENT_BLOCK);
	return client_io(&client, CLIENT_WRITE, lba, 1, IOVA);
}

static unsigned int tool_read(uint64_t lba, uint64_t value)
{
	unsigned int status;

	(void)value;
	memset(page, 0, CLIENT_BLOCK);
	status = client_io(&client, CLIENT_READ, lba, 1, IOVA);
	printf("%u ", page[0]);
	return status;
}

static unsigned int tool_flush(uint64_t lba, uint64_t value)
{
	(void)lba;
	(void)value;
	return client_io(&client, CLIENT_FLUSH, 0, 0, 0);
}

static unsigned int tool_stray(uint64_t iova, uint64_t value)
{
	(void)value;
	return client_io(&client, CLIENT_WRITE, 0, 1, iova);
}

/* A line stands for data that must outlive this process. */
static unsigned int tool_journal(uint64_t lba, uint64_t value)
{
	uint64_t n;

	(void)lba;
	(void)value;
	for (n = 1;; n++) {
		memset(page, 0, CLIENT_BLOCK);
		memcpy(page, &n, sizeof(n));
		check(!client_io(&client, CLIENT_WRITE, n % N_JOURNAL, 1,
				 IOVA));
		check(!client_io(&client, CLIENT_FLUSH, 0, 0, 0));
		printf("flushed %" PRIu64 "\n", n);
		fflush(stdout);
	}
}

static unsigned int tool_wait(uint64_t lba, uint64_t value)
{
	char line[16];

	(void)lba;
	(void)value;
	return !fgets(line, sizeof(line), stdin);
}

static unsigned int tool_exit(uint64_t status, uint64_t value)
{
	(void)value;
	client_close(&client);
	exit((int)status);
}

static const struct {
	const char *name;
	unsigned int (*run)(uint64_t first, uint64_t second);
} tools[] = {
	{ "write", tool_write },     { "read", tool_read },
	{ "flush", tool_flush },     { "stray", tool_stray },
	{ "journal", tool_journal }, { "wait", tool_wait },
	{ "exit", tool_exit },
};

static void tool_run(const char *text)
{
	size_t len = strcspn(text, ":");
	const char *first = text[len] ? text + len + 1 : "0";
	const char *second = strchr(first, ':');
	unsigned int i = 0;

	while (strlen(tools[i].name) != len ||
	       strncmp(tools[i].name, text, len) != 0)
		check(++i < sizeof(tools) / sizeof(tools[0]));
	if (!strcmp(tools[i].name, "wait"))
		puts("waiting");
	fflush(stdout);
	printf("status 0x%03x %s\n",
	       tools[i].run(strtoull(first, NULL, 0),
			    second ? strtoull(second + 1, NULL, 0) : 0),
	       text);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int i;

	page = client_alloc(CLIENT_PAGE, 0);
	check(!client_open(&client, 0, -1));
	client_start(&client);
	check(!client_map(&client, page, CLIENT_PAGE, IOVA, true));
	for (i = 1; i < argc; i++)
		tool_run(argv[i]);
	client_close(&client);
	return 0;
}
