/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/scratch.h"
#include "unit/unit.h"
#include "util/child.h"
#include "util/error.h"
#include "util/landlock.h"
#include "util/sandbox.h"
#include "util/scope.h"

/* What each attempt finds in the scratch directory: files "read", "write" and "other", directories
 * "tree" (with a file "inside") and "away", and who listens, where.
 */
static struct sockaddr_in tcp_address;
static struct sockaddr_un abstract_address;
static socklen_t abstract_length;
static int held; /* "other", opened before */

static int
opened(const char *name, int flags)
{
    scoped_fd fd = open(name, flags | O_CLOEXEC, 0600);

    return fd < 0 ? errno : 0;
}

static int
read_granted(void)
{
    return opened("read", O_RDONLY);
}

static int
write_readable(void)
{
    return opened("read", O_RDWR);
}

static int
write_granted(void)
{
    return opened("write", O_RDWR | O_TRUNC);
}

static int
read_inside(void)
{
    return opened("tree/inside", O_RDONLY);
}

static int
read_link(void)
{
    return opened("link-to-read", O_RDONLY);
}

static int
read_link_to_other(void)
{
    return opened("link-to-other", O_RDONLY);
}

static int
read_other(void)
{
    return opened("other", O_RDONLY);
}

static int
read_other_anew(void)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", held);

    return opened(name, O_RDONLY);
}

static int
read_through_parent(void)
{
    g_autofree char *name = g_strdup_printf("/proc/%d/fd/%d", (int)getppid(), held);

    return opened(name, O_RDONLY);
}

static int
read_held(void)
{
    char byte;

    return pread(held, &byte, 1, 0) == 1 ? 0 : errno;
}

static int
list_directory(void)
{
    return opened("away", O_RDONLY | O_DIRECTORY);
}

static int
make_file(void)
{
    return opened("new", O_WRONLY | O_CREAT);
}

static int
make_directory(void)
{
    return mkdir("tree/new", 0700) == 0 ? 0 : errno;
}

static int
remove_granted(void)
{
    return unlink("write") == 0 ? 0 : errno;
}

static int
move_granted(void)
{
    return rename("write", "away/write") == 0 ? 0 : errno;
}

static int
cut_readable(void)
{
    return truncate("read", 0) == 0 ? 0 : errno;
}

static int
run_other(void)
{
    execl("/usr/bin/env", "env", NULL);
    return errno;
}

static int
connect_tcp(void)
{
    scoped_fd fd = socket(AF_INET, SOCK_STREAM, 0);

    return connect(fd, (struct sockaddr *)&tcp_address, sizeof(tcp_address)) == 0 ? 0 : errno;
}

static int
bind_tcp(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    scoped_fd fd = socket(AF_INET, SOCK_STREAM, 0);

    return bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0 ? 0 : errno;
}

static int
connect_abstract(void)
{
    scoped_fd fd = socket(AF_UNIX, SOCK_STREAM, 0);

    return connect(fd, (struct sockaddr *)&abstract_address, abstract_length) == 0 ? 0 : errno;
}

static int
signal_parent(void)
{
    return kill(getppid(), 0) == 0 ? 0 : errno;
}

static const struct attempt {
    const char *what;
    int (*make)(void);
    int outcome; /* errno in the sandbox; 0: it is granted */
    int abi;     /* from which version on */
} attempts[] = {
    {"read what is granted for reading", read_granted, 0, 1},
    {"write what is granted for reading", write_readable, EACCES, 1},
    {"write what is granted for writing", write_granted, 0, 1},
    {"read below a granted directory", read_inside, 0, 1},
    {"read a granted file through a link", read_link, 0, 1},
    {"read another file through a link", read_link_to_other, EACCES, 1},
    {"read another file", read_other, EACCES, 1},
    {"open anew a descriptor of another file", read_other_anew, EACCES, 1},
    {"open a descriptor of the parent", read_through_parent, EACCES, 1},
    {"read a descriptor that was open before", read_held, 0, 1},
    {"list a directory", list_directory, EACCES, 1},
    {"make a file", make_file, EACCES, 1},
    {"make a directory", make_directory, EACCES, 1},
    {"remove a granted file", remove_granted, EACCES, 1},
    {"rename a granted file", move_granted, EACCES, 2},
    {"cut a readable file", cut_readable, EACCES, 3},
    {"run another program", run_other, EACCES, 1},
    {"connect to TCP", connect_tcp, EACCES, 4},
    {"bind TCP", bind_tcp, EACCES, 4},
    {"connect to an abstract socket", connect_abstract, EPERM, 6},
    {"signal the parent", signal_parent, EPERM, 6},
};

