// Reading directories.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <map>
#include <set>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

struct Entry {
  uint64_t inode;
  int64_t offset;
  unsigned char type;
};

// All entries by name, read with raw calls and this buffer size.
std::map<std::string, Entry> List(int fd, size_t size = 32768) {
  std::map<std::string, Entry> entries;
  std::vector<char> buffer(size);
  for (;;) {
    long n = syscall(SYS_getdents64, fd, buffer.data(), buffer.size());
    EXPECT_OK(n);
    if (n <= 0) return entries;
    for (long at = 0; at < n;) {
      auto* d = reinterpret_cast<dirent64*>(buffer.data() + at);
      EXPECT_TRUE(entries.insert({d->d_name, {d->d_ino, d->d_off, d->d_type}}).second) << "twice: " << d->d_name;
      EXPECT_EQ(0, d->d_reclen % 8);
      at += d->d_reclen;
    }
  }
}

class Directories : public testing::Test {
 protected:
  std::string P(const std::string& name) { return dir_ / name; }
  Fd Open() { return Fd(open(dir_.c_str(), O_RDONLY | O_DIRECTORY)); }
  void Fill(int count) {
    for (int i = 0; i < count; ++i) WriteFile(P("file" + std::to_string(i)), "");
  }
  ScopedTempDir dir_;
};

TEST_F(Directories, EmptyHasDotAndDotdot) {
  auto entries = List(Open().get());
  EXPECT_EQ(2u, entries.size());
  EXPECT_EQ(1u, entries.count("."));
  EXPECT_EQ(1u, entries.count(".."));
}

TEST_F(Directories, InodesAndTypesMatchStat) {
  WriteFile(P("f"), "");
  ASSERT_OK(mkdir(P("d").c_str(), 0755));
  ASSERT_OK(symlink("f", P("l").c_str()));
  ASSERT_OK(mkfifo(P("p").c_str(), 0600));
  auto entries = List(Open().get());
  std::map<std::string, unsigned char> types = {
      {"f", DT_REG}, {"d", DT_DIR}, {"l", DT_LNK}, {"p", DT_FIFO}, {".", DT_DIR}};
  for (auto& [name, type] : types) {
    struct stat s;
    ASSERT_OK(lstat(P(name).c_str(), &s));
    EXPECT_EQ(s.st_ino, entries[name].inode) << name;
    EXPECT_EQ(type, entries[name].type) << name;
  }
}

TEST_F(Directories, ManyEntriesAppearExactlyOnce) {
  Fill(2000);
  Fd fd = Open();
  EXPECT_EQ(2002u, List(fd.get()).size());
  EXPECT_EQ(0u, List(fd.get()).size()) << "at the end";
  lseek(fd.get(), 0, SEEK_SET);
  EXPECT_EQ(2002u, List(fd.get(), 512).size()) << "with a small buffer";
}

TEST_F(Directories, TooSmallABufferIsEinval) {
  Fd fd = Open();
  char buffer[16];
  EXPECT_ERRNO(syscall(SYS_getdents64, fd.get(), buffer, 16), EINVAL);
  EXPECT_ERRNO(syscall(SYS_getdents64, fd.get(), buffer, 0), EINVAL);
}

TEST_F(Directories, NotADirectoryAndBadDescriptor) {
  WriteFile(P("f"), "");
  Fd file(open(P("f").c_str(), O_RDONLY)), path(open(dir_.c_str(), O_PATH));
  char buffer[1024];
  EXPECT_ERRNO(syscall(SYS_getdents64, file.get(), buffer, sizeof(buffer)), ENOTDIR);
  EXPECT_ERRNO(syscall(SYS_getdents64, path.get(), buffer, sizeof(buffer)), EBADF);
  EXPECT_ERRNO(syscall(SYS_getdents64, -1, buffer, sizeof(buffer)), EBADF);
}

TEST_F(Directories, RemovedDirectoryIsEnoent) {
  ASSERT_OK(mkdir(P("d").c_str(), 0755));
  Fd fd(open(P("d").c_str(), O_RDONLY));
  ASSERT_OK(rmdir(P("d").c_str()));
  char buffer[1024];
  EXPECT_ERRNO(syscall(SYS_getdents64, fd.get(), buffer, sizeof(buffer)), ENOENT);
}

TEST_F(Directories, SeekingToAnEntryReturnsTheNext) {
  Fill(50);
  DIR* dir = opendir(dir_.c_str());
  ASSERT_NE(nullptr, dir);
  std::vector<std::pair<long, std::string>> seen;
  for (;;) {
    long at = telldir(dir);
    dirent* d = readdir(dir);
    if (d == nullptr) break;
    seen.emplace_back(at, d->d_name);
  }
  EXPECT_EQ(52u, seen.size());
  std::reverse(seen.begin(), seen.end());
  for (auto& [at, name] : seen) {
    seekdir(dir, at);
    dirent* d = readdir(dir);
    ASSERT_NE(nullptr, d);
    EXPECT_EQ(name, d->d_name);
  }
  rewinddir(dir);
  EXPECT_NE(nullptr, readdir(dir));
  closedir(dir);
}

