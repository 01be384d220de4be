/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "cli/editor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"
#include "util/file.h"
#include "util/foreground.h"
#include "util/interrupt.h"

struct editor {
    const char *text;
    char *directory;
    char *path;
    bool kept;
};

/* Backup files of the editor hold the same secrets. */
static void
remove_all(const char *directory)
{
    g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
    const char *entry;

    while (entries && (entry = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(directory, entry, NULL);

        unlink(path);
    }
    rmdir(directory);
}

void
editor_free(struct editor *editor)
{
    if (!editor)
        return;
    if (editor->directory && !editor->kept)
        remove_all(editor->directory);
    interrupt_end();
    g_free(editor->directory);
    g_free(editor->path);
    g_free(editor);
}

struct editor *
editor_new(const char *name, const char *text, GError **error)
{
    scoped(editor) editor = g_new0(struct editor, 1);
    g_autoptr(GError) cause = NULL;
    scoped_fd fd = -1;

    interrupt_begin();
    editor->text = text;
    editor->directory = g_dir_make_tmp("offshot-XXXXXX", &cause);
    if (!editor->directory) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "cannot make a directory for the text to edit: %s", cause->message);
        return NULL;
    }
    editor->path = g_build_filename(editor->directory, name, NULL);
    fd = file_create(editor->path, error);
    if (fd < 0 || !file_write(fd, editor->path, text, strlen(text), error))
        return NULL;
    return g_steal_pointer(&editor);
}

/* What the user set, or NULL. */
static const char *
find_setting(void)
{
    static const char *const variables[] = {"VISUAL", "EDITOR"};

    for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
        const char *value = g_getenv(variables[i]);

        if (value && value[strspn(value, " \t\n")] != '\0')
            return value;
    }
    return NULL;
}

/* The editor and its arguments. Free with g_strfreev(). */
static char **
find_program(GError **error)
{
    const char *setting = find_setting();
    g_autoptr(GError) cause = NULL;
    char **words = NULL;

    if (!setting && !isatty(STDIN_FILENO))
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "there is no terminal for vi: set $VISUAL or $EDITOR");
    else if (!g_shell_parse_argv(setting ? setting : "vi", NULL, &words, &cause))
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "the editor '%s' is no command: %s",
                    setting, cause->message);
    return words;
}

bool
editor_run(const struct editor *editor, GError **error)
{
    g_auto(GStrv) words = find_program(error);
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    if (!words)
        return false;
    for (size_t i = 0; words[i]; i++)
        g_ptr_array_add(argv, words[i]);
    g_ptr_array_add(argv, editor->path);
    g_ptr_array_add(argv, NULL);
    return foreground_run((char *const *)argv->pdata, error);
}

char *
editor_read(const struct editor *editor, size_t limit, size_t *length, GError **error)
{
    g_autoptr(GError) cause = NULL;
    char *text = file_read(editor->path, limit, length, NULL, &cause);

    if (g_error_matches(cause, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND))
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "the editor left no file '%s'",
                    editor->path);
    else if (cause)
        g_propagate_error(error, g_steal_pointer(&cause));
    return text;
}

bool
editor_is_changed(const struct editor *editor)
{
    size_t whole = strlen(editor->text);
    size_t length = 0;
    g_autofree char *text = editor_read(editor, whole, &length, NULL);

    return !text || length != whole || memcmp(text, editor->text, whole) != 0;
}

void
editor_keep(struct editor *editor, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (!g_file_test(editor->path, G_FILE_TEST_EXISTS))
        return;
    cause = g_steal_pointer(error);
    editor->kept = true;
    g_set_error(error, cause->domain, cause->code, "%s; the edited text is kept in '%s'",
                cause->message, editor->path);
}
