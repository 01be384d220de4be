#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A layer of src/ includes only itself and the layers below it, and foreign headers stay where they
# belong: libxml2 in conf, jansson in image and cli, popt and smartcols in cli.
set -eu

cd "${top_srcdir:-$(dirname "$0")/..}/src"

awk '
BEGIN {
    # A name with a slash is a single header.
    may["util"] = "util"
    may["conf"] = "conf util"
    may["image"] = "image util"
    may["store"] = "store conf util"
    may["load"] = "load conf image store util"
    may["txn"] = "txn image util"
    may["ops"] = "ops conf image store txn/plan.h load/state.h load/tree.h load/unheld.h util"
    may["cli"] = "cli ops txn load store image conf util"
    for (layer in may) {
        count = split(may[layer], words, " ")
        for (i = 1; i <= count; i++)
            allowed[layer, words[i]] = 1
    }
    home["libxml"] = " conf "
    home["jansson.h"] = " image cli "
    home["popt.h"] = " cli "
    home["libsmartcols"] = home["libsmartcols.h"] = " cli "
}

function complain(what)
{
    printf "src/%s:%d: %s\n", substr(FILENAME, 3), FNR, what
    failed = 1
}

{
    split(FILENAME, path, "/")
    layer = path[2]
}
FNR == 1 { seen[FILENAME] = 1 }
!(layer in may) && FNR == 1 { complain("layer " layer " is not in the table of check-layers.sh") }

/^[ \t]*#[ \t]*include[ \t]*"/ {
    header = $0
    sub(/^[^"]*"/, "", header)
    sub(/".*/, "", header)
    split(header, part, "/")
    if (header !~ /\//)
        complain("\"" header "\" is included without its folder")
    else if (!((layer, part[1]) in allowed) && !((layer, header) in allowed))
        complain("layer " layer " may not include " header)
}
/^[ \t]*#[ \t]*include[ \t]*</ {
    header = $0
    sub(/^[^<]*</, "", header)
    sub(/>.*/, "", header)
    split(header, part, "/")
    if (part[1] in home && !index(home[part[1]], " " layer " "))
        complain("layer " layer " may not include <" header ">")
    if (part[1] in may)
        complain("<" header "> is a header of ours: use quotes")
}
END {
    for (file in seen)
        files++
    if (!files) {
        print "no sources found"
        failed = 1
    }
    exit failed
}' ./*/*.[ch]
