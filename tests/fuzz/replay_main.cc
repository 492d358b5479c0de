// Runs a fuzz target over every file of the corpus folders given: the same inputs, without
// libFuzzer.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  std::size_t inputs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      const auto text = meridian::readFile(entry.path(), std::size_t{1} << 24);
      if (!text) {
        std::fprintf(stderr, "%s\n", text.error().message.c_str());
        return 1;
      }
      const std::vector<std::uint8_t> bytes(text->begin(), text->end());
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      ++inputs;
    }
  }
  std::printf("%zu inputs replayed\n", inputs);
  return inputs == 0 ? 1 : 0;  // an empty corpus tests nothing
}
