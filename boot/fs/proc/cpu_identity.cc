#include "boot/fs/proc/cpu_identity.h"

#include <cpuid.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "boot/fs/proc/cpu_flags.h"
#include "boot/kernel/deadline.h"

namespace runsc {
namespace {

void append_words(std::string& out, std::initializer_list<unsigned> words) {
  for (const unsigned word : words) {
    std::array<char, sizeof word> bytes;
    std::memcpy(bytes.data(), &word, sizeof word);
    out.append(bytes.data(), bytes.size());
  }
}

std::string trimmed(std::string text) {
  text.resize(std::min(text.size(), text.find('\0')));
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  const std::size_t end = text.find_last_not_of(' ');
  return end == std::string::npos ? std::string() : text.substr(begin, end + 1 - begin);
}

std::string vendor_name() {
  const CpuidRegisters leaf = cpuid(0);
  std::string out;
  append_words(out, {leaf.ebx, leaf.edx, leaf.ecx});
  return trimmed(out);
}

std::string model_name() {
  constexpr unsigned kFirst = 0x80000002, kLast = 0x80000004;
  std::string out;
  for (unsigned leaf = kFirst; leaf <= kLast; ++leaf) {
    const CpuidRegisters part = cpuid(leaf);
    append_words(out, {part.eax, part.ebx, part.ecx, part.edx});
  }
  out = trimmed(out);
  return out.empty() ? "unknown" : out;
}

// Leaf 1: the extended parts count only for some families.
void set_version(CpuIdentity& cpu) {
  const unsigned version = cpuid(1).eax;
  cpu.stepping = version & 0xf;
  cpu.family = (version >> 8) & 0xf;
  cpu.model = (version >> 4) & 0xf;
  if (cpu.family >= 6) cpu.model += ((version >> 16) & 0xf) << 4;
  if (cpu.family == 0xf) cpu.family += (version >> 20) & 0xff;
  cpu.flush_bytes = ((cpuid(1).ebx >> 8) & 0xff) * 8;
}

// The largest cache that leaf 4 (Intel) or 0x8000001d (AMD) describes.
unsigned last_cache_kib(const std::string& vendor) {
  const unsigned leaf = vendor == "AuthenticAMD" ? 0x8000001d : 4;
  unsigned largest = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const CpuidRegisters cache = cpuid(leaf, i);
    if ((cache.eax & 0x1f) == 0) break;
    const unsigned long ways = (cache.ebx >> 22) + 1, partitions = ((cache.ebx >> 12) & 0x3ff) + 1,
                        line = (cache.ebx & 0xfff) + 1, sets = static_cast<unsigned long>(cache.ecx) + 1;
    largest = std::max(largest, static_cast<unsigned>(ways * partitions * line * sets / 1024));
  }
  return largest;
}

// The time stamp counter runs at the nominal frequency; it is measured where no leaf tells.
double frequency_mhz() {
  const CpuidRegisters tsc = cpuid(0x15);
  if (cpuid(0).eax >= 0x15 && tsc.eax != 0 && tsc.ebx != 0 && tsc.ecx != 0)
    return static_cast<double>(tsc.ecx) * tsc.ebx / tsc.eax / 1e6;
  if (cpuid(0).eax >= 0x16 && (cpuid(0x16).eax & 0xffff) != 0) return cpuid(0x16).eax & 0xffff;
  constexpr std::int64_t kMeasured = 1'000'000;  // ns
  const std::int64_t start = now_ns(CLOCK_MONOTONIC);
  const unsigned long long counter = __rdtsc();
  std::int64_t now = start;
  while (now - start < kMeasured) now = now_ns(CLOCK_MONOTONIC);
  return static_cast<double>(__rdtsc() - counter) * 1000 / static_cast<double>(now - start);
}

}  // namespace

CpuidRegisters cpuid(unsigned leaf, unsigned subleaf) {
  CpuidRegisters out;
  // Leaves beyond the highest one answer with those of another.
  const unsigned highest = __get_cpuid_max(leaf & 0x80000000, nullptr);
  if (leaf > highest) return out;
  __cpuid_count(leaf, subleaf, out.eax, out.ebx, out.ecx, out.edx);
  return out;
}

CpuIdentity identify_cpu() {
  CpuIdentity cpu;
  cpu.vendor = vendor_name();
  cpu.name = model_name();
  cpu.cpuid_level = cpuid(0).eax;
  set_version(cpu);
  cpu.megahertz = frequency_mhz();
  cpu.cache_kib = last_cache_kib(cpu.vendor);
  const unsigned sizes = cpuid(0x80000008).eax;
  cpu.physical_bits = sizes & 0xff;
  cpu.virtual_bits = std::min((sizes >> 8) & 0xff, 48u);
  cpu.flags = cpu_flags();
  return cpu;
}

}  // namespace runsc
