#include "boot/fs/devpts/line_discipline.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace runsc {
namespace {

class LineDisciplineTest : public testing::Test {
 protected:
  std::size_t type(const std::string& text) {
    effects = {};
    return line.receive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, effects);
  }
  void print(const std::string& text) { line.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}); }
  std::string read(std::size_t limit = 10000) {
    const auto bytes = line.input().peek(limit, line.by_lines());
    line.consume_input(bytes.size());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  bool readable() const { return line.input().complete() != 0; }
  std::string screen() {
    const auto bytes = line.output().bytes();
    std::string text(bytes.begin(), bytes.end());
    line.output().clear();
    return text;
  }
  template <typename Change>
  void modify(Change change) {
    Termios settings = line.settings();
    change(settings);
    line.set_settings(settings);
  }
  void set_local(tcflag_t on, tcflag_t off = 0) {
    modify([&](Termios& t) { t.c_lflag = (t.c_lflag | on) & ~off; });
  }

  LineDiscipline line;
  InputEffects effects;
};

TEST_F(LineDisciplineTest, LinesAreReadOneByOne) {
  type("ab");
  EXPECT_FALSE(readable());
  type("c\nde\n");
  EXPECT_EQ("abc\n", read());
  EXPECT_EQ("de\n", read());
  EXPECT_EQ("abc\r\nde\r\n", screen());
}

TEST_F(LineDisciplineTest, EndOfFileEndsALineOrIsEmpty) {
  type("ab\x04");
  EXPECT_EQ("ab", read(2));
  EXPECT_FALSE(readable()) << "the end was part of the line, although the reader had no room for it";
  type("\x04");
  EXPECT_TRUE(readable());
  EXPECT_EQ("", read());
  EXPECT_FALSE(readable());
}

TEST_F(LineDisciplineTest, EndOfFileAfterALineIsItsOwn) {
  type("x\n\x04");
  EXPECT_EQ("x\n", read(2));
  EXPECT_TRUE(readable());
  EXPECT_EQ("", read());
}

TEST_F(LineDisciplineTest, EraseStopsAtTheBeginningOfTheLine) {
  type("a\nb\x7f\x7f\x7f\n");
  EXPECT_EQ("a\n", read());
  EXPECT_EQ("\n", read());
  EXPECT_EQ("a\r\nb\b \b\r\n", screen());
}

TEST_F(LineDisciplineTest, EraseOfControlCharacterTakesTwoColumns) {
  type("\x01\x7f");
  EXPECT_EQ("^A\b \b\b \b", screen());
}

TEST_F(LineDisciplineTest, EraseOfTabGoesBackToItsBeginning) {
  print("1234");
  screen();
  type("ab\t\x7f");
  EXPECT_EQ("ab\t\b\b", screen());
}

TEST_F(LineDisciplineTest, EraseTakesWholeUtf8Characters) {
  modify([](Termios& t) { t.c_iflag |= IUTF8; });
  type("a\xc3\xa4\x7f\n");
  EXPECT_EQ("a\n", read());
  EXPECT_EQ("a\xc3\xa4\b \b\r\n", screen());
}

TEST_F(LineDisciplineTest, WordErase) {
  type("one two  \x17x\n");
  EXPECT_EQ("one x\n", read());
}

TEST_F(LineDisciplineTest, KillShowsItselfWithoutEchoke) {
  set_local(0, ECHOKE);
  type("abc\x15");
  EXPECT_EQ("abc^U\r\n", screen());
  type("d\n");
  EXPECT_EQ("d\n", read());
}

TEST_F(LineDisciplineTest, EchoprtShowsWhatIsErased) {
  set_local(ECHOPRT);
  type(
      "ab\x7f\x7f"
      "c");
  EXPECT_EQ("ab\\ba/c", screen());
}

TEST_F(LineDisciplineTest, NewlineAloneIsEchoedWithEchonl) {
  set_local(ECHONL, ECHO);
  type("ab\n");
  EXPECT_EQ("\r\n", screen());
}

TEST_F(LineDisciplineTest, LiteralNextPassesSpecialCharacters) {
  type("\x16\x03\n");
  EXPECT_TRUE(effects.signals.empty());
  EXPECT_EQ("\x03\n", read());
  EXPECT_EQ("^\b^C\r\n", screen());
}

TEST_F(LineDisciplineTest, Reprint) {
  type("ab\x12");
  EXPECT_EQ("ab^R\r\nab", screen());
}

