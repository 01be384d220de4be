/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on all architectures. */
#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446

#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH 1

/* With a size given, kernels that know less than this take it as long as the rest is zero. */
struct ruleset_attributes {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

struct path_beneath {
    uint64_t rights;
    int32_t fd;
} __attribute__((packed));

/* What a version can deny; each can deny all that earlier ones can. */
static const struct {
    int abi;
    struct ruleset_attributes denied;
} versions[] = {
    {1, {.files = (1 << 13) - 1}}, /* reading, writing, running, making, removing */
    {2, {.files = 1 << 13}},       /* moving between directories */
    {3, {.files = LANDLOCK_TRUNCATE}},
    {4, {.network = 3}}, /* TCP: bind, connect */
    {5, {.files = LANDLOCK_IOCTL_DEVICE}},
    {6, {.scopes = 3}}, /* abstract sockets, signals */
};

/* What can be granted to something that is no directory. */
#define FILE_RIGHTS                                                                                \
    (LANDLOCK_EXECUTE | LANDLOCK_WRITE | LANDLOCK_READ | LANDLOCK_TRUNCATE | LANDLOCK_IOCTL_DEVICE)

static struct ruleset_attributes
denied_by(int abi)
{
    struct ruleset_attributes all = {0};

    for (size_t i = 0; i < sizeof(versions) / sizeof(*versions) && versions[i].abi <= abi; i++) {
        all.files |= versions[i].denied.files;
        all.network |= versions[i].denied.network;
        all.scopes |= versions[i].denied.scopes;
    }
    return all;
}

int
landlock_abi(void)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);

    return abi > 0 ? (int)abi : 0;
}

int
landlock_ruleset_new(int abi)
{
    struct ruleset_attributes attributes = denied_by(abi);

    return (int)syscall(CREATE_RULESET, &attributes, sizeof(attributes), 0);
}

bool
landlock_ruleset_grant(int ruleset, int abi, int fd, uint64_t rights)
{
    struct path_beneath rule = {.rights = rights & denied_by(abi).files, .fd = fd};
    struct stat st;

    if (fstat(fd, &st) < 0)
        return false;
    if (!S_ISDIR(st.st_mode))
        rule.rights &= FILE_RIGHTS;
    return syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0 || errno == EBADFD;
}

bool
landlock_enter(int ruleset)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(RESTRICT_SELF, ruleset, 0) == 0;
}
