#include "runsc/cli/flags.h"

#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

const std::vector<FlagName> kFlags = {
    {"bundle", 'b'}, {"detach", 'd'}, {"pid-file"}, {"preserve-fds"}, {"rootless", 0, "spec_rootless"}};

// Each test sees the defaults.
class Flags : public testing::Test {
  gflags::FlagSaver saver_;
};

TEST_F(Flags, TakeEveryForm) {
  EXPECT_EQ(
      parse_flags({"-b", "x", "--pid-file=y=z", "--detach", "-preserve-fds", "3", "id", "--detach=false"}, 0, kFlags),
      6u);
  EXPECT_EQ(FLAGS_bundle, "x");
  EXPECT_EQ(FLAGS_pid_file, "y=z");
  EXPECT_TRUE(FLAGS_detach);
  EXPECT_EQ(FLAGS_preserve_fds, 3);
}

TEST_F(Flags, EndAtTwoDashes) {
  EXPECT_EQ(parse_flags({"run", "-d", "--", "-d"}, 1, kFlags), 3u);
  EXPECT_EQ(parse_flags({"-"}, 0, kFlags), 0u) << "a lone dash is a word";
}

TEST_F(Flags, BooleansTakeNoSeparateValue) {
  EXPECT_EQ(parse_flags({"--detach", "false"}, 0, kFlags), 1u);
  EXPECT_TRUE(FLAGS_detach);
  parse_flags({"-d=false"}, 0, kFlags);
  EXPECT_FALSE(FLAGS_detach);
}

TEST_F(Flags, MayHaveAnotherDefinition) {
  parse_flags({"--rootless"}, 0, kFlags);
  EXPECT_TRUE(FLAGS_spec_rootless);
  EXPECT_EQ(FLAGS_rootless, "auto");
}

TEST_F(Flags, RefuseWhatIsNotListed) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"--root", "x"},
                                                                                     {"--logtostderr"},
                                                                                     {"--flagfile=/etc/passwd"},
                                                                                     {"-x"},
                                                                                     {"--pid_file=x"},
                                                                                     {"--bundle"},
                                                                                     {"--preserve-fds", "many"},
                                                                                     {"--detach=maybe"},
                                                                                     {"---detach"},
                                                                                     {"--=x"}}) {
    EXPECT_THROW(parse_flags(words, 0, kFlags), UserError) << words[0];
  }
}

TEST_F(Flags, AreDescribed) {
  const std::string text = describe_flags(kFlags);
  EXPECT_NE(text.find("  --bundle, -b VALUE"), std::string::npos);
  EXPECT_NE(text.find("  --preserve-fds N"), std::string::npos);
}

}  // namespace
}  // namespace runsc
