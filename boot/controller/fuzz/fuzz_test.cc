// A few thousand rounds of the fuzz target from a fixed seed: the requests of a sound client with bytes changed, and
// messages left out, repeated and out of order. Sanitizer builds make more of it.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "boot/controller/fuzz/fuzz_target.h"
#include "boot/controller/recorded_requests.h"

namespace runsc {
namespace {

class Mutator {
 public:
  explicit Mutator(unsigned seed) : engine_(seed) {}

  std::string input(const std::vector<RecordedRequest>& requests) {
    std::string out = requests[below(requests.size())].bytes;
    if (below(4) == 0) {
      const std::string& other = requests[below(requests.size())].bytes;
      out += other.substr(8 * below(other.size() / 8));
    }
    for (std::size_t i = below(6); i > 0; --i) change(out);
    if (below(8) == 0) out.resize(below(out.size() + 64));
    return out;
  }

 private:
  std::size_t below(std::size_t bound) { return engine_() % bound; }

  void change(std::string& bytes) {
    if (bytes.size() < 16) return;
    char& byte = bytes[below(bytes.size())];
    switch (below(4)) {
      case 0:
        byte = static_cast<char>(engine_());
        break;
      case 1:
        byte = static_cast<char>(byte ^ (1 << below(8)));
        break;
      case 2:
        byte = static_cast<char>(below(2) == 0 ? 0 : 0xff);
        break;
      default:
        bytes.erase(8 * below(bytes.size() / 8), 8);
    }
  }

  std::mt19937 engine_;
};

TEST(ControlServerFuzz, SurvivesChangedRequests) {
  const std::vector<RecordedRequest> requests = record_requests();
  Mutator mutator(20260101);
  for (int round = 0; round < 3000; ++round) {
    const std::string input = mutator.input(requests);
    fuzz_control_server(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  }
}

TEST(ControlServerFuzz, SurvivesTheRequestsAsTheyAre) {
  for (const RecordedRequest& request : record_requests()) {
    SCOPED_TRACE(request.name);
    ASSERT_FALSE(request.bytes.empty());
    fuzz_control_server(reinterpret_cast<const std::uint8_t*>(request.bytes.data()), request.bytes.size());
  }
}

}  // namespace
}  // namespace runsc
