// The boot process's side of <root>/<id>/control.sock.
//
// One seqpacket socket, one packet a request, one packet the answer, in text: sandbox/control_client.h has the grammar.
// A client that hangs, dies or sends garbage costs one descriptor until it is gone, and never waits for another client:
// answers that it does not read are dropped, and the oldest connection makes room for a new one.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "boot/base/result.h"
#include "boot/base/unique_fd.h"

namespace runsc {

// What a request does. Called on the thread of ControlSocket::run(), one at a time.
class ControlHandler {
 public:
  virtual ~ControlHandler() = default;

  // Sends `signal` (1..64) to the container's first process, as if from outside its pid namespace; `all`: to every
  // process of the container. ESRCH: it has ended already.
  virtual Result<void> signal(int signal, bool all) = 0;

  // The host terminal behind the container's console has another size now: TIOCGWINSZ on BootOptions::stdio[0].
  virtual void resize() = 0;

  // What every task and every host thread is doing, for a person.
  virtual std::string stacks() = 0;
};

class ControlSocket {
 public:
  // `listener`: BootOptions::control.
  ControlSocket(UniqueFd listener, ControlHandler& handler);

  // Serves until stop(), on a thread of the caller's.
  void run();
  // From any thread.
  void stop();

 private:
  void accept_client();
  // False when the client is gone.
  bool serve(int client);
  std::string answer(std::string_view request);

  UniqueFd listener_;
  UniqueFd stop_;  // eventfd
  ControlHandler& handler_;
  std::deque<UniqueFd> clients_;
};

}  // namespace runsc
