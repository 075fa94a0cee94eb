#include "boot/filter/boot_filter.h"

namespace runsc {

Result<void> install_boot_filter() { return install_program(kBootProgram); }

}  // namespace runsc
