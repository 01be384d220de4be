/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/location.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "store/uri.h"
#include "unit/scratch.h"
#include "unit/unit.h"

#define UUID "c7a5fdbd-edaf-9455-926a-d65c16db1809"
#define DOMAIN "<domain type='qemu'><name>inside</name><uuid>" UUID "</uuid></domain>"

static void
setup(void)
{
    scratch_setup();
    g_unsetenv("LIBVIRT_DEFAULT_URI");
}

static struct domain_location *
find(const char *domain, const char *uri, GError **error)
{
    return domain_location_find(domain, uri, NULL, error);
}

/* PATH relative to the scratch directory. */
static void
assert_path(const char *path, const char *relative)
{
    g_autofree char *want = scratch_path(relative);

    ck_assert_str_eq(path, want);
}

/* --- by path --- */

static const struct by_path {
    const char *domain; /* below the scratch directory */
    const char *xml;
    const char *store;
    const char *state;
} by_paths[] = {
    {"vm.xml", "vm.xml", "vm.snapshots", ".vm.offshot"},
    {"d/vm.xml", "d/vm.xml", "d/vm.snapshots", "d/.vm.offshot"},
    {"d/../vm.xml", "vm.xml", "vm.snapshots", ".vm.offshot"},
    {".//d//vm.xml", "d/vm.xml", "d/vm.snapshots", "d/.vm.offshot"},
    {"link/vm.xml", "d/vm.xml", "d/vm.snapshots", "d/.vm.offshot"},
    {"d/two words.xml", "d/two words.xml", "d/two words.snapshots", "d/.two words.offshot"},
    {"d/a.b.xml", "d/a.b.xml", "d/a.b.snapshots", "d/.a.b.offshot"},
    {"d/plain", "d/plain", "d/plain.snapshots", "d/.plain.offshot"},
    {"d/vm.XML", "d/vm.XML", "d/vm.XML.snapshots", "d/.vm.XML.offshot"},
    {"d/%41\n.xml", "d/%41\n.xml", "d/%41\n.snapshots", "d/.%41\n.offshot"},
};

START_TEST(path_says_where_everything_lies)
{
    const struct by_path *by_path = &by_paths[_i];
    g_autofree char *path = scratch_path(by_path->domain);
    g_autoptr(GError) error = NULL;
    scoped(domain_location) location = NULL;

    scratch_do("mkdir d; ln -s d link");
    scratch_do("touch '%s'", by_path->xml);
    location = find(path, "qemu:///nonsense", &error);
    unit_assert_ok(location != NULL, error);
    assert_path(location->xml, by_path->xml);
    assert_path(location->store, by_path->store);
    assert_path(location->state, by_path->state);
    ck_assert_ptr_null(location->uri);
    ck_assert_ptr_null(location->driver_lock);
    ck_assert_ptr_null(location->managed_save);
}
END_TEST

START_TEST(relative_path_starts_in_the_working_directory)
{
    static const char *const names[] = {"vm.xml", "./vm.xml", "d/../vm.xml"};

    scratch_do("mkdir d; touch vm.xml");
    ck_assert_int_eq(chdir(scratch_directory), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;
        scoped(domain_location) location = find(names[i], NULL, &error);

        unit_assert_ok(location != NULL, error);
        assert_path(location->xml, "vm.xml");
        assert_path(location->state, ".vm.offshot");
    }
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(missing_file_is_not_found)
{
    static const char *const names[] = {"vm.xml", "none/vm.xml", "file/vm.xml"};

    scratch_do("touch file");
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = scratch_path(names[i]);
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(find(path, NULL, &error));
        unit_assert_error(error, OFFSHOT_ERROR_NOT_FOUND, "there is no");
    }
}
END_TEST

