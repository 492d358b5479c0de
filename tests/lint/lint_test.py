#!/usr/bin/env python3
"""The checks themselves: what each must refuse, and what it must let pass."""

import unittest

import check_layers
import check_nolint

RULES = check_layers.Rules("""
layer base:
layer dns/wire: base
layer dns/zone: base dns/wire   # a comment
gate rocksdb/*: base/kv_store.cc
gate nlohmann/*: *.cc
""")


class Layers(unittest.TestCase):
    def problems(self, path, *lines):
        return check_layers.check(RULES, path, "\n".join(lines))

    def test_what_is_allowed_passes(self):
        self.assertEqual([], self.problems("dns/zone/a.cc", '#include "dns/zone/a.h"', "#include <map>",
                                           '  # include "dns/wire/name.h"', '#include "base/ip.h"',
                                           "#include <nlohmann/json.hpp>"))

    def test_an_upward_include_is_named_with_its_line(self):
        self.assertEqual(["dns/wire/a.h:2: dns/wire may not include dns/zone/zone.h"],
                         self.problems("dns/wire/a.h", "#pragma once", '#include "dns/zone/zone.h"'))

    def test_angle_brackets_do_not_hide_one(self):
        self.assertEqual(1, len(self.problems("base/a.h", "#include <dns/wire/name.h>")))

    def test_a_header_must_be_named_from_the_root(self):
        self.assertEqual(1, len(self.problems("base/a.cc", '#include "a.h"')))
        self.assertEqual(1, len(self.problems("base/a.cc", '#include "../dns/wire/name.h"')))

    def test_gates(self):
        self.assertEqual([], self.problems("base/kv_store.cc", "#include <rocksdb/db.h>"))
        self.assertEqual(1, len(self.problems("base/kv_store.h", "#include <rocksdb/db.h>")))
        self.assertEqual(1, len(self.problems("base/a.cc", '#include "rocksdb/db.h"')))
        self.assertEqual(1, len(self.problems("base/a.h", "#include <nlohmann/json.hpp>")))

    def test_an_unknown_folder_is_refused(self):
        self.assertEqual(1, len(self.problems("misc/a.cc")))
        self.assertEqual(1, len(self.problems("dns/a.cc")))
        self.assertEqual(1, len(self.problems("main.cc")))

    def test_a_line_that_is_no_rule_is_refused(self):
        with self.assertRaises(SystemExit):
            check_layers.Rules("layr base:")


class Nolint(unittest.TestCase):
    # Taken apart, or this very file would be found.
    MARK = "// NO" + "LINT"

    def good(self, text):
        return bool(check_nolint.GOOD.search(self.MARK + text))

    def test_needs_check_and_reason(self):
        self.assertTrue(self.good("(bugprone-x): libevent owns it"))
        self.assertTrue(self.good("NEXTLINE(bugprone-x, concurrency-y): libevent owns it"))
        for bad in ("", "(bugprone-x)", ": because it is so", "(*): all of them here", "(bugprone-x): x"):
            self.assertFalse(self.good(bad), bad)


if __name__ == "__main__":
    unittest.main()
