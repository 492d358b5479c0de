// Answers COUNT queries of a load and ends: what tests/bench/instructions counts instructions of.
//
// usage: answer_replay static|geo|shared|signed|unsigned|tapped COUNT
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/answer_load.h"

namespace {

constexpr std::size_t kNetworks = 20'000;
constexpr std::size_t kQueries = 1'000;

std::vector<meridian::bench::QueryPacket> queriesOf(std::string_view load) {
  if (load == "static") return meridian::bench::staticQueries(kQueries);
  if (load == "geo" || load == "tapped") return meridian::bench::geoQueries(kQueries, kNetworks);
  if (load == "shared") return meridian::bench::sharedQueries(kQueries, kNetworks);
  if (load == "signed") return meridian::bench::signedQueries(kQueries, kNetworks);
  if (load == "unsigned") return meridian::bench::unsignedQueries(kQueries, kNetworks);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view load = argc == 3 ? argv[1] : "";
  const unsigned long count = argc == 3 ? std::strtoul(argv[2], nullptr, 10) : 0;
  auto queries = queriesOf(load);
  if (queries.empty() || count == 0) {
    std::fprintf(stderr, "usage: answer_replay static|geo|shared|signed|unsigned|tapped COUNT\n");
    return 2;
  }
  meridian::bench::Asker asker(meridian::bench::makeServingState(kNetworks), std::move(queries));
  if (load == "tapped") asker.tapEach();
  if (!asker.allAnswered()) {
    std::fprintf(stderr, "answer_replay: a query was not answered\n");
    return 1;
  }
  std::size_t bytes = 0;
  for (unsigned long i = 0; i < count; i++) {
    bytes += asker.askNext();
  }
  std::printf("%lu answers, %zu bytes\n", count, bytes);
  return 0;
}
