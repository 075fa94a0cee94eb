#include "boot/fs/proc/cpu_flags.h"

#include <array>
#include <string_view>

namespace runsc {
namespace {

enum Register { kEax, kEbx, kEcx, kEdx };

// The names of one register's bits, from bit 0 up; "-" for bits that Linux does not show.
struct FeatureWord {
  unsigned leaf, subleaf;
  Register reg;
  std::string_view names;
};

// In the order in which Linux prints them (arch/x86/include/asm/cpufeatures.h). Applications have 47 bits of addresses,
// whatever the processor could do: no la57.
constexpr std::array kWords = {
    FeatureWord{1, 0, kEdx,
                "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx "
                "fxsr sse sse2 ss ht tm ia64 pbe"},
    FeatureWord{0x80000001, 0, kEdx,
                "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm 3dnowext "
                "3dnow"},
    FeatureWord{1, 0, kEcx,
                "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca "
                "sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"},
    FeatureWord{
        0x80000001, 0, kEcx,
        "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt "
        "- lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc mwaitx - -"},
    FeatureWord{7, 0, kEbx,
                "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq "
                "rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw "
                "avx512vl"},
    FeatureWord{0xd, 1, kEax, "xsaveopt xsavec xgetbv1 xsaves"},
    FeatureWord{7, 1, kEax, "- - - - avx_vnni avx512_bf16"},
    FeatureWord{0x80000008, 0, kEbx, "clzero irperf xsaveerptr - rdpru - - - - wbnoinvd"},
    FeatureWord{6, 0, kEax, "- - arat"},
    FeatureWord{7, 0, kEcx,
                "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg tme "
                "avx512_vpopcntdq - - - - - - - rdpid - bus_lock_detect cldemote - movdiri movdir64b enqcmd"},
    FeatureWord{
        7, 0, kEdx,
        "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - serialize - tsxldtrk - "
        "pconfig arch_lbr - - amx_bf16 avx512_fp16 amx_tile amx_int8 - - flush_l1d arch_capabilities"},
};

unsigned value_of(const CpuidRegisters& registers, Register which) {
  switch (which) {
    case kEax:
      return registers.eax;
    case kEbx:
      return registers.ebx;
    case kEcx:
      return registers.ecx;
    case kEdx:
      return registers.edx;
  }
  return 0;
}

void append_word(std::string& out, const FeatureWord& word) {
  const unsigned bits = value_of(cpuid(word.leaf, word.subleaf), word.reg);
  std::string_view names = word.names;
  for (int bit = 0; !names.empty() && bit < 32; ++bit) {
    const std::size_t end = std::min(names.find(' '), names.size());
    const std::string_view name = names.substr(0, end);
    names.remove_prefix(std::min(end + 1, names.size()));
    if (((bits >> bit) & 1) == 0 || name == "-") continue;
    if (!out.empty()) out += ' ';
    out += name;
  }
}

}  // namespace

std::string cpu_flags() {
  std::string out;
  for (const FeatureWord& word : kWords) append_word(out, word);
  constexpr unsigned kInvariantCounter = 1 << 8;
  if ((cpuid(0x80000007).edx & kInvariantCounter) != 0) out += " constant_tsc nonstop_tsc";
  return out + " rep_good nopl xtopology cpuid";  // what Linux concludes on every 64-bit processor
}

}  // namespace runsc
