/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a child is judged: child_check() of util/child.h, and what that says of a command.
 *
 * The name of a command for messages: "qemu-img create". Free with g_free().
 */
char *child_command_name(char *const *argv);
