// DNS messages byte by byte, for tests: queries put together by hand, responses read back by a
// reader of their own (RFC 1035 §4), which shares nothing with the code under test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::test {

using Bytes = std::vector<std::uint8_t>;

inline void put16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

inline void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xFFFF);
}

inline void append(Bytes& out, const Bytes& more) {
  out.insert(out.end(), more.begin(), more.end());
}

inline Bytes bytesOf(std::string_view text) {
  return {text.begin(), text.end()};
}

// "www.example" → 3www7example0; no escapes. "" is the root.
inline Bytes wireName(std::string_view text) {
  Bytes out;
  while (!text.empty()) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    out.push_back(static_cast<std::uint8_t>(dot));
    append(out, bytesOf(text.substr(0, dot)));
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  out.push_back(0);
  return out;
}

inline Bytes option(unsigned code, const Bytes& value) {
  Bytes out;
  put16(out, code);
  put16(out, static_cast<unsigned>(value.size()));
  append(out, value);
  return out;
}

// The value of a client subnet option (RFC 7871 §6).
inline Bytes subnetValue(unsigned family, std::uint8_t source, std::uint8_t scope,
                         const Bytes& address) {
  Bytes out;
  put16(out, family);
  out.push_back(source);
  out.push_back(scope);
  append(out, address);
  return out;
}

inline Bytes subnetOption(unsigned family, std::uint8_t source, const Bytes& address) {
  return option(8, subnetValue(family, source, 0, address));
}

// An OPT record (RFC 6891 §6.1.2), owner and all.
inline Bytes optRecord(const Bytes& options = {}, unsigned payload = 1232, std::uint32_t ttl = 0) {
  Bytes out{0};
  put16(out, 41);
  put16(out, payload);
  put32(out, ttl);
  put16(out, static_cast<unsigned>(options.size()));
  append(out, options);
  return out;
}

struct QueryPacket {
  unsigned id = 0x1234;
  unsigned flags = 0x0100;
  unsigned counts[4] = {1, 0, 0, 0};
  Bytes question;
  Bytes rest;  // everything after the question

  explicit QueryPacket(std::string_view name, unsigned type = 1, unsigned rr_class = 1)
      : question(wireName(name)) {
    put16(question, type);
    put16(question, rr_class);
  }
  QueryPacket& with(const Bytes& additional) {
    append(rest, additional);
    ++counts[3];
    return *this;
  }
  Bytes bytes() const {
    Bytes out;
    put16(out, id);
    put16(out, flags);
    for (const unsigned count : counts) put16(out, count);
    append(out, question);
    append(out, rest);
    return out;
  }
};

struct ReadRecord {
  std::string owner;
  unsigned type = 0, rr_class = 0;
  std::uint32_t ttl = 0;
  std::size_t rdata_at = 0;
  Bytes rdata;
  std::string target;  // of CNAME, NS and DNAME
};

struct ReadOption {
  unsigned code = 0;
  Bytes value;
};

// A response taken apart. A malformed one fails the test and leaves `whole` false.
struct ReadMessage {
  unsigned id = 0, flags = 0;
  unsigned rcode = 0;  // with OPT's high bits
  std::string question;
  std::vector<ReadRecord> sections[3];  // without OPT
  bool has_opt = false;
  unsigned opt_payload = 0;
  bool dnssec_ok = false;
  std::vector<ReadOption> options;
  bool whole = false;

  bool truncated() const { return (flags & 0x0200) != 0; }
  bool authoritative() const { return (flags & 0x0400) != 0; }
  const std::vector<ReadRecord>& answers() const { return sections[0]; }
  const Bytes* findOption(unsigned code) const {
    for (const ReadOption& each : options) {
      if (each.code == code) return &each.value;
    }
    return nullptr;
  }
  // Of the client subnet option; -1: there is none.
  int scope() const {
    const Bytes* value = findOption(8);
    return value != nullptr && value->size() >= 4 ? (*value)[3] : -1;
  }
};

