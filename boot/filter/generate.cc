// Build tool: the boot process's policies as C++ arrays. Every variant that can be installed has a line here.
#include "boot/base/seccomp_compiler.h"
#include "boot/filter/boot_rules.h"

int main() {
  const runsc::NamedRules policies[] = {{"kBootProgram", runsc::boot_rules()}};
  return runsc::write_programs("runsc", policies);
}
