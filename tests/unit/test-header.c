/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "image/header.h"
#include "unit/scratch.h"
#include "unit/unit.h"
#include "util/error.h"

/* Headers as the formats' specifications lay them out, written here without the code under test. */

static void
put(uint8_t *data, bool big, size_t offset, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++)
        data[offset + (big ? width - 1 - i : i)] = (uint8_t)(value >> 8 * i);
}

#define BE(offset, width, value) put(data, true, offset, width, value)
#define LE(offset, width, value) put(data, false, offset, width, value)

/* 1 GiB, clusters of 64 KiB, on "base" of format "raw". */
static void
build_qcow2(uint8_t *data)
{
    memcpy(data, "QFI\xfb", 4);
    BE(4, 4, 3);
    BE(8, 8, 200);
    BE(16, 4, 4);
    memcpy(data + 200, "base", 4);
    BE(20, 4, 16);
    BE(24, 8, UINT64_C(1) << 30);
    BE(36, 4, 2);       /* L1 entries */
    BE(40, 8, 0x30000); /* L1 offset */
    BE(48, 8, 0x10000);
    BE(56, 4, 1);
    BE(96, 4, 4);
    BE(100, 4, 112);
    BE(112, 4, 0xe2792aca);
    BE(116, 4, 3);
    memcpy(data + 120, "raw", 3);
}

static void
build_qcow2_v2(uint8_t *data)
{
    build_qcow2(data);
    BE(4, 4, 2);
    memset(data + 72, 0, 56);
    BE(72, 4, 0xe2792aca);
    BE(76, 4, 5);
    memcpy(data + 80, "qcow2", 5);
}

/* 1 GiB, clusters of 64 KiB, tables of 4 clusters, on "base". */
static void
build_qed(uint8_t *data)
{
    memcpy(data, "QED", 4);
    LE(4, 4, 65536);
    LE(8, 4, 4);
    LE(12, 4, 1);
    LE(16, 8, 1);
    LE(40, 8, 65536);
    LE(48, 8, UINT64_C(1) << 30);
    LE(56, 4, 64);
    LE(60, 4, 4);
    memcpy(data + 64, "base", 4);
}

static void
build_qcow(uint8_t *data)
{
    memcpy(data, "QFI\xfb", 4);
    BE(4, 4, 1);
    BE(8, 8, 48);
    BE(16, 4, 4);
    BE(24, 8, UINT64_C(1) << 30);
    BE(32, 1, 12);
    BE(33, 1, 9);
    BE(40, 8, 56);
    memcpy(data + 48, "base", 4);
}

#define DESCRIPTOR(type, parent, extents)                                                          \
    "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=" parent "\ncreateType=\"" type     \
    "\"\n\n# Extent description\n" extents "\n"

static void
build_vmdk(uint8_t *data)
{
    memcpy(data, "KDMV", 4);
    LE(4, 4, 1);
    LE(12, 8, UINT64_C(1) << 21); /* sectors */
    LE(20, 8, 128);
    LE(28, 8, 1);
    LE(36, 8, 20);
    LE(56, 8, 21);
    strcpy((char *)data + 512,
           DESCRIPTOR("monolithicSparse", "ffffffff", "RW 2097152 SPARSE \"disk.vmdk\""));
}

static void
build_raw(uint8_t *data)
{
    memcpy(data, "\x33\xc0\x8e\xd0", 4);
}

static const struct builder {
    const char *format;
    void (*build)(uint8_t *data);
} builders[] = {
    {"qcow2", build_qcow2}, {"qcow2", build_qcow2_v2}, {"qed", build_qed},
    {"qcow", build_qcow},   {"vmdk", build_vmdk},      {"raw", build_raw},
};

enum { QCOW2, QCOW2_V2, QED, QCOW, VMDK, RAW };

/* Build a header of KIND into a block of IMAGE_HEADER_SIZE bytes. */
static uint8_t *
build(int kind)
{
    uint8_t *data = g_malloc0(IMAGE_HEADER_SIZE);

    builders[kind].build(data);
    return data;
}

