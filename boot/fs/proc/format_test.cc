// The layouts that programs parse by column or by position.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include <sstream>

#include "boot/fs/proc/cpu_flags.h"
#include "boot/fs/proc/cpu_identity.h"
#include "boot/fs/proc/descriptor_directory.h"
#include "boot/fs/proc/escape.h"
#include "boot/fs/proc/meminfo.h"
#include "boot/fs/proc/namespace_numbers.h"
#include "boot/fs/proc/process_maps.h"
#include "boot/fs/proc/process_mounts.h"
#include "boot/fs/proc/process_stat.h"
#include "boot/fs/proc/sysctl_table.h"

namespace runsc {
namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

TEST(MapLine, NameBeginsInColumn73) {
  const std::string line = format_map_line({.start = 0x400000,
                                            .end = 0x401000,
                                            .protection = PROT_READ | PROT_EXEC,
                                            .shared = false,
                                            .offset = 0x1000,
                                            .device = makedev(0, 0x1f),
                                            .inode = 42,
                                            .name = "/bin/a\nb"});
  EXPECT_EQ("00400000-00401000 r-xp 00001000 00:1f 42 " + std::string(32, ' ') + "/bin/a\\012b\n", line);
  EXPECT_EQ(73u, line.find("/bin"));
}

TEST(MapLine, LongPrefixesKeepOneBlank) {
  const std::string line = format_map_line({.start = 0x7ffff7ff1000,
                                            .end = 0x7ffff7ff3000,
                                            .shared = true,
                                            .offset = 0x123456789abcdef0,
                                            .inode = 18446744073709551615ULL,
                                            .name = "x"});
  EXPECT_EQ("7ffff7ff1000-7ffff7ff3000 ---s 123456789abcdef0 00:00 18446744073709551615 x\n", line);
}

TEST(MapLine, AnonymousEndsWithABlank) {
  EXPECT_EQ("00010000-00011000 rw-p 00000000 00:00 0 \n",
            format_map_line({.start = 0x10000, .end = 0x11000, .protection = PROT_READ | PROT_WRITE, .name = ""}));
}

TEST(Stat, HasAllFields) {
  StatFields fields;
  fields.name = "a b";
  fields.facts.tid = 7;
  fields.facts.parent = 3;
  fields.facts.state = 'S';
  fields.facts.threads = 2;
  fields.facts.own.user_ns = 1'230'000'000;
  fields.facts.pending.add(SIGUSR1);
  fields.facts.exit_signal = SIGCHLD;
  fields.start_time_ns = 50'000'000;
  fields.virtual_bytes = 4096;
  fields.resident_bytes = 8192;
  const std::string line = format_stat(fields);
  EXPECT_EQ(0u, line.find("7 (a b) S 3 "));
  const std::vector<std::string> rest = words(line.substr(line.rfind(')') + 1));
  ASSERT_EQ(50u, rest.size());
  EXPECT_EQ("123", rest[11]) << "user time in ticks";
  EXPECT_EQ("2", rest[17]) << "threads";
  EXPECT_EQ("5", rest[19]) << "start in ticks";
  EXPECT_EQ("4096", rest[20]);
  EXPECT_EQ("2", rest[21]) << "resident pages";
  EXPECT_EQ("512", rest[28]) << "pending";
  EXPECT_EQ("17", rest[35]) << "exit signal";
}

TEST(Stat, NamesCannotForgeALine) { EXPECT_EQ("a\\nb\\\\c", escape_name("a\nb\\c")); }

TEST(Escape, Octal) { EXPECT_EQ("/a\\040b\\011\\134", escape_mount("/a b\t\\")); }

TEST(MountOptions, InTheOrderOfLinux) {
  EXPECT_EQ("rw,relatime", mount_options(0));
  EXPECT_EQ("ro,nosuid,nodev,noexec,noatime", mount_options(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME));
  EXPECT_EQ("rw", mount_options(MS_STRICTATIME));
}

TEST(Meminfo, UsesKib) {
  const std::string text = format_meminfo({.total = 8 << 20, .free = 2 << 20, .buffers = 1 << 20});
  EXPECT_EQ(0u, text.find("MemTotal:           8192 kB\nMemFree:            2048 kB\nMemAvailable:       3072 kB\n"));
}

TEST(Numbers, AreDecimalWithoutLeadingZeros) {
  EXPECT_EQ(0, number_of("0"));
  EXPECT_EQ(12, number_of("12"));
  for (const char* name : {"", "-1", "+1", "01", "1x", "self", "99999999999"}) EXPECT_EQ(-1, number_of(name)) << name;
}

TEST(Sysctl, NumbersHaveRangesAndCounts) {
  const Sysctl* const range = find_sysctl("net/ipv4/ip_local_port_range");
  ASSERT_NE(nullptr, range);
  EXPECT_EQ("1024\t2048", parse_sysctl(*range, "  1024 2048\n").value_or("error"));
  for (const char* bad : {"", "1024", "1 2 3", "0 5", "a b", "1024 70000"})
    EXPECT_EQ(Errno(EINVAL), parse_sysctl(*range, bad).error()) << bad;
  EXPECT_EQ(Errno(EPERM), parse_sysctl(*find_sysctl("kernel/osrelease"), "5").error());
  EXPECT_EQ(nullptr, find_sysctl("kernel/nothing"));
}

TEST(Sysctl, InitialValuesAreWhatAWriteWouldGive) {
  for (const Sysctl& sysctl : sysctl_table()) {
    if (sysctl.kind != Sysctl::Kind::kNumbers || sysctl.initial.starts_with("18446744")) continue;
    EXPECT_EQ(sysctl.initial, parse_sysctl(sysctl, sysctl.initial).value_or("error")) << sysctl.path;
  }
}

TEST(NamespaceNumbers, StayAndDiffer) {
  NamespaceNumbers numbers;
  const auto a = std::make_shared<int>(1), b = std::make_shared<int>(1);
  const std::uint64_t first = numbers.of(a);
  EXPECT_NE(first, numbers.of(b));
  EXPECT_EQ(first, numbers.of(a));
}

TEST(Cpuinfo, HasOneBlockForEachProcessor) {
  CpuIdentity cpu;
  cpu.vendor = "V";
  cpu.name = "Model X";
  cpu.flags = "fpu sse2";
  const std::string text = format_cpuinfo(cpu, 0b101);
  EXPECT_EQ(0u, text.find("processor\t: 0\nvendor_id\t: V\n"));
  EXPECT_NE(std::string::npos, text.find("\n\nprocessor\t: 2\n"));
  EXPECT_NE(std::string::npos, text.find("\ncpu cores\t: 2\n"));
  EXPECT_NE(std::string::npos, text.find("\nmodel name\t: Model X\n"));
  EXPECT_NE(std::string::npos, text.find("\nflags\t\t: fpu sse2\n"));
}

TEST(Cpuinfo, X86_64HasSse2) { EXPECT_NE(std::string::npos, (" " + cpu_flags() + " ").find(" sse2 ")); }

}  // namespace
}  // namespace runsc
