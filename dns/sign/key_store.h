// KeyStore: the keys of zones that are signed here, private halves and states, kept over a restart.
//
// Family "keys", docs/journal-format.md: one row a zone, so that a step of several keys is there as
// a whole or not at all. What is kept is synced before a call returns. The rows are secrets: the
// state folder must be nobody else's to read. Threads: the control thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/kv_store.h"
#include "base/result.h"
#include "dns/sign/key_plan.h"
#include "dns/wire/name.h"

namespace meridian::dns {

class KeyStore {
 public:
  using Row = std::pair<Name, ZoneKeys>;  // apex, lower-cased

  static std::vector<std::string> families();

  explicit KeyStore(std::shared_ptr<KvStore> store) : store_(std::move(store)) {}

  // kIo; kCorrupt says which zone's keys cannot be read, and what can be done.
  Result<std::vector<Row>> load() const;
  // All of them or none. kIo: nothing is changed.
  Status keep(const std::vector<Row>& rows) const;

 private:
  std::shared_ptr<KvStore> store_;
};

}  // namespace meridian::dns
