/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/interrupt.h"

#include <poll.h>
#include <signal.h>

#include "unit/unit.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

static bool
is_readable(int fd)
{
    struct pollfd polled = {fd, POLLIN, 0};

    return poll(&polled, 1, 0) == 1;
}

static void (*handler_of(int number))(int)
{
    struct sigaction action;

    ck_assert_int_eq(sigaction(number, NULL, &action), 0);
    return action.sa_handler;
}

START_TEST(signal_is_noted_and_makes_the_descriptor_readable)
{
    int number = signals[_i];
    void (*before)(int) = handler_of(number);

    interrupt_begin();
    ck_assert_int_eq(interrupt_pending(), 0);
    ck_assert(!is_readable(interrupt_fd()));
    ck_assert_int_eq(raise(number), 0);
    ck_assert_int_eq(interrupt_pending(), number);
    ck_assert(is_readable(interrupt_fd()));
    interrupt_end();
    ck_assert_int_eq(interrupt_fd(), -1);
    ck_assert_ptr_eq(handler_of(number), before);
}
END_TEST

START_TEST(more_signals_than_a_pipe_holds_do_not_block)
{
    interrupt_begin();
    for (int i = 0; i < 100000; i++)
        raise(SIGTERM);
    ck_assert_int_eq(interrupt_pending(), SIGTERM);
    ck_assert(is_readable(interrupt_fd()));
    interrupt_end();
}
END_TEST

START_TEST(ignored_signal_stays_ignored)
{
    signal(SIGHUP, SIG_IGN);
    interrupt_begin();
    raise(SIGHUP);
    ck_assert_int_eq(interrupt_pending(), 0);
    ck_assert_ptr_eq(handler_of(SIGHUP), SIG_IGN);
    interrupt_end();
    ck_assert_ptr_eq(handler_of(SIGHUP), SIG_IGN);
}
END_TEST

static void
other_handler(int number)
{
    (void)number;
}

START_TEST(handler_of_the_caller_comes_back)
{
    signal(SIGTERM, other_handler);
    interrupt_begin();
    ck_assert_ptr_ne(handler_of(SIGTERM), other_handler);
    interrupt_end();
    ck_assert_ptr_eq(handler_of(SIGTERM), other_handler);
}
END_TEST

START_TEST(second_operation_begins_without_the_signal_of_the_first)
{
    interrupt_begin();
    raise(SIGINT);
    interrupt_end();
    interrupt_begin();
    ck_assert_int_eq(interrupt_pending(), 0);
    ck_assert(!is_readable(interrupt_fd()));
    interrupt_end();
}
END_TEST

START_TEST(signal_of_the_outer_operation_stops_the_inner_one)
{
    void (*before)(int) = handler_of(SIGINT);

    interrupt_begin();
    raise(SIGINT);
    interrupt_begin();
    ck_assert_int_eq(interrupt_pending(), SIGINT);
    ck_assert(is_readable(interrupt_fd()));
    interrupt_end();
    raise(SIGTERM);
    ck_assert_int_eq(interrupt_pending(), SIGTERM);
    interrupt_end();
    ck_assert_int_eq(interrupt_fd(), -1);
    ck_assert_ptr_eq(handler_of(SIGINT), before);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("interrupt");
    TCase *cases = tcase_create("interrupt");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, signal_is_noted_and_makes_the_descriptor_readable, 0,
                        G_N_ELEMENTS(signals));
    tcase_add_test(cases, more_signals_than_a_pipe_holds_do_not_block);
    tcase_add_test(cases, ignored_signal_stays_ignored);
    tcase_add_test(cases, handler_of_the_caller_comes_back);
    tcase_add_test(cases, second_operation_begins_without_the_signal_of_the_first);
    tcase_add_test(cases, signal_of_the_outer_operation_stops_the_inner_one);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
