// A DohSession and a client of it, with nothing between them but calls.
//
// Its answer is the question back as a response, `answer_bytes` long where that is more.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "dns/net/doh_session.h"
#include "tests/support/dns_message.h"
#include "tests/support/doh_client.h"

namespace meridian::test {

inline constexpr const char* kDohPath = "/dns-query";

struct DohRig {
  dns::DohCounters counters;
  std::size_t answer_bytes = 0;
  std::size_t answered = 0;
  Bytes answer;  // the last one
  dns::DohSession session;
  DohClient client;

  explicit DohRig(const dns::DohLimits& limits = {}, std::uint32_t window = 65'535)
      : session(
            kDohPath, [this](auto message) { return answerTo(message); }, counters, limits),
        client(window) {}

  std::span<const std::uint8_t> answerTo(std::span<const std::uint8_t> message) {
    ++answered;
    if ((message[2] & 0x80) != 0) return {};  // a response
    answer.assign(message.begin(), message.end());
    answer[2] |= 0x80;
    answer.resize(std::max(answer.size(), answer_bytes));
    return answer;
  }

  // What the session has to send.
  Bytes taken() {
    Bytes out;
    for (auto bytes = session.take(); !bytes.empty(); bytes = session.take()) {
      out.insert(out.end(), bytes.begin(), bytes.end());
    }
    return out;
  }
  // What the client has to send, and `more` behind it, and all that follows from it.
  void run(const Bytes& more = {}) {
    Bytes there = client.take();
    append(there, more);
    while (!there.empty()) {
      session.feed(there);
      EXPECT_TRUE(client.feed(taken()));
      there = client.take();
    }
    EXPECT_TRUE(client.feed(taken()));
  }
  const HttpReply& get(const std::string& path, const std::string& method = "GET") {
    const std::int32_t id = client.get(path, method);
    run();
    return client.reply(id);
  }
  const HttpReply& ask(const Bytes& message) {
    return get(std::string(kDohPath) + "?dns=" + base64Url(message));
  }
  const HttpReply& post(const Bytes& message, const std::string& type = "application/dns-message",
                        const std::string& path = kDohPath) {
    const std::int32_t id = client.post(path, message, type);
    run();
    return client.reply(id);
  }
  std::uint64_t replies(dns::HttpStatus status) const {
    return counters.replies[static_cast<std::size_t>(status)].value();
  }
};

inline Bytes dohQuery(unsigned id = 0, const std::string& name = "www.example") {
  QueryPacket packet(name);
  packet.id = id;
  return packet.bytes();
}

// What the rig answers.
inline Bytes dohAnswer(unsigned id = 0, const std::string& name = "www.example") {
  Bytes out = dohQuery(id, name);
  out[2] |= 0x80;
  return out;
}

}  // namespace meridian::test