START_TEST(well_formed_headers_are_read)
{
    g_autofree uint8_t *data = build(_i);
    struct image_header header;
    g_autoptr(GError) error = NULL;
    bool raw = _i == RAW;

    ck_assert(image_header_probe(&header, builders[_i].format, data, IMAGE_HEADER_SIZE, 0, &error));
    ck_assert_uint_eq(header.size, raw ? 0 : UINT64_C(1) << 30);
    ck_assert_str_eq(image_header_guess(data, IMAGE_HEADER_SIZE), builders[_i].format);
    ck_assert(image_header_check(&header, "image", &error));
    if (raw || _i == VMDK) {
        ck_assert_ptr_null(header.backing);
    } else {
        ck_assert_str_eq(header.backing, "base");
        ck_assert_uint_eq(header.cluster_size, _i == QCOW ? 4096 : 65536);
    }
    image_header_clear(&header);
    ck_assert_ptr_null(header.backing);
}
END_TEST

START_TEST(backing_format_is_read_where_the_header_says_it)
{
    static const char *const formats[] = {"raw", "qcow2", NULL, NULL};
    g_autofree uint8_t *data = build(_i);
    struct image_header header;

    ck_assert(image_header_probe(&header, builders[_i].format, data, IMAGE_HEADER_SIZE, 0, NULL));
    ck_assert_pstr_eq(header.backing_format, formats[_i]);
    image_header_clear(&header);
}
END_TEST

/* One field of a well-formed header changed: what must come of it. */
static const struct patch {
    int kind;
    size_t offset;
    unsigned width;
    uint64_t value;
    int code; /* of image_header_probe(); 0: it is read */
} patches[] = {
    {QCOW2, 0, 4, 0, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 4, 4, 1, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 4, 4, 4, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 8, 8, 0, 0},
    {QCOW2, 8, 8, 50, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 8, 8, 65536, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 8, 8, 65537, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 8, 8, UINT64_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 16, 4, 0, 0},
    {QCOW2, 16, 4, 1023, 0},
    {QCOW2, 16, 4, 1024, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 16, 4, UINT32_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 20, 4, 8, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 20, 4, 22, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 20, 4, UINT32_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 24, 8, 0, 0},
    {QCOW2, 24, 8, (UINT64_C(1) << 30) + 1, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 24, 8, UINT64_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 32, 4, 1, 0},
    {QCOW2, 32, 4, 2, 0},
    {QCOW2, 32, 4, 3, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 36, 4, 1, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 36, 4, 4 * 1024 * 1024 + 1, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 40, 8, 0x30001, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 40, 8, UINT64_C(1) << 63, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 60, 4, 65536, 0},
    {QCOW2, 60, 4, 65537, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 72, 8, 8, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 72, 8, 1, 0},
    {QCOW2, 72, 8, 16, OFFSHOT_ERROR_INCONSISTENT}, /* twice the L1 entries needed */
    {QCOW2, 96, 4, 7, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 100, 4, 103, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 100, 4, UINT32_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 104, 1, 1, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 116, 4, 16, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 116, 4, 100, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2, 116, 4, UINT32_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW2_V2, 72, 4, 0, 0},
    {QCOW2_V2, 76, 4, UINT32_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 4, 4, 65537, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 4, 4, 2048, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 8, 4, 1, OFFSHOT_ERROR_INCONSISTENT}, /* QEMU cannot open it */
    {QED, 8, 4, 3, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 8, 4, 32, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 12, 4, 0, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 12, 4, UINT32_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 16, 8, 2, 0},
    {QED, 40, 8, 1, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 48, 8, 1000, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 48, 8, UINT64_C(1) << 63, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 56, 4, 65533, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 56, 4, UINT32_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QED, 60, 4, 1024, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW, 8, 8, 0, 0},
    {QCOW, 8, 8, UINT64_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW, 16, 4, UINT32_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW, 24, 8, 1, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW, 24, 8, UINT64_MAX, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW, 32, 1, 8, OFFSHOT_ERROR_INCONSISTENT},
    {QCOW, 33, 1, 14, OFFSHOT_ERROR_INCONSISTENT},
    {VMDK, 0, 4, 0, OFFSHOT_ERROR_INCONSISTENT},
    {VMDK, 0, 4, 0x44574f43, OFFSHOT_ERROR_REFUSED}, /* COWD */
    {VMDK, 12, 8, 0, OFFSHOT_ERROR_REFUSED},
    {VMDK, 12, 8, UINT64_C(1) << 60, OFFSHOT_ERROR_INCONSISTENT},
    {VMDK, 20, 8, 0, OFFSHOT_ERROR_INCONSISTENT},
    {VMDK, 28, 8, 0, OFFSHOT_ERROR_REFUSED},
    {VMDK, 56, 8, UINT64_MAX, OFFSHOT_ERROR_REFUSED},
};

