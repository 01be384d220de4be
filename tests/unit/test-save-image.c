/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "image/save-image.h"
#include "unit/unit.h"

/* A header as libvirt writes it, in either order of bytes, made without the code under test. */
static void
build(uint8_t *header, const char *magic, bool big, uint32_t version, uint32_t length)
{
    const uint32_t numbers[] = {version, length};

    memset(header, 0, SAVE_IMAGE_HEADER_SIZE);
    memcpy(header, magic, 16);
    for (unsigned i = 0; i < 8; i++)
        header[16 + i] = (uint8_t)(numbers[i / 4] >> 8 * (big ? 3 - i % 4 : i % 4));
}

static const struct {
    const char *magic;
    bool big;
    uint32_t version;
    uint32_t length;
    size_t seen; /* bytes of the file that there are */
    size_t room;
    const char *error;
} headers[] = {
    {"LibvirtQemudSave", false, 2, 67162, 92, 67162, NULL},
    {"LibvirtQemudPart", false, 2, 1, 92, 1, NULL},
    {"LibvirtQemudSave", true, 2, 67162, 92, 67162, NULL},
    {"LibvirtQemudSave", false, 1, 500, 92, 500, NULL},
    {"LibvirtQemudSave", false, 2, UINT32_MAX, 92, SAVE_IMAGE_XML_MAX, NULL},
    {"LibvirtQemudSave", true, 2, UINT32_MAX, 92, SAVE_IMAGE_XML_MAX, NULL},
    {"LibvirtQemudSave", false, 2, 500, 91, 0, "it is not memory that libvirt has saved"},
    {"LibvirtQemudSave", false, 2, 500, 0, 0, "it is not memory"},
    {"LibvirtQemudsave", false, 2, 500, 92, 0, "it is not memory"},
    {"QFI\xfb............", false, 2, 500, 92, 0, "it is not memory"},
    {"LibvirtQemudSave", false, 0, 500, 92, 0, "in a form that is not known"},
    {"LibvirtQemudSave", false, 3, 500, 92, 0, "in a form that is not known"},
    {"LibvirtQemudSave", true, 3, 500, 92, 0, "in a form that is not known"},
    {"LibvirtQemudSave", false, 2, 0, 92, 0, "in a form that is not known"},
};

START_TEST(header_says_how_far_the_domain_goes)
{
    uint8_t whole[SAVE_IMAGE_HEADER_SIZE];
    g_autofree uint8_t *header = g_malloc(MAX(headers[_i].seen, 1));
    GError *error = NULL;

    build(whole, headers[_i].magic, headers[_i].big, headers[_i].version, headers[_i].length);
    memcpy(header, whole, headers[_i].seen);
    ck_assert_uint_eq(save_image_probe(header, headers[_i].seen, &error), headers[_i].room);
    if (headers[_i].error)
        unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, headers[_i].error);
    ck_assert_ptr_null(error);
}
END_TEST

START_TEST(domain_ends_with_its_nul_or_is_none)
{
    static const uint8_t data[] = "<domain/>\0cookie";
    g_autofree char *xml = save_image_xml(data, sizeof(data), NULL);
    g_autofree char *exact = save_image_xml(data, 10, NULL);
    GError *error = NULL;

    ck_assert_str_eq(xml, "<domain/>");
    ck_assert_str_eq(exact, "<domain/>");
    ck_assert_ptr_null(save_image_xml(data, 9, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, "of which domain");
    ck_assert_ptr_null(save_image_xml(data, 0, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, "of which domain");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("save-image");
    TCase *cases = tcase_create("save-image");

    tcase_add_loop_test(cases, header_says_how_far_the_domain_goes, 0, G_N_ELEMENTS(headers));
    tcase_add_test(cases, domain_ends_with_its_nul_or_is_none);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
