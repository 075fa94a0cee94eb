#include "boot/loader/script.h"

#include <gtest/gtest.h>

namespace runsc {
namespace {

Result<ScriptLine> parse(const std::string& text) { return parse_script(std::as_bytes(std::span(text))); }

void expect_line(const std::string& text, const std::string& interpreter, const std::optional<std::string>& argument) {
  const auto line = parse(text);
  ASSERT_TRUE(line.ok()) << text;
  EXPECT_EQ(interpreter, line->interpreter);
  EXPECT_EQ(argument, line->argument);
}

void expect_refused(const std::string& text) {
  const auto line = parse(text);
  ASSERT_FALSE(line.ok()) << text;
  EXPECT_EQ(ENOEXEC, line.error().value());
}

TEST(Script, InterpreterAndOneArgument) {
  expect_line("#!/bin/sh\necho", "/bin/sh", std::nullopt);
  expect_line("#!/bin/sh -e\n", "/bin/sh", "-e");
  expect_line("#! \t/bin/sh  -e  -x \t\n", "/bin/sh", "-e  -x");
  expect_line("#!/bin/sh", "/bin/sh", std::nullopt);
  expect_line("#!sh \n", "sh", std::nullopt);
}

TEST(Script, NulEndsTheLine) {
  expect_line(std::string("#!/bin/sh\0 x\n", 13), "/bin/sh", std::nullopt);
  expect_line(std::string("#!/bin/sh a\0b\n", 14), "/bin/sh", "a");
}

TEST(Script, NothingNamed) {
  expect_refused("");
  expect_refused("#");
  expect_refused("#!");
  expect_refused("#!\n/bin/sh");
  expect_refused("#!  \t \n");
  expect_refused("#!" + std::string(300, ' '));
  expect_refused("x#!/bin/sh");
}

TEST(Script, NameMustNotBeCutOff) {
  expect_refused("#!/" + std::string(400, 'a') + "\n");
  // The newline lies within what is looked at, or not.
  expect_line("#!" + std::string(253, 'a') + "\n", std::string(253, 'a'), std::nullopt);
  expect_refused("#!" + std::string(254, 'a') + "\n");
}

TEST(Script, ArgumentMayBeCutOff) {
  const auto line = parse("#!/bin/sh " + std::string(400, 'a') + "\n");
  ASSERT_TRUE(line.ok());
  EXPECT_EQ("/bin/sh", line->interpreter);
  EXPECT_EQ(255u - 10, line->argument->size());
}

}  // namespace
}  // namespace runsc
