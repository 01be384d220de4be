/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/header.h"

/* The longest backing string that QEMU takes, in bytes. */
#define HEADER_BACKING_MAX 1023

/* The first bytes of an image, for the probes. */
struct header_bytes {
    const uint8_t *data;
    size_t length;      /* of DATA */
    uint64_t file_size; /* of the whole image; 0: not known */
};

static inline uint32_t
get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t
get_be64(const uint8_t *p)
{
    return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

static inline uint32_t
get_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t
get_le64(const uint8_t *p)
{
    return (uint64_t)get_le32(p + 4) << 32 | get_le32(p);
}

/* Set ERROR (OFFSHOT_ERROR_INCONSISTENT) and return false. */
bool header_bad(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Copy the LENGTH bytes at OFFSET as a string, up to their first NUL as QEMU does; NULL when that
 * leaves nothing. Fails when they do not lie within BYTES or, with LENGTH > MAX, are too long.
 */
bool header_string(const struct header_bytes *bytes, uint64_t offset, uint64_t length, size_t max,
                   char **string, GError **error);

/* The probes. Each reads its format into HEADER, which is zeroed, and fails as image_header_probe()
 * does.
 */
bool header_qcow2_probe(struct image_header *header, const struct header_bytes *bytes,
                        GError **error);
bool header_qed_probe(struct image_header *header, const struct header_bytes *bytes,
                      GError **error);
bool header_qcow_probe(struct image_header *header, const struct header_bytes *bytes,
                       GError **error);
bool header_vmdk_probe(struct image_header *header, const struct header_bytes *bytes,
                       GError **error);

/* Their backing strings alone, NULL: none, whatever else is damaged; each sets *BACKING, which is
 * NULL, and fails as header_string() does.
 */
bool header_qcow2_backing(const struct header_bytes *bytes, char **backing, GError **error);
bool header_qed_backing(const struct header_bytes *bytes, char **backing, GError **error);
bool header_qcow_backing(const struct header_bytes *bytes, char **backing, GError **error);
bool header_vmdk_backing(const struct header_bytes *bytes, char **backing, GError **error);

/* How many bytes each of them would look at, as image_header_wanted() says;
 * without an upper bound.
 */
uint64_t header_qcow2_wanted(const struct header_bytes *bytes);
uint64_t header_qed_wanted(const struct header_bytes *bytes);
uint64_t header_qcow_wanted(const struct header_bytes *bytes);
uint64_t header_vmdk_wanted(const struct header_bytes *bytes);
