#include "tests/bench/query_packet.h"

#include <initializer_list>

namespace meridian::bench {
namespace {

void append(QueryPacket& packet, std::initializer_list<std::uint8_t> bytes) {
  packet.insert(packet.end(), bytes);
}

// Everything up to OPT's RDATA length.
QueryPacket questionAndOpt(const std::vector<std::string>& labels, bool dnssec_ok) {
  QueryPacket packet{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
  for (const std::string& label : labels) {
    packet.push_back(static_cast<std::uint8_t>(label.size()));
    packet.insert(packet.end(), label.begin(), label.end());
  }
  append(packet, {0, 0, 1, 0, 1});               // root label, A, IN
  append(packet, {0, 0, 41, 0x04, 0xd0, 0, 0});  // OPT, 1232 bytes, version 0
  append(packet, {static_cast<std::uint8_t>(dnssec_ok ? 0x80 : 0), 0});
  return packet;
}

}  // namespace

QueryPacket makeQuery(const std::vector<std::string>& labels) {
  QueryPacket packet = questionAndOpt(labels, false);
  append(packet, {0, 0});
  return packet;
}

QueryPacket makeQuery(const std::vector<std::string>& labels, std::uint32_t address,
                      bool dnssec_ok) {
  QueryPacket packet = questionAndOpt(labels, dnssec_ok);
  append(packet, {0, 11, 0, 8, 0, 7, 0, 1, 24, 0});  // one option: ECS, 7 bytes, IPv4, /24, scope 0
  append(packet,
         {static_cast<std::uint8_t>(address >> 24), static_cast<std::uint8_t>(address >> 16 & 255U),
          static_cast<std::uint8_t>(address >> 8 & 255U)});
  return packet;
}

}  // namespace meridian::bench
