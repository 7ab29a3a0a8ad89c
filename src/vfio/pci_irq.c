/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Signalling interrupts.
 *
 * The INTx pin is a word of flags that changes by compare and exchange. It is
 * level-triggered and masks itself: each change asks whether the pin is now
 * asserted, in use, and neither masked nor disabled; if so the word is masked
 * in the same step, and whoever made the step signals once.
 */
#include <limits.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/vfio.h>
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "vfio/pci_device.h"

enum intx_flag {
	INTX_ASSERTED = 1, /* the model's level */
	INTX_MASKED = 2, /* by the program, or by itself */
	INTX_ENABLED = 4, /* SET_IRQS made it active */
	INTX_DISABLED = 8, /* COMMAND */
};

int pci_irq_init(struct vfio_pci_device *pci)
{
	const struct vfio_pci_description *description = &pci->description;
	struct pci_irq *irq = &pci->irq;
	unsigned int n = description->n_msix;

	if (n < description->n_msi)
		n = description->n_msi;
	irq->vectors = mem_alloc(array_size(n + 1u, sizeof(*irq->vectors)));
	if (!irq->vectors)
		return -ENOMEM;
	irq->n_vectors = n;
	for (unsigned int i = 0; i < n; i++)
		atomic_init(&irq->vectors[i], -1);
	atomic_init(&irq->intx_fd, -1);
	atomic_init(&irq->err_fd, -1);
	atomic_init(&irq->req_fd, -1);
	atomic_init(&irq->active, PCI_IRQ_NONE);
	lock_init(&irq->lock, LOCK_RANK_IRQ);
	return 0;
}

void pci_irq_deinit(struct vfio_pci_device *pci)
{
	lock_deinit(&pci->irq.lock);
	mem_free(pci->irq.vectors);
}

/* ---- descriptors ------------------------------------------------------ */

static void signal_slot(atomic_int *slot)
{
	int fd = atomic_load_explicit(slot, memory_order_acquire);

	if (fd >= 0)
		eventfd_signal(fd);
}

void pci_irq_signal(struct pci_irq *irq, atomic_int *slot)
{
	if (atomic_load_explicit(slot, memory_order_relaxed) < 0)
		return;
	if (likely(rcu_self) || !rcu_thread_register()) {
		rcu_read_lock();
		signal_slot(slot);
		rcu_read_unlock();
		return;
	}
	/* No memory for a slot of this thread's own: an interrupt must come. */
	lock_acquire(&irq->lock);
	signal_slot(slot);
	lock_release(&irq->lock);
}

static void replace_some(struct pci_irq *irq, atomic_int *slots, unsigned int n,
			 const int *fds)
{
	int old[64];
	unsigned int i;

	lock_acquire(&irq->lock);
	for (i = 0; i < n; i++)
		old[i] = atomic_exchange(&slots[i], fds ? fds[i] : -1);
	lock_release(&irq->lock);
	rcu_synchronize();
	for (i = 0; i < n; i++)
		fd_release(old[i]);
}

void pci_irq_replace(struct pci_irq *irq, atomic_int *slots, unsigned int n,
		     const int *fds)
{
	unsigned int done, some;

	for (done = 0; done < n; done += some) {
		some = n - done < 64 ? n - done : 64;
		replace_some(irq, slots + done, some, fds ? fds + done : NULL);
	}
}

/* ---- MSI, MSI-X ------------------------------------------------------- */

unsigned int pci_irq_msi_vectors_lg2(const struct pci_irq *irq)
{
	unsigned int n_lg2 = 0;

	while (1u << n_lg2 < irq->n_msi)
		n_lg2++;
	return n_lg2;
}

bool vfio_pci_msi_active(const struct vfio_pci_device *device)
{
	return pci_irq_is_active(&device->irq, VFIO_PCI_MSIX_IRQ_INDEX) ||
	       pci_irq_is_active(&device->irq, VFIO_PCI_MSI_IRQ_INDEX);
}

void vfio_pci_msi_trigger(struct vfio_pci_device *device, unsigned int vector)
{
	/* A message is a write by the device: no bus master, no message. */
	if (vector >= device->irq.n_vectors || !vfio_pci_msi_active(device) ||
	    !vfio_pci_bus_master(device))
		return;
	pci_irq_signal(&device->irq, &device->irq.vectors[vector]);
}

/* ---- INTx ------------------------------------------------------------- */

static bool intx_fires(unsigned int intx)
{
	return (intx & (INTX_ASSERTED | INTX_ENABLED | INTX_MASKED |
			INTX_DISABLED)) == (INTX_ASSERTED | INTX_ENABLED);
}

static void intx_change(struct pci_irq *irq, unsigned int clear,
			unsigned int set)
{
	unsigned int old = atomic_load(&irq->intx);
	unsigned int intx;
	bool fires;

	do {
		intx = (old & ~clear) | set;
		fires = intx_fires(intx);
		if (fires)
			intx |= INTX_MASKED;
	} while (!atomic_compare_exchange_weak(&irq->intx, &old, intx));
	if (fires)
		pci_irq_signal(irq, &irq->intx_fd);
}

void vfio_pci_intx_set(struct vfio_pci_device *device, bool is_asserted)
{
	intx_change(&device->irq, INTX_ASSERTED,
		    is_asserted ? INTX_ASSERTED : 0);
}

bool pci_irq_intx_is_asserted(const struct pci_irq *irq)
{
	return atomic_load(&irq->intx) & INTX_ASSERTED;
}

bool pci_irq_intx_is_disabled(const struct pci_irq *irq)
{
	return atomic_load(&irq->intx) & INTX_DISABLED;
}

void pci_irq_set_disabled(struct pci_irq *irq, bool is_disabled)
{
	intx_change(irq, INTX_DISABLED, is_disabled ? INTX_DISABLED : 0);
}

void pci_irq_intx_mask(struct pci_irq *irq)
{
	intx_change(irq, 0, INTX_MASKED);
}

void pci_irq_intx_unmask(struct pci_irq *irq)
{
	intx_change(irq, INTX_MASKED, 0);
}

void pci_irq_intx_enable(struct pci_irq *irq)
{
	intx_change(irq, INTX_MASKED, INTX_ENABLED);
}

void pci_irq_intx_disable(struct pci_irq *irq)
{
	intx_change(irq, INTX_ENABLED | INTX_MASKED, 0);
}
