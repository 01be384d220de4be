/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/graph.h"
#include "unit/qemu-io.h"
#include "unit/scratch.h"
#include "unit/unit.h"
#include "util/error.h"

static const struct image_format *
format_of(const char *name)
{
    return image_format_find_qemu(name);
}

/* Walk NAME of the scratch directory. */
static const struct image *
walk(struct image_graph *graph, const char *name, const char *format, GError **error)
{
    g_autofree char *path = scratch_path(name);

    return image_graph_walk(graph, path, format_of(format), error);
}

static const struct image *
walk_good(struct image_graph *graph, const char *name, const char *format)
{
    g_autoptr(GError) error = NULL;
    const struct image *image = walk(graph, name, format, &error);

    ck_assert_msg(image != NULL, "%s", error ? error->message : "");
    return image;
}

/* Walking NAME in a graph of its own fails with CODE and a message that holds WORD. */
static void
walk_bad(const char *name, const char *format, int code, const char *word)
{
    scoped(image_graph) graph = image_graph_new();
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(walk(graph, name, format, &error));
    ck_assert_msg(g_error_matches(error, OFFSHOT_ERROR, code) && strstr(error->message, word),
                  "code %d: %s", error->code, error->message);
}

static void
put_be(uint8_t *data, size_t offset, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++)
        data[offset + width - 1 - i] = (uint8_t)(value >> 8 * i);
}

/* Write a qcow2 header of 1 GiB as NAME: on BACKING, named at OFFSET, of format "qcow2". A chain of
 * such files is made in no time.
 */
static void
write_qcow2(const char *name, const char *backing, size_t offset)
{
    g_autofree uint8_t *data = g_malloc0(65536);
    g_autofree char *path = scratch_path(name);

    memcpy(data, "QFI\xfb", 4);
    put_be(data, 4, 4, 3);
    put_be(data, 20, 4, 16);
    put_be(data, 24, 8, UINT64_C(1) << 30);
    put_be(data, 36, 4, 2);
    put_be(data, 40, 8, 65536);
    put_be(data, 48, 8, 65536);
    put_be(data, 56, 4, 1);
    put_be(data, 96, 4, 4);
    put_be(data, 100, 4, 112);
    if (backing) {
        put_be(data, 8, 8, offset);
        put_be(data, 16, 4, strlen(backing));
        memcpy(data + offset, backing, strlen(backing));
        put_be(data, 112, 4, 0xe2792aca);
        put_be(data, 116, 4, 5);
        memcpy(data + 120, "qcow2", 5);
    }
    ck_assert(g_file_set_contents(path, (char *)data, 65536, NULL));
}

/* Images PREFIX1 (the base) to PREFIXn, each on the one before. */
static void
write_chain(const char *prefix, unsigned layers)
{
    for (unsigned i = 1; i <= layers; i++) {
        g_autofree char *name = g_strdup_printf("%s%u", prefix, i);
        g_autofree char *below = g_strdup_printf("%s%u", prefix, i - 1);

        write_qcow2(name, i == 1 ? NULL : below, 200);
    }
}

START_TEST(chain_is_walked_to_its_base)
{
    scoped(image_graph) graph = image_graph_new();
    const struct image *top, *middle, *base;

    scratch_do("qemu-img create -q -f raw base 1M;"
               "qemu-img create -q -f qcow2 -o cluster_size=4k -b base -F raw middle;"
               "qemu-img create -q -f qcow2 -b $PWD/middle -F qcow2 top 5M");
    top = walk_good(graph, "top", "qcow2");
    middle = top->backing;
    base = middle->backing;
    ck_assert_uint_eq(top->depth, 3);
    ck_assert_uint_eq(top->size, 5 << 20);
    ck_assert_uint_eq(middle->header.cluster_size, 4096);
    ck_assert_uint_eq(base->size, 1 << 20);
    ck_assert_uint_eq(base->depth, 1);
    ck_assert_str_eq(base->format->qemu, "raw");
    ck_assert_str_eq(base->looks_like, "raw");
    ck_assert_ptr_null(base->backing);
    ck_assert(image_stands_on(top, top) && image_stands_on(top, base));
    ck_assert(!image_stands_on(base, top));
    ck_assert(!top->symlink && !top->block);
}
END_TEST

