/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/uri.h"

#include <string.h>
#include <unistd.h>

#include "util/error.h"

static struct uri_directories *
directories_of_system(void)
{
    struct uri_directories *directories = g_new0(struct uri_directories, 1);

    directories->config = g_strdup("/etc/libvirt/qemu");
    directories->lib = g_strdup("/var/lib/libvirt/qemu");
    directories->run = g_strdup("/run/libvirt/qemu");
    directories->state = g_strdup("/var/lib/offshot/qemu");
    return directories;
}

/* As libvirt finds it, but without g_get_user_runtime_dir(), which makes the directory. */
static const char *
runtime_directory(void)
{
    const char *directory = g_getenv("XDG_RUNTIME_DIR");

    return directory && g_path_is_absolute(directory) ? directory : g_get_user_cache_dir();
}

static struct uri_directories *
directories_of_session(void)
{
    struct uri_directories *directories = g_new0(struct uri_directories, 1);
    const char *state = g_getenv("XDG_STATE_HOME");
    g_autofree char *fallback = g_build_filename(g_get_home_dir(), ".local", "state", NULL);

    directories->config = g_build_filename(g_get_user_config_dir(), "libvirt", "qemu", NULL);
    directories->lib = g_strdup(directories->config);
    directories->run = g_build_filename(runtime_directory(), "libvirt", "qemu", "run", NULL);
    if (!state || !g_path_is_absolute(state))
        state = fallback;
    directories->state = g_build_filename(state, "offshot", "qemu", NULL);
    return directories;
}

static struct uri_directories *
directories_of_root(const char *root)
{
    struct uri_directories *directories = g_new0(struct uri_directories, 1);

    directories->config = g_build_filename(root, "etc", "qemu", NULL);
    directories->lib = g_build_filename(root, "lib", "qemu", NULL);
    directories->run = g_build_filename(root, "run", "qemu", NULL);
    directories->state = g_build_filename(root, "lib", "offshot", "qemu", NULL);
    return directories;
}

/* The root directory in the query of an embed URI ("root=DIR", percent-encoding allowed), or NULL.
 */
static char *
embed_root(const char *query)
{
    g_auto(GStrv) parameters = g_strsplit_set(query, "&;", -1);

    for (size_t i = 0; parameters[i]; i++) {
        g_autofree char *root = NULL;

        if (!g_str_has_prefix(parameters[i], "root="))
            continue;
        root = g_uri_unescape_string(parameters[i] + strlen("root="), NULL);
        if (root && g_path_is_absolute(root))
            return g_canonicalize_filename(root, "/");
    }
    return NULL;
}

const char *
uri_get_default(void)
{
    const char *uri = g_getenv("LIBVIRT_DEFAULT_URI");

    if (uri && uri[0] != '\0')
        return uri;
    return geteuid() == 0 ? "qemu:///system" : "qemu:///session";
}

struct uri_directories *
uri_directories_new(const char *uri, GError **error)
{
    struct uri_directories *directories = NULL;

    if (!uri || uri[0] == '\0')
        uri = uri_get_default();
    if (strcmp(uri, "qemu:///system") == 0) {
        directories = directories_of_system();
    } else if (strcmp(uri, "qemu:///session") == 0) {
        directories = directories_of_session();
    } else if (g_str_has_prefix(uri, "qemu:///embed?")) {
        g_autofree char *root = embed_root(uri + strlen("qemu:///embed?"));

        directories = root ? directories_of_root(root) : NULL;
    }
    if (directories)
        directories->uri = g_strdup(uri);
    else
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "'%s' is no URI that offshot knows: use qemu:///system, qemu:///session or "
                    "qemu:///embed?root=/DIR",
                    uri);
    return directories;
}

/* The root of an embedded driver when DIRECTORY is ROOT/etc/qemu of one, or NULL. */
static char *
find_embed_root(const char *directory)
{
    g_autofree char *root = NULL;
    g_autofree char *lib = NULL;
    g_autofree char *conf = NULL;

    if (!g_str_has_suffix(directory, "/etc/qemu"))
        return NULL;
    root = g_strndup(directory, strlen(directory) - strlen("/etc/qemu"));
    lib = g_build_filename(root, "lib", "qemu", NULL);
    conf = g_build_filename(root, "etc", "qemu.conf", NULL);
    if (!g_file_test(lib, G_FILE_TEST_IS_DIR) && !g_file_test(conf, G_FILE_TEST_EXISTS))
        return NULL;
    return g_steal_pointer(&root);
}

char *
uri_find_keeper(const char *directory)
{
    static const char *const usual[] = {"qemu:///system", "qemu:///session"};
    g_autofree char *root = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(usual); i++) {
        scoped(uri_directories) directories = uri_directories_new(usual[i], NULL);

        if (strcmp(directories->config, directory) == 0)
            return g_strdup(usual[i]);
    }
    root = find_embed_root(directory);
    return root ? g_strconcat("qemu:///embed?root=", root, NULL) : NULL;
}

void
uri_directories_free(struct uri_directories *directories)
{
    if (!directories)
        return;
    g_free(directories->uri);
    g_free(directories->config);
    g_free(directories->lib);
    g_free(directories->run);
    g_free(directories->state);
    g_free(directories);
}
