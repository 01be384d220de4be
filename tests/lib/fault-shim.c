/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into offshot and, since execve() is told to hand that down, into its qemu-img: one
 * counter for all calls that change something, whichever process and thread makes them, and one
 * fault at the call of a given number.
 *
 * The environment says: FAULT_SHIM a file of FAULT_SHIM_SIZE bytes that all share; FAULT_AT the
 * number (0: only count); FAULT_KIND "kill" (offshot and the caller die), "kill-child" (only the
 * caller dies, wherever the number falls in qemu-img; offshot itself is passed over), "INT" or
 * "TERM" (offshot gets the signal, and the call goes on), "hang" (the same in qemu-img alone, and
 * the call never returns; offshot gets TERM), or a number: the errno with which the call fails.
 *
 * Whoever is preloaded locks the file shared as long as he lives.
 */
#define _GNU_SOURCE
#include "lib/shim-environment.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the processes share. */
struct shared {
    atomic_uint count; /* calls so far */
    atomic_int first;  /* the process that came first: offshot */
    atomic_uint hit;   /* the fault has happened */
};

static struct shared *shared;
static unsigned fault_at;
static const char *fault_kind;

__attribute__((constructor)) static void
shim_begin(void)
{
    const char *path = getenv("FAULT_SHIM");
    const char *at = getenv("FAULT_AT");
    int none = 0;
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0 || flock(fd, LOCK_SH) < 0)
        return;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED)
        shared = NULL;
    if (shared)
        atomic_compare_exchange_strong(&shared->first, &none, (int)getpid());
    fault_at = at ? (unsigned)strtoul(at, NULL, 10) : 0;
    fault_kind = getenv("FAULT_KIND");
}

static void
die(int offshot)
{
    if (offshot != (int)getpid())
        kill(offshot, SIGKILL);
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static int
is_kind(const char *kind)
{
    return fault_kind && strcmp(fault_kind, kind) == 0;
}

/* The call of the number has come; whether it has to fail, errno being set. */
static int
shim_fault(int offshot)
{
    atomic_store(&shared->hit, 1);
    if (is_kind("kill"))
        die(offshot);
    if (is_kind("kill-child"))
        die((int)getpid());
    if (is_kind("INT") || is_kind("TERM") || is_kind("hang"))
        kill(offshot, is_kind("INT") ? SIGINT : SIGTERM);
    while (is_kind("hang"))
        pause();
    errno = atoi(fault_kind);
    return errno != 0;
}

/* Count one call; whether it has to fail. */
static int
shim_call(void)
{
    int offshot;

    if (!shared)
        return 0;
    offshot = atomic_load(&shared->first);
    if ((is_kind("kill-child") || is_kind("hang")) && (int)getpid() == offshot)
        return 0;
    if (atomic_fetch_add(&shared->count, 1) + 1 != fault_at || !fault_kind)
        return 0;
    return shim_fault(offshot);
}

/* Whether a descriptor is a file: pipes and terminals carry nothing that lasts. */
static int
lasts(int fd)
{
    struct stat st;
    int saved = errno;
    int file = fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));

    errno = saved;
    return file;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRAP(type, name, parameters, arguments, counts)                                            \
    type name parameters                                                                           \
    {                                                                                              \
        if ((counts) && shim_call())                                                               \
            return (type)-1;                                                                       \
        return NEXT(name) arguments;                                                               \
    }

WRAP(ssize_t, write, (int fd, const void *data, size_t length), (fd, data, length), lasts(fd))
WRAP(ssize_t, pwrite, (int fd, const void *data, size_t length, off_t at), (fd, data, length, at),
     lasts(fd))
WRAP(ssize_t, pwrite64, (int fd, const void *data, size_t length, off64_t at),
     (fd, data, length, at), lasts(fd))
WRAP(ssize_t, pwritev, (int fd, const struct iovec *list, int count, off_t at),
     (fd, list, count, at), lasts(fd))
WRAP(ssize_t, pwritev64, (int fd, const struct iovec *list, int count, off64_t at),
     (fd, list, count, at), lasts(fd))
WRAP(int, fsync, (int fd), (fd), 1)
WRAP(int, fdatasync, (int fd), (fd), 1)
WRAP(int, ftruncate, (int fd, off_t length), (fd, length), 1)
WRAP(int, ftruncate64, (int fd, off64_t length), (fd, length), 1)
WRAP(int, fallocate, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length), 1)
WRAP(int, fallocate64, (int fd, int mode, off64_t at, off64_t length), (fd, mode, at, length), 1)
WRAP(int, rename, (const char *from, const char *to), (from, to), 1)
WRAP(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags), 1)
WRAP(int, link, (const char *from, const char *to), (from, to), 1)
WRAP(int, unlink, (const char *path), (path), 1)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), 1)
WRAP(int, rmdir, (const char *path), (path), 1)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), 1)
WRAP(int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group), 1)

/* Opening counts where it makes a file. */
#define WRAP_OPEN(name)                                                                            \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list list;                                                                              \
        mode_t mode;                                                                               \
                                                                                                   \
        va_start(list, flags);                                                                     \
        mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;                                         \
        va_end(list);                                                                              \
        if ((flags & O_CREAT) && shim_call())                                                      \
            return -1;                                                                             \
        return NEXT(name)(path, flags, mode);                                                      \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