START_TEST(shared_base_is_one_image)
{
    scoped(image_graph) graph = image_graph_new();
    g_autofree char *link = NULL;
    const struct image *one, *other;

    write_qcow2("base", NULL, 0);
    write_qcow2("one", "base", 200);
    write_qcow2("other", "./linked", 200);
    scratch_do("ln base linked; ln -s one link");
    one = walk_good(graph, "one", "qcow2");
    other = walk_good(graph, "other", "qcow2");
    link = scratch_path("link");
    ck_assert_ptr_eq(one->backing, other->backing);
    ck_assert_uint_eq(other->depth, 2);
    ck_assert_ptr_eq(image_graph_find(graph, link), one);
    ck_assert_ptr_eq(walk_good(graph, "link", "qcow2"), one);
    ck_assert_ptr_null(image_graph_find(graph, "/nonexistent"));
    ck_assert_ptr_null(image_graph_find(graph, scratch_directory));
}
END_TEST

START_TEST(relative_link_starts_at_the_symbolic_link_as_for_qemu)
{
    scoped(image_graph) graph = image_graph_new();
    const struct image *top;

    scratch_do("mkdir a b;"
               "qemu-img create -q -f qcow2 a/base 1M; qemu-img create -q -f qcow2 b/base 2M;"
               "qemu-img create -q -f qcow2 -u -b base -F qcow2 a/top 1M; ln -s ../a/top b/top;"
               "qemu-img info --backing-chain -f qcow2 b/top | grep -q '^image: b/base'");
    top = walk_good(graph, "b/top", "qcow2");
    ck_assert(top->symlink);
    ck_assert_uint_eq(top->backing->size, 2 << 20);
}
END_TEST

START_TEST(loops_are_found)
{
    write_qcow2("self", "self", 200);
    write_qcow2("a", "b", 200);
    write_qcow2("b", "c", 200);
    write_qcow2("c", "link", 200);
    scratch_do("ln -s b link");
    walk_bad("self", "qcow2", OFFSHOT_ERROR_INCONSISTENT, "loops");
    walk_bad("a", "qcow2", OFFSHOT_ERROR_INCONSISTENT, "loops");
}
END_TEST

START_TEST(chains_up_to_the_limit_are_walked)
{
    scoped(image_graph) graph = image_graph_new();
    g_autoptr(GError) error = NULL;

    write_chain("i", IMAGE_CHAIN_MAX + 1);
    walk_bad("i201", "qcow2", OFFSHOT_ERROR_REFUSED, "more than 200 layers");
    ck_assert_uint_eq(walk_good(graph, "i200", "qcow2")->depth, IMAGE_CHAIN_MAX);
    ck_assert_ptr_null(walk(graph, "i201", "qcow2", &error));
    ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED));
    ck_assert_uint_eq(walk_good(graph, "i200", "qcow2")->depth, IMAGE_CHAIN_MAX);
}
END_TEST

START_TEST(failed_walk_leaves_nothing_behind)
{
    scoped(image_graph) graph = image_graph_new();
    g_autofree char *path = scratch_path("top");
    g_autoptr(GError) error = NULL;

    write_qcow2("top", "base", 200);
    ck_assert_ptr_null(walk(graph, "top", "qcow2", &error));
    ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT));
    ck_assert_ptr_nonnull(strstr(error->message, "base' does not exist"));
    ck_assert_ptr_null(image_graph_find(graph, path));
    write_qcow2("base", NULL, 0);
    ck_assert_uint_eq(walk_good(graph, "top", "qcow2")->depth, 2);
}
END_TEST

START_TEST(one_image_has_one_format)
{
    scoped(image_graph) graph = image_graph_new();
    g_autoptr(GError) error = NULL;

    write_qcow2("image", NULL, 0);
    ck_assert_str_eq(walk_good(graph, "image", "raw")->looks_like, "qcow2");
    ck_assert_ptr_null(walk(graph, "image", "qcow2", &error));
    ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT));
}
END_TEST

