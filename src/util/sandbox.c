/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"
#include "util/landlock.h"

#define READ ((uint64_t)LANDLOCK_READ)
#define RUN ((uint64_t)LANDLOCK_READ | LANDLOCK_EXECUTE)
#define WRITE ((uint64_t)LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_TRUNCATE)

/* A file and what may be done to it. */
struct grant {
    const char *path;
    uint64_t rights;
};

/* What every program needs, as far as it is there. */
static const struct grant needed_by_all[] = {
    {"/lib", RUN | LANDLOCK_READ_DIRECTORY},
    {"/lib32", RUN | LANDLOCK_READ_DIRECTORY},
    {"/lib64", RUN | LANDLOCK_READ_DIRECTORY},
    {"/usr/lib", RUN | LANDLOCK_READ_DIRECTORY},
    {"/usr/lib32", RUN | LANDLOCK_READ_DIRECTORY},
    {"/usr/lib64", RUN | LANDLOCK_READ_DIRECTORY},
    {"/usr/local/lib", RUN | LANDLOCK_READ_DIRECTORY},
    {"/usr/local/lib64", RUN | LANDLOCK_READ_DIRECTORY},
    {"/gnu/store", RUN | LANDLOCK_READ_DIRECTORY},
    {"/nix/store", RUN | LANDLOCK_READ_DIRECTORY},
    {"/usr/share", READ | LANDLOCK_READ_DIRECTORY},
    {"/etc/ld.so.cache", READ},
    {"/etc/localtime", READ},
    /* what GnuTLS and the like read when they are loaded */
    {"/etc/crypto-policies", READ | LANDLOCK_READ_DIRECTORY},
    {"/etc/gnutls", READ | LANDLOCK_READ_DIRECTORY},
    {"/etc/pki/tls/openssl.cnf", READ},
    {"/etc/ssl/openssl.cnf", READ},
    {"/proc/sys/crypto/fips_enabled", READ},
    {"/sys/devices/system", READ | LANDLOCK_READ_DIRECTORY}, /* processors and NUMA nodes */
    {"/dev/null", WRITE},
    {"/dev/zero", READ},
    {"/dev/random", READ},
    {"/dev/urandom", READ},
};

/* What a program that is a script needs beside its own file. */
static const struct grant needed_by_scripts[] = {
    {"/bin", RUN},
    {"/usr/bin", RUN},
    {"/usr/local/bin", RUN},
};

struct sandbox {
    GHashTable *files; /* path -> enum sandbox_access */
};

struct sandbox *
sandbox_new(void)
{
    struct sandbox *sandbox = g_new(struct sandbox, 1);

    sandbox->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return sandbox;
}

void
sandbox_free(struct sandbox *sandbox)
{
    if (!sandbox)
        return;
    g_hash_table_unref(sandbox->files);
    g_free(sandbox);
}

bool
sandbox_allows(const struct sandbox *sandbox, const char *path, enum sandbox_access access)
{
    gpointer granted;

    return sandbox && g_hash_table_lookup_extended(sandbox->files, path, NULL, &granted) &&
           GPOINTER_TO_INT(granted) >= (int)access;
}

void
sandbox_allow(struct sandbox *sandbox, const char *path, enum sandbox_access access)
{
    if (sandbox && !sandbox_allows(sandbox, path, access))
        g_hash_table_insert(sandbox->files, g_strdup(path), GINT_TO_POINTER(access));
}

void
sandbox_rename(struct sandbox *sandbox, const char *path, const char *name)
{
    gpointer granted;

    if (!sandbox || !g_hash_table_lookup_extended(sandbox->files, path, NULL, &granted))
        return;
    sandbox_allow(sandbox, name, (enum sandbox_access)GPOINTER_TO_INT(granted));
    g_hash_table_remove(sandbox->files, path);
}

unsigned
sandbox_measure(const struct sandbox *sandbox, uint64_t *bytes)
{
    GHashTableIter iter;
    gpointer path;

    *bytes = 0;
    if (!sandbox)
        return 0;
    g_hash_table_iter_init(&iter, sandbox->files);
    while (g_hash_table_iter_next(&iter, &path, NULL)) {
        struct stat st;

        if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
            *bytes += MIN((uint64_t)st.st_size, UINT64_MAX - *bytes);
    }
    return g_hash_table_size(sandbox->files);
}

