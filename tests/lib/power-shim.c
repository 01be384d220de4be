/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into offshot and, since execve() is told to hand that down, into its qemu-img: writes
 * down what each call does to files and directories, in the order in which it took effect, and cuts
 * the power at the call of a given number. lib/power-cut.c then works out what may have been lost.
 *
 * The environment says: POWER_SHARED a file of zeros that all processes share (struct
 * power_shared); POWER_LOG the file to append records to (lib/power-log.h), which everybody locks
 * shared as long as he lives; POWER_KEEP a directory on the file system of the images, into which
 * goes what loses its last name, since a cut may bring it back with the inode that it had; POWER_AT
 * the number (0: only count and record); POWER_FORGET "1": flushes are not written down.
 */
#define _GNU_SOURCE
#include "lib/power-log.h"
#include "lib/shim-environment.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the processes share. */
struct power_shared {
    atomic_uint count; /* calls so far */
    atomic_int first;  /* the process that came first: offshot */
    atomic_uint cut;   /* the power is off */
    atomic_flag busy;  /* one call at a time, so that the log has the order of the effects */
};

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static struct power_shared *shared;
static unsigned cut_at;
static int log_fd = -1;
static const char *keep;
static bool forgets;

__attribute__((constructor)) static void
power_begin(void)
{
    const char *path = getenv("POWER_SHARED");
    const char *log = getenv("POWER_LOG");
    const char *at = getenv("POWER_AT");
    int none = 0;
    int fd = path ? NEXT(open)(path, O_RDWR | O_CLOEXEC) : -1;

    keep = getenv("POWER_KEEP");
    forgets = getenv("POWER_FORGET") != NULL;
    log_fd = log ? NEXT(open)(log, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    cut_at = at ? (unsigned)strtoul(at, NULL, 10) : 0;
    if (fd < 0 || log_fd < 0 || !keep || flock(log_fd, LOCK_SH) < 0)
        return;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED)
        shared = NULL;
    if (shared)
        atomic_compare_exchange_strong(&shared->first, &none, (int)getpid());
}

static void
cut(void)
{
    int offshot = atomic_load(&shared->first);

    atomic_store(&shared->cut, 1);
    if (offshot != (int)getpid())
        kill(offshot, SIGKILL);
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Before each call: wait for one's turn and count. False: there is nothing to record. */
static bool
power_enter(void)
{
    if (!shared)
        return false;
    while (atomic_flag_test_and_set(&shared->busy))
        sched_yield();
    if (atomic_load(&shared->cut) || atomic_fetch_add(&shared->count, 1) + 1 == cut_at)
        cut();
    return true;
}

static void
power_leave(void)
{
    int saved = errno;

    atomic_flag_clear(&shared->busy);
    errno = saved;
}

/* A log that is not whole proves nothing: whatever cannot be recorded ends the test. */
static void
give_up(const char *what)
{
    fprintf(stderr, "power-shim: %s\n", what);
    abort();
}

static void
put(const struct power_record *record, const void *data, size_t length)
{
    const struct iovec parts[] = {{(void *)record, sizeof(*record)}, {(void *)data, length}};

    if (NEXT(writev)(log_fd, parts, data ? 2 : 1) !=
        (ssize_t)(sizeof(*record) + (data ? length : 0)))
        give_up("cannot write the log");
}

/* Whether FD is a regular file or a directory; *INODE is which. */
static bool
find_inode(int fd, uint64_t *inode, uint64_t *size)
{
    struct stat st;

    if (fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return false;
    *inode = st.st_ino;
    *size = (uint64_t)st.st_size;
    return true;
}

static void
put_data(enum power_kind kind, int fd, uint64_t at, uint64_t length, const void *data)
{
    struct power_record record = {.kind = kind, .at = at, .length = length};
    uint64_t size;

    if (find_inode(fd, &record.inode, &size))
        put(&record, data, length);
}

static void
put_data_list(int fd, const struct iovec *list, int count, uint64_t at, size_t length)
{
    for (int i = 0; i < count && length > 0; i++) {
        size_t part = list[i].iov_len < length ? list[i].iov_len : length;

        put_data(POWER_WRITE, fd, at, part, list[i].iov_base);
        at += part;
        length -= part;
    }
}

/* The directory that holds PATH, and the last part of PATH. */
static bool
find_place(const char *path, struct power_place *place)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char directory[PATH_MAX] = ".";
    struct stat st;

    if (slash)
        snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path) + 1, path);
    if (stat(directory, &st) < 0 || strlen(name) >= sizeof(place->name))
        return false;
    memset(place, 0, sizeof(*place));
    place->directory = st.st_ino;
    strcpy(place->name, name);
    return true;
}

