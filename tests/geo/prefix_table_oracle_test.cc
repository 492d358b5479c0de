// PrefixTable against the oracle, with enough ranges for each width of the root: too slow for the
// sanitizers' builds, which have the smaller ones of prefix_table_test.cc.
#include "tests/geo/prefix_table_oracle.h"

namespace meridian::geo {
namespace {

TEST(PrefixTableOracle, WiderRoots) {
  ASSERT_NO_FATAL_FAILURE(test::expectEqualToOracle(1001, 2000, 7));
  ASSERT_NO_FATAL_FAILURE(test::expectEqualToOracle(1002, 20000, 3));
}

}  // namespace
}  // namespace meridian::geo