static const struct bad_case {
    const char *script; /* makes "top" */
    const char *format;
    int code;
    const char *word;
} bad_cases[] = {
    {"true", "qcow2", OFFSHOT_ERROR_INCONSISTENT, "does not exist"},
    {"ln -s top top", "qcow2", OFFSHOT_ERROR_INCONSISTENT, "leads nowhere"},
    {"ln -s nowhere top", "qcow2", OFFSHOT_ERROR_INCONSISTENT, "does not exist"},
    {"mkfifo top", "raw", OFFSHOT_ERROR_REFUSED, "neither a file nor a block device"},
    {"mkdir top", "raw", OFFSHOT_ERROR_REFUSED, "neither a file nor a block device"},
    {"ln -s /dev/zero top", "raw", OFFSHOT_ERROR_REFUSED, "neither a file nor a block device"},
    {"mkfifo fifo; qemu-img create -q -f qcow2 -u -b fifo -F raw top 1M", "qcow2",
     OFFSHOT_ERROR_REFUSED, "neither a file nor a block device"},
    {"head -c 1M /dev/zero >top", "qcow2", OFFSHOT_ERROR_INCONSISTENT, "not a qcow2 image"},
    {": >top", "qcow2", OFFSHOT_ERROR_INCONSISTENT, "not a qcow2 image"},
    {": >top", "vdi", OFFSHOT_ERROR_INCONSISTENT, "qemu-img info"},
    {"qemu-img create -q -f qcow2 top 1M", "vdi", OFFSHOT_ERROR_INCONSISTENT, "looks like qcow2"},
    {"qemu-img create -q -f qcow2 top 1M", "qed", OFFSHOT_ERROR_INCONSISTENT, "not a qed image"},
    {"qemu-img create -q -f qcow2 -u -b nbd://h/x -F raw top 1M", "qcow2", OFFSHOT_ERROR_REFUSED,
     "nbd://h/x"},
    {"qemu-img create -q -f qcow2 -u -b 'json:{\"driver\":\"null-co\"}' -F raw top 1M", "qcow2",
     OFFSHOT_ERROR_REFUSED, "json:"},
    {"qemu-img create -q -f qcow2 -u -b base -F luks top 1M", "qcow2", OFFSHOT_ERROR_REFUSED,
     "'luks'"},
    {"qemu-img create -q -f qcow2 base 1M; qemu-img create -q -f qcow2 -b base -F qcow2 top;"
     "qemu-img rebase -u -f qcow2 -b base top 2>/dev/null ||"
     "printf '\\0\\0\\0\\0' | dd of=top bs=1 seek=112 conv=notrunc 2>/dev/null",
     "qcow2", OFFSHOT_ERROR_REFUSED, "rebase -u -F"},
    {"qemu-img create -q -f raw base 1M; qemu-img create -q -f qed -b base -F qed -u top 1M", "qed",
     OFFSHOT_ERROR_REFUSED, "looks like raw"},
    {"qemu-img create -q -f qcow2 -o data_file=data top 1M", "qcow2", OFFSHOT_ERROR_REFUSED,
     "data_file"},
    {"qemu-img create -q -f qcow2 -o data_file=data base 1M;"
     "qemu-img create -q -f qcow2 -u -b base -F qcow2 top 1M",
     "qcow2", OFFSHOT_ERROR_REFUSED, "data_file"},
    {"qemu-img create -q -f vmdk -o subformat=monolithicFlat top 1M", "vmdk", OFFSHOT_ERROR_REFUSED,
     "other files"},
    {"qemu-img create -q -f vmdk a 1M; qemu-img create -q -f vmdk -b a -F vmdk top", "vmdk",
     OFFSHOT_ERROR_REFUSED, "a parent"},
};

START_TEST(what_cannot_be_trusted_is_refused)
{
    const struct bad_case *one = &bad_cases[_i];

    scratch_do("%s", one->script);
    walk_bad("top", one->format, one->code, one->word);
}
END_TEST

START_TEST(link_without_format_is_guessed_where_the_format_cannot_say_it)
{
    scoped(image_graph) graph = image_graph_new();

    scratch_do("qemu-img create -q -f qcow2 base 1M;"
               "qemu-img create -q -f qed -u -b base -F qcow2 top 1M;"
               "qemu-img create -q -f qcow -u -b base -F qcow2 other 1M");
    ck_assert_str_eq(walk_good(graph, "top", "qed")->backing->format->qemu, "qcow2");
    ck_assert_uint_eq(walk_good(graph, "other", "qcow")->depth, 2);
}
END_TEST

