/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-def.h"
#include "unit/unit.h"

static struct snapshot_def *
load(const char *dir, const char *name, enum snapshot_def_source source)
{
    g_autofree char *text = unit_load(dir, name, NULL);

    return snapshot_def_parse(text, strlen(text), name, source, NULL);
}

START_TEST(a_copy_is_written_like_its_original)
{
    g_autofree char *dir = unit_path("snapshot/in");
    g_autoptr(GPtrArray) names = unit_list(dir, ".xml");
    unsigned seen = 0;

    for (unsigned i = 0; i < names->len; i++) {
        for (int source = SNAPSHOT_DEF_REQUEST; source <= SNAPSHOT_DEF_STORED; source++) {
            struct snapshot_def *def = load(dir, g_ptr_array_index(names, i), source);
            scoped(snapshot_def) copy = def ? snapshot_def_copy(def) : NULL;
            g_autofree char *text = def ? snapshot_def_format(def, true, NULL) : NULL;
            g_autofree char *again = NULL;

            if (!def)
                continue;
            seen++;
            ck_assert_str_eq(copy->document, def->document);
            ck_assert_int_eq(copy->has_active, def->has_active);
            ck_assert_int_eq(copy->active, def->active);
            snapshot_def_free(def); /* the copy stands alone */
            again = snapshot_def_format(copy, true, NULL);
            ck_assert_str_eq(again, text);
        }
    }
    ck_assert_uint_ge(seen, names->len);
}
END_TEST

START_TEST(a_copy_of_a_definition_without_a_document_has_none)
{
    scoped(snapshot_def) def = snapshot_def_new();
    scoped(snapshot_def) copy = snapshot_def_copy(def);

    ck_assert_ptr_null(copy->document);
    ck_assert_ptr_null(copy->name);
    ck_assert_int_eq(copy->creation_time, -1);
    ck_assert_uint_eq(copy->disks->len, 0);
}
END_TEST

UNIT_MAIN("snapshot-copy", a_copy_is_written_like_its_original,
          a_copy_of_a_definition_without_a_document_has_none)
