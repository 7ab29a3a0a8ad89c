/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts of a PCI function: eventfds that a program registered.
 *
 * A vector is a descriptor in an atomic word. Whoever signals reads the word
 * and writes the descriptor inside a read section; whoever replaces it waits
 * for the sections and then closes the old one. So signalling takes no lock.
 */
#ifndef VFIO_PCI_IRQ_H
#define VFIO_PCI_IRQ_H

#include <stdatomic.h>
#include "base/compiler.h"
#include "base/lock.h"
#include "vfio/watch.h"

#define PCI_IRQ_NONE (-1)

/**
 * struct pci_irq - all interrupts of a function
 * @lock: LOCK_RANK_IRQ; held to replace a descriptor
 * @active: VFIO_PCI_INTX, MSI or MSIX_IRQ_INDEX, or PCI_IRQ_NONE
 * @vectors: eventfds of MSI or MSI-X, -1: none
 * @n_vectors: of @vectors
 * @n_msi: vectors that were asked for when MSI was enabled
 * @intx: state of the pin, see pci_irq.c
 * @intx_fd: eventfd of INTx
 * @err_fd: eventfd of the ERR index
 * @req_fd: eventfd of the REQ index
 * @unmask: the eventfd that unmasks INTx
 * @has_unmask: it is set
 *
 * Fields without _Atomic: the device lock.
 */
struct pci_irq {
	struct lock lock;
	atomic_int active;
	atomic_int *vectors;
	unsigned int n_vectors;
	unsigned int n_msi;
	atomic_uint intx;
	atomic_int intx_fd;
	atomic_int err_fd;
	atomic_int req_fd;
	struct watch unmask;
	bool has_unmask;
};

struct vfio_pci_device;

/* Return: 0 or -ENOMEM. */
int pci_irq_init(struct vfio_pci_device *pci);
void pci_irq_deinit(struct vfio_pci_device *pci);

/* The device closes: everything off. Context: device lock held. */
void pci_irq_close_locked(struct vfio_pci_device *pci);

long pci_irq_info_ioctl(struct vfio_pci_device *pci, void *arg);
long pci_irq_set_ioctl(struct vfio_pci_device *pci, void *arg);

static inline bool pci_irq_is_active(const struct pci_irq *irq, int index)
{
	return atomic_load_explicit(&irq->active, memory_order_acquire) ==
	       index;
}

/* COMMAND disables the pin. */
void pci_irq_set_disabled(struct pci_irq *irq, bool is_disabled);
bool pci_irq_intx_is_disabled(const struct pci_irq *irq);
bool pci_irq_intx_is_asserted(const struct pci_irq *irq);

/* Return: the logarithm of the vectors that MSI was enabled with. */
unsigned int pci_irq_msi_vectors_lg2(const struct pci_irq *irq);

/* ---- pci_irq.c, for pci_irq_set.c ------------------------------------- */

/* Signal the eventfd in @slot, if there is one. */
void pci_irq_signal(struct pci_irq *irq, atomic_int *slot);

/* Replace @n descriptors; nobody uses the old ones when it returns. */
void pci_irq_replace(struct pci_irq *irq, atomic_int *slots, unsigned int n,
		     const int *fds);

/* The program masks or unmasks the pin, or begins or ends to use it. */
void pci_irq_intx_mask(struct pci_irq *irq);
void pci_irq_intx_unmask(struct pci_irq *irq);
void pci_irq_intx_enable(struct pci_irq *irq);
void pci_irq_intx_disable(struct pci_irq *irq);

#endif /* VFIO_PCI_IRQ_H */
