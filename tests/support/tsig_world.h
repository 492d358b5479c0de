// Keys, and messages signed with them, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dns/wire/tsig.h"
#include "tests/support/dns_message.h"

namespace meridian::test {

inline constexpr std::uint64_t kTsigNow = 1'700'000'000;

inline dns::TsigKey tsigKey(std::string_view name = "key.example",
                            dns::TsigAlgorithm algorithm = dns::TsigAlgorithm::kHmacSha256) {
  std::string secret;
  for (char c = 0; c < 32; ++c) secret += c;
  return {dns::Name::parse(name)->lowered(), algorithm, secret};
}

inline dns::TsigKeys tsigKeys(std::vector<dns::TsigKey> keys = {tsigKey()}) {
  return dns::TsigKeys::build(std::move(keys)).value();
}

// The message with the requester's signature.
inline Bytes signedBy(dns::TsigRequester& requester, Bytes message,
                      std::uint64_t unix_time = kTsigNow) {
  const std::size_t size = message.size();
  message.resize(size + requester.recordSize());
  EXPECT_EQ(requester.sign(message, size, unix_time), message.size());
  return message;
}
inline Bytes signedWith(const dns::TsigKey& key, const Bytes& message,
                        std::uint64_t unix_time = kTsigNow) {
  dns::TsigRequester requester(key);
  return signedBy(requester, message, unix_time);
}

// A TSIG record put together by hand.
struct TsigParts {
  Bytes owner = wireName("key.example");
  unsigned rr_class = 255;
  std::uint32_t ttl = 0;
  Bytes algorithm = wireName("hmac-sha256");
  std::uint64_t time_signed = kTsigNow;
  unsigned fudge = 300;
  Bytes mac = Bytes(32, 0);
  unsigned original_id = 0x1234;
  unsigned error = 0;
  Bytes other;
  Bytes after;  // more RDATA than there should be

  Bytes record() const {
    Bytes rdata = algorithm;
    put16(rdata, static_cast<unsigned>(time_signed >> 32));
    put32(rdata, static_cast<std::uint32_t>(time_signed));
    put16(rdata, fudge);
    put16(rdata, static_cast<unsigned>(mac.size()));
    append(rdata, mac);
    put16(rdata, original_id);
    put16(rdata, error);
    put16(rdata, static_cast<unsigned>(other.size()));
    append(rdata, other);
    append(rdata, after);
    Bytes out = owner;
    put16(out, 250);
    put16(out, rr_class);
    put32(out, ttl);
    put16(out, static_cast<unsigned>(rdata.size()));
    append(out, rdata);
    return out;
  }
};

}  // namespace meridian::test