START_TEST(store_can_be_elsewhere)
{
    g_autofree char *path = scratch_path("vm.xml");
    g_autofree char *store = scratch_path("where");
    const char *const stores[] = {store, "where"};

    scratch_do("touch vm.xml");
    ck_assert_int_eq(chdir(scratch_directory), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(stores); i++) {
        g_autoptr(GError) error = NULL;
        scoped(domain_location) location = domain_location_find(path, NULL, stores[i], &error);

        unit_assert_ok(location != NULL, error);
        assert_path(location->store, "where");
        assert_path(location->state, ".vm.offshot");
    }
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

/* --- by name --- */

static char *
embed_uri(void)
{
    return g_strdup_printf("qemu:///embed?root=%s", scratch_directory);
}

START_TEST(name_is_looked_up_below_the_root)
{
    g_autofree char *uri = embed_uri();
    g_autoptr(GError) error = NULL;
    scoped(domain_location) location = NULL;

    scratch_do("mkdir -p etc/qemu; echo \"%s\" >etc/qemu/vm.xml", DOMAIN);
    location = find("vm", uri, &error);
    unit_assert_ok(location != NULL, error);
    ck_assert_str_eq(location->uri, uri);
    assert_path(location->xml, "etc/qemu/vm.xml");
    assert_path(location->store, "lib/qemu/snapshot/vm");
    assert_path(location->state, "lib/offshot/qemu/vm");
    assert_path(location->driver_lock, "run/qemu/driver.pid");
    domain_location_set_name(location, "inside", UUID);
    ck_assert_uint_eq(location->pid_files->len, 1);
    assert_path(g_ptr_array_index(location->pid_files, 0), "run/qemu/inside.pid");
    assert_path(location->managed_save, "lib/qemu/save/inside.save");
}
END_TEST

START_TEST(uuid_is_looked_up_among_the_domains)
{
    static const char *const uuids[] = {UUID, "C7A5FDBD-EDAF-9455-926A-D65C16DB1809"};
    g_autofree char *uri = embed_uri();

    scratch_do("mkdir -p etc/qemu; echo nonsense >etc/qemu/aaa.xml; mkdir etc/qemu/b.xml; "
               "echo \"%s\" >etc/qemu/vm.xml; cp etc/qemu/vm.xml etc/qemu/vm.txt",
               DOMAIN);
    for (size_t i = 0; i < G_N_ELEMENTS(uuids); i++) {
        g_autoptr(GError) error = NULL;
        scoped(domain_location) location = find(uuids[i], uri, &error);

        unit_assert_ok(location != NULL, error);
        assert_path(location->xml, "etc/qemu/vm.xml");
        assert_path(location->store, "lib/qemu/snapshot/vm");
    }
}
END_TEST

START_TEST(unknown_name_is_not_found)
{
    static const char *const names[] = {"vm", "none", "00000000-0000-4000-8000-000000000000", " "};
    g_autofree char *uri = embed_uri();

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(find(names[i], uri, &error));
        unit_assert_error(error, OFFSHOT_ERROR_NOT_FOUND, names[i]);
    }
}
END_TEST

/* One of several is not chosen: libvirt itself takes whichever it reads first. */
START_TEST(uuid_that_means_two_domains_is_refused)
{
    static const char *const also[] = {"other", UUID};
    g_autofree char *uri = embed_uri();

    for (size_t i = 0; i < G_N_ELEMENTS(also); i++) {
        g_autoptr(GError) error = NULL;

        scratch_do("rm -rf etc; mkdir -p etc/qemu; echo \"%s\" >etc/qemu/vm.xml", DOMAIN);
        scratch_do("cp etc/qemu/vm.xml 'etc/qemu/%s.xml'", also[i]);
        ck_assert_ptr_null(find(UUID, uri, &error));
        unit_assert_error(error, OFFSHOT_ERROR_USAGE, also[i]);
    }
}
END_TEST

START_TEST(name_that_looks_like_a_uuid_is_found)
{
    static const char *const uuids[] = {"00000000-0000-4000-8000-000000000000", UUID};
    g_autofree char *uri = embed_uri();

    for (size_t i = 0; i < G_N_ELEMENTS(uuids); i++) {
        g_autoptr(GError) error = NULL;
        scoped(domain_location) location = NULL;

        scratch_do("rm -rf etc; mkdir -p etc/qemu; echo \"<domain><name>" UUID "</name><uuid>%s"
                   "</uuid></domain>\" >etc/qemu/" UUID ".xml",
                   uuids[i]);
        location = find(UUID, uri, &error);
        unit_assert_ok(location != NULL, error);
        assert_path(location->xml, "etc/qemu/" UUID ".xml");
    }
}
END_TEST

START_TEST(transient_domain_is_busy_as_long_as_it_runs)
{
    static const char *const names[] = {"vm", UUID, "C7A5FDBD-EDAF-9455-926A-D65C16DB1809"};
    g_autofree char *uri = embed_uri();

    scratch_do("mkdir -p etc/qemu run/qemu; echo \"<domstatus>%s</domstatus>\" >run/qemu/vm.xml",
               DOMAIN);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;

        scratch_do("echo %d >run/qemu/vm.pid", (int)getpid());
        ck_assert_ptr_null(find(names[i], uri, &error));
        unit_assert_error(error, OFFSHOT_ERROR_BUSY, "transient");
        g_clear_error(&error);
        scratch_do("rm run/qemu/vm.pid");
        ck_assert_ptr_null(find(names[i], uri, &error));
        unit_assert_error(error, OFFSHOT_ERROR_NOT_FOUND, names[i]);
    }
}
END_TEST

