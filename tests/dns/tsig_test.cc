// Requests and their signatures: what each rule of RFC 8945 makes of them. Both sides of an
// exchange: tests/dns/tsig_exchange_test.cc.
#include "dns/wire/tsig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/tsig_world.h"

namespace meridian::dns {
namespace {

using test::Bytes;
using test::kTsigNow;
using test::QueryPacket;
using test::signedWith;
using test::tsigKey;
using test::tsigKeys;
using test::TsigParts;
using testing::HasSubstr;

TsigOutcome outcomeOf(const Bytes& message, std::uint64_t now = kTsigNow) {
  static const TsigKeys kKeys = tsigKeys();
  return checkTsig(message, kKeys, now).outcome;
}

Bytes bytesOfHex(std::string_view text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return out;
}

// A message with the right MAC of what its record says, of the first `mac_bytes` only.
Bytes withRightMac(Bytes message, TsigParts parts, std::size_t mac_bytes = 32) {
  Hmac hmac(HashKind::kSha256, tsigKey().secret);
  hmac.add(message);
  Bytes lowered = parts.owner;
  for (std::uint8_t& byte : lowered) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<std::uint8_t>(byte + 32);
  }
  hmac.add(lowered);
  Bytes fields{0, 255, 0, 0, 0, 0};
  test::append(fields, parts.algorithm);
  test::put16(fields, static_cast<unsigned>(parts.time_signed >> 32));
  test::put32(fields, static_cast<std::uint32_t>(parts.time_signed));
  test::put16(fields, parts.fudge);
  test::put16(fields, parts.error);
  test::put16(fields, static_cast<unsigned>(parts.other.size()));
  test::append(fields, parts.other);
  hmac.add(fields);
  const Mac mac = hmac.finish();
  parts.mac.assign(mac.bytes.begin(), mac.bytes.begin() + static_cast<std::ptrdiff_t>(mac_bytes));
  ++message[11];
  test::append(message, parts.record());
  return message;
}

Bytes plainQuery() {
  return QueryPacket("www.example").bytes();
}

struct AlgorithmVector {
  TsigAlgorithm algorithm;
  const char* name;
  std::size_t mac_bytes;
  const char* message;
};

// Made by dnspython 2.3: www.example A, id 1234, key "Key.Example." of the bytes 0 to 31, at
// 1,700,000,000. It compresses the owner.
constexpr AlgorithmVector kVectors[] = {
    {TsigAlgorithm::kHmacSha256, "hmac-sha256", 32,
     "12340100000100000000000103777777076578616d706c650000010001034b6579c01000fa00ff00000000003d0b6"
     "8"
     "6d61632d7368613235360000006553f100012c0020c5deeb9e1176911fd75776617a71c05eb69f116bebc78bb720c"
     "e"
     "1ba504c6bea4123400000000"},
    {TsigAlgorithm::kHmacSha224, "hmac-sha224", 28,
     "12340100000100000000000103777777076578616d706c650000010001034b6579c01000fa00ff0000000000390b6"
     "8"
     "6d61632d7368613232340000006553f100012c001cb624cfd381ce2eb71bb3b373664c058a7e113cb019bbda34faa"
     "2"
     "f705123400000000"},
    {TsigAlgorithm::kHmacSha384, "hmac-sha384", 48,
     "12340100000100000000000103777777076578616d706c650000010001034b6579c01000fa00ff00000000004d0b6"
     "8"
     "6d61632d7368613338340000006553f100012c0030bb71e22b1ef043c081bfa919014170e6077d991c963264cced2"
     "8"
     "e4e81265f60b95e47e37c3ba3e131bd7aab369e253cb123400000000"},
    {TsigAlgorithm::kHmacSha512, "hmac-sha512", 64,
     "12340100000100000000000103777777076578616d706c650000010001034b6579c01000fa00ff00000000005d0b6"
     "8"
     "6d61632d7368613531320000006553f100012c0040f866aae4037918d17dba264870d5b518bf0b374e8e237670313"
     "a"
     "30841d9f2c355eebcf47c2cb07683e2295ea35c71d9f4b675a94acdfd083906b99eb7a090f30123400000000"},
    {TsigAlgorithm::kHmacSha1, "hmac-sha1", 20,
     "12340100000100000000000103777777076578616d706c650000010001034b6579c01000fa00ff00000000002f096"
     "8"
     "6d61632d736861310000006553f100012c00143affb6652e3e99decd1f778a686a07a4e595d078123400000000"}};

TEST(Tsig, KnowsWhatAnotherMakerSigned) {
  for (const AlgorithmVector& each : kVectors) {
    const TsigKeys keys = tsigKeys({tsigKey("key.example", each.algorithm)});
    const Bytes message = bytesOfHex(each.message);
    const TsigCheck check = checkTsig(message, keys, kTsigNow);
    EXPECT_EQ(check.outcome, TsigOutcome::kGood) << each.name;
    ASSERT_NE(check.key, nullptr) << each.name;
    EXPECT_EQ(check.key, check.answer_key);
    EXPECT_EQ(check.key->name.text(), "key.example.");
    EXPECT_EQ(check.key_name.text(), "key.example.");
    EXPECT_EQ(check.unsigned_size, plainQuery().size());
    EXPECT_EQ(check.mac.size, each.mac_bytes);
    EXPECT_EQ(check.time_signed, kTsigNow);
    EXPECT_EQ(check.fudge, 300);
    EXPECT_EQ(check.refusal(), Rcode::kNoError);
    EXPECT_EQ(tsigAlgorithmName(each.algorithm), each.name);
    EXPECT_EQ(parseTsigAlgorithm(each.name).value(), each.algorithm);
  }
}

TEST(Tsig, SignsAsAnotherMakerDoes) {
  for (const AlgorithmVector& each : kVectors) {
    const Bytes ours = signedWith(tsigKey("key.example", each.algorithm), plainQuery());
    const Bytes theirs = bytesOfHex(each.message);
    // From the algorithm on; only the owner is written in another way.
    const std::size_t rest = std::string(each.name).size() + 2 + 16 + each.mac_bytes;
    EXPECT_EQ(Bytes(ours.end() - static_cast<std::ptrdiff_t>(rest), ours.end()),
              Bytes(theirs.end() - static_cast<std::ptrdiff_t>(rest), theirs.end()))
        << each.name;
    EXPECT_EQ(ours[11], 1);
    EXPECT_EQ(TsigRequester(tsigKey("key.example", each.algorithm)).recordSize(),
              ours.size() - plainQuery().size());
  }
}

TEST(Tsig, AnUnsignedMessageIsNone) {
  const TsigKeys keys = tsigKeys();
  for (const Bytes& message : {plainQuery(), QueryPacket("a").with(test::optRecord()).bytes(),
                               Bytes{}, Bytes(11, 0), Bytes(100, 0xFF)}) {
    const TsigCheck check = checkTsig(message, keys, kTsigNow);
    EXPECT_EQ(check.outcome, TsigOutcome::kNone);
    EXPECT_EQ(check.key, nullptr);
    EXPECT_EQ(check.unsigned_size, message.size());
    EXPECT_EQ(check.refusal(), Rcode::kNoError);
  }
}

// §5.2.1. Also where the key is there and the client means another algorithm.
TEST(Tsig, AnUnknownKeyOrAlgorithmIsBadKey) {
  EXPECT_EQ(outcomeOf(signedWith(tsigKey("other.example"), plainQuery())), TsigOutcome::kBadKey);
  EXPECT_EQ(outcomeOf(signedWith(tsigKey("key.example", TsigAlgorithm::kHmacSha512), plainQuery())),
            TsigOutcome::kBadKey);
  TsigParts unknown;
  unknown.algorithm = test::wireName("hmac-md5.sig-alg.reg.int");
  const Bytes message = QueryPacket("www.example").with(unknown.record()).bytes();
  const TsigKeys keys = tsigKeys();
  const TsigCheck check = checkTsig(message, keys, kTsigNow);
  EXPECT_EQ(check.outcome, TsigOutcome::kBadKey);
  EXPECT_EQ(check.key, nullptr);
  EXPECT_EQ(check.answer_key, nullptr);
  EXPECT_EQ(check.algorithm.text(), "hmac-md5.sig-alg.reg.int.");
  EXPECT_EQ(check.refusal(), Rcode::kNotAuth);
}

// §5.2.2. The ID is not covered: the original one stands in the record.
TEST(Tsig, NoByteMayBeChangedButTheId) {
  const Bytes good = signedWith(tsigKey(), plainQuery());
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes message = good;
      message[i] = static_cast<std::uint8_t>(message[i] ^ 1U << bit);
      const TsigKeys keys = tsigKeys();
      const TsigCheck check = checkTsig(message, keys, kTsigNow);
      const bool letter_of_a_name = bit == 5 && check.key_name.text() == "key.example." &&
                                    check.algorithm.text() == "hmac-sha256." &&
                                    i >= plainQuery().size();
      if (i < 2 || (letter_of_a_name && check.outcome == TsigOutcome::kGood)) {
        EXPECT_EQ(check.outcome, TsigOutcome::kGood) << i;
      } else {
        EXPECT_NE(check.outcome, TsigOutcome::kGood) << "byte " << i << " bit " << bit;
        EXPECT_EQ(check.key, nullptr) << "byte " << i << " bit " << bit;
      }
    }
  }
}

