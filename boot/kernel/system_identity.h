// What the application kernel says that it is: the Linux version whose interfaces it implements (uname(2), /proc).
#pragma once

#include <string_view>

namespace runsc {

inline constexpr std::string_view kSystemName = "Linux";
inline constexpr std::string_view kSystemRelease = "6.1.0-runsc";
inline constexpr std::string_view kSystemVersion = "#1 SMP PREEMPT_DYNAMIC runsc";

}  // namespace runsc
