// A directory of the test's own under /tmp, removed with everything in it.
#ifndef TEST_GUEST_SUPPORT_TEMP_DIR_H_
#define TEST_GUEST_SUPPORT_TEMP_DIR_H_

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "test/guest/support/errno.h"

namespace guest {

class ScopedTempDir {
 public:
  // World-accessible by default, because several cases drop their privileges inside it. The path is short: socket
  // addresses hold 108 bytes.
  explicit ScopedTempDir(mode_t mode = 0777) {
    char name[] = "/tmp/guest.XXXXXX";
    const char* made = mkdtemp(name);
    EXPECT_NE(nullptr, made) << ErrnoText(errno);
    path_ = made == nullptr ? "/nonexistent" : made;
    EXPECT_OK(chmod(path_.c_str(), mode));
  }
  ScopedTempDir(const ScopedTempDir&) = delete;
  ScopedTempDir& operator=(const ScopedTempDir&) = delete;
  ~ScopedTempDir() {
    nftw(
        path_.c_str(), [](const char* p, const struct stat*, int, FTW*) { return remove(p), 0; }, 16,
        FTW_DEPTH | FTW_PHYS);
  }

  const std::string& path() const { return path_; }
  const char* c_str() const { return path_.c_str(); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace guest

#endif  // TEST_GUEST_SUPPORT_TEMP_DIR_H_