TEST(Tsig, AnotherSecretIsBadSig) {
  TsigKey other = tsigKey();
  other.secret[31] = 'x';
  EXPECT_EQ(outcomeOf(signedWith(other, plainQuery())), TsigOutcome::kBadSig);
}

// A forwarder may change the ID (§5.5).
TEST(Tsig, TheOriginalIdIsWhatWasSigned) {
  Bytes message = signedWith(tsigKey(), plainQuery());
  message[0] = 0xAB;
  message[1] = 0xCD;
  EXPECT_EQ(outcomeOf(message), TsigOutcome::kGood);
  message[message.size() - 6] ^= 1;  // of the original ID
  EXPECT_EQ(outcomeOf(message), TsigOutcome::kBadSig);
}

// §5.2.3.
TEST(Tsig, TimeIsGoodWithinTheFudge) {
  const Bytes message = signedWith(tsigKey(), plainQuery());
  for (const std::uint64_t now : {kTsigNow - 300, kTsigNow, kTsigNow + 300})
    EXPECT_EQ(outcomeOf(message, now), TsigOutcome::kGood) << now;
  for (const std::uint64_t now :
       {kTsigNow - 301, kTsigNow + 301, std::uint64_t{0}, kTsigNow + (std::uint64_t{1} << 32)})
    EXPECT_EQ(outcomeOf(message, now), TsigOutcome::kBadTime) << now;
  const TsigKeys keys = tsigKeys();
  const TsigCheck late = checkTsig(message, keys, kTsigNow + 301);
  EXPECT_EQ(late.key, nullptr) << "nobody to be believed";
  EXPECT_NE(late.answer_key, nullptr);
  EXPECT_EQ(late.refusal(), Rcode::kNotAuth);

  TsigParts narrow;
  narrow.fudge = 0;
  EXPECT_EQ(outcomeOf(withRightMac(plainQuery(), narrow)), TsigOutcome::kGood);
  EXPECT_EQ(outcomeOf(withRightMac(plainQuery(), narrow), kTsigNow + 1), TsigOutcome::kBadTime);
  TsigParts far;  // all 48 bits
  far.time_signed = 0xFFFFFFFFFFFF;
  far.fudge = 0xFFFF;
  EXPECT_EQ(outcomeOf(withRightMac(plainQuery(), far), far.time_signed - 0xFFFF),
            TsigOutcome::kGood);
  EXPECT_EQ(outcomeOf(withRightMac(plainQuery(), far), far.time_signed - 0x10000),
            TsigOutcome::kBadTime);
}