/* PATH has a name now (NAME), has none any more (GONE), or is the new name of OLD (MOVE). */
static void
put_name(enum power_kind kind, const struct power_place *old, const char *path)
{
    struct power_names names = {0};
    struct power_record record = {.kind = kind, .length = sizeof(names)};
    struct stat st = {0};

    if (!find_place(path, &names.now))
        give_up("a directory cannot be looked at");
    if (old)
        names.old = *old;
    if (kind != POWER_GONE && lstat(path, &st) < 0)
        give_up("a new name cannot be looked at");
    record.inode = st.st_ino;
    names.is_directory = S_ISDIR(st.st_mode);
    put(&record, &names, sizeof(names));
}

/* Instead of losing its last name, what is at PATH moves to where it is kept. Others lose theirs.
 */
static int
bury(const char *path)
{
    char grave[PATH_MAX];
    struct stat st;

    if (lstat(path, &st) < 0)
        return -1;
    if (!S_ISDIR(st.st_mode) && (!S_ISREG(st.st_mode) || st.st_nlink > 1))
        return NEXT(unlink)(path);
    snprintf(grave, sizeof(grave), "%s/%llu", keep, (unsigned long long)st.st_ino);
    return NEXT(rename)(path, grave);
}

ssize_t
write(int fd, const void *data, size_t length)
{
    uint64_t inode, size;
    bool counts = shared && find_inode(fd, &inode, &size) && power_enter();
    uint64_t at = 0;
    ssize_t done;

    if (!counts)
        return NEXT(write)(fd, data, length);
    at = fcntl(fd, F_GETFL) & O_APPEND ? size : (uint64_t)lseek(fd, 0, SEEK_CUR);
    done = NEXT(write)(fd, data, length);
    if (done > 0)
        put_data(POWER_WRITE, fd, at, (uint64_t)done, data);
    power_leave();
    return done;
}

#define WRAP_PWRITE(name, offset)                                                                  \
    ssize_t name(int fd, const void *data, size_t length, offset at)                               \
    {                                                                                              \
        bool counts = power_enter();                                                               \
        ssize_t done = NEXT(name)(fd, data, length, at);                                           \
                                                                                                   \
        if (counts && done > 0)                                                                    \
            put_data(POWER_WRITE, fd, (uint64_t)at, (uint64_t)done, data);                         \
        if (counts)                                                                                \
            power_leave();                                                                         \
        return done;                                                                               \
    }

WRAP_PWRITE(pwrite, off_t)
WRAP_PWRITE(pwrite64, off64_t)

#define WRAP_PWRITEV(name, offset)                                                                 \
    ssize_t name(int fd, const struct iovec *list, int count, offset at)                           \
    {                                                                                              \
        bool counts = power_enter();                                                               \
        ssize_t done = NEXT(name)(fd, list, count, at);                                            \
                                                                                                   \
        if (counts && done > 0)                                                                    \
            put_data_list(fd, list, count, (uint64_t)at, (size_t)done);                            \
        if (counts)                                                                                \
            power_leave();                                                                         \
        return done;                                                                               \
    }

WRAP_PWRITEV(pwritev, off_t)
WRAP_PWRITEV(pwritev64, off64_t)

/* A call on a descriptor that returns 0 when it has done KIND to AT and LENGTH. */
#define WRAP_FILE(name, parameters, arguments, kind, at, length)                                   \
    int name parameters                                                                            \
    {                                                                                              \
        bool counts = power_enter();                                                               \
        int status = NEXT(name) arguments;                                                         \
                                                                                                   \
        if (counts && status == 0)                                                                 \
            put_data(kind, fd, (uint64_t)(at), (uint64_t)(length), NULL);                          \
        if (counts)                                                                                \
            power_leave();                                                                         \
        return status;                                                                             \
    }

static enum power_kind
allocation_kind(int mode)
{
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return mode & FALLOC_FL_KEEP_SIZE ? POWER_ZERO : POWER_ZERO_GROW;
    if (mode & ~FALLOC_FL_KEEP_SIZE)
        give_up("a way to allocate that is not known");
    return mode ? POWER_NOTHING : POWER_GROW;
}