static int
listen_tcp(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof(tcp_address);

    tcp_address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&tcp_address, length), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&tcp_address, &length), 0);
    return fd;
}

static int
listen_abstract(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int length = snprintf(abstract_address.sun_path + 1, sizeof(abstract_address.sun_path) - 1,
                          "offshot-test-%d", (int)getpid());

    abstract_address.sun_family = AF_UNIX;
    abstract_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&abstract_address, abstract_length), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

/* Make ATTEMPT in a process of its own, held to RULESET unless that is -1. Returns its errno. */
static int
outcome_of(const struct attempt *attempt, int ruleset)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(ruleset < 0 || landlock_enter(ruleset) ? attempt->make() : 255);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
setup(void)
{
    scratch_setup();
    ck_assert_int_eq(chdir(scratch_directory), 0);
    scratch_do("mkdir tree away; for name in read write other tree/inside; do echo x >$name; done;"
               "ln -s read link-to-read; ln -s other link-to-other");
    held = open("other", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(held, 0);
}

START_TEST(only_what_is_listed_is_granted)
{
    const struct attempt *attempt = &attempts[_i];
    scoped(sandbox) sandbox = sandbox_new();
    scoped_fd tcp = listen_tcp();
    scoped_fd abstract = listen_abstract();
    g_autoptr(GError) error = NULL;
    scoped_fd ruleset = -1;

    if (sandbox_version() < attempt->abi)
        return;
    sandbox_allow(sandbox, "read", SANDBOX_READ);
    sandbox_allow(sandbox, "write", SANDBOX_WRITE);
    sandbox_allow(sandbox, "tree", SANDBOX_READ);
    sandbox_allow(sandbox, "not-there", SANDBOX_WRITE);
    ruleset = sandbox_open(sandbox, "/bin/true", &error);
    unit_assert_ok(ruleset >= 0, error);
    ck_assert_msg(outcome_of(attempt, ruleset) == attempt->outcome, "%s: in the sandbox",
                  attempt->what);
    ck_assert_msg(outcome_of(attempt, -1) == 0, "%s: without a sandbox", attempt->what);
    ck_assert(tcp >= 0 && abstract >= 0);
}
END_TEST

START_TEST(the_greater_access_remains)
{
    scoped(sandbox) sandbox = sandbox_new();

    sandbox_allow(NULL, "a", SANDBOX_READ);
    ck_assert(!sandbox_allows(NULL, "a", SANDBOX_READ));
    sandbox_allow(sandbox, "a", SANDBOX_READ);
    ck_assert(sandbox_allows(sandbox, "a", SANDBOX_READ));
    ck_assert(!sandbox_allows(sandbox, "a", SANDBOX_WRITE));
    sandbox_allow(sandbox, "a", SANDBOX_WRITE);
    sandbox_allow(sandbox, "a", SANDBOX_READ);
    ck_assert(sandbox_allows(sandbox, "a", SANDBOX_WRITE));
    ck_assert(!sandbox_allows(sandbox, "b", SANDBOX_READ));
}
END_TEST

START_TEST(a_file_is_allowed_by_one_of_its_names)
{
    scoped(sandbox) sandbox = sandbox_new();

    sandbox_allow(sandbox, "a", SANDBOX_WRITE);
    sandbox_rename(sandbox, "a", "b");
    sandbox_rename(sandbox, "not-there", "c");
    sandbox_rename(NULL, "a", "b");
    ck_assert(!sandbox_allows(sandbox, "a", SANDBOX_READ));
    ck_assert(sandbox_allows(sandbox, "b", SANDBOX_WRITE));
    ck_assert(!sandbox_allows(sandbox, "c", SANDBOX_READ));
}
END_TEST

/* A version that knows less still takes the ruleset. */
START_TEST(each_version_makes_a_ruleset)
{
    for (int abi = 1; abi <= sandbox_version(); abi++) {
        scoped_fd ruleset = landlock_ruleset_new(abi);

        ck_assert_int_ge(ruleset, 0);
        ck_assert(fcntl(ruleset, F_GETFD) & FD_CLOEXEC);
        ck_assert(landlock_ruleset_grant(ruleset, abi, held, ~UINT64_C(0)));
    }
}
END_TEST

/* Run ARGV as qemu-img is run; what it said on stderr is checked, and whether it succeeded. */
static void
assert_child(char *const *argv, const struct sandbox *sandbox, const char *complaint)
{
    struct child child = {.argv = (char **)argv, .sandbox = sandbox};
    struct child *children[] = {&child};
    g_autoptr(GError) error = NULL;

    unit_assert_ok(child_set_sandbox(SANDBOX_REQUIRE, &error), error);
    unit_assert_ok(child_run(children, 1, 1, &error), error);
    if (child_check(&child, &error))
        ck_assert_msg(!complaint, "it succeeded: %s", argv[0]);
    else
        ck_assert_msg(complaint && strstr(error->message, complaint), "%s", error->message);
    child_clear(&child);
    ck_assert(child_set_sandbox(SANDBOX_OFF, NULL));
}

START_TEST(a_script_runs_programs_and_a_binary_does_not)
{
    g_autofree char *script = scratch_path("script");
    char *words[] = {script, NULL};

    scratch_do("printf '#!/bin/sh\\nenv >/dev/null\\n' >script; chmod +x script");
    assert_child(words, NULL, NULL);
    scratch_do("printf '#!/bin/sh\\nrm -f write\\n' >script; chmod +x script");
    assert_child(words, NULL, "Permission denied");
    assert_child((char *[]){(char *)"/bin/sh", (char *)"-c", (char *)"env", NULL}, NULL,
                 "Permission denied");
    assert_child((char *[]){(char *)"offshot-no-such-program", NULL}, NULL, "not installed");
}
END_TEST

/* Enter sandboxes that deny no file until no more can be entered. */
static void
enter_all(void)
{
    int abi = sandbox_version();
    scoped_fd root = open("/", O_PATH | O_CLOEXEC);
    bool entered = true;

    while (entered) {
        scoped_fd ruleset = landlock_ruleset_new(abi);

        entered =
            landlock_ruleset_grant(ruleset, abi, root, ~UINT64_C(0)) && landlock_enter(ruleset);
    }
}

/* What comes of it in a process that is inside as many sandboxes as there can be; 0: all is well.
 */
static int
run_inside_all(void)
{
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"cat other >/dev/null", NULL};
    struct child child = {.argv = argv};
    struct child *children[] = {&child};
    g_autoptr(GError) error = NULL;

    if (sandbox_try() != 0)
        return 1;
    enter_all();
    if (sandbox_try() != E2BIG)
        return 2;
    if (child_set_sandbox(SANDBOX_REQUIRE, &error) ||
        !g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED))
        return 3;
    if (!child_set_sandbox(SANDBOX_AUTO, NULL))
        return 4;
    return child_run(children, 1, 1, NULL) && child_check(&child, NULL) ? 0 : 5;
}

