/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <libxml/relaxng.h>

#include "conf/snapshot-def.h"
#include "conf/xml-doc.h"
#include "util/error.h"

/* The first thing that libxml2 complained about. */
struct complaint {
    int line;
    char *message;
};

static void
keep_first(void *data, xmlErrorPtr fault)
{
    struct complaint *complaint = data;

    if (complaint->message || !fault->message)
        return;
    complaint->message = g_strchomp(g_utf8_make_valid(fault->message, -1));
    complaint->line = fault->line;
}

static void
complaint_clear(struct complaint *complaint)
{
    g_free(complaint->message);
}

static xmlRelaxNGPtr
load_schema(const char *path, GError **error)
{
    __attribute__((cleanup(complaint_clear))) struct complaint complaint = {0};
    xmlRelaxNGParserCtxtPtr context = xmlRelaxNGNewParserCtxt(path);
    xmlRelaxNGPtr schema = NULL;

    if (context) {
        xmlRelaxNGSetParserStructuredErrors(context, keep_first, &complaint);
        schema = xmlRelaxNGParse(context);
        xmlRelaxNGFreeParserCtxt(context);
    }
    if (!schema)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "cannot read the schema '%s': %s",
                    path, complaint.message ? complaint.message : "out of memory");
    return schema;
}

static bool
check_against(xmlRelaxNGPtr schema, const struct xml_doc *doc, GError **error)
{
    __attribute__((cleanup(complaint_clear))) struct complaint complaint = {0};
    xmlRelaxNGValidCtxtPtr context = xmlRelaxNGNewValidCtxt(schema);
    int result;

    xmlRelaxNGSetValidStructuredErrors(context, keep_first, &complaint);
    result = xmlRelaxNGValidateDoc(context, doc->dom);
    xmlRelaxNGFreeValidCtxt(context);
    if (result != 0)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "%s:%d: not valid: %s", doc->name,
                    complaint.line, complaint.message ? complaint.message : "against the schema");
    return result == 0;
}

bool
snapshot_document_validate(const char *document, size_t length, const char *name,
                           const char *schema, GError **error)
{
    scoped(xml_doc) doc = xml_doc_parse(document, length, name, error);
    xmlStructuredErrorFunc old_function = xmlStructuredError;
    void *old_data = xmlStructuredErrorContext;
    struct complaint stray = {0};
    xmlRelaxNGPtr loaded;
    bool valid = false;

    if (!doc)
        return false;
    /* what is not said to a context of ours must not reach stderr either */
    xmlSetStructuredErrorFunc(&stray, keep_first);
    loaded = load_schema(schema, error);
    if (loaded) {
        valid = check_against(loaded, doc, error);
        xmlRelaxNGFree(loaded);
    }
    xmlSetStructuredErrorFunc(old_data, old_function);
    complaint_clear(&stray);
    return valid;
}