// The order of §5.2: a wrong MAC is not told from its time.
TEST(Tsig, TheMacIsLookedAtBeforeTheTime) {
  TsigKey other = tsigKey();
  other.secret[0] = 'x';
  EXPECT_EQ(outcomeOf(signedWith(other, plainQuery()), kTsigNow + 1000), TsigOutcome::kBadSig);
}

// §5.2.2.1: at least ten bytes, and half the hash.
TEST(Tsig, MacsMayBeCutToHalf) {
  for (std::size_t size = 0; size <= 32; ++size) {
    EXPECT_EQ(outcomeOf(withRightMac(plainQuery(), {}, size)),
              size >= 16 ? TsigOutcome::kGood : TsigOutcome::kMalformed)
        << size;
  }
  for (const std::size_t size : {33U, 64U, 1000U}) {
    TsigParts parts;
    parts.mac = Bytes(size, 1);
    EXPECT_EQ(outcomeOf(QueryPacket("www.example").with(parts.record()).bytes()),
              TsigOutcome::kMalformed)
        << size;
  }
  TsigParts sha1;
  sha1.algorithm = test::wireName("hmac-sha1");
  const TsigKeys keys = tsigKeys({tsigKey("key.example", TsigAlgorithm::kHmacSha1)});
  for (const std::size_t size : {9U, 10U}) {
    sha1.mac = Bytes(size, 1);
    EXPECT_EQ(
        checkTsig(QueryPacket("www.example").with(sha1.record()).bytes(), keys, kTsigNow).outcome,
        size == 10 ? TsigOutcome::kBadSig : TsigOutcome::kMalformed);
  }
}

