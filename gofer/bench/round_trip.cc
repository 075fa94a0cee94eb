// What a round trip to a confined gofer costs. Build with -c opt.
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <functional>

#include "gofer/testing/gofer_process.h"

namespace runsc::gofer {
namespace {

constexpr int kRounds = 20000;

// Prints the mean time of `call` in microseconds.
void measure(const char* name, const std::function<bool()>& call) {
  for (int i = 0; i < kRounds / 10; ++i)
    if (!call()) std::printf("%s failed\n", name);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i) (void)call();
  const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
  std::printf("%-44s %8.2f us\n", name, time.count() / kRounds);
}

void make_tree(const TempDir& dir) {
  for (const char* name : {"a", "a/b", "a/b/c"}) ::mkdir(dir.at(name).c_str(), 0755);
  for (int i = 0; i < 200; ++i)
    UniqueFd(::open(dir.at("a/file" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY, 0644));
  UniqueFd(::open(dir.at("a/b/c/f").c_str(), O_CREAT | O_WRONLY, 0644));
}

void run(GoferConnection& gofer, const TempDir& dir) {
  const std::array<std::string_view, 4> path = {"a", "b", "c", "f"};
  const WalkResult found = *gofer.walk(gofer.root(), path);
  const RemoteHandle& file = found.nodes.at(3).handle;
  const RemoteHandle& wide = found.nodes.at(0).handle;
  const std::span<const std::string_view> one(&path[3], 1);
  const std::string absolute = dir.at("a/b/c/f");
  measure("flush (an empty round trip)", [&] { return gofer.flush().ok(); });
  measure("get_attributes", [&] { return gofer.get_attributes(file).ok(); });
  measure("walk of 1 component", [&] { return gofer.walk(found.nodes[2].handle, one)->error == 0; });
  measure("walk of 4 components", [&] { return gofer.walk(gofer.root(), path)->error == 0; });
  measure("probe of 4 components", [&] { return gofer.probe(gofer.root(), path)->error == 0; });
  measure("open + close", [&] { return gofer.open(file, O_RDONLY).ok(); });
  measure("walk of 4 components + open + close", [&] {
    const auto walked = gofer.walk(gofer.root(), path);
    return gofer.open(walked->nodes.at(3).handle, O_RDONLY).ok();
  });
  measure("read_directory of 202 entries", [&] { return gofer.read_directory(wide, 0)->end; });
  measure("the host itself: stat", [&] {
    struct stat status {};
    return ::stat(absolute.c_str(), &status) == 0;
  });
  measure("the host itself: open + close", [&] { return UniqueFd(::open(absolute.c_str(), O_RDONLY)).valid(); });
}

int main_with_tree() {
  const TempDir dir;
  make_tree(dir);
  GoferProcess process({{dir.path(), {}}});
  auto gofer = GoferConnection::attach(process.take_socket());
  if (!gofer.ok()) return 1;
  run(**gofer, dir);
  return 0;
}

}  // namespace
}  // namespace runsc::gofer

int main() { return runsc::gofer::main_with_tree(); }
