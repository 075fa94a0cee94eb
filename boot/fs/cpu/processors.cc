#include "boot/fs/cpu/processors.h"

#include "boot/fs/pseudo/format.h"

namespace runsc {

std::vector<int> numbers_of(std::uint64_t set) {
  std::vector<int> out;
  for (int i = 0; i < 64; ++i)
    if (((set >> i) & 1) != 0) out.push_back(i);
  return out;
}

std::string list_text(std::uint64_t set) {
  std::string out;
  for (int first = 0; first < 64; ++first) {
    if (((set >> first) & 1) == 0) continue;
    int last = first;
    while (last < 63 && ((set >> (last + 1)) & 1) != 0) ++last;
    if (!out.empty()) out += ',';
    append_format(out, "%d", first);
    if (last != first) append_format(out, "-%d", last);
    first = last;
  }
  return out;
}

std::string mask_text(std::uint64_t set, int count) {
  std::string out;
  const auto digits = [](int bits) { return (bits + 3) / 4; };
  if (count > 32) {
    append_format(out, "%0*llx,", digits(count - 32), static_cast<unsigned long long>(set >> 32));
    count = 32;
  }
  append_format(out, "%0*llx", digits(count), static_cast<unsigned long long>(set & 0xffffffff));
  return out;
}

}  // namespace runsc
