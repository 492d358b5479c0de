// Counted arrivals in; forwarders out.
#include <nlohmann/json.hpp>

#include "tests/admin/api_fixture.h"

namespace meridian::admin {
namespace {

class ApiArrivalsTest : public ApiTest {
 protected:
  std::string arrived(const std::string& ezone, int count, const Json& more = Json::object()) {
    Json out = {{"subject", "us-tx"},
                {"ezone", ezone},
                {"arrivals", count},
                {"interval_ms", 1000},
                {"ts", unixMillis(clock_.wallNow())}};
    out.update(more);
    return out.dump();
  }
};

TEST_F(ApiArrivalsTest, OneOrABatchIsTakenAndCounted) {
  EXPECT_EQ(post("/v1/arrivals", arrived("dal", 1), "viewer").status, 403);
  EXPECT_EQ(post("/v1/arrivals", arrived("dal", 1), "agent").status, 200);
  refused(post("/v1/arrivals", arrived("moon", 1), "agent"), 422, "refused");
  const Json wrong =
      refused(post("/v1/arrivals", arrived("dal", -1, {{"x", 1}}), "agent"), 400, "invalid");
  EXPECT_EQ(wrong["errors"].size(), 2U);
  const HttpAnswer batch =
      post("/v1/arrivals", arrived("iad", 3) + "\n{\n" + arrived("dal", 5) + "\n", "agent");
  ASSERT_EQ(batch.status, 200) << batch.body;
  const Json reply = Json::parse(batch.body);
  EXPECT_EQ(reply["accepted"], 1);
  EXPECT_EQ(reply["rejected"][0]["reason"], "malformed");
  EXPECT_EQ(reply["rejected"][1]["reason"], "outdated");
  onLoop([&] { EXPECT_EQ(arrivals_.share("us-tx", "dal", clock_.monotonicNow()), 0.25); });
  const std::string metrics = get("/metrics").body;
  EXPECT_NE(metrics.find("meridian_arrival_reports_total{outcome=\"accepted\"} 2"),
            std::string::npos);
  EXPECT_NE(metrics.find("\nmeridian_forwarders 0"), std::string::npos);
}

TEST_F(ApiArrivalsTest, NothingMovedNothingIsForwarded) {
  EXPECT_TRUE(getJson("/v1/forwarders")["forwarders"].empty());
}

}  // namespace
}  // namespace meridian::admin
