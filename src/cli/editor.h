/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "util/scope.h"

/* A text in the hands of the user: in a file of mode 0600, in a directory of its own under $TMPDIR
 * that nobody else can enter.
 */
struct editor;

/* TEXT (borrowed as long as the editor is there) in a file called NAME. Close with editor_free(),
 * which removes the file, others that were made beside it, and the directory, unless editor_keep()
 * was called. As long as it is there signals are noted instead of obeyed (util/interrupt.h): what
 * it holds is not for others, and must not stay behind.
 */
struct editor *editor_new(const char *name, const char *text, GError **error);
void editor_free(struct editor *editor);
SCOPED_DEFINE(editor)

/* Let the user change the text, as it is by now, with $VISUAL, $EDITOR or vi. Words are split as a
 * shell does; no shell is started.
 *
 * Fails as foreground_run() does, and with OFFSHOT_ERROR_USAGE when the variable cannot be split,
 * or both are empty and there is no terminal for vi.
 */
bool editor_run(const struct editor *editor, GError **error);

/* The text as it is by now, of at most LIMIT bytes. Fails with OFFSHOT_ERROR_USAGE when there is no
 * such file any more, or as file_read() does. Free with g_free().
 */
char *editor_read(const struct editor *editor, size_t limit, size_t *length, GError **error);

/* Whether the file holds, or may hold, something else than the text that it began with. */
bool editor_is_changed(const struct editor *editor);

/* Leave the file, unless it is gone, and add to *ERROR, which is set, where it is. */
void editor_keep(struct editor *editor, GError **error);
