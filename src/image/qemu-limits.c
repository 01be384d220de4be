/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/qemu-limits.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Threads and their stacks (1.5 GiB measured with 40 bitmaps of 16 TiB in one image). */
#define MEMORY_BASE (4 * GIB)

/* Caches, tables and bitmaps of one image; all of it twice where it is opened anew, or compared
 * with what stands on it (98 MiB measured, with the largest table of 32 MiB).
 */
#define MEMORY_OF_IMAGE (256 * MIB)

/* A check counts references to every cluster that the file has room for, 8 bytes for one of 4 KiB
 * at most, twice while it makes room for more; a smaller cluster has smaller ones by default. QEMU
 * goes up to 2^31 clusters.
 */
#define BYTES_PER_COUNT 256
#define COUNTS_MAX (32 * GIB)

/* Beside its images a program has some 10 files open. */
#define FILES_BASE 64
#define FILES_OF_IMAGE 4

const struct child_limits qemu_img_header_limits = {
    .cpu_seconds = 10,
    .wall_seconds = 30,
    .memory = GIB,
    .files = FILES_BASE,
    .writes_nothing = true,
};

struct child_limits
qemu_img_limits(const struct sandbox *sandbox)
{
    uint64_t bytes;
    unsigned images = sandbox_measure(sandbox, &bytes);

    return (struct child_limits){
        .memory = MEMORY_BASE + images * MEMORY_OF_IMAGE + MIN(bytes / BYTES_PER_COUNT, COUNTS_MAX),
        .files = FILES_BASE + images * FILES_OF_IMAGE,
    };
}
