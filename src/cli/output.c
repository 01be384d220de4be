/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"

char *
output_escape(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;

        if (byte == '\n')
            g_string_append(out, "\\n");
        else if (byte < 0x20 || byte == 0x7f)
            g_string_append_printf(out, "\\x%02x", byte);
        else
            g_string_append_c(out, *at);
    }
    return g_string_free(out, FALSE);
}

char *
output_quote(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./,=:@%+";
    g_autofree char *quoted = NULL;

    if (word[0] != '\0' && word[strspn(word, plain)] == '\0')
        return g_strdup(word);
    quoted = g_shell_quote(word);
    return output_escape(quoted);
}

void
output_error(bool json, const GError *error)
{
    int code = error->domain == OFFSHOT_ERROR ? error->code : OFFSHOT_ERROR_FAILED;
    g_autofree char *line = output_escape(error->message);

    if (!json) {
        fprintf(stderr, "offshot: %s\n", line);
        return;
    }
    output_json(json_pack("{s:i, s:{s:s, s:i, s:o}}", "schema", 1, "error", "code",
                          offshot_error_name(code), "exit", code, "message",
                          output_json_string(error->message)));
}

void
output_warnings(const struct cli *cli, const GPtrArray *notes)
{
    for (guint i = 0; !cli->quiet && i < notes->len; i++) {
        g_autofree char *line = output_escape(g_ptr_array_index(notes, i));

        fprintf(stderr, "offshot: warning: %s\n", line);
    }
}

void
output_note(const struct cli *cli, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;
    va_list args;

    if (cli->quiet)
        return;
    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    line = output_escape(text);
    fprintf(stderr, "offshot: %s\n", line);
}

json_t *
output_json_string(const char *text)
{
    g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;

    return valid ? json_string(valid) : json_null();
}

json_t *
output_json_place(const char *name, const char *path)
{
    return json_pack("{s:o, s:o}", "name", output_json_string(name), "path",
                     output_json_string(path));
}

void
output_json(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    puts(text);
    free(text);
    json_decref(object);
}

char *
output_time(int64_t seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(seconds);

    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S %z")
                : g_strdup_printf("%" G_GINT64_FORMAT, (gint64)seconds);
}

char *
output_size(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    uint64_t rest = bytes; /* in 1/1024 of the unit */
    size_t unit = 0;

    if (bytes < 1024)
        return g_strdup_printf("%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
    while (rest / 1024 >= 1024 && unit + 1 < G_N_ELEMENTS(units)) {
        rest /= 1024;
        unit++;
    }
    return g_strdup_printf("%u.%u %s", (unsigned)(rest / 1024), (unsigned)(rest % 1024 * 10 / 1024),
                           units[unit]);
}
