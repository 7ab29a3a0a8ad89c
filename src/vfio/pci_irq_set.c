/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GET_IRQ_INFO and SET_IRQS.
 *
 * A request is checked as a whole, its data copied in, and only then given to
 * the index it names. Of INTx, MSI and MSI-X one is active at a time; the
 * first eventfd makes it so, the empty request ends it.
 *
 * All handlers run under the device lock.
 */
#include <errno.h>
#include <linux/vfio.h>
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/uaccess.h"
#include "vfio/pci_device.h"

/* The minimum of both structures is all of them. */
#define IRQ_SET_MIN_LEN offsetof(struct vfio_irq_set, data)

/**
 * struct irq_request - a checked SET_IRQS
 * @index: which interrupt
 * @start: first vector
 * @count: vectors
 * @type: VFIO_IRQ_SET_DATA_*
 * @fds: for EVENTFD
 * @bools: for BOOL
 */
struct irq_request {
	__u32 index;
	__u32 start;
	__u32 count;
	__u32 type;
	union {
		void *data;
		const __s32 *fds;
		const __u8 *bools;
	};
};

typedef int irq_handler(struct vfio_pci_device *pci,
			const struct irq_request *request);

static __u32 irq_count(const struct vfio_pci_device *pci, __u32 index)
{
	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return pci->description.has_intx;
	case VFIO_PCI_MSI_IRQ_INDEX:
		return pci->description.n_msi;
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return pci->description.n_msix;
	default:
		return 1;
	}
}