/* Tables that cannot be where the header says. */
static const struct damage {
    size_t offset;
    unsigned width;
    uint64_t value;
    const char *message; /* NULL: it is fine */
} damages[] = {
    {48, 8, 0x10001, "refcount table"}, {48, 8, UINT64_C(1) << 63, "refcount table"},
    {56, 4, 0, "refcount table"},       {56, 4, 128, NULL},
    {56, 4, 129, "refcount table"},     {60, 8, 0x180000000, "snapshot table"}, /* one, at 2^63 */
    {60, 8, 0x080000000, NULL},                                                 /* none, at 2^63 */
};

/* A repair may bring them back: whoever asks what the image stands on gets to know it. */
START_TEST(damaged_tables_are_refused_but_the_link_is_read)
{
    const struct damage *damage = &damages[_i];
    g_autofree uint8_t *data = build(QCOW2);
    struct image_header header;
    g_autoptr(GError) error = NULL;

    put(data, true, damage->offset, damage->width, damage->value);
    ck_assert(image_header_probe(&header, "qcow2", data, IMAGE_HEADER_SIZE, 0, NULL));
    ck_assert_str_eq(header.backing, "base");
    ck_assert(image_header_check(&header, "image", &error) == !damage->message);
    if (damage->message)
        unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, damage->message);
    image_header_clear(&header);
}
END_TEST

START_TEST(hostile_fields_are_caught)
{
    const struct patch *patch = &patches[_i];
    g_autofree uint8_t *data = build(patch->kind);
    struct image_header header;
    g_autoptr(GError) error = NULL;
    bool read;

    put(data, patch->kind == QCOW2 || patch->kind == QCOW2_V2 || patch->kind == QCOW, patch->offset,
        patch->width, patch->value);
    read = image_header_probe(&header, builders[patch->kind].format, data, IMAGE_HEADER_SIZE, 0,
                              &error);
    ck_assert_msg(read == (patch->code == 0), "offset %zu, value %" PRIx64 ": %s", patch->offset,
                  patch->value, error ? error->message : "read");
    if (!read)
        ck_assert_int_eq(error->code, patch->code);
    image_header_clear(&header);
}
END_TEST

/* Whether PATCH is about the link itself. */
static bool
changes_backing(const struct patch *patch)
{
    if (patch->kind == QED)
        return patch->offset == 16 || patch->offset == 56 || patch->offset == 60;
    return patch->offset <= 16;
}

/* What stands on an image is asked of headers that no disk is opened with, too. */
START_TEST(backing_of_a_damaged_header_is_read_alone)
{
    const struct patch *patch = &patches[_i];
    g_autofree uint8_t *data = build(patch->kind);
    g_autofree char *backing = NULL;

    put(data, patch->kind == QCOW2 || patch->kind == QCOW2_V2 || patch->kind == QCOW, patch->offset,
        patch->width, patch->value);
    backing = image_header_backing(builders[patch->kind].format, data, IMAGE_HEADER_SIZE);
    if (patch->kind == VMDK)
        ck_assert_ptr_null(backing);
    else if (!changes_backing(patch))
        ck_assert_pstr_eq(backing, "base");
}
END_TEST

START_TEST(backing_of_a_vmdk_is_its_hint)
{
    static const struct {
        const char *text;
        const char *backing;
    } hints[] = {
        {"parentFileNameHint=\"base\"\n", "base"},
        {"parentFileNameHint=\"base", NULL},
        {"parentFileNameHint=base\n", NULL},
    };
    g_autofree uint8_t *data = build(VMDK);

    for (size_t i = 0; i < G_N_ELEMENTS(hints); i++) {
        g_autofree char *backing = NULL;

        memset(data + 700, 0, 700);
        strcpy((char *)data + 1000, hints[i].text);
        backing = image_header_backing("vmdk", data, IMAGE_HEADER_SIZE);
        ck_assert_pstr_eq(backing, hints[i].backing);
    }
}
END_TEST

