#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fault-table.sh LOG...: the tables of all fault tests as one, with the sum. Fails when anything was lost, a test
# did not pass, or nothing was tried.
set -euo pipefail

tried=0
lost=0
bad=()
printf '%-62s %6s %6s\n' 'operation, fault' tried lost
for log; do
    name=${log##*faults/}
    case $(tail -n 1 "$log") in
    PASS* | SKIP*) ;;
    *) bad+=("${name%.log}") ;;
    esac
    while read -r row_tried row_lost row; do
        printf '%-62s %6d %6d\n' "$row" "$row_tried" "$row_lost"
        tried=$((tried + row_tried))
        lost=$((lost + row_lost))
    done < <(sed -nE '0,/^operation, fault +tried +lost$/d; s/^(.*[^ ]) +([0-9]+) +([0-9]+)$/\2 \3 \1/p' "$log")
    ! grep -q '^SKIP' <(tail -n 1 "$log") || printf '%-62s %6s\n' "${name%.log}" skipped
done
printf '%-62s %6d %6d\n' 'all' "$tried" "$lost"
[ "${#bad[@]}" = 0 ] || echo "not passed: ${bad[*]}"
[ "$tried" -gt 0 ] && [ "$lost" = 0 ] && [ "${#bad[@]}" = 0 ]
