#include "boot/kernel/filter_program.h"

#include <linux/audit.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>

namespace runsc {
namespace {

constexpr std::size_t kDataSize = sizeof(seccomp_data);

bool is_arithmetic(std::uint16_t code) {
  switch (BPF_OP(code)) {
    case BPF_ADD:
    case BPF_SUB:
    case BPF_MUL:
    case BPF_DIV:
    case BPF_AND:
    case BPF_OR:
    case BPF_XOR:
    case BPF_LSH:
    case BPF_RSH:
      return (code & ~(BPF_OP(code) | BPF_SRC(code))) == BPF_ALU;
    case BPF_NEG:
      return code == (BPF_ALU | BPF_NEG);
    default:
      return false;
  }
}

bool valid_arithmetic(const sock_filter& instruction) {
  if (!is_arithmetic(instruction.code)) return false;
  if (BPF_SRC(instruction.code) == BPF_X) return true;
  switch (BPF_OP(instruction.code)) {
    case BPF_DIV:
      return instruction.k != 0;
    case BPF_LSH:
    case BPF_RSH:
      return instruction.k < 32;
    default:
      return true;
  }
}

// `left`: how many instructions follow.
bool valid_jump(const sock_filter& instruction, std::size_t left) {
  if (instruction.code == (BPF_JMP | BPF_JA)) return instruction.k < left;
  switch (BPF_OP(instruction.code)) {
    case BPF_JEQ:
    case BPF_JGE:
    case BPF_JGT:
    case BPF_JSET:
      break;
    default:
      return false;
  }
  if ((instruction.code & ~(BPF_OP(instruction.code) | BPF_X)) != BPF_JMP) return false;
  return instruction.jt < left && instruction.jf < left;
}

bool valid_instruction(const sock_filter& instruction, std::size_t left) {
  switch (instruction.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      return instruction.k < kDataSize && instruction.k % sizeof(std::uint32_t) == 0;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return instruction.k < BPF_MEMWORDS;
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
      return true;
    default:
      break;
  }
  if (BPF_CLASS(instruction.code) == BPF_ALU) return valid_arithmetic(instruction);
  return BPF_CLASS(instruction.code) == BPF_JMP && valid_jump(instruction, left);
}

// Whether every load of a scratch word comes after a store to it on all paths. `stored[i]`: the words stored before
// instruction i on every path to it.
bool loads_only_what_was_stored(const std::vector<sock_filter>& code) {
  std::vector<std::uint16_t> stored(code.size(), 0xffff);
  std::uint16_t now = 0;
  const auto arrive = [&](std::size_t at) { stored[at] &= now; };
  for (std::size_t i = 0; i < code.size(); ++i) {
    now &= stored[i];
    switch (BPF_CLASS(code[i].code)) {
      case BPF_ST:
      case BPF_STX:
        now = static_cast<std::uint16_t>(now | 1U << code[i].k);
        break;
      case BPF_LD:
      case BPF_LDX:
        if (BPF_MODE(code[i].code) == BPF_MEM && (now >> code[i].k & 1) == 0) return false;
        break;
      case BPF_JMP:
        if (BPF_OP(code[i].code) == BPF_JA) {
          arrive(i + 1 + code[i].k);
        } else {
          arrive(i + 1 + code[i].jt);
          arrive(i + 1 + code[i].jf);
        }
        now = 0xffff;
        break;
      default:
        break;
    }
  }
  return true;
}

bool ends_with_return(const std::vector<sock_filter>& code) {
  return code.back().code == (BPF_RET | BPF_K) || code.back().code == (BPF_RET | BPF_A);
}

std::uint32_t arithmetic(std::uint16_t operation, std::uint32_t a, std::uint32_t operand) {
  switch (operation) {
    case BPF_ADD:
      return a + operand;
    case BPF_SUB:
      return a - operand;
    case BPF_MUL:
      return a * operand;
    case BPF_DIV:
      return a / operand;  // not 0: see run_program()
    case BPF_AND:
      return a & operand;
    case BPF_OR:
      return a | operand;
    case BPF_XOR:
      return a ^ operand;
    case BPF_LSH:
      return a << (operand & 31);
    case BPF_RSH:
      return a >> (operand & 31);
    default:
      return -a;  // BPF_NEG
  }
}

bool compare(std::uint16_t operation, std::uint32_t a, std::uint32_t operand) {
  switch (operation) {
    case BPF_JEQ:
      return a == operand;
    case BPF_JGT:
      return a > operand;
    case BPF_JGE:
      return a >= operand;
    default:
      return (a & operand) != 0;  // BPF_JSET
  }
}

// Runs checked code. nullopt: it loads data at `known` or beyond, which the caller does not have.
std::optional<std::uint32_t> run_program(const std::vector<sock_filter>& code, const seccomp_data& call,
                                         std::size_t known) {
  std::array<std::byte, kDataSize> data;
  std::memcpy(data.data(), &call, sizeof(call));
  std::array<std::uint32_t, BPF_MEMWORDS> memory{};
  std::uint32_t a = 0, x = 0;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const sock_filter& instruction = code[i];
    const std::uint32_t k = instruction.k;
    const std::uint32_t operand = BPF_SRC(instruction.code) == BPF_X ? x : k;
    switch (instruction.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (k >= known) return std::nullopt;
        std::memcpy(&a, data.data() + k, sizeof(a));
        continue;
      case BPF_LD | BPF_W | BPF_LEN:
        a = kDataSize;
        continue;
      case BPF_LDX | BPF_W | BPF_LEN:
        x = kDataSize;
        continue;
      case BPF_LD | BPF_IMM:
        a = k;
        continue;
      case BPF_LDX | BPF_IMM:
        x = k;
        continue;
      case BPF_LD | BPF_MEM:
        a = memory[k];
        continue;
      case BPF_LDX | BPF_MEM:
        x = memory[k];
        continue;
      case BPF_ST:
        memory[k] = a;
        continue;
      case BPF_STX:
        memory[k] = x;
        continue;
      case BPF_MISC | BPF_TAX:
        x = a;
        continue;
      case BPF_MISC | BPF_TXA:
        a = x;
        continue;
      case BPF_RET | BPF_K:
        return k;
      case BPF_RET | BPF_A:
        return a;
      case BPF_JMP | BPF_JA:
        i += k;
        continue;
      default:
        break;
    }
    if (BPF_CLASS(instruction.code) == BPF_JMP) {
      i += compare(BPF_OP(instruction.code), a, operand) ? instruction.jt : instruction.jf;
    } else if (BPF_OP(instruction.code) == BPF_DIV && operand == 0) {
      return 0;  // the classic machine ends so
    } else {
      a = arithmetic(BPF_OP(instruction.code), a, operand);
    }
  }
  return SECCOMP_RET_KILL_PROCESS;  // not reached: the last instruction returns
}

}  // namespace

Result<FilterProgram> FilterProgram::check(std::vector<sock_filter> code) {
  if (code.empty() || code.size() > BPF_MAXINSNS || !ends_with_return(code)) return Errno(EINVAL);
  for (std::size_t i = 0; i < code.size(); ++i)
    if (!valid_instruction(code[i], code.size() - i - 1)) return Errno(EINVAL);
  if (!loads_only_what_was_stored(code)) return Errno(EINVAL);
  return FilterProgram(std::move(code));
}

std::uint32_t FilterProgram::run(const seccomp_data& call) const { return *run_program(code_, call, kDataSize); }

bool FilterProgram::always_allows(std::uint32_t number) const {
  seccomp_data call{};
  call.nr = static_cast<int>(number);
  call.arch = AUDIT_ARCH_X86_64;
  const auto action = run_program(code_, call, offsetof(seccomp_data, instruction_pointer));
  return action && *action == SECCOMP_RET_ALLOW;
}

}  // namespace runsc
