#include "boot/loader/exec_credentials.h"

#include <gtest/gtest.h>
#include <linux/securebits.h>
#include <sys/stat.h>

namespace runsc {
namespace {

constexpr Uid kUser{1000};
constexpr Gid kGroup{1000};

Credentials user() {
  Credentials who;
  who.real_uid = who.effective_uid = who.saved_uid = who.fs_uid = kUser;
  who.real_gid = who.effective_gid = who.saved_gid = who.fs_gid = kGroup;
  who.bounding = CapabilitySet::all();
  return who;
}

CapabilitySet only(int capability) { return CapabilitySet(1ULL << capability); }

ExecCredentials exec(const Credentials& old, std::uint32_t mode = 0755, Uid owner = kRootUid,
                     std::optional<FileCapabilities> file = std::nullopt, bool may_gain = true) {
  return *compute_exec_credentials(old, mode, owner, kRootGid, may_gain, file);
}

TEST(ExecCredentials, PlainProgramChangesNothing) {
  const auto next = exec(user());
  EXPECT_EQ(kUser, next.credentials->effective_uid);
  EXPECT_TRUE(next.credentials->permitted.empty());
  EXPECT_FALSE(next.secure);
}

TEST(ExecCredentials, RootGetsTheBoundingSet) {
  Credentials root = user();
  root.real_uid = root.effective_uid = root.saved_uid = kRootUid;
  root.bounding = only(CAP_CHOWN) | only(CAP_KILL);
  const auto next = exec(root);
  EXPECT_EQ(root.bounding, next.credentials->permitted);
  EXPECT_EQ(root.bounding, next.credentials->effective);
  EXPECT_FALSE(next.secure);
  root.securebits = SECBIT_NOROOT;
  EXPECT_TRUE(exec(root).credentials->permitted.empty());
}

TEST(ExecCredentials, SetUserId) {
  const auto next = exec(user(), S_ISUID | 0755);
  EXPECT_EQ(kRootUid, next.credentials->effective_uid);
  EXPECT_EQ(kRootUid, next.credentials->saved_uid);
  EXPECT_EQ(kUser, next.credentials->real_uid);
  EXPECT_EQ(CapabilitySet::all(), next.credentials->effective);
  EXPECT_TRUE(next.secure);
}

TEST(ExecCredentials, SetGroupIdNeedsTheExecuteBit) {
  EXPECT_EQ(kRootGid, exec(user(), S_ISGID | 0755).credentials->effective_gid);
  EXPECT_EQ(kGroup, exec(user(), S_ISGID | 0745).credentials->effective_gid);
}

TEST(ExecCredentials, NothingIsGainedWhereItMustNot) {
  EXPECT_EQ(kUser, exec(user(), S_ISUID | 0755, kRootUid, std::nullopt, false).credentials->effective_uid);
  Credentials bound = user();
  bound.no_new_privileges = true;
  EXPECT_EQ(kUser, exec(bound, S_ISUID | 0755).credentials->effective_uid);
  const FileCapabilities file{only(CAP_NET_RAW), {}, true};
  EXPECT_TRUE(exec(bound, 0755, kRootUid, file).credentials->permitted.empty());
}

TEST(ExecCredentials, FileCapabilities) {
  const auto next = exec(user(), 0755, kRootUid, FileCapabilities{only(CAP_NET_RAW), {}, true});
  EXPECT_EQ(only(CAP_NET_RAW), next.credentials->permitted);
  EXPECT_EQ(only(CAP_NET_RAW), next.credentials->effective);
  EXPECT_TRUE(next.secure);
  Credentials bounded = user();
  bounded.bounding = CapabilitySet();
  EXPECT_EQ(EPERM, compute_exec_credentials(bounded, 0755, kRootUid, kRootGid, true,
                                            FileCapabilities{only(CAP_NET_RAW), {}, true})
                       .error()
                       .value());
}

TEST(ExecCredentials, AmbientCapabilitiesStayUnlessTheFileIsPrivileged) {
  Credentials who = user();
  who.permitted = who.inheritable = who.ambient = only(CAP_KILL);
  EXPECT_EQ(only(CAP_KILL), exec(who).credentials->effective);
  EXPECT_FALSE(exec(who).secure);
  const auto next = exec(who, 0755, kRootUid, FileCapabilities{only(CAP_CHOWN), {}, false});
  EXPECT_TRUE(next.credentials->ambient.empty());
  EXPECT_TRUE(next.credentials->effective.empty());
}

TEST(ExecCredentials, ParsesTheAttribute) {
  const std::uint32_t revision2[] = {0x02000001, 0x2000, 0x4, 0x1, 0};
  const auto parsed = parse_file_capabilities(std::as_bytes(std::span(revision2)));
  ASSERT_TRUE(parsed.ok() && parsed->has_value());
  EXPECT_EQ(CapabilitySet(0x100002000ULL), (*parsed)->permitted);
  EXPECT_EQ(CapabilitySet(4), (*parsed)->inheritable);
  EXPECT_TRUE((*parsed)->effective);
  EXPECT_FALSE(parse_file_capabilities(std::as_bytes(std::span(revision2)).first(19)).ok());
  const std::uint32_t other_root[] = {0x03000001, 0x2000, 0, 0, 0, 5};
  EXPECT_FALSE(parse_file_capabilities(std::as_bytes(std::span(other_root)))->has_value());
  const std::uint32_t wrong[] = {0x03000001, 0x2000, 0, 0, 0};
  EXPECT_FALSE(parse_file_capabilities(std::as_bytes(std::span(wrong))).ok());
}

}  // namespace
}  // namespace runsc