int
sandbox_version(void)
{
    return landlock_abi();
}

static gpointer
enter(gpointer data)
{
    scoped_fd ruleset = landlock_ruleset_new(landlock_abi());

    (void)data;
    return GINT_TO_POINTER(ruleset >= 0 && landlock_enter(ruleset) ? 0 : errno);
}

int
sandbox_try(void)
{
    /* a thread can enter alone, and takes the sandbox with it when it ends */
    GThread *thread = g_thread_try_new("sandbox", enter, NULL, NULL);

    return thread ? GPOINTER_TO_INT(g_thread_join(thread)) : EAGAIN;
}

/* A ruleset under construction. */
struct ruleset {
    int abi;
    int fd;
};

/* Whether a failed open() says that no rule is needed, rather than that none can be made. */
static bool
is_out_of_reach(int number)
{
    return number != EMFILE && number != ENFILE && number != ENOMEM && number != EINTR;
}

static bool
grant(const struct ruleset *ruleset, const char *path, uint64_t rights, GError **error)
{
    scoped_fd fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0 ? is_out_of_reach(errno)
               : landlock_ruleset_grant(ruleset->fd, ruleset->abi, fd, rights))
        return true;
    offshot_set_error_errno(error, errno, "cannot allow '%s' in a sandbox", path);
    return false;
}

static bool
grant_all(const struct ruleset *ruleset, const struct grant *grants, size_t count, GError **error)
{
    for (size_t i = 0; i < count; i++) {
        if (!grant(ruleset, grants[i].path, grants[i].rights, error))
            return false;
    }
    return true;
}

static bool
is_script(const char *path)
{
    scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char magic[2];

    return fd >= 0 && read(fd, magic, 2) == 2 && memcmp(magic, "#!", 2) == 0;
}

/* The program's file, and libraries that were installed with it. */
static bool
grant_program(const struct ruleset *ruleset, const char *program, GError **error)
{
    static const char *const libraries[] = {"../lib", "../lib64"};
    g_autofree char *found = g_find_program_in_path(program);
    g_autofree char *real = found ? realpath(found, NULL) : NULL;
    g_autofree char *directory = real ? g_path_get_dirname(real) : NULL;

    if (!real)
        return true; /* to start it will fail, with a message of its own */
    for (size_t i = 0; i < G_N_ELEMENTS(libraries); i++) {
        g_autofree char *path = g_build_filename(directory, libraries[i], NULL);

        if (!grant(ruleset, path, RUN | LANDLOCK_READ_DIRECTORY, error))
            return false;
    }
    if (is_script(real) &&
        !grant_all(ruleset, needed_by_scripts, G_N_ELEMENTS(needed_by_scripts), error))
        return false;
    return grant(ruleset, real, RUN, error);
}

static bool
grant_files(const struct ruleset *ruleset, const struct sandbox *sandbox, GError **error)
{
    GHashTableIter iter;
    gpointer path;
    gpointer access;

    g_hash_table_iter_init(&iter, sandbox->files);
    while (g_hash_table_iter_next(&iter, &path, &access)) {
        uint64_t rights = GPOINTER_TO_INT(access) == SANDBOX_WRITE ? WRITE : READ;

        /* a block device tells its size that way */
        if (!grant(ruleset, path, rights | LANDLOCK_IOCTL_DEVICE, error))
            return false;
    }
    return true;
}

int
sandbox_open(const struct sandbox *sandbox, const char *program, GError **error)
{
    int abi = landlock_abi();
    scoped_fd fd = landlock_ruleset_new(abi);
    const struct ruleset ruleset = {abi, fd};

    if (fd < 0) {
        offshot_set_error_errno(error, errno, "cannot make a sandbox");
        return -1;
    }
    if (!grant_all(&ruleset, needed_by_all, G_N_ELEMENTS(needed_by_all), error) ||
        !grant_program(&ruleset, program, error) ||
        (sandbox && !grant_files(&ruleset, sandbox, error)))
        return -1;
    return scoped_fd_steal(&fd);
}
