"""Hooks on the real binaries: what is configured is shown, and dead letters are asked for."""

import json
import unittest

from harness import ScenarioCase
from small_world import small_world

HOOKS = [{"id": "dal", "url": "http://127.0.0.1:9/hooks", "phases": ["block", "unblock"]},
         {"id": "people", "exec": ["hooks/people"], "phases": ["post_success"], "mode": "async"}]


class HooksTest(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start(small_world(cls.workspace, {"hooks": HOOKS}))

    def test_list_shows_what_is_configured(self):
        done = self.server.ctl("--json", "hooks", "list")
        self.assertEqual(done.returncode, 0, done.stderr)
        reply = json.loads(done.stdout)
        self.assertEqual([hook["id"] for hook in reply["hooks"]], ["dal", "people"])
        self.assertEqual(reply["hooks"][0]["phases"], ["block", "unblock"])
        self.assertEqual(reply["hooks"][1]["exec"], [str(self.server.home / "hooks/people")])
        self.assertEqual((reply["waiting"], reply["dead_letters"]), (0, 0))
        text = self.server.ctl("hooks", "list").stdout
        self.assertIn("block,unblock", text)
        self.assertIn("waiting 0, dead letters 0", text)

    def test_dead_letters_that_are_not_there(self):
        self.assertEqual(self.server.rest("GET", "/v1/hooks/dead-letters").json,
                         {"dead_letters": []})
        self.assertEqual(self.server.ctl("hooks", "dead-letters").returncode, 0)
        for command in ("requeue", "drop"):
            done = self.server.ctl("hooks", command, "7")
            self.assertEqual(done.returncode, 1)
            self.assertIn("there is no dead letter 7", done.stderr)

    def test_metrics_count_each_hook(self):
        text = self.server.ctl("metrics").stdout
        self.assertIn('meridian_hook_attempts_total{hook="dal",result="error"} 0', text)
        self.assertIn("meridian_hook_waiting 0", text)


if __name__ == "__main__":
    unittest.main()
