#include "dns/sign/signing_jobs.h"

#include <algorithm>
#include <cstddef>
#include <thread>

namespace meridian::dns {
namespace {

// Fewer than this are not worth threads.
constexpr std::size_t kMinForThreads = 2'000;

}  // namespace

void signAll(std::span<SigningJob> jobs, NameView apex) {
  const auto signSome = [&](std::size_t from, std::size_t step) {
    for (std::size_t i = from; i < jobs.size(); i += step) {
      SigningJob& job = jobs[i];
      const SignedData data(job.owner, job.rrset, *job.key, apex, job.period);
      job.rdata = data.withSignature(job.key->key().sign(data.bytes()));
    }
  };
  if (jobs.size() < kMinForThreads) return signSome(0, 1);
  const std::size_t count = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back(signSome, i, count);
}

}  // namespace meridian::dns