START_TEST(name_that_cannot_be_one_is_refused)
{
    static const char *const names[] = {"", ".", ".."};
    g_autofree char *uri = embed_uri();

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(find(names[i], uri, &error));
        unit_assert_error(error, OFFSHOT_ERROR_USAGE, "cannot be the name");
    }
}
END_TEST

/* --- URIs --- */

static const struct uri {
    const char *uri;
    const char *config;
    const char *lib;
    const char *state;
} uris[] = {
    {"qemu:///system", "/etc/libvirt/qemu", "/var/lib/libvirt/qemu", "/var/lib/offshot/qemu"},
    {"qemu:///embed?root=/r", "/r/etc/qemu", "/r/lib/qemu", "/r/lib/offshot/qemu"},
    {"qemu:///embed?root=/r/../s/", "/s/etc/qemu", "/s/lib/qemu", "/s/lib/offshot/qemu"},
    {"qemu:///embed?root=/two%20words", "/two words/etc/qemu", "/two words/lib/qemu",
     "/two words/lib/offshot/qemu"},
    {"qemu:///embed?foo=bar&root=/r", "/r/etc/qemu", "/r/lib/qemu", "/r/lib/offshot/qemu"},
    {"qemu:///embed?root=/a=b", "/a=b/etc/qemu", "/a=b/lib/qemu", "/a=b/lib/offshot/qemu"},
};

START_TEST(uri_says_where_libvirt_keeps_things)
{
    const struct uri *uri = &uris[_i];
    g_autoptr(GError) error = NULL;
    scoped(uri_directories) directories = uri_directories_new(uri->uri, &error);

    unit_assert_ok(directories != NULL, error);
    ck_assert_str_eq(directories->uri, uri->uri);
    ck_assert_str_eq(directories->config, uri->config);
    ck_assert_str_eq(directories->lib, uri->lib);
    ck_assert_str_eq(directories->state, uri->state);
}
END_TEST

START_TEST(foreign_uri_is_refused)
{
    static const char *const foreign[] = {
        "qemu:///", "qemu+ssh://host/system", "xen:///system",        "qemu:///embed",
        "system",   "qemu:///embed?root=",    "qemu:///embed?root=r", "qemu:///embed?toor=/r",
        "qemu://",  "qemu:///System",         "qemu:///system?x=y",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++) {
        g_autoptr(GError) error = NULL;

        ck_assert_msg(!uri_directories_new(foreign[i], &error), "%s", foreign[i]);
        unit_assert_error(error, OFFSHOT_ERROR_USAGE, foreign[i]);
    }
}
END_TEST

START_TEST(default_uri_comes_from_the_environment_or_the_user)
{
    const char *by_user = geteuid() == 0 ? "qemu:///system" : "qemu:///session";
    static const char *const values[] = {NULL, "", "qemu:///session", "qemu:///embed?root=/r"};

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        scoped(uri_directories) directories = NULL;

        if (values[i])
            g_setenv("LIBVIRT_DEFAULT_URI", values[i], TRUE);
        directories = uri_directories_new(NULL, NULL);
        ck_assert_ptr_nonnull(directories);
        ck_assert_str_eq(directories->uri, values[i] && *values[i] ? values[i] : by_user);
    }
}
END_TEST

START_TEST(session_lies_in_the_directories_of_the_user)
{
    scoped(uri_directories) directories = NULL;
    g_autofree char *config = scratch_path("config");
    g_autofree char *state = scratch_path("state");
    g_autofree char *run = scratch_path("run");

    /* GLib reads them once per process; this test has its own, unless CK_FORK=no. */
    g_setenv("XDG_CONFIG_HOME", config, TRUE);
    g_setenv("XDG_STATE_HOME", state, TRUE);
    g_setenv("XDG_RUNTIME_DIR", run, TRUE);
    directories = uri_directories_new("qemu:///session", NULL);
    ck_assert_ptr_nonnull(directories);
    assert_path(directories->config, "config/libvirt/qemu");
    assert_path(directories->lib, "config/libvirt/qemu");
    assert_path(directories->state, "state/offshot/qemu");
    assert_path(directories->run, "run/libvirt/qemu/run");
    scratch_do("test -z \"$(ls -A)\"");
}
END_TEST

START_TEST(session_makes_nothing_in_the_home_directory)
{
    scoped(uri_directories) directories = NULL;
    g_autofree char *home = scratch_path("home");

    scratch_do("mkdir home");
    g_setenv("HOME", home, TRUE);
    g_unsetenv("XDG_CONFIG_HOME");
    g_unsetenv("XDG_STATE_HOME");
    g_unsetenv("XDG_RUNTIME_DIR");
    g_unsetenv("XDG_CACHE_HOME");
    directories = uri_directories_new("qemu:///session", NULL);
    ck_assert_ptr_nonnull(directories);
    assert_path(directories->config, "home/.config/libvirt/qemu");
    assert_path(directories->state, "home/.local/state/offshot/qemu");
    scratch_do("test -z \"$(ls -A home)\"");
}
END_TEST