class MessageReader {
 public:
  explicit MessageReader(const Bytes& bytes) : bytes_(bytes) {}

  ReadMessage read() {
    ReadMessage out;
    out.id = u16();
    out.flags = u16();
    out.rcode = out.flags & 0xF;
    const unsigned questions = u16();
    unsigned counts[3];
    for (unsigned& count : counts) count = u16();
    for (unsigned i = 0; i < questions; ++i) {
      out.question = name();
      at_ += 4;
    }
    for (unsigned section = 0; section < 3; ++section) {
      for (unsigned i = 0; i < counts[section] && good_; ++i) record(out, section);
    }
    out.whole = good_ && at_ == bytes_.size();
    EXPECT_TRUE(out.whole) << "malformed response: " << at_ << " of " << bytes_.size() << " bytes";
    return out;
  }

 private:
  std::uint8_t u8At(std::size_t at) {
    if (at < bytes_.size()) return bytes_[at];
    good_ = false;
    return 0;
  }
  unsigned u16() {
    const unsigned value = static_cast<unsigned>(u8At(at_) << 8 | u8At(at_ + 1));
    at_ += 2;
    return value;
  }
  std::string name() {
    std::string out = nameAt(at_);
    while (u8At(at_) != 0 && u8At(at_) < 0xC0) at_ += 1U + u8At(at_);
    at_ += u8At(at_) == 0 ? 1U : 2U;
    return out;
  }
  std::string nameAt(std::size_t at) {
    std::string out;
    for (int steps = 0; steps < 300 && good_; ++steps) {
      const std::uint8_t label = u8At(at);
      if (label == 0) return out;
      if (label >= 0xC0) {
        const auto next = static_cast<std::size_t>((label & 0x3F) << 8 | u8At(at + 1));
        good_ = good_ && next < at;  // a pointer leads to a prior name (RFC 1035 §4.1.4)
        at = next;
        continue;
      }
      if (!out.empty()) out += '.';
      for (std::size_t i = 1; i <= label; ++i) out += static_cast<char>(u8At(at + i));
      at += 1U + label;
    }
    good_ = false;
    return out;
  }
  void record(ReadMessage& out, unsigned section) {
    ReadRecord record;
    record.owner = name();
    record.type = u16();
    record.rr_class = u16();
    record.ttl = u16() << 16;
    record.ttl |= u16();
    const unsigned size = u16();
    record.rdata_at = at_;
    if (at_ + size > bytes_.size()) {
      good_ = false;
      return;
    }
    const auto start = bytes_.begin() + static_cast<std::ptrdiff_t>(at_);
    record.rdata.assign(start, start + size);
    if (record.type == 5 || record.type == 2 || record.type == 39) record.target = nameAt(at_);
    at_ += size;
    if (record.type == 41) return opt(out, record);
    out.sections[section].push_back(std::move(record));
  }
  void opt(ReadMessage& out, const ReadRecord& record) {
    good_ = good_ && !out.has_opt && record.owner.empty();
    out.has_opt = true;
    out.opt_payload = record.rr_class;
    out.rcode |= record.ttl >> 24 << 4;
    out.dnssec_ok = (record.ttl & 0x8000) != 0;
    for (std::size_t at = 0; at < record.rdata.size();) {
      if (at + 4 > record.rdata.size()) {
        good_ = false;
        return;
      }
      const auto field = [&](std::size_t i) {
        return static_cast<unsigned>(record.rdata[i] << 8 | record.rdata[i + 1]);
      };
      const std::size_t size = field(at + 2);
      if (at + 4 + size > record.rdata.size()) {
        good_ = false;
        return;
      }
      const auto start = record.rdata.begin() + static_cast<std::ptrdiff_t>(at + 4);
      out.options.push_back({field(at), Bytes(start, start + static_cast<std::ptrdiff_t>(size))});
      at += 4 + size;
    }
  }

  const Bytes& bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

inline ReadMessage readMessage(const Bytes& bytes) {
  return MessageReader(bytes).read();
}

}  // namespace meridian::test
