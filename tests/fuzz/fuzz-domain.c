/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/domain-def.h"
#include "fuzz/fuzz.h"

static const char nasty[] = "/a 'b' \"c\" <&>\n\t\r]]>.qcow2";

/* DEF with every disk moved to a file and then, with that again, to a block device: what is read
 * back is what was written, and to write the same again changes nothing.
 */
static void
move_disks(const struct domain_def *def, enum disk_type type, const char *format, unsigned rounds)
{
    for (unsigned i = 0; i < MIN(def->disks->len, 8); i++) {
        const struct domain_disk *disk = g_ptr_array_index(def->disks, i);
        const struct domain_disk_change change = {disk->target, type, nasty, format};
        g_autofree char *text = domain_def_rewrite(def, &change, 1, false, NULL);
        g_autofree char *same = NULL;
        scoped(domain_def) moved = NULL;
        const struct domain_disk *result;

        if (!text) /* the limits of size were reached */
            continue;
        moved = domain_def_parse(text, strlen(text), "rewritten", NULL);
        g_assert(moved && moved->disks->len == def->disks->len);
        result = g_ptr_array_index(moved->disks, i);
        g_assert_cmpstr(result->target, ==, disk->target);
        g_assert_cmpstr(result->source, ==, nasty);
        g_assert_cmpstr(result->format, ==, format ? format : disk->format);
        g_assert(result->type == type && !result->layers);
        same = domain_def_rewrite(moved, &change, 1, false, NULL);
        g_assert_cmpstr(same, ==, text);
        if (rounds > 1)
            move_disks(moved, type == DISK_TYPE_FILE ? DISK_TYPE_BLOCK : DISK_TYPE_FILE, format,
                       rounds - 1);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    scoped(domain_def) def = domain_def_parse((const char *)data, size, "input", &error);
    g_autofree char *element = NULL;
    g_autofree char *same = NULL;
    scoped(domain_def) alone = NULL;

    g_assert(!def == !!error);
    if (!def)
        return 0;
    g_assert(strlen(def->document) == size && memcmp(def->document, data, size) == 0);
    same = domain_def_rewrite(def, NULL, 0, false, NULL);
    g_assert_cmpstr(same, ==, def->document);
    element = domain_def_element(def);
    alone = domain_def_parse(element, strlen(element), "element", NULL);
    g_assert(alone && strcmp(alone->name, def->name) == 0);
    move_disks(def, DISK_TYPE_FILE, "qcow2", 2);
    move_disks(def, DISK_TYPE_BLOCK, NULL, 1);
    return 0;
}
