#include "boot/memory/memory_manager.h"

#include <algorithm>

#include "boot/base/checked.h"
#include "boot/memory/placement.h"

namespace runsc {
namespace {

// sysctl vm.max_map_count.
constexpr std::size_t kMaxVmas = 65530;
// How far below the top the first mapping may lie at random: 28 bits of pages (vm.mmap_rnd_bits).
constexpr std::uint64_t kMmapRandomPages = 1ULL << 28;
// Where the top of the stack may be chosen at random: 22 bits of pages; kept free for it besides RLIMIT_STACK.
constexpr std::uint64_t kStackRandomBytes = (1ULL << 22) * kPageSize;
constexpr std::uint64_t kMinStackGap = 128 << 20;
// MAP_32BIT.
constexpr AddressRange kLowRange{0x40000000, 0x80000000};

std::vector<AddressRange> blocked_ranges(const Platform::Layout& layout) {
  std::vector<AddressRange> ranges;
  for (const AddressRange range : {AddressRange{layout.reserved_start, layout.reserved_end},
                                   AddressRange{layout.vdso, layout.vdso + layout.vdso_size},
                                   AddressRange{layout.vvar, layout.vvar + layout.vvar_size}})
    if (!range.empty()) ranges.push_back(range);
  std::ranges::sort(ranges, {}, &AddressRange::start);
  return ranges;
}

Vma system_vma(std::uint64_t start, std::uint64_t size, int protection, const char* name) {
  Vma vma;
  vma.start = start;
  vma.end = start + *page_ceil(size);
  vma.protection = protection;
  vma.max_protection = protection;
  vma.sealed = true;
  vma.name = name;
  return vma;
}

std::uint64_t choose_mmap_top(const Platform::Layout& layout, std::uint64_t stack_limit, bool randomize) {
  const std::uint64_t wanted = checked_add(stack_limit, kStackGuardGap + kStackRandomBytes).value_or(~0ULL);
  const std::uint64_t gap = std::clamp(wanted, kMinStackGap, layout.task_size / 6 * 5);
  const std::uint64_t random = randomize ? random_below(kMmapRandomPages) * kPageSize : 0;
  return page_floor(layout.task_size - gap - std::min(random, (layout.task_size - gap) / 2));
}

}  // namespace

MemoryManager::MemoryManager(std::unique_ptr<AddressSpace> space, const Platform::Layout& layout, State state,
                             std::uint64_t mmap_top, bool randomize)
    : layout_(layout),
      blocked_(blocked_ranges(layout)),
      mmap_top_(mmap_top),
      randomize_(randomize),
      state_(std::move(state)),
      space_(std::move(space)) {}

MemoryManager::~MemoryManager() = default;

Result<std::shared_ptr<MemoryManager>> MemoryManager::create(Platform& platform, std::uint64_t stack_limit,
                                                             bool randomize, Platform::Birthplace* birthplace) {
  const Platform::Layout& layout = platform.layout();
  State state;
  if (layout.vvar_size != 0) state.vmas.insert(system_vma(layout.vvar, layout.vvar_size, PROT_READ, "[vvar]"));
  if (layout.vdso_size != 0)
    state.vmas.insert(system_vma(layout.vdso, layout.vdso_size, PROT_READ | PROT_EXEC, "[vdso]"));
  const std::uint64_t top = choose_mmap_top(layout, stack_limit, randomize);
  auto space = TRY(platform.new_address_space(birthplace));
  return std::shared_ptr<MemoryManager>(new MemoryManager(std::move(space), layout, std::move(state), top, randomize));
}

Result<std::shared_ptr<MemoryManager>> MemoryManager::fork() {
  Access state = state_.lock();
  settle(state, {0, layout_.task_size});
  auto space = TRY(space_->fork());
  State copy;
  for (const auto& [start, vma] : state->vmas.all()) {
    if (vma.dont_fork) continue;
    Vma child = vma;
    child.locked = false;
    copy.vmas.insert(std::move(child));
  }
  copy.image = state->image;
  copy.brk = state->brk;
  copy.stack_slack = state->stack_slack;
  copy.peak = copy.vmas.virtual_bytes();
  const std::shared_ptr<MemoryManager> child(
      new MemoryManager(std::move(space), layout_, std::move(copy), mmap_top_, randomize_));
  // Before this one's lock is released, so that whoever resizes a file and has told this one finds the child too.
  for (const auto& [start, vma] : state->vmas.all())
    if (vma.mappers != nullptr && !vma.dont_fork) vma.mappers->add(child);
  return child;
}

std::shared_ptr<void> MemoryManager::attach_once(std::shared_ptr<void> object) {
  auto attachment = attachment_.lock();
  if (*attachment == nullptr) *attachment = std::move(object);
  return *attachment;
}

std::vector<Vma> MemoryManager::vmas() const {
  Access state = state_.lock();
  std::vector<Vma> list;
  list.reserve(state->vmas.size());
  for (const auto& [start, vma] : state->vmas.all()) list.push_back(vma);
  return list;
}

MemoryManager::Totals MemoryManager::totals() const {
  Access state = state_.lock();
  Totals totals;
  totals.virtual_bytes = state->vmas.virtual_bytes();
  totals.peak_virtual_bytes = std::max(state->peak, totals.virtual_bytes);
  totals.locked_bytes = state->vmas.locked_bytes();
  totals.data_bytes = state->vmas.data_bytes();
  totals.stack_bytes = state->vmas.stack_bytes();
  const Image& image = state->image;
  totals.text_bytes = page_ceil(image.code_end).value_or(0) - page_floor(image.code_start);
  for (const auto& [start, vma] : state->vmas.all())
    if ((vma.protection & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC && !vma.grows_down)
      totals.library_bytes += vma.length();
  totals.library_bytes -= std::min(totals.library_bytes, totals.text_bytes);
  return totals;
}

bool MemoryManager::mapped(std::uint64_t address) const { return state_.lock()->vmas.find(address) != nullptr; }

bool MemoryManager::covers(AddressRange range) const { return state_.lock()->vmas.covers(range); }

MemoryManager::Image MemoryManager::image() const { return state_.lock()->image; }

void MemoryManager::set_image(Image image) {
  Access state = state_.lock();
  image.brk_start = state->image.brk_start;
  // The old one's files are released after the lock: `image` is destroyed last.
  std::swap(state->image, image);
}

void MemoryManager::set_brk_start(std::uint64_t address) {
  Access state = state_.lock();
  state->image.brk_start = address;
  state->brk = address;
}

void MemoryManager::grow_peak(State& state) const { state.peak = std::max(state.peak, state.vmas.virtual_bytes()); }

std::vector<AddressRange> MemoryManager::unavailable(const State& state) const {
  std::vector<AddressRange> ranges = blocked_;
  state.native.append_ranges(ranges);
  return ranges;
}

bool MemoryManager::touches_blocked(AddressRange range) const {
  return std::ranges::any_of(blocked_, [&](const AddressRange& other) { return other.overlaps(range); });
}

Result<void> MemoryManager::check_not_sealed(const State& state, AddressRange range) {
  bool sealed = false;
  state.vmas.visit(range, [&](const Vma& vma, AddressRange) { sealed |= vma.sealed; });
  if (sealed) return Errno(EPERM);
  return {};
}

Result<void> MemoryManager::check_fixed(std::uint64_t address, std::uint64_t length) const {
  if (length > layout_.task_size || address > layout_.task_size - length) return Errno(ENOMEM);
  if (!page_aligned(address)) return Errno(EINVAL);
  if (address < layout_.mmap_min) return Errno(EPERM);
  return {};
}

Result<void> MemoryManager::check_limits(const State& state, const Vma& vma, std::uint64_t replaced,
                                         const CallLimits& limits) {
  if (state.vmas.size() >= kMaxVmas) return Errno(ENOMEM);
  if (state.vmas.virtual_bytes() - state.stack_slack - replaced + vma.length() > limits.address_space)
    return Errno(ENOMEM);
  if (vma.is_data() && state.vmas.data_bytes() + vma.length() > limits.data) return Errno(ENOMEM);
  return {};
}

Result<std::uint64_t> MemoryManager::place_top_down(const State& state, std::uint64_t length,
                                                    std::uint64_t alignment) const {
  const auto blocked = unavailable(state);
  GapSearch search{length, {layout_.mmap_min, mmap_top_}, alignment, blocked};
  if (const auto address = find_gap_top_down(state.vmas, search)) return *address;
  // What is left above, as Linux tries it when the usual region is full.
  search.within = {mmap_top_, layout_.task_size};
  if (const auto address = find_gap_bottom_up(state.vmas, search)) return *address;
  return Errno(ENOMEM);
}

Result<std::uint64_t> MemoryManager::place(const State& state, std::uint64_t hint, std::uint64_t length,
                                           int flags) const {
  const std::uint64_t limit = (flags & MAP_32BIT) != 0 ? kLowRange.end : layout_.task_size;
  if (length > limit) return Errno(ENOMEM);
  const auto wanted = hint == 0 ? std::nullopt : page_ceil(hint);
  if (wanted) {
    const std::uint64_t address = std::max(*wanted, layout_.mmap_min);
    if (address <= limit - length && is_free(state.vmas, {address, address + length}, unavailable(state)))
      return address;
  }
  if ((flags & MAP_32BIT) != 0) {
    const auto address = find_gap_bottom_up(state.vmas, {length, kLowRange, kPageSize, unavailable(state)});
    if (!address) return Errno(ENOMEM);
    return *address;
  }
  return place_top_down(state, length, kPageSize);
}

Result<std::uint64_t> MemoryManager::find_free(std::uint64_t wanted, std::uint64_t length,
                                               std::uint64_t alignment) const {
  Access state = state_.lock();
  if (length == 0 || length > layout_.task_size) return Errno(ENOMEM);
  const std::uint64_t address = wanted & ~(alignment - 1);
  if (address >= layout_.mmap_min && address <= layout_.task_size - length &&
      is_free(state->vmas, {address, address + length}, blocked_))
    return address;
  return place_top_down(*state, length, alignment);
}

}  // namespace runsc