/* Sizes as qemu-img tells them. */
static const struct size_case {
    const char *format;
    const char *script; /* makes "image" */
} size_cases[] = {
    {"raw", "truncate -s 1000 image"},
    {"raw", ": >image"},
    {"raw", "truncate -s 1025 image"},
    {"vdi", "qemu-img create -q -f vdi image 3M"},
    {"vpc", "qemu-img create -q -f vpc image 3M"},
    {"vpc", "qemu-img create -q -f vpc -o subformat=fixed image 3M"},
    {"vhdx", "qemu-img create -q -f vhdx image 3M"},
    {"parallels", "qemu-img create -q -f parallels image 3M"},
    {"vmdk", "qemu-img create -q -f vmdk image 3M"},
};

START_TEST(sizes_are_as_qemu_img_tells_them)
{
    const struct size_case *one = &size_cases[_i];
    scoped(image_graph) graph = image_graph_new();
    g_autofree char *script = NULL;
    g_autofree char *said = NULL;

    script = g_strdup_printf("qemu-img info --output=json -f %s image | "
                             "sed -n 's/.*\"virtual-size\": \\([0-9]*\\).*/\\1/p' | tail -n1",
                             one->format);
    scratch_do("%s", one->script);
    said = scratch_run(script);
    ck_assert_uint_eq(walk_good(graph, "image", one->format)->size,
                      g_ascii_strtoull(said, NULL, 10));
}
END_TEST

START_TEST(header_may_reach_beyond_the_first_read)
{
    scoped(image_graph) graph = image_graph_new();

    write_qcow2("base", NULL, 0);
    write_qcow2("far", "base", 60000);
    write_qcow2("across", "base", 4094);
    ck_assert_uint_eq(walk_good(graph, "far", "qcow2")->depth, 2);
    ck_assert_uint_eq(walk_good(graph, "across", "qcow2")->depth, 2);
}
END_TEST

/* Things that happen to an image after it was looked at. */
static const struct change {
    const char *script;
    bool noticed;
} changes[] = {
    {"true", false},
    {"cat image >/dev/null", false},
    {"sleep 0.02; printf x | dd of=image conv=notrunc 2>/dev/null", true},
    {"truncate -s +1 image", true},
    {"cp image copy; mv copy image", true},
    {"rm image", true},
    {"rm image; mkfifo image", true},
};

START_TEST(opening_notices_changes)
{
    scoped(image_graph) graph = image_graph_new();
    const struct image *image;
    g_autoptr(GError) error = NULL;
    int fd;

    write_qcow2("image", NULL, 0);
    image = walk_good(graph, "image", "qcow2");
    scratch_do("%s", changes[_i].script);
    fd = image_open(image, &error);
    ck_assert_int_eq(fd < 0, changes[_i].noticed);
    if (fd < 0) {
        ck_assert_int_eq(error->code, strstr(changes[_i].script, "mkfifo")
                                          ? OFFSHOT_ERROR_REFUSED
                                          : OFFSHOT_ERROR_INCONSISTENT);
        return;
    }
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}
END_TEST

static const struct use_case {
    const char *name;
    const char *format;
    bool readonly;
    bool busy;
} uses[] = {
    {"top", "qcow2", false, true},
    {"top", "qcow2", true, true},
    {"base", "raw", false, true},
    {"base", "raw", true, false},
};

START_TEST(users_of_the_chain_are_seen)
{
    const struct use_case *use = &uses[_i];
    scoped(image_graph) graph = image_graph_new();
    g_autofree char *path = scratch_path(use->name);
    const struct image *top;
    struct qemu_io process;
    g_autoptr(GError) error = NULL;
    bool unused;

    scratch_do("qemu-img create -q -f raw base 1M; qemu-img create -q -f qcow2 -b base -F raw top");
    top = walk_good(graph, "top", "qcow2");
    ck_assert(image_check_unused(top, NULL));
    qemu_io_open(&process, path, use->format, use->readonly);
    unused = image_check_unused(top, &error);
    qemu_io_close(&process);
    ck_assert_int_eq(unused, !use->busy);
    if (!unused)
        ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY));
}
END_TEST

START_TEST(block_device_is_known_by_its_number)
{
    scoped(image_graph) graph = image_graph_new();
    g_autofree char *device =
        scratch_run("truncate -s 3M file; losetup -f --show file 2>&1 || true");
    g_autofree char *node = scratch_path("node");
    const struct image *image;
    g_autofree char *detach = NULL;

    g_strchomp(device);
    if (!g_str_has_prefix(device, "/dev/")) {
        printf("SKIP: no loop device: %s\n", device);
        return;
    }
    scratch_do("mknod node b $(stat -c '0x%%t 0x%%T' %s)", device);
    image = image_graph_walk(graph, device, format_of("raw"), NULL);
    detach = g_strdup_printf("losetup -d %s", device);
    scratch_do("%s", detach);
    ck_assert_ptr_nonnull(image);
    ck_assert(image->block);
    ck_assert_uint_eq(image->size, 3 << 20);
    ck_assert_uint_eq(image->identity.size, 3 << 20);
    ck_assert_ptr_eq(image_graph_find(graph, node), image);
}
END_TEST

