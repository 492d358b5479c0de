#include "dns/tap/dnstap_encoder.h"

#include <dnstap.pb.h>

#include <string>

namespace meridian::dns {
namespace {

constexpr std::uint64_t kNanos = 1'000'000'000;

std::string addressBytes(const IpAddress& address) {
  std::string out(bitsOf(address.family()) / 8U, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[out.size() - 1 - i] = static_cast<char>(address.bits() >> (8 * i) & 0xFFU);
  }
  return out;
}

dnstap::SocketProtocol protocolOf(Transport transport) {
  switch (transport) {
    case Transport::kUdp:
      return dnstap::UDP;
    case Transport::kTcp:
      return dnstap::TCP;
    case Transport::kTls:
      return dnstap::DOT;
    case Transport::kHttps:
      break;
  }
  return dnstap::DOH;
}

// What both messages say.
void describeQuery(const TapRecord& record, dnstap::Message& message) {
  message.set_socket_family(record.client.address.isV4() ? dnstap::INET : dnstap::INET6);
  message.set_socket_protocol(protocolOf(record.transport));
  message.set_query_address(addressBytes(record.client.address));
  if (record.client.port != 0) message.set_query_port(record.client.port);
  if (record.local.port != 0) {
    message.set_response_address(addressBytes(record.local.address));
    message.set_response_port(record.local.port);
  }
  message.set_query_time_sec(record.asked_at / kNanos);
  message.set_query_time_nsec(static_cast<std::uint32_t>(record.asked_at % kNanos));
  message.set_query_message(record.query.data(), record.query.size());
  if (!record.zone.empty()) message.set_query_zone(record.zone.data(), record.zone.size());
}

}  // namespace

struct DnstapEncoder::Frame {
  dnstap::Dnstap tap;
};

DnstapEncoder::DnstapEncoder(const TapSettings& settings, const DnstapSettings& dnstap)
    : queries_(dnstap.queries), responses_(dnstap.responses), frame_(std::make_unique<Frame>()) {
  frame_->tap.set_type(dnstap::Dnstap::MESSAGE);
  frame_->tap.set_identity(settings.identity);
  frame_->tap.set_version(settings.version);
}

DnstapEncoder::~DnstapEncoder() = default;

std::span<const std::uint8_t> DnstapEncoder::query(const TapRecord& record) {
  if (!queries_) return {};
  dnstap::Message& message = *frame_->tap.mutable_message();
  message.Clear();
  message.set_type(dnstap::Message::AUTH_QUERY);
  describeQuery(record, message);
  frame_->tap.clear_extra();  // nothing was decided yet
  return serialized();
}

std::span<const std::uint8_t> DnstapEncoder::response(const TapRecord& record) {
  if (!responses_ || record.response.empty()) return {};
  dnstap::Message& message = *frame_->tap.mutable_message();
  message.Clear();
  message.set_type(dnstap::Message::AUTH_RESPONSE);
  describeQuery(record, message);
  message.set_response_time_sec(record.answered_at / kNanos);
  message.set_response_time_nsec(static_cast<std::uint32_t>(record.answered_at % kNanos));
  message.set_response_message(record.response.data(), record.response.size());
  frame_->tap.set_extra(decisionText(record));
  return serialized();
}

std::span<const std::uint8_t> DnstapEncoder::serialized() {
  bytes_.resize(frame_->tap.ByteSizeLong());
  frame_->tap.SerializeWithCachedSizesToArray(bytes_.data());
  return bytes_;
}

}  // namespace meridian::dns
