#include "dns/net/request_desk.h"

#include <utility>

namespace meridian::dns {

bool RequestDesk::wants(std::span<const std::uint8_t> message) {
  if (message.size() < kHeaderBytes || (message[2] & 0x80U) != 0) return false;
  const auto opcode = static_cast<Opcode>(message[2] >> 3U & 0xFU);
  return opcode == Opcode::kNotify || opcode == Opcode::kUpdate;
}

bool RequestDesk::take(std::span<const std::uint8_t> message, const Client& client, Reply reply) {
  if (waiting_.fetch_add(1, std::memory_order_relaxed) >= kMaxWaiting) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  taken_.fetch_add(1, std::memory_order_relaxed);
  control_.post([this, bytes = std::vector<std::uint8_t>(message.begin(), message.end()), client,
                 reply = std::move(reply)] {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    const std::vector<std::uint8_t> response = handler_(bytes, client);
    if (!response.empty()) reply(response);
  });
  return true;
}

}  // namespace meridian::dns
