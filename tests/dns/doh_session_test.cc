// Requests and replies of DNS over HTTPS. Limits and floods: doh_limits_test.cc.
#include "dns/net/doh_session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "dns/wire/types.h"
#include "tests/support/doh_rig.h"

namespace meridian::dns {
namespace {

using test::base64Url;
using test::Bytes;
using test::dohAnswer;
using test::dohQuery;
using test::DohRig;
using test::HttpReply;
using test::kDohPath;

const std::string kAsked = std::string(kDohPath) + "?dns=";

void expectRefused(const HttpReply& reply, const std::string& status) {
  EXPECT_EQ(reply.status(), status);
  EXPECT_EQ(reply.field("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(reply.field("cache-control"), "no-store");
  EXPECT_EQ(reply.field("content-length"), std::to_string(reply.body.size()));
  EXPECT_GT(reply.body.size(), 1U);
  EXPECT_EQ(std::count(reply.body.begin(), reply.body.end(), '\n'), 1);
  EXPECT_TRUE(!reply.body.empty() && reply.body.back() == '\n');
  EXPECT_TRUE(reply.closed);
  EXPECT_EQ(reply.error, 0U);
}

TEST(DohSession, GetAndPostAreAnsweredAlike) {
  DohRig rig;
  const HttpReply got = rig.ask(dohQuery(7));
  const HttpReply posted = rig.post(dohQuery(7));
  EXPECT_EQ(got.body, dohAnswer(7));
  EXPECT_EQ(got.status(), "200");
  EXPECT_EQ(got.field("content-type"), "application/dns-message");
  EXPECT_EQ(got.field("content-length"), std::to_string(got.body.size()));
  EXPECT_EQ(got.field("cache-control"), "private, max-age=0");
  EXPECT_EQ(got.fields.size(), 4U);
  EXPECT_EQ(posted.body, got.body);
  EXPECT_EQ(posted.fields, got.fields);
  EXPECT_EQ(rig.replies(HttpStatus::kOk), 2U);
  EXPECT_EQ(rig.session.replies(), 2U);
}

TEST(DohSession, HeadIsGetWithoutTheBody) {
  DohRig rig;
  const HttpReply got = rig.ask(dohQuery());
  const HttpReply head = rig.get(kAsked + base64Url(dohQuery()), "HEAD");
  EXPECT_EQ(head.fields, got.fields);
  EXPECT_TRUE(head.body.empty());
  EXPECT_TRUE(head.closed);
  EXPECT_EQ(rig.get("/", "HEAD").status(), "404");
}

TEST(DohSession, TheLifeOfAnAnswerIsTold) {
  DohRig rig;
  Bytes query = dohQuery();
  query[7] = 1;  // one answer, which the rig sends back
  test::append(query, {0xC0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1});
  EXPECT_EQ(rig.ask(query).field("cache-control"), "private, max-age=300");
}

TEST(DohSession, OtherVariablesAndParametersDoNoHarm) {
  DohRig rig;
  const std::string dns = base64Url(dohQuery());
  EXPECT_EQ(rig.get(std::string(kDohPath) + "?ct&x=1&dns=" + dns + "&y=").body, dohAnswer());
  EXPECT_EQ(rig.post(dohQuery(), "Application/DNS-Message ; charset=x").body, dohAnswer());
  EXPECT_EQ(rig.post(dohQuery(), "application/dns-message", kAsked + "AA").body, dohAnswer());
}

TEST(DohSession, RefusalsHaveTheirStatusAndOneLine) {
  DohRig rig;
  const std::string dns = base64Url(dohQuery());
  for (const std::string& path : {std::string(kDohPath), kAsked, kAsked + "!", kAsked + dns + "=",
                                  kAsked + dns + "&dns=" + dns, kAsked + base64Url(Bytes(11)),
                                  kAsked + base64Url(dohAnswer()), kAsked + "%41"}) {
    SCOPED_TRACE(path);
    expectRefused(rig.get(path), "400");
  }
  expectRefused(rig.post({}), "400");
  expectRefused(rig.post(Bytes(11)), "400");
  expectRefused(rig.post(dohAnswer()), "400");
  for (const char* path : {"/", "/dns-query/", "/dns-quer", "/DNS-QUERY?dns="}) {
    SCOPED_TRACE(path);
    expectRefused(rig.get(path), "404");
  }
  const HttpReply put = rig.get(kAsked + dns, "PUT");
  expectRefused(put, "405");
  EXPECT_EQ(put.field("allow"), "GET, HEAD, POST");
  expectRefused(rig.post(dohQuery(), "application/dns-json"), "415");
  expectRefused(rig.post(dohQuery(), ""), "415");
  expectRefused(rig.get(kAsked + std::string(20'000, 'A')), "431");
  EXPECT_EQ(rig.replies(HttpStatus::kBadRequest), 11U);
  EXPECT_EQ(rig.replies(HttpStatus::kNotFound), 4U);
  EXPECT_EQ(rig.replies(HttpStatus::kMethodNotAllowed), 1U);
  EXPECT_EQ(rig.replies(HttpStatus::kWrongMedia), 2U);
  EXPECT_EQ(rig.replies(HttpStatus::kFieldsTooLarge), 1U);
  EXPECT_EQ(rig.ask(dohQuery()).body, dohAnswer()) << "the connection goes on";
}

TEST(DohSession, ABodyNeedsOneTypeAndNoCoding) {
  DohRig rig;
  const auto posted = [&](const test::HttpFields& more) {
    test::HttpFields fields = {{":method", "POST"}, {":path", kDohPath}};
    fields.insert(fields.end(), more.begin(), more.end());
    const std::int32_t id = rig.client.request(fields, dohQuery());
    rig.run();
    return rig.client.reply(id).status();
  };
  const std::pair<std::string, std::string> type{"content-type", "application/dns-message"};
  EXPECT_EQ(posted({type}), "200");
  EXPECT_EQ(posted({type, {"content-encoding", "identity"}}), "200");
  EXPECT_EQ(posted({}), "415");
  EXPECT_EQ(posted({type, type}), "415");
  EXPECT_EQ(posted({type, {"content-encoding", "gzip"}}), "415");
}

TEST(DohSession, AMessageOfTheGreatestLengthIsTakenAndNoByteMore) {
  DohRig rig;
  rig.client.grant(0, 100'000);
  Bytes message = dohQuery();
  message.resize(kMaxMessage);
  EXPECT_EQ(rig.post(message).body.size(), kMaxMessage);
  message.resize(kMaxMessage + 1);
  expectRefused(rig.post(message), "413");
  EXPECT_EQ(rig.replies(HttpStatus::kTooLarge), 1U);
  EXPECT_EQ(rig.counters.resets.value(), 0U);
}

// RFC 9113 §8.1: the reply comes at once, and what is left of the request is not wanted.
TEST(DohSession, WhoSendsTooMuchIsToldBeforeTheEnd) {
  DohRig rig;
  Bytes head;
  for (const auto& [name, value] : test::HttpFields{{":method", "POST"},
                                                    {":scheme", "https"},
                                                    {":authority", "x"},
                                                    {":path", kDohPath},
                                                    {"content-type", "application/dns-message"}})
    test::append(head, test::http2Field(name, value));
  rig.session.feed(test::http2Preface());
  rig.session.feed(test::http2Frame(1, 0x4, 1, head));
  for (int i = 0; i < 4; ++i) {
    rig.session.feed(test::http2Frame(0, 0, 1, Bytes(16'384)));
    const Bytes sent = rig.taken();
    const bool reset = sent.size() > 13 &&
                       Bytes(sent.end() - 13, sent.end()) == test::http2Frame(3, 0, 1, Bytes(4));
    EXPECT_EQ(reset, i == 3) << i;
  }
  EXPECT_EQ(rig.replies(HttpStatus::kTooLarge), 1U);
  EXPECT_FALSE(rig.session.ended());
}

TEST(DohSession, TrailersAreNoFieldsOfTheRequest) {
  DohRig rig;
  Bytes head;
  for (const auto& [name, value] : test::HttpFields{{":method", "POST"},
                                                    {":scheme", "https"},
                                                    {":authority", "x"},
                                                    {":path", kDohPath},
                                                    {"content-type", "application/dns-message"}})
    test::append(head, test::http2Field(name, value));
  rig.session.feed(test::http2Preface());
  rig.session.feed(test::http2Frame(1, 0x4, 1, head));
  rig.session.feed(test::http2Frame(0, 0, 1, dohQuery()));
  EXPECT_EQ(rig.session.replies(), 0U);
  rig.session.feed(test::http2Frame(1, 0x5, 1, test::http2Field("content-type", "text/plain")));
  EXPECT_EQ(rig.replies(HttpStatus::kOk), 1U);
}

// What a client sends, its requests whole.
Bytes streamOf(test::DohClient& client, const std::vector<Bytes>& queries) {
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (i % 2 == 0) {
      client.get(kAsked + base64Url(queries[i]));
    } else {
      client.post(kDohPath, queries[i]);
    }
  }
  return client.take();
}

TEST(DohSession, BytesMayBeSplitAnywhere) {
  DohRig whole;
  const Bytes stream = streamOf(whole.client, {dohQuery(1), dohQuery(2), Bytes(3)});
  whole.session.feed(stream);
  const Bytes expected = whole.taken();
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    DohRig rig;
    rig.session.feed(std::span(stream).first(cut));
    Bytes got = rig.taken();
    rig.session.feed(std::span(stream).subspan(cut));
    test::append(got, rig.taken());
    ASSERT_EQ(rig.session.replies(), 3U) << cut;
    ASSERT_FALSE(rig.session.ended()) << cut;
  }
  DohRig bytewise;
  for (const std::uint8_t byte : stream) {
    bytewise.session.feed({&byte, 1});
    EXPECT_TRUE(bytewise.client.feed({}));
  }
  EXPECT_EQ(bytewise.session.replies(), 3U);
  EXPECT_EQ(bytewise.taken().size(), expected.size());
}

TEST(DohSessionProperty, SplitsChangeNoAnswer) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](std::size_t bound) { return random() % bound; };
  for (int round = 0; round < 200; ++round) {
    DohRig rig({}, static_cast<std::uint32_t>(1 + below(200)));
    std::vector<Bytes> queries;
    for (std::size_t i = 1 + below(60); i > 0; --i) {
      Bytes query = dohQuery(static_cast<unsigned>(random() & 0xFFFF));
      if (below(4) == 0) query.resize(query.size() + below(3'000));
      queries.push_back(query);
    }
    Bytes stream = streamOf(rig.client, queries);
    std::vector<std::size_t> granted(queries.size());
    // Whatever may be sent is, in pieces; windows open a little at a time.
    for (std::size_t turn = 0; turn < 100'000; ++turn) {
      while (!stream.empty()) {
        const std::size_t piece = 1 + below(stream.size());
        rig.session.feed(std::span(stream).first(piece));
        stream.erase(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(piece));
        if (below(2) == 0) {
          EXPECT_TRUE(rig.client.feed(rig.taken()));
        }
      }
      ASSERT_TRUE(rig.client.feed(rig.taken()));
      bool done = true;
      for (std::size_t i = 0; i < queries.size(); ++i) {
        const auto id = static_cast<std::int32_t>(2 * i + 1);
        if (rig.client.reply(id).closed) continue;
        done = false;
        if (!rig.client.reply(id).fields.empty()) rig.client.grant(id, 1'000);
      }
      rig.client.grant(0, 10'000);
      stream = rig.client.take();
      if (done) break;
    }
    for (std::size_t i = 0; i < queries.size(); ++i) {
      Bytes expected = queries[i];
      expected[2] |= 0x80;
      const HttpReply& reply = rig.client.reply(static_cast<std::int32_t>(2 * i + 1));
      ASSERT_TRUE(reply.closed) << round;
      ASSERT_EQ(reply.body, expected) << round;
    }
    ASSERT_FALSE(rig.client.goAway()) << round;
  }
}

}  // namespace
}  // namespace meridian::dns
