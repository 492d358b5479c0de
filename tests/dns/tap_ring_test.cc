#include "dns/tap/tap_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "dns/tap/sampler.h"

namespace meridian::dns {
namespace {

using RingBytes = std::vector<std::uint8_t>;

// A record that tells by itself whether it is whole.
RingBytes ringRecord(std::uint64_t number, std::size_t size) {
  RingBytes out(size, static_cast<std::uint8_t>(number * 7 + size));
  std::memcpy(out.data(), &number, std::min(size, sizeof number));
  return out;
}

bool putRecord(TapRing& ring, const RingBytes& record) {
  const auto room = ring.reserve(record.size());
  if (room.empty()) return false;
  std::copy(record.begin(), record.end(), room.begin());
  ring.commit();
  return true;
}

RingBytes takenRecord(TapRing& ring) {
  const auto front = ring.front();
  RingBytes out(front.begin(), front.end());
  if (!front.empty()) ring.pop();
  return out;
}

TEST(TapRing, RecordsComeOutAsTheyWentIn) {
  TapRing ring(2048);
  EXPECT_TRUE(ring.front().empty());
  for (std::size_t size = 1; size <= 40; ++size)
    ASSERT_TRUE(putRecord(ring, ringRecord(size, size))) << size;
  for (std::size_t size = 1; size <= 40; ++size)
    EXPECT_EQ(takenRecord(ring), ringRecord(size, size));
  EXPECT_TRUE(ring.front().empty());
  EXPECT_EQ(ring.dropped(), 0U);
}

TEST(TapRing, WhatFindsNoRoomIsDroppedAndCountedAndNothingElseIsHarmed) {
  TapRing ring(256);
  std::uint64_t held = 0;
  while (putRecord(ring, ringRecord(held, 24))) ++held;
  EXPECT_EQ(held, 256U / (24 + 8));
  EXPECT_FALSE(putRecord(ring, ringRecord(99, 24)));
  EXPECT_EQ(ring.dropped(), 2U);
  EXPECT_EQ(takenRecord(ring), ringRecord(0, 24));
  EXPECT_TRUE(putRecord(ring, ringRecord(held, 24))) << "what was taken made room";
  for (std::uint64_t i = 1; i <= held; ++i) EXPECT_EQ(takenRecord(ring), ringRecord(i, 24));
  EXPECT_TRUE(ring.front().empty());
}

TEST(TapRing, TheLargestRecordFitsWhereverTheLastOneEnded) {
  TapRing ring(512);
  for (std::size_t before = 1; before < 512; before += 8) {
    if (before <= ring.maxRecord()) {
      ASSERT_TRUE(putRecord(ring, ringRecord(before, before)));
      ASSERT_EQ(takenRecord(ring), ringRecord(before, before));
    }
    ASSERT_TRUE(putRecord(ring, ringRecord(1, ring.maxRecord()))) << before;
    ASSERT_EQ(takenRecord(ring), ringRecord(1, ring.maxRecord()));
  }
  EXPECT_FALSE(putRecord(ring, ringRecord(1, ring.maxRecord() + 1)));
}

TEST(TapRing, ARecordThatIsNotCommittedWasNeverThere) {
  TapRing ring(256);
  EXPECT_FALSE(ring.reserve(16).empty());
  EXPECT_TRUE(ring.front().empty());
  EXPECT_TRUE(putRecord(ring, ringRecord(5, 30)));
  EXPECT_EQ(takenRecord(ring), ringRecord(5, 30));
}

TEST(TapRing, HoldsWhatAQueueOfItsSizeWould) {
  std::mt19937_64 random(20'261'129);
  TapRing ring(4096);
  std::deque<RingBytes> model;
  std::size_t model_bytes = 0;
  for (std::uint64_t step = 0; step < 200'000; ++step) {
    if (random() % 2 == 0) {
      const RingBytes record = ringRecord(step, 1 + random() % (random() % 8 == 0 ? 2000 : 200));
      const bool fits = putRecord(ring, record);
      if (fits) {
        model.push_back(record);
        model_bytes += record.size();
      } else {
        ASSERT_GT(model_bytes + record.size() + 16 * (model.size() + 1), 2048U)
            << "only a ring that is half full may refuse";
      }
    } else {
      const RingBytes expected = model.empty() ? RingBytes{} : model.front();
      ASSERT_EQ(takenRecord(ring), expected) << step;
      if (!model.empty()) {
        model_bytes -= expected.size();
        model.pop_front();
      }
    }
  }
}

// One writes as fast as it can, another reads: each record whole, in order, or dropped and counted.
TEST(TapRingConcurrent, EveryRecordArrivesWholeOrIsCounted) {
  constexpr std::uint64_t kRecords = 100'000;
  TapRing ring(8192);
  std::atomic<bool> done{false};
  std::uint64_t accepted = 0;
  std::thread writer([&] {
    std::mt19937_64 random(7);
    for (std::uint64_t i = 0; i < kRecords; ++i)
      if (putRecord(ring, ringRecord(i, 8 + random() % 300))) ++accepted;
    done.store(true, std::memory_order_release);
  });
  std::uint64_t got = 0;
  std::uint64_t least = 0;
  bool whole = true;
  while (true) {
    const bool last = done.load(std::memory_order_acquire);
    for (RingBytes bytes = takenRecord(ring); !bytes.empty(); bytes = takenRecord(ring)) {
      std::uint64_t number = 0;
      std::memcpy(&number, bytes.data(), sizeof number);
      whole = whole && number >= least && bytes == ringRecord(number, bytes.size());
      least = number + 1;
      ++got;
    }
    if (last) break;
  }
  writer.join();
  EXPECT_TRUE(whole);
  EXPECT_EQ(got, accepted);
  EXPECT_EQ(accepted + ring.dropped(), kRecords);
}

TEST(Sampler, TakesOneOfSoMany) {
  for (const std::uint32_t one_in : {2U, 7U, 1000U}) {
    Sampler sampler(one_in, 0x1234'5678'9ABC'DEF0U);
    int taken = 0;
    const int asked = static_cast<int>(one_in) * 2'000;
    for (int i = 0; i < asked; ++i) taken += sampler.take() ? 1 : 0;
    EXPECT_NEAR(taken, 2'000, 150) << one_in;
  }
}

TEST(Sampler, TakesAllOrNone) {
  Sampler all(1, 3);
  Sampler none(0, 3);
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(all.take());
    ASSERT_FALSE(none.take());
  }
}

// One of eight of a pattern that repeats itself each eight queries: all of its parts are seen.
TEST(Sampler, APatternDoesNotHideFromIt) {
  Sampler sampler(8, 99);
  std::array<int, 8> seen{};
  for (std::size_t i = 0; i < 80'000; ++i) seen[i % 8] += sampler.take() ? 1 : 0;
  for (const int count : seen) EXPECT_NEAR(count, 1'250, 200);
}

}  // namespace
}  // namespace meridian::dns