TEST_F(Directories, RewindSeesNewEntries) {
  DIR* dir = opendir(dir_.c_str());
  while (readdir(dir) != nullptr) {
  }
  WriteFile(P("new"), "");
  rewinddir(dir);
  std::set<std::string> names;
  while (dirent* d = readdir(dir)) names.insert(d->d_name);
  EXPECT_EQ(1u, names.count("new"));
  closedir(dir);
}

TEST_F(Directories, RemovalWhileReadingLosesNoOther) {
  Fill(500);
  DIR* dir = opendir(dir_.c_str());
  std::set<std::string> seen;
  while (dirent* d = readdir(dir)) {
    std::string name = d->d_name;
    if (name[0] == '.') continue;
    EXPECT_TRUE(seen.insert(name).second);
    EXPECT_OK(unlink(P(name).c_str()));
  }
  closedir(dir);
  EXPECT_EQ(500u, seen.size());
  EXPECT_EQ(2u, List(Open().get()).size());
}

TEST_F(Directories, EntriesThatStayAreSeenDespiteChanges) {
  Fill(300);
  Fd fd = Open();
  std::vector<char> buffer(4096);
  std::set<std::string> seen;
  int round = 0;
  for (;;) {
    long n = syscall(SYS_getdents64, fd.get(), buffer.data(), buffer.size());
    ASSERT_OK(n);
    if (n == 0) break;
    for (long at = 0; at < n;) {
      auto* d = reinterpret_cast<dirent64*>(buffer.data() + at);
      seen.insert(d->d_name);
      at += d->d_reclen;
    }
    WriteFile(P("extra" + std::to_string(round)), "");
    if (round > 0) unlink(P("extra" + std::to_string(round - 1)).c_str());
    ++round;
  }
  for (int i = 0; i < 300; ++i) EXPECT_EQ(1u, seen.count("file" + std::to_string(i)));
}

TEST_F(Directories, TwoDescriptorsHaveTheirOwnPosition) {
  Fill(100);
  Fd a = Open(), b = Open();
  EXPECT_EQ(102u, List(a.get()).size());
  EXPECT_EQ(102u, List(b.get()).size());
}

TEST_F(Directories, DuplicatesShareTheirPosition) {
  Fill(10);
  Fd a = Open(), b(dup(a.get()));
  EXPECT_EQ(12u, List(a.get()).size());
  EXPECT_EQ(0u, List(b.get()).size());
}

TEST_F(Directories, LongestNames) {
  std::string name(255, 'x');
  WriteFile(P(name), "");
  EXPECT_EQ(1u, List(Open().get()).count(name));
  EXPECT_EQ(1u, List(Open().get(), 280).count(name));
}

TEST_F(Directories, ParentIsTheInodeOfDotdot) {
  ASSERT_OK(mkdir(P("d").c_str(), 0755));
  Fd fd(open(P("d").c_str(), O_RDONLY));
  struct stat s;
  ASSERT_OK(stat(dir_.c_str(), &s));
  EXPECT_EQ(s.st_ino, List(fd.get())[".."].inode);
}

TEST_F(Directories, ReadWithoutPermissionToSearch) {
  REQUIRE_ROOT();
  WriteFile(P("f"), "");
  ASSERT_OK(chmod(dir_.c_str(), 0444));
  InChildAs(kUser, kGroup, [&] {
    EXPECT_EQ(3u, List(Open().get()).size());
    struct stat s;
    EXPECT_ERRNO(stat(P("f").c_str(), &s), EACCES);
  });
}

TEST(ProcDirectories, ListOwnDescriptors) {
  Fd probe(open("/dev/null", O_RDONLY));
  Fd fd(open("/proc/self/fd", O_RDONLY | O_DIRECTORY));
  auto entries = List(fd.get());
  EXPECT_EQ(1u, entries.count(std::to_string(probe.get())));
  EXPECT_EQ(1u, entries.count(std::to_string(fd.get())));
  EXPECT_EQ(DT_LNK, entries[std::to_string(probe.get())].type);
}

TEST(ProcDirectories, ListProcesses) {
  Child child([] { pause(); });
  Fd fd(open("/proc", O_RDONLY | O_DIRECTORY));
  auto entries = List(fd.get());
  EXPECT_EQ(1u, entries.count(std::to_string(child.pid())));
  EXPECT_EQ(1u, entries.count("self"));
  EXPECT_EQ(1u, entries.count("meminfo"));
}

TEST(DevDirectory, ListsTheUsualNodes) {
  Fd fd(open("/dev", O_RDONLY | O_DIRECTORY));
  auto entries = List(fd.get());
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm"}) {
    EXPECT_EQ(1u, entries.count(name)) << name;
  }
  EXPECT_EQ(DT_CHR, entries["null"].type);
}

}  // namespace
}  // namespace guest