START_TEST(every_prefix_is_read_within_its_bounds)
{
    g_autofree uint8_t *data = build(_i);

    for (size_t length = 0; length <= 640; length++) {
        g_autofree uint8_t *prefix = g_malloc(length + (length == 0));
        struct image_header header;

        memcpy(prefix, data, length);
        image_header_probe(&header, builders[_i].format, prefix, length, 0, NULL);
        image_header_clear(&header);
        image_header_wanted(builders[_i].format, prefix, length);
        g_free(image_header_backing(builders[_i].format, prefix, length));
    }
}
END_TEST

/* Bits that the probe reports and image_header_check() refuses. */
static const struct flag {
    size_t offset;
    unsigned width;
    uint64_t value;
    const char *word; /* in the message; NULL: not refused */
} flags[] = {
    {72, 8, 1, NULL},
    {72, 8, 2, "qemu-img check -r all"},
    {72, 8, 4, "data_file"},
    {72, 8, 32, "0x20"},
    {72, 8, UINT64_C(1) << 63, "0x8000000000000000"},
    {32, 4, 1, "encrypted"},
    {32, 4, 2, "encrypted"},
    {60, 4, 3, NULL},
};

START_TEST(dangerous_qcow2_features_are_refused)
{
    const struct flag *flag = &flags[_i];
    g_autofree uint8_t *data = build(QCOW2);
    struct image_header header;
    g_autoptr(GError) error = NULL;
    bool good;

    put(data, true, flag->offset, flag->width, flag->value);
    ck_assert(image_header_probe(&header, "qcow2", data, IMAGE_HEADER_SIZE, 0, &error));
    good = image_header_check(&header, "/d/a b", &error);
    ck_assert_int_eq(good, flag->word == NULL);
    if (!good) {
        ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED));
        ck_assert_ptr_nonnull(strstr(error->message, flag->word));
        ck_assert_ptr_nonnull(strstr(error->message, "'/d/a b'"));
    }
    image_header_clear(&header);
}
END_TEST

START_TEST(bitmaps_are_counted)
{
    g_autofree uint8_t *data = build(QCOW2);
    struct image_header header;

    BE(128, 4, 0x23852875);
    BE(132, 4, 24);
    BE(136, 4, 3);
    ck_assert(image_header_probe(&header, "qcow2", data, IMAGE_HEADER_SIZE, 0, NULL));
    ck_assert_uint_eq(header.bitmaps, 3);
    ck_assert_str_eq(header.backing_format, "raw");
    image_header_clear(&header);
    BE(132, 4, 3);
    ck_assert(!image_header_probe(&header, "qcow2", data, IMAGE_HEADER_SIZE, 0, NULL));
    ck_assert_uint_eq(header.bitmaps, 0);
}
END_TEST

START_TEST(real_bitmaps_are_counted)
{
    struct image_header header;
    g_autofree uint8_t *data = NULL;
    size_t got;

    scratch_do("qemu-img create -q -f qcow2 b 1M; for b in $(seq %d); do qemu-img bitmap --add b "
               "b$b; done",
               _i);
    data = scratch_read("b", IMAGE_HEADER_SIZE, &got);
    ck_assert(image_header_probe(&header, "qcow2", data, got, 0, NULL));
    ck_assert_uint_eq(header.bitmaps, (unsigned)_i);
    image_header_clear(&header);
}
END_TEST

static const struct descriptor_case {
    const char *text;
    bool good;
} descriptors[] = {
    {DESCRIPTOR("monolithicSparse", "ffffffff", "RW 2097152 SPARSE \"a.vmdk\""), true},
    {DESCRIPTOR("monolithicSparse", "FFFFFFFF", "RW 2097152 SPARSE \"a.vmdk\""), true},
    {DESCRIPTOR("monolithicSparse", "ffffffff", ""), true},
    {DESCRIPTOR("monolithicSparse", "00000001", "RW 2097152 SPARSE \"a.vmdk\""), false},
    {DESCRIPTOR("monolithicFlat", "ffffffff", "RW 2097152 FLAT \"a-flat.vmdk\" 0"), false},
    {DESCRIPTOR("monolithicSparse", "ffffffff", "RW 2097152 FLAT \"/etc/passwd\" 0"), false},
    {DESCRIPTOR("monolithicSparse", "ffffffff", "RW 2097152 SPARSE \"/etc/passwd\""), false},
    {DESCRIPTOR("monolithicSparse", "ffffffff", "RW 1 SPARSE \"a\"\n RW 1 SPARSE \"b\""), false},
    {DESCRIPTOR("monolithicSparse", "ffffffff", "") "parentFileNameHint=\"x.vmdk\"\n", false},
    {DESCRIPTOR("twoGbMaxExtentSparse", "ffffffff", ""), false},
    {"# Disk DescriptorFile\n", false},
    {"", false},
};