START_TEST(files_are_told_by_birth_and_by_the_space_they_take)
{
    scoped(image_graph) graph = image_graph_new();
    g_autoptr(GPtrArray) all = NULL;
    const struct image *top;

    scratch_do(
        "dd if=/dev/urandom of=base bs=64k count=4 2>/dev/null; truncate -s 1G base; sync base;"
        "qemu-img create -q -f qcow2 -b base -F raw top");
    all = image_graph_all(graph);
    ck_assert_uint_eq(all->len, 0);
    g_ptr_array_unref(all);
    top = walk_good(graph, "top", "qcow2");
    all = image_graph_all(graph);
    ck_assert_uint_eq(all->len, 2);
    ck_assert(g_ptr_array_find(all, top, NULL) && g_ptr_array_find(all, top->backing, NULL));
    ck_assert_uint_ge(top->backing->allocated, 256 << 10);
    ck_assert_uint_lt(top->backing->allocated, 64 << 20);
    for (const struct image *image = top; image; image = image->backing) {
        struct file_identity identity = {0};

        file_identity_add_birth(&identity, -1, image->path);
        ck_assert_int_eq(image->identity.birth, identity.birth);
        ck_assert(image->writable);
    }
}
END_TEST

START_TEST(what_may_not_be_written_is_seen)
{
    scoped(image_graph) graph = image_graph_new();
    g_autofree char *forbidden = NULL;
    const struct image *top;
    bool writable;

    scratch_do("qemu-img create -q -f raw base 1M; qemu-img create -q -f qcow2 -b base -F raw top");
    /* root may write whatever its mode */
    forbidden = scratch_run(geteuid() == 0 ? "chattr +i base 2>/dev/null && echo yes || true"
                                           : "chmod a-w base; echo yes");
    top = walk_good(graph, "top", "qcow2");
    writable = top->backing->writable;
    scratch_do("chattr -i base 2>/dev/null || true");
    ck_assert(top->writable);
    if (*forbidden)
        ck_assert(!writable);
    else
        printf("SKIP: no immutable files here\n");
}
END_TEST

static void
add_chain_tests(TCase *cases)
{
    tcase_add_test(cases, chain_is_walked_to_its_base);
    tcase_add_test(cases, shared_base_is_one_image);
    tcase_add_test(cases, relative_link_starts_at_the_symbolic_link_as_for_qemu);
    tcase_add_test(cases, loops_are_found);
    tcase_add_test(cases, chains_up_to_the_limit_are_walked);
    tcase_add_test(cases, failed_walk_leaves_nothing_behind);
    tcase_add_test(cases, one_image_has_one_format);
    tcase_add_loop_test(cases, what_cannot_be_trusted_is_refused, 0, G_N_ELEMENTS(bad_cases));
    tcase_add_test(cases, link_without_format_is_guessed_where_the_format_cannot_say_it);
}

int
main(void)
{
    Suite *suite;
    TCase *cases;

    if (!scratch_has("qemu-img") || !scratch_has("qemu-io"))
        return 77;
    suite = suite_create("graph");
    cases = tcase_create("graph");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, scratch_setup, scratch_teardown);
    add_chain_tests(cases);
    tcase_add_loop_test(cases, sizes_are_as_qemu_img_tells_them, 0, G_N_ELEMENTS(size_cases));
    tcase_add_test(cases, files_are_told_by_birth_and_by_the_space_they_take);
    tcase_add_test(cases, what_may_not_be_written_is_seen);
    tcase_add_test(cases, header_may_reach_beyond_the_first_read);
    tcase_add_loop_test(cases, opening_notices_changes, 0, G_N_ELEMENTS(changes));
    tcase_add_loop_test(cases, users_of_the_chain_are_seen, 0, G_N_ELEMENTS(uses));
    tcase_add_test(cases, block_device_is_known_by_its_number);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