/* --- what must not be --- */

START_TEST(running_daemon_is_seen_by_its_lock)
{
    g_autofree char *uri = embed_uri();
    g_autofree char *pid_file = scratch_path("run/qemu/driver.pid");
    g_autoptr(GError) error = NULL;
    scoped(domain_location) location = NULL;
    int ready[2];
    pid_t child;

    scratch_do("mkdir -p etc/qemu run/qemu; echo \"%s\" >etc/qemu/vm.xml", DOMAIN);
    location = find("vm", uri, &error);
    unit_assert_ok(location != NULL, error);
    unit_assert_ok(domain_location_check_daemon(location, &error), error);
    scratch_do("echo 1 >run/qemu/driver.pid");
    unit_assert_ok(domain_location_check_daemon(location, &error), error);
    /* what cannot be asked is no permission to go on */
    scratch_do("mv run/qemu/driver.pid run/qemu/kept; ln -s driver.pid run/qemu/driver.pid");
    ck_assert(!domain_location_check_daemon(location, &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "cannot tell");
    g_clear_error(&error);
    scratch_do("mv run/qemu/kept run/qemu/driver.pid");
    ck_assert_int_eq(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(pid_file, O_RDWR);

        if (fcntl(fd, F_SETLK, &whole) == 0 && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    ck_assert_int_eq(read(ready[0], (char[1]){0}, 1), 1);
    ck_assert(!domain_location_check_daemon(location, &error));
    unit_assert_error(error, OFFSHOT_ERROR_BUSY, "libvirt daemon");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    unit_assert_ok(domain_location_check_daemon(location, &error), error);
}
END_TEST

START_TEST(running_and_saved_domains_are_seen)
{
    g_autofree char *uri = embed_uri();
    g_autoptr(GError) error = NULL;
    scoped(domain_location) location = NULL;

    scratch_do("mkdir -p etc/qemu run/qemu lib/qemu/save; echo \"%s\" >etc/qemu/vm.xml", DOMAIN);
    location = find("vm", uri, &error);
    unit_assert_ok(location != NULL, error);
    domain_location_set_name(location, "inside", UUID);
    unit_assert_ok(domain_location_check_stopped(location, &error), error);
    unit_assert_ok(domain_location_check_not_saved(location, &error), error);
    scratch_do("echo %d >run/qemu/inside.pid", (int)getpid());
    ck_assert(!domain_location_check_stopped(location, &error));
    unit_assert_error(error, OFFSHOT_ERROR_BUSY, "runs");
    scratch_do("echo 99999999 >run/qemu/inside.pid");
    unit_assert_ok(domain_location_check_stopped(location, &error), error);
    scratch_do("echo nonsense >run/qemu/inside.pid");
    unit_assert_ok(domain_location_check_stopped(location, &error), error);
    scratch_do("touch lib/qemu/save/inside.save");
    ck_assert(!domain_location_check_not_saved(location, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "managed-save");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("location");
    TCase *cases = tcase_create("location");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, scratch_teardown);
    tcase_add_loop_test(cases, path_says_where_everything_lies, 0, G_N_ELEMENTS(by_paths));
    tcase_add_test(cases, relative_path_starts_in_the_working_directory);
    tcase_add_test(cases, missing_file_is_not_found);
    tcase_add_test(cases, store_can_be_elsewhere);
    tcase_add_test(cases, name_is_looked_up_below_the_root);
    tcase_add_test(cases, uuid_is_looked_up_among_the_domains);
    tcase_add_test(cases, unknown_name_is_not_found);
    tcase_add_test(cases, uuid_that_means_two_domains_is_refused);
    tcase_add_test(cases, name_that_looks_like_a_uuid_is_found);
    tcase_add_test(cases, transient_domain_is_busy_as_long_as_it_runs);
    tcase_add_test(cases, name_that_cannot_be_one_is_refused);
    tcase_add_loop_test(cases, uri_says_where_libvirt_keeps_things, 0, G_N_ELEMENTS(uris));
    tcase_add_test(cases, foreign_uri_is_refused);
    tcase_add_test(cases, default_uri_comes_from_the_environment_or_the_user);
    tcase_add_test(cases, session_lies_in_the_directories_of_the_user);
    tcase_add_test(cases, session_makes_nothing_in_the_home_directory);
    tcase_add_test(cases, running_daemon_is_seen_by_its_lock);
    tcase_add_test(cases, running_and_saved_domains_are_seen);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