long pci_irq_info_ioctl(struct vfio_pci_device *pci, void *arg)
{
	struct vfio_irq_info info;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.flags = VFIO_IRQ_INFO_EVENTFD;
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else if (info.index != VFIO_PCI_MSIX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_NORESIZE;
	info.count = irq_count(pci, info.index);
	return copy_to_user(arg, &info, sizeof(info));
}

/* Does a NONE or BOOL request want this vector signalled? */
static bool wants(const struct irq_request *request, __u32 i)
{
	return request->type == VFIO_IRQ_SET_DATA_NONE || request->bools[i];
}

/* ---- INTx ------------------------------------------------------------- */

static bool is_intx_pin(const struct irq_request *request)
{
	return !request->start && request->count == 1;
}

/* The watcher's thread: nothing here takes a lock. */
static void unmask_signalled(void *arg)
{
	pci_irq_intx_unmask(arg);
}

static void unmask_event_remove(struct vfio_pci_device *pci)
{
	if (!pci->irq.has_unmask)
		return;
	watch_remove(&pci->watcher, &pci->irq.unmask);
	pci->irq.has_unmask = false;
}

static int unmask_event_set(struct vfio_pci_device *pci, int fd)
{
	struct watch *unmask = &pci->irq.unmask;
	int err;

	if (fd < 0) {
		unmask_event_remove(pci);
		return 0;
	}
	if (pci->irq.has_unmask)
		return -EBUSY;
	unmask->signalled = unmask_signalled;
	unmask->arg = &pci->irq;
	err = watch_add(&pci->watcher, unmask, fd);
	pci->irq.has_unmask = !err;
	return err;
}

static void intx_off(struct vfio_pci_device *pci)
{
	unmask_event_remove(pci);
	pci_irq_intx_disable(&pci->irq);
	atomic_store(&pci->irq.active, PCI_IRQ_NONE);
	pci_irq_replace(&pci->irq, &pci->irq.intx_fd, 1, NULL);
}

static int intx_mask(struct vfio_pci_device *pci,
		     const struct irq_request *request)
{
	if (!pci_irq_is_active(&pci->irq, VFIO_PCI_INTX_IRQ_INDEX) ||
	    !is_intx_pin(request))
		return -EINVAL;
	if (request->type == VFIO_IRQ_SET_DATA_EVENTFD)
		return -ENOTTY;
	if (wants(request, 0))
		pci_irq_intx_mask(&pci->irq);
	return 0;
}

static int intx_unmask(struct vfio_pci_device *pci,
		       const struct irq_request *request)
{
	if (!pci_irq_is_active(&pci->irq, VFIO_PCI_INTX_IRQ_INDEX) ||
	    !is_intx_pin(request))
		return -EINVAL;
	if (request->type == VFIO_IRQ_SET_DATA_EVENTFD)
		return unmask_event_set(pci, request->fds[0]);
	if (wants(request, 0))
		pci_irq_intx_unmask(&pci->irq);
	return 0;
}

static int intx_set_eventfd(struct vfio_pci_device *pci, int fd)
{
	struct pci_irq *irq = &pci->irq;
	int claimed = -1;

	if (fd >= 0) {
		claimed = eventfd_claim(fd);
		if (claimed < 0)
			return claimed;
	}
	pci_irq_replace(irq, &irq->intx_fd, 1, &claimed);
	if (pci_irq_is_active(irq, VFIO_PCI_INTX_IRQ_INDEX))
		return 0;
	atomic_store(&irq->active, VFIO_PCI_INTX_IRQ_INDEX);
	pci_irq_intx_enable(irq);
	return 0;
}

static int intx_trigger(struct vfio_pci_device *pci,
			const struct irq_request *request)
{
	struct pci_irq *irq = &pci->irq;
	bool is_active = pci_irq_is_active(irq, VFIO_PCI_INTX_IRQ_INDEX);

	if (is_active && !request->count &&
	    request->type == VFIO_IRQ_SET_DATA_NONE) {
		intx_off(pci);
		return 0;
	}
	if (!is_active && !pci_irq_is_active(irq, PCI_IRQ_NONE))
		return -EINVAL;
	if (!is_intx_pin(request))
		return -EINVAL;
	if (request->type == VFIO_IRQ_SET_DATA_EVENTFD)
		return intx_set_eventfd(pci, request->fds[0]);
	if (!is_active)
		return -EINVAL;
	if (wants(request, 0) && !pci_irq_intx_is_disabled(irq))
		pci_irq_signal(irq, &irq->intx_fd);
	return 0;
}

/* ---- MSI, MSI-X ------------------------------------------------------- */

static void msi_off(struct vfio_pci_device *pci)
{
	struct pci_irq *irq = &pci->irq;

	atomic_store(&irq->active, PCI_IRQ_NONE);
	irq->n_msi = 0;
	pci_irq_replace(irq, irq->vectors, irq->n_vectors, NULL);
}

/*
 * Connect the eventfds of a request. When one is bad all vectors of the
 * request are disconnected, as in Linux.
 */
static int msi_connect(struct vfio_pci_device *pci,
		       const struct irq_request *request)
{
	struct pci_irq *irq = &pci->irq;
	atomic_int *slots = irq->vectors + request->start;
	int claimed = -1;
	__u32 i;

	for (i = 0; i < request->count; i++) {
		claimed = request->fds[i] < 0 ? -1
					      : eventfd_claim(request->fds[i]);
		if (claimed < 0 && request->fds[i] >= 0)
			goto err_disconnect;
		pci_irq_replace(irq, &slots[i], 1, &claimed);
	}
	return 0;

err_disconnect:
	pci_irq_replace(irq, slots, request->count, NULL);
	return claimed;
}

static int msi_set_eventfds(struct vfio_pci_device *pci,
			    const struct irq_request *request)
{
	struct pci_irq *irq = &pci->irq;
	unsigned int n = request->start + request->count;
	int err;

	if (pci_irq_is_active(irq, (int)request->index)) {
		/* MSI-X vectors can be added while it is on. */
		if (request->index == VFIO_PCI_MSI_IRQ_INDEX && n > irq->n_msi)
			return -EINVAL;
		return msi_connect(pci, request);
	}
	if (!n)
		return -ERANGE; /* an allocation of no vectors */
	err = msi_connect(pci, request);
	if (err)
		return err;
	if (request->index == VFIO_PCI_MSI_IRQ_INDEX)
		irq->n_msi = n;
	atomic_store(&irq->active, (int)request->index);
	return 0;
}

static int msi_trigger(struct vfio_pci_device *pci,
		       const struct irq_request *request)
{
	struct pci_irq *irq = &pci->irq;
	bool is_active = pci_irq_is_active(irq, (int)request->index);
	__u32 i;

	if (is_active && !request->count &&
	    request->type == VFIO_IRQ_SET_DATA_NONE) {
		msi_off(pci);
		return 0;
	}
	if (!is_active && !pci_irq_is_active(irq, PCI_IRQ_NONE))
		return -EINVAL;
	if (request->type == VFIO_IRQ_SET_DATA_EVENTFD)
		return msi_set_eventfds(pci, request);
	if (!is_active)
		return -EINVAL;
	for (i = 0; i < request->count; i++)
		if (wants(request, i))
			pci_irq_signal(irq, &irq->vectors[request->start + i]);
	return 0;
}

/* ---- ERR, REQ --------------------------------------------------------- */

static int single_set_eventfd(struct pci_irq *irq, atomic_int *slot, int fd)
{
	int claimed = -1;

	if (fd >= 0) {
		claimed = eventfd_claim(fd);
		if (claimed < 0)
			return claimed;
	}
	pci_irq_replace(irq, slot, 1, &claimed);
	return 0;
}

static int single_trigger(struct vfio_pci_device *pci,
			  const struct irq_request *request)
{
	struct pci_irq *irq = &pci->irq;
	atomic_int *slot = request->index == VFIO_PCI_ERR_IRQ_INDEX
				   ? &irq->err_fd
				   : &irq->req_fd;
	bool is_none = request->type == VFIO_IRQ_SET_DATA_NONE;

	if (is_none && atomic_load(slot) < 0)
		return -EINVAL;
	if (is_none && !request->count) {
		pci_irq_replace(irq, slot, 1, NULL);
		return 0;
	}
	if (!request->count)
		return -EINVAL;
	if (request->type == VFIO_IRQ_SET_DATA_EVENTFD)
		return single_set_eventfd(irq, slot, request->fds[0]);
	if (wants(request, 0))
		pci_irq_signal(irq, slot);
	return 0;
}

/* ---- the request ------------------------------------------------------ */

static irq_handler *find_handler(__u32 index, __u32 action)
{
	static irq_handler *const trigger[VFIO_PCI_NUM_IRQS] = {
		[VFIO_PCI_INTX_IRQ_INDEX] = intx_trigger,
		[VFIO_PCI_MSI_IRQ_INDEX] = msi_trigger,
		[VFIO_PCI_MSIX_IRQ_INDEX] = msi_trigger,
		[VFIO_PCI_ERR_IRQ_INDEX] = single_trigger,
		[VFIO_PCI_REQ_IRQ_INDEX] = single_trigger,
	};

	if (action == VFIO_IRQ_SET_ACTION_TRIGGER)
		return trigger[index];
	if (index != VFIO_PCI_INTX_IRQ_INDEX)
		return NULL;
	if (action == VFIO_IRQ_SET_ACTION_MASK)
		return intx_mask;
	return action == VFIO_IRQ_SET_ACTION_UNMASK ? intx_unmask : NULL;
}

/* Return: bytes of data behind the structure, or -EINVAL. */
static ssize_t check_request(const struct vfio_pci_device *pci,
			     const struct vfio_irq_set *set)
{
	const __u32 known = VFIO_IRQ_SET_DATA_TYPE_MASK |
			    VFIO_IRQ_SET_ACTION_TYPE_MASK;
	__u32 n_vectors, last;
	size_t len;

	if (set->argsz < IRQ_SET_MIN_LEN || set->index >= VFIO_PCI_NUM_IRQS ||
	    add_overflow(set->start, set->count, &last) || set->flags & ~known)
		return -EINVAL;
	n_vectors = irq_count(pci, set->index);
	if (set->start >= n_vectors || last > n_vectors)
		return -EINVAL;
	switch (set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		len = 0;
		break;
	case VFIO_IRQ_SET_DATA_BOOL:
		len = set->count * sizeof(__u8);
		break;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		len = set->count * sizeof(__s32);
		break;
	default:
		return -EINVAL;
	}
	return set->argsz - IRQ_SET_MIN_LEN < len ? -EINVAL : (ssize_t)len;
}

static int copy_data(struct irq_request *request, const char *data, size_t len)
{
	request->data = NULL;
	if (!len)
		return 0;
	request->data = mem_alloc(len);
	if (!request->data)
		return -ENOMEM;
	if (!copy_from_user(request->data, data, len))
		return 0;
	mem_free(request->data);
	return -EFAULT;
}

long pci_irq_set_ioctl(struct vfio_pci_device *pci, void *arg)
{
	struct irq_request request;
	struct vfio_irq_set set;
	irq_handler *handler;
	ssize_t len;
	long ret;

	if (copy_from_user(&set, arg, IRQ_SET_MIN_LEN))
		return -EFAULT;
	len = check_request(pci, &set);
	if (len < 0)
		return len;
	request.index = set.index;
	request.start = set.start;
	request.count = set.count;
	request.type = set.flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	ret = copy_data(&request, user_at(arg, IRQ_SET_MIN_LEN), (size_t)len);
	if (ret)
		return ret;
	handler = find_handler(set.index,
			       set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK);
	ret = -ENOTTY;
	if (handler) {
		lock_acquire(&pci->device.lock);
		ret = handler(pci, &request);
		lock_release(&pci->device.lock);
	}
	mem_free(request.data);
	return ret;
}

void pci_irq_close_locked(struct vfio_pci_device *pci)
{
	struct pci_irq *irq = &pci->irq;

	lock_assert_held(&pci->device.lock);
	if (pci_irq_is_active(irq, VFIO_PCI_INTX_IRQ_INDEX))
		intx_off(pci);
	else if (!pci_irq_is_active(irq, PCI_IRQ_NONE))
		msi_off(pci);
	pci_irq_replace(irq, &irq->err_fd, 1, NULL);
	pci_irq_replace(irq, &irq->req_fd, 1, NULL);
	atomic_store(&irq->intx, 0);
}