START_TEST(vmdk_that_names_other_files_is_refused)
{
    g_autofree uint8_t *data = build(VMDK);
    struct image_header header;
    g_autoptr(GError) error = NULL;
    bool good;

    memset(data + 512, 0, 10240);
    strcpy((char *)data + 512, descriptors[_i].text);
    good = image_header_probe(&header, "vmdk", data, IMAGE_HEADER_SIZE, 0, &error);
    ck_assert_int_eq(good, descriptors[_i].good);
    if (!good)
        ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED));
    image_header_clear(&header);
}
END_TEST

START_TEST(qed_no_probe_bit_means_raw)
{
    g_autofree uint8_t *data = build(QED);
    struct image_header header;

    put(data, false, 16, 8, 1 | 4);
    ck_assert(image_header_probe(&header, "qed", data, IMAGE_HEADER_SIZE, 0, NULL));
    ck_assert_str_eq(header.backing_format, "raw");
    image_header_clear(&header);
}
END_TEST

START_TEST(odd_sizes_are_cut_to_whole_sectors_as_qemu_does)
{
    g_autofree uint8_t *data = build(QCOW2);
    struct image_header header;

    put(data, true, 24, 8, 1000);
    ck_assert(image_header_probe(&header, "qcow2", data, IMAGE_HEADER_SIZE, 0, NULL));
    ck_assert_uint_eq(header.size, 512);
    image_header_clear(&header);
}
END_TEST

START_TEST(file_size_bounds_offsets)
{
    g_autofree uint8_t *data = build(QCOW2);
    struct image_header header;

    ck_assert(image_header_probe(&header, "qcow2", data, IMAGE_HEADER_SIZE, 0x30010, NULL));
    image_header_clear(&header);
    ck_assert(!image_header_probe(&header, "qcow2", data, IMAGE_HEADER_SIZE, 0x20000, NULL));
}
END_TEST

START_TEST(other_formats_are_only_told_from_known_ones)
{
    struct image_header header;
    g_autofree uint8_t *data = build(_i);
    bool raw = strcmp(builders[_i].format, "raw") == 0;

    ck_assert_int_eq(image_header_probe(&header, "vdi", data, IMAGE_HEADER_SIZE, 0, NULL), raw);
    image_header_clear(&header);
}
END_TEST

START_TEST(guest_may_write_any_header_into_a_raw_disk)
{
    struct image_header header;
    g_autofree uint8_t *data = build(_i);

    ck_assert(image_header_probe(&header, "raw", data, IMAGE_HEADER_SIZE, 0, NULL));
    ck_assert_uint_eq(header.size, 0);
    ck_assert_ptr_null(header.backing);
    image_header_clear(&header);
}
END_TEST

/* What qemu-img makes is read as qemu-img itself reads it. */
static const struct real {
    const char *format;
    const char *options;
    const char *size;
} reals[] = {
    {"qcow2", "-o compat=1.1", "1M"},
    {"qcow2", "-o compat=0.10", "1G"},
    {"qcow2", "-o cluster_size=512", "3M"},
    {"qcow2", "-o cluster_size=2M", "64T"},
    {"qcow2", "-o extended_l2=on,cluster_size=128k", "10G"},
    {"qcow2", "-o refcount_bits=1,lazy_refcounts=on", "10G"},
    {"qcow2", "-o preallocation=metadata", "100M"},
    {"qcow2", "", "0"},
    {"qcow2", "-u -F raw -b ../some/base", "5M"},
    {"qcow2", "-o cluster_size=512 -u -F qcow2 -b /a/b/c", "5M"},
    {"qcow2", "-o cluster_size=2M -u -F vmdk -b 'x y,z'", "5M"},
    {"qcow2", "-o compat=0.10 -u -F qcow2 -b base", "5M"},
    {"qed", "", "1M"},
    {"qed", "-o cluster_size=4k,table_size=2", "1M"},
    {"qed", "-u -F raw -b base", "1M"},
    {"qcow", "", "1M"},
    {"qcow", "-u -b base -F raw", "1M"},
    {"vmdk", "", "1M"},
    {"vmdk", "-o compat6", "3G"},
};

