// A hook's reply and its signature headers of any bytes: what is shown is printable and bounded,
// and nobody without the secret is believed. The first byte picks status and role.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "partition/hooks/hook_reply.h"
#include "partition/hooks/signature.h"

namespace {

using meridian::partition::HookReply;
using meridian::partition::HookRole;

void check(const HookReply& reply) {
  if (reply.reason.size() > meridian::partition::kMaxHookReasonBytes ||
      reply.evidence.size() > meridian::partition::kMaxHookEvidenceBytes ||
      !meridian::isPrintableUtf8(reply.reason))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr int kStatuses[] = {200, 204, 302, 404, 409, 500};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check(meridian::partition::readHttpReply(kStatuses[data[0] % 6], text,
                                           static_cast<HookRole>(data[0] / 6 % 3)));
  check(meridian::partition::readExecEnd(data[0], text, text));
  const auto secret =
      meridian::partition::WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  const auto read = meridian::partition::WebhookSecret::parse(text);
  if (!secret || (read && text.find("whsec_") == std::string_view::npos)) std::abort();
  const meridian::WallTime now{std::chrono::seconds(1614265330)};
  for (const std::string_view timestamp : {std::string_view("1614265330"), text}) {
    if (meridian::partition::verifySignature({*secret}, {"id", timestamp, text}, text, now))
      std::abort();
  }
  return 0;
}