TEST(Tsig, ErrorAndOtherDataAreCovered) {
  TsigParts parts;
  parts.error = 5;
  parts.other = {1, 2, 3};
  Bytes message = withRightMac(plainQuery(), parts);
  EXPECT_EQ(outcomeOf(message), TsigOutcome::kGood);
  message.back() ^= 1;
  EXPECT_EQ(outcomeOf(message), TsigOutcome::kBadSig);
}

// §4.2 and §5.1: the canonical form, whatever case and compression the owner comes in.
TEST(Tsig, NamesMayComeInAnyCase) {
  TsigParts parts;
  parts.owner = test::wireName("KEY.example");
  EXPECT_EQ(outcomeOf(withRightMac(plainQuery(), parts)), TsigOutcome::kGood);
}

TEST(Tsig, WhatIsNotTheLastRecordIsMalformed) {
  const Bytes record = TsigParts().record();
  EXPECT_EQ(outcomeOf(QueryPacket("a").with(record).bytes()), TsigOutcome::kBadSig)
      << "the frame of the others is right";
  EXPECT_EQ(outcomeOf(QueryPacket("a").with(record).with(test::optRecord()).bytes()),
            TsigOutcome::kMalformed);
  EXPECT_EQ(outcomeOf(QueryPacket("a").with(record).with(record).bytes()), TsigOutcome::kMalformed);
  QueryPacket in_answer("a");
  in_answer.with(record).counts[3] = 0;
  in_answer.counts[1] = 1;
  EXPECT_EQ(outcomeOf(in_answer.bytes()), TsigOutcome::kMalformed);
  QueryPacket before_opt("a");
  before_opt.with(record).with(test::optRecord()).counts[3] = 1;
  before_opt.counts[2] = 1;
  EXPECT_EQ(outcomeOf(before_opt.bytes()), TsigOutcome::kMalformed);
  Bytes trailing = QueryPacket("a").with(record).bytes();
  trailing.push_back(0);
  EXPECT_EQ(outcomeOf(trailing), TsigOutcome::kMalformed);
}