START_TEST(where_no_more_can_be_entered_auto_goes_on_and_require_refuses)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(run_inside_all());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(sandbox_try(), 0);
}
END_TEST

/* Were such a header ever to come past our own reading of it. */
START_TEST(a_backing_string_does_not_lead_out)
{
    g_autofree char *top = scratch_path("top");
    g_autofree char *secret = scratch_path("other");
    g_autofree char *copy = scratch_path("copy");
    char *argv[] = {(char *)"qemu-img",
                    (char *)"convert",
                    (char *)"-f",
                    (char *)"qcow2",
                    (char *)"-O",
                    (char *)"raw",
                    top,
                    copy,
                    NULL};
    scoped(sandbox) sandbox = sandbox_new();

    scratch_do("qemu-img create -q -u -f qcow2 -F raw -b '%s' top 64k; : >copy", secret);
    sandbox_allow(sandbox, top, SANDBOX_READ);
    sandbox_allow(sandbox, copy, SANDBOX_WRITE);
    assert_child(argv, sandbox, "Permission denied");
    sandbox_allow(sandbox, secret, SANDBOX_READ);
    assert_child(argv, sandbox, NULL);
}
END_TEST

int
main(void)
{
    Suite *suite;
    TCase *cases;

    if (sandbox_version() == 0) {
        printf("SKIP: the kernel has no Landlock\n");
        return 77;
    }
    suite = suite_create("sandbox");
    cases = tcase_create("sandbox");
    tcase_add_checked_fixture(cases, setup, scratch_teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, only_what_is_listed_is_granted, 0, G_N_ELEMENTS(attempts));
    tcase_add_test(cases, the_greater_access_remains);
    tcase_add_test(cases, a_file_is_allowed_by_one_of_its_names);
    tcase_add_test(cases, each_version_makes_a_ruleset);
    tcase_add_test(cases, where_no_more_can_be_entered_auto_goes_on_and_require_refuses);
    tcase_add_test(cases, a_script_runs_programs_and_a_binary_does_not);
    if (scratch_has("qemu-img"))
        tcase_add_test(cases, a_backing_string_does_not_lead_out);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
