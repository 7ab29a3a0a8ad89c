/* SPDX-License-Identifier: BSD-3-Clause */
/* Identify, NVMe 1.4 section 5.15. */
#include <string.h>
#include "devices/nvme/admin.h"
#include "devices/nvme/prp.h"

#define IDENTIFY_LEN 4096u

enum identify_cns {
	CNS_NAMESPACE = 0x00,
	CNS_CONTROLLER = 0x01,
	CNS_NAMESPACE_LIST = 0x02,
	CNS_DESCRIPTORS = 0x03,
};

#define OACS_DOORBELL_BUFFER 0x0100
#define ONCS_DSM 0x04
#define ONCS_WRITE_ZEROES 0x08
#define ONCS_SAVE_AND_SELECT 0x10
#define LPA_EXTENDED 0x04
#define NSATTR_WRITE_PROTECTED 0x01
#define DESCRIPTOR_UUID 3

/* The fields of figure 247 that are not zero. */
struct identify_controller {
	__u16 vid;
	__u16 ssvid;
	char sn[20];
	char mn[40];
	char fr[8];
	__u8 rab;
	__u8 ieee[3];
	__u8 cmic;
	__u8 mdts;
	__u16 cntlid;
	__u32 ver;
	__u8 reserved_84[27];
	__u8 cntrltype;
	__u8 reserved_112[144];
	__u16 oacs;
	__u8 acl;
	__u8 aerl;
	__u8 frmw;
	__u8 lpa;
	__u8 elpe;
	__u8 npss;
	__u8 avscc;
	__u8 apsta;
	__u16 wctemp;
	__u16 cctemp;
	__u8 reserved_270[242];
	__u8 sqes;
	__u8 cqes;
	__u16 maxcmd;
	__u32 nn;
	__u16 oncs;
	__u16 fuses;
	__u8 fna;
	__u8 vwc;
	__u16 awun;
	__u16 awupf;
	__u8 reserved_530[238];
	char subnqn[256];
	__u8 reserved_1024[1024];
	__u16 power_max; /* of power state 0, in 0.01 W */
	__u8 reserved_2050[2046];
};
static_assert(sizeof(struct identify_controller) == IDENTIFY_LEN, "5.15.2.2");
static_assert(offsetof(struct identify_controller, cntrltype) == 111, "");
static_assert(offsetof(struct identify_controller, oacs) == 256, "");
static_assert(offsetof(struct identify_controller, wctemp) == 266, "");
static_assert(offsetof(struct identify_controller, sqes) == 512, "");
static_assert(offsetof(struct identify_controller, vwc) == 525, "");
static_assert(offsetof(struct identify_controller, subnqn) == 768, "");

/* The fields of figure 245 that are not zero. */
struct identify_namespace {
	__u64 nsze;
	__u64 ncap;
	__u64 nuse;
	__u8 nsfeat;
	__u8 nlbaf;
	__u8 flbas;
	__u8 mc;
	__u8 reserved_28[5];
	__u8 dlfeat;
	__u8 reserved_34[65];
	__u8 nsattr;
	__u8 reserved_100[28];
	__u32 lbaf0;
	__u8 reserved_132[3964];
};
static_assert(sizeof(struct identify_namespace) == IDENTIFY_LEN, "5.15.2.1");
static_assert(offsetof(struct identify_namespace, dlfeat) == 33, "");
static_assert(offsetof(struct identify_namespace, nsattr) == 99, "");
static_assert(offsetof(struct identify_namespace, lbaf0) == 128, "");

/* ASCII fields are filled with spaces. */
static void identify_text(char *field, size_t len, const char *text)
{
	size_t text_len = strlen(text);

	memset(field, ' ', len);
	memcpy(field, text, text_len < len ? text_len : len);
}

static const char *identify_serial(const struct nvme *nvme)
{
	return nvme->options.serial[0] ? nvme->options.serial : nvme->name;
}

static void identify_subnqn(const struct nvme *nvme, char *nqn)
{
	static const char prefix[] = "nqn.2024-01.org.iommufd-user:nvme:";
	const char *serial = identify_serial(nvme);

	memcpy(nqn, prefix, sizeof(prefix) - 1);
	memcpy(nqn + sizeof(prefix) - 1, serial,
	       strnlen(serial, NVME_SERIAL_LEN));
}

static void identify_controller_fill(const struct nvme *nvme,
				     struct identify_controller *id)
{
	const struct vfio_pci_description *pci =
		vfio_pci_get_description(nvme->pci);