TEST(Tsig, WhatCannotBeReadIsMalformed) {
  const auto outcome = [](const TsigParts& parts) {
    return outcomeOf(QueryPacket("www.example").with(parts.record()).bytes());
  };
  TsigParts wrong_class;
  wrong_class.rr_class = 1;
  EXPECT_EQ(outcome(wrong_class), TsigOutcome::kMalformed);
  TsigParts ttl;
  ttl.ttl = 1;
  EXPECT_EQ(outcome(ttl), TsigOutcome::kMalformed);
  TsigParts compressed;  // never, as RFC 3597 has it
  compressed.algorithm = {0xC0, 12};
  EXPECT_EQ(outcome(compressed), TsigOutcome::kMalformed);
  TsigParts no_end;
  no_end.algorithm = {3, 'a', 'b', 'c'};
  EXPECT_EQ(outcome(no_end), TsigOutcome::kMalformed);
  TsigParts more;
  more.after = {0};
  EXPECT_EQ(outcome(more), TsigOutcome::kMalformed);
  TsigParts forward;
  forward.owner = {0xC0, 40};
  EXPECT_EQ(outcome(forward), TsigOutcome::kMalformed);
  const Bytes whole = QueryPacket("www.example").with(TsigParts().record()).bytes();
  for (std::size_t size = plainQuery().size() + 15; size < whole.size(); ++size) {
    EXPECT_EQ(outcomeOf(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
              TsigOutcome::kMalformed)
        << size;
  }
}

TEST(TsigAlgorithms, AreReadInAnyCaseAndMd5IsRefused) {
  EXPECT_EQ(parseTsigAlgorithm("HMAC-SHA384.").value(), TsigAlgorithm::kHmacSha384);
  EXPECT_THAT(parseTsigAlgorithm("hmac-md5").error().message, HasSubstr("MD5 is broken"));
  EXPECT_THAT(parseTsigAlgorithm("HMAC-MD5.SIG-ALG.REG.INT.").error().message,
              HasSubstr("MD5 is broken"));
  EXPECT_THAT(parseTsigAlgorithm("sha256").error().message, HasSubstr("must be hmac-sha256"));
  EXPECT_FALSE(parseTsigAlgorithm(""));
}

TEST(TsigKeySet, FindsByNameAndRefusesWhatItMustNotHold) {
  std::vector<TsigKey> many;
  for (std::size_t i = 0; i < TsigKeys::kMax; ++i) many.push_back(tsigKey("k" + std::to_string(i)));
  const TsigKeys keys = tsigKeys(many);
  EXPECT_EQ(keys.size(), TsigKeys::kMax);
  for (const TsigKey& each : many) {
    ASSERT_NE(keys.find(each.name), nullptr);
    EXPECT_EQ(keys.find(each.name)->name, each.name);
  }
  EXPECT_EQ(keys.find(Name::parse("k").value()), nullptr);
  EXPECT_EQ(keys.find(Name()), nullptr);
  EXPECT_EQ(TsigKeys().find(many[0].name), nullptr);

  const auto errorOf = [](std::vector<TsigKey> wrong) {
    const auto built = TsigKeys::build(std::move(wrong));
    return built ? std::string("none") : built.error().message;
  };
  many.push_back(tsigKey("one.more"));
  EXPECT_EQ(errorOf(many), "at most 1000 keys");
  EXPECT_EQ(errorOf({tsigKey("b"), tsigKey("a"), tsigKey("b")}), "key b.: stands twice");
  TsigKey odd = tsigKey("a");
  for (const auto& [size, good] :
       {std::pair{15, false}, {16, true}, {512, true}, {513, false}, {0, false}}) {
    odd.secret.assign(static_cast<std::size_t>(size), 'S');
    const std::string error = errorOf({odd});
    EXPECT_EQ(error == "none", good) << size;
    EXPECT_THAT(error, testing::Not(HasSubstr("SS")));
    if (!good) {
      EXPECT_THAT(error, HasSubstr("16 to 512 are allowed"));
    }
  }
}

}  // namespace
}  // namespace meridian::dns
