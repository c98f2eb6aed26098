#!/usr/bin/env python3
"""Tests the reports on processes with checked blocks and with slob: which blocks are live and which are not."""
import re
import unittest

from tool_case import Holder, ToolCase

MODES = ("harden", "slab_debug=FZP", "slob")
MIB = 1 << 20
COUNT, SIZE, KEPT = 20000, 1000, 400


class Checked(ToolCase):
    def split(self, holder):
        return self.json_of("doctor", holder.pid, "--json")["split"]

    def test_live_is_what_the_program_holds(self):
        for mode in MODES:
            with self.subTest(mode=mode), Holder(options=mode) as holder:
                holder.allocate(COUNT, SIZE)
                full = self.split(holder)
                holder.allocate(COUNT - KEPT, 0)
                rest = self.split(holder)
                # zones and the rounding of slots come on top
                self.assertGreaterEqual(full["live"], COUNT * SIZE, full)
                self.assertLess(full["live"], COUNT * SIZE * 1.5, full)
                self.assertGreaterEqual(rest["live"], KEPT * SIZE, rest)
                self.assertLess(rest["live"], KEPT * SIZE * 1.5 + MIB // 4, rest)
                report = self.json_of("doctor", holder.pid, "--json")
                self.assertLess(abs(report["smaps"]["difference"]), 0.01 * report["smaps"]["ashlar_rss"] + 1, report["smaps"])

    def test_what_was_freed_is_free_or_in_the_quarantine(self):
        with Holder(options="harden") as holder:
            holder.allocate(COUNT, SIZE)
            holder.allocate(COUNT, 0)
            split = self.split(holder)
            self.assertGreater(split["quarantine"], 0)
            self.assertLess(split["live"], MIB // 2, split)
            self.assertGreater(split["free"], split["live"], split)

    def test_doctor_says_that_it_serves(self):
        for mode in MODES:
            with self.subTest(mode=mode), Holder(options=mode) as holder:
                holder.allocate(100, SIZE)
                text = self.succeeds("doctor", holder.pid)
                self.assertIn("It serves malloc", text)
                self.assertNotIn("0 threads", text)
                self.assertEqual([a for a in self.json_of("doctor", holder.pid, "--json")["advice"] if a["about"] == "serving"], [])

    def test_slabinfo_counts_checked_blocks(self):
        for mode in ("harden", "slab_debug=FZP"):
            with self.subTest(mode=mode), Holder(options=mode) as holder:
                before = self.live(holder)
                holder.allocate(COUNT, SIZE)
                full = self.live(holder) - before
                self.assertIn(full, range(COUNT, COUNT + 5))  # and what libc holds
                holder.allocate(COUNT - KEPT, 0)
                self.assertEqual(full - (self.live(holder) - before), COUNT - KEPT)

    def live(self, holder):
        caches = self.json_of("slabinfo", holder.pid, "--json")["caches"]
        for cache in caches:
            self.assertLessEqual(cache["live"] + cache["in_quarantine"], cache["capacity"], cache)
            self.assertGreaterEqual(cache["never_used"], 0, cache)
        return sum(cache["live"] for cache in caches)

    def test_page_tells_a_block_its_size_and_its_state(self):
        for mode in MODES:
            with self.subTest(mode=mode), Holder(options=mode) as holder:
                holder.allocate(50, SIZE)
                states = self.states(holder)
                self.assertTrue(any(fact["state"] == "live" and self.size_of(fact) in range(SIZE, SIZE + 16) for fact in states), states)

    def size_of(self, fact):
        return fact.get("requested", fact.get("block_bytes", 0))

    def states(self, holder):
        """What `page` says of pages that hold blocks, a few hundred bytes into each."""
        wanted = re.compile(r"(?m)^([0-9a-f]+)-([0-9a-f]+) +rw-p .*(?:arena|vmalloc)")
        facts = []
        for start, end in wanted.findall(self.succeeds("smaps", holder.pid)):
            for address in range(int(start, 16) + 700, min(int(end, 16), int(start, 16) + 64 * 4096), 4096):
                fact = self.json_of("page", holder.pid, hex(address), "--json")
                if fact.get("memory", "resident").startswith("resident"):
                    facts.append(fact)
                if len(facts) == 60:
                    return [fact for fact in facts if "state" in fact]
        return [fact for fact in facts if "state" in fact]


if __name__ == "__main__":
    unittest.main()
