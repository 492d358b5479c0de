#include "dns/wire/read_name.h"

#include <gtest/gtest.h>

#include "tests/support/dns_message.h"

namespace meridian::dns {
namespace {

using test::Bytes;

// Behind a header of zeros: "example" at 12, and `rest` at 21.
Bytes messageWith(const Bytes& rest) {
  Bytes out(kHeaderBytes, 0);
  test::append(out, test::wireName("Example"));
  test::append(out, rest);
  return out;
}
constexpr std::size_t kRest = 21;

std::string nameOf(const Bytes& rest, std::size_t expected_end) {
  const Bytes message = messageWith(rest);
  std::size_t at = kRest;
  const auto name = readName(message, at);
  if (!name) {
    EXPECT_EQ(at, kRest);
    return "none";
  }
  EXPECT_EQ(at, kRest + expected_end);
  return name->text();
}

TEST(ReadName, UndoesCompression) {
  EXPECT_EQ(nameOf(test::wireName("a.B"), 5), "a.B.");
  EXPECT_EQ(nameOf({0, 7}, 1), ".");
  EXPECT_EQ(nameOf({0xC0, 12, 9}, 2), "Example.");
  EXPECT_EQ(nameOf({3, 'w', 'w', 'w', 0xC0, 12, 9}, 6), "www.Example.");
  EXPECT_EQ(nameOf({0xC0, 20}, 2), ".") << "a pointer to the root";
}

TEST(ReadName, PointersLeadBackAndNeverIntoTheHeader) {
  EXPECT_EQ(nameOf({0xC0, 21}, 0), "none") << "itself";
  EXPECT_EQ(nameOf({0xC0, 23, 0, 0}, 0), "none") << "forward";
  EXPECT_EQ(nameOf({1, 'a', 0xC0, 21}, 0), "none") << "its own beginning";
  EXPECT_EQ(nameOf({0xC0, 0}, 0), "none");
  EXPECT_EQ(nameOf({0xC0, 11}, 0), "none");
  EXPECT_EQ(nameOf({0xC0}, 0), "none");
  EXPECT_EQ(nameOf({0x40, 1, 0}, 0), "none") << "no such label";
  EXPECT_EQ(nameOf({0x80, 1, 0}, 0), "none");
  EXPECT_EQ(nameOf({5, 'a'}, 0), "none");
  EXPECT_EQ(nameOf({1, 'a'}, 0), "none");
  EXPECT_EQ(nameOf({}, 0), "none");
}

TEST(ReadName, ANameIsAtMost255BytesHoweverItIsWritten) {
  Bytes rest;
  for (int i = 0; i < 3; ++i) {
    rest.push_back(63);
    test::append(rest, Bytes(63, 'x'));
  }
  const std::size_t room = kMaxName - std::size_t{3} * 64 - 9;  // of 255, what "Example." leaves
  Bytes fits = rest;
  fits.push_back(static_cast<std::uint8_t>(room - 1));
  test::append(fits, Bytes(room - 1, 'y'));
  test::append(fits, {0xC0, 12});
  EXPECT_NE(nameOf(fits, fits.size()), "none");
  Bytes too_long = rest;
  too_long.push_back(static_cast<std::uint8_t>(room));
  test::append(too_long, Bytes(room, 'y'));
  test::append(too_long, {0xC0, 12});
  EXPECT_EQ(nameOf(too_long, 0), "none");
}

}  // namespace
}  // namespace meridian::dns
