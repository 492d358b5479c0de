"""Who may follow the table as what: a switch waits for DALs with writes blocked, so nobody who only
reads can say to be one.
"""

import hashlib
import json
import unittest

from harness import ScenarioCase
from small_world import small_world

TOKENS = {"admin": "a" * 64, "viewer": "b" * 64, "agent": "c" * 64, "operator": "d" * 64}


class TableConsumers(ScenarioCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = small_world(cls.workspace)
        rows = [{"name": role, "role": role, "sha256": hashlib.sha256(secret.encode()).hexdigest()}
                for role, secret in TOKENS.items()]
        server.state_dir.mkdir(mode=0o700, parents=True)
        (server.state_dir / "tokens.json").write_text(json.dumps({"format": 1, "tokens": rows}))
        token_file = server.state_dir / "admin.token"
        token_file.touch(mode=0o600)
        token_file.write_text(TOKENS["admin"] + "\n")
        cls.server = cls.start(server)

    def follow(self, role, kind):
        return self.server.rest("GET", f"/v1/table?since=0&consumer={role}-1&kind={kind}",
                                token=TOKENS[role])

    def test_a_viewer_is_no_dal(self):
        refused = self.follow("viewer", "dal")
        self.assertEqual((refused.status, refused.json["error"]), (403, "forbidden"), refused)
        self.assertIn("kind=dal needs the role agent", refused.json["reason"])
        self.assertEqual(self.follow("viewer", "router").status, 200)
        for role in ("agent", "operator", "admin"):
            self.assertEqual(self.follow(role, "dal").status, 200, role)
        known = self.server.rest("GET", "/v1/consumers").json["consumers"]
        self.assertEqual({(row["id"], row["kind"]) for row in known},
                         {("viewer-1", "router"), ("agent-1", "dal"), ("operator-1", "dal"),
                          ("admin-1", "dal")})
        closed = self.server.rest("GET", "/v1/consumers", token=TOKENS["agent"])
        self.assertEqual(closed.status, 403, closed)


if __name__ == "__main__":
    unittest.main()
