#include "runsc/install/docker_config.h"

#include <gtest/gtest.h>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

TEST(DockerConfig, AddsToNothing) {
  EXPECT_EQ(add_to_docker_config("", "runsc", "/bin/runsc", {}), R"({
    "runtimes": {
        "runsc": {
            "path": "/bin/runsc"
        }
    }
}
)");
}

TEST(DockerConfig, KeepsOrderAndIndentation) {
  const std::string before = "{\n  \"zeta\": [1.5, true],\n  \"alpha\": \"x\"\n}\n";
  const std::string after = add_to_docker_config(before, "runsc", "/bin/runsc", {"--debug"});
  EXPECT_LT(after.find("zeta"), after.find("alpha"));
  EXPECT_LT(after.find("alpha"), after.find("runtimes"));
  EXPECT_NE(after.find("\n  \"zeta\""), std::string::npos);
  EXPECT_NE(after.find("\"runtimeArgs\": [\n        \"--debug\""), std::string::npos) << after;
  EXPECT_EQ(add_to_docker_config(after, "runsc", "/bin/runsc", {"--debug"}), after);
}

TEST(DockerConfig, ReplacesItselfAndNoOther) {
  const std::string other = R"({"runtimes": {"crun": {"path": "/bin/crun"}, "runsc": {"path": "/old"}}})";
  const std::string after = add_to_docker_config(other, "runsc", "/new", {});
  EXPECT_NE(after.find("/bin/crun"), std::string::npos);
  EXPECT_NE(after.find("/new"), std::string::npos);
  EXPECT_EQ(after.find("/old"), std::string::npos);
}

TEST(DockerConfig, RemoveGivesBackWhatWasThere) {
  const std::string before = "{\n    \"debug\": true\n}\n";
  EXPECT_EQ(remove_from_docker_config(add_to_docker_config(before, "runsc", "/bin/runsc", {}), "runsc"), before);
  EXPECT_EQ(remove_from_docker_config(before, "runsc"), before);
  EXPECT_EQ(remove_from_docker_config("", "runsc"), "");
}

TEST(DockerConfig, RemovesADefaultThatWouldLeadNowhere) {
  const std::string text = add_to_docker_config(R"({"default-runtime": "runsc"})", "runsc", "/bin/runsc", {});
  EXPECT_EQ(remove_from_docker_config(text, "runsc"), "{}\n");
}

TEST(DockerConfig, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"[]", "{", "// no", R"({"runtimes": []})"}) {
    EXPECT_THROW(add_to_docker_config(text, "runsc", "/bin/runsc", {}), UserError) << text;
  }
}

}  // namespace
}  // namespace runsc