WRAP_FILE(fsync, (int fd), (fd), forgets ? POWER_NOTHING : POWER_SYNC, 0, 0)
WRAP_FILE(fdatasync, (int fd), (fd), forgets ? POWER_NOTHING : POWER_SYNC, 0, 0)
WRAP_FILE(ftruncate, (int fd, off_t size), (fd, size), POWER_SIZE, size, 0)
WRAP_FILE(ftruncate64, (int fd, off64_t size), (fd, size), POWER_SIZE, size, 0)
WRAP_FILE(fallocate, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length),
          allocation_kind(mode), at, length)
WRAP_FILE(fallocate64, (int fd, int mode, off64_t at, off64_t length), (fd, mode, at, length),
          allocation_kind(mode), at, length)

/* FROM becomes TO; what TO named is kept. */
static int
move(const char *from, const char *to, unsigned flags)
{
    bool counts = power_enter();
    struct power_place old;
    struct stat one, other;
    /* of two names of one file rename() does nothing */
    bool over = counts && flags == 0 && lstat(from, &one) == 0 && lstat(to, &other) == 0 &&
                one.st_ino != other.st_ino;
    int status;

    if (counts && !find_place(from, &old))
        give_up("a directory cannot be looked at");
    if (over && bury(to) < 0)
        give_up("what is renamed over cannot be kept");
    status = flags ? NEXT(renameat2)(AT_FDCWD, from, AT_FDCWD, to, flags) : NEXT(rename)(from, to);
    if (over && status < 0)
        give_up("what could not be renamed over is gone");
    if (counts && status == 0)
        put_name(POWER_MOVE, &old, to);
    if (counts)
        power_leave();
    return status;
}

int
rename(const char *from, const char *to)
{
    return move(from, to, 0);
}

int
renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    if (a != AT_FDCWD || b != AT_FDCWD || (flags & ~(unsigned)RENAME_NOREPLACE))
        give_up("a renameat2() that is not known");
    return move(from, to, flags);
}

#define WRAP_NAME(name, parameters, arguments, real, kind, path)                                   \
    int name parameters                                                                            \
    {                                                                                              \
        bool counts = power_enter();                                                               \
        int status = counts ? real : NEXT(name) arguments;                                         \
                                                                                                   \
        if (counts && status == 0)                                                                 \
            put_name(kind, NULL, path);                                                            \
        if (counts)                                                                                \
            power_leave();                                                                         \
        return status;                                                                             \
    }

static bool
is_empty(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;

    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count == 2;
}

static int
bury_directory(const char *path)
{
    if (is_empty(path))
        return bury(path);
    /* fails, and says why */
    return NEXT(rmdir)(path);
}

WRAP_NAME(link, (const char *from, const char *to), (from, to), NEXT(link)(from, to), POWER_NAME,
          to)
WRAP_NAME(mkdir, (const char *path, mode_t mode), (path, mode), NEXT(mkdir)(path, mode), POWER_NAME,
          path)
WRAP_NAME(unlink, (const char *path), (path), bury(path), POWER_GONE, path)
WRAP_NAME(rmdir, (const char *path), (path), bury_directory(path), POWER_GONE, path)

/* Opening counts where it makes or empties a file. */
static int
open_recorded(int (*next)(const char *, int, ...), const char *path, int flags, mode_t mode)
{
    struct stat st;
    bool counts = power_enter();
    bool was_there = stat(path, &st) == 0;
    int fd = next(path, flags, mode);

    if (counts && fd >= 0 && !was_there)
        put_name(POWER_NAME, NULL, path);
    else if (counts && fd >= 0 && (flags & O_TRUNC))
        put_data(POWER_SIZE, fd, 0, 0, NULL);
    if (counts)
        power_leave();
    return fd;
}

#define WRAP_OPEN(name)                                                                            \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list list;                                                                              \
        mode_t mode;                                                                               \
                                                                                                   \
        va_start(list, flags);                                                                     \
        mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;                                         \
        va_end(list);                                                                              \
        if (!(flags & (O_CREAT | O_TRUNC)))                                                        \
            return NEXT(name)(path, flags, mode);                                                  \
        return open_recorded(NEXT(name), path, flags, mode);                                       \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
