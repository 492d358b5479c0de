// What a REST client may send: bodies, query strings, tokens files. Any bytes give a value within
// its documented bounds, or a reason.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "admin/auth.h"
#include "admin/requests.h"
#include "admin/router.h"

namespace {

using namespace meridian;  // NOLINT(google-build-using-namespace): a fuzz target of one function

bool goodReason(const std::string& reason) {
  return !reason.empty() && reason.size() <= admin::kMaxReason;
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto remap = admin::decodeRemap(text);
  require(remap ? goodReason(remap->reason) && !remap->to.empty() : !remap.error().empty());
  const auto rollback = admin::decodeRollback(text);
  require(rollback ? goodReason(rollback->reason) && rollback->expected_rev.value_or(1) >= 1
                   : !rollback.error().empty());
  const auto forced = admin::decodeOverride(text);
  require(forced
              ? goodReason(forced->reason) && !forced->glob.empty() && forced->life.count() >= 1 &&
                    forced->life <= partition::OverrideBook::kMaxLife
              : !forced.error().empty());
  const auto report = admin::decodeReport(text);
  require(report ? !report->check.empty() : !report.error().empty());
  const auto tokens = admin::Authenticator::parse(text, "fuzz");
  require(tokens.has_value() || !tokens.error().empty());
  const auto query = admin::parseQuery(text);
  require(query.has_value() || !query.error().message.empty());
  return 0;
}
