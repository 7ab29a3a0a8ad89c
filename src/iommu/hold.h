/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A count of holders that can be waited for: DMA that outlives a read section
 * holds its map and its endpoint.
 */
#ifndef IOMMU_HOLD_H
#define IOMMU_HOLD_H

#include <stdatomic.h>
#include "base/compiler.h"

void hold_get(_Atomic __u32 *holders);
void hold_put(_Atomic __u32 *holders);

/* Return when there is no holder. New ones were made impossible before. */
void hold_wait(_Atomic __u32 *holders);

#endif /* IOMMU_HOLD_H */
