#include "sandbox/pod.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

using Annotations = std::map<std::string, std::string>;

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Pod, ContainersWithoutAnnotationsAreAlone) {
  EXPECT_EQ(sandbox_to_join("c", {}), std::nullopt);
  EXPECT_EQ(sandbox_to_join("c", {{"io.kubernetes.cri.sandbox-id", "s"}}), std::nullopt);
}

TEST(Pod, EveryCreatorsWords) {
  struct Case {
    const char* type_key;
    const char* sandbox;
    const char* id_key;
  };
  for (const Case& words : {Case{"io.kubernetes.cri.container-type", "sandbox", "io.kubernetes.cri.sandbox-id"},
                            Case{"io.kubernetes.cri-o.ContainerType", "sandbox", "io.kubernetes.cri-o.SandboxID"},
                            Case{"io.kubernetes.docker.type", "podsandbox", "io.kubernetes.sandbox.id"}}) {
    EXPECT_EQ(sandbox_to_join("s", {{words.type_key, words.sandbox}, {words.id_key, "s"}}), std::nullopt);
    EXPECT_EQ(sandbox_to_join("s", {{words.type_key, words.sandbox}}), std::nullopt);
    EXPECT_EQ(sandbox_to_join("c", {{words.type_key, "container"}, {words.id_key, "s"}}), "s");
  }
}

TEST(Pod, ContradictionsAreNamed) {
  const std::string type = "io.kubernetes.cri.container-type";
  const std::string id = "io.kubernetes.cri.sandbox-id";
  const auto refused = [&](const Annotations& annotations) {
    return error_of([&] { sandbox_to_join("c", annotations); });
  };
  EXPECT_EQ(refused({{type, "sandbox"}, {id, "s"}}),
            "config.json: annotations: io.kubernetes.cri.sandbox-id: \"s\" is not the id of this sandbox, \"c\"");
  EXPECT_EQ(refused({{type, "container"}, {id, "c"}}),
            "config.json: annotations: io.kubernetes.cri.sandbox-id: \"c\" is the container itself, not its sandbox");
  EXPECT_NE(refused({{type, "container"}}).find("is missing"), std::string::npos);
  EXPECT_NE(refused({{type, "pod"}}).find("is neither \"sandbox\" nor \"container\""), std::string::npos);
}

oci::Spec with_namespace(oci::NamespaceType type, const std::string& path) {
  oci::Spec spec;
  spec.linux_.namespaces.push_back({type, path});
  return spec;
}

TEST(Pod, NamespacesOfOthersAreRefusedByName) {
  using enum oci::NamespaceType;
  for (const auto& [type, name] : {std::pair(kPid, "pid"), std::pair(kIpc, "ipc"), std::pair(kUts, "uts")}) {
    const auto refused = [&](const std::string& path) {
      return error_of([&] { refuse_foreign_namespaces(with_namespace(type, path)); });
    };
    EXPECT_EQ(refused(""), "");
    EXPECT_EQ(refused(std::string("/proc/self/ns/") + name), "") << "the host's own";
    const std::string message = refused("/proc/self/ns/net");
    EXPECT_EQ(message.find(std::string("config.json: linux.namespaces: ") + name + ": \"/proc/self/ns/net\" cannot be"),
              0U)
        << message;
  }
  EXPECT_EQ(error_of([] { refuse_foreign_namespaces(with_namespace(kNetwork, "/proc/self/ns/net")); }), "");
}

class PodStore : public ::testing::Test {
 protected:
  PodStore() : root_("/tmp/pod_test." + std::to_string(::getpid())), store_(root_) { store_.ensure_root(); }
  ~PodStore() override { std::filesystem::remove_all(root_); }

  // Of a container whose processes are this one.
  ContainerState add(const std::string& id, const Annotations& annotations, Status status = Status::kRunning) {
    ContainerLock lock(root_, id);
    store_.create(id);
    ContainerState state;
    state.id = id;
    state.annotations = annotations;
    state.status = status;
    state.boot = state.creator = ProcessIdentity::of(::getpid());
    store_.save(state);
    return state;
  }

  oci::Spec spec_with(oci::NamespaceType type, const std::string& path) {
    oci::Spec spec;
    for (const auto other : {oci::NamespaceType::kPid, oci::NamespaceType::kIpc, oci::NamespaceType::kUts}) {
      spec.linux_.namespaces.push_back({other, other == type ? path : ""});
    }
    return spec;
  }

  const Annotations sandbox_{{"io.kubernetes.cri.container-type", "sandbox"}};
  const std::string root_;
  ContainerStore store_;
};

TEST_F(PodStore, OnlySandboxesThatRunAreJoined) {
  add("s", sandbox_);
  add("alone", {});
  add("half", sandbox_, Status::kCreating);
  EXPECT_EQ(load_sandbox(store_, "s").id, "s");
  add("podmans", {{"io.container.manager", "libpod"}});
  EXPECT_EQ(load_sandbox(store_, "podmans").id, "podmans");
  EXPECT_FALSE(is_pod_without_sandbox(store_, "podmans", {{"io.container.manager", "libpod"}}));
  EXPECT_TRUE(is_pod_without_sandbox(store_, "none", {{"io.container.manager", "libpod"}}));
  EXPECT_FALSE(is_pod_without_sandbox(store_, "none", sandbox_));
  EXPECT_EQ(error_of([&] { load_sandbox(store_, "none"); }), "sandbox \"none\": container does not exist");
  EXPECT_EQ(error_of([&] { load_sandbox(store_, "alone"); }), "container \"alone\" is not the sandbox of a pod");
  EXPECT_EQ(error_of([&] { load_sandbox(store_, "half"); }), "sandbox \"half\" is creating, not running");
  EXPECT_EQ(error_of([&] { load_sandbox(store_, "../s"); }), "invalid container ID format");
}

TEST_F(PodStore, OthersSandboxesAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a directory away";
  add("s", sandbox_);
  ASSERT_EQ(::chown((root_ + "/s").c_str(), 12345, 12345), 0);
  EXPECT_EQ(error_of([&] { load_sandbox(store_, "s"); }), "sandbox \"s\" belongs to user 12345");
}

TEST_F(PodStore, NamespacesAreNamedByTheProcessesThatWeGave) {
  using enum oci::NamespaceType;
  const ContainerState sandbox = add("s", sandbox_);
  const std::string path = "/proc/" + std::to_string(::getpid()) + "/ns/";
  EXPECT_EQ(shared_namespaces(spec_with(kPid, path + "pid"), store_, sandbox).pid, "s");
  EXPECT_EQ(shared_namespaces(spec_with(kIpc, path + "ipc"), store_, sandbox).ipc, "s");
  EXPECT_EQ(shared_namespaces(spec_with(kIpc, path + "ipc"), store_, sandbox).pid, "");
  EXPECT_EQ(shared_namespaces(oci::Spec(), store_, sandbox).uts, "s");
  EXPECT_EQ(error_of([&] { shared_namespaces(spec_with(kPid, "/proc/1/ns/pid"), store_, sandbox); }),
            "config.json: linux.namespaces: pid: \"/proc/1/ns/pid\" is not of a container of sandbox \"s\"");
}

}  // namespace
}  // namespace runsc
