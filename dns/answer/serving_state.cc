#include "dns/answer/serving_state.h"

namespace meridian::dns {

std::vector<std::uint8_t> identityOf(const AnswerSettings& settings, partition::Rev rev) {
  const std::string text = settings.node_id + " rev=" + std::to_string(rev);
  return {text.begin(), text.end()};
}

}  // namespace meridian::dns
