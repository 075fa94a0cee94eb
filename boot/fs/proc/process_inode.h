// Inodes below /proc/<pid>: who owns them, and who may open them.
#pragma once

#include <functional>

#include "boot/fs/proc/process_view.h"

namespace runsc {

// Owner of a file of one process: its effective ids, or root when it is not dumpable. Directories that everybody may
// read are always its own.
PseudoAttributes process_attributes(const ProcessRef& ref, std::uint32_t mode);

// `Base` is one of PseudoInode's kind. Guarded: only who may look into the process (may_look()) gets at it at all.
template <typename Base>
class ProcessInode : public Base {
 public:
  ProcessInode(ProcFileSystem& file_system, ProcessRef ref, std::uint32_t mode, bool guarded = false)
      : Base(file_system, PseudoAttributes{mode}), ref_(std::move(ref)), guarded_(guarded) {}

  Result<void> check_permission(const Credentials& credentials, int may) override {
    TRY(Base::check_permission(credentials, may));
    if (!guarded_) return {};
    return may_look(credentials, *TRY(ref_.task()));
  }

 protected:
  PseudoAttributes current() override { return process_attributes(ref_, this->initial().mode); }
  ProcFileSystem& proc() { return static_cast<ProcFileSystem&>(this->file_system()); }
  const ProcessRef& ref() const { return ref_; }
  Result<ProcessView> view() { return view_of(proc(), ref_); }

 private:
  const ProcessRef ref_;
  const bool guarded_;
};

// A text made by a function of the process.
class ProcessTextFile : public ProcessInode<TextInode> {
 public:
  using Show = Result<std::string> (*)(const ProcessView&);
  using Store = Result<void> (*)(const ProcessView&, std::string_view);
  ProcessTextFile(ProcFileSystem& file_system, ProcessRef ref, std::uint32_t mode, bool guarded, Show show, Store store)
      : ProcessInode(file_system, std::move(ref), mode, guarded), show_(show), store_(store) {}

  Result<std::string> text() override { return show_(TRY(view())); }
  Result<void> store(std::string_view text) override {
    if (store_ == nullptr) return Errno(EIO);
    return store_(TRY(view()), text);
  }

 private:
  const Show show_;
  const Store store_;
};

}  // namespace runsc
