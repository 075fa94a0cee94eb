#include "sandbox/cgroup/systemd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

using Words = std::vector<std::string>;

TEST(Systemd, CallThatStartsAUnit) {
  const Words call =
      start_unit_call({"system.slice", "runc-x.scope"}, "runsc container x", {5, 6}, {{"CPUShares", "t", {"2"}}}, true);
  const Words begin(call.begin(), call.begin() + 8);
  EXPECT_EQ(begin, (Words{"StartTransientUnit", "ssa(sv)a(sa(sv))", "runc-x.scope", "replace", "10", "Description", "s",
                          "runsc container x"}));
  const Words end(call.end() - 9, call.end());
  EXPECT_EQ(end, (Words{"PIDs", "au", "2", "5", "6", "CPUShares", "t", "2", "0"}));
}

TEST(Systemd, CountsIoByTheNameOfTheVersion) {
  for (const bool unified : {false, true}) {
    const Words call = start_unit_call({"system.slice", "x.scope"}, "x", {5}, {}, unified);
    EXPECT_EQ(std::count(call.begin(), call.end(), "IOAccounting"), unified ? 1 : 0);
    EXPECT_EQ(std::count(call.begin(), call.end(), "BlockIOAccounting"), unified ? 0 : 1);
  }
}

TEST(Systemd, PathThatBusctlPrints) {
  EXPECT_EQ(parse_string_property("s \"/user.slice/user@7.service\"\n"), "/user.slice/user@7.service");
  for (const char* odd : {"", "s \"\"\n", "s \"relative\"\n", "u 5\n", "s \"/"}) {
    EXPECT_EQ(parse_string_property(odd), std::nullopt) << odd;
  }
}

TEST(Systemd, IsNotRunning) {
  if (std::filesystem::exists("/run/systemd/system")) {
    EXPECT_NO_THROW(expect_systemd());
    return;
  }
  try {
    expect_systemd();
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_EQ(std::string(error.what())
                  .rfind("systemd cgroup driver asked for, but systemd is not running on this host "
                         "(no /run/systemd/system)",
                         0),
              0u)
        << error.what();
  }
}

}  // namespace
}  // namespace runsc
