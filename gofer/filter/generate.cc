// Build tool: the gofer's policy as a C++ array.
#include "boot/base/seccomp_compiler.h"
#include "gofer/filter/filter.h"
#include "gofer/filter/rules.h"

int main() {
  using namespace runsc;
  const NamedRules policies[] = {{"kGoferProgram", gofer::gofer_rules(gofer::kProcSelfFdPlaceholder)}};
  return write_programs("runsc::gofer", policies);
}
