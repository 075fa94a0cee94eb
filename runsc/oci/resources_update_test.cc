#include "runsc/oci/resources_update.h"

#include <gtest/gtest.h>

#include "runsc/common/user_error.h"

namespace runsc::oci {
namespace {

using nlohmann::json;

TEST(MergeResources, TheChangeWinsWhereItSaysSomething) {
  const json present = json::parse(R"({"memory": {"limit": 100, "swap": 200}, "cpu": {"shares": 5, "cpus": "0-1"},
                                       "devices": [{"allow": false}]})");
  const json change = json::parse(R"({"memory": {"limit": 50, "swap": 0, "reservation": null},
                                      "cpu": {"shares": 0, "cpus": "", "quota": -1}, "pids": {"limit": 7},
                                      "devices": [{"allow": true}], "blockIO": {}})");
  EXPECT_EQ(merge_resources(present, change),
            json::parse(R"({"memory": {"limit": 50, "swap": 200}, "cpu": {"shares": 5, "cpus": "0-1", "quota": -1},
                            "pids": {"limit": 7}, "devices": [{"allow": false}]})"));
}

TEST(MergeResources, FromNothing) {
  EXPECT_EQ(merge_resources(json(), json::parse(R"({"pids": {"limit": 7}})")),
            json::parse(R"({"pids": {"limit": 7}})"));
}

TEST(ResourcesOf, ErrorsNameTheDocument) {
  EXPECT_EQ(resources_of(json::parse(R"({"pids": {"limit": 7}})"), "--resources").pids_limit, 7);
  try {
    resources_of(json::parse(R"({"pids": {"limit": "x"}})"), "--resources");
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_EQ(std::string(error.what()).rfind("--resources: pids.limit: ", 0), 0u) << error.what();
  }
}

}  // namespace
}  // namespace runsc::oci
