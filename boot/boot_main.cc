#include "boot/boot_main.h"

#include "boot/startup_report.h"

namespace runsc {

int boot_main(BootOptions options) {
  report_failure(options.report.get(), "start", "application kernel is not linked in yet");
  return kBootFailure;
}

}  // namespace runsc
