/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For a shim that is preloaded into offshot: what tells it what to do goes on to all programs
 * below, although offshot clears the environment of its children. execve() is wrapped.
 */

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define SHIM_ENVIRONMENT_MAX 1024

/* Whether WORD of the environment is one of a shim. */
static bool
shim_word(const char *word)
{
    static const char *const begins[] = {"LD_PRELOAD=", "FAULT_", "POWER_"};

    for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
        if (strncmp(word, begins[i], strlen(begins[i])) == 0)
            return true;
    }
    return false;
}

/* Whether the COUNT words of LIST set the variable that WORD sets. */
static bool
shim_sets(char *const *list, size_t count, const char *word)
{
    size_t length = strcspn(word, "=") + 1;

    for (size_t i = 0; i < count; i++) {
        if (strncmp(list[i], word, length) == 0)
            return true;
    }
    return false;
}

int
execve(const char *path, char *const argv[], char *const envp[])
{
    __typeof__(&execve) next = (__typeof__(&execve))dlsym(RTLD_NEXT, "execve");
    char *list[SHIM_ENVIRONMENT_MAX + 1] = {NULL};
    size_t count = 0;

    for (; envp[count] && count < SHIM_ENVIRONMENT_MAX; count++)
        list[count] = envp[count];
    for (char **word = environ; *word && count < SHIM_ENVIRONMENT_MAX; word++) {
        if (shim_word(*word) && !shim_sets(list, count, *word))
            list[count++] = *word;
    }
    return next(path, argv, list);
}