/* VALUE of "KEY": "VALUE" or "KEY": VALUE in JSON that qemu-img wrote, or NULL. */
static char *
json_value(const char *json, const char *key)
{
    g_autofree char *pattern = g_strdup_printf("\"%s\": \"?(.*?)\"?,?\n", key);
    g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    if (!g_regex_match(regex, json, 0, &match))
        return NULL;
    return g_match_info_fetch(match, 1);
}

START_TEST(real_images_are_read_as_qemu_img_reads_them)
{
    const struct real *real = &reals[_i];
    g_autofree char *json = NULL;
    g_autofree char *size = NULL;
    g_autofree char *backing = NULL;
    g_autofree char *info =
        g_strdup_printf("qemu-img info --output=json -f %s image", real->format);
    g_autofree uint8_t *data = NULL;
    struct image_header header;
    g_autoptr(GError) error = NULL;
    size_t length;

    scratch_do("qemu-img create -q -f %s %s image %s", real->format, real->options, real->size);
    json = scratch_run(info);
    size = json_value(json, "virtual-size");
    backing = json_value(json, "backing-filename");
    data = scratch_read("image", IMAGE_HEADER_SIZE, &length);
    ck_assert_msg(image_header_probe(&header, real->format, data, length, 0, &error), "%s",
                  error ? error->message : "");
    ck_assert_uint_eq(header.size, g_ascii_strtoull(size, NULL, 10));
    ck_assert_pstr_eq(header.backing, backing);
    ck_assert_uint_le(image_header_wanted(real->format, data, 4096),
                      strcmp(real->format, "vmdk") == 0 ? 10752 : 4096);
    ck_assert(image_header_check(&header, "image", &error));
    image_header_clear(&header);
}
END_TEST

static void
add_pure_tests(TCase *cases)
{
    tcase_add_loop_test(cases, well_formed_headers_are_read, 0, G_N_ELEMENTS(builders));
    tcase_add_loop_test(cases, backing_format_is_read_where_the_header_says_it, 0, VMDK);
    tcase_add_loop_test(cases, damaged_tables_are_refused_but_the_link_is_read, 0,
                        G_N_ELEMENTS(damages));
    tcase_add_loop_test(cases, hostile_fields_are_caught, 0, G_N_ELEMENTS(patches));
    tcase_add_loop_test(cases, backing_of_a_damaged_header_is_read_alone, 0, G_N_ELEMENTS(patches));
    tcase_add_test(cases, backing_of_a_vmdk_is_its_hint);
    tcase_add_loop_test(cases, every_prefix_is_read_within_its_bounds, 0, G_N_ELEMENTS(builders));
    tcase_add_loop_test(cases, dangerous_qcow2_features_are_refused, 0, G_N_ELEMENTS(flags));
    tcase_add_loop_test(cases, vmdk_that_names_other_files_is_refused, 0,
                        G_N_ELEMENTS(descriptors));
    tcase_add_test(cases, bitmaps_are_counted);
    tcase_add_test(cases, qed_no_probe_bit_means_raw);
    tcase_add_test(cases, odd_sizes_are_cut_to_whole_sectors_as_qemu_does);
    tcase_add_test(cases, file_size_bounds_offsets);
    tcase_add_loop_test(cases, other_formats_are_only_told_from_known_ones, 0,
                        G_N_ELEMENTS(builders));
    tcase_add_loop_test(cases, guest_may_write_any_header_into_a_raw_disk, 0,
                        G_N_ELEMENTS(builders));
}

int
main(void)
{
    Suite *suite = suite_create("header");
    TCase *pure = tcase_create("pure");
    TCase *real = tcase_create("real");

    add_pure_tests(pure);
    suite_add_tcase(suite, pure);
    tcase_add_checked_fixture(real, scratch_setup, scratch_teardown);
    if (scratch_has("qemu-img")) {
        tcase_add_loop_test(real, real_bitmaps_are_counted, 0, 3);
        tcase_add_loop_test(real, real_images_are_read_as_qemu_img_reads_them, 0,
                            G_N_ELEMENTS(reals));
    }
    suite_add_tcase(suite, real);
    return unit_run(suite);
}