TEST_F(LineDisciplineTest, SignalCharactersFlushUnlessNoflsh) {
  type("ab\n\x03");
  EXPECT_EQ(std::vector<int>{SIGINT}, effects.signals);
  EXPECT_TRUE(effects.flushed_input);
  EXPECT_FALSE(readable());
  set_local(NOFLSH);
  type("ab\n\x1c\x1a");
  EXPECT_EQ((std::vector<int>{SIGQUIT, SIGTSTP}), effects.signals);
  EXPECT_EQ("ab\n", read());
}

TEST_F(LineDisciplineTest, DisabledCharacterIsAnyOther) {
  modify([](Termios& t) { t.c_cc[VINTR] = 0; });
  type(std::string("\0\n", 2));
  EXPECT_TRUE(effects.signals.empty());
  EXPECT_EQ(std::string("\0\n", 2), read());
}

TEST_F(LineDisciplineTest, StopHoldsOutputAndEcho) {
  type("\x13");
  EXPECT_EQ(0u, line.output_room());
  type("a");
  EXPECT_EQ("", screen());
  type("\x11");
  EXPECT_EQ("a", screen());
  EXPECT_NE(0u, line.output_room());
}

TEST_F(LineDisciplineTest, StopByAProgramIsNotUndoneByTyping) {
  line.stop_by_program();
  type("\x11");
  EXPECT_TRUE(line.stopped());
  line.start_by_program();
  EXPECT_FALSE(line.stopped());
}

TEST_F(LineDisciplineTest, AnyCharacterStartsWithIxany) {
  modify([](Termios& t) { t.c_iflag |= IXANY; });
  type("\x13z");
  EXPECT_FALSE(line.stopped());
}

TEST_F(LineDisciplineTest, CarriageReturnsOnInput) {
  type("a\r");
  EXPECT_EQ("a\n", read());
  modify([](Termios& t) { t.c_iflag = INLCR; });
  type("a\n");
  EXPECT_FALSE(readable());
  modify([](Termios& t) { t.c_iflag = IGNCR; });
  type("\r\n");
  EXPECT_EQ("a\r\n", read());
}

TEST_F(LineDisciplineTest, OutputProcessing) {
  print("a\n\tb");
  EXPECT_EQ("a\r\n\tb", screen());
  modify([](Termios& t) { t.c_oflag = OPOST | XTABS | OCRNL | OLCUC; });
  print("\r");
  screen();
  modify([](Termios& t) { t.c_oflag = OPOST | XTABS | OLCUC; });
  print("\rab\tc");
  EXPECT_EQ("\rAB      C", screen());
  modify([](Termios& t) { t.c_oflag = OPOST | ONOCR; });
  print("\n");
  screen();
  modify([](Termios& t) { t.c_oflag = OPOST | ONOCR | ONLCR; });
  print("\n\r");
  EXPECT_EQ("\r\n", screen());
}

TEST_F(LineDisciplineTest, LongLineCanStillBeEnded) {
  set_local(0, ECHO);
  EXPECT_EQ(10000u, type(std::string(10000, 'x')));
  EXPECT_FALSE(readable());
  type("\n");
  EXPECT_EQ(std::string(4095, 'x') + "\n", read());
}

TEST_F(LineDisciplineTest, RawInputWaitsForItsReader) {
  set_local(0, ICANON | ECHO | ISIG);
  EXPECT_EQ(4095u, type(std::string(10000, 'x')));
  EXPECT_EQ(1000u, read(1000).size());
  EXPECT_EQ(1000u, type(std::string(10000, 'x')));
}

TEST_F(LineDisciplineTest, SwitchingModesKeepsInput) {
  set_local(0, ECHO);
  type(
      "ab\x04"
      "cd");
  set_local(0, ICANON);
  EXPECT_EQ(std::string("ab\0cd", 5), read());
  type("ef");
  set_local(ICANON);
  EXPECT_EQ("ef", read());
}

TEST_F(LineDisciplineTest, UnreadLinesMakeTheWriterWait) {
  set_local(0, ECHO);
  std::size_t taken = 0;
  while (type("0123456789\n") == 11) taken += 11;
  EXPECT_LE(taken, InputBuffer::kCapacity);
  read();
  EXPECT_NE(0u, type("x"));
}

TEST_F(LineDisciplineTest, FlushSparesWhatTheMasterHas) {
  print(std::string(10000, 'x'));
  line.flush_output();
  EXPECT_EQ(LineDiscipline::kBeyondFlush, screen().size());
}

}  // namespace
}  // namespace runsc
