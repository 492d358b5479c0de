// The side-by-side run's static and geo loads for answer() itself, without a network: a serving
// state and the queries for it. Networks and names are drawn with a fixed seed, so nothing has to
// be downloaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "dns/answer/answerer.h"
#include "dns/answer/serving_state.h"
#include "dns/tap/query_tap.h"
#include "tests/bench/query_packet.h"

namespace meridian::bench {

// 10,000 A names, one name that the nearest of eight sites answers for each of `networks` networks
// (/24), and one that the eight share by weight. Two more are answered by the nearest site, and
// with DO their answers are of one size: one A record and its signature, or eight A records. Ends
// the program with the reason if the parts do not fit.
std::shared_ptr<const dns::ServingState> makeServingState(std::size_t networks);

std::vector<QueryPacket> staticQueries(std::size_t count);
// Client subnets are drawn from the networks of makeServingState(networks).
std::vector<QueryPacket> geoQueries(std::size_t count, std::size_t networks);
std::vector<QueryPacket> sharedQueries(std::size_t count, std::size_t networks);
// With DO.
std::vector<QueryPacket> signedQueries(std::size_t count, std::size_t networks);
std::vector<QueryPacket> unsignedQueries(std::size_t count, std::size_t networks);

// Asks the queries in turn, over and over. Single thread.
class Asker {
 public:
  Asker(std::shared_ptr<const dns::ServingState> state, std::vector<QueryPacket> queries);

  // Answers the next query; returns the answer's size.
  std::size_t askNext();
  // Whether every query gets NOERROR and a record.
  bool allAnswered();
  // From now on each query is told of, and taken out of the ring again.
  void tapEach();

 private:
  std::size_t askTapped(const QueryPacket& query);

  std::shared_ptr<const dns::ServingState> state_;
  std::vector<QueryPacket> queries_;
  std::size_t next_ = 0;
  dns::Client client_;
  dns::AnswerCounters counters_;
  std::vector<std::uint8_t> out_;
  std::unique_ptr<dns::QueryTap> tap_;
};

}  // namespace meridian::bench
