// The seams of the engine of changes, saying what a test wants.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "partition/drc/link_view.h"
#include "partition/hooks/hook.h"

namespace meridian::test {

// Hooks that wait until the test answers them.
class ScriptedHooks final : public partition::HookRunner {
 public:
  struct Asked {
    partition::HookCall call;
    std::function<void(partition::HookOutcome)> done;
  };

  void run(const partition::HookCall& call,
           std::function<void(partition::HookOutcome)> done) override {
    seen.push_back(call);
    if (partition::hookRole(call.phase) == partition::HookRole::kNotify) return;
    asked.push_back({call, std::move(done)});
  }
  void cancel(const std::string&, partition::HookPhase) override {}

  // Answers the oldest question.
  void answer(partition::HookOutcome::Kind kind = partition::HookOutcome::Kind::kAllowed,
              bool park = false) {
    Asked next = std::move(asked.front());
    asked.pop_front();
    next.done({.kind = kind, .hook = "test", .reason = "said so", .park = park});
  }
  bool told(partition::HookPhase phase) const {
    for (const auto& call : seen) {
      if (call.phase == phase) return true;
    }
    return false;
  }

  std::deque<Asked> asked;
  std::vector<partition::HookCall> seen;
};

// Every link is the same but for those a test names; positions are numbers.
class ScriptedLinks final : public partition::LinkSource {
 public:
  static partition::LinkView good() {
    partition::LinkView view;
    view.state = partition::LinkState::kRunning;
    view.freshness = partition::Freshness::kFresh;
    view.effective_lag_ms = 200;
    view.worst_lag_60s_ms = 400;
    view.src_pos = "pos@100";
    view.applied_pos = "pos@100";
    view.src_pos_age_ms = 0;
    return view;
  }
  partition::LinkView link(std::string_view source, std::string_view target) const override {
    const auto found = links.find({std::string(source), std::string(target)});
    return found == links.end() ? all : found->second;
  }
  bool contains(std::string_view, std::string_view, std::string_view barrier) const override {
    return !barrier.empty() && caught_up;
  }

  partition::LinkView all = good();
  std::map<std::pair<std::string, std::string>, partition::LinkView> links;
  bool caught_up = true;
};

}  // namespace meridian::test
