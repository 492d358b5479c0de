// TextTable: rows of text, printed with aligned columns.
#pragma once

#include <string>
#include <vector>

namespace meridian::ctl {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
  // REQUIRES: as many cells as the header.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // One line a row; columns two spaces apart, no spaces at the end. Control bytes are shown as '?':
  // the text may come from anywhere, and it goes to a terminal.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace meridian::ctl
