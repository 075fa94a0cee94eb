#include "runsc/install/containerd_config.h"

#include <gtest/gtest.h>

#include "runsc/common/user_error.h"
#include "runsc/install/toml_statements.h"

namespace runsc {
namespace {

constexpr const char kTables[] =
    "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runsc]\n"
    "  runtime_type = \"io.containerd.runc.v2\"\n"
    "  [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runsc.options]\n"
    "    BinaryName = \"/bin/runsc\"\n";

constexpr const char kDefault[] =
    "\n# containerd's own default, which it has only as long as no other is named\n"
    "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n"
    "  runtime_type = \"io.containerd.runc.v2\"\n\n";

std::string add(const std::string& text) { return add_to_containerd_config(text, "runsc", "/bin/runsc"); }
std::string remove(const std::string& text) { return remove_from_containerd_config(text, "runsc"); }

TEST(ContainerdConfig, AddsToNothing) { EXPECT_EQ(add(""), std::string("version = 2\n") + kDefault + kTables); }

TEST(ContainerdConfig, KeepsEveryByteOfTheRest) {
  const std::string before =
      "# mine\nversion = 2\n\n[plugins]\n  [plugins.'io.containerd.grpc.v1.cri'.containerd]  # x\n"
      "    list = [\n      \"[a]\", # [b]\n    ]\n    text = \"\"\"\n[no.table]\n\"\"\"\n\n# end\n";
  const std::string after = add(before);
  EXPECT_EQ(after, before + kDefault + kTables);
  EXPECT_EQ(add(after), after);
  EXPECT_EQ(remove(after), before);
  EXPECT_EQ(remove(before), before);
}

TEST(ContainerdConfig, NamesTheDefaultRuntimeOnlyIfNobodyNamesAny) {
  const std::string crun = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.crun]\n";
  EXPECT_EQ(add(crun), crun + "\n" + kTables);
  const std::string dotted = "version = 2\nplugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.crun.x = 1\n";
  EXPECT_EQ(add(dotted), dotted + "\n" + kTables);
  const std::string as_default = add_to_containerd_config("version = 2\n", "runc", "/bin/runsc");
  EXPECT_EQ(as_default.find("own default"), std::string::npos);
}

TEST(ContainerdConfig, TheDefaultRuntimeGoesWithTheLast) {
  const std::string first = add("version = 2\n");
  const std::string both = add_to_containerd_config(first, "other", "/bin/other");
  EXPECT_EQ(both.find(kDefault), both.rfind(kDefault));
  const std::string one = remove(both);
  EXPECT_NE(one.find(kDefault), std::string::npos);
  EXPECT_EQ(remove_from_containerd_config(one, "other"), "version = 2\n");
}

// As an earlier version of this program has left it.
TEST(ContainerdConfig, AddsTheDefaultRuntimeToWhatIsThere) {
  EXPECT_EQ(add(std::string("version = 2\n\n") + kTables), std::string("version = 2\n") + kDefault + kTables);
}

TEST(ContainerdConfig, UsesSystemdIfOthersDo) {
  const std::string runc = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n";
  const std::string before = runc + "  SystemdCgroup = true\n";
  const std::string after = add(before);
  EXPECT_EQ(after, before + "\n" + kTables + "    SystemdCgroup = true\n");
  EXPECT_EQ(add(after), after);
  EXPECT_EQ(remove(after), before);
  EXPECT_EQ(add(runc + "  SystemdCgroup = false\n").find("= true"), std::string::npos);
}

TEST(ContainerdConfig, UsesTheNamesOfTheVersion) {
  EXPECT_NE(add("version = 3\n").find("[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.runsc]"),
            std::string::npos);
  EXPECT_NE(add("root = \"/x\"\n").find("[plugins.cri.containerd.runtimes.runsc]"), std::string::npos);
  EXPECT_THROW(add("version = 9\n"), UserError);
}

TEST(ContainerdConfig, ReplacesItsOwnTablesWhereverTheyAre) {
  const std::string before =
      "version = 2\n[ plugins . \"io.containerd.grpc.v1.cri\" . containerd . runtimes . runsc ]\nruntime_type = "
      "\"old\"\n"
      "# about crun\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.crun]\nruntime_type = \"c\"\n";
  EXPECT_EQ(add(before),
            std::string("version = 2\n# about crun\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.crun]\n"
                        "runtime_type = \"c\"\n\n") +
                kTables);
}

TEST(ContainerdConfig, RefusesOtherNotations) {
  for (const char* line : {"plugins = {}", "plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes = { runsc = {} }",
                           "plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runsc.runtime_type = \"x\""}) {
    EXPECT_THROW(add(std::string("version = 2\n") + line + "\n"), UserError) << line;
  }
}

TEST(TomlStatements, RefusesWhatIsNone) {
  for (const char* text : {"[a", "a", "a =", "a = \"x", "a = [1", "a = 1]", "= 1", "a = '''x", "[a] b", "\"a = 1"}) {
    EXPECT_THROW(split_toml(text), UserError) << text;
  }
}

TEST(TomlStatements, NamesThePlaces) {
  const auto statements = split_toml("a.b = \"\"\"\n\n\"\"\"\"\"\n[[c.\"d.e\"]]\r\nf = { g = 1 } # h\n");
  ASSERT_EQ(statements.size(), 3u);
  EXPECT_EQ(statements[0].path, (TomlPath{"a", "b"}));
  EXPECT_EQ(statements[1].path, (TomlPath{"c", "d.e"}));
  EXPECT_EQ(statements[1].line, 4u);
  EXPECT_EQ(statements[2].path, (TomlPath{"c", "d.e", "f"}));
  EXPECT_EQ(statements[2].value, "{ g = 1 }");
}

}  // namespace
}  // namespace runsc
