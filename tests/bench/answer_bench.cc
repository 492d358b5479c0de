// Time of answer() alone: parse, look up, write; no network. The full run is tests/bench/run.
#include <benchmark/benchmark.h>

#include "tests/bench/answer_load.h"

namespace {

using meridian::bench::Asker;

constexpr std::size_t kQueries = 1 << 16;
constexpr std::size_t kFewNetworks = 20'000;

void ask(benchmark::State& state, Asker asker) {
  if (!asker.allAnswered()) {
    state.SkipWithError("a query was not answered");
    return;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(asker.askNext());
  }
  state.SetItemsProcessed(state.iterations());
}

void answerStatic(benchmark::State& state) {
  ask(state, Asker(meridian::bench::makeServingState(kFewNetworks),
                   meridian::bench::staticQueries(kQueries)));
}
BENCHMARK(answerStatic);

void answerGeo(benchmark::State& state) {
  const auto networks = static_cast<std::size_t>(state.range(0));
  ask(state, Asker(meridian::bench::makeServingState(networks),
                   meridian::bench::geoQueries(kQueries, networks)));
}
BENCHMARK(answerGeo)->Arg(kFewNetworks)->Arg(1'000'000);

}  // namespace

BENCHMARK_MAIN();
