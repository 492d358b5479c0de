#include "dns/answer/subject_resolvers.h"

#include <gtest/gtest.h>

namespace meridian::dns {
namespace {

using partition::ResolverPeriod;

constexpr ResolverPeriod kPeriod = ResolverPeriod::of(3, 1'700'000'000);

double resolversIn(const SubjectResolvers& seen, std::size_t subject,
                   ResolverPeriod period = kPeriod) {
  const auto sketch = seen.sketch(subject, period);
  return sketch ? sketch->estimate() : -1;
}

TEST(SubjectResolvers, EachAddressCountsOnceForEachSubject) {
  SubjectResolvers seen;
  EXPECT_FALSE(seen.sketch(0, kPeriod));
  for (std::uint32_t round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < 20; ++i) seen.add(0, IpAddress::v4(0xC0000200 + i), kPeriod);
  }
  seen.add(7, IpAddress::v4(0xC0000200), kPeriod);
  EXPECT_NEAR(resolversIn(seen, 0), 20, 1.5);
  EXPECT_NEAR(resolversIn(seen, 7), 1, 0.1);
  EXPECT_FALSE(seen.sketch(1, kPeriod));
}

TEST(SubjectResolvers, ManyNeighbouringAddressesAreTold) {
  SubjectResolvers seen;
  for (std::uint32_t i = 0; i < 50'000; ++i) seen.add(1, IpAddress::v4(0x0A000000 + i), kPeriod);
  EXPECT_NEAR(resolversIn(seen, 1), 50'000, 0.2 * 50'000);
}

TEST(SubjectResolvers, OneSlash64IsOneResolver) {
  SubjectResolvers seen;
  const U128 net = U128{0x20010DB800010002ULL} << 64;
  for (unsigned host = 1; host <= 100; ++host) seen.add(0, IpAddress::v6(net + host), kPeriod);
  EXPECT_NEAR(resolversIn(seen, 0), 1, 0.1);
  for (unsigned subnet = 1; subnet < 20; ++subnet) {
    seen.add(0, IpAddress::v6(net + (U128{subnet} << 64)), kPeriod);
  }
  EXPECT_NEAR(resolversIn(seen, 0), 20, 1.5);
}

TEST(SubjectResolvers, AnotherPeriodBeginsANewSketch) {
  SubjectResolvers seen;
  for (std::uint32_t i = 0; i < 50; ++i) seen.add(0, IpAddress::v4(i), kPeriod);
  const ResolverPeriod next = ResolverPeriod::of(3, 1'700'000'000 + ResolverPeriod::kSeconds);
  ASSERT_FALSE(next == kPeriod);
  seen.add(0, IpAddress::v4(1), next);
  EXPECT_FALSE(seen.sketch(0, kPeriod));
  EXPECT_NEAR(resolversIn(seen, 0, next), 1, 0.1);
}

// Index 0 may be another partition there.
TEST(SubjectResolvers, AnotherTopologyBeginsANewSketch) {
  SubjectResolvers seen;
  for (std::uint32_t i = 0; i < 50; ++i) seen.add(0, IpAddress::v4(i), kPeriod);
  const ResolverPeriod next = ResolverPeriod::of(4, 1'700'000'000);
  EXPECT_FALSE(seen.sketch(0, next));
  seen.add(0, IpAddress::v4(1), next);
  EXPECT_NEAR(resolversIn(seen, 0, next), 1, 0.1);
}

TEST(SubjectResolvers, ASubjectBeyondTheTableIsNotCounted) {
  SubjectResolvers seen;
  seen.add(SubjectResolvers::kMax, IpAddress::v4(1), kPeriod);
  EXPECT_FALSE(seen.sketch(SubjectResolvers::kMax, kPeriod));
}

}  // namespace
}  // namespace meridian::dns
