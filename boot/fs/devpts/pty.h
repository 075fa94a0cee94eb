// Pty: one pseudoterminal.
#pragma once

#include <memory>

#include "boot/kernel/terminal.h"

namespace runsc {

class Kernel;

class Pty : public Terminal {
 public:
  Pty(Kernel& kernel, unsigned index) : kernel_(kernel), index_(index) {}
  unsigned index() const { return index_; }
  Kernel& kernel() const { return kernel_; }

 private:
  Kernel& kernel_;
  const unsigned index_;
};
using PtyPtr = std::shared_ptr<Pty>;

}  // namespace runsc
