/* SPDX-License-Identifier: BSD-3-Clause */
/* Two controllers, two address spaces: neither reaches what the other may. */
#include <fcntl.h>
#include <unistd.h>
#include "harness/nvme_client.h"

#define IOVA 0x200000ull
#define OTHER_IOVA 0x300000ull

/* Write a page of @byte to block 0, so that reads bring it. */
static void fill_namespace(struct client *client, int byte)
{
	void *page = client_alloc(CLIENT_PAGE, byte);

	check(!client_map(client, page, CLIENT_PAGE, IOVA, false));
	check(!client_io(client, CLIENT_WRITE, 0, 8, IOVA));
	check(!client_unmap(client, IOVA, CLIENT_PAGE));
}

/* The same IOVA is other memory for each. */
static void same_iova(struct client *a, struct client *b)
{
	uint8_t *page_a = client_alloc(CLIENT_PAGE, 0);
	uint8_t *page_b = client_alloc(CLIENT_PAGE, 0);

	check(!client_map(a, page_a, CLIENT_PAGE, IOVA, true));
	check(!client_map(b, page_b, CLIENT_PAGE, IOVA, true));
	check(!client_io(a, CLIENT_READ, 0, 8, IOVA));
	check(client_is_all(page_a, CLIENT_PAGE, 'a'));
	check(client_is_all(page_b, CLIENT_PAGE, 0));
	check(!client_io(b, CLIENT_READ, 0, 8, IOVA));
	check(client_is_all(page_a, CLIENT_PAGE, 'a'));
	check(client_is_all(page_b, CLIENT_PAGE, 'b'));
	check(!client_unmap(a, IOVA, CLIENT_PAGE));
	check(client_io(a, CLIENT_READ, 0, 8, IOVA) ==
	      CLIENT_DATA_TRANSFER_ERROR);
	check(!client_io(b, CLIENT_READ, 0, 8, IOVA));
	check(!client_unmap(b, IOVA, CLIENT_PAGE));
}

/* What only one has mapped the other can neither write nor read. */
static void others_mapping(struct client *a, struct client *b)
{
	uint8_t *page = client_alloc(CLIENT_PAGE, 's');

	check(!client_map(a, page, CLIENT_PAGE, OTHER_IOVA, true));
	check(client_io(b, CLIENT_READ, 0, 8, OTHER_IOVA) ==
	      CLIENT_DATA_TRANSFER_ERROR);
	check(client_io(b, CLIENT_WRITE, 8, 8, OTHER_IOVA) ==
	      CLIENT_DATA_TRANSFER_ERROR);
	check(client_is_all(page, CLIENT_PAGE, 's'));
	check(!client_map(b, page, CLIENT_PAGE, IOVA, true));
	check(!client_io(b, CLIENT_READ, 8, 8, IOVA));
	check(client_is_all(page, CLIENT_PAGE, 0)); /* never written */
	check(!client_unmap(b, IOVA, CLIENT_PAGE));
	check(!client_unmap(a, OTHER_IOVA, CLIENT_PAGE));
}

/* Not one byte beyond a mapping, not one write to a read-only one. */
static void bounds_and_permission(struct client *client)
{
	uint8_t *pages = client_alloc(3 * CLIENT_PAGE, 'p');

	check(!client_map(client, pages + CLIENT_PAGE, CLIENT_PAGE, IOVA,
			  true));
	check(client_io(client, CLIENT_READ, 0, 8,
			IOVA + CLIENT_PAGE - CLIENT_BLOCK) ==
	      CLIENT_DATA_TRANSFER_ERROR);
	check(client_is_all(pages, CLIENT_PAGE, 'p'));
	check(client_is_all(pages + 2 * CLIENT_PAGE, CLIENT_PAGE, 'p'));
	check(!client_unmap(client, IOVA, CLIENT_PAGE));

	check(!client_map(client, pages, CLIENT_PAGE, IOVA, false));
	check(client_io(client, CLIENT_READ, 0, 8, IOVA) ==
	      CLIENT_DATA_TRANSFER_ERROR);
	check(client_is_all(pages, CLIENT_PAGE, 'p'));
	check(!client_io(client, CLIENT_WRITE, 0, 8, IOVA));
	check(!client_unmap(client, IOVA, CLIENT_PAGE));
}

static void run(int iommufd)
{
	struct client a;
	struct client b;

	check(!client_open(&a, 0, iommufd));
	check(!client_open(&b, 1, iommufd));
	client_start(&a);
	client_start(&b);
	fill_namespace(&a, 'a');
	fill_namespace(&b, 'b');
	same_iova(&a, &b);
	others_mapping(&a, &b);
	bounds_and_permission(&a);
	client_close(&a);
	client_close(&b);
}

int main(void)
{
	int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	check(iommufd >= 0);
	run(-1); /* each in a context of its own */
	run(iommufd); /* two spaces of one */
	close(iommufd);
	return 0;
}
