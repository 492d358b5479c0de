// The workers' counters as metrics: folded when asked, so that counting costs the answer path
// nothing shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "admin/context.h"
#include "base/published.h"
#include "dns/answer/serving_state.h"
#include "dns/net/tcp_server.h"
#include "dns/net/udp_worker.h"
#include "dns/tap/tap_thread.h"
#include "dns/transfer/catalog_consumer.h"
#include "dns/transfer/catalog_producer.h"
#include "dns/transfer/notifier.h"
#include "dns/transfer/secondary_service.h"
#include "dns/update/update_service.h"

namespace meridian::server {

class DnsMetrics final : public admin::MetricsSource {
 public:
  // All must outlive this. `tap`: nullptr where nobody is told of queries.
  DnsMetrics(const std::vector<std::unique_ptr<dns::UdpWorker>>& workers, const dns::TcpServer& tcp,
             const dns::Notifier& notifier, const dns::RequestDesk& desk,
             const dns::UpdateService& updates, const dns::SecondaryService& secondaries,
             const dns::CatalogConsumer& catalogs, const dns::CatalogProducer& made_catalogs,
             const Published<dns::ServingState>& state, const dns::TapThread* tap)
      : workers_(workers),
        tcp_(tcp),
        notifier_(notifier),
        desk_(desk),
        updates_(updates),
        secondaries_(secondaries),
        catalogs_(catalogs),
        made_catalogs_(made_catalogs),
        state_(state),
        tap_(tap) {}

  std::vector<admin::Metric> collect() const override;
  // Questions since the start to each of the first `subjects` subjects, of all workers together.
  std::vector<std::uint64_t> subjectTotals(std::size_t subjects) const;
  // The resolvers of each of them in `period`, as far as they are counted.
  std::vector<HyperLogLog> subjectResolvers(std::size_t subjects,
                                            partition::ResolverPeriod period) const;

 private:
  const std::vector<std::unique_ptr<dns::UdpWorker>>& workers_;
  const dns::TcpServer& tcp_;
  const dns::Notifier& notifier_;
  const dns::RequestDesk& desk_;
  const dns::UpdateService& updates_;
  const dns::SecondaryService& secondaries_;
  const dns::CatalogConsumer& catalogs_;
  const dns::CatalogProducer& made_catalogs_;
  const Published<dns::ServingState>& state_;
  const dns::TapThread* tap_;
};

}  // namespace meridian::server
