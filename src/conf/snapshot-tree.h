/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-def.h"

/* All snapshots of one domain, placed among parents and children. The tree owns the definitions;
 * every definition it returns is borrowed and valid until the tree changes.
 */
struct snapshot_tree;

struct snapshot_tree *snapshot_tree_new(void);
void snapshot_tree_free(struct snapshot_tree *tree);
SCOPED_DEFINE(snapshot_tree)

/* First pass of loading: take DEF (ownership passes, also on failure) without looking at its
 * parent. Fails with OFFSHOT_ERROR_INCONSISTENT when the tree has a snapshot of that name.
 */
bool snapshot_tree_add(struct snapshot_tree *tree, struct snapshot_def *def, GError **error);

/* Second pass: find everybody's parent. A missing parent makes a root; so does the link that closes
 * a cycle; when several snapshots are active the newest stays current. Each such fault is appended
 * to PROBLEMS (of char *) as one sentence. The tree is usable afterwards whatever it found.
 */
void snapshot_tree_link(struct snapshot_tree *tree, GPtrArray *problems);

/* Add DEF to a linked tree, or replace the snapshot of the same name. Ownership passes on success
 * only. Fails with OFFSHOT_ERROR_NOT_FOUND (no such parent) or OFFSHOT_ERROR_REFUSED (its own
 * parent, or the link would make a cycle).
 */
bool snapshot_tree_insert(struct snapshot_tree *tree, struct snapshot_def *def, GError **error);

/* The checks of snapshot_tree_insert() alone, for a snapshot NAME whose parent is to be PARENT
 * (NULL: none).
 */
bool snapshot_tree_check_parent(const struct snapshot_tree *tree, const char *name,
                                const char *parent, GError **error);

size_t snapshot_tree_count(const struct snapshot_tree *tree);

/* find: NULL without an error; get: NULL with OFFSHOT_ERROR_NOT_FOUND. */
const struct snapshot_def *snapshot_tree_find(const struct snapshot_tree *tree, const char *name);
const struct snapshot_def *snapshot_tree_get(const struct snapshot_tree *tree, const char *name,
                                             GError **error);

/* The current snapshot, or NULL. */
const struct snapshot_def *snapshot_tree_current(const struct snapshot_tree *tree);

/* The parent's definition, or NULL for a root (also when the parent it names is missing). */
const struct snapshot_def *snapshot_tree_parent(const struct snapshot_tree *tree, const char *name);

/* Children and all descendants of NAME (NULL: of the whole tree), sorted by name as libvirt does
 * (bytewise), descendants parents first. Free the container with g_ptr_array_unref().
 */
GPtrArray *snapshot_tree_children(const struct snapshot_tree *tree, const char *name);
GPtrArray *snapshot_tree_descendants(const struct snapshot_tree *tree, const char *name);

/* All definitions sorted bytewise by name. Free the container with g_ptr_array_unref(). */
GPtrArray *snapshot_tree_all(const struct snapshot_tree *tree);
