#include "runsc/cli/launch.h"

#include "sandbox/joined_container.h"
#include "sandbox/pod.h"

namespace runsc {
namespace {

class OwnSandbox : public Launch {
 public:
  OwnSandbox(Sandbox sandbox, const ContainerStore& store) : sandbox_(std::move(sandbox)), store_(store) {}
  const ContainerState& state() const override { return sandbox_.state(); }
  int pidfd() const override { return sandbox_.boot_pidfd(); }
  int attend(ForwardedSignals& signals, UniqueFd console) override {
    return runsc::attend(sandbox_, signals, std::move(console), store_.control_socket(state()));
  }
  void release() override { sandbox_.release(); }

 private:
  Sandbox sandbox_;
  const ContainerStore& store_;
};

class SandboxOfPod : public Launch {
 public:
  explicit SandboxOfPod(JoinedContainer container) : container_(std::move(container)) {}
  const ContainerState& state() const override { return container_.state(); }
  int pidfd() const override { return container_.relay().pidfd(); }
  int attend(ForwardedSignals& signals, UniqueFd console) override {
    container_.relay().commit();
    return runsc::attend(container_.relay(), signals, std::move(console));
  }
  void release() override { container_.release(); }

 private:
  JoinedContainer container_;
};

}  // namespace

std::unique_ptr<Launch> launch(const SandboxRequest& request, const RuntimeOptions& options,
                               const ContainerStore& store) {
  const auto sandbox = sandbox_to_join(request.id, request.spec.annotations);
  if (!sandbox || is_pod_without_sandbox(store, *sandbox, request.spec.annotations)) {
    refuse_foreign_namespaces(request.spec);
    return std::make_unique<OwnSandbox>(Sandbox::start(request, options, store), store);
  }
  JoinedContainer container = JoinedContainer::create(request, options, store, load_sandbox(store, *sandbox));
  if (!request.hold) container.start(store);
  return std::make_unique<SandboxOfPod>(std::move(container));
}

}  // namespace runsc