	id->vid = pci->vendor;
	id->ssvid = pci->subsystem_vendor;
	identify_text(id->sn, sizeof(id->sn), identify_serial(nvme));
	identify_text(id->mn, sizeof(id->mn), "iommufd-user NVMe controller");
	identify_text(id->fr, sizeof(id->fr), "1.0");
	id->mdts = NVME_MDTS_LG2;
	id->ver = NVME_VS_1_4;
	id->cntrltype = 1;
	id->oacs = OACS_DOORBELL_BUFFER;
	id->acl = 3;
	id->aerl = NVME_N_AERS - 1;
	id->frmw = 0x03; /* one slot, read-only */
	id->lpa = LPA_EXTENDED;
	id->elpe = NVME_N_ERRORS - 1;
	id->wctemp = NVME_TEMPERATURE_WARNING_K;
	id->cctemp = NVME_TEMPERATURE_CRITICAL_K;
	id->sqes = NVME_SQE_LG2 << 4 | NVME_SQE_LG2;
	id->cqes = NVME_CQE_LG2 << 4 | NVME_CQE_LG2;
	id->nn = 1;
	id->oncs = ONCS_DSM | ONCS_WRITE_ZEROES | ONCS_SAVE_AND_SELECT;
	id->vwc = nvme->ns->has_write_cache;
	identify_subnqn(nvme, id->subnqn);
	id->power_max = 2500;
}

static void identify_namespace_fill(const struct nvme *nvme,
				    struct identify_namespace *id)
{
	id->nsze = nvme->ns->len >> NVME_BLOCK_LG2;
	id->ncap = id->nsze;
	id->nuse = id->nsze;
	id->dlfeat = 0x09; /* deallocated blocks read as zeroes */
	id->nsattr = nvme->ns->is_read_only ? NSATTR_WRITE_PROTECTED : 0;
	id->lbaf0 = NVME_BLOCK_LG2 << 16;
}

/* 64 bits of FNV-1a, for an identifier that stays with the serial number. */
static __u64 text_hash(const char *text, __u64 hash)
{
	for (; *text; text++)
		hash = (hash ^ (__u8)*text) * 0x100000001b3ull;
	return hash;
}

static void identify_descriptors_fill(const struct nvme *nvme, __u8 *data)
{
	const char *serial = identify_serial(nvme);
	__u64 halves[2] = {
		text_hash(serial, 0xcbf29ce484222325ull),
		text_hash(serial, 0x84222325cbf29ce4ull),
	};

	data[0] = DESCRIPTOR_UUID;
	data[1] = sizeof(halves);
	memcpy(&data[4], halves, sizeof(halves));
	/* RFC 9562: version 8 (vendor's own way), variant 10b. */
	data[4 + 6] = (data[4 + 6] & 0x0f) | 0x80;
	data[4 + 8] = (data[4 + 8] & 0x3f) | 0x80;
}

/* Namespaces above the one given, ascending, ended by 0. */
static __u16 identify_list_fill(__u32 nsid, void *data)
{
	static const __u32 first = NVME_NSID;

	if (nsid >= NVME_NSID_ALL - 1)
		return NVME_INVALID_NAMESPACE;
	if (nsid < NVME_NSID)
		memcpy(data, &first, sizeof(first));
	return NVME_SUCCESS;
}

static __u16 identify_fill(struct nvme *nvme, const struct nvme_sqe *sqe,
			   void *data)
{
	switch (sqe->cdw10 & 0xff) {
	case CNS_NAMESPACE:
		/* "All" asks what namespaces have in common. */
		if (!sqe->nsid || (sqe->nsid > 1 && sqe->nsid != NVME_NSID_ALL))
			return NVME_INVALID_NAMESPACE;
		identify_namespace_fill(nvme, data);
		return NVME_SUCCESS;
	case CNS_CONTROLLER:
		identify_controller_fill(nvme, data);
		return NVME_SUCCESS;
	case CNS_NAMESPACE_LIST:
		return identify_list_fill(sqe->nsid, data);
	case CNS_DESCRIPTORS:
		if (sqe->nsid != NVME_NSID)
			return NVME_INVALID_NAMESPACE;
		identify_descriptors_fill(nvme, data);
		return NVME_SUCCESS;
	default:
		return NVME_INVALID_FIELD;
	}
}

__u16 nvme_identify(struct nvme *nvme, const struct nvme_sqe *sqe,
		    __u32 *result)
{
	__u64 data[IDENTIFY_LEN / sizeof(__u64)] = { 0 };
	__u16 status;

	(void)result;
	status = identify_fill(nvme, sqe, data);
	if (status)
		return status;
	return nvme_prp_write(nvme, sqe, data, sizeof(data));
}
